"""The tables and sentences of the page "Which network fits", and the reasons of the command."""

import html
import json
from collections.abc import Sequence

from cnnreport.choosing.choices import best_on, choose, dominators, equals_of
from cnnreport.choosing.circumstances import circumstances
from cnnreport.choosing.criteria import ACCURACY, COSTS, CRITERIA, Criterion, superlative
from cnnreport.choosing.image_sets import order
from cnnreport.choosing.limits import Candidate, Certainty, Limits, Miss, candidates, nearest
from cnnreport.formats import capitalised, decimal, listing, md, percent, points, thousands
from cnnreport.statistics import tie_groups
from cnnreport.study import Cell, Study
from cnnreport.tables import INTERVAL, NONE, Names, Table
from cnnreport.tables.words import accuracy_text, joined, with_order_in_doubt

_BEFORE_FIGURES = ("Image set", "Network")
"""Columns of the table of every figure before those of the criteria."""


def decisions(study: Study, dataset: str, names: Names) -> Table:
    """Return the decision table of an image set."""
    rows = [
        [
            row.words,
            _all_or_some(study, row.remaining, names),
            f"**{names[row.chosen]}**",
            row.why,
        ]
        for row in circumstances(study, dataset, names)
    ]
    return Table(["Circumstances", "Networks that remain", "Take", "Why"], rows, "llll")


def _all_or_some(study: Study, models: Sequence[str], names: Names) -> str:
    return "all" if set(models) == set(study.params.models) else joined(models, names)


def strengths(study: Study, dataset: str, names: Names) -> Table:
    """Return what each network is best in, and which others leave no reason to take it."""
    models = study.params.models
    best, equals = best_on(study.cells_of(dataset)), equals_of(study, dataset)
    rivals = dominators(study, dataset, models)
    rows = [
        [
            names[cell.model],
            _best_in([CRITERIA[key] for key, those in best.items() if cell.model in those]),
            joined(equals[cell.model], names),
            joined(rivals[cell.model], names),
        ]
        for cell in study.ranked(dataset)
    ]
    cheaper = "Cheaper and not known to be worse"
    headers = ["Network", "Best in", "Accuracy cannot be told apart from", cheaper]
    return Table(headers, rows, "llll")


def _best_in(criteria: Sequence[Criterion]) -> str:
    costs = [criterion for criterion in criteria if criterion is not ACCURACY]
    accuracy = [ACCURACY.best] if ACCURACY in criteria else []
    return ", ".join([*accuracy, *([superlative(costs)] if costs else [])]) or NONE


def every_figure(study: Study, names: Names) -> Table:
    """Return all that a choice can go by, a row for each network and image set."""
    rows = [
        [
            md(cell.dataset),
            names[cell.model],
            accuracy_text(cell),
            *(_cost(cell, cost) for cost in COSTS),
        ]
        for cell in _rows(study)
    ]
    accuracy = f"{_header(ACCURACY)} ({INTERVAL})"
    headers = [*_BEFORE_FIGURES, accuracy, *(_header(cost) for cost in COSTS)]
    return Table(headers, rows, "ll" + "r" * len(CRITERIA))


def _cost(cell: Cell, cost: Criterion) -> str:
    value = cost.of(cell)
    return NONE if value is None else cost.write(value)


def _header(criterion: Criterion) -> str:
    return capitalised(criterion.label)


def _rows(study: Study) -> list[Cell]:
    return [cell for dataset in order(study) for cell in study.cells_of(dataset)]


def image_sets(study: Study, names: Names) -> Table:
    """Return the image sets by their number of training images, with the order of the networks."""
    rows = []
    for dataset in order(study):
        record = study.datasets[dataset]
        ranked = [
            f"{thousands(row.rank)}. {names[row.cell.model]}" for row in tie_groups(study, dataset)
        ]
        rows.append(
            [
                md(record.name),
                md(record.title),
                thousands(record.train_images),
                thousands(_classes(study, dataset)),
                thousands(record.test_images),
                ", ".join(ranked),
            ]
        )
    headers = [
        "Image set",
        "Title",
        "Training images",
        "Classes",
        "Test images",
        "Networks by rank",
    ]
    return Table(headers, rows, "llrrrl")


def _classes(study: Study, dataset: str) -> int:
    return len(study.datasets[dataset].class_names)


def picker(study: Study) -> str:
    """Return what the page's script needs besides the table of every figure, for an attribute.

    It is JSON, escaped for HTML. Measured figures are not in it: the script takes those from the
    table, whose rows `rows` describes in order, `level` naming the rows that cannot be told apart.
    """
    cells = _rows(study)
    places = {(cell.dataset, cell.model): place for place, cell in enumerate(cells)}
    equals = {dataset: equals_of(study, dataset) for dataset in study.datasets}
    criteria = [
        {
            "key": criterion.key,
            "label": _header(criterion),
            "behind": criterion.behind,
            "bound": criterion.bound,
            "best": criterion.best,
            "unit": criterion.unit,
            "size": criterion.size,
            "more": criterion.more,
            "column": len(_BEFORE_FIGURES) + place,
        }
        for place, criterion in enumerate(CRITERIA.values())
    ]
    rows = [
        {
            "dataset": cell.dataset,
            "level": [places[cell.dataset, model] for model in equals[cell.dataset][cell.model]],
        }
        for cell in cells
    ]
    datasets = [
        {
            "name": dataset,
            "images": int(study.datasets[dataset].train_images),
            "classes": _classes(study, dataset),
        }
        for dataset in study.datasets
    ]
    found = {"criteria": criteria, "rows": rows, "datasets": datasets}
    return html.escape(json.dumps(found))


def reasoning(study: Study, dataset: str, limits: Limits, by: Criterion, names: Names) -> list[str]:
    """Say for each network which limit excludes it and by how much, then whom to take and why.

    Where none remains, the last line names the limits that the nearest network asks to relax.
    """
    held = candidates(study, dataset, limits)
    kept = [each.cell.model for each in held if each.remains]
    lines = [f"{names[each.cell.model]}: {_verdict(each, limits)}" for each in held]
    if not kept:
        return [*lines, _relaxed(held, names)]
    return [*lines, with_order_in_doubt(_taken(study, dataset, kept, by, names), study, dataset)]


def _verdict(held: Candidate, limits: Limits) -> str:
    sure = ""
    if held.sureness is not None:
        limit = percent(limits.bounds[ACCURACY.key])
        sure = f"; test accuracy {accuracy_text(held.cell)}, {held.sureness} at least {limit}"
    if held.remains:
        return f"remains{sure}"
    return f"excluded by {listing([_missed(miss, limits.certainty) for miss in held.misses])}{sure}"


_DECISIVE = {
    Certainty.SURE: "lower end of its interval ",
    Certainty.MEASURED: "",
    Certainty.POSSIBLE: "upper end of its interval ",
}
"""How the figure is called that an accuracy's limit is held against."""


def _missed(miss: Miss, certainty: Certainty) -> str:
    criterion = miss.criterion
    limit = f"limit: {criterion.bound} {criterion.write(miss.limit)}"
    if miss.value is None:
        return f"{criterion.label}, which was not measured ({limit})"
    which = _DECISIVE[certainty] if criterion is ACCURACY else ""
    return f"{criterion.label}, {which}{criterion.write(miss.value)} ({limit}; {_far(miss)})"


def _far(miss: Miss) -> str:
    """Say by how much a limit is missed: in points, as a share of it or as a multiple."""
    assert miss.value is not None
    if miss.criterion is ACCURACY:
        return f"{points(miss.limit - miss.value, signed=False)} below"
    side = "below" if miss.criterion.more else "above"
    if miss.limit <= 0 or miss.value <= 0:
        return side
    if miss.criterion.more or miss.times < TWICE:
        return f"{percent(abs(miss.value / miss.limit - 1))} {side}"
    return f"{decimal(miss.times, 1 if miss.times < TEN else 0)} times that"


TWICE, TEN = 2, 10
"""From twice a limit on a miss is written as a multiple, from ten times on without decimals."""


def _taken(study: Study, dataset: str, models: Sequence[str], by: Criterion, names: Names) -> str:
    choice = choose(study, dataset, models, by)
    chosen, first = names[choice.chosen.model], names[choice.first.model]
    if len(models) == 1:
        return f"Take {chosen}: it alone remains."
    accuracy = percent(choice.chosen.metrics.accuracy)
    if len(choice.level) == 1:
        return (
            f"Take {chosen}: it is the most accurate of those that remain ({accuracy}), and none "
            "of the others is level with it."
        )
    others = listing([names[cell.model] for cell in choice.level if cell is not choice.chosen])
    value = by.of(choice.chosen)
    figure = f" ({by.write(value)})" if value is not None else ""
    if choice.chosen is choice.first:
        reason = f"it is the most accurate of those that remain ({accuracy})"
    else:
        highest = percent(choice.first.metrics.accuracy)
        reason = f"its accuracy ({accuracy}) cannot be told apart from that of {first} ({highest})"
    return f"Take {chosen}: {reason}, and beside {others} it has the {by.best}{figure}."


def _relaxed(held: Sequence[Candidate], names: Names) -> str:
    wishes = [f"{names[each.cell.model]} asks for {_wishes(each)}" for each in nearest(held)]
    return f"No network remains. Nearest: {'; '.join(wishes)}."


def _wishes(held: Candidate) -> str:
    return listing([_wish(miss) for miss in held.misses])


def _wish(miss: Miss) -> str:
    label, bound, write = miss.criterion.label, miss.criterion.bound, miss.criterion.write
    if miss.value is None:
        return f"{label} that was measured"
    return f"{label} {bound} {write(miss.value)} instead of {write(miss.limit)}"
