"""Say whether a network is as often right as it is confident: ECE, log-loss, Brier score and bins.

Everything here is a pure function of stored predictions. The confidence of a prediction is the
highest class probability; a network is calibrated when, of the predictions with a confidence of
80 %, 80 % are right.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnreport.evidence import derive
from cnnreport.formats import decimal, listing, points
from cnnreport.statistics import (
    ALPHA,
    ANSWERS,
    BOOTSTRAP,
    Interval,
    correct_matrix,
    evident_interval,
    holm,
    percentiles,
    predictions_evidence,
    resampled_sums,
    share_interval,
    side_of,
    spread_of,
    two_sided_p,
    within,
)
from cnnreport.study import Cell, Study

BINS = 15
"""Equal-width bins of the confidence, as many as in the tables of Guo et al. 2017."""

SMALLEST_PROBABILITY = 1e-7
"""Probabilities are kept this far from zero before a logarithm, as the test loss does."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class Calibration:
    """How far the confidence of a network can be trusted; means over the seeds.

    `ece`, the expected calibration error, and `excess`, mean confidence less accuracy, are
    fractions; `nll`, the negative log-likelihood, is in nats an image; `brier` lies between 0 and
    2. `p_value` is that of the hypothesis that there is no excess.
    """

    ece: Estimate
    nll: Estimate
    brier: Estimate
    excess: Estimate
    p_value: float


@dataclass(frozen=True)
class Bin:
    """The predictions whose confidence lies above `low` and not above `high`, over all seeds.

    `interval` is that of the accuracy, as if each image came once: seeds make no new images.
    """

    low: float
    high: float
    predictions: int
    confidence: float
    accuracy: float
    interval: Interval


def expected_calibration_error(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_]
) -> float:
    """Return the mean distance between accuracy and confidence in bins of equal width.

    Weighted by the share of the predictions in each bin: equation 3 of C. Guo, G. Pleiss, Y. Sun
    and K. Q. Weinberger, ICML 2017, section 2; the measure is that of M. P. Naeini, G. F. Cooper
    and M. Hauskrecht, AAAI 2015.

    Args:
        confidence: highest class probabilities, shape (images,).
        correct: whether each prediction was right, shape (images,).

    """
    distances = _sorted_into_bins(confidence, confidence - correct)
    return float(np.abs(distances.sum(axis=1)).sum() / len(confidence))


def bin_of(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each confidence, from 0.

    Bin m holds what lies above m / BINS and not above (m + 1) / BINS.
    """
    # Six stored digits can leave a confidence just above 1.
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)


def _sorted_into_bins(
    confidence: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return values, shape (images,), each in the row of its bin, shape (BINS, images)."""
    return np.where(bin_of(confidence) == np.arange(BINS)[:, None], values, 0.0)


def log_losses(predictions: pd.DataFrame) -> NDArray[np.float64]:
    """Return the negative log-likelihood of each image's true class, in nats, shape (images,)."""
    own = predictions["label_probability"].to_numpy(dtype=float)
    return np.asarray(-np.log(np.clip(own, SMALLEST_PROBABILITY, 1.0)))


def brier_scores(predictions: pd.DataFrame) -> NDArray[np.float64]:
    """Return the squared distance of all class probabilities from the truth, shape (images,).

    Its mean is the score of G. W. Brier, Monthly Weather Review 78, 1950, pp. 1-3, over all
    classes: with p the probability of the true class, ``sum(q**2) - 2 p + 1``.
    """
    own = predictions["label_probability"].to_numpy(dtype=float)
    squares = predictions["probability_squares"].to_numpy(dtype=float)
    return np.asarray(squares - 2 * own + 1)


# Pages and figures ask for the same cells again and again, and cells never change.
@functools.lru_cache(maxsize=256)
def calibration(cell: Cell) -> Calibration:
    """Return the calibration of a cell on its test images.

    The intervals come from a bootstrap over the images: its percentiles with one seed, for this
    very training; with several seeds those of `cnnreport.statistics.Spread`, which cover the choice
    of seeds as well. The ECE has an interval of its own kind: see `ece_interval`.

    Raises:
        ResultsError: the seeds were not tested on the same images.

    """
    correct = correct_matrix(cell)
    losses = np.array([log_losses(run.predictions) for run in cell.runs])
    briers = np.array([brier_scores(run.predictions) for run in cell.runs])
    binned = np.array(
        [
            _sorted_into_bins(confidence, confidence - hits)
            for confidence, hits in zip(_confidences(cell), correct, strict=True)
        ]
    )
    seeds, images = losses.shape
    rows = np.concatenate([losses, briers, *binned])
    observed, drawn = rows.sum(axis=1)[None] / images, resampled_sums(rows) / images
    nll, brier, excess = (
        _estimate(cell, figure, by_seed[0], resampled)
        for figure, by_seed, resampled in zip(
            _FIGURES, _figures(observed, seeds), _figures(drawn, seeds), strict=True
        )
    )
    bins, drawn_bins = _in_bins(observed, seeds)[0], _in_bins(drawn, seeds)
    ece = _estimated(
        cell, _ECE, float(np.abs(bins).sum(axis=1).mean()), ece_interval(bins, drawn_bins)
    )
    p_value = derive(
        _p_value(bins.sum(axis=1), drawn_bins.sum(axis=2)),
        f"p-value of {_EXCESS.name}, {BOOTSTRAP}",
        *predictions_evidence(cell, _EXCESS.columns),
    )
    return Calibration(ece, nll, brier, excess, p_value)


@dataclass(frozen=True)
class _Figure:
    """What a figure is called, the columns it is computed from and between what it must lie."""

    name: str
    columns: str
    least: float
    most: float


_ECE = _Figure(f"ECE in {BINS} bins", f"confidence, {ANSWERS}", 0, 1)
_EXCESS = _Figure("mean confidence less accuracy", f"confidence, {ANSWERS}", -1, 1)
_FIGURES = (
    _Figure("log-loss", "label_probability", 0, math.inf),
    _Figure("Brier score", "probability_squares, label_probability", 0, 2),
    _EXCESS,
)
"""In the order of `_figures`."""


def _confidences(cell: Cell) -> list[NDArray[np.float64]]:
    return [run.predictions["confidence"].to_numpy(dtype=float) for run in cell.runs]


def _figures(means: NDArray[np.float64], seeds: int) -> NDArray[np.float64]:
    """Return log-loss, Brier score and excess of each resample and seed.

    Args:
        means: over images, shape (resamples, rows): log-losses and Brier scores of each seed, then
            the bins of each seed.
        seeds: how many there are.

    Returns:
        Shape (3, resamples, seeds).

    """
    losses, briers = means[:, :seeds], means[:, seeds : 2 * seeds]
    return np.array([losses, briers, _in_bins(means, seeds).sum(axis=2)])


def _in_bins(means: NDArray[np.float64], seeds: int) -> NDArray[np.float64]:
    """Return the bins of `_figures`' means, shape (resamples, seeds, BINS)."""
    return means[:, 2 * seeds :].reshape(len(means), seeds, BINS)


def ece_interval(bins: NDArray[np.float64], drawn: NDArray[np.float64]) -> Interval:
    """Return the interval of an ECE, the mean over seeds.

    The choice of images moves every bin, and distances add up: so an ECE is too large on average,
    above zero for a calibrated network, and resampling adds as much once more. Percentiles of
    resampled ECEs lie too high for that reason. Here the upper end is as far off as for any other
    figure, which is far enough for one that is rather too large. The lower end is as far off as
    the summed distances, bin by bin, of the resamples from the sample: an ECE cannot differ from
    the true one by more than such distances add up to (reverse triangle inequality).

    Args:
        bins: confidence less hits, summed in each bin, over the images: shape (seeds, BINS).
        drawn: the same on drawn images, shape (resamples, seeds, BINS).

    """
    by_seed = np.abs(bins).sum(axis=1)
    spread, value = spread_of(by_seed, np.abs(drawn).sum(axis=2)), float(by_seed.mean())
    moved = np.abs(drawn - bins).sum(axis=2).mean(axis=1)
    seeds = replace(spread, images=0.0, own=0.0).reach()
    down = math.hypot(float(np.quantile(moved, 1 - ALPHA / 2)), seeds)
    return Interval(value - down, value + spread.reach())


def _estimate(
    cell: Cell, figure: _Figure, by_seed: NDArray[np.float64], drawn: NDArray[np.float64]
) -> Estimate:
    value = float(by_seed.mean())
    if len(by_seed) == 1:
        return _estimated(cell, figure, value, percentiles(drawn))
    return _estimated(cell, figure, value, spread_of(by_seed, drawn).around(value))


def _estimated(cell: Cell, figure: _Figure, value: float, found: Interval) -> Estimate:
    inputs, how = predictions_evidence(cell, figure.columns), f"{BOOTSTRAP} interval of "
    interval = within(found, figure.least, figure.most)
    return Estimate(
        derive(value, figure.name, *inputs),
        evident_interval(interval, f"{how}{figure.name}", *inputs),
    )


def _p_value(by_seed: NDArray[np.float64], drawn: NDArray[np.float64]) -> float:
    if len(by_seed) == 1:
        return two_sided_p(drawn)
    return spread_of(by_seed, drawn).p_value(float(by_seed.mean()))


def reliability(cell: Cell) -> list[Bin]:
    """Return the bins that hold predictions, from low to high confidence; seeds are pooled."""
    confidence, correct = np.concatenate(_confidences(cell)), correct_matrix(cell).ravel()
    bins = bin_of(confidence)
    return [
        _bin(cell, int(number), confidence[bins == number], correct[bins == number])
        for number in np.unique(bins)
    ]


def _bin(
    cell: Cell, number: int, confidence: NDArray[np.float64], correct: NDArray[np.bool_]
) -> Bin:
    low, high = number / BINS, (number + 1) / BINS
    inputs = predictions_evidence(cell, f"confidence, {ANSWERS}")
    where = f"predictions with a confidence above {low:.4f} and up to {high:.4f}"
    accuracy = float(correct.mean())
    interval = share_interval(accuracy, max(1, round(len(correct) / len(cell.runs))))
    return Bin(
        low,
        high,
        derive(len(correct), f"number of {where}", *inputs),
        derive(float(confidence.mean()), f"mean confidence of {where}", *inputs),
        derive(accuracy, f"accuracy of {where}", *inputs),
        evident_interval(interval, f"Wilson's interval of the accuracy of {where}", *inputs),
    )


def trusted_too_far(cells: Sequence[Cell]) -> dict[str, int]:
    """Return by network 1 for over-confident, -1 for under-confident and 0 where it may be chance.

    The p-values are adjusted by Holm's method for the number of networks.
    """
    found = [calibration(cell) for cell in cells]
    adjusted = holm([each.p_value for each in found])
    return {
        cell.model: int(np.sign(each.excess.value)) if p < ALPHA else 0
        for cell, each, p in zip(cells, found, adjusted, strict=True)
    }


def confidence_finding(study: Study, dataset: str, names: Mapping[str, str]) -> str:
    """Say which networks are over- or under-confident on the test images, and by how much."""
    cells = study.ranked(dataset)
    signs = trusted_too_far(cells)
    texts = {
        sign: [
            f"{names[cell.model]} ({points(calibration(cell).excess.value)})"
            for cell in cells
            if signs[cell.model] == sign
        ]
        for sign in (1, -1, 0)
    }
    parts = [
        f"{listing(found)} {'is' if len(found) == 1 else 'are'} {words}"
        for sign, words in _VERDICTS.items()
        if (found := texts[sign])
    ]
    return f"Mean confidence less accuracy on the test images: {'; '.join(parts)}."


def worse_than_blind(study: Study, dataset: str, names: Mapping[str, str]) -> str:
    """Name the networks whose test loss is above that of equal probabilities; empty if none.

    Equal probabilities for all classes, whatever the image shows, have a loss of ln(classes).
    """
    classes = len(study.datasets[dataset].class_names)
    found = [
        f"{names[cell.model]} ({decimal(calibration(cell).nll.value, 3)})"
        for cell in study.ranked(dataset)
        if side_of(calibration(cell).nll.interval, math.log(classes)) == "above"
    ]
    if not found:
        return ""
    return (
        f"The test loss of {listing(found)} is above ln {classes}, that of the same probability "
        "for every class, whatever the image shows: wrong answers were given so high a probability "
        "that, as probabilities, these are worth less than none."
    )


_VERDICTS = {
    1: "over-confident",
    -1: "under-confident",
    0: "neither over- nor under-confident beyond what chance explains",
}
