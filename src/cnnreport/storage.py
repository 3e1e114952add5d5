"""Hash every object that a checkout needs, in DVC's local cache and a remote, and mend bad ones.

DVC hashes an object when it makes or fetches it and trusts it from then on: it pushes a damaged
file of its cache, checks it out as if it were good, and leaves alone what a remote has under the
right name, whatever that holds. So both places are read in full here, and the files in the
workspace that DVC takes for unchanged. DVC itself reads and writes them: a remote may be of any
kind that DVC knows.
"""

import errno
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dvc.fs import LocalFileSystem, RemoteMissingDepsError
from dvc.repo import Repo, lock_repo
from dvc_data.hashfile.hash import file_md5
from tqdm import tqdm

from cnnreport.errors import InputError
from cnnreport.formats import plural
from cnnreport.mirrors import one_line
from cnnreport.objects import content_md5, is_folder, members, object_name
from cnnreport.pipeline import in_one_line, project_folder
from cnnreport.seals import UNREADABLE, md5

EXTRAS = {"webdavs": "webdav", "https": "http"}
"""Extras of DVC that are not called as the URLs are."""


class State(StrEnum):
    """What came of hashing a copy."""

    GOOD = "good"
    CORRUPTED = "corrupted"
    MISSING = "missing"
    UNREADABLE = "unreadable"


UNREAD = (errno.EIO, errno.EACCES, errno.EPERM)
"""What `OSError.errno` is of one file that cannot be read, as for a bad block or a lost permission.

A remote over a network may say the same of a request that would succeed a moment later.
"""

KEPT = (
    "nobody knows whether it is good, so it stays; see to its permissions or the disk, or move it "
    "away, and check again"
)


@dataclass(frozen=True)
class Item:
    """An object that a checkout needs: a file of an output, or the list of a folder's files.

    `path` is that of the file or folder in the workspace, `output` the output that it belongs to,
    `unchanged` whether DVC takes that output for as it left it, `remade` whether the stage has a
    command.
    """

    digest: str
    path: str
    output: str
    stage: str
    unchanged: bool
    remade: bool

    def __str__(self) -> str:
        """Return how a reader knows it."""
        kind = "the list of " if is_folder(self.digest) else ""
        return f"{kind}{self.path} ({self.stage})"

    @property
    def way_out(self) -> str:
        """What is left to do when no place has it whole."""
        if self.remade:
            return f"`dvc repro -f -s {self.stage}` makes it again"
        return "only the cache of another clone, or another remote, can bring it"


@dataclass(frozen=True)
class Fault:
    """A copy that is not as it should be, and what was done about it if anything was.

    `others` are further files with the same content, which share the copy.
    """

    item: Item
    place: str
    state: State
    others: tuple[Item, ...] = ()
    outcome: str = ""
    healed: bool = False

    def __str__(self) -> str:
        """Return the line for it."""
        count = len(self.others)
        others = f" and {plural(count, 'equal file')}" if count else ""
        name = "" if self.place == WORKSPACE else f", {object_name(self.item.digest)}"
        outcome = f": {self.outcome}" if self.outcome else ""
        return f"{self.item}{others}: {self.state} in {self.place}{name}{outcome}"


@dataclass(frozen=True)
class Report:
    """What came of a check: how many objects were looked for, where, and what is wrong.

    `unknown` are folders whose list is good nowhere, so that nobody knows which files they need;
    `unmade` are outputs that dvc.lock has nothing of.
    """

    objects: int
    places: tuple[str, ...]
    faults: tuple[Fault, ...]
    unknown: tuple[str, ...]
    unmade: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether everything is whole, or has become so."""
        return not self.unknown and all(fault.healed for fault in self.faults)


WORKSPACE = "the workspace"
CACHE = "the local cache"


class Place:
    """A place where DVC keeps objects: its local cache or a remote; `odb` is DVC's own."""

    def __init__(self, title: str, odb: Any, help_line: str) -> None:
        """Take a database of objects and what to tell who cannot use it."""
        self.title = title
        self.odb = odb
        self._help = help_line

    def state(self, digest: str) -> State:
        """Read an object in full and say what it is.

        Raises:
            InputError: the place cannot be read.

        """
        with self._reachable():
            try:
                found = file_md5(self.odb.oid_to_path(digest), self.odb.fs)
            except FileNotFoundError:
                return State.MISSING
            except OSError as error:
                if error.errno in UNREAD:
                    return State.UNREADABLE
                raise
            return State.GOOD if found == content_md5(digest) else State.CORRUPTED

    def states(self, digests: Iterable[str]) -> dict[str, State]:
        """Read objects in full, several at a time, and say what each is.

        Raises:
            InputError: the place cannot be read.

        """
        wanted = list(dict.fromkeys(digests))
        pool = ThreadPoolExecutor(self.odb.fs.hash_jobs)
        try:
            found = pool.map(self.state, wanted)
            shown = tqdm(found, desc=f"Reading {self.title}", total=len(wanted), **QUIETLY)
            return dict(zip(wanted, shown, strict=True))
        finally:
            pool.shutdown(cancel_futures=True)  # after an error nobody wants the rest

    def members(self, digest: str) -> dict[str, str]:
        """Return the objects of a folder's files by their paths, from its list, which is good."""
        with self._reachable(), self.odb.fs.open(self.odb.oid_to_path(digest), "rb") as file:
            return members(file.read().decode("utf-8"))

    def remove(self, digest: str) -> None:
        """Delete an object."""
        with self._reachable():
            self.odb.delete(digest)

    def take(self, digest: str, path: str, file_system: Any) -> None:
        """Copy an object here, where it is not."""
        with self._reachable():
            self.odb.add(path, file_system, digest, check_exists=False, verify=False)

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        """Turn whatever the library of a remote raises, each has its own errors, into one line."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{self.title} cannot be used: {one_line(error)}; {self._help}"
            ) from error


QUIETLY: Mapping[str, Any] = {"unit": "object", "leave": False, "disable": None}
"""A bar of progress on a terminal, nothing elsewhere."""


class Storage:
    """What the checkout in the working directory needs, and what two places have of it."""

    def __init__(self, repo: Any, cache: Place, remote: Place) -> None:
        """Read in full all that is there."""
        self._repo = repo
        self._stores = (cache, remote)
        outputs = [out for out in repo.index.outs if out.use_cache]
        self.unmade = tuple(f"{out} ({_stage(out)})" for out in outputs if not out.hash_info)
        whole = [_item(out) for out in outputs if out.hash_info]
        states = {
            store.title: store.states(item.digest for item in whole) for store in self._stores
        }
        self.unknown: list[str] = []
        items = [*whole, *self._files(whole, states)]
        for store in self._stores:
            known = states[store.title]
            known |= store.states(item.digest for item in items if item.digest not in known)
        self.items = tuple(items)
        self.states = states

    def _files(
        self, items: Iterable[Item], states: Mapping[str, Mapping[str, State]]
    ) -> Iterator[Item]:
        """Yield the files of folders, from whichever list is good."""
        for item in items:
            if not is_folder(item.digest):
                continue
            for store in self._stores:
                if states[store.title][item.digest] is State.GOOD:
                    for name, digest in store.members(item.digest).items():
                        yield replace(item, digest=digest, path=f"{item.path}/{name}")
                    break
            else:
                self.unknown.append(f"{item.path} ({item.stage})")

    def faults(self) -> list[Fault]:
        """Return every copy that is not as it should be."""
        owners: dict[str, list[Item]] = {}
        for item in self.items:
            owners.setdefault(item.digest, []).append(item)
        stored = [
            _fault(items[0], store.title, state, tuple(items[1:]))
            for digest, items in owners.items()
            for store in self._stores
            if (state := self.states[store.title][digest]) is not State.GOOD
        ]
        spoilt = [
            _fault(item, WORKSPACE, state)
            for item in self.items
            if (state := _found(item)) is not State.GOOD
        ]
        return stored + spoilt

    def heal(self, faults: Sequence[Fault]) -> list[Fault]:
        """Mend what some place has whole; return the faults with what became of each.

        Bad bytes are deleted even where nothing replaces them: DVC takes them for good ones, so
        that it would not write the object anew. What cannot be read stays: it may be the only copy
        and good. Lists come last: DVC takes a folder to be on a remote once its list is.
        """
        stored = [fault for fault in faults if fault.place != WORKSPACE]
        spoilt = [fault for fault in faults if fault.place == WORKSPACE]
        files_first = sorted(stored, key=lambda fault: is_folder(fault.item.digest))
        return [*map(self._mended, files_first), *self._checked_out(spoilt)]

    def _mended(self, fault: Fault) -> Fault:
        digest = fault.item.digest
        states = self.states[fault.place]
        store = next(each for each in self._stores if each.title == fault.place)
        # Read again: somebody may have pushed the good one since.
        states[digest] = store.state(digest)
        if states[digest] is State.GOOD:
            return replace(fault, outcome="good by now", healed=True)
        fault = _fault(fault.item, fault.place, states[digest], fault.others)
        if fault.state is State.UNREADABLE:
            return fault
        source = self._source((fault.item, *fault.others))
        removed = "removed, " if states[digest] is State.CORRUPTED else ""
        if removed:
            store.remove(digest)
            states[digest] = State.MISSING
        if source is None:
            return replace(fault, outcome=removed + self._lost(fault.item))
        title, path, file_system = source
        store.take(digest, path, file_system)
        states[digest] = store.state(digest)
        healed = states[digest] is State.GOOD
        outcome = f"{removed}copied from {title}" + ("" if healed else f", {states[digest]} again")
        return replace(fault, outcome=outcome, healed=healed)

    def _lost(self, item: Item) -> str:
        """Say what is left to do for an object that nothing readable has whole."""
        if unread := self._unread(item):
            return f"no place that can be read has it whole; {unread}"
        return f"no place has it whole; {item.way_out}"

    def _unread(self, item: Item) -> str:
        """Say which place may have an object whole but cannot be read; nothing if none."""
        for title, known in self.states.items():
            if known[item.digest] is State.UNREADABLE:
                return f"{title} may, so see to that first"
        return ""

    def _source(self, items: Sequence[Item]) -> tuple[str, str, Any] | None:
        """Return a place that has the object of equal files whole, its path and how to read it."""
        digest = items[0].digest
        for store in self._stores:
            if self.states[store.title][digest] is State.GOOD:
                return store.title, store.odb.oid_to_path(digest), store.odb.fs
        if not is_folder(digest):
            for item in items:
                if md5(Path(item.path)) == digest:
                    return WORKSPACE, str(Path(item.path).absolute()), LocalFileSystem()
        return None

    def _checked_out(self, faults: Sequence[Fault]) -> Iterator[Fault]:
        """Replace files that were checked out from bad objects by what the cache has now."""
        whole = {
            fault.item
            for fault in faults
            if fault.state is State.CORRUPTED
            and self.states[CACHE][fault.item.digest] is State.GOOD
        }
        for item in whole:
            Path(item.path).unlink()
        if whole:
            with in_one_line("DVC cannot check out"):
                self._repo.checkout(sorted({item.output for item in whole}), force=True)
        for fault in faults:
            if fault.state is State.UNREADABLE:
                yield fault
                continue
            healed = fault.item in whole and md5(Path(fault.item.path)) == fault.item.digest
            left = self._lost(fault.item) if self._unread(fault.item) else fault.item.way_out
            outcome = f"removed, copied from {CACHE}" if healed else left
            yield replace(fault, outcome=outcome, healed=healed)


def check(remote: str = "", *, heal: bool = False) -> Report:
    """Read every object of the project in the working directory in full, and mend if asked to.

    Args:
        remote: the remote to read; the default one if empty.
        heal: whether to replace bad and missing objects.

    Raises:
        InputError: there is no DVC project, no such remote, it cannot be reached, DVC lacks the
            package for it, or DVC is at work here.

    """
    folder = project_folder()
    logging.getLogger("dvc").setLevel(logging.ERROR)
    with in_one_line("DVC cannot read the project"):
        repo = Repo(str(folder))
        try:
            with lock_repo(repo):
                return _check(repo, remote, heal=heal)
        finally:
            repo.close()


def _check(repo: Any, remote: str, *, heal: bool) -> Report:
    cache = Place(CACHE, repo.cache.local, "see `dvc cache dir`")
    storage = Storage(repo, cache, _remote(repo, remote))
    faults = storage.faults()
    if heal:
        faults = storage.heal(faults)
    return Report(
        objects=len({item.digest for item in storage.items}),
        places=tuple(storage.states),
        faults=tuple(faults),
        unknown=tuple(storage.unknown),
        unmade=storage.unmade,
    )


def _remote(repo: Any, wanted: str) -> Place:
    """Return a remote, by default the one that is set as the default."""
    name = wanted or repo.config["core"].get("remote")
    known = repo.config["remote"]
    if not name:
        raise InputError("no remote is set; `dvc remote add --default NAME URL` sets one")
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise InputError(f"no remote is called {name!r}; known: {names}; see `dvc remote list`")
    title, url = f"remote {name}", str(known[name]["url"])
    try:
        with in_one_line(title):
            odb = repo.cloud.get_remote_odb(name, "storage")
            return Place(title, odb, f"is {url} there, and are the credentials right?")
    except (ImportError, RemoteMissingDepsError) as error:
        scheme = urlsplit(url).scheme
        extra = EXTRAS.get(scheme, scheme)
        raise InputError(
            f"{title}: DVC needs another package for {scheme}:// addresses; "
            f'`pip install "dvc[{extra}]"` brings it'
        ) from error


def lines(report: Report, *, heal: bool) -> Iterator[str]:
    """Yield what a reader should know of a check."""
    first, second = report.places
    for output in report.unmade:
        yield f"{output}: was never run, so nothing is looked for"
    for output in report.unknown:
        yield f"{output}: which files it has is not known, since its list is good nowhere"
    yield from _fault_lines(report)
    what = f"{plural(report.objects, 'object')} in {first} and {second}"
    wrong = [fault for fault in report.faults if not fault.healed]
    healed = len(report.faults) - len(wrong)
    parts = [
        *([f"{healed} healed"] if healed else []),
        *([f"{len(wrong)} wrong"] if wrong else []),
    ]
    yield f"{what}: {', '.join(parts) or 'all good'}"
    if wrong and not heal:
        yield "`cnnreport storage --heal` mends what is whole in another place"


def _fault_lines(report: Report) -> Iterator[str]:
    """Yield a line for each fault, but one alone for a place that has nothing at all."""
    for place, remedy in zip((*report.places, WORKSPACE), ("pull", "push", ""), strict=True):
        there = [fault for fault in report.faults if fault.place == place]
        empty = there and remedy and len(there) == report.objects
        if empty and all(fault.state is State.MISSING and not fault.outcome for fault in there):
            yield f"nothing is in {place}; `dvc {remedy}` brings it there"
        else:
            yield from map(str, there)


def _item(out: Any) -> Item:
    return Item(
        digest=str(out.hash_info.value),
        path=str(out),
        output=str(out),
        stage=_stage(out),
        unchanged=bool(out.exists and not out.changed_checksum()),
        remade=bool(out.stage.cmd),
    )


def _stage(out: Any) -> str:
    return str(out.stage.addressing)


def _fault(item: Item, place: str, state: State, others: tuple[Item, ...] = ()) -> Fault:
    """Return a copy's fault; what could not be read needs a person, with `--heal` or without."""
    return Fault(item, place, state, others, KEPT if state is State.UNREADABLE else "")


def _found(item: Item) -> State:
    """Say whether a file is what DVC takes it for; an edit, which DVC notices, is good."""
    path = Path(item.path)
    if not item.unchanged or is_folder(item.digest) or not path.is_file():
        return State.GOOD
    found = md5(path)
    if found == UNREADABLE:
        return State.UNREADABLE
    return State.GOOD if found == item.digest else State.CORRUPTED
