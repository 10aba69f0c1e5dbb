"""What a person sees: steps with their time, and a mistake as one line. All of it goes to stderr."""

import contextlib
import time
from collections.abc import Generator

from rich.console import Console
from rich.markup import escape
from rich.status import Status

console = Console(stderr=True, highlight=False, soft_wrap=True)


class Problem(Exception):
    """A failure that the user can mend: one line that names what, where, why and the fix."""


def say(message: str) -> None:
    """Tell the user something that takes no time."""
    console.print(f"  {escape(message)}")


class Progress:
    """A running step; `update` tells how far it is."""

    def __init__(self, title: str, live: Status | None) -> None:
        self._title, self._live = title, live

    def update(self, detail: str) -> None:
        """Show `detail` behind the step's title, in place of the last one; silent where nobody watches live."""
        if self._live is not None:
            self._live.update(f"{escape(self._title)} [dim]{escape(detail)}[/dim]")


@contextlib.contextmanager
def step(title: str) -> Generator[Progress]:
    """Announce `title`, show that it runs, and end it with its time: `✓ title  3.2 s`, or `✗` when it raises."""
    started = time.monotonic()
    live = console.status(escape(title)) if console.is_terminal else None
    if live is None:
        console.print(f"• {escape(title)}")
    try:
        with live or contextlib.nullcontext():
            yield Progress(title, live)
    except BaseException:
        console.print(f"[red]✗[/red] {escape(title)}")
        raise
    console.print(f"[green]✓[/green] {escape(title)}  [dim]{time.monotonic() - started:.1f} s[/dim]")
