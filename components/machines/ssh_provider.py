"""Machines that exist already, as resources: what cloud-init would do on a new one is done by ssh.

A machine is claimed before anything is changed on it, and the claim goes last: whoever finds one knows that the machine
is taken, and a create that was killed goes on with the machine that it has claimed. What a machine was before is kept
beside the claim, and is put back when it leaves.

This class is found again by its name when a stack is destroyed years later: it may be neither renamed nor moved.
"""

import contextlib
import time
import uuid
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key
from pulumi import dynamic

from components import progress
from components.bootstrap.plan import LIBRARY, Distribution
from components.bootstrap.status import STATUS
from components.machines import ssh_look
from components.machines.reach import Reach, ReachError, Unreachable
from components.machines.ssh_look import Wanted
from components.provider import Provider

Properties = dict[str, Any]

FILES = Path(__file__).parent / "files"

CLAIM = "/etc/slipway/claim"
LEAVE = f"{LIBRARY}/leave.sh"
PATHS = f"{LIBRARY}/paths"
"""What was put onto a machine, a path a line."""

LEAVE_SECONDS = 300


class SshError(Exception):
    """A machine could not be taken: one line with what, why and the fix."""

    __module__ = "builtins"  # so that Pulumi shows "SshError: …" without the path of this class


class SshMachineProvider(Provider):
    """A machine.

    Inputs: `name`, `address`, `cluster`, `claim` (id of the cluster's), `control_plane` (whether its user-data makes it
    one, and no worker), `distribution`, `login` (how to log in, without its private key), `private_key` (secret, or
    none) and `user_data` (secret). Outputs: `reach` (secret).
    """

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Look at a machine before it is taken; what one was made a node with stays as long as it is one."""
        if _olds:
            return dynamic.CheckResult({**news, "user_data": _olds["user_data"]}, [])
        try:
            found = _key_faults(news) or list(_faults(news))
        except ReachError as error:
            found = [str(error)]
        return dynamic.CheckResult(news, [dynamic.CheckFailure("", fault) for fault in found])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """What makes it another machine; another way to log in does not."""
        # Those of an older Slipway have not kept whether they are control planes: an update does.
        fixed = [key for key in ("name", "address", "cluster", "claim", "control_plane") if key in _olds]
        replaced = [key for key in fixed if _olds[key] != _news[key]]
        changed = any(_olds.get(key) != _news.get(key) for key in ("login", "private_key", "control_plane"))
        return dynamic.DiffResult(changes=bool(replaced) or changed, replaces=replaced, delete_before_replace=True)

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Claim the machine, then do what its user-data says; one that a killed create has claimed is gone on with."""
        wanted, reach = _wanted(props), _reach(props)
        progress.status(f"{wanted.name}: putting everything into place")
        mine = f"{wanted.cluster} {wanted.claim} {wanted.name} {uuid.uuid4().hex}"
        claim = reach.run("sh", "-s", mine, stdin=(FILES / "take.sh").read_text()).strip()
        if not wanted.owns(claim):
            raise SshError(ssh_look.taken(wanted, claim))
        if '"state": "done"' not in reach.run("sh", "-c", f"cat {STATUS} 2>/dev/null || true"):
            try:
                _apply(reach, props["user_data"])
            except ReachError:
                # Nothing knows of this machine once the run has failed, `make down` neither.
                with contextlib.suppress(ReachError):
                    reach.run("sh", LEAVE, seconds=LEAVE_SECONDS)
                raise
        return dynamic.CreateResult(claim.split()[-1], _with_reach(props))

    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        """Whether it is ours still; an empty id if not. One that does not answer is kept."""
        try:
            claim = _claim(_reach(props))
        except Unreachable as error:
            progress.warn(f"{error}; it is taken for what it was")
        else:
            if claim.split()[-1:] != [id_]:
                return dynamic.ReadResult("", {})
        return dynamic.ReadResult(id_, props)

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Log in another way from now on, if that leads to the same machine."""
        if _claim(_reach(_news)).split()[-1:] != [_id]:
            raise SshError(
                f"{_news['name']}: what is reached there now is not the machine that was made a node; write the "
                "`hostKey` of the one that was, or have this one take its place (`pulumi up --replace URN`)"
            )
        return dynamic.UpdateResult(_with_reach(_news))

    def delete(self, _id: str, _props: Properties) -> None:
        """Make it what it was before. One that is not reached any more is left as it is."""
        reach = _reach(_props)
        try:
            if _claim(reach).split()[-1:] == [_id]:
                progress.status(f"{_props['name']}: removing what was put there")
                reach.run("sh", LEAVE, seconds=LEAVE_SECONDS)
        except Unreachable as error:
            progress.warn(f"{error}; it is left as it is: run `sudo sh {LEAVE}` there if it comes back")


def _faults(props: Properties) -> list[str]:
    wanted, reach = _wanted(props), _reach(props)
    found = ssh_look.told(reach.run("sh", "-s", stdin=(FILES / "look.sh").read_text()))
    return list(ssh_look.faults(wanted, found, time.time()))


def _key_faults(props: Properties) -> list[str]:
    """Whether the private key is one that can be used without asking anybody."""
    key = props.get("private_key")
    if not isinstance(key, str):
        return []
    data = key.strip().encode() + b"\n"
    for load in (load_ssh_private_key, load_pem_private_key):
        try:
            load(data, password=None)
        except (ValueError, TypeError):  # the latter where it has a passphrase
            continue
        return []
    return [
        "slipway:sshPrivateKey: is no private key in OpenSSH's format or PEM, or has a passphrase; use one without, "
        "which this configuration keeps encrypted, or drop it and have an agent hold yours"
    ]


def _apply(reach: Reach, user_data: str) -> None:
    """Do what cloud-init would do with the user-data."""
    config = yaml.load(user_data, Loader=yaml.CSafeLoader)
    files = {file["path"]: (int(file["permissions"], 8), file["content"]) for file in config["write_files"]}
    # First what makes it again what it was before.
    paths = "".join(f"{path}\n" for path in files)
    reach.put({LEAVE: (0o700, (FILES / "leave.sh").read_text()), PATHS: (0o600, paths)})
    reach.put(files)
    reach.run("tee", "/etc/hostname", "/proc/sys/kernel/hostname", stdin=f"{config['hostname']}\n")
    for command in config["runcmd"]:
        reach.run(*command)


def _claim(reach: Reach) -> str:
    return reach.run("sh", "-c", f"cat {CLAIM} 2>/dev/null || true", seconds=20)


def _wanted(props: Properties) -> Wanted:
    claim = props["claim"]
    return Wanted(
        props["name"],
        props["address"],
        props["cluster"],
        claim if isinstance(claim, str) else None,  # not known at the first preview
        Distribution(props["distribution"]),
    )


def _reach(props: Properties) -> Reach:
    return Reach.of(_reach_facts(props))


def _reach_facts(props: Properties) -> Properties:
    key = {"private_key": props["private_key"]} if props.get("private_key") else {}
    return {"machine": props["name"], "login": {**props["login"], **key}}


def _with_reach(props: Properties) -> Properties:
    return {**props, "reach": _reach_facts(props)}
