"""Draw how often each network is right where it is how confident."""

from collections.abc import Mapping
from math import ceil

import numpy as np
from matplotlib.axes import Axes

from cnnreport.calibration import BINS, calibration, confidence_finding, reliability
from cnnreport.figures.drawing import Drawing, new_figure
from cnnreport.figures.intervals import reach
from cnnreport.figures.looks import GREY, Look
from cnnreport.formats import percent
from cnnreport.statistics import CONFIDENCE
from cnnreport.study import Cell, Study

COLUMNS = 3
"""Panels beside each other."""


def reliability_diagrams(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing:
    """Draw accuracy against confidence in a panel for each network, in the order of the ranking."""
    cells = study.ranked(dataset)
    columns = min(COLUMNS, len(cells))
    rows = ceil(len(cells) / columns)
    figure = new_figure(0.5 + 2.1 * rows)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, cell in zip(panels, cells, strict=False):
        _panel(axes, cell, looks[cell.model])
    for axes in panels[len(cells) :]:
        axes.remove()
    # An empty place below leaves the panel above as the last of its column.
    for axes in panels[max(0, len(cells) - columns) : len(cells)]:
        axes.tick_params(labelbottom=True)
    figure.supxlabel("confidence (%)", fontsize="medium")
    figure.supylabel("accuracy (%)", fontsize="medium")
    titles = {model: look.title for model, look in looks.items()}
    return Drawing(
        f"{dataset}-reliability",
        figure,
        f"{confidence_finding(study, dataset, titles)} Marks below the diagonal are predictions "
        f"that are right less often than their confidence says, in {BINS} bins of confidence; "
        f"larger marks stand for more predictions. Intervals: {percent(CONFIDENCE, 0)}, from the "
        "number of test images in the bin. ECE: expected calibration error.",
        f"Accuracy against confidence, a panel a network. {_errors(cells, looks)}.",
    )


def _panel(axes: Axes, cell: Cell, look: Look) -> None:
    axes.plot([0, 100], [0, 100], color=GREY, linestyle=(0, (4, 2)), linewidth=0.8)
    bins = reliability(cell)
    total = sum(each.predictions for each in bins)
    across = [100 * each.confidence for each in bins]
    upward = [100 * each.accuracy for each in bins]
    axes.errorbar(
        across,
        upward,
        yerr=np.hstack([reach(each.accuracy, each.interval) for each in bins]),
        fmt="none",
        ecolor=look.pale,
        elinewidth=1,
    )
    sizes = [10 + 90 * each.predictions / total for each in bins]
    axes.scatter(across, upward, s=sizes, color=look.color, marker=look.marker, zorder=3)
    axes.set_title(look.title, loc="left")
    ece = percent(calibration(cell).ece.value)
    axes.set_title(f"ECE {ece}", loc="right", fontsize="small")
    axes.set(xlim=(0, 103), ylim=(-3, 103), xticks=range(0, 101, 25), yticks=range(0, 101, 25))


def _errors(cells: list[Cell], looks: Mapping[str, Look]) -> str:
    errors = ", ".join(
        f"{looks[cell.model].title} {percent(calibration(cell).ece.value)}" for cell in cells
    )
    return f"Expected calibration errors: {errors}"
