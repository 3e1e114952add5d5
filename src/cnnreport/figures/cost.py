"""Draw what accuracy costs: test accuracy against parameters and against training time."""

from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

from cnnreport.figures.drawing import Drawing, one_axes
from cnnreport.figures.intervals import interval_note, reach
from cnnreport.figures.labels import Label, label_at_right
from cnnreport.figures.looks import Look
from cnnreport.formats import listing, percent, seconds, thousands
from cnnreport.statistics import accuracy_interval
from cnnreport.study import Cell, Study


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
    cost = {cell.model: cell.train_seconds for cell in study.cells_of(dataset)}
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


def _accuracy_against(
    study: Study, dataset: str, looks: Mapping[str, Look], cost: Mapping[str, float]
) -> Figure:
    figure, axes = one_axes(3.4)
    cells = study.cells_of(dataset)
    for cell in cells:
        look, accuracy = looks[cell.model], cell.metrics.accuracy
        axes.errorbar(
            cost[cell.model],
            100 * accuracy,
            yerr=reach(accuracy, accuracy_interval(cell)),
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
    label_at_right(
        axes,
        [
            Label(
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
    return f"{finding} {interval_note(cells[0])}" if len(cells) > 1 else interval_note(cells[0])


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
