"""Tables of which network is better: ranks, pairs and accuracies over all image sets."""

from collections.abc import Callable, Sequence

from cnnreport.balance import is_unequal
from cnnreport.formats import (
    decimal,
    macs,
    md,
    p_value,
    points,
    points_range,
    seconds,
    thousands,
)
from cnnreport.statistics import (
    RankedCell,
    accuracy_interval,
    compare_all,
    tie_groups,
)
from cnnreport.study import Study
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import (
    INTERVAL,
    Names,
    accuracy_alone,
    accuracy_text,
    interval_text,
    joined,
    optional,
)

Columns = dict[str, Callable[[RankedCell], str]]
"""Headers and how a row of the ranking is written below each."""


def leaderboard(study: Study, dataset: str, names: Names) -> Table:
    """Return one row a network, the most accurate first; ranks are shared by ties."""
    ranked = tie_groups(study, dataset)
    columns: Columns = {
        "Rank": lambda row: thousands(row.rank),
        "Network": lambda row: names[row.cell.model],
        "Test accuracy": lambda row: accuracy_alone(row.cell),
        INTERVAL: lambda row: interval_text(accuracy_interval(row.cell)),
        "Balanced accuracy": lambda row: optional(row.cell.metrics.balanced_accuracy),
        "Top-5 accuracy": lambda row: optional(row.cell.metrics.top5_accuracy),
        "Loss": lambda row: decimal(row.cell.metrics.loss, 3),
        "Parameters": lambda row: thousands(row.cell.metrics.parameters),
        "MACs an image": lambda row: macs(row.cell.metrics.macs),
        "Training time": lambda row: seconds(row.cell.train_seconds),
        "Epochs": lambda row: thousands(row.cell.metrics.epochs),
        "Images seen": lambda row: thousands(row.cell.metrics.images_seen),
        _APART: lambda row: _others(row, ranked, names),
    }
    if not is_unequal(study.datasets[dataset]):
        del columns["Balanced accuracy"]
    if all(row.cell.metrics.top5_accuracy is None for row in ranked):
        del columns["Top-5 accuracy"]
    return _ranking(ranked, columns)


def short_leaderboard(study: Study, dataset: str, names: Names) -> Table:
    """Return the leaderboard with as many columns as fit a page."""
    ranked = tie_groups(study, dataset)
    columns: Columns = {
        "Rank": lambda row: thousands(row.rank),
        "Network": lambda row: names[row.cell.model],
        f"Test accuracy ({INTERVAL})": lambda row: accuracy_text(row.cell),
        "Parameters": lambda row: thousands(row.cell.metrics.parameters),
        "MACs an image": lambda row: macs(row.cell.metrics.macs),
        "Training time": lambda row: seconds(row.cell.train_seconds),
        _APART: lambda row: _others(row, ranked, names),
    }
    return _ranking(ranked, columns)


def narrow_leaderboard(study: Study, dataset: str, names: Names) -> Table:
    """Return the leaderboard with as many columns as fit a phone; equal epochs have none."""
    ranked = tie_groups(study, dataset)
    columns: Columns = {
        "Rank": lambda row: thousands(row.rank),
        "Network": lambda row: names[row.cell.model],
        "Test accuracy": lambda row: accuracy_alone(row.cell),
        "Epochs": lambda row: thousands(row.cell.metrics.epochs),
        "Training time": lambda row: seconds(row.cell.train_seconds),
    }
    if len({row.cell.metrics.epochs for row in ranked}) == 1:
        del columns["Epochs"]
    return _ranking(ranked, columns)


_APART = "Cannot be told apart from"


def _others(row: RankedCell, ranked: Sequence[RankedCell], names: Names) -> str:
    """Write the networks that one is tied with; all of several others need no names."""
    everyone = len(row.tied_with) == len(ranked) - 1 > 1
    return "every other network" if everyone else joined(row.tied_with, names)


def _ranking(ranked: Sequence[RankedCell], columns: Columns) -> Table:
    align = "".join("l" if header in (_APART, "Network") else "r" for header in columns)
    rows = [[write(row) for write in columns.values()] for row in ranked]
    return Table(list(columns), rows, align)


def comparisons(study: Study, dataset: str, names: Names) -> Table:
    """Return one row a pair of networks: difference, interval and p-value adjusted by Holm."""
    rows = [
        [
            f"{names[pair.model_a]} less {names[pair.model_b]}",
            points(pair.difference),
            points_range(pair.interval.low, pair.interval.high),
            p_value(pair.p_value),
            pair.method,
        ]
        for pair in compare_all(study.ranked(dataset))
    ]
    headers = ["Pair", "Difference", INTERVAL, "Adjusted p", "Test"]
    return Table(headers, rows, "lrrrl")


def overall_accuracy(study: Study, names: Names) -> Table:
    """Return one row a network, one column an image set: test accuracy with its interval."""
    headers = ["Network", *(md(record.title) for record in study.datasets.values())]
    rows = [
        [names[model], *(accuracy_text(study.cell(name, model)) for name in study.datasets)]
        for model in study.params.models
    ]
    return Table(headers, rows, "l" + "r" * len(study.datasets))
