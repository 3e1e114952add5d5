"""List what lies in a folder of images: each file with its digest, or why it is not of the set."""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePosixPath

from cnnreport.errors import DatasetError
from cnnreport.folders.pixels import LARGEST_FILE, TOO_MANY_BYTES
from cnnreport.records import load_csv, rows_to_csv, save_text, to_csv

TRAIN, TEST = "train", "test"
PARTS = {TRAIN: TRAIN, "training": TRAIN, TEST: TEST, "testing": TEST}
"""What the folders of the two parts may be called, in small letters or capitals."""

SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""What Windows and macOS leave in folders and archives, besides names that begin with a dot."""


@dataclass(frozen=True)
class Entry:
    """One file of a folder, or a folder in it that is not gone into.

    `path` goes from the folder on, with ``/``. `part` is ``train`` or ``test`` where the folder is
    divided, else empty. `class_name` is in Unicode's form NFC, so that a name is the same whichever
    system wrote it. `reason` says why the file is not of the set; then it was not opened, and
    `size` and `sha256` are 0 and empty.
    """

    path: str
    part: str = ""
    class_name: str = ""
    size: int = 0
    sha256: str = ""
    reason: str = ""


def list_folder(folder: Path) -> list[Entry]:
    """Return an entry for all that lies in a folder, in the order of the paths.

    Raises:
        DatasetError: it is no folder, or may not be read.

    """
    try:
        root = Path(os.path.realpath(folder))
        is_folder = root.is_dir()
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be read ({error.strerror})") from error
    if not is_folder:
        raise DatasetError(f"{folder}: is no folder; wanted one with a folder for each class")
    found = sorted(_walk(root), key=lambda entry: entry.path)
    divided = _is_divided(found)
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda entry: _digested(root, _placed(entry, divided)), found))


def save_listing(path: Path, entries: Sequence[Entry]) -> None:
    """Write a listing; one without entries has the header alone."""
    header = [field.name for field in fields(Entry)]
    save_text(path, to_csv(entries) if entries else rows_to_csv(header, []))


def load_listing(path: Path) -> list[Entry]:
    """Read a listing.

    Raises:
        ResultsError: it is missing or malformed.

    """
    return load_csv(path, Entry)


def _walk(root: Path) -> Iterator[Entry]:
    waiting = [""]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(root / place) as children:
                found = list(children)
        except OSError as error:
            if not place:
                raise DatasetError(f"{root}: cannot be read ({error.strerror})") from error
            yield Entry(place, reason="a folder that cannot be read")
            continue
        for child in found:
            path = f"{place}/{child.name}" if place else child.name
            reason = _why_not(root, child)
            if not reason and child.is_dir(follow_symlinks=False):
                waiting.append(path)
            else:
                yield Entry(as_text(path), reason=reason)


def _why_not(root: Path, child: os.DirEntry[str]) -> str:
    """Return why a file or folder is not looked into; empty if it is."""
    if as_text(child.name) != child.name:
        return "its name is not UTF-8 or has control characters; rename it"
    if child.name.startswith(".") or child.name.casefold() in SYSTEM_FILES:
        return "hidden, or of the system's"
    if child.is_symlink():
        return _why_not_followed(root, child.path)
    try:
        mode = child.stat(follow_symlinks=False).st_mode
    except OSError:
        return "cannot be read"
    return "" if stat.S_ISDIR(mode) or stat.S_ISREG(mode) else "neither a file nor a folder"


def _why_not_followed(root: Path, link: str) -> str:
    try:
        target = Path(os.path.realpath(link, strict=True))
        mode = target.stat().st_mode
    except OSError:
        return "a link that leads nowhere"
    if not target.is_relative_to(root):
        return "a link that leaves the folder"
    return "" if stat.S_ISREG(mode) else "a link to something else than a file"


def as_text(name: str) -> str:
    """Return a name that can be written: bytes that are not UTF-8, and controls, as numbers.

    A line break, or what some reader takes for one, would tear tables and YAML apart.
    """
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        each if unicodedata.category(each) not in _CONTROLS else f"\\x{ord(each):02x}"
        for each in text
    )


_CONTROLS = ("Cc", "Zl", "Zp")


def _is_divided(entries: Sequence[Entry]) -> bool:
    """Say whether train/ has classes in it; a class may be called train as well.

    What most of its files say goes: they lie in folders below it, or in itself.
    """
    depths = [
        len(parts)
        for entry in entries
        if not entry.reason
        for parts in [PurePosixPath(entry.path).parts]
        if PARTS.get(parts[0].casefold()) == TRAIN and len(parts) > 1
    ]
    return 2 * sum(depth > 2 for depth in depths) > len(depths)


def _placed(entry: Entry, divided: bool) -> Entry:
    """Return an entry with part and class, or with the reason why it has none."""
    if entry.reason:
        return entry
    *folders, _ = PurePosixPath(entry.path).parts
    part = ""
    if divided:
        part = PARTS.get(folders.pop(0).casefold(), "") if folders else ""
        if not part:
            return replace(entry, reason="outside train/ and test/")
    if not folders:
        return replace(entry, reason="in no folder of a class")
    return replace(entry, part=part, class_name=unicodedata.normalize("NFC", folders[0]))


def _digested(root: Path, entry: Entry) -> Entry:
    if entry.reason:
        return entry
    path = root / entry.path
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            return replace(entry, reason=TOO_MANY_BYTES)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return replace(entry, reason="cannot be read")
    return replace(entry, size=size, sha256=digest)
