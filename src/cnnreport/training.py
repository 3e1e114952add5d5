"""Train one network on one image set with one seed: the same seed gives the same weights.

A training is a loop inside TensorFlow's graph: Python asks for a stretch of steps at a time, about
a second's worth, and gets control back in between. Which images a step sees, and how they are
changed, depends on nothing but seed, epoch and step, so a training that goes on from the state of
an earlier epoch ends with the same bits as one that was never interrupted.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from cnnreport.augmentation import augment
from cnnreport.errors import TrainingError
from cnnreport.kernels import fused, synchronised
from cnnreport.models.blocks import MAIN
from cnnreport.params import Precision, Recipe
from cnnreport.predictor import Predictor, log_losses
from cnnreport.prepared import Split
from cnnreport.recipes import (
    build_optimizer,
    head_weights,
    pixel_scaling,
    training_model,
    untrained_network,
)
from cnnreport.records import DatasetRecord, Epoch

STRETCH_SECONDS = 1.0
"""How long the graph works before Python looks at progress, Ctrl-C and the like."""

LOSS_SCALE = {"mixed_float16": 1024.0}
"""Factor on the loss that keeps small gradients in the range of half precision.

Micikevicius et al. 2018, section 3.2. A power of two, so it rounds nothing.
"""


@dataclass(frozen=True)
class Progress:
    """How far an epoch is; loss and accuracy are means over its images so far."""

    epoch: int
    epochs: int
    images: int
    images_an_epoch: int
    loss: float
    accuracy: float


Watcher = Callable[[Progress], None]


class Trainer:
    """A network, its optimiser and the images it learns from."""

    def __init__(  # noqa: PLR0913 - one training is defined by exactly these
        self,
        model: str,
        dataset: DatasetRecord,
        train: Split,
        *,
        recipe: Recipe,
        epochs: int,
        seed: int,
        precision: Precision = "float32",
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        """Build the network with the weights that `seed` gives it.

        Args:
            model: that of a file in models/.
            dataset: names the classes and says how pixels are scaled.
            train: what the network learns from; kept in memory as bytes.
            recipe: how it learns.
            epochs: the schedule of the learning rate ends with the last one.
            seed: decides first weights, order of the images, augmentation and dropout.
            precision: Keras' name of the types to compute in; weights are always float32.
            strategy: shares each batch among devices; by default all GPUs there are.

        """
        make_deterministic(seed)
        self.model, self.dataset, self.train = model, dataset, train
        self.recipe, self.epochs, self.seed = recipe, epochs, seed
        self.strategy = strategy or strategy_for_this_machine()
        self.precision = precision
        self.steps = math.ceil(len(train.labels) / recipe.batch_size)
        with self.strategy.scope():
            self._build()
        self._images, self._labels = tf.constant(train.images), tf.constant(train.labels)
        self._scale, self._offset = pixel_scaling(recipe, dataset.mean, dataset.deviation)
        self._class_weights = class_weights(
            recipe, np.bincount(train.labels, minlength=len(dataset.class_names))
        )
        self.predictor = Predictor(self.network, recipe, dataset)
        self._graph = tf.function(self._stretch, reduce_retracing=True)

    def run_epoch(self, epoch: int, watch: Watcher = lambda _: None) -> tuple[float, float]:
        """Train one epoch, counted from 1; return the means of cross-entropy and accuracy.

        Raises:
            TrainingError: the loss became infinite or not a number; names the epoch.

        """
        order = tf.constant(epoch_order(len(self.train.labels), self.seed, epoch), tf.int32)
        totals = tf.zeros(2, tf.float64)
        done, stretch = 0, 1
        while done < self.steps:
            count = min(stretch, self.steps - done)
            started = time.perf_counter()
            first, steps = tf.constant(done), tf.constant(count)
            totals = self._graph(order, tf.constant(epoch), first, steps, totals)
            progress = self._progress(epoch, done + count, totals.numpy())
            stretch = _next_stretch(count, time.perf_counter() - started)
            done += count
            watch(progress)
        return progress.loss, progress.accuracy

    def test(self, split: Split) -> tuple[float, float]:
        """Return the means of cross-entropy (nats) and accuracy over a split, nothing learnt."""
        probabilities = self.predictor.probabilities(split.images)
        own = probabilities[np.arange(len(split.labels)), split.labels]
        hits = probabilities.argmax(axis=1) == split.labels
        return float(log_losses(own).mean()), float(hits.mean())

    def state(self) -> dict[str, np.ndarray]:
        """Return all that changes in training: weights, optimiser, generators of dropout."""
        return {name: np.asarray(value) for name, value in self._variables().items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go back to a state that `state` returned for the same network and recipe."""
        for name, variable in self._variables().items():
            variable.assign(state[name])

    def _build(self) -> None:
        keras.config.set_dtype_policy(self.precision)
        network = untrained_network(self.model, self.dataset, self.recipe)
        self.network = self._with_kernels(network)
        self._trained = training_model(self.network, self.recipe)
        self._heads = head_weights(self._trained)
        self._optimizer = build_optimizer(self.recipe, self.epochs * self.steps)
        self._optimizer.build(self._trained.trainable_variables)

    def _with_kernels(self, network: keras.Model) -> keras.Model:
        if self.strategy.num_replicas_in_sync > 1:
            return synchronised(network)
        return fused(network) if self.precision == "float32" else network

    def _variables(self) -> dict[str, keras.Variable]:
        """Return every variable by place; those of dropout's generators are among the network's."""
        groups = {"network": self.network.variables, "optimizer": self._optimizer.variables}
        return {
            f"{group}/{number:04d}": variable
            for group, variables in groups.items()
            for number, variable in enumerate(variables)
        }

    def _progress(self, epoch: int, steps: int, totals: np.ndarray) -> Progress:
        if not math.isfinite(totals[0]):
            raise TrainingError(
                f"{self.model} on {self.dataset.name}: the loss is no longer a number in epoch "
                f"{epoch}; lower learning_rate ({self.recipe.learning_rate}) or set clip_norm "
                "in its recipe"
            )
        images = min(steps * self.recipe.batch_size, len(self.train.labels))
        loss, accuracy = (float(total) / images for total in totals)
        return Progress(epoch, self.epochs, images, len(self.train.labels), loss, accuracy)

    def _stretch(
        self,
        order: tf.Tensor,
        epoch: tf.Tensor,
        first: tf.Tensor,
        count: tf.Tensor,
        totals: tf.Tensor,
    ) -> tf.Tensor:
        """Do steps `first` to `first + count` of an epoch; `totals` are summed in order."""
        for step in tf.range(first, first + count):
            totals += self._step(order, epoch, step)
        return totals

    def _step(self, order: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        size = self.recipe.batch_size
        rows = order[step * size : (step + 1) * size]
        seed = tf.stack([self.seed, (epoch - 1) * self.steps + step])
        # Augmented before it is shared: what a replica gets does not depend on how many there are.
        images = augment(
            tf.gather(self._images, rows), seed, flip=self.recipe.flip, shift=self.recipe.shift
        )
        labels = tf.one_hot(tf.gather(self._labels, rows), len(self.dataset.class_names))
        sums = self.strategy.run(self._learn, args=(images, labels))
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, sums, axis=None)

    def _learn(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Learn from this replica's share of a batch; return summed cross-entropy and hits."""
        context = tf.distribute.get_replica_context()
        share, times = _share(tf.shape(images)[0], context)
        own, count = labels[share], tf.cast(times * tf.shape(images)[0], tf.float32)
        pixels = tf.cast(images[share], tf.float32) * self._scale + self._offset
        variables = self._trained.trainable_variables
        scale = LOSS_SCALE.get(self.precision, 1.0)
        with tf.GradientTape() as tape:
            outputs = self._trained(pixels, training=True)
            losses = self._losses(outputs, own)
            if self._class_weights is not None:
                losses *= tf.linalg.matvec(own, self._class_weights)
            loss = tf.reduce_sum(losses) / count
            if self._trained.losses:
                loss += tf.add_n(self._trained.losses) / context.num_replicas_in_sync
            scaled = loss * scale
        gradients = tape.gradient(scaled, [variable.value for variable in variables])
        self._optimizer.apply(self._whole(gradients, scale, context), variables)
        main = outputs[MAIN] if self._heads else outputs
        return _sums(tf.cast(main, tf.float32), own) / tf.cast(times, tf.float64)

    def _losses(self, outputs: tf.Tensor | dict[str, tf.Tensor], labels: tf.Tensor) -> tf.Tensor:
        """Return what each image costs, shape (n,); with several heads their weighted sum."""
        smoothing = self.recipe.label_smoothing
        if not self._heads:
            return _cross_entropy(labels, outputs, smoothing)
        return tf.add_n(
            [
                weight * _cross_entropy(labels, outputs[head], smoothing)
                for head, weight in self._heads.items()
            ]
        )

    def _whole(
        self,
        gradients: list[tf.Tensor],
        scale: float,
        context: tf.distribute.ReplicaContext,
    ) -> list[tf.Tensor]:
        """Return gradients of the whole batch, clipped, as the optimiser wants to be given them.

        Keras' optimiser adds up what the replicas give it, so each gives its part of the sum.
        """
        replicas = context.num_replicas_in_sync
        if scale != 1.0:
            gradients = [gradient / scale for gradient in gradients]
        if self.recipe.clip_norm is None:
            return gradients
        if replicas > 1:
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        clipped, _ = tf.clip_by_global_norm(gradients, self.recipe.clip_norm)
        return [gradient / replicas for gradient in clipped] if replicas > 1 else clipped


def class_weights(recipe: Recipe, counts: np.ndarray) -> np.ndarray | None:
    """Return what an image of each class counts in the loss, or None where all count one.

    With `balanced` it is images / (classes x images of the class), so that the weights of all
    images have the mean 1 and each class has the same sum (King and Zeng 2001, section 4.2).
    Where all classes have as many images nothing is multiplied, and the bits stay as they were.
    """
    if recipe.class_weights == "equal" or counts.min() == counts.max():
        return None
    return np.asarray(counts.sum() / (len(counts) * counts), np.float32)


def fit(
    trainer: Trainer,
    validation: Split,
    *,
    history: Sequence[Epoch] = (),
    watch: Watcher = lambda _: None,
    after_epoch: Callable[[list[Epoch]], None] = lambda _: None,
) -> list[Epoch]:
    """Train the epochs that `history` does not hold yet and return all of them.

    Raises:
        TrainingError: the loss became infinite or not a number; names the epoch.

    """
    epochs = list(history)
    for number in range(len(epochs) + 1, trainer.epochs + 1):
        learnt = trainer.run_epoch(number, watch)
        epochs.append(Epoch(number, *learnt, *trainer.test(validation)))
        after_epoch(epochs)
    return epochs


def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order of `count` images in an epoch: a permutation of its own for each."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow and forbid operations whose result may vary."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def strategy_for_this_machine() -> tf.distribute.Strategy:
    """Return one that shares batches among the GPUs if there are several, else the plain one."""
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def accelerators() -> list[str]:
    """Return the names of the GPUs that TensorFlow uses; empty on a plain processor."""
    devices = tf.config.list_physical_devices("GPU")
    details = (tf.config.experimental.get_device_details(device) for device in devices)
    return [str(detail.get("device_name", "GPU")) for detail in details]


def _share(size: tf.Tensor, context: tf.distribute.ReplicaContext) -> tuple[slice, tf.Tensor]:
    """Return which of `size` images a replica learns from, and how often the batch is seen in all.

    A batch with fewer images than there are replicas goes to each of them whole: a share without
    any image would be an error in some kernels, and this way the mean gradient and the moments of
    batch normalisation stay those of the batch.
    """
    share, shares = context.replica_id_in_sync_group, context.num_replicas_in_sync
    if shares == 1:
        return slice(None), tf.constant(1)
    few = size < shares
    start = tf.where(few, 0, size * share // shares)
    stop = tf.where(few, size, size * (share + 1) // shares)
    return slice(start, stop), tf.where(few, shares, 1)


def _cross_entropy(labels: tf.Tensor, outputs: tf.Tensor, smoothing: float = 0.0) -> tf.Tensor:
    return keras.losses.categorical_crossentropy(labels, outputs, label_smoothing=smoothing)


def _sums(outputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return float64 (2,): summed cross-entropy without smoothing, and how many are right."""
    hits = tf.argmax(outputs, axis=1) == tf.argmax(labels, axis=1)
    losses = _cross_entropy(labels, outputs)
    return tf.stack(
        [tf.reduce_sum(tf.cast(losses, tf.float64)), tf.reduce_sum(tf.cast(hits, tf.float64))]
    )


def _next_stretch(count: int, seconds: float) -> int:
    """Return how many steps fit into `STRETCH_SECONDS`, at most twice as many as last time."""
    return max(1, min(2 * count, round(count * STRETCH_SECONDS / max(seconds, 1e-6))))
