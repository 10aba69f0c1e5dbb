"""Who may do what in a stack's cluster: a report from its own roles and bindings, and people's kubeconfigs as files."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from components import kubeconfig, targets
from components.bootstrap.kubectl import Kubectl, KubectlError
from components.platform.rights import EVERYWHERE, KINDS, Bearer, Rbac, may
from tools import paths
from tools.console import Problem, say
from tools.run import run
from tools.stack import Stack

QUESTIONS = {
    "sees": ("list", "pods", ""),
    "changes": ("update", "deployments", "apps"),
    "Secrets": ("get", "secrets", ""),
    "enters pods": ("create", "pods/exec", ""),
    "gives rights": ("create", "rolebindings", "rbac.authorization.k8s.io"),
}
"""Column of the table → verb, resource and group that tell it."""


@dataclass(frozen=True)
class Line:
    """What somebody may do in a place."""

    who: str
    """As the stack file names them."""

    user: str | None
    """Whom the API knows a person as; None for a group that a cloud tells of."""

    credential: str
    expires: str | None
    """When it ends (ISO 8601); None where that is not Slipway's to say."""

    namespace: str
    """`*`: all namespaces, and what is in none."""

    roles: Sequence[str]
    """Those that they have here, beside what is everybody's."""

    rules: Sequence[Mapping[str, Any]]
    """All that they may do here, with what they may everywhere and what everybody may."""


def lines_of(stack: Stack) -> list[Line]:
    """The report of a stack.

    Raises:
        Problem: The stack gives nobody rights, is not up, or its cluster does not answer.
    """
    outputs = _outputs(stack)
    try:
        with Kubectl.on(outputs["kubeconfig"]) as kubectl:
            told = kubectl.run("get", ",".join(KINDS), "--all-namespaces", "--output=json")
    except KubectlError as error:
        raise Problem(f"the cluster of {stack.name} does not tell its roles: {error}") from None
    access = targets.read_access(stack.settings) or {}
    groups = [group["name"] for group in access.get("groups", []) if "members" not in group]
    return report(Rbac(json.loads(told)["items"]), outputs["people"], groups)


def report(rbac: Rbac, people: Mapping[str, Mapping[str, str]], groups: Sequence[str]) -> list[Line]:
    """What people, as a stack exports them, and groups of a cloud may do, place by place."""
    lines: list[Line] = []
    for who, told in people.items():
        bearer = Bearer.of(told["user"])
        lines += _lines(rbac, bearer, Line(who, told["user"], told["credential"], told.get("expires"), "", (), ()))
    for group in groups:
        lines += _lines(rbac, Bearer(None, frozenset({group})), Line(group, None, "identity", None, "", (), ()))
    return lines


def show(stack: Stack, lines: Sequence[Line], now: datetime) -> None:
    """Print a report as a table."""
    # Narrow where it can be, so that 80 columns do.
    table = Table(title=f"Who may do what in {stack.name}", title_justify="left", box=None, padding=(0, 1, 0, 0))
    for column, width in (("who", 0), ("credential", 12), ("namespace", 10), ("roles", 0)):
        table.add_column(column, overflow="fold", min_width=width)
    for question in QUESTIONS:
        table.add_column(question.replace(" ", "\n"), no_wrap=True)
    for line in lines:
        answers = (may(line.rules, *question) for question in QUESTIONS.values())
        table.add_row(
            line.who,
            _credential(line, now),
            "everywhere" if line.namespace == EVERYWHERE else line.namespace,
            ", ".join(line.roles),
            *("[green]yes[/]" if answer else "[dim]no[/]" for answer in answers),
        )
    printer = Console(highlight=False)  # to stdout: it is what was asked for
    printer.print(table)


def differences(stack: Stack) -> list[str]:
    """Whom the stack file lets in and the cluster does not yet, and the other way round: a sentence each."""
    wanted = {person["name"] for person in (targets.read_access(stack.settings) or {}).get("people", [])}
    there = set(_outputs(stack)["people"])
    up = f"`make up STACK={stack.name}`"
    return [
        *(f"{who} is in the stack file, and not in the cluster yet: run {up}" for who in sorted(wanted - there)),
        *(f"{who} is not in the stack file any more, and goes with the next {up}" for who in sorted(there - wanted)),
    ]


def as_json(lines: Sequence[Line]) -> str:
    """A report as JSON: a list of objects."""
    return json.dumps([dataclasses.asdict(line) for line in lines], indent=2)


def save(stack: Stack, folder: Path) -> None:
    """Write each person's kubeconfig to a file in `folder`, for its owner's eyes only.

    Raises:
        Problem: The stack gives nobody rights, is not up, or a file is there that is of another cluster.
    """
    # A cloud's or OIDC provider's name may hold `/`, or the `:` that parts the files of KUBECONFIG.
    files = {quote(who, safe="@"): (who, text) for who, text in _outputs(stack)["kubeconfigs"].items()}
    there = {file.stem: file for file in sorted(folder.glob("*.yaml"))}
    for name in sorted(files.keys() & there.keys()):
        if not _is_renewed_by(there[name], files[name][1]):
            raise Problem(
                f"{there[name]} is of another cluster or nobody's kubeconfig: save those of {stack.name} in a folder "
                f"of their own, such as {folder / stack.name}"
            )
    for name, (who, text) in files.items():
        kubeconfig.save(folder, name, text)
        say(f"{folder / name}.yaml: what {who} needs; send it by a way that nobody else reads")
    for name in sorted(there.keys() - files.keys()):
        say(f"{there[name]}: of nobody in {stack.name}; remove it if it was of somebody who was taken out")


def _is_renewed_by(file: Path, text: str) -> bool:
    try:
        return kubeconfig.names(file.read_text()) == kubeconfig.names(text)
    except (OSError, ValueError):
        return False


def _lines(rbac: Rbac, bearer: Bearer, about: Line) -> Iterator[Line]:
    """What somebody may do in each place where they have more than everybody has."""
    by_groups = rbac.grants(Bearer(None, bearer.groups)) if bearer.user else []
    # Kubernetes' own, and not what somebody has given to all of a group that everybody is in.
    of_all = [grant for grant in by_groups if grant.role.startswith("system:")]
    grants = list(rbac.grants(bearer))
    own = [grant for grant in grants if grant not in of_all]
    for namespace in sorted({grant.namespace for grant in own}):
        here = [grant for grant in grants if grant.namespace in (EVERYWHERE, namespace)]
        yield dataclasses.replace(
            about,
            namespace=namespace,
            roles=sorted({grant.role for grant in own if grant.namespace == namespace}),
            rules=[rule for grant in here for rule in grant.rules],
        )


def _credential(line: Line, now: datetime) -> str:
    if line.expires is None:
        return line.credential
    left = datetime.fromisoformat(line.expires) - now
    if left <= timedelta():
        return f"[red]{line.credential}, ended: `up` renews it[/]"
    hours = left // timedelta(hours=1)
    told = f"{left.days} d" if left.days else f"{hours} h" if hours else f"{left // timedelta(minutes=1)} min"
    return f"{line.credential}, {told} left"


def _outputs(stack: Stack) -> dict[str, Any]:
    if "access" not in stack.settings:
        raise Problem(
            f"{stack.name} gives nobody rights of their own: write `slipway:access` into stacks/{stack.file.name}, see "
            "docs/access.md"
        )
    words = ["pulumi", "stack", "output", "--json", "--show-secrets", "--stack", stack.name]
    outputs = json.loads(run(words, cwd=paths.STACKS))
    if "people" not in outputs:
        raise Problem(f"nobody has been given rights in {stack.name} yet: run `make up STACK={stack.name}` first")
    return outputs
