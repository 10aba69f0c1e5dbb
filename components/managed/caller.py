"""What whoever runs Pulumi needs beside this program: credentials for the cloud, and the program that kubectl asks."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi


@dataclass(frozen=True)
class Caller:
    """What a cloud asks of its caller."""

    cloud: str
    """As a sentence names it: `Google Cloud`."""

    variables: tuple[str, ...]
    """Environment variables, any of which may hold or lead to credentials."""

    files: tuple[str, ...]
    """Files, any of which may hold credentials; `~` is the caller's home."""

    settings: tuple[str, ...]
    """Keys of the stack's configuration, any of which may hold credentials: `gcp:credentials`."""

    log_in: str
    """The command that gets credentials."""

    program: str
    """The program that kubectl asks for a credential."""

    install: str
    """How to get that program, in a phrase that a sentence can end with."""


def missing(caller: Caller, environment: Mapping[str, str], settings: Mapping[str, object]) -> list[str]:
    """What the caller lacks, a sentence each with the command that brings it."""
    lacks = []
    has_credentials = (
        any(environment.get(name) for name in caller.variables)
        or any(key in settings for key in caller.settings)
        or any(Path(file).expanduser().exists() for file in caller.files)
    )
    if not has_credentials:
        lacks.append(
            f"no credentials for {caller.cloud} are in sight: run `{caller.log_in}`, unless this machine is one of the "
            "cloud's own and has an identity there"
        )
    if shutil.which(caller.program, path=environment.get("PATH")) is None:
        lacks.append(f"kubectl will ask the program {caller.program}, which is not on PATH: {caller.install}")
    return lacks


def warn_of_missing(caller: Caller, parent: pulumi.Resource) -> None:
    """Say at preview, before anything is made, what the caller lacks. The cluster can be made without the program."""
    if pulumi.runtime.is_dry_run():
        for sentence in missing(caller, os.environ, pulumi.runtime.get_config_env()):
            pulumi.log.warn(sentence, parent)
