"""Give every network a colour, a marker and a line that it keeps in all figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.colors import to_rgb

INK = "#1a1a1a"
"""Of text, axes and whatever says something: near black, on paper."""

MUTED = "#5c5c5c"
"""Of what stays behind: notes, networks that others beat, the original study."""

GREY = "#808080"
"""Of helping lines: diagonals, frontiers, the level of chance; at least 3:1 on paper."""

GRID = "#e0e0e0"
"""Of the grid and of seams that need not be seen to read a figure."""

PAPER = "#fefefe"
"""Of the sheet, and of what lets it through. Like the inks it differs from pure black and white,
which the letters in the cells of a heat map have: those stay on the dark sheet, these turn."""

WINDOW_FILL = "#cfe2f3"
POOL_FILL = "#f6dfc3"
DENSE_FILL = "#cdeadd"
JOIN_FILL = "#eddbe8"
PLAIN_FILL = "#ececec"
"""Of boxes in diagrams: layers with windows, poolings, dense layers, where branches join, the rest.
Each box also has its name written in it."""

Line = str | tuple[int, tuple[int, ...]]
"""A line style of matplotlib: a name, or an offset and lengths on and off in points."""


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
        return mixed(self.color, "#ffffff", 0.2)


LOOKS: tuple[tuple[str, str, Line], ...] = (
    ("#0072b2", "o", "-"),
    ("#d55e00", "s", "--"),
    ("#009e73", "^", "-."),
    ("#cc79a7", "D", ":"),
    ("#e69f00", "v", (0, (5, 1, 1, 1, 1, 1))),
    ("#56b4e9", "P", (0, (8, 2))),
    (INK, "X", (0, (3, 1, 1, 1))),
    (GREY, "*", (0, (1, 2))),
)
"""Colour, marker and line by position in `models`; colours from M. Okabe and K. Ito, 2008.

A study of more networks goes through them again: see `looks_of`.
"""

DARK_COLORS = (
    "#4a9fe3",
    "#f0803c",
    "#2fc495",
    "#df9cc4",
    "#f5c242",
    "#9fd8fb",
    "#ececec",
    "#9a9aa3",
)
"""What stands for the colours of `LOOKS` on the dark sheet: the same, but lighter."""


def mixed(color: str, other: str, share: float) -> tuple[float, float, float]:
    """Return a colour with a share, 0 to 1, of another one in it, as parts of red, green, blue."""
    parts = zip(to_rgb(color), to_rgb(other), strict=True)
    red, green, blue = ((1 - share) * one + share * two for one, two in parts)
    return red, green, blue


def looks_of(models: Sequence[str], titles: Mapping[str, str]) -> dict[str, Look]:
    """Return how each network is drawn; one without a title goes by its name."""
    return {
        model: Look(titles.get(model, model), *_parts(position))
        for position, model in enumerate(models)
    }


def _parts(position: int) -> tuple[str, str, Line]:
    """Return colour, marker and line of a position; no two of the first 64 have the same three.

    More colours than `LOOKS` has could not be told apart by all eyes. So they come again, with
    another marker and another line each time.
    """
    count = len(LOOKS)
    turn, place = divmod(position, count)
    marker, line = (LOOKS[(place + step * turn) % count] for step in (3, 5))
    return LOOKS[place][0], marker[1], line[2]
