"""kubectl with a kubeconfig that is in the state: what nodes are, and what they leave."""

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REQUEST_SECONDS = 10

RIGHTS_SECONDS = 20
"""How long an API server that has just started may take to know its administrator's rights, which are all."""

_NO_RIGHT = re.compile(r'forbidden: User "kubernetes-admin" cannot ')
_REASONS = ("error: ", "Error from server", "Unable to connect to the server", "The connection to the server")
"""What begins the line in which kubectl says why: after its log, and before hints on programs that are missing."""


class KubectlError(Exception):
    """kubectl is missing, or was refused: one line with the reason."""

    __module__ = "builtins"  # so that Pulumi shows "KubectlError: …" without the path of this class


class Kubectl:
    """kubectl on one cluster."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    @contextmanager
    def on(cls, kubeconfig: str) -> Generator["Kubectl"]:
        """The cluster of `kubeconfig`, kept in a file of its owner's for as long as it is used."""
        with tempfile.NamedTemporaryFile("w", prefix="slipway-", suffix=".kubeconfig") as file:
            file.write(kubeconfig)
            file.flush()
            yield cls(Path(file.name))

    def run(self, *words: str, stdin: str = "", seconds: float = 60) -> str:
        """Run kubectl and return what it printed.

        Raises:
            KubectlError: It failed, or took longer than `seconds`.
        """
        command = ["kubectl", f"--request-timeout={REQUEST_SECONDS}s", *words]
        environment = {**os.environ, "KUBECONFIG": str(self._file)}
        until = time.monotonic() + RIGHTS_SECONDS
        while True:
            try:
                done = subprocess.run(
                    command, env=environment, input=stdin, capture_output=True, text=True, timeout=seconds
                )
            except OSError as error:
                raise KubectlError(f"kubectl cannot be run: {error.strerror}; is it on PATH?") from None
            except subprocess.TimeoutExpired:
                raise KubectlError(f"kubectl {words[0]} has not ended within {seconds:.0f} s") from None
            if not done.returncode:
                return done.stdout
            if time.monotonic() > until or not _NO_RIGHT.search(done.stderr):
                raise KubectlError(f"kubectl {words[0]} failed: {_reason(done.stderr)}")
            time.sleep(1)

    def node(self, name: str) -> dict[str, Any] | None:
        """A node as the API tells it; None where there is none of that name.

        Raises:
            KubectlError: The API was not reached.
        """
        told = self.run("get", "node", name, "--ignore-not-found", "--output=json")
        return json.loads(told) if told else None


def _reason(told: str) -> str:
    lines = told.strip().splitlines() or ["it printed nothing"]
    return next((line for line in reversed(lines) if line.startswith(_REASONS)), lines[-1])


def is_ready(node: dict[str, Any] | None) -> bool:
    """Whether a node takes pods, as its kubelet says."""
    conditions = (node or {}).get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
