"""params.yaml: what is accepted, and the one line for what is not."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from cnnreport.errors import ParamsError
from cnnreport.params import load_params, parse_params

COMMITTED = Path(__file__).parents[1] / "params.yaml"


@pytest.fixture
def raw() -> dict[str, Any]:
    return YAML(typ="safe").load(COMMITTED.read_text(encoding="utf-8"))


def test_committed_default_is_the_embedded_one() -> None:
    params = load_params(COMMITTED)
    assert (params.profile, params.datasets, params.seeds) == ("quick", ["digits"], [0])
    assert params.epochs is None


@pytest.mark.parametrize("dataset", ["digits", "cifar10", "cifar100", "cifar100-objects"])
def test_every_known_image_set_is_accepted(raw: dict[str, Any], dataset: str) -> None:
    assert parse_params({**raw, "datasets": [dataset]}).datasets == [dataset]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("epochs", 100.0, "epochs: input should be a valid integer, came 100.0"),
        ("epochs", "100", "epochs: input should be a valid integer, came '100'"),
        ("epochs", "ten", "epochs: input should be a valid integer, came 'ten'"),
        ("epochs", 0, "epochs: input should be greater than or equal to 1, came 0"),
        ("epochs", True, "epochs: input should be a valid integer, came True"),
        ("seeds", 0, "seeds: input should be a valid list, came 0"),
        ("seeds", [], "seeds: list should have at least 1 item"),
        ("seeds", [0, 0], "seeds: each entry may stand there once, came [0, 0]"),
        ("seeds", [-1], "seeds.0: input should be greater than or equal to 0, came -1"),
        ("models", ["lenet5"], "models: 'lenet5' has no entry in recipes.modern: lenet, alexnet"),
        ("datasets", ["mnist"], "datasets: unknown 'mnist'; known: digits, cifar10, cifar100"),
        ("profile", "fast", "profile: unknown 'fast'; known: quick, laptop, paper"),
        ("recipe", "classic", "recipe: input should be 'report' or 'modern', came 'classic'"),
        ("precision", "float64", "precision: input should be 'float32', 'mixed_float16' or"),
        ("precision", None, "precision: input should be 'float32', 'mixed_float16' or"),
        ("subsets", {"digits": {"source": "cifar10", "classes": ["cat", "dog"]}}, "subsets: 'dig"),
        ("surprise", 1, "surprise: extra inputs are not permitted, came 1"),
    ],
)
def test_wrong_values_are_refused_in_one_line(
    raw: dict[str, Any], key: str, value: object, message: str
) -> None:
    with pytest.raises(ParamsError) as caught:
        parse_params({**raw, key: value})
    assert str(caught.value).startswith(f"params.yaml: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("learning_rate", 0, "learning_rate: input should be greater than 0, came 0"),
        ("learning_rate", 11, "learning_rate: input should be less than or equal to 10, came 11"),
        ("learning_rate", "1e-3", "learning_rate: input should be a valid number, came '1e-3'"),
        ("batch_size", 0, "batch_size: input should be greater than or equal to 1, came 0"),
        ("momentum", 1, "momentum: input should be less than 1, came 1"),
        ("weight_decay", -0.1, "weight_decay: input should be greater than or equal to 0"),
        ("label_smoothing", 1.0, "label_smoothing: input should be less than 1, came 1.0"),
        ("clip_norm", 0, "clip_norm: input should be greater than 0, came 0"),
        ("batch_norm_momentum", 1.0, "batch_norm_momentum: input should be less than 1"),
        ("flip", 1, "flip: input should be a valid boolean, came 1"),
        ("shift", -1, "shift: input should be greater than or equal to 0, came -1"),
        ("shift", 16, "shift: input should be less than or equal to 15, came 16"),
        ("shift", 2.0, "shift: input should be a valid integer, came 2.0"),
        ("schedule", "cosine", "schedule: input should be 'constant' or 'one_cycle', came"),
        ("heads", "both", "heads: input should be 'summed' or 'weighted', came 'both'"),
        ("dropout", 0.5, "dropout: extra inputs are not permitted, came 0.5"),
    ],
)
def test_wrong_settings_of_a_recipe_are_refused_in_one_line(
    raw: dict[str, Any], key: str, value: object, message: str
) -> None:
    raw["recipes"]["modern"]["lenet"][key] = value
    with pytest.raises(ParamsError) as caught:
        parse_params(raw)
    assert str(caught.value).startswith(f"params.yaml: recipes.modern.lenet.{message}")
    assert "\n" not in str(caught.value)


def test_a_recipe_needs_no_more_than_the_study_told(raw: dict[str, Any]) -> None:
    raw["recipes"]["modern"]["lenet"] = {
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "batch_size": 8,
    }
    recipe = parse_params(raw).recipe_for("lenet", "digits")
    assert (recipe.flip, recipe.shift, recipe.weight_decay, recipe.clip_norm) == (False, 0, 0, None)
    assert (recipe.momentum, recipe.schedule, recipe.heads) == (0.9, "constant", "summed")


def test_a_recipe_may_differ_by_image_set(raw: dict[str, Any]) -> None:
    raw["recipes"]["modern"]["lenet"] |= {
        "batch_size": 64,
        "shift": 3,
        "by_dataset": {"digits": {"shift": 0}},
    }
    params = parse_params(raw)
    digits, cifar = (params.recipe_for("lenet", name) for name in ("digits", "cifar10"))
    assert (digits.shift, digits.batch_size) == (0, 64)
    assert (cifar.shift, cifar.batch_size) == (3, 64)
    # What a training is keyed by does not change with another image set's settings.
    assert digits.by_dataset == cifar.by_dataset == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [({"shift": 99}, "shift: input should be less"), ({"shfit": 1}, "shfit: extra inputs are not")],
)
def test_a_wrong_difference_is_refused_where_it_stands(
    raw: dict[str, Any], change: dict[str, int], message: str
) -> None:
    raw["recipes"]["modern"]["lenet"]["by_dataset"] = {"digits": change}
    with pytest.raises(ParamsError) as caught:
        parse_params(raw)
    where = "recipes.modern.lenet"
    assert where in str(caught.value)
    assert f"by_dataset.digits.{message}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_params_file_of_before_precision_is_single(raw: dict[str, Any]) -> None:
    del raw["precision"]
    assert parse_params(raw).precision == "float32"


def test_a_missing_key_is_named(raw: dict[str, Any]) -> None:
    del raw["datasets"]
    with pytest.raises(ParamsError, match=r"^params.yaml: datasets: is missing$"):
        parse_params(raw)


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [1", "not valid YAML"), ("- 1", "wanted a mapping of parameters, came list")],
)
def test_files_that_are_no_mapping(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match=message) as caught:
        load_params(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="cannot be read"):
        load_params(tmp_path / "params.yaml")


def test_small_rates_written_by_dvc_stay_numbers(tmp_path: Path) -> None:
    # DVC writes 1e-5 as 1e-05, which YAML 1.1 readers take for a string.
    text = COMMITTED.read_text(encoding="utf-8").replace(
        "learning_rate: 0.0001", "learning_rate: 1e-05"
    )
    path = tmp_path / "params.yaml"
    path.write_text(text)
    assert load_params(path).recipes["report"]["alexnet"].learning_rate == 1e-5


@pytest.mark.parametrize(
    ("override", "dataset", "epochs"),
    [(None, "cifar10", 50), (None, "cifar100", 100), (None, "digits", 50), (7, "cifar100", 7)],
)
def test_epochs_come_from_the_override_then_the_cell_then_the_network(
    raw: dict[str, Any], override: int | None, dataset: str, epochs: int
) -> None:
    params = parse_params({**raw, "profile": "paper", "epochs": override})
    assert params.epochs_for("lenet", dataset) == epochs
