"""Take other ways of being told to end for a Ctrl-C, so that what was begun is ended too."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = ("SIGTERM", "SIGHUP")
"""What `kill`, a shutting machine and a closed terminal send; not every platform has both."""


@contextmanager
def as_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt where one of them comes, unless it is ignored, as under nohup.

    Only where this is the main thread, as in a command; elsewhere Python allows no handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
