"""Say for each cell of the original study whether our trainings reproduce its test accuracy.

The original study trained each network once, without a fixed seed. If ours repeats its training,
its figure should lie where one more of our trainings would: in the prediction interval for one
further training (G. J. Hahn and W. Q. Meeker, Statistical Intervals, 1991, chapter 4). Both studies
tested on the same images, so with several seeds the spread between them is all there is.
"""

import math
from dataclasses import dataclass

from scipy.special import ndtri, stdtrit

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
    "class_weights": "weights of the classes",
}
"""The settings of a recipe that decide what a network learns, as sentences name them."""


@dataclass(frozen=True, eq=False)
class Reproduction:
    """A printed test accuracy and what our trainings say of it.

    `other` names the settings that are not the original's; with any, nothing is repeated.
    `expected` is where one more of our trainings would lie, in 19 of 20 cases.
    """

    cell: Cell
    printed: OriginalCell
    accuracy: float
    other: tuple[str, ...]
    expected: Interval

    @property
    def within(self) -> bool:
        """Say whether the printed accuracy lies where one more of our trainings would."""
        return self.expected.low <= self.accuracy <= self.expected.high

    @property
    def one_seed(self) -> bool:
        """Say whether how far seeds lie apart is unknown, so that a gap proves nothing."""
        return len(self.cell.metrics.accuracy_by_seed) == 1

    @property
    def gap(self) -> float:
        """Our accuracy less the printed one."""
        return self.cell.metrics.accuracy - self.accuracy


def reproductions(study: Study, original: Original, dataset: str) -> list[Reproduction]:
    """Return the networks of an image set with a printed test accuracy, in the order of ours."""
    return [
        Reproduction(
            cell,
            printed,
            printed.test_accuracy,
            other_settings(cell, original),
            next_training(cell),
        )
        for cell in study.cells_of(dataset)
        if (printed := original.cell(dataset, cell.model)) and printed.test_accuracy is not None
    ]


def other_settings(cell: Cell, original: Original) -> tuple[str, ...]:
    """Return what of a training is not as in the original study, as `SETTINGS` names it.

    Not among them is what no training here can have in common with it: the original learnt from all
    training images, of which we hold a part out, with an older version of Keras.
    """
    printed, entry = original.cell(cell.dataset, cell.model), original.models[cell.model]
    theirs = Recipe.model_validate(
        {
            "optimizer": entry.optimizer,
            "learning_rate": entry.learning_rate,
            "batch_size": original.conditions.batch_size,
        }
    )
    epochs = ("epochs",) if printed and printed.epochs != cell.metrics.epochs else ()
    heads = any(layer.name == "aux1" for layer in cell.architecture.layers)
    return epochs + tuple(
        words
        for name, words in SETTINGS.items()
        if getattr(cell.recipe, name) != getattr(theirs, name) and (heads or name != "heads")
    )


def next_training(cell: Cell) -> Interval:
    """Return where the test accuracy of one more training would lie, at 95 %.

    With several seeds from the spread between them: mean ± t · s · √(1 + 1/k) with Student's t of
    k - 1 degrees of freedom. With one seed that spread is unknown; the interval then is for two
    trainings that differ by no more than images drawn anew for each, which is less than there is.
    """
    accuracies = list(cell.metrics.accuracy_by_seed.values())
    deviation = seed_deviation(cell)
    middle = float(cell.metrics.accuracy)
    if deviation is None:
        variance = 2 * middle * (1 - middle) / cell.metrics.test_images
        reach = -float(ndtri(ALPHA / 2)) * math.sqrt(variance)
        how = "prediction interval of one more training, from the number of test images"
    else:
        count = len(accuracies)
        reach = -float(stdtrit(count - 1, ALPHA / 2)) * deviation * math.sqrt(1 + 1 / count)
        how = "prediction interval of one more training, from the spread over the seeds"
    interval = Interval(max(middle - reach, 0.0), min(middle + reach, 1.0))
    return evident_interval(interval, how, *predictions_evidence(cell, ANSWERS))
