"""Do what Keras' optimisers and batch normalisation do, with one kernel instead of many.

Keras writes an update of Adam as some ten passes over the weights, and batch normalisation as
separate means, differences and products. TensorFlow has single kernels for both with the same
mathematics; `fused` and the optimisers below put them in place. Networks are built with Keras'
own layers and only their training uses these.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers


class FusedAdam(keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015, end of section 2, epsilon hat), one kernel a weight tensor."""

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor) -> None:
        """Update one weight tensor and its two moments in place."""
        slot = self._get_variable_index(variable)
        step = tf.cast(self.iterations.value, tf.float32) + 1.0
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[slot]),
            v=_handle(self._velocities[slot]),
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


class FusedSGD(keras.optimizers.SGD):
    """Gradient descent with (Nesterov) momentum, one kernel a weight tensor."""

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor) -> None:
        """Update one weight tensor and its velocity in place."""
        if not self.momentum:  # then Keras keeps no velocity
            super().update_step(gradient, variable, learning_rate)
            return
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=_handle(variable),
            accum=_handle(self.momentums[self._get_variable_index(variable)]),
            lr=tf.cast(learning_rate, tf.float32),
            grad=gradient,
            momentum=self.momentum,
            use_nesterov=self.nesterov,
        )


class FusedBatchNormalization(layers.BatchNormalization):
    """Batch normalisation of maps (n, height, width, channels) as one kernel while training.

    The kernel returns Bessel's corrected variance; the moving average keeps the plain one, as
    Keras' does (Ioffe and Szegedy 2015, algorithm 1).
    """

    def call(
        self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Normalise; in training with the batch's own moments, which the averages then follow."""
        if not training:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, corrected, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        variance = corrected * ((count - 1.0) / count)
        share = 1.0 - self.momentum
        self.moving_mean.assign_sub((self.moving_mean.value - mean) * share)
        self.moving_variance.assign_sub((self.moving_variance.value - variance) * share)
        return outputs


def fused(network: keras.Model) -> keras.Model:
    """Return a copy of a network, same weights, that normalises maps with the fused kernel."""
    return _copy(network, _fused_layer)


def synchronised(network: keras.Model) -> keras.Model:
    """Return a copy of a network whose batch normalisation spans the batches of all replicas."""
    return _copy(network, _synchronised_layer)


def _copy(network: keras.Model, layer: Callable[[keras.Layer], keras.Layer]) -> keras.Model:
    copy = keras.models.clone_model(network, clone_function=layer)
    copy.set_weights(network.get_weights())
    return copy


def _fused_layer(layer: keras.Layer) -> keras.Layer:
    plain = isinstance(layer, layers.BatchNormalization) and layer.scale and layer.center
    fits = plain and len(layer.input.shape) == 4 and layer.axis in (-1, 3)
    kind = FusedBatchNormalization if fits else type(layer)
    return kind.from_config(layer.get_config())


def _synchronised_layer(layer: keras.Layer) -> keras.Layer:
    config = layer.get_config()
    if isinstance(layer, layers.BatchNormalization):
        config["synchronized"] = True
    return type(layer).from_config(config)


def _handle(variable: Any) -> tf.Tensor:
    """Return the resource of a Keras variable or of the TensorFlow variable inside one."""
    inner = variable.value if isinstance(variable, keras.Variable) else variable
    return inner.handle
