"""What a stack file may say, derived from what the targets declare: a JSON Schema for editors, and the reference page.

These, and the README's table of what each target gives, are written by `python -m tools schema` and kept in git; a test
holds them to the declarations.
"""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

from typing_extensions import is_typeddict

from components import parity, spec
from components.declared import documentation, keys, plain
from components.platform.access_args import StackAccess
from components.targets import TARGETS, Settings, StackFile, Target

SCHEMA = Path("stacks/slipway.schema.json")
REFERENCE = Path("docs/reference.md")
README = Path("README.md")
MATRIX_BEGINS = "<!-- what each target gives: written by `python -m tools schema` -->"
MATRIX_ENDS = "<!-- end of what each target gives -->"


def write(project: Path) -> None:
    """Write all three below the folder of the project."""
    for path, text in ((SCHEMA, json_text()), (REFERENCE, reference())):
        file = project / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    readme = project / README
    readme.write_text(with_matrix(readme.read_text()))


def with_matrix(readme: str) -> str:
    """The README with the parity matrix between its marks, as the matrix is now."""
    before, begin, rest = readme.partition(MATRIX_BEGINS)
    _, end, after = rest.partition(MATRIX_ENDS)
    return "\n".join([before + begin, "", *_matrix(_word), "", end + after])


def json_text() -> str:
    """The JSON Schema as it stands in its file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def json_schema() -> dict[str, Any]:
    """A JSON Schema (draft 7, which editors' YAML support knows) of a whole stack file.

    The keys below `slipway:cluster` are those of the target chosen in the same file.
    """
    file, own = _mapping(StackFile), _mapping(Settings)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Slipway stack",
        **file,
        "description": "What a stack of Slipway is to be: a target, and a cluster there.",
        "properties": {
            **file["properties"],
            "config": {
                **file["properties"]["config"],
                "properties": {spec.NAMESPACE + name: value for name, value in own["properties"].items()},
                "patternProperties": {f"^(?!{spec.NAMESPACE})[^:]+:.": {}},
                "required": [spec.NAMESPACE + name for name in own["required"]],
                "additionalProperties": False,
                "allOf": [
                    {
                        "if": {
                            "properties": {"slipway:target": {"const": target.name}},
                            "required": ["slipway:target"],
                        },
                        "then": {"properties": {"slipway:cluster": {"$ref": f"#/definitions/{target.name}"}}},
                    }
                    for target in TARGETS.values()
                ],
            },
        },
        "definitions": {name: _mapping(target.declared()) for name, target in TARGETS.items()},
    }


def reference() -> str:
    """The reference page, in Markdown: every key of every target."""
    return "\n".join(_reference_lines()) + "\n"


def nested(declared: type, place: str = "") -> Iterator[tuple[str, type]]:
    """The mappings inside a mapping, outer ones first, with the path of keys that leads there."""
    for name, key in keys(declared).items():
        kind, path = plain(key.type), f"{place}{name}"
        while get_origin(kind) in (list, Sequence, dict, Mapping):
            path += "[]" if get_origin(kind) in (list, Sequence) else ".*"
            kind = plain(get_args(kind)[-1])
        if is_typeddict(kind):
            yield path, kind
            yield from nested(kind, f"{path}.")


def _type(kind: Any) -> dict[str, Any]:
    kind = plain(kind)
    origin, parts = get_origin(kind), get_args(kind)
    if is_typeddict(kind):
        return _mapping(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"type": "string", "enum": [member.value for member in kind]}
    if origin in (list, Sequence):
        return {"type": "array", "items": _type(parts[0])}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _type(parts[1])}
    return {str: {"type": "string"}, int: {"type": "integer"}, bool: {"type": "boolean"}, Any: {}}[kind]


def _mapping(declared: type) -> dict[str, Any]:
    texts, declared_keys = documentation(declared), keys(declared)
    return {
        "type": "object",
        "description": inspect.getdoc(declared),
        "properties": {
            name: {"description": texts[key.name], **_described(key.type)} for name, key in declared_keys.items()
        },
        "required": [name for name, key in declared_keys.items() if key.required],
        "additionalProperties": False,
    }


def _described(kind: Any) -> dict[str, Any]:
    """The type of a key, without the type's own description: what the key is for matters more."""
    return {name: value for name, value in _type(kind).items() if name != "description"}


def _reference_lines() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Every key of a stack file, target by target. Only what is chosen is written; the rest has a safe default."
    yield "This page is written by `python -m tools schema` from the code: change a key there."
    yield ""
    yield from _table(Settings, spec.NAMESPACE)
    yield from ("", "## `slipway:access`", "", f"{inspect.getdoc(StackAccess)}", "")
    yield from _table(StackAccess)
    yield from _nested_tables(StackAccess, "", " of `slipway:access`")
    for target in TARGETS.values():
        yield from _target_lines(target)
    yield from ("", "## What each target gives, and how", "")
    yield from _matrix(_sentence, with_names=True)


def _target_lines(target: Target) -> Iterator[str]:
    declared = target.declared()
    yield from ("", f"## `{target.name}`", "", f"{target.summary}.", "", "Under `slipway:cluster`:", "")
    yield from _table(declared)
    yield from _nested_tables(declared, "", f" of `{target.name}`")


def _nested_tables(declared: type, place: str, whose: str) -> Iterator[str]:
    """A table for each mapping inside a mapping."""
    places: dict[type, list[str]] = {}
    for path, inner in nested(declared, place):
        places.setdefault(inner, []).append(f"`{path}`")
    for inner, paths in places.items():
        yield from ("", f"### {', '.join(paths)}{whose}", "", inspect.getdoc(inner) or "", "")
        yield from _table(inner)


def _matrix(cell: Callable[[parity.Support], str], *, with_names: bool = False) -> Iterator[str]:
    """The parity matrix as a table: a row for each feature, perhaps with its name, and a column for each target."""
    yield f"| | {' | '.join(f'`{name}`' for name in TARGETS)} |"
    yield f"|---|{'---|' * len(TARGETS)}"
    for name, feature in parity.FEATURES.items():
        cells = (cell(feature.support[target]) for target in TARGETS)
        row = f"{feature.title} (`{name}`)" if with_names else feature.title
        yield f"| {row} | {' | '.join(cells)} |"


def _word(support: parity.Support) -> str:
    words = {parity.Means.NATIVE: "yes", parity.Means.OTHER: "other means", parity.Means.LACKING: "no"}
    return words[support.means]


def _sentence(support: parity.Support) -> str:
    """What a target does about a feature, and how."""
    words = {parity.Means.NATIVE: "yes", parity.Means.OTHER: "by other means", parity.Means.LACKING: "no"}
    return f"{words[support.means]}: {support.how}" if support.how else words[support.means]


def _table(declared: type, prefix: str = "") -> Iterator[str]:
    texts = documentation(declared)
    yield "| key | type | |"
    yield "|---|---|---|"
    for name, key in keys(declared).items():
        required = "**Required.** " if key.required else ""
        text = f"{required}{' '.join(texts[key.name].split())}".replace("|", "\\|")
        yield f"| `{prefix}{name}` | {_name_of(key.type)} | {text} |"


def _name_of(kind: Any) -> str:
    kind = plain(kind)
    origin, parts = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{member.value}`" for member in kind)
    if origin in (list, Sequence):
        return f"list of {_name_of(parts[0])}"
    if origin in (dict, Mapping):
        return f"mapping to {_name_of(parts[1])}" if parts[1] is not Any else "mapping"
    return {str: "text", int: "whole number", bool: "true or false"}.get(kind, "mapping")
