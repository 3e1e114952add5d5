"""Find the test images that networks get wrong: all of them, one of them alone, or in pairs.

With several seeds a network misses an image if each of its seeds does. Everything here is a pure
function of stored predictions; no image is needed.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnreport.evidence import Evidence, derive
from cnnreport.statistics import ANSWERS, predictions_evidence
from cnnreport.study import Cell, Study

GALLERY = 48
"""So many images are shown at most, those missed most confidently."""

CONFIDENT_ANSWERS = f"{ANSWERS}, confidence"
"""The columns of predictions that answers and how sure they are come from."""


@dataclass(frozen=True)
class Answer:
    """What a network said of an image: classes by how many seeds named each, and how surely.

    `confidence` is the mean over the seeds of the highest probability.
    """

    classes: tuple[str, ...]
    confidence: float


@dataclass(frozen=True)
class Miss:
    """A test image that networks get wrong: its number, its class, each one's answer by name."""

    image: int
    actual: str
    answers: dict[str, Answer]

    @property
    def usual(self) -> str:
        """The class that most of these networks take it for; of a tie the first one named."""
        named = [answer.classes[0] for answer in self.answers.values()]
        return Counter(named).most_common(1)[0][0]


def missed_by_all(study: Study, dataset: str) -> list[Miss]:
    """Return the images that every seed of every network gets wrong, the surest answers first."""
    cells = study.cells_of(dataset)
    missed = np.logical_and.reduce([always_wrong(cell) for cell in cells])
    return _sorted(study, cells, missed)


def missed_by_one(study: Study, cell: Cell) -> list[Miss]:
    """Return the images that a network alone misses: all its seeds are wrong, all others right.

    The answers are those of this network; there are none where there is no other network.
    """
    others = [each for each in study.cells_of(cell.dataset) if each.model != cell.model]
    if not others:
        return []
    right = np.logical_and.reduce([~_ever_wrong(each) for each in others])
    return _sorted(study, [cell], always_wrong(cell) & right)


def chance_of_all(study: Study, dataset: str) -> float:
    """Return the share that all networks would miss if their errors had nothing in common.

    That is the product of the shares that the single networks miss.
    """
    cells = study.cells_of(dataset)
    shares = [float(always_wrong(cell).mean()) for cell in cells]
    inputs = _evidence(cells)
    return derive(float(np.prod(shares)), "product of the shares that each network misses", *inputs)


def share_of_all(study: Study, dataset: str) -> tuple[int, float]:
    """Return how many images all networks miss, and their share of the test images."""
    cells = study.cells_of(dataset)
    missed = np.logical_and.reduce([always_wrong(cell) for cell in cells])
    inputs = _evidence(cells)
    what = "test images that all networks miss"
    count, share = int(missed.sum()), float(missed.mean())
    return derive(count, f"number of {what}", *inputs), derive(share, f"share of {what}", *inputs)


def count_of_one(study: Study, cell: Cell) -> int:
    """Return how many images a network alone misses."""
    how = f"number of test images that {cell.model} alone misses"
    inputs = _evidence(study.cells_of(cell.dataset))
    return derive(len(missed_by_one(study, cell)), how, *inputs)


def confused_images(study: Study, dataset: str, actual: str, predicted: str) -> list[int]:
    """Return the test images of a class that runs take for another one, most runs first.

    Of those that as many runs confuse, the ones about which the runs are surest come first.
    """
    names = study.datasets[dataset].class_names
    label, wrong = names.index(actual), names.index(predicted)
    tables = [run.predictions for cell in study.cells_of(dataset) for run in cell.runs]
    hits = np.array([(each["label"] == label) & (each["predicted"] == wrong) for each in tables])
    votes = hits.sum(axis=0)
    sure = (hits * np.array([each["confidence"] for each in tables])).sum(axis=0)
    found = np.flatnonzero(votes).tolist()
    return sorted(found, key=lambda image: (-votes[image], -sure[image], image))


def _evidence(cells: Sequence[Cell]) -> list[Evidence]:
    return [part for cell in cells for part in predictions_evidence(cell, ANSWERS)]


def always_wrong(cell: Cell) -> NDArray[np.bool_]:
    """Return for each test image whether every seed gets it wrong, shape (images,)."""
    wrong: NDArray[np.bool_] = np.all([_wrong(run.predictions) for run in cell.runs], axis=0)
    return wrong


def _ever_wrong(cell: Cell) -> NDArray[np.bool_]:
    wrong: NDArray[np.bool_] = np.any([_wrong(run.predictions) for run in cell.runs], axis=0)
    return wrong


def _wrong(predictions: pd.DataFrame) -> NDArray[np.bool_]:
    return np.asarray(predictions["label"] != predictions["predicted"])


def _sorted(study: Study, cells: Sequence[Cell], missed: NDArray[np.bool_]) -> list[Miss]:
    names = study.datasets[cells[0].dataset].class_names
    labels = cells[0].runs[0].predictions["label"].to_numpy()
    found = [
        Miss(
            int(image),
            names[labels[image]],
            {cell.model: _answer(cell, int(image), names) for cell in cells},
        )
        for image in np.flatnonzero(missed)
    ]
    return sorted(found, key=lambda miss: (-_confidence(miss), miss.image))


def _confidence(miss: Miss) -> float:
    return sum(float(answer.confidence) for answer in miss.answers.values())


def _answer(cell: Cell, image: int, names: Sequence[str]) -> Answer:
    classes, confidences = _answers(cell)
    named = Counter(names[number] for number in classes[:, image])
    how = f"mean confidence of {cell.model} about test image {image}"
    inputs = predictions_evidence(cell, CONFIDENT_ANSWERS)
    confidence = derive(float(confidences[:, image].mean()), how, *inputs)
    return Answer(tuple(name for name, _ in named.most_common()), confidence)


def _answers(cell: Cell) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the answers and confidences of all seeds, each of shape (seeds, images)."""
    tables = [run.predictions for run in cell.runs]
    return (
        np.array([table["predicted"].to_numpy() for table in tables]),
        np.array([table["confidence"].to_numpy() for table in tables]),
    )
