"""Draw the figures of the report, each with a caption that states its finding and an alt text.

A figure is a function of the study and of nothing else: captions hold computed values only, the
same study gives the same bytes, and nothing here reads or writes a file.
"""

import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from cnnreport.formats import listing, percent, plural, points, seconds, thousands
from cnnreport.statistics import (
    CONFIDENCE,
    Interval,
    RankedCell,
    accuracy_interval,
    best_classes,
    class_interval,
    confusion_shares,
    most_confused_pairs,
    tie_groups,
    worst_classes,
)
from cnnreport.study import Cell, Study

WIDTH = 7.0
"""Inches, the width of a page's text."""

MANY_CLASSES = 20
"""With more classes than this, single classes are no longer written into a confusion matrix."""

CLASSES_SHOWN = 15
"""So many of the best and so many of the worst classes stand for all where there are more."""

HEATMAP_ROWS = 34
LABEL_GAP = 0.075
"""Least distance of two labels as a share of the axes' height: a little over a line of text."""


Line = str | tuple[int, tuple[int, ...]]
"""A line style of matplotlib: a name, or an offset and lengths on and off in points."""


@dataclass(frozen=True)
class Drawing:
    """A figure with its file name (no suffix), caption and text for those who cannot see it."""

    name: str
    figure: Figure
    caption: str
    alt: str


@dataclass(frozen=True)
class Look:
    """How a network is named and drawn; marker and line tell it apart in grey print."""

    title: str
    color: str
    marker: str
    line: Line

    @property
    def pale(self) -> tuple[float, float, float]:
        """The colour of bars, mixed with white so that intervals are seen on black ones too."""
        red, green, blue = (0.2 + 0.8 * part for part in to_rgb(self.color))
        return red, green, blue


LOOKS: tuple[tuple[str, str, Line], ...] = (
    ("#0072b2", "o", "-"),
    ("#d55e00", "s", "--"),
    ("#009e73", "^", "-."),
    ("#cc79a7", "D", ":"),
    ("#e69f00", "v", (0, (5, 1, 1, 1, 1, 1))),
    ("#56b4e9", "P", (0, (8, 2))),
    ("#000000", "X", (0, (3, 1, 1, 1))),
    ("#7f7f7f", "*", (0, (1, 2))),
)
"""Colour, marker and line by position in `models`; colours from M. Okabe and K. Ito, 2008."""


def looks_of(models: Sequence[str], titles: Mapping[str, str]) -> dict[str, Look]:
    """Return how each network is drawn; one without a title goes by its name."""
    return {
        model: Look(titles.get(model, model), *LOOKS[position % len(LOOKS)])
        for position, model in enumerate(models)
    }


def all_drawings(
    study: Study,
    original_accuracies: Mapping[tuple[str, str], float | None],
    titles: Mapping[str, str],
) -> Iterator[Drawing]:
    """Yield every figure of a study.

    Args:
        study: the study to draw.
        original_accuracies: test accuracies of the original study by (dataset, model); None is a
            figure that is lost.
        titles: how networks are written in text.

    """
    looks = looks_of(study.params.models, titles)
    for dataset in study.params.datasets:
        yield leaderboard(study, dataset, looks)
        yield accuracy_against_parameters(study, dataset, looks)
        yield accuracy_against_train_time(study, dataset, looks)
        yield learning_curves(study, dataset, looks)
        yield validation_curves(study, dataset, looks)
        yield class_heatmap(study, dataset, looks)
        if any((dataset, model) in original_accuracies for model in study.params.models):
            yield original_comparison(study, dataset, looks, original_accuracies)
        for cell in study.cells_of(dataset):
            yield learning_curve(cell, looks[cell.model])
            yield confusion(cell, looks[cell.model])
            yield class_bars(cell, looks[cell.model])


def to_svg(figure: Figure) -> str:
    """Render a figure as SVG, the same text each time.

    Letters are drawn as paths, since an SVG inside a page cannot count on the reader's fonts;
    what they say is in the caption and the alt text. Identifiers come from a fixed salt and
    neither date nor version is written.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "cnnreport", "svg.fonttype": "path"}):
        figure.savefig(
            buffer, format="svg", facecolor="white", metadata={"Date": None, "Creator": None}
        )
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def leaderboard(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing:
    """Draw test accuracies with their intervals, the highest on top, and the level of chance."""
    ranked = tie_groups(study, dataset)
    figure, axes = _one_axes(0.9 + 0.36 * len(ranked))
    for row, item in enumerate(ranked):
        _bar(axes, row, item.cell, looks[item.cell.model])
    names = [f"{item.rank}. {looks[item.cell.model].title}" for item in ranked]
    axes.set_yticks(range(len(ranked)), names)
    axes.set_ylim(len(ranked) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set(xlim=(0, 100), xlabel="test accuracy (%), number before a name: rank")
    _chance_line(axes, 1 / len(study.datasets[dataset].class_names))
    return Drawing(
        f"{dataset}-leaderboard",
        figure,
        _leaderboard_caption(study, dataset, ranked, looks),
        f"Horizontal bars of test accuracy: {_accuracies(study.ranked(dataset), looks)}.",
    )


def _bar(axes: Axes, row: int, cell: Cell, look: Look) -> None:
    accuracy, interval = cell.metrics.accuracy, accuracy_interval(cell)
    axes.barh(
        row,
        100 * accuracy,
        height=0.62,
        color=look.pale,
        xerr=_reach(accuracy, interval),
        error_kw={"ecolor": "0.15", "capsize": 3, "linewidth": 1},
    )
    _beside(axes, row, f"{percent(accuracy)}  ({_range(interval)})")


def _chance_line(axes: Axes, chance: float) -> None:
    axes.axvline(100 * chance, color="0.15", linestyle=(0, (4, 2)), linewidth=1)
    axes.annotate(
        f"chance {percent(chance)}",
        (100 * chance, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        fontsize="small",
    )


def _leaderboard_caption(
    study: Study, dataset: str, ranked: Sequence[RankedCell], looks: Mapping[str, Look]
) -> str:
    return " ".join(
        [
            _verdict(study.datasets[dataset].title, ranked, looks),
            f"Chance is {percent(1 / len(study.datasets[dataset].class_names))}.",
            _interval_note(ranked[0].cell),
        ]
    )


def _verdict(title: str, ranked: Sequence[RankedCell], looks: Mapping[str, Look]) -> str:
    best = ranked[0].cell
    finding = (
        f"On {title}, {looks[best.model].title} is right on {percent(best.metrics.accuracy)} of "
        f"{plural(best.metrics.test_images, 'test image')}"
    )
    if len(ranked) == 1:
        return f"{finding}."
    if ranked[0].tied_with:
        tied = listing([looks[model].title for model in ranked[0].tied_with])
        return f"{finding}, the highest, and cannot be told apart from {tied}."
    return f"{finding}, the highest, and significantly better than every other network."


def _interval_note(cell: Cell) -> str:
    if len(cell.runs) == 1:
        return (
            f"Intervals: {percent(CONFIDENCE, 0)}, from the number of test images; with one seed "
            "the spread between trainings is not known."
        )
    return (
        f"Intervals: {percent(CONFIDENCE, 0)}, from resampled test images and "
        f"{plural(len(cell.runs), 'seed')}."
    )


def accuracy_against_parameters(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing:
    """Draw test accuracy against the number of parameters on a logarithmic axis."""
    cost = {cell.model: float(cell.metrics.parameters) for cell in study.cells_of(dataset)}
    figure = _accuracy_against(study, dataset, looks, cost)
    axes = figure.axes[0]
    axes.set_xlabel("parameters (logarithmic)")
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    return Drawing(
        f"{dataset}-accuracy-against-parameters",
        figure,
        _cost_caption(study, dataset, looks, cost, ("fewer parameters", thousands)),
        f"Test accuracy against parameters: {_costs(study, dataset, looks, cost, thousands)}.",
    )


def accuracy_against_train_time(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing:
    """Draw test accuracy against the time of one training, the mean over the seeds."""
    cost = {cell.model: train_seconds(cell) for cell in study.cells_of(dataset)}
    figure = _accuracy_against(study, dataset, looks, cost)
    axes = figure.axes[0]
    axes.set_xlabel("time of one training (s, logarithmic)")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    return Drawing(
        f"{dataset}-accuracy-against-train-time",
        figure,
        _cost_caption(study, dataset, looks, cost, ("less training time", seconds)),
        f"Test accuracy against training time: {_costs(study, dataset, looks, cost, seconds)}.",
    )


def train_seconds(cell: Cell) -> float:
    """Return the wall time of one training in seconds, the mean over the seeds."""
    return float(np.mean([run.training.train_seconds for run in cell.runs]))


def _accuracy_against(
    study: Study, dataset: str, looks: Mapping[str, Look], cost: Mapping[str, float]
) -> Figure:
    figure, axes = _one_axes(3.4)
    cells = study.cells_of(dataset)
    for cell in cells:
        look, accuracy = looks[cell.model], cell.metrics.accuracy
        axes.errorbar(
            cost[cell.model],
            100 * accuracy,
            yerr=_reach(accuracy, accuracy_interval(cell)),
            fmt=look.marker,
            color=look.color,
            markersize=7,
            capsize=3,
        )
    axes.set_xscale("log")
    axes.set_xlim(min(cost.values()) / 2, max(cost.values()) * 2)
    axes.xaxis.set_major_locator(LogLocator(subs=_log_steps(list(cost.values()))))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("test accuracy (%)")
    _label_at_right(
        axes,
        [
            _Label(
                f"{looks[cell.model].title} {percent(cell.metrics.accuracy)}",
                cost[cell.model],
                100 * cell.metrics.accuracy,
                looks[cell.model].color,
            )
            for cell in cells
        ],
    )
    return figure


def _log_steps(values: Sequence[float]) -> tuple[float, ...]:
    """Return which multiples of a power of ten get a tick: few on a long axis, more on a short."""
    return (1.0,) if max(values) / min(values) > 300 else (1.0, 2.0, 5.0)


def _cost_caption(
    study: Study,
    dataset: str,
    looks: Mapping[str, Look],
    cost: Mapping[str, float],
    words: tuple[str, Callable[[float], str]],
) -> str:
    less, written = words
    cells = study.ranked(dataset)
    kept = [cell for cell in cells if not any(_dominates(other, cell, cost) for other in cells)]
    names = [f"{looks[cell.model].title} ({written(cost[cell.model])})" for cell in kept]
    finding = f"{listing(names)}: no other network has both a higher test accuracy and {less}."
    return f"{finding} {_interval_note(cells[0])}" if len(cells) > 1 else _interval_note(cells[0])


def _dominates(other: Cell, cell: Cell, cost: Mapping[str, float]) -> bool:
    higher = other.metrics.accuracy > cell.metrics.accuracy
    return higher and cost[other.model] < cost[cell.model]


def _costs(
    study: Study,
    dataset: str,
    looks: Mapping[str, Look],
    cost: Mapping[str, float],
    written: Callable[[float], str],
) -> str:
    return ", ".join(
        f"{looks[cell.model].title} {percent(cell.metrics.accuracy)} at {written(cost[cell.model])}"
        for cell in study.ranked(dataset)
    )


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


def learning_curves(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing:
    """Draw training and validation accuracy by epoch, a panel for each network."""
    cells = study.cells_of(dataset)
    columns = min(3, len(cells))
    rows = ceil(len(cells) / columns)
    figure = Figure(figsize=(WIDTH, 0.5 + 2.1 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten()
    for axes, cell in zip(panels, cells, strict=False):
        _train_and_validation(axes, cell, looks[cell.model], "accuracy", 100)
        axes.set_title(looks[cell.model].title, loc="left")
        axes.set_xlabel("epoch")
    for row in range(rows):
        panels[row * columns].set_ylabel("accuracy (%)")
    for axes in panels[len(cells) :]:
        axes.remove()
    _line_legend(figure)
    return Drawing(
        f"{dataset}-learning-curves",
        figure,
        f"{_gap_finding(cells, looks)} {_seed_note(cells[0])}",
        f"Accuracy by epoch, a panel a network; {_last_epochs(cells, looks)}.",
    )


def _gap_finding(cells: Sequence[Cell], looks: Mapping[str, Look]) -> str:
    gaps = [cell.metrics.train_accuracy - cell.metrics.validation_accuracy for cell in cells]
    widest, narrowest = int(np.argmax(gaps)), int(np.argmin(gaps))
    finding = (
        "After the last epoch the training accuracy less the validation accuracy is "
        f"{points(gaps[widest])} for {looks[cells[widest].model].title}"
    )
    if gaps[widest] == gaps[narrowest]:
        return f"{finding}." if len(cells) == 1 else f"{finding} and for every other network."
    return (
        f"{finding}, the most, and {points(gaps[narrowest])} for "
        f"{looks[cells[narrowest].model].title}, the least."
    )


def _last_epochs(cells: Sequence[Cell], looks: Mapping[str, Look]) -> str:
    return ", ".join(
        f"{looks[cell.model].title} ends at {percent(cell.metrics.train_accuracy)} in training and "
        f"{percent(cell.metrics.validation_accuracy)} in validation"
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
        markerfacecolor="white" if stroke.hollow else stroke.color,
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


def _line_legend(figure: Figure) -> None:
    look: dict[str, Any] = {"color": "0.25", "marker": "o", "markersize": 4.5}
    training = Line2D([], [], linestyle="--", linewidth=1.0, markerfacecolor="white", **look)
    validation = Line2D([], [], linestyle="-", linewidth=1.8, **look)
    names = ["training", "validation"]
    figure.legend([training, validation], names, loc="outside upper right", ncols=2)


def validation_curves(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing:
    """Draw the validation accuracy of all networks by epoch in one chart."""
    cells = study.cells_of(dataset)
    figure, axes = _one_axes(3.4)
    for cell in cells:
        look = looks[cell.model]
        stroke = Stroke(look.color, look.marker, look.line)
        _line(axes, curve(cell, "validation_accuracy"), stroke, 100)
    axes.xaxis.set_major_locator(_epoch_ticks())
    axes.set(xlabel="epoch", ylabel="validation accuracy (%)")
    ends = [(cell, curve(cell, "validation_accuracy")) for cell in cells]
    _label_at_right(
        axes,
        [
            _Label(
                looks[cell.model].title,
                float(shown.epochs[-1]),
                100 * float(shown.mean[-1]),
                looks[cell.model].color,
            )
            for cell, shown in ends
        ],
    )
    return Drawing(
        f"{dataset}-validation-curves",
        figure,
        f"{_peak_finding(cells, looks)} {_seed_note(cells[0])}",
        f"Validation accuracy by epoch; {_last_epochs(cells, looks)}.",
    )


def _peak_finding(cells: Sequence[Cell], looks: Mapping[str, Look]) -> str:
    curves = [curve(cell, "validation_accuracy") for cell in cells]
    best = int(np.argmax([shown.mean.max() for shown in curves]))
    epoch = curves[best].epochs[curves[best].mean.argmax()]
    return (
        f"The highest validation accuracy of any epoch is {percent(curves[best].mean.max())}, of "
        f"{looks[cells[best].model].title} after {plural(int(epoch), 'epoch')}."
    )


def class_heatmap(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing:
    """Draw the accuracy of every class under every network, the easiest classes first."""
    cells = study.cells_of(dataset)
    names = list(cells[0].metrics.class_accuracy)
    table = np.array([[cell.metrics.class_accuracy[name] for cell in cells] for name in names])
    order = np.argsort(-table.mean(axis=1), kind="stable")
    shades = Shades("cividis", *_tens(100 * table))
    blocks = np.array_split(order, ceil(len(names) / HEATMAP_ROWS))
    figure = Figure(figsize=(WIDTH, 1.0 + 0.19 * len(blocks[0])), layout="constrained")
    for axes, block in zip(np.atleast_1d(figure.subplots(1, len(blocks))), blocks, strict=True):
        _shaded(axes, 100 * table[block], shades)
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


@dataclass(frozen=True)
class Shades:
    """A colour scale, by its name in matplotlib, from a low to a high percentage.

    A `power` below 1 spends more shades on low percentages.
    """

    colors: str
    low: float
    high: float
    power: float = 1.0

    def norm(self) -> PowerNorm:
        """Return the way from percentages to 0..1."""
        return PowerNorm(self.power, self.low, self.high)

    def mappable(self) -> ScalarMappable:
        """Return the scale in matplotlib's form."""
        return ScalarMappable(self.norm(), mpl.colormaps[self.colors])

    def is_dark(self, value: float) -> bool:
        """Tell whether white letters read better than black ones on the colour of a value."""
        # Weights of red, green and blue in the luma of Rec. ITU-R BT.601.
        luma = np.array(self.mappable().to_rgba(np.array([value])))[0, :3] @ [0.299, 0.587, 0.114]
        return bool(luma < 0.5)


def _tens(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the tens that percentages lie between, at least ten apart."""
    low = min(90.0, 10.0 * floor(values.min() / 10))
    return low, max(low + 10, 10.0 * ceil(values.max() / 10))


def _shaded(
    axes: Axes, values: NDArray[np.float64], shades: Shades, *, blank_zeros: bool = False
) -> None:
    """Draw a table of percentages as shades with the numbers written in."""
    edges = [np.arange(length + 1) - 0.5 for length in values.shape[::-1]]
    axes.pcolormesh(*edges, values, cmap=shades.colors, norm=shades.norm(), edgecolors="white")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(values):
        if value > 0 or not blank_zeros:
            color = "white" if shades.is_dark(float(value)) else "black"
            axes.text(
                column, row, f"{value:.0f}", color=color, ha="center", va="center", fontsize=7
            )


def original_comparison(
    study: Study,
    dataset: str,
    looks: Mapping[str, Look],
    original_accuracies: Mapping[tuple[str, str], float | None],
) -> Drawing:
    """Draw test accuracies of this study beside those printed in the original one."""
    cells = study.cells_of(dataset)
    printed = [original_accuracies.get((dataset, cell.model)) for cell in cells]
    figure, axes = _one_axes(1.1 + 0.46 * len(cells))
    for row, (cell, original) in enumerate(zip(cells, printed, strict=True)):
        _pair_of_bars(axes, row, cell, looks[cell.model], original)
    axes.set_yticks(range(len(cells)), [looks[cell.model].title for cell in cells])
    axes.set_ylim(len(cells) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set(xlim=(0, 100), xlabel="test accuracy (%)")
    _pair_legend(figure)
    differences = {
        looks[cell.model].title: cell.metrics.accuracy - original
        for cell, original in zip(cells, printed, strict=True)
        if original is not None
    }
    return Drawing(
        f"{dataset}-original",
        figure,
        f"{_difference_finding(differences)} {_interval_note(cells[0])}",
        "Pairs of bars of test accuracy, this study and the original one: "
        f"{_pairs_in_words(cells, printed, looks)}.",
    )


def _pair_of_bars(axes: Axes, row: int, cell: Cell, look: Look, original: float | None) -> None:
    accuracy = cell.metrics.accuracy
    axes.barh(
        row - 0.19,
        100 * accuracy,
        height=0.36,
        color=look.pale,
        xerr=_reach(accuracy, accuracy_interval(cell)),
        error_kw={"ecolor": "0.15", "capsize": 2, "linewidth": 1},
    )
    _beside(axes, row - 0.19, percent(accuracy))
    if original is not None:
        bar = axes.barh(row + 0.19, 100 * original, height=0.36, color="white")
        bar.patches[0].set(edgecolor=look.color, hatch="////")
    _beside(axes, row + 0.19, "not known" if original is None else percent(original))


def _pair_legend(figure: Figure) -> None:
    patches = [
        Patch(color="0.35"),
        Patch(facecolor="white", edgecolor="0.35", hatch="////"),
    ]
    names = ["this study", "original study"]
    figure.legend(patches, names, loc="outside upper right", ncols=2)


def _difference_finding(differences: Mapping[str, float]) -> str:
    if not differences:
        return "No accuracy of the original study is known for these networks."
    largest = max(differences, key=lambda title: abs(differences[title]))
    return (
        "This study less the original one, in test accuracy: "
        f"{listing([f'{title} {points(gap)}' for title, gap in differences.items()])}; the "
        f"widest gap is that of {largest}."
    )


def _pairs_in_words(
    cells: Sequence[Cell], printed: Sequence[float | None], looks: Mapping[str, Look]
) -> str:
    return ", ".join(
        f"{looks[cell.model].title} {percent(cell.metrics.accuracy)} and "
        + ("not known" if original is None else percent(original))
        for cell, original in zip(cells, printed, strict=True)
    )


def learning_curve(cell: Cell, look: Look) -> Drawing:
    """Draw the loss and the accuracy of one network by epoch, side by side."""
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
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


def confusion(cell: Cell, look: Look) -> Drawing:
    """Draw what each class was taken for, as percentages of its test images."""
    names = list(cell.metrics.class_accuracy)
    shares = 100 * confusion_shares(cell)
    many = len(names) > MANY_CLASSES
    shades = Shades("Blues", 0, 100, power=0.5 if many else 1.0)
    figure, axes = _one_axes(5.8 if many else 1.6 + 0.33 * len(names))
    if many:
        # Nearest pixels: smoothing would mix classes that have nothing to do with each other.
        axes.imshow(shares, cmap=shades.colors, norm=shades.norm(), interpolation="nearest")
        axes.grid(visible=False)
    else:
        _shaded(axes, shares, shades, blank_zeros=True)
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
    figure = Figure(figsize=(WIDTH, 0.9 + 0.21 * rows), layout="constrained")
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
    accuracies = [accuracy for _, accuracy in classes]
    reaches = [_reach(accuracy, class_interval(cell, name)) for name, accuracy in classes]
    axes.barh(
        range(len(classes)),
        [100 * accuracy for accuracy in accuracies],
        height=0.66,
        color=look.pale,
        xerr=np.hstack(reaches),
        error_kw={"ecolor": "0.15", "capsize": 2, "linewidth": 0.9},
    )
    axes.set_yticks(range(len(classes)), [name for name, _ in classes])
    axes.set_ylim(len(classes) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set(xlim=(0, 100), xlabel="accuracy of the class (%)", ylabel="class")
    for row, accuracy in enumerate(accuracies):
        _beside(axes, row, f"{100 * accuracy:.0f}")


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
    return f"{classes}, {percent(accuracy)} ({_range(class_interval(cell, names[0]))})"


def _class_list(panels: Mapping[str, Sequence[tuple[str, float]]]) -> str:
    return ", ".join(
        f"{name} {percent(accuracy, 0)}"
        for classes in panels.values()
        for name, accuracy in classes
    )


@dataclass(frozen=True)
class _Label:
    """A text and the point it belongs to, in the units of the axes."""

    text: str
    x: float
    y: float
    color: str


def _label_at_right(axes: Axes, labels: Sequence[_Label]) -> None:
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


def _one_axes(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def _beside(axes: Axes, row: float, text: str) -> None:
    axes.annotate(
        text,
        (1.02, row),
        xycoords=("axes fraction", "data"),
        va="center",
        annotation_clip=False,
        fontsize="small",
    )


def _reach(accuracy: float, interval: Interval) -> NDArray[np.float64]:
    """Return the distances to both ends of an interval in percent, shape (2, 1)."""
    # Rounding can leave the accuracy outside its interval by less than anyone can see.
    distances = [[accuracy - interval.low], [interval.high - accuracy]]
    return 100 * np.maximum(distances, 0)


def _range(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {percent(interval.high)}"


def _accuracies(cells: Sequence[Cell], looks: Mapping[str, Look]) -> str:
    return ", ".join(f"{looks[c.model].title} {percent(c.metrics.accuracy)}" for c in cells)
