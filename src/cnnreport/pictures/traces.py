"""One image on its way through a network: a convolution at work, then the maps of its layers."""

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from cnnreport.examples import MAPS, Example, Step, Trace, map_of, window_of
from cnnreport.figures.drawing import WIDTH, Drawing
from cnnreport.figures.looks import INK, LOOKS, Look
from cnnreport.formats import decimal, listing, percent
from cnnreport.pictures.raster import (
    SMALL,
    Pixels,
    colored,
    drawable,
    enlarged,
    letters,
    mosaic,
    opaque,
    show,
)
from cnnreport.records import DatasetRecord
from cnnreport.study import Cell

TIMES = "\N{MULTIPLICATION SIGN}"

SIGNED, STRONG = "PuOr_r", "cividis"
"""Colour scales of values on both sides of zero, and of those that are large or small."""

MARK = LOOKS[1][0]
"""The colour of the frame around what is computed."""

TILE = 112
"""Pixels a side that a feature map is enlarged to, as far as whole pixels allow."""

BAND = (16, 1)
"""A layer of single values fills as much room as so many maps in a row."""

ANSWERS = 5
"""The classes whose probabilities are shown, the likeliest first."""


def convolution(cell: Cell, look: Look, trace: Trace, record: DatasetRecord) -> Drawing:
    """Draw how a filter makes one value of a map: window, weights, products, sums, activation."""
    example = _example(cell)
    window = example.by_hand
    height, width, channels = window.size
    kernel = trace.kernel[..., window.filter]
    products = (window_of(trace, window) * kernel).sum(axis=2)
    sums = map_of(trace, window)
    rectified = np.maximum(sums, 0) if window.activation else sums
    figure = Figure(figsize=(WIDTH, 2.15), layout="constrained")
    grid = figure.add_gridspec(channels, 5, width_ratios=(1.25, 1.0, 1.0, 1.25, 1.25))
    image, weights, summed, mapped, passed = (
        figure.add_subplot(grid[:, 0]),
        [figure.add_subplot(grid[channel, 1]) for channel in range(channels)],
        *(figure.add_subplot(grid[:, column]) for column in (2, 3, 4)),
    )
    _input(image, trace, window.size, (window.row * window.stride, window.column * window.stride))
    limit = float(np.abs(kernel).max())
    for channel, axes in enumerate(weights):
        show(axes, colored(kernel[..., channel], SIGNED, -limit, limit), 24)
        axes.set_ylabel(_CHANNELS[channel] if channels == len(_CHANNELS) else "", fontsize=SMALL)
    weights[0].set_title(f"weights {_lengths(window.size)}", fontsize=8)
    _numbers(summed, products)
    for axes, values, scale, title in (
        (mapped, sums, SIGNED, "every position's sum"),
        (passed, rectified, STRONG, "after ReLU" if window.activation else "as it goes on"),
    ):
        low = -float(np.abs(sums).max()) if scale is SIGNED else 0.0
        show(axes, colored(values, scale, low, float(np.abs(sums).max())), 8)
        axes.set_title(title, fontsize=8)
        axes.add_patch(_frame(window.column, window.row, 1, 1))
        axes.set_xlabel(_lengths(values.shape), fontsize=SMALL)
    return Drawing(
        f"{cell.dataset}-convolution",
        figure,
        _convolution_finding(cell, look, sums),
        f"Five panels: test image {example.image}, class "
        f"{record.class_names[example.label]}, with a window of {height} by {width} pixels framed; "
        f"the weights of filter {window.filter + 1} of layer {window.layer}; the products of both, "
        "summed over the channels; the map of all such sums; the map as it goes on.",
    )


_CHANNELS = ("red", "green", "blue")


def _convolution_finding(cell: Cell, look: Look, sums: NDArray[np.float64]) -> str:
    window = _example(cell).by_hand
    added = listing([decimal(part, 2) for part in window.products])
    negative = percent(float((sums < 0).mean()), 0)
    cut = (
        f" ReLU sets the negative ones of its sums, {negative}, to zero."
        if window.activation
        else ""
    )
    return (
        f"Filter {window.filter + 1} of {window.filters} in the first convolution of {look.title} "
        f"answers most strongly in the framed window: the products of its channels ({added}) "
        f"and the bias ({decimal(window.bias, 2)}) add up to {decimal(window.total, 2)}.{cut}"
    )


def _input(axes: Axes, trace: Trace, size: list[int], corner: tuple[int, int]) -> None:
    """Show the image, or what a layer that pads made of it, with the window framed."""
    height, width = trace.image.shape[:2]
    margin = max(0, (trace.entry.shape[0] - height) // 2)
    show(axes, opaque(trace.image))
    axes.set_title("image and window", fontsize=8)
    axes.set_xlabel(_lengths((height, width)), fontsize=SMALL)
    axes.add_patch(_frame(corner[1] - margin, corner[0] - margin, size[1], size[0]))


def _frame(left: float, top: float, width: float, height: float) -> Rectangle:
    return Rectangle((left, top), width, height, fill=False, edgecolor=MARK, linewidth=1.6)


def _numbers(axes: Axes, products: NDArray[np.floating]) -> None:
    """Show products as shades with the numbers in them."""
    limit = float(np.abs(products).max())
    show(axes, colored(products, SIGNED, -limit, limit), 24)
    axes.set_title(f"pixels {TIMES} weights", fontsize=8)
    axes.set_xlabel("sum of channels", fontsize=SMALL)
    for (row, column), value in np.ndenumerate(products):
        color = "white" if abs(value) > 0.6 * limit else "black"
        # Adding zero takes the sign from a rounded minus zero.
        text = f"{round(float(value), 1) + 0:.1f}"
        middle = (column + 0.5, row + 0.5)
        axes.text(*middle, text, color=color, ha="center", va="center", fontsize=5)


def activations(cell: Cell, look: Look, trace: Trace, record: DatasetRecord) -> Drawing:
    """Draw the maps of a network's layers for one image, and what it answers."""
    example = _example(cell)
    steps = example.steps
    figure = Figure(figsize=(WIDTH, 0.62 + 0.46 * len(steps) + 0.95))
    heights = [0.62, *(0.46 for _ in steps), 0.95]
    margin, top = 1.25, figure.get_figheight()
    for number, height in enumerate(heights):
        top -= height
        place = (
            margin / WIDTH,
            (top + 0.03) / figure.get_figheight(),
            1 - margin / WIDTH,
            (height - 0.06) / figure.get_figheight(),
        )
        if number == len(steps) + 1:
            _answer(figure, example, top, margin)
            continue
        axes = figure.add_axes(place)
        if number == 0:
            show(axes, opaque(trace.image))
            label = f"image\n{_lengths(trace.image.shape)}"
        else:
            step = steps[number - 1]
            show(axes, _picture_of(trace.outputs[step.layer]), 1)
            label = f"{drawable(step.layer, letters(margin))}\n{_shape(step)}"
        axes.set_anchor("W")
        figure.text(
            (margin - 0.1) / WIDTH,
            (top + height / 2) / figure.get_figheight(),
            label,
            ha="right",
            va="center",
            fontsize=SMALL,
        )
    return Drawing(
        f"{cell.dataset}-{cell.model}-activations",
        figure,
        _answer_finding(cell, look, record),
        f"Rows of feature maps, one row for each of the layers "
        f"{', '.join(step.layer for step in steps)}, light where a value is large; above them the "
        "image, below them bars of the likeliest classes.",
    )


def _picture_of(output: NDArray[np.floating]) -> Pixels:
    """Return maps side by side, or single values as a band, light where a value is large."""
    high = float(output.max())
    if output.ndim == 3:
        tiles = [
            _square(colored(output[..., number], STRONG, 0.0, high))
            for number in range(output.shape[2])
        ]
        return mosaic([tiles], MAPS, gap=TILE // 12)
    rows = ceil(sqrt(len(output) / BAND[0]))
    columns = ceil(len(output) / rows)
    band = np.zeros((rows * columns, 4), np.uint8)
    band[: len(output)] = colored(output[None], STRONG, 0.0, high)[0]
    side = max(1, TILE // rows)
    return enlarged(band.reshape(rows, columns, 4), side)


def _square(pixels: Pixels) -> Pixels:
    """Enlarge a map by whole pixels and put it into the middle of a tile."""
    factor = max(1, TILE // max(pixels.shape[:2]))
    large = enlarged(pixels, factor)
    height, width = large.shape[:2]
    tile = np.zeros((max(TILE, height), max(TILE, width), 4), np.uint8)
    down, right = (tile.shape[0] - height) // 2, (tile.shape[1] - width) // 2
    tile[down : down + height, right : right + width] = large
    return tile


def _answer(figure: Figure | SubFigure, example: Example, bottom: float, margin: float) -> None:
    """Draw the probabilities of the likeliest classes and of the true one, which is marked."""
    true = list(example.probabilities)[example.label]
    order = sorted(example.probabilities.items(), key=lambda item: -item[1])
    likeliest = order[:ANSWERS]
    if true not in dict(likeliest):
        likeliest[-1] = (true, example.probabilities[true])
    tall = figure.get_figheight()  # type: ignore[union-attr]
    axes = figure.add_axes((margin / WIDTH, (bottom + 0.08) / tall, 0.42, 0.8 / tall))
    names = [drawable(name, letters(margin)) for name, _ in likeliest]
    axes.barh(
        range(len(likeliest)),
        [share for _, share in likeliest],
        color=[MARK if name == true else INK for name, _ in likeliest],
        height=0.7,
    )
    axes.set(xlim=(0, 1), xticks=[])
    axes.set_yticks(range(len(likeliest)), names, fontsize=SMALL)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    for row, (name, share) in enumerate(likeliest):
        note = f"{percent(share)}, the true class" if name == true else percent(share)
        axes.text(share + 0.02, row, note, va="center", fontsize=SMALL)


def _answer_finding(cell: Cell, look: Look, record: DatasetRecord) -> str:
    example = _example(cell)
    true = record.class_names[example.label]
    said, share = max(example.probabilities.items(), key=lambda item: item[1])
    # The last layer with maps of more than one place; a network of dense layers has none.
    maps = [step for step in example.steps if len(step.shape) == 3]
    large = [step for step in maps if step.shape[0] > 1]
    last = (large or maps or example.steps)[-1]
    more = any(len(step.shape) == 3 and step.shape[2] > MAPS for step in example.steps)
    kept = f" Of each layer at most {MAPS} maps are shown." if more else ""
    return (
        f"{look.title} (seed {example.seed}) takes test image {example.image}, of class {true}, "
        f"{'rightly ' if said == true else ''}for {said}, with a probability of {percent(share)}. "
        f"{_zeros(last)}{kept}"
    )


def _zeros(step: Step) -> str:
    share = percent(step.zeros, 0)
    return f"In layer {step.layer}, {_shape(step)}, {share} of the values are zero."


def _shape(step: Step) -> str:
    if len(step.shape) == 1:
        return f"{step.shape[0]} values"
    return _lengths(step.shape)


def _lengths(shape: Sequence[int]) -> str:
    return f" {TIMES} ".join(str(length) for length in shape)


def _example(cell: Cell) -> Example:
    if cell.example is None:
        raise LookupError(f"{cell.dataset}/{cell.model}: no image was followed through it")
    return cell.example
