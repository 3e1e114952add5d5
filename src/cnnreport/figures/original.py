"""Draw this study beside the original one that it repeats."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cnnreport.figures.drawing import Drawing, one_axes
from cnnreport.figures.intervals import BarStyle, bars, interval_note, name_rows
from cnnreport.figures.labels import beside
from cnnreport.figures.looks import Look
from cnnreport.formats import listing, percent, points
from cnnreport.statistics import accuracy_interval
from cnnreport.study import Cell, Study


def original_comparison(
    study: Study,
    dataset: str,
    looks: Mapping[str, Look],
    original_accuracies: Mapping[tuple[str, str], float | None],
) -> Drawing:
    """Draw test accuracies of this study beside those printed in the original one."""
    cells = study.cells_of(dataset)
    printed = [original_accuracies.get((dataset, cell.model)) for cell in cells]
    figure, axes = one_axes(1.1 + 0.46 * len(cells))
    for row, (cell, original) in enumerate(zip(cells, printed, strict=True)):
        _pair_of_bars(axes, row, cell, looks[cell.model], original)
    name_rows(axes, [looks[cell.model].title for cell in cells], "test accuracy (%)")
    _pair_legend(figure)
    differences = {
        looks[cell.model].title: cell.metrics.accuracy - original
        for cell, original in zip(cells, printed, strict=True)
        if original is not None
    }
    return Drawing(
        f"{dataset}-original",
        figure,
        f"{_difference_finding(differences)} {interval_note(cells[0])}",
        "Pairs of bars of test accuracy, this study and the original one: "
        f"{_pairs_in_words(cells, printed, looks)}.",
    )


def _pair_of_bars(axes: Axes, row: int, cell: Cell, look: Look, original: float | None) -> None:
    accuracy = cell.metrics.accuracy
    style = BarStyle(0.36, capsize=2, linewidth=1)
    bars(axes, [row - 0.19], [(accuracy, accuracy_interval(cell))], look, style)
    beside(axes, row - 0.19, percent(accuracy))
    if original is not None:
        bar = axes.barh(row + 0.19, 100 * original, height=style.height, color="white")
        bar.patches[0].set(edgecolor=look.color, hatch="////")
    beside(axes, row + 0.19, "not known" if original is None else percent(original))


def _pair_legend(figure: Figure) -> None:
    patches = [
        Patch(color="0.35"),
        Patch(facecolor="white", edgecolor="0.35", hatch="////"),
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


def _pairs_in_words(
    cells: Sequence[Cell], printed: Sequence[float | None], looks: Mapping[str, Look]
) -> str:
    return ", ".join(
        f"{looks[cell.model].title} {percent(cell.metrics.accuracy)} and "
        + ("not known" if original is None else percent(original))
        for cell, original in zip(cells, printed, strict=True)
    )
