"""A new key for Secrets, brought to all control planes of a cluster that runs, with every Secret readable throughout.

As https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/#rotating-a-decryption-key has it: all learn the new
key, all write with it, every Secret is written again, all forget the older ones. API servers read the file again by
themselves, within a minute.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from components import progress
from components.bootstrap import hardening
from components.bootstrap.kubectl import Kubectl, KubectlError
from components.bootstrap.pki import EncryptionKey
from components.machines.reach import Reach, ReachError

FILE = "encryption.yaml"
PATH = f"{hardening.FOLDER}/{FILE}"

LOADED = (
    "kubectl --kubeconfig /etc/kubernetes/admin.conf --server https://127.0.0.1:6443 get --raw /metrics"
    " | grep ^apiserver_encryption_config_controller_last_config_info"
)
"""Prints the digest of the file that a control plane's own API server has read last."""

OLDER_KEYS = (Path(__file__).parent / "files/older_keys.py").read_text()

LOADING_SECONDS = 180
SECONDS_BETWEEN_LOOKS = 2
MOST_ROUNDS = 5
"""How often Secrets are written again that others change at the same moment."""


class EncryptionError(Exception):
    """Secrets could not be given another key: what, where, why and the fix."""

    __module__ = "builtins"  # so that Pulumi shows "EncryptionError: …" without the path of this class


def rotate(control_planes: Mapping[str, Reach], keys: Sequence[EncryptionKey], kubectl: Kubectl) -> None:
    """Have all control planes know the first of `keys` alone, and every Secret be encrypted with it.

    Goes on where a run that was killed has stopped; does nothing where all is so already.

    Args:
        control_planes: Name → the way there.
        keys: Of the cluster, the newest first.
        kubectl: On the cluster.

    Raises:
        EncryptionError: An API server did not take the keys, or a Secret could not be written again.
        ReachError: A control plane was not reached.
    """
    newest = keys[0]
    known = {name: _known(reach) for name, reach in control_planes.items()}
    if all(each == [newest] for each in known.values()):
        return
    if any(newest not in each for each in known.values()):
        # Nobody writes with a key before all can read with it.
        learnt = {name: each if newest in each else [*each, newest] for name, each in known.items()}
        _give("learn a new key of Secrets", control_planes, learnt)
        known = learnt
    used = {name: [newest, *(key for key in each if key != newest)] for name, each in known.items()}
    _give("write Secrets with it", control_planes, used)
    _write_again(next(iter(control_planes.values())), newest["name"], kubectl)
    _give("forget the older keys", control_planes, {name: [newest] for name in known})


def _known(reach: Reach) -> list[EncryptionKey]:
    (rule,) = yaml.safe_load(reach.run("cat", PATH))["resources"]
    return rule["providers"][0][hardening.CIPHER]["keys"]


def _give(what: str, control_planes: Mapping[str, Reach], keys: Mapping[str, list[EncryptionKey]]) -> None:
    digests = {}
    for name, reach in control_planes.items():
        content = hardening.files(keys[name])[FILE]
        reach.put({PATH: (0o600, content)})
        digests[name] = hashlib.sha256(content.encode()).hexdigest()
    for name, reach in control_planes.items():
        progress.status(f"control planes {what}: {name}")
        _await(lambda reach=reach, name=name: digests[name] in reach.run("sh", "-c", LOADED), name)


def _await(has_loaded: Callable[[], bool], name: str) -> None:
    deadline = time.monotonic() + LOADING_SECONDS
    reason = "it still uses the older ones"
    while time.monotonic() < deadline:
        try:
            if has_loaded():
                return
        except ReachError as error:
            reason = str(error)
        time.sleep(SECONDS_BETWEEN_LOOKS)
    raise EncryptionError(
        f"the API server on {name} has not taken the keys in {PATH} within {LOADING_SECONDS} s: {reason}; Secrets can "
        "be read and written as before: look at its log, then run `make up` again"
    )


def _write_again(reach: Reach, key: str, kubectl: Kubectl) -> None:
    for _ in range(MOST_ROUNDS):
        older = reach.run("python3", "-", key, stdin=OLDER_KEYS).split()
        if not older:
            return
        progress.status(f"{len(older)} Secrets are written again")
        try:
            kubectl.run("replace", "--filename=-", stdin=_those(older, kubectl), seconds=600)
        except KubectlError:
            continue  # somebody changed or deleted one meanwhile; the others are written
    raise EncryptionError(
        f"{len(older)} Secrets are still encrypted with an older key, {older[0]} for one; all can be read: find out "
        f"with `kubectl get secret --output=yaml … | kubectl replace --filename=-` why, then run `make up` again"
    )


def _those(names: Iterable[str], kubectl: Kubectl) -> str:
    told = json.loads(kubectl.run("get", "secrets", "--all-namespaces", "--output=json", seconds=600))
    wanted = set(names)
    items = [one for one in told["items"] if f"{one['metadata']['namespace']}/{one['metadata']['name']}" in wanted]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
