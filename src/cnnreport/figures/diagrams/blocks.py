"""Draw the two blocks that the deep networks are made of: the inception and the residual block.

Chapter 4 shows them with the widths of the papers, whatever networks a study has; a network's
own page shows the blocks of its record.
"""

from cnnreport.figures.diagrams.paths import block_height, draw_block
from cnnreport.figures.diagrams.shapes import Box, canvas
from cnnreport.figures.drawing import WIDTH, Drawing
from cnnreport.formats import percent, thousands
from cnnreport.records import Layer
from cnnreport.topology import Step

SIZE = (28, 28)
"""Height and width of the maps at module 3a: Szegedy et al. 2015, table 1."""

MAPS, ONES, REDUCED_3, THREES, REDUCED_5, FIVES, POOLED = 192, 64, 96, 128, 16, 32, 32
"""Maps that enter module 3a, and the widths of its filters, in the table's order."""

STAGE = (56, 56)
"""Height and width of the maps in stage 2 of ResNet-50: He et al. 2016, table 1."""

ENTERING, NARROW, BROAD = 64, 64, 256
"""Maps that enter stage 2, and widths within and behind its blocks: the same table."""

SIGN = "\N{MULTIPLICATION SIGN}"


def inception_module() -> Drawing:
    """Draw inception module 3a with the widths of the paper."""
    step = inception_step()
    figure, axes = canvas(block_height(step))
    area = Box(WIDTH / 2, block_height(step) / 2, WIDTH, block_height(step))
    draw_block(axes, area, step, [*SIZE, MAPS], "")
    direct = 5 * 5 * MAPS * FIVES
    reduced = MAPS * REDUCED_5 + 5 * 5 * REDUCED_5 * FIVES
    return Drawing(
        "diagram-inception",
        figure,
        "An inception module looks at the same input through windows of three sizes and a "
        f"pooling, and stacks what they find. The 1{SIGN}1 convolutions ahead of the large "
        f"windows make it affordable: the way with 5{SIGN}5 filters has {thousands(reduced)} "
        f"weights instead of {thousands(direct)}, that is {percent(reduced / direct)}. Widths of "
        "module 3a in the paper.",
        f"One input of {MAPS} maps leads into four branches: 1{SIGN}1 filters; 1{SIGN}1 then "
        f"3{SIGN}3 filters; 1{SIGN}1 then 5{SIGN}5 filters; maximum pooling then 1{SIGN}1 "
        f"filters. Their outputs are stacked to {inception_step().lead.output_shape[-1]} maps.",
    )


def inception_step() -> Step:
    """Return inception module 3a as a block of layers."""
    pool = Layer("pool", "MaxPooling2D", [*SIZE, MAPS], 0, "", f"pool 3{SIGN}3", ["input"])
    reduce_3 = _convolution("reduce3", 1, REDUCED_3, "input", SIZE)
    reduce_5 = _convolution("reduce5", 1, REDUCED_5, "input", SIZE)
    views = [
        _convolution("ones", 1, ONES, "input", SIZE),
        _convolution("threes", 3, THREES, reduce_3.name, SIZE),
        _convolution("fives", 5, FIVES, reduce_5.name, SIZE),
        _convolution("pooled", 1, POOLED, pool.name, SIZE),
    ]
    depth = sum(view.output_shape[-1] for view in views)
    names = [view.name for view in views]
    stack = Layer("stack", "Concatenate", [*SIZE, depth], 0, "", "", names)
    return Step((pool, reduce_3, reduce_5, *views, stack), stack)


def residual_blocks() -> Drawing:
    """Draw three layers without a shortcut, with an unchanged one and with a projection."""
    panels = [
        (plain_step(), BROAD, "plain"),
        (residual_step(projected=False), BROAD, "residual, shortcut unchanged"),
        (residual_step(projected=True), ENTERING, "residual, shortcut projected"),
    ]
    height = max(block_height(step) for step, _, _ in panels)
    figure, axes = canvas(height)
    widths = (1.75, 2.55, 2.7)
    left = 0.0
    for (step, maps, title), width in zip(panels, widths, strict=True):
        area = Box(left + width / 2, height / 2, width, height)
        draw_block(axes, area, step, [*STAGE, maps], title)
        left += width
    inside = BROAD * NARROW + 3 * 3 * NARROW * NARROW + NARROW * BROAD
    direct = 2 * 3 * 3 * BROAD * BROAD
    return Drawing(
        "diagram-residual",
        figure,
        "Left, the layers have to produce the whole output; in the middle, only what is to be "
        "added to the input, which goes past them unchanged and costs nothing. Right, where the "
        f"number of maps changes, a 1{SIGN}1 convolution brings the shortcut to the new one. The "
        f"narrow middle saves weights: the three convolutions have {thousands(inside)}, two of "
        f"3{SIGN}3 on all {BROAD} maps would have {thousands(direct)}. Sizes of ResNet-50's "
        "stage 2, the first that has blocks, in the paper.",
        f"Three columns, each with a 1{SIGN}1, a 3{SIGN}3 and a 1{SIGN}1 convolution. The first "
        "has no shortcut; in the second a line leads from the input to an addition below; in the "
        f"third this line passes a 1{SIGN}1 convolution.",
    )


def plain_step() -> Step:
    """Return the three convolutions of a bottleneck without a shortcut, each with its rectifier."""
    layers = [*_bottleneck("input")]
    relu = _plain("relu3", "Activation", layers[-1], "relu")
    return Step((*layers, relu))


def residual_step(*, projected: bool) -> Step:
    """Return a bottleneck block whose shortcut is a projection or nothing at all."""
    layers = [*_bottleneck("input")]
    last = layers[-1].name
    shortcut = "input"
    if projected:
        convolution = _convolution("shortcut", 1, BROAD, "input", STAGE)
        layers += [convolution, _plain("shortcut_bn", "BatchNormalization", convolution)]
        shortcut = "shortcut_bn"
    add = Layer("add", "Add", [*STAGE, BROAD], 0, "", "", [last, shortcut])
    return Step((*layers, add, _plain("relu3", "Activation", add, "relu")), add)


def _bottleneck(before: str) -> list[Layer]:
    layers: list[Layer] = []
    for number, (side, maps) in enumerate(((1, NARROW), (3, NARROW), (1, BROAD)), start=1):
        convolution = _convolution(f"conv{number}", side, maps, before, STAGE)
        norm = _plain(f"bn{number}", "BatchNormalization", convolution)
        layers += [convolution, norm]
        before = norm.name
        if number < 3:
            layers.append(_plain(f"relu{number}", "Activation", norm, "relu"))
            before = layers[-1].name
    return layers


def _convolution(name: str, side: int, maps: int, before: str, size: tuple[int, int]) -> Layer:
    settings = f"{maps} filters {side}{SIGN}{side}, stride 1, same"
    return Layer(name, "Conv2D", [*size, maps], 0, "", settings, [before])


def _plain(name: str, kind: str, like: Layer, activation: str = "") -> Layer:
    return Layer(name, kind, like.output_shape, 0, activation, "", [like.name])
