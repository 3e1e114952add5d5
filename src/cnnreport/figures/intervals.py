"""Draw accuracies with their intervals, as bars or marks, and say where the intervals come from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cnnreport.figures.looks import INK, Look
from cnnreport.formats import percent, plural
from cnnreport.statistics import CONFIDENCE, Interval
from cnnreport.study import Cell


@dataclass(frozen=True)
class BarStyle:
    """Height of a bar in rows; cap size and line width of its interval in points."""

    height: float
    capsize: float
    linewidth: float


def bars(
    axes: Axes,
    rows: Sequence[float],
    values: Sequence[tuple[float, Interval]],
    look: Look,
    style: BarStyle,
) -> None:
    """Draw a horizontal bar in percent on each row, from an accuracy and its interval."""
    axes.barh(
        rows,
        [100 * accuracy for accuracy, _ in values],
        height=style.height,
        color=look.pale,
        xerr=np.hstack([reach(accuracy, interval) for accuracy, interval in values]),
        error_kw={"ecolor": INK, "capsize": style.capsize, "linewidth": style.linewidth},
    )


def name_rows(axes: Axes, names: Sequence[str], xlabel: str) -> None:
    """Write names on the rows of a chart of bars, the first on top; across goes 0 to 100 %."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set(xlim=(0, 100), xlabel=xlabel)


def reach(accuracy: float, interval: Interval) -> NDArray[np.float64]:
    """Return the distances to both ends of an interval in percent, shape (2, 1)."""
    # Rounding can leave the accuracy outside its interval by less than anyone can see.
    distances = [[accuracy - interval.low], [interval.high - accuracy]]
    return 100 * np.maximum(distances, 0)


def interval_note(cell: Cell) -> str:
    """Say in a caption what the intervals of the accuracies of cells come from."""
    if len(cell.runs) == 1:
        return (
            f"Intervals: {percent(CONFIDENCE, 0)}, from the number of test images; with one seed "
            "the spread between trainings is not known."
        )
    return (
        f"Intervals: {percent(CONFIDENCE, 0)}, from resampled test images and the "
        f"spread of {plural(len(cell.runs), 'seed')}."
    )
