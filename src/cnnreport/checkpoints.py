"""Keep the state of an unfinished training, so that it can go on where it was stopped.

The state stands outside of what DVC tracks, since DVC empties a stage's outputs before it runs the
stage. Layout below the root (see `checkpoint_root`), for a run such as ``digits/lenet/s0`` and a
key from `training_key`, so that a training never finds the state of a different one:

====================== ===========================================================================
file                   holds
====================== ===========================================================================
RUN/KEY.lock           nothing; the operating system locks it for the process that trains
RUN/KEY/holder         the number of that process, for messages alone
RUN/KEY/epoch-0007.npz the arrays after epoch 7, uncompressed
RUN/KEY/state.json     key, epoch, SHA-256 of the arrays' file, history, cost; SHA-256 of all that
RUN/KEY/*.tmp          a file being written; after a crash the next `Store.load` removes it
====================== ===========================================================================

A state counts from the moment its state.json is in place: a crash before that leaves the earlier
state, a crash after it the newer one. Where there is a mirror (`cnnreport.mirrors`) it holds the
same RUN/KEY/epoch-NNNN.npz and RUN/KEY/state.json.
"""

import hashlib
import json
import math
import os
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from filelock import FileLock, Timeout

from cnnreport.errors import NO_ROOM, TrainingError
from cnnreport.machine import Spent
from cnnreport.mirrors import Mirror
from cnnreport.records import Epoch

FOLDER = ".checkpoints"
DVC_WORKSPACES = (".dvc", "tmp", "exps")
"""Where, inside a project, `dvc exp run --temp` and the queue make their copies of it."""

STORABLE_KINDS = "biufc"
"""Kinds of dtype that come back from an .npz file as they went in (see `numpy.dtype.kind`)."""

SECONDS_BETWEEN_TRIES = 0.5


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that a training needs to go on after its last finished epoch, ``len(history)``.

    `arrays` maps names to arrays of any shape, () included: weights, the optimiser's variables,
    the states of random generators.
    """

    arrays: dict[str, np.ndarray]
    history: list[Epoch]
    spent: Spent


@dataclass(frozen=True)
class _State:
    """What state.json holds of a checkpoint; `digest` is the SHA-256 of the arrays' file."""

    key: str
    epoch: int
    digest: str
    history: list[Epoch]
    spent: Spent


class _UnusableError(Exception):
    """A state is there but cannot be used; says why."""


def training_key(
    parameters: Mapping[str, Any],
    data: Mapping[str, str],
    code: Mapping[str, str],
    versions: Mapping[str, str],
) -> str:
    """Return the SHA-256, in hexadecimal, of everything that decides how a training ends.

    `parameters` holds what JSON can (no NaN); `data` and `code` hold a digest of each file by name,
    so that the folder of the checkout does not matter.
    """
    everything = {
        "parameters": dict(parameters),
        "data": dict(data),
        "code": dict(code),
        "versions": dict(versions),
    }
    return _sha256(everything)


def loaded_code(package: str = "cnnreport") -> list[Path]:
    """Return the source files of a package that this process has imported, sorted.

    To be called when all that a training uses is imported: a later import is not seen.
    """
    modules = [
        module
        for name, module in list(sys.modules.items())
        if name == package or name.startswith(f"{package}.")
    ]
    files = {getattr(module, "__file__", None) for module in modules}
    return sorted(Path(file) for file in files if file)


def checkpoint_root(folder: Path = Path()) -> Path:
    """Return where the states of the project in `folder` are kept.

    The copies that DVC makes of a project inside of it share the project's own place, so that an
    experiment goes on where another one, or the workspace, was stopped.
    """
    folder = folder.resolve()
    parts, length = folder.parts, len(DVC_WORKSPACES)
    for start in range(len(parts) - length):
        if parts[start : start + length] == DVC_WORKSPACES:
            return Path(*parts[:start]) / FOLDER
    return folder / FOLDER


@dataclass(frozen=True)
class Store:
    """Where the state of one training is kept: at most one, that of its last finished epoch.

    `save` and `load` are for the process that is inside `lock`. A `mirror` gets a copy of each
    state, and is asked for a newer one than is here.
    """

    root: Path
    run: str
    key: str
    mirror: Mirror | None = None

    @property
    def folder(self) -> Path:
        """Where the files of this training stand."""
        return self.root / self.run / self.key

    @contextmanager
    def lock(self, while_waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Let one process at a time train this; wait, and say so, while another one does.

        The lock goes with its process, however that ends. `while_waiting` is called again and
        again and ends the wait with an error of its own.

        Raises:
            TrainingError: the folder or the lock cannot be made.

        """
        lock = self._acquired(while_waiting)
        try:
            yield
        finally:
            lock.release()

    def save(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint in the place of the earlier one, all of it or nothing.

        Raises:
            TrainingError: it cannot be written, as on a full disk, or a figure of the history is
                not finite; the earlier state stands as it was.

        """
        epoch = len(checkpoint.history)
        _check(checkpoint, self.run)
        try:
            self._write(checkpoint)
        except OSError as error:
            self._remove_temporary()
            earlier = self._kept_epoch()
            if epoch != earlier:
                _remove(self._arrays_file(epoch))
            raise TrainingError(self._trouble(checkpoint, error, earlier)) from error
        self._remove_other_arrays(epoch)
        if self.mirror:
            self.mirror.put(self._name, self._arrays_file(epoch), self._state_file)

    def load(self) -> Checkpoint | None:
        """Return the state kept, or None where there is none or, with a line, none of use.

        Removes what a crash left half-written. A newer state of the mirror takes the place of the
        one here.
        """
        own = self._load()
        found = self._newer(len(own.history) if own else 0) if self.mirror else None
        if found:
            replace(self, mirror=None).save(found)
        return found or own

    def _load(self) -> Checkpoint | None:
        self._remove_temporary()
        try:
            state = self._read_state()
            if state is None:
                return None
            arrays = self._read_arrays(state)
        except _UnusableError as error:
            then = "the mirror is asked for its own" if self.mirror else "the training starts over"
            _tell(f"{self.run}: the kept state in {self.folder} cannot be used ({error}); {then}")
            return None
        self._remove_other_arrays(state.epoch)
        return Checkpoint(arrays, state.history, state.spent)

    def _newer(self, epoch: int) -> Checkpoint | None:
        """Return the mirror's state if it is later than an epoch and whole."""
        assert self.mirror
        with tempfile.TemporaryDirectory() as folder:
            copy = Store(Path(folder), self.run, self.key)
            self.mirror.get(self._name, self._state_file.name, copy.folder)
            try:
                state = copy._read_state()
                if state is None or state.epoch <= epoch:
                    return None
                self.mirror.get(self._name, self._arrays_file(state.epoch).name, copy.folder)
                return Checkpoint(copy._read_arrays(state), state.history, state.spent)
            except _UnusableError as error:
                _tell(f"{self.run}: the state at {self.mirror.url} cannot be used ({error})")
                return None

    @property
    def _name(self) -> str:
        """What the mirror calls the folder."""
        return f"{self.run}/{self.key}"

    @property
    def _state_file(self) -> Path:
        return self.folder / "state.json"

    @property
    def _holder_file(self) -> Path:
        return self.folder / "holder"

    def _arrays_file(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:04d}.npz"

    def _acquired(self, while_waiting: Callable[[], None]) -> FileLock:
        lock = _lock_of(self.folder)
        told = False
        while True:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                lock.acquire(blocking=False)
                break
            except Timeout:
                if not told:
                    _tell(
                        f"another process{self._holder()} trains {self.run} already; waiting for it"
                    )
                told = True
                while_waiting()
                time.sleep(SECONDS_BETWEEN_TRIES)
            except OSError as error:
                raise TrainingError(
                    f"{self.run}: no state can be kept in {self.folder} ({error.strerror}); "
                    "make that folder writable"
                ) from error
        with suppress(OSError):  # a full disk is `save`'s to tell
            self._holder_file.write_text(f"{os.getpid()}\n", encoding="utf-8")
        return lock

    def _holder(self) -> str:
        with suppress(OSError, ValueError):
            return f" (pid {int(self._holder_file.read_text(encoding='utf-8'))})"
        return ""

    def _write(self, checkpoint: Checkpoint) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        epoch = len(checkpoint.history)
        arrays = self._arrays_file(epoch)
        with _replacing(arrays) as file:
            _write_arrays(file, checkpoint.arrays)
            digest = _file_digest(file)
        state = asdict(_State(self.key, epoch, digest, checkpoint.history, checkpoint.spent))
        sealed = {"sha256": _sha256(state), "state": state}
        with _replacing(self._state_file) as file:
            file.write(json.dumps(sealed, indent=1, allow_nan=False).encode())

    def _read_state(self) -> _State | None:
        try:
            raw = json.loads(self._state_file.read_text(encoding="utf-8"))
            state = raw["state"]
            if _sha256(state) != raw["sha256"]:
                raise _UnusableError("state.json was changed")
            if state["key"] != self.key:
                raise _UnusableError("it is another training's")
            history = [Epoch(**row) for row in state["history"]]
            return _State(**{**state, "history": history, "spent": Spent(**state["spent"])})
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _UnusableError(f"state.json cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise _UnusableError("state.json does not have the expected form") from error

    def _read_arrays(self, state: _State) -> dict[str, np.ndarray]:
        path = self._arrays_file(state.epoch)
        try:
            with path.open("rb") as file:
                if _file_digest(file) != state.digest:
                    raise _UnusableError(f"{path.name} is damaged")
                file.seek(0)
                with np.load(file, allow_pickle=False) as archive:
                    return dict(archive)
        except OSError as error:
            raise _UnusableError(f"{path.name} cannot be read: {error.strerror}") from error
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            raise _UnusableError(f"{path.name} holds no arrays") from error

    def _kept_epoch(self) -> int | None:
        with suppress(_UnusableError):
            state = self._read_state()
            return state.epoch if state else None
        return None

    def _remove_temporary(self) -> None:
        for path in self.folder.glob("*.tmp"):
            _remove(path)

    def discard(self) -> None:
        """Delete this state, unless a process works on it; those of other keys stay.

        They are of unfinished trainings of the same network, image set and seed with other
        parameters, which are to go on. The mirror's copy goes in any case: whoever works on it has
        it here.
        """
        if self.mirror:
            self.mirror.remove(self._name)
        if not self.folder.is_dir():
            return
        lock = _lock_of(self.folder)
        with suppress(OSError), lock.acquire(blocking=False):  # Timeout is an OSError
            shutil.rmtree(self.folder, ignore_errors=True)
            # While it is still held: whoever opened it before will see that it is gone.
            Path(lock.lock_file).unlink(missing_ok=True)

    def _remove_other_arrays(self, epoch: int) -> None:
        for path in self.folder.glob("epoch-*.npz"):
            if path != self._arrays_file(epoch):
                _remove(path)

    def _trouble(self, checkpoint: Checkpoint, error: OSError, earlier: int | None) -> str:
        wanted = sum(array.nbytes for array in checkpoint.arrays.values())
        act = "free some space" if error.errno in NO_ROOM else "put that right"
        then = f"it goes on after epoch {earlier}" if earlier else "it starts at epoch 1"
        return (
            f"{self.run}: epoch {len(checkpoint.history)} could not be kept "
            f"({error.strerror or error}): {math.ceil(wanted / 1e6)} MB wanted, "
            f"{_free_bytes(self.folder) // 10**6} MB free in {self.folder}; "
            f"{act} and run `dvc repro` again: {then}"
        )


def _lock_of(folder: Path) -> FileLock:
    return FileLock(folder.with_name(f"{folder.name}.lock"), thread_local=False)


def _check(checkpoint: Checkpoint, run: str) -> None:
    for name, array in checkpoint.arrays.items():
        if array.dtype.kind not in STORABLE_KINDS:
            raise TypeError(f"{name}: {array.dtype} would not come back from a file as it is")
    for row in checkpoint.history:
        if not all(math.isfinite(value) for value in asdict(row).values()):
            raise TrainingError(
                f"{run}: a figure of epoch {row.epoch} is not a finite number; "
                "lower learning_rate or set clip_norm in its recipe"
            )


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` once it is whole and on the disk."""
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("w+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the platform can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_arrays(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Write what `numpy.savez` would, with any name: it takes ``file`` for an argument of its."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def _file_digest(file: IO[bytes]) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _sha256(content: Any) -> str:
    """Hash plain data by its JSON, in which the order of keys does not count."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _free_bytes(folder: Path) -> int:
    """Return the bytes free where `folder` is or would be made."""
    nearest = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    return shutil.disk_usage(nearest).free


def _remove(path: Path) -> None:
    """Remove a file that only takes room; that it cannot be is no reason to stop a training."""
    with suppress(OSError):
        path.unlink()


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
