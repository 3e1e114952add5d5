"""Draw which classes all networks together confuse most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cnnreport.figures.drawing import WIDTH, Drawing, one_axes
from cnnreport.figures.intervals import name_rows
from cnnreport.figures.labels import beside, length_of
from cnnreport.figures.looks import GRID, MUTED, PAPER, Look
from cnnreport.formats import all_of, listing, percent
from cnnreport.statistics import confusion_shares
from cnnreport.study import Cell, Study

PAIRS_SHOWN = 12
"""So many of the most frequent confusions are drawn."""


@dataclass(frozen=True)
class Mistake:
    """A class taken for another: the share of its images, by network and the mean over them."""

    actual: str
    predicted: str
    shares: tuple[float, ...]
    mean: float


def confused_pairs(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing | None:
    """Draw the most frequent confusions over all networks; None where there was none."""
    cells = study.cells_of(dataset)
    mistakes = most_frequent(cells, PAIRS_SHOWN)
    if not mistakes:
        return None
    figure, axes = one_axes(1.1 + 0.29 * len(mistakes))
    means = [100 * mistake.mean for mistake in mistakes]
    axes.barh(range(len(mistakes)), means, height=0.7, color=GRID, edgecolor=MUTED, linewidth=0.6)
    for column, cell in enumerate(cells):
        look = looks[cell.model]
        # A little above one another, so that equal shares do not hide a network.
        lower = 0.5 * ((column + 0.5) / len(cells) - 0.5)
        axes.plot(
            [100 * mistake.shares[column] for mistake in mistakes],
            [row + lower for row in range(len(mistakes))],
            linestyle="none",
            marker=look.marker,
            markersize=5,
            color=look.color,
            markeredgecolor=PAPER,
            markeredgewidth=0.6,
            clip_on=False,
        )
    names = [f"{mistake.actual} \N{RIGHTWARDS ARROW} {mistake.predicted}" for mistake in mistakes]
    name_rows(axes, names, "images of the actual class that are taken for the other (%)")
    end = _end(mistakes)
    axes.set_xlim(-0.02 * end, end)
    axes.set_ylabel("actual class \N{RIGHTWARDS ARROW} predicted class")
    for row, mean in enumerate(means):
        beside(axes, row, f"{mean:.1f}")
    _legend(figure, [looks[cell.model] for cell in cells])
    return Drawing(
        f"{dataset}-confused-pairs",
        figure,
        _finding(mistakes, cells),
        f"Horizontal bars of the most frequent confusions: {_in_words(mistakes)}.",
    )


def most_frequent(cells: Sequence[Cell], n: int) -> list[Mistake]:
    """Return the n confusions with the highest mean share over the networks, those that happened.

    Ties stand in the order of the classes.
    """
    names = list(cells[0].metrics.class_accuracy)
    tables = np.array([confusion_shares(cell) for cell in cells])
    means = tables.mean(axis=0)
    np.fill_diagonal(means, 0)
    order = np.argsort(-means, axis=None, kind="stable")[:n]
    places = [divmod(int(place), len(names)) for place in order]
    return [
        Mistake(
            names[actual],
            names[predicted],
            tuple(float(share) for share in tables[:, actual, predicted]),
            float(means[actual, predicted]),
        )
        for actual, predicted in places
        if means[actual, predicted] > 0
    ]


def _end(mistakes: Sequence[Mistake]) -> float:
    """Return where the axis ends: a little beyond the highest share of any network."""
    return min(100.0, 105 * max(share for mistake in mistakes for share in mistake.shares))


MARK = 0.4
"""Inches of a mark in the legend, with the gaps around it."""


def _legend(figure: Figure, looks: Sequence[Look]) -> None:
    marks = [
        Line2D([], [], linestyle="none", marker=look.marker, markersize=6, color=look.color)
        for look in looks
    ]
    titles = [look.title for look in looks]
    fitting = int(WIDTH / (MARK + length_of(titles)))
    columns = min(len(marks), max(1, fitting))
    figure.legend(marks, titles, loc="outside upper right", ncols=columns)


def _finding(mistakes: Sequence[Mistake], cells: Sequence[Cell]) -> str:
    first = mistakes[0]
    if len(cells) == 1:
        return (
            f"Class {first.actual} is taken for {first.predicted} most often, in "
            f"{percent(first.mean)} of its test images."
        )
    return (
        f"Over {all_of(len(cells))} networks, class {first.actual} is taken for "
        f"{first.predicted} most often, in {percent(first.mean)} of its test images. Bars "
        "and numbers: mean over the networks; marks: each network."
    )


def _in_words(mistakes: Sequence[Mistake]) -> str:
    return listing(
        [f"{each.actual} for {each.predicted} {percent(each.mean)}" for each in mistakes]
    )
