"""A container runtime that asks for no more than this machine can give: `runtime.py RUNC ARGS...`.

An engine asks for every capability there is, and for a low out-of-memory score, when a container is privileged. Where
the machine itself has less (a virtual machine's or container's owner took it away), runc would refuse. This takes out
of a container's specification what cannot be had, and becomes runc. The engine uses it only where something is missing.
"""

import json
import os
import sys
from pathlib import Path

CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
"""The kernel's capabilities in the order of their numbers."""


def main() -> None:
    """Fit the specification that the arguments point to, if any, and become runc."""
    runc, args = sys.argv[1], sys.argv[2:]
    if "create" in args or "run" in args:
        fit_file(Path(option(args, "--bundle", "-b") or ".", "config.json"))
    elif "exec" in args and (path := option(args, "--process", "-p")):
        fit_file(Path(path))
    os.execv(runc, [runc, *args])  # noqa: S606 - it becomes the runtime


def option(args: list[str], *names: str) -> str | None:
    """The value of an option, written as two words or with an equals sign."""
    for position, arg in enumerate(args):
        name, equals, value = arg.partition("=")
        if name in names:
            return value if equals else args[position + 1]
    return None


def fit_file(path: Path) -> None:
    """Rewrite a container's specification, or one of a further process in it."""
    document = json.loads(path.read_text())
    status = Path("/proc/self/status").read_text().splitlines()
    bounding = next(int(line.split()[1], 16) for line in status if line.startswith("CapBnd:"))
    fit(document.get("process", document), bounding)
    path.write_text(json.dumps(document))


def fit(process: dict, bounding: int) -> None:
    """Take out of a process's specification what is not in the machine's bounding set of capabilities."""
    have = {f"CAP_{name}" for number, name in enumerate(CAPABILITIES.split()) if bounding >> number & 1}
    sets = process.get("capabilities") or {}
    for name, wanted in sets.items():
        sets[name] = [capability for capability in wanted or () if capability in have]
    if "CAP_SYS_RESOURCE" not in have and (process.get("oomScoreAdj") or 0) < 0:
        del process["oomScoreAdj"]


if __name__ == "__main__":
    main()
