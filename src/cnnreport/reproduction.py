"""Say for each cell of the original study whether our trainings reproduce its test accuracy.

The original study trained each network once, without a fixed seed. If ours repeats its training,
its figure should lie where one more of our trainings would: in the prediction interval for one
further training (G. J. Hahn and W. Q. Meeker, Statistical Intervals, 1991, chapter 4). Both studies
tested on the same images, so the spread between seeds is all there is: with one seed it is not
known, unless another study trained the network the same way with several.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scipy.special import stdtrit

from cnnreport.alike import trained_alike
from cnnreport.original import Original, OriginalCell
from cnnreport.params import Recipe
from cnnreport.statistics import (
    ALPHA,
    ANSWERS,
    Interval,
    evident_interval,
    predictions_evidence,
    seed_deviation,
)
from cnnreport.study import Cell, Study

SETTINGS = {
    "optimizer": "optimiser",
    "learning_rate": "learning rate",
    "batch_size": "batch size",
    "schedule": "schedule",
    "pixels": "pixels",
    "weight_decay": "weight decay",
    "label_smoothing": "label smoothing",
    "clip_norm": "clipping",
    "batch_norm_momentum": "momentum of batch normalisation",
    "flip": "flips",
    "shift": "shifts",
    "heads": "heads",
}
"""The settings of a recipe that decide what a network learns, as sentences name them."""

NO_MATTER = {
    "momentum": "it is that of gradient descent alone, and the original used Adam",
    "class_weights": "the classes of both CIFAR sets are equal, so all weights are one",
    "by_dataset": "it was applied when the recipe was chosen for the image set",
}
"""The settings that cannot make another training of one of the original's, and why."""


@dataclass(frozen=True, eq=False)
class Reproduction:
    """A printed test accuracy and what our trainings say of it.

    `other` names the settings that are not the original's; with any, nothing is repeated.
    `expected` is where one more of our trainings would lie, in 19 of 20 cases; None where one seed
    is all there is. `by` is the study whose seeds it comes from, where that is another one.
    """

    cell: Cell
    printed: OriginalCell
    accuracy: float
    other: tuple[str, ...]
    expected: Interval | None
    by: Study | None = None

    @property
    def within(self) -> bool:
        """Say whether the printed accuracy lies where one more of our trainings would."""
        known = self.expected
        return known is not None and known.low <= self.accuracy <= known.high

    @property
    def gap(self) -> float:
        """Our accuracy less the printed one."""
        return self.cell.metrics.accuracy - self.accuracy


def reproductions(
    study: Study, original: Original, dataset: str, others: Sequence[Study] = ()
) -> list[Reproduction]:
    """Return the networks of an image set with a printed test accuracy, in the order of ours.

    The seeds of `others` that trained a network the same way count where ours is but one.
    """
    return [
        _reproduction(study, cell, printed, printed.test_accuracy, original, others)
        for cell in study.cells_of(dataset)
        if (printed := original.cell(dataset, cell.model)) and printed.test_accuracy is not None
    ]


def _reproduction(
    study: Study,
    cell: Cell,
    printed: OriginalCell,
    accuracy: float,
    original: Original,
    others: Sequence[Study],
) -> Reproduction:
    settings = other_settings(study, cell, original)
    # Its own seeds go first, then those of the study with the most.
    alike = [(each.cell, each.study) for each in trained_alike(study, cell, others)]
    known = ((next_training(each), by) for each, by in [(cell, None), *alike])
    expected, by = next((found for found in known if found[0]), (None, None))
    return Reproduction(cell, printed, accuracy, settings, expected, by)


def other_settings(study: Study, cell: Cell, original: Original) -> tuple[str, ...]:
    """Return what of a training is not as in the original study, in words.

    Not among them is what no training here can have in common with it: the original learnt from all
    training images, of which we hold a part out, with an older version of Keras.
    """
    printed, entry = original.cell(cell.dataset, cell.model), original.models[cell.model]
    # Not validated: what somebody else used may be unknown here, and is another setting then.
    named: dict[str, Any] = {
        "optimizer": entry.optimizer,
        "learning_rate": entry.learning_rate,
        "batch_size": original.conditions.batch_size,
    }
    theirs = Recipe.model_construct(**named)
    matters = {
        "heads": cell.has_auxiliary_heads,
        "batch_norm_momentum": cell.has_batch_norm,
    }
    others = {
        "epochs": printed is None or printed.epochs != cell.metrics.epochs,
        "precision": study.params.precision != "float32",
        "penalty on weights": set(cell.l2_penalties) != {entry.weight_penalty} - {0.0},
    }
    return (
        *(words for words, differs in others.items() if differs),
        *(
            words
            for name, words in SETTINGS.items()
            if getattr(cell.recipe, name) != getattr(theirs, name) and matters.get(name, True)
        ),
    )


def next_training(cell: Cell) -> Interval | None:
    """Return where the test accuracy of one more training would lie, at 95 %; None for one seed.

    It is mean ± t · s · √(1 + 1/k), from the spread s between k seeds, with Student's t of k - 1
    degrees of freedom.
    """
    deviation = seed_deviation(cell)
    if deviation is None:
        return None
    count, middle = len(cell.metrics.accuracy_by_seed), float(cell.metrics.accuracy)
    reach = -float(stdtrit(count - 1, ALPHA / 2)) * float(deviation) * math.sqrt(1 + 1 / count)
    interval = Interval(max(middle - reach, 0.0), min(middle + reach, 1.0))
    how = "prediction interval of one more training, from the spread over the seeds"
    return evident_interval(interval, how, *predictions_evidence(cell, ANSWERS))
