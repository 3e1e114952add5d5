import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from make_study import TOTALS, make_study

from cnnreport import plausibility as checks
from cnnreport import tables
from cnnreport.bands import ANY, Plausibility, load_plausibility
from cnnreport.bibliography import load_bibliography
from cnnreport.checks import check_files
from cnnreport.errors import InputError
from cnnreport.formats import NBSP
from cnnreport.original import Original, load_original
from cnnreport.params import load_params
from cnnreport.study import Cell, Study

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "report"
FILE = REPORT / "plausibility.yaml"


@pytest.fixture(scope="module")
def bands() -> Plausibility:
    return load_plausibility(FILE)


@pytest.fixture(scope="module")
def original() -> Original:
    return load_original(REPORT / "original_study.yaml")


@pytest.fixture(scope="module")
def study() -> Study:
    return make_study(("cifar10",), ("lenet", "vgg16"), images_per_class=200)


def with_band(bands: Plausibility, **ends: float | int | None) -> Plausibility:
    """The bands with one for VGG-16 on CIFAR-10 alone."""
    band = bands.of("cifar10", "vgg16")[0]
    empty = {"low": None, "high": None, "images_seen": None}
    return bands.model_copy(update={"bands": [band.model_copy(update={**empty, **ends})]})


def with_metrics(cell: Cell, **changes: object) -> Cell:
    return replace(cell, metrics=replace(cell.metrics, **changes))


def with_answers(cell: Cell, **columns: object) -> Cell:
    """The cell with other columns in the predictions of its first run."""
    first = cell.runs[0]
    changed = replace(first, predictions=first.predictions.assign(**columns))
    return replace(cell, runs=[changed, *cell.runs[1:]])


def with_first_losses(cell: Cell, *losses: float | None) -> Cell:
    runs = [
        replace(run, training=replace(run.training, first_batch_loss=loss))
        for run, loss in zip(cell.runs, losses, strict=True)
    ]
    return replace(cell, runs=runs)


def test_the_project_file_names_what_params_knows(bands: Plausibility) -> None:
    params = load_params(ROOT / "params.yaml")
    models = {ANY, *params.recipes["modern"]}
    datasets = set(params.image_sets)
    assert {band.model for band in bands.bands} == models
    assert {band.dataset for band in bands.bands} == datasets
    assert all(bands.of(dataset, ANY) for dataset in datasets)


def test_every_source_is_in_the_bibliography(bands: Plausibility) -> None:
    bibliography = load_bibliography(REPORT / "bibliography.bib")
    parts = [*bands.bands, bands.first_batch, *bands.test_labels, *bands.limits]
    for key in {source for part in parts for source in part.sources}:
        assert f"#{key})" in bibliography.cite(key)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("high: 0.985", "high: 98.5", "bands.0.high: input should be less than or equal to 1"),
        ("high: 0.985", "hight: 0.985", "bands.0.hight"),
        ("low: 0.9264", "low: 0.9664", "wanted no less than low"),
        ("    images_seen: 17500000\n", "", "wanted images_seen beside low"),
        ("  high: 2.5", "  high: 0.5", "first_batch.high: wanted more than low"),
        ("    model: alexnet\n", "    model: lenet\n", "cifar10, lenet stands there twice"),
        ("sources: [cubuk2019]", "sources: []", "bands.0.sources"),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "plausibility.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load_plausibility(path)
    assert str(raised.value).startswith(f"{path}:")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_file_is_checked_with_the_others() -> None:
    mistakes = dict(check_files(ROOT / "params.yaml", REPORT))
    assert mistakes[FILE] is None


@pytest.mark.parametrize(
    ("ends", "level", "words"),
    [
        ({"high": 0.3}, "look closer", "too good"),
        ({"low": 0.99, "images_seen": 10**9}, "plausible", "below the published figures"),
        ({"low": 0.99, "images_seen": 10}, "look closer", "too bad: below"),
        ({"low": 0.2, "high": 1.0, "images_seen": 10}, "plausible", "among the published"),
        ({"high": 1.0}, "plausible", "not above published ones"),
        ({}, "plausible", "no published figure is known"),
    ],
)
def test_an_accuracy_beside_its_band(
    study: Study, bands: Plausibility, ends: Mapping[str, float], level: str, words: str
) -> None:
    cell = study.cell("cifar10", "vgg16")
    assert 0.4 < cell.metrics.accuracy < 0.98
    finding = checks.check_accuracy(cell, study.datasets["cifar10"], with_band(bands, **ends))
    assert finding.level == level
    assert words in finding.words
    assert finding.band == (ends.get("low", 0.1), ends.get("high", 1.0))
    assert finding.cell == ("cifar10", "vgg16")


def test_an_accuracy_just_above_its_band_is_noise(study: Study, bands: Plausibility) -> None:
    cell = study.cell("cifar10", "vgg16")
    just_below = with_band(bands, high=cell.metrics.accuracy - 0.002)
    assert checks.check_accuracy(cell, study.datasets["cifar10"], just_below).level == "plausible"


def test_an_accuracy_at_chance(study: Study, bands: Plausibility) -> None:
    cell = study.cell("cifar10", "vgg16")
    labels = cell.runs[0].predictions["label"]
    guessing = with_answers(cell, predicted=(labels + pd.RangeIndex(len(labels))) % 10)
    finding = checks.check_accuracy(
        guessing, study.datasets["cifar10"], with_band(bands, low=0.9, images_seen=10**9)
    )
    assert finding.level == "look closer"
    assert "without a look at the image" in finding.words


def test_a_networks_own_ends_go_before_those_of_any(bands: Plausibility) -> None:
    of_any, own = bands.of("cifar10", ANY)[0], bands.of("cifar10", "lenet")[0]
    expected = checks.expected_accuracy("cifar10", "lenet", bands)
    assert (expected.low, expected.high) == (None, own.high)
    half = own.model_copy(update={"high": None, "low": 0.2, "sources": ["lecun1998"]})
    both = bands.model_copy(update={"bands": [of_any, half]})
    expected = checks.expected_accuracy("cifar10", "lenet", both)
    assert (expected.low, expected.high) == (0.2, of_any.high)
    assert expected.sources == ["lecun1998", *of_any.sources]
    assert checks.expected_accuracy("other", "lenet", bands).sources == []


@pytest.mark.parametrize("dataset", ["digits", "cifar100"])
def test_parameters_are_those_printed(original: Original, dataset: str) -> None:
    study = make_study((dataset,), images_per_class=3)
    record = study.datasets[dataset]
    for cell in study.cells.values():
        finding = checks.check_parameters(cell, record, original)
        assert finding is not None
        assert finding.level == "plausible", cell.model
        assert finding.sources == (checks.ORIGINAL,)
    assert study.cell(dataset, "lenet").metrics.parameters == TOTALS["lenet"][0] + (
        90 * TOTALS["lenet"][2] if dataset == "cifar100" else 0
    )


@pytest.mark.parametrize("changed", ["parameters", "trainable_parameters"])
def test_another_network_has_other_parameters(
    study: Study, original: Original, changed: str
) -> None:
    cell, record = study.cell("cifar10", "vgg16"), study.datasets["cifar10"]
    more = with_metrics(cell, **{changed: getattr(cell.metrics, changed) + 1})
    finding = checks.check_parameters(more, record, original)
    assert finding is not None
    assert finding.level == "look closer"


def test_parameters_that_nobody_printed(study: Study, original: Original) -> None:
    cell, record = study.cell("cifar10", "vgg16"), study.datasets["cifar10"]
    unknown = replace(cell, model="densenet")
    assert checks.check_parameters(unknown, record, original) is None
    grey = replace(record, image_shape=[28, 28, 1])
    assert checks.check_parameters(cell, grey, original) is None
    three = with_metrics(cell, class_accuracy={"a": 0.5, "b": 0.5, "c": 0.5})
    assert checks.check_parameters(three, record, original) is None


@pytest.mark.parametrize(
    ("factor", "level", "words"),
    [
        (0.6, "look closer", "lower"),
        (0.0, "look closer", "lower"),
        (1.0, "plausible", "knows nothing"),
        (1.8, "plausible", "knows nothing"),
        (3.0, "look closer", "far above"),
        (math.inf, "look closer", "far above"),
    ],
)
def test_the_loss_of_the_first_batch(
    study: Study, bands: Plausibility, factor: float, level: str, words: str
) -> None:
    cell = with_first_losses(study.cell("cifar10", "lenet"), factor * math.log(10))
    finding = checks.check_first_batch(cell, bands)
    assert finding is not None
    assert finding.level == level
    assert words in finding.words


def test_of_several_first_batches_the_farthest_counts(bands: Plausibility) -> None:
    cell = make_study(models=("lenet",), seeds=(0, 1, 2)).cell("digits", "lenet")
    assert checks.check_first_batch(cell, bands) is None
    finding = checks.check_first_batch(with_first_losses(cell, 2.3, None, 0.2), bands)
    assert finding is not None
    assert finding.value == 0.2


@pytest.mark.parametrize(
    ("train", "validation", "level", "words"),
    [
        (0.99, 0.8, "plausible", "not above the training"),
        (0.3, 0.3, "look closer", "above training and validation"),
        (0.3, 0.99, "plausible", "as the validation accuracy is"),
    ],
)
def test_a_test_accuracy_beside_the_training(
    study: Study, train: float, validation: float, level: str, words: str
) -> None:
    cell = with_metrics(
        study.cell("cifar10", "vgg16"), train_accuracy=train, validation_accuracy=validation
    )
    finding = checks.check_against_training(cell, study.datasets["cifar10"])
    assert finding.level == level
    assert words in finding.words


def test_top5_is_never_below_top1(study: Study) -> None:
    cell = study.cell("cifar10", "vgg16")
    found = checks.check_top5(cell)
    assert found is not None
    assert found.level == "plausible"
    wrong = checks.check_top5(with_metrics(cell, top5_accuracy=cell.metrics.accuracy - 0.01))
    assert wrong is not None
    assert wrong.level == "look closer"
    assert checks.check_top5(with_metrics(cell, top5_accuracy=None)) is None


@pytest.mark.parametrize(
    ("classes", "level"), [(1, "look closer"), (4, "look closer"), (5, "plausible")]
)
def test_a_collapsed_network(study: Study, classes: int, level: str) -> None:
    cell = study.cell("cifar10", "vgg16")
    few = with_answers(cell, predicted=cell.runs[0].predictions["label"] % classes)
    finding = checks.check_collapse(few)
    assert (finding.value, finding.level) == (classes, level)
    assert checks.check_collapse(cell).level == "plausible"


def test_one_collapsed_run_of_several_is_found() -> None:
    cell = make_study(models=("lenet",), seeds=(0, 1)).cell("digits", "lenet")
    assert checks.check_collapse(with_answers(cell, predicted=3)).value == 1


def label_words(study: Study, cell: Cell, bands: Plausibility) -> str:
    dataset = cell.dataset
    expected = checks.expected_labels(study, bands, dataset)
    finding = checks.check_labels(cell, study.datasets[dataset], expected)
    assert (finding.level == "plausible") == ("those of the image set" in finding.words)
    return finding.words


def test_test_labels(bands: Plausibility) -> None:
    study = make_study(("digits",), ("lenet",), seeds=(0, 1))
    cell = study.cell("digits", "lenet")
    labels = cell.runs[0].predictions["label"]
    assert "those of the image set" in label_words(study, cell, bands)
    turned = with_answers(cell, label=labels.to_numpy()[::-1])
    assert "for all seeds" in label_words(study, turned, bands)
    one_run = replace(cell, runs=cell.runs[:1])
    assert "no test image" in label_words(
        study, with_answers(one_run, label=labels.replace(3, 4)), bands
    )
    assert "other classes" in label_words(
        study, with_answers(one_run, label=labels.replace(3, 12)), bands
    )
    fewer = replace(one_run.runs[0], predictions=one_run.runs[0].predictions.iloc[1:])
    assert "not as many" in label_words(study, replace(one_run, runs=[fewer]), bands)


def test_balanced_labels(bands: Plausibility) -> None:
    study = make_study(("cifar100-objects",), ("lenet",), images_per_class=100)
    cell = study.cell("cifar100-objects", "lenet")
    assert "those of the image set" in label_words(study, cell, bands)
    labels = cell.runs[0].predictions["label"].copy()
    labels.iloc[0] = 1
    assert "equally many" in label_words(study, with_answers(cell, label=labels), bands)


@pytest.mark.parametrize(
    ("epochs", "momentum", "share", "level"),
    [(10, 0.99, 0.2, "look closer"), (40, 0.99, 0.05, "plausible"), (10, 0.9, 0.02, "plausible")],
)
def test_averages_that_reach_over_much_of_a_training_ask_for_a_closer_look(
    epochs: int, momentum: float, share: float, level: str
) -> None:
    cell = make_study(models=["vgg16"]).cell("digits", "vgg16")
    cell = replace(
        cell,
        metrics=replace(cell.metrics, epochs=epochs, images_seen=epochs * 5000),
        recipe=cell.recipe.model_copy(update={"batch_norm_momentum": momentum, "batch_size": 100}),
    )
    found = checks.check_averages(cell)
    assert found
    assert (found.value, found.level) == (pytest.approx(share), level)
    bare = replace(cell, architecture=replace(cell.architecture, layers=[]))
    assert checks.check_averages(bare) is None


def test_all_checks_of_a_study(original: Original, bands: Plausibility) -> None:
    study = make_study(
        ("digits", "cifar100-objects"), ("lenet", "vgg16"), epochs=9, images_per_class=100
    )
    found = checks.check_plausibility(study, original, bands)
    assert {finding.cell for finding in found} == set(study.cells)
    # No first batch was recorded, and a momentum for VGGNet-16 alone.
    assert len(found) == 2 * (6 + 7)
    names = {"lenet": "LeNet", "vgg16": "VGG"}
    calm = tables.standing_out_anywhere(study, original, bands, names)
    assert calm == "Nothing stands out in 26 checks."


def test_what_stands_out_is_said(original: Original, bands: Plausibility) -> None:
    study = make_study(("digits",), ("lenet", "vgg16"), epochs=9, images_per_class=100)
    dull = with_answers(study.cell("digits", "lenet"), predicted=3)
    study = replace(study, cells={**study.cells, ("digits", "lenet"): dull})
    names = {"lenet": "LeNet", "vgg16": "VGG"}
    said = tables.standing_out(study, original, bands, "digits", names)
    assert said.startswith("Of 13 checks, two ask for a closer look: LeNet, test accuracy (too bad")
    assert "VGG" not in said
    anywhere = tables.standing_out_anywhere(study, original, bands, names)
    assert "LeNet on *Synthetic digits*" in anywhere
    table = tables.findings(study, original, bands, "digits", names, lambda key: f"[{key}]")
    flagged = [row for row in table.rows if "**look closer**" in row[4]]
    assert [row[0] for row in flagged] == ["LeNet", "LeNet"]
    row = dict(zip(table.headers, table.rows[0], strict=True))
    assert row["Expected"] == f"10.0 to 100.0{NBSP}%"
    assert row["Source"] == "[pedregosa2011]"
    assert table.rows[1][-1] == checks.ORIGINAL


@pytest.mark.parametrize(
    ("band", "unit", "text"),
    [
        ((None, 0.5), "share", f"at most 50.0{NBSP}%"),
        ((0.5, None), "share", f"at least 50.0{NBSP}%"),
        ((1000, 1000), "count", "1,000"),
        ((1.6, 5.75), "nats", "1.60 to 5.75"),
        ((None, None), "count", tables.NONE),
    ],
)
def test_what_was_expected_in_words(
    study: Study, band: tuple[float | None, float | None], unit: checks.Unit, text: str
) -> None:
    finding = checks.check_collapse(study.cell("cifar10", "lenet"))
    changed = replace(finding, band=band, unit=unit)
    assert tables.expected(changed) == text


def test_known_limits_are_those_of_the_studys_image_sets(bands: Plausibility) -> None:
    def cite(key: str) -> str:
        return key

    digits = make_study(("digits",), ("lenet",))
    assert tables.image_set_limits(digits, bands, cite).rows == []
    both = make_study(("cifar10", "cifar100-objects"), ("lenet",), images_per_class=5)
    rows = tables.image_set_limits(both, bands, cite).rows
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        ("CIFAR-10", f"3.3{NBSP}%", "barz2020"),
        ("CIFAR-10", f"0.5{NBSP}%", "northcutt2021"),
        ("CIFAR-100", f"10{NBSP}%", "barz2020"),
        ("CIFAR-100", f"6{NBSP}%", "northcutt2021"),
    ]
    assert ["of the whole set" in row[2] for row in rows] == [False, False, True, True]


def test_published_figures_are_those_of_the_studys_cells(study: Study, bands: Plausibility) -> None:
    names = {"lenet": "LeNet", "vgg16": "VGG"}
    rows = tables.published(study, bands, "cifar10", names, lambda key: key).rows
    assert [row[0] for row in rows] == ["any network", "LeNet", "VGG"]
    assert rows[2][1:3] == [f"92.6{NBSP}%", f"94.3{NBSP}%"]
    assert rows[0][1] == tables.NONE


def test_resolution_is_half_an_interval(study: Study) -> None:
    names = {"lenet": "LeNet", "vgg16": "VGG"}
    (row,) = tables.resolution(study, names).rows
    assert row[:3] == ["Synthetic cifar10", "2,000", "VGG"]
    accuracy = study.cell("cifar10", "vgg16").metrics.accuracy
    half = 1.96 * math.sqrt(accuracy * (1 - accuracy) / 2000)
    assert float(row[-1].split(NBSP)[0]) == pytest.approx(100 * half, abs=0.06)
