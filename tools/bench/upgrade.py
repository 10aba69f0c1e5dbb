"""The upgrade of three control planes and two workers by `pulumi up`, against kubeadm's procedure done by hand.

The procedure is the one of https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-upgrade/ and of
`upgrading-linux-nodes` beside it, node by node, on a twin of the cluster whose kubelets ask as kubeadm has them ask: on
a control plane, the API server beside them. In both cases programs of the other release are put on a machine from
outside, by hand at its node's turn, as packages would be.
"""

import tempfile
import time
from functools import partial
from pathlib import Path

from components.bootstrap.kubectl import Kubectl, KubectlError
from components.bootstrap.plan import API_PORT, Machine, Role
from components.local.container_engine import Engine
from components.machines import release
from components.machines.container_provider import CLAIM, MachineProvider
from tests.engine.slipway import Stack
from tools import node_image
from tools.bench import compare, five, timed
from tools.bench.five import MACHINES

OLD, NEW = "1.36", "1.37"

KUBELET_AGAIN = "systemctl restart kubelet"

MOST = 0.7
"""What `pulumi up` may take of the time that the procedure takes."""

ATTEMPTS = 60
"""An API that has lost one of its servers a moment ago is asked again, as a person would."""


def run(rounds: int | None) -> None:
    """Compare, once unless told otherwise; takes some half an hour a round."""
    five.prepare(OLD)
    with tempfile.TemporaryDirectory() as folder:
        sides = {
            "kubeadm's procedure by hand": partial(_upgraded, Path(folder), by_hand=True),
            "pulumi up": partial(_upgraded, Path(folder), by_hand=False),
        }
        compare(f"three control planes and two workers from {OLD} to {NEW}", rounds or 1, sides, most=MOST)


def _upgraded(folder: Path, *, by_hand: bool) -> float:
    with five.stack(Path(tempfile.mkdtemp(dir=folder), "stack"), OLD) as stack:
        five.up(stack)
        node_image.ensure_machine({"version": NEW})
        if by_hand:
            engine = Engine.find()
            _as_kubeadm_has_it(engine)
            return timed(partial(_by_hand, engine, stack))
        stack.set(version=NEW)
        return timed(partial(five.up, stack))


def _as_kubeadm_has_it(engine: Engine) -> None:
    for machine in MACHINES:
        if machine.role is not Role.WORKER:
            own = f"s#server: https://.*#server: https://{machine.address}:{API_PORT}#"
            _on(engine, machine.name, f"sed -i '{own}' /etc/kubernetes/kubelet.conf", KUBELET_AGAIN)


def _by_hand(engine: Engine, stack: Stack) -> None:
    version = next(tag for tag in engine.images(release.REPOSITORY) if tag.startswith(f"v{NEW}."))
    with Kubectl.on(stack.outputs(show_secrets=True)["kubeconfig"]) as kubectl:
        for machine in MACHINES:
            name = machine.name
            claim = engine.run("inspect", "--format", f'{{{{index .Config.Labels "{CLAIM}"}}}}', name).strip()
            place = {"name": name, "claim": claim, "control_plane": machine.role is not Role.WORKER}
            MachineProvider().update("", {**place, "release": OLD}, {**place, "release": version})
            _on(engine, name, _take(version, "kubeadm"), *_kubeadm(machine, version))
            _asked(kubectl, "drain", name, "--ignore-daemonsets", "--delete-emptydir-data")
            _on(engine, name, _take(version, "kubelet", "kubectl"), "systemctl daemon-reload", KUBELET_AGAIN)
            _asked(kubectl, "uncordon", name)
        five.await_ready(kubectl, version)


def _take(version: str, *programs: str) -> str:
    return "; ".join(
        f'there=$(command -v {one}); cp {release.PROGRAMS}/{version}/{one} "$there.new"; mv "$there.new" "$there"'
        for one in programs
    )


def _kubeadm(machine: Machine, version: str) -> list[str]:
    # That it is a container is ignored as it was when the machine became a node.
    options = '"--ignore-preflight-errors=${IGNORE_PREFLIGHT:-none}"'
    patched = f"{options} --patches /etc/slipway/patches"
    if machine.role is Role.FIRST:
        return [f"kubeadm upgrade plan {version} {options}", f"kubeadm upgrade apply {version} --yes {patched}"]
    return [f"kubeadm upgrade node {patched}"]


def _on(engine: Engine, name: str, *commands: str) -> None:
    known = "if [ -e /etc/slipway/machine.env ]; then . /etc/slipway/machine.env; fi"
    engine.run("exec", name, "bash", "-e", "-c", "\n".join([known, *commands]))


def _asked(kubectl: Kubectl, *words: str) -> None:
    for attempt in range(ATTEMPTS):
        try:
            kubectl.run(*words, seconds=300)
            return
        except KubectlError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(1)
