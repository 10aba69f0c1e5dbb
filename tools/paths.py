"""Where things lie. Everything of one clone is under `.slipway`; everything that clones share is under the cache."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The clone: the folder of Pulumi.yaml."""

HOME = PROJECT / ".slipway"
"""State, passphrase, kubeconfigs and logs of this clone. Ignored by git."""

CACHE = Path(
    os.environ.get("SLIPWAY_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway"
)
"""Tools, bundles and the private engine, shared by every clone of this user. `SLIPWAY_CACHE` moves it."""

BIN = HOME / "bin"
"""Links to the programs that Slipway brought for this clone; what PATH had already is not in it."""

STATE = HOME / "state"
"""Pulumi's state, where no other backend is chosen."""

PASSPHRASE = HOME / "passphrase"
"""Encrypts the secrets in that state; only its owner can read it."""

STACKS = HOME / "stacks"
"""Copies of stack files for Pulumi to write its salt into, so that the files in git stay as they are."""

KUBECONFIGS = HOME / "kubeconfigs"
"""One kubeconfig a stack, written by the program."""
