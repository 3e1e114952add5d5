"""Chart what accuracy costs, by the cost that the reader picks."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import altair as alt

from cnnreport.charts.looks import (
    BESIDE,
    NETWORK,
    faint_unless,
    from_legend,
    network_color,
    network_scale,
    network_shape,
)
from cnnreport.charts.spec import (
    INTERVAL,
    AnyChart,
    Chart,
    axis_title,
    calculate,
    choice,
    in_columns,
    percent_text,
    range_text,
    rows_of,
)
from cnnreport.figures.cost import COSTS as WITH_FIGURE
from cnnreport.figures.cost import figure_name, frontier
from cnnreport.figures.looks import Look
from cnnreport.statistics import accuracy_interval
from cnnreport.study import Cell, Study

COSTS: Mapping[str, tuple[str, Callable[[Cell], float | None]]] = {
    **{kind.key: (kind.axis, kind.of) for kind in WITH_FIGURE},
    "latency_128": ("latency of 128 images (ms)", lambda cell: cell.latency_ms(128)),
}
"""What each cost is called and where it comes from, by its key in the data."""

ON_FRONTIER = "indexof(frontiers[cost], datum.place) >= 0"
"""Whether no other network beats one in both; the marks of those that are beaten are hollow."""


def cost_charts(study: Study, dataset: str, looks: Mapping[str, Look]) -> Iterator[Chart]:
    """Yield a chart below the figure of each cost that is known, which is the one picked first."""
    cells = study.cells_of(dataset)
    known = known_costs(cells)
    for kind in WITH_FIGURE:
        if kind.key in known:
            chart = accuracy_against_cost(cells, looks, kind.key)
            yield Chart(figure_name(dataset, kind), chart)


def known_costs(cells: Sequence[Cell]) -> dict[str, list[float]]:
    """Return each cost that was measured for all cells."""
    costs = {cost: [of_cell(cell) for cell in cells] for cost, (_, of_cell) in COSTS.items()}
    known = {cost: [v for v in values if v is not None] for cost, values in costs.items()}
    return {cost: values for cost, values in known.items() if len(values) == len(cells)}


def accuracy_against_cost(cells: Sequence[Cell], looks: Mapping[str, Look], first: str) -> AnyChart:
    """Chart test accuracy against a cost on a logarithmic axis; `first` is picked at the start.

    The steps are the highest accuracy that is to be had for a cost.
    """
    costs = known_costs(cells)
    intervals = [accuracy_interval(cell) for cell in cells]
    data = in_columns(
        place=range(len(cells)),
        network=[looks[cell.model].title for cell in cells],
        accuracy=[cell.metrics.accuracy for cell in cells],
        low=[interval.low for interval in intervals],
        high=[interval.high for interval in intervals],
        **costs,
    )
    layers = _layers([looks[cell.model] for cell in cells], _tooltip(costs))
    words = " : ".join(f"cost === '{cost}' ? '{COSTS[cost][0]}'" for cost in costs)
    chart = alt.layer(*layers, data=data).properties(
        width="container",
        height=320,
        title=axis_title(f"({words} : '') + ', logarithmic'", "bottom"),
    )
    chart.transform = [
        rows_of("place", NETWORK, "accuracy", "low", "high", *costs),
        *calculate(
            across="datum[cost]",
            accuracy_text=percent_text("accuracy"),
            interval=range_text("low", "high"),
        ),
    ]
    return chart.add_params(
        choice("cost", "Cost", {cost: COSTS[cost][0] for cost in costs}, first),
        alt.param(name="frontiers", value=_frontiers(cells, costs)),
    )


def _frontiers(cells: Sequence[Cell], costs: Mapping[str, Sequence[float]]) -> dict[str, list[int]]:
    """Return for each cost the places of the cells that no other beats in it and in accuracy."""
    frontiers: dict[str, list[int]] = {}
    for cost, values in costs.items():
        best = frontier(cells, {cell.model: v for cell, v in zip(cells, values, strict=True)})
        frontiers[cost] = [place for place, cell in enumerate(cells) if cell in best]
    return frontiers


def _layers(looks: Sequence[Look], tooltip: list[alt.Tooltip]) -> list[alt.Chart]:
    shown = from_legend()
    across = alt.X(
        "across:Q",
        scale=alt.Scale(type="log", nice=False, padding=32),
        axis=alt.Axis(format="~s", tickCount=6, labelOverlap=True),
        title=None,
    )
    best = (
        alt.Chart()
        .mark_line(interpolate="step-after", strokeDash=[4, 2], strokeWidth=1)
        # By accuracy, as costs rise with it here: of equal costs the line goes on from the best.
        .encode(x=across, y=_upward("accuracy"), order="accuracy:Q")
        .transform_filter(ON_FRONTIER)
    )
    of_network = alt.Chart().encode(
        x=across, color=network_color(looks), opacity=faint_unless(shown), tooltip=tooltip
    )
    intervals = of_network.mark_rule(strokeWidth=2).encode(y=_upward("low"), y2="high:Q")
    marks = of_network.mark_point(size=110, filled=True, strokeWidth=2).encode(
        y=_upward("accuracy"),
        shape=network_shape(looks),
        stroke=alt.Stroke(NETWORK, type="nominal", scale=network_scale(looks), legend=BESIDE),
        fillOpacity=alt.when(ON_FRONTIER).then(alt.value(1)).otherwise(alt.value(0)),
    )
    return [best, intervals, marks.properties(name="marks").add_params(shown)]


def _upward(field: str) -> alt.Y:
    scale = alt.Scale(zero=False, padding=8)
    return alt.Y(f"{field}:Q", title="test accuracy", scale=scale, axis=alt.Axis(format=".1~%"))


def _digits(values: Sequence[float]) -> str:
    """Return the format of raw numbers: counts are exact, measured ones as in the results."""
    return "," if all(isinstance(value, int) for value in values) else ",.6~r"


def _tooltip(costs: Mapping[str, Sequence[float]]) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(f"{NETWORK}:N", title="network"),
        alt.Tooltip("accuracy_text:N", title="test accuracy"),
        alt.Tooltip("interval:N", title=INTERVAL),
        *(
            alt.Tooltip(f"{cost}:Q", title=COSTS[cost][0], format=_digits(values))
            for cost, values in costs.items()
        ),
    ]
