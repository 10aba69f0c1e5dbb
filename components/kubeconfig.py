"""Kubeconfigs: pure functions from YAML to YAML, and where one is kept for a shell."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

LISTS = ("clusters", "contexts", "users")
"""The lists of a kubeconfig; an entry is known by its name."""


def build(name: str, server: str, ca_certificate: str | None, user: Mapping[str, Any]) -> str:
    """A kubeconfig with one context, cluster and user, all called `name`.

    Args:
        name: What `kubectl config get-contexts` will show.
        server: URL of the API.
        ca_certificate: Base64 of the PEM certificate of the API's CA; none where a public CA signs it.
        user: The user's credentials as a kubeconfig writes them, e.g. `{"exec": {…}}`.
    """
    cluster = {"server": server}
    if ca_certificate is not None:
        cluster["certificate-authority-data"] = ca_certificate
    return _write(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "users": [{"name": name, "user": dict(user)}],
            "current-context": name,
        }
    )


def merge(existing: str, added: str) -> str:
    """`existing` with the entries of `added`, which win over entries of the same name.

    The current context stays as it is; an `existing` that has none takes that of `added`.

    Raises:
        ValueError: `existing` or `added` is no kubeconfig.
    """
    config, new = _read(existing), _read(added)
    for key in LISTS:
        names = {entry["name"] for entry in new[key]}
        config[key] = [entry for entry in config[key] if entry["name"] not in names] + new[key]
    config["current-context"] = config.get("current-context") or new.get("current-context", "")
    return _write(config)


def remove(existing: str, gone: str) -> str:
    """`existing` without the entries of `gone` that are still what `gone` says; an entry changed since stays.

    A current context that went with them becomes empty.

    Raises:
        ValueError: `existing` or `gone` is no kubeconfig.
    """
    config, old = _read(existing), _read(gone)
    for key in LISTS:
        config[key] = [entry for entry in config[key] if entry not in old[key]]
    if config.get("current-context") not in {context["name"] for context in config["contexts"]}:
        config["current-context"] = ""
    return _write(config)


def cluster_of(kubeconfig: str) -> Mapping[str, str]:
    """The only cluster of a kubeconfig: its `server` and perhaps `certificate-authority-data`."""
    return _read(kubeconfig)["clusters"][0]["cluster"]


def is_empty(kubeconfig: str) -> bool:
    """Whether a kubeconfig names nothing: it says no more than none at all."""
    config = _read(kubeconfig)
    return not any(config[key] for key in LISTS)


def current_context(kubeconfig: str) -> str:
    """The name of a kubeconfig's current context."""
    return _read(kubeconfig).get("current-context", "")


def save(folder: Path, stack: str, kubeconfig: str) -> None:
    """Keep the kubeconfig of a stack in `folder`, for its owner's eyes only.

    It takes the old one's place in an instant, so that nobody ever reads half of one.

    Raises:
        OSError: The folder cannot be written to.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(prefix=f".{stack}-", dir=folder)
    with os.fdopen(descriptor, "w") as file:
        file.write(kubeconfig)
    Path(fresh).replace(folder / f"{stack}.yaml")


def _read(text: str) -> dict[str, Any]:
    try:
        config = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ValueError("it is not YAML") from error
    if not isinstance(config, dict) or config.get("kind", "Config") != "Config":
        raise ValueError("it is no kubeconfig: its kind is not Config")
    config.setdefault("apiVersion", "v1")
    config.setdefault("kind", "Config")
    for key in LISTS:
        config[key] = config.get(key) or []
        if not isinstance(config[key], list) or not all(isinstance(e, dict) and "name" in e for e in config[key]):
            raise ValueError(f"its {key} are not a list of entries with names")
    return config


def _write(config: Mapping[str, Any]) -> str:
    return yaml.dump(dict(config), Dumper=yaml.CSafeDumper, sort_keys=False)
