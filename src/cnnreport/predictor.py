"""Ask a network for class probabilities, a batch of images at a time."""

import keras
import numpy as np
import tensorflow as tf

from cnnreport.params import Recipe
from cnnreport.prepared import Images
from cnnreport.recipes import pixel_scaling, testing_model
from cnnreport.records import DatasetRecord

SMALLEST_PROBABILITY = 1e-7
"""Probabilities are kept this far from zero before a logarithm, as Keras' losses do."""

EVALUATION_BATCH = 256
"""Images a step where nothing is learnt: large enough to be fast, small enough for 4 GiB."""


class Predictor:
    """A network as it answers: bytes in, probabilities out, nothing learnt."""

    def __init__(self, network: keras.Model, recipe: Recipe, dataset: DatasetRecord) -> None:
        """Wrap a network trained under `recipe`; later changes of its weights are seen."""
        self.model = testing_model(network, recipe)
        self.scale, self.offset = pixel_scaling(recipe, dataset.mean, dataset.deviation)
        signature = tf.TensorSpec((None, *dataset.image_shape), tf.uint8)
        self._outputs = tf.function(self._forward, input_signature=[signature])

    def probabilities(self, images: Images) -> np.ndarray:
        """Return float64 of shape (n, classes), each row with sum 1, for uint8 (n, h, w, 3).

        GoogLeNet's summed output has the sum 1.6; dividing by it changes neither the order of the
        classes nor what the loss of the original study made of it (Keras divides likewise).
        """
        starts = range(0, len(images), EVALUATION_BATCH)
        parts = [self._outputs(images[start : start + EVALUATION_BATCH]) for start in starts]
        outputs = np.concatenate([part.numpy() for part in parts]).astype(np.float64)
        return np.asarray(outputs / outputs.sum(axis=1, keepdims=True))

    def _forward(self, images: tf.Tensor) -> tf.Tensor:
        pixels = tf.cast(images, tf.float32) * self.scale + self.offset
        return tf.cast(self.model(pixels, training=False), tf.float32)


def log_losses(probabilities: np.ndarray) -> np.ndarray:
    """Return the cross-entropies, in nats, of the probabilities given to the true classes."""
    return np.asarray(-np.log(np.clip(probabilities, SMALLEST_PROBABILITY, 1.0)))
