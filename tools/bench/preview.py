"""`pulumi preview` of each production stack against a bare program that imports the same modules of the SDK.

Both run on the real engine with the tests' stand-in for the cloud's plugin, so that no cloud is asked. The bare program
makes one resource of the same provider, whose start is nobody's merit. Beside the ratio stand the time of the import
itself, and how the preview grows with the number of node pools. Whether both keep their limit is printed below them.
"""

import copy
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tests.engine.conftest import CLOUDS, install
from tests.engine.slipway import Stack, environment
from tests.examples import MANAGED
from tests.examples.example import Example
from tools.bench import compare, kept, timed
from tools.console import console

POOLS = (1, 50, 100)

RATIO = 1.3
"""How much longer than the bare program's a preview may take, beside what its resources may."""

SECONDS_PER_RESOURCE = 0.01

STEEPER = 2
"""How much more a pool of the second half may take than one of the first. With the square of their number it is 3."""

BARE = """
import pulumi
{imports}

class One(pulumi.CustomResource):
    def __init__(self):
        super().__init__({token!r}, "one", {inputs!r})

One()
"""


def run(rounds: int | None) -> None:
    """Preview each production stack, five times unless told otherwise, then one with many pools."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "pulumi")
        for cloud in CLOUDS:
            install(cloud, home)
        for example in MANAGED.values():
            _compare(example, Path(folder), environment(home), rounds or 5)
        for example in MANAGED.values():
            _grow(example, Path(folder), environment(home), rounds or 3)


def _compare(example: Example, folder: Path, env: Mapping[str, str], rounds: int) -> None:
    modules = _modules(example)
    sdk = ", ".join({module.partition(".")[0] for module in modules}) or "an SDK"
    console.print(f"{example.target} imports {len(modules)} modules of {sdk}: {_import_seconds(modules):.2f} s")
    slipway = Stack.made(folder / f"slipway-{example.target}", f"prod-{example.target}", env)
    bare = Stack.made(folder / f"bare-{example.target}", f"prod-{example.target}", env)
    resource = next(
        each for each in _resources(slipway) if each["type"] in (example.cloud.kinds if example.cloud else ())
    )
    program = BARE.format(imports=_importing(modules), token=resource["type"], inputs=resource["inputs"])
    (bare.project / "__main__.py").write_text(program)
    count = sum(slipway.preview().changes.values())
    medians = compare(
        f"pulumi preview of prod-{example.target}, {count} resources",
        rounds,
        {"a bare program": partial(timed, bare.preview), "Slipway": partial(timed, slipway.preview)},
    )
    most = limit(medians["a bare program"], count)
    console.print(
        f"the limit, {RATIO} times the bare program and {SECONDS_PER_RESOURCE * 1000:.0f} ms a resource, is "
        f"{most:.2f} s: {kept(medians['Slipway'] <= most)}"
    )


def limit(bare: float, resources: int) -> float:
    """How many seconds a preview may take, by those of the bare program."""
    return RATIO * bare + resources * SECONDS_PER_RESOURCE


def _grow(example: Example, folder: Path, env: Mapping[str, str], rounds: int) -> None:
    stack = Stack.made(folder / f"many-{example.target}", f"prod-{example.target}", env)
    first = example.cluster["nodePools"][0]

    def preview(count: int) -> float:
        pools = [{**copy.deepcopy(first), "name": f"p{index}", "minNodes": 1, "maxNodes": 1} for index in range(count)]
        stack.set(nodePools=pools)
        return timed(stack.preview)

    medians = compare(
        f"pulumi preview of prod-{example.target} by node pools",
        rounds,
        {f"{count} pools": partial(preview, count) for count in POOLS},
    )
    early, late = seconds_per_pool(dict(zip(POOLS, medians.values(), strict=True)))
    console.print(
        f"a pool takes {early * 1000:.0f} ms up to {POOLS[1]} and {late * 1000:.0f} ms up to {POOLS[2]}; "
        f"the limit, {STEEPER} times as much, which is a line but for noise: {kept(late <= STEEPER * early)}"
    )


def seconds_per_pool(medians: Mapping[int, float]) -> tuple[float, float]:
    """What one more pool takes in the first half and in the second, from three numbers of pools and their seconds."""
    (least, few), (middle, some), (most, many) = sorted(medians.items())
    return (some - few) / (middle - least), (many - some) / (most - middle)


def _resources(stack: Stack) -> list[dict[str, Any]]:
    """What the stack declares, as a preview's events tell it."""
    events = stack.preview().events
    steps = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
    return [{"type": step["type"], "inputs": step["new"]["inputs"]} for step in steps if step.get("new")]


def _modules(example: Example) -> list[str]:
    """The SDK's modules that a stack of the target really loads: those that it merely names are loaded at first use."""
    program = f"""
import sys, types
from tools import compliance
from tools.stack import Stack
before = set(sys.modules)
compliance.lines_of(Stack.find("prod-{example.target}"))
print(*sorted(name for name in set(sys.modules) - before if type(sys.modules[name]) is types.ModuleType))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    sdk = re.compile(r"pulumi(verse)?_\w+(\.\w+)*")
    return [name for name in done.stdout.split() if sdk.fullmatch(name)]


def _importing(modules: list[str]) -> str:
    return "\n".join(f"import {module}" for module in modules)


def _import_seconds(modules: list[str]) -> float:
    program = f"import pulumi, time\nt = time.perf_counter()\n{_importing(modules)}\nprint(time.perf_counter() - t)"
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True) for _ in range(3)
    ]
    return min(float(done.stdout) for done in runs)
