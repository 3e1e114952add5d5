"""Whether a printed accuracy of the original study is what one more training here would give."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_study import make_study

from cnnreport.alike import trained_alike
from cnnreport.formats import percent, points
from cnnreport.original import Original, load_original
from cnnreport.params import Recipe
from cnnreport.reproduction import (
    NO_MATTER,
    SETTINGS,
    next_training,
    other_settings,
    reproductions,
)
from cnnreport.study import Cell, Manifest, Study
from cnnreport.tables import NONE, interval_text, reproduced, reproduction_finding

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
    assert found is not None
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
        assert interval is not None
        held += interval.low <= more <= interval.high
    assert 0.935 <= held / len(drawn) <= 0.965


def test_one_seed_does_not_say_where_another_training_would_lie() -> None:
    cell = study_with("cifar10", {"lenet": (0.6,)}).cell("cifar10", "lenet")
    assert next_training(cell) is None


def test_an_interval_stays_among_the_accuracies_there_are() -> None:
    cell = study_with("cifar10", {"lenet": (0.99, 0.5)}).cell("cifar10", "lenet")
    found = next_training(cell)
    assert found is not None
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


def test_a_figure_beside_a_single_seed_is_left_open(original: Original) -> None:
    """Also one that lies near: nothing says whether that is near."""
    study = study_with("cifar10", {"lenet": (0.5,), "googlenet": (0.761,)})
    rows = {row[0]: row for row in reproduced(study, original, "cifar10", NAMES).rows}
    gap = f"{points(0.5974 - 0.5, signed=False)} lower"
    assert rows["LeNet"][3:5] == [NONE, f"open: ours is {gap}"]
    assert rows["GoogLeNet"][4].startswith("open: ours is ")
    finding = reproduction_finding(study, original, "cifar10", NAMES)
    assert finding.startswith(f"Left open: LeNet ({gap}) and GoogLeNet (")
    assert "one seed does not show" in finding


def kept(study: Study, name: str = "seeds") -> Study:
    """Return a study as a frozen one of this name."""
    return replace(study, manifest=Manifest(name, f"The *{name}*", "2026-11-30", "c" * 40, {}))


def test_the_seeds_of_another_study_decide_for_one_seed(original: Original) -> None:
    ours = study_with("cifar10", {"lenet": (0.574,), "googlenet": (0.6,)})
    other = kept(study_with("cifar10", {"lenet": (0.57, 0.58, 0.60)}))
    rows = {row[0]: row for row in reproduced(ours, original, "cifar10", NAMES, [other]).rows}
    known = next_training(other.cell("cifar10", "lenet"))
    assert known is not None
    assert rows["LeNet"][3] == interval_text(known)
    assert rows["LeNet"][4] == r"within noise (by the seeds of *The \*seeds\**)"
    assert rows["GoogLeNet"][4].startswith("open: ")
    finding = reproduction_finding(ours, original, "cifar10", NAMES, [other])
    assert finding.startswith(r"Reproduced within noise: LeNet (by the seeds of *The \*seeds\**).")
    apart = kept(study_with("cifar10", {"lenet": (0.500, 0.501, 0.502)}))
    finding = reproduction_finding(ours, original, "cifar10", NAMES, [apart])
    assert finding.startswith("Not reproduced: LeNet (")


def test_own_seeds_go_before_those_of_others(original: Original) -> None:
    ours = study_with("cifar10", {"lenet": (0.59, 0.60, 0.61)})
    other = kept(study_with("cifar10", {"lenet": (0.1, 0.11, 0.12)}))
    row = reproduced(ours, original, "cifar10", NAMES, [other]).rows[0]
    assert row[4] == "within noise"


@pytest.mark.parametrize(
    "change",
    [
        lambda study: replace(study, params=study.params.model_copy(update={"precision": "x"})),
        lambda study: with_record(study, digest="another"),
        lambda study: with_cell(study, metrics=lambda m: replace(m, epochs=49)),
        lambda study: with_cell(study, recipe=lambda r: r.model_copy(update={"batch_size": 64})),
        lambda study: replace(study, manifest=None),
    ],
    ids=["precision", "images", "epochs", "recipe", "the same study"],
)
def test_only_the_same_training_on_the_same_images_counts(
    change: Callable[[Study], Study],
) -> None:
    ours = study_with("cifar10", {"lenet": (0.574,)})
    other = kept(study_with("cifar10", {"lenet": (0.57, 0.58, 0.60)}))
    cell = ours.cell("cifar10", "lenet")
    assert [each.study for each in trained_alike(ours, cell, [other])] == [other]
    assert trained_alike(ours, cell, [change(other)]) == []


def with_record(study: Study, **values: Any) -> Study:
    (name, record), *_ = study.datasets.items()
    return replace(study, datasets={name: replace(record, **values)})


def with_cell(study: Study, **changes: Callable[[Any], Any]) -> Study:
    (key, cell), *_ = study.cells.items()
    changed = {name: change(getattr(cell, name)) for name, change in changes.items()}
    return replace(study, cells={key: replace(cell, **changed)})


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
    assert other_settings(study, cell, original) == words
    study = replace(study, cells={("cifar10", "lenet"): cell})
    row = reproduced(study, original, "cifar10", NAMES).rows[0]
    assert row[4].startswith("not repeated: other" if words else "within noise")
    none_repeated = reproduction_finding(study, original, "cifar10", NAMES).startswith(
        "No training"
    )
    assert none_repeated == bool(words)


def test_studies_that_do_repeat_the_original_are_named(original: Original) -> None:
    study = study_with("cifar10", {"lenet": (0.6, 0.61)})
    cell = study.cell("cifar10", "lenet")
    recipe = cell.recipe.model_copy(update={"learning_rate": 0.01})
    ours = replace(study, cells={("cifar10", "lenet"): replace(cell, recipe=recipe)})
    says = "so this study does not say whether its figures can be reproduced."
    others = [kept(study, "one"), kept(ours, "none"), kept(study, "two")]
    for given, ending in (
        ([], says),
        (others[:2], rf"{says} Of the frozen studies, *The \*one\** does."),
        (others, rf"{says} Of the frozen studies, *The \*one\** and *The \*two\** do."),
    ):
        found = reproduction_finding(ours, original, "cifar10", NAMES, given)
        assert found.startswith("No training here repeats one of the original's, ")
        assert found.endswith(ending)


def test_other_epochs_are_no_repetition(original: Original) -> None:
    study = study_with("cifar10", {"lenet": (0.6, 0.61)})
    cell = study.cell("cifar10", "lenet")
    shorter = replace(cell, metrics=replace(cell.metrics, epochs=49))
    assert other_settings(study, shorter, original) == ("epochs",)


def test_heads_matter_where_there_are_any(original: Original) -> None:
    study = study_with("cifar10", {"googlenet": (0.7,)})
    cell = study.cell("cifar10", "googlenet")
    first, *others = cell.architecture.layers
    layers = [replace(first, name="aux1"), *others]
    cell = replace(cell, architecture=replace(cell.architecture, layers=layers))
    recipe = Recipe.model_validate(cell.recipe.model_dump() | {"heads": "weighted"})
    weighted = replace(cell, recipe=recipe)
    assert other_settings(study, cell, original) == ()
    assert other_settings(study, weighted, original) == ("heads",)


def test_precision_and_penalties_are_settings_too(original: Original) -> None:
    study = study_with("cifar10", {"lenet": (0.6, 0.61)})
    half = replace(study, params=study.params.model_copy(update={"precision": "mixed_bfloat16"}))
    cell = study.cell("cifar10", "lenet")
    assert other_settings(half, cell, original) == ("precision",)
    first, *others = cell.architecture.layers
    layers = [replace(first, settings="3 x 3, L2 0.0001"), *others]
    penalised = replace(cell, architecture=replace(cell.architecture, layers=layers))
    assert other_settings(study, penalised, original) == ("penalty on weights",)


def test_an_optimiser_that_is_unknown_here_is_another_one(original: Original) -> None:
    entry = original.models["lenet"].model_copy(update={"optimizer": "rmsprop"})
    theirs = original.model_copy(update={"models": {**original.models, "lenet": entry}})
    study = study_with("cifar10", {"lenet": (0.6, 0.61)})
    assert other_settings(study, study.cell("cifar10", "lenet"), theirs) == ("optimiser",)


def test_every_setting_of_a_recipe_is_compared_or_said_not_to_matter() -> None:
    assert SETTINGS.keys() | NO_MATTER.keys() == Recipe.model_fields.keys()
    assert not SETTINGS.keys() & NO_MATTER.keys()


def test_a_figure_off_a_log_stays_about_so_much(original: Original) -> None:
    study = study_with("cifar10", {"lenet": (0.6, 0.61)})
    printed = original.cell("cifar10", "lenet")
    assert printed is not None
    read = printed.model_copy(update={"approximate": ["test_accuracy", "train_accuracy"]})
    theirs = original.model_copy(update={"cells": [read]})
    row = reproduced(study, theirs, "cifar10", NAMES).rows[0]
    assert row[1].startswith("about ")
    assert row[5].startswith("about ")


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
