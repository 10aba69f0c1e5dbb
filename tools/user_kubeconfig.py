"""The user's own kubeconfig: touched only when asked, and left as it was when a stack goes.

What was merged into which file is kept beside the stacks' own kubeconfigs, so that an entry of somebody else's is never
taken for a stack's: it is neither written over nor removed.
"""

import base64
import hashlib
import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from components import kubeconfig
from components.kubeconfig import Named
from components.local.existing_kubeconfig import OWN
from tools import locked_file, paths, workspace
from tools.console import Problem, say


class Authority(StrEnum):
    """How the certificate of a cluster's CA is told."""

    EMBEDDED = "embedded"
    FILES = "files"


def merge(
    stacks: Mapping[str, str], file: Path | None = None, use: str | None = None, authority: Authority | None = None
) -> None:
    """Merge the kubeconfigs of stacks into the user's, all of them or none.

    Args:
        stacks: Stack → its kubeconfig. Cluster, user and context are called by the stack.
        file: Where to merge them; by default where kubectl writes to.
        use: The context that becomes the current one; by default that is not changed.
        authority: Whether the CAs' certificates are embedded or in files; by default as each kubeconfig has them.

    Raises:
        Problem: A file is no kubeconfig, holds entries of these names that are not the stacks', or has no such context.
    """
    target = _chosen(file)
    added = {stack: _named(stack, text, authority) for stack, text in stacks.items()}
    if file is None:
        _refuse_twice_in_the_list(target, added)
    with _changing(target) as (existing, record):
        merged = _merged(target, existing, added, record)
        changed = merged if use is None else _used(target, merged, use)
        record.made = record.made or not target.exists()
        # What is to be merged is known beforehand, so that a run that is killed leaves nothing that is nobody's.
        record.write({stack: [*record.merged.get(stack, []), named] for stack, named in added.items()})
        if changed != existing or not target.exists():
            locked_file.replace(target, changed)
        record.write({stack: [named] for stack, named in added.items()})
    _tell(target, added, use)


def forget(stack: str) -> None:
    """Remove the kubeconfig of a stack, and what was merged from it into the user's."""
    forget_merged(stack)
    workspace.kubeconfig(stack).unlink(missing_ok=True)
    _authority_file(stack).unlink(missing_ok=True)


def forget_merged(stack: str) -> None:
    """Take out of the user's kubeconfigs what `merge` put in, unless it was changed since."""
    for path in sorted(_records().glob("*.json")):
        known = _Record.read(path)
        if stack not in known.merged:
            continue
        target = known.target
        if not target.parent.exists():
            known.write({stack: []})  # it went with its folder
            continue
        with _changing(target) as (existing, record):
            if target.exists():
                left = kubeconfig.remove(existing, {stack: record.merged.get(stack, [])})
                if record.made and not target.is_symlink() and kubeconfig.is_empty(left):
                    target.unlink()
                elif left != existing:
                    locked_file.replace(target, left)
            record.write({stack: []})


@dataclass
class _Record:
    """What was merged into one file: stack → what its entries may say, more than one thing while a merge runs."""

    target: Path
    merged: dict[str, list[Named]] = field(default_factory=dict)
    made: bool = False
    """Whether there was no such file before."""

    @classmethod
    def of(cls, target: Path) -> "_Record":
        path = _path_of(target)
        return cls.read(path) if path.exists() else cls(target)

    @classmethod
    def read(cls, path: Path) -> "_Record":
        """What `write` has kept.

        Raises:
            Problem: It is something else by now.
        """
        try:
            known = json.loads(path.read_text())
            merged = {
                stack: [{about: dict(one[about]) for about in kubeconfig.LISTS} for one in named]
                for stack, named in known["merged"].items()
            }
            return cls(Path(known["target"]), merged, bool(known["made"]))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise Problem(
                f"{path} is broken, which tells what was merged into one of your kubeconfigs: remove it, and take the "
                "entries of stacks out there (kubectl config delete-context, delete-cluster, delete-user)"
            ) from error

    def write(self, changed: Mapping[str, list[Named]]) -> None:
        self.merged = {stack: named for stack, named in {**self.merged, **changed}.items() if named}
        path = _path_of(self.target)
        if not self.merged:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = {"target": str(self.target), "made": self.made, "merged": self.merged}
        locked_file.replace(path, json.dumps(known))


def _records() -> Path:
    return paths.KUBECONFIGS / "merged"


def _path_of(target: Path) -> Path:
    return _records() / f"{hashlib.sha256(os.fsencode(target)).hexdigest()[:16]}.json"


@contextmanager
def _changing(target: Path) -> Generator[tuple[str, _Record]]:
    """Hold a kubeconfig and what is known of it, with nobody else changing either."""
    try:
        with locked_file.locked(target):
            existing = target.read_bytes().decode() if target.exists() else ""
            yield existing, _Record.of(target)
    except (OSError, ValueError) as error:
        raise _unusable(target, error) from error


def _unusable(target: Path, error: OSError | ValueError) -> Problem:
    match error:
        case UnicodeDecodeError():
            why = f"it is not UTF-8 text (byte {error.start + 1})"
        case OSError(filename=str(other)) if other != str(target):
            why = f"{other}: {error.strerror}"
        case OSError():
            why = str(error.strerror)
        case _:
            why = str(error)
    return Problem(f"{target} cannot be changed: {why}; mend it, or choose another file with --file or KUBECONFIG")


def _merged(target: Path, existing: str, added: Mapping[str, Named], record: _Record) -> str:
    try:
        return kubeconfig.merge(existing, added, record.merged)
    except kubeconfig.Taken as taken:
        raise _taken(target, str(taken)) from taken


def _taken(target: Path, what: str) -> Problem:
    return Problem(
        f"{target} has {what} already, not from this stack or changed since: nothing was merged; take it out there "
        "(kubectl config delete-context, delete-cluster, delete-user), or merge into a file of its own with --file"
    )


def _used(target: Path, merged: str, context: str) -> str:
    try:
        return kubeconfig.use(merged, context)
    except ValueError as error:
        raise Problem(f"{target}: {error}; nothing was merged") from error


def _chosen(file: Path | None) -> Path:
    """The file to merge into: by default the one that kubectl writes new entries to, the private ones left out.

    Which of a list that is: https://github.com/kubernetes/client-go/blob/master/tools/clientcmd/config.go.
    """
    if file is not None:
        target = _at(file)
        # Of a link that leads to itself `resolve` makes a failure.
        if Path(os.path.realpath(target)).is_relative_to(paths.KUBECONFIGS.resolve()):
            raise Problem(f"{target} is Slipway's own, and made anew by the next `make up`: choose another file")
        return target
    listed = _listed()
    return next((path for path in listed if path.exists()), listed[-1]) if listed else Path.home() / ".kube/config"


def _listed() -> list[Path]:
    """The files that KUBECONFIG lists, without the private ones of `make env`; if none is left, the earlier ones."""
    own = [path for path in _files_of("KUBECONFIG") if not path.is_relative_to(paths.KUBECONFIGS)]
    return own or _files_of(OWN)


def _files_of(variable: str) -> list[Path]:
    named = [path for path in os.environ.get(variable, "").split(os.pathsep) if path]
    return [_at(Path(path)) for path in named]


def _at(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        raise Problem(f"{path} leads nowhere: there is no such user; write ~/… or the whole path") from error


def _refuse_twice_in_the_list(target: Path, stacks: Mapping[str, Any]) -> None:
    """Of two entries of one name in the files that KUBECONFIG lists, kubectl takes the first one's.

    Raises:
        Problem: Another file of the list has an entry that is called like one of the stacks, and is not of it.
    """
    for other in {path for path in _listed() if path != target and path.is_file()}:
        try:
            names = kubeconfig.names(other.read_bytes().decode())
        except (OSError, ValueError):
            continue  # kubectl says so
        if taken := sorted((names & set(stacks)) - set(_Record.of(other).merged)):
            raise _taken(other, f"entries called {', '.join(taken)}")


def _named(stack: str, text: str, authority: Authority | None) -> Named:
    try:
        named = kubeconfig.renamed(text, stack, paths.KUBECONFIGS)
        if json.loads(json.dumps(named)) != named:
            raise TypeError  # what is kept of it would not be known again
        cluster, path = named["clusters"], _authority_file(stack)
        if authority is Authority.FILES and (data := cluster.pop("certificate-authority-data", None)):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            locked_file.replace(path, base64.b64decode(data).decode())
            cluster["certificate-authority"] = str(path)
        if authority is Authority.EMBEDDED and (source := cluster.pop("certificate-authority", None)):
            data = base64.b64encode(Path(source).read_bytes()).decode()
            cluster.setdefault("certificate-authority-data", data)
    except (AttributeError, OSError, TypeError, ValueError) as error:
        match error:
            case OSError():
                why = f"{error.filename}: {error.strerror}"
            case UnicodeDecodeError():
                why = "the certificate of its CA is no text"
            case ValueError():
                why = str(error)
            case _:
                why = "a value in it is not what kubectl reads there"
        raise Problem(
            f"the kubeconfig of {stack} cannot be merged: {why}; `make up STACK={stack}` writes it anew"
        ) from error
    return named


def _authority_file(stack: str) -> Path:
    return paths.KUBECONFIGS / f"{stack}.ca.crt"


def _tell(target: Path, added: Mapping[str, Named], use: str | None) -> None:
    for stack, named in added.items():
        for what, ended in _expired(named):
            say(f"{stack}: its {what}'s certificate expired on {ended:%Y-%m-%d}: `make up STACK={stack}` mends that")
    how = "" if target in (_files_of("KUBECONFIG") or [Path.home() / ".kube/config"]) else f" --kubeconfig {target}"
    name = use or next(iter(added))
    then = f"{name} is the current context" if use else f"`kubectl{how} --context {name} …` uses it"
    say(f"{target} has {', '.join(added)}; {then}")


def _expired(named: Named) -> list[tuple[str, datetime]]:
    """The certificates that are no longer good, and since when: the CA's and the user's."""
    from cryptography import x509

    now = datetime.now(UTC)
    found: list[tuple[str, datetime]] = []
    for what, about, name in (("CA", "clusters", "certificate-authority"), ("user", "users", "client-certificate")):
        try:
            data = named[about].get(f"{name}-data")
            pem = base64.b64decode(data) if data else Path(named[about][name]).read_bytes()
            ends = [certificate.not_valid_after_utc for certificate in x509.load_pem_x509_certificates(pem)]
        except (KeyError, OSError, ValueError):
            continue  # there is none, or kubectl says better what is wrong with it
        # A bundle of CAs is good as long as one of them is; the user's own certificate stands first.
        end = max(ends) if what == "CA" else ends[0]
        if end < now:
            found.append((what, end))
    return found
