"""Weights come back whole, or not at all and with one line."""

from pathlib import Path

import keras
import numpy as np
import pytest

from cnnreport.errors import ResultsError
from cnnreport.models import build_network
from cnnreport.networks import NETWORKS
from cnnreport.weights import fill_weights, save_weights


def build(name: str, seed: int = 0, classes: int = 3) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return build_network(name, (32, 32, 3), classes)


@pytest.mark.parametrize("model", NETWORKS)
def test_every_weight_comes_back(model: str, tmp_path: Path) -> None:
    network, other = build(model), build(model, seed=1)
    save_weights(network, tmp_path / "weights.npz")
    fill_weights(other, tmp_path / "weights.npz")
    for one, two in zip(network.weights, other.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())


def test_the_same_weights_are_the_same_bytes(tmp_path: Path) -> None:
    network = build("lenet")
    for name in ("a.npz", "b.npz"):
        save_weights(network, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("missing", "cannot be read as weights"),
        ("truncated", "cannot be read as weights"),
        ("garbage", "cannot be read as weights"),
        ("network", "holds the weights of another network"),
        ("classes", r"holds the weights of another network \('main/bias' differs\)"),
    ],
)
def test_unusable_files_are_refused_and_change_nothing(
    tmp_path: Path, damage: str, message: str
) -> None:
    path = tmp_path / "weights.npz"
    if damage == "garbage":
        path.write_bytes(b"no archive at all")
    elif damage != "missing":
        other = "alexnet" if damage == "network" else "lenet"
        save_weights(build(other, classes=4 if damage == "classes" else 3), path)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    network = build("lenet")
    before = [weight.numpy() for weight in network.weights]
    with pytest.raises(ResultsError, match=message) as caught:
        fill_weights(network, path)
    assert "\n" not in str(caught.value)
    for one, two in zip(before, network.weights, strict=True):
        np.testing.assert_array_equal(one, two.numpy())
