"""Kubeconfigs: pure functions from YAML to YAML, and where one is kept for a shell."""

import base64
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from components import yaml_text
from components.yaml_text import Document

LISTS = {"clusters": "cluster", "contexts": "context", "users": "user"}
"""The lists of a kubeconfig, whose entries are known by their names, and what each entry is about."""

FILES = {"clusters": ("certificate-authority",), "users": ("client-certificate", "client-key", "tokenFile")}
"""The fields that name files; each but a token's may have its content in `…-data` in its place."""

Named = dict[str, dict[str, Any]]
"""What stands under one name: list → what its entry of that name is about, e.g. `{"users": {"token": "…"}}`."""


class Taken(ValueError):
    """Entries of the wanted names are there already, and are somebody else's."""


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
    return build_for(name, cluster, user)


def build_for(name: str, cluster: Mapping[str, Any], user: Mapping[str, Any], namespace: str | None = None) -> str:
    """As `build` does it, for a cluster that a kubeconfig tells of: a proxy and a name for TLS may belong to it."""
    context = {"cluster": name, "user": name, **({"namespace": namespace} if namespace else {})}
    return yaml_text.dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": dict(cluster)}],
            "contexts": [{"name": name, "context": context}],
            "users": [{"name": name, "user": dict(user)}],
            "current-context": name,
        }
    )


def renamed(kubeconfig: str, name: str, folder: Path) -> Named:
    """The current context of a kubeconfig with its cluster and user, as all three are under another name.

    Args:
        kubeconfig: One with a current context, or with one context alone.
        name: What they are called from now on.
        folder: Where it lies: what relative paths in it start from, as client-go has it.

    Raises:
        ValueError: It is no kubeconfig, or lacks one of the three.
    """
    config = _checked(yaml_text.load(kubeconfig))
    about = {key: {entry["name"]: entry.get(LISTS[key]) or {} for entry in config.get(key) or []} for key in LISTS}
    current = config.get("current-context") or (next(iter(about["contexts"])) if len(about["contexts"]) == 1 else "")
    if current not in about["contexts"]:
        raise ValueError(f"there is no context {current!r} in it" if current else "it has no current context")
    context = about["contexts"][current]
    found: Named = {"contexts": {**context, "cluster": name, "user": name}}
    for key in FILES:
        wanted = context.get(LISTS[key])
        if wanted not in about[key]:
            raise ValueError(f"its context {current!r} has no {LISTS[key]}: there is no {wanted!r} in it")
        found[key] = {
            field: str(folder / value) if field in FILES[key] and value else value
            for field, value in about[key][wanted].items()
        }
    command = (found["users"].get("exec") or {}).get("command", "")
    if os.sep in command:
        found["users"]["exec"] = {**found["users"]["exec"], "command": str(folder / command)}
    return {key: found[key] for key in LISTS}


def merge(existing: str, added: Mapping[str, Named], before: Mapping[str, Sequence[Named]]) -> str:
    """`existing` with what `added` has under each name; everything else in it stays, byte by byte.

    An entry that an earlier merge put there is brought up to date, and keeps the fields that somebody has added since.
    Any other one of that name is somebody's, even if it says the same: who takes a stack out again must not take that.
    The current context is never changed.

    Args:
        existing: The kubeconfig to merge into; an empty text makes a new one.
        added: Name → what is to stand under it.
        before: Name → what earlier merges have put under it.

    Raises:
        ValueError: `existing` is no kubeconfig that kubectl reads.
        Taken: An entry of one of the names is there already, and is not of an earlier merge.
    """
    document = _read(existing)
    for key, value in {"apiVersion": "v1", "kind": "Config"}.items():
        if not document.data:
            document.assign(key, value)
    taken: dict[str, list[str]] = {}
    for key, about in LISTS.items():
        places = {entry["name"]: index for index, entry in enumerate(document.entries(key))}
        for name, wanted in added.items():
            if name not in places:
                document.append(key, {"name": name, about: wanted[key]})
                continue
            entry = document.entries(key)[places[name]]
            now = entry.get(about) or {}
            if name in before and _holds(now, wanted[key]) and (wanted[key] or not now):
                continue
            ours = [old[key] for old in before.get(name, ()) if _holds(now, old[key])]
            if not ours:
                taken.setdefault(name, []).append(about)
                continue
            theirs = {field: now[field] for field in now if not any(field in old for old in ours)}
            document.replace(key, places[name], {**entry, about: {**theirs, **wanted[key]}})
    if taken:
        raise Taken("; ".join(f"the {' and the '.join(kinds)} {name!r}" for name, kinds in taken.items()))
    return document.render()


def remove(existing: str, gone: Mapping[str, Sequence[Named]]) -> str:
    """`existing` without what merges have put there; an entry whose fields say something else by now stays.

    A current context that goes with them becomes empty.

    Args:
        existing: A kubeconfig.
        gone: Name → what merges have put under it.

    Raises:
        ValueError: `existing` is no kubeconfig that kubectl reads.
    """
    document = _read(existing)
    for key, about in LISTS.items():
        for index, entry in enumerate(document.entries(key)):
            name = entry["name"]
            if any(_holds(entry.get(about) or {}, old[key]) for old in gone.get(name, ())):
                document.remove(key, index)
                if key == "contexts" and document.data.get("current-context") == name:
                    document.assign("current-context", "")
    return document.render()


def use(existing: str, context: str) -> str:
    """`existing` with another current context.

    Raises:
        ValueError: It is no kubeconfig that kubectl reads, or has no such context.
    """
    document = _read(existing)
    known = [entry["name"] for entry in document.entries("contexts")]
    if context not in known:
        raise ValueError(
            f"there is no context {context!r} in it: {'it has ' + ', '.join(known) if known else 'it has none'}"
        )
    if document.data.get("current-context") != context:
        document.assign("current-context", context)
    return document.render()


def names(kubeconfig: str) -> set[str]:
    """The names of all clusters, contexts and users.

    Raises:
        ValueError: It is no kubeconfig that kubectl reads.
    """
    config = _checked(yaml_text.load(kubeconfig))
    return {entry["name"] for key in LISTS for entry in config.get(key) or []}


def cluster_of(kubeconfig: str) -> Mapping[str, Any]:
    """The only cluster, else that of the current context: its `server`, its CA if it has one, how it is reached.

    Raises:
        ValueError: There are several, and no current context tells which.
    """
    return _only(kubeconfig, "clusters")


def user_of(kubeconfig: str) -> Mapping[str, Any]:
    """What the only user, else that of the current context, shows to the API, e.g. `{"exec": {…}}`.

    Raises:
        ValueError: There are several, and no current context tells which.
    """
    return _only(kubeconfig, "users")


def _only(kubeconfig: str, key: str) -> Mapping[str, Any]:
    config, kind = yaml_text.load(kubeconfig), LISTS[key]
    found = {entry["name"]: entry.get(kind) or {} for entry in config[key]}
    if len(found) == 1:
        return next(iter(found.values()))
    for context in config.get("contexts") or []:
        if context["name"] == config.get("current-context") and context["context"].get(kind) in found:
            return found[context["context"][kind]]
    raise ValueError(f"the kubeconfig has {len(found)} {key}, and no current context that tells which")


def is_empty(kubeconfig: str) -> bool:
    """Whether a kubeconfig says no more than none at all: no entry, no preference, no comment."""
    said = {key: value for key, value in yaml_text.load(kubeconfig).items() if key not in ("apiVersion", "kind")}
    return not any(said.values()) and "#" not in kubeconfig


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


def _read(text: str) -> Document:
    document = Document(text)
    _checked(document.data)
    return document


def _checked(config: dict[str, Any]) -> dict[str, Any]:
    """The same, once it is found to be what kubectl reads.

    As client-go does it: https://github.com/kubernetes/client-go/blob/master/tools/clientcmd/api/v1/conversion.go.
    """
    if (config.get("kind") or "Config") != "Config" or (config.get("apiVersion") or "v1") != "v1":
        raise ValueError("it is no kubeconfig: its kind is not Config of v1")
    if not isinstance(config.get("current-context", ""), str | None):
        raise ValueError("its current-context is no name")
    for key, about in LISTS.items():
        entries = [] if config.get(key) is None else config[key]
        if not isinstance(entries, list) or not all(map(_is_named, entries)):
            raise ValueError(f"its {key} are not a list of entries with names")
        if any(not isinstance(entry.get(about) or {}, dict) for entry in entries):
            raise ValueError(f"one of its {key} is cut off: it has no fields under `{about}`")
        listed = [entry["name"] for entry in entries]
        if len(set(listed)) != len(listed):
            twice = next(name for name in listed if listed.count(name) > 1)
            raise ValueError(f"kubectl refuses it: it has two {key} called {twice!r}")
        if broken := _cut_off(key, entries):
            raise ValueError(f"it is cut off: {broken} is not base64")
    return config


def _is_named(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("name"), str)


def _cut_off(key: str, entries: Iterable[dict[str, Any]]) -> str | None:
    """Which content of a file is not what kubectl reads, if any."""
    for entry in entries:
        for field in FILES.get(key, ()):
            data = (entry.get(LISTS[key]) or {}).get(f"{field}-data") or ""
            try:
                # Go passes over line ends, and over nothing else.
                base64.b64decode(re.sub(r"[\r\n]", "", data), validate=True)
            except (TypeError, ValueError):
                return f"{field}-data of {LISTS[key]} {entry['name']!r}"
    return None


def _holds(now: Any, put: Any) -> bool:
    """Whether all that was put there is still there; kubectl adds defaults, and drops what is empty."""
    if not isinstance(put, dict):
        return now == put
    return isinstance(now, dict) and all(
        _holds(now[field], value) if field in now else not value for field, value in put.items()
    )
