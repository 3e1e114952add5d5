import dataclasses
from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_study import make_study
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import brier_score_loss, log_loss

from cnnreport.calibration import (
    BINS,
    bin_of,
    brier_scores,
    calibration,
    confidence_finding,
    ece_interval,
    expected_calibration_error,
    log_losses,
    reliability,
    trusted_too_far,
    worse_than_blind,
)
from cnnreport.evidence import evidence_of, from_file
from cnnreport.formats import points
from cnnreport.statistics import wilson_interval
from cnnreport.study import Cell, Run, Study

NAMES = {"lenet": "LeNet", "vgg16": "VGG-16"}


@pytest.fixture(scope="module")
def study() -> Study:
    return make_study(models=("lenet", "vgg16"))


def with_tables(cell: Cell, tables: list[pd.DataFrame]) -> Cell:
    """Return the cell with a run for each table of predictions."""
    first = cell.runs[0]
    runs = [
        Run(seed, first.history, first.training, table.reset_index(drop=True))
        for seed, table in enumerate(tables)
    ]
    return dataclasses.replace(cell, runs=runs)


def two_classes(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> pd.DataFrame:
    """Return predictions between two classes with these confidences; every label is 1."""
    return pd.DataFrame(
        {
            "label": 1,
            "predicted": np.where(correct, 1, 0),
            "confidence": confidence,
            "label_probability": np.where(correct, confidence, 1 - confidence),
            "probability_squares": confidence**2 + (1 - confidence) ** 2,
        }
    )


def simulated(generator: np.random.Generator, images: int, excess: float) -> pd.DataFrame:
    """Return predictions that are right as often as their confidence less an excess says."""
    confidence = generator.uniform(0.6, 0.95, images)
    return two_classes(confidence, generator.random(images) < confidence - excess)


def test_ece_worked_out_by_hand() -> None:
    """Three bins hold 2, 2 and 1 of five: gaps 0.45, 0.15 and 0.03 on average, in that order.

    0.91 and 0.93 in (13/15, 14/15], one of two right: |0.92 - 0.5| = 0.42;
    0.97 and 0.99 in the last, both right: |0.98 - 1| = 0.02; 0.5 in (7/15, 8/15], wrong: 0.5.
    """
    confidence = np.array([0.91, 0.93, 0.97, 0.99, 0.5])
    correct = np.array([True, False, True, True, False])
    expected = (2 * 0.42 + 2 * 0.02 + 1 * 0.5) / 5
    assert expected_calibration_error(confidence, correct) == pytest.approx(expected)


def test_bins_are_closed_above_as_in_the_paper() -> None:
    assert bin_of(np.array([0.0, 1e-9, 1 / 3, 0.34, 0.6, 1.0, 1.000001])).tolist() == [
        *(0, 0, 4, 5, 8, 14, 14)
    ]


def test_ece_of_a_calibrated_network_is_near_zero_and_falls_with_more_images() -> None:
    generator = np.random.default_rng(5)
    confidence = generator.uniform(0.1, 1, 200_000)
    correct = generator.random(200_000) < confidence
    assert expected_calibration_error(confidence, correct) < 0.006
    few = expected_calibration_error(confidence[:200], correct[:200])
    assert few > 0.02


@settings(max_examples=40, derandomize=True, deadline=None, database=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_ece_lies_between_the_excess_and_one(pairs: list[tuple[float, bool]]) -> None:
    confidence = np.array([pair[0] for pair in pairs])
    correct = np.array([pair[1] for pair in pairs])
    ece = expected_calibration_error(confidence, correct)
    excess = abs(confidence.mean() - correct.mean())
    assert excess - 1e-9 <= ece <= np.abs(confidence - correct).mean() + 1e-9 <= 1 + 1e-9
    assert expected_calibration_error(confidence[::-1], correct[::-1]) == pytest.approx(ece)


def test_log_loss_and_brier_score_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(2)
    probabilities = generator.dirichlet(np.full(4, 0.5), 50)
    labels = generator.integers(4, size=50)
    table = pd.DataFrame(
        {
            "label_probability": probabilities[np.arange(50), labels],
            "probability_squares": np.square(probabilities).sum(axis=1),
        }
    )
    classes = range(4)
    assert log_losses(table).mean() == pytest.approx(
        log_loss(labels, probabilities, labels=classes), rel=1e-4
    )
    assert brier_scores(table).mean() == pytest.approx(
        brier_score_loss(labels, probabilities, labels=classes, scale_by_half=False)
    )


@pytest.mark.parametrize(("probability", "score"), [(1.0, 0.0), (0.5, 0.5), (0.0, 2.0)])
def test_brier_score_goes_from_zero_to_two(probability: float, score: float) -> None:
    squares = probability**2 + (1 - probability) ** 2
    table = pd.DataFrame({"label_probability": [probability], "probability_squares": [squares]})
    assert brier_scores(table).tolist() == pytest.approx([score])


def test_a_probability_of_zero_has_a_finite_loss() -> None:
    table = pd.DataFrame({"label_probability": [0.0, 1.0]})
    assert log_losses(table).tolist() == pytest.approx([np.log(1e7), 0.0])


def test_log_loss_of_a_cell_is_its_test_loss(study: Study) -> None:
    for cell in study.cells.values():
        assert calibration(cell).nll.value == pytest.approx(cell.metrics.loss)


def test_figures_of_several_seeds_are_means(study: Study) -> None:
    generator = np.random.default_rng(4)
    tables = [simulated(generator, 80, excess) for excess in (0.0, 0.2)]
    cell = study.cell("digits", "lenet")
    both = calibration(with_tables(cell, tables))
    each = [calibration(with_tables(cell, [table])) for table in tables]
    for name in ("ece", "nll", "brier", "excess"):
        values = [getattr(one, name).value for one in each]
        assert getattr(both, name).value == pytest.approx(np.mean(values)), name
    one = with_tables(cell, tables[:1])
    ece = expected_calibration_error(
        tables[0].confidence.to_numpy(), (tables[0].label == tables[0].predicted).to_numpy()
    )
    assert calibration(one).ece.value == pytest.approx(ece)


def test_intervals_hold_their_figure_and_are_the_same_each_time(study: Study) -> None:
    table = simulated(np.random.default_rng(8), 500, 0.1)
    first, again = (calibration(with_tables(study.cell("digits", "lenet"), [table])) for _ in "ab")
    assert first == again
    for name in ("nll", "brier", "excess", "ece"):
        found = getattr(first, name)
        assert found.interval.low < found.value < found.interval.high, name


def test_interval_of_the_excess_covers_the_truth_as_often_as_it_says(study: Study) -> None:
    generator = np.random.default_rng(6)
    cell = study.cell("digits", "lenet")
    found = [
        calibration(with_tables(cell, [simulated(generator, 100, 0.05)])).excess.interval
        for _ in range(100)
    ]
    covered = np.mean([interval.low <= 0.05 <= interval.high for interval in found])
    # The standard error of this share is 0.02.
    assert 0.88 <= covered <= 0.99


@pytest.mark.parametrize("excess", [0.0, 0.15])
def test_interval_of_the_ece_holds_the_truth_as_often_as_it_says(
    study: Study, excess: float
) -> None:
    """A calibrated network has none, one that is too sure by as much everywhere has that."""
    generator = np.random.default_rng(12)
    cell = study.cell("digits", "lenet")
    found = [
        calibration(with_tables(cell, [simulated(generator, 150, excess)])).ece for _ in range(60)
    ]
    assert all(each.interval.low <= each.value <= each.interval.high for each in found)
    covered = np.mean([each.interval.low <= excess <= each.interval.high for each in found])
    # Two standard errors below 0.95.
    assert covered >= 0.95 - 0.056


def test_interval_of_the_ece_narrows_to_the_ece_and_widens_with_the_seeds() -> None:
    bins = np.array([[0.1, -0.05], [0.2, 0.0]])
    still = ece_interval(bins[:1], np.tile(bins[:1], (9, 1, 1)))
    assert astuple(still) == pytest.approx((0.15, 0.15))
    both = ece_interval(bins, np.tile(bins, (9, 1, 1)))
    reach = stats.t.ppf(0.975, 1) * 0.05 / 2
    assert astuple(both) == pytest.approx((0.175 - reach, 0.175 + reach))


def test_seeds_that_differ_leave_open_who_is_over_confident(study: Study) -> None:
    generator, cell = np.random.default_rng(3), study.cell("digits", "lenet")
    apart, alike = (
        calibration(with_tables(cell, [simulated(generator, 1500, each) for each in excesses]))
        for excesses in ([0.02, 0.2, 0.1], [0.1, 0.1, 0.1])
    )
    assert apart.excess.interval.low < 0 < alike.excess.interval.low
    assert alike.p_value < 0.05 < apart.p_value
    assert 0 <= apart.ece.interval.low < apart.ece.value < apart.ece.interval.high <= 1
    assert 0 <= apart.brier.interval.low < alike.brier.interval.low


def calibrated_as(study: Study, excesses: dict[str, float]) -> Study:
    generator = np.random.default_rng(9)
    cells = {
        ("digits", model): with_tables(
            study.cell("digits", model), [simulated(generator, 1500, excess)]
        )
        for model, excess in excesses.items()
    }
    return dataclasses.replace(study, cells=cells)


@pytest.mark.parametrize(
    ("excesses", "signs"),
    [
        ({"lenet": 0.2, "vgg16": -0.04}, {"lenet": 1, "vgg16": -1}),
        ({"lenet": 0.0, "vgg16": 0.2}, {"lenet": 0, "vgg16": 1}),
    ],
)
def test_the_statistics_choose_who_is_over_confident(
    study: Study, excesses: dict[str, float], signs: dict[str, int]
) -> None:
    cells = calibrated_as(study, excesses)
    assert trusted_too_far(cells.cells_of("digits")) == signs


def test_the_finding_names_networks_and_excesses(study: Study) -> None:
    cells = calibrated_as(study, {"lenet": 0.2, "vgg16": 0.0})
    over, neither = (calibration(cells.cell("digits", m)).excess.value for m in NAMES)
    assert confidence_finding(cells, "digits", NAMES) == (
        f"Mean confidence less accuracy on the test images: LeNet ({points(over)}) is "
        f"over-confident; VGG-16 ({points(neither)}) is neither over- nor under-confident beyond "
        "what chance explains."
    )


def test_a_loss_above_that_of_equal_probabilities_is_told(study: Study) -> None:
    """Two thirds wrong with a confidence of 0.99 have a loss of 3.1; ln 2 is 0.69."""
    generator = np.random.default_rng(0)
    sure = two_classes(np.full(300, 0.99), generator.random(300) < 1 / 3)
    modest = two_classes(np.full(300, 0.6), generator.random(300) < 0.6)
    record = dataclasses.replace(study.datasets["digits"], class_names=["no", "yes"])
    cells = {
        ("digits", model): with_tables(study.cell("digits", model), [table])
        for model, table in {"lenet": sure, "vgg16": modest}.items()
    }
    two = dataclasses.replace(study, datasets={"digits": record}, cells=cells)
    two = dataclasses.replace(
        two, params=two.params.model_copy(update={"models": ["lenet", "vgg16"]})
    )
    text = worse_than_blind(two, "digits", NAMES)
    assert text.startswith(f"The test loss of {NAMES['lenet']} (3.")
    assert "is above ln 2" in text
    assert NAMES["vgg16"] not in text
    calm = dataclasses.replace(two, params=two.params.model_copy(update={"models": ["vgg16"]}))
    assert worse_than_blind(calm, "digits", NAMES) == ""


def test_bins_add_up_to_the_predictions_and_the_accuracy(study: Study) -> None:
    generator = np.random.default_rng(4)
    tables = [simulated(generator, 80, 0.1) for _ in "ab"]
    cell = with_tables(study.cell("digits", "lenet"), tables)
    bins = reliability(cell)
    assert sum(each.predictions for each in bins) == 160
    correct = np.concatenate([table.label == table.predicted for table in tables])
    weighted = sum(each.predictions * each.accuracy for each in bins) / 160
    assert weighted == pytest.approx(correct.mean())
    for each in bins:
        assert each.low < each.confidence <= each.high
        assert each.high - each.low == pytest.approx(1 / BINS)


def test_a_bin_has_the_interval_of_its_images(study: Study) -> None:
    table = two_classes(np.full(20, 0.9), np.arange(20) < 15)
    cell = study.cell("digits", "lenet")
    (one,) = reliability(with_tables(cell, [table]))
    (two,) = reliability(with_tables(cell, [table, table]))
    assert (one.predictions, two.predictions) == (20, 40)
    assert one.interval == two.interval == wilson_interval(15, 20)


def test_figures_of_a_study_that_was_read_name_their_files(study: Study) -> None:
    cell = study.cell("digits", "lenet")
    read = dataclasses.replace(cell, metrics=from_file(cell.metrics, "metrics.json"))
    found = calibration(read)
    numbers = [found.p_value, reliability(read)[0].accuracy, reliability(read)[0].predictions]
    for estimate in (found.ece, found.nll, found.brier, found.excess):
        numbers += [estimate.value, estimate.interval.low, estimate.interval.high]
    for number in numbers:
        assert evidence_of(number).files == ("results/digits/lenet/predictions/s0.csv",)
    assert len({evidence_of(number).key for number in numbers}) == len(numbers)
    columns = [
        evidence_of(estimate.value).inputs[0].pointer
        for estimate in (found.ece, found.excess, found.nll, found.brier)
    ]
    answers = "confidence, label, predicted"
    squares = "probability_squares, label_probability"
    assert columns == [answers, answers, "label_probability", squares]
    assert evidence_of(calibration(cell).ece.value) is None
