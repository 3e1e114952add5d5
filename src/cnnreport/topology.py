"""Find the shape of a network in its record: the way through it, its blocks and its side heads.

Nothing here knows a network by its name: all follows from kinds, shapes and inputs of the layers.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from cnnreport.quantities import deepest_path
from cnnreport.records import Architecture, Layer


class Role(StrEnum):
    """What a layer does, as far as a diagram tells kinds of layers apart."""

    INPUT = "input"
    CONVOLUTION = "convolution"
    POOLING = "pooling"
    DENSE = "dense"
    PADDING = "padding"
    JOIN = "join"
    OTHER = "other"


def role_of(layer: Layer) -> Role:
    """Return what a layer does, by its kind as Keras names it."""
    kind = layer.kind
    if kind == "InputLayer":
        return Role.INPUT
    if "Conv" in kind:
        return Role.CONVOLUTION
    if "Pooling" in kind:
        return Role.POOLING
    if "Padding" in kind:
        return Role.PADDING
    if kind == "Dense":
        return Role.DENSE
    return Role.JOIN if len(layer.inputs) > 1 else Role.OTHER


@dataclass(frozen=True)
class Step:
    """Layers that are one step of the way: a layer with what only adjusts its output, or a block.

    `layers` stand in reading order. `joined` is the layer at which the branches of a block meet;
    None for a step without branches.
    """

    layers: tuple[Layer, ...]
    joined: Layer | None = None

    @property
    def lead(self) -> Layer:
        """The layer that gives the step its name and the shape of its output."""
        return self.joined or self.layers[0]

    @property
    def role(self) -> Role:
        """What the step does; that of a block is to join."""
        return Role.JOIN if self.joined else role_of(self.lead)

    @property
    def parameters(self) -> int:
        """The parameters of all its layers."""
        return sum(layer.parameters for layer in self.layers)


def trunk(architecture: Architecture) -> list[Layer]:
    """Return the layers that the deepest classifier needs, in reading order.

    What is left over are heads beside it, which only a training may need, and what puts the
    answers of several heads together.
    """
    path = deepest_path(architecture.layers)
    last = path[-1] if path else architecture.layers[-1]
    needed = {last.name}
    for layer in reversed(architecture.layers):
        if layer.name in needed:
            needed.update(layer.inputs)
    return [layer for layer in architecture.layers if layer.name in needed]


def steps(layers: Sequence[Layer]) -> list[Step]:
    """Return the steps of a trunk.

    A block lies between two layers that every way passes; a layer that changes neither the
    number of values nor computes with windows (normalisation, activation, dropout, rearranging)
    belongs to the step before it.
    """
    found: list[Step] = []
    inner: list[Layer] = []
    passed = _passed_by_all(layers)
    for layer in layers:
        inner.append(layer)
        if layer.name not in passed:
            continue
        if len(inner) > 1:
            found.append(Step(tuple(inner), layer))
        elif found and _only_adjusts(layer, found[-1].layers[-1]):
            found[-1] = Step((*found[-1].layers, layer), found[-1].joined)
        else:
            found.append(Step((layer,)))
        inner = []
    return found


def _passed_by_all(layers: Sequence[Layer]) -> set[str]:
    """Return the layers that no connection bypasses."""
    place = {layer.name: position for position, layer in enumerate(layers)}
    reach = dict.fromkeys(place, 0)
    for layer in layers:
        for name in layer.inputs:
            reach[name] = max(reach[name], place[layer.name])
    passed, furthest = set(), 0
    for position, layer in enumerate(layers):
        if furthest <= position:
            passed.add(layer.name)
        furthest = max(furthest, reach[layer.name])
    return passed


def _only_adjusts(layer: Layer, before: Layer) -> bool:
    return role_of(layer) in {Role.OTHER, Role.JOIN} and (
        math.prod(layer.output_shape) == math.prod(before.output_shape)
    )


def repeated(found: Sequence[Step]) -> list[list[Step]]:
    """Return steps in groups: those that follow each other, do the same and keep the map's size.

    Only convolutions and blocks are grouped; dense layers and poolings stand alone.
    """
    groups: list[list[Step]] = []
    for _, members in groupby(found, key=_likeness):
        same = list(members)
        together = same[0].role in {Role.CONVOLUTION, Role.JOIN}
        groups += [same] if together else [[step] for step in same]
    return groups


def _likeness(step: Step) -> tuple[object, ...]:
    lead = step.lead
    window = "" if step.joined else _window(lead.settings)
    return (step.role, lead.kind, window, *lead.output_shape[:-1])


def _window(settings: str) -> str:
    match = _CONVOLUTION.search(settings)
    return match["window"] if match else ""


@dataclass(frozen=True)
class Head:
    """A classifier beside the trunk: the layer of the trunk that it reads from, and its own."""

    source: str
    layers: tuple[Layer, ...]


def side_heads(architecture: Architecture) -> list[Head]:
    """Return the heads beside the trunk, in reading order."""
    main = [layer.name for layer in trunk(architecture)]
    end = {main[-1]}
    heads: dict[str, tuple[str, list[Layer]]] = {}
    member: dict[str, str] = {}
    for layer in architecture.layers:
        if layer.name in main:
            continue
        if end & set(layer.inputs):
            end.add(layer.name)
            continue
        key = next((member[name] for name in layer.inputs if name in member), layer.name)
        member[layer.name] = key
        heads.setdefault(key, (layer.inputs[0], []))[1].append(layer)
    return [Head(source, tuple(layers)) for source, layers in heads.values()]


_CONVOLUTION = re.compile(
    r"(?P<filters>\d+) filters (?P<window>(?P<rows>\d+)\N{MULTIPLICATION SIGN}(?P<columns>\d+))"
)
_GROUPS = re.compile(r"(\d+) groups")


def layer_macs(architecture: Architecture) -> dict[str, int] | None:
    """Return the multiply-accumulates of each layer with a kernel, by name.

    They follow from the record as in `cnnreport.models.inspection.layer_macs`: at each position
    of the output every weight of the kernel is used once. None where the record does not say
    enough, that is, where they do not add up to its own total.
    """
    shapes = {layer.name: layer.output_shape for layer in architecture.layers}
    counts = {layer.name: _macs(layer, shapes) for layer in architecture.layers}
    needed = {layer.name for layer in trunk(architecture)}
    for names in (set(counts), needed):
        if sum(counts[name] for name in names) == architecture.macs:
            return {name: count for name, count in counts.items() if name in names and count}
    return None


def _macs(layer: Layer, shapes: Mapping[str, Sequence[int]]) -> int:
    before = shapes[layer.inputs[0]] if layer.inputs else []
    if layer.kind == "Dense":
        return math.prod(layer.output_shape) * before[-1]
    match = _CONVOLUTION.search(layer.settings)
    if layer.kind != "Conv2D" or not match:
        return 0
    groups = _GROUPS.search(layer.settings)
    channels = before[-1] // (int(groups[1]) if groups else 1)
    return math.prod(layer.output_shape) * int(match["rows"]) * int(match["columns"]) * channels
