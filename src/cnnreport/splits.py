"""Order and divide images in ways that depend on nothing but the images and a seed."""

import hashlib
import math

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from cnnreport.prepared import Labels, Split

Positions = npt.NDArray[np.int64]

LEAST_BESIDE_TEST = 2
"""Images of a class that stay when test images are split off: one to train, one to validate."""


def canonical(split: Split) -> Split:
    """Order the images by the SHA-256 of their pixels, and equal images by their label."""
    order = canonical_order(split)
    return Split(split.images[order], split.labels[order])


def canonical_order(split: Split) -> Positions:
    """Return the positions of the images in the order of `canonical`."""
    keys = [
        (hashlib.sha256(image.tobytes()).digest(), int(label))
        for image, label in zip(split.images, split.labels, strict=True)
    ]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)


def part_size(count: int, classes: int, fraction: float, least_in_rest: int = 1) -> int:
    """Return how many of `count` images of so many classes become a part of about `fraction`.

    Rounded up, and at least one for each class, while `least_in_rest` of each stay.
    `stratified_split` gives a class of a few images another one where it would have none.
    """
    return min(max(math.ceil(fraction * count), classes), count - least_in_rest * classes)


def images_to_train(
    count: int, classes: int, validation_fraction: float, test_fraction: float | None = None
) -> int:
    """Return how many of `count` images stay to train with; no test part is split off for None.

    Where a class has too few for all parts, the images cannot be divided and the number is none.
    """
    if test_fraction is not None:
        count -= part_size(count, classes, test_fraction, LEAST_BESIDE_TEST)
    return count - part_size(count, classes, validation_fraction)


def stratified_split(
    labels: Labels, fraction: float, seed: int, least_in_rest: int = 1
) -> tuple[Positions, Positions]:
    """Divide images into a rest and a part of about `fraction`, each class in proportion.

    Every class has at least one image in the part and `least_in_rest` in the rest. Positions are in
    ascending order.

    Raises:
        ValueError: a class has too few images for that, or there is none at all.

    """
    counts = np.unique(labels, return_counts=True)[1]
    if counts.min(initial=least_in_rest + 1) <= least_in_rest:
        raise ValueError(f"wanted {least_in_rest + 1} images of each class, came {counts.min()}")
    size = part_size(len(labels), len(counts), fraction, least_in_rest)
    rest, part = train_test_split(
        np.arange(len(labels)), test_size=size, stratify=labels, random_state=seed
    )
    # In proportion, a class of a few images may get none.
    part = np.concatenate([part, _lacking(labels, rest, part, 1)])
    rest = np.setdiff1d(np.arange(len(labels)), part)
    back = _lacking(labels, part, rest, least_in_rest)
    return np.union1d(rest, back), np.setdiff1d(part, back)


def _lacking(labels: Labels, there: Positions, here: Positions, least: int) -> Positions:
    """Return the first positions in `there` of each class that has fewer than `least` in `here`."""
    there = np.sort(there)
    found = [
        there[labels[there] == label][: max(0, least - int((labels[here] == label).sum()))]
        for label in np.unique(labels)
    ]
    return np.concatenate(found).astype(np.int64)
