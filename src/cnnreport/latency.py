"""Measure how long a network takes to classify a batch of images."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

BATCHES = (1, 128)
"""Batch sizes that are measured: one picture at once, and a batch as in training."""

FEWEST_REPEATS = 5
MOST_REPEATS = 50
ENOUGH_SECONDS = 2.0
"""A batch is repeated so often, and no further once so many seconds have gone."""


def latency_ms(
    network: Any, images: np.ndarray, scale: np.ndarray, offset: np.ndarray, batch: int
) -> float:
    """Return the median milliseconds from a batch of bytes to its probabilities on the host.

    Args:
        network: a Keras model with one output, as it is used at test time.
        images: uint8, shape (n, height, width, channels); repeated where n is below `batch`.
        scale: shape (channels,), with `offset` as in `cnnreport.recipes.pixel_scaling`.
        offset: shape (channels,).
        batch: images in a batch.

    """
    import tensorflow as tf  # here, since the report reads the numbers above without it

    pixels = images[np.arange(batch) % len(images)]
    signature = [tf.TensorSpec(pixels.shape, tf.uint8)]

    @tf.function(input_signature=signature, reduce_retracing=True, autograph=False)  # type: ignore
    def probabilities(batch_of_bytes: Any) -> Any:
        inputs = tf.cast(batch_of_bytes, tf.float32) * scale + offset
        return network(inputs, training=False)

    return 1000 * median(repeated_seconds(lambda: probabilities(tf.constant(pixels)).numpy()))


def repeated_seconds(
    work: Callable[[], Any], clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return the seconds of each repeat of `work`, which runs once more before they begin."""
    work()
    times: list[float] = []
    while len(times) < MOST_REPEATS and (
        len(times) < FEWEST_REPEATS or sum(times) < ENOUGH_SECONDS
    ):
        start = clock()
        work()
        times.append(clock() - start)
    return times
