"""Say what the test images can decide: intervals of accuracies, paired tests, ties and confusions.

Everything here is a pure function of stored predictions. With one seed the test images are the
only source of chance that can be measured; with several seeds the seeds are resampled as well.
"""

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from cnnreport.errors import ResultsError
from cnnreport.study import Cell, Run, Study

CONFIDENCE = 0.95
RESAMPLES = 2000
BOOTSTRAP_SEED = 2020


@dataclass(frozen=True)
class Interval:
    """The two ends of a confidence interval."""

    low: float
    high: float


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


def wilson_interval(successes: float, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the score interval of a proportion (E. B. Wilson, JASA 22, 1927, pp. 209-212).

    `successes` may be a fraction of a count where it is a mean over seeds.

    Raises:
        ValueError: there are no trials, or `successes` lies outside 0 to `trials`.

    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"wanted 0 <= successes <= trials, came {successes} of {trials}")
    share = successes / trials
    z = float(stats.norm.ppf((1 + confidence) / 2))
    centre = share + z**2 / (2 * trials)
    reach = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    scale = 1 + z**2 / trials
    # The ends lie in 0..1 by algebra; the clip takes away the last bit's rounding.
    low, high = np.clip([(centre - reach) / scale, (centre + reach) / scale], 0, 1)
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
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    if only_a + only_b == 0:
        return 1.0
    return float(stats.binomtest(only_a, only_a + only_b, 0.5).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the order given.

    Step-down procedure of S. Holm, Scandinavian Journal of Statistics 6, 1979, pp. 65-70.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for position, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - position) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def correct_matrix(cell: Cell) -> NDArray[np.bool_]:
    """Return which test images each run got right, shape (seeds, images)."""
    rows = [(run.predictions["label"] == run.predictions["predicted"]) for run in cell.runs]
    if len({len(row) for row in rows}) > 1:
        raise ResultsError(
            f"{cell.dataset}/{cell.model}: wanted predictions of the same test images for every "
            "seed, came files of different lengths; run `dvc repro`"
        )
    return np.array(rows, dtype=bool)


def accuracy_interval(cell: Cell) -> Interval:
    """Return the interval of a test accuracy: Wilson's with one seed, else a bootstrap."""
    correct = correct_matrix(cell)
    if len(correct) == 1:
        return wilson_interval(int(correct.sum()), correct.shape[1])
    return _percentiles(_resampled_means(correct.astype(float)))


# Pages and figures ask for the same few pairs again and again, and cells never change.
@functools.lru_cache(maxsize=1024)
def compare_cells(a: Cell, b: Cell) -> Comparison:
    """Compare two networks image by image.

    The interval is that of a paired bootstrap over (seed, image). The p-value is McNemar's exact
    one with one seed and the bootstrap's with several; a bootstrap over few seeds knows little of
    the spread between seeds, so its intervals are then rather too narrow.

    Raises:
        ResultsError: the cells were not tested on the same images with the same seeds.

    """
    correct_a, correct_b = correct_matrix(a), correct_matrix(b)
    if a.dataset != b.dataset or correct_a.shape != correct_b.shape:
        raise ResultsError(
            f"{a.dataset}/{a.model} and {b.dataset}/{b.model}: wanted the same test images and "
            f"seeds, came {correct_a.shape} and {correct_b.shape} (seeds, images); run `dvc repro`"
        )
    difference = correct_a.astype(float) - correct_b
    means = _resampled_means(difference)
    one_seed = len(difference) == 1
    return Comparison(
        model_a=a.model,
        model_b=b.model,
        difference=float(difference.mean()),
        interval=_percentiles(means),
        p_value=mcnemar_p(correct_a[0], correct_b[0]) if one_seed else _two_sided_p(means),
        method="exact McNemar" if one_seed else "paired bootstrap over seeds and images",
    )


def _resampled_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return means of `values`, shape (seeds, images), with seeds and images drawn anew each time.

    All seeds see the same test images, so both are drawn independently of each other. Images with
    equal columns are drawn together: how often each kind of column comes is multinomial.
    """
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    seeds, images = values.shape
    columns, counts = np.unique(values, axis=1, return_counts=True)
    drawn = generator.multinomial(images, counts / images, size=RESAMPLES)
    by_seed = drawn @ columns.T / images
    chosen = generator.integers(seeds, size=(RESAMPLES, seeds))
    means: NDArray[np.float64] = np.take_along_axis(by_seed, chosen, axis=1).mean(axis=1)
    return means


def _percentiles(means: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(low), float(high))


def _two_sided_p(means: NDArray[np.float64]) -> float:
    """Return twice the share of resamples on the rarer side of zero, never exactly zero."""
    rarer = min(int((means <= 0).sum()), int((means >= 0).sum()))
    return min(1.0, 2 * (rarer + 1) / (len(means) + 1))


def compare_all(cells: Sequence[Cell]) -> list[Comparison]:
    """Compare every pair of cells; the p-values are adjusted by Holm for the number of pairs."""
    pairs = [compare_cells(a, b) for a, b in itertools.combinations(cells, 2)]
    adjusted = holm([pair.p_value for pair in pairs])
    return [
        Comparison(pair.model_a, pair.model_b, pair.difference, pair.interval, p, pair.method)
        for pair, p in zip(pairs, adjusted, strict=True)
    ]


def tie_groups(study: Study, dataset: str, alpha: float = 1 - CONFIDENCE) -> list[RankedCell]:
    """Rank the networks of an image set, the highest accuracy first, with ties.

    The rank is one more than the number of networks that are significantly better after Holm's
    correction, so a network shares the first one's rank if it cannot be told apart from it. Being
    tied is not transitive: a network may be tied with two that can be told apart.
    """
    cells = study.ranked(dataset)
    better: dict[str, set[str]] = {cell.model: set() for cell in cells}
    tied: dict[str, set[str]] = {cell.model: set() for cell in cells}
    for pair in compare_all(cells):
        if pair.p_value < alpha:
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
            rank=1 + len(better[cell.model]),
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


def class_interval(cell: Cell, class_name: str) -> Interval:
    """Return the Wilson interval of a class's accuracy on the test images of that class.

    With several seeds the mean accuracy is used, and the images count once: more seeds do not
    make more images.
    """
    label = list(cell.metrics.class_accuracy).index(class_name)
    images = int((cell.runs[0].predictions["label"] == label).sum())
    successes = cell.metrics.class_accuracy[class_name] * images
    # Accuracies are stored with six digits, which must not push a count past the number of images.
    return wilson_interval(min(successes, images), images)


def confusion_counts(run: Run, classes: int) -> NDArray[np.int64]:
    """Return counts of test images, shape (classes, classes): row actual, column predicted."""
    label = run.predictions["label"].to_numpy(dtype=np.int64)
    predicted = run.predictions["predicted"].to_numpy(dtype=np.int64)
    counts = np.bincount(label * classes + predicted, minlength=classes**2)
    return counts.reshape(classes, classes)


def confusion_shares(cell: Cell) -> NDArray[np.float64]:
    """Return the confusion as shares of each actual class, mean over seeds; rows add up to 1."""
    mean = _mean_confusion(cell)
    # A class without test images has no shares; its row stays zero.
    shares: NDArray[np.float64] = mean / np.maximum(mean.sum(axis=1, keepdims=True), 1)
    return shares


def most_confused_pairs(cell: Cell, n: int) -> list[Confusion]:
    """Return the n most frequent confusions; only what did happen, ties in class order."""
    names = list(cell.metrics.class_accuracy)
    images, shares = _mean_confusion(cell), confusion_shares(cell)
    np.fill_diagonal(images, 0)
    # argwhere counts row by row and sorted is stable, which keeps ties in class order.
    pairs = sorted((tuple(pair) for pair in np.argwhere(images)), key=lambda pair: -images[pair])
    return [
        Confusion(names[pair[0]], names[pair[1]], float(images[pair]), float(shares[pair]))
        for pair in pairs[:n]
    ]


def _mean_confusion(cell: Cell) -> NDArray[np.float64]:
    classes = len(cell.metrics.class_accuracy)
    counts = np.array([confusion_counts(run, classes) for run in cell.runs], dtype=float)
    mean: NDArray[np.float64] = counts.mean(axis=0)
    return mean
