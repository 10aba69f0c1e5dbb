"""The commands behind `make`, as `python -m tools COMMAND`."""

import os
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from packaging.specifiers import SpecifierSet
from rich.markup import escape

from components import versions
from components.machines.machine_args import Driver
from tools import docker_desktop, engine, node_image, paths, plugins, toolchain, user_kubeconfig, workspace
from tools.bench import MEASURES, run_all
from tools.console import Problem, console, say, step
from tools.run import run
from tools.stack import Stack, is_interactive

stack_argument = click.argument("name", metavar="STACK", default="dev-kind")
pulumi_words = click.argument("words", metavar="[PULUMI_OPTIONS]...", nargs=-1, type=click.UNPROCESSED)
PASSED_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Everything around the Pulumi program. STACK is a file in stacks/, dev-kind by default."""


@cli.command(context_settings=PASSED_ON)
@stack_argument
@pulumi_words
def up(name: str, words: Sequence[str]) -> None:
    """Have what this machine lacks, then `pulumi up --stack STACK`."""
    stack = Stack.find(name)
    args = checked(stack)
    prepare(stack)
    plugins.ensure(stack.extras)
    if stack.target.name == "kind":
        node_image.ensure(args)
    elif stack.target.name == "existing":
        docker_desktop.ensure(args)
    elif stack.driver is Driver.CONTAINER:
        node_image.ensure_machine(args)
    stack.create()
    stack.pulumi("up", *consent(stack), *words)
    say(f'use it:  eval "$(make -s env{for_make(name)})"  then  kubectl get nodes')


@cli.command(context_settings=PASSED_ON)
@stack_argument
@pulumi_words
def preview(name: str, words: Sequence[str]) -> None:
    """Show what `up` would change."""
    stack = Stack.find(name)
    checked(stack)
    prepare(stack)
    plugins.ensure(stack.extras)
    stack.create()
    stack.pulumi("preview", *words)


@cli.command(context_settings=PASSED_ON)
@stack_argument
@pulumi_words
def refresh(name: str, words: Sequence[str]) -> None:
    """Take into the state what changed behind Pulumi's back; the next `up` mends it."""
    stack = Stack.find(name)
    prepare(stack)
    stack.create()
    # Objects in a cluster that does not answer are as they were: what is refreshed is why it does not.
    os.environ.setdefault("PULUMI_K8S_SKIP_UPDATE_UNREACHABLE", "true")
    # A refresh changes no output of the stack, and would show each in full.
    stack.pulumi("refresh", *consent(stack), "--suppress-outputs", *words)


@cli.command(context_settings=PASSED_ON)
@stack_argument
@pulumi_words
def down(name: str, words: Sequence[str]) -> None:
    """Destroy STACK, so that nothing of it is left. A production stack is refused."""
    from tools import snapshots

    stack = Stack.find(name)
    if stack.is_production:
        raise Problem(
            f"{name} is protected from deletion: to give it up, write `deletionProtection: false` under "
            f"slipway:cluster in stacks/{stack.file.name}, run `make up STACK={name}`, then this again"
        )
    if not workspace.backend_is_own():
        prepare(stack)  # only Pulumi can tell whether such a backend knows the stack
    if not stack.exists:
        say(f"there is nothing to destroy: {name} was never made, or is gone")
    else:
        prepare(stack)
        stack.create()
        # Pulumi takes no consent to what it only shows.
        stack.pulumi("destroy", *([] if "--preview-only" in words else consent(stack)), *words)
        if not stack.is_empty:
            say(f"{name} goes on, with all that was not to be destroyed")
            return
        stack.remove()
        # Pulumi has just told to do the rest by hand; its own `--remove` deletes the stack file.
        left = f"stacks/{stack.file.name}"
        if folder := snapshots.folder_of(stack):
            left += f", and snapshots in {folder} that only a copy of its state opens,"
        say(f"that is done as well: {name} is gone, and nothing but {left} is left of it")
    user_kubeconfig.forget(name)
    engine.stop_private_if_idle()


@cli.command()
@stack_argument
def env(name: str) -> None:
    """Print what a shell needs to act on the same state and cluster: eval "$(make -s env)"."""
    stack = Stack.find(name)
    workspace.prepare()
    variables = workspace.environment(name, engine.find() if stack.in_containers else None)
    os.environ.update(variables)
    toolchain.ensure(("pulumi", *stack.target.tools), kubectl_for(stack))
    for variable, value in variables.items():
        click.echo(f"export {variable}={shlex.quote(value)}")


@cli.command()
@click.argument("names", metavar="[STACK]...", nargs=-1)
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Merge into this file; else where kubectl writes to.",
)
@click.option("--use", metavar="CONTEXT", help="Make this the current context.")
@click.option(
    "--ca",
    type=click.Choice(user_kubeconfig.Authority, case_sensitive=False),
    help="Have the CAs' certificates in the kubeconfig, or in files that it names; else as they are.",
)
def kubeconfig(names: Sequence[str], file: Path | None, use: str | None, ca: user_kubeconfig.Authority | None) -> None:
    """Merge the kubeconfigs of STACKs into your own; your current context is kept unless you say --use."""
    # Make hands several on as one word.
    stacks = [Stack.find(name) for name in dict.fromkeys(" ".join(names or ("dev-kind",)).split())]
    if not stacks:
        raise Problem("no stack is named: say which, e.g. STACKS='dev-kind prod-gke'")
    user_kubeconfig.merge({stack.name: kubeconfig_of(stack) for stack in stacks}, file, use, ca)


@cli.command()
@stack_argument
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
@click.option(
    "--save", "folder", metavar="FOLDER", type=click.Path(path_type=Path), help="Write each person's kubeconfig there."
)
def access(name: str, as_json: bool, folder: Path | None) -> None:
    """Tell who may do what in the cluster of STACK, namespace by namespace, as its own roles and bindings say."""
    from tools import access as rights

    stack = Stack.find(name)
    checked(stack)
    prepare(stack)
    stack.create()
    if folder is not None:
        rights.save(stack, folder)
        return
    lines = rights.lines_of(stack)
    if as_json:
        click.echo(rights.as_json(lines))
    else:
        rights.show(stack, lines, datetime.now(UTC))
    for sentence in rights.differences(stack):
        say(sentence)


@cli.command()
@stack_argument
def snapshot(name: str) -> None:
    """Take a snapshot of etcd of STACK, encrypted for its state alone."""
    from tools import snapshots

    stack = Stack.find(name)
    checked(stack)
    prepare(stack)
    stack.create()
    say(f"the snapshot is in {snapshots.take(stack)}: keep it on a disk elsewhere, and the state that opens it too")


@cli.command(context_settings=PASSED_ON)
@stack_argument
@click.argument("path", metavar="SNAPSHOT", type=click.Path(path_type=Path))
@pulumi_words
def restore(name: str, path: Path, words: Sequence[str]) -> None:
    """Make all machines of STACK anew, with the etcd that SNAPSHOT holds; what is newer is lost."""
    from tools import snapshots

    stack = Stack.find(name)
    args = checked(stack)
    prepare(stack)
    if stack.driver is Driver.CONTAINER:
        node_image.ensure_machine(args)
    stack.create()
    snapshots.restore(stack, path, *consent(stack), *words)
    say(f"{name} goes on with what {path} holds")


@cli.command(context_settings=PASSED_ON)
@click.argument("words", metavar="[PYTEST_OPTIONS]...", nargs=-1, type=click.UNPROCESSED)
def test(words: Sequence[str]) -> None:
    """Have all that the tests need, then run them all."""
    workspace.prepare()
    started = engine.find() is None
    os.environ.update(workspace.environment("dev-kind", engine.ensure()))
    toolchain.ensure(("pulumi", "kind", "kubectl"))
    node_image.ensure({"version": versions.NEWEST})
    if started:
        # The tests start it themselves, and see that it leaves the machine as it was.
        engine.stop_private_if_idle()
    # In this process's place, so that pytest has the last word.
    together = ("--numprocesses", "logical", "--dist", "loadgroup", "--no-loadscope-reorder")
    os.execvp("python", ["python", "-m", "pytest", *together, *words])  # noqa: S606


@cli.command()
@click.option("--minor", default=versions.NEWEST, show_default=True, help="Kubernetes minor, e.g. 1.37.")
@click.option("--verify", is_flag=True, help="Check every file of the bundle against its manifest.")
def bundle(minor: str, verify: bool) -> None:
    """Build the offline bundle: all that a kind cluster needs, without any image registry."""
    from tools import bundle as offline

    made = offline.ensure(minor)
    if verify:
        with step("Checking the bundle against its manifest"):
            offline.verify(made)
    say(f"the offline bundle of Kubernetes {minor}: {made.folder}")


@cli.group(name="engine")
def engine_group() -> None:
    """The private container engine, for machines where none answers."""


engine_group.command("up", help="Have an engine that answers; a private one if need be.")(engine.up)
engine_group.command("down", help="End the private engine with all in it; images are kept.")(engine.down)
engine_group.command("status", help="Tell which engine is used.")(engine.status)


@cli.command()
def schema() -> None:
    """Write the JSON Schema of stack files and the reference page from the declared arguments."""
    from components import schema as declared

    declared.write(paths.PROJECT)


@cli.command()
@stack_argument
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
def compliance(name: str, as_json: bool) -> None:
    """Tell how STACK keeps the rules of its target, such as the CIS benchmark; fails when one is broken unwaived."""
    from tools import compliance as rules

    stack = Stack.find(name)
    checked(stack)
    lines = rules.lines_of(stack)
    if as_json:
        click.echo(rules.as_json(lines))
    else:
        rules.show(stack, lines)
    if broken := sum(line.verdict is rules.Verdict.FAILED for line in lines):
        raise Problem(f"{name} breaks {broken} rules: change the settings, or write why it may under `waivers`")


@cli.command()
@click.argument("names", metavar=f"[{'|'.join(MEASURES)}]...", nargs=-1, type=click.Choice(MEASURES))
@click.option("--rounds", type=click.IntRange(1, 100), help="How often each side runs.")
def bench(names: Sequence[str], rounds: int | None) -> None:
    """Measure Slipway against the bare programs, side by side, and print ratios."""
    workspace.prepare()
    toolchain.ensure(("pulumi",))
    run_all(names, rounds)


def checked(stack: Stack) -> Mapping[str, Any]:
    """The arguments of the stack's cluster, found right before anything is fetched, built or started for it."""
    if stack.extras:
        chosen = [word for extra in stack.extras for word in ("--extra", extra)]
        run(["uv", "sync", "--quiet", "--locked", "--inexact", *chosen], cwd=paths.PROJECT)
    return stack.check()


def kubeconfig_of(stack: Stack) -> str:
    """The stack's kubeconfig: what its last `up` here saved, or what a backend that others share has of it.

    Raises:
        Problem: It has none yet, or none that can be read.
    """
    saved, is_own = workspace.kubeconfig(stack.name), workspace.backend_is_own()
    if is_own and saved.exists():
        try:
            return saved.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise Problem(
                f"{saved} is not UTF-8 text (byte {error.start + 1}): `make up STACK={stack.name}` writes it anew"
            ) from error
    if not is_own or stack.exists:
        workspace.prepare()
        chosen = os.environ.get("KUBECONFIG")
        os.environ.update(workspace.environment(stack.name, None))
        # It stays what the user has chosen: the others are merged into it.
        os.environ["KUBECONFIG"] = chosen or ""
        toolchain.ensure(("pulumi",))
        if stack.exists:
            stack.create()
            return stack.output("kubeconfig")
    raise Problem(f"{stack.name} has no kubeconfig yet: run `make up STACK={stack.name}` first")


def prepare(stack: Stack) -> None:
    """Make this process ready to run Pulumi on the stack: programs, engine, environment."""
    workspace.prepare()
    # Before the programs, which may take minutes to build: without an engine they would be of no use.
    found = engine.ensure() if stack.in_containers else None
    os.environ.update(workspace.environment(stack.name, found))
    toolchain.ensure(("pulumi", *stack.target.tools), kubectl_for(stack))


def kubectl_for(stack: Stack) -> dict[str, SpecifierSet]:
    """The versions of kubectl that can talk to the stack's cluster: one minor older or newer."""
    try:
        major, minor = versions.minor_of(stack.cluster["version"]).split(".")
    except (KeyError, TypeError, ValueError):
        return {}  # the check of the stack file says it better
    if f"{major}.{minor}" not in versions.MINORS:
        return {}  # and so does the preview
    return {"kubectl": SpecifierSet(f">={major}.{int(minor) - 1},<{major}.{int(minor) + 2}")}


def for_make(name: str) -> str:
    """What to add to a make command for this stack."""
    return "" if name == "dev-kind" else f" STACK={name}"


def consent(stack: Stack) -> list[str]:
    """Whether Pulumi asks before it acts: only for a production stack, and only where somebody can answer."""
    return [] if stack.is_production and is_interactive() else ["--yes"]


def main() -> int:
    """Run a command; a mistake of the user's ends it with one line a fault."""
    # What is fetched and built is run later: nobody else may change it, whatever the user's own mask allows.
    os.umask(os.umask(0o022) | 0o022)
    os.environ["PATH"] = f"{paths.BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    try:
        cli(prog_name="python -m tools", standalone_mode=False)
    except Problem as problem:
        for line in str(problem).splitlines():
            console.print(f"[red]error:[/red] {escape(line)}")
        return 1
    except click.ClickException as mistake:
        mistake.show()
        return mistake.exit_code
    except OSError as error:
        # A full disk, somebody else's file: the machine's to mend, wherever it turns up.
        where = f"{error.filename}: " if error.filename else ""
        console.print(
            f"[red]error:[/red] {escape(f'{where}{error.strerror or error}')}; mend that, then run this again"
        )
        return 1
    except (click.Abort, KeyboardInterrupt):
        console.print("[red]stopped[/red]; the next run goes on from here")
        return 130
    return 0
