"""Say who leads an image set, who is level with it and who is last, and what to take."""

from collections.abc import Sequence

from cnnreport.batchnorm import is_unsettled
from cnnreport.evidence import derive
from cnnreport.formats import (
    all_of,
    capitalised,
    decimal,
    in_words,
    listing,
    md,
    percent,
    plural,
    points,
    seconds,
    thousands,
)
from cnnreport.statistics import (
    ALPHA,
    Comparison,
    RankedCell,
    accuracy_interval,
    compare_all,
    tie_groups,
)
from cnnreport.study import Study
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
from cnnreport.verdicts.averages import unsettled
from cnnreport.verdicts.costs import cost


def verdict(study: Study, dataset: str, names: Names) -> list[str]:
    """Return the sentences that sum up an image set: leader, its ties, the last one, the cost."""
    ranked = tie_groups(study, dataset)
    sentences = [leader(study, dataset, ranked, names)]
    if len(ranked) > 1:
        sentences += [lead(ranked, names), last(ranked, names), cost(study, dataset, names)]
    return [*sentences, unsettled(study, dataset, names)]


def in_short(study: Study, dataset: str, names: Names) -> list[str]:
    """Return the sentences on who leads, beyond chance or not, and what may belie these figures."""
    ranked = tie_groups(study, dataset)
    sentences = [leader(study, dataset, ranked, names)]
    if len(ranked) > 1:
        sentences.append(lead(ranked, names))
    return [*sentences, unsettled(study, dataset, names)]


def leader(study: Study, dataset: str, ranked: Sequence[RankedCell], names: Names) -> str:
    """Say which network has the highest test accuracy and how sure that figure is."""
    best = ranked[0].cell
    title = md(study.datasets[dataset].title)
    where = f"{thousands(best.metrics.test_images)} test images of *{title}*"
    interval = f"{INTERVAL} {interval_text(accuracy_interval(best))}"
    if len(ranked) == 1:
        return (
            f"{names[best.model]}, the only network of this study, classifies "
            f"{percent(best.metrics.accuracy)} of the {where} correctly ({interval})."
        )
    if ranked[1].cell.metrics.accuracy == best.metrics.accuracy:
        return (
            f"Several networks share the highest accuracy on the {where}: {_firsts(ranked, names)}."
        )
    return (
        f"{names[best.model]} has the highest accuracy on the {where}: "
        f"{percent(best.metrics.accuracy)} ({interval})."
    )


def _firsts(ranked: Sequence[RankedCell], names: Names) -> str:
    highest = ranked[0].cell.metrics.accuracy
    equal = [names[row.cell.model] for row in ranked if row.cell.metrics.accuracy == highest]
    return f"{listing(equal)} with {percent(highest)}"


def lead(ranked: Sequence[RankedCell], names: Names) -> str:
    """Say from which networks the first one can be told apart."""
    best = ranked[0]
    tied = [names[model] for model in best.tied_with]
    beyond = f"is more than the choice of {drawn(best.cell)} explains"
    if not tied:
        return with_doubt(f"Its lead over every other network {beyond}.", best.cell)
    apart = (
        f"These {drawn(best.cell)} cannot tell {names[best.cell.model]} apart from {listing(tied)}"
    )
    others = [names[row.cell.model] for row in ranked[1:] if row.cell.model not in best.tied_with]
    if others:
        return with_doubt(f"{apart}; its lead over {listing(others)} {beyond}.", best.cell)
    return f"{apart}, so no network is called the best."


def last(ranked: Sequence[RankedCell], names: Names) -> str:
    """Say which network has the lowest accuracy, by how much, and whether that is beyond chance."""
    first, worst = ranked[0].cell, ranked[-1].cell
    gap = first.metrics.accuracy - worst.metrics.accuracy
    if gap == 0:
        return "All networks reach the same accuracy."
    behind = f"{points(gap, signed=False)} behind {names[first.model]}"
    chance = f"the choice of {drawn(first)}"
    known = (
        f"{chance} may explain"
        if first.model in ranked[-1].tied_with
        else f"is more than {chance} explains"
    )
    return (
        f"{names[worst.model]} has the lowest, {percent(worst.metrics.accuracy)}: {behind}, "
        f"which {known}."
    )


def pairs(study: Study, dataset: str) -> str:
    """Say how many pairs of networks the test images can tell apart; empty without a pair."""
    compared = compare_all(study.cells_of(dataset))
    if not compared:
        return ""
    found = sum(pair.p_value < ALPHA for pair in compared)
    p_values = [pair.p_value for pair in compared]
    apart = derive(found, f"adjusted p-values below {ALPHA:g}", *p_values)
    if len(compared) == 1:
        return (
            f"The two networks {'can' if found else 'cannot'} be told apart "
            f"({compared[0].method}, level {ALPHA:g})."
        )
    return (
        f"Of the {plural(len(compared), 'pair', words=True)} of networks, {in_words(apart)} can "
        "be told apart "
        f"({compared[0].method}, p-values adjusted by Holm's method, level {ALPHA:g})."
    )


def size(study: Study, dataset: str, names: Names) -> str:
    """Say whether accuracy goes with parameters and work; empty for one network."""
    ranked = tie_groups(study, dataset)
    if len(ranked) == 1:
        return ""
    largest = max(ranked, key=lambda row: row.cell.metrics.parameters)
    busiest = max(ranked, key=lambda row: row.cell.metrics.macs)
    work = "does the most multiply-accumulates an image"
    if largest is busiest:
        text = f"{names[largest.cell.model]} has the most parameters, {work}"
    else:
        text = (
            f"{names[largest.cell.model]} has the most parameters and {_place(largest)}; "
            f"{names[busiest.cell.model]} {work}"
        )
    return f"{text} and has {_place(busiest)}. {_agreement(study, dataset)}"


def _place(row: RankedCell) -> str:
    shared = ", which others share" if row.tied_with else ""
    return f"rank {thousands(row.rank)} by accuracy{shared}"


def _agreement(study: Study, dataset: str) -> str:
    """Say how often more parameters went with more accuracy, where a difference is certain."""
    compared = compare_all(study.cells_of(dataset))
    told = [pair for pair in compared if pair.p_value < ALPHA]
    if not told:
        return "No pair of networks can be told apart, so nothing follows about size."
    apart = [pair for pair in told if _more_parameters(study, dataset, pair)]
    if not apart:
        return "No two networks that can be told apart differ in parameters."
    if doubtful := _with_lagging_averages(study, dataset, apart):
        return doubtful
    agree = sum(
        (pair.difference > 0) == (_more_parameters(study, dataset, pair) > 0) for pair in apart
    )
    differences = [pair.difference for pair in apart]
    larger = derive(agree, "pairs in which both have the same sign", *differences)
    if len(apart) == 1:
        return (
            "In the only pair of networks that can be told apart, the one with more parameters is "
            f"the {'more' if larger else 'less'} accurate; one pair shows no rule."
        )
    times = all_of(larger) if agree == len(apart) else in_words(larger)
    return (
        f"Of the {in_words(len(apart))} pairs of networks that can be told apart, the one with "
        f"more parameters is the more accurate in {times}. Pairs share networks, so that is less "
        "evidence than their number suggests, and pairs that cannot be told apart are left out."
    )


def _with_lagging_averages(study: Study, dataset: str, pairs: Sequence[Comparison]) -> str:
    """Say that nothing follows from pairs in which averages of batch normalisation lag."""
    lagging = [
        pair
        for pair in pairs
        if any(is_unsettled(study.cell(dataset, each)) for each in (pair.model_a, pair.model_b))
    ]
    if len(lagging) < len(pairs):
        return ""
    found = "the only pair" if len(pairs) == 1 else f"each of the {in_words(len(pairs))} pairs"
    return (
        f"In {found} of networks that can be told apart, one at least was tested with averages of "
        "batch normalisation that reach over much of its training, so nothing follows about size."
    )


def _more_parameters(study: Study, dataset: str, pair: Comparison) -> int:
    """Return by how many parameters the first network of a pair has more than the second."""
    first, second = study.cell(dataset, pair.model_a), study.cell(dataset, pair.model_b)
    return int(first.metrics.parameters) - int(second.metrics.parameters)


def outcome(study: Study, dataset: str, names: Names) -> str:
    """Say which network to take for an image set like this, as far as the figures allow it."""
    return with_order_in_doubt(_choice(study, dataset, names), study, dataset)


def _choice(study: Study, dataset: str, names: Names) -> str:
    ranked = tie_groups(study, dataset)
    best = ranked[0]
    if len(ranked) == 1:
        return "With one network there is nothing to choose between."
    level = [best.cell, *(study.cell(dataset, model) for model in best.tied_with)]
    cheapest = min(level, key=lambda cell: cell.train_seconds)
    if len(level) == 1:
        alone = (
            f"For accuracy alone the choice is {names[best.cell.model]}: no other network is level "
            "with it on these images."
        )
        return with_doubt(alone, best.cell)
    together = listing([names[cell.model] for cell in level])
    apart = by_one_seed(
        f"these {drawn(best.cell)} cannot tell {together} apart by accuracy.", best.cell
    )
    apart = capitalised(apart)
    near = [cell for cell in level if cell.train_seconds < TIMES_APART * cheapest.train_seconds]
    if len(near) > 1:
        return (
            f"{apart} Nor is training time a reason to choose between "
            f"{listing([names[cell.model] for cell in near])}: less than a factor of "
            f"{decimal(TIMES_APART, 0)} lies between them, and a machine may do other work as well."
        )
    doubt = doubt_beside(best.cell, cheapest, names)
    return (
        f"{apart} By cost one can: of these, {names[cheapest.model]} trained in the shortest time "
        f"({seconds(cheapest.train_seconds)}).{f' {doubt}' if doubt else ''}"
    )
