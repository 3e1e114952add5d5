"""Put images and maps side by side as pixels that stay pixels when they are enlarged."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray

from cnnreport.figures.drawing import WIDTH
from cnnreport.formats import one_line

Pixels = NDArray[np.uint8]
"""Of shape (height, width, 4): red, green, blue and how opaque."""

Image = NDArray[np.uint8]
"""Of shape (height, width, 3): red, green and blue."""

FACTOR = 6
"""So many pixels stand for one: seams stay sharp when a page scales the picture."""

GAP = 2
"""Pixels of an image between two images, transparent."""

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""Stands for a character that the letters of figures do not have."""

SMALL = 7
"""Points, the size of words below images."""

MEDIUM = 8
"""Points, the size of words beside images."""

WIDEST = 1.9
"""Inches, the most that labels take from a row of images."""

LINE = 0.15
"""Inches, the height of a line of small words."""


@dataclass(frozen=True)
class Tile:
    """An image and the lines of text below it."""

    image: Image
    lines: tuple[str, ...]


def opaque(image: Image) -> Pixels:
    """Return an image with nothing of it transparent."""
    return np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])


def enlarged(pixels: Pixels, factor: int = FACTOR) -> Pixels:
    """Return an image whose pixels are squares of `factor` pixels a side, never smoothed."""
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def colored(values: NDArray[Any], colors: str, low: float, high: float) -> Pixels:
    """Return values (height, width) as colours of one of matplotlib's scales."""
    scaled = (np.asarray(values, np.float64) - low) / max(high - low, 1e-12)
    found: Pixels = mpl.colormaps[colors](np.clip(scaled, 0, 1), bytes=True)
    return found


def mosaic(
    rows: Sequence[Sequence[Pixels]], columns: int, *, gap: int = GAP, below: int = 0
) -> Pixels:
    """Return rows of images of one size as one image, with room for `columns` in each row.

    Gaps and missing images are transparent. `below` is how many pixels are left free below each
    row besides the gap.
    """
    height, width = rows[0][0].shape[:2]
    size = (len(rows) * (height + gap + below), columns * (width + gap), 4)
    sheet = np.zeros(size, np.uint8)
    for down, row in enumerate(rows):
        for right, pixels in enumerate(row):
            top, left = down * (height + gap + below), right * (width + gap)
            sheet[top : top + height, left : left + width] = pixels
    return sheet


def show(axes: Axes, pixels: Pixels, factor: int = FACTOR) -> None:
    """Show an image on axes without ticks; a unit of the axes is a pixel of the image."""
    height, width = pixels.shape[:2]
    axes.imshow(
        enlarged(pixels, factor), interpolation="none", extent=(0, width, height, 0), aspect="equal"
    )
    axes.grid(visible=False)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.patch.set_visible(False)


def sheet_of(tiles: Sequence[Tile], columns: int) -> Figure:
    """Return a sheet of images with words below each, `columns` in a row."""
    rows = [
        [opaque(tile.image) for tile in tiles[start : start + columns]]
        for start in range(0, len(tiles), columns)
    ]
    height, width = tiles[0].image.shape[:2]
    inches = WIDTH / (columns * (width + GAP))
    lines = max(len(tile.lines) for tile in tiles)
    below = ceil((lines * LINE + 0.08) / inches)
    pixels = mosaic(rows, columns, below=below)
    figure = Figure(figsize=(WIDTH, pixels.shape[0] * inches))
    axes = figure.add_axes((0, 0, 1, 1))
    show(axes, pixels)
    room = letters(width * inches)
    for number, tile in enumerate(tiles):
        down, right = divmod(number, columns)
        for place, line in enumerate(tile.lines):
            axes.text(
                right * (width + GAP) + width / 2,
                down * (height + GAP + below) + height + (0.04 + LINE * place) / inches,
                drawable(line, room),
                ha="center",
                va="top",
                fontsize=SMALL,
                fontweight="bold" if place == 0 else "normal",
            )
    return figure


Row = tuple[tuple[str, ...], Sequence[Image]]
"""The lines of a row's label and its images."""


def labelled_rows(rows: Sequence[Row], columns: int) -> Figure:
    """Return rows of up to `columns` images with a label at the left of each."""
    longest = max(len(line) for label, _ in rows for line in label)
    margin = min(WIDEST, 0.25 + longest * 0.6 * MEDIUM / 72)
    pixels = mosaic([[opaque(image) for image in images] for _, images in rows], columns)
    side = rows[0][1][0].shape[0] + GAP
    inches = (WIDTH - margin) / pixels.shape[1]
    tall = pixels.shape[0] * inches
    figure = Figure(figsize=(WIDTH, tall))
    axes = figure.add_axes((margin / WIDTH, 0, 1 - margin / WIDTH, 1))
    show(axes, pixels)
    for number, (label, _) in enumerate(rows):
        lines = [drawable(line, int(margin * 72 / (0.6 * MEDIUM))) for line in label]
        axes.text(
            -GAP * 2,
            number * side + side / 2,
            "\n".join(lines),
            ha="right",
            va="center",
            fontsize=MEDIUM,
        )
    return figure


def letters(inches: float) -> int:
    """Return how many small letters of usual width find room."""
    return int(inches * 72 / (0.55 * SMALL))


def drawable(text: str, room: int) -> str:
    """Return a text as a figure can show it: one line, known characters, cut to the room."""
    known = _characters()
    plain = "".join(each if ord(each) in known else UNKNOWN for each in one_line(text))
    return plain if len(plain) <= room else f"{plain[: room - 1]}…"


@cache
def _characters() -> frozenset[int]:
    path = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans"))
    return frozenset(FT2Font(path).get_charmap())
