"""Pulumi's messages before Pulumi: importing the SDK takes a quarter of a second, which no answer need wait for."""

import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from types import ModuleType

_PACKAGES = ("pulumi", "pulumi.runtime", "pulumi.runtime.proto")


@contextmanager
def alone() -> Generator[None]:
    """Within, importing a message imports nothing else of the SDK, whose packages import everything.

    Afterwards Python imports the packages whole when they are asked for next, and finds the messages there.
    """
    if "pulumi" in sys.modules:
        yield
        return
    for name in _PACKAGES:
        parent = sys.modules.get(name.rpartition(".")[0])
        spec = PathFinder.find_spec(name, parent.__path__ if parent else None)
        if spec is None:
            raise ModuleNotFoundError(f"{name} is not installed in {sys.prefix}", name=name)
        package = ModuleType(name)
        package.__path__ = spec.submodule_search_locations or []
        sys.modules[name] = package
    try:
        yield
    finally:
        for name in _PACKAGES:
            del sys.modules[name]


def load_sdk() -> None:
    """Import the SDK itself."""
    messages = [name for name in sys.modules if name.startswith("pulumi.runtime.proto.")]
    importlib.import_module("pulumi")
    for name in messages:
        package, _, module = name.rpartition(".")
        setattr(sys.modules[package], module, sys.modules[name])
