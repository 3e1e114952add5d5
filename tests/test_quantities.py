from collections.abc import Sequence
from dataclasses import astuple, replace
from statistics import fmean

import pytest
from make_study import make_study

from cnnreport.evidence import evidence_of, from_file
from cnnreport.predicates import QUANTITIES
from cnnreport.quantities import (
    MEASURES,
    TIME_SLACK,
    Figure,
    Relation,
    deepest_path,
    relation_between,
    train_accuracy_interval,
)
from cnnreport.records import Layer
from cnnreport.statistics import Interval, accuracy_interval, wilson_interval
from cnnreport.study import Cell


@pytest.fixture(scope="module")
def cell() -> Cell:
    return make_study(models=("lenet",), seeds=(0, 1)).cell("digits", "lenet")


def test_the_language_knows_what_can_be_measured() -> None:
    assert tuple(MEASURES) == QUANTITIES


@pytest.mark.parametrize(
    ("a", "b", "relation"),
    [
        (Figure(3), Figure(2), Relation.MORE),
        (Figure(2), Figure(3), Relation.LESS),
        (Figure(2), Figure(2), Relation.EQUAL),
        (Figure(3, Interval(2.5, 4)), Figure(2, Interval(1, 2.4)), Relation.MORE),
        (Figure(3, Interval(2.4, 4)), Figure(2, Interval(1, 2.4)), Relation.LEVEL),
        (Figure(1, Interval(0.5, 1.5)), Figure(2), Relation.LESS),
        (Figure(2, Interval(1, 3)), Figure(2), Relation.LEVEL),
    ],
)
def test_spans_that_meet_are_level(a: Figure, b: Figure, relation: Relation) -> None:
    assert relation_between(a, b) is relation


def layer(name: str, kind: str, *inputs: str) -> Layer:
    return Layer(name, kind, [1], 0, "", "", list(inputs))


def test_the_deepest_path_counts_kernels_only() -> None:
    layers = [
        layer("image", "InputLayer"),
        layer("long1", "Conv2D", "image"),
        layer("long2", "Conv2D", "long1"),
        layer("norm", "BatchNormalization", "long2"),
        layer("short", "Conv2D", "image"),
        layer("join", "Add", "short", "norm"),
        layer("aux", "Dense", "short"),
        layer("classes", "Dense", "join"),
    ]
    names = [item.name for item in deepest_path(layers)]
    assert names == ["long1", "long2", "classes"]
    assert deepest_path([]) == []


def test_figures_of_a_cell(cell: Cell) -> None:
    metrics = cell.metrics
    accuracy, gap = MEASURES["accuracy"].of(cell), MEASURES["gap"].of(cell)
    assert accuracy == Figure(metrics.accuracy, accuracy_interval(cell))
    assert gap.value == metrics.train_accuracy - metrics.accuracy
    assert accuracy.span is not None
    assert MEASURES["parameters"].of(cell) == Figure(metrics.parameters)
    assert MEASURES["layers"].of(cell) == Figure(3)
    trained = MEASURES["train_accuracy"].of(cell)
    assert trained == Figure(metrics.train_accuracy, train_accuracy_interval(cell))
    assert trained.span is not None
    assert gap.span == Interval(
        trained.span.low - accuracy.span.high, trained.span.high - accuracy.span.low
    )


def with_train_accuracies(cell: Cell, shares: Sequence[float]) -> Cell:
    """The cell with runs that ended with these accuracies on 270 training images."""
    runs = [
        replace(cell.runs[0], history=[replace(cell.runs[0].history[-1], train_accuracy=share)])
        for share in shares
    ]
    metrics = replace(cell.metrics, train_accuracy=fmean(shares), images_seen=2700, epochs=10)
    return replace(cell, runs=runs, metrics=metrics)


def test_one_training_is_as_uncertain_as_its_images(cell: Cell) -> None:
    one, other = (with_train_accuracies(cell, [share]) for share in (0.9, 0.90001))
    assert train_accuracy_interval(one) == wilson_interval(0.9 * 270, 270)
    figures = [
        MEASURES[name].of(each) for name in ("train_accuracy", "gap") for each in (other, one)
    ]
    assert relation_between(*figures[:2]) is Relation.LEVEL
    assert relation_between(*figures[2:]) is Relation.LEVEL
    far = MEASURES["train_accuracy"].of(with_train_accuracies(cell, [0.98]))
    assert relation_between(far, figures[0]) is Relation.MORE


def test_seeds_that_differ_widen_the_training_accuracy(cell: Cell) -> None:
    alike, apart = (
        train_accuracy_interval(with_train_accuracies(cell, shares))
        for shares in ([0.9, 0.9, 0.9], [0.86, 0.9, 0.94])
    )
    assert (alike.low, alike.high) == pytest.approx(
        astuple(wilson_interval(0.9 * 270, 270)), abs=1e-9
    )
    # Student's t of two degrees of freedom, 4.30, times 0.04 over the root of three.
    assert apart.high - apart.low == pytest.approx(2 * 4.30 * 0.04 / 3**0.5, rel=0.1)
    perfect = train_accuracy_interval(with_train_accuracies(cell, [1.0, 1.0]))
    assert perfect == wilson_interval(270, 270)


def test_spans_of_training_figures_name_their_files(cell: Cell) -> None:
    runs = [replace(run, history=from_file(run.history, f"s{run.seed}.csv")) for run in cell.runs]
    span = MEASURES["train_accuracy"].of(replace(cell, runs=runs)).span
    assert span is not None
    evidence = evidence_of(span.low)
    assert evidence is not None
    assert evidence.files == ("s0.csv", "s1.csv")


def test_times_span_all_runs_and_the_slack(cell: Cell) -> None:
    first, second = (run.training for run in cell.runs)
    runs = [
        replace(cell.runs[0], training=replace(first, train_seconds=10.0)),
        replace(cell.runs[1], training=replace(second, train_seconds=20.0)),
    ]
    timed = replace(cell, runs=runs)
    figure = MEASURES["train_seconds"].of(timed)
    assert figure == Figure(15.0, Interval(10 * (1 - TIME_SLACK), 20 * (1 + TIME_SLACK)))
    per_image = MEASURES["train_ms_per_image"].of(timed)
    assert per_image.value == pytest.approx(15_000 / cell.metrics.images_seen)
    assert per_image.span is not None
    assert figure.span is not None
    assert per_image.span.high == pytest.approx(1000 * figure.span.high / cell.metrics.images_seen)
