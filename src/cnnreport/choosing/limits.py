"""Who remains within limits, and by which limit and how far each other network is excluded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cnnreport.choosing.criteria import ACCURACY, CRITERIA, Criterion
from cnnreport.statistics import Interval, accuracy_interval
from cnnreport.study import Cell, Study


class Certainty(StrEnum):
    """What has to reach a limit of accuracy: the whole interval, the measured figure, any of it."""

    SURE = "surely"
    MEASURED = "as measured"
    POSSIBLE = "not ruled out"


class Sureness(StrEnum):
    """Where an interval of an accuracy lies: above a limit, around it or below it.

    Around it, the measured figure says which side is the likelier one.
    """

    SURELY = "surely"
    PROBABLY = "probably"
    PROBABLY_NOT = "probably not"
    SURELY_NOT = "surely not"


@dataclass(frozen=True)
class Limits:
    """Limits by the key of their criterion, in the unit of the results."""

    bounds: Mapping[str, float] = field(default_factory=dict)
    certainty: Certainty = Certainty.MEASURED


@dataclass(frozen=True)
class Miss:
    """A limit that a network does not meet; `value` is None where it was not measured."""

    criterion: Criterion
    value: float | None
    limit: float

    @property
    def times(self) -> float:
        """How far it is missed, as a factor above 1."""
        if self.value is None:
            return math.inf
        larger, smaller = max(self.value, self.limit), min(self.value, self.limit)
        return float(larger) / float(smaller) if smaller > 0 else math.inf


@dataclass(frozen=True, eq=False)
class Candidate:
    """A network held against limits: what it misses, and how sure its accuracy is."""

    cell: Cell
    misses: tuple[Miss, ...]
    sureness: Sureness | None

    @property
    def remains(self) -> bool:
        """Whether it meets every limit."""
        return not self.misses


def sureness(cell: Cell, limit: float) -> Sureness:
    """Say where the interval of a test accuracy lies from a limit."""
    interval = accuracy_interval(cell)
    if interval.low >= limit:
        return Sureness.SURELY
    if cell.metrics.accuracy >= limit:
        return Sureness.PROBABLY
    return Sureness.PROBABLY_NOT if interval.high >= limit else Sureness.SURELY_NOT


def candidates(study: Study, dataset: str, limits: Limits) -> list[Candidate]:
    """Hold every network of an image set against limits, in the order of the study."""
    return [_held(cell, limits) for cell in study.cells_of(dataset)]


def remaining(study: Study, dataset: str, limits: Limits) -> list[str]:
    """Return the networks that meet every limit, in the order of the study."""
    return [each.cell.model for each in candidates(study, dataset, limits) if each.remains]


def nearest(held: Sequence[Candidate]) -> list[Candidate]:
    """Return the networks that miss the fewest limits, where none remains.

    Of those that miss the same limits it is the one whose widest miss is the least, as a factor:
    how far a limit of one kind is missed says nothing beside a limit of another kind.
    """
    fewest = min(len(each.misses) for each in held)
    found: dict[tuple[str, ...], Candidate] = {}
    for each in held:
        kinds = tuple(miss.criterion.key for miss in each.misses)
        if len(kinds) == fewest and (kinds not in found or _widest(each) < _widest(found[kinds])):
            found[kinds] = each
    return list(found.values())


def _widest(held: Candidate) -> float:
    return max(miss.times for miss in held.misses)


def _held(cell: Cell, limits: Limits) -> Candidate:
    misses = [
        Miss(criterion, value, limits.bounds[key])
        for key, criterion in CRITERIA.items()
        if key in limits.bounds
        for value in [_decisive(cell, criterion, limits.certainty)]
        if value is None or not criterion.fits(value, limits.bounds[key])
    ]
    limit = limits.bounds.get(ACCURACY.key)
    return Candidate(cell, tuple(misses), None if limit is None else sureness(cell, limit))


def _decisive(cell: Cell, criterion: Criterion, certainty: Certainty) -> float | None:
    if criterion is not ACCURACY or certainty is Certainty.MEASURED:
        return criterion.of(cell)
    interval: Interval = accuracy_interval(cell)
    return interval.low if certainty is Certainty.SURE else interval.high
