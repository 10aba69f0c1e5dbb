"""How a machine is logged in to: by the `ssh` of whoever runs Pulumi, with a host key that is known beforehand.

A person's own configuration of ssh holds, so that agents and jump hosts work as they do by hand; what keeps a
connection safe stands on the command line, which goes before it. Keys are in files of their owner's for as long as a
connection is made, which then serves whoever comes within half a minute.
"""

import hashlib
import os
import shlex
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

_NAME = "slipway"
"""What the machine is called in the list of known hosts, whatever its address and port."""

_SAFE = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": os.devnull,
    "HostKeyAlias": _NAME,
    "UpdateHostKeys": "no",
    "CheckHostIP": "no",
    "ForwardAgent": "no",
    "RequestTTY": "no",
    "RemoteCommand": "none",
    "ClearAllForwardings": "yes",
    "LogLevel": "ERROR",
    "ConnectTimeout": "10",
    # A machine that has gone is noticed, and not waited for.
    "ServerAliveInterval": "5",
    "ServerAliveCountMax": "4",
    "ControlMaster": "auto",
    "ControlPersist": "30",
}
"""https://man.openbsd.org/ssh_config"""

NOT_CONNECTED = 255
"""With this code ssh ends where it is not connected; else with that of the command."""


@dataclass(frozen=True)
class Login:
    """A login on one machine."""

    address: str
    host_key: str
    """Type and key in base64, as its `/etc/ssh/ssh_host_*_key.pub` holds them."""

    user: str = "root"
    port: int = 22
    private_key: str | None = None
    """In OpenSSH's format or PEM; None for what ssh finds by itself."""

    identity_file: str | None = None
    """Where a private key is, on the machine that Pulumi runs on."""

    proxy_jump: str | None = None
    proxy_command: str | None = None

    @staticmethod
    def of(facts: Mapping[str, Any]) -> "Login":
        """The login that a machine's resource tells, with numbers as they come out of a state."""
        login = Login(**facts)
        return replace(login, port=int(login.port))

    @contextmanager
    def command(self, words: Sequence[str]) -> Generator[list[str]]:
        """What runs `words` there, for root. It works as long as the context is entered."""
        as_root = words if self.user == "root" else ["sudo", "--non-interactive", "--", *words]
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
            known = Path(folder, "known_hosts")
            known.write_text(f"{_NAME} {self.host_key}\n")
            options = {**_SAFE, "UserKnownHostsFile": str(known), "ControlPath": str(self._shared())}
            if self.proxy_jump:
                options["ProxyJump"] = self.proxy_jump
            if self.proxy_command:
                options["ProxyCommand"] = self.proxy_command
            if identity := self._identity(Path(folder)):
                options |= {"IdentitiesOnly": "yes", "IdentityFile": str(identity), "IdentityAgent": "none"}
            yield [
                "ssh",
                *(f"-o{key}={value}" for key, value in options.items()),
                f"-p{self.port}",
                f"-l{self.user}",
                "--",
                self.address,
                # A shell reads it there.
                shlex.join(as_root),
            ]

    def refused_root(self, said: str) -> str | None:
        """Why the one who is logged in does not become root, if that is what was said."""
        last = (said.strip().splitlines() or [""])[-1]
        if self.user == "root" or not last.startswith("sudo: "):
            return None
        return (
            f"{self.user} may not run everything by sudo without a password there ({last}); allow it in "
            "/etc/sudoers.d, or log in as root"
        )

    def refusal(self, said: str) -> tuple[bool, str]:
        """Whether the machine is there at all, and why nobody is logged in: one line, from what ssh has said."""
        last = (said.strip().splitlines() or ["ssh printed nothing"])[-1].strip()
        if "Host key verification failed" in said:
            return False, (
                "its host key is not the one that `hostKey` tells: it is another machine, or was installed anew; "
                "see which (`cat /etc/ssh/ssh_host_ed25519_key.pub` there), and write its key if it is the right one"
            )
        if "Permission denied" in said:
            return True, (
                f"it does not let {self.user} in with the key that is used; add its public half to "
                f"~{self.user}/.ssh/authorized_keys there, or see slipway:sshPrivateKey, `identityFile` and `user`"
            )
        return False, f"it is not reached at {self.address}, port {self.port}: {last}"

    def _identity(self, folder: Path) -> Path | None:
        if self.private_key is None:
            return Path(self.identity_file).expanduser() if self.identity_file else None
        file = folder / "identity"
        file.touch(mode=0o600)
        # ssh takes no key without an end of its last line.
        file.write_text(f"{self.private_key.strip()}\n")
        return file

    def _shared(self) -> Path:
        """The socket of a connection of this very login: whoever has another key does not get in by it."""
        folder = Path(tempfile.gettempdir(), f"slipway-{os.getuid()}")
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.stat(follow_symlinks=False)
        if found.st_uid != os.getuid() or found.st_mode & 0o777 != 0o700:
            raise PermissionError(13, f"{folder} is not this user's alone; remove it")
        return folder / hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:16]
