"""How far the averages reach back with which batch normalisation tests a network.

In training each batch is normalised by itself. In the test moving averages of what the batches were
take that place (S. Ioffe and C. Szegedy, Batch normalization, 2015, section 3.1), and while the
weights still change much, they are averages of other weights. `benchmarks/averages.py` measures
what that costs, by averages of finished networks that are taken anew.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from cnnreport.evidence import derive
from cnnreport.records import load_csv
from cnnreport.study import Cell, Study

SETTLED = 0.1
"""Share of a training's steps up to which averages of batch normalisation may reach back.

A rule of this project: ten such spans leave next to nothing of the starting values, and the weights
of the last one are about those that are tested. How much they still change decides in truth.
"""

TAKEN_ANEW = "benchmarks/averages.csv"
"""Where the accuracies with averages taken anew are kept, below docs/."""


@dataclass(frozen=True)
class TakenAnew:
    """Accuracies of a finished network of a frozen study with its own averages and with new ones.

    They are fractions of the training and of the validation images.
    """

    study: str
    dataset: str
    model: str
    seed: int
    own_train: float
    own_validation: float
    anew_train: float
    anew_validation: float


def load_taken_anew(docs: Path) -> list[TakenAnew]:
    """Read what was measured; nothing where there is no such table.

    Raises:
        ResultsError: it is malformed.

    """
    table = docs / TAKEN_ANEW
    return load_csv(table, TakenAnew) if table.is_file() else []


def averaged_steps(cell: Cell) -> int | None:
    """Return over about how many of the last steps a cell's batch normalisation averages.

    A moving average of momentum m weighs about the last 1 / (1 - m) steps. None without such a
    layer.
    """
    momentum = cell.batch_norm_momentum
    if momentum is None:
        return None
    return derive(round(1 / (1 - momentum)), "1 / (1 - momentum), rounded", momentum)


def averaged_share(cell: Cell) -> float | None:
    """Return over which share of its steps a network averages; None without such a layer."""
    span, steps = averaged_steps(cell), cell.steps
    if span is None:
        return None
    return derive(span / steps, "steps that are averaged over, of all steps", span, steps)


def is_unsettled(cell: Cell) -> bool:
    """Say whether a network's averages reach back over much of its training."""
    return (averaged_share(cell) or 0.0) > SETTLED


def unsettled_cells(study: Study, dataset: str) -> list[Cell]:
    """Return the cells of an image set whose averages reach back over much of their training."""
    return [cell for cell in study.cells_of(dataset) if is_unsettled(cell)]


def order_in_doubt(study: Study, dataset: str) -> bool:
    """Say whether such averages may decide the order of the networks."""
    return len(study.params.models) > 1 and bool(unsettled_cells(study, dataset))


def taken_anew_of(rows: Sequence[TakenAnew], cell: Cell, study: str) -> list[TakenAnew]:
    """Return what was measured on the networks of a cell of a frozen study."""
    key = (study, cell.dataset, cell.model)
    return [row for row in rows if (row.study, row.dataset, row.model) == key]


def last_validation(cell: Cell, seeds: Collection[int]) -> float:
    """Return the accuracy on validation images after the last epoch, the mean over some seeds."""
    return fmean(run.history[-1].validation_accuracy for run in cell.runs if run.seed in seeds)
