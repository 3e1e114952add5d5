"""What a drawing is, how one is begun and how it becomes SVG."""

import io
import re
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnnreport.figures.looks import PAPER

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
        figure.savefig(buffer, format="svg", facecolor=PAPER, metadata=_NO_METADATA)
    return _thinned(buffer.getvalue())


_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


def _thinned(svg: str) -> str:
    """Return an SVG without what nobody sees: indents, comments, names of groups, long numbers.

    Figures are kept in git, and half of what matplotlib writes is of that kind.
    """
    for pattern, replacement in _THINNER:
        svg = pattern.sub(replacement, svg)
    # Lengths are kept to a hundredth of a point; scales keep their digits, for they multiply.
    svg = _LENGTHS.sub(lambda lengths: _FINE.sub(_rounded, lengths[0]), svg)
    svg = _RECTANGLE.sub(r"\1M \2 \3\nH \4\nV \5\nH \2\nz", svg)
    lines = (line.strip() for line in svg.splitlines())
    text = "\n".join(line for line in lines if line) + "\n"
    return _WRAPPED.sub(r"\1", text)


_THINNER: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<!--.*?-->", re.DOTALL), ""),
    (re.compile(r'<g id="[^"]*"'), "<g"),
    # Letters are used by the names of their outlines.
    (re.compile(r"\bDejaVuSans-Bold-"), "B"),
    (re.compile(r"\bDejaVuSans-"), "A"),
    (re.compile(r'(<use xlink:href="#[AB]\w+") transform="translate\(([\d.]+) 0\)"'), r'\1 x="\2"'),
)
_LENGTHS = re.compile(r'\b(?:d|x|y)="[^"]*"|translate\([^)]*\)')
_FINE = re.compile(r"-?\d+\.\d{3,}")
_RECTANGLE = re.compile(
    r'(\bd=")M (\S+) (\S+)\s+L (\S+) \3\s+L \4 (\S+)\s+L \2 \5\s+(?:L \2 \3\s+)?(?:z\s+)?(?=")'
)
_WRAPPED = re.compile(r"<g>\n(<g [^>\n]+>\n(?:(?!</?g\b)[^\n]*\n)*</g>)\n</g>")
"""A group with nothing but another one in it."""


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
