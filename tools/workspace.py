"""What Pulumi and kubectl run on: the variables that every command of `make` and a shell after `make env` share."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from components.local.existing_kubeconfig import OWN
from tools import paths
from tools.console import Problem
from tools.engine import Engine

BACKEND = "PULUMI_BACKEND_URL"
_PASSPHRASE = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
OWN_BACKEND = f"file://{paths.STATE}"


STATE_FILES = (".json", ".json.gz", ".json.zst")
"""How the files end that Pulumi keeps the state of stacks in, as its settings say."""


def environment(stack: str, engine: Engine | None) -> dict[str, str]:
    """The variables to set beside the caller's own, and nothing that the caller has chosen already.

    Args:
        stack: Whose kubeconfig kubectl uses.
        engine: The container engine that answers, if any.
    """
    found = engine.environment if engine else {}
    path = found.get("PATH", os.environ.get("PATH", os.defpath))
    own = [str(paths.BIN), str(paths.PROJECT / ".venv/bin")]
    rest = [folder for folder in path.split(os.pathsep) if folder not in own]
    return {
        **found,
        "PATH": os.pathsep.join(own + rest),
        "KUBECONFIG": str(kubeconfig(stack)),
        "SLIPWAY_KUBECONFIGS": str(paths.KUBECONFIGS),
        OWN: _own_kubeconfig(),
        # Every installed SDK would have its plugin fetched; the engine fetches what the program uses by itself.
        "PULUMI_OPTION_SKIP_PLUGIN_PRE_INSTALL": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        **_state(),
    }


def kubeconfig(stack: str) -> Path:
    """Where the program saves the kubeconfig of a stack."""
    return paths.KUBECONFIGS / f"{stack}.yaml"


def backend_is_own() -> bool:
    """Whether state lives under the project, since the user chose no other backend."""
    if chosen := os.environ.get(BACKEND):
        return chosen == OWN_BACKEND
    return _login() is None


def refuse_shell_of_another_clone() -> None:
    """Do nothing to another clone's state and clusters in its name.

    Raises:
        Problem: `make env` of another clone has set this shell up.
    """
    kubeconfigs = os.environ.get("SLIPWAY_KUBECONFIGS")
    if kubeconfigs and kubeconfigs != str(paths.KUBECONFIGS) and os.environ.get(BACKEND, "").startswith("file://"):
        other = Path(kubeconfigs).parent
        if os.environ[BACKEND] == f"file://{other / paths.STATE.name}":
            raise Problem(
                f"this shell is that of {other.parent} (`make env` there), whose state and clusters this would change: "
                "take another shell here"
            )


def prepare() -> None:
    """Make the folders of this clone, and the passphrase once.

    Raises:
        Problem: There is state that was encrypted with a passphrase which is gone.
    """
    for folder in (paths.HOME, paths.BIN, paths.STATE, paths.STACKS, paths.KUBECONFIGS):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not paths.PASSPHRASE.exists():
        known = [file for kind in STATE_FILES for file in paths.STATE.glob(f".pulumi/stacks/*/*{kind}")]
        if known and not any(map(os.environ.get, _PASSPHRASE)):
            raise Problem(
                f"{paths.PASSPHRASE} is gone, and the secrets in {paths.STATE} can be read with nothing else; "
                f"put it back from a backup, or set {' or '.join(_PASSPHRASE)}"
            )
        # Complete before it has its name: a run that is killed here must not leave an empty one.
        fresh = paths.PASSPHRASE.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        fresh.replace(paths.PASSPHRASE)


def _own_kubeconfig() -> str:
    """What KUBECONFIG is without this; in a shell after `make env`, what it was before. Empty where it was not set."""
    chosen = [path for path in os.environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    others = [path for path in chosen if not Path(path).is_relative_to(paths.KUBECONFIGS)]
    return os.pathsep.join(others) or os.environ.get(OWN, "")


def _state() -> Mapping[str, str]:
    if not backend_is_own():
        return {}
    own = str(paths.PASSPHRASE)
    variables = {BACKEND: OWN_BACKEND, "PULUMI_HOME": os.environ.get("PULUMI_HOME", str(paths.CACHE / "pulumi"))}
    if "PULUMI_CONFIG_PASSPHRASE" not in os.environ and os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE", own) == own:
        variables["PULUMI_CONFIG_PASSPHRASE_FILE"] = own
    return variables


def _login() -> str | None:
    """The backend that `pulumi login` chose, if any."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    try:
        return json.loads((home / "credentials.json").read_text()).get("current") or None
    except (OSError, ValueError):
        return None
