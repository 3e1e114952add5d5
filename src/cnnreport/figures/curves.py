"""Draw how trainings went: loss and accuracy by epoch, as a mean and a band over the seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cnnreport.figures.drawing import Drawing, new_figure, one_axes
from cnnreport.figures.labels import Label, label_at_right
from cnnreport.figures.looks import INK, MUTED, PAPER, Line, Look
from cnnreport.formats import percent, plural, points
from cnnreport.study import Cell, Study


@dataclass(frozen=True, eq=False)
class Curve:
    """One figure of a history by epoch over all seeds; arrays of shape (epochs,)."""

    epochs: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Stroke:
    """How one curve is drawn; a hollow one is thin, too."""

    color: str
    marker: str
    line: Line
    hollow: bool = False


def curve(cell: Cell, field: str) -> Curve:
    """Return a field of the histories of a cell: mean, lowest and highest over the seeds."""
    by_seed = [[getattr(epoch, field) for epoch in run.history] for run in cell.runs]
    shared = min(len(values) for values in by_seed)
    values = np.array([row[:shared] for row in by_seed], dtype=float)
    epochs = np.array([epoch.epoch for epoch in cell.runs[0].history[:shared]])
    return Curve(epochs, values.mean(axis=0), values.min(axis=0), values.max(axis=0))


def learning_curve(cell: Cell, look: Look) -> Drawing:
    """Draw the loss and the accuracy of one network by epoch, side by side."""
    figure = new_figure(2.9)
    loss, accuracy = figure.subplots(1, 2)
    _train_and_validation(loss, cell, look, "loss", 1)
    _train_and_validation(accuracy, cell, look, "accuracy", 100)
    loss.set(xlabel="epoch", ylabel="cross-entropy (nats)")
    accuracy.set(xlabel="epoch", ylabel="accuracy (%)")
    _line_legend(figure)
    return Drawing(
        f"{cell.dataset}-{cell.model}-learning-curve",
        figure,
        f"{_least_loss(cell, look)} {_seed_note(cell)}",
        f"Loss and accuracy by epoch; {_last_epochs([cell], {cell.model: look})}.",
    )


def _least_loss(cell: Cell, look: Look) -> str:
    shown = curve(cell, "validation_loss")
    least, epochs = int(shown.mean.argmin()), len(shown.epochs)
    finding = f"The validation loss of {look.title} is lowest, {shown.mean[least]:.3f}, after"
    if epochs == 1:
        return f"The validation loss of {look.title} is {shown.mean[0]:.3f} after its only epoch."
    if least == epochs - 1:
        return f"{finding} the last of {plural(epochs, 'epoch')}."
    return (
        f"{finding} {plural(least + 1, 'epoch')}; after the last of {plural(epochs, 'epoch')} it "
        f"is {shown.mean[-1]:.3f}."
    )


def learning_curves(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing:
    """Draw training and validation accuracy by epoch, a panel for each network."""
    cells = study.cells_of(dataset)
    columns = min(3, len(cells))
    rows = ceil(len(cells) / columns)
    figure = new_figure(0.5 + 2.1 * rows)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten()
    for axes, cell in zip(panels, cells, strict=False):
        _train_and_validation(axes, cell, looks[cell.model], "accuracy", 100)
        _gap_mark(axes, cell)
        axes.set_title(looks[cell.model].title, loc="left")
        axes.set_xlabel("epoch")
    for row in range(rows):
        panels[row * columns].set_ylabel("accuracy (%)")
    for axes in panels[len(cells) :]:
        axes.remove()
    _line_legend(figure, test=True)
    return Drawing(
        f"{dataset}-learning-curves",
        figure,
        f"{_gap_finding(cells, looks)} {_seed_note(cells[0])}",
        f"Accuracy by epoch, a panel a network; {_last_epochs(cells, looks, test=True)}.",
    )


def _gap(cell: Cell) -> float:
    return cell.metrics.train_accuracy - cell.metrics.accuracy


def _gap_mark(axes: Axes, cell: Cell) -> None:
    """Mark the test accuracy after the last epoch and its distance from the training accuracy."""
    last, test = cell.runs[0].history[-1].epoch, 100 * cell.metrics.accuracy
    train = 100 * cell.metrics.train_accuracy
    across = last + 0.06 * max(1, last - 1)
    axes.plot([across, across], [train, test], color=INK, linewidth=1)
    axes.plot([across], [test], color=INK, marker=TEST_MARK, markersize=6, linestyle="none")
    axes.set_title(f"gap {points(_gap(cell))}", loc="right", fontsize="small")


TEST_MARK = "_"
"""How the test accuracy is marked, at the lower end of the line to the training accuracy."""


def _gap_finding(cells: Sequence[Cell], looks: Mapping[str, Look]) -> str:
    gaps = [_gap(cell) for cell in cells]
    widest, narrowest = int(np.argmax(gaps)), int(np.argmin(gaps))
    finding = (
        "After the last epoch the training accuracy less the test accuracy, the gap, is "
        f"{points(gaps[widest])} for {looks[cells[widest].model].title}"
    )
    if gaps[widest] == gaps[narrowest]:
        return f"{finding}." if len(cells) == 1 else f"{finding} and for every other network."
    return (
        f"{finding}, the most, and {points(gaps[narrowest])} for "
        f"{looks[cells[narrowest].model].title}, the least."
    )


def _last_epochs(cells: Sequence[Cell], looks: Mapping[str, Look], *, test: bool = False) -> str:
    return ", ".join(
        f"{looks[cell.model].title} ends at {percent(cell.metrics.train_accuracy)} in training and "
        f"{percent(cell.metrics.validation_accuracy)} in validation"
        + (f", with {percent(cell.metrics.accuracy)} in the test" if test else "")
        for cell in cells
    )


def _seed_note(cell: Cell) -> str:
    if len(cell.runs) == 1:
        return "One seed."
    return f"Lines: mean of {plural(len(cell.runs), 'seed')}; bands: lowest to highest."


def _train_and_validation(axes: Axes, cell: Cell, look: Look, field: str, scale: float) -> None:
    """Draw both curves of a cell; training is thin and dashed with hollow marks."""
    training = Stroke(look.color, look.marker, "--", hollow=True)
    validation = Stroke(look.color, look.marker, "-")
    _line(axes, curve(cell, f"train_{field}"), training, scale)
    _line(axes, curve(cell, f"validation_{field}"), validation, scale)
    axes.xaxis.set_major_locator(_epoch_ticks())


def _line(axes: Axes, shown: Curve, stroke: Stroke, scale: float) -> None:
    axes.plot(
        shown.epochs,
        scale * shown.mean,
        color=stroke.color,
        linestyle=stroke.line,
        linewidth=1.0 if stroke.hollow else 1.8,
        marker=stroke.marker,
        markerfacecolor=PAPER if stroke.hollow else stroke.color,
        # Eight marks or so tell lines apart; a single epoch is nothing but its mark.
        markevery=max(1, len(shown.epochs) // 8),
        markersize=4.5,
    )
    if np.any(shown.high > shown.low):
        axes.fill_between(
            shown.epochs,
            scale * shown.low,
            scale * shown.high,
            color=stroke.color,
            alpha=0.18,
            linewidth=0,
        )


def _epoch_ticks() -> MaxNLocator:
    return MaxNLocator(nbins=6, integer=True, min_n_ticks=1)


def _line_legend(figure: Figure, *, test: bool = False) -> None:
    look: dict[str, Any] = {"color": MUTED, "marker": "o", "markersize": 4.5}
    lines = {
        "training": Line2D([], [], linestyle="--", linewidth=1.0, markerfacecolor=PAPER, **look),
        "validation": Line2D([], [], linestyle="-", linewidth=1.8, **look),
    }
    if test:
        lines["test"] = Line2D([], [], linestyle="none", color=INK, marker=TEST_MARK, markersize=8)
    figure.legend(lines.values(), lines.keys(), loc="outside upper right", ncols=len(lines))


def validation_curves(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing:
    """Draw the validation accuracy of all networks by epoch in one chart."""
    cells = study.cells_of(dataset)
    figure, axes = one_axes(3.4)
    curves = {cell.model: curve(cell, "validation_accuracy") for cell in cells}
    for model, shown in curves.items():
        look = looks[model]
        _line(axes, shown, Stroke(look.color, look.marker, look.line), 100)
    axes.xaxis.set_major_locator(_epoch_ticks())
    axes.set(xlabel="epoch", ylabel="validation accuracy (%)")
    label_at_right(
        axes,
        [
            Label(
                looks[model].title,
                float(shown.epochs[-1]),
                100 * float(shown.mean[-1]),
                looks[model].color,
            )
            for model, shown in curves.items()
        ],
    )
    return Drawing(
        f"{dataset}-validation-curves",
        figure,
        f"{_peak_finding(curves, looks)} {_seed_note(cells[0])}",
        f"Validation accuracy by epoch; {_last_epochs(cells, looks)}.",
    )


def _peak_finding(curves: Mapping[str, Curve], looks: Mapping[str, Look]) -> str:
    best = list(curves)[int(np.argmax([shown.mean.max() for shown in curves.values()]))]
    epoch = curves[best].epochs[curves[best].mean.argmax()]
    return (
        f"The highest validation accuracy of any epoch is {percent(curves[best].mean.max())}, of "
        f"{looks[best].title} after {plural(int(epoch), 'epoch')}."
    )
