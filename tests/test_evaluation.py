"""Evaluation: predictions and figures against values worked out by hand."""

import math
from pathlib import Path

import numpy as np
import pytest

from cnnreport.errors import ResultsError
from cnnreport.evaluation import (
    cell_metrics,
    label_ranks,
    predictions_of,
)
from cnnreport.models import build_network
from cnnreport.params import Recipe
from cnnreport.recipes import untrained_network
from cnnreport.records import Architecture, DatasetRecord, Epoch
from cnnreport.weights import fill_weights, save_weights

RECIPE = Recipe(optimizer="adam", learning_rate=1e-3, batch_size=8)

PROBABILITIES = np.array(
    [[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7], [0.25, 0.5, 0.25]], dtype=np.float64
)
LABELS = np.array([0, 2, 2, 1])


def test_predictions_hold_what_the_later_statistics_need() -> None:
    rows = predictions_of(PROBABILITIES, LABELS)
    assert [row.predicted for row in rows] == [0, 1, 2, 1]
    assert [row.label_rank for row in rows] == [1, 2, 1, 1]
    assert [row.label_probability for row in rows] == [0.5, 0.3, 0.7, 0.5]
    assert rows[0].probability_squares == pytest.approx(0.25 + 0.09 + 0.04)
    # Brier score of the first image, once from the rows and once from its definition.
    brier = rows[0].probability_squares - 2 * rows[0].label_probability + 1
    assert brier == pytest.approx((0.5 - 1) ** 2 + 0.3**2 + 0.2**2)


def test_equal_probabilities_rank_by_class_number() -> None:
    even = np.full((2, 4), 0.25)
    assert label_ranks(even, np.array([0, 3])).tolist() == [1, 4]


def test_metrics_of_a_cell_by_hand(tiny_dataset: DatasetRecord) -> None:
    rows = predictions_of(PROBABILITIES, LABELS)
    history = [Epoch(1, 1.0, 0.5, 1.0, 0.5), Epoch(2, 0.5, 0.8, 0.7, 0.6)]
    architecture = Architecture([], 10, 8, 2, 99)
    metrics = cell_metrics(
        tiny_dataset, architecture, {0: rows}, {0: history}, recipe_name="report"
    )
    assert metrics.accuracy == 0.75
    assert metrics.top5_accuracy is None  # three classes
    assert metrics.loss == pytest.approx(
        -(math.log(0.5) + math.log(0.3) + math.log(0.7) + math.log(0.5)) / 4
    )
    assert (metrics.train_accuracy, metrics.validation_accuracy) == (0.8, 0.6)
    assert metrics.class_accuracy == {"dark": 1.0, "grey": 1.0, "bright": 0.5}
    assert (metrics.epochs, metrics.images_seen) == (2, 2 * tiny_dataset.train_images)
    assert (metrics.parameters, metrics.macs) == (10, 99)


def test_several_seeds_are_averaged(tiny_dataset: DatasetRecord) -> None:
    dataset = DatasetRecord(**{**vars(tiny_dataset), "class_names": ["a", "b", "c"]})
    good = predictions_of(PROBABILITIES, np.array([0, 1, 2, 1]))
    bad = predictions_of(np.roll(PROBABILITIES, 1, axis=1), np.array([0, 1, 2, 1]))
    history = [Epoch(1, 1.0, 0.5, 1.0, 0.5)]
    metrics = cell_metrics(
        dataset,
        Architecture([], 1, 1, 0, 1),
        {0: good, 7: bad},
        {0: history, 7: history},
        recipe_name="modern",
    )
    assert metrics.accuracy_by_seed == {"0": 1.0, "7": 0.0}
    assert metrics.accuracy == 0.5
    assert metrics.class_accuracy == {"a": 0.5, "b": 0.5, "c": 0.5}


def test_a_stored_network_comes_back_as_it_was_trained(
    tiny_dataset: DatasetRecord, tmp_path: Path
) -> None:
    trained = build_network("alexnet", (32, 32, 3), 3)
    save_weights(trained, tmp_path / "weights.npz")
    recipe = RECIPE.model_copy(update={"batch_norm_momentum": 0.8})
    network = untrained_network("alexnet", tiny_dataset, recipe)
    fill_weights(network, tmp_path / "weights.npz")
    assert network.get_layer("conv1_bn").momentum == 0.8
    for one, two in zip(network.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_weights_of_another_network_are_refused(
    tiny_dataset: DatasetRecord, tmp_path: Path
) -> None:
    save_weights(build_network("lenet", (32, 32, 3), 4), tmp_path / "weights.npz")
    network = untrained_network("lenet", tiny_dataset, RECIPE)
    with pytest.raises(ResultsError, match="holds the weights of another network"):
        fill_weights(network, tmp_path / "weights.npz")
