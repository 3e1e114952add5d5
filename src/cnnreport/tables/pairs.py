"""Tables to set any two networks side by side: every measure, every pair, every class."""

import itertools
from collections.abc import Callable, Mapping

from cnnreport.calibration import calibration
from cnnreport.evidence import mean
from cnnreport.formats import (
    decimal,
    macs,
    md,
    mebibytes,
    named_or_counted,
    p_value,
    percent,
    points,
    points_range,
    seconds,
    thousands,
)
from cnnreport.statistics import (
    ALPHA,
    Comparison,
    RankedCell,
    accuracy_interval,
    compare_all,
    compare_cells,
    highest,
    lowest,
    only_one_right,
    tie_groups,
)
from cnnreport.study import Cell, Study
from cnnreport.tables.costs import (
    energy_text,
    latency_text,
    training_macs,
)
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import (
    INTERVAL,
    NONE,
    Names,
    accuracy_alone,
    interval_text,
    optional,
)

Writer = Callable[[RankedCell], str]


def side_by_side(study: Study, dataset: str, names: Names) -> Table:
    """Return one row a measure, one column a network in the order of the ranking."""
    ranked = tie_groups(study, dataset)
    rows = [[name, *(write(row) for row in ranked)] for name, write in _MEASURES.items()]
    known = [row for row in rows if set(row[1:]) != {NONE}]
    headers = ["Measure", *(names[row.cell.model] for row in ranked)]
    return Table(headers, known, "l" + "r" * len(ranked))


def _of(write: Callable[[Cell], str]) -> Writer:
    return lambda row: write(row.cell)


def _class(found: Callable[[Mapping[str, float]], list[str]]) -> Writer:
    def write(cell: Cell) -> str:
        accuracies = cell.metrics.class_accuracy
        classes = found(accuracies)
        names = named_or_counted([md(name) for name in classes], len(accuracies))
        return f"{names} ({percent(accuracies[classes[0]])})"

    return _of(write)


_MEASURES: dict[str, Writer] = {
    "Rank by accuracy": lambda row: thousands(row.rank),
    "Test accuracy": _of(accuracy_alone),
    f"Test accuracy, {INTERVAL}": _of(lambda cell: interval_text(accuracy_interval(cell))),
    "Top-5 test accuracy": _of(lambda cell: optional(cell.metrics.top5_accuracy)),
    "Class recognised best": _class(highest),
    "Class recognised worst": _class(lowest),
    "Test loss (cross-entropy)": _of(lambda cell: decimal(cell.metrics.loss, 3)),
    "Expected calibration error": _of(lambda cell: percent(calibration(cell).ece.value)),
    "Training accuracy, last epoch": _of(lambda cell: percent(cell.metrics.train_accuracy)),
    "Parameters": _of(lambda cell: thousands(cell.metrics.parameters)),
    "MACs an image": _of(lambda cell: macs(cell.metrics.macs)),
    "Latency, 1 image": _of(lambda cell: latency_text(cell, 1)),
    "Latency, 128 images": _of(lambda cell: latency_text(cell, 128)),
    "Epochs": _of(lambda cell: thousands(cell.metrics.epochs)),
    "Images seen": _of(lambda cell: thousands(cell.metrics.images_seen)),
    "Training time": _of(lambda cell: seconds(cell.train_seconds)),
    "Processor time of the training": _of(
        lambda cell: seconds(mean([run.training.cpu_seconds for run in cell.runs]))
    ),
    "Training work, MACs": _of(lambda cell: macs(training_macs(cell))),
    "Energy of the training, estimate": _of(energy_text),
    "Peak memory of the training": _of(
        lambda cell: mebibytes(max(run.training.peak_memory_mib for run in cell.runs))
    ),
}
"""How each measure of a network is written; one that no network has is left out."""


def doubt_beside(first: Cell, chosen: Cell, names: Names) -> str:
    """Say how much less accurate a chosen network may be than the first one; nothing of itself."""
    if chosen is first:
        return ""
    pair = compare_cells(first, chosen)
    source = ", from the choice of test images alone" if len(first.runs) == 1 else ""
    return (
        f"It may be up to {points(pair.interval.high, signed=False)} less accurate than "
        f"{names[first.model]} ({INTERVAL} of the difference{source})."
    )


def pairs(study: Study, dataset: str, names: Names) -> Table:
    """Return one row a pair of networks: what the test images say of the two.

    The last columns count the answers that only one of the two has right: images, with one seed.
    """
    rows = [
        [
            names[pair.model_a],
            names[pair.model_b],
            _outcome(pair, names),
            points(pair.difference),
            points_range(pair.interval.low, pair.interval.high),
            p_value(pair.p_value),
            *(thousands(count) for count in _only(study, dataset, pair)),
        ]
        for pair in compare_all(study.ranked(dataset))
    ]
    headers = ["One", "Other", "Told apart?", "One less other", INTERVAL, "Adjusted p"]
    headers += ["Only the one right", "Only the other right"]
    return Table(headers, rows, "lllrrrrr")


def _outcome(pair: Comparison, names: Names) -> str:
    if not pair.p_value < ALPHA:
        return "no"
    return f"yes, {names[pair.model_a if pair.difference > 0 else pair.model_b]} is better"


def _only(study: Study, dataset: str, pair: Comparison) -> tuple[int, int]:
    one, other = study.cell(dataset, pair.model_a), study.cell(dataset, pair.model_b)
    return only_one_right(one, other)


def class_differences(study: Study, dataset: str, names: Names) -> Table:
    """Return class x pair: the accuracy of the first network less that of the second."""
    cells = list(itertools.combinations(study.ranked(dataset), 2))
    rows = [
        [
            md(name),
            *(
                points(one.metrics.class_accuracy[name] - other.metrics.class_accuracy[name])
                for one, other in cells
            ),
        ]
        for name in study.datasets[dataset].class_names
    ]
    headers = ["Class", *(f"{names[one.model]} less {names[other.model]}" for one, other in cells)]
    return Table(headers, rows, "l" + "r" * len(cells))
