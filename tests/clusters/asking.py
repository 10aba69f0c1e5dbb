"""Questions asked several times a second while something happens to a cluster, and how many went unanswered."""

import base64
import ssl
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import yaml

SECONDS_BETWEEN = 0.1
SECONDS_TO_ANSWER = 30
"""How long an answer may take: a slow machine loses nothing, and who is asked where nobody is never answers."""

SECONDS_BEFORE_THE_SECOND_TRY = 1.0
"""As client-go waits."""


@dataclass
class Count:
    """How often something was asked."""

    asked: int = 0
    refused: list[str] = field(default_factory=list)
    """Why each question was not answered, at the first try."""

    lost: list[str] = field(default_factory=list)
    """Why those were not answered that had been asked twice."""

    worst: float = 0.0
    """Seconds until the slowest answer."""

    def __str__(self) -> str:
        return (
            f"asked {self.asked} times, {len(self.refused)} refused at the first try, {len(self.lost)} lost, "
            f"{self.worst:.1f} s at worst"
        )


class AskingTheApi:
    """Asks the API for an object, again and again, by the administrator's kubeconfig: each time by a new connection."""

    def __init__(self, kubeconfig: str, path: str) -> None:
        config = yaml.safe_load(kubeconfig)
        self._url = config["clusters"][0]["cluster"]["server"] + path
        self._context = _context(config)
        self.count = Count()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._end.wait(SECONDS_BETWEEN):
            self.count.asked += 1
            begun = time.monotonic()
            if first := self._refusal():
                self.count.refused.append(first)
                time.sleep(SECONDS_BEFORE_THE_SECOND_TRY)
                if second := self._refusal():
                    self.count.lost.append(second)
            self.count.worst = max(self.count.worst, time.monotonic() - begun)

    def _refusal(self) -> str:
        try:
            httpx.get(self._url, verify=self._context, timeout=SECONDS_TO_ANSWER).raise_for_status()
        except httpx.HTTPError as error:
            return f"{time.strftime('%T')} {error}"
        return ""


class AskingOnANode:
    """Asks a Service from a node, again and again; each question is tried once."""

    _LOOP = """
while [ -e /run/slipway-asking ]; do
  curl --silent --show-error --fail --max-time "$1" --output /dev/null "$0" 2>&1 && echo answered
  sleep 0.1
done
"""

    def __init__(self, engine: str, node: str, url: str) -> None:
        self._exec = [engine, "exec", node]
        self._url = url
        self.count = Count()

    def __enter__(self) -> Self:
        subprocess.run([*self._exec, "touch", "/run/slipway-asking"], check=True)
        # A file, since a pipe that nobody reads is full some time.
        self._told = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [*self._exec, "sh", "-c", self._LOOP, self._url, str(SECONDS_TO_ANSWER)], stdout=self._told
        )
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run([*self._exec, "rm", "-f", "/run/slipway-asking"], check=True)
        self._process.wait(timeout=60)
        with self._told as file:
            file.seek(0)
            told = file.read().splitlines()
        self.count.asked = len(told)
        self.count.lost = [line for line in told if line != "answered"]


def _context(config: dict) -> ssl.SSLContext:
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder) / "client.pem"
        pem.touch(mode=0o600)
        pem.write_bytes(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
        context.load_cert_chain(pem)
    return context
