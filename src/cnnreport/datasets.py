"""Image sets by name, and how they become the arrays that networks are trained and tested on."""

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from cnnreport.cifar import CIFAR_SETS, load_cifar
from cnnreport.errors import DatasetError, ResultsError
from cnnreport.folders import load_listing, read_folder
from cnnreport.params import Data, Folder, Params, Subset
from cnnreport.prepared import SPLITS, Images, Labels, Split
from cnnreport.records import DatasetRecord, FolderRecord
from cnnreport.splits import canonical, stratified_split

DIGITS_TEST_FRACTION = 0.3
DIGITS_SPLIT_SEED = 0


@dataclass(frozen=True, eq=False)
class ImageSet:
    """An image set as published: `train` and `test`, and what the labels and the set are called.

    `source` names the origin in words that do not depend on where this machine keeps the files.
    `folder` is there where it is a folder of somebody's.
    """

    train: Split
    test: Split
    class_names: tuple[str, ...]
    title: str
    source: str
    folder: FolderRecord | None = None


LISTINGS = Path("data/listings")
"""Where the stage `inventory` keeps what each folder of images holds."""


def load_image_set(name: str, params: Params, listings: Path = LISTINGS) -> ImageSet:
    """Return the image set of that name in params.yaml.

    Raises:
        DatasetError: the name or a class of a subset is unknown, or the images cannot be had.

    """
    if name == "digits":
        return load_digit_images()
    if name in CIFAR_SETS:
        return _load_whole_cifar(name, params.data)
    if name in params.subsets:
        return _load_subset(name, params.subsets[name], params.data)
    if name in params.folders:
        return _load_folder(name, params.folders[name], listings, params.data)
    known = ", ".join(params.image_sets)
    raise DatasetError(f"unknown image set '{name}'; known: {known}")


def load_digit_images() -> ImageSet:
    """Return the 8x8 digits that come with scikit-learn as 32x32 images of three equal channels.

    The set has no test part of its own, so 30 % (540 of 1,797) are split off, stratified.
    """
    values, labels = load_digits(return_X_y=True)
    images = np.stack([_enlarged_digit(row.reshape(8, 8)) for row in values])
    train, test = train_test_split(
        np.arange(len(labels)),
        test_size=DIGITS_TEST_FRACTION,
        stratify=labels,
        random_state=DIGITS_SPLIT_SEED,
    )
    labels = labels.astype(np.int64)
    return ImageSet(
        train=Split(images[train], labels[train]),
        test=Split(images[test], labels[test]),
        class_names=tuple("0123456789"),
        title="Handwritten digits (scikit-learn)",
        source="the handwritten digits that come with scikit-learn, 8x8 enlarged to 32x32",
    )


def _enlarged_digit(values: npt.NDArray[np.float64]) -> Images:
    """Turn values from 0 to 16 into a 32x32x3 image with pixels from 0 to 255."""
    grey = Image.fromarray(np.rint(values * (255 / 16)).astype(np.uint8))
    enlarged = np.asarray(grey.resize((32, 32), Image.Resampling.BILINEAR))
    return np.repeat(enlarged[:, :, np.newaxis], 3, axis=2)


def _load_whole_cifar(name: str, data: Data) -> ImageSet:
    cifar = CIFAR_SETS[name]
    train, test = load_cifar(cifar, data.cifar_folder)
    # The same words wherever the files were found: they must not make a difference to results.
    source = f"{cifar.title}, University of Toronto (Krizhevsky, 2009)"
    return ImageSet(train, test, cifar.class_names, cifar.title, source)


def _load_subset(name: str, subset: Subset, data: Data) -> ImageSet:
    _check_classes(name, subset)
    whole = _load_whole_cifar(subset.source, data)
    return ImageSet(
        train=_only(whole.train, whole.class_names, subset.classes),
        test=_only(whole.test, whole.class_names, subset.classes),
        class_names=tuple(subset.classes),
        title=f"{name}: {len(subset.classes)} classes of {whole.title}",
        source=whole.source,
    )


def _load_folder(name: str, folder: Folder, listings: Path, data: Data) -> ImageSet:
    try:
        entries = load_listing(listings / f"{name}.csv")
    except ResultsError as error:
        raise DatasetError(str(error)) from error
    found = read_folder(name, folder, entries, data.split_seed)
    return ImageSet(
        train=found.train,
        test=found.test,
        class_names=tuple(folder.classes),
        title=name,  # another one in params.yaml is a matter of the pages alone
        source=f"a folder of images, called {name}",
        folder=found.record,
    )


def _check_classes(name: str, subset: Subset) -> None:
    known = CIFAR_SETS[subset.source].class_names
    unknown = [_with_matches(wanted, known) for wanted in subset.classes if wanted not in known]
    if unknown:
        raise DatasetError(f"subsets.{name}: {subset.source} has no class {', '.join(unknown)}")
    if len(set(subset.classes)) < len(subset.classes):
        raise DatasetError(f"subsets.{name}: each class may stand there once")


def _with_matches(wanted: str, known: Sequence[str]) -> str:
    matches = difflib.get_close_matches(wanted, known)
    return f"'{wanted}' (close: {', '.join(matches) or 'none'})"


def _only(split: Split, class_names: Sequence[str], classes: Sequence[str]) -> Split:
    """Keep some classes and number them anew in the order given."""
    new_labels = np.full(len(class_names), -1, np.int64)
    new_labels[[class_names.index(name) for name in classes]] = np.arange(len(classes))
    labels = new_labels[split.labels]
    return Split(split.images[labels >= 0], labels[labels >= 0])


def prepare(image_set: ImageSet, name: str, data: Data) -> tuple[DatasetRecord, dict[str, Split]]:
    """Split off the validation images and measure the training images.

    The images are brought into an order that depends on nothing but themselves, so the same images
    from another source give the same arrays. Mean and deviation are those of pixels / 255 over the
    training part alone.

    Raises:
        DatasetError: a class would have no image in one of the three splits.

    """
    whole = canonical(image_set.train)
    classes = len(image_set.class_names)
    train, validation = _held_out(name, whole.labels, classes, data)
    splits = {
        "train": Split(whole.images[train], whole.labels[train]),
        "validation": Split(whole.images[validation], whole.labels[validation]),
        "test": canonical(image_set.test),
    }
    _check_every_class(name, splits, image_set.class_names, data)
    return _record(image_set, name, data, splits), splits


def _held_out(
    name: str, labels: Labels, classes: int, data: Data
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the positions of the training and the validation images, each in ascending order."""
    try:
        return stratified_split(labels, data.validation_fraction, data.split_seed)
    except ValueError as error:
        raise DatasetError(
            f"{name}: {len(labels)} training images of {classes} classes cannot be split with "
            f"data.validation_fraction {data.validation_fraction}: every class needs at least one "
            "training and one validation image"
        ) from error


def _check_every_class(
    name: str, splits: dict[str, Split], class_names: Sequence[str], data: Data
) -> None:
    for split in SPLITS:
        counts = np.bincount(splits[split].labels, minlength=len(class_names))
        if not counts.all():
            raise DatasetError(
                f"{name}: class '{class_names[int(counts.argmin())]}' has no {split} image; every "
                f"class needs one (data.validation_fraction is {data.validation_fraction})"
            )


def _record(image_set: ImageSet, name: str, data: Data, splits: dict[str, Split]) -> DatasetRecord:
    mean, deviation = channel_statistics(splits["train"].images)
    return DatasetRecord(
        name=name,
        title=image_set.title,
        source=image_set.source,
        class_names=list(image_set.class_names),
        train_images=len(splits["train"].labels),
        validation_images=len(splits["validation"].labels),
        test_images=len(splits["test"].labels),
        image_shape=list(splits["train"].images.shape[1:]),
        validation_fraction=data.validation_fraction,
        split_seed=data.split_seed,
        mean=mean,
        deviation=deviation,
        digest=digest(splits),
        class_counts={
            split: np.bincount(each.labels, minlength=len(image_set.class_names)).tolist()
            for split, each in splits.items()
        },
    )


def channel_statistics(images: Images) -> tuple[list[float], list[float]]:
    """Return mean and population deviation of each channel of pixels / 255.

    They are computed from the counts of the 256 pixel values: exact, and without a floating-point
    copy of all images.
    """
    values = np.arange(256) / 255
    means, deviations = [], []
    for channel in range(images.shape[-1]):
        shares = np.bincount(images[..., channel].ravel(), minlength=256) / images[..., 0].size
        mean = float(shares @ values)
        means.append(mean)
        deviations.append(float(np.sqrt(shares @ (values - mean) ** 2)))
    return means, deviations


def digest(splits: dict[str, Split]) -> str:
    """Return the SHA-256 of all arrays: images, then labels, of train, validation and test."""
    total = hashlib.sha256()
    for name in SPLITS:
        split = splits[name]
        total.update(f"{name} {split.images.shape}\n".encode())
        total.update(np.ascontiguousarray(split.images).tobytes())
        total.update(split.labels.astype("<i8").tobytes())
    return total.hexdigest()
