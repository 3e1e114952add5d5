"""Take other ways of being told to end for a Ctrl-C, so that what was begun is ended too."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

ENDING = ("SIGTERM", "SIGHUP")
"""What `kill`, a shutting machine and a closed terminal send; not every platform has both."""


def _raise() -> None:
    raise KeyboardInterrupt


@contextmanager
def as_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt where one of them comes, unless it is ignored, as under nohup."""
    with _heard(ENDING, _raise):
        yield


@contextmanager
def interrupts_told(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` for Ctrl-C and for each of them, in place of an exception in the midst of a step.

    `tell` is to do what a handler of signals may: no waiting for a lock that the step may hold.
    """
    with _heard(("SIGINT", *ENDING), tell):
        yield


@contextmanager
def _heard(names: Sequence[str], tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` for signals that are not ignored.

    Only where this is the main thread, as in a command; elsewhere Python allows no handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handler(*_: object) -> None:
        tell()

    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, kept in before.items():
            signal.signal(number, kept)
