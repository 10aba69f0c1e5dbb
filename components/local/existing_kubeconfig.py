"""One context of a kubeconfig of the user's, as a kubeconfig that needs no other file. Nothing is written there.

How contexts, files, relative paths and lists in KUBECONFIG work is client-go's to say, and kubectl is client-go.
"""

import difflib
import errno
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import yaml

from components.bootstrap.kubectl import KubectlError
from components.kubeconfig import build_for

OWN = "SLIPWAY_OWN_KUBECONFIG"
"""What KUBECONFIG was before `make` gave the process that of the stack."""

SECONDS = 30

DOCKER_DESKTOP = "docker-desktop"
"""The context that Docker Desktop makes."""


class KubeconfigError(Exception):
    """A kubeconfig that is not there, is broken, or lacks the context: one line with the fix."""

    __module__ = "builtins"  # so that Pulumi shows "KubeconfigError: …" without the path of this class


def read(path: str | None, context: str, name: str) -> str:
    """The context, its cluster and its user as a kubeconfig of their own, all called `name`.

    Certificates and tokens that lie in files are put into it. The name is the stack's, so that merging it into the file
    that it comes from, and taking it out again, never meets what stands there.

    Raises:
        KubeconfigError: The kubeconfig, or the context, cannot be had.
        KubectlError: kubectl cannot be run, or has not ended.
    """
    files = _files(path)
    where = os.pathsep.join(map(str, files))
    try:
        is_there = any(file.exists() for file in files)
    except OSError as error:
        raise KubeconfigError(
            f"the kubeconfig {where} cannot be read: {error.strerror}; mend it, or write kubeconfig: PATH"
        ) from None
    if not is_there:
        raise KubeconfigError(f"there is no kubeconfig {where}; write kubeconfig: PATH, or make that cluster first")
    try:
        config = _view(where, "--minify", "--flatten", f"--context={context}")
    except KubeconfigError:
        contexts = [entry["name"] for entry in _view(where).get("contexts") or []]
        if context in contexts:
            raise
        raise KubeconfigError(f"{where} has no context {context!r}; {_instead(context, contexts)}") from None
    try:
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]
        namespace = config["contexts"][0]["context"].get("namespace")
    except (KeyError, IndexError, TypeError):
        raise KubeconfigError(
            f"the context {context!r} of {where} names no cluster or no user; mend it, or write another context"
        ) from None
    shows = _on_its_own(user, files)
    # Of nothing kubectl makes localhost:8080, where another cluster may be, and a question that nobody answers.
    for told, what in (
        (cluster.get("server"), "its cluster has no server"),
        (any(shows.values()), "its user has no credential"),
    ):
        if not told:
            raise KubeconfigError(
                f"the context {context!r} of {where} is of no use: {what}; mend it, or write another context"
            )
    return build_for(name, cluster, shows, namespace)


def _files(path: str | None) -> list[Path]:
    """The files that kubectl would read, without those that Slipway keeps for shells."""
    if path is not None:
        return [_at(path)]
    listed = os.environ.get(OWN) or os.environ.get("KUBECONFIG", "")
    ours = os.environ.get("SLIPWAY_KUBECONFIGS")
    chosen = [_at(each) for each in listed.split(os.pathsep) if each]
    return [file for file in chosen if not (ours and file.is_relative_to(ours))] or [Path.home() / ".kube/config"]


def _at(path: str) -> Path:
    """Where a path leads; that of a home of nobody's stays as it is."""
    return Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 - pathlib's raises there


def _view(files: str, *words: str) -> dict[str, Any]:
    command = ["kubectl", "config", "view", "--raw", "--output=yaml", *words]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "KUBECONFIG": files},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except OSError as error:
        raise KubectlError(f"kubectl cannot be run: {error.strerror}; is it on PATH?") from None
    except subprocess.TimeoutExpired:
        raise KubectlError(
            f"kubectl has not read the kubeconfig {files} within {SECONDS} s: it, or a file that it names, may be a "
            "pipe; mend it, or write kubeconfig: PATH"
        ) from None
    if done.returncode:
        # Of a broken file kubectl tells the line, and what stands there of a name that stands there twice, and of what
        # begins as an alias, which an unquoted password may do.
        told = " ".join(done.stderr.split()).removeprefix("error: ").partition(" in list: ")[0]
        told = re.sub("unknown anchor '.*' referenced", "unknown anchor referenced", told)
        why = told or "kubectl printed nothing"
        raise KubeconfigError(f"the kubeconfig {files} cannot be read: {why}; mend it, or write kubeconfig: PATH")
    return yaml.safe_load(done.stdout) or {}


def _instead(context: str, contexts: list[str]) -> str:
    if context == DOCKER_DESKTOP:
        return (
            "turn Kubernetes on in Docker Desktop: Settings, Kubernetes, Enable Kubernetes, Apply & Restart; "
            "then run this again"
        )
    if close := difflib.get_close_matches(context, contexts, n=1):
        return f"did you mean {close[0]}?"
    return f"write one of {', '.join(contexts)}" if contexts else "it has none at all"


def _on_its_own(entry: dict[str, Any], files: list[Path]) -> dict[str, Any]:
    """A user without paths that are relative to a kubeconfig, and with its token: `--flatten` minds certificates."""
    name, user = entry["name"], dict(entry["user"] or {})
    if path := user.pop("tokenFile", None):
        file = _found(path, name, files)
        try:
            if not stat.S_ISREG(file.stat().st_mode):  # a pipe may never end
                raise OSError(errno.EINVAL, "it is no file")
            user["token"] = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise KubeconfigError(
                f"{file}, where a kubeconfig says its token is, cannot be read: {why}; mend it, or choose another"
            ) from None
    match user.get("exec"):
        case {"command": str(command)} if os.sep in command:
            user["exec"] = {**user["exec"], "command": str(_found(command, name, files))}
    return user


def _found(path: str, user: str, files: list[Path]) -> Path:
    """Where a path of a user leads: from the folder of the kubeconfig that the user stands in, the first of several."""
    there = (file for file in files if file.exists())
    users = ((file, _view(str(file)).get("users") or []) for file in there)
    return next(file.parent / path for file, entries in users if user in (entry["name"] for entry in entries))
