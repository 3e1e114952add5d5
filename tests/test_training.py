"""Training: a real tiny training learns, repeats bit for bit and sees a new order each epoch."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cnnreport.errors import TrainingError
from cnnreport.models import NETWORKS
from cnnreport.params import Recipe
from cnnreport.prepared import Split
from cnnreport.records import DatasetRecord
from cnnreport.training import EpochLines, Trained, fit, history_of, scaled

RECIPE = Recipe(
    optimizer="sgd", learning_rate=0.02, batch_size=16, pixels="standardised", clip_norm=1.0
)


def train(
    dataset: DatasetRecord, splits: dict[str, Split], model: str = "lenet", **options: object
) -> Trained:
    settings = {"recipe": RECIPE, "epochs": 3, "seed": 0, **options}
    return fit(model, dataset, splits["train"], splits["validation"], **settings)  # type: ignore


@pytest.mark.parametrize(
    ("model", "heads"), [*((model, "summed") for model in NETWORKS), ("googlenet", "weighted")]
)
def test_every_network_takes_a_real_step(
    model: str, heads: str, tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]
) -> None:
    few = {name: Split(one.images[:6], one.labels[:6]) for name, one in tiny_splits.items()}
    recipe = RECIPE.model_copy(update={"batch_size": 6, "heads": heads})
    trained = train(tiny_dataset, few, model, recipe=recipe, epochs=1)
    assert len(trained.history) == 1
    # An untrained network knows nothing: its cross-entropy is near that of a guess among three.
    assert 0.3 * math.log(3) < trained.history[0].train_loss < 6 * math.log(3)


def test_lenet_learns_what_can_be_learnt(
    tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]
) -> None:
    history = train(tiny_dataset, tiny_splits, epochs=12).history
    assert [epoch.epoch for epoch in history] == list(range(1, 13))
    assert history[-1].train_loss < history[0].train_loss / 2
    assert history[-1].validation_accuracy == 1.0


@pytest.mark.parametrize("model", ["lenet", "alexnet"])  # alexnet: dropout and batch norm
def test_the_same_seed_gives_the_same_bits_and_another_does_not(
    model: str, tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]
) -> None:
    first, again, other = (
        train(tiny_dataset, tiny_splits, model, seed=seed, epochs=1) for seed in (3, 3, 4)
    )
    assert first.history == again.history
    for one, two in zip(first.network.get_weights(), again.network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert first.history != other.history


def test_each_epoch_sees_every_image_once_in_a_new_order(
    tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]
) -> None:
    # Numbered images: the first pixel tells which one it is.
    images = tiny_splits["train"].images.copy()
    images[:, 0, 0, 0] = np.arange(len(images))
    recipe = RECIPE.model_copy(update={"pixels": "unit"})
    numbered = scaled(Split(images, tiny_splits["train"].labels), recipe, tiny_dataset)
    batches = numbered.batches(16, shuffle_seed=0)
    epochs = [
        np.concatenate([np.rint(x[:, 0, 0, 0].numpy() * 255) for x, _ in batches]).astype(int)
        for _ in range(2)
    ]
    for order in epochs:
        assert sorted(order) == list(range(48))
        assert order.tolist() != list(range(48))
    assert epochs[0].tolist() != epochs[1].tolist()


def test_labels_stay_with_their_images(
    tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]
) -> None:
    for images, labels in scaled(tiny_splits["train"], RECIPE, tiny_dataset).batches(16, 1):
        brightness = images.numpy().mean(axis=(1, 2, 3))
        assert (np.digitize(brightness, [-0.5, 0.5]) == labels.numpy().argmax(axis=1)).all()


def test_divergence_names_the_epoch_and_what_to_change(
    tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]
) -> None:
    # A deviation of nearly nothing blows the inputs up to the end of what a float can hold.
    overflowing = replace(tiny_dataset, deviation=[1e-36] * 3)
    with pytest.raises(TrainingError, match=r"no longer a number in epoch 1; lower learning_rate"):
        train(overflowing, tiny_splits, epochs=2)


def test_history_takes_the_main_head_and_the_plain_cross_entropy() -> None:
    log = {
        "loss": [9.0],
        "main_accuracy": [0.5],
        "main_cross_entropy": [1.0],
        "val_loss": [9.0],
        "val_main_accuracy": [0.25],
        "val_main_cross_entropy": [2.0],
    }
    (epoch,) = history_of(log)
    assert (epoch.train_loss, epoch.train_accuracy) == (1.0, 0.5)
    assert (epoch.validation_loss, epoch.validation_accuracy) == (2.0, 0.25)


def test_one_plain_line_an_epoch(
    tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split], capsys: pytest.CaptureFixture[str]
) -> None:
    history = train(tiny_dataset, tiny_splits, epochs=2, callbacks=[EpochLines("lenet")]).history
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"lenet epoch 2/2: loss {history[1].train_loss:.4f}")
