"""What batch normalisation's averages cost: taken anew they are those of the images; its page."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import averages

from cnnreport.batchnorm import TakenAnew, load_taken_anew
from cnnreport.errors import InputError, ResultsError
from cnnreport.freezing import load_frozen
from cnnreport.records import save_text
from cnnreport.seals import sha256

if TYPE_CHECKING:
    import keras

ROOT = Path(__file__).parents[1]
OBJECTS = load_frozen(ROOT / "report/studies/objects")
ROW = TakenAnew("objects", "cifar100-objects", "vgg16", 0, 0.30, 0.25, 0.80, 0.55)
OTHER = TakenAnew("objects", "cifar100-objects", "alexnet", 1, 0.6, 0.55, 0.6, 0.54)


def network() -> "keras.Model":
    import keras

    return keras.Sequential(
        [
            keras.layers.Input((4, 4, 3)),
            keras.layers.BatchNormalization(name="first"),
            keras.layers.Dropout(0.5),
            keras.layers.ReLU(),
            keras.layers.BatchNormalization(name="second"),
        ]
    )


def weights_of(model: "keras.Model", layer: str) -> dict[str, np.ndarray]:
    weights = model.get_layer(layer).weights
    return {weight.name: weight.numpy() for weight in weights}


def test_averages_taken_anew_are_those_of_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(averages, "BATCH", 20)
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 3), np.uint8)
    scale, offset = np.full(3, 1 / 50, np.float32), np.full(3, -2.0, np.float32)
    pixels = images * scale + offset
    model = network()
    averages.take_averages_anew(model, images, scale, offset)
    first, second = (weights_of(model, name) for name in ("first", "second"))
    assert first["moving_mean"] == pytest.approx(pixels.mean((0, 1, 2)), rel=1e-4)
    within = pixels.reshape(3, 20, 4, 4, 3).var((1, 2, 3)).mean(0)
    assert first["moving_variance"] == pytest.approx(within, rel=1e-3)
    # What the second layer reads is the positive part of normalised pixels; dropout would double it
    # or set it to zero, which leaves the mean and widens the spread.
    scaled = (pixels - first["moving_mean"]) / np.sqrt(first["moving_variance"])
    spread = np.maximum(scaled, 0).reshape(3, 20, 4, 4, 3).var((1, 2, 3)).mean(0)
    assert second["moving_variance"] == pytest.approx(spread, rel=0.1)


def test_the_page_has_a_line_a_network_with_the_mean_over_its_seeds() -> None:
    rows = [ROW, replace(ROW, seed=2, own_train=0.5, own_validation=0.45), OTHER]
    page = averages.page(rows)
    line = next(line for line in page.splitlines() if line.startswith("| VGGNet-16 |"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells == [
        "VGGNet-16",
        "0, 2",
        "10 of 710 steps (0.9)",
        "40.0 %",
        "80.0 %",
        "35.0 %",
        "55.0 %",
        "+10.0 to +30.0 points",
    ]
    assert "| AlexNet | 1 |" in page
    assert "| -1.0 points |" in page
    assert "## Ten objects of CIFAR-100, modern recipe" in page


def test_without_a_row_there_is_one_line() -> None:
    with pytest.raises(InputError, match=r"averages\.csv: holds no row"):
        averages.page([])


def test_the_table_that_is_kept_is_of_frozen_studies_and_makes_the_page() -> None:
    rows = load_taken_anew(averages.DOCS)
    assert rows
    assert averages.PAGE.read_text(encoding="utf-8") == averages.page(rows)


def test_weights_and_images_are_those_of_the_study(tmp_path: Path) -> None:
    cell = OBJECTS.cell("cifar100-objects", "vgg16")
    with pytest.raises(ResultsError, match=r"weights\.npz: is missing; --root is the folder that"):
        averages.measured(cell, 0, tmp_path, "objects")
    weights = tmp_path / "runs/cifar100-objects/vgg16/s0/weights.npz"
    save_text(weights, "other weights")
    with pytest.raises(ResultsError, match=r"weights\.npz: is not the file that study objects"):
        averages.measured(cell, 0, tmp_path, "objects")
    assert cell.evaluation
    seal = replace(cell.evaluation, weights={"0": sha256(weights)})
    save_text(tmp_path / "data/prepared/cifar100-objects/train-images.npy", "other images")
    with pytest.raises(ResultsError, match=r"train-images\.npy: is not the file that"):
        averages.measured(replace(cell, evaluation=seal), 0, tmp_path, "objects")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no study ''; known: lenet-cifar10, "),
        (["--study", "nothing"], "no study 'nothing'; known: "),
        (["--study", "lenet-cifar10"], "has no network with batch normalisation"),
        (
            ["--study", "objects", "--seeds", "7"],
            "normalisation with the seeds 7",
        ),
    ],
)
def test_what_cannot_be_measured_is_one_line(
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["averages.py", *arguments])
    monkeypatch.setattr(averages, "use", lambda *_: None)
    assert averages.main() == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
