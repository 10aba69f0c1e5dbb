"""`pulumi up --stack dev-kind` against `kind create cluster` alone, with the same image and configuration."""

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from components.local import kind_config, kind_image
from components.local.container_engine import Engine
from tools import engine, node_image, paths, toolchain, workspace
from tools.bench import compare, timed
from tools.run import run as call
from tools.stack import PROJECT, Stack

NAME = "slipway-bench"


def run(rounds: int | None) -> None:
    """Compare, three times unless told otherwise; takes some two minutes a round."""
    stack = Stack.find("dev-kind")
    workspace.prepare()
    toolchain.ensure(("pulumi", *stack.target.tools))
    os.environ.update(workspace.environment(stack.name, engine.ensure()))
    args = {"control_planes": 1, "workers": 0, **stack.check()}
    node_image.ensure(args)
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(Path(folder), args)
        sides = {
            "kind create cluster": bench.kind,
            "the same, until its nodes are ready": bench.kind_ready,
            "pulumi up": bench.pulumi,
        }
        compare("a cluster of one control plane and one worker", rounds or 3, sides)


class _Bench:
    def __init__(self, folder: Path, args: dict) -> None:
        found = Engine.find()
        self._image = kind_image.choose(found, args["version"], args["control_planes"], args.get("node_image"))
        self._config = folder / "kind.yaml"
        mark = kind_config.mark_of("bench", args)
        self._config.write_text(kind_config.render(args, name=NAME, mark=mark, cgroup_v1=found.cgroup_v1))
        self._kubeconfig = folder / "kubeconfig"
        self._log = folder / "log"
        # A state of its own, in a project folder whose stack file Pulumi may write to.
        (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        (folder / "state").mkdir()
        self._stack_file = folder / f"Pulumi.{NAME}.yaml"
        self._environment = {
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(),
            "SLIPWAY_KUBECONFIGS": str(folder),
        }
        call(["pulumi", "stack", "init", NAME, "--no-select"], cwd=folder, env=self._environment)
        shutil.copyfile(Stack("dev-kind").file, self._stack_file)

    def kind(self) -> float:
        seconds = timed(self._create)
        self._delete()
        return seconds

    def kind_ready(self) -> float:
        seconds = timed(lambda: (self._create(), self._await_ready()))
        self._delete()
        return seconds

    def pulumi(self) -> float:
        words = ["--yes", "--stack", NAME, "--config-file", self._stack_file]
        seconds = timed(lambda: call(["pulumi", "up", *words], cwd=paths.PROJECT, env=self._environment, log=self._log))
        call(["pulumi", "destroy", *words], cwd=paths.PROJECT, env=self._environment, log=self._log)
        return seconds

    def _create(self) -> None:
        words = ["--name", NAME, "--image", self._image, "--config", self._config, "--kubeconfig", self._kubeconfig]
        call(["kind", "create", "cluster", *words], log=self._log)

    def _await_ready(self) -> None:
        words = ["wait", "nodes", "--all", "--for", "condition=Ready", "--timeout", "5m"]
        call(["kubectl", "--kubeconfig", self._kubeconfig, *words], log=self._log)

    def _delete(self) -> None:
        subprocess.run(["kind", "delete", "cluster", "--name", NAME, "--kubeconfig", self._kubeconfig], check=True)
