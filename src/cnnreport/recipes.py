"""Turn a recipe of params.yaml into Keras objects: schedule, optimiser, losses, pixel scaling."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from cnnreport.kernels import FusedAdam, FusedSGD
from cnnreport.models import build_network
from cnnreport.models.blocks import AUXILIARY_WEIGHT, MAIN
from cnnreport.params import Recipe
from cnnreport.records import DatasetRecord

WARM_UP = 0.3
"""Share of a one-cycle schedule in which the rate rises."""

AUXILIARY = ("aux1", "aux2")


@keras.saving.register_keras_serializable("cnnreport")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly to a peak and falls along a half cosine to zero.

    After Smith and Topin 2019, section 2 (super-convergence), without the cycled momentum.
    """

    def __init__(self, peak: float, total_steps: int) -> None:
        """Reach `peak` after 30 % of `total_steps` and zero at their end."""
        self.peak = peak
        self.total_steps = total_steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Return the rate of a step counted from 0; the first one is above zero already."""
        done = (tf.cast(step, tf.float32) + 1.0) / self.total_steps
        falling = 0.5 * (1.0 + tf.cos(np.pi * (done - WARM_UP) / (1.0 - WARM_UP)))
        return self.peak * tf.where(done < WARM_UP, done / WARM_UP, falling)

    def get_config(self) -> dict[str, float | int]:
        """Return what makes the same schedule again."""
        return {"peak": self.peak, "total_steps": self.total_steps}


def untrained_network(name: str, dataset: DatasetRecord, recipe: Recipe) -> keras.Model:
    """Build a network as a recipe trains it on an image set, with fresh weights."""
    height, width, channels = dataset.image_shape
    network = build_network(name, (height, width, channels), len(dataset.class_names))
    set_batch_norm_momentum(network, recipe.batch_norm_momentum)
    return network


def build_optimizer(recipe: Recipe, total_steps: int) -> keras.optimizers.Optimizer:
    """Return the optimiser of a training of `total_steps` steps.

    Weight decay is decoupled from the gradient (Loshchilov and Hutter 2019, section 2) and spares
    biases and the factors of batch normalisation. Clipping is left to the training step, which
    alone knows the gradient of the whole batch.
    """
    rate = (
        OneCycle(recipe.learning_rate, total_steps)
        if recipe.schedule == "one_cycle"
        else recipe.learning_rate
    )
    decay = recipe.weight_decay or None
    optimizer = (
        FusedAdam(rate, weight_decay=decay)
        if recipe.optimizer == "adam"
        else FusedSGD(rate, momentum=recipe.momentum, nesterov=True, weight_decay=decay)
    )
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def training_model(network: keras.Model, recipe: Recipe) -> keras.Model:
    """Return the model that is trained: the network itself, or its three heads side by side.

    The result shares its layers with `network`, so training it trains the network.
    """
    if not _has_weighted_heads(network, recipe):
        return network
    heads = {name: network.get_layer(name).output for name in (MAIN, *AUXILIARY)}
    return keras.Model(network.input, heads, name=f"{network.name}_heads")


def testing_model(network: keras.Model, recipe: Recipe) -> keras.Model:
    """Return the model that predicts: auxiliary heads are for training only when weighted."""
    if not _has_weighted_heads(network, recipe):
        return network
    return keras.Model(network.input, network.get_layer(MAIN).output, name=network.name)


def head_weights(model: keras.Model) -> dict[str, float]:
    """Return what the loss of each head counts in training; empty for a network with one head."""
    heads = model.output if isinstance(model.output, dict) else {}
    return {name: 1.0 if name == MAIN else AUXILIARY_WEIGHT for name in heads}


def set_batch_norm_momentum(network: keras.Model, momentum: float | None) -> None:
    """Set how slowly the moving averages of every batch normalisation follow; None leaves them.

    Keras' 0.99 needs hundreds of steps before a network tests as it trains; a short training has
    fewer (see docs/decisions.md). No parameter count changes.
    """
    for layer in network.layers:
        if momentum is not None and isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum


def pixel_scaling(
    recipe: Recipe, mean: Sequence[float], deviation: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (scale, offset), each of shape (3,): input = pixel * scale + offset.

    `unit` is pixel / 255 as in the original study; `standardised` brings every channel of the
    training part to mean 0 and deviation 1. `mean` and `deviation` are of pixels / 255. A channel
    without any spread is only centred.
    """
    if recipe.pixels == "unit":
        return np.full(3, 1 / 255, np.float32), np.zeros(3, np.float32)
    spread = np.where(np.asarray(deviation) > 0, deviation, 1.0)
    scale = 1 / (255 * spread)
    return scale.astype(np.float32), (-np.asarray(mean) / spread).astype(np.float32)


def _has_weighted_heads(network: keras.Model, recipe: Recipe) -> bool:
    names = {layer.name for layer in network.layers}
    return recipe.heads == "weighted" and names.issuperset(AUXILIARY)
