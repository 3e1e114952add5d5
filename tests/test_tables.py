import re
from dataclasses import replace
from pathlib import Path
from statistics import stdev

import markdown
import pytest
from make_study import make_study

from cnnreport import tables
from cnnreport.calibration import calibration
from cnnreport.evidence import from_file, ledger
from cnnreport.examples import Example, Window
from cnnreport.formats import NBSP, decimal, percent, points, points_alone
from cnnreport.original import Original, load_original
from cnnreport.params import load_params
from cnnreport.records import Layer
from cnnreport.study import Study, load_study

REPORT = Path(__file__).parent.parent / "report"


@pytest.fixture(scope="module")
def study() -> Study:
    return make_study()


@pytest.fixture(scope="module")
def names(study: Study) -> dict[str, str]:
    return {model: model.upper() for model in study.params.models}


@pytest.fixture(scope="module")
def original() -> Original:
    return load_original(REPORT / "original_study.yaml")


def column(table: tables.Table, header: str) -> list[str]:
    position = table.headers.index(header)
    return [row[position] for row in table.rows]


def test_a_probability_too_small_to_print_is_not_nothing(study: Study) -> None:
    window = Window(
        "conv1", 0, 6, [5, 5, 3], 1, "valid", 0, 0, [1.0, 1.0, 1.0], 0.0, 3.0, "relu", 3.0
    )
    said = {"0": 0.9998, "1": 2e-5, "2": 0.0, "3": 0.0001, "4": 0.0}
    cell = replace(study.cell("digits", "lenet"), example=Example(5, 0, 0, said, [], window))
    shown = [text.replace(NBSP, " ") for text in column(tables.likeliest(cell), "Probability")]
    assert shown == ["99.98 %", "0.01 %", "< 0.01 %", "0.00 %", "0.00 %"]


def test_markdown_table_aligns_and_escapes() -> None:
    text = tables.markdown_table(["a|b", "n"], [["x\ny", r"p \| q"]], "lr")
    assert text == "| a\\|b | n |\n| :--- | ---: |\n| x y | p \\| q |"
    html = markdown.markdown(text, extensions=["tables"])
    assert html.count("<td") == 2
    assert "p | q" in html


def test_a_number_in_a_cell_keeps_its_unit() -> None:
    assert percent(0.5) in tables.markdown_table(["a"], [[f"  {percent(0.5)}\n"]], "r")


@pytest.mark.parametrize(("rows", "align"), [([["1"]], "lr"), ([["1", "2"]], "l")])
def test_markdown_table_refuses_ragged_rows(rows: list[list[str]], align: str) -> None:
    with pytest.raises(ValueError, match="wanted 2 columns"):
        tables.markdown_table(["a", "b"], rows, align)


def test_leaderboard_is_in_order_with_ties(study: Study, names: dict[str, str]) -> None:
    table = tables.leaderboard(study, "digits", names)
    assert column(table, "Network") == [names[cell.model] for cell in study.ranked("digits")]
    assert column(table, "Rank")[0] == "1"
    ties = dict(
        zip(column(table, "Network"), column(table, "Cannot be told apart from"), strict=True)
    )
    apart = {
        a: set(ties) - {a} if text == "every other network" else set(text.split(", ")) & set(ties)
        for a, text in ties.items()
    }
    assert all(a in apart[b] for a in apart for b in apart[a])
    assert f"0.65{NBSP}M" in column(table, "MACs an image")
    assert table.headers[-1] == "Cannot be told apart from"


def test_short_leaderboard_agrees_with_the_long_one(study: Study, names: dict[str, str]) -> None:
    long = tables.leaderboard(study, "digits", names)
    short = tables.short_leaderboard(study, "digits", names)
    shared = [header for header in short.headers if header in long.headers]
    assert len(shared) == len(short.headers) - 1
    assert [column(short, header) for header in shared] == [column(long, h) for h in shared]
    accuracies = zip(column(long, "Test accuracy"), column(long, tables.INTERVAL), strict=True)
    assert column(short, f"Test accuracy ({tables.INTERVAL})") == [
        f"{accuracy} ({interval})" for accuracy, interval in accuracies
    ]


def test_leaderboard_leaves_out_a_top5_nobody_has(study: Study, names: dict[str, str]) -> None:
    cells = {
        key: replace(cell, metrics=replace(cell.metrics, top5_accuracy=None))
        for key, cell in study.cells.items()
    }
    table = tables.leaderboard(replace(study, cells=cells), "digits", names)
    assert "Top-5 accuracy" not in table.headers
    assert len(table.align) == len(table.headers)


def test_layer_table_shows_inputs_only_of_a_network_that_branches(study: Study) -> None:
    architecture = study.cell("digits", "lenet").architecture
    table = tables.layer_table(architecture)
    assert "Reads from" not in table.headers
    assert table.rows[1][-2:] == ["28 × 28 × 6", "456"]  # noqa: RUF001
    add = Layer("add", "Add", [10], 0, "", "", ["conv", "norm"])
    branching = tables.layer_table(replace(architecture, layers=[*architecture.layers, add]))
    assert branching.rows[-1][-1] == "conv, norm"


def test_totals_are_those_of_the_architecture(study: Study) -> None:
    rows = dict(tables.totals(study.cell("digits", "alexnet").architecture).rows)
    assert rows["Parameters"] == "21,591,306"
    assert rows["of these not trained"] == "704"


def test_class_accuracy_marks_the_highest_of_each_class(
    study: Study, names: dict[str, str]
) -> None:
    table = tables.class_accuracy(study, "digits", names)
    assert len(table.rows) == 10
    for row in table.rows:
        bold = {text.strip("*") for text in row[1:] if text.startswith("**")}
        assert len(bold) == 1
        assert float(bold.pop().split()[0]) == max(
            float(text.strip("*").split()[0]) for text in row[1:]
        )


def test_top_classes_are_sorted_by_their_mean(study: Study, names: dict[str, str]) -> None:
    means = [float(text.split()[0]) for text in column_of_means(study, names)]
    assert len(means) == 5
    assert means == sorted(means, reverse=True)


def column_of_means(study: Study, names: dict[str, str]) -> list[str]:
    return column(tables.top_classes(study, "digits", names), "Mean of the networks")


def test_top_classes_of_one_network_stand_there_once() -> None:
    table = tables.top_classes(make_study(models=("lenet",)), "digits", {"lenet": "LeNet"})
    assert table.headers == ["Class", "LeNet"]


def test_extreme_classes_agree_with_the_metrics(study: Study, names: dict[str, str]) -> None:
    table = tables.extreme_classes(study, "digits", names, n=1)
    for cell, (_, best, worst) in zip(study.cells_of("digits"), table.rows, strict=True):
        accuracies = cell.metrics.class_accuracy.values()
        assert f"({percent(max(accuracies))})" in best
        assert f"({percent(min(accuracies))})" in worst


def test_settings_name_what_was_not_held_equal(study: Study, names: dict[str, str]) -> None:
    cell = study.cell("digits", "lenet")
    equal = {
        key: replace(other, recipe=cell.recipe, metrics=replace(other.metrics, epochs=3))
        for key, other in study.cells.items()
    }
    assert tables.unequal_settings(replace(study, cells=equal), "digits") == []
    slower = replace(cell, recipe=cell.recipe.model_copy(update={"learning_rate": 0.5}))
    unequal = replace(study, cells={**equal, ("digits", "lenet"): slower})
    assert tables.unequal_settings(unequal, "digits") == ["Learning rate"]
    marks = column(tables.settings(unequal, "digits", names), "Held equal")
    assert marks.count("**no**") == 1


def test_what_the_networks_are_is_no_unfairness(study: Study, names: dict[str, str]) -> None:
    table = tables.settings(study, "digits", names)
    marks = dict(zip(column(table, "Setting"), column(table, "Held equal"), strict=True))
    own = [name for name, mark in marks.items() if mark == tables.OF_THE_NETWORK]
    assert own == ["Parameters", "MACs an image", "Training work, MACs"]
    row = dict(zip(table.headers, table.rows[-3], strict=True))
    assert row["LENET"] == "62,006"
    assert not set(tables.unequal_settings(study, "digits")) & set(own)
    assert {marks[name] for name in tables.unequal_settings(study, "digits")} == {"**no**"}


def test_effective_settings_of_a_training(study: Study) -> None:
    settings = tables.settings_of(study.cell("digits", "lenet"))
    assert settings["Images seen"] == "8,100"
    # 2,700 images are 84 full batches of 32 and a part of one, in each of three epochs.
    assert (settings["Batch size"], settings["Steps"]) == ("32", "255")
    assert (settings["Learning rate"], settings["Precision"]) == ("0.05 at the peak", "float32")
    assert settings["Seeds"] == "0"
    seeds = make_study(models=("lenet",), seeds=(2, 2020)).cell("digits", "lenet")
    assert tables.settings_of(seeds)["Seeds"] == "2, 2020"


def test_a_setting_that_a_network_cannot_have_is_not_unequal(study: Study) -> None:
    name = "Momentum of batch normalisation"
    cell = study.cell("digits", "lenet")
    layers = [
        replace(layer, settings="momentum 0.99") if layer.kind == "BatchNormalization" else layer
        for layer in cell.architecture.layers
    ]
    cell = replace(cell, architecture=replace(cell.architecture, layers=layers))
    assert tables.settings_of(cell)[name] == "0.99"
    unlike = replace(study, cells={**study.cells, ("digits", "lenet"): cell})
    assert name in tables.unequal_settings(unlike, "digits")  # the network's own and 0.9
    layers = [layer for layer in cell.architecture.layers if layer.kind != "BatchNormalization"]
    without = replace(cell, architecture=replace(cell.architecture, layers=layers))
    assert tables.settings_of(without)[name] == tables.NONE
    changed = replace(study, cells={**study.cells, ("digits", "lenet"): without})
    assert name not in tables.unequal_settings(changed, "digits")


def test_another_precision_is_named(study: Study) -> None:
    mixed = with_training(study, "lenet", precision="mixed_bfloat16")
    named = {*tables.unequal_settings(study, "digits"), "Precision"}
    assert set(tables.unequal_settings(mixed, "digits")) == named


def test_equal_numbers_from_different_files_are_equal(study: Study, names: dict[str, str]) -> None:
    cells = {
        key: replace(cell, metrics=from_file(cell.metrics, f"{cell.model}.json"))
        for key, cell in study.cells.items()
    }
    from_files = replace(study, cells=cells)
    plain = column(tables.settings(study, "digits", names), "Held equal")
    with ledger() as book:
        assert column(tables.settings(from_files, "digits", names), "Held equal") == plain
        assert tables.unequal_settings(from_files, "digits") == tables.unequal_settings(
            study, "digits"
        )
    assert any(citation.text == "8,100" for citation in book.citations)


def test_augmentation_is_that_of_the_recipes(study: Study, original: Original) -> None:
    def ours(of: Study) -> str:
        rows = {row[0]: row[2] for row in tables.conditions(of, original, "digits").rows}
        return rows["Augmentation"]

    assert ours(study) == "none"
    cell = study.cell("digits", "lenet")
    moved = replace(cell, recipe=cell.recipe.model_copy(update={"flip": True, "shift": 2}))
    changed = replace(study, cells={**study.cells, ("digits", "lenet"): moved})
    assert set(ours(changed).split("; ")) == {"none", "flips and shifts by up to 2 pixels"}


def test_a_penalty_within_the_network_is_a_setting(study: Study) -> None:
    cell = study.cell("digits", "vgg16")
    assert tables.settings_of(cell)["L2 penalty on kernels"] == "none"
    conv = Layer("conv", "Conv2D", [1], 0, "relu", "64 kernels 3x3, same, L2 0.0001", [])
    with_penalty = replace(cell, architecture=replace(cell.architecture, layers=[conv, conv]))
    assert tables.settings_of(with_penalty)["L2 penalty on kernels"] == "0.0001"


def test_heads_are_a_setting_only_of_a_network_that_has_them(study: Study) -> None:
    cell = study.cell("digits", "googlenet")
    assert "Auxiliary heads" not in dict(tables.hyper_parameters(cell).rows)
    head = Layer("aux1", "Dense", [10], 0, "softmax", "", ["conv"])
    layers = [*cell.architecture.layers, head]
    with_head = replace(cell, architecture=replace(cell.architecture, layers=layers))
    assert "Auxiliary heads" in dict(tables.hyper_parameters(with_head).rows)


def test_training_output_has_a_line_an_epoch(study: Study) -> None:
    history = study.cell("digits", "lenet").runs[0].history
    lines = tables.training_output(history).splitlines()
    assert len(lines) == len(history)
    assert f"accuracy {history[-1].train_accuracy:.4f}" in lines[-1]
    assert lines[0].startswith("epoch 1/3")


def with_training(study: Study, model: str, **changes: object) -> Study:
    """The study with changed facts of the first training of one network."""
    cell = study.cell("digits", model)
    first = replace(cell.runs[0], training=replace(cell.runs[0].training, **changes))
    changed = replace(cell, runs=[first, *cell.runs[1:]])
    return replace(study, cells={**study.cells, ("digits", model): changed})


def test_training_cost_is_sorted_by_time(study: Study, names: dict[str, str]) -> None:
    table = tables.training_cost(study, "digits", names)
    assert column(table, "Network")[0] == "LENET"
    assert column(table, "Network")[-1] == "GOOGLENET"
    assert column(table, "Energy, estimate")[0] == f"0.023{NBSP}Wh"  # 4.2 s at 20 W


def test_training_work_is_three_forward_passes_an_image(
    study: Study, names: dict[str, str]
) -> None:
    cell = study.cell("digits", "lenet")
    # 3 epochs of 2,700 images, 651,720 MACs each
    assert tables.training_macs(cell) == 3 * 3 * 2700 * 651_720
    works = column(tables.training_cost(study, "digits", names), "Training work, MACs")
    assert works[0] == f"16{NBSP}G"


def test_of_several_seeds_the_shortest_latency_stands() -> None:
    """Other work on the machine lengthens one and never shortens it."""
    study = make_study(models=["lenet"], seeds=(0, 1, 2))
    cell = study.cell("digits", "lenet")
    runs = [
        replace(run, training=replace(run.training, latency_ms_batch_1=latency))
        for run, latency in zip(cell.runs, (67.9, 15.3, 40.1), strict=True)
    ]
    assert replace(cell, runs=runs).latency_ms(1) == 15.3
    runs[2] = replace(runs[2], training=replace(runs[2].training, latency_ms_batch_1=None))
    assert replace(cell, runs=runs).latency_ms(1) is None


def test_use_cost_is_sorted_by_the_latency_of_a_batch(study: Study, names: dict[str, str]) -> None:
    slow = with_training(study, "lenet", latency_ms_batch_128=5000.0)
    table = tables.use_cost(slow, "digits", names)
    assert column(table, "Network")[-1] == "LENET"
    assert column(table, "Latency, 128 images")[-1] == f"5{NBSP}s"
    assert column(table, "Latency, 1 image")[-1] == f"0.6{NBSP}ms"


@pytest.mark.parametrize(
    ("changes", "header", "text"),
    [
        ({"sittings": 3}, "Sittings", "3"),
        ({"precision": "mixed_bfloat16"}, "Precision", r"mixed\_bfloat16"),
        ({"replicas": 2}, "Devices", "2"),
    ],
)
def test_what_goes_without_saying_has_no_column(
    study: Study, names: dict[str, str], changes: dict[str, object], header: str, text: str
) -> None:
    assert header not in tables.training_cost(study, "digits", names).headers
    assert header not in dict(tables.cell_training_cost(study.cell("digits", "lenet")).rows)
    unusual = with_training(study, "lenet", **changes)
    assert column(tables.training_cost(unusual, "digits", names), header)[0] == text
    assert dict(tables.cell_training_cost(unusual.cell("digits", "lenet")).rows)[header] == text
    assert header not in dict(tables.cell_training_cost(unusual.cell("digits", "vgg16")).rows)


def test_energy_needs_every_training(names: dict[str, str]) -> None:
    study = make_study(models=("lenet",), seeds=(0, 1))
    none = with_training(study, "lenet", energy_kwh=None, energy_method="no estimate: *why*")
    assert column(tables.training_cost(none, "digits", names), "Energy, estimate") == [tables.NONE]
    cells = list(none.cells.values())
    assert tables.energy_methods(cells) == [
        r"no estimate: \*why\*",
        study.cell("digits", "lenet").runs[1].training.energy_method,
    ]


def test_the_cost_of_a_cell_is_that_of_its_row(study: Study, names: dict[str, str]) -> None:
    cell = study.cell("digits", "vgg16")
    for of_cell, of_study in (
        (tables.cell_training_cost(cell), tables.training_cost(study, "digits", names)),
        (tables.cell_use_cost(cell), tables.use_cost(study, "digits", names)),
    ):
        row = dict(zip(of_study.headers, row_of(of_study, "VGG16"), strict=True))
        shared = [(name, text) for name, text in of_cell.rows if name in row]
        assert len(shared) >= 3
        assert [text for _, text in shared] == [row[name] for name, _ in shared]


def row_of(table: tables.Table, name: str) -> list[str]:
    return next(row for row in table.rows if row[0] == name)


def test_machines_are_told_apart(study: Study, names: dict[str, str]) -> None:
    assert len(tables.machines(study, names).rows) == 1
    cell = study.cell("digits", "lenet")
    elsewhere = replace(cell.runs[0], training=replace(cell.runs[0].training, cores=64))
    cells = {**study.cells, ("digits", "lenet"): replace(cell, runs=[elsewhere])}
    rows = tables.machines(replace(study, cells=cells), names).rows
    assert sorted((row[1], row[-1]) for row in rows) == [
        ("2", "ALEXNET, VGG16, RESNET50, GOOGLENET"),
        ("64", "LENET"),
    ]


def test_original_beside_ours(original: Original) -> None:
    study = make_study(("cifar100",), images_per_class=3)
    names = {model: model for model in study.params.models}
    rows = {
        row[0]: row for row in tables.original_accuracy(study, original, "cifar100", names).rows
    }
    assert rows["vgg16"][1] == "lost"
    assert rows["vgg16"][-1] == tables.NONE
    assert rows["googlenet"][1] == f"about {percent(0.48)}"
    ours = study.cell("cifar100", "lenet").metrics.accuracy
    assert rows["lenet"][-1] == points(ours - 0.2843)
    training = {
        row[0]: row for row in tables.original_training(study, original, "cifar100", names).rows
    }
    assert training["lenet"][1:5] == ["100", "3", "300,000", "8,100"]


def test_what_the_original_lacks(study: Study, original: Original) -> None:
    assert not tables.in_original(study, original, "digits")
    assert tables.datasets_in_original(study, original) == []
    both = make_study(("cifar10", "cifar100-objects"), ("lenet",), images_per_class=5)
    assert tables.datasets_in_original(both, original) == ["cifar10"]
    assert tables.original_classes(both, original, "cifar10", {"lenet": "LeNet"}).rows == []


def test_original_best_classes_stand_beside_ours(original: Original) -> None:
    study = make_study(("cifar100",), ("lenet",), images_per_class=3)
    entry = original.best_classes[0]
    ours = study.cell("cifar100", "lenet")
    known = {entry.class_name: 0.25}
    study = replace(
        study,
        datasets={"cifar100": replace(study.datasets["cifar100"], class_names=list(known))},
        cells={
            ("cifar100", "lenet"): replace(
                ours, metrics=replace(ours.metrics, class_accuracy=known)
            )
        },
    )
    table = tables.original_classes(study, original, "cifar100", {"lenet": "LeNet"})
    assert table.headers == ["Class", "GoogLeNet, original", "ResNet-50, original", "LeNet, ours"]
    assert table.rows == [["sunflower", percent(0.83), percent(0.72), percent(0.25)]]


def test_seeds_table_has_a_row_a_seed() -> None:
    cell = make_study(models=("lenet",), seeds=(3, 7)).cell("digits", "lenet")
    assert column(tables.seeds_table(cell), "Seed") == ["3", "7"]


def test_accuracies_of_several_seeds_show_their_deviation() -> None:
    study = make_study(models=("lenet", "vgg16"), seeds=(0, 1, 2))
    names = {model: model for model in study.params.models}
    best = study.ranked("digits")[0]
    mean = f"{100 * best.metrics.accuracy:.1f}"
    spread = percent(stdev(best.metrics.accuracy_by_seed.values()))
    text = column(tables.leaderboard(study, "digits", names), "Test accuracy")[0]
    assert text == f"{mean} ± {spread}"
    overall = tables.overall_accuracy(study, names)
    assert {row[1].split(" (")[0] for row in overall.rows} >= {text}
    assert dict(tables.test_results(best).rows)["Test accuracy"].startswith(f"{text} (")


def test_accuracies_of_one_seed_show_no_deviation(study: Study, names: dict[str, str]) -> None:
    texts = column(tables.leaderboard(study, "digits", names), "Test accuracy")
    assert texts == [percent(cell.metrics.accuracy) for cell in study.ranked("digits")]


def test_shares_of_confusions_stand_beside_their_intervals(study: Study) -> None:
    table = tables.confusions(study.cell("digits", "lenet"))
    assert table.rows
    for share, interval in zip(
        column(table, "Share of the actual class"), column(table, tables.INTERVAL), strict=True
    ):
        low, high = (float(text) for text in interval.split(NBSP)[0].split(" to "))
        assert low < float(share.split(NBSP)[0]) < high


def test_images_of_a_confusion_are_counted_or_a_mean_of_the_seeds(study: Study) -> None:
    counts = column(tables.confusions(study.cell("digits", "lenet")), "Test images")
    assert all(text.isdecimal() for text in counts)
    cell = make_study(models=("lenet",), seeds=(0, 1, 2)).cell("digits", "lenet")
    means = column(tables.confusions(cell), "Test images, mean of the seeds")
    assert all(re.fullmatch(r"\d+\.\d", text) for text in means)


def test_calibrations_are_in_the_order_of_the_ranking(study: Study, names: dict[str, str]) -> None:
    table = tables.calibrations(study, "digits", names)
    ranked = study.ranked("digits")
    assert column(table, "Network") == [names[cell.model] for cell in ranked]
    found = calibration(ranked[0])
    row = dict(zip(table.headers, table.rows[0], strict=True))
    assert row["ECE"].startswith(f"{percent(found.ece.value)} (")
    assert row["NLL"].startswith(f"{decimal(ranked[0].metrics.loss, 3)} (")
    low, high = found.brier.interval.low, found.brier.interval.high
    assert row["Brier score"].endswith(f"({decimal(low, 3)} to {decimal(high, 3)})")
    assert row["Confidence less accuracy"].startswith(points_alone(found.excess.value))


def test_bins_hold_every_prediction(study: Study) -> None:
    cell = study.cell("digits", "lenet")
    table = tables.reliability_bins(cell)
    assert sum(int(text) for text in column(table, "Predictions")) == cell.metrics.test_images
    assert len(table.rows) <= tables.BINS


def test_networks_have_their_depth_beside_the_count_of_their_layers(names: dict[str, str]) -> None:
    live = load_study(load_params(REPORT.parent / "params.yaml"), REPORT.parent / "results")
    table = tables.networks(live, "digits", names)
    depths = dict(zip(column(table, "Network"), column(table, "Depth"), strict=True))
    # On GoogLeNet's longest way stands one dense layer that the paper's 22 layers lack.
    wanted = {"LENET": 5, "ALEXNET": 8, "VGG16": 16, "RESNET50": 50, "GOOGLENET": 22 + 1}
    assert {name: int(text) for name, text in depths.items()} == wanted
    counts = dict(
        zip(column(table, "Network"), column(table, "Convolutions and dense layers"), strict=True)
    )
    # Beside the longest way: four projections; 36 filters of modules and three layers of each head.
    assert int(counts["RESNET50"]) == 50 + 4
    assert int(counts["GOOGLENET"]) == 23 + 9 * 4 + 2 * 3
    cells = live.cells_of("digits")
    branched = {cell.model for cell in cells if tables.has_blocks(cell.architecture)}
    assert branched == {"resnet50", "googlenet"}
