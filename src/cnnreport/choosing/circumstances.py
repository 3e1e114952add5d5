"""A decision table made from the data: typical circumstances, who remains, whom to take and why.

No limit in it is typed: each lies between the figures of two networks, so that it separates them.
`names` is how the page writes each network.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from cnnreport.choosing.choices import Choice, choose, equals_of
from cnnreport.choosing.criteria import (
    ACCURACY,
    COSTS,
    CRITERIA,
    Criterion,
    in_results,
    superlative,
)
from cnnreport.evidence import derive
from cnnreport.formats import capitalised, decimal, listing, p_value, percent, points
from cnnreport.statistics import ALPHA, accuracy_interval, compare_all
from cnnreport.study import Cell, Study
from cnnreport.tables import (
    INTERVAL,
    TIMES_APART,
    Names,
    by_one_seed,
    doubt_beside,
    drawn,
    interval_text,
    with_doubt,
    with_order_in_doubt,
)

BY = CRITERIA["train_seconds"]
"""What the choice goes by where a circumstance names no cost."""


@dataclass(frozen=True)
class Circumstance:
    """A row of the decision table, in Markdown but for the networks' keys."""

    words: str
    remaining: tuple[str, ...]
    chosen: str
    why: str


def circumstances(study: Study, dataset: str, names: Names) -> list[Circumstance]:
    """Return the decision table of an image set; empty where there is nothing to choose from."""
    if len(study.params.models) == 1:
        return []
    table = _Decisions(study, dataset, names)
    return [
        table.most_accurate(),
        *table.level_and_cheapest(),
        *table.cheapest_of_all(),
        *table.within_costs(),
        *table.accurate_for_sure(),
    ]


def headline(study: Study, dataset: str, names: Names) -> str:
    """Return whom to take where accuracy matters, whom where which cost does, in a sentence.

    And a second one where it may be averages of batch normalisation that decide.
    """
    return with_order_in_doubt(_headline(study, dataset, names), study, dataset)


def _headline(study: Study, dataset: str, names: Names) -> str:
    models = study.params.models
    if len(models) == 1:
        return "With one network there is nothing to choose between."
    choice = choose(study, dataset, models, BY)
    first = choice.first
    measured = f"{names[first.model]} ({percent(first.metrics.accuracy)})"
    if len(choice.level) == 1:
        found = _by_choice(COSTS, lambda cost: _cheapest(study, dataset, cost))
        wishes = [
            f"for the {superlative(costs)} {names[cell.model]} ({percent(cell.metrics.accuracy)})"
            for cell, costs in found
            if cell is not first
        ]
        if not wishes:
            alone = f"Take {measured}: no other network is more accurate or better in any cost."
            return with_doubt(alone, first)
        # Within the brackets: what follows may be a comma.
        doubt = "" if len(first.runs) > 1 else ", as far as one seed shows"
        shown = f"{names[first.model]} ({percent(first.metrics.accuracy)}{doubt})"
        return f"{listing([f'For accuracy take {shown}', *wishes])}."
    others = listing([names[cell.model] for cell in choice.level if cell is not first])
    found = _by_choice(COSTS, lambda cost: choose(study, dataset, models, cost).chosen)
    apart = by_one_seed(
        f"the {drawn(first)} cannot tell {measured}, the highest measured, apart from {others}",
        first,
    )
    if len(found) == 1:
        cell, costs = found[0]
        doubt = doubt_beside(first, cell, names)
        return (
            f"Take {names[cell.model]}: {apart}, and of these {names[cell.model]} has the "
            f"{superlative(costs)}.{f' {doubt}' if doubt else ''}"
        )
    near = [cost for _, costs in found for cost in costs if _is_near(cost, choice.level)]
    wishes = [
        f"for the {superlative(clear)} take {names[cell.model]}"
        for cell, costs in found
        if (clear := [cost for cost in costs if cost not in near])
    ]
    if near:
        factor = decimal(TIMES_APART, 0)
        wishes.append(
            f"in {listing([cost.label for cost in near])} the best two differ by less than a "
            f"factor of {factor}, which decides nothing"
        )
    return f"{capitalised(apart)}: {'; '.join(wishes)}."


def _is_near(cost: Criterion, cells: Sequence[Cell]) -> bool:
    """Say whether a clock has the best two networks too close together to choose by it."""
    values = [float(value) for cell in cells if (value := cost.of(cell)) is not None]
    best = sorted(values, reverse=cost.more)[:2]
    return cost.timed and len(best) == 2 and max(best) < TIMES_APART * min(best)


def _cheapest(study: Study, dataset: str, cost: Criterion) -> Cell:
    cells = study.cells_of(dataset)
    return min(cells, key=lambda cell: (cost.order(cell), ACCURACY.order(cell)))


def _by_choice(
    costs: Sequence[Criterion], chosen: Callable[[Criterion], Cell]
) -> list[tuple[Cell, list[Criterion]]]:
    """Return each network that is chosen by some costs with those, in the order of the costs.

    A cost that was measured of none is left out.
    """
    found: dict[Cell, list[Criterion]] = {}
    for cost in costs:
        cell = chosen(cost)
        if cost.of(cell) is not None:
            found.setdefault(cell, []).append(cost)
    return list(found.items())


_Bounded = tuple[Criterion, float, Sequence[Cell]]
"""A cost, a limit of it and the networks within, the best one first."""


@dataclass(frozen=True)
class _Decisions:
    """The parts of the decision table of an image set."""

    study: Study
    dataset: str
    names: Names

    @property
    def _cells(self) -> list[Cell]:
        return self.study.cells_of(self.dataset)

    def most_accurate(self) -> Circumstance:
        """The highest accuracy, whatever it costs."""
        choice = self._choose(self._cells, BY)
        first = choice.first
        others = [self.names[cell.model] for cell in choice.level if cell is not first]
        measured = f"{percent(first.metrics.accuracy)} is the highest measured"
        lead = (
            f"{measured}, and its lead over every other network is more than the choice of "
            f"{drawn(first)} explains."
        )
        why = (
            f"{measured}, though it cannot be told apart from {listing(others)}"
            if others
            else with_doubt(lead, first).removesuffix(".")
        )
        words = "The highest accuracy, whatever it costs"
        return self._row(words, self._cells, first, why)

    def level_and_cheapest(self) -> list[Circumstance]:
        """As accurate as can be told from the first, then the least of a cost."""
        choice = self._choose(self._cells, BY)
        if len(choice.level) == 1:
            return []
        chosen = _by_choice(COSTS, lambda cost: self._choose(choice.level, cost).chosen)
        return [
            self._row(
                f"As accurate as can be told, then the {superlative(costs)}",
                choice.level,
                cell,
                f"{self._figures(cell, costs)}; {self._beside(cell, choice.first)}",
            )
            for cell, costs in chosen
        ]

    def cheapest_of_all(self) -> list[Circumstance]:
        """The least of a cost, where that network is known to be less accurate than the first."""
        choice = self._choose(self._cells, BY)
        chosen = _by_choice(COSTS, lambda cost: _cheapest(self.study, self.dataset, cost))
        return [
            self._row(
                f"The {superlative(costs)}, whatever the accuracy",
                self._cells,
                cell,
                f"{self._figures(cell, costs)}; {self._beside(cell, choice.first)}",
            )
            for cell, costs in chosen
            if cell not in choice.level
        ]

    def within_costs(self) -> list[Circumstance]:
        """Limits of one cost: a row wherever another limit leads to another choice."""
        always: list[Criterion] = []
        rows: dict[tuple[frozenset[Cell], Cell], list[_Bounded]] = {}
        for cost in COSTS:
            steps = self._steps(cost)
            always += [cost] if len(steps) == 1 else []
            for within, following in pairwise(steps):
                limit = self._limit(cost, within, following)
                # Limits that leave the same networks and the same choice share a row.
                key = (frozenset(within), self._choose(within, cost).chosen)
                rows.setdefault(key, []).append((cost, limit, within))
        whole = _by_choice(always, lambda cost: self._choose(self._cells, cost).chosen)
        return [
            *[self._any_limit(cell, costs) for cell, costs in whole],
            *[self._limited(limits) for limits in rows.values()],
        ]

    def accurate_for_sure(self) -> list[Circumstance]:
        """An accuracy that is sure, and the shortest training that gives it."""
        if all(pair.p_value >= ALPHA for pair in compare_all(self.study.ranked(self.dataset))):
            # Then the lower ends differ by chance, and so would the choice.
            return []
        cells = sorted(
            self.study.cells_of(self.dataset), key=lambda cell: -accuracy_interval(cell).low
        )
        lows = [accuracy_interval(cell).low for cell in cells]
        below = [*lows[1:], max(0.0, lows[-1] - 0.01)]
        rows, before = [], None
        for place, (low, next_low) in enumerate(zip(lows, below, strict=True)):
            if low == next_low:
                continue
            within = cells[: place + 1]
            chosen = min(within, key=lambda cell: (BY.order(cell), ACCURACY.order(cell)))
            if chosen is not before:
                rows.append(self._sure(within, chosen, round_between(next_low, low, ACCURACY)))
            before = chosen
        return rows

    def _choose(self, cells: Sequence[Cell], by: Criterion) -> Choice:
        return choose(self.study, self.dataset, [cell.model for cell in cells], by)

    def _steps(self, cost: Criterion) -> list[list[Cell]]:
        """Return the networks within ever wider limits, the widest limit of each choice.

        The list of each step starts with the best in the cost.
        """
        known = [cell for cell in self.study.cells_of(self.dataset) if cost.of(cell) is not None]
        cells = sorted(known, key=cost.order)
        # Networks of the same value cannot be separated by a limit.
        within = [
            cells[: place + 1]
            for place, cell in enumerate(cells)
            if place + 1 == len(cells) or cost.of(cells[place + 1]) != cost.of(cell)
        ]
        chosen = groupby(within, key=lambda cells: self._choose(cells, cost).chosen)
        return [list(steps)[-1] for _, steps in chosen]

    def _limit(self, cost: Criterion, within: Sequence[Cell], following: Sequence[Cell]) -> float:
        """Return a limit between the last network within it and the first one beyond."""
        last, beyond = cost.of(within[-1]), cost.of(following[len(within)])
        assert last is not None
        assert beyond is not None
        return round_between(last, beyond, cost)

    def _limited(self, limits: Sequence[_Bounded]) -> Circumstance:
        texts = [f"{cost.bound} {cost.phrase(limit)}" for cost, limit, _ in limits]
        words = " or ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
        cost, _, within = limits[0]
        choice = self._choose(within, cost)
        why = self._why(choice, within, [cost for cost, _, _ in limits])
        return self._row(capitalised(words), within, choice.chosen, why)

    def _why(self, choice: Choice, within: Sequence[Cell], costs: Sequence[Criterion]) -> str:
        chosen, first, accuracy = choice.chosen, choice.first, choice.chosen.metrics.accuracy
        if len(within) == 1:
            return (
                f"no other network stays within this: {self._figures(chosen, costs)}; test "
                f"accuracy {percent(accuracy)}"
            )
        if chosen is first:
            return f"test accuracy {percent(accuracy)}, the highest of those that remain"
        return f"{self._figures(chosen, costs)}; {self._beside(chosen, first)}"

    def _any_limit(self, cell: Cell, costs: Sequence[Criterion]) -> Circumstance:
        first = self._choose(self._cells, BY).first
        kinds = "any cost" if len(costs) == len(COSTS) else listing([cost.label for cost in costs])
        return self._row(
            f"Any limit of {kinds} that a network of this study meets",
            [cell],
            cell,
            f"it has the {superlative(costs)}, so it remains whatever the limit; "
            f"{self._beside(cell, first)}",
        )

    def _sure(self, within: Sequence[Cell], chosen: Cell, limit: float) -> Circumstance:
        others = [cell for cell in within if cell is not chosen]
        interval = f"{INTERVAL} {interval_text(accuracy_interval(chosen))}"
        shortest = (
            f"the shortest training of those that remain: {self._figures(chosen, [BY])}"
            if others
            else f"no other network's interval lies above it; {self._figures(chosen, [BY])}"
        )
        return self._row(
            f"A test accuracy whose {INTERVAL} lies above "
            f"{percent(limit, percent_digits(limit))}, then the {BY.best}",
            within,
            chosen,
            f"{interval}; {shortest}",
        )

    def _beside(self, cell: Cell, first: Cell) -> str:
        """Say how the accuracy of a network stands to that of a more accurate one."""
        own = f"test accuracy {percent(cell.metrics.accuracy)}"
        if cell is first:
            return f"{own}, the highest measured"
        pair = next(
            pair
            for pair in compare_all(self.study.ranked(self.dataset))
            if {pair.model_a, pair.model_b} == {cell.model, first.model}
        )
        tied = cell.model in equals_of(self.study, self.dataset)[first.model]
        verdict = "not told apart" if tied else "told apart"
        return (
            f"{own}, {points(abs(pair.difference), signed=False)} below {self.names[first.model]} "
            f"({verdict}, adjusted p {p_value(pair.p_value)})"
        )

    def _figures(self, cell: Cell, costs: Iterable[Criterion]) -> str:
        known = [(cost, value) for cost in costs if (value := cost.of(cell)) is not None]
        return listing([cost.phrase(value) for cost, value in known])

    def _row(self, words: str, cells: Sequence[Cell], chosen: Cell, why: str) -> Circumstance:
        models = tuple(cell.model for cell in cells)
        return Circumstance(words, models, chosen.model, capitalised(why))


def percent_digits(fraction: float) -> int:
    """Return how many digits after the point a percentage needs to be written in full."""
    return next(
        (d for d in range(4) if math.isclose(round(100 * float(fraction), d), 100 * fraction)), 4
    )


def round_between(low: float, high: float, criterion: Criterion) -> float:
    """Return a number of few digits between two different ones, near their middle.

    It lies above the lower and below the higher one, so that as a limit it separates them; where a
    unit of the criterion is filled by both, it is round in that unit.
    """
    low, high = sorted((low, high), key=float)
    unit = max(
        (size for size in criterion.round_in if size <= float(low)),
        default=criterion.round_in[0],
    )
    # Costs spread over powers of ten, accuracies do not.
    middle = (low + high) / 2 if criterion is ACCURACY else math.sqrt(float(low) * float(high))
    number = next(
        found
        for digits in range(1, 17)
        for found in [in_results(float(f"{float(middle) / unit:.{digits}g}"), unit)]
        if float(low) < found < float(high) or digits == 16
    )
    return derive(number, "a round number between the figures of two networks", low, high)
