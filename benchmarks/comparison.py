"""What a benchmark measured, as records, ratios and the page made from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import geometric_mean, median

from cnnreport.formats import date, md, mebibytes
from cnnreport.tables.markdown import markdown_table

CONTESTANTS = {"notebook": "notebook", "ours": "ours", "torch": "PyTorch"}
"""Every contestant and its title, in the order of the columns."""

PAIRS = (("ours", "notebook"), ("ours", "torch"))
"""Whose speed is divided by whose."""

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Measured:
    """One contestant on one network: the images and seconds of its burst in each round.

    `peak_memory_mib` is the largest resident memory of its process; None where the system does not
    tell.
    """

    images: list[int]
    seconds: list[float]
    peak_memory_mib: float | None

    @property
    def rates(self) -> list[float]:
        """Images a second, round by round."""
        return [images / seconds for images, seconds in zip(self.images, self.seconds, strict=True)]


@dataclass(frozen=True)
class Comparison:
    """A whole benchmark; `networks` maps a network and a contestant to what was measured.

    `machine` and the inner dictionaries of `versions` hold words for the page, by their titles.
    """

    started: str
    command: str
    batch: int
    rounds: int
    burst_seconds: float
    images: int
    machine: dict[str, str]
    versions: dict[str, dict[str, str]]
    networks: dict[str, dict[str, Measured]]


def ratios(cells: Mapping[str, Measured], contestant: str, other: str) -> list[float] | None:
    """Divide the rates of two contestants on one network, each by the one of the same round.

    None where one of them was not measured.
    """
    if not {contestant, other} <= set(cells):
        return None
    pairs = zip(cells[contestant].rates, cells[other].rates, strict=True)
    return [rate / base for rate, base in pairs]


def mean_ratios(comparison: Comparison, contestant: str, other: str) -> list[float] | None:
    """Return the geometric mean of the ratios over the networks, round by round."""
    found = [ratios(cells, contestant, other) for cells in comparison.networks.values()]
    if any(row is None for row in found):
        return None
    return [geometric_mean(column) for column in zip(*(row for row in found if row), strict=True)]


def page(comparison: Comparison) -> str:
    """Write the page of a benchmark in Markdown."""
    parts = [
        "<!-- Written by benchmarks/throughput.py; do not edit. -->",
        "# Training throughput",
        _what(comparison),
        f"```console\n$ {comparison.command}\n```",
        "## Images a second",
        "Median over the rounds, in brackets the slowest and the fastest round.",
        _rate_table(comparison),
        "## Ratios",
        "Each ratio is taken within a round, where both contestants met the same state of the "
        "machine; above 1, ours is faster. In brackets the least and the greatest of the rounds.",
        _ratio_table(comparison),
        "## Peak memory",
        f"The largest resident memory of a contestant's process, with {comparison.images:,} images "
        "held as its way of training holds them.",
        _memory_table(comparison),
        "## Machine",
        _machine_table(comparison),
        "Every burst of every round: [throughput.json](throughput.json).",
    ]
    return "\n\n".join(parts) + "\n"


def _what(comparison: Comparison) -> str:
    return (
        f"Training steps on batches of {comparison.batch} random images of 32x32 pixels in "
        f"10 classes, with Adam at a constant rate, measured on {date(comparison.started)}. "
        "*notebook* is the way of the original study: Keras' `fit` on arrays of floats, Keras' own "
        "Adam, defaults everywhere. *ours* is this project's engine with the same network, batch "
        "and mathematics. *PyTorch* is a plain loop in PyTorch, run eagerly, with channels_last "
        "and its fused Adam.\n\n"
        f"Each contestant has a process of its own and trains alone, in {comparison.rounds} rounds "
        f"of bursts of about {comparison.burst_seconds:g} s, after a burst that does not count. "
        "GPUs are hidden. Processes of one network wait while another one trains."
    )


def _rate_table(comparison: Comparison) -> str:
    rows = [
        [network, *(_rates(cells.get(name)) for name in CONTESTANTS)]
        for network, cells in comparison.networks.items()
    ]
    return markdown_table(["network", *CONTESTANTS.values()], rows, "lrrr")


def _rates(measured: Measured | None) -> str:
    return NOT_MEASURED if measured is None else with_spread(measured.rates, _images)


def _ratio_table(comparison: Comparison) -> str:
    rows = [
        [network, *(_ratio(ratios(cells, *pair)) for pair in PAIRS)]
        for network, cells in comparison.networks.items()
    ]
    means = [_ratio(mean_ratios(comparison, *pair)) for pair in PAIRS]
    rows.append(["**geometric mean**", *means])
    titles = [f"{CONTESTANTS[one]} / {CONTESTANTS[other]}" for one, other in PAIRS]
    return markdown_table(["network", *titles], rows, "lrr")


def _ratio(values: list[float] | None) -> str:
    return NOT_MEASURED if values is None else with_spread(values, lambda value: f"{value:.2f}")


def _memory_table(comparison: Comparison) -> str:
    rows = [
        [network, *(_memory(cells.get(name)) for name in CONTESTANTS)]
        for network, cells in comparison.networks.items()
    ]
    return markdown_table(["network", *CONTESTANTS.values()], rows, "lrrr")


def _memory(measured: Measured | None) -> str:
    if measured is None or measured.peak_memory_mib is None:
        return NOT_MEASURED
    return mebibytes(measured.peak_memory_mib)


def with_spread(values: Sequence[float], write: Callable[[float], str]) -> str:
    """Write the median of some values and, in brackets, the least and the greatest."""
    return f"{write(median(values))} ({write(min(values))} to {write(max(values))})"


def _images(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"


def _machine_table(comparison: Comparison) -> str:
    rows = [[title, md(value)] for title, value in comparison.machine.items()]
    rows += [
        [f"versions of {CONTESTANTS[name]}", md(", ".join(f"{k} {v}" for k, v in found.items()))]
        for name, found in comparison.versions.items()
    ]
    return markdown_table(["", ""], rows, "ll")
