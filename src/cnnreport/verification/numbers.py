"""Compute every number of a study's results again, from predictions, histories and layer tables.

Nothing here is shared with the code that wrote the numbers (`cnnreport.evaluation` and
`cnnreport.models.inspection`): the same mistake would have to be made twice to go unnoticed.
"""

import math
import re
from collections.abc import Iterator, Sequence
from statistics import fmean

import numpy as np
import numpy.typing as npt
import pandas as pd

from cnnreport.records import (
    SIGNIFICANT_DIGITS,
    Architecture,
    DatasetRecord,
    Layer,
    rows_to_csv,
)
from cnnreport.study import METRICS, RESULTS, Cell, Run
from cnnreport.verification.findings import (
    HELD,
    Check,
    Finding,
    holds,
    number,
    sum_up,
    unverified,
    wrong,
)
from cnnreport.verification.subject import Subject, title_of

TOP = 5
SMALLEST_PROBABILITY = 1e-7
"""A loss is that of probabilities kept this far from zero, as Keras' losses do."""

ROUNDING = 0.5 * 10 ** (1 - SIGNIFICANT_DIGITS)
"""Largest relative error of a stored number, so the largest absolute one of its logarithm."""

Recomputed = dict[str, float | int | None]


def number_findings(subject: Subject) -> Iterator[Finding]:
    """Yield what came of the numbers of each image set and of each of its cells."""
    study = subject.study
    for dataset in study.params.datasets:
        cells = study.cells_of(dataset)
        yield sum_up(subject.name, f"{dataset} labels", label_checks(subject, cells))
        for cell in cells:
            record = study.datasets[dataset]
            parts = {
                "predictions": prediction_checks(subject, cell, record),
                "test figures": test_checks(subject, cell, record),
                "training figures": training_checks(subject, cell, record),
                "size": size_checks(subject, cell),
            }
            if not subject.frozen:
                parts["tables"] = table_checks(subject, cell, record)
            for title, checks in parts.items():
                yield sum_up(subject.name, f"{title_of(cell)} {title}", checks)


def label_checks(subject: Subject, cells: Sequence[Cell]) -> Iterator[Check]:
    """Check that all runs of an image set were tested on the same labels."""
    first = cells[0].runs[0].predictions.label.to_numpy()
    for cell in cells:
        for run in cell.runs:
            labels = run.predictions.label.to_numpy()
            place = subject.result(cell, f"predictions/s{run.seed}.csv")
            other = subject.result(cells[0], f"predictions/s{cells[0].runs[0].seed}.csv")
            if len(labels) != len(first):
                yield wrong(f"{place}: {len(labels)} rows, {other} has {len(first)}")
            else:
                yield _rows_hold(labels == first, f"{place}: not the label of {other}")


def prediction_checks(subject: Subject, cell: Cell, record: DatasetRecord) -> Iterator[Check]:
    """Check that the columns of the predictions agree with one another."""
    for run in cell.runs:
        table = run.predictions
        place = subject.result(cell, f"predictions/s{run.seed}.csv")
        yield number(f"{place}: rows", len(table), record.test_images)
        for reason, good in _agreements(table, len(record.class_names)).items():
            yield _rows_hold(good.to_numpy(), f"{place}: {reason}")


def _agreements(table: pd.DataFrame, classes: int) -> dict[str, "pd.Series[bool]"]:
    """Return, for each rule of `Prediction`, which rows keep it; the key says what is wrong."""
    hit = table.predicted == table.label
    own, best, squares = table.label_probability, table.confidence, table.probability_squares
    slack = 2 * ROUNDING
    return {
        "images are not numbered in order": table.image == np.arange(len(table)),
        "no such class": table.label.between(0, classes - 1)
        & table.predicted.between(0, classes - 1)
        & table.label_rank.between(1, classes),
        "the true class has rank 1 if and only if it is predicted": hit == (table.label_rank == 1),
        "a probability is not between 0 and 1": own.between(0, 1 + slack)
        & best.between(1 / classes - slack, 1 + slack)
        & squares.between(1 / classes - slack, 1 + slack),
        "the confidence is not that of the true class where it is predicted": ~hit | (own == best),
        "the true class is likelier than the predicted one": own <= best,
        # At the rank r there are r - 1 classes that are no less likely, and all add up to 1.
        "the true class is too likely for its rank": own * table.label_rank <= 1 + slack * classes,
        "the squares do not fit the probabilities": (squares <= best * (1 + slack) + slack)
        & (squares >= (best**2 + own.where(~hit, 0.0) ** 2) * (1 - slack) - slack),
    }


def _rows_hold(good: npt.NDArray[np.bool_], text: str) -> Check:
    """Return one check for all rows; the text names the first that is wrong, from 1."""
    return HELD if good.all() else wrong(f"{text} (row {int(np.argmin(good)) + 1})")


def test_checks(subject: Subject, cell: Cell, record: DatasetRecord) -> Iterator[Check]:
    """Compute the figures on test images again, from the predictions of all seeds."""
    place, metrics = subject.result(cell, METRICS), cell.metrics
    hits = pd.DataFrame({run.seed: _hits(run) for run in cell.runs})
    accuracies = hits.mean()
    top = [(run.predictions.label_rank <= TOP).mean() for run in cell.runs]
    losses = [_loss(run) for run in cell.runs]
    again = float(np.mean(top)) if len(record.class_names) > TOP else None
    yield number(f"{place} /accuracy", metrics.accuracy, float(accuracies.mean()))
    yield number(f"{place} /top5_accuracy", metrics.top5_accuracy, again)
    yield number(f"{place} /loss", metrics.loss, float(np.mean(losses)), slack=ROUNDING)
    yield number(f"{place} /test_images", metrics.test_images, len(hits))
    by_seed = {str(seed): float(value) for seed, value in accuracies.items()}
    yield from _mapping(f"{place} /accuracy_by_seed", metrics.accuracy_by_seed, by_seed)
    by_class = _by_class(cell, record)
    yield from _mapping(f"{place} /class_accuracy", metrics.class_accuracy, by_class)
    if metrics.balanced_accuracy is not None:
        balanced = fmean(by_class.values()) if by_class else math.nan
        yield number(f"{place} /balanced_accuracy", metrics.balanced_accuracy, balanced)


def _hits(run: Run) -> "pd.Series[bool]":
    return run.predictions.label == run.predictions.predicted


def _loss(run: Run) -> float:
    own = run.predictions.label_probability.clip(SMALLEST_PROBABILITY, 1)
    return float(-np.log(own).mean())


def _by_class(cell: Cell, record: DatasetRecord) -> dict[str, float]:
    shares = pd.DataFrame({run.seed: _hits(run) for run in cell.runs}).mean(axis=1)
    means = shares.groupby(cell.runs[0].predictions.label).mean()
    names = enumerate(record.class_names)
    return {name: float(means.get(label, math.nan)) for label, name in names}


def _mapping(place: str, stored: dict[str, float], again: dict[str, float]) -> Iterator[Check]:
    for key in dict.fromkeys([*again, *stored]):
        yield number(f"{place}/{key}", stored.get(key), again.get(key))


def training_checks(subject: Subject, cell: Cell, record: DatasetRecord) -> Iterator[Check]:
    """Compute the figures of the trainings again, from the histories."""
    place, metrics = subject.result(cell, METRICS), cell.metrics
    for run in cell.runs:
        yield from _history_checks(subject.result(cell, f"history/s{run.seed}.csv"), run)
        seen = len(run.history) * record.train_images
        record_file = subject.result(cell, f"training/s{run.seed}.json")
        yield number(f"{record_file} /images_seen", run.training.images_seen, seen)
    last = [run.history[-1] for run in cell.runs]
    epochs = len(cell.runs[0].history)
    again: Recomputed = {
        "train_accuracy": float(np.mean([epoch.train_accuracy for epoch in last])),
        "validation_accuracy": float(np.mean([epoch.validation_accuracy for epoch in last])),
        "epochs": epochs,
        "images_seen": epochs * record.train_images,
    }
    for name, value in again.items():
        yield number(f"{place} /{name}", getattr(metrics, name), value)


def _history_checks(place: str, run: Run) -> Iterator[Check]:
    for count, epoch in enumerate(run.history, start=1):
        yield number(f"{place} row {count}: epoch", epoch.epoch, count)
        shares = (epoch.train_accuracy, epoch.validation_accuracy)
        losses = (epoch.train_loss, epoch.validation_loss)
        good = all(0 <= share <= 1 for share in shares) and all(loss >= 0 for loss in losses)
        yield holds(good, f"{place} row {count}: no accuracies and losses")


def size_checks(subject: Subject, cell: Cell) -> Iterator[Check]:
    """Compute parameters and multiply-accumulates again, from the layer table."""
    table, place = cell.architecture, subject.result(cell, "architecture.json")
    again: Recomputed = {
        "parameters": sum(layer.parameters for layer in table.layers),
        "non_trainable_parameters": sum(map(_not_trained, table.layers)),
        "macs": _macs(table, weighted=cell.recipe.heads == "weighted"),
    }
    again["trainable_parameters"] = table.parameters - table.non_trainable_parameters
    for name, value in again.items():
        stored = getattr(table, name)
        if value is None:
            yield unverified(f"{place} /{name}: the layer table does not tell")
        else:
            yield number(f"{place} /{name}", stored, value)
        metrics = subject.result(cell, METRICS)
        yield number(f"{metrics} /{name}", getattr(cell.metrics, name), stored)


def _not_trained(layer: Layer) -> int:
    """Return the moving mean and variance of a normalisation: two of its four numbers a map."""
    return 2 * layer.output_shape[-1] if layer.kind == "BatchNormalization" else 0


_FILTERS = re.compile(r"(\d+) filters (\d+)\D(\d+)(?:.*?(\d+) groups)?")
MAIN = "main"
"""The output that counts at test time where others only help in training."""


def _macs(table: Architecture, *, weighted: bool) -> int | None:
    """Return the products of all kernels and maps that a test image needs; None if not known."""
    layers = {layer.name: layer for layer in table.layers}
    needed = _ancestors(MAIN, layers) if weighted and MAIN in layers else set(layers)
    counts = [_layer_macs(layer, layers) for layer in table.layers if layer.name in needed]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _ancestors(name: str, layers: dict[str, Layer]) -> set[str]:
    found, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current not in found and current in layers:
            found.add(current)
            waiting += layers[current].inputs
    return found


def _layer_macs(layer: Layer, layers: dict[str, Layer]) -> int | None:
    """Return a layer's products: each weight of its kernel once at each place of its output."""
    if layer.kind not in ("Conv2D", "Dense"):
        return 0
    source = layers.get(next(iter(layer.inputs), ""))
    kernel = _kernel(layer, source.output_shape[-1]) if source else None
    outputs = layer.output_shape[-1]
    # A kernel that does not explain the parameters, with a bias or without, was read wrongly.
    if kernel is None or layer.parameters not in (kernel, kernel + outputs):
        return None
    return math.prod(layer.output_shape[:-1]) * kernel


def _kernel(layer: Layer, inputs: int) -> int | None:
    if layer.kind == "Dense":
        return inputs * layer.output_shape[-1]
    match = _FILTERS.match(layer.settings)
    if not match:
        return None
    filters, height, width, groups = (int(text or 1) for text in match.groups())
    return filters * height * width * inputs // groups


def table_checks(subject: Subject, cell: Cell, record: DatasetRecord) -> Iterator[Check]:
    """Compare the tables that only `dvc plots` reads with what predictions and metrics give."""
    names = record.class_names
    texts = {f"confusion/s{run.seed}.csv": confusion_text(run, names) for run in cell.runs}
    texts["classes.csv"] = classes_text(_by_class(cell, record))
    for file, again in texts.items():
        place = subject.result(cell, file)
        try:
            path = subject.folder / RESULTS / cell.dataset / cell.model / file
            stored = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            yield unverified(f"{place}: cannot be read ({error}); `dvc repro` would run")
            continue
        yield from _table_rows(place, stored.splitlines(), again.splitlines())


def _table_rows(place: str, stored: Sequence[str], again: Sequence[str]) -> Iterator[Check]:
    yield number(f"{place}: lines", len(stored), len(again))
    for count, (left, right) in enumerate(zip(stored, again, strict=False)):
        same = left == right
        yield HELD if same else wrong(f"{place} row {count}: holds {left}, recomputed {right}")


def confusion_text(run: Run, names: Sequence[str]) -> str:
    """Return the table of actual and predicted classes of a run."""
    pairs = zip(run.predictions.label, run.predictions.predicted, strict=True)
    rows = ((_name(names, actual), _name(names, predicted)) for actual, predicted in pairs)
    return rows_to_csv(("actual", "predicted"), rows)


def _name(names: Sequence[str], label: int) -> str:
    return names[label] if 0 <= label < len(names) else f"class {label}"


def classes_text(accuracies: dict[str, float]) -> str:
    """Return the table of accuracies by class."""
    return rows_to_csv(("class", "accuracy"), accuracies.items())
