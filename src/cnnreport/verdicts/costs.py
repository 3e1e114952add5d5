"""Say what trainings took."""

import datetime as dt
from collections.abc import Sequence

from cnnreport.evidence import derive
from cnnreport.formats import all_of, decimal, in_words, plural, seconds
from cnnreport.statistics import tie_groups
from cnnreport.study import Study
from cnnreport.tables import Names


def cost(study: Study, dataset: str, names: Names) -> str:
    """Say what the quickest of the best networks cost beside the slowest of all."""
    ranked = tie_groups(study, dataset)
    level = [ranked[0].cell, *(study.cell(dataset, model) for model in ranked[0].tied_with)]
    quickest = min(level, key=lambda cell: cell.train_seconds)
    slowest = max(study.cells_of(dataset), key=lambda cell: cell.train_seconds)
    text = f"{names[quickest.model]} trained in {seconds(quickest.train_seconds)}"
    if len(ranked) == 1:
        return f"{text}."
    if len(level) > 1:
        text += ", the shortest time among the networks that cannot be told apart from the first"
    if slowest is quickest:
        return f"{text}, the longest time of all."
    times = slowest.train_seconds / quickest.train_seconds
    return (
        f"{text}; {names[slowest.model]} took the longest of all, "
        f"{seconds(slowest.train_seconds)}, about {decimal(times, 1 if times < 10 else 0)} times "
        "as long by the clock."
    )


def beside_others(study: Study) -> str:
    """Say how many trainings ran beside others of this study, which makes them slower; or nothing.

    A training counts where others ran during half of its time or more. One that was interrupted
    is left out: when its sittings were is not known.
    """
    runs = [
        run.training
        for cell in study.cells.values()
        for run in cell.runs
        if run.training.sittings == 1
    ]
    spans = [
        (start := dt.datetime.fromisoformat(run.started).timestamp(), start + run.train_seconds)
        for run in runs
    ]
    beside = sum(
        _covered(span, [*spans[:place], *spans[place + 1 :]]) >= (span[1] - span[0]) / 2
        for place, span in enumerate(spans)
    )
    if not beside:
        return ""
    found = derive(beside, "trainings beside others", *(run.train_seconds for run in runs))
    every = sum(len(cell.runs) for cell in study.cells.values())
    whole = " that were not interrupted" if len(runs) < every else ""
    who = (
        f"{all_of(found, capital=True)} trainings{whole}"
        if beside == len(runs)
        else f"Of the {plural(len(runs), 'training', words=True)}{whole}, {in_words(found)}"
    )
    return (
        f"{who} ran while another one of this study did, for half of the time or more: on one "
        "machine that makes each slower than it is alone."
    )


def _covered(span: tuple[float, float], others: Sequence[tuple[float, float]]) -> float:
    """Return during how much of a span any of the others ran."""
    reached, total = span[0], 0.0
    for start, end in sorted(others):
        low, high = max(start, reached), min(end, span[1])
        total += max(0.0, high - low)
        reached = max(reached, high)
    return total
