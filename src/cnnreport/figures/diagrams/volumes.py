"""Draw the volumes of neurons that a picture becomes on its way through LeNet."""

from cnnreport.figures.diagrams.shapes import Box, canvas, note, volume, write
from cnnreport.figures.diagrams.windows import output_side
from cnnreport.figures.drawing import Drawing
from cnnreport.figures.looks import DENSE_FILL, PLAIN_FILL, POOL_FILL, WINDOW_FILL
from cnnreport.formats import thousands

SIGN = "\N{MULTIPLICATION SIGN}"

SIDE, CHANNELS, WINDOW, FILTERS, UNITS = 32, 3, 5, (6, 16), (120, 84, 10)
"""LeNet for colour pictures: LeCun et al. 1998, section II B, with all maps connected."""


def volume_shapes() -> list[tuple[str, tuple[int, int, int]]]:
    """Return each volume's name and its height, width and depth, from the picture on."""
    shapes = [("input", (SIDE, SIDE, CHANNELS))]
    side = SIDE
    for filters in FILTERS:
        side = output_side(side, WINDOW, 1, 0)
        shapes.append((f"conv {WINDOW}{SIGN}{WINDOW}", (side, side, filters)))
        side = output_side(side, 2, 2, 0)
        shapes.append((f"pool 2{SIGN}2", (side, side, filters)))
    return [*shapes, *(("dense", (1, 1, units)) for units in UNITS)]


def volumes() -> Drawing:
    """Draw the volumes side by side, to scale in height and width."""
    figure, axes = canvas(2.55)
    shapes = volume_shapes()
    lengths = [0.08 + 0.02 * depth if height > 1 else 0.06 for _, (height, _, depth) in shapes]
    left = 0.15
    for (name, (height, _, depth)), length in zip(shapes, lengths, strict=True):
        flat = height == 1
        side = 0.3 + 0.009 * depth if flat else 0.041 * height
        fill = DENSE_FILL if flat else POOL_FILL if "pool" in name else WINDOW_FILL
        back = 0.06 if flat else side
        x = left + length / 2
        volume(
            axes,
            Box(x, 1.3 - 0.22 * back, length, side),
            back,
            PLAIN_FILL if name == "input" else fill,
        )
        middle = left + (length + 0.45 * back) / 2
        words = thousands(depth) if flat else f"{height}{SIGN}{height}{SIGN}{depth}"
        write(axes, (middle, 0.15), words)
        note(axes, (middle, 2.42), name)
        left += max(length + 0.45 * back, 0.62) + 0.23
    first, last = shapes[0][1], shapes[len(FILTERS) * 2][1]
    return Drawing(
        "diagram-volumes",
        figure,
        f"Volumes of neurons in LeNet, height {SIGN} width {SIGN} depth. From "
        f"{first[0] * first[1]:,} places with {first[2]} values each, two rounds of convolution "
        f"and pooling make {last[0] * last[1]} places with {last[2]} features; then the places "
        "are given up, and dense layers decide.",
        "Blocks from left to right, ever smaller and deeper: "
        + ", ".join(f"{name} {SIGN.join(map(str, shape))}" for name, shape in shapes)
        + ".",
    )
