"""How far the averages reach back with which batch normalisation tests a network.

In training each batch is normalised by itself. In the test moving averages of what the batches were
take that place (S. Ioffe and C. Szegedy, Batch normalization, 2015, section 3.1), and while the
weights still change much, they are the averages of other weights. What that costs was measured:
docs/benchmarks/averages.md.
"""

from cnnreport.evidence import derive
from cnnreport.study import Cell, Study

KERAS_MOMENTUM = 0.99
"""Momentum of Keras' batch normalisation, where a recipe sets none."""

SETTLED = 0.1
"""Share of a training's steps up to which averages of batch normalisation may reach back.

Ten such spans leave next to nothing of the starting values, and the weights of the last one are
about those that are tested.
"""


def momentum_of(cell: Cell) -> float:
    """Return the momentum of a cell's batch normalisation."""
    return cell.recipe.batch_norm_momentum or KERAS_MOMENTUM


def averaged_steps(cell: Cell) -> int:
    """Return over about how many of the last steps a cell's batch normalisation averages.

    A moving average of momentum m weighs about the last 1 / (1 - m) steps.
    """
    momentum = momentum_of(cell)
    return derive(round(1 / (1 - momentum)), "1 / (1 - momentum), rounded", momentum)


def averaged_share(cell: Cell) -> float | None:
    """Return over which share of its steps a network averages; None without such a layer."""
    if not cell.has_layer("BatchNormalization"):
        return None
    span, steps = averaged_steps(cell), cell.steps
    return derive(span / steps, "steps that are averaged over, of all steps", span, steps)


def unsettled_cells(study: Study, dataset: str) -> list[Cell]:
    """Return the cells of an image set whose averages reach back over much of their training."""
    return [cell for cell in study.cells_of(dataset) if (averaged_share(cell) or 0.0) > SETTLED]


def doubt_of_order(study: Study, dataset: str) -> str:
    """Say what unsettled averages leave open of the order of networks; nothing where none are."""
    if len(study.params.models) == 1 or not unsettled_cells(study, dataset):
        return ""
    return (
        "Averages of batch normalisation had not settled in these trainings, so longer ones may "
        "turn the choice round."
    )
