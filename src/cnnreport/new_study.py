"""Turn a folder of images into a study: look at it, and write the parameters for it."""

import io
import math
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cnnreport.balance import UNEQUAL
from cnnreport.errors import DatasetError, InputError
from cnnreport.file_notes import kinds
from cnnreport.folders import list_folder
from cnnreport.folders.listing import as_text
from cnnreport.folders.reading import (
    came,
    check_labels,
    enough,
    has_test,
    usable_by_class,
    wanted,
)
from cnnreport.formats import plural
from cnnreport.params import Folder, Params, load_params, parse_params
from cnnreport.records import FileNote, save_text
from cnnreport.splits import images_to_train

IMAGES_TO_SEE = {
    "lenet": 60_000,
    "alexnet": 20_000,
    "vgg16": 10_000,
    "resnet50": 10_000,
    "googlenet": 8_000,
}
"""From how many images, over all epochs, a network has learnt something: some minutes on two cores.

The embedded default gives the networks about as many, less for those that are expensive.
"""

OTHERS_SEE = 10_000
"""The same for a network that is not among these."""

FEWEST_EPOCHS, MOST_EPOCHS = 3, 60
"""Bounds for a profile; beyond the upper one a network learns its few images by heart."""

SMALL = 10_000
"""Below so many training images a study takes the settings of `LIKE_SMALL`."""

LIKE_SMALL = "cifar100-objects"
"""The small set of photographs that the recipes were tuned for (docs/benchmarks/search.md)."""

SMALL_BATCH = 32
"""Images in a batch, so that a small set makes enough steps."""


@dataclass(frozen=True)
class Found:
    """What a folder holds: usable images of each class, outside and inside of test/."""

    usable: dict[str, tuple[int, int]]
    divided: bool
    left_out: tuple[FileNote, ...]

    @property
    def classes(self) -> list[str]:
        """The classes that have enough images for training, validation and test."""
        return [
            name
            for name, (outside, in_test) in self.usable.items()
            if enough(outside, in_test, divided=self.divided)
        ]

    def count(self, name: str) -> str:
        """Write how many images a class has."""
        return came(*self.usable[name], self.divided)

    @property
    def too_few(self) -> list[str]:
        """The others."""
        return [name for name in self.usable if name not in self.classes]


def examine(path: Path, settings: Mapping[str, Any]) -> Found:
    """List a folder and read all of its images once; `settings` are those of `Folder`.

    Raises:
        DatasetError: it is no folder, or holds no two classes with enough images, or pictures
            that are in train/ and test/ without a class.

    """
    if as_text(str(path)) != str(path):
        raise DatasetError(f"{str(path)!r}: wanted a path in UTF-8 without control characters")
    entries = list_folder(path)
    names = sorted({entry.class_name for entry in entries if not entry.reason})
    check_labels(str(path), names, entries)
    if len(names) < 2:
        raise DatasetError(
            f"{path}: wanted a folder for each of at least two classes, with images in it (or "
            f"train/ with such folders), came {len(names) or 'none'}"
        )
    folder = Folder(path=str(path), classes=names, **settings)
    usable, unusable = usable_by_class(path.name, folder, entries)
    found = Found(usable, has_test(entries), tuple(unusable))
    if len(found.classes) < 2:
        counts = ", ".join(f"{name} {found.count(name)}" for name in found.usable)
        why = [f"{reason} ({len(paths)})" for reason, paths in kinds(found.left_out).items()]
        raise DatasetError(
            f"{path}: wanted at least two classes with {wanted(found.divided)} usable images, came "
            + "; left out: ".join([counts, *([", ".join(why)] if why else [])])
        )
    return found


def name_for(path: Path, given: str, params: Params) -> str:
    """Return what the image set is to be called, and check that the name is free.

    Raises:
        InputError: it is taken, or no name can be made of the folder's.

    """
    name = given or _slug(Path(os.path.realpath(path)).name)
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise InputError(
            f"wanted a name of small letters a to z, digits and hyphens for the image set, came "
            f"'{name or path.name}'; give one with --name"
        )
    if name in params.folders:
        raise InputError(
            f"folders.{name} is in params.yaml already, and `dvc repro` sees what changed in its "
            "folder; take another --name for another set, or take the entry out"
        )
    if name in params.image_sets or name in params.profiles:
        raise InputError(f"'{name}' is the name of something else in params.yaml; give a --name")
    return name


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def write_study(
    file: Path, name: str, path: Path, found: Found, settings: Mapping[str, Any]
) -> Params:
    """Make a params.yaml that of a study of the folder alone; comments in it stay.

    Nothing is written unless the outcome is valid.

    Raises:
        ParamsError: the file, or what would be written, cannot be run with.

    """
    params = load_params(file)
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    raw = yaml.load(file.read_text(encoding="utf-8"))
    entry = {"path": written_path(path, file.parent), "classes": found.classes, **settings}
    raw["folders"] = {**raw.get("folders", {}), name: entry}
    raw["datasets"] = [name]
    raw["epochs"] = None
    raw["profile"] = name
    images = train_images(found, params, settings)
    raw["profiles"][name] = {
        model: {"epochs": epochs_for(model, images)} for model in raw["recipes"][params.recipe]
    }
    if images < SMALL:
        for recipe in raw["recipes"]["modern"].values():
            sets = recipe.setdefault("by_dataset", {})
            sets[name] = {**sets.get(LIKE_SMALL, {}), "batch_size": SMALL_BATCH}
    buffer = io.StringIO()
    yaml.dump(raw, buffer)
    # The empty line behind the profiles belongs to the one that was the last.
    text = buffer.getvalue().replace(f"\n\n  {name}:", f"\n  {name}:", 1)
    text = text.replace("\nrecipes:", "\n\nrecipes:", 1)
    checked = parse_params(YAML(typ="safe").load(text), str(file))
    save_text(file, text)
    return checked


def written_path(path: Path, beside: Path) -> str:
    """Return how params.yaml names a folder: from the project on where both lie in one folder.

    So a home folder, and the name of its owner, is not written down.
    """
    path, beside = Path(os.path.realpath(path)), Path(os.path.realpath(beside))
    try:
        common = Path(os.path.commonpath([path, beside]))
    except ValueError:  # two drives of Windows
        return path.as_posix()
    near = common != Path(common.anchor)
    return Path(os.path.relpath(path, beside)).as_posix() if near else path.as_posix()


def train_images(found: Found, params: Params, settings: Mapping[str, Any]) -> int:
    """Return about how many images the networks will learn from."""
    images = sum(found.usable[name][0] for name in found.classes)
    held_out = None if found.divided else float(settings["test_fraction"])
    return images_to_train(images, len(found.classes), params.data.validation_fraction, held_out)


def epochs_for(model: str, images: int) -> int:
    """Return the epochs in which a network sees about `IMAGES_TO_SEE` of so many images."""
    wanted = math.ceil(IMAGES_TO_SEE.get(model, OTHERS_SEE) / images)
    return min(max(wanted, FEWEST_EPOCHS), MOST_EPOCHS)


def lines(found: Found, params: Params, name: str) -> list[str]:
    """Return what was found, what was left out and what comes next, in lines for a person."""
    counts = {each: sum(found.usable[each]) for each in found.classes}
    told = [
        f"{name}: {plural(sum(counts.values()), 'usable image')} of "
        f"{len(counts)} classes: " + ", ".join(f"{each} {count}" for each, count in counts.items()),
        *_imbalance(counts),
        *_left_out(found),
        f"params.yaml: the study is now of '{name}' alone, with a profile of that name "
        f"({', '.join(f'{m} {params.epochs_for(m, name)}' for m in params.models)} epochs)",
    ]
    if any(params.recipe_for(model, name).flip for model in params.models):
        told.append(
            "half of the training images will be mirrored; if a mirrored image is another class "
            f"(letters, left and right hands), set flip: false in by_dataset.{name} of its recipe"
        )
    return [*told, "next: `cnnreport plan` says about how long it takes, `dvc repro` does it"]


def _imbalance(counts: Mapping[str, int]) -> list[str]:
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if counts[most] < UNEQUAL * counts[least]:
        return []
    return [
        f"classes are unequal: {most} has {counts[most]} images, {least} {counts[least]}; in the "
        "recipe `modern` each class counts the same in training, and the report gives the balanced "
        "accuracy as well"
    ]


def _left_out(found: Found) -> list[str]:
    """Say what is not of the set: classes by name, files by reason with one of them as example."""
    told = [
        f"left out, too few usable images: {each} ({found.count(each)})" for each in found.too_few
    ]
    for reason, paths in kinds(found.left_out).items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        told.append(f"left out, {reason}: {paths[0]}{more}")
    return told
