"""Draw windows that move over a grid: convolution, stride and padding, pooling, what one sees."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cnnreport.figures.diagrams.shapes import (
    Grid,
    arrow,
    canvas,
    note,
    number_grid,
    outline,
    write,
)
from cnnreport.figures.drawing import WIDTH, Drawing
from cnnreport.figures.looks import (
    DENSE_FILL,
    GREY,
    INK,
    PAPER,
    PLAIN_FILL,
    POOL_FILL,
    WINDOW_FILL,
)
from cnnreport.formats import percent

Numbers = NDArray[np.int64]

PICTURE: Numbers = np.array(
    [
        [1, 1, 5, 5, 5],
        [1, 1, 5, 5, 5],
        [1, 1, 1, 5, 5],
        [1, 1, 1, 5, 5],
        [1, 1, 1, 1, 5],
    ]
)
"""A dark and a bright part with an edge between them."""

FILTER: Numbers = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])
"""A filter for edges that run downwards, bright on their right."""

POOLED: Numbers = np.array([[1, 3, 0, 2], [5, 2, 1, 1], [0, 4, 6, 2], [1, 3, 2, 2]])

SIGN = "\N{MULTIPLICATION SIGN}"
MINUS = "\N{MINUS SIGN}"


def output_side(side: int, window: int, step: int, border: int) -> int:
    """Return the places of a window along one side of a grid with a border on both ends."""
    return 1 + (side + 2 * border - window) // step


def receptive_field(layers: Sequence[tuple[int, int]]) -> int:
    """Return the pixels along a side that one unit sees behind layers of (window, step)."""
    field, steps = 1, 1
    for window, step in layers:
        field += (window - 1) * steps
        steps *= step
    return field


def convolve(picture: Numbers, weights: Numbers) -> Numbers:
    """Return the sums of products of a filter at all its places, step 1, no border."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, weights.shape)
    sums: Numbers = (windows * weights).sum(axis=(2, 3))
    return sums


def texts(numbers: Numbers) -> list[list[str]]:
    """Return what stands in the cells of a grid."""
    return [[f"{number:g}".replace("-", MINUS) for number in row] for row in numbers]


def convolution() -> Drawing:
    """Draw a filter at one place of a small picture, and all the sums that it gives."""
    figure, axes = canvas(2.3)
    picture, weights, out = Grid(0.2, 1.95, 0.33), Grid(2.75, 1.62, 0.33), Grid(5.15, 1.62, 0.33)
    row, column = 0, 1
    seen = PICTURE[row : row + 3, column : column + 3]
    number_grid(
        axes,
        picture,
        texts(PICTURE),
        lambda r, c: WINDOW_FILL if _in(r - row, c - column) else PAPER,
    )
    outline(axes, picture.frame(row, column, 3, 3))
    number_grid(axes, weights, texts(FILTER), POOL_FILL)
    result = convolve(PICTURE, FILTER)
    number_grid(
        axes, out, texts(result), lambda r, c: DENSE_FILL if (r, c) == (row, column) else PAPER
    )
    outline(axes, out.frame(row, column, 1, 1))
    write(axes, (2.3, 1.12), SIGN, fontsize=14)
    arrow(axes, [(3.95, 1.12), (4.9, 1.12)])
    note(axes, (4.42, 1.25), "add up")
    for x, title in (
        (1.02, f"input 5{SIGN}5"),
        (3.25, f"filter 3{SIGN}3"),
        (5.65, f"output 3{SIGN}3"),
    ):
        write(axes, (x, 2.13), title)
    products = seen * FILTER
    positive, negative = int(products[products > 0].sum()), int(-products[products < 0].sum())
    return Drawing(
        "diagram-convolution",
        figure,
        f"A filter on one small picture. At the marked place its right column adds up {positive} "
        f"and its left one takes away {negative}, which gives {result[row, column]}. The output "
        "is large where the picture turns from dark to bright and 0 where it does not change: "
        "the filter finds edges, wherever they are.",
        f"A grid of five by five numbers, a filter with a column of {MINUS}1, one of 0 and one of "
        "1, and the three by three sums of their products: "
        f"{'; '.join(', '.join(row) for row in texts(result))}.",
    )


def _in(row: int, column: int, side: int = 3) -> bool:
    return 0 <= row < side and 0 <= column < side


PANELS = ((6, 3, 1, 0), (6, 3, 1, 1), (6, 3, 2, 1))
"""Side of the input, window, step and border of the three cases."""


def stride_and_padding() -> Drawing:
    """Draw the first places of a window without a border, with one, and with a step of two."""
    figure, axes = canvas(3.0)
    for number, (side, window, step, border) in enumerate(PANELS):
        _places(axes, WIDTH / 3 * (number + 0.5), side, window, step, border)
    sides = [output_side(*panel) for panel in PANELS]
    return Drawing(
        "diagram-stride-padding",
        figure,
        f"Where a window of 3{SIGN}3 can stand on 6{SIGN}6 values. Without a border the output is "
        f"smaller ({sides[0]}{SIGN}{sides[0]}), a border of zeros keeps the size "
        f"({sides[1]}{SIGN}{sides[1]}), and a step of two halves it ({sides[2]}{SIGN}{sides[2]}), "
        f"which leaves {percent(sides[2] ** 2 / sides[1] ** 2, 0)} of the work.",
        "Three grids with the first place of a window in a full line and the second in a dashed "
        f"one, and below each the output, of {', '.join(str(side) for side in sides)} values a "
        "side.",
    )


def _places(axes: Axes, x: float, side: int, window: int, step: int, border: int) -> None:
    cell = 0.2
    whole = side + 2 * border
    grid = Grid(x - whole * cell / 2, 2.62 + border * cell / 2 - (0.1 if border else 0), cell)
    inside = [[_cell_text(r, c, side, border) for c in range(whole)] for r in range(whole)]
    number_grid(
        axes,
        grid,
        inside,
        lambda r, c: WINDOW_FILL if _in(r - border, c - border, side) else PLAIN_FILL,
    )
    outline(axes, grid.frame(0, 0, window, window))
    outline(axes, grid.frame(0, step, window, window), dashed=True)
    out = output_side(side, window, step, border)
    below = Grid(x + 0.1, 0.8, cell * 0.6)
    number_grid(axes, below, [[""] * out] * out, DENSE_FILL)
    note(axes, (x, 2.9), f"border {border}, step {step}", fontsize=8, color=INK)
    note(axes, (x - 0.05, 0.8 - out * cell * 0.3), f"output {out}{SIGN}{out}", ha="right")


def _cell_text(row: int, column: int, side: int, border: int) -> str:
    return "" if _in(row - border, column - border, side) else "0"


def pooling() -> Drawing:
    """Draw the largest and the mean value of each window of a small grid."""
    figure, axes = canvas(1.85)
    windows = POOLED.reshape(2, 2, 2, 2).swapaxes(1, 2)
    largest, mean = windows.max(axis=(2, 3)), windows.mean(axis=(2, 3))
    number_grid(axes, Grid(0.9, 1.5, 0.35), texts(POOLED), _quarter)
    number_grid(axes, Grid(3.65, 1.2, 0.4), texts(largest), _single)
    number_grid(axes, Grid(5.5, 1.2, 0.4), texts(mean), _single)
    arrow(axes, [(2.5, 0.8), (3.5, 0.8)])
    note(axes, (3.0, 0.93), f"2{SIGN}2, step 2")
    for x, title in ((1.6, "feature map"), (4.05, "maximum"), (5.9, "average")):
        write(axes, (x, 1.7), title)
    return Drawing(
        "diagram-pooling",
        figure,
        f"Pooling makes one value of each window of 2{SIGN}2, so {percent(1 / 4, 0)} as "
        "many go on. The maximum says that a feature is there, not where in the window; the "
        "average says how much of it there is. Neither has weights.",
        "A grid of four by four values; the largest of each quarter are "
        f"{', '.join(t for row in texts(largest) for t in row)}, the averages "
        f"{', '.join(t for row in texts(mean) for t in row)}.",
    )


def _quarter(row: int, column: int) -> str:
    return POOL_FILL if (row // 2 + column // 2) % 2 else WINDOW_FILL


def _single(row: int, column: int) -> str:
    return POOL_FILL if (row + column) % 2 else WINDOW_FILL


STACKS = (
    ("two layers of 3", ((3, 1), (3, 1))),
    ("one layer of 5", ((5, 1),)),
    ("3 with step 2, then 3", ((3, 2), (3, 1))),
)
"""Title, and (window, step) of each layer from the picture on."""


def receptive_fields() -> Drawing:
    """Draw, in one dimension, which pixels one unit of the last layer sees."""
    figure, axes = canvas(2.2)
    for number, (title, layers) in enumerate(STACKS):
        _stack(axes, WIDTH / 3 * (number + 0.5), title, layers)
    fields = [receptive_field(layers) for _, layers in STACKS]
    weights = [sum(window**2 for window, _ in layers) for _, layers in STACKS]
    return Drawing(
        "diagram-receptive-field",
        figure,
        f"Along one side of a picture: two layers with windows of 3 see {fields[0]} pixels, as "
        f"one of 5 does, but have {weights[0]} weights for each pair of maps instead of "
        f"{weights[1]}, and one more non-linear step between. With a step of two in the first "
        f"layer the same two windows see {fields[2]} pixels.",
        "Three drawings of a row of pixels with units above it; lines lead from the topmost unit "
        f"down to the {fields[0]}, {fields[1]} and {fields[2]} pixels that it depends on.",
    )


def _stack(axes: Axes, x: float, title: str, layers: Sequence[tuple[int, int]]) -> None:
    """Draw the rows of a stack, the picture at the bottom, and the ways to its topmost unit."""
    field = receptive_field(layers)
    cell, gap = 0.22, 0.62
    centres = [x + (place - (field - 1) / 2) * cell for place in range(field)]
    y = 0.35
    _units(axes, centres, y, cell, WINDOW_FILL)
    note(axes, (x, 0.12), f"{field} pixels")
    for level, (window, step) in enumerate(layers):
        places = range(0, len(centres) - window + 1, step)
        above = [sum(centres[place : place + window]) / window for place in places]
        for place, middle in zip(places, above, strict=True):
            for side in (centres[place], centres[place + window - 1]):
                axes.plot(
                    [side, middle], [y + cell / 2, y + gap - cell / 2], color=GREY, linewidth=0.6
                )
        last = level + 1 == len(layers)
        _units(axes, above, y + gap, cell, DENSE_FILL if last else PLAIN_FILL)
        centres, y = above, y + gap
    write(axes, (x, 2.05), title)


def _units(axes: Axes, centres: Sequence[float], y: float, cell: float, fill: str) -> None:
    for centre in centres:
        number_grid(axes, Grid(centre - cell / 2, y + cell / 2, cell), [[""]], fill)
