"""Draw a network from the record of how it was built: its way step by step, and its blocks."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnnreport.figures.diagrams.paths import (
    block_height,
    draw_block,
    fill_of,
    kind_of_pooling,
    shape_words,
)
from cnnreport.figures.diagrams.shapes import LINE, Box, Point, arrow, canvas, note, volume, write
from cnnreport.figures.drawing import WIDTH, Drawing
from cnnreport.figures.looks import GRID, MUTED, Look
from cnnreport.formats import in_words, listing, macs, percent, plural, thousands
from cnnreport.quantities import depth
from cnnreport.records import Architecture, Layer
from cnnreport.study import Cell
from cnnreport.topology import (
    Head,
    Role,
    Step,
    layer_macs,
    repeated,
    role_of,
    side_heads,
    steps,
    trunk,
)

ROW = 0.4
"""Inches, the height of a row."""

TOP = 0.4
"""Inches, the height of the headers."""

ICON = 0.62
WORDS = 1.28
SHAPE = 4.7
COUNT = 5.78
WORK = 6.95
"""Inches from the left: the middle of the drawn volumes, the left of the words, and the right sides
of the columns of shapes, parameters and multiply-accumulates."""

BAR = 0.95
"""Inches, the length of a bar of 100 %."""


@dataclass(frozen=True)
class Row:
    """What one row of the drawing shows; `work` is None where the record does not tell it."""

    role: Role
    title: str
    names: str
    shape: Sequence[int]
    parameters: int
    work: int | None
    beside: bool = False


def architecture(cell: Cell, look: Look, title: str) -> Drawing:
    """Draw all steps of a network downwards, each with its shape, its weights and its work.

    Args:
        cell: the network as built for an image set.
        look: how the network is named.
        title: what the image set is called.

    """
    record = cell.architecture
    rows = rows_of(record)
    figure, axes = canvas(TOP + ROW * len(rows) + 0.05)
    top = TOP + ROW * len(rows) + 0.05
    _headers(axes, top, counted=layer_macs(record) is not None)
    for number, row in enumerate(rows):
        middle = top - TOP - ROW * (number + 0.5)
        _row(axes, middle, row, rows)
        if number + 1 < len(rows) and not rows[number + 1].beside:
            below = middle - ROW / 2
            arrow(axes, [(ICON, below + 0.07), (ICON, below - 0.05)])
    return Drawing(
        f"{cell.dataset}-{cell.model}-architecture",
        figure,
        _caption(record, look, title),
        f"{look.title} from its input to its answer: {'; '.join(_spoken(row) for row in rows)}.",
    )


def rows_of(record: Architecture) -> list[Row]:
    """Return the rows of a network's drawing, the heads beside its trunk last."""
    work = layer_macs(record)
    main = [_row_of(group, work) for group in repeated(steps(trunk(record)))]
    return [*main, *(_row_of_head(head, work) for head in side_heads(record))]


def _row_of(group: Sequence[Step], work: dict[str, int] | None) -> Row:
    lead = group[0].lead
    names = lead.name if len(group) == 1 else f"{lead.name} to {group[-1].lead.name}"
    layers = [layer for step in group for layer in step.layers]
    return Row(
        group[0].role,
        step_words(group),
        names,
        group[-1].lead.output_shape,
        sum(step.parameters for step in group),
        _work_of(layers, work),
    )


def _row_of_head(head: Head, work: dict[str, int] | None) -> Row:
    roles = [role_of(layer) for layer in head.layers]
    parts = [
        plural(roles.count(role), name)
        for role, name in ((Role.CONVOLUTION, "convolution"), (Role.DENSE, "dense layer"))
        if role in roles
    ]
    return Row(
        Role.DENSE,
        f"a head beside it: {listing(parts) or plural(len(roles), 'layer')}",
        f"{head.layers[0].name} to {head.layers[-1].name}, reads {head.source}",
        head.layers[-1].output_shape,
        sum(layer.parameters for layer in head.layers),
        _work_of(head.layers, work),
        beside=True,
    )


def _work_of(layers: Sequence[Layer], work: dict[str, int] | None) -> int | None:
    return None if work is None else sum(work.get(layer.name, 0) for layer in layers)


def step_words(group: Sequence[Step]) -> str:
    """Return what steps of one kind do: ``2 x convolution 3x3, 64 filters``."""
    lead = group[0].lead
    often = f"{len(group)} \N{MULTIPLICATION SIGN} " if len(group) > 1 else ""
    if group[0].joined:
        how = {"Add": "added up", "Concatenate": "stacked"}.get(lead.kind, lead.kind)
        return f"{often}block of {plural(len(lead.inputs), 'way', words=True)}, {how}"
    if group[0].role is Role.CONVOLUTION:
        return f"{often}{_convolution(group)}"
    return _WORDS[group[0].role](lead)


def _convolution(group: Sequence[Step]) -> str:
    settings = group[0].lead.settings.split(", ")
    window = settings[0].split(" filters ")[-1]
    return f"convolution {window}, {_filters(group)} filters{_stride(settings)}".removesuffix(
        ", stride 1"
    )


def _pooling(layer: Layer) -> str:
    settings = layer.settings.split(", ")
    window = settings[0].removeprefix("pool ")
    often = "global " if "Global" in layer.kind else ""
    return f"{often}{kind_of_pooling(layer)} pooling {window}".strip() + _stride(settings)


def _dense(layer: Layer) -> str:
    answer = f", {layer.activation}" if layer.activation not in {"", "relu"} else ""
    return f"dense, {thousands(layer.output_shape[-1])} units{answer}"


_WORDS: Mapping[Role, Callable[[Layer], str]] = {
    Role.INPUT: lambda _: "image",
    Role.POOLING: _pooling,
    Role.DENSE: _dense,
    Role.PADDING: lambda layer: ", ".join(filter(None, ["zero padding", layer.settings])),
    Role.JOIN: lambda layer: layer.kind,
    Role.OTHER: lambda layer: layer.kind,
}
"""How a step of one layer is put into words."""


def _filters(group: Sequence[Step]) -> str:
    depths = [thousands(step.lead.output_shape[-1]) for step in group]
    return depths[0] if len(set(depths)) == 1 else "/".join(depths)


def _stride(settings: Sequence[str]) -> str:
    """Say how far a window moves."""
    return "".join(f", {each}" for each in settings if each.startswith("stride "))


def _headers(axes: Axes, top: float, *, counted: bool) -> None:
    y = top - 0.14
    note(axes, (WORDS, y), "step and name in the code", ha="left")
    note(axes, (SHAPE, y), "output", ha="right")
    note(axes, (COUNT, y), "parameters", ha="right")
    if counted:
        note(axes, (WORK, y), "multiply-accumulates", ha="right")
    axes.plot([WORDS, WORK], [top - 0.27] * 2, color=GRID, linewidth=LINE)


def _row(axes: Axes, y: float, row: Row, rows: Sequence[Row]) -> None:
    _icon(axes, (ICON, y), row, rows)
    write(axes, (WORDS, y + 0.075), row.title, ha="left")
    note(axes, (WORDS, y - 0.075), row.names, ha="left", fontsize=6.5)
    write(axes, (SHAPE, y + 0.075), shape_words(row.shape), ha="right")
    if row.parameters:
        write(axes, (COUNT, y + 0.075), thousands(row.parameters), ha="right")
        _bar(axes, (COUNT, y - 0.075), row.parameters / sum(each.parameters for each in rows))
    if row.work:
        write(axes, (WORK, y + 0.075), macs(row.work), ha="right")
        _bar(axes, (WORK, y - 0.075), row.work / sum(each.work or 0 for each in rows))


def _bar(axes: Axes, right: Point, share: float) -> None:
    """Draw a share of a column's sum as a bar that ends at a point, on the length of the whole."""
    for length, color in ((BAR, GRID), (BAR * share, MUTED)):
        corner = (right[0] - length, right[1] - 0.035)
        axes.add_patch(Rectangle(corner, length, 0.07, facecolor=color, linewidth=0))


def _icon(axes: Axes, at: Point, row: Row, rows: Sequence[Row]) -> None:
    """Draw a volume: as tall as the map has rows, as long as its depth's logarithm."""
    tallest = max(each.shape[0] for each in rows if len(each.shape) == 3) if _maps(rows) else 1
    deepest = max(each.shape[-1] for each in rows)
    length = 0.06 + 0.6 * math.log(max(row.shape[-1], 1)) / math.log(max(deepest, 2))
    side = max(0.04, 0.22 * row.shape[0] / tallest) if len(row.shape) == 3 else 0.04
    run = 0.45 * side
    box = Box(at[0] - run / 2, at[1] - run / 2, length, side)
    volume(axes, box, side, fill_of(row.role))


def _maps(rows: Sequence[Row]) -> bool:
    return any(len(row.shape) == 3 for row in rows)


def _spoken(row: Row) -> str:
    output = shape_words(row.shape)
    weights = f", {plural(row.parameters, 'parameter')}" if row.parameters else ""
    return f"{row.title} ({output}{weights})"


def _caption(record: Architecture, look: Look, title: str) -> str:
    layers = trunk(record)
    maps = [layer.output_shape for layer in layers if len(layer.output_shape) == 3]
    parts = [
        f"{look.title}, built for the image set {title}, has "
        f"{plural(depth(record), 'layer')} with weights on its longest way and "
        f"{plural(record.parameters, 'parameter')} in all."
    ]
    if len(maps) > 1:
        first, last = maps[0], maps[-1]
        parts.append(f"On the way, {_places(first)} become {_places(last)}.")
    parts.append(_where(record))
    if heads := side_heads(record):
        parts.append(f"Of the rows, the last {in_words(len(heads))} stand beside this way.")
    parts.append(
        "Bars are shares of their column; a drawn volume is as tall as its maps and as long as "
        "the logarithm of their number."
    )
    return " ".join(parts)


def _places(shape: Sequence[int]) -> str:
    noun = "place" if shape[0] * shape[1] == 1 else "places"
    return f"{shape_words(shape[:2])} {noun} of depth {thousands(shape[2])}"


def _where(record: Architecture) -> str:
    """Say where the weights are and where the work is done."""
    dense = sum(layer.parameters for layer in record.layers if role_of(layer) is Role.DENSE)
    finding = f"Dense layers hold {percent(dense / record.parameters)} of the parameters"
    work = layer_macs(record)
    if not work:
        return f"{finding}."
    kinds = {layer.name: role_of(layer) for layer in record.layers}
    windows = sum(count for name, count in work.items() if kinds[name] is Role.CONVOLUTION)
    return f"{finding}, convolutions do {percent(windows / record.macs)} of the work."


def blocks(cell: Cell, look: Look, title: str) -> Drawing | None:
    """Draw the first block of a network, and the first that is built in another way, if any.

    None for a network without branches.
    """
    found = _two_kinds(steps(trunk(cell.architecture)))
    if not found:
        return None
    shapes = {layer.name: layer.output_shape for layer in cell.architecture.layers}
    sources = [_source(step) for step in found]
    height = max(block_height(step) for step in found)
    figure, axes = canvas(height)
    wide = WIDTH / len(found)
    for number, (step, source) in enumerate(zip(found, sources, strict=True)):
        area = Box(wide * (number + 0.5), height / 2, wide, height)
        draw_block(axes, area, step, shapes[source], step.lead.name)
    findings = [
        f"{step.lead.name} sends {shape_words(shapes[source])} values along "
        f"{plural(len(step.lead.inputs), 'way', words=True)} and {_end(step.lead)}, "
        f"with {plural(step.parameters, 'parameter')}"
        for step, source in zip(found, sources, strict=True)
    ]
    which = "first block" if len(found) == 1 else "first blocks of two kinds"
    return Drawing(
        f"{cell.dataset}-{cell.model}-block",
        figure,
        f"The {which} in {look.title}, built for the image set {title}: {'; '.join(findings)}.",
        f"Boxes joined by arrows; {'; '.join(_layers_of(step) for step in found)}.",
    )


def _end(joined: Layer) -> str:
    """Say what becomes of the ways of a block where they meet."""
    how = {"Add": "adds them up", "Concatenate": "stacks them"}.get(joined.kind, "joins them")
    return f"{how} to {shape_words(joined.output_shape)}"


def _layers_of(step: Step) -> str:
    return f"{step.lead.name}: {listing([layer.name for layer in step.layers])}"


def _two_kinds(found: Sequence[Step]) -> list[Step]:
    """Return the first block and the next with other kinds of layers in it."""
    first: dict[tuple[str, ...], Step] = {}
    for step in found:
        if step.joined:
            first.setdefault(tuple(layer.kind for layer in step.layers), step)
    return list(first.values())[:2]


def _source(step: Step) -> str:
    """Return the layer that a block reads from."""
    own = {layer.name for layer in step.layers}
    return next(name for layer in step.layers for name in layer.inputs if name not in own)
