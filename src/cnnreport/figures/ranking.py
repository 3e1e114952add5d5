"""Draw who is best: test accuracies with their intervals, in the order of their rank."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from cnnreport.figures.drawing import Drawing, one_axes
from cnnreport.figures.intervals import BarStyle, bars, interval_note, name_rows
from cnnreport.figures.labels import beside
from cnnreport.figures.looks import Look
from cnnreport.formats import listing, percent, percent_range, plural
from cnnreport.statistics import RankedCell, accuracy_interval, tie_groups
from cnnreport.study import Cell, Study


def leaderboard(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing:
    """Draw test accuracies with their intervals, the highest on top, and the level of chance."""
    ranked = tie_groups(study, dataset)
    figure, axes = one_axes(0.9 + 0.36 * len(ranked))
    for row, item in enumerate(ranked):
        _bar(axes, row, item.cell, looks[item.cell.model])
    names = [f"{item.rank}. {looks[item.cell.model].title}" for item in ranked]
    name_rows(axes, names, "test accuracy (%), number before a name: rank")
    _chance_line(axes, 1 / len(study.datasets[dataset].class_names))
    return Drawing(
        f"{dataset}-leaderboard",
        figure,
        _caption(study, dataset, ranked, looks),
        f"Horizontal bars of test accuracy: {_accuracies(study.ranked(dataset), looks)}.",
    )


def _bar(axes: Axes, row: int, cell: Cell, look: Look) -> None:
    accuracy, interval = cell.metrics.accuracy, accuracy_interval(cell)
    bars(axes, [row], [(accuracy, interval)], look, BarStyle(0.62, capsize=3, linewidth=1))
    beside(axes, row, f"{percent(accuracy)}  ({percent_range(interval.low, interval.high)})")


def _chance_line(axes: Axes, chance: float) -> None:
    axes.axvline(100 * chance, color="0.15", linestyle=(0, (4, 2)), linewidth=1)
    axes.annotate(
        f"chance {percent(chance)}",
        (100 * chance, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        fontsize="small",
    )


def _caption(
    study: Study, dataset: str, ranked: Sequence[RankedCell], looks: Mapping[str, Look]
) -> str:
    return " ".join(
        [
            _verdict(study.datasets[dataset].title, ranked, looks),
            f"Chance is {percent(1 / len(study.datasets[dataset].class_names))}.",
            interval_note(ranked[0].cell),
        ]
    )


def _verdict(title: str, ranked: Sequence[RankedCell], looks: Mapping[str, Look]) -> str:
    best = ranked[0].cell
    finding = (
        f"On the image set {title}, {looks[best.model].title} is right on "
        f"{percent(best.metrics.accuracy)} of {plural(best.metrics.test_images, 'test image')}"
    )
    if len(ranked) == 1:
        return f"{finding}."
    if ranked[0].tied_with:
        tied = listing([looks[model].title for model in ranked[0].tied_with])
        return f"{finding}, the highest, and cannot be told apart from {tied}."
    return f"{finding}, the highest, and significantly better than every other network."


def _accuracies(cells: Sequence[Cell], looks: Mapping[str, Look]) -> str:
    return ", ".join(f"{looks[c.model].title} {percent(c.metrics.accuracy)}" for c in cells)
