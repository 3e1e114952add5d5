"""Say what the test images can decide: intervals of accuracies, paired tests, ties and confusions.

Everything here is a pure function of stored predictions. With one seed the test images are the
only source of chance that can be measured; with several seeds the spread between them counts too,
and the fewer there are, the wider an interval has to be (see `Spread`).
"""

import functools
import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import ndtri, stdtrit
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from cnnreport.errors import ResultsError
from cnnreport.evidence import Evidence, derive, evidence_of
from cnnreport.study import Cell, Run, Study

ALPHA = 0.05
"""The level of every test: below this adjusted p-value, two figures are told apart."""

CONFIDENCE = 1 - ALPHA
SMALLEST_P = 1e-9
"""No p-value of several seeds is given as less: tails are not known so far out."""

RESAMPLES = 2000
BOOTSTRAP_SEED = 2020
BOOTSTRAP = f"bootstrap ({RESAMPLES} resamples, seed {BOOTSTRAP_SEED})"
"""How the evidence of a resampled number names its method."""

ANSWERS = "label, predicted"
"""The columns of the predictions that say which test images a network got right."""


@dataclass(frozen=True)
class Interval:
    """The two ends of a confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """How far a mean over seeds and test images may be off, as variances by their source.

    `images` is the variance that the choice of images gives to the mean of these very trainings,
    and `own` the part of it that is not the same for all trainings. `seeds` is the variance that
    drawing the seeds gives to the mean, known to `free` degrees of freedom; it has `own` in it
    already.
    """

    images: float
    own: float = 0.0
    seeds: float = 0.0
    free: float = 1.0

    def __add__(self, other: "Spread") -> "Spread":
        """Return the spread of the sum or difference of two independent means.

        The degrees of freedom of the seeds are those of B. L. Welch, Biometrika 34, 1947, pp.
        28-35, for two samples whose variances need not be the same.
        """
        seeds = self.seeds + other.seeds
        parts = self.seeds**2 / self.free + other.seeds**2 / other.free
        free = seeds**2 / parts if parts > 0 else max(self.free, other.free)
        return Spread(self.images + other.images, self.own + other.own, seeds, free)

    def reach(self, alpha: float = ALPHA) -> float:
        """Return how far an interval of confidence ``1 - alpha`` reaches to either side.

        Each variance counts with the square of its own quantile, Student's for the seeds and the
        normal one for the many images. Such an interval holds the truth at least as often as it
        says (S. K. Banerjee, Sankhya 22, 1960, pp. 357-358), which degrees of freedom for seeds
        and images together do not ensure with two or three seeds. It never reaches less far than
        the images alone would.
        """
        normal = float(ndtri(alpha / 2)) ** 2
        shared = normal * max(self.images - self.own, 0.0)
        between = float(stdtrit(self.free, alpha / 2)) ** 2 * self.seeds
        return math.sqrt(max(normal * self.images, shared + between))

    def around(self, value: float) -> Interval:
        """Return the interval around a value."""
        return Interval(value - self.reach(), value + self.reach())

    def p_value(self, value: float) -> float:
        """Return the level at which the interval around a value just reaches zero.

        It is below `ALPHA` exactly where the interval leaves zero out, and not below `SMALLEST_P`.
        """
        if abs(value) <= self.reach(1.0):
            return 1.0
        if abs(value) >= self.reach(SMALLEST_P):
            return SMALLEST_P
        logarithm = brentq(
            lambda x: self.reach(math.exp(x)) - abs(value), math.log(SMALLEST_P), 0.0, xtol=1e-9
        )
        return math.exp(logarithm)


@dataclass(frozen=True)
class Comparison:
    """Two networks on the same test images; `difference` is the accuracy of a less that of b."""

    model_a: str
    model_b: str
    difference: float
    interval: Interval
    p_value: float
    method: str


@dataclass(frozen=True, eq=False)
class RankedCell:
    """A cell, its rank and the networks it cannot be told apart from, the most accurate first."""

    cell: Cell
    rank: int
    tied_with: tuple[str, ...]


@dataclass(frozen=True)
class Confusion:
    """How often one class was taken for another; `images` is a mean over the seeds."""

    actual: str
    predicted: str
    images: float
    share: float


def wilson_interval(successes: float, trials: float, confidence: float = CONFIDENCE) -> Interval:
    """Return the score interval of a proportion (E. B. Wilson, JASA 22, 1927, pp. 209-212).

    `successes` may be a fraction of a count where it is a mean over seeds, `trials` where they
    stand for fewer than there were.

    Raises:
        ValueError: there are no trials, or `successes` lies outside 0 to `trials`.

    """
    if trials <= 0 or not 0 <= successes <= trials:
        raise ValueError(f"wanted 0 <= successes <= trials, came {successes} of {trials}")
    low, high = proportion_confint(
        float(successes), float(trials), alpha=1 - confidence, method="wilson"
    )
    return Interval(float(low), float(high))


def mcnemar_p(correct_a: ArrayLike, correct_b: ArrayLike) -> float:
    """Return the exact two-sided p-value of McNemar's test for paired yes-no results.

    Under the null hypothesis each image that only one of the two gets right is as likely a's as
    b's (Q. McNemar, Psychometrika 12, 1947; in exact binomial form: A. Agresti, Categorical Data
    Analysis, section on matched pairs).

    Args:
        correct_a: booleans of shape (images,).
        correct_b: the same for the other network, in the same order.

    """
    a, b = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    table = [[np.sum(a & b), np.sum(a & ~b)], [np.sum(~a & b), np.sum(~a & ~b)]]
    return float(mcnemar(table, exact=True).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the order given.

    Step-down procedure of S. Holm, Scandinavian Journal of Statistics 6, 1979, pp. 65-70.
    """
    # Not by the library of the other tests: it collects garbage at each call, which takes long in a
    # large process.
    order = sorted(range(len(p_values)), key=lambda place: float(p_values[place]))
    adjusted, least = [0.0] * len(order), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * float(p_values[place])))
        adjusted[place] = least
    return adjusted


def predictions_evidence(cell: Cell, columns: str = "predicted") -> tuple[Evidence, ...]:
    """Return where the predictions of a cell lie, one place a run.

    `columns` names all columns that a figure is computed from, as in `ANSWERS`. Nothing for a cell
    that was made in memory: its own numbers have no evidence either.
    """
    known = evidence_of(cell.metrics.accuracy)
    if known is None:
        return ()
    folder = f"results/{cell.dataset}/{cell.model}/predictions"
    return tuple(
        Evidence(f"{folder}/s{run.seed}.csv", columns, study=known.study) for run in cell.runs
    )


def evident_interval(interval: Interval, how: str, *inputs: object) -> Interval:
    """Return the interval with evidence at both ends; `how` says what it is an interval of."""
    return Interval(
        derive(interval.low, f"lower end of {how}", *inputs),
        derive(interval.high, f"upper end of {how}", *inputs),
    )


def correct_matrix(cell: Cell) -> NDArray[np.bool_]:
    """Return which test images each run got right, shape (seeds, images)."""
    rows = [(run.predictions["label"] == run.predictions["predicted"]) for run in cell.runs]
    if len({len(row) for row in rows}) > 1:
        raise ResultsError(
            f"{cell.dataset}/{cell.model}: wanted predictions of the same test images for every "
            "seed, came files of different lengths; run `dvc repro`"
        )
    return np.array(rows, dtype=bool)


# As for pairs: many pages ask for the same few intervals, and cells never change.
@functools.lru_cache(maxsize=1024)
def accuracy_interval(cell: Cell) -> Interval:
    """Return the interval of a test accuracy: Wilson's, of fewer images where seeds disagree.

    With one seed it covers the choice of test images, with several the choice of seeds as well:
    see `over_seeds`.
    """
    correct = correct_matrix(cell)
    inputs = predictions_evidence(cell, ANSWERS)
    if len(correct) == 1:
        interval = wilson_interval(int(correct.sum()), correct.shape[1])
        return evident_interval(interval, "Wilson's interval of the test accuracy", *inputs)
    spread = spread_of(correct.mean(axis=1), _drawn_correct(cell) / correct.shape[1])
    interval = over_seeds(float(correct.mean()), correct.shape[1], spread)
    how = f"Wilson's interval of the test accuracy, widened for the seeds by {BOOTSTRAP}"
    return evident_interval(interval, how, *inputs)


def over_seeds(share: float, images: int, spread: Spread) -> Interval:
    """Return the interval of a share of so many images that is a mean over seeds.

    It is Wilson's for an effective number of images: as many as would give a single training's
    share the reach of the spread, as surveys do for clustered answers (C. Franco, R. J. A. Little,
    T. A. Louis and E. V. Slud, Journal of Survey Statistics and Methodology 7, 2019). There are
    never more than `images`, since seeds make no new ones. So it stays within 0 to 1 and has a
    width even where every answer is right.
    """
    single = Spread(share * (1 - share) / images).reach()
    reach = spread.reach()
    effective = images * (single / reach) ** 2 if reach > single > 0 else images
    return wilson_interval(min(share * effective, effective), effective)


def side_of(interval: Interval, level: float) -> Literal["above", "level", "below"]:
    """Say on which side of a level an interval lies; `level` where it holds it."""
    if interval.low > level:
        return "above"
    return "below" if interval.high < level else "level"


def seed_deviation(cell: Cell) -> float | None:
    """Return the sample standard deviation of the accuracy over the seeds; None with one seed."""
    accuracies = list(cell.metrics.accuracy_by_seed.values())
    if len(accuracies) == 1:
        return None
    deviation = statistics.stdev(float(accuracy) for accuracy in accuracies)
    return derive(deviation, "sample standard deviation over the seeds", *accuracies)


# Pages and figures ask for the same few pairs again and again, and cells never change.
@functools.lru_cache(maxsize=1024)
def compare_cells(a: Cell, b: Cell) -> Comparison:
    """Compare two networks image by image.

    With one seed both hold for these two trainings alone (see `one_seed_each`). With several seeds
    both are those of a bootstrap that draws the images for both together and the seeds for each by
    itself, with Welch's t for the few seeds (see `paired_spread`), and hold for other seeds, too.
    The p-value is below `ALPHA` where the interval leaves zero out.

    Raises:
        ResultsError: the cells were not tested on the same images with the same seeds.

    """
    correct_a, correct_b = correct_matrix(a), correct_matrix(b)
    if a.dataset != b.dataset or correct_a.shape != correct_b.shape:
        raise ResultsError(
            f"{a.dataset}/{a.model} and {b.dataset}/{b.model}: wanted the same test images and "
            f"seeds, came {correct_a.shape} and {correct_b.shape} (seeds, images); run `dvc repro`"
        )
    counts, images = [_drawn_correct(cell) for cell in (a, b)], correct_a.shape[1]
    mean = float(correct_a.mean() - correct_b.mean())
    if len(correct_a) == 1:
        method, ends = "exact McNemar", f"exact or {BOOTSTRAP}, whichever is wider,"
        # Counts of right answers are whole numbers, so this is exactly the difference's.
        drawn = ((counts[0] - counts[1]) / images)[:, 0]
        interval, p_value = one_seed_each(correct_a[0], correct_b[0], drawn)
    else:
        method = "bootstrap over images, paired, and over seeds, Welch's t for the seeds"
        ends = BOOTSTRAP
        by_seed = [correct.mean(axis=1) for correct in (correct_a, correct_b)]
        spread = paired_spread(by_seed, [count / images for count in counts])
        interval, p_value = within(spread.around(mean), -1, 1), spread.p_value(mean)
    pair = f"{a.model} less {b.model}"
    inputs = (*predictions_evidence(a, ANSWERS), *predictions_evidence(b, ANSWERS))
    # What McNemar's test rests on, for whoever wants to do it again.
    decisive = only_one_right(a, b)
    return Comparison(
        model_a=a.model,
        model_b=b.model,
        difference=derive(mean, f"test accuracy, {pair}", *inputs),
        interval=evident_interval(
            interval, f"{ends} interval of the test accuracy, {pair}", *inputs
        ),
        p_value=derive(p_value, f"p-value of {pair}, {method}", *decisive, *inputs),
        method=method,
    )


def one_seed_each(
    right_a: NDArray[np.bool_], right_b: NDArray[np.bool_], drawn: NDArray[np.float64]
) -> tuple[Interval, float]:
    """Return the interval of the difference of two accuracies on the same images, and its p-value.

    The p-value is McNemar's exact one. The interval that belongs to it is the exact one of the
    share of a's among the images that only one of the two gets right (C. J. Clopper and E. S.
    Pearson, Biometrika 26, 1934, pp. 404-413); it leaves zero out where the p-value is below
    `ALPHA`. That takes the number of such images as given, so each end is the bootstrap's where
    that lies further out.

    Args:
        right_a: which images the one got right, shape (images,).
        right_b: the same of the other.
        drawn: the difference on drawn images, shape (resamples,).

    """
    only_a, only_b = (
        int((one & ~other).sum()) for one, other in ((right_a, right_b), (right_b, right_a))
    )
    apart = only_a + only_b
    share = proportion_confint(only_a, apart, alpha=ALPHA, method="beta") if apart else (0.5, 0.5)
    exact = [apart / len(right_a) * (2 * float(end) - 1) for end in share]
    by_drawing = percentiles(drawn)
    interval = Interval(min(exact[0], by_drawing.low), max(exact[1], by_drawing.high))
    return interval, mcnemar_p(right_a, right_b)


def spread_of(by_seed: NDArray[np.float64], drawn: NDArray[np.float64]) -> Spread:
    """Return the spread of the mean of a figure over seeds, all tested on the same images.

    Seeds and images are drawn independently of each other (A. B. Owen, Annals of Applied
    Statistics 1, 2007, pp. 386-411). What drawing the seeds adds is known without doing so: the
    variance between them over their number, too little by the factor ``(seeds - 1) / seeds``,
    which the sample variance makes good. It has in it what the choice of images does to each seed
    alone, which therefore is not counted again.

    Args:
        by_seed: the figure of each seed, shape (seeds,).
        drawn: the same on drawn images, shape (resamples, seeds).

    """
    images, seeds = float(drawn.mean(axis=1).var()), len(by_seed)
    if seeds == 1:
        return Spread(images)
    apart = drawn - drawn.mean(axis=1, keepdims=True)
    own = float(apart.var(axis=0).sum()) / (seeds - 1) / seeds
    return Spread(images, own, float(by_seed.var(ddof=1)) / seeds, seeds - 1)


def paired_spread(
    by_seed: Sequence[NDArray[np.float64]], drawn: Sequence[NDArray[np.float64]]
) -> Spread:
    """Return the spread of the difference of two means over seeds, on the same images.

    The seeds of each are drawn by themselves (see `independent`), the images for both together:
    what a seed does to one network has nothing to do with what it does to another.

    Args:
        by_seed: the figure of each seed, for either side; shapes (seeds,).
        drawn: the same on drawn images; shapes (resamples, seeds).

    """
    one, other = map(spread_of, by_seed, drawn)
    together = float((drawn[0].mean(axis=1) - drawn[1].mean(axis=1)).var())
    seeds = (len(by_seed[0]), len(by_seed[1]))
    return replace(independent((one, other), seeds), images=together)


def independent(spreads: tuple[Spread, Spread], seeds: tuple[int, int]) -> Spread:
    """Return the spread of the difference of two independent means over so many seeds.

    Where one is of a single training, how far its seeds would lie apart is unknown, but not
    nothing: they are taken to lie as far apart as those of the other, which has several.
    """
    one, other = spreads
    if (seeds[0] == 1) == (seeds[1] == 1):
        return one + other
    several, count = (other, seeds[1]) if seeds[0] == 1 else (one, seeds[0])
    # The variance of one training is that of the mean times the number of trainings.
    return Spread(
        one.images + other.images,
        (1 + count) * several.own,
        (1 + count) * several.seeds,
        several.free,
    )


def within(interval: Interval, least: float, most: float) -> Interval:
    """Return an interval cut to what is possible."""
    return Interval(max(interval.low, least), min(interval.high, most))


def resampled_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return means over drawn images of `values`, shape (rows, images), as (resamples, rows)."""
    means: NDArray[np.float64] = resampled_sums(values) / values.shape[1]
    return means


def resampled_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums over images of `values`, shape (rows, images), for each resample.

    The result has the shape (resamples, rows). Every network's images are drawn alike, so what is
    computed for two of them is paired.
    """
    # In parts, since all draws as floats would fill 160 MB with 10,000 images.
    parts = np.array_split(_drawn_images(values.shape[1]), 8)
    sums: NDArray[np.float64] = np.concatenate([part.astype(float) @ values.T for part in parts])
    return sums


# Each network is in several pairs.
@functools.lru_cache(maxsize=256)
def _drawn_correct(cell: Cell) -> NDArray[np.float64]:
    """Return how many drawn images each seed gets right, shape (resamples, seeds)."""
    return resampled_sums(correct_matrix(cell).astype(float))


@functools.lru_cache(maxsize=4)
def _drawn_images(images: int) -> NDArray[np.uint16]:
    """Return how often each image is drawn, shape (resamples, images); rows add up to `images`."""
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    counts = np.empty((RESAMPLES, images), dtype=np.uint16)
    for row in counts:
        row[:] = np.bincount(generator.integers(images, size=images), minlength=images)
    return counts


def percentiles(resampled: NDArray[np.float64]) -> Interval:
    """Return the percentile interval of resampled figures.

    Its ends are quantiles that leave half of ``1 - CONFIDENCE`` outside on either side (B. Efron
    and R. J. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
    """
    low, high = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(low), float(high))


def two_sided_p(means: NDArray[np.float64]) -> float:
    """Return the p-value of resampled figures of one seed for zero.

    It is twice the share of resamples on the rarer side of zero, never exactly zero.
    """
    rarer = min(int((means <= 0).sum()), int((means >= 0).sum()))
    return min(1.0, 2 * (rarer + 1) / (len(means) + 1))


def only_one_right(a: Cell, b: Cell) -> tuple[int, int]:
    """Return how many answers only a has right, and how many only b, over all seeds."""
    correct_a, correct_b = correct_matrix(a), correct_matrix(b)
    inputs = (*predictions_evidence(a, ANSWERS), *predictions_evidence(b, ANSWERS))

    def only(one: NDArray[np.bool_], other: NDArray[np.bool_], who: str, whom: str) -> int:
        answers = f"answers that {who} has right and {whom} wrong"
        return derive(int((one & ~other).sum()), answers, *inputs)

    return (
        only(correct_a, correct_b, a.model, b.model),
        only(correct_b, correct_a, b.model, a.model),
    )


def compare_all(cells: Sequence[Cell]) -> list[Comparison]:
    """Compare every pair of cells; the p-values are adjusted by Holm for the number of pairs."""
    pairs = [compare_cells(a, b) for a, b in itertools.combinations(cells, 2)]
    p_values = [pair.p_value for pair in pairs]
    return [
        replace(
            pair,
            p_value=derive(
                p,
                f"p-value of {pair.model_a} less {pair.model_b}, {pair.method}, adjusted by Holm's "
                f"method for {len(pairs)} pairs",
                *p_values,
            ),
        )
        for pair, p in zip(pairs, holm(p_values), strict=True)
    ]


def tie_groups(study: Study, dataset: str) -> list[RankedCell]:
    """Rank the networks of an image set, the highest accuracy first, with ties.

    The rank is one more than the number of networks that are significantly better after Holm's
    correction, so a network shares the first one's rank if it cannot be told apart from it. Being
    tied is not transitive: a network may be tied with two that can be told apart.
    """
    cells = study.ranked(dataset)
    better: dict[str, set[str]] = {cell.model: set() for cell in cells}
    tied: dict[str, set[str]] = {cell.model: set() for cell in cells}
    pairs = compare_all(cells)
    for pair in pairs:
        if pair.p_value < ALPHA:
            winner_first = pair.difference > 0
            loser = pair.model_b if winner_first else pair.model_a
            better[loser].add(pair.model_a if winner_first else pair.model_b)
        else:
            tied[pair.model_a].add(pair.model_b)
            tied[pair.model_b].add(pair.model_a)
    order = [cell.model for cell in cells]
    return [
        RankedCell(
            cell,
            rank=derive(
                1 + len(better[cell.model]),
                f"one more than the number of networks that are better than {cell.model}",
                *(pair.p_value for pair in pairs if cell.model in (pair.model_a, pair.model_b)),
            ),
            tied_with=tuple(model for model in order if model in tied[cell.model]),
        )
        for cell in cells
    ]


def best_classes(cell: Cell, n: int) -> list[tuple[str, float]]:
    """Return the n classes of highest accuracy, the best first; ties keep the class order."""
    return sorted(cell.metrics.class_accuracy.items(), key=lambda item: -item[1])[:n]


def worst_classes(cell: Cell, n: int) -> list[tuple[str, float]]:
    """Return the n classes of lowest accuracy, the worst first; ties keep the class order."""
    return sorted(cell.metrics.class_accuracy.items(), key=lambda item: item[1])[:n]


def highest(figures: Mapping[str, float]) -> list[str]:
    """Return the names with the highest figure: several, in their order, where theirs is the same.

    Means that differ by rounding alone count as the same.
    """
    most = float(max(figures.values()))
    return [name for name, figure in figures.items() if math.isclose(figure, most, abs_tol=1e-9)]


def lowest(figures: Mapping[str, float]) -> list[str]:
    """Return the names with the lowest figure, as `highest` those with the highest."""
    return highest({name: -float(figure) for name, figure in figures.items()})


def class_interval(cell: Cell, class_name: str) -> Interval:
    """Return the Wilson interval of a class's accuracy on the test images of that class.

    With several seeds the mean accuracy is used, and the images count once: more seeds do not
    make more images.
    """
    label = list(cell.metrics.class_accuracy).index(class_name)
    images = int((cell.runs[0].predictions["label"] == label).sum())
    accuracy = cell.metrics.class_accuracy[class_name]
    return evident_interval(
        share_interval(accuracy, images),
        f"Wilson's interval of the accuracy in class {class_name}",
        accuracy,
        *predictions_evidence(cell, ANSWERS),
    )


def class_by_seed(cell: Cell) -> NDArray[np.float64]:
    """Return the accuracy in each class, shape (seeds, classes); zero where it has no images."""
    counts = np.array([confusion_counts(r, len(cell.metrics.class_accuracy)) for r in cell.runs])
    right = np.diagonal(counts, axis1=1, axis2=2)
    shares: NDArray[np.float64] = right / np.maximum(counts.sum(axis=2), 1)
    return shares


def share_interval(share: float, images: int) -> Interval:
    """Return the Wilson interval of a share of so many images."""
    # Shares are stored with six digits, which must not push a count past the number of images.
    return wilson_interval(min(float(share) * images, images), images)


def confusion_counts(run: Run, classes: int) -> NDArray[np.int64]:
    """Return counts of test images, shape (classes, classes): row actual, column predicted."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (run.predictions["label"], run.predictions["predicted"]), 1)
    return counts


def confusion_shares(cell: Cell) -> NDArray[np.float64]:
    """Return the confusion as shares of each actual class, mean over seeds; rows add up to 1."""
    mean = _mean_confusion(cell)
    # A class without test images has no shares; its row stays zero.
    shares: NDArray[np.float64] = mean / np.maximum(mean.sum(axis=1, keepdims=True), 1)
    return shares


def most_confused_pairs(cell: Cell, n: int) -> list[Confusion]:
    """Return the n confusions with the largest shares of their actual classes.

    Only what did happen; ties in class order.
    """
    names = list(cell.metrics.class_accuracy)
    images, shares = _mean_confusion(cell), confusion_shares(cell)
    np.fill_diagonal(images, 0)
    # argwhere counts row by row and sorted is stable, which keeps ties in class order.
    pairs = sorted((tuple(pair) for pair in np.argwhere(images)), key=lambda pair: -shares[pair])
    inputs = predictions_evidence(cell, ANSWERS)
    return [
        Confusion(
            names[actual],
            names[predicted],
            derive(float(images[actual, predicted]), f"images of {what}", *inputs),
            derive(float(shares[actual, predicted]), f"share of {what}", *inputs),
        )
        for actual, predicted in pairs[:n]
        for what in [f"class {names[actual]} that are taken for {names[predicted]}"]
    ]


def confusion_interval(cell: Cell, confusion: Confusion) -> Interval:
    """Return the Wilson interval of a confusion's share of the images of its actual class.

    As for `class_interval`, the images count once where there are several seeds.
    """
    images = round(float(confusion.images) / float(confusion.share))
    what = f"class {confusion.actual} that are taken for {confusion.predicted}"
    return evident_interval(
        share_interval(confusion.share, images),
        f"Wilson's interval of the share of {what}",
        *predictions_evidence(cell, ANSWERS),
    )


def _mean_confusion(cell: Cell) -> NDArray[np.float64]:
    classes = len(cell.metrics.class_accuracy)
    counts = np.array([confusion_counts(run, classes) for run in cell.runs], dtype=float)
    mean: NDArray[np.float64] = counts.mean(axis=0)
    return mean
