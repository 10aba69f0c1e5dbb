"""What a machine looks like from outside: compared before and after."""

import os
import subprocess
from pathlib import Path
from typing import cast

from tools.engine.packages import Programs
from tools.engine.private import PrivateEngine

ALWAYS_MOVING = (
    "fs/dentry-state",
    "fs/file-nr",
    "fs/inode-nr",
    "fs/inode-state",
    "fs/quota/syncs",
    "kernel/ns_last_pid",
    "kernel/pty/nr",
    "kernel/random",
    "net/netfilter/nf_conntrack_count",
)
"""Files of /proc/sys that count or draw lots."""


def look(engine: PrivateEngine, programs: Programs) -> dict[str, object]:
    """The machine's settings, cgroups, network and mounts as they are now, but for those of other engines."""
    folders = [folder for folder in Path("/sys/fs/cgroup").glob("*/*") if folder.is_dir()]
    return {
        "settings": _settings(),
        "cgroups": {
            str(folder) for folder in folders if folder.name == engine.name or not folder.name.startswith("slipway-")
        },
        "interfaces": sorted(Path("/sys/class/net").iterdir()),
        "routes": Path("/proc/net/route").read_text(),
        "firewall": _rules(programs),
        "mounts": sorted(line.split(" ", 4)[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()),
        "opt": sorted(Path("/opt").iterdir()),
        "run": sorted(set(Path("/run").iterdir()) - {Path("/run/slipway")}),
    }


def differences(before: dict[str, object], after: dict[str, object]) -> dict[str, tuple[object, object]]:
    """What is not as it was: its name → then and now."""
    one, other = (
        {**seen, **{f"settings/{key}": value for key, value in cast("dict[str, str]", seen["settings"]).items()}}
        for seen in (before, after)
    )
    names = (one.keys() | other.keys()) - {"settings"}
    return {name: (one.get(name), other.get(name)) for name in sorted(names) if one.get(name) != other.get(name)}


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that mention `folder`."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words and file.parent.name != str(os.getpid()):
            found.append(words)
    return found


def _settings() -> dict[str, str]:
    settings = {}
    top = Path("/proc/sys")
    for folder, _, names in os.walk(top):
        for name in names:
            path = Path(folder, name)
            key = str(path.relative_to(top))
            if not key.startswith(ALWAYS_MOVING):
                try:
                    settings[key] = path.read_text(errors="replace")
                except OSError:
                    continue  # may be written only
    return settings


def _rules(programs: Programs) -> list[str]:
    save = [programs.find("iptables-save")]
    text = subprocess.run(save, env=programs.environment, capture_output=True, text=True, check=True).stdout
    # Policies carry counters of packets behind them.
    return [line.partition(" [")[0] for line in text.splitlines() if not line.startswith("#")]
