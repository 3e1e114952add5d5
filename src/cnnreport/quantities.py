"""What a claim can measure networks by, and how two figures of a kind stand to each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import fmean, variance

from cnnreport.evidence import derive
from cnnreport.formats import macs, milliseconds, percent, points, seconds, thousands
from cnnreport.records import Architecture, Layer
from cnnreport.statistics import (
    Interval,
    Spread,
    accuracy_interval,
    evident_interval,
    over_seeds,
)
from cnnreport.study import Cell

TIME_SLACK = 1 / 3
"""How far, as a share, a measured time is taken to be off either way.

The same training took nearly twice as long on the same machine when that had other work, so two
times are told apart from a factor of two on.
"""

WITH_KERNEL = ("Conv2D", "Dense")
"""Kinds of layers that count as layers of a network in the literature: those with a kernel."""


class Relation(StrEnum):
    """How a figure stands to another one of its kind.

    `LEVEL`: they cannot be told apart. `EQUAL`: they are the same, and no chance is at work.
    """

    MORE = "more"
    LESS = "less"
    LEVEL = "level"
    EQUAL = "equal"


@dataclass(frozen=True)
class Figure:
    """A value and the span that chance may have put it in; no span where it was counted."""

    value: float
    span: Interval | None = None


@dataclass(frozen=True)
class Measure:
    """What a quantity is called, how its figures are written and how it is taken from a cell."""

    title: str
    write: Callable[[float], str]
    of: Callable[[Cell], Figure]


def relation_between(a: Figure, b: Figure) -> Relation:
    """Say how a stands to b; figures with a span are told apart where their spans do not meet.

    For two accuracies this would be stricter than need be, since their images are the same ones:
    `cnnreport.judgements` compares those by the adjusted p-value of the pair.
    """
    if a.span is None and b.span is None and a.value == b.value:
        return Relation.EQUAL
    first, second = (figure.span or Interval(figure.value, figure.value) for figure in (a, b))
    if first.low > second.high:
        return Relation.MORE
    return Relation.LESS if first.high < second.low else Relation.LEVEL


def deepest_path(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers with a kernel on the way that passes most of them, in order.

    `layers` stand in the order of computation, as `cnnreport.records.Architecture` has them.
    """
    paths: dict[str, list[Layer]] = {}
    for layer in layers:
        before = max((paths.get(name, []) for name in layer.inputs), key=len, default=[])
        paths[layer.name] = [*before, layer] if layer.kind in WITH_KERNEL else before
    return max(paths.values(), key=len, default=[])


def depth(architecture: Architecture) -> int:
    """Return the depth of a network: the layers with a kernel on its `deepest_path`."""
    path = deepest_path(architecture.layers)
    how = f"layers of the kinds {' and '.join(WITH_KERNEL)} on the longest way through the network"
    return derive(len(path), how, *(layer.parameters for layer in path))


def _accuracy(cell: Cell) -> Figure:
    return Figure(cell.metrics.accuracy, accuracy_interval(cell))


def train_accuracy_interval(cell: Cell) -> Interval:
    """Return the interval of a training accuracy, made as that of the test accuracy.

    Which training images were right is not stored, so they count as if they were the same ones
    for each seed, which widens it a little.
    """
    last = [run.history[-1].train_accuracy for run in cell.runs]
    by_run, images = list(map(float, last)), cell.metrics.images_seen // cell.metrics.epochs
    share, runs = fmean(by_run), len(by_run)
    spread = Spread(share * (1 - share) / images)
    if runs > 1:
        spread = replace(spread, seeds=variance(by_run) / runs, free=runs - 1)
    interval = over_seeds(share, images, spread)
    return evident_interval(interval, "Wilson's interval of the training accuracy", *last)


def _train_accuracy(cell: Cell) -> Figure:
    return Figure(cell.metrics.train_accuracy, train_accuracy_interval(cell))


def _gap(cell: Cell) -> Figure:
    trained, tested = train_accuracy_interval(cell), accuracy_interval(cell)
    span = Interval(trained.low - tested.high, trained.high - tested.low)
    return Figure(cell.metrics.train_accuracy - cell.metrics.accuracy, span)


def _train_seconds(cell: Cell) -> Figure:
    times = [run.training.train_seconds for run in cell.runs]
    span = Interval(min(times) * (1 - TIME_SLACK), max(times) * (1 + TIME_SLACK))
    return Figure(cell.train_seconds, span)


def _train_ms_per_image(cell: Cell) -> Figure:
    images, time = cell.metrics.images_seen, _train_seconds(cell)
    assert time.span is not None
    span = Interval(1000 * time.span.low / images, 1000 * time.span.high / images)
    return Figure(1000 * time.value / images, span)


MEASURES: dict[str, Measure] = {
    "accuracy": Measure("test accuracy", percent, _accuracy),
    "train_accuracy": Measure("training accuracy", percent, _train_accuracy),
    "gap": Measure("training less test accuracy", points, _gap),
    "parameters": Measure("parameters", thousands, lambda cell: Figure(cell.metrics.parameters)),
    "macs": Measure("multiply-accumulates an image", macs, lambda cell: Figure(cell.metrics.macs)),
    "layers": Measure("depth", thousands, lambda cell: Figure(depth(cell.architecture))),
    "train_seconds": Measure("training time", seconds, _train_seconds),
    "train_ms_per_image": Measure("training time an image", milliseconds, _train_ms_per_image),
}
"""All quantities by the names that `cnnreport.predicates.QUANTITIES` lists."""
