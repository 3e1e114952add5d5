"""Draw how layers are joined: each branch in a lane of its own, from the input down to the join."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.axes import Axes

from cnnreport.figures.diagrams.shapes import Box, Point, arrow, block, write
from cnnreport.figures.looks import DENSE_FILL, JOIN_FILL, PLAIN_FILL, POOL_FILL, WINDOW_FILL
from cnnreport.formats import thousands
from cnnreport.records import Layer
from cnnreport.topology import Role, Step, role_of

FILLS: Mapping[Role, str] = {
    Role.CONVOLUTION: WINDOW_FILL,
    Role.POOLING: POOL_FILL,
    Role.DENSE: DENSE_FILL,
    Role.JOIN: JOIN_FILL,
}
"""Colour of a layer's box by what it does; all others are plain."""

TIMES = " \N{MULTIPLICATION SIGN} "
ARROW = " \N{RIGHTWARDS ARROW} "

ROW = 0.72
"""Inches from a row of boxes to the next."""

TALL = 0.5
"""Inches, the height of a box."""


def fill_of(role: Role) -> str:
    """Return the colour of a box."""
    return FILLS.get(role, PLAIN_FILL)


def shape_words(shape: Sequence[int]) -> str:
    """Write a shape as ``28 x 28 x 6`` with the sign of multiplication."""
    return TIMES.join(thousands(length) for length in shape)


@dataclass
class Node:
    """A box of the drawing: a layer and those that only adjust its output."""

    layer: Layer
    adjusted_by: list[Layer] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    lane: int = 0
    row: int = 0


def nodes_of(step: Step) -> dict[str, Node]:
    """Return the boxes of a block by the names of their layers, in reading order.

    The block's source, which is no layer of it, is not among them; `Node.before` names it.
    """
    nodes: dict[str, Node] = {}
    holder: dict[str, str] = {}
    readers = [name for layer in step.layers for name in layer.inputs]
    for layer in step.layers:
        first = holder.get(layer.inputs[0])
        alone = len(layer.inputs) == 1 and readers.count(layer.inputs[0]) == 1
        if role_of(layer) is Role.OTHER and alone and first:
            nodes[first].adjusted_by.append(layer)
            holder[layer.name] = first
            continue
        holder[layer.name] = layer.name
        before = [holder.get(name, name) for name in layer.inputs]
        nodes[layer.name] = Node(layer, before=before)
    return nodes


def lay_out(nodes: Mapping[str, Node]) -> int:
    """Give each box its lane and its row, the source being row 0; return the number of lanes.

    Each input of the join has a lane, which is empty for a shortcut, and so has every branch that
    starts within another one.
    """
    for node in nodes.values():
        node.row = 1 + max((nodes[name].row for name in node.before if name in nodes), default=0)
    *inner, join = nodes
    free = set(inner)
    lanes = 0
    for name in nodes[join].before:
        _follow(name, lanes, nodes, free)
        lanes += 1
    for name in reversed(inner):
        if name in free:
            _follow(name, lanes, nodes, free)
            lanes += 1
    return lanes


def _follow(name: str, lane: int, nodes: Mapping[str, Node], free: set[str]) -> None:
    """Put a box and those that it is reached by into a lane, up to one that has its place."""
    while name in free:
        free.remove(name)
        nodes[name].lane = lane
        name = nodes[name].before[0]


def words_of(node: Node, channels: int) -> list[str]:
    """Return the lines in a box: what it is, how many maps become how many, what adjusts them."""
    layer = node.layer
    lines = [title_of(layer)]
    if role_of(layer) is Role.JOIN:
        lines.append(shape_words(layer.output_shape))
    elif layer.output_shape:
        after = layer.output_shape[-1]
        lines.append(f"{thousands(channels)}{ARROW}{thousands(after)} maps")
    own = [layer] if layer.activation else []
    adjusted = [adjustment(each) for each in (*own, *node.adjusted_by)]
    return [*lines, ", ".join(adjusted)] if adjusted else lines


def title_of(layer: Layer) -> str:
    """Return what a layer is called in a box."""
    window = layer.settings.split(" filters ")[-1].removeprefix("pool ").split(",")[0]
    match role_of(layer):
        case Role.CONVOLUTION:
            return f"{window} convolution"
        case Role.POOLING:
            word = "max" if kind_of_pooling(layer) == "maximum" else "average"
            return f"{window} {word} pooling".strip()
        case Role.JOIN:
            return {"Add": "add", "Concatenate": "stack in depth"}.get(layer.kind, layer.kind)
        case Role.DENSE:
            return "dense"
    return layer.kind


def kind_of_pooling(layer: Layer) -> str:
    """Return which value of a window a pooling keeps."""
    return "maximum" if "Max" in layer.kind else "average"


def adjustment(layer: Layer) -> str:
    """Return a short name of a layer that only adjusts what another one gives."""
    names = {"BatchNormalization": "batch norm", "relu": "ReLU"}
    word = layer.activation or layer.kind
    return names.get(word, word.lower())


@dataclass(frozen=True)
class Place:
    """Where the boxes of a block stand in its area."""

    area: Box
    lanes: int

    @property
    def wide(self) -> float:
        """The width of a lane."""
        return self.area.width / self.lanes

    def lane(self, number: int) -> float:
        """Return the x of the middle of a lane."""
        return self.area.left + self.wide * (number + 0.5)

    def entry(self) -> Box:
        """Return the box of the input."""
        return Box(self.area.x, self.area.top - 0.3 - TALL / 2, min(WIDEST, self.area.width), TALL)

    def box(self, node: Node) -> Box:
        """Return the box of a layer; those that join stand in the middle."""
        y = self.entry().y - ROW * node.row
        if role_of(node.layer) is Role.JOIN:
            return Box(self.area.x, y, WIDEST, TALL)
        return Box(self.lane(node.lane), y, min(WIDEST, self.wide - 0.12), TALL)


WIDEST = 1.55
"""Inches, the width of a box that has all the room it wants."""


def block_height(step: Step) -> float:
    """Return the inches that a block needs from its title to its last box."""
    nodes = nodes_of(step)
    lay_out(nodes)
    return 0.3 + TALL + ROW * max(node.row for node in nodes.values()) + 0.08


def draw_block(axes: Axes, area: Box, step: Step, source: Sequence[int], title: str) -> None:
    """Draw a block of branches, its input on top, in an area; `source` is the input's shape."""
    nodes = nodes_of(step)
    place = Place(area, lay_out(nodes))
    boxes = {name: place.box(node) for name, node in nodes.items()}
    write(axes, (area.x, area.top - 0.12), title, fontsize=9)
    block(axes, place.entry(), PLAIN_FILL, ["input", shape_words(source)])
    for name, node in nodes.items():
        depths = [
            nodes[each].layer.output_shape[-1] if each in nodes else source[-1]
            for each in node.before
        ]
        block(axes, boxes[name], fill_of(role_of(node.layer)), words_of(node, depths[0]))
        for number, each in enumerate(node.before):
            lane = place.lane(number) if len(node.before) > 1 else boxes[name].x
            start = boxes.get(each, place.entry())
            arrow(axes, _way(start, boxes[name], lane if each not in nodes else start.x, number))


def _way(start: Box, end: Box, lane: float, number: int) -> list[Point]:
    """Return the corners of a line from a box down a lane to the top of another box.

    Lines of one join end side by side in the order of their numbers.
    """
    x = min(max(lane, end.left + 0.1), end.right - 0.1)
    below, above = start.bottom - 0.09, end.top + 0.1
    points = [(start.x, start.bottom)]
    if abs(lane - start.x) > CLOSE:
        points += [(start.x, below), (lane, below)]
    if abs(lane - x) > CLOSE:
        x += 0.12 * number if lane < x else 0
        points += [(lane, above), (x, above)]
    return [*points, (x, end.top)]


CLOSE = 0.01
"""Inches; what is closer than this stands at the same place."""
