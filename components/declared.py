"""What a `TypedDict` declares: its keys, their types and what their docstrings say.

A target's arguments are declared once. The check of a stack file, its JSON Schema, the reference page and the package
for other languages all read that declaration through this module.
"""

import ast
import functools
import inspect
import textwrap
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import UnionType
from typing import Any, NotRequired, Required, Union, get_args, get_origin


@dataclass(frozen=True)
class Key:
    """One key of a `TypedDict`."""

    name: str
    """As Python writes it: `node_pools`."""

    type: Any
    """Its type, without `NotRequired`."""

    required: bool


def keys(declared: type) -> dict[str, Key]:
    """The keys of a `TypedDict`, inherited ones too, by the name that a stack file gives them: `nodePools`."""
    required: frozenset[str] = getattr(declared, "__required_keys__", frozenset())
    found = {}
    for name, annotation in inspect.get_annotations(declared).items():
        while get_origin(annotation) in (Required, NotRequired):
            annotation = get_args(annotation)[0]
        found[camel(name)] = Key(name, annotation, name in required)
    return found


def plain(kind: Any) -> Any:
    """`T` of `pulumi.Input[T]`, which is a union of `T`, an awaitable of `T` and an output of `T`; else `kind`."""
    if get_origin(kind) not in (Union, UnionType):
        return kind
    return next(get_args(part)[0] for part in get_args(kind) if get_origin(part) is Awaitable)


@functools.cache
def documentation(declared: type) -> Mapping[str, str]:
    """The docstring below each key of a class (as Python writes it), with those that it inherits."""
    texts: dict[str, str] = {}
    # A TypedDict is a plain dict at run time; what it was derived from is kept beside.
    for base in reversed(getattr(declared, "__orig_bases__", declared.__bases__)):
        if isinstance(base, type):
            texts |= documentation(base)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(declared)))
    except (OSError, TypeError):
        return texts  # it is built in
    statement = tree.body[0]
    for key, text in pairwise(statement.body if isinstance(statement, ast.ClassDef) else ()):
        match key, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                texts[name] = inspect.cleandoc(words)
    return texts


def camel(name: str) -> str:
    """`node_pools` as stack files and Pulumi's schemas write it: `nodePools`."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
