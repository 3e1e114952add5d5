"""Tables that set the original study beside this one."""

from collections.abc import Sequence

from cnnreport.evidence import unmarked
from cnnreport.formats import listing, md, percent, plural, points, thousands
from cnnreport.original import Original, OriginalCell
from cnnreport.records import DatasetRecord
from cnnreport.reproduction import Reproduction, reproductions
from cnnreport.statistics import accuracy_interval
from cnnreport.study import Cell, Study
from cnnreport.tables.markdown import Table
from cnnreport.tables.recipes import (
    OPTIMISERS,
    PIXELS,
    augmentation_text,
    optimiser_text,
    rate_text,
)
from cnnreport.tables.words import (
    INTERVAL,
    NONE,
    Names,
    accuracy_alone,
    interval_text,
    optional,
    threads_text,
)


def in_original(study: Study, original: Original, dataset: str) -> bool:
    """Say whether the original study has any of our cells of an image set."""
    return any(original.cell(dataset, model) for model in study.params.models)


def datasets_in_original(study: Study, original: Original) -> list[str]:
    """Return the image sets of ours that the original study has cells of."""
    return [name for name in study.params.datasets if in_original(study, original, name)]


def original_accuracy(study: Study, original: Original, dataset: str, names: Names) -> Table:
    """Return the original study's test accuracies beside ours; differences in points."""
    pairs = [(cell, original.cell(dataset, cell.model)) for cell in study.cells_of(dataset)]
    rows = [
        [
            names[ours.model],
            _printed(theirs),
            percent(ours.metrics.accuracy),
            interval_text(accuracy_interval(ours)),
            _difference(ours, theirs),
        ]
        for ours, theirs in pairs
    ]
    return Table(["Network", "Original", "Ours", INTERVAL, "Difference"], rows, "lrrrr")


def _printed(cell: OriginalCell | None) -> str:
    if cell is None:
        return "not in the study"
    if cell.test_accuracy is None:
        return "lost"
    return optional(cell.test_accuracy, _about(cell, "test_accuracy"))


def _about(cell: OriginalCell, figure: str) -> str:
    """Return the mark of a printed figure that was read off a training log."""
    return "about " if figure in cell.approximate else ""


def _difference(ours: Cell, theirs: OriginalCell | None) -> str:
    if theirs is None or theirs.test_accuracy is None:
        return NONE
    return points(ours.metrics.accuracy - theirs.test_accuracy)


def reproduced(
    study: Study, original: Original, dataset: str, names: Names, others: Sequence[Study] = ()
) -> Table:
    """Return for each printed test accuracy whether ours reproduce it, within noise or not.

    The seeds of `others` count where ours is but one: see `cnnreport.reproduction`.
    """
    rows = [
        [
            names[found.cell.model],
            _printed(found.printed),
            accuracy_alone(found.cell),
            interval_text(found.expected) if found.expected else NONE,
            f"{_outcome(found)}{_by(found)}",
            optional(found.printed.train_accuracy, _about(found.printed, "train_accuracy")),
            percent(found.cell.metrics.train_accuracy),
        ]
        for found in reproductions(study, original, dataset, others)
    ]
    headers = [
        "Network",
        "Original",
        "Ours",
        "Where one more training of ours would lie",
        "Reproduced",
        "Training accuracy, original",
        "Training accuracy, ours",
    ]
    return Table(headers, rows, "lrrrlrr")


def _outcome(found: Reproduction) -> str:
    if found.other:
        return f"not repeated: other {listing(list(found.other))}"
    if found.within:
        return "within noise"
    return f"{'no' if found.expected else 'open'}: ours is {_apart(found)}"


def _apart(found: Reproduction) -> str:
    side = "lower" if found.gap < 0 else "higher"
    about = _about(found.printed, "test_accuracy")
    return f"{about}{points(abs(found.gap), signed=False)} {side}"


def _by(found: Reproduction) -> str:
    """Name the study whose seeds decided, where it is not the cell's own."""
    if found.other or found.by is None or found.by.manifest is None:
        return ""
    return f" (by the seeds of *{md(found.by.manifest.title)}*)"


def repeats(study: Study, original: Original, dataset: str) -> bool:
    """Say whether any training of ours repeats one of the original's with a known accuracy."""
    return any(not each.other for each in reproductions(study, original, dataset))


def reproduction_finding(
    study: Study, original: Original, dataset: str, names: Names, others: Sequence[Study] = ()
) -> str:
    """Return in a sentence or two which printed accuracies ours reproduce."""
    found = reproductions(study, original, dataset, others)
    repeated = [each for each in found if not each.other]
    if not repeated:
        titles = [
            f"*{md(other.manifest.title)}*"
            for other in others
            if other.manifest and other.name != study.name and dataset in other.datasets
            if repeats(other, original, dataset)
        ]
        verb = "does" if len(titles) == 1 else "do"
        elsewhere = f" Of the frozen studies, {listing(titles)} {verb}." if titles else ""
        return (
            "No training here repeats one of the original's, so this study does not say whether "
            f"its figures can be reproduced.{elsewhere}"
        )
    near = [f"{names[each.cell.model]}{_by(each)}" for each in repeated if each.within]
    far = [
        f"{names[each.cell.model]} ({_apart(each)}){_by(each)}"
        for each in repeated
        if each.expected and not each.within
    ]
    unknown = [
        f"{names[each.cell.model]} ({_apart(each)})" for each in repeated if not each.expected
    ]
    parts = [f"Reproduced within noise: {listing(near)}."] if near else []
    parts += [f"Not reproduced: {listing(far)}."] if far else []
    if unknown:
        parts.append(
            f"Left open: {listing(unknown)}; one seed does not show how far trainings of the same "
            "network lie apart."
        )
    return " ".join(parts)


def original_epochs(study: Study, original: Original) -> bool:
    """Say whether every training had as many epochs as the original study gave that network."""
    return all(
        (printed := original.cell(*key)) is not None and printed.epochs == cell.metrics.epochs
        for key, cell in study.cells.items()
    )


def original_training(study: Study, original: Original, dataset: str, names: Names) -> Table:
    """Return how the original study and we trained each network: epochs, images and recipe.

    The original study trained on the whole training split, of which we hold a part out.
    """
    record = study.datasets[dataset]
    images = record.train_images + record.validation_images
    rows = [
        [
            names[ours.model],
            thousands(theirs.epochs) if theirs else NONE,
            thousands(ours.metrics.epochs),
            thousands(theirs.epochs * images) if theirs else NONE,
            thousands(ours.metrics.images_seen),
            _original_recipe(original, ours.model),
            f"{optimiser_text(ours.recipe)}, {rate_text(ours.recipe)}, "
            f"batch {ours.recipe.batch_size}",
        ]
        for ours in study.cells_of(dataset)
        for theirs in [original.cell(dataset, ours.model)]
    ]
    headers = [
        "Network",
        "Epochs, original",
        "Epochs, ours",
        "Images seen, original",
        "Images seen, ours",
        "Recipe, original",
        "Recipe, ours",
    ]
    return Table(headers, rows, "lrrrrll")


def original_classes(study: Study, original: Original, dataset: str, names: Names) -> Table:
    """Return the classes that the original study named as the best, its accuracies and ours."""
    cells = study.cells_of(dataset)
    named = [
        entry
        for entry in original.best_classes
        if entry.dataset == dataset and entry.class_name in study.datasets[dataset].class_names
    ]
    models = sorted({model for entry in named for model in entry.accuracy})
    rows = [
        [
            md(entry.class_name),
            *(optional(entry.accuracy.get(model)) for model in models),
            *(percent(cell.metrics.class_accuracy[entry.class_name]) for cell in cells),
        ]
        for entry in named
    ]
    theirs = [f"{md(original.models[model].title)}, original" for model in models]
    ours = [f"{names[cell.model]}, ours" for cell in cells]
    return Table(["Class", *theirs, *ours], rows, "l" + "r" * len(theirs + ours))


def _original_recipe(original: Original, model: str) -> str:
    if model not in original.models:
        return NONE
    entry = original.models[model]
    optimiser = OPTIMISERS.get(entry.optimizer, md(entry.optimizer))
    return f"{optimiser}, {entry.learning_rate:g}, batch {original.conditions.batch_size}"


def conditions(study: Study, original: Original, dataset: str) -> Table:
    """Return the conditions that hold for all networks, the original study's and ours."""
    theirs, record = original.conditions, study.datasets[dataset]
    recipes = [cell.recipe for cell in study.cells_of(dataset)]
    pixels = sorted({PIXELS[recipe.pixels] for recipe in recipes})
    # Equal texts may come from different places, so their marks may differ.
    augmentation = {unmarked(text): text for text in map(augmentation_text, recipes)}
    rows = [
        ["Pixels", md(theirs.pixels), "; ".join(pixels)],
        ["Augmentation", md(theirs.augmentation), "; ".join(augmentation.values())],
        ["Validation", md(theirs.validation), _validation(record)],
        ["Trainings", md(theirs.runs), _trainings(study)],
        ["Loss", md(theirs.loss), "categorical cross-entropy"],
        ["Machine and software", md(theirs.hardware), _machines_and_software(study)],
    ]
    return Table(["Condition", "Original", "Ours"], rows, "lll")


def _validation(record: DatasetRecord) -> str:
    held_out = f"{thousands(record.validation_images)} of the training images"
    return f"{held_out}, held out; the test images are read once, at the end"


def _trainings(study: Study) -> str:
    seeds = ", ".join(str(seed) for seed in study.params.seeds)
    noun = "seed" if len(study.params.seeds) == 1 else "seeds"
    trainings = plural(len(study.params.seeds), "training", words=True)
    return f"{trainings} a network and image set, {noun} {seeds}"


def _machines_and_software(study: Study) -> str:
    trainings = [run.training for cell in study.cells.values() for run in cell.runs]
    used = {
        ", ".join(
            [
                f"{item.processor}, {item.cores} cores",
                *(item.accelerators or [threads_text(study.params.threads)]),
                *(f"{name} {item.versions[name]}" for name in SOFTWARE if name in item.versions),
            ]
        )
        for item in trainings
    }
    return md("; ".join(sorted(used)))


SOFTWARE = ("keras", "tensorflow")
"""The packages that do the learning, as `TrainingRecord.versions` names them."""
