"""Show how far a run of several stages at a time is: a board in a terminal, else plain lines."""

import re
import time
from collections.abc import Callable
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cnnreport.formats import seconds

CHATTER = re.compile(
    r"\s*$|Running stage |> |Updating lock file|Generating lock file|Use `dvc push`"
    r"|To track the changes|\s+git add|To enable auto staging|\s+dvc config|Data and pipelines are"
    r"|ERROR: failed to reproduce '.*': failed to run:"
    r"|WARNING: All log messages before absl|[IW]\d{4} \d\d:\d\d:"
)
"""What DVC and TensorFlow say of every stage: it would hide what the stage has to say itself."""

PROGRESS = re.compile(r": epoch \d+/\d+: ")
"""What a training says of itself, which the next such line makes old; all else stays."""

Clock = Callable[[], float]


class Board:
    """What a run tells its news to; this one keeps them to itself."""

    def __enter__(self) -> Self:
        """Begin to show."""
        return self

    def __exit__(self, *error: object) -> None:
        """Show no more."""

    def summary(self, text: str) -> None:
        """Say how far the whole run is."""

    def started(self, name: str) -> None:
        """Say that a stage runs now."""

    def line(self, name: str, text: str) -> None:
        """Pass on what a stage says."""

    def ended(self, name: str, how: str) -> None:
        """Say that a stage has ended, and how."""


class PlainBoard(Board):
    """Lines of text, each with the name of its stage, which tell how far the run is."""

    def __init__(self, console: Console) -> None:
        """Write to `console`."""
        self._console = console

    def started(self, name: str) -> None:
        """Say that a stage runs now."""
        self._print(f"{name}: started")

    def line(self, name: str, text: str) -> None:
        """Pass on what a stage says."""
        if not CHATTER.match(text):
            self._print(f"{name}: {text.rstrip()}")

    def ended(self, name: str, how: str) -> None:
        """Say that a stage has ended, and how."""
        self._print(f"{name}: {how}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._console.file.flush()


class LiveBoard(Board):
    """A line for each stage that runs, with the last thing it said; what is to stay above."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        """Draw on `console`."""
        self._clock, self._summary = clock, ""
        self._running: dict[str, tuple[float, str]] = {}
        self._live = Live(console=console, get_renderable=self._drawn, transient=True)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Take the board away; what ended stays."""
        self._live.stop()

    def summary(self, text: str) -> None:
        """Show how far the whole run is, below the stages."""
        self._summary = text

    def started(self, name: str) -> None:
        """Add a line."""
        self._running[name] = self._clock(), ""

    def line(self, name: str, text: str) -> None:
        """Change a line."""
        if name not in self._running or CHATTER.match(text):
            return
        self._running[name] = self._running[name][0], text.strip()
        if not PROGRESS.search(text):
            self._live.console.print(Text(f"{name}: {text.strip()}"), soft_wrap=True)

    def ended(self, name: str, how: str) -> None:
        """Move a line from the board to what stays above it."""
        self._running.pop(name, None)
        self._live.console.print(Text(f"{name}: {how}"), soft_wrap=True)

    def _drawn(self) -> Group:
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for name, (since, text) in list(self._running.items()):
            table.add_row(Text(name), seconds(self._clock() - since), Text(text))
        return Group(table, Text(self._summary))


def board(console: Console | None = None) -> Board:
    """Return a board where there is a terminal, else one of plain lines."""
    screen = console or Console()
    return LiveBoard(screen) if screen.is_terminal else PlainBoard(screen)
