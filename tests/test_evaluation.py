"""Evaluation: predictions and figures against values worked out by hand."""

import math

import keras
import numpy as np
import pytest

from cnnreport.evaluation import (
    cell_metrics,
    label_ranks,
    predict,
    predictions_of,
)
from cnnreport.models import build_network
from cnnreport.params import Recipe
from cnnreport.prepared import Split
from cnnreport.records import Architecture, DatasetRecord, Epoch

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


@pytest.mark.parametrize("model", ["lenet", "googlenet"])
def test_probabilities_sum_to_one_even_where_the_output_does_not(
    model: str, tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]
) -> None:
    network = build_network(model, (32, 32, 3), 3)
    split = Split(tiny_splits["test"].images[:2], tiny_splits["test"].labels[:2])
    probabilities = predict(network, split, RECIPE, tiny_dataset)
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-9)
    raw = network(split.images / np.float32(255), training=False).numpy()
    np.testing.assert_allclose(probabilities, raw / raw.sum(axis=1, keepdims=True), rtol=1e-4)


def test_auxiliary_heads_answer_only_where_they_are_summed(
    tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]
) -> None:
    network = build_network("googlenet", (32, 32, 3), 3)
    split = Split(tiny_splits["test"].images[:2], tiny_splits["test"].labels[:2])
    weighted = RECIPE.model_copy(update={"heads": "weighted"})
    main = keras.Model(network.input, network.get_layer("main").output)
    alone = main(split.images / np.float32(255), training=False).numpy()
    voted = predict(network, split, RECIPE, tiny_dataset)
    np.testing.assert_allclose(predict(network, split, weighted, tiny_dataset), alone, rtol=1e-4)
    assert not np.allclose(voted, alone, rtol=1e-4)
