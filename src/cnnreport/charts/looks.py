"""Draw a network in a chart as it is drawn in every figure: with its colour and its mark."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from cnnreport.figures.looks import Look

CROSS = "M-1,-.6L-.4,0L-1,.6L-.6,1L0,.4L.6,1L1,.6L.4,0L1,-.6L.6,-1L0,-.4L-.6,-1Z"
STAR = "M0,-1L.24,-.32L.95,-.31L.38,.12L.59,.81L0,.4L-.59,.81L-.38,.12L-.95,-.31L-.24,-.32Z"

SHAPES = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "P": "cross",
    "X": CROSS,
    "*": STAR,
}
"""Marks of Vega by those of matplotlib; what Vega lacks, as an outline in a square of 2 x 2."""

FAINT = 0.08
"""Opacity of the networks that a click on the legend puts aside."""

NETWORK = "network"
"""The field with the title of a network."""

BESIDE = alt.Legend(orient="top", title=None, columns=3, labelLimit=150, symbolOpacity=1)
"""Three networks a row above the chart, which leaves a narrow screen to the chart itself."""


def network_color(looks: Sequence[Look]) -> alt.Color:
    """Return the colours of networks, with a legend above the chart."""
    return alt.Color(NETWORK, type="nominal", scale=network_scale(looks), legend=BESIDE)


def network_scale(looks: Sequence[Look]) -> alt.Scale:
    """Return which network has which colour."""
    return alt.Scale(domain=_titles(looks), range=[look.color for look in looks])


def network_shape(looks: Sequence[Look]) -> alt.Shape:
    """Return the marks of networks; the legend is that of the colours."""
    scale = alt.Scale(domain=_titles(looks), range=[SHAPES[look.marker] for look in looks])
    return alt.Shape(NETWORK, type="nominal", scale=scale, legend=BESIDE)


def from_legend(name: str = "shown") -> alt.Parameter:
    """Return the choice of networks by clicks on the legend; without one, all are chosen."""
    return alt.selection_point(name=name, fields=[NETWORK], bind="legend")


def faint_unless(chosen: alt.Parameter, opacity: float = 1.0) -> Any:
    """Return the opacity of what belongs to a network that is chosen, or put aside."""
    return alt.when(chosen).then(alt.value(opacity)).otherwise(alt.value(FAINT))


def _titles(looks: Sequence[Look]) -> list[str]:
    return [look.title for look in looks]
