"""Say how the networks of a study were trained, and what that does to their figures."""

from collections.abc import Sequence

from cnnreport.alike import Alike, shared_seeds, trained_alike
from cnnreport.batchnorm import is_unsettled, unsettled_cells
from cnnreport.evidence import derive, unmarked
from cnnreport.formats import (
    PLUS_MINUS,
    in_words,
    listing,
    md,
    percent,
    plural,
    points,
    thousands,
)
from cnnreport.networks import NETWORKS
from cnnreport.statistics import ALPHA, Comparison, compare_all, seed_deviation
from cnnreport.study import Cell, Run, Study
from cnnreport.tables import Names, settings_of, unequal_settings

RISEN = 1.1
"""By this factor the validation loss has to lie above its lowest before a sentence says so."""


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


def elsewhere(study: Study, dataset: str, names: Names, others: Sequence[Study]) -> str:
    """Say what other trainings, made the same way for other studies, reached; empty without any.

    A training that both studies hold is told as that and not as a second one.
    """
    found = [
        told
        for cell in study.cells_of(dataset)
        for each in trained_alike(study, cell, others)
        if (told := _elsewhere(study, cell, each, names))
    ]
    if found and len(study.params.seeds) == 1 and len(study.params.models) > 1:
        found.append(
            "Networks of this study that lie no further apart than trainings of one network may "
            "change places with other seeds."
        )
    return " ".join(found)


def _elsewhere(study: Study, cell: Cell, there: Alike, names: Names) -> str:
    shared = shared_seeds(there.cell, cell)
    title = there.study.manifest.title if there.study.manifest else ""
    seeds = [run.seed for run in there.cell.runs if run.seed not in shared]
    if not seeds or not title:
        return ""
    name, best = names[cell.model], study.ranked(cell.dataset)[0]
    behind = ""
    if len(cell.runs) == 1 and cell is not best:
        gaps = [best.metrics.accuracy - _of_seed(there.cell, seed) for seed in seeds]
        if min(gaps) > 0:
            far = listing([points(gap, signed=False) for gap in gaps])
            behind = f", {far} behind {names[best.model]} here"
    if not shared:
        return (
            f"{name} was trained the same way in *{md(title)}*, where it reached "
            f"{_by_seed(there.cell, seeds)}{behind}."
        )
    same = f"seed{'' if len(shared) == 1 else 's'} {listing([str(seed) for seed in shared])}"
    return (
        f"The training of {name} with {same} is also in *{md(title)}*, where {name} reached "
        f"{_by_seed(there.cell, seeds)}{behind}."
    )


def higher_elsewhere(study: Study, dataset: str, others: Sequence[Study]) -> str:
    """Name the frozen study whose best network did better on the same images; nothing if none."""
    digest = study.datasets[dataset].digest
    found = [
        (cell.metrics.accuracy, cell, other)
        for other in others
        if other.name != study.name and other.manifest
        for name, record in other.datasets.items()
        if record.digest == digest
        for cell in other.cells_of(name)
    ]
    if not found:
        return ""
    accuracy, cell, other = max(found, key=lambda each: each[0])
    if accuracy <= max(each.metrics.accuracy for each in study.cells_of(dataset)):
        return ""
    title = md(other.manifest.title if other.manifest else other.name)
    return (
        f"On the same images {md(NETWORKS.get(cell.model, cell.model))} reached "
        f"{percent(accuracy)} in *{title}* (recipe `{other.params.recipe}`), more than any network "
        "of this study."
    )


def _by_seed(cell: Cell, seeds: Sequence[int]) -> str:
    """Write the accuracy of each seed: ``57.2 % with seed 0 and 58.9 % with seed 1``."""
    return listing([f"{percent(_of_seed(cell, seed))} with seed {seed}" for seed in seeds])


def _of_seed(cell: Cell, seed: int) -> float:
    """Return the accuracy of a seed, as the pages of its study show it."""
    if len(cell.runs) == 1:
        return cell.metrics.accuracy
    return cell.metrics.accuracy_by_seed[str(seed)]


def fairness(study: Study, dataset: str, names: Names) -> str:
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
        f"{_tested_otherwise(study, dataset, names)}"
    )


def _tested_otherwise(study: Study, dataset: str, names: Names) -> str:
    """Say which networks are tested without averages where those of others lag; or nothing."""
    without = [names[cell.model] for cell in study.cells_of(dataset) if not cell.has_batch_norm]
    if not without or not unsettled_cells(study, dataset):
        return ""
    verb = "has" if len(without) == 1 else "have"
    return (
        f" {listing(without)} {verb} no batch normalisation, and so no averages that lag behind "
        "the weights in the test."
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
    if early := unsettled_cells(study, dataset):
        return (
            f"From training to test images {_losses(early, names)}. That is no measure of "
            "overfitting: training figures are taken with each batch normalised by itself, test "
            "figures with averages that reach over much of the training, with which these networks "
            "may answer their training images no better."
        )
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
        f"of {points(_gap(widest), signed=False)}{others}.{same} {_training_figure(cells, names)}"
    )


def _losses(cells: Sequence[Cell], names: Names) -> str:
    """Say what each network loses between training and test images."""
    return listing(
        [
            f"{names[cell.model]} falls from {percent(cell.metrics.train_accuracy)} to "
            f"{percent(cell.metrics.accuracy)}"
            for cell in cells
        ]
    )


def _training_figure(cells: Sequence[Cell], names: Names) -> str:
    """Say in what the accuracy on training images is another figure than that on test images."""
    changed = any(cell.recipe.flip or cell.recipe.shift for cell in cells)
    dropout = [cell for cell in cells if cell.has_layer("Dropout")]
    normalised = [cell for cell in cells if cell.has_batch_norm]
    ways = [
        "while the weights still changed",
        *_where("with dropout at work", dropout, cells, names),
        *_where("with each batch normalised by itself", normalised, cells, names),
        *(["on the images as they were changed for training"] if changed else []),
    ]
    order = ", and the order of the gaps is not tested" if len(cells) > 1 else ""
    return (
        f"The training figure is a mean over the last epoch, taken {listing(ways)}. The finished "
        f"network may do better or worse on the same images{order}."
    )


def _where(way: str, these: Sequence[Cell], cells: Sequence[Cell], names: Names) -> list[str]:
    """Name the networks of which something is true, unless it is true of all or of none."""
    if not these or len(these) == len(cells):
        return [way] if these else []
    return [f"{way} ({listing([names[cell.model] for cell in these])})"]


def _gap(cell: Cell) -> float:
    return cell.metrics.train_accuracy - cell.metrics.accuracy


def rising_loss(study: Study, dataset: str, names: Names) -> str:
    """Say for which networks the validation loss rose before the end; nothing if for none."""
    cells = [cell for cell in study.cells_of(dataset) if all(map(_has_risen, cell.runs))]
    by_heart = [cell for cell in cells if not is_unsettled(cell)]
    lagging = [cell for cell in cells if is_unsettled(cell)]
    these = "this network" if len(by_heart) == 1 else "these networks"
    sentences = [
        f"{_rose(by_heart, names)}: {these} went on learning the training images by heart. More "
        "images, or fewer epochs, may have helped more than the choice between networks."
        if by_heart
        else "",
        f"{_rose(lagging, names)}. It is taken with averages that reach over much of the training, "
        "as the test is, so its lowest point marks no best epoch."
        if lagging
        else "",
    ]
    return " ".join(filter(None, sentences))


def _rose(cells: Sequence[Cell], names: Names) -> str:
    risen = [f"{names[cell.model]} ({_lowest_epochs(cell)})" for cell in cells]
    return (
        f"The validation loss of {listing(risen)} was lowest before the end and had risen by a "
        "tenth or more in the last epoch"
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
