"""Read the images of a listed folder, leave out what may not be in the set, and divide the rest."""

import hashlib
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnnreport.errors import DatasetError
from cnnreport.folders.listing import PARTS, TEST, Entry
from cnnreport.folders.pixels import UnusableError, read_file, read_pixels
from cnnreport.params import Folder
from cnnreport.prepared import Images, Split
from cnnreport.records import FileNote, FolderRecord
from cnnreport.splits import LEAST_BESIDE_TEST, canonical_order, stratified_split

MOST_BYTES = 2 * 2**30
"""What the arrays of a set may take; up to five copies are held while they are prepared."""

WORKERS = 4
"""Files read at a time, however many cores there are: each may take a good part of a gibibyte."""

NO_CLASSES = frozenset({*PARTS, "validation", "valid", "val"})
"""What parts of a set are called; together they are no classes to tell apart."""

SAY_SECONDS = 10.0
"""How often a long reading says how far it is."""


@dataclass(frozen=True, eq=False)
class FolderImages:
    """The usable images of a folder, divided, and what became of every file."""

    train: Split
    test: Split
    record: FolderRecord


@dataclass(frozen=True, eq=False)
class _Image:
    """A readable file: its pixels, their digest, and what is to be said of it."""

    entry: Entry
    pixels: Images
    digest: bytes
    note: str
    enlarged: bool


def read_folder(name: str, folder: Folder, entries: Sequence[Entry], seed: int) -> FolderImages:
    """Return the images of the listed files of a folder.

    Two files are the same picture where their prepared pixels are equal. One of them stays, in the
    test part if it is in both; none does if their classes differ.

    Raises:
        DatasetError: the folder is not here, a file is no longer as listed, its images have no
            classes, a class of params.yaml has too few images for all parts, or all of them would
            not fit in memory.

    """
    check_labels(
        f"folders.{name}", folder.classes, entries, f" and name those in folders.{name}.classes"
    )
    kept, left_out = _usable(name, folder, entries)
    divided = has_test(entries)
    _check_classes(name, folder, kept, divided)
    train, test = _as_found(kept) if divided else _divided(folder, kept, seed)
    train_split = _split(train, folder.classes)
    # The order of the prepared arrays, so that a prediction leads back to its file.
    test_split, test = _ordered(_split(test, folder.classes), test)
    record = FolderRecord(
        divided=divided,
        test_fraction=folder.test_fraction,
        fit=folder.fit,
        found=len(entries),
        enlarged=sum(image.enlarged for image in kept),
        left_out=left_out,
        notes=[FileNote(image.entry.path, image.note) for image in kept if image.note],
        test_files=[image.entry.path for image in test],
        listing=_listing_digest(entries),
    )
    return FolderImages(train_split, test_split, record)


def has_test(entries: Sequence[Entry]) -> bool:
    """Say whether a folder has a test part of its own."""
    return any(entry.part == TEST for entry in entries)


def check_labels(
    place: str, classes: Sequence[str], entries: Sequence[Entry], then: str = ""
) -> None:
    """Refuse pictures that are sorted into parts alone, whose names would be taken for classes.

    `place` begins the line and `then` ends it.

    Raises:
        DatasetError: they are.

    """
    parts = {entry.part for entry in entries if not entry.reason and entry.class_name in classes}
    # Inside train/ even such folders are classes, since somebody made them there.
    if parts == {""} and all(name.casefold() in NO_CLASSES for name in classes):
        raise DatasetError(
            f"{place}: wanted a folder for each class inside train/, came pictures themselves in "
            f"{' and '.join(f'{name}/' for name in sorted(classes))}; sort them into such folders"
            f"{then}"
        )


def usable_by_class(
    name: str, folder: Folder, entries: Sequence[Entry]
) -> tuple[dict[str, tuple[int, int]], list[FileNote]]:
    """Return how many usable images each class has outside and inside of test/, and the rest."""
    kept, left_out = _usable(name, folder, entries)
    counts = _counts(kept)
    return {each: (counts[each, False], counts[each, True]) for each in folder.classes}, left_out


def enough(outside: int, in_test: int, *, divided: bool) -> bool:
    """Say whether a class has an image for each of training, validation and test."""
    return (outside >= 2 and in_test >= 1) if divided else outside >= 3


def wanted(divided: bool) -> str:
    """Say how many images `enough` asks for."""
    return "at least 2 in train/ and 1 in test/" if divided else "at least 3"


def came(outside: int, in_test: int, divided: bool) -> str:
    """Write the images of a class as `wanted` does."""
    return f"{outside} in train/ and {in_test} in test/" if divided else str(outside)


def _usable(
    name: str, folder: Folder, entries: Sequence[Entry]
) -> tuple[list[_Image], list[FileNote]]:
    """Return the images that stay, and each other file with the reason, both by path."""
    candidates = [e for e in entries if not e.reason and e.class_name in folder.classes]
    images, unusable = _read(name, folder, candidates)
    kept, twice = _without_duplicates(images)
    left_out = [*_not_candidates(folder, entries), *unusable, *twice]
    return kept, sorted(left_out, key=lambda note: note.path)


def _counts(images: Sequence[_Image]) -> Counter[tuple[str, bool]]:
    """Count images by class and whether they are of test/."""
    return Counter((image.entry.class_name, image.entry.part == TEST) for image in images)


def _not_candidates(folder: Folder, entries: Sequence[Entry]) -> Iterator[FileNote]:
    for entry in entries:
        if entry.reason:
            yield FileNote(entry.path, entry.reason)
        elif entry.class_name not in folder.classes:
            yield FileNote(entry.path, "of a class that params.yaml does not name")


def _read(
    name: str, folder: Folder, candidates: Sequence[Entry]
) -> tuple[list[_Image], list[FileNote]]:
    if not Path(folder.path).is_dir():
        raise DatasetError(
            f"folders.{name}: {folder.path} is not here, and the images are needed to prepare the "
            f"set; set folders.{name}.path in params.yaml, or `dvc pull` what was prepared before"
        )
    if len(candidates) * 3 * folder.size**2 > MOST_BYTES:
        raise DatasetError(
            f"folders.{name}: {len(candidates)} images of {folder.size}x{folder.size} pixels do "
            f"not fit into {MOST_BYTES // 2**30} GiB; take a smaller folders.{name}.size"
        )
    images, unusable = [], []
    # Pillow's warnings of odd files: what matters of them becomes a reason or a note.
    with warnings.catch_warnings(), ThreadPoolExecutor(WORKERS) as pool:
        warnings.simplefilter("ignore")
        found = pool.map(lambda entry: _read_one(name, folder, entry), candidates)
        for each in _told(name, len(candidates), found):
            if isinstance(each, FileNote):
                unusable.append(each)
            else:
                images.append(each)
    return images, unusable


def _read_one(name: str, folder: Folder, entry: Entry) -> "_Image | FileNote":
    path = Path(folder.path) / entry.path
    try:
        content = read_file(path)
    except UnusableError as error:
        return FileNote(entry.path, str(error))
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be read ({error.strerror}), and it could when the folder was listed; "
            "`dvc repro` lists it again"
        ) from error
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise DatasetError(
            f"{path}: was changed after the folder of {name} was listed; `dvc repro` lists it again"
        )
    try:
        pixels, note, enlarged = read_pixels(content, folder.size, folder.fit)
    except UnusableError as error:
        return FileNote(entry.path, str(error))
    return _Image(entry, pixels, hashlib.sha256(pixels.tobytes()).digest(), note, enlarged)


def _told(
    name: str, count: int, found: Iterable["_Image | FileNote"]
) -> Iterator["_Image | FileNote"]:
    """Pass images on, and say from time to time how many there were."""
    said = time.monotonic()
    for number, each in enumerate(found, 1):
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            print(f"{name}: {number:,} of {count:,} files read", flush=True)
        yield each


def _without_duplicates(images: Sequence[_Image]) -> tuple[list[_Image], list[FileNote]]:
    """Return the images that stay, and of each other one why it does not."""
    groups: defaultdict[bytes, list[_Image]] = defaultdict(list)
    for image in images:
        groups[image.digest].append(image)
    kept, left_out = [], []
    for group in groups.values():
        first, *others = sorted(
            group, key=lambda image: (image.entry.part != TEST, image.entry.path)
        )
        if differing := _of_another_class(group):
            left_out += [
                FileNote(image.entry.path, f"the same picture is in another class: {other}")
                for image, other in differing
            ]
            continue
        kept.append(first)
        left_out += [
            FileNote(image.entry.path, f"the same picture is there already: {first.entry.path}")
            for image in others
        ]
    return sorted(kept, key=lambda image: image.entry.path), left_out


def _of_another_class(group: Sequence[_Image]) -> list[tuple[_Image, str]]:
    """Pair each of some equal pictures with one of another class; empty if all have the same."""
    return [
        (image, next(e.entry.path for e in group if e.entry.class_name != image.entry.class_name))
        for image in group
        if any(each.entry.class_name != image.entry.class_name for each in group)
    ]


def _check_classes(name: str, folder: Folder, kept: Sequence[_Image], divided: bool) -> None:
    counts = _counts(kept)
    for each in folder.classes:
        outside, in_test = counts[each, False], counts[each, True]
        if not enough(outside, in_test, divided=divided):
            raise DatasetError(
                f"folders.{name}: class '{each}' has too few usable images: wanted "
                f"{wanted(divided)} (one each to train, to validate and to test), came "
                f"{came(outside, in_test, divided)}; add some, or take it out of "
                f"folders.{name}.classes in params.yaml"
            )


def _divided(
    folder: Folder, images: Sequence[_Image], seed: int
) -> tuple[list[_Image], list[_Image]]:
    """Split off test images; which ones depends on the pictures alone, not on names of files."""
    split, images = _ordered(_split(images, folder.classes), images)
    rest, test = stratified_split(split.labels, folder.test_fraction, seed, LEAST_BESIDE_TEST)
    return [images[place] for place in rest], [images[place] for place in test]


def _as_found(images: Sequence[_Image]) -> tuple[list[_Image], list[_Image]]:
    test = [image for image in images if image.entry.part == TEST]
    return [image for image in images if image.entry.part != TEST], test


def _split(images: Sequence[_Image], classes: Sequence[str]) -> Split:
    number = {name: label for label, name in enumerate(classes)}
    labels = [number[image.entry.class_name] for image in images]
    return Split(np.stack([image.pixels for image in images]), np.array(labels, np.int64))


def _ordered(split: Split, images: Sequence[_Image]) -> tuple[Split, list[_Image]]:
    order = canonical_order(split)
    return Split(split.images[order], split.labels[order]), [images[place] for place in order]


def _listing_digest(entries: Sequence[Entry]) -> str:
    """Return the SHA-256 over the paths, contents and reasons of all entries."""
    total = hashlib.sha256()
    for entry in entries:
        total.update(f"{entry.path}\0{entry.sha256}\0{entry.reason}\n".encode())
    return total.hexdigest()
