"""Train one network on one image set with one seed: the same seed gives the same weights."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from cnnreport.errors import TrainingError
from cnnreport.models import build_network
from cnnreport.params import Recipe
from cnnreport.prepared import Split
from cnnreport.recipes import (
    compile_for,
    pixel_scaling,
    set_batch_norm_momentum,
    training_model,
)
from cnnreport.records import DatasetRecord, Epoch

EVALUATION_BATCH = 256
"""Images a step where nothing is learnt: large enough to be fast, small enough for 4 GiB."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A network after its last epoch, and what each epoch brought."""

    network: keras.Model
    history: list[Epoch]


@dataclass(frozen=True, eq=False)
class Scaled:
    """Images as bytes in memory, brought to network inputs a batch at a time.

    `scale` and `offset` have shape (3,); a set of 50,000 images stays at 150 MB this way instead
    of 600 MB as floats.
    """

    split: Split
    scale: np.ndarray
    offset: np.ndarray
    classes: int

    def batches(self, size: int, shuffle_seed: int | None = None) -> tf.data.Dataset:
        """Return (images, one-hot labels) batches; a seed shuffles anew, and fully, each epoch."""
        count = len(self.split.labels)
        order = tf.data.Dataset.range(count)
        if shuffle_seed is not None:
            order = order.shuffle(count, seed=shuffle_seed, reshuffle_each_iteration=True)
        # Tensors made here are captured by reference; arrays would be copied into the graph.
        images, labels = tf.constant(self.split.images), tf.constant(self.split.labels)

        def load(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            pixels = tf.cast(tf.gather(images, rows), tf.float32)
            return pixels * self.scale + self.offset, tf.one_hot(
                tf.gather(labels, rows), self.classes
            )

        return order.batch(size).map(load, num_parallel_calls=1).prefetch(2)


def scaled(split: Split, recipe: Recipe, dataset: DatasetRecord) -> Scaled:
    """Return a split with the pixel scaling of a recipe."""
    scale, offset = pixel_scaling(recipe, dataset.mean, dataset.deviation)
    return Scaled(split, scale, offset, len(dataset.class_names))


def labels_for_heads(model: keras.Model, batches: tf.data.Dataset) -> tf.data.Dataset:
    """Give every head of a model with several the same labels; leave others as they are."""
    if not isinstance(model.output, dict):
        return batches
    heads = list(model.output)
    return batches.map(lambda images, labels: (images, dict.fromkeys(heads, labels)))


def accelerators() -> list[str]:
    """Return the names of the GPUs that TensorFlow uses; empty on a plain processor."""
    devices = tf.config.list_physical_devices("GPU")
    details = (tf.config.experimental.get_device_details(device) for device in devices)
    return [str(detail.get("device_name", "GPU")) for detail in details]


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow and forbid operations whose result may vary."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fit(  # noqa: PLR0913 - one training is defined by exactly these
    model: str,
    dataset: DatasetRecord,
    train: Split,
    validation: Split,
    *,
    recipe: Recipe,
    epochs: int,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Trained:
    """Train a network from scratch for `epochs` epochs.

    Raises:
        TrainingError: the loss became infinite or not a number; names the epoch.

    """
    make_deterministic(seed)
    network = build_network(model, train.images.shape[1:], len(dataset.class_names))
    set_batch_norm_momentum(network, recipe.batch_norm_momentum)
    trained = training_model(network, recipe)
    compile_for(trained, recipe, epochs * math.ceil(len(train.labels) / recipe.batch_size))
    batches = scaled(train, recipe, dataset).batches(recipe.batch_size, shuffle_seed=seed)
    log = trained.fit(
        labels_for_heads(trained, batches),
        validation_data=labels_for_heads(
            trained, scaled(validation, recipe, dataset).batches(EVALUATION_BATCH)
        ),
        epochs=epochs,
        shuffle=False,  # the batches come shuffled
        verbose=0,
        callbacks=[keras.callbacks.TerminateOnNaN(), *callbacks],
    ).history
    history = history_of(log)
    if not all(math.isfinite(loss) for loss in log["loss"]):
        raise TrainingError(
            f"{model} on {dataset.name}: the loss is no longer a number in epoch {len(history)}; "
            f"lower learning_rate ({recipe.learning_rate}) or set clip_norm in its recipe"
        )
    return Trained(network, history)


def history_of(log: dict[str, list[float]]) -> list[Epoch]:
    """Turn what Keras logged into epochs; the main head's figures where there are several."""
    head = "main_" if "main_accuracy" in log else ""
    names = [
        f"{part}{head}{metric}" for part in ("", "val_") for metric in ("cross_entropy", "accuracy")
    ]
    epochs = len(log[names[0]])
    # A training that diverged in its first epoch has no validation figures.
    columns = [log.get(name, []) for name in names]
    padded = [column + [math.nan] * (epochs - len(column)) for column in columns]
    return [Epoch(number, *row) for number, row in enumerate(zip(*padded, strict=True), start=1)]


class EpochLines(keras.callbacks.Callback):
    """Print one plain line an epoch, so that a log file shows how far a training is."""

    def __init__(self, title: str) -> None:
        """Start every line with `title`."""
        super().__init__()
        self.title = title

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the figures of the epoch that ended."""
        last = history_of({name: [value] for name, value in (logs or {}).items()})[0]
        print(
            f"{self.title} epoch {epoch + 1}/{self.params['epochs']}: "
            f"loss {last.train_loss:.4f}, accuracy {last.train_accuracy:.4f}; "
            f"validation loss {last.validation_loss:.4f}, "
            f"accuracy {last.validation_accuracy:.4f}",
            flush=True,
        )
