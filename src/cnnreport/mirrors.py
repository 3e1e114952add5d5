"""Keep a second copy of the states of trainings at a place that outlives this machine.

The place is a folder or any URL that fsspec knows (``s3://…``, ``sftp://…``). States are copied to
it after they were kept on the own disk, which stays the place to work in: its locks and renames can
be relied on, those of a network's file system or of a bucket cannot.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnreport.errors import InputError

VARIABLE = "CNNREPORT_CHECKPOINTS"
"""The environment variable that names the place; without it there is no mirror."""

STATE = "state.json"


@dataclass(frozen=True)
class Mirror:
    """A folder or URL; files go by names relative to it, such as ``digits/lenet/s0/KEY/x.npz``."""

    url: str

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Mirror | None":
        """Return the mirror that the environment names, if any.

        Raises:
            InputError: it is no URL that can be used here.

        """
        url = environment.get(VARIABLE)
        if not url:
            return None
        mirror = cls(url if "://" in url else str(Path(url).resolve()))
        try:
            mirror._place()
        except Exception as error:  # each kind of file system has errors of its own
            raise InputError(
                f"{VARIABLE}: wanted a folder or a URL that fsspec can open, came {url} "
                f"({one_line(error)})"
            ) from error
        return mirror

    def put(self, folder: str, arrays: Path, state: Path) -> None:
        """Copy the two files of a state, in place of the earlier one.

        What goes wrong is told in a line and ends nothing: the state is on the own disk already.
        """
        try:
            files, root = self._place()
            there = f"{root}/{folder}"
            files.makedirs(there, exist_ok=True)
            files.put_file(str(arrays), f"{there}/{arrays.name}")
            # Under its name once it is whole: until then the earlier state counts.
            files.put_file(str(state), f"{there}/{STATE}.tmp")
            files.mv(f"{there}/{STATE}.tmp", f"{there}/{STATE}")
            files.invalidate_cache()
            for path in files.ls(there, detail=False):
                name = Path(path).name
                # Later ones may be another process's, which is further.
                if name.startswith("epoch-") and name < arrays.name:
                    files.rm_file(f"{there}/{name}")
        except Exception as error:  # see above
            _tell(f"{folder}: {arrays.stem} was not copied to {self.url} ({one_line(error)})")

    def get(self, folder: str, name: str, into: Path) -> bool:
        """Copy one file into a folder, making it; return whether there is such a file."""
        try:
            files, root = self._place()
            into.mkdir(parents=True, exist_ok=True)
            files.get_file(f"{root}/{folder}/{name}", str(into / name))
        except FileNotFoundError:
            (into / name).unlink(missing_ok=True)
            return False
        except Exception as error:  # see above
            (into / name).unlink(missing_ok=True)
            _tell(f"{folder}: {name} was not read from {self.url} ({one_line(error)})")
            return False
        return True

    def remove(self, folder: str) -> None:
        """Remove a folder and all in it; it only takes room, so nothing is said if that fails."""
        with suppress(Exception):
            files, root = self._place()
            files.rm(f"{root}/{folder}", recursive=True)

    def _place(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - only who has a mirror waits for it

        files, root = url_to_fs(self.url)
        return files, root.rstrip("/")


def one_line(error: BaseException) -> str:
    """Return what an error says, or its kind where it says nothing, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
