"""Turn a figure drawn on white paper into one for the site's dark scheme, colour by colour."""

import re

from matplotlib.colors import to_hex

from cnnreport.figures.looks import (
    DARK_COLORS,
    DENSE_FILL,
    GREY,
    GRID,
    INK,
    JOIN_FILL,
    LOOKS,
    MUTED,
    PAPER,
    PLAIN_FILL,
    POOL_FILL,
    WINDOW_FILL,
    Look,
    mixed,
)

ENDING = "-dark"
"""What the name of a figure has at its end when the figure is for the dark."""

SHEET = "#1e2129"
"""The background of Material's dark scheme, ``hsla(225deg, 15%, 14%, 1)``."""

_COLOR = re.compile(r"#[0-9a-f]{6}\b")


def _table() -> dict[str, str]:
    table = {
        INK: "#ececec",
        MUTED: "#b4b5bd",
        GREY: "#9a9aa3",
        GRID: "#383b45",
        PAPER: SHEET,
        WINDOW_FILL: "#23466b",
        POOL_FILL: "#533b1d",
        DENSE_FILL: "#1d4d3f",
        JOIN_FILL: "#523852",
        PLAIN_FILL: "#3a3d47",
    }
    for (color, marker, line), dark in zip(LOOKS, DARK_COLORS, strict=True):
        table[color] = dark
        # A bar is darker than its network's colour, so that light intervals are seen on it.
        table[to_hex(Look("", color, marker, line).pale)] = to_hex(mixed(dark, SHEET, 0.3))
    return table


DARK = _table()
"""What stands for which colour. Colours that it lacks stay: those of the cells of a heat map, and
the pure black and white of the letters in them, which are to stay as they are."""


def dark_of(svg: str) -> str:
    """Return a figure, as `cnnreport.figures.drawing.to_svg` writes it, in colours for the dark."""
    return _COLOR.sub(lambda color: DARK.get(color[0], color[0]), svg)
