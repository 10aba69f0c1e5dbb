"""The user's own kubeconfig: touched only when asked, and left as it was when a stack goes."""

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from components import kubeconfig
from tools import paths, workspace
from tools.console import Problem, say


def merge(stack: str) -> None:
    """Merge the kubeconfig of a stack into the user's; the current context is kept.

    Raises:
        Problem: The stack has none yet, or the user's file cannot be read as a kubeconfig.
    """
    source = workspace.kubeconfig(stack)
    if not source.exists():
        raise Problem(f"{stack} has no kubeconfig yet: run `make up STACK={stack}` first")
    added, target = source.read_text(), _target()
    forget_merged(stack)
    _rewrite(target, lambda existing: kubeconfig.merge(existing, added))
    record = _record(stack)
    record.touch(mode=0o600)
    record.write_text(f"{target}\n{added}")
    context = kubeconfig.current_context(added)
    say(f"merged into {target}; `kubectl config use-context {context}` switches to it")


def forget(stack: str) -> None:
    """Remove the kubeconfig of a stack, and what was merged from it into the user's."""
    forget_merged(stack)
    workspace.kubeconfig(stack).unlink(missing_ok=True)


def forget_merged(stack: str) -> None:
    """Take out of the user's kubeconfig what `merge` put in, unless it was changed since."""
    record = _record(stack)
    if record.exists():
        target, _, gone = record.read_text().partition("\n")
        if Path(target).exists():
            _rewrite(Path(target), lambda existing: kubeconfig.remove(existing, gone))
            if not Path(target).is_symlink() and kubeconfig.is_empty(Path(target).read_text()):
                Path(target).unlink()
        record.unlink()


def _record(stack: str) -> Path:
    return paths.KUBECONFIGS / f"{stack}.merged"


def _target() -> Path:
    """The file that kubectl writes to: the first of KUBECONFIG, unless that is the private one of `make env`."""
    chosen = [path for path in os.environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    others = [path for path in chosen if not Path(path).is_relative_to(paths.KUBECONFIGS)]
    return Path(others[0]).expanduser().absolute() if others else Path.home() / ".kube/config"


def _rewrite(target: Path, change: Callable[[str], str]) -> None:
    """Replace a kubeconfig as a whole, so that nobody ever reads half of one; a link stays a link."""
    target = Path(os.path.realpath(target))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(target, change(target.read_text() if target.exists() else ""))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise Problem(f"{target} cannot be changed: {why}; mend it, or set KUBECONFIG to another file") from error


def _replace(target: Path, text: str) -> None:
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
    fresh = target.with_name(f".{target.name}.slipway")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.chmod(mode)
    fresh.replace(target)
