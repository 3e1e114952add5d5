"""What a drawing is, how one is begun and how it becomes SVG."""

import io
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH = 7.0
"""Inches, the width of a page's text."""


@dataclass(frozen=True)
class Drawing:
    """A figure with its file name (no suffix), caption and text for those who cannot see it."""

    name: str
    figure: Figure
    caption: str
    alt: str


def new_figure(height: float) -> Figure:
    """Return an empty figure as wide as a page's text; `height` in inches."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def one_axes(height: float) -> tuple[Figure, Axes]:
    """Return a new figure, `height` in inches, and the only axes in it."""
    figure = new_figure(height)
    return figure, figure.subplots()


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
