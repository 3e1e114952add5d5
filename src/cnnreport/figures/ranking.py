"""Draw who is best: test accuracies with their intervals, in the order of their rank."""

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes

from cnnreport.balance import chance, is_unequal, most_frequent
from cnnreport.figures.drawing import Drawing, new_figure
from cnnreport.figures.intervals import BarStyle, bars, interval_note, name_rows
from cnnreport.figures.labels import beside
from cnnreport.figures.looks import INK, Look
from cnnreport.formats import (
    PLUS_MINUS,
    listing,
    percent,
    percent_range,
    percent_spread,
    plural,
)
from cnnreport.records import DatasetRecord
from cnnreport.statistics import RankedCell, accuracy_interval, seed_deviation, tie_groups
from cnnreport.study import Cell, Study


def leaderboard(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing:
    """Draw test accuracies with their intervals, the highest on top, ties and the level of chance.

    With several seeds the standard deviation over them is written beside the mean.
    """
    ranked = tie_groups(study, dataset)
    groups = tied_groups(ranked)
    figure = new_figure(0.9 + 0.36 * len(ranked))
    widths = [1, 0.04 + 0.02 * len(groups)] if groups else [1]
    axes, *margin = figure.subplots(
        1, len(widths), sharey=True, width_ratios=widths, squeeze=False
    ).flat
    for row, item in enumerate(ranked):
        _bar(axes, row, item.cell, looks[item.cell.model])
    names = [f"{item.rank}. {looks[item.cell.model].title}" for item in ranked]
    name_rows(axes, names, "test accuracy (%), number before a name: rank")
    _chance_line(axes, study.datasets[dataset])
    if margin:
        _brackets(margin[0], groups)
    return Drawing(
        f"{dataset}-leaderboard",
        figure,
        _caption(study, dataset, ranked, looks),
        f"Horizontal bars of test accuracy: {_accuracies(study.ranked(dataset), looks)}. "
        f"{_ties_in_words(ranked, groups, looks)}",
    )


def tied_groups(ranked: Sequence[RankedCell]) -> list[list[int]]:
    """Return the largest groups of rows in which no two can be told apart; two rows at least.

    A row may be in several of them, since being tied is not transitive.
    """
    rows = {item.cell.model: row for row, item in enumerate(ranked)}
    tied = [{rows[model] for model in item.tied_with} for item in ranked]
    return sorted(group for group in _cliques([], set(rows.values()), set(), tied) if group[1:])


def _cliques(
    group: list[int], open_: set[int], closed: set[int], tied: Sequence[set[int]]
) -> Iterator[list[int]]:
    """Yield the largest groups of mutually tied rows (C. Bron and J. Kerbosch, CACM 16, 1973)."""
    if not open_ and not closed:
        yield sorted(group)
    while open_:
        row = open_.pop()
        yield from _cliques([*group, row], open_ & tied[row], closed & tied[row], tied)
        closed.add(row)


def _bar(axes: Axes, row: int, cell: Cell, look: Look) -> None:
    accuracy, interval = cell.metrics.accuracy, accuracy_interval(cell)
    bars(axes, [row], [(accuracy, interval)], look, BarStyle(0.62, capsize=3, linewidth=1))
    beside(axes, row, f"{_accuracy(cell)}  ({percent_range(interval.low, interval.high)})")


def _accuracy(cell: Cell) -> str:
    """Write a test accuracy, with its standard deviation over the seeds where there is one."""
    deviation = seed_deviation(cell)
    accuracy = cell.metrics.accuracy
    return percent(accuracy) if deviation is None else percent_spread(accuracy, deviation)


def _brackets(axes: Axes, groups: Sequence[Sequence[int]]) -> None:
    """Join the rows of each group by a line of its own, with a dot on each row."""
    for place, rows in enumerate(groups):
        axes.plot([place] * len(rows), rows, color=INK, linewidth=1.2, marker="o", markersize=4)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_title("tied", fontsize="small")
    axes.set_axis_off()


def _chance_line(axes: Axes, record: DatasetRecord) -> None:
    level = chance(record)
    axes.axvline(100 * level, color=INK, linestyle=(0, (4, 2)), linewidth=1)
    axes.annotate(
        f"{'most frequent class' if is_unequal(record) else 'chance'} {percent(level)}",
        (100 * level, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        fontsize="small",
    )


def _caption(
    study: Study, dataset: str, ranked: Sequence[RankedCell], looks: Mapping[str, Look]
) -> str:
    parts = [
        _verdict(study.datasets[dataset].title, ranked, looks),
        _chance_in_words(study.datasets[dataset]),
        interval_note(ranked[0].cell),
    ]
    if len(ranked[0].cell.runs) > 1:
        parts.append(f"After {PLUS_MINUS}: standard deviation over the seeds.")
    if any(item.tied_with for item in ranked):
        parts.append("Joined by a line at the right: networks that cannot be told apart.")
    return " ".join(parts)


def _chance_in_words(record: DatasetRecord) -> str:
    if is_unequal(record):
        return f"Always answering {most_frequent(record)} is right on {percent(chance(record))}."
    return f"Chance is {percent(chance(record))}."


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
    return ", ".join(f"{looks[cell.model].title} {_accuracy(cell)}" for cell in cells)


def _ties_in_words(
    ranked: Sequence[RankedCell], groups: Sequence[Sequence[int]], looks: Mapping[str, Look]
) -> str:
    if len(ranked) == 1:
        return "There is no other network."
    names = [listing([looks[ranked[row].cell.model].title for row in rows]) for rows in groups]
    return f"Tied: {'; '.join(names)}." if names else "No two networks are tied."
