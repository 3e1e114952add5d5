"""What a network can be chosen by, how it is written and in which units a person limits it."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cnnreport.errors import InputError
from cnnreport.evidence import derive
from cnnreport.formats import listing, macs, mebibytes, milliseconds, percent, seconds, thousands
from cnnreport.study import Cell

BATCH = 128
"""Images in the batches that images a second are counted in."""


@dataclass(frozen=True)
class Criterion:
    """A quantity of a cell that a person may limit.

    `label` names it on its own and `best` in the superlative; `behind` is what stands after a
    figure of it. `more` says that more is better. A person gives a limit in `unit`, which is `size`
    in the unit of the results; `units` are those that a command line may name, `round_in` the
    sizes in which it is written, rising. `timed` says that a clock measured it, on a machine that
    may have done other work. `of` returns None where it was not measured.
    """

    key: str
    label: str
    best: str
    behind: str
    write: Callable[[float], str]
    of: Callable[[Cell], float | None]
    unit: str
    size: float
    units: Mapping[str, float]
    round_in: tuple[float, ...] = (1.0,)
    more: bool = False
    timed: bool = False

    def fits(self, value: float, limit: float) -> bool:
        """Say whether a value is within a limit."""
        return value >= limit if self.more else value <= limit

    def order(self, cell: Cell) -> float:
        """Return a number to sort by, the best first; what was not measured comes last."""
        value = self.of(cell)
        if value is None:
            return math.inf
        return -float(value) if self.more else float(value)

    def phrase(self, value: float) -> str:
        """Write a figure with what it counts: ``62,006 parameters``."""
        return f"{self.write(value)} {self.behind}"

    @property
    def bound(self) -> str:
        """How a limit of it is called: at least or at most."""
        return "at least" if self.more else "at most"


def _images_a_second(cell: Cell) -> float | None:
    duration = cell.latency_ms(BATCH)
    if duration is None:
        return None
    how = f"images of a batch of {BATCH}, divided by its seconds"
    return derive(1000 * BATCH / float(duration), how, duration)


def _peak_memory(cell: Cell) -> float:
    # `max` returns one of them, which knows its own run.
    return max(run.training.peak_memory_mib for run in cell.runs)


_COUNTS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_SECONDS = {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0}

ACCURACY = Criterion(
    "accuracy",
    "test accuracy",
    "highest test accuracy",
    "test accuracy",
    percent,
    lambda cell: cell.metrics.accuracy,
    "%",
    0.01,
    {"": 0.01, "%": 0.01},
    round_in=(0.01,),
    more=True,
)

COSTS = (
    Criterion(
        "parameters",
        "parameters",
        "fewest parameters",
        "parameters",
        thousands,
        lambda cell: cell.metrics.parameters,
        "million",
        1e6,
        _COUNTS,
    ),
    Criterion(
        "macs",
        "MACs an image",
        "fewest MACs an image",
        "MACs an image",
        macs,
        lambda cell: cell.metrics.macs,
        "million",
        1e6,
        _COUNTS,
    ),
    Criterion(
        "train_seconds",
        "training time",
        "shortest training",
        "of training",
        seconds,
        lambda cell: cell.train_seconds,
        "min",
        60.0,
        _SECONDS,
        round_in=(1.0, 60.0, 3600.0),
        timed=True,
    ),
    Criterion(
        "latency_ms",
        "latency of one image",
        "quickest answer on one image",
        "for one image",
        milliseconds,
        lambda cell: cell.latency_ms(1),
        "ms",
        1.0,
        {"": 1.0, "ms": 1.0, "s": 1000.0},
        timed=True,
    ),
    Criterion(
        "images_a_second",
        "images a second",
        "most images a second",
        "images a second",
        thousands,
        _images_a_second,
        "",
        1.0,
        {"": 1.0, "k": 1000.0},
        more=True,
        timed=True,
    ),
    Criterion(
        "peak_memory_mib",
        "peak memory",
        "least memory in training",
        "of memory",
        mebibytes,
        _peak_memory,
        "MiB",
        1.0,
        {"": 1.0, "MiB": 1.0, "GiB": 1024.0},
    ),
)
"""What a network costs, in the order of the pages; training time is what choices go by first."""

CRITERIA = {criterion.key: criterion for criterion in (ACCURACY, *COSTS)}

_AMOUNT = re.compile(r"(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)\s*(?P<unit>[A-Za-z%]*)")


def amount(text: str, criterion: Criterion) -> float:
    """Read a limit with its unit: ``95%``, ``5M``, ``10min``.

    Raises:
        InputError: it is no number, or has a unit that does not measure this; or an accuracy above
            100 %, or one that looks like a fraction.

    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match["unit"] not in criterion.units:
        units = ", ".join(unit for unit in criterion.units if unit)
        raise InputError(
            f"{criterion.label}: wanted a number, with one of the units {units} or none, "
            f"came {text!r}"
        )
    # Division gives the nearest number to what a person meant, multiplication by 0.01 may not.
    size = criterion.units[match["unit"]]
    limit = in_results(float(match["number"].replace(",", "")), size)
    fraction = not match["unit"] and 0 < limit <= ACCURACY.size
    if criterion is ACCURACY and (limit > 1 or fraction):
        raise InputError(f"{criterion.label}: wanted a percentage as 95%, came {text!r}")
    return limit


def in_results(number: float, size: float) -> float:
    """Return a limit in the unit of the results; the page's script computes the same."""
    return number / round(1 / size) if size < 1 else number * size


def superlative(costs: Sequence[Criterion]) -> str:
    """Say what a network is that is best in some costs, after `the`."""
    if len(costs) == len(COSTS):
        return "lowest cost of every kind"
    return listing([cost.best for cost in costs])
