"""Show how far a training is: a bar in a terminal, plain lines everywhere else."""

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from cnnreport.records import Epoch
from cnnreport.training import Progress

LINE_SECONDS = 60.0
"""A plain line within an epoch at most so often, so that a log stays readable."""

BAR_WIDTH = 6
"""Characters; leaves room for all the figures in a terminal of 80 columns."""

Clock = Callable[[], float]


class Pace:
    """How fast one sitting is, from the images it has seen and the time it took for all."""

    def __init__(self, clock: Clock = time.perf_counter) -> None:
        """Start the clock with the first look, which comes after TensorFlow's start-up."""
        self._clock = clock
        self._first: tuple[float, int] | None = None

    def images_a_second(self, progress: Progress) -> float | None:
        """Return the mean speed since the first look; None at that look itself."""
        now, seen = self._clock(), _seen(progress)
        if self._first is None:
            self._first = now, seen
        started, before = self._first
        return (seen - before) / (now - started) if seen > before and now > started else None

    def seconds_left(self, progress: Progress) -> float | None:
        """Return how long the rest of all epochs takes at that speed, validation included."""
        speed = self.images_a_second(progress)
        rest = progress.epochs * progress.images_an_epoch - _seen(progress)
        return rest / speed if speed else None


class Reporter(ExitStack, ABC):
    """What a training tells its news to, for as long as it is entered."""

    def __init__(self, title: str, epochs: int, clock: Clock = time.perf_counter) -> None:
        """Start every line with `title`."""
        super().__init__()
        self.title, self.epochs = title, epochs
        self._pace = Pace(clock)

    def going_on(self, epochs_done: int) -> None:
        """Say that the training begins where it was stopped."""
        self._print(f"going on after epoch {epochs_done} of {self.epochs}")

    def epoch_ended(self, history: Sequence[Epoch]) -> None:
        """Show the figures of the last epoch."""
        self._print(_epoch_line(history[-1], self.epochs))

    @abstractmethod
    def watch(self, progress: Progress) -> None:
        """Show how far an epoch is."""

    @abstractmethod
    def _print(self, text: str) -> None:
        """Show a line that stays."""


class PlainReporter(Reporter):
    """Lines of text: one an epoch, and one a minute in between."""

    def __init__(
        self,
        title: str,
        epochs: int,
        clock: Clock = time.perf_counter,
        file: TextIO | None = None,
    ) -> None:
        """Start every line with `title`; write to `file`, by default standard output."""
        super().__init__(title, epochs, clock)
        self._clock, self._file = clock, file
        self._last_line = clock()
        self._speed = ""

    def watch(self, progress: Progress) -> None:
        """Print a line if the last one is a minute old."""
        self._speed = _speed(progress, self._pace)
        if self._clock() - self._last_line >= LINE_SECONDS:
            share = f"{progress.images:,} of {progress.images_an_epoch:,} images"
            self._print(f"epoch {progress.epoch}/{self.epochs}: {share}, {_learnt(progress)}")

    def _print(self, text: str) -> None:
        self._last_line = self._clock()
        line = f"{self.title}: {text}{self._speed}"
        print(line, file=self._file or sys.stdout, flush=True)


class BarReporter(Reporter):
    """A bar over the whole training, and a line for each epoch above it."""

    def __init__(self, title: str, epochs: int, console: Console | None = None) -> None:
        """Say `title` before each epoch's line; the bar below has no room for it."""
        super().__init__(title, epochs)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=BAR_WIDTH),
            TextColumn("{task.fields[news]}"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task(title, total=None, news="starting")

    def __enter__(self) -> Self:
        """Draw the bar until the end; the lines of the epochs stay."""
        self.enter_context(self._bar)
        return super().__enter__()

    def watch(self, progress: Progress) -> None:
        """Move the bar."""
        self._bar.update(
            self._task,
            description=f"epoch {progress.epoch}/{self.epochs}",
            completed=_seen(progress),
            total=progress.epochs * progress.images_an_epoch,
            news=f"{_learnt(progress)}{_speed(progress, self._pace)}",
        )

    def _print(self, text: str) -> None:
        self._bar.console.print(f"{self.title}: {text}", highlight=False, soft_wrap=True)


def reporter(title: str, epochs: int, console: Console | None = None) -> Reporter:
    """Return a bar where there is a terminal, else plain lines."""
    screen = console or Console()
    if screen.is_terminal:
        return BarReporter(title, epochs, screen)
    return PlainReporter(title, epochs)


def duration(seconds: float) -> str:
    """Return a time for people: ``45 s``, ``12 min`` or ``3 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _seen(progress: Progress) -> int:
    return (progress.epoch - 1) * progress.images_an_epoch + progress.images


def _learnt(progress: Progress) -> str:
    return f"loss {progress.loss:.3f}, accuracy {progress.accuracy:.3f}"


def _speed(progress: Progress, pace: Pace) -> str:
    speed, left = pace.images_a_second(progress), pace.seconds_left(progress)
    if speed is None or left is None:
        return ""
    return f", {speed:,.0f} images/s, {duration(left)} left"


def _epoch_line(epoch: Epoch, epochs: int) -> str:
    return (
        f"epoch {epoch.epoch}/{epochs}: "
        f"loss {epoch.train_loss:.4f}, accuracy {epoch.train_accuracy:.4f}; "
        f"validation loss {epoch.validation_loss:.4f}, accuracy {epoch.validation_accuracy:.4f}"
    )
