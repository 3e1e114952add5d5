"""The fused kernels do what Keras' own optimisers and batch normalisation do."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from cnnreport.kernels import (
    FusedAdam,
    FusedBatchNormalization,
    FusedSGD,
    fused,
    synchronised,
)
from cnnreport.models import build_network
from cnnreport.networks import NETWORKS
from cnnreport.recipes import OneCycle

STEPS = 100
ADAM = (FusedAdam, keras.optimizers.Adam)
SGD = (FusedSGD, keras.optimizers.SGD)


def small_network() -> keras.Model:
    """Convolution, normalisation of maps and of rows, dense layers: every kind of weight."""
    keras.utils.set_random_seed(5)
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = layers.BatchNormalization(name="maps_bn")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(8, activation="relu", name="dense")(x)
    x = layers.BatchNormalization(name="rows_bn")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax", name="main")(x))


def batches(count: int, size: int = 8) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(2)
    return [
        (
            rng.normal(size=(size, 6, 6, 3)).astype(np.float32),
            np.eye(3, dtype=np.float32)[rng.integers(0, 3, size)],
        )
        for _ in range(count)
    ]


def gradients_of(network: keras.Model, images: np.ndarray, labels: np.ndarray) -> list[tf.Tensor]:
    with tf.GradientTape() as tape:
        costs = keras.losses.categorical_crossentropy(labels, network(images, training=True))
        loss = tf.reduce_mean(costs)
    return tape.gradient(loss, [one.value for one in network.trainable_variables])


Rate = Callable[[], float | keras.optimizers.schedules.LearningRateSchedule]
RATES: dict[str, Rate] = {"constant": lambda: 0.01, "one cycle": lambda: OneCycle(0.02, STEPS)}


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@pytest.mark.parametrize("decay", [None, 0.05], ids=["no decay", "decay"])
@pytest.mark.parametrize(
    ("kinds", "options"),
    [
        (ADAM, {}),
        (ADAM, {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
        (SGD, {"momentum": 0.9, "nesterov": True}),
        (SGD, {"momentum": 0.9, "nesterov": False}),
        (SGD, {"momentum": 0.0, "nesterov": True}),
    ],
    ids=["adam", "adam with other numbers", "nesterov", "momentum", "no momentum"],
)
def test_updates_equal_those_of_keras(
    kinds: tuple[type, type], options: dict[str, float], decay: float | None, rate: Rate
) -> None:
    """Both are given the gradients at the weights of Keras' own training.

    Gradients of its own would let ReLUs and Adam's signs of tiny numbers blow up the last bit.
    """
    networks = [small_network() for _ in kinds]
    optimizers = [kind(rate(), weight_decay=decay, **options) for kind in kinds]
    for network, optimizer in zip(networks, optimizers, strict=True):
        if decay:
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        optimizer.build(network.trainable_variables)
    start = [one.numpy() for one in networks[0].trainable_variables]
    derive = tf.function(lambda images, labels: gradients_of(networks[1], images, labels))
    apply = tf.function(
        lambda gradients: [
            optimizer.apply(gradients, network.trainable_variables)
            for network, optimizer in zip(networks, optimizers, strict=True)
        ]
    )
    for images, labels in batches(STEPS):
        apply(derive(images, labels))
    ours, theirs = (
        [one.numpy() for one in (*network.trainable_variables, *optimizer.variables)]
        for network, optimizer in zip(networks, optimizers, strict=True)
    )
    for one, two in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)
    moved = [np.abs(one - two).max() for one, two in zip(ours, start, strict=False)]
    assert min(moved) > 1e-3, "nothing was learnt that the tolerance would not swallow"


def test_decay_spares_what_is_excluded() -> None:
    optimizer = FusedSGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    network = small_network()
    optimizer.build(network.trainable_variables)
    before = {one.path: one.numpy() for one in network.trainable_variables}
    zeros = [tf.zeros(one.shape) for one in network.trainable_variables]
    optimizer.apply(zeros, network.trainable_variables)
    for variable in network.trainable_variables:
        kept = 0.95 if variable.name == "kernel" else 1.0
        np.testing.assert_allclose(variable, kept * before[variable.path], rtol=1e-6)


# --- batch normalisation -------------------------------------------------------------------------


def randomised(layer: layers.BatchNormalization, shape: tuple[int, ...]) -> keras.Layer:
    layer.build((None, *shape))
    rng = np.random.default_rng(3)
    layer.set_weights([rng.uniform(0.5, 2, one.shape) for one in layer.get_weights()])
    return layer


def normalise_and_derive(
    layer: keras.Layer, images: np.ndarray, weights: np.ndarray
) -> list[np.ndarray]:
    """Return the outputs and the gradients of inputs, gamma and beta."""
    inputs = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
        loss = tf.reduce_sum(outputs * weights)
    gradients = tape.gradient(loss, [inputs, layer.gamma.value, layer.beta.value])
    return [outputs.numpy(), *(one.numpy() for one in gradients)]


@pytest.mark.parametrize("momentum", [0.99, 0.5])
@pytest.mark.parametrize(
    "shape",
    [(8, 5, 5, 4), (1, 5, 5, 4), (16, 1, 1, 4), (1, 1, 1, 4)],
    ids=["batch", "one image", "one pixel", "one value"],
)
def test_batch_normalisation_equals_keras(shape: tuple[int, ...], momentum: float) -> None:
    plain = randomised(layers.BatchNormalization(momentum=momentum), shape[1:])
    ours = randomised(FusedBatchNormalization(momentum=momentum), shape[1:])
    rng = np.random.default_rng(4)
    before = ours.get_weights()
    for _ in range(4):
        images, weights = (rng.normal(1, 2, shape).astype(np.float32) for _ in range(2))
        wanted = normalise_and_derive(plain, images, weights)
        for one, two in zip(normalise_and_derive(ours, images, weights), wanted, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-4)
        for one, two in zip(ours.get_weights(), plain.get_weights(), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)
    after = ours.get_weights()
    assert all((after[place] != before[place]).all() for place in (2, 3)), "averages stood still"
    images = rng.normal(1, 2, shape).astype(np.float32)
    np.testing.assert_allclose(
        ours(images, training=False), plain(images, training=False), rtol=1e-5, atol=1e-5
    )
    for one, two in zip(ours.get_weights(), after, strict=True):
        np.testing.assert_array_equal(one, two)


def test_with_the_same_averages_inference_is_identical() -> None:
    plain = randomised(layers.BatchNormalization(), (5, 5, 4))
    ours = randomised(FusedBatchNormalization(), (5, 5, 4))
    images = np.random.default_rng(0).normal(size=(3, 5, 5, 4)).astype(np.float32)
    np.testing.assert_array_equal(ours(images), plain(images))


# --- networks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_only_the_normalisation_of_maps_is_changed(name: str) -> None:
    keras.utils.set_random_seed(1)
    network = build_network(name, (32, 32, 3), 10)
    copy = fused(network)
    kinds = {layer.name: type(layer) for layer in copy.layers}
    for layer in network.layers:
        normal = isinstance(layer, layers.BatchNormalization)
        maps = normal and len(layer.output.shape) == 4
        assert kinds[layer.name] is (FusedBatchNormalization if maps else type(layer)), layer.name
    assert [one.path for one in copy.weights] == [one.path for one in network.weights]
    assert [one.trainable for one in copy.weights] == [one.trainable for one in network.weights]
    assert copy.count_params() == network.count_params()
    assert copy.name == network.name
    for one, two in zip(copy.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert len(copy.losses) == len(network.losses)  # VGGNet's penalties on kernels


def test_vgg16_has_both_kinds_of_normalisation() -> None:
    """Else the test above could not tell that those of rows are left alone."""
    kinds = [type(layer) for layer in fused(build_network("vgg16", (32, 32, 3), 3)).layers]
    assert kinds.count(FusedBatchNormalization) == 13
    assert kinds.count(layers.BatchNormalization) == 2


@pytest.mark.parametrize("copier", [fused, synchronised])
def test_a_copy_keeps_the_momentum_and_answers_the_same(
    copier: Callable[[keras.Model], keras.Model],
) -> None:
    network = small_network()
    network.get_layer("maps_bn").momentum = 0.7
    copy = copier(network)
    assert copy.get_layer("maps_bn").momentum == 0.7
    ((images, _),) = batches(1)
    np.testing.assert_allclose(copy(images), network(images), rtol=1e-6)
    copy.get_layer("conv").kernel.assign_add(tf.ones((3, 3, 3, 4)))
    assert not np.allclose(copy(images), network(images)), "the copy shares the weights"


def test_every_normalisation_of_a_shared_batch_is_synchronised() -> None:
    norms = [
        layer
        for layer in synchronised(small_network()).layers
        if isinstance(layer, layers.BatchNormalization)
    ]
    assert [layer.synchronized for layer in norms] == [True, True]
