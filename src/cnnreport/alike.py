"""Find trainings of other studies that repeat those of a study, so that their seeds count here too.

And those that are the very same: a training kept in two studies is no second observation.

A study of one seed does not show how far trainings of the same network lie apart. Where another one
trained it the same way on the same images with several seeds, that is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cnnreport.study import Cell, Run, Study


@dataclass(frozen=True, eq=False)
class Alike:
    """A cell of another study that was trained as one of ours was."""

    study: Study
    cell: Cell


def trained_alike(study: Study, cell: Cell, others: Sequence[Study]) -> list[Alike]:
    """Return the cells of other studies with the same network, images, recipe and epochs.

    The most seeds come first. Threads, machine and code may be other ones: they change the last
    digits, as a seed does, or else the trainings were not meant to be the same.
    """
    found = [
        Alike(other, theirs)
        for other in others
        if other.name != study.name
        and (theirs := other.cells.get((cell.dataset, cell.model)))
        and _same_training(study, cell, other, theirs)
    ]
    return sorted(found, key=lambda each: -len(each.cell.runs))


def _same_training(study: Study, cell: Cell, other: Study, theirs: Cell) -> bool:
    digests = {each.datasets[cell.dataset].digest for each in (study, other)}
    return (
        len(digests) == 1
        and study.params.precision == other.params.precision
        and cell.metrics.epochs == theirs.metrics.epochs
        and cell.recipe == theirs.recipe
    )


def shared_seeds(cell: Cell, other: Cell) -> list[int]:
    """Return the seeds of a cell whose training another study's cell holds too.

    What decides the outcome is the same there (the key), and so is every answer.
    """
    return [run.seed for run in cell.runs if any(_is_same(run, theirs) for theirs in other.runs)]


def _is_same(run: Run, other: Run) -> bool:
    keys = {run.training.key, other.training.key}
    return len(keys) == 1 and "" not in keys and run.predictions.equals(other.predictions)
