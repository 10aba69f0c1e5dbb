"""A YAML mapping whose lists are changed in its text: every byte that is not meant to change stays as it is.

Comments, order, quotes and fields that nobody here knows are kept, since nothing is written anew but the entries that
change. Their places are those that libyaml's scanner tells. What comes out is read again and held
against what was meant.
"""

import contextlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

Entry = dict[str, Any]

_Span = tuple[int, int]
"""Where something starts and ends, in characters."""

_OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_NULL = ("", "~", "null", "Null", "NULL")

_DEEPEST = 200
"""How deep things may be nested in each other: libyaml's reader ends the process where its stack does."""

_MOST = 10_000_000
"""How much may be said once what aliases stand for is written out, of which a few lines can ask for any amount."""

# Go's YAML takes these for numbers and booleans, PyYAML for text that needs no quotes.
_AMBIGUOUS = re.compile(r"[-+]?(\.?\d[\d_]*\.?[\d_]*([eE][-+]?\d+)?|0[xob][\da-fA-F_]+)|[yYnN]")


class Document:
    """A YAML mapping, as text and as data."""

    data: Entry
    """What it says, before any change."""

    def __init__(self, text: str) -> None:
        """Read `text`; an empty one is a mapping of nothing.

        Raises:
            ValueError: It is no YAML mapping.
        """
        self._given = text
        # The scanner does not count a byte order mark.
        self._mark, self._text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
        self.data = load(self._text)
        self._fields: dict[str, _Field] = {}
        self._brace: int | None = None
        self._changes: dict[str, _Change] = {}
        self._values: dict[str, str] = {}

    def entries(self, key: str) -> list[Any]:
        """The list under a key, before any change; an empty one where nothing stands there."""
        return self.data.get(key) or []

    def append(self, key: str, entry: Entry) -> None:
        """Add an entry at the end of a list, which is made where there is none."""
        self._change(key).added.append(entry)

    def replace(self, key: str, index: int, entry: Entry) -> None:
        """Write an entry of a list anew."""
        self._change(key).replaced[index] = entry

    def remove(self, key: str, index: int) -> None:
        """Take an entry out of a list."""
        self._change(key).removed.add(index)

    def assign(self, key: str, value: str) -> None:
        """Have a key say a text."""
        self._values[key] = value

    def render(self) -> str:
        """The text with all changes made.

        Raises:
            ValueError: It has a key twice, or is written in a way in which nothing can be changed without loss.
        """
        if not self._changes and not self._values:
            return self._given
        self._fields, self._brace = _scan(self._text)
        if self._brace is None and self._text and not self._text.endswith("\n"):
            self._text += "\n"
        newline = "\r\n" if "\r\n" in self._text else "\n"
        pieces, at = [], 0
        for start, end, new in sorted(self._edits(), key=lambda edit: edit[:2]):
            pieces += [self._text[at:start], new.replace("\n", newline)]
            at = end
        changed = "".join(pieces) + self._text[at:]
        with contextlib.suppress(ValueError):
            if load(changed) == self._meant():
                return self._mark + changed
        raise ValueError("it is written in a way that cannot be changed without loss, such as with anchors")

    def _change(self, key: str) -> "_Change":
        return self._changes.setdefault(key, _Change())

    def _meant(self) -> Entry:
        lists = {key: change.applied(self.entries(key)) for key, change in self._changes.items()}
        return {**self.data, **lists, **self._values}

    def _edits(self) -> Iterator[tuple[int, int, str]]:
        new: list[tuple[str, Any]] = []
        for key, value in self._values.items():
            if (place := self._fields.get(key)) is None:
                new.append((key, value))
            elif place.value:
                yield (*place.value, self._scalar(value))
            else:
                yield (place.colon, place.colon, f" {self._scalar(value)}")
        for key, change in self._changes.items():
            if (place := self._fields.get(key)) is None:
                new.append((key, change.added))
            elif place.is_flow and not (self._brace is None and place.is_bare):
                yield from self._edits_in_flow(place, change)
            elif place.items:
                yield from self._edits_in_block(place, change)
            else:
                yield from self._first_entries(place, change)
        if new:
            yield self._new_keys(new)

    def _edits_in_block(self, place: "_Field", change: "_Change") -> Iterator[tuple[int, int, str]]:
        column = place.items[0][0] - self._line_start(place.items[0][0])
        for index, (start, end) in enumerate(place.items):
            if index in change.removed:
                yield (self._line_start(start), self._line_end(end), "")
            elif index in change.replaced:
                yield (self._line_start(start), self._line_end(end), _block([change.replaced[index]], column))
        if change.added:
            end = self._line_end(place.items[-1][1])
            # What is commented out further in belongs to the entry above it.
            while comment := re.compile(rf" {{{column + 1},}}#.*\n").match(self._text, end):
                end = comment.end()
            yield (end, end, _block(change.added, column))
        elif len(change.removed) == len(place.items):
            yield (place.colon, place.colon, " []")

    def _edits_in_flow(self, place: "_Field", change: "_Change") -> Iterator[tuple[int, int, str]]:
        left = [index for index in range(len(place.items)) if index not in change.removed]
        for index, span in enumerate(place.items):
            if index in change.removed:
                yield (*span, "")
            elif index in change.replaced:
                yield (*span, _flow(change.replaced[index]))
        last = len(place.items) - 1
        for index, comma in enumerate(place.commas):
            if index in change.removed or (index == left[-1] and index != last):
                yield (*comma, "")
        if change.added:
            added = ", ".join(map(_flow, change.added))
            end = place.items[left[-1]][1] if left else place.opens
            yield (end, end, f", {added}" if left else added)

    def _first_entries(self, place: "_Field", change: "_Change") -> Iterator[tuple[int, int, str]]:
        if self._brace is not None:
            start, end = place.value or (place.colon, place.colon)
            yield (start, end, f" [{', '.join(map(_flow, change.added))}]")
            return
        end = place.colon
        if place.value:
            start, end = place.value
            # With the space before it, so that nothing is left at the end of the line.
            yield (place.colon if self._text[place.colon : start].isspace() else start, end, "")
        end = self._line_end(end)
        yield (end, end, _block(change.added, place.column))

    def _new_keys(self, new: list[tuple[str, Any]]) -> tuple[int, int, str]:
        last = max(self._fields.values(), key=lambda place: place.colon, default=None)
        if self._brace is not None:
            text = ", ".join(f"{json.dumps(key)}: {_flow(value)}" for key, value in new)
            end = max(last.colon, last.end) if last else self._brace + 1
            return end, end, f", {text}" if last else text
        column = last.column if last else 0
        end = self._line_end(max(last.colon, last.end)) if last else len(self._text)
        lines = ""
        for key, value in new:
            under = f" {self._scalar(value)}\n" if isinstance(value, str) else f"\n{_block(value, column)}"
            lines += f"{' ' * column}{key}:{under}"
        return end, end, lines

    def _scalar(self, value: str) -> str:
        return _flow(value) if self._brace is not None else _dump([value])[2:-1]

    def _line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Where the line ends on which something ends at `at`: its break is part of it."""
        if at and self._text[at - 1] == "\n":
            return at  # the end of a block of text
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end + 1


@dataclass
class _Change:
    """What is to happen to one list."""

    added: list[Entry] = field(default_factory=list)
    replaced: dict[int, Entry] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)

    def applied(self, entries: list[Any]) -> list[Any]:
        kept = [self.replaced.get(i, entry) for i, entry in enumerate(entries) if i not in self.removed]
        return kept + self.added


@dataclass
class _Field:
    """Where a key of the mapping stands, and what is under it."""

    column: int
    colon: int = -1
    """Where its colon ends."""

    value: _Span | None = None
    is_flow: bool = False
    """Whether it is a list in brackets."""

    items: list[_Span] = field(default_factory=list)
    """The entries of a list: from the dash of each, where it is not in brackets."""

    commas: list[_Span] = field(default_factory=list)
    _depth: int = 0
    _within: bool = False

    @property
    def end(self) -> int:
        return self.value[1] if self.value else -1

    @property
    def opens(self) -> int:
        """Where a list in brackets has its first entry, or would have."""
        return self.value[0] + 1 if self.value else self.colon

    @property
    def is_bare(self) -> bool:
        """Whether it is `[]`."""
        return not self.items and self.value is not None and self.value[1] - self.value[0] == 2

    def take(self, token: yaml.Token, depth: int) -> None:
        """Have the next token of the value, which stands in so many brackets and blocks."""
        if isinstance(token, yaml.BlockEndToken):
            return  # it stands where the next thing starts
        start, end = token.start_mark.index, token.end_mark.index
        if not self.value:
            self.is_flow = isinstance(token, yaml.FlowSequenceStartToken)
            is_list = self.is_flow or isinstance(token, yaml.BlockSequenceStartToken | yaml.BlockEntryToken)
            # A list may stand as far left as its key, and opens no block then.
            self._depth = 0 if not is_list else 1 if isinstance(token, yaml.BlockEntryToken) else 2
            self.value = (start, end)
        self.value = (self.value[0], end)
        if depth < self._depth:
            return
        if depth == self._depth and isinstance(token, yaml.FlowEntryToken if self.is_flow else yaml.BlockEntryToken):
            if self.is_flow:
                self.commas.append((start, end))
                self._within = False
                return
            self.items.append((start, end))
        elif self.is_flow and not self._within:
            self.items.append((start, end))
            self._within = True
        if self.items:
            self.items[-1] = (self.items[-1][0], end)


def load(text: str) -> Entry:
    """What a YAML mapping says; an empty text is a mapping of nothing.

    Raises:
        ValueError: It is none.
    """
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe one
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        raise ValueError("it is not YAML" + ("" if line is None else f" (line {line + 1})")) from error
    except RecursionError as error:
        raise ValueError(_ENDLESS) from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # So PyYAML tells what is not what its tag says, or a number that is none.
        raise ValueError("it is not YAML: a value in it is not what it looks like") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ValueError("it is no mapping")
    try:
        endless = "*" in text and _size(data, {}) > _MOST
    except RecursionError as error:  # each alias nests what the one before it has nested
        raise ValueError(_ENDLESS) from error
    if endless:
        raise ValueError(_ENDLESS)
    return data


_ENDLESS = "it is not YAML that ends: something in it holds itself, or is nested too deeply"


def _size(data: Any, known: dict[int, float]) -> float:
    """How many things are said, those that aliases stand for once for each; no end of them where one holds itself."""
    if not isinstance(data, dict | list):
        return 1
    if id(data) not in known:
        known[id(data)] = math.inf
        known[id(data)] = 1 + sum(_size(one, known) for one in (data.values() if isinstance(data, dict) else data))
    return known[id(data)]


def dump(data: Entry) -> str:
    """A mapping as YAML, in the order of its keys."""
    return _dump(data)


def _scan(text: str) -> tuple[dict[str, _Field], int | None]:
    """The keys of the mapping, and where its brace opens if it stands in braces."""
    fields: dict[str, _Field] = {}
    current: _Field | None = None
    brace, depth, is_key = None, 0, False
    for token in yaml.scan(text, Loader=yaml.CLoader):
        if isinstance(token, _CLOSING):
            depth -= 1
        if depth == 1 and isinstance(token, yaml.KeyToken):
            current, is_key = None, True
        elif is_key:
            is_key = False
            if isinstance(token, yaml.ScalarToken):
                if token.value in fields:
                    raise ValueError(f"it has {token.value} twice")
                current = fields[token.value] = _Field(token.start_mark.column)
        elif depth == 1 and current and current.colon < 0 and isinstance(token, yaml.ValueToken):
            current.colon = token.end_mark.index
        elif depth == 1 and brace is not None and isinstance(token, yaml.FlowEntryToken):
            current = None
        elif current and depth:
            current.take(token, depth)
        if isinstance(token, _OPENING):
            if not depth and isinstance(token, yaml.FlowMappingStartToken):
                brace = token.start_mark.index
            depth += 1
    return fields, brace


def _block(entries: list[Entry], column: int) -> str:
    text = _dump(entries)
    return re.sub(r"^(?=.)", " " * column, text, flags=re.MULTILINE) if column else text


def _flow(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _dump(data: Any) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1 << 30)


class _Loader(yaml.CSafeLoader):
    """Takes a date for the text that it is in a kubeconfig, and nothing that is nested too deeply."""

    _depth = 0

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RecursionError

    def ascend_resolver(self) -> None:
        self._depth -= 1


class _Dumper(yaml.CSafeDumper):
    """Repeats what stands there twice, in place of an alias; quotes what Go would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = "'" if _AMBIGUOUS.fullmatch(text) else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)
