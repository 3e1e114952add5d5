"""Tables of how far the confidence of a network can be trusted."""

from collections.abc import Callable

from cnnreport.calibration import Estimate, calibration, reliability
from cnnreport.formats import decimal, percent, percent_range, points_alone, points_range, thousands
from cnnreport.study import Cell, Study
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import INTERVAL, Names, interval_text


def calibrations(study: Study, dataset: str, names: Names) -> Table:
    """Return one row a network in the order of the ranking: each figure with its interval."""
    rows = [_figures(cell, names) for cell in study.ranked(dataset)]
    headers = ["Network", "Confidence less accuracy", "ECE", "NLL", "Brier score"]
    return Table(headers, rows, "lrrrr")


def _figures(cell: Cell, names: Names) -> list[str]:
    found = calibration(cell)
    return [
        names[cell.model],
        _with_interval(found.excess, points_alone, points_range),
        _with_interval(found.ece, percent, percent_range),
        _with_interval(found.nll, _thousandths, _thousandths_range),
        _with_interval(found.brier, _thousandths, _thousandths_range),
    ]


def _with_interval(
    estimate: Estimate, write: Callable[[float], str], write_range: Callable[[float, float], str]
) -> str:
    low, high = estimate.interval.low, estimate.interval.high
    return f"{write(estimate.value)} ({write_range(low, high)})"


def _thousandths(number: float) -> str:
    return decimal(number, 3)


def _thousandths_range(low: float, high: float) -> str:
    return f"{_thousandths(low)} to {_thousandths(high)}"


def reliability_bins(cell: Cell) -> Table:
    """Return one row a bin of the confidence that holds predictions, the lowest first."""
    rows = [
        [
            percent_range(each.low, each.high),
            thousands(each.predictions),
            percent(each.confidence),
            percent(each.accuracy),
            interval_text(each.interval),
        ]
        for each in reliability(cell)
    ]
    headers = ["Confidence", "Predictions", "Mean confidence", "Accuracy", INTERVAL]
    return Table(headers, rows, "rrrrr")
