"""Draw what a network takes each class for, class by class and by superclass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cnnreport.figures.drawing import Drawing, one_axes
from cnnreport.figures.looks import GREY, MUTED, Look
from cnnreport.figures.shades import Shades, shaded
from cnnreport.formats import listing, percent
from cnnreport.statistics import confusion_counts, confusion_shares, most_confused_pairs
from cnnreport.study import Cell

MANY_CLASSES = 20
"""With more classes than this, single classes are no longer written into a confusion matrix."""

Groups = Mapping[str, Sequence[str]]
"""Superclass to classes; empty where an image set has no superclasses."""


@dataclass(frozen=True)
class Order:
    """How classes stand in a matrix: names and their labels, and how many each superclass has."""

    names: list[str]
    labels: list[int]
    sizes: list[int]


def confusion(cell: Cell, look: Look, groups: Groups) -> Drawing:
    """Draw what each class was taken for, as percentages of its test images.

    Classes of one superclass stand together, with a line around them.
    """
    order = _order(cell, groups)
    shares = 100 * confusion_shares(cell)[np.ix_(order.labels, order.labels)]
    many = len(order.names) > MANY_CLASSES
    shades = Shades("Blues", 0, 100, power=0.5 if many else 1.0)
    figure, axes = one_axes(5.2 if many else 1.6 + 0.33 * len(order.names))
    if many:
        # The pixels as they are: smoothing would mix classes that have nothing to do with
        # each other, and a hundred times a hundred rectangles would make a large file.
        axes.imshow(shares, cmap=shades.colors, norm=shades.norm(), interpolation="none")
        axes.grid(visible=False)
    else:
        shaded(axes, shares, shades, blank_zeros=True)
    if many and groups:
        _name_groups(axes, groups, order)
    else:
        _name_classes(axes, order.names)
    _frame_groups(axes, order)
    figure.colorbar(
        shades.mappable(),
        ax=axes,
        label="share of the actual class (%)" + (", square-root scale" if many else ""),
        ticks=[0, 1, 5, 20, 50, 100] if many else [0, 20, 40, 60, 80, 100],
        shrink=0.9,
    )
    together = ", those of a superclass together" if groups else ""
    return Drawing(
        f"{cell.dataset}-{cell.model}-confusion",
        figure,
        _confusion_finding(cell, look) + (f" {_BLOCKS}" if groups else ""),
        f"Confusion matrix of {look.title}, {len(order.names)} classes{together}, a row an actual "
        f"class; the mean of the diagonal is {percent(float(np.diag(shares).mean()) / 100)}.",
    )


_BLOCKS = "Lines separate the superclasses of CIFAR-100."


def _order(cell: Cell, groups: Groups) -> Order:
    known = list(cell.metrics.class_accuracy)
    if not groups:
        return Order(known, list(range(len(known))), [])
    names = [name for members in groups.values() for name in members]
    return Order(names, [known.index(name) for name in names], list(map(len, groups.values())))


def _name_classes(axes: Axes, names: Sequence[str]) -> None:
    step = ceil(len(names) / MANY_CLASSES) * 2 if len(names) > MANY_CLASSES else 1
    ticks = range(0, len(names), step)
    rotation = 90 if max(map(len, names)) > 3 else 0
    axes.set_xticks(ticks, [names[index] for index in ticks], rotation=rotation)
    axes.set_yticks(ticks, [names[index] for index in ticks])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set(xlabel="predicted class", ylabel="actual class")


def _name_groups(axes: Axes, groups: Groups, order: Order) -> None:
    ends = list(accumulate(order.sizes))
    middles = [end - size / 2 - 0.5 for end, size in zip(ends, order.sizes, strict=True)]
    axes.set_yticks(middles, list(groups))
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.set_ylim(len(order.names) - 0.5, -0.5)
    axes.set_xlabel("predicted class, in the order of the rows")
    axes.set_ylabel("actual class, by superclass")


def _frame_groups(axes: Axes, order: Order) -> None:
    many = len(order.names) > MANY_CLASSES
    color, width = (GREY, 0.6) if many else (MUTED, 1.6)
    for end in list(accumulate(order.sizes))[:-1]:
        axes.axhline(end - 0.5, color=color, linewidth=width)
        axes.axvline(end - 0.5, color=color, linewidth=width)


def _confusion_finding(cell: Cell, look: Look) -> str:
    pairs = most_confused_pairs(cell, 3)
    if not pairs:
        return f"{look.title} takes no test image for one of another class."
    words = [f"{pair.actual} for {pair.predicted} ({percent(pair.share)})" for pair in pairs]
    return (
        f"The most frequent confusions of {look.title}: {listing(words)}, as shares of the images "
        "of the actual class."
    )


def superclass_confusion(cell: Cell, look: Look, groups: Groups) -> Drawing | None:
    """Draw what the images of each superclass were taken for, as percentages of those images.

    None where there are no superclasses.
    """
    if not groups:
        return None
    names = list(groups)
    counts = _counts_by_group(cell, groups)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    few = len(names) <= NUMBERED
    figure, axes = one_axes((1.3 if few else 0.9) + (0.5 if few else 0.22) * len(names))
    shaded(axes, shares, Shades("Blues", 0, 100), blank_zeros=True)
    numbers = [str(place) for place in range(1, len(names) + 1)]
    rows = names if few else [f"{n}. {name}" for name, n in zip(names, numbers, strict=True)]
    axes.set_xticks(range(len(names)), names if few else numbers)
    axes.set_yticks(range(len(names)), rows)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("predicted superclass; in the cells: share of the actual superclass (%)")
    axes.set_ylabel("actual superclass")
    return Drawing(
        f"{cell.dataset}-{cell.model}-superclass-confusion",
        figure,
        _group_finding(cell, look, groups, counts),
        f"Confusion matrix of {look.title} by superclass, a row an actual one; right are "
        + ", ".join(
            f"{name} {percent(share / 100, 0)}"
            for name, share in zip(names, np.diag(shares), strict=True)
        )
        + ".",
    )


NUMBERED = 8
"""With more superclasses than this, columns have the numbers of the rows in place of names."""


def _counts_by_group(cell: Cell, groups: Groups) -> NDArray[np.float64]:
    """Return test images by superclass, mean over the seeds: row actual, column predicted."""
    known = list(cell.metrics.class_accuracy)
    member = np.array([[name in names for name in known] for names in groups.values()], dtype=float)
    classes = np.mean([confusion_counts(run, len(known)) for run in cell.runs], axis=0)
    counts: NDArray[np.float64] = member @ classes @ member.T
    return counts


def _group_finding(cell: Cell, look: Look, groups: Groups, counts: NDArray[np.float64]) -> str:
    right = float(np.trace(counts) / counts.sum())
    finding = (
        f"{look.title} finds the superclass of {percent(right)} of the test images and the class "
        f"of {percent(cell.metrics.accuracy)}"
    )
    wrong = 1 - float(cell.metrics.accuracy)
    if wrong <= 0:
        return f"{finding}."
    within = max(0.0, right - float(cell.metrics.accuracy)) / wrong
    classes = len(cell.metrics.class_accuracy)
    chance = sum(len(names) * (len(names) - 1) for names in groups.values())
    return (
        f"{finding}: {percent(within, 0)} of its errors stay within the superclass, where errors "
        f"made blindly would in {percent(chance / classes / (classes - 1), 0)}."
    )
