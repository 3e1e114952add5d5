"""What git calls when it merges a file, and how a clone is told to call it.

git hands over three temporary files: the common ancestor, ours, which is to hold the result, and
theirs. Exit status 0 means merged, 1 to 128 that the file is left in conflict.
"""

import shlex
import sys
from pathlib import Path

from cnnreport import git
from cnnreport.errors import InputError
from cnnreport.merging.lists import aligned
from cnnreport.merging.locks import STAGES, Merged, merge_stages, read_lock, read_stages, write_lock
from cnnreport.objects import LOCK_FILE

DRIVERS = {
    "cnnreport-lock": ("dvc.lock stage by stage", "merge-lock %O %A %B %P"),
    "cnnreport-params": ("params.yaml with the union of its lists", "merge-params %O %A %B"),
    "cnnreport-generated": ("ours of what `dvc repro` writes anyway", ""),
}
"""What .gitattributes calls a driver, what it does, and its command; without one ours is kept."""

KEEP_OURS = "true"


def set_up(folder: Path) -> Path:
    """Tell the clone that a folder is in how to merge; return the top of the clone.

    Raises:
        InputError: it is no clone of such a project.

    """
    top = clone_of(folder)
    asked = (git.output(top, "check-attr", "merge", "--", LOCK_FILE) or b"").decode()
    if not asked.strip().endswith("cnnreport-lock"):
        raise InputError(
            f"{top}: its .gitattributes names no way to merge {LOCK_FILE}; take the file from the "
            "main branch of the project, then run this again"
        )
    for driver, (title, command) in DRIVERS.items():
        settings = {"name": title, "driver": _call(command) if command else KEEP_OURS}
        for key, value in settings.items():
            name = f"merge.{driver}.{key}"
            if git.output(top, "config", "--local", "--replace-all", name, value) is None:
                raise InputError(f"{top}: git cannot write {name} into the clone's configuration")
    return top


def clone_of(folder: Path) -> Path:
    """Return the top of the clone that a folder is in.

    Raises:
        InputError: it is in none, or git is not there.

    """
    answer = git.output(folder, "rev-parse", "--show-toplevel")
    if not answer:
        raise InputError(f"{folder.resolve()}: no clone of git's; run this inside of one")
    return Path(answer.decode().removesuffix("\n"))


def _call(command: str) -> str:
    """Return the line that git gives to a shell, whether or not an environment is activated."""
    python = shlex.quote(Path(sys.executable).as_posix()).replace("%", "%%")
    return f"{python} -m cnnreport {command}"


def merge_lock(base: Path, ours: Path, theirs: Path, shown: str) -> Merged:
    """Merge two locks into the file of ours; `shown` is its name in the project.

    Raises:
        ResultsError: one of them is no lock.

    """
    lock = read_lock(_text(ours), f"{shown} of ours")
    other = read_lock(_text(theirs), f"{shown} of theirs")
    merged = merge_stages(
        read_stages(_text(base), f"{shown} of the common ancestor"), lock[STAGES], other[STAGES]
    )
    _write(ours, write_lock({**other, **lock}, merged.stages))
    return merged


def merge_params(base: Path, ours: Path, theirs: Path) -> bool:
    """Merge two params.yaml into the file of ours; say whether no conflict is left in it.

    The other two files, which are temporary ones of git's, change as well.
    """
    files = (base, ours, theirs)
    for file, text in zip(files, aligned(*map(_text, files)), strict=True):
        _write(file, text)
    labels = ("-L", "ours", "-L", "common ancestor", "-L", "theirs")
    names = [str(path.resolve()) for path in (ours, base, theirs)]
    return git.output(Path(), "merge-file", "--quiet", *labels, *names) is not None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
