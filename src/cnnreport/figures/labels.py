"""Write texts beside axes: one on each row of a chart, or a column of labels joined to points."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from cnnreport.figures.looks import INK

LABEL_GAP = 0.075
"""Least distance of two labels as a share of the axes' height: a little over a line of text."""


LETTER = 0.08
"""Inches, about the width of a letter in the usual size."""

ROOM = 5.6
"""Inches for what stands side by side, the names of rows left of it taken off."""


def crowded(names: Sequence[str]) -> bool:
    """Say whether names side by side across a figure would run into each other."""
    return max(map(len, names)) * LETTER > ROOM / len(names)


def length_of(names: Sequence[str]) -> float:
    """Return the inches that the longest of some names takes."""
    return max(map(len, names)) * LETTER


@dataclass(frozen=True)
class Label:
    """A text and the point it belongs to, in the units of the axes.

    `color` is that of the line between them, `ink` that of the letters.
    """

    text: str
    x: float
    y: float
    color: str
    ink: str = INK


def beside(axes: Axes, row: float, text: str) -> None:
    """Write a text to the right of the axes at the height of a row."""
    axes.annotate(
        text,
        (1.02, row),
        xycoords=("axes fraction", "data"),
        va="center",
        annotation_clip=False,
        fontsize="small",
    )


def label_at_right(axes: Axes, labels: Sequence[Label]) -> None:
    """Write labels in a column beside the axes, each joined to its point by a thin line."""
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top)
    heights = spread([(label.y - bottom) / (top - bottom) for label in labels], LABEL_GAP)
    for label, height in zip(labels, heights, strict=True):
        axes.annotate(
            label.text,
            (label.x, label.y),
            xytext=(1.05, height),
            textcoords="axes fraction",
            va="center",
            color=label.ink,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": label.color,
                "linewidth": 0.6,
                "alpha": 0.7,
                "relpos": (0, 0.5),
                "shrinkA": 2,
                "shrinkB": 4,
            },
        )


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Return heights moved as little as needed so that none are closer than `gap`.

    They keep their order and stay below 1 where there is room; below 0 is left to those that find
    none.
    """
    order = sorted(range(len(heights)), key=heights.__getitem__)
    moved = list(heights)
    for lower, upper in itertools.pairwise(order):
        moved[upper] = max(moved[upper], moved[lower] + gap)
    ceiling = 1.0
    for index in reversed(order):
        moved[index] = min(moved[index], ceiling)
        ceiling = moved[index] - gap
    return moved
