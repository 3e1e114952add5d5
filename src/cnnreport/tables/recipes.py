"""Tables of how networks were trained, and which settings were held equal."""

import re

from cnnreport.formats import plural, thousands
from cnnreport.params import Recipe
from cnnreport.records import Architecture
from cnnreport.study import Cell, Study
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import Names


def hyper_parameters(cell: Cell) -> Table:
    """Return how one network was trained on one image set."""
    rows = [[name, text] for name, text in settings_of(cell).items()]
    if has_auxiliary_heads(cell):
        rows.append(["Auxiliary heads", _HEADS[cell.recipe.heads]])
    seeds = ", ".join(str(run.seed) for run in cell.runs)
    return Table(["Setting", "Value"], [*rows, ["Seeds", seeds]], "ll")


def has_auxiliary_heads(cell: Cell) -> bool:
    """Say whether the network has heads beside its main one, so that `Recipe.heads` matters."""
    return any(layer.name == "aux1" for layer in cell.architecture.layers)


_HEADS = {
    "summed": "summed into the output, in training and in testing",
    "weighted": "weighted losses in training, left out in testing",
}


def settings_of(cell: Cell) -> dict[str, str]:
    """Return the settings of a training that may differ between networks, in words."""
    recipe = cell.recipe
    return {
        "Epochs": thousands(cell.metrics.epochs),
        "Images seen": thousands(cell.metrics.images_seen),
        "Optimiser": optimiser_text(recipe),
        "Learning rate": rate_text(recipe),
        "Schedule": recipe.schedule.replace("_", "-"),
        "Batch size": thousands(recipe.batch_size),
        "Pixels": PIXELS[recipe.pixels],
        "Augmentation": augmentation_text(recipe),
        "Weight decay": f"{recipe.weight_decay:g}",
        "L2 penalty on kernels": _penalty(cell.architecture),
        "Label smoothing": f"{recipe.label_smoothing:g}",
        "Clipping of the gradient's norm": _or(recipe.clip_norm, "none"),
        "Momentum of batch normalisation": _or(recipe.batch_norm_momentum, "the network's own"),
    }


def _penalty(architecture: Architecture) -> str:
    """Return the penalties that the layers carry themselves; the layer table words them so."""
    found = {
        factor
        for layer in architecture.layers
        for factor in re.findall(r"\bL2 ([\d.e-]+)", layer.settings)
    }
    return ", ".join(sorted(found)) or "none"


PIXELS = {
    "unit": "divided by 255",
    "standardised": "mean and deviation of the training images",
}

OPTIMISERS = {"adam": "Adam", "sgd": "SGD with Nesterov momentum"}


def optimiser_text(recipe: Recipe) -> str:
    """Write an optimiser with the settings that belong to it."""
    momentum = f" {recipe.momentum:g}" if recipe.optimizer == "sgd" else ""
    return OPTIMISERS[recipe.optimizer] + momentum


def rate_text(recipe: Recipe) -> str:
    """Write a learning rate and whether it is a peak."""
    return f"{recipe.learning_rate:g}" + ("" if recipe.schedule == "constant" else " at the peak")


def augmentation_text(recipe: Recipe) -> str:
    """Write how training images are changed at random."""
    parts = ["flips"] if recipe.flip else []
    if recipe.shift:
        parts.append(f"shifts by up to {plural(recipe.shift, 'pixel')}")
    return " and ".join(parts) or "none"


def _or(number: float | None, otherwise: str) -> str:
    return otherwise if number is None else f"{number:g}"


def settings(study: Study, dataset: str, names: Names) -> Table:
    """Return the settings of all networks side by side and whether they were held equal."""
    columns = [settings_of(cell) for cell in study.cells_of(dataset)]
    rows = [
        [name, *values, "yes" if len(set(values)) == 1 else "**no**"]
        for name in columns[0]
        for values in [[column[name] for column in columns]]
    ]
    headers = ["Setting", *(names[model] for model in study.params.models), "Held equal"]
    return Table(headers, rows, "l" + "l" * len(columns) + "l")


def unequal_settings(study: Study, dataset: str) -> list[str]:
    """Return the names of the settings that were not held equal between the networks."""
    columns = [settings_of(cell) for cell in study.cells_of(dataset)]
    return [name for name in columns[0] if len({column[name] for column in columns}) > 1]
