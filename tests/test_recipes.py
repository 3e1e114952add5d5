"""Recipes: schedule, optimiser, heads and pixel scaling."""

import keras
import numpy as np
import pytest

from cnnreport import recipes
from cnnreport.models import build_network
from cnnreport.params import Recipe

ADAM = Recipe(optimizer="adam", learning_rate=1e-3, batch_size=8)
WEIGHTED = ADAM.model_copy(update={"heads": "weighted"})


@pytest.fixture(scope="module")
def googlenet() -> keras.Model:
    return build_network("googlenet", (32, 32, 3), 3)


@pytest.mark.parametrize("steps", [1, 2, 10, 1000])
def test_one_cycle_rises_to_its_peak_and_ends_at_zero(steps: int) -> None:
    schedule = recipes.OneCycle(0.5, steps)
    rates = np.array([float(schedule(step)) for step in range(steps)])
    assert (rates >= 0).all()
    assert rates.max() <= 0.5 + 1e-6
    assert rates[-1] == pytest.approx(0.0, abs=1e-6)
    if steps == 1000:
        assert int(rates.argmax()) == pytest.approx(300, abs=1)
        assert rates.max() == pytest.approx(0.5, rel=1e-3)
        assert rates[0] == pytest.approx(0.5 / 300, rel=1e-3)


def test_unit_pixels_are_divided_by_255() -> None:
    scale, offset = recipes.pixel_scaling(ADAM, [0.5] * 3, [0.2] * 3)
    np.testing.assert_allclose(255 * scale + offset, 1.0, rtol=1e-6)
    np.testing.assert_allclose(offset, 0.0)


def test_standardised_pixels_have_mean_zero_and_deviation_one() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1000, 3))
    mean, deviation = (pixels / 255).mean(axis=0), (pixels / 255).std(axis=0)
    recipe = ADAM.model_copy(update={"pixels": "standardised"})
    scale, offset = recipes.pixel_scaling(recipe, mean.tolist(), deviation.tolist())
    inputs = pixels * scale + offset
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(inputs.std(axis=0), 1, rtol=1e-5)


def test_a_constant_channel_is_only_centred() -> None:
    recipe = ADAM.model_copy(update={"pixels": "standardised"})
    scale, offset = recipes.pixel_scaling(recipe, [0.5] * 3, [0.0] * 3)
    np.testing.assert_allclose(127.5 * scale + offset, 0, atol=1e-6)


def test_adam_and_nesterov_are_built_as_asked() -> None:
    adam = recipes.build_optimizer(ADAM, 10)
    assert isinstance(adam, keras.optimizers.Adam)
    assert float(adam.learning_rate) == pytest.approx(1e-3)
    assert adam.weight_decay is None
    changes = {"optimizer": "sgd", "schedule": "one_cycle", "momentum": 0.8, "weight_decay": 5e-4}
    sgd = recipes.build_optimizer(ADAM.model_copy(update=changes), 10)
    assert isinstance(sgd, keras.optimizers.SGD)
    assert (sgd.nesterov, sgd.momentum, sgd.weight_decay) == (True, 0.8, 5e-4)
    assert float(sgd.learning_rate) == pytest.approx(1e-3 * 0.1 / 0.3)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_clipping_is_left_to_the_step(optimizer: str) -> None:
    """The optimiser sees one replica's gradient, whose norm is not the batch's."""
    recipe = ADAM.model_copy(update={"optimizer": optimizer, "clip_norm": 1.0})
    built = recipes.build_optimizer(recipe, 10)
    assert (built.clipnorm, built.global_clipnorm, built.clipvalue) == (None, None, None)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_decay_shrinks_kernels_alone(optimizer: str) -> None:
    recipe = ADAM.model_copy(
        update={"optimizer": optimizer, "learning_rate": 0.1, "weight_decay": 0.5}
    )
    image = keras.Input((4, 4, 3))
    x = keras.layers.BatchNormalization(name="bn")(keras.layers.Conv2D(2, 3, name="conv")(image))
    network = keras.Model(image, keras.layers.Dense(2, name="dense")(x))
    for weight in network.trainable_variables:
        weight.assign(np.ones(weight.shape))
    built = recipes.build_optimizer(recipe, 10)
    built.build(network.trainable_variables)
    built.apply([np.zeros(one.shape, np.float32) for one in network.trainable_variables])
    shrunk = {one.path for one in network.trainable_variables if one.numpy().max() < 0.99}
    assert shrunk == {"conv/kernel", "dense/kernel"}


def test_summed_heads_train_and_test_the_studys_single_output(googlenet: keras.Model) -> None:
    assert recipes.training_model(googlenet, ADAM) is googlenet
    assert recipes.testing_model(googlenet, ADAM) is googlenet


def test_weighted_heads_train_three_outputs_and_test_the_main_one(googlenet: keras.Model) -> None:
    trained = recipes.training_model(googlenet, WEIGHTED)
    tested = recipes.testing_model(googlenet, WEIGHTED)
    images = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    heads = trained(images, training=False)
    assert set(heads) == {"main", "aux1", "aux2"}
    np.testing.assert_allclose(tested(images, training=False), heads["main"], rtol=1e-5)
    summed = heads["main"] + 0.3 * heads["aux1"] + 0.3 * heads["aux2"]
    np.testing.assert_allclose(googlenet(images, training=False), summed, rtol=1e-4)
    assert trained.count_params() == googlenet.count_params()


def test_the_loss_of_an_auxiliary_head_counts_less(googlenet: keras.Model) -> None:
    heads = recipes.training_model(googlenet, WEIGHTED)
    assert recipes.head_weights(heads) == {"main": 1.0, "aux1": 0.3, "aux2": 0.3}
    assert recipes.head_weights(googlenet) == {}


def test_weighted_heads_mean_nothing_to_a_network_with_one_head() -> None:
    lenet = build_network("lenet", (32, 32, 3), 3)
    assert recipes.training_model(lenet, WEIGHTED) is lenet


def test_batch_norm_momentum_is_set_or_left() -> None:
    network = build_network("alexnet", (32, 32, 3), 3)
    norms = [one for one in network.layers if isinstance(one, keras.layers.BatchNormalization)]
    recipes.set_batch_norm_momentum(network, None)
    assert {one.momentum for one in norms} == {0.99}
    recipes.set_batch_norm_momentum(network, 0.9)
    assert {one.momentum for one in norms} == {0.9}
