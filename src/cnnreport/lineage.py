"""Notice when DVC, which started this process, is gone.

When DVC is killed the stage that it runs goes on as an orphan, and would write its results over
those of the next `dvc repro`. A training that looks here once in a while can stop instead.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

import psutil

STAGE_VARIABLE = "DVC_STAGE"
"""DVC sets it for the command of every stage, to the stage's name."""

PYTHON_OPTIONS_WITH_VALUE = ("-X", "-W", "--check-hash-based-pycs")


@dataclass(frozen=True)
class Lineage:
    """The processes without which this one has no one to work for; none where DVC is not used.

    `orphaned` says that DVC was gone already when this process first looked.
    """

    ancestors: tuple[psutil.Process, ...]
    orphaned: bool = False

    @classmethod
    def of_this_process(cls, environment: Mapping[str, str] = os.environ) -> "Lineage":
        """Return the ancestors from the parent up to DVC.

        A program that uses DVC as a library is a Python one, so the nearest of those counts where
        none is DVC. Where there is neither, DVC was killed in the moment between its start of this
        process and this look, and the ancestors are those that an orphan is given to.
        """
        if STAGE_VARIABLE not in environment:
            return cls(())
        parents = _parents()
        commands = [_command(parent) for parent in parents]
        for wanted in (runs_dvc, runs_python):
            for number, command in enumerate(commands, start=1):
                if wanted(command):
                    return cls(tuple(parents[:number]))
        # What cannot be read, such as another user's command, may be DVC.
        return cls(tuple(parents[:1]), orphaned=all(commands))

    def broken(self) -> bool:
        """Return whether one of the ancestors has ended; takes well below a millisecond each."""
        return self.orphaned or not all(_alive(ancestor) for ancestor in self.ancestors)


def runs_dvc(command: Sequence[str]) -> bool:
    """Return whether a command line is ``dvc …``, ``python …/dvc …`` or ``python -m dvc …``.

    A shell whose argument mentions dvc is not DVC.
    """
    if runs_python(command):
        return next(_programs(command[1:]), "") == "dvc"
    return bool(command) and _stem(command[0]).lower() == "dvc"


def runs_python(command: Sequence[str]) -> bool:
    """Return whether a command line starts Python."""
    return bool(command) and _stem(command[0]).lower().startswith(("python", "pypy"))


def _programs(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the script or module that Python is to run, if any."""
    words = iter(arguments)
    for word in words:
        if word in PYTHON_OPTIONS_WITH_VALUE:
            next(words, None)
        elif word == "-m":
            yield next(words, "")
        elif word == "-c":
            return
        elif not word.startswith("-"):
            yield _stem(word)


def _stem(path: str) -> str:
    """Return the last part of a path of either kind without its suffix, as ``dvc`` of dvc.exe."""
    kind = PureWindowsPath if os.name == "nt" else PurePosixPath
    name = kind(path).name
    return name.removesuffix(".exe")


def _parents() -> list[psutil.Process]:
    with suppress(psutil.Error):
        return psutil.Process().parents()
    return []


def _command(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):  # another user's, or gone
        return process.cmdline()
    return []


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
