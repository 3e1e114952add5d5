"""Write what the cells of several tables share: names, shapes, accuracies and gaps."""

from collections.abc import Mapping, Sequence

from cnnreport.batchnorm import order_in_doubt
from cnnreport.formats import percent, percent_range, percent_spread, plural
from cnnreport.statistics import CONFIDENCE, Interval, accuracy_interval, seed_deviation
from cnnreport.study import Cell, Study

Names = Mapping[str, str]
"""A network's key and how a page writes it, in Markdown."""

NONE = "–"  # noqa: RUF001
"""What stands in a cell that has no figure."""

INTERVAL = f"{percent(CONFIDENCE, 0)} interval"
"""How a column and a sentence call the interval of an accuracy."""

TIMES = "\N{MULTIPLICATION SIGN}"


def interval_text(interval: Interval) -> str:
    """Write an interval of accuracies as ``90.1 to 92.3 %``."""
    return percent_range(interval.low, interval.high)


def accuracy_text(cell: Cell) -> str:
    """Write a test accuracy with its interval: ``91.3 % (90.1 to 92.3 %)``."""
    return f"{accuracy_alone(cell)} ({interval_text(accuracy_interval(cell))})"


def accuracy_alone(cell: Cell) -> str:
    """Write a test accuracy: ``91.3 %``; with several seeds mean and deviation: ``91.3 ± 0.2 %``.

    The deviation is the sample standard deviation over the seeds, in points.
    """
    mean, deviation = cell.metrics.accuracy, seed_deviation(cell)
    if deviation is None:
        return percent(mean)
    return percent_spread(mean, deviation)


def drawn(cell: Cell) -> str:
    """Name what chance chose: one seed says nothing about other seeds."""
    return "test images" if len(cell.runs) == 1 else "test images and seeds"


def with_doubt(sentence: str, cell: Cell) -> str:
    """Return a sentence on the order of networks, with the doubt behind it that one seed leaves."""
    if len(cell.runs) > 1:
        return sentence
    return f"{sentence} With one seed each, another seed may change that."


def by_one_seed(clause: str, cell: Cell) -> str:
    """Return a clause on what cannot be told apart, with what one seed makes of it before it."""
    return clause if len(cell.runs) > 1 else f"with one seed each, {clause}"


def with_order_in_doubt(sentence: str, study: Study, dataset: str) -> str:
    """Return a sentence on whom to take, with the doubt that lagging averages leave behind it."""
    if not order_in_doubt(study, dataset):
        return sentence
    return (
        f"{sentence} Batch normalisation tested networks here with averages that reach over much "
        "of their training: averages taken anew, a lower momentum or a longer training may turn "
        "the choice round."
    )


def threads_text(threads: int | None) -> str:
    """Write in how many threads a training ran, as `Params.threads` has it: ``two threads``."""
    if threads is None:
        return "as many threads as the machine has cores"
    return plural(threads, "thread", words=True)


def optional(fraction: float | None, mark: str = "") -> str:
    """Write a percentage after a mark, or the dash of what is missing."""
    return NONE if fraction is None else f"{mark}{percent(fraction)}"


def joined(models: Sequence[str], names: Names) -> str:
    """Write networks one after the other, or the dash when there are none."""
    return ", ".join(names[model] for model in models) or NONE


def shape_text(shape: Sequence[int]) -> str:
    """Write a shape as ``28 x 28 x 6`` with multiplication signs."""
    return f" {TIMES} ".join(str(size) for size in shape)
