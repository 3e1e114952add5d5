"""Whom to take of the networks that remain: the cheapest one that is not known to be worse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnnreport.choosing.criteria import ACCURACY, COSTS, CRITERIA, Criterion
from cnnreport.statistics import tie_groups
from cnnreport.study import Cell, Study


@dataclass(frozen=True, eq=False)
class Choice:
    """The network to take, the most accurate one as measured, and all that are level with that."""

    chosen: Cell
    first: Cell
    level: tuple[Cell, ...]
    by: Criterion


def equals_of(study: Study, dataset: str) -> dict[str, tuple[str, ...]]:
    """Return the networks that each one cannot be told apart from by its test accuracy."""
    return {row.cell.model: row.tied_with for row in tie_groups(study, dataset)}


def choose(study: Study, dataset: str, models: Sequence[str], by: Criterion) -> Choice:
    """Return the sensible choice among some networks.

    It is the best one in `by` of those that cannot be told apart from the most accurate of
    them: a network that is not significantly less accurate and costs less. Where two cost the
    same, it is the more accurate one.
    """
    cells = [study.cell(dataset, model) for model in models]
    first = max(cells, key=lambda cell: float(cell.metrics.accuracy))
    equals = equals_of(study, dataset)[first.model]
    level = tuple(cell for cell in cells if cell is first or cell.model in equals)
    chosen = min(level, key=lambda cell: (by.order(cell), ACCURACY.order(cell)))
    return Choice(chosen, first, level, by)


def best_on(cells: Sequence[Cell]) -> dict[str, list[str]]:
    """Return, for each criterion that was measured, the networks that are best in it."""
    found = {}
    for key, criterion in CRITERIA.items():
        known = {cell.model: value for cell in cells if (value := criterion.of(cell)) is not None}
        if known:
            best = max(known.values()) if criterion.more else min(known.values())
            found[key] = [model for model, value in known.items() if value == best]
    return found


def dominators(study: Study, dataset: str, models: Sequence[str]) -> dict[str, list[str]]:
    """Return, for each network, those of the same list that leave no reason to take it.

    Such a network is not significantly less accurate, costs no more in anything and less in
    something. There is no circle in this, since costs are ordered.
    """
    cells = [study.cell(dataset, model) for model in models]
    equals = equals_of(study, dataset)
    return {
        cell.model: [other.model for other in cells if _dominates(other, cell, equals)]
        for cell in cells
    }


def _dominates(other: Cell, cell: Cell, equals: Mapping[str, Sequence[str]]) -> bool:
    if other is cell:
        return False
    no_worse = other.metrics.accuracy >= cell.metrics.accuracy or other.model in equals[cell.model]
    pairs = [(cost.order(other), cost.order(cell)) for cost in COSTS]
    return no_worse and all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
