"""Hold a study's figures against what others published and what must be so: a leak, a bug, neither.

A finding is a question for people, not a verdict: nothing here makes a build fail.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from cnnreport.balance import chance
from cnnreport.bands import Band, Limit, Plausibility, TestLabels
from cnnreport.batchnorm import SETTLED, averaged_share
from cnnreport.evidence import derive
from cnnreport.original import Original, OriginalCell
from cnnreport.records import DatasetRecord
from cnnreport.statistics import (
    accuracy_interval,
    predictions_evidence,
    share_interval,
    side_of,
)
from cnnreport.study import Cell, Study

Level = Literal["plausible", "look closer"]
Unit = Literal["share", "count", "nats"]

ORIGINAL = "original study"
"""Stands among the sources of a finding for the original study, which has no bibliography entry."""

SHORT = 0.5
"""A training that saw a smaller share of the images that a published one saw counts as short."""


@dataclass(frozen=True)
class Finding:
    """What one check says of one cell, which is named by image set and network.

    `band` holds the ends of what was expected of `value`, None where there is none; `words` say
    what the finding may mean. `sources` are keys of the bibliography, or `ORIGINAL`.
    """

    level: Level
    cell: tuple[str, str]
    what: str
    value: float
    band: tuple[float | None, float | None]
    unit: Unit
    words: str
    sources: tuple[str, ...] = ()


def check_plausibility(study: Study, original: Original, bands: Plausibility) -> list[Finding]:
    """Return the findings of all checks that can be made, by image set and network."""
    return [
        finding
        for dataset in study.params.datasets
        for finding in check_dataset(study, original, bands, dataset)
    ]


def check_dataset(
    study: Study, original: Original, bands: Plausibility, dataset: str
) -> list[Finding]:
    """Return the findings about one image set, in the order of the networks."""
    record = study.datasets[dataset]
    labels = expected_labels(study, bands, dataset)
    return [
        finding
        for cell in study.cells_of(dataset)
        for finding in (
            check_accuracy(cell, record, bands),
            check_parameters(cell, record, original),
            check_first_batch(cell, bands),
            check_against_training(cell, record),
            check_top5(cell),
            check_collapse(cell),
            check_averages(cell),
            check_labels(cell, record, labels),
        )
        if finding
    ]


def check_accuracy(cell: Cell, record: DatasetRecord, bands: Plausibility) -> Finding:
    """Hold a test accuracy, with its interval, against chance and the published figures."""
    blind = chance(record)
    band = expected_accuracy(cell.dataset, cell.model, bands)
    low = blind if band.low is None else band.low
    high = 1.0 if band.high is None else band.high
    level, words = _accuracy_words(cell, blind, band)
    return Finding(
        level=level,
        cell=(cell.dataset, cell.model),
        what="test accuracy",
        value=cell.metrics.accuracy,
        band=(low, high),
        unit="share",
        words=words,
        sources=tuple(band.sources),
    )


def _accuracy_words(cell: Cell, blind: float, band: "Expected") -> tuple[Level, str]:
    interval = accuracy_interval(cell)
    if band.high is not None and interval.low > band.high:
        return "look closer", (
            "too good: above the published figures, so look for test images among the training "
            "images before believing it"
        )
    side = side_of(interval, blind)
    if side != "above":
        near = "cannot be told apart from" if side == "level" else "is below"
        return "look closer", (
            f"too bad: {near} answering without a look at the image, so a bug, or a training that "
            "learnt nothing"
        )
    if band.low is None:
        known = "no published figure is known" if band.high is None else "not above published ones"
        return "plausible", f"above answering without a look at the image; {known}"
    if interval.high >= band.low:
        return "plausible", "among the published figures"
    if cell.metrics.images_seen < SHORT * (band.images_seen or 0):
        return "plausible", (
            "below the published figures, whose networks saw far more training images, mostly with "
            "augmentation"
        )
    return "look closer", (
        "too bad: below the published figures after a training of comparable length, so a bug, or "
        "a recipe that suits the network badly"
    )


@dataclass(frozen=True)
class Expected:
    """The published ends of a cell's accuracy, None where there is none, and where they stand."""

    low: float | None
    high: float | None
    images_seen: int | None
    sources: list[str]


def expected_accuracy(dataset: str, model: str, bands: Plausibility) -> Expected:
    """Return the band of a cell: the network's own ends, before those of any network."""
    known = bands.of(dataset, model)
    low = next((band for band in known if band.low is not None), None)
    high = next((band for band in known if band.high is not None), None)
    used = [band for band in (low, high) if band] or known
    return Expected(
        low=low.low if low else None,
        high=high.high if high else None,
        images_seen=low.images_seen if low else None,
        sources=_sources(used),
    )


def _sources(bands: list[Band]) -> list[str]:
    return list(dict.fromkeys(source for band in bands for source in band.sources))


def check_parameters(cell: Cell, record: DatasetRecord, original: Original) -> Finding | None:
    """Hold the parameter totals against the original study's network with as many classes.

    None where it had none; it knew ten and a hundred classes and images of 32 x 32 x 3.
    """
    dataset = {10: "cifar10", 100: "cifar100"}.get(_classes(cell))
    printed = original.cell(dataset, cell.model) if dataset else None
    if printed is None or record.image_shape != [32, 32, 3]:
        return None
    level, words = _parameter_words(cell, printed)
    return Finding(
        level=level,
        cell=(cell.dataset, cell.model),
        what="parameters",
        value=cell.metrics.parameters,
        band=(printed.parameters, printed.parameters),
        unit="count",
        words=words,
        sources=(ORIGINAL,),
    )


def _parameter_words(cell: Cell, printed: OriginalCell) -> tuple[Level, str]:
    ours = cell.metrics
    if ours.parameters != printed.parameters:
        return "look closer", "not as printed, so another network was built"
    if ours.trainable_parameters != printed.trainable_parameters:
        return "look closer", "the total is as printed, the part that is trained is not"
    return "plausible", "as printed, and so is the part that is trained"


def check_first_batch(cell: Cell, bands: Plausibility) -> Finding | None:
    """Hold the loss of the first batch against ln(classes); of several seeds, the farthest one.

    None where it was not recorded.
    """
    losses = [run.training.first_batch_loss for run in cell.runs]
    known = [loss for loss in losses if loss is not None]
    if not known:
        return None
    knowing_nothing = math.log(_classes(cell))
    low, high = (end * knowing_nothing for end in (bands.first_batch.low, bands.first_batch.high))
    farthest = max(known, key=lambda loss: abs(math.log(max(loss, 1e-9) / knowing_nothing)))
    words = "within what a network that knows nothing may have"
    if farthest < low:
        words = "lower than a network that knows nothing can have: do the labels reach it?"
    if farthest > high:
        words = (
            "far above that of a network that knows nothing: pixels or weights of a wrong scale?"
        )
    return Finding(
        level="plausible" if low <= farthest <= high else "look closer",
        cell=(cell.dataset, cell.model),
        what="loss of the first batch, nats",
        value=farthest,
        band=(low, high),
        unit="nats",
        words=words,
        sources=tuple(bands.first_batch.sources),
    )


def check_against_training(cell: Cell, record: DatasetRecord) -> Finding:
    """Ask whether a test accuracy exceeds training and validation accuracy by more than noise.

    The training figure is a mean over the last epoch, with dropout and augmentation at work, so a
    test figure above it means nothing while the validation images, which a leak into the training
    images would not lift as well, say the same.
    """
    metrics, interval = cell.metrics, accuracy_interval(cell)
    train = share_interval(metrics.train_accuracy, record.train_images)
    validation = share_interval(metrics.validation_accuracy, record.validation_images)
    high = max(train.high, validation.high)
    words = "not above the training accuracy by more than noise"
    if interval.low > high:
        words = "above training and validation accuracy by more than noise: look for a leak"
    elif interval.low > train.high:
        words = (
            "above the training accuracy, as the validation accuracy is: the training figure is a "
            "mean over an epoch in which the network still learnt"
        )
    return Finding(
        level="look closer" if interval.low > high else "plausible",
        cell=(cell.dataset, cell.model),
        what="test beside training accuracy",
        value=metrics.accuracy,
        band=(None, high),
        unit="share",
        words=words,
    )


def check_top5(cell: Cell) -> Finding | None:
    """Ask that the true class is among the five likeliest at least as often as it is the likeliest.

    None where there are five classes or fewer.
    """
    top5, top1 = cell.metrics.top5_accuracy, cell.metrics.accuracy
    if top5 is None:
        return None
    good = top5 >= top1
    words = "not below the test accuracy" if good else "below the test accuracy, which cannot be"
    return Finding(
        level="plausible" if good else "look closer",
        cell=(cell.dataset, cell.model),
        what="top-5 accuracy",
        value=top5,
        band=(top1, None),
        unit="share",
        words=words,
    )


def check_collapse(cell: Cell) -> Finding:
    """Ask that at least half of the classes are ever predicted; of several seeds, the fewest."""
    counts = [int(run.predictions["predicted"].nunique()) for run in cell.runs]
    how = "smallest number of classes among the predictions of a training"
    fewest = derive(min(counts), how, *predictions_evidence(cell))
    half = math.ceil(_classes(cell) / 2)
    words = "at least half of the classes are predicted"
    if fewest < half:
        words = (
            "most classes are never predicted: a collapsed network, or one that was tested before "
            "the averages of its batch normalisation had settled"
        )
    if fewest == 1:
        words = "every prediction is the same class: a collapsed network"
    return Finding(
        level="plausible" if fewest >= half else "look closer",
        cell=(cell.dataset, cell.model),
        what="classes predicted",
        value=fewest,
        band=(half, _classes(cell)),
        unit="count",
        words=words,
    )


def check_averages(cell: Cell) -> Finding | None:
    """Ask that batch normalisation averages over little of a training; None without such a layer.

    A network that is tested with the averages of weights that it had long before may be right much
    less often than one of the same weights with averages taken anew (docs/benchmarks/averages.md).
    """
    share = averaged_share(cell)
    if share is None:
        return None
    settled = share <= SETTLED
    words = "the weights of so few steps are about those that are tested"
    if not settled:
        words = (
            "too long for this training: tested with averages of other weights, so the accuracy "
            "may be far below what the network has learned"
        )
    return Finding(
        level="plausible" if settled else "look closer",
        cell=(cell.dataset, cell.model),
        what="reach of averages of batch normalisation, share of all steps",
        value=share,
        band=(None, SETTLED),
        unit="share",
        words=words,
    )


def expected_labels(study: Study, bands: Plausibility, dataset: str) -> TestLabels | None:
    """Return what is known of the test labels of an image set, or of the one it is made from."""
    names = {dataset, base_of(study, dataset)}
    return next((labels for labels in bands.test_labels if labels.dataset in names), None)


def base_of(study: Study, dataset: str) -> str:
    """Return the image set that another one is made from, or the image set itself."""
    subset = study.params.subsets.get(dataset)
    return subset.source if subset else dataset


def check_labels(cell: Cell, record: DatasetRecord, expected: TestLabels | None) -> Finding:
    """Ask that the test labels of every run are those of the image set: how many, of each class.

    The count is that of the rarest class.
    """
    words = _label_words(cell, record, expected)
    how = "number of test images of the rarest class"
    rarest = int(_label_counts(cell).min())
    return Finding(
        level="look closer" if words else "plausible",
        cell=(cell.dataset, cell.model),
        what="test images of the rarest class",
        value=derive(rarest, how, *predictions_evidence(cell, "label")),
        band=(expected.images_a_class,) * 2 if expected else (1, None),
        unit="count",
        words=words or "the labels are those of the image set",
        sources=tuple(expected.sources) if expected else (),
    )


def _label_counts(cell: Cell) -> "pd.Series[int]":
    """Return how many test images each class has."""
    counts = cell.runs[0].predictions["label"].value_counts()
    return counts.reindex(range(_classes(cell)), fill_value=0)


def _label_words(cell: Cell, record: DatasetRecord, expected: TestLabels | None) -> str:
    """Say what is wrong with the test labels; nothing where nothing is."""
    labels, counts = [run.predictions["label"] for run in cell.runs], _label_counts(cell)
    if any(not other.equals(labels[0]) for other in labels):
        return "the labels are not the same for all seeds"
    if not len(labels[0]) == counts.sum() == record.test_images:
        return "not as many labels as the image set has test images, or labels of other classes"
    if expected and (counts != expected.images_a_class).any():
        return "the classes are not equally many, as they are in the image set"
    if (counts == 0).any():
        return "a class has no test image"
    return ""


def _classes(cell: Cell) -> int:
    return len(cell.metrics.class_accuracy)


@dataclass(frozen=True)
class KnownLimit:
    """A known flaw that touches an image set; `part` where that has some of the classes only."""

    limit: Limit
    dataset: str
    part: bool


def known_limits(study: Study, bands: Plausibility) -> Iterator[KnownLimit]:
    """Yield the known flaws of the study's image sets, and of those that they are made from."""
    for dataset in study.params.datasets:
        base = base_of(study, dataset)
        for limit in bands.limits:
            if limit.dataset in (dataset, base):
                yield KnownLimit(limit, dataset, part=dataset != limit.dataset)
