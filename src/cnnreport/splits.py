"""Order and divide images in ways that depend on nothing but the images and a seed."""

import hashlib
import math

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from cnnreport.prepared import Labels, Split

Positions = npt.NDArray[np.int64]


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


def stratified_split(labels: Labels, fraction: float, seed: int) -> tuple[Positions, Positions]:
    """Divide images into the larger part and one of about `fraction`, each class in proportion.

    Every class has at least one image on either side. Positions are in ascending order.

    Raises:
        ValueError: a class has a single image, or there is none at all.

    """
    classes = len(np.unique(labels))
    size = min(max(math.ceil(fraction * len(labels)), classes), len(labels) - classes)
    rest, part = train_test_split(
        np.arange(len(labels)), test_size=size, stratify=labels, random_state=seed
    )
    # In proportion, a class of a few images may get none.
    part = np.concatenate([part, _first_of_missing(labels, rest, part)])
    rest = np.setdiff1d(np.arange(len(labels)), part)
    back = _first_of_missing(labels, part, rest)
    return np.union1d(rest, back), np.setdiff1d(part, back)


def _first_of_missing(labels: Labels, there: Positions, here: Positions) -> Positions:
    """Return the first position in `there` of each class that has none in `here`."""
    missing = np.setdiff1d(labels[there], labels[here])
    there = np.sort(there)
    return np.array([there[labels[there] == label][0] for label in missing], np.int64)
