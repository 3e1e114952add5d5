"""Tables of how networks were trained, and which settings were held equal."""

from collections.abc import Sequence

from cnnreport.evidence import unmarked
from cnnreport.formats import macs, md, plural, shortest, thousands
from cnnreport.params import Recipe
from cnnreport.study import Cell, Study
from cnnreport.tables.costs import training_macs
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import NONE, Names


def hyper_parameters(cell: Cell) -> Table:
    """Return how one network was trained on one image set."""
    rows = [[name, text] for name, text in settings_of(cell).items()]
    if cell.has_auxiliary_heads:
        rows.append(["Auxiliary heads", _HEADS[cell.recipe.heads]])
    return Table(["Setting", "Value"], rows, "ll")


_HEADS = {
    "summed": "summed into the output, in training and in testing",
    "weighted": "weighted losses in training, left out in testing",
}


CLASS_WEIGHTS = {
    "equal": "each image counts the same",
    "balanced": "each class counts the same",
}
"""What `Recipe.class_weights` means for the loss."""


def settings_of(cell: Cell) -> dict[str, str]:
    """Return what somebody chose for the training of a network, or what follows from it alone."""
    recipe = cell.recipe
    return {
        "Epochs": thousands(cell.metrics.epochs),
        "Images seen": thousands(cell.metrics.images_seen),
        "Steps": thousands(cell.steps),
        "Optimiser": optimiser_text(recipe),
        "Learning rate": rate_text(recipe),
        "Schedule": recipe.schedule.replace("_", "-"),
        "Batch size": thousands(recipe.batch_size),
        "Pixels": PIXELS[recipe.pixels],
        "Augmentation": augmentation_text(recipe),
        "Weight decay": shortest(recipe.weight_decay),
        "L2 penalty on kernels": ", ".join(map(shortest, cell.l2_penalties)) or "none",
        "Weights of the classes": CLASS_WEIGHTS[recipe.class_weights],
        "Label smoothing": shortest(recipe.label_smoothing),
        "Clipping of the gradient's norm": _or(recipe.clip_norm, "none"),
        "Momentum of batch normalisation": _batch_norm(cell),
        "Precision": ", ".join(sorted({md(run.training.precision) for run in cell.runs})),
        "Seeds": ", ".join(shortest(run.seed) for run in cell.runs),
    }


def _batch_norm(cell: Cell) -> str:
    """Return the momentum of batch normalisation, or the dash where the network has none."""
    return NONE if cell.batch_norm_momentum is None else shortest(cell.batch_norm_momentum)


def work_of(cell: Cell) -> dict[str, str]:
    """Return what follows from the architecture of a network, which no recipe can hold equal."""
    return {
        "Parameters": thousands(cell.metrics.parameters),
        "MACs an image": macs(cell.metrics.macs),
        "Training work, MACs": macs(training_macs(cell)),
    }


PIXELS = {
    "unit": "divided by 255",
    "standardised": "mean and deviation of the training images",
}

OPTIMISERS = {"adam": "Adam", "sgd": "SGD with Nesterov momentum"}


def optimiser_text(recipe: Recipe) -> str:
    """Write an optimiser with the settings that belong to it."""
    momentum = f" {shortest(recipe.momentum)}" if recipe.optimizer == "sgd" else ""
    return OPTIMISERS[recipe.optimizer] + momentum


def rate_text(recipe: Recipe) -> str:
    """Write a learning rate and whether it is a peak."""
    peak = "" if recipe.schedule == "constant" else " at the peak"
    return shortest(recipe.learning_rate) + peak


def augmentation_text(recipe: Recipe) -> str:
    """Write how training images are changed at random."""
    parts = ["flips"] if recipe.flip else []
    if recipe.shift:
        parts.append(f"shifts by up to {plural(recipe.shift, 'pixel')}")
    return " and ".join(parts) or "none"


def _or(number: float | None, otherwise: str) -> str:
    return otherwise if number is None else shortest(number)


def settings(study: Study, dataset: str, names: Names) -> Table:
    """Return the effective settings of all networks side by side and whether they are equal.

    Below what was chosen stands what follows from the networks themselves.
    """
    cells = study.cells_of(dataset)
    chosen, work = [settings_of(cell) for cell in cells], [work_of(cell) for cell in cells]
    rows = [
        *([*row, "yes" if _equal(row[1:]) else "**no**"] for row in _side_by_side(chosen)),
        *([*row, OF_THE_NETWORK] for row in _side_by_side(work)),
    ]
    headers = ["Setting", *(names[model] for model in study.params.models), "Held equal"]
    return Table(headers, rows, "l" * len(headers))


OF_THE_NETWORK = "what is compared"
"""Stands where a row shows the networks' own differences, which are not to be held equal."""


def unequal_settings(study: Study, dataset: str) -> list[str]:
    """Return the names of the settings that were not held equal between the networks."""
    rows = _side_by_side([settings_of(cell) for cell in study.cells_of(dataset)])
    return [row[0] for row in rows if not _equal(row[1:])]


def _side_by_side(columns: Sequence[dict[str, str]]) -> list[list[str]]:
    return [[name, *(column[name] for column in columns)] for name in columns[0]]


def _equal(texts: Sequence[str]) -> bool:
    """Say whether a setting is equal wherever there is such a setting."""
    # The marks of equal numbers differ where they come from different places.
    return len({unmarked(text) for text in texts} - {NONE}) <= 1
