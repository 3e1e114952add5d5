"""Draw the pieces that diagrams are made of: boxes, volumes, number grids, arrows and words.

All lengths are inches: a diagram's axes cover its whole figure, one unit an inch, and x and y are
counted from the lower left corner.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle

from cnnreport.figures.drawing import WIDTH
from cnnreport.figures.looks import GREY, INK, MUTED, PAPER

Point = tuple[float, float]

LINE = 0.8
"""Points, the width of an outline."""


@dataclass(frozen=True)
class Box:
    """A rectangle by its centre and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        """The x of its left side."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """The x of its right side."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """The y of its lower side."""
        return self.y - self.height / 2

    @property
    def top(self) -> float:
        """The y of its upper side."""
        return self.y + self.height / 2


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return a figure as wide as a page's text and axes without a frame that cover it."""
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, height))
    axes.set_axis_off()
    return figure, axes


def write(axes: Axes, at: Point, text: str, **options: Any) -> None:
    """Write words around a point; what they say is never read as a formula."""
    style: dict[str, Any] = {
        "ha": "center",
        "va": "center",
        "fontsize": 8,
        "color": INK,
        "parse_math": False,
    }
    axes.text(*at, text, **(style | options))


def note(axes: Axes, at: Point, text: str, **options: Any) -> None:
    """Write words of less weight."""
    write(axes, at, text, **({"fontsize": 7, "color": MUTED} | options))


def block(axes: Axes, box: Box, fill: str, lines: Sequence[str], *, dashed: bool = False) -> None:
    """Draw a box with up to four lines in it, the first in the size of text, the rest smaller."""
    axes.add_patch(
        FancyBboxPatch(
            (box.left, box.bottom),
            box.width,
            box.height,
            boxstyle="round,pad=0,rounding_size=0.05",
            facecolor=fill,
            edgecolor=INK,
            linewidth=LINE,
            linestyle="--" if dashed else "-",
        )
    )
    step = min(0.15, box.height / (len(lines) + 0.4))
    for number, line in enumerate(lines):
        y = box.y + step * ((len(lines) - 1) / 2 - number)
        size, color = (8, INK) if number == 0 else (7, MUTED)
        write(axes, (box.x, y), line, fontsize=size, color=color)


def disc(axes: Axes, at: Point, radius: float, fill: str, text: str) -> None:
    """Draw a circle with a word in it."""
    axes.add_patch(Circle(at, radius, facecolor=fill, edgecolor=INK, linewidth=LINE))
    write(axes, at, text)


def arrow(axes: Axes, points: Sequence[Point], *, dashed: bool = False) -> None:
    """Draw a line through points with a head at its last one."""
    style: dict[str, Any] = {"color": INK, "linewidth": LINE, "linestyle": "--" if dashed else "-"}
    if len(points) > 2:
        axes.plot(*zip(*points[:-1], strict=True), **style, solid_capstyle="butt")
    axes.annotate(
        "",
        points[-1],
        points[-2],
        arrowprops={"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8} | style,
    )


def volume(axes: Axes, box: Box, side: float, fill: str) -> None:
    """Draw a stack of maps as a block: `box` is its front, `side` how far it runs back."""
    run = 0.45 * side
    front = [
        (box.left, box.bottom),
        (box.right, box.bottom),
        (box.right, box.top),
        (box.left, box.top),
    ]
    roof = [front[3], front[2], (box.right + run, box.top + run), (box.left + run, box.top + run)]
    flank = [front[1], (box.right + run, box.bottom + run), roof[2], front[2]]
    for corners in (roof, flank, front):
        axes.add_patch(Polygon(corners, facecolor=fill, edgecolor=INK, linewidth=LINE))


@dataclass(frozen=True)
class Grid:
    """Where a grid of square cells stands: its upper left corner and the side of a cell."""

    left: float
    top: float
    side: float

    def cell(self, row: int, column: int) -> Point:
        """Return the centre of a cell."""
        return self.left + (column + 0.5) * self.side, self.top - (row + 0.5) * self.side

    def frame(self, row: int, column: int, rows: int, columns: int) -> Box:
        """Return the rectangle around cells, the first of them at a row and a column."""
        return Box(
            self.left + (column + columns / 2) * self.side,
            self.top - (row + rows / 2) * self.side,
            columns * self.side,
            rows * self.side,
        )


def number_grid(
    axes: Axes,
    grid: Grid,
    numbers: Sequence[Sequence[str]],
    fill: Callable[[int, int], str] | str = PAPER,
) -> None:
    """Draw a grid with a text in each cell; `fill` is a colour, or says one by row and column."""
    for row, texts in enumerate(numbers):
        for column, text in enumerate(texts):
            x, y = grid.cell(row, column)
            axes.add_patch(
                Rectangle(
                    (x - grid.side / 2, y - grid.side / 2),
                    grid.side,
                    grid.side,
                    facecolor=fill if isinstance(fill, str) else fill(row, column),
                    edgecolor=GREY,
                    linewidth=0.6,
                )
            )
            write(axes, (x, y), text)


def outline(axes: Axes, box: Box, *, dashed: bool = False) -> None:
    """Draw a strong frame around something."""
    axes.add_patch(
        Rectangle(
            (box.left, box.bottom),
            box.width,
            box.height,
            fill=False,
            edgecolor=INK,
            linewidth=2,
            linestyle="--" if dashed else "-",
        )
    )
