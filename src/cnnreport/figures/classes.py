"""Draw how well each class is recognised, under all networks and under one of them."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cnnreport.figures.drawing import Drawing, new_figure
from cnnreport.figures.intervals import BarStyle, bars, name_rows
from cnnreport.figures.labels import beside
from cnnreport.figures.looks import Look
from cnnreport.figures.shades import Shades, shaded, tens
from cnnreport.formats import listing, percent, percent_range, plural
from cnnreport.statistics import CONFIDENCE, best_classes, class_interval, worst_classes
from cnnreport.study import Cell, Study

CLASSES_SHOWN = 15
"""So many of the best and so many of the worst classes stand for all where there are more."""

HEATMAP_ROWS = 34
"""With more classes than this, a heat map is broken into columns."""


def class_heatmap(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing:
    """Draw the accuracy of every class under every network, the easiest classes first."""
    cells = study.cells_of(dataset)
    names = list(cells[0].metrics.class_accuracy)
    table = np.array([[cell.metrics.class_accuracy[name] for cell in cells] for name in names])
    order = np.argsort(-table.mean(axis=1), kind="stable")
    shades = Shades("cividis", *tens(100 * table))
    blocks = np.array_split(order, ceil(len(names) / HEATMAP_ROWS))
    figure = new_figure(1.0 + 0.19 * len(blocks[0]))
    for axes, block in zip(np.atleast_1d(figure.subplots(1, len(blocks))), blocks, strict=True):
        shaded(axes, 100 * table[block], shades)
        axes.set_xticks(range(len(cells)), [looks[cell.model].title for cell in cells])
        axes.tick_params(axis="x", rotation=90 if len(blocks) > 1 else 0, labeltop=True)
        axes.tick_params(axis="x", labelbottom=False)
        axes.set_yticks(range(len(block)), [names[index] for index in block])
        axes.set_ylim(len(blocks[0]) - 0.5, -0.5)
    figure.supxlabel("network; in the cells: accuracy of the class (%)", fontsize="medium")
    figure.supylabel("class, the highest mean accuracy first", fontsize="medium")
    return Drawing(
        f"{dataset}-class-heatmap",
        figure,
        _class_finding(names, table, order),
        f"Table of shades, {len(names)} classes by "
        f"{plural(len(cells), 'network')}, dark for low and light for high accuracy.",
    )


def _class_finding(names: Sequence[str], table: NDArray[np.float64], order: NDArray[Any]) -> str:
    means = table.mean(axis=1)
    best, worst = order[0], order[-1]
    return (
        f"Over all networks, class {names[best]} has the highest mean accuracy, "
        f"{percent(means[best])}, and class {names[worst]} the lowest, {percent(means[worst])}. "
        "Classes are in the order of their mean."
    )


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
