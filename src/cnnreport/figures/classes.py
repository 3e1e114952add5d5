"""Draw how well each class is recognised, under all networks and under one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes

from cnnreport.figures.drawing import Drawing, new_figure
from cnnreport.figures.intervals import BarStyle, bars, name_rows
from cnnreport.figures.labels import beside, crowded, length_of
from cnnreport.figures.looks import Look
from cnnreport.figures.shades import Shades, shaded, tens
from cnnreport.formats import listing, named_or_counted, percent, percent_range, plural
from cnnreport.statistics import (
    CONFIDENCE,
    best_classes,
    class_interval,
    highest,
    lowest,
    worst_classes,
)
from cnnreport.study import Cell, Study

CLASSES_SHOWN = 15
"""So many of the best and so many of the worst classes stand for all where there are more."""

HEATMAP_ROWS = 40
"""With more rows than this, a heat map is broken into columns."""


def class_heatmap(
    study: Study, dataset: str, looks: Mapping[str, Look], groups: Mapping[str, Sequence[str]]
) -> Drawing:
    """Draw the accuracy of every class under every network, the easiest classes first.

    With `groups`, superclass to classes, superclasses are ordered so and the classes in each.
    """
    cells = study.cells_of(dataset)
    names = list(cells[0].metrics.class_accuracy)
    table = np.array([[cell.metrics.class_accuracy[name] for cell in cells] for name in names])
    means = dict(zip(names, table.mean(axis=1).tolist(), strict=True))
    shades = Shades("cividis", *tens(100 * table))
    columns = _columns(_rows(means, groups), HEATMAP_ROWS)
    highest = max(map(len, columns))
    titles = [looks[cell.model].title for cell in cells]
    upright = len(columns) > 1 or crowded(titles)
    more = length_of(titles) if upright and len(columns) == 1 else 0.0
    figure = new_figure(1.0 + 0.19 * highest + more)
    for axes, rows in zip(np.atleast_1d(figure.subplots(1, len(columns))), columns, strict=True):
        empty = np.full(len(cells), np.nan)
        values = [empty if row.heading else table[names.index(row.name)] for row in rows]
        shaded(axes, 100 * np.array(values), shades)
        axes.set_xticks(range(len(cells)), titles)
        axes.tick_params(axis="x", rotation=90 if upright else 0, labeltop=True)
        axes.tick_params(axis="x", labelbottom=False)
        _name_heatmap_rows(axes, rows, len(cells) - 0.5 if len(columns) > 1 else None)
        axes.set_ylim(highest - 0.5, -0.5)
    figure.supxlabel("network; in the cells: accuracy of the class (%)", fontsize="medium")
    # Few classes make a figure too low for more words along its side.
    figure.supylabel("class", fontsize="medium")
    grouped = f" in {len(groups)} superclasses" if groups else ""
    return Drawing(
        f"{dataset}-class-heatmap",
        figure,
        _class_finding(means, groups, len(cells)),
        f"Table of shades, {len(names)} classes{grouped} by "
        f"{plural(len(cells), 'network')}, dark for low and light for high accuracy. "
        f"{'Means over the networks' if len(cells) > 1 else 'Accuracies'}: "
        f"{_means_in_words(means, groups)}.",
    )


@dataclass(frozen=True)
class Row:
    """A row of the heat map: a class, or the heading of the classes below it."""

    name: str
    heading: bool = False


def _rows(means: Mapping[str, float], groups: Mapping[str, Sequence[str]]) -> list[list[Row]]:
    """Return what must not be broken apart: each superclass with its heading, or single classes."""
    if not groups:
        return [[Row(name)] for name in _by_mean(means)]
    ordered = _by_mean(_group_means(means, groups))
    return [
        [
            Row(group, heading=True),
            *map(Row, _by_mean({name: means[name] for name in groups[group]})),
        ]
        for group in ordered
    ]


def _by_mean(means: Mapping[str, float]) -> list[str]:
    """Return names, the highest mean first; ties keep their order."""
    return sorted(means, key=lambda name: -means[name])


def _group_means(
    means: Mapping[str, float], groups: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    return {group: fmean(means[name] for name in names) for group, names in groups.items()}


def _columns(parts: Sequence[Sequence[Row]], most: int) -> list[list[Row]]:
    """Return the rows of all parts in columns of about equal length, no part broken apart."""
    total = sum(map(len, parts))
    columns: list[list[Row]] = [[] for _ in range(ceil(total / most))]
    done = 0
    for part in parts:
        columns[min(len(columns) - 1, done * len(columns) // total)] += part
        done += len(part)
    return columns


def _name_heatmap_rows(axes: Axes, rows: Sequence[Row], end: float | None) -> None:
    """Name classes beside their rows and superclasses on theirs.

    The name of a superclass ends at `end`, where it needs the room above the names of the classes;
    with None it begins where the cells begin.
    """
    axes.set_yticks(range(len(rows)), ["" if row.heading else row.name for row in rows])
    for place, row in enumerate(rows):
        if row.heading:
            heading = axes.text(
                -0.5 if end is None else end,
                place + 0.1,
                row.name,
                ha="left" if end is None else "right",
                va="center",
                fontsize=7.5,
                fontweight="bold",
            )
            # The names of the classes have made room for it.
            heading.set_in_layout(False)


def _class_finding(
    means: Mapping[str, float], groups: Mapping[str, Sequence[str]], networks: int
) -> str:
    alone = networks == 1
    finding = (
        f"The highest accuracy {_ends(means, 'classes')}."
        if alone
        else f"Over all networks, the highest mean accuracy {_ends(means, 'classes')}."
    )
    if not groups:
        return f"{finding} Classes are in the order of their {'accuracy' if alone else 'mean'}."
    by_group = _group_means(means, groups)
    shown = {
        f"{name} ({classes[0]} alone)" if len(classes) == 1 else name: by_group[name]
        for name, classes in groups.items()
    }
    return (
        f"{finding} Of the superclasses, the highest mean {_ends(shown, 'superclasses')}; they and "
        "their classes are in the order of their means."
    )


def _ends(means: Mapping[str, float], noun: str) -> str:
    """Say whose the highest and the lowest mean are; the names of those that are level."""
    high, low = highest(means), lowest(means)
    return (
        f"is that of {named_or_counted(high, len(means), noun)} ({percent(means[high[0]])}), "
        f"the lowest that of {named_or_counted(low, len(means), noun)} ({percent(means[low[0]])})"
    )


def _means_in_words(means: Mapping[str, float], groups: Mapping[str, Sequence[str]]) -> str:
    shown = _group_means(means, groups) if groups else means
    return ", ".join(f"{name} {percent(shown[name], 0)}" for name in _by_mean(shown))


def class_bars(cell: Cell, look: Look) -> Drawing:
    """Draw class accuracies with intervals; of many classes only the best and the worst."""
    names = list(cell.metrics.class_accuracy)
    panels = {"": best_classes(cell, len(names))}
    if len(names) > 2 * CLASSES_SHOWN:
        panels = {
            f"{CLASSES_SHOWN} best classes": best_classes(cell, CLASSES_SHOWN),
            f"{CLASSES_SHOWN} worst classes": worst_classes(cell, CLASSES_SHOWN)[::-1],
        }
    rows = max(len(classes) for classes in panels.values())
    figure = new_figure(0.9 + 0.21 * rows)
    for axes, (title, classes) in zip(
        np.atleast_1d(figure.subplots(1, len(panels))), panels.items(), strict=True
    ):
        _class_panel(axes, cell, look, classes)
        axes.set_title(title, loc="left")
    return Drawing(
        f"{cell.dataset}-{cell.model}-class-bars",
        figure,
        _extremes(cell, look),
        f"Horizontal bars of class accuracy: {_class_list(panels)}.",
    )


def _class_panel(axes: Axes, cell: Cell, look: Look, classes: Sequence[tuple[str, float]]) -> None:
    values = [(accuracy, class_interval(cell, name)) for name, accuracy in classes]
    bars(axes, range(len(classes)), values, look, BarStyle(0.66, capsize=2, linewidth=0.9))
    name_rows(axes, [name for name, _ in classes], "accuracy of the class (%)")
    axes.set_ylabel("class")
    for row, (_, accuracy) in enumerate(classes):
        beside(axes, row, f"{100 * accuracy:.0f}")


def _extremes(cell: Cell, look: Look) -> str:
    high, low = best_classes(cell, 1)[0][1], worst_classes(cell, 1)[0][1]
    return (
        f"{look.title} is most accurate on {_at_accuracy(cell, high)}, and least on "
        f"{_at_accuracy(cell, low)}. Intervals: {percent(CONFIDENCE, 0)}, from the number of test "
        "images of the class."
    )


def _at_accuracy(cell: Cell, accuracy: float) -> str:
    """Name the classes of an accuracy with its interval; more than three are only counted."""
    names = [name for name, share in cell.metrics.class_accuracy.items() if share == accuracy]
    few = f"{'class' if len(names) == 1 else 'classes'} {listing(names)}"
    classes = few if len(names) <= 3 else f"{len(names)} classes"
    interval = class_interval(cell, names[0])
    return f"{classes}, {percent(accuracy)} ({percent_range(interval.low, interval.high)})"


def _class_list(panels: Mapping[str, Sequence[tuple[str, float]]]) -> str:
    return ", ".join(
        f"{name} {percent(accuracy, 0)}"
        for classes in panels.values()
        for name, accuracy in classes
    )
