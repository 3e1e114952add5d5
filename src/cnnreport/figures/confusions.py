"""Draw what a network takes each class for."""

from math import ceil

import numpy as np

from cnnreport.figures.drawing import Drawing, one_axes
from cnnreport.figures.looks import Look
from cnnreport.figures.shades import Shades, shaded
from cnnreport.formats import listing, percent
from cnnreport.statistics import confusion_shares, most_confused_pairs
from cnnreport.study import Cell

MANY_CLASSES = 20
"""With more classes than this, single classes are no longer written into a confusion matrix."""


def confusion(cell: Cell, look: Look) -> Drawing:
    """Draw what each class was taken for, as percentages of its test images."""
    names = list(cell.metrics.class_accuracy)
    shares = 100 * confusion_shares(cell)
    many = len(names) > MANY_CLASSES
    shades = Shades("Blues", 0, 100, power=0.5 if many else 1.0)
    figure, axes = one_axes(5.8 if many else 1.6 + 0.33 * len(names))
    if many:
        # Nearest pixels: smoothing would mix classes that have nothing to do with each other.
        axes.imshow(shares, cmap=shades.colors, norm=shades.norm(), interpolation="nearest")
        axes.grid(visible=False)
    else:
        shaded(axes, shares, shades, blank_zeros=True)
    ticks = range(0, len(names), ceil(len(names) / MANY_CLASSES) * 2 if many else 1)
    rotation = 90 if max(map(len, names)) > 3 else 0
    axes.set_xticks(ticks, [names[index] for index in ticks], rotation=rotation)
    axes.set_yticks(ticks, [names[index] for index in ticks])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set(xlabel="predicted class", ylabel="actual class")
    figure.colorbar(
        shades.mappable(),
        ax=axes,
        label="share of the actual class (%)" + (", square-root scale" if many else ""),
        ticks=[0, 1, 5, 20, 50, 100] if many else [0, 20, 40, 60, 80, 100],
        shrink=0.9,
    )
    return Drawing(
        f"{cell.dataset}-{cell.model}-confusion",
        figure,
        _confusion_finding(cell, look),
        f"Confusion matrix of {look.title}, {len(names)} classes, a row an actual class; the "
        f"mean of the diagonal is {percent(float(np.diag(shares).mean()) / 100)}.",
    )


def _confusion_finding(cell: Cell, look: Look) -> str:
    pairs = most_confused_pairs(cell, 3)
    if not pairs:
        return f"{look.title} takes no test image for one of another class."
    words = [f"{pair.actual} for {pair.predicted} ({percent(pair.share)})" for pair in pairs]
    return (
        f"The most frequent confusions of {look.title}: {listing(words)}, as shares of the images "
        "of the actual class."
    )
