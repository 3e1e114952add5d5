"""One image followed through a network: the numbers are the network's own, whatever its padding."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cnnreport.activations import LAYERS, TELLING, follow, telling_layers
from cnnreport.errors import ResultsError
from cnnreport.examples import (
    EXAMPLE,
    MAPS,
    Example,
    convolve,
    example_image,
    load_trace,
    map_of,
    save_trace,
    window_of,
)
from cnnreport.models import build_network
from cnnreport.networks import NETWORKS
from cnnreport.params import Recipe
from cnnreport.predictor import Predictor
from cnnreport.prepared import Split, save_split
from cnnreport.recipes import untrained_network
from cnnreport.records import DatasetRecord, load_json, save_text, to_json
from cnnreport.stages import run
from cnnreport.weights import save_weights

RECIPE = Recipe(optimizer="sgd", learning_rate=0.1, batch_size=8, pixels="standardised")


def followed(model: str, dataset: DatasetRecord, split: Split):
    keras.utils.set_random_seed(3)
    network = untrained_network(model, dataset, RECIPE)
    predictor = Predictor(network, RECIPE, dataset)
    example, trace = follow(network, predictor, split.images[1], dataset.class_names, (1, 1, 3))
    return example, trace, predictor


def test_the_first_image_of_the_first_class_is_followed() -> None:
    assert example_image(np.array([2, 1, 0, 0])) == 2


@pytest.mark.parametrize("model", NETWORKS)
def test_every_network_shows_layers_that_it_has(model: str) -> None:
    network = build_network(model, (32, 32, 3), 3)
    names = telling_layers(network)
    assert 1 < len(names) <= LAYERS
    assert names[-1] == "main"
    assert len({network.get_layer(name).name for name in names}) == len(names)


def test_an_unknown_network_shows_some_layers() -> None:
    image = keras.Input((32, 32, 3))
    x = image
    for number in range(12):
        x = keras.layers.Conv2D(2, 3, padding="same", name=f"c{number}")(x)
    network = keras.Model(image, x, name="another")
    names = telling_layers(network)
    assert (names[0], names[-1], len(names)) == ("c0", "c11", LAYERS)


# Without padding, with a step; with padding and a step after a layer of zeros; in branches.
@pytest.mark.parametrize("model", ["lenet", "alexnet", "resnet50"])
def test_the_value_by_hand_is_the_networks_own(
    model: str, tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]
) -> None:
    example, trace, predictor = followed(model, tiny_dataset, tiny_splits["test"])
    window = example.window
    assert [step.layer for step in example.steps] == list(TELLING[model])
    assert sum(window.products) + window.bias == pytest.approx(window.total, rel=1e-4)
    expected = max(window.total, 0) if window.activation else window.total
    assert window.output == pytest.approx(expected, rel=1e-3)
    assert map_of(trace, window)[window.row, window.column] == pytest.approx(window.total)
    assert window_of(trace, window).shape == tuple(window.size)
    shares = predictor.probabilities(tiny_splits["test"].images[1:2])[0]
    assert list(example.probabilities.values()) == pytest.approx(shares.tolist())
    for step in example.steps:
        output = trace.outputs[step.layer]
        assert list(output.shape[:2]) == step.shape[:2]
        assert output.ndim == 1 or output.shape[2] == min(MAPS, step.shape[2])


def test_lenet_is_shown_whole(tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]) -> None:
    example, trace, _ = followed("lenet", tiny_dataset, tiny_splits["test"])
    assert trace.entry.shape == (32, 32, 3)
    assert [step.shape for step in example.steps[:4]] == [
        [28, 28, 6],
        [14, 14, 6],
        [10, 10, 16],
        [5, 5, 16],
    ]
    # A pooling layer takes the mean of four neighbours, so this follows from the kept arrays.
    conv, pool = trace.outputs["conv1"], trace.outputs["pool1"]
    assert np.allclose(conv.reshape(14, 2, 14, 2, 6).mean(axis=(1, 3)), pool, atol=1e-5)


def test_a_map_that_its_weights_do_not_give_is_an_error(
    tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    off = "cnnreport.activations.map_of"
    monkeypatch.setattr(off, lambda trace, window: map_of(trace, window) + 0.5)
    with pytest.raises(ResultsError, match=r"conv1: its weights give another map.* off by 0\.5"):
        followed("lenet", tiny_dataset, tiny_splits["test"])


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float32, (7, 8, 2), elements=st.floats(-4, 4, width=16)),
    arrays(np.float32, (3, 2, 2), elements=st.floats(-4, 4, width=16)),
    st.sampled_from([1, 2, 3]),
    st.sampled_from(["same", "valid"]),
)
def test_a_convolution_by_hand_is_that_of_keras(
    entry: np.ndarray, kernel: np.ndarray, stride: int, padding: str
) -> None:
    wanted = keras.ops.conv(entry[None], kernel[..., None], strides=stride, padding=padding)
    found = convolve(entry, kernel, 0.25, stride, padding)
    assert np.allclose(found, keras.ops.convert_to_numpy(wanted)[0, ..., 0] + 0.25, atol=1e-3)


def test_the_arrays_come_back_and_are_the_same_bytes(
    tmp_path: Path, tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]
) -> None:
    _, trace, _ = followed("lenet", tiny_dataset, tiny_splits["test"])
    for name in ("a", "b"):
        save_trace(trace, tmp_path / name / "lenet.npz")
    first, second = (tmp_path / name / "lenet.npz" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    back = load_trace(first)
    assert list(back.outputs) == list(trace.outputs)
    assert np.array_equal(back.image, trace.image)
    assert np.array_equal(back.outputs["pool2"], trace.outputs["pool2"])


@pytest.mark.parametrize("content", [None, b"", b"no archive"])
def test_damaged_arrays_are_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "lenet.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ResultsError, match=r"lenet\.npz: .*dvc repro") as caught:
        load_trace(path)
    assert "\n" not in str(caught.value)


def test_arrays_of_something_else_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "lenet.npz", kernel=np.zeros(3))
    with pytest.raises(ResultsError, match="cannot be read as activations"):
        load_trace(tmp_path / "lenet.npz")


def test_the_stage_writes_numbers_without_a_pixel(
    tmp_path: Path, tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]
) -> None:
    prepared, runs = tmp_path / "prepared", tmp_path / "runs"
    save_split(prepared, "test", tiny_splits["test"])
    record = replace(tiny_dataset, name="digits")
    save_text(prepared / "dataset.json", to_json(record))
    keras.utils.set_random_seed(0)
    save_weights(untrained_network("lenet", record, RECIPE), runs / "s0/weights.npz")
    folders = ["--prepared", str(prepared), "--runs", str(runs), "--results", str(tmp_path / "r")]
    assert run(["activations", "--model", "lenet", *folders, "--out", f"{tmp_path}/lenet.npz"]) == 0
    example = load_json(tmp_path / "r" / EXAMPLE, Example)
    assert (example.image, example.label, example.seed) == (0, 0, 0)
    assert sum(example.probabilities.values()) == pytest.approx(1, abs=1e-4)
    # What git tracks may hold sums over a window, but neither the window nor the image.
    assert len((tmp_path / "r" / EXAMPLE).read_text(encoding="utf-8")) < 4000
    assert load_trace(tmp_path / "lenet.npz").image.shape == (32, 32, 3)


# --- a network of somebody else ------------------------------------------------------------------


def follow_one(network: keras.Model, dataset: DatasetRecord, split: Split):
    predictor = Predictor(network, RECIPE, dataset)
    place = (1, int(split.labels[1]), 0)
    return follow(network, predictor, split.images[1], dataset.class_names, place)


def built(*middle: keras.Layer, classes: int = 3) -> keras.Model:
    image = keras.Input((32, 32, 3), name="image")
    x = image
    for layer in middle:
        x = layer(x)
    x = keras.layers.GlobalAveragePooling2D()(x) if x.ndim == 4 else x
    return keras.Model(image, keras.layers.Dense(classes, "softmax", name="main")(x))


def test_what_comes_out_behind_normalisation_is_shown() -> None:
    layers = keras.layers
    network = built(
        layers.Conv2D(4, 3, name="conv"),
        layers.BatchNormalization(name="norm"),
        layers.Activation("relu", name="bent"),
        layers.AveragePooling2D(2, name="pool"),
        layers.Flatten(),
        layers.Dense(5, name="dense"),
        layers.ReLU(name="bent2"),
    )
    assert telling_layers(network) == ["bent", "pool", "bent2", "main"]


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(4, 3, activation="tanh"),
        keras.layers.Conv2D(6, 3, groups=3),
        keras.layers.Conv2D(4, 3, dilation_rate=2),
        keras.layers.Conv2D(4, 3, strides=(1, 2)),
        keras.layers.Flatten(),
    ],
    ids=["tanh", "groups", "dilation", "strides", "dense"],
)
def test_a_network_without_a_convolution_by_hand_is_followed_all_the_same(
    layer: keras.Layer, tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split], tmp_path: Path
) -> None:
    example, trace = follow_one(built(layer), tiny_dataset, tiny_splits["test"])
    assert example.window is None
    with pytest.raises(LookupError, match="by hand"):
        _ = example.by_hand
    assert sum(example.probabilities.values()) == pytest.approx(1)
    save_trace(trace, tmp_path / "trace.npz")
    assert load_trace(tmp_path / "trace.npz").kernel.size == 0
    save_text(tmp_path / EXAMPLE, to_json(example))
    assert load_json(tmp_path / EXAMPLE, Example).window is None


def test_a_convolution_without_bias_is_computed_by_hand(
    tiny_dataset: DatasetRecord, tiny_splits: dict[str, Split]
) -> None:
    network = built(keras.layers.Conv2D(4, 3, use_bias=False, strides=2, padding="same"))
    example, trace = follow_one(network, tiny_dataset, tiny_splits["test"])
    assert example.by_hand.bias == 0
    assert trace.bias.tolist() == [0, 0, 0, 0]
    assert example.by_hand.output == pytest.approx(example.by_hand.total, rel=1e-3)
