import dataclasses
import statistics as standard_library

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_study import make_study
from scipy import stats
from sklearn.metrics import confusion_matrix
from statsmodels.stats.multitest import multipletests

from cnnreport.errors import ResultsError
from cnnreport.evidence import evidence_of, from_file
from cnnreport.statistics import (
    ALPHA,
    CONFIDENCE,
    RESAMPLES,
    SMALLEST_P,
    Confusion,
    Interval,
    Spread,
    accuracy_interval,
    best_classes,
    class_interval,
    compare_all,
    compare_cells,
    confusion_counts,
    confusion_interval,
    confusion_shares,
    correct_matrix,
    holm,
    mcnemar_p,
    most_confused_pairs,
    one_seed_each,
    over_seeds,
    paired_spread,
    percentiles,
    predictions_evidence,
    resampled_means,
    resampled_sums,
    seed_deviation,
    spread_of,
    tie_groups,
    wilson_interval,
    worst_classes,
)
from cnnreport.study import Cell, Run, Study

few = settings(max_examples=40, derandomize=True, deadline=None, database=None)
"""Properties are tried on the same few examples each time."""

fewer = settings(few, max_examples=8)

proportions = st.integers(1, 500).flatmap(
    lambda trials: st.tuples(st.integers(0, trials), st.just(trials))
)
p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


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


@few
@given(proportions, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_interval_holds_the_share_and_mirrors_that_of_the_failures(counts, confidence):
    successes, trials = counts
    interval = wilson_interval(successes, trials, confidence)
    mirrored = wilson_interval(trials - successes, trials, confidence)
    rounding = 1e-12
    assert 0 <= interval.low <= successes / trials + rounding
    assert successes / trials - rounding <= interval.high <= 1
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((interval.low, interval.high))


@few
@given(proportions)
def test_wilson_interval_narrows_with_more_trials_of_the_same_share(counts):
    successes, trials = counts
    wide, narrow = wilson_interval(successes, trials), wilson_interval(4 * successes, 4 * trials)
    assert narrow.high - narrow.low < wide.high - wide.low


@few
@given(proportions)
def test_wilson_interval_is_that_of_scipy(counts):
    successes, trials = counts
    theirs = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    ours = wilson_interval(successes, trials)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize(("share", "trials"), [(0.6, 100), (0.98, 540), (0.9, 1000)])
def test_wilson_interval_covers_the_truth_as_often_as_it_says(share, trials):
    """Exactly: the probabilities of the counts whose interval holds the true share add up."""
    counts = range(trials + 1)
    held = [low <= share <= high for low, high in map(ends_of(trials), counts)]
    assert stats.binom.pmf(counts, trials, share) @ held == pytest.approx(0.95, abs=0.015)


def ends_of(trials: int):
    return lambda successes: dataclasses.astuple(wilson_interval(successes, trials))


# 2 and 9: M. P. Fay's worked example of the exact test. 12 and 2: two media for tubercle bacilli,
# P. Armitage and G. Berry, Statistical Methods in Medical Research, 3rd edition 1994, p. 127, with
# the exact p that the manual of StatsDirect gives. 0 and 6 make 2/2^6.
@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [(2, 9, 0.06543), (9, 2, 0.06543), (12, 2, 0.01294), (0, 6, 0.03125), (0, 0, 1.0)],
)
def test_mcnemar_depends_on_discordant_pairs_alone(only_a, only_b, p):
    both, neither = 21, 12
    a = [True] * only_a + [False] * only_b + [True] * both + [False] * neither
    b = [False] * only_a + [True] * only_b + [True] * both + [False] * neither
    assert mcnemar_p(a, b) == pytest.approx(p, abs=5e-6)


def test_mcnemar_finds_the_change_of_mind_in_agrestis_survey():
    """Approval in two surveys, 1600 people: A. Agresti, Categorical Data Analysis, 1990, p. 350.

    With 150 and 86 who changed their minds the statistic of the test for large samples is
    (150 - 86)^2 / (150 + 86); the exact p-value agrees with its tail.
    """
    first = [True] * (794 + 150) + [False] * (86 + 570)
    second = [True] * 794 + [False] * 150 + [True] * 86 + [False] * 570
    large_sample = stats.chi2.sf((150 - 86) ** 2 / (150 + 86), 1)
    assert mcnemar_p(first, second) == pytest.approx(large_sample, rel=0.25)


@few
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_sign_test_of_the_discordant_pairs(only_a, only_b):
    a = [True] * only_a + [False] * only_b
    b = [not hit for hit in a]
    expected = stats.binomtest(only_a, only_a + only_b).pvalue if a else 1.0
    assert mcnemar_p(a, b) == pytest.approx(expected)
    assert mcnemar_p(b, a) == mcnemar_p(a, b)


def test_holm_rejects_what_bonferroni_and_hochberg_both_reject():
    """Fifteen p-values of Y. Benjamini and Y. Hochberg, JRSS B 57, 1995, section 3.2.

    Bonferroni, which rejects no more than Holm, and Hochberg, which rejects no less, both reject
    the first three at 0.05 there.
    """
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p_values += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert [p <= 0.05 for p in holm(p_values)] == [True] * 3 + [False] * 12


@fewer
@given(p_lists)
def test_holm_lies_between_the_raw_p_values_and_those_of_bonferroni(p_values):
    adjusted = holm(p_values)
    for raw, p in zip(p_values, adjusted, strict=True):
        assert raw <= p <= min(1.0, len(p_values) * raw) + 1e-12
    assert min(adjusted) == pytest.approx(min(1.0, len(p_values) * min(p_values)))


@fewer
@given(p_lists, st.randoms(use_true_random=False))
def test_holm_keeps_the_order_of_the_p_values_and_of_the_list(p_values, random):
    adjusted = dict(zip(p_values, holm(p_values), strict=True))
    ordered = [adjusted[p] for p in sorted(adjusted)]
    assert ordered == sorted(ordered)
    shuffled = random.sample(p_values, len(p_values))
    assert sorted(holm(shuffled)) == sorted(holm(p_values))


def test_holm_steps_down_and_stays_monotone():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@few
@given(p_lists)
def test_holm_is_that_of_the_library_to_the_last_digit(p_values):
    assert holm(p_values) == multipletests(p_values, method="holm")[1].tolist()


def test_what_is_drawn_for_each_network_once_is_what_is_drawn_for_the_pair():
    study = make_study(models=("lenet", "vgg16"), seeds=(0, 1, 2))
    a, b = study.cells_of("digits")
    right = [correct_matrix(cell).astype(float) for cell in (a, b)]
    together = resampled_means(right[0] - right[1]).mean(axis=1).var()
    drawn = [resampled_means(each) for each in right]
    spread = paired_spread([each.mean(axis=1) for each in right], drawn)
    assert spread.images == pytest.approx(together, rel=1e-9)
    expected = spread.around(float((right[0] - right[1]).mean()))
    found = compare_cells(a, b).interval
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_confusions_are_counted_as_the_library_does(cell):
    run, classes = cell.runs[0], len(cell.metrics.class_accuracy)
    table = run.predictions
    expected = confusion_matrix(table["label"], table["predicted"], labels=range(classes))
    assert np.array_equal(confusion_counts(run, classes), expected)
    assert confusion_counts(run, classes).sum() == len(table)


@few
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 200))
def test_the_interval_of_one_seed_leaves_zero_out_where_its_test_tells_apart(only_a, only_b, both):
    """Seven against one of 540 give p = 0.07, and a bootstrap alone an interval above zero."""
    right = [True] * both
    a = np.array(right + [True] * only_a + [False] * only_b + [False])
    b = np.array(right + [False] * only_a + [True] * only_b + [False])
    drawn = resampled_means((a.astype(float) - b)[None])[:, 0]
    interval, p_value = one_seed_each(a, b, drawn)
    assert (interval.low > 0 or interval.high < 0) == (p_value < ALPHA)
    assert interval.low <= (only_a - only_b) / len(a) <= interval.high
    found = percentiles(drawn)
    assert interval.low <= found.low
    assert found.high <= interval.high


def test_one_seeds_interval_is_clopper_and_pearsons_of_the_images_only_one_gets_right():
    a, b = np.arange(540) < 407, (np.arange(540) < 400) | (np.arange(540) == 539)
    exact = stats.binomtest(7, 8).proportion_ci(method="exact")
    interval, p_value = one_seed_each(a, b, np.zeros(RESAMPLES))
    assert interval.low == pytest.approx(8 / 540 * (2 * exact.low - 1))
    assert interval.high == pytest.approx(8 / 540 * (2 * exact.high - 1))
    assert p_value == pytest.approx(0.0703, abs=1e-4)


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
    assert comparison.p_value < 0.02
    assert 0 < comparison.interval.low < comparison.difference < comparison.interval.high
    back = compare_cells(b, a)
    assert back.difference == -comparison.difference
    assert "bootstrap" in comparison.method


def test_the_bootstrap_of_one_seed_is_scipys_paired_one():
    generator = np.random.default_rng(3)
    a, b = generator.random((2, 300)) < [[0.9], [0.8]]
    theirs = stats.bootstrap(
        (a.astype(float), b.astype(float)),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        paired=True,
        method="percentile",
        n_resamples=RESAMPLES,
        rng=generator,
    )
    means = resampled_means((a.astype(float) - b)[None])
    ours = percentiles(means)
    assert means.std() == pytest.approx(theirs.standard_error, rel=0.06)
    # Twice the Monte-Carlo error of a 2.5 % quantile of 2000 draws, on steps of 1/300.
    expected = tuple(theirs.confidence_interval)
    assert (ours.low, ours.high) == pytest.approx(
        expected, abs=0.2 * theirs.standard_error + 1 / 300
    )


def test_the_bootstrap_covers_the_true_difference_as_often_as_it_says():
    generator = np.random.default_rng(11)
    easy = generator.random((200, 1, 400))
    # Both networks find the same images hard, as they do in practice.
    difference = (easy < 0.90).astype(float) - (
        0.5 * easy + 0.5 * generator.random(easy.shape) < 0.8
    )
    truth = 0.90 - stats.triang.cdf(0.8, 0.5)
    intervals = [percentiles(resampled_means(images)) for images in difference]
    covered = np.mean([interval.low <= truth <= interval.high for interval in intervals])
    # The standard error of this share is 0.015.
    assert 0.90 <= covered <= 0.985


def test_images_are_drawn_once_an_image_on_average_and_alike_for_every_network():
    sums = resampled_sums(np.vstack([np.ones(50), np.eye(50)]))
    assert sums.shape == (RESAMPLES, 51)
    assert set(sums[:, 0]) == {50.0}
    assert sums[:, 1:].mean(axis=0) == pytest.approx(np.ones(50), abs=0.12)
    assert np.array_equal(sums[:, 1], resampled_sums(np.eye(50))[:, 0])


def simulated_differences(
    seeds: int, images_sd: float, own_sd: float, seed_sds: tuple[float, float], trials: int = 1500
) -> list[tuple[float, Spread]]:
    """Return differences of two networks without a true one, each with its spread.

    The sources of chance are normal: what images, the same for all seeds, do to the means; what
    they do to each seed alone; and the seeds, of which either network has a spread of its own. The
    resamples are those of the many images.
    """
    generator = np.random.default_rng([seeds, *(int(1000 * sd) for sd in (images_sd, own_sd))])
    found = []
    for _ in range(trials):
        by_seed, drawn = [], []
        for seed_sd in seed_sds:
            figures = generator.normal(0, images_sd / np.sqrt(2)) + generator.normal(
                0, np.hypot(own_sd, seed_sd), seeds
            )
            shared = generator.normal(0, images_sd / np.sqrt(2), (200, 1))
            by_seed.append(figures)
            drawn.append(figures + shared + generator.normal(0, own_sd, (200, seeds)))
        difference = float(by_seed[0].mean() - by_seed[1].mean())
        found.append((difference, paired_spread(by_seed, drawn)))
    return found


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(
    ("images_sd", "own_sd", "seed_sds"),
    [
        (0.0025, 0.0, (0.01, 0.01)),
        (0.0025, 0.0, (0.02, 0.005)),
        (0.0025, 0.0025, (0.001, 0.001)),
        (0.0025, 0.0, (0.004, 0.004)),
        (0.0025, 0.0, (0.006, 0.0015)),
    ],
    ids=[
        "seeds dominate",
        "those of one network dominate",
        "images dominate",
        "both count",
        "both count, and one network more",
    ],
)
def test_what_seeds_and_images_do_is_rarely_taken_for_a_difference(
    seeds, images_sd, own_sd, seed_sds
):
    """The level is kept with few seeds, also where one network's lie further apart."""
    found = simulated_differences(seeds, images_sd, own_sd, seed_sds)
    false_positives = np.mean([spread.p_value(mean) < ALPHA for mean, spread in found])
    # The standard error of this share is 0.006.
    assert false_positives <= ALPHA + 0.012
    assert np.mean([leaves_zero_out(spread.around(mean)) for mean, spread in found]) == (
        false_positives
    )


def test_seeds_that_dominate_are_not_taken_for_more_than_they_are():
    """With five seeds the interval is not much wider than it must be."""
    found = simulated_differences(5, 0.001, 0.0, (0.02, 0.02))
    assert np.mean([spread.p_value(mean) < ALPHA for mean, spread in found]) >= ALPHA - 0.02


def test_two_networks_are_compared_by_welchs_test_where_images_do_nothing():
    by_seed = [np.array([0.61, 0.64, 0.62]), np.array([0.66, 0.655, 0.67])]
    spread = paired_spread(by_seed, [np.tile(each, (RESAMPLES, 1)) for each in by_seed])
    theirs = stats.ttest_ind(*by_seed, equal_var=False)
    difference = by_seed[0].mean() - by_seed[1].mean()
    assert spread.p_value(difference) == pytest.approx(theirs.pvalue, rel=1e-6)
    ends = theirs.confidence_interval(CONFIDENCE)
    assert dataclasses.astuple(spread.around(difference)) == pytest.approx((ends.low, ends.high))


def test_a_clear_difference_is_seen_with_three_seeds(cell):
    """Ten points at a thousand images, a point apart from seed to seed, among ten pairs."""
    generator = np.random.default_rng(3)
    hardness = generator.random(1000)

    def network(*shares: float) -> Cell:
        noise = generator.normal(0, 0.2, (len(shares), 1000))
        rows = [hardness + each for each in noise]
        return with_correct(
            cell,
            [list(row < np.quantile(row, share)) for row, share in zip(rows, shares, strict=True)],
        )

    found = compare_cells(network(0.70, 0.69, 0.68), network(0.60, 0.59, 0.58))
    assert found.p_value * 10 < ALPHA
    near = compare_cells(network(0.70, 0.69, 0.68), network(0.68, 0.67, 0.66))
    assert near.p_value > ALPHA


def leaves_zero_out(interval: Interval) -> bool:
    return interval.low > 0 or interval.high < 0


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("seed_sd", "coverage"), [(0.03, 0.93), (0.002, 0.94)])
def test_the_interval_of_an_accuracy_covers_the_truth_over_seeds_and_images(
    seeds, seed_sd, coverage
):
    """Half of what makes an image hard is the same for all seeds, the rest differs."""
    images, trials, truth = 1000, 250, 0.8
    generator = np.random.default_rng([seeds, int(1000 * seed_sd)])
    covered = 0
    for _ in range(trials):
        shares = np.clip(generator.normal(truth, seed_sd, (seeds, 1)), 0, 1)
        hardness = generator.normal(size=images) + generator.normal(size=(seeds, images))
        correct = (hardness < np.sqrt(2) * stats.norm.ppf(shares)).astype(float)
        spread = spread_of(correct.mean(axis=1), resampled_few(correct))
        interval = over_seeds(correct.mean(), images, spread)
        covered += interval.low <= truth <= interval.high
    # The standard error of a share of 0.95 is 0.014.
    assert covered / trials >= coverage - 0.014


def resampled_few(values: np.ndarray) -> np.ndarray:
    """Return what `resampled_means` gives, from normal draws with the variances of the images."""
    generator = np.random.default_rng(5)
    covariance = np.atleast_2d(np.cov(values)) / values.shape[1]
    return generator.multivariate_normal(values.mean(axis=1), covariance, 300)


def test_the_spread_of_one_seed_is_that_of_its_images():
    drawn = resampled_means(np.arange(100.0)[None])
    assert spread_of(np.array([49.5]), drawn) == Spread(float(drawn.var()))
    assert Spread(4.0).reach() == pytest.approx(1.96 * 2, abs=1e-3)


def test_the_spread_of_seeds_alone_is_students():
    """Where images do nothing, interval and p-value are those of the t-test of the seeds."""
    by_seed = np.array([0.61, 0.64, 0.62])
    spread = spread_of(by_seed, np.tile(by_seed, (RESAMPLES, 1)))
    theirs = stats.ttest_1samp(by_seed, 0.6)
    assert spread.p_value(by_seed.mean() - 0.6) == pytest.approx(theirs.pvalue, rel=1e-6)
    ends = theirs.confidence_interval(CONFIDENCE)
    assert dataclasses.astuple(spread.around(by_seed.mean())) == pytest.approx(
        (ends.low, ends.high)
    )


spreads = st.builds(
    Spread,
    st.floats(1e-8, 1e-2),
    st.floats(0, 1e-2),
    st.floats(0, 1e-2),
    st.floats(1, 9),
)


@few
@given(spreads, st.floats(-1, 1))
def test_p_values_and_intervals_agree(spread, value):
    p = spread.p_value(value)
    assert SMALLEST_P <= p <= 1
    assert p == spread.p_value(-value)
    assert spread.reach(p / 2) >= min(abs(value), spread.reach(SMALLEST_P / 2)) * (1 - 1e-6)
    if abs(p - ALPHA) > 1e-6:
        assert (p < ALPHA) == leaves_zero_out(spread.around(value))


@few
@given(spreads, spreads, st.floats(1e-8, 1.0))
def test_a_sum_has_all_variance_and_reaches_no_less_than_its_images(one, other, alpha):
    both = one + other
    assert (both.images, both.seeds) == pytest.approx(
        (one.images + other.images, one.seeds + other.seeds)
    )
    assert both.reach(alpha) >= Spread(both.images).reach(alpha)
    if one.seeds and other.seeds:
        rounding = 1e-6
        assert min(one.free, other.free) - rounding <= both.free
        assert both.free <= one.free + other.free + rounding


def test_seeds_of_one_side_alone_keep_their_degrees_of_freedom():
    assert (Spread(1.0) + Spread(1.0, seeds=0.5, free=2)).free == 2


def test_no_difference_at_all_has_a_p_value_of_one():
    assert Spread(0.0).p_value(0.0) == 1
    assert Spread(0.0).p_value(0.5) == SMALLEST_P


def test_the_bootstrap_counts_the_spread_between_seeds(cell):
    """Three seeds that disagree in sign decide nothing, however clear each of them is."""
    good, bad = [True] * 180 + [False] * 20, [False] * 20 + [True] * 120 + [False] * 60
    a, b = with_correct(cell, [good, bad, good]), with_correct(cell, [bad, good, bad])
    assert compare_cells(a, b).p_value > 0.1
    steady = compare_cells(with_correct(cell, [good] * 3), with_correct(cell, [bad] * 3))
    assert steady.p_value < 0.01


def test_where_seeds_agree_the_interval_is_that_of_one(cell):
    correct = [True] * 800 + [False] * 200
    interval = accuracy_interval(with_correct(cell, [correct, correct]))
    one = wilson_interval(800, 1000)
    # The resampled variance of the images is off by a few percent.
    assert (interval.low, interval.high) == pytest.approx((one.low, one.high), abs=0.002)
    assert interval.low <= one.low
    assert interval.high >= one.high


@pytest.mark.parametrize("share", [0, 1])
def test_seeds_that_are_all_right_or_all_wrong_leave_a_doubt(cell, share):
    interval = accuracy_interval(with_correct(cell, [[share == 1] * 200] * 3))
    assert interval == wilson_interval(200 * share, 200)


@few
@given(
    st.integers(2, 4).flatmap(
        lambda seeds: st.lists(st.integers(0, 60), min_size=seeds, max_size=seeds)
    )
)
def test_the_interval_over_seeds_stays_within_zero_and_one(hits):
    correct = np.array([[place < right for place in range(60)] for right in hits], dtype=float)
    spread = spread_of(correct.mean(axis=1), resampled_means(correct))
    interval = over_seeds(float(correct.mean()), 60, spread)
    rounding = 1e-9
    assert 0 <= interval.low <= correct.mean() + rounding
    assert correct.mean() - rounding <= interval.high <= 1
    one = wilson_interval(float(correct.mean()) * 60, 60)
    assert interval.high - interval.low >= one.high - one.low - rounding


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
    # By the shares of their classes, not by the images: class 0 has twice as many as class 1.
    assert most_confused_pairs(cell, 9) == [
        Confusion("class 1", "class 0", 1.0, 0.5),
        Confusion("class 0", "class 1", 1.5, 0.375),
        Confusion("class 0", "class 2", 1.0, 0.25),
    ]
    assert len(most_confused_pairs(cell, 1)) == 1


def test_the_interval_of_a_confusion_is_that_of_its_share(cell):
    pair = most_confused_pairs(with_predictions(cell, [FIRST, FIRST], LABELS), 2)[1]
    assert (pair.images, pair.share) == (1.0, 0.25)
    assert confusion_interval(cell, pair) == wilson_interval(1, 4)


def test_the_deviation_over_seeds_is_the_samples():
    cell = make_study(models=("lenet",), seeds=(0, 1, 2)).cell("digits", "lenet")
    accuracies = cell.metrics.accuracy_by_seed.values()
    assert seed_deviation(cell) == pytest.approx(standard_library.stdev(accuracies))
    assert seed_deviation(make_study(models=("lenet",)).cell("digits", "lenet")) is None


def read_from_files(cell: Cell) -> Cell:
    """The cell as if it had been read: its metrics know their file."""
    file = f"results/{cell.dataset}/{cell.model}/metrics.json"
    return dataclasses.replace(cell, metrics=from_file(cell.metrics, file))


def test_what_is_computed_from_files_names_the_predictions():
    study = make_study(models=("lenet", "vgg16"), seeds=(0, 1))
    lenet, vgg16 = (read_from_files(cell) for cell in study.cells_of("digits"))
    pair = compare_all([lenet, vgg16])[0]
    interval = accuracy_interval(lenet)
    confusion = most_confused_pairs(lenet, 1)[0]
    lenets = {f"results/digits/lenet/predictions/s{seed}.csv" for seed in (0, 1)}
    both = lenets | {file.replace("lenet", "vgg16") for file in lenets}
    for number in (pair.difference, pair.interval.low, pair.interval.high, pair.p_value):
        assert both == set(evidence_of(number).files)
    in_class = class_interval(lenet, "0")
    for number in (interval.low, interval.high, confusion.share, in_class.low):
        assert lenets <= set(evidence_of(number).files)
    keys = [interval.low, interval.high, pair.interval.low, pair.interval.high, confusion.share]
    keys += [confusion.images, pair.difference, pair.p_value, in_class.low, in_class.high]
    assert len({evidence_of(number).key for number in keys}) == len(keys)


def test_ranks_and_deviations_carry_evidence():
    study = make_study(models=("lenet", "vgg16"), seeds=(0, 1))
    cells = {key: read_from_files(cell) for key, cell in study.cells.items()}
    for row in tie_groups(dataclasses.replace(study, cells=cells), "digits"):
        assert len(evidence_of(row.rank).files) == 4
        deviation = evidence_of(seed_deviation(row.cell))
        assert deviation.inputs[0].pointer == "/accuracy_by_seed/0"


def test_evidence_names_every_column_that_was_used():
    study = make_study(models=("lenet", "vgg16"))
    lenet, vgg16 = (read_from_files(cell) for cell in study.cells_of("digits"))
    pair, confusion = compare_all([lenet, vgg16])[0], most_confused_pairs(lenet, 1)[0]
    numbers = [accuracy_interval(lenet).low, pair.difference, pair.interval.low, confusion.share]
    for number in numbers:
        assert {part.pointer for part in evidence_of(number).inputs} == {"label, predicted"}
    assert predictions_evidence(lenet)[0].pointer == "predicted"


def test_numbers_made_in_memory_stay_plain(cell):
    assert evidence_of(accuracy_interval(cell).low) is None
    assert evidence_of(class_interval(cell, "0").high) is None
    assert evidence_of(most_confused_pairs(cell, 1)[0].share) is None
