"""Draw what accuracy costs: test accuracy against parameters, MACs, training time and latency."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, Formatter, FuncFormatter, LogLocator, NullFormatter

from cnnreport.figures.drawing import Drawing, one_axes
from cnnreport.figures.intervals import interval_note, reach
from cnnreport.figures.labels import Label, label_at_right
from cnnreport.figures.looks import GREY, INK, MUTED, Look
from cnnreport.formats import listing, macs, milliseconds, percent, plural, seconds, thousands
from cnnreport.statistics import accuracy_interval
from cnnreport.study import Cell, Study

Costs = Mapping[str, float]
"""What each network costs, by its name in `models`."""


@dataclass(frozen=True)
class Cost:
    """A kind of cost: how its figure and its data are named, where it comes from and its words.

    `of` returns None where it was not measured. `axis` is what it is called on an axis, `title` in
    a sentence, `less` names less of it.
    """

    name: str
    key: str
    of: Callable[[Cell], float | None]
    axis: str
    title: str
    less: str
    write: Callable[[float], str]
    ticks: Formatter


def _plain(value: float, _: object) -> str:
    return f"{value:,g}"


PARAMETERS = Cost(
    "parameters",
    "parameters",
    lambda cell: cell.metrics.parameters,
    "parameters",
    "parameters",
    "fewer parameters",
    thousands,
    EngFormatter(sep=" "),
)
MACS = Cost(
    "macs",
    "macs",
    lambda cell: cell.metrics.macs,
    "multiply-accumulates an image",
    "multiply-accumulates (MACs)",
    "fewer MACs",
    macs,
    EngFormatter(sep=" "),
)
TRAIN_TIME = Cost(
    "train-time",
    "train_seconds",
    lambda cell: cell.train_seconds,
    "time of one training (s)",
    "training time",
    "less training time",
    seconds,
    FuncFormatter(_plain),
)
LATENCY = Cost(
    "latency",
    "latency_1",
    lambda cell: cell.latency_ms(1),
    "latency of one image (ms)",
    "latency",
    "a shorter latency",
    milliseconds,
    FuncFormatter(_plain),
)
COSTS = (PARAMETERS, MACS, TRAIN_TIME, LATENCY)
"""The costs that have a figure each, in the order of the report."""


def figure_name(dataset: str, kind: Cost) -> str:
    """Return the name of the figure of a cost."""
    return f"{dataset}-accuracy-against-{kind.name}"


def accuracy_against(
    study: Study, dataset: str, looks: Mapping[str, Look], kind: Cost
) -> Drawing | None:
    """Draw test accuracy against a cost; None where that was not measured for all networks."""
    known = {cell.model: kind.of(cell) for cell in study.cells_of(dataset)}
    cost = {model: float(value) for model, value in known.items() if value is not None}
    if len(cost) < len(known):
        return None
    cells = study.ranked(dataset)
    best = frontier(cells, cost)
    return Drawing(
        figure_name(dataset, kind),
        _figure(cells, best, looks, kind, cost),
        f"{_finding(cells, best, looks, kind, cost)} {interval_note(cells[0])}",
        f"Test accuracy against {kind.title}: {_points(cells, best, looks, kind, cost)}.",
    )


def frontier(cells: Sequence[Cell], cost: Costs) -> list[Cell]:
    """Return the cells that no other beats in both accuracy and cost, the cheapest first."""
    kept = [cell for cell in cells if not any(_dominates(other, cell, cost) for other in cells)]
    return sorted(kept, key=lambda cell: (cost[cell.model], -cell.metrics.accuracy))


def _dominates(other: Cell, cell: Cell, cost: Costs) -> bool:
    higher = other.metrics.accuracy > cell.metrics.accuracy
    return higher and cost[other.model] < cost[cell.model]


def _figure(
    cells: Sequence[Cell],
    best: Sequence[Cell],
    looks: Mapping[str, Look],
    kind: Cost,
    cost: Costs,
) -> Figure:
    figure, axes = one_axes(3.4)
    for cell in cells:
        _mark(axes, cell, looks[cell.model], cost[cell.model], hollow=cell not in best)
    axes.set_xscale("log")
    axes.set_xlim(min(cost.values()) / 2, max(cost.values()) * 2)
    axes.xaxis.set_major_locator(LogLocator(subs=_log_steps(list(cost.values()))))
    axes.xaxis.set_major_formatter(kind.ticks)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel=f"{kind.axis}, logarithmic", ylabel="test accuracy (%)")
    axes.margins(y=0.12)
    _steps(axes, best, cost)
    label_at_right(axes, [_label(cell, looks[cell.model], cost, best) for cell in cells])
    return figure


def _mark(axes: Axes, cell: Cell, look: Look, across: float, *, hollow: bool) -> None:
    accuracy = cell.metrics.accuracy
    axes.errorbar(
        across,
        100 * accuracy,
        yerr=reach(accuracy, accuracy_interval(cell)),
        fmt=look.marker,
        color=look.color,
        markersize=7,
        markerfacecolor=axes.get_facecolor() if hollow else look.color,
        capsize=3,
    )


def _steps(axes: Axes, best: Sequence[Cell], cost: Costs) -> None:
    """Draw the highest accuracy that is to be had for a cost, as a line of steps."""
    across = [cost[cell.model] for cell in best] + [axes.get_xlim()[1]]
    # Cells of one cost and different accuracy are all kept; the line goes on from the highest.
    heights = [100 * max(c.metrics.accuracy for c in best[: i + 1]) for i in range(len(best))]
    axes.plot(
        across,
        [*heights, heights[-1]],
        drawstyle="steps-post",
        color=GREY,
        linewidth=1,
        linestyle=(0, (4, 2)),
        zorder=1,
    )


def _label(cell: Cell, look: Look, cost: Costs, best: Sequence[Cell]) -> Label:
    text = f"{look.title} {percent(cell.metrics.accuracy)}"
    ink = INK if cell in best else MUTED
    return Label(text, cost[cell.model], 100 * cell.metrics.accuracy, look.color, ink)


def _log_steps(values: Sequence[float]) -> tuple[float, ...]:
    """Return which multiples of a power of ten get a tick: few on a long axis, more on a short."""
    return (1.0,) if max(values) / min(values) > 300 else (1.0, 2.0, 5.0)


def _finding(
    cells: Sequence[Cell],
    best: Sequence[Cell],
    looks: Mapping[str, Look],
    kind: Cost,
    cost: Costs,
) -> str:
    if len(cells) == 1:
        return (
            f"{looks[cells[0].model].title} is right on {percent(cells[0].metrics.accuracy)} of "
            f"the test images; {kind.title}: {kind.write(cost[cells[0].model])}."
        )
    names = [f"{looks[cell.model].title} ({kind.write(cost[cell.model])})" for cell in best]
    others = len(cells) - len(best)
    joined = " The dashed line joins them." if len(best) > 1 else ""
    behind = (
        f" Hollow marks: {plural(others, 'network', words=True)} that another one beats in both."
        if others
        else ""
    )
    return (
        f"{listing(names)}: no other network has both a higher test accuracy and {kind.less}."
        f"{joined}{behind}"
    )


def _points(
    cells: Sequence[Cell],
    best: Sequence[Cell],
    looks: Mapping[str, Look],
    kind: Cost,
    cost: Costs,
) -> str:
    points = ", ".join(
        f"{looks[cell.model].title} {percent(cell.metrics.accuracy)} at "
        f"{kind.write(cost[cell.model])}"
        for cell in cells
    )
    names = listing([looks[cell.model].title for cell in best])
    return f"{points}. On the frontier from the cheapest to the most accurate: {names}"
