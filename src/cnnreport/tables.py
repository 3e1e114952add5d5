"""Turn a study into the tables of the report: rows of text, ready for Markdown.

The functions take `names`, how a page writes each network; a page that wants links in its tables
passes names that are links. All other words of a table that came from a file are escaped here.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from cnnreport.formats import (
    date,
    macs,
    md,
    percent,
    percent_range,
    plural,
    points,
    seconds,
    thousands,
)
from cnnreport.original import Original, OriginalCell
from cnnreport.params import Recipe
from cnnreport.records import Architecture, DatasetRecord, Epoch, TrainingRecord
from cnnreport.statistics import (
    Interval,
    RankedCell,
    accuracy_interval,
    best_classes,
    class_interval,
    compare_all,
    most_confused_pairs,
    tie_groups,
    worst_classes,
)
from cnnreport.study import Cell, Study

Names = Mapping[str, str]
"""A network's key and how a page writes it, in Markdown."""

NONE = "–"  # noqa: RUF001
"""What stands in a cell that has no figure."""

TIMES = "\N{MULTIPLICATION SIGN}"

_ALIGNMENT = {"l": ":---", "r": "---:", "c": ":---:"}


@dataclass(frozen=True)
class Table:
    """A table of Markdown cells; `align` has an l, r or c for each column."""

    headers: list[str]
    rows: list[list[str]]
    align: str

    @property
    def markdown(self) -> str:
        """The table as Markdown, without a line end after the last row."""
        return markdown_table(self.headers, self.rows, self.align)


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    """Write a Markdown table; pipes in a cell are escaped and line breaks become spaces.

    Raises:
        ValueError: a row or `align` has another number of columns than the headers.

    """
    lines = [headers, [_ALIGNMENT[letter] for letter in align], *rows]
    if wrong := [line for line in lines if len(line) != len(headers)]:
        raise ValueError(f"wanted {len(headers)} columns, came {wrong[0]}")
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    # A pipe that is escaped already is left as it is.
    return re.sub(r"(\\.)|\|", lambda match: match[1] or r"\|", " ".join(text.split()))


def interval_text(interval: Interval) -> str:
    """Write an interval of accuracies as ``90.1 to 92.3 %``."""
    return percent_range(interval.low, interval.high)


def leaderboard(study: Study, dataset: str, names: Names) -> Table:
    """Return one row a network, the most accurate first; ranks are shared by ties."""
    ranked = tie_groups(study, dataset)
    columns: dict[str, Callable[[RankedCell], str]] = {
        "Rank": lambda row: str(row.rank),
        "Network": lambda row: names[row.cell.model],
        "Test accuracy": lambda row: percent(row.cell.metrics.accuracy),
        "95 % interval": lambda row: interval_text(accuracy_interval(row.cell)),
        "Cannot be told apart from": lambda row: _joined(row.tied_with, names),
        "Top-5 accuracy": lambda row: _optional(row.cell.metrics.top5_accuracy),
        "Loss": lambda row: f"{row.cell.metrics.loss:.3f}",
        "Parameters": lambda row: thousands(row.cell.metrics.parameters),
        "MACs an image": lambda row: macs(row.cell.metrics.macs),
        "Training time": lambda row: seconds(row.cell.train_seconds),
        "Epochs": lambda row: thousands(row.cell.metrics.epochs),
        "Images seen": lambda row: thousands(row.cell.metrics.images_seen),
    }
    if all(row.cell.metrics.top5_accuracy is None for row in ranked):
        del columns["Top-5 accuracy"]
    align = "".join("l" if "apart" in header or header == "Network" else "r" for header in columns)
    rows = [[write(row) for write in columns.values()] for row in ranked]
    return Table(list(columns), rows, align)


def _joined(models: Sequence[str], names: Names) -> str:
    return ", ".join(names[model] for model in models) or NONE


def _optional(fraction: float | None, mark: str = "") -> str:
    return NONE if fraction is None else f"{mark}{percent(fraction)}"


def train_seconds(cell: Cell) -> float:
    """Return the wall-clock seconds of one training, mean over the seeds."""
    return cell.train_seconds


def comparisons(study: Study, dataset: str, names: Names) -> Table:
    """Return one row a pair of networks: difference, interval and p-value adjusted by Holm."""
    rows = [
        [
            f"{names[pair.model_a]} less {names[pair.model_b]}",
            points(pair.difference),
            f"{100 * pair.interval.low:+.1f} to {points(pair.interval.high)}",
            "< 0.001" if pair.p_value < 0.001 else f"{pair.p_value:.3f}",
            pair.method,
        ]
        for pair in compare_all(study.ranked(dataset))
    ]
    headers = ["Pair", "Difference", "95 % interval", "Adjusted p", "Test"]
    return Table(headers, rows, "lrrrl")


def overall_accuracy(study: Study, names: Names) -> Table:
    """Return one row a network, one column an image set: test accuracy with its interval."""
    headers = ["Network", *(md(record.title) for record in study.datasets.values())]
    rows = [
        [names[model], *(_accuracy_text(study.cell(name, model)) for name in study.datasets)]
        for model in study.params.models
    ]
    return Table(headers, rows, "l" + "r" * len(study.datasets))


def _accuracy_text(cell: Cell) -> str:
    return f"{percent(cell.metrics.accuracy)} ({interval_text(accuracy_interval(cell))})"


def layer_table(architecture: Architecture) -> Table:
    """Return one row a layer; where the layer reads from is shown where the network branches."""
    before = [[], *([layer.name] for layer in architecture.layers)]
    branches = any(
        layer.inputs != expected
        for layer, expected in zip(architecture.layers, before, strict=False)
    )
    headers = ["Layer", "Kind", "Settings", "Activation", "Output", "Parameters"]
    rows = [
        [
            md(layer.name),
            md(layer.kind),
            md(layer.settings),
            md(layer.activation),
            shape_text(layer.output_shape),
            thousands(layer.parameters),
            *([md(", ".join(layer.inputs))] if branches else []),
        ]
        for layer in architecture.layers
    ]
    return Table([*headers, *(["Reads from"] if branches else [])], rows, "llllrr" + "l" * branches)


def shape_text(shape: Sequence[int]) -> str:
    """Write a shape as ``28 x 28 x 6`` with multiplication signs."""
    return f" {TIMES} ".join(str(size) for size in shape)


def totals(architecture: Architecture) -> Table:
    """Return the parameter totals of a network and its multiply-accumulates for one image."""
    rows = [
        ["Parameters", thousands(architecture.parameters)],
        ["of these trained", thousands(architecture.trainable_parameters)],
        ["of these not trained", thousands(architecture.non_trainable_parameters)],
        ["Multiply-accumulates an image", macs(architecture.macs)],
    ]
    return Table(["Total", "Number"], rows, "lr")


def data_loading(dataset: DatasetRecord) -> Table:
    """Return what an image set is and how it was split."""
    share = percent(dataset.validation_fraction, 0)
    rows = [
        ["Source", md(dataset.source)],
        ["Size of an image", f"{shape_text(dataset.image_shape)} (height, width, channels)"],
        ["Classes", thousands(len(dataset.class_names))],
        ["Training images", thousands(dataset.train_images)],
        [
            "Validation images",
            f"{thousands(dataset.validation_images)} ({share} of the training split, "
            f"stratified by class, split seed {dataset.split_seed})",
        ],
        ["Test images", thousands(dataset.test_images)],
        ["Mean of the channels", _channels(dataset.mean)],
        ["Deviation of the channels", _channels(dataset.deviation)],
    ]
    return Table(["Data", "Value"], rows, "ll")


def _channels(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)


def hyper_parameters(cell: Cell) -> Table:
    """Return how one network was trained on one image set."""
    rows = [[name, text] for name, text in settings_of(cell).items()]
    if has_auxiliary_heads(cell):
        rows.append(["Auxiliary heads", _HEADS[cell.recipe.heads]])
    seeds = ", ".join(str(run.seed) for run in cell.runs)
    return Table(["Setting", "Value"], [*rows, ["Seeds", seeds]], "ll")


def has_auxiliary_heads(cell: Cell) -> bool:
    """Say whether the network has heads beside its main one, so that `Recipe.heads` matters."""
    return any(layer.name == "aux1" for layer in cell.architecture.layers)


_HEADS = {
    "summed": "summed into the output, in training and in testing",
    "weighted": "weighted losses in training, left out in testing",
}


def settings_of(cell: Cell) -> dict[str, str]:
    """Return the settings of a training that may differ between networks, in words."""
    recipe = cell.recipe
    return {
        "Epochs": thousands(cell.metrics.epochs),
        "Images seen": thousands(cell.metrics.images_seen),
        "Optimiser": optimiser_text(recipe),
        "Learning rate": rate_text(recipe),
        "Schedule": recipe.schedule.replace("_", "-"),
        "Batch size": thousands(recipe.batch_size),
        "Pixels": _PIXELS[recipe.pixels],
        "Weight decay": f"{recipe.weight_decay:g}",
        "L2 penalty on kernels": _penalty(cell.architecture),
        "Label smoothing": f"{recipe.label_smoothing:g}",
        "Clipping of the gradient's norm": _or(recipe.clip_norm, "none"),
        "Momentum of batch normalisation": _or(recipe.batch_norm_momentum, "the network's own"),
    }


def _penalty(architecture: Architecture) -> str:
    """Return the penalties that the layers carry themselves; the layer table words them so."""
    found = {
        factor
        for layer in architecture.layers
        for factor in re.findall(r"\bL2 ([\d.e-]+)", layer.settings)
    }
    return ", ".join(sorted(found)) or "none"


_PIXELS = {
    "unit": "divided by 255",
    "standardised": "mean and deviation of the training images",
}
_OPTIMISERS = {"adam": "Adam", "sgd": "SGD with Nesterov momentum"}


def optimiser_text(recipe: Recipe) -> str:
    """Write an optimiser with the settings that belong to it."""
    momentum = f" {recipe.momentum:g}" if recipe.optimizer == "sgd" else ""
    return _OPTIMISERS[recipe.optimizer] + momentum


def rate_text(recipe: Recipe) -> str:
    """Write a learning rate and whether it is a peak."""
    return f"{recipe.learning_rate:g}" + ("" if recipe.schedule == "constant" else " at the peak")


def _or(number: float | None, otherwise: str) -> str:
    return otherwise if number is None else f"{number:g}"


def settings(study: Study, dataset: str, names: Names) -> Table:
    """Return the settings of all networks side by side and whether they were held equal."""
    columns = [settings_of(cell) for cell in study.cells_of(dataset)]
    rows = [
        [name, *values, "yes" if len(set(values)) == 1 else "**no**"]
        for name in columns[0]
        for values in [[column[name] for column in columns]]
    ]
    headers = ["Setting", *(names[model] for model in study.params.models), "Held equal"]
    return Table(headers, rows, "l" + "l" * len(columns) + "l")


def unequal_settings(study: Study, dataset: str) -> list[str]:
    """Return the names of the settings that were not held equal between the networks."""
    columns = [settings_of(cell) for cell in study.cells_of(dataset)]
    return [name for name in columns[0] if len({column[name] for column in columns}) > 1]


def class_accuracy(study: Study, dataset: str, names: Names) -> Table:
    """Return class x network; the highest accuracy of a class is bold."""
    cells = study.cells_of(dataset)
    rows = [
        [md(name), *_bold_highest([cell.metrics.class_accuracy[name] for cell in cells])]
        for name in study.datasets[dataset].class_names
    ]
    headers = ["Class", *(names[cell.model] for cell in cells)]
    return Table(headers, rows, "l" + "r" * len(cells))


def _bold_highest(fractions: Sequence[float]) -> list[str]:
    texts = [percent(fraction) for fraction in fractions]
    highest = percent(max(fractions))
    return [f"**{text}**" if text == highest else text for text in texts]


def cell_classes(cell: Cell) -> Table:
    """Return the accuracy of one network in every class with its interval."""
    rows = [
        [md(name), percent(accuracy), interval_text(class_interval(cell, name))]
        for name, accuracy in cell.metrics.class_accuracy.items()
    ]
    return Table(["Class", "Accuracy", "95 % interval"], rows, "lrr")


def extreme_classes(study: Study, dataset: str, names: Names, n: int = 3) -> Table:
    """Return the n best and the n worst classes of every network."""
    rows = [
        [names[cell.model], _classes(best_classes(cell, n)), _classes(worst_classes(cell, n))]
        for cell in study.cells_of(dataset)
    ]
    return Table(["Network", "Best classes", "Worst classes"], rows, "lll")


def _classes(classes: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{md(name)} ({percent(accuracy)})" for name, accuracy in classes)


def top_classes(study: Study, dataset: str, names: Names, n: int = 5) -> Table:
    """Return the n classes that the networks recognise best on average, and each one's accuracy."""
    cells = study.cells_of(dataset)
    means = {
        name: fmean(cell.metrics.class_accuracy[name] for cell in cells)
        for name in study.datasets[dataset].class_names
    }
    best = sorted(means, key=lambda name: -means[name])[:n]
    rows = [
        [
            md(name),
            percent(means[name]),
            *(percent(cell.metrics.class_accuracy[name]) for cell in cells),
        ]
        for name in best
    ]
    headers = ["Class", "Mean of the networks", *(names[cell.model] for cell in cells)]
    return Table(headers, rows, "lr" + "r" * len(cells))


def confusions(cell: Cell, n: int = 5) -> Table:
    """Return the n most frequent confusions of a network."""
    rows = [
        [md(pair.actual), md(pair.predicted), f"{pair.images:g}", percent(pair.share)]
        for pair in most_confused_pairs(cell, n)
    ]
    headers = ["Actual class", "Taken for", "Test images", "Share of the actual class"]
    return Table(headers, rows, "llrr")


def seeds_table(cell: Cell) -> Table:
    """Return the test accuracy, the last epoch and the cost of each training of a cell."""
    rows = [
        [
            str(run.seed),
            percent(cell.metrics.accuracy_by_seed[str(run.seed)]),
            percent(run.history[-1].train_accuracy),
            percent(run.history[-1].validation_accuracy),
            seconds(run.training.train_seconds),
            f"{thousands(run.training.peak_memory_mib)} MiB",
        ]
        for run in cell.runs
    ]
    headers = ["Seed", "Test", "Training", "Validation", "Training time", "Peak memory"]
    return Table(headers, rows, "rrrrrr")


def test_results(cell: Cell) -> Table:
    """Return loss and accuracy of a cell on its test images."""
    metrics = cell.metrics
    rows = [
        ["Test loss (cross-entropy)", f"{metrics.loss:.4f}"],
        ["Test accuracy", _accuracy_text(cell)],
        ["Top-5 test accuracy", _optional(metrics.top5_accuracy)],
        ["Training accuracy, last epoch", percent(metrics.train_accuracy)],
        ["Validation accuracy, last epoch", percent(metrics.validation_accuracy)],
    ]
    return Table(["Figure", "Value"], rows, "lr")


def training_output(history: Sequence[Epoch]) -> str:
    """Return the figures of every epoch as aligned lines of plain text."""
    width = len(str(len(history)))
    return "\n".join(
        f"epoch {row.epoch:>{width}}/{len(history)}  "
        f"loss {row.train_loss:.4f}  accuracy {row.train_accuracy:.4f}  "
        f"validation loss {row.validation_loss:.4f}  "
        f"validation accuracy {row.validation_accuracy:.4f}"
        for row in history
    )


def cost(study: Study, dataset: str, names: Names) -> Table:
    """Return what training each network took, means over the seeds, the quickest first."""
    rows = [
        [
            names[cell.model],
            thousands(cell.metrics.parameters),
            macs(cell.metrics.macs),
            seconds(cell.train_seconds),
            seconds(fmean(run.training.cpu_seconds for run in cell.runs)),
            f"{images_a_second(cell):,.0f}",
            f"{max(run.training.peak_memory_mib for run in cell.runs):,.0f} MiB",
            percent(cell.metrics.accuracy),
        ]
        for cell in sorted(study.cells_of(dataset), key=lambda cell: cell.train_seconds)
    ]
    headers = [
        "Network",
        "Parameters",
        "MACs an image",
        "Training time",
        "Processor time",
        "Images a second",
        "Peak memory",
        "Test accuracy",
    ]
    return Table(headers, rows, "lrrrrrrr")


def cell_cost(cell: Cell) -> Table:
    """Return what training one network on one image set took."""
    runs = [run.training for run in cell.runs]
    rows = [
        ["Training time", seconds(cell.train_seconds)],
        ["Processor time, all cores", seconds(fmean(run.cpu_seconds for run in runs))],
        ["Time of an epoch", seconds(cell.train_seconds / cell.metrics.epochs)],
        ["Training images a second", f"{images_a_second(cell):,.0f}"],
        ["Peak memory", f"{max(run.peak_memory_mib for run in runs):,.0f} MiB"],
        ["Processor", "; ".join(sorted({md(run.processor) for run in runs}))],
        ["Cores", ", ".join(sorted({thousands(run.cores) for run in runs}))],
    ]
    return Table(["Cost", "Value"], rows, "ll")


def networks(study: Study, dataset: str, names: Names) -> Table:
    """Return the size of every network as built for an image set, and its accuracy there."""
    rows = [
        [
            names[cell.model],
            thousands(sum(layer.kind in _WITH_KERNEL for layer in cell.architecture.layers)),
            thousands(cell.architecture.parameters),
            thousands(cell.architecture.trainable_parameters),
            thousands(cell.architecture.non_trainable_parameters),
            macs(cell.architecture.macs),
            percent(cell.metrics.accuracy),
        ]
        for cell in study.cells_of(dataset)
    ]
    headers = [
        "Network",
        "Convolutions and dense layers",
        "Parameters",
        "Trained",
        "Not trained",
        "MACs an image",
        "Test accuracy",
    ]
    return Table(headers, rows, "lrrrrrr")


_WITH_KERNEL = ("Conv2D", "Dense")


def images_a_second(cell: Cell) -> float:
    """Return how many training images a second went through the network, start-up included."""
    return sum(run.training.images_seen for run in cell.runs) / sum(
        run.training.train_seconds for run in cell.runs
    )


def machines(study: Study, names: Names) -> Table:
    """Return one row for each machine and set of versions that trainings ran on."""
    used: dict[tuple[str, ...], list[str]] = {}
    for cell in study.cells.values():
        for run in cell.runs:
            models = used.setdefault(_machine(run.training), [])
            models += [cell.model] if cell.model not in models else []
    rows = [[*machine, _joined(models, names)] for machine, models in used.items()]
    headers = ["Processor", "Cores", "Accelerators", "Platform", "Versions", "Networks"]
    return Table(headers, rows, "lrllll")


def _machine(training: TrainingRecord) -> tuple[str, ...]:
    return (
        md(training.processor),
        thousands(training.cores),
        md(", ".join(training.accelerators)) or "none",
        md(training.platform),
        md(", ".join(f"{name} {version}" for name, version in training.versions.items())),
    )


def training_days(study: Study) -> str:
    """Return the first and the last day on which a training of the study began."""
    days = sorted(run.training.started for cell in study.cells.values() for run in cell.runs)
    first, last = date(days[0]), date(days[-1])
    return first if first == last else f"{first} to {last}"


def in_original(study: Study, original: Original, dataset: str) -> bool:
    """Say whether the original study has any of our cells of an image set."""
    return any(original.cell(dataset, model) for model in study.params.models)


def datasets_in_original(study: Study, original: Original) -> list[str]:
    """Return the image sets of ours that the original study has cells of."""
    return [name for name in study.params.datasets if in_original(study, original, name)]


def claims(original: Original, link: Callable[[str], str]) -> Table:
    """Return the original study's conclusions and which of our figures bear on each.

    `link` writes the way from the page to a path below docs/.
    """
    rows = [
        [md(claim), f"[{text}]({link(path)})"]
        for key, claim in original.claims.items()
        for path, text in [_EVIDENCE.get(key, _EVIDENCE_OF_OTHERS)]
    ]
    return Table(["Conclusion of the original study", "Our figures that bear on it"], rows, "ll")


_EVIDENCE_OF_OTHERS = ("report/results/index.md", "Accuracies and pairs of networks")
_EVIDENCE = {
    "googlenet-first": ("report/results/index.md", "Ranks, with what cannot be told apart"),
    "resnet50-level": ("report/results/index.md", "The pair of ResNet-50 and GoogLeNet"),
    "vgg16-middle": ("report/results/cost.md", "Accuracy beside parameters and training time"),
    "small-underfit": ("report/results/index.md", "Training beside test accuracy"),
    "deeper-better": ("report/networks/index.md", "Number of layers beside accuracy"),
}
"""The page and the figures that speak to a claim of original_study.yaml, by its key."""


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
    return Table(["Network", "Original", "Ours", "95 % interval", "Difference"], rows, "lrrrr")


def _printed(cell: OriginalCell | None) -> str:
    if cell is None:
        return "not in the study"
    if cell.test_accuracy is None:
        return "lost"
    mark = "about " if "test_accuracy" in cell.approximate else ""
    return _optional(cell.test_accuracy, mark)


def _difference(ours: Cell, theirs: OriginalCell | None) -> str:
    if theirs is None or theirs.test_accuracy is None:
        return NONE
    return points(ours.metrics.accuracy - theirs.test_accuracy)


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
            *(_optional(entry.accuracy.get(model)) for model in models),
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
    optimiser = _OPTIMISERS.get(entry.optimizer, md(entry.optimizer))
    return f"{optimiser}, {entry.learning_rate:g}, batch {original.conditions.batch_size}"


def conditions(study: Study, original: Original, dataset: str) -> Table:
    """Return the conditions that hold for all networks, the original study's and ours."""
    theirs, record = original.conditions, study.datasets[dataset]
    pixels = sorted({_PIXELS[cell.recipe.pixels] for cell in study.cells_of(dataset)})
    rows = [
        ["Pixels", md(theirs.pixels), "; ".join(pixels)],
        ["Augmentation", md(theirs.augmentation), "none"],
        ["Validation", md(theirs.validation), _validation(record)],
        ["Trainings", md(theirs.runs), _trainings(study)],
        ["Loss", md(theirs.loss), "categorical cross-entropy"],
        ["Hardware", md(theirs.hardware), _hardware(study)],
    ]
    return Table(["Condition", "Original", "Ours"], rows, "lll")


def _validation(record: DatasetRecord) -> str:
    share = percent(record.validation_fraction, 0)
    return f"{share} of the training images, held out; the test images are read once, at the end"


def _trainings(study: Study) -> str:
    seeds = ", ".join(str(seed) for seed in study.params.seeds)
    noun = "seed" if len(study.params.seeds) == 1 else "seeds"
    return f"{plural(len(study.params.seeds), 'training')} a network and image set, {noun} {seeds}"


def _hardware(study: Study) -> str:
    trainings = [run.training for cell in study.cells.values() for run in cell.runs]
    machines_used = {
        ", ".join([f"{item.processor}, {item.cores} cores", *item.accelerators])
        for item in trainings
    }
    return md("; ".join(sorted(machines_used)))
