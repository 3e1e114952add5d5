"""Train on one and on two logical processors and print how far the results lie apart, as JSON.

A program of its own, since devices have to be divided before TensorFlow starts, and since a
process can hold one MirroredStrategy of processors only.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf  # noqa: TID253 - a program that trains
import tiny_networks
from conftest import make_dataset, make_split

from cnnreport import recipes, training
from cnnreport.models import build_network
from cnnreport.params import Recipe
from cnnreport.prepared import Split
from cnnreport.recipes import untrained_network
from cnnreport.weights import fill_weights, save_weights

RECIPE = Recipe(
    optimizer="sgd",
    learning_rate=0.02,
    batch_size=9,
    schedule="one_cycle",
    pixels="standardised",
    clip_norm=1.0,
    flip=True,
    shift=2,
)
ADAM = {"optimizer": "adam", "learning_rate": 1e-3, "clip_norm": None, "weight_decay": 0.01}

# Images do not fill the last batch; of 37 and 19 one image is left over for two devices.
CASES: dict[str, tuple[Any, int, dict[str, Any]]] = {
    "lenet": (build_network, 43, {}),
    "one left over": (build_network, 37, ADAM),
    "half precision": (build_network, 19, {}),
    "normalised": (tiny_networks.normalised, 19, {"clip_norm": 0.1}),
    "heads": (tiny_networks.with_heads, 14, {"heads": "weighted"}),
    "dropout": (tiny_networks.with_dropout, 14, {}),
}


def untrained(case: str, strategy: tf.distribute.Strategy | None) -> training.Trainer:
    build, images, changes = CASES[case]
    recipes.build_network = build
    return training.Trainer(
        "lenet",
        make_dataset(),
        make_split(images, 1),
        recipe=RECIPE.model_copy(update=changes),
        epochs=2,
        seed=0,
        precision="mixed_bfloat16" if case == "half precision" else "float32",
        strategy=strategy,
    )


def trained(case: str, strategy: tf.distribute.Strategy | None) -> training.Trainer:
    trainer = untrained(case, strategy)
    training.fit(trainer, make_split(12, 2))
    return trainer


def results(trainer: training.Trainer, test: Split) -> list[np.ndarray]:
    return [*trainer.network.get_weights(), trainer.predictor.probabilities(test.images)]


def difference(case: str, strategy: tf.distribute.Strategy) -> float:
    test = make_split(12, 3)
    one, two = (results(trained(case, where), test) for where in (None, strategy))
    return max(float(np.abs(a - b).max()) for a, b in zip(one, two, strict=True))


def stored_difference(trainer: training.Trainer) -> float:
    """Return how far probabilities lie apart before and after the way through a file."""
    test = make_split(12, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.npz"
        save_weights(trainer.network, path)
        network = untrained_network("lenet", make_dataset(), RECIPE)
        fill_weights(network, path)
    again = training.Predictor(network, RECIPE, make_dataset()).probabilities(test.images)
    return float(np.abs(again - trainer.predictor.probabilities(test.images)).max())


def restored_difference(straight: training.Trainer) -> float:
    """Return how far weights lie apart with and without a stop after the first epoch."""
    first, then = (untrained("dropout", straight.strategy) for _ in range(2))
    first.run_epoch(1)
    then.restore(first.state())
    then.run_epoch(2)
    pairs = zip(straight.network.get_weights(), then.network.get_weights(), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def main() -> None:
    processor = tf.config.list_physical_devices("CPU")[0]
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(processor, halves)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    facts = {case: difference(case, strategy) for case in CASES}
    facts["stored"] = stored_difference(trained("lenet", strategy))
    facts["resumed"] = restored_difference(trained("dropout", strategy))
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
