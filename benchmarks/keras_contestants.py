"""The two contestants that run on Keras: the study's notebook way, and this project's engine."""

import argparse
import contextlib
import itertools
import math
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from worker import CHANNELS, CLASSES, IMAGES, SIDE, Burst, Contestant, private_stdout, serve

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is imported

import keras  # noqa: TID253 - what is measured here is Keras

from cnnreport.models import build_network
from cnnreport.params import Recipe
from cnnreport.prepared import Split
from cnnreport.records import DatasetRecord
from cnnreport.training import Progress, Trainer

LEARNING_RATE = 1e-4


def notebook(network: str, images: np.ndarray, labels: np.ndarray, batch: int) -> Contestant:
    """Train as the original study's notebooks did: Keras with its defaults everywhere.

    Args:
        network: name of the network.
        images: pixels as bytes, of shape (n, height, width, channels).
        labels: class numbers, of shape (n,).
        batch: images a step.

    """
    model = build_network(network, images.shape[1:], CLASSES)
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    pixels = images.astype("float32") / 255
    one_hot = keras.utils.to_categorical(labels, CLASSES)

    def burst(steps: int) -> tuple[int, float]:
        moments: list[float] = []

        def note(*_: object, **__: object) -> None:
            moments.append(time.perf_counter())

        # Only the epoch counts: what `fit` does before it, the study pays for once in 50 epochs.
        watch = keras.callbacks.LambdaCallback(on_epoch_begin=note, on_epoch_end=note)
        model.fit(pixels, one_hot, batch_size=batch, steps_per_epoch=steps, callbacks=[watch])
        return steps * batch, moments[1] - moments[0]

    return _ready(burst, model)


class _EnoughError(Exception):
    """Ends an epoch of the engine once a burst has as many images as it should have."""


def ours(network: str, images: np.ndarray, labels: np.ndarray, batch: int) -> Contestant:
    """Train with this project's engine: the same arguments, network, batch and mathematics.

    A burst is the beginning of an epoch. The engine comes up for breath between stretches of
    steps, so a burst may have some steps more than it was asked for; they all count.
    """
    trainer = engine(network, images, labels, batch)
    epochs = itertools.count(1)

    def burst(steps: int) -> tuple[int, float]:
        trained = 0

        def watch(progress: Progress) -> None:
            nonlocal trained
            trained = progress.images
            if trained >= steps * batch:
                raise _EnoughError

        begun = time.perf_counter()
        with contextlib.suppress(_EnoughError):
            trainer.run_epoch(next(epochs), watch)
        return trained, time.perf_counter() - begun

    return _ready(burst, trainer.network)


def engine(network: str, images: np.ndarray, labels: np.ndarray, batch: int) -> Trainer:
    """Return this project's trainer with the optimiser and the rate of the notebook way."""
    return Trainer(
        network,
        _record(images),
        Split(images, labels),
        recipe=Recipe(optimizer="adam", learning_rate=LEARNING_RATE, batch_size=batch),
        epochs=1,  # decides nothing where the learning rate is constant
        seed=0,
    )


CONTESTANTS: dict[str, Callable[[str, np.ndarray, np.ndarray, int], Contestant]] = {
    "notebook": notebook,
    "ours": ours,
}


def random_images(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` images of noise as bytes, (n, height, width, channels), and their classes."""
    numbers = np.random.default_rng(0)
    images = numbers.integers(0, 256, (count, SIDE, SIDE, CHANNELS), np.uint8)
    return images, numbers.integers(0, CLASSES, count)


def _record(images: np.ndarray) -> DatasetRecord:
    """Describe images of noise in the words of a prepared image set."""
    return DatasetRecord(
        name="noise",
        title="Noise",
        source="made by the benchmark",
        class_names=[f"class {number}" for number in range(CLASSES)],
        train_images=len(images),
        validation_images=0,
        test_images=0,
        image_shape=list(images.shape[1:]),
        validation_fraction=0.0,
        split_seed=0,
        mean=[0.5] * CHANNELS,
        deviation=[0.3] * CHANNELS,
        digest="",
    )


def _ready(burst: Burst, model: keras.Model) -> Contestant:
    libraries = ("keras", "tensorflow", "numpy")
    return Contestant(
        burst,
        (_count(model.trainable_weights), _count(model.non_trainable_weights)),
        {library: version(library) for library in libraries},
    )


def _count(weights: list[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def main() -> None:
    """Serve bursts of one contestant on one network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contestant", choices=CONTESTANTS)
    parser.add_argument("network")
    parser.add_argument("--batch", required=True, type=int)
    parser.add_argument("--seconds", required=True, type=float)
    args = parser.parse_args()
    answers = private_stdout()
    ready = CONTESTANTS[args.contestant](args.network, *random_images(IMAGES), args.batch)
    serve(ready, args.batch, args.seconds, sys.stdin, answers)


if __name__ == "__main__":
    main()
