"""Prediction: bytes in, probabilities out, whatever the network's output adds up to."""

import keras
import numpy as np
import pytest

from cnnreport import predictor
from cnnreport.models import build_network
from cnnreport.params import Recipe
from cnnreport.predictor import Predictor
from cnnreport.prepared import Split
from cnnreport.records import DatasetRecord

RECIPE = Recipe(optimizer="adam", learning_rate=1e-3, batch_size=8)
WEIGHTED = RECIPE.model_copy(update={"heads": "weighted"})


@pytest.fixture(scope="module")
def lenet() -> keras.Model:
    return build_network("lenet", (32, 32, 3), 3)


@pytest.fixture(scope="module")
def googlenet() -> keras.Model:
    return build_network("googlenet", (32, 32, 3), 3)


@pytest.fixture
def images(tiny_splits: dict[str, Split]) -> np.ndarray:
    return tiny_splits["test"].images[:5]


@pytest.mark.parametrize("name", ["lenet", "googlenet"])
def test_probabilities_sum_to_one_even_where_the_output_does_not(
    name: str, request: pytest.FixtureRequest, tiny_dataset: DatasetRecord, images: np.ndarray
) -> None:
    network = request.getfixturevalue(name)
    probabilities = Predictor(network, RECIPE, tiny_dataset).probabilities(images)
    assert probabilities.shape == (5, 3)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-9)
    raw = network(images / np.float32(255), training=False).numpy()
    np.testing.assert_allclose(probabilities, raw / raw.sum(axis=1, keepdims=True), rtol=1e-4)


def test_auxiliary_heads_answer_only_where_they_are_summed(
    googlenet: keras.Model, tiny_dataset: DatasetRecord, images: np.ndarray
) -> None:
    main = keras.Model(googlenet.input, googlenet.get_layer("main").output)
    alone = main(images / np.float32(255), training=False).numpy()
    answers = [
        Predictor(googlenet, recipe, tiny_dataset).probabilities(images)
        for recipe in (RECIPE, WEIGHTED)
    ]
    np.testing.assert_allclose(answers[1], alone, rtol=1e-4)
    assert not np.allclose(answers[0], alone, rtol=1e-4)


def test_pixels_are_scaled_as_the_recipe_says(
    lenet: keras.Model, tiny_dataset: DatasetRecord, images: np.ndarray
) -> None:
    recipe = RECIPE.model_copy(update={"pixels": "standardised"})
    answers = Predictor(lenet, recipe, tiny_dataset).probabilities(images)
    mean, deviation = np.array(tiny_dataset.mean), np.array(tiny_dataset.deviation)
    inputs = ((images / 255 - mean) / deviation).astype(np.float32)
    np.testing.assert_allclose(answers, lenet(inputs, training=False), rtol=1e-4)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_how_many_images_a_step_takes_does_not_matter(
    lenet: keras.Model,
    tiny_dataset: DatasetRecord,
    images: np.ndarray,
    batch: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Predictor(lenet, RECIPE, tiny_dataset)
    at_once = asked.probabilities(images)
    monkeypatch.setattr(predictor, "EVALUATION_BATCH", batch)
    np.testing.assert_allclose(asked.probabilities(images), at_once, rtol=1e-5)


def test_later_changes_of_the_weights_are_seen(
    tiny_dataset: DatasetRecord, images: np.ndarray
) -> None:
    network = build_network("lenet", (32, 32, 3), 3)
    asked = Predictor(network, RECIPE, tiny_dataset)
    asked.probabilities(images)
    network.get_layer("main").bias.assign([100.0, 0.0, 0.0])
    np.testing.assert_allclose(asked.probabilities(images)[:, 0], 1.0)


def test_nothing_is_learnt_and_nothing_dropped(
    tiny_dataset: DatasetRecord, images: np.ndarray
) -> None:
    network = build_network("alexnet", (32, 32, 3), 3)
    before = network.get_weights()
    asked = Predictor(network, RECIPE, tiny_dataset)
    first, again = (asked.probabilities(images) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    for one, two in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, two)
