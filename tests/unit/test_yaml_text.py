"""Lists of a YAML mapping, changed in its text."""

import pytest
import yaml

from components import yaml_text
from components.yaml_text import Document

ENTRY = {"name": "new", "about": {"a": "1", "b": ["x", True]}}
OTHER = {"name": "other", "about": {}}


def added(text, *entries, key="list"):
    document = Document(text)
    for entry in entries or (ENTRY,):
        document.append(key, entry)
    return document.render()


def without(text, *indices, key="list"):
    document = Document(text)
    for index in indices:
        document.remove(key, index)
    return document.render()


BLOCK = """\
# mine

first:   {a:   1}   # kept as it is
list:
# about one
- name: one  # its name
  about:
    deep: "x"
    # about: commented out
- about: |
    several

    lines

  name: two
last: 'q'
# the end
"""

FURTHER_IN = BLOCK.replace("\n- ", "\n  - ").replace("\n  ", "\n    ").replace("\n    - ", "\n  - ")
"""The same, with the list not as far left as its key."""


@pytest.mark.parametrize(
    "text",
    [
        BLOCK,
        BLOCK.replace("\n", "\r\n"),
        "\ufeff" + BLOCK,
        FURTHER_IN,
        "list: []\n",
        "list: []  # none yet\nother: 1\n",
        "list: [{name: one}, {name: two}]  # in brackets\n",
        "list: [\n  {name: one}, # first\n  {name: two}\n]\n",
        '{"list": [{"name": "one"}], "other": null}',
        '{\n  "list": []\n}\n',
        "list:\n  -\n    name: one\n  - name: two\n",
        "  list:\n  - name: one\n  other: 1\n",
        "list:\n- name: one\n- |+\n  text\n\nother: 1\n",
        "list:\n- name: ü€𝄞\n- name: two\n",
    ],
)  # fmt: skip
def test_what_is_added_and_taken_out_again_leaves_every_byte_as_it_was(text):
    more = added(text, ENTRY, OTHER)
    assert yaml.safe_load(more)["list"] == [*yaml.safe_load(text)["list"], ENTRY, OTHER]
    count = len(yaml.safe_load(text)["list"])
    # In brackets a space more may be left.
    assert without(more, count, count + 1).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("nothing", ["", " null", " ~", " []", "\n  []", " [ ]"])
@pytest.mark.parametrize("text", ["a: 1\nlist:{}  # why\nb: 2\n", "list:{}", "b: 2\nlist:{}\n# end\n"])
def test_a_list_of_nothing_gets_its_first_entries(text, nothing):
    text = text.format(nothing)
    more = added(text, ENTRY, OTHER)
    assert yaml.safe_load(more) == {**yaml.safe_load(text), "list": [ENTRY, OTHER]}
    assert more.count("#") == text.count("#")
    assert yaml.safe_load(without(more, 0, 1))["list"] == []


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "a: 1", "a:\n- 1\n", "{}", '{"a": 1}', "  a: 1\n"])
def test_a_list_that_is_not_there_is_made(text):
    more = added(text)
    assert yaml.safe_load(more) == {**(yaml.safe_load(text) or {}), "list": [ENTRY]}
    assert more.startswith(text.rstrip("}"))


def test_a_comment_stays_where_it_is_when_the_entry_below_it_goes():
    assert without(BLOCK, 0) == BLOCK.replace('- name: one  # its name\n  about:\n    deep: "x"\n', "")


def test_what_is_commented_out_in_the_last_entry_stays_with_it():
    assert added("list:\n- name: one\n  # more: 1\n# end\n", OTHER) == (
        "list:\n- name: one\n  # more: 1\n- name: other\n  about: {}\n# end\n"
    )


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        ((0,), "[ b, c]"),
        ((1,), "[a,  c]"),
        ((2,), "[a, b ]"),
        ((0, 1), "[  c]"),
        ((1, 2), "[a  ]"),
        ((0, 1, 2), "[  ]"),
    ],
)
def test_entries_in_brackets_go_with_their_commas(gone, left):
    assert without("list: [a, b, c]", *gone) == f"list: {left}\n"
    more = Document("list: [a, b, c]")
    for index in gone:
        more.remove("list", index)
    more.append("list", {"d": 1})
    assert yaml.safe_load(more.render())["list"] == [*yaml.safe_load(left), {"d": 1}]


@pytest.mark.parametrize("text", [BLOCK, "list: [{name: one}, {name: two}]", '{"list": [1, 2, 3], "other": 4}'])
def test_an_entry_is_written_anew_in_its_place(text):
    document = Document(text)
    document.replace("list", 0, ENTRY)
    changed = document.render()
    assert yaml.safe_load(changed)["list"] == [ENTRY, *yaml.safe_load(text)["list"][1:]]
    assert changed.count("#") == text.count("#") - text.count("# its name")


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("key: old  # why\n", "key: new  # why\n"),
        ("key:  # why\n", "key: new  # why\n"),
        ("key: ''\nb: 1\n", "key: new\nb: 1\n"),
        ("b: 1\n# end\n", "b: 1\nkey: new\n# end\n"),
        ('{"key": "old"}', '{"key": "new"}'),
        ('{"b": {"key": 1}}', '{"b": {"key": 1}, "key": "new"}'),
    ],
)
def test_a_key_is_made_to_say_a_text_and_nothing_else_changes(text, changed):
    document = Document(text)
    document.assign("key", "new")
    assert document.render() == changed


def test_without_a_change_the_text_is_the_same_even_without_an_end_of_line():
    assert Document("a: 1").render() == "a: 1"


# What YAML of Go takes for a number or for true: gopkg.in/yaml.v2, resolve.go.
@pytest.mark.parametrize("text", ["y", "N", "1e3", "1_000", "0x1F", "0o17", "0b1", ".5", "+1", "12e3", "null", "true"])
def test_a_text_that_go_would_take_for_something_else_is_quoted(text):
    line = added("", {"name": text}).splitlines()[-1]
    assert line in (f"- name: '{text}'", f'- name: "{text}"')


def test_an_anchor_that_another_entry_needs_is_not_taken_away():
    with pytest.raises(ValueError, match="cannot be changed without loss"):
        without("list:\n- &a {name: one}\n- *a\n", 0)
    assert yaml.safe_load(added("list:\n- &a {name: one}\n- *a\n"))["list"][1] == {"name": "one"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", r"it is not YAML \(line 2\)"),
        ("a: 1\nb: 2\n c: 3\n", r"it is not YAML \(line 3\)"),
        ("a: 1\n---\nb: 1\n", r"it is not YAML \(line 2\)"),
        ("\0\0\0\0", "it is not YAML"),
        ("a: !new 1", r"it is not YAML \(line 1\)"),
        ("- a", "it is no mapping"),
        ("[" * 5000, "it is not YAML"),
        ("a: " + "[" * 100_000 + "]" * 100_000, "it is not YAML that ends"),
        ("- " * 100_000 + "a", "it is not YAML that ends"),
        ("a: &a [*a]", "it is not YAML that ends"),
        ("a: &a {b: *a}", "it is not YAML that ends"),
        ("0: &0 [x]\n" + "".join(f"{i}: &{i} [{f'*{i - 1}, ' * 9}]\n" for i in range(1, 10)), "not YAML that ends"),
        ("a: &0 x\n" + "".join(f"a: &{i} [*{i - 1}]\n" for i in range(1, 3000)), "not YAML that ends"),
        ("a: !!bool x", "a value in it is not what it looks like"),
        ("a: !!timestamp x", "a value in it is not what it looks like"),
        ("a: 0x_", "a value in it is not what it looks like"),
        ("a: " + "9" * 5000, "a value in it is not what it looks like"),
    ],
)
def test_what_is_no_mapping_is_refused_by_what_is_wrong_with_it(text, why):
    with pytest.raises(ValueError, match=why):
        Document(text)


def test_a_key_that_stands_there_twice_is_refused_before_anything_is_changed():
    with pytest.raises(ValueError, match="it has list twice"):
        added("list: []\na: 1\nlist: []\n")


def test_a_date_is_the_text_that_it_is():
    assert yaml_text.load("a: 2024-13-45") == {"a": "2024-13-45"}
