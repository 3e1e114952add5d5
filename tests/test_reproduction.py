"""Whether a printed accuracy of the original study is what one more training here would give."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make_study import make_study

from cnnreport.formats import percent, points
from cnnreport.original import Original, load_original
from cnnreport.params import Recipe
from cnnreport.reproduction import next_training, other_settings, reproductions
from cnnreport.study import Cell, Study
from cnnreport.tables import reproduced, reproduction_finding

NAMES = {"lenet": "LeNet", "googlenet": "GoogLeNet", "vgg16": "VGGNet-16"}
FAITHFUL = {
    "lenet": Recipe(optimizer="adam", learning_rate=0.001, batch_size=128),
    "googlenet": Recipe(optimizer="adam", learning_rate=0.0001, batch_size=128),
    "vgg16": Recipe(optimizer="adam", learning_rate=0.0001, batch_size=128),
}
EPOCHS = {"cifar10": 50, "cifar100": 100}


@pytest.fixture(scope="module")
def original() -> Original:
    return load_original(Path(__file__).parents[1] / "report/original_study.yaml")


def with_accuracies(cell: Cell, *accuracies: float) -> Cell:
    """Return a faithful training of a cell with these accuracies, a seed each."""
    metrics = replace(
        cell.metrics,
        epochs=EPOCHS[cell.dataset] if cell.model == "lenet" else 50,
        accuracy=float(np.mean(accuracies)),
        accuracy_by_seed={str(seed): accuracy for seed, accuracy in enumerate(accuracies)},
        test_images=10_000,
    )
    return replace(cell, metrics=metrics, recipe=FAITHFUL[cell.model])


def study_with(dataset: str, accuracies: dict[str, tuple[float, ...]]) -> Study:
    study = make_study((dataset,), tuple(accuracies), images_per_class=3)
    cells = {
        (dataset, model): with_accuracies(study.cell(dataset, model), *each)
        for model, each in accuracies.items()
    }
    return replace(study, cells=cells)


def test_several_seeds_give_the_interval_of_one_more_training() -> None:
    cell = study_with("cifar10", {"lenet": (0.57, 0.58, 0.60)}).cell("cifar10", "lenet")
    found = next_training(cell)
    # By hand: mean 0.58333, s 0.0152753, t(2) 4.302653, sqrt(4/3): reach 0.0758928.
    assert found.low == pytest.approx(0.583333 - 0.0758928, abs=1e-5)
    assert found.high == pytest.approx(0.583333 + 0.0758928, abs=1e-5)


def test_the_interval_holds_one_more_training_as_often_as_it_says() -> None:
    chance = np.random.default_rng(0)
    cell = study_with("cifar10", {"lenet": (0.5, 0.5, 0.5)}).cell("cifar10", "lenet")
    drawn = chance.normal(0.6, 0.01, (2000, 4))
    held = 0
    for *seeds, more in drawn:
        interval = next_training(with_accuracies(cell, *seeds))
        held += interval.low <= more <= interval.high
    assert 0.935 <= held / len(drawn) <= 0.965


def test_one_seed_has_the_test_images_alone() -> None:
    cell = study_with("cifar10", {"lenet": (0.6,)}).cell("cifar10", "lenet")
    found = next_training(cell)
    # By hand: 1.959964 x sqrt(2 x 0.6 x 0.4 / 10000).
    assert found.high - 0.6 == pytest.approx(0.0135790, abs=1e-6)
    assert 0.6 - found.low == pytest.approx(0.0135790, abs=1e-6)


def test_an_interval_stays_among_the_accuracies_there_are() -> None:
    cell = study_with("cifar10", {"lenet": (0.99, 0.5)}).cell("cifar10", "lenet")
    found = next_training(cell)
    assert (found.low, found.high) == (0.0, 1.0)


def test_outcomes(original: Original) -> None:
    accuracies = {"lenet": (0.59, 0.60, 0.61), "googlenet": (0.80, 0.801, 0.802)}
    study = study_with("cifar10", accuracies)
    rows = {row[0]: row for row in reproduced(study, original, "cifar10", NAMES).rows}
    assert rows["LeNet"][4] == "within noise"
    # 80.1 % less the printed 76.13 %.
    assert rows["GoogLeNet"][4] == f"no: ours is {points(0.801 - 0.7613, signed=False)} higher"
    assert reproduction_finding(study, original, "cifar10", NAMES) == (
        "Reproduced within noise: LeNet. Not reproduced: GoogLeNet "
        f"({rows['GoogLeNet'][4].removeprefix('no: ours is ')})."
    )


def test_a_gap_of_a_single_seed_is_left_open(original: Original) -> None:
    study = study_with("cifar10", {"lenet": (0.5,), "vgg16": (0.715,)})
    rows = {row[0]: row for row in reproduced(study, original, "cifar10", NAMES).rows}
    gap = f"{points(0.5974 - 0.5, signed=False)} lower"
    assert rows["LeNet"][4] == f"open: ours is {gap}"
    assert rows["VGGNet-16"][4] == "within noise"
    finding = reproduction_finding(study, original, "cifar10", NAMES)
    assert finding.startswith("Reproduced within noise: VGGNet-16. Left open: LeNet (")
    assert "Not reproduced" not in finding


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learning_rate": 0.01}, ("learning rate",)),
        ({"schedule": "one_cycle", "flip": True}, ("schedule", "flips")),
        # LeNet has no heads for this to matter.
        ({"heads": "weighted"}, ()),
    ],
)
def test_another_recipe_is_no_repetition(
    original: Original, change: dict[str, object], words: tuple[str, ...]
) -> None:
    study = study_with("cifar10", {"lenet": (0.6, 0.61)})
    cell = study.cell("cifar10", "lenet")
    recipe = Recipe.model_validate(cell.recipe.model_dump() | change)
    cell = replace(cell, recipe=recipe)
    assert other_settings(cell, original) == words
    study = replace(study, cells={("cifar10", "lenet"): cell})
    row = reproduced(study, original, "cifar10", NAMES).rows[0]
    assert row[4].startswith("not repeated: other" if words else "within noise")
    none_repeated = reproduction_finding(study, original, "cifar10", NAMES).startswith(
        "No training"
    )
    assert none_repeated == bool(words)


def test_other_epochs_are_no_repetition(original: Original) -> None:
    study = study_with("cifar10", {"lenet": (0.6, 0.61)})
    cell = study.cell("cifar10", "lenet")
    shorter = replace(cell, metrics=replace(cell.metrics, epochs=49))
    assert other_settings(shorter, original) == ("epochs",)


def test_heads_matter_where_there_are_any(original: Original) -> None:
    cell = study_with("cifar10", {"googlenet": (0.7,)}).cell("cifar10", "googlenet")
    first, *others = cell.architecture.layers
    layers = [replace(first, name="aux1"), *others]
    cell = replace(cell, architecture=replace(cell.architecture, layers=layers))
    recipe = Recipe.model_validate(cell.recipe.model_dump() | {"heads": "weighted"})
    weighted = replace(cell, recipe=recipe)
    assert other_settings(cell, original) == ()
    assert other_settings(weighted, original) == ("heads",)


def test_a_lost_figure_is_not_compared(original: Original) -> None:
    study = study_with("cifar100", {"vgg16": (0.4,), "lenet": (0.3,)})
    assert [each.cell.model for each in reproductions(study, original, "cifar100")] == ["lenet"]


def test_image_sets_of_others_have_nothing_to_reproduce(original: Original) -> None:
    assert reproduced(make_study(), original, "digits", NAMES).rows == []


def test_training_accuracy_is_that_of_the_last_epoch(original: Original) -> None:
    study = make_study(("cifar10",), ("lenet",), seeds=(0, 1))
    last = [run.history[-1].train_accuracy for run in study.cell("cifar10", "lenet").runs]
    row = reproduced(study, original, "cifar10", NAMES).rows[0]
    assert row[-1] == percent(sum(last) / 2)
