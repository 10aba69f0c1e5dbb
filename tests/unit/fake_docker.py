"""docker's command line as machines that are containers use it, played by one that only remembers."""

import io
import json
import subprocess
import tarfile
from dataclasses import dataclass, field
from typing import Any

from components.local.kind_config import OFFLINE_REPOSITORY
from components.machines.container_provider import CLAIM

IMAGE = f"{OFFLINE_REPOSITORY}:v1.37.2"


class Refused(Exception):
    pass


@dataclass
class Docker:
    """docker's command line: what there is, and all that was asked of it."""

    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    networks: dict[str, dict[str, str]] = field(default_factory=dict)
    subnets: dict[str, list[str]] = field(default_factory=dict)
    """Name of a network → what it has."""

    is_podman: bool = False
    asked: list[list[str]] = field(default_factory=list)
    answers: bool = True

    def __call__(self, command: list[str], *, input: str | bytes = "", text: bool = False, **_: Any) -> Any:
        self.asked.append(command)
        try:
            if not self.answers:
                raise Refused("Cannot connect to the Docker daemon")
            told, error = self._told(command[1:], input), ""
        except Refused as refused:
            told, error = "", f"Error response from daemon: {refused}"
        streams = (told, error) if text else (told.encode(), error.encode())
        return subprocess.CompletedProcess(command, bool(error), *streams)

    def _told(self, words: list[str], stdin: str | bytes) -> str:
        match words:
            case ["network", "inspect", "--format", "{{json .Labels}}", name]:
                return json.dumps(self._of(self.networks, name))
            case ["network", "ls", *_]:
                return "\n".join(["bridge", *self.networks])
            case ["network", "inspect", *names]:
                return json.dumps([self._network(name) for name in names])
            case ["network", "create", "--subnet", _, "--label", label, name]:
                self.networks[name] = dict([label.split("=")])
            case ["network", "rm", name]:
                del self.networks[name]
            case ["container", "inspect", name]:
                return json.dumps([self._of(self.containers, name)])
            case ["container", "ls", "--all", *_]:
                return "\n".join(self.containers)
            case ["ps", "--all", "--quiet", "--filter", told]:
                _, name, value = told.split("=")
                found = self.containers.items()
                return "\n".join(one for one, told in found if told["Config"]["Labels"].get(name) == value)
            case ["create", *options]:
                name = options[options.index("--name") + 1]
                assert name not in self.containers
                self.holds(name, *options[options.index("--label") + 1].split("=")[1:], status="created")
            case ["start", name]:
                self._of(self.containers, name)["State"]["Status"] = "running"
            case ["kill", "--signal", signal, name]:
                self._of(self.containers, name)["signals"].append(signal)
            case ["rm", "--force", "--volumes", *names]:
                for name in names:
                    del self.containers[name]
            case ["cp", "-", target]:
                assert isinstance(stdin, bytes)
                name, folder = target.split(":")
                self._of(self.containers, name)["files"].update(unpacked(folder, stdin))
            case ["image", "ls", *_]:
                return "v1.37.2\nv1.36.4"
            case ["image", "inspect", image]:
                if image != IMAGE:
                    raise Refused(f"no such image: {image}")
            case _:
                raise AssertionError(f"docker is asked: {words}")
        return ""

    def _network(self, name: str) -> dict[str, Any]:
        subnets = self.subnets.get(name, ())
        if self.is_podman:
            return {"name": name, "subnets": [{"subnet": subnet} for subnet in subnets]}
        return {"Name": name, "IPAM": {"Config": [{"Subnet": subnet} for subnet in subnets] or None}}

    @staticmethod
    def _of(all_: dict[str, Any], name: str) -> Any:
        if name not in all_:
            raise Refused(f"no such thing: {name}")
        return all_[name]

    def holds(self, name: str, claim: str | None, status: str = "running") -> None:
        """Let there be a container of that name, and whose it is."""
        labels = {CLAIM: claim} if claim else {}
        self.containers[name] = {
            "Config": {"Labels": labels}, "State": {"Status": status}, "files": {}, "signals": [],
        }  # fmt: skip

    def done(self, *words: str) -> list[list[str]]:
        """What was asked that begins with these words."""
        return [command[1:] for command in self.asked if command[1 : 1 + len(words)] == list(words)]


def unpacked(folder: str, packed: bytes) -> dict[str, tuple[str, int]]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {
            f"{folder}/{entry.name}": (io.TextIOWrapper(archive.extractfile(entry)).read(), entry.mode)  # ty: ignore
            for entry in archive
        }
