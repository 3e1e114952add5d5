"""Save and load the prepared arrays of an image set.

This is all that a training needs to know of image sets. It is kept apart from how they are found
and fetched, so that a change there never retrains a network.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnreport.errors import DatasetError, ResultsError
from cnnreport.records import DatasetRecord, load_json

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

SPLITS = ("train", "validation", "test")
RECORD_FILE = "dataset.json"


@dataclass(frozen=True, eq=False)
class Split:
    """One part of an image set.

    `images` is uint8 of shape (n, height, width, 3), `labels` int64 of shape (n,), counted from 0.
    """

    images: Images
    labels: Labels


def save_split(folder: Path, name: str, split: Split) -> None:
    """Write a split as two .npy files, making the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(_path(folder, name, "images"), split.images, allow_pickle=False)
    np.save(_path(folder, name, "labels"), split.labels, allow_pickle=False)


def load_split(folder: Path, name: str) -> Split:
    """Read a split that `save_split` wrote.

    Raises:
        DatasetError: a file is missing, cut short or does not hold the arrays of a split.

    """
    images = _load_array(_path(folder, name, "images"), np.uint8, axes=4)
    labels = _load_array(_path(folder, name, "labels"), np.int64, axes=1)
    if len(images) != len(labels):
        raise DatasetError(
            f"{folder}: split {name} has {len(images)} images but {len(labels)} labels; "
            "prepare it again with `dvc repro -f prepare`"
        )
    return Split(images, labels)


def load_record(folder: Path) -> DatasetRecord:
    """Read the record that stands beside the arrays.

    Raises:
        DatasetError: the file is missing or malformed.

    """
    try:
        return load_json(folder / RECORD_FILE, DatasetRecord)
    except ResultsError as error:
        raise DatasetError(str(error)) from error


def _path(folder: Path, name: str, part: str) -> Path:
    return folder / f"{name}-{part}.npy"


def _load_array(path: Path, dtype: type[np.generic], axes: int) -> npt.NDArray[Any]:
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise DatasetError(f"{path}: is missing; run `dvc repro prepare` first") from error
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(
            f"{path}: cut short or no .npy file; prepare it again with `dvc repro -f prepare`"
        ) from error
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != axes:
        raise DatasetError(f"{path}: wanted {dtype.__name__} with {axes} axes, came another array")
    return array
