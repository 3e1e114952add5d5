import dataclasses

import numpy as np
import pandas as pd
import pytest
from make_study import make_study

from cnnreport.errors import ResultsError
from cnnreport.statistics import (
    Confusion,
    accuracy_interval,
    best_classes,
    class_interval,
    compare_cells,
    confusion_counts,
    confusion_shares,
    holm,
    mcnemar_p,
    most_confused_pairs,
    tie_groups,
    wilson_interval,
    worst_classes,
)
from cnnreport.study import Cell, Run, Study


def with_predictions(cell: Cell, predicted: list[list[int]], labels: list[int]) -> Cell:
    """Return the cell with a run for each list of predictions, and metrics to match."""
    tables = [
        cell.runs[0]
        .predictions.head(0)
        .reindex(range(len(labels)))
        .assign(label=labels, predicted=p)
        for p in predicted
    ]
    runs = [
        Run(seed, cell.runs[0].history, cell.runs[0].training, table)
        for seed, table in enumerate(tables)
    ]
    correct = np.mean([table.label == table.predicted for table in tables], axis=0)
    by_class = pd.Series(correct).groupby(pd.Series(labels)).mean()
    metrics = dataclasses.replace(
        cell.metrics,
        accuracy=float(correct.mean()),
        class_accuracy={f"class {label}": float(share) for label, share in by_class.items()},
    )
    return dataclasses.replace(cell, runs=runs, metrics=metrics)


def with_correct(cell: Cell, correct: list[list[bool]]) -> Cell:
    """Return the cell with runs that get these images right; every label is 1."""
    return with_predictions(
        cell, [[int(hit) for hit in row] for row in correct], [1] * len(correct[0])
    )


@pytest.fixture(scope="module")
def cell() -> Cell:
    return make_study(models=("lenet",), images_per_class=5).cell("digits", "lenet")


# R. G. Newcombe, Statistics in Medicine 17, 1998, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 1 - 0.1611, 1.0),
    ],
)
def test_wilson_interval_gives_newcombes_worked_examples(successes, trials, low, high):
    interval = wilson_interval(successes, trials)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_widens_with_confidence():
    narrow, wide = wilson_interval(90, 100, 0.8), wilson_interval(90, 100, 0.99)
    assert wide.low < narrow.low < 0.9 < narrow.high < wide.high


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_interval_refuses_impossible_counts(successes, trials):
    with pytest.raises(ValueError, match=f"came {successes} of {trials}"):
        wilson_interval(successes, trials)


# M. P. Fay's worked example of the exact test has 2 and 9 discordant pairs; 0 and 6 give 2/2^6.
@pytest.mark.parametrize(
    ("only_a", "only_b", "p"), [(2, 9, 0.06543), (9, 2, 0.06543), (0, 6, 0.03125), (0, 0, 1.0)]
)
def test_mcnemar_depends_on_discordant_pairs_alone(only_a, only_b, p):
    both, neither = 21, 12
    a = [True] * only_a + [False] * only_b + [True] * both + [False] * neither
    b = [False] * only_a + [True] * only_b + [True] * both + [False] * neither
    assert mcnemar_p(a, b) == pytest.approx(p, abs=5e-6)


def test_holm_steps_down_and_stays_monotone():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_one_seed_is_compared_by_mcnemar(cell):
    a = with_correct(cell, [[True] * 9 + [False] * 2 + [True] * 9])
    b = with_correct(cell, [[False] * 9 + [True] * 2 + [True] * 9])
    comparison = compare_cells(a, b)
    assert comparison.p_value == pytest.approx(0.06543, abs=5e-6)
    assert comparison.difference == pytest.approx(7 / 20)
    assert "McNemar" in comparison.method


def test_several_seeds_are_compared_by_a_bootstrap_that_is_the_same_each_time(cell):
    generator = np.random.default_rng(1)
    a = with_correct(cell, (generator.random((3, 200)) < 0.9).tolist())
    b = with_correct(cell, (generator.random((3, 200)) < 0.7).tolist())
    comparison = compare_cells(a, b)
    assert comparison == compare_cells(a, b)
    assert comparison.p_value < 0.01
    assert 0 < comparison.interval.low < comparison.difference < comparison.interval.high
    back = compare_cells(b, a)
    assert back.difference == -comparison.difference
    assert "bootstrap" in comparison.method


def test_the_bootstrap_counts_the_spread_between_seeds(cell):
    """Three seeds that disagree in sign decide nothing, however clear each of them is."""
    good, bad = [True] * 180 + [False] * 20, [False] * 20 + [True] * 120 + [False] * 60
    a, b = with_correct(cell, [good, bad, good]), with_correct(cell, [bad, good, bad])
    assert compare_cells(a, b).p_value > 0.1
    steady = compare_cells(with_correct(cell, [good] * 3), with_correct(cell, [bad] * 3))
    assert steady.p_value < 0.01


def test_bootstrap_interval_has_the_width_of_theory_where_seeds_agree(cell):
    correct = [True] * 800 + [False] * 200
    interval = accuracy_interval(with_correct(cell, [correct, correct]))
    reach = 1.96 * np.sqrt(0.8 * 0.2 / 1000)
    assert (interval.low, interval.high) == pytest.approx((0.8 - reach, 0.8 + reach), abs=0.004)


def test_one_seed_has_the_wilson_interval(cell):
    one = with_correct(cell, [[True] * 81 + [False] * 182])
    assert accuracy_interval(one) == wilson_interval(81, 263)


@pytest.mark.parametrize("other", [[[True] * 4], [[True] * 5] * 2])
def test_cells_of_other_images_or_seeds_are_not_compared(cell, other):
    with pytest.raises(ResultsError, match="wanted the same test images and seeds"):
        compare_cells(with_correct(cell, [[True] * 5]), with_correct(cell, other))


def test_seeds_with_different_images_are_refused(cell):
    runs = with_correct(cell, [[True] * 4]).runs + with_correct(cell, [[True] * 5]).runs
    with pytest.raises(ResultsError, match="different lengths"):
        accuracy_interval(dataclasses.replace(cell, runs=runs))


def study_of(cell: Cell, hits: dict[str, list[bool]]) -> Study:
    study = make_study(models=tuple(hits), images_per_class=1)
    cells = {
        ("digits", model): dataclasses.replace(with_correct(cell, [row]), model=model)
        for model, row in hits.items()
    }
    return dataclasses.replace(study, cells=cells)


def test_networks_that_cannot_be_told_apart_share_a_rank(cell):
    study = study_of(
        cell,
        {
            "lenet": [True] * 100 + [False] * 100,
            "vgg16": [True] * 150 + [False] * 50,
            "alexnet": [True] * 149 + [False] * 51,
        },
    )
    ranked = tie_groups(study, "digits")
    assert [(item.cell.model, item.rank, item.tied_with) for item in ranked] == [
        ("vgg16", 1, ("alexnet",)),
        ("alexnet", 1, ("vgg16",)),
        ("lenet", 3, ()),
    ]


def test_a_tie_need_not_be_shared_by_all(cell):
    """The middle one is tied with both, yet the last is worse than the first."""
    study = study_of(
        cell,
        {
            "lenet": [True] * 60 + [False] * 40,
            "vgg16": [True] * 65 + [False] * 35,
            "alexnet": [True] * 70 + [False] * 30,
        },
    )
    ranked = tie_groups(study, "digits")
    assert [(item.cell.model, item.rank) for item in ranked] == [
        ("alexnet", 1),
        ("vgg16", 1),
        ("lenet", 2),
    ]
    assert ranked[1].tied_with == ("alexnet", "lenet")


def test_equal_networks_and_a_single_one_are_first(cell):
    hits = [True] * 10 + [False] * 5
    both = tie_groups(study_of(cell, {"vgg16": hits, "lenet": hits}), "digits")
    assert [(item.cell.model, item.rank) for item in both] == [("vgg16", 1), ("lenet", 1)]
    one = tie_groups(study_of(cell, {"lenet": hits}), "digits")
    assert [(item.rank, item.tied_with) for item in one] == [(1, ())]


def test_best_and_worst_classes_keep_the_class_order_in_ties(cell):
    accuracies = {"a": 0.5, "b": 0.9, "c": 0.5, "d": 0.9, "e": 0.1}
    cell = dataclasses.replace(
        cell, metrics=dataclasses.replace(cell.metrics, class_accuracy=accuracies)
    )
    assert best_classes(cell, 3) == [("b", 0.9), ("d", 0.9), ("a", 0.5)]
    assert worst_classes(cell, 3) == [("e", 0.1), ("a", 0.5), ("c", 0.5)]
    assert len(best_classes(cell, 9)) == 5


LABELS = [0, 0, 0, 0, 1, 1, 2, 2]
FIRST = [0, 0, 1, 2, 1, 0, 2, 2]
SECOND = [0, 1, 1, 2, 1, 0, 2, 2]


def test_class_interval_counts_the_images_of_the_class_once(cell):
    cell = with_predictions(cell, [FIRST, FIRST], LABELS)
    assert class_interval(cell, "class 0") == wilson_interval(2, 4)
    assert class_interval(cell, "class 2") == wilson_interval(2, 2)


def test_confusion_counts_and_shares(cell):
    cell = with_predictions(cell, [FIRST, SECOND], LABELS)
    assert confusion_counts(cell.runs[0], 3).tolist() == [[2, 1, 1], [1, 1, 0], [0, 0, 2]]
    expected = [[0.375, 0.375, 0.25], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    np.testing.assert_allclose(confusion_shares(cell), expected)


def test_most_confused_pairs_are_those_that_happened(cell):
    cell = with_predictions(cell, [FIRST, SECOND], LABELS)
    assert most_confused_pairs(cell, 9) == [
        Confusion("class 0", "class 1", 1.5, 0.375),
        Confusion("class 0", "class 2", 1.0, 0.25),
        Confusion("class 1", "class 0", 1.0, 0.5),
    ]
    assert len(most_confused_pairs(cell, 1)) == 1
