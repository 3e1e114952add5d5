"""Training: equal to Keras' own, the same bits for the same seed, and able to go on."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_networks
from sklearn.utils.class_weight import compute_sample_weight

from cnnreport import training
from cnnreport.errors import TrainingError
from cnnreport.models import build_network
from cnnreport.params import Recipe
from cnnreport.prepared import Split
from cnnreport.records import DatasetRecord, Epoch
from cnnreport.training import Progress, Trainer, fit

TESTS = Path(__file__).parent
RECIPE = Recipe(
    optimizer="sgd", learning_rate=0.02, batch_size=16, pixels="standardised", clip_norm=1.0
)
BUSY = RECIPE.model_copy(update={"schedule": "one_cycle", "flip": True, "shift": 3})
"""A recipe whose steps depend on everything that a state has to hold."""

Build = Callable[[str, tuple[int, int, int], int], keras.Model]
Maker = Callable[..., Trainer]


@pytest.fixture
def trainer(
    tiny_dataset: DatasetRecord,
    tiny_splits: dict[str, Split],
    monkeypatch: pytest.MonkeyPatch,
) -> Maker:
    """Make trainers of LeNet on the tiny images, unless something else is asked for."""

    def make(
        build: Build | str = "lenet", recipe: Recipe = RECIPE, images: int = 48, **options: Any
    ) -> Trainer:
        if callable(build):
            monkeypatch.setattr("cnnreport.recipes.build_network", build)
        model = "lenet" if callable(build) else build
        train = Split(tiny_splits["train"].images[:images], tiny_splits["train"].labels[:images])
        settings = {"epochs": 3, "seed": 0, **options}
        return Trainer(model, tiny_dataset, train, recipe=recipe, **settings)

    return make


@pytest.fixture(autouse=True)
def _single_precision_afterwards() -> Any:
    yield
    keras.config.set_dtype_policy("float32")


def weights_of(trainer: Trainer) -> list[np.ndarray]:
    return trainer.network.get_weights()


def assert_same_bits(one: Trainer, two: Trainer) -> None:
    first, second = one.state(), two.state()
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def differ(one: Trainer, two: Trainer) -> bool:
    pairs = zip(weights_of(one), weights_of(two), strict=True)
    return any((a != b).any() for a, b in pairs)


# --- a step is Keras' ----------------------------------------------------------------------------


def keras_after_one_step(
    trainer: Trainer, build: Build, optimizer: keras.optimizers.Optimizer
) -> tuple[keras.Model, float]:
    """Let Keras learn the trainer's whole split once; return network and cross-entropy before."""
    recipe, split = trainer.recipe, trainer.train
    network = build("lenet", (32, 32, 3), 3)
    network.set_weights(weights_of(trainer))
    pixels = split.images.astype(np.float32) / 255
    if recipe.pixels == "standardised":
        mean, deviation = np.float32(trainer.dataset.mean), np.float32(trainer.dataset.deviation)
        pixels = (pixels - mean) / deviation
    labels = np.eye(3, dtype=np.float32)[split.labels]
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    if recipe.heads == "weighted":
        names = ("main", "aux1", "aux2")
        outputs = {name: network.get_layer(name).output for name in names}
        model = keras.Model(network.input, outputs)
        weights = {"main": 1.0, "aux1": 0.3, "aux2": 0.3}
        model.compile(optimizer, dict.fromkeys(names, loss), loss_weights=weights)
        targets: Any = dict.fromkeys(names, labels)
    else:
        model, targets = network, labels
        model.compile(optimizer, loss)
    # Averages of normalisation must follow one step, not two.
    kept = network.get_weights()
    answers = model(pixels, training=True)
    network.set_weights(kept)
    main = answers["main"] if isinstance(answers, dict) else answers
    before = keras.losses.CategoricalCrossentropy()(labels, main)
    balanced = recipe.class_weights == "balanced"
    weights = compute_sample_weight("balanced", split.labels) if balanced else None
    model.train_on_batch(pixels, targets, sample_weight=weights)
    return network, float(before)


def sgd(**options: Any) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(0.02, momentum=0.9, nesterov=True, **options)


@pytest.mark.parametrize(
    ("build", "changes", "optimizer"),
    [
        (build_network, {"clip_norm": None}, sgd),
        (build_network, {"clip_norm": 0.5}, lambda: sgd(global_clipnorm=0.5)),
        (build_network, {"clip_norm": None, "pixels": "unit", "label_smoothing": 0.2}, sgd),
        (
            build_network,
            {"clip_norm": None, "optimizer": "adam"},
            lambda: keras.optimizers.Adam(0.02),
        ),
        (tiny_networks.normalised, {"clip_norm": None}, sgd),
        (tiny_networks.normalised, {"clip_norm": 0.1}, lambda: sgd(global_clipnorm=0.1)),
        (tiny_networks.normalised, {"clip_norm": None, "class_weights": "balanced"}, sgd),
        (tiny_networks.with_heads, {"clip_norm": None}, sgd),
        (tiny_networks.with_heads, {"clip_norm": None, "heads": "weighted"}, sgd),
        (
            tiny_networks.with_heads,
            {"clip_norm": None, "heads": "weighted", "label_smoothing": 0.1},
            sgd,
        ),
    ],
    ids=[
        "lenet",
        "clipped",
        "smoothed",
        "adam",
        "penalties",
        "clipped penalties",
        "unequal classes",
        "summed heads",
        "weighted heads",
        "smoothed heads",
    ],
)
def test_a_step_equals_keras(
    trainer: Maker,
    build: Build,
    changes: dict[str, Any],
    optimizer: Callable[[], keras.optimizers.Optimizer],
) -> None:
    # No multiple of anything, so that a mean over another number would show.
    recipe = RECIPE.model_copy(update={"batch_size": 48, **changes})
    ours = trainer(build, recipe, images=23)
    start = weights_of(ours)
    theirs, before = keras_after_one_step(ours, build, optimizer())
    loss, _ = ours.run_epoch(1)
    assert loss == pytest.approx(before, rel=1e-4)
    for one, two in zip(weights_of(ours), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=2e-5)
    pairs = zip(weights_of(ours), start, strict=True)
    assert max(np.abs(one - two).max() for one, two in pairs) > 1e-3


def test_classes_count_the_same_in_all() -> None:
    balanced = RECIPE.model_copy(update={"class_weights": "balanced"})
    counts = np.array([90, 6, 24])
    weights = training.class_weights(balanced, counts)
    assert weights is not None
    np.testing.assert_allclose(weights * counts, 40, rtol=1e-6)
    assert training.class_weights(RECIPE, counts) is None


def test_equal_classes_keep_their_bits(trainer: Maker) -> None:
    balanced = RECIPE.model_copy(update={"class_weights": "balanced"})
    one, two = trainer(recipe=RECIPE), trainer(recipe=balanced)
    one.run_epoch(1), two.run_epoch(1)
    assert_same_bits(one, two)
    unequal, as_they_are = trainer(recipe=balanced, images=40), trainer(images=40)
    unequal.run_epoch(1), as_they_are.run_epoch(1)
    assert differ(unequal, as_they_are)


def test_penalties_and_auxiliary_heads_make_a_difference(trainer: Maker) -> None:
    """Else two of the cases above would prove nothing."""
    network = tiny_networks.normalised("tiny", (32, 32, 3), 3)
    assert float(tf.add_n(network.losses)) > 0.01
    recipes = [RECIPE.model_copy(update={"heads": heads}) for heads in ("summed", "weighted")]
    summed, weighted = (trainer(tiny_networks.with_heads, recipe) for recipe in recipes)
    for one in (summed, weighted):
        one.run_epoch(1)
    assert differ(summed, weighted)


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "googlenet"])  # others: see below
def test_networks_take_a_real_step(trainer: Maker, name: str) -> None:
    recipe = RECIPE.model_copy(update={"batch_size": 2, "heads": "weighted"})
    one = trainer(name, recipe, images=2, epochs=1)
    loss, _ = one.run_epoch(1)
    # An untrained network knows nothing: its cross-entropy is near that of a guess among three.
    assert 0.3 * math.log(3) < loss < 6 * math.log(3)


def test_lenet_learns_what_can_be_learnt(trainer: Maker, tiny_splits: dict[str, Split]) -> None:
    history = fit(trainer(epochs=12), tiny_splits["validation"])
    assert [epoch.epoch for epoch in history] == list(range(1, 13))
    assert history[-1].train_loss < history[0].train_loss / 2
    assert history[-1].validation_accuracy == 1.0


def test_a_test_gives_cross_entropy_and_accuracy(
    trainer: Maker, tiny_splits: dict[str, Split]
) -> None:
    one, split = trainer(), tiny_splits["test"]
    probabilities = one.predictor.probabilities(split.images)
    loss, accuracy = one.test(split)
    labels = np.eye(3)[split.labels]
    wanted = keras.losses.CategoricalCrossentropy()(labels, probabilities)
    assert loss == pytest.approx(float(wanted), rel=1e-5)
    assert accuracy == np.mean(probabilities.argmax(axis=1) == split.labels)


# --- the same seed, the same bits ----------------------------------------------------------------


@pytest.mark.parametrize(("build", "images"), [("lenet", 48), (tiny_networks.with_dropout, 40)])
def test_the_same_seed_gives_the_same_bits_and_another_does_not(
    trainer: Maker, tiny_splits: dict[str, Split], build: Build | str, images: int
) -> None:
    histories, trained = [], []
    for seed in (3, 3, 4):
        one = trainer(build, BUSY, images, seed=seed, epochs=1)
        histories.append(fit(one, tiny_splits["validation"]))
        trained.append(one)
    first, again, other = trained
    assert_same_bits(first, again)
    assert histories[0] == histories[1] != histories[2]
    assert differ(first, other)


class Spy:
    """Stand before `augment` and remember what each step gets and what becomes of it."""

    def __init__(self) -> None:
        self.steps: list[tuple[np.ndarray, np.ndarray, tuple[int, ...]]] = []
        self._augment = training.augment

    def __call__(self, images: tf.Tensor, seed: tf.Tensor, **options: Any) -> tf.Tensor:
        after = self._augment(images, seed, **options)

        def remember(one: np.ndarray, two: np.ndarray, three: np.ndarray) -> np.ndarray:
            self.steps.append((one[:, 0, 0, 0].copy(), two.copy(), tuple(three.tolist())))
            return two

        seen = tf.numpy_function(remember, [images, after, seed], images.dtype)
        return tf.ensure_shape(seen, images.shape)


def test_epochs_see_every_image_once_in_an_order_and_a_shape_of_their_own(
    tiny_dataset: DatasetRecord,
    tiny_splits: dict[str, Split],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Numbered images: the first pixel tells which one it is.
    images = tiny_splits["train"].images.copy()
    images[:, 0, 0, 0] = np.arange(48)
    spy = Spy()
    monkeypatch.setattr(training, "augment", spy)
    recipe = BUSY.model_copy(update={"batch_size": 10})
    train = Split(images, tiny_splits["train"].labels)
    one = Trainer("lenet", tiny_dataset, train, recipe=recipe, epochs=3, seed=0)
    for epoch in (1, 2, 3):
        one.run_epoch(epoch)
    assert [len(step[0]) for step in spy.steps] == 3 * [10, 10, 10, 10, 8]
    assert len({seed for *_, seed in spy.steps}) == 15, "a step augments like another one"
    epochs = [spy.steps[start : start + 5] for start in (0, 5, 10)]
    orders = [np.concatenate([numbers for numbers, *_ in steps]) for steps in epochs]
    looks = [
        np.concatenate([after for _, after, _ in steps])[np.argsort(order)]
        for steps, order in zip(epochs, orders, strict=True)
    ]
    for order in orders:
        assert sorted(order) == list(range(48)) != order.tolist()
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert (orders[a] != orders[b]).sum() > 24
        changed = (looks[a] != looks[b]).any(axis=(1, 2, 3))
        assert changed.sum() > 40


@pytest.mark.parametrize("count", [1, 7, 540])
def test_orders_are_permutations_that_seed_and_epoch_decide(count: int) -> None:
    order = training.epoch_order(count, seed=3, epoch=2)
    assert sorted(order) == list(range(count))
    np.testing.assert_array_equal(order, training.epoch_order(count, 3, 2))
    if count > 1:
        others = [training.epoch_order(count, *pair) for pair in ((3, 1), (2, 3), (4, 2))]
        assert not any(np.array_equal(order, other) for other in others)


def test_how_many_steps_a_call_takes_changes_nothing(
    trainer: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, sums, calls = [], [], []
    for length in (1, 2, 1000):
        monkeypatch.setattr(training, "_next_stretch", lambda *_, length=length: length)
        one = trainer(tiny_networks.with_dropout, BUSY.model_copy(update={"batch_size": 5}), seed=1)
        seen: list[Progress] = []
        sums.append([one.run_epoch(epoch, seen.append) for epoch in (1, 2)])
        trained.append(one)
        calls.append(len(seen) // 2)
    assert calls == [10, 6, 2]
    assert sums[0] == sums[1] == sums[2]
    assert_same_bits(trained[0], trained[1])
    assert_same_bits(trained[0], trained[2])


@pytest.mark.parametrize(
    ("count", "seconds", "wanted"),
    [(1, 0.001, 2), (1, 30.0, 1), (64, 0.5, 128), (64, 2.0, 32), (100, 0.8, 125), (4, 0.0, 8)],
)
def test_a_call_takes_about_a_second(count: int, seconds: float, wanted: int) -> None:
    assert training._next_stretch(count, seconds) == wanted


# --- going on ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "changes", "images"),
    [
        (tiny_networks.with_dropout, {}, 40),
        (tiny_networks.with_dropout, {"optimizer": "adam", "weight_decay": 0.01}, 40),
        (tiny_networks.normalised, {"schedule": "constant"}, 40),
        ("alexnet", {"batch_size": 3}, 5),
    ],
    ids=["sgd", "adam", "constant rate", "alexnet"],
)
def test_a_stopped_training_ends_with_the_same_bits(
    trainer: Maker,
    tiny_splits: dict[str, Split],
    build: Build | str,
    changes: dict[str, Any],
    images: int,
) -> None:
    recipe, validation = BUSY.model_copy(update=changes), tiny_splits["validation"]
    straight = trainer(build, recipe, images)
    kept: list[tuple[list[Epoch], dict[str, np.ndarray]]] = []
    whole = fit(
        straight,
        validation,
        after_epoch=lambda history: kept.append((list(history), straight.state())),
    )
    assert [len(history) for history, _ in kept] == [1, 2, 3]
    history, state = kept[0]
    resumed = trainer(build, recipe, images)
    resumed.restore(state)
    assert fit(resumed, validation, history=history) == whole
    assert_same_bits(straight, resumed)


def test_a_state_stays_as_it_was_while_the_training_goes_on(trainer: Maker) -> None:
    one = trainer(tiny_networks.with_dropout, BUSY)
    one.run_epoch(1)
    state = one.state()
    copies = {name: array.copy() for name, array in state.items()}
    one.run_epoch(2)
    later = one.state()
    for name, array in state.items():
        np.testing.assert_array_equal(array, copies[name])
        # Weights, averages, velocities, the count of steps and the generators of dropout.
        assert (array != later[name]).any(), f"{name} stands still"


def test_a_state_can_be_written_to_a_file(trainer: Maker, tmp_path: Path) -> None:
    one = trainer(tiny_networks.with_dropout, BUSY)
    one.run_epoch(1)
    np.savez(tmp_path / "state.npz", allow_pickle=False, **one.state())
    again = trainer(tiny_networks.with_dropout, BUSY)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as archive:
        again.restore(dict(archive))
    assert_same_bits(one, again)


def test_a_finished_training_is_not_trained_further(
    trainer: Maker, tiny_splits: dict[str, Split]
) -> None:
    history = [Epoch(number, 1.0, 0.5, 1.0, 0.5) for number in (1, 2, 3)]
    one = trainer()
    before = one.state()
    assert fit(one, tiny_splits["validation"], history=history) == history
    for name, array in one.state().items():
        np.testing.assert_array_equal(array, before[name])


# --- what is told --------------------------------------------------------------------------------


def test_progress_counts_images_up_to_the_epochs_end(
    trainer: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_next_stretch", lambda *_: 1)
    seen: list[Progress] = []
    loss, accuracy = trainer(images=40).run_epoch(2, seen.append)
    assert [progress.images for progress in seen] == [16, 32, 40]
    assert {(one.epoch, one.epochs, one.images_an_epoch) for one in seen} == {(2, 3, 40)}
    assert (seen[-1].loss, seen[-1].accuracy) == (loss, accuracy)
    assert accuracy * 40 == pytest.approx(round(accuracy * 40))


def test_ctrl_c_while_watching_gets_out(trainer: Maker) -> None:
    def watch(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer().run_epoch(1, watch)


def test_divergence_names_the_epoch_and_what_to_change(
    trainer: Maker, tiny_splits: dict[str, Split]
) -> None:
    recipe = RECIPE.model_copy(update={"learning_rate": 1e30, "clip_norm": None})
    with pytest.raises(TrainingError) as caught:
        fit(trainer(recipe=recipe), tiny_splits["validation"])
    assert str(caught.value) == (
        "lenet on tiny: the loss is no longer a number in epoch 1; "
        "lower learning_rate (1e+30) or set clip_norm in its recipe"
    )


def test_divergence_in_a_later_epoch(trainer: Maker, tiny_splits: dict[str, Split]) -> None:
    one = trainer()
    one.run_epoch(1)
    one.network.get_layer("main").bias.assign([math.nan] * 3)
    with pytest.raises(TrainingError, match="in epoch 2; lower learning_rate"):
        one.run_epoch(2)


# --- half precision ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("precision", "compute"), [("mixed_bfloat16", "bfloat16"), ("mixed_float16", "float16")]
)
def test_half_precision_learns_like_single(
    trainer: Maker, tiny_splits: dict[str, Split], precision: str, compute: str
) -> None:
    validation = tiny_splits["validation"]
    single = fit(trainer(), validation)
    half = trainer(precision=precision)
    assert half.network.get_layer("conv1").compute_dtype == compute
    history = fit(half, validation)
    assert {array.dtype for array in weights_of(half)} == {np.dtype(np.float32)}
    assert half.network.output.dtype == "float32"
    for one, two in zip(history, single, strict=True):
        assert one.train_loss == pytest.approx(two.train_loss, rel=0.1)
    assert history != single


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_goes_on_with_the_same_bits(trainer: Maker, precision: str) -> None:
    options = {"precision": precision, "epochs": 2}
    straight, resumed = (trainer(tiny_networks.with_dropout, BUSY, **options) for _ in range(2))
    straight.run_epoch(1)
    resumed.restore(straight.state())
    for one in (straight, resumed):
        one.run_epoch(2)
    assert_same_bits(straight, resumed)


@pytest.mark.parametrize("name", ["vgg16", "googlenet"])
def test_what_a_network_says_stays_in_single_precision(trainer: Maker, name: str) -> None:
    one = trainer(name, images=2, precision="mixed_float16")
    assert {weight.dtype for weight in one.network.weights} == {"float32"}
    assert one.network.output.dtype == "float32"


# --- several devices -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_devices() -> dict[str, float]:
    """What the program beside this file prints; see there."""
    path = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
    done = subprocess.run(
        [sys.executable, TESTS / "two_devices.py"],
        env={**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("case", "tolerance"),
    [
        ("lenet", 1e-5),
        ("one left over", 1e-5),
        ("half precision", 0.02),
        ("normalised", 1e-4),
        ("heads", 1e-5),
        ("stored", 0),
        ("resumed", 0),
    ],
)
def test_two_devices_do_what_one_does(
    two_devices: dict[str, float], case: str, tolerance: float
) -> None:
    assert two_devices[case] <= tolerance


def test_two_devices_drop_other_units_than_one(two_devices: dict[str, float]) -> None:
    """This one is not expected to agree; it shows that the others could differ."""
    assert 1e-4 < two_devices["dropout"] < 1


def test_a_batch_is_shared_among_several_gpus_only(monkeypatch: pytest.MonkeyPatch) -> None:
    mirrored = object()
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda: mirrored)
    for gpus, wanted in ((0, tf.distribute.get_strategy()), (1, tf.distribute.get_strategy())):
        monkeypatch.setattr(tf.config, "list_logical_devices", lambda _, gpus=gpus: [None] * gpus)
        assert training.strategy_for_this_machine() is wanted
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda _: [None] * 2)
    assert training.strategy_for_this_machine() is mirrored


def test_gpus_are_named_as_their_driver_does(monkeypatch: pytest.MonkeyPatch) -> None:
    details: dict[str, dict[str, str]] = {"a": {"device_name": "Test 3000"}, "b": {}}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: list(details))
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details.__getitem__)
    assert training.accelerators() == ["Test 3000", "GPU"]
