"""What every stack of a cloud declares, as it was reviewed: each resource with its arguments, order and options.

After a change that is meant, `python -m tests.unit.test_declared_goldens` writes the files anew; read the difference.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import spec, targets
from tests.engine.slipway import PROJECT
from tests.examples import MANAGED
from tests.unit import recording
from tests.unit.recording import Deployment, Resource

GOLDENS = Path(__file__).parent / "goldens"
STACKS = [f"{stage}-{target}" for target in MANAGED for stage in ("prod", "dev")]


def declared(name: str) -> Deployment:
    document = yaml.safe_load((PROJECT / f"stacks/Pulumi.{name}.yaml").read_text())
    component, args = targets.read(spec.settings_in(document["config"]), name)
    cloud = MANAGED[name.partition("-")[2]].cloud
    assert cloud is not None

    def program() -> None:
        component(name, args)

    return recording.deploy(program, clouds=[cloud])


def written(name: str) -> str:
    """The golden of a stack: its resources by name, options only where they are set."""
    made = sorted((each for each in declared(name).resources if each.custom), key=lambda each: (each.name, each.type))
    return yaml.safe_dump_all(map(_shown, made), sort_keys=False, width=120, allow_unicode=True)


def _shown(resource: Resource) -> dict[str, Any]:
    options = {
        "dependsOn": sorted(resource.dependencies),
        "protect": resource.protect or None,
        "deletedWith": resource.deleted_with,
        "ignoreChanges": sorted(resource.ignore_changes),
        "deleteBeforeReplace": resource.delete_before_replace,
        "replaceOnChanges": sorted(resource.replace_on_changes),
        "replacementTrigger": resource.replacement_trigger,
        "customTimeouts": resource.timeouts,
        "secretOutputs": sorted(resource.additional_secret_outputs),
    }
    return {
        "resource": f"{resource.name} ({resource.type})",
        "inputs": _sorted(resource.inputs),
        # What is said to be off is set: it overrules the provider.
        **{key: value for key, value in options.items() if value not in (None, [], {})},
    }


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        # What pickles a provider is the name of its class, in a form of Python's own.
        return {key: _sorted(value[key]) for key in sorted(value) if key != "__provider"}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@pytest.mark.usefixtures("deploy")
@pytest.mark.parametrize("name", STACKS)
def test_a_stack_declares_what_was_reviewed(name):
    assert written(name) == (GOLDENS / f"{name}.yaml").read_text()


if __name__ == "__main__":
    asyncio.set_event_loop(asyncio.new_event_loop())
    for stack in STACKS:
        (GOLDENS / f"{stack}.yaml").write_text(written(stack))
