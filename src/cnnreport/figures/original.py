"""Draw this study beside the original one that it repeats."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cnnreport.figures.drawing import Drawing, one_axes
from cnnreport.figures.intervals import BarStyle, bars, interval_note, name_rows
from cnnreport.figures.labels import beside
from cnnreport.figures.looks import MUTED, PAPER, Look
from cnnreport.formats import listing, percent, plural, points, shortest, thousands
from cnnreport.original import Conditions, Original
from cnnreport.statistics import accuracy_interval
from cnnreport.study import Cell, Study


def original_comparison(
    study: Study, dataset: str, looks: Mapping[str, Look], original: Original
) -> Drawing | None:
    """Draw test accuracies of this study beside those printed in the original one.

    None where the original study had none of these networks on the image set.
    """
    cells = study.cells_of(dataset)
    if not any(original.cell(dataset, cell.model) for cell in cells):
        return None
    printed = [original.accuracies.get((dataset, cell.model)) for cell in cells]
    words = [_printed(original, cell) for cell in cells]
    figure, axes = one_axes(1.1 + 0.46 * len(cells))
    for row, (cell, theirs) in enumerate(zip(cells, printed, strict=True)):
        _pair_of_bars(axes, row, cell, looks[cell.model], theirs)
        beside(axes, row + 0.19, words[row])
    name_rows(axes, [looks[cell.model].title for cell in cells], "test accuracy (%)")
    _pair_legend(figure)
    differences = {
        looks[cell.model].title: cell.metrics.accuracy - theirs
        for cell, theirs in zip(cells, printed, strict=True)
        if theirs is not None
    }
    return Drawing(
        f"{dataset}-original",
        figure,
        f"{_difference_finding(differences)} {_recipes(study, dataset, looks, original)} "
        f"{interval_note(cells[0])}",
        "Pairs of bars of test accuracy, this study and the original one: "
        f"{_pairs_in_words(cells, words, looks)}.",
    )


def _pair_of_bars(axes: Axes, row: int, cell: Cell, look: Look, original: float | None) -> None:
    accuracy = cell.metrics.accuracy
    style = BarStyle(0.36, capsize=2, linewidth=1)
    bars(axes, [row - 0.19], [(accuracy, accuracy_interval(cell))], look, style)
    beside(axes, row - 0.19, percent(accuracy))
    if original is not None:
        bar = axes.barh(row + 0.19, 100 * original, height=style.height, color=PAPER)
        bar.patches[0].set(edgecolor=look.color, hatch="////")


def _printed(original: Original, cell: Cell) -> str:
    """Return what the original study says of a cell, in words."""
    if original.cell(cell.dataset, cell.model) is None:
        return "not in the study"
    accuracy = original.accuracies[cell.dataset, cell.model]
    return "not known" if accuracy is None else percent(accuracy)


def _pair_legend(figure: Figure) -> None:
    patches = [
        Patch(color=MUTED),
        Patch(facecolor=PAPER, edgecolor=MUTED, hatch="////"),
    ]
    names = ["this study", "original study"]
    figure.legend(patches, names, loc="outside upper right", ncols=2)


def _difference_finding(differences: Mapping[str, float]) -> str:
    if not differences:
        return "No accuracy of the original study is known for these networks."
    gaps = listing([f"{title} {points(gap)}" for title, gap in differences.items()])
    finding = f"This study less the original one, in test accuracy: {gaps}"
    if len(differences) == 1:
        return f"{finding}."
    largest = max(differences, key=lambda title: abs(differences[title]))
    return f"{finding}; the widest gap is that of {largest}."


def _recipes(study: Study, dataset: str, looks: Mapping[str, Look], original: Original) -> str:
    """Say what differed between the recipes: by network, then what held for all of them."""
    cells = [cell for cell in study.cells_of(dataset) if original.cell(dataset, cell.model)]
    by_network = {looks[cell.model].title: _differences(cell, original) for cell in cells}
    parts = [f"{title} {listing(words)}" for title, words in by_network.items() if words]
    parts += _general_differences(cells, original.conditions)
    held_out = thousands(study.datasets[dataset].validation_images)
    finding = (
        f"What differs in the recipes, the original's first: {'; '.join(parts)}."
        if parts
        else "The recipes have the same epochs, optimiser, learning rate, batch size and "
        "augmentation."
    )
    return f"{finding} Here {held_out} of the training images are held out."


def _differences(cell: Cell, original: Original) -> list[str]:
    """Return in what the training of one network differed: epochs, optimiser with its rate."""
    theirs, entry = original.cell(cell.dataset, cell.model), original.models[cell.model]
    epochs = [theirs.epochs if theirs else 0, cell.metrics.epochs]
    rates = [
        _rate(entry.optimizer, entry.learning_rate),
        _rate(cell.recipe.optimizer, cell.recipe.learning_rate),
    ]
    words = [f"{epochs[0]} and {plural(epochs[1], 'epoch')}"] if epochs[0] != epochs[1] else []
    return words + ([" and ".join(rates)] if rates[0] != rates[1] else [])


def _rate(optimizer: str, rate: float) -> str:
    name = {"adam": "Adam", "sgd": "SGD"}.get(optimizer, optimizer)
    return f"{name} at {shortest(rate)}"


def _general_differences(cells: Sequence[Cell], theirs: Conditions) -> list[str]:
    """Return in what the trainings of all networks differed: batch size and augmentation."""
    batches = sorted({cell.recipe.batch_size for cell in cells})
    changes = sorted({_augmentation(cell) for cell in cells})
    found = []
    if batches != [theirs.batch_size]:
        sizes = listing([str(size) for size in batches])
        found.append(f"batches of {theirs.batch_size} and of {sizes}")
    if changes != [theirs.augmentation]:
        found.append(f"augmentation: {theirs.augmentation} and {listing(changes)}")
    return found


def _augmentation(cell: Cell) -> str:
    parts = (("flips", cell.recipe.flip), ("shifts", cell.recipe.shift))
    return " with ".join(name for name, used in parts if used) or "none"


def _pairs_in_words(
    cells: Sequence[Cell], printed: Sequence[str], looks: Mapping[str, Look]
) -> str:
    return ", ".join(
        f"{looks[cell.model].title} {percent(cell.metrics.accuracy)} and {theirs}"
        for cell, theirs in zip(cells, printed, strict=True)
    )
