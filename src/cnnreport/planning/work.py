"""What a training has to do: how many images of which size it goes through."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cnnreport.cifar import CIFAR_SETS
from cnnreport.errors import ResultsError
from cnnreport.folders import TEST, list_folder
from cnnreport.folders.reading import has_test
from cnnreport.params import Folder, Params
from cnnreport.records import DatasetRecord, Origin, load_json
from cnnreport.splits import images_to_train

TRAIN_IMAGES = {"digits": 1257, "cifar10": 50_000, "cifar100": 50_000}
"""Images of each set to train with, before the validation part is taken out."""

TRAIN_IMAGES_OF_A_CLASS = {"cifar10": 5_000, "cifar100": 500}

CLASSES = {"digits": 10, **{name: len(each.class_names) for name, each in CIFAR_SETS.items()}}
"""Classes of each set."""

SIDE = 32
"""Pixels of a side of the images of each set."""


@dataclass(frozen=True)
class Shape:
    """What of an image set decides the work of an image: its side in pixels, and the classes."""

    side: int
    classes: int


NetworkShape = tuple[str, Shape]
"""A network, and the shape of the image set: what decides its layers."""


@dataclass(frozen=True)
class Training:
    """A training to come; `images` counts those it goes through, over all epochs."""

    model: str
    dataset: str
    images: int
    shape: Shape


def trainings(params: Params) -> dict[str, Training]:
    """Return what each training of a study has to do, by the name of its stage."""
    images = {dataset: train_images(dataset, params) for dataset in params.datasets}
    return {
        f"train@{model}-{dataset}-{seed}": Training(
            model,
            dataset,
            params.epochs_for(model, dataset) * images[dataset],
            shape_of(dataset, params),
        )
        for model in params.models
        for dataset in params.datasets
        for seed in params.seeds
    }


def shape_of(dataset: str, params: Params) -> Shape:
    """Return the size of a set's images and the number of its classes."""
    if dataset in params.folders:
        folder = params.folders[dataset]
        return Shape(folder.size, len(folder.classes))
    if dataset in params.subsets:
        return Shape(SIDE, len(params.subsets[dataset].classes))
    return Shape(SIDE, CLASSES[dataset])


def train_images(dataset: str, params: Params) -> int:
    """Return how many images of a set are trained with."""
    if dataset in params.folders:
        return _folder_images(dataset, params)
    if dataset in params.subsets:
        subset = params.subsets[dataset]
        whole = len(subset.classes) * TRAIN_IMAGES_OF_A_CLASS[subset.source]
    else:
        whole = TRAIN_IMAGES[dataset]
    classes = shape_of(dataset, params).classes
    return images_to_train(whole, classes, params.data.validation_fraction)


def _folder_images(name: str, params: Params) -> int:
    """Return how many images of a folder there are to train with, by the parameters as they are.

    What is divided is the images that were prepared, or, where these are none or of other classes,
    the files of the folder.
    """
    folder = params.folders[name]
    images, divided = _prepared_images(name, folder.classes) or _listed_images(folder)
    held_out = None if divided else folder.test_fraction
    return images_to_train(images, len(folder.classes), params.data.validation_fraction, held_out)


def _prepared_images(name: str, classes: Sequence[str]) -> tuple[int, bool] | None:
    """Return how many images of a folder were divided, without those of a test/ of its own.

    And whether it has one; None where none were prepared, or of other classes.
    """
    results = Path("results", name)
    with suppress(ResultsError):
        record = load_json(results / "dataset.json", DatasetRecord)
        origin = load_json(results / "origin.json", Origin).folder
        if origin and record.class_names == list(classes):
            outside = record.train_images + record.validation_images
            in_test = 0 if origin.divided else record.test_images
            return outside + in_test, origin.divided
    return None


def _listed_images(folder: Folder) -> tuple[int, bool]:
    """Return the same by the files of a folder, of which some may turn out to be no images."""
    entries = list_folder(Path(folder.path))
    usable = [e for e in entries if not e.reason and e.class_name in folder.classes]
    return sum(entry.part != TEST for entry in usable), has_test(entries)
