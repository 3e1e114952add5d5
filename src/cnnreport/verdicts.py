"""Choose the sentences of the report that state a result: leader, ties, cost, what was learnt.

No ranking and no number of a result is typed into a template: a template prints these sentences,
and the statistics choose their wording. `names` is how the page writes each network.
"""

import datetime as dt
from collections.abc import Sequence

from cnnreport.alike import trained_alike
from cnnreport.balance import chance, class_totals, is_unequal, most_frequent
from cnnreport.evidence import derive, mean, unmarked
from cnnreport.formats import (
    PLUS_MINUS,
    all_of,
    decimal,
    in_words,
    listing,
    md,
    percent,
    plural,
    points,
    seconds,
    shortest,
    thousands,
)
from cnnreport.statistics import (
    ALPHA,
    ANSWERS,
    Comparison,
    RankedCell,
    accuracy_interval,
    class_by_seed,
    class_interval,
    compare_all,
    predictions_evidence,
    seed_deviation,
    side_of,
    tie_groups,
)
from cnnreport.study import Cell, Run, Study
from cnnreport.tables import (
    INTERVAL,
    SHOWN_APART,
    TIMES_APART,
    Names,
    doubt_beside,
    drawn,
    interval_text,
    settings_of,
    steps_of,
    unequal_settings,
    with_doubt,
)

KERAS_MOMENTUM = 0.99
"""Momentum of Keras' batch normalisation, where a recipe sets none."""

SETTLED = 0.1
"""Share of a training's steps up to which averages of batch normalisation may reach back.

Ten such spans leave next to nothing of the starting values, and the weights of the last one are
about those that are tested.
"""


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


def how_trained(study: Study, dataset: str) -> str:
    """Say what stands behind the figures on an image set: images, recipe, epochs and seeds."""
    record, params = study.datasets[dataset], study.params
    epochs = [cell.metrics.epochs for cell in study.cells_of(dataset)]
    least, most = min(epochs), max(epochs)
    several = len(params.seeds) > 1
    parts = [
        f"*{md(record.title)}*",
        plural(record.train_images, "training image"),
        plural(record.test_images, "test image"),
        f"recipe `{params.recipe}`",
        f"{'' if least == most else f'{thousands(least)} to '}{plural(most, 'epoch')}",
        f"{'seeds' if several else 'seed'} {listing([str(seed) for seed in params.seeds])}",
    ]
    return f"{', '.join(parts)}."


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
        "as long."
    )


def unsettled(study: Study, dataset: str, names: Names) -> str:
    """Warn of networks whose batch normalisation tests with averages of much of their training."""
    spans = {cell: averaged_share(cell) for cell in study.cells_of(dataset)}
    early = [cell for cell, share in spans.items() if share > SETTLED]
    if not early:
        return ""
    reach = _reach(max(early, key=spans.__getitem__))
    most = "" if {unmarked(_reach(cell)) for cell in early} == {unmarked(reach)} else "at most "
    return (
        f"Batch normalisation tests a network with averages that it gathers in training, those of "
        f"{listing([names[cell.model] for cell in early])} over {most}{reach}. While the weights "
        "still change much, these averages are those of other weights, so these test accuracies "
        "may say more about a short training than about the networks."
    )


def _reach(cell: Cell) -> str:
    """Say over which steps the averages of a cell's batch normalisation reach back."""
    steps, momentum, span = steps_of(cell), momentum_of(cell), averaged_steps(cell)
    reach = (
        f"about the last {thousands(span)} of {thousands(steps)} steps"
        if span < steps
        else f"more steps than the {thousands(steps)} that there were"
    )
    return f"{reach} (momentum {shortest(momentum)})"


def averaged_share(cell: Cell) -> float:
    """Return over which share of its steps a network's batch normalisation averages.

    A moving average of momentum m weighs about the last 1 / (1 - m) steps. 0 for a network without
    batch normalisation.
    """
    if not cell.has_layer("BatchNormalization"):
        return 0.0
    return averaged_steps(cell) / steps_of(cell)


def averaged_steps(cell: Cell) -> int:
    """Return over about how many of the last steps a cell's batch normalisation averages."""
    momentum = momentum_of(cell)
    return derive(round(1 / (1 - momentum)), "1 / (1 - momentum), rounded", momentum)


def momentum_of(cell: Cell) -> float:
    """Return the momentum of a cell's batch normalisation."""
    return cell.recipe.batch_norm_momentum or KERAS_MOMENTUM


def seeds(study: Study) -> str:
    """Say how many trainings stand behind each figure and what is therefore unknown."""
    used = study.params.seeds
    if len(used) == 1:
        return (
            f"Each network was trained once on each image set (seed {used[0]}), so the spread from "
            "seed to seed is unknown: the intervals cover the choice of test images alone, and "
            "another seed may change the order of networks that lie close together."
        )
    return (
        f"Each network was trained {in_words(len(used))} times on each image set (seeds "
        f"{listing([str(seed) for seed in used])}); figures are means over the seeds, "
        f"{PLUS_MINUS} is their sample standard deviation. The intervals of accuracies and of "
        "their differences cover the choice of both seeds and test images (the fewer seeds, the "
        "wider); those of single classes, confusions and bins cover the test images alone."
    )


def elsewhere(study: Study, dataset: str, names: Names, others: Sequence[Study]) -> str:
    """Say what networks reached that other studies trained the same way; empty if none did."""
    found = [
        f"{names[cell.model]} was trained the same way in *{md(each.study.manifest.title)}*, where "
        f"it reached {_by_seed(each.cell)}."
        for cell in study.cells_of(dataset)
        for each in trained_alike(study, cell, others)
        if each.study.manifest
    ]
    if found and len(study.params.seeds) == 1 and len(study.params.models) > 1:
        found.append(
            "Networks of this study that lie no further apart than trainings of one network may "
            "change places with other seeds."
        )
    return " ".join(found)


def _by_seed(cell: Cell) -> str:
    """Write the accuracy of each seed: ``57.2 % with seed 0 and 58.9 % with seed 1``."""
    if len(cell.runs) == 1:
        # The figure that the pages of its study show, so that there is a passport to link to.
        return f"{percent(cell.metrics.accuracy)} with seed {cell.runs[0].seed}"
    known = cell.metrics.accuracy_by_seed.items()
    return listing([f"{percent(accuracy)} with seed {seed}" for seed, accuracy in known])


def spread(study: Study, dataset: str, names: Names) -> str:
    """Say how far the seeds of each network lie apart; empty with one seed."""
    deviations = [
        f"{names[cell.model]} {points(deviation, 2, signed=False)}"
        for cell in study.cells_of(dataset)
        if (deviation := seed_deviation(cell)) is not None
    ]
    if not deviations:
        return ""
    return f"Standard deviation over the seeds: {listing(deviations)}."


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


def fairness(study: Study, dataset: str) -> str:
    """Say which settings differ between networks; empty for one network."""
    if len(study.params.models) == 1:
        return ""
    unequal = unequal_settings(study, dataset)
    if not unequal:
        return "All networks were trained with the same settings."
    apart = [pair for pair in compare_all(study.cells_of(dataset)) if pair.p_value < ALPHA]
    always = [
        name for name in unequal if all(_unlike(study, dataset, pair, name) for pair in apart)
    ]
    each = "the only pair" if len(apart) == 1 else f"each of the {in_words(len(apart))} pairs"
    too = (
        f" In {each} that can be told apart these differ too: {_settings(always)}."
        if apart and always
        else ""
    )
    return (
        f"Not held equal between the networks: {_settings(unequal)}. A difference in accuracy may "
        f"therefore come from the training as well as from the architecture.{too}"
    )


def _unlike(study: Study, dataset: str, pair: Comparison, setting: str) -> bool:
    """Say whether a setting differs between the networks of a pair."""
    cells = (study.cell(dataset, model) for model in (pair.model_a, pair.model_b))
    one, other = (unmarked(settings_of(cell).get(setting, "")) for cell in cells)
    return one != other


def _settings(names: Sequence[str]) -> str:
    return listing([md(_in_sentence(name)) for name in names])


def _in_sentence(name: str) -> str:
    """Return a name without its capital, unless that is part of the word, as in L2."""
    return name[0].lower() + name[1:] if name[1:2].islower() else name


def overfitting(study: Study, dataset: str, names: Names) -> str:
    """Say which network loses most and least between training and test images."""
    cells = study.cells_of(dataset)
    widest = max(cells, key=_gap)
    if _gap(widest) <= 0:
        return (
            "No network was more accurate on its training images, in its last epoch, than on the "
            "test images, so these figures cannot show overfitting."
        )
    best = max(cells, key=lambda cell: cell.metrics.accuracy)
    same = (
        " It is also the most accurate one on test images."
        if widest is best and len(cells) > 1
        else ""
    )
    most = " most" if len(cells) > 1 else ""
    least = min(cells, key=_gap)
    others = (
        f", {names[least.model]} least, {points(_gap(least), signed=False)}"
        if len(cells) > 1 and _gap(least) > 0
        else ""
    )
    return (
        f"{names[widest.model]} loses{most} from training to test images, from "
        f"{percent(widest.metrics.train_accuracy)} to {percent(widest.metrics.accuracy)}, a gap "
        f"of {points(_gap(widest), signed=False)}{others}.{same} {_training_figure(cells)}"
    )


def _training_figure(cells: Sequence[Cell]) -> str:
    """Say in what the accuracy on training images is another figure than that on test images."""
    dropout = any(cell.has_layer("Dropout") for cell in cells)
    normalised = any(cell.has_layer("BatchNormalization") for cell in cells)
    changed = any(cell.recipe.flip or cell.recipe.shift for cell in cells)
    ways = [
        "while the weights still changed",
        *(["with dropout at work"] if dropout else []),
        *(["with each batch normalised by itself"] if normalised else []),
        *(["on the images as they were changed for training"] if changed else []),
    ]
    order = ", and the order of the gaps is not tested" if len(cells) > 1 else ""
    return (
        f"The training figure is a mean over the last epoch, taken {listing(ways)}. The finished "
        f"network may do better or worse on the same images{order}."
    )


RISEN = 1.1
"""By this factor the validation loss has to lie above its lowest before a sentence says so."""


def rising_loss(study: Study, dataset: str, names: Names) -> str:
    """Say for which networks the validation loss rose before the end; nothing if for none."""
    risen = [
        f"{names[cell.model]} ({_lowest_epochs(cell)})"
        for cell in study.cells_of(dataset)
        if all(_has_risen(run) for run in cell.runs)
    ]
    if not risen:
        return ""
    one = len(risen) == 1
    return (
        f"The validation loss of {listing(risen)} was lowest before the end and had risen by a "
        f"tenth or more in the last epoch: {'this network' if one else 'these networks'} went on "
        "learning the training images by heart. More images, or fewer epochs, may have helped "
        "more than the choice between networks."
    )


def _has_risen(run: Run) -> bool:
    losses = [epoch.validation_loss for epoch in run.history]
    return losses[-1] >= RISEN * min(losses)


def _lowest_epochs(cell: Cell) -> str:
    """Say in which epoch the validation loss was lowest, from seed to seed: ``epoch 3 of 9``."""
    found = []
    for run in cell.runs:
        losses = [epoch.validation_loss for epoch in run.history]
        place = losses.index(min(losses)) + 1
        found.append(derive(place, "number of the epoch with the lowest validation loss", *losses))
    low, high = min(found), max(found)
    epochs = f"of {thousands(cell.metrics.epochs)}"
    if low == high:
        return f"epoch {thousands(low)} {epochs}"
    return f"epochs {thousands(low)} to {thousands(high)} {epochs}"


def _gap(cell: Cell) -> float:
    return cell.metrics.train_accuracy - cell.metrics.accuracy


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


def _more_parameters(study: Study, dataset: str, pair: Comparison) -> int:
    """Return by how many parameters the first network of a pair has more than the second."""
    first, second = study.cell(dataset, pair.model_a), study.cell(dataset, pair.model_b)
    return int(first.metrics.parameters) - int(second.metrics.parameters)


def outcome(study: Study, dataset: str, names: Names) -> str:
    """Say which network to take for an image set like this, as far as the figures allow it."""
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
    apart = f"These {drawn(best.cell)} cannot tell {together} apart by accuracy."
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
    who = (
        f"{all_of(found, capital=True)} trainings"
        if beside == len(runs)
        else f"Of the {plural(len(runs), 'training', words=True)}, {in_words(found)}"
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


def balance(study: Study, dataset: str, names: Names) -> str:
    """Say what accuracies are to be read against where classes are unequal; else nothing."""
    record = study.datasets[dataset]
    if not is_unequal(record):
        return ""
    totals, often = class_totals(record), most_frequent(record)
    largest, smallest = max(totals, key=totals.__getitem__), min(totals, key=totals.__getitem__)
    level = chance(record)
    cells = study.ranked(dataset)
    figures = [f"{names[cell.model]} {percent(balanced(cell))}" for cell in cells]
    return " ".join(
        [
            f"The classes are unequal: {md(largest)} has {thousands(totals[largest])} images, "
            f"{md(smallest)} {thousands(totals[smallest])}. Answering {md(often)}, whatever the "
            f"image shows, would be right on {percent(level)} of the test images"
            f"{_beside_chance(cells, level, names)}.",
            "Balanced accuracy, the mean of the accuracies of the classes, counts each class the "
            f"same: {listing(figures)}.",
            *_smaller_classes(cells, names),
        ]
    )


def _beside_chance(cells: Sequence[Cell], level: float, names: Names) -> str:
    """Name the networks that are no better than one answer for all images, if there are any."""
    near, below = (
        [names[cell.model] for cell in cells if side_of(accuracy_interval(cell), level) == side]
        for side in ("level", "below")
    )
    parts = [f"{listing(near)} cannot be told apart from that"] if near else []
    parts += [f"{listing(below)} did worse"] if below else []
    return "".join(f"; {part}" for part in parts)


def _smaller_classes(cells: Sequence[Cell], names: Names) -> list[str]:
    """Say for which networks balanced accuracy lies below the accuracy, and what that means."""
    below = [
        names[cell.model] for cell in cells if cell.metrics.accuracy - balanced(cell) >= SHOWN_APART
    ]
    if not below:
        return []
    who = "every network" if len(below) == len(cells) > 1 else listing(below)
    return [
        f"It lies below the accuracy for {who}: on average the classes with fewer test images were "
        "recognised less often."
    ]


def balanced(cell: Cell) -> float:
    """Return the mean of the accuracies of the classes."""
    kept = cell.metrics.balanced_accuracy
    return mean(list(cell.metrics.class_accuracy.values())) if kept is None else kept


def extreme_classes(study: Study, dataset: str) -> str:
    """Say which class the networks recognise best and which worst, on average."""
    cells = study.cells_of(dataset)
    means = {
        name: mean([cell.metrics.class_accuracy[name] for cell in cells])
        for name in study.datasets[dataset].class_names
    }
    best, worst = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    opening = "Averaged over the networks, the" if len(cells) > 1 else "The"
    return (
        f"{opening} class recognised best is {md(best)} "
        f"({percent(means[best])}) and the one recognised worst is {md(worst)} "
        f"({percent(means[worst])})."
    )


def class_certainty(study: Study, dataset: str) -> str:
    """Say how wide the interval of a class's accuracy gets."""
    intervals = [
        class_interval(cell, name)
        for cell in study.cells_of(dataset)
        for name in study.datasets[dataset].class_names
    ]
    widest = max(interval.high - interval.low for interval in intervals)
    seeds = _class_by_seed(study, dataset)
    return (
        f"The {INTERVAL} of a single class's accuracy is up to {points(widest, 0, signed=False)} "
        "wide, from the choice of test images alone, so classes that lie close together need not "
        f"differ.{f' {seeds}' if seeds else ''}"
    )


def _class_by_seed(study: Study, dataset: str) -> str:
    """Say how far the seeds of a network lie apart in a class; nothing with one seed."""
    if len(study.params.seeds) == 1:
        return ""
    apart = {
        (cell.model, place): float(max(shares) - min(shares))
        for cell in study.cells_of(dataset)
        for place, shares in enumerate(class_by_seed(cell).T)
    }
    (model, place), most = max(apart.items(), key=lambda item: item[1])
    cell, name = study.cell(dataset, model), study.datasets[dataset].class_names[place]
    widest = derive(
        most,
        f"range of the accuracy of {name} over the seeds",
        *predictions_evidence(cell, ANSWERS),
    )
    return (
        "That leaves out the seeds: between two trainings of the same network a class moved by up "
        f"to {points(widest, signed=False)} ({md(name)})."
    )
