import dataclasses
import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_study import MODELS, PARAMS, make_study, with_networks, write_study
from matplotlib import rc_context, style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from ruamel.yaml import YAML

from cnnreport.calibration import confidence_finding, reliability
from cnnreport.errors import InputError, ResultsError
from cnnreport.figures import all_drawings
from cnnreport.figures.classes import class_bars, class_heatmap
from cnnreport.figures.confusions import confusion, superclass_confusion
from cnnreport.figures.cost import (
    LATENCY,
    MACS,
    PARAMETERS,
    TRAIN_TIME,
    accuracy_against,
    frontier,
)
from cnnreport.figures.curves import curve, learning_curves, validation_curves
from cnnreport.figures.dark import dark_of
from cnnreport.figures.drawing import Drawing, to_svg
from cnnreport.figures.labels import spread
from cnnreport.figures.looks import INK, MUTED, PAPER, looks_of
from cnnreport.figures.mistakes import confused_pairs, most_frequent
from cnnreport.figures.original import original_comparison
from cnnreport.figures.pairs import pairwise_matrix
from cnnreport.figures.ranking import leaderboard, tied_groups
from cnnreport.figures.reliability import reliability_diagrams
from cnnreport.formats import percent, percent_range, percent_spread, points
from cnnreport.original import load_original
from cnnreport.stages import plot
from cnnreport.statistics import (
    ALPHA,
    RankedCell,
    accuracy_interval,
    compare_all,
    confusion_shares,
    seed_deviation,
)
from cnnreport.study import Cell, Study, load_study
from cnnreport.superclasses import superclasses_of

REPORT = PARAMS.parent / "report"
STYLE = REPORT / "figures.mplstyle"
NAMED = {model: model for model in MODELS}
TITLES = {"lenet": "LeNet", "vgg16": "VGGNet-16", "googlenet": "GoogLeNet"}
ORIGINAL = load_original(REPORT / "original_study.yaml")


@pytest.fixture(autouse=True)
def _report_style() -> Iterator[None]:
    with style.context(STYLE):
        yield


def with_equal_cells(study: Study) -> Study:
    """Return the study with the results of its first network for all of them."""
    first = next(iter(study.cells.values()))
    cells = {key: dataclasses.replace(first, model=key[1]) for key in study.cells}
    return dataclasses.replace(study, cells=cells)


SMALL = make_study(models=("lenet",), images_per_class=3)


def pairs_below(count: int) -> st.SearchStrategy[tuple[int, int]]:
    """Pairs of different rows, the lower first."""
    pairs = list(itertools.combinations(range(count), 2))
    return st.sampled_from(pairs) if pairs else st.nothing()


STUDIES: dict[str, Callable[[], Study]] = {
    "one seed": make_study,
    "several seeds": lambda: make_study(("cifar10",), seeds=(0, 1, 2), epochs=12),
    "one epoch": lambda: make_study(epochs=1),
    "one network": lambda: make_study(models=("lenet",), epochs=1),
    "equal values": lambda: with_equal_cells(make_study()),
    "all right": lambda: make_study(strengths=dict.fromkeys(MODELS, 9.0), images_per_class=3),
    "all wrong": lambda: make_study(strengths=dict.fromkeys(MODELS, -20.0), images_per_class=3),
    "hundred classes": lambda: make_study(("cifar100",), images_per_class=3),
    "three superclasses": lambda: make_study(("cifar100-objects",), seeds=(0, 1)),
}


@pytest.fixture(scope="module", params=STUDIES)
def drawn(request: pytest.FixtureRequest) -> list[Drawing]:
    with style.context(STYLE):
        drawings = list(all_drawings(STUDIES[request.param](), ORIGINAL))
        for drawing in drawings:
            drawing.figure.draw_without_rendering()
    return drawings


def draw(figure: Callable[..., Drawing], study: Study, *more: object) -> Drawing:
    looks = looks_of(study.params.models, TITLES)
    return figure(study, study.params.datasets[0], looks, *more)


def draw_cell(figure: Callable[..., Drawing], cell: Cell, *more: object) -> Drawing:
    return figure(cell, looks_of([cell.model], TITLES)[cell.model], *more)


def test_every_text_lies_within_its_figure(drawn):
    for drawing in drawn:
        canvas = drawing.figure.bbox.padded(1)
        for axes in drawing.figure.axes:
            for text in [*row_names(axes), *column_names(axes), *axes.texts, *labels(axes)]:
                box = Text.get_window_extent(text)
                assert canvas.contains(box.x0, box.y0), (drawing.name, text.get_text())
                assert canvas.contains(box.x1, box.y1), (drawing.name, text.get_text())


def test_no_two_texts_beside_an_axis_overlap(drawn):
    for drawing in drawn:
        for axes in drawing.figure.axes:
            for texts in (row_names(axes), column_names(axes), beside(axes), inside(axes)):
                for a, b in itertools.combinations(texts, 2):
                    # A box has room around its letters: less than a pixel of it may be shared.
                    first, second = (Text.get_window_extent(t).padded(-0.5) for t in (a, b))
                    assert not first.overlaps(second), (drawing.name, a.get_text(), b.get_text())


def row_names(axes: Axes) -> list[Text]:
    return tick_texts(axes.yaxis)


def column_names(axes: Axes) -> list[Text]:
    return tick_texts(axes.xaxis)


def tick_texts(axis: Axis) -> list[Text]:
    low, high = sorted(axis.get_view_interval())
    ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    texts = [text for tick in ticks for text in (tick.label1, tick.label2)]
    return [text for text in texts if text.get_visible() and text.get_text()]


def beside(axes: Axes) -> list[Text]:
    return [text for text in axes.texts if isinstance(text, Annotation)]


def inside(axes: Axes) -> list[Text]:
    """Numbers in cells and headings, with the names of the rows that headings stand above."""
    texts = [text for text in axes.texts if not isinstance(text, Annotation)]
    return [*texts, *row_names(axes)] if len(texts) < MANY_TEXTS else []


MANY_TEXTS = 150
"""More texts than this are those of a grid of cells, which have a place each."""


def labels(axes: Axes) -> list[Text]:
    texts = [axes.xaxis.label, axes.yaxis.label]
    return [text for text in texts if text.get_text()]


def test_every_figure_says_what_its_axes_show(drawn):
    for drawing in drawn:
        figure = drawing.figure
        labels = [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes]
        across = [figure.get_supxlabel(), *(x for x, _ in labels)]
        upward = [figure.get_supylabel(), *(y for _, y in labels), *names_on_rows(figure)]
        assert any(across), drawing.name
        assert any(upward), drawing.name


def names_on_rows(figure: Figure) -> list[str]:
    """Names of networks along an axis are its label: `leaderboard` and `original`."""
    ticks = figure.axes[0].get_yticklabels()
    return [tick.get_text() for tick in ticks if "LeNet" in tick.get_text()]


def test_captions_are_whole_sentences_of_values(drawn):
    for drawing in drawn:
        for text in (drawing.caption, drawing.alt):
            assert text.endswith("."), drawing.name
            assert not {"nan", "inf", "None"} & set(text.replace(".", " ").split()), text
        assert drawing.alt != drawing.caption


def test_the_classes_of_one_network_have_no_mean():
    study = make_study(models=("lenet",), images_per_class=3)
    drawing = draw(class_heatmap, study, {})
    assert "mean" not in drawing.caption
    assert "networks" not in drawing.alt


def test_classes_that_are_level_are_named_together():
    study = make_study(models=("lenet",), images_per_class=3)
    (key, cell), *_ = study.cells.items()
    names = list(cell.metrics.class_accuracy)
    accuracies = dict.fromkeys(names, 0.5) | {names[1]: 0.9, names[3]: 0.9}
    metrics = dataclasses.replace(cell.metrics, class_accuracy=accuracies)
    level = dataclasses.replace(study, cells={key: dataclasses.replace(cell, metrics=metrics)})
    assert (
        f"is that of {names[1]} and {names[3]} ({percent(0.9)}), the lowest that of 8 of 10 classes"
        in draw(class_heatmap, level, {}).caption
    )


def test_names_are_those_the_pages_ask_for():
    study = make_study(("digits", "cifar10"), models=("lenet", "vgg16"), images_per_class=3)
    of_dataset = [
        "leaderboard",
        "accuracy-against-parameters",
        "accuracy-against-macs",
        "accuracy-against-train-time",
        "accuracy-against-latency",
        "learning-curves",
        "validation-curves",
        "pairs",
        "class-heatmap",
        "confused-pairs",
        "reliability",
    ]
    of_cell = [
        f"{model}-{kind}"
        for model in ("lenet", "vgg16")
        for kind in ("learning-curve", "confusion", "class-bars")
    ]
    assert [drawing.name for drawing in all_drawings(study, ORIGINAL)] == [
        *(f"digits-{name}" for name in of_dataset + of_cell),
        *(f"cifar10-{name}" for name in [*of_dataset, "original", *of_cell]),
    ]


def test_svg_is_the_same_text_for_the_same_study():
    study = make_study(models=("lenet", "vgg16"), images_per_class=3)
    with rc_context({"svg.fonttype": "none"}):
        first, second = (
            [to_svg(drawing.figure) for drawing in all_drawings(study, ORIGINAL)] for _ in range(2)
        )
    assert first == second
    assert not [svg for svg in first if "<dc:date>" in svg or " \n" in svg or "<text" in svg]


def test_looks_differ_in_colour_marker_and_line():
    looks = list(looks_of([f"network-{index}" for index in range(8)], {}).values())
    for part in ("color", "marker", "line"):
        assert len({getattr(look, part) for look in looks}) == 8
    assert looks[3].title == "network-3"


@pytest.mark.parametrize("count", [6, 8, 12, 64])
def test_however_many_networks_no_two_look_alike(count: int):
    looks = list(looks_of([f"network-{index}" for index in range(count)], {}).values())
    assert len({(look.color, look.marker) for look in looks}) == count
    assert len({(look.color, look.line) for look in looks}) == count
    first = list(looks_of(["a", "b"], {}).values())
    assert [(each.color, each.marker) for each in looks[:2]] == [
        (each.color, each.marker) for each in first
    ]


def test_colours_follow_params_and_not_the_rank():
    study = make_study(strengths={**dict.fromkeys(MODELS, 0.5), "lenet": 4.0})
    bars = draw(leaderboard, study).figure.axes[0].patches
    assert study.ranked("digits")[0].model == "lenet"
    assert bars[0].get_facecolor()[:3] == looks_of(study.params.models, {})["lenet"].pale
    assert bars[0].get_facecolor()[2] > to_rgb("#d55e00")[2]


def test_leaderboard_states_leader_ties_and_chance():
    study = make_study()
    drawing = draw(leaderboard, study)
    best = study.ranked("digits")[0]
    assert "GoogLeNet" in drawing.caption
    assert percent(best.metrics.accuracy) in drawing.caption
    assert "cannot be told apart from VGGNet-16." in drawing.caption
    assert f"Chance is {percent(0.1)}" in drawing.caption
    assert "with one seed" in drawing.caption
    chance = drawing.figure.axes[0].lines[-1]
    assert "Tied: GoogLeNet and VGGNet-16" in drawing.alt
    assert list(chance.get_xdata()) == [10, 10]


def test_leaderboard_writes_each_accuracy_with_its_interval():
    study = make_study(models=("lenet",))
    cell = study.cell("digits", "lenet")
    interval = percent_range(*dataclasses.astuple(accuracy_interval(cell)))
    texts = [text.get_text() for text in draw(leaderboard, study).figure.axes[0].texts]
    assert f"{percent(cell.metrics.accuracy)}  ({interval})" in texts


def test_leaderboard_of_clear_results_says_so():
    study = make_study(models=("lenet", "vgg16"), strengths={"lenet": -1.0, "vgg16": 3.0})
    assert "significantly better than every other network" in draw(leaderboard, study).caption


def test_cost_caption_names_only_networks_that_no_other_beats_in_both():
    study = make_study(
        models=("lenet", "alexnet", "vgg16"),
        strengths={
            "lenet": 3.0,
            "alexnet": 0.5,
            "vgg16": 6.0,
        },
    )
    caption = draw(accuracy_against, study, PARAMETERS).caption
    assert caption.startswith("LeNet (62,006) and VGGNet-16 (33,687,882): ")
    assert "one network that another one beats in both" in caption
    assert "alexnet" not in caption


def test_training_time_is_the_mean_over_the_seeds():
    study = make_study(models=("lenet",), seeds=(0, 1, 2))
    cell = study.cell("digits", "lenet")
    times = dict(zip(cell.runs, (2.0, 3.0, 7.0), strict=True))
    runs = [
        dataclasses.replace(run, training=dataclasses.replace(run.training, train_seconds=time))
        for run, time in times.items()
    ]
    cells = {("digits", "lenet"): dataclasses.replace(cell, runs=runs)}
    drawing = draw(accuracy_against, dataclasses.replace(study, cells=cells), TRAIN_TIME)
    assert list(drawing.figure.axes[0].lines[0].get_xdata()) == [4.0]


def test_learning_curves_name_the_widest_and_the_narrowest_gap():
    study = make_study()
    gaps = {
        cell.model: cell.metrics.train_accuracy - cell.metrics.accuracy
        for cell in study.cells_of("digits")
    }
    caption = draw(learning_curves, study).caption
    widest, narrowest = max(gaps, key=gaps.__getitem__), min(gaps, key=gaps.__getitem__)
    assert f"{points(gaps[widest])} for {TITLES.get(widest, widest)}, the most" in caption
    assert f"for {TITLES.get(narrowest, narrowest)}, the least" in caption


def test_seeds_become_a_mean_line_and_a_band():
    study = make_study(models=("lenet",), seeds=(0, 1, 2))
    cell = study.cell("digits", "lenet")
    shown = curve(cell, "validation_accuracy")
    last = [run.history[-1].validation_accuracy for run in cell.runs]
    assert shown.mean[-1] == pytest.approx(sum(last) / 3)
    assert (shown.low[-1], shown.high[-1]) == (min(last), max(last))
    assert len(draw(validation_curves, study).figure.axes[0].collections) == 1
    one = make_study(models=("lenet",))
    assert len(draw(validation_curves, one).figure.axes[0].collections) == 0


def test_original_figures_stand_beside_ours_and_lost_ones_are_named():
    study = make_study(("cifar10",), models=("lenet", "vgg16"))
    lost = [
        cell.model_copy(update={"test_accuracy": None}) if cell.model == "vgg16" else cell
        for cell in ORIGINAL.cells
    ]
    drawing = draw(original_comparison, study, ORIGINAL.model_copy(update={"cells": lost}))
    gap = study.cell("cifar10", "lenet").metrics.accuracy - 0.5974
    assert drawing.caption.startswith(
        f"This study less the original one, in test accuracy: LeNet {points(gap)}. "
    )
    assert "not known" in {text.get_text() for text in drawing.figure.axes[0].texts}


def test_original_caption_names_what_differs_in_the_recipes():
    study = make_study(("cifar10",), models=("lenet", "vgg16"), epochs=7)
    caption = draw(original_comparison, study, ORIGINAL).caption
    theirs = ORIGINAL.cell("cifar10", "lenet")
    assert f"LeNet {theirs.epochs} and 7 epochs" in caption
    assert f"batches of {ORIGINAL.conditions.batch_size} and of" in caption
    assert "300 of the training images are held out" in caption
    settings = {"optimizer": "adam", "batch_size": 128, "flip": False, "shift": 0}
    cells = {
        key: dataclasses.replace(
            cell,
            recipe=cell.recipe.model_copy(
                update={**settings, "learning_rate": ORIGINAL.models[key[1]].learning_rate}
            ),
            metrics=dataclasses.replace(
                cell.metrics, epochs=ORIGINAL.cell("cifar10", key[1]).epochs
            ),
        )
        for key, cell in study.cells.items()
    }
    same = draw(original_comparison, dataclasses.replace(study, cells=cells), ORIGINAL).caption
    assert "The recipes have the same epochs" in same
    assert draw(original_comparison, make_study(models=("lenet",)), ORIGINAL) is None


def test_confusion_has_numbers_for_few_classes_and_an_image_for_many():
    few = draw_cell(confusion, make_study(models=("lenet",)).cell("digits", "lenet"), {})
    assert len(few.figure.axes[0].texts) >= 10
    study = make_study(("cifar100",), models=("lenet",), images_per_class=3)
    many = draw_cell(confusion, study.cell("cifar100", "lenet"), {}).figure.axes[0]
    assert not many.texts
    assert many.images[0].get_array().shape == (100, 100)
    assert len(many.get_xticks()) == 10


def test_faultless_network_has_no_confusions_to_report():
    study = make_study(models=("lenet",), strengths={"lenet": 30.0})
    caption = draw_cell(confusion, study.cell("digits", "lenet"), {}).caption
    assert caption == "LeNet takes no test image for one of another class."


@pytest.mark.parametrize(("dataset", "panels"), [("digits", [10]), ("cifar100", [15, 15])])
def test_class_bars_show_all_or_the_best_and_the_worst(dataset, panels):
    study = make_study((dataset,), models=("lenet",), images_per_class=10)
    cell = study.cell(dataset, "lenet")
    axes = draw_cell(class_bars, cell).figure.axes
    assert [len(panel.patches) for panel in axes] == panels
    lowest = min(cell.metrics.class_accuracy.values())
    assert axes[-1].patches[-1].get_width() == pytest.approx(100 * lowest)


@pytest.mark.parametrize("models", [MODELS, MODELS[:4], MODELS[:1]])
def test_reliability_has_a_panel_a_network_with_a_mark_a_bin(models):
    study = make_study(models=models)
    drawing = draw(reliability_diagrams, study)
    panels = drawing.figure.axes
    ranked = study.ranked("digits")
    titles = [TITLES.get(cell.model, cell.model) for cell in ranked]
    assert [axes.get_title(loc="left") for axes in panels] == titles
    for axes, cell in zip(panels, ranked, strict=True):
        marks = axes.collections[-1].get_offsets()
        assert marks.tolist() == [
            [pytest.approx(100 * each.confidence), pytest.approx(100 * each.accuracy)]
            for each in reliability(cell)
        ]
    assert drawing.caption.startswith(confidence_finding(study, "digits", {**NAMED, **TITLES}))


def test_heatmap_writes_zeros_and_holds_every_class():
    study = make_study(
        ("cifar100",), models=("lenet",), images_per_class=3, strengths={"lenet": -3.0}
    )
    axes = draw(class_heatmap, study, {}).figure.axes
    texts = [text.get_text() for panel in axes for text in panel.texts]
    assert len(texts) == 100
    assert "0" in texts


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=7),
)
def test_frontier_is_what_nothing_beats_in_both(values):
    base = SMALL.cell("digits", "lenet")
    cells = [
        dataclasses.replace(
            base,
            model=f"network-{place}",
            metrics=dataclasses.replace(base.metrics, accuracy=accuracy / 4),
        )
        for place, (accuracy, _) in enumerate(values)
    ]
    cost = {cell.model: price for cell, (_, price) in zip(cells, values, strict=True)}

    def beaten(cell: Cell, others: list[Cell]) -> bool:
        return any(
            other.metrics.accuracy > cell.metrics.accuracy and cost[other.model] < cost[cell.model]
            for other in others
        )

    kept = frontier(cells, cost)
    assert not [cell for cell in kept if beaten(cell, cells)]
    assert all(beaten(cell, kept) for cell in cells if cell not in kept)
    assert [cost[cell.model] for cell in kept] == sorted(cost[cell.model] for cell in kept)


def test_networks_that_others_beat_are_hollow_and_have_muted_names():
    study = make_study(
        models=("lenet", "alexnet", "vgg16"),
        strengths={"lenet": 3.0, "alexnet": 0.5, "vgg16": 6.0},
    )
    axes = draw(accuracy_against, study, PARAMETERS).figure.axes[0]
    inks = {text.get_text().split()[0]: text.get_color() for text in beside(axes)}
    assert inks == {"LeNet": INK, "VGGNet-16": INK, "alexnet": MUTED}
    steps = axes.lines[-1]
    assert steps.get_drawstyle() == "steps-post"
    assert list(steps.get_xdata())[:2] == [62_006, 33_687_882]


def test_latency_is_not_drawn_where_a_training_lacks_it():
    cell = SMALL.cell("digits", "lenet")
    training = dataclasses.replace(cell.runs[0].training, latency_ms_batch_1=None)
    without = dataclasses.replace(cell, runs=[dataclasses.replace(cell.runs[0], training=training)])
    study = dataclasses.replace(SMALL, cells={("digits", "lenet"): without})
    assert draw(accuracy_against, SMALL, LATENCY) is not None
    assert draw(accuracy_against, study, LATENCY) is None
    assert draw(accuracy_against, study, MACS) is not None


@given(st.integers(1, 6).flatmap(lambda n: st.tuples(st.just(n), st.sets(pairs_below(n)))))
def test_tied_groups_are_the_largest_in_which_all_are_tied(drawn_ties):
    count, ties = drawn_ties
    cell = SMALL.cell("digits", "lenet")
    joined = ties | {(b, a) for a, b in ties}
    ranked = [
        RankedCell(
            dataclasses.replace(cell, model=str(row)),
            1,
            tuple(str(other) for other in range(count) if (row, other) in joined),
        )
        for row in range(count)
    ]
    groups = tied_groups(ranked)
    assert all(pair in joined for rows in groups for pair in itertools.permutations(rows, 2))
    for a, b in ties:
        assert any({a, b} <= set(rows) for rows in groups)
    for rows in groups:
        others = set(range(count)) - set(rows)
        assert not [each for each in others if all((each, row) in joined for row in rows)]


def test_leaderboard_shows_the_deviation_over_several_seeds():
    study = make_study(models=("lenet", "vgg16"), seeds=(0, 1, 2))
    cell = study.cell("digits", "lenet")
    drawing = draw(leaderboard, study)
    written = percent_spread(cell.metrics.accuracy, seed_deviation(cell))
    texts = [text.get_text() for text in beside(drawing.figure.axes[0])]
    assert [text for text in texts if text.startswith(f"{written}  (")]
    assert f"LeNet {written}" in drawing.alt
    assert "standard deviation over the seeds" in drawing.caption


def test_pairwise_matrix_shades_what_can_be_told_apart_and_frames_ties():
    study = make_study(
        models=("lenet", "alexnet", "vgg16"),
        strengths={"lenet": -2.0, "alexnet": 3.0, "vgg16": 3.1},
    )
    axes = draw(pairwise_matrix, study).figure.axes[0]
    texts = {text.get_text() for text in axes.texts}
    pairs = compare_all(study.ranked("digits"))
    assert len(texts) == len(axes.patches) == 3
    for pair in pairs:
        apart = pair.p_value < ALPHA
        start = f"{-100 * pair.difference:+.1f}\np"
        (text,) = (text for text in texts if text.startswith(start))
        assert text.endswith("tied") != apart
    shaded = [patch for patch in axes.patches if patch.get_facecolor()[:3] != to_rgb(PAPER)]
    assert len(shaded) == sum(pair.p_value < ALPHA for pair in pairs)
    assert draw(pairwise_matrix, SMALL) is None


def test_confused_pairs_are_means_over_the_networks():
    study = make_study(models=("lenet", "vgg16"))
    tables = [confusion_shares(cell) for cell in study.cells_of("digits")]
    mean = sum(tables) / 2
    np.fill_diagonal(mean, 0)
    most = most_frequent(study.cells_of("digits"), 5)
    assert [each.mean for each in most] == pytest.approx(sorted(mean.ravel())[::-1][:5])
    for each in most:
        assert each.mean == pytest.approx(mean[int(each.actual), int(each.predicted)])
    caption = draw(confused_pairs, study).caption
    assert f"class {most[0].actual} is taken for {most[0].predicted} most often" in caption
    right = make_study(models=("lenet",), strengths={"lenet": 30.0})
    assert draw(confused_pairs, right) is None


def test_classes_stand_by_superclass_and_the_roll_up_counts_them_together():
    study = make_study(("cifar100-objects",), models=("lenet",), images_per_class=20)
    cell = study.cell("cifar100-objects", "lenet")
    groups = superclasses_of(study.params, cell.dataset, list(cell.metrics.class_accuracy))
    axes = draw_cell(confusion, cell, groups).figure.axes[0]
    names = [name for members in groups.values() for name in members]
    assert [text.get_text() for text in row_names(axes)] == names
    texts = draw(class_heatmap, study, groups).figure.axes[0].texts
    assert set(groups) <= {text.get_text() for text in texts}

    group_of = {name: group for group, members in groups.items() for name in members}
    known = list(cell.metrics.class_accuracy)
    table = cell.runs[0].predictions
    actual = [group_of[known[label]] for label in table["label"]]
    predicted = [group_of[known[label]] for label in table["predicted"]]
    right = sum(a == b for a, b in zip(actual, predicted, strict=True)) / len(table)
    rolled = draw_cell(superclass_confusion, cell, groups)
    assert f"the superclass of {percent(right)} of the test images" in rolled.caption
    for group in groups:
        rows = [p for a, p in zip(actual, predicted, strict=True) if a == group]
        assert f"{group} {percent(rows.count(group) / len(rows), 0)}" in rolled.alt
    assert draw_cell(superclass_confusion, cell, {}) is None


def test_every_figure_of_hundred_classes_is_small_enough_for_git():
    study = make_study(("cifar100",), seeds=(0, 1, 2), epochs=60, images_per_class=20)
    sizes = {each.name: len(to_svg(each.figure)) for each in all_drawings(study, ORIGINAL)}
    assert max(sizes.values()) < 250_000, max(sizes, key=sizes.__getitem__)
    assert sum(sizes.values()) / len(sizes) < 70_000


@pytest.mark.parametrize("name", ["a$b$c", "<script>", "](x)", "a|b\\", "#*_`", "\"&'", "-->"])
def test_names_of_classes_are_drawn_as_they_are(name):
    study = make_study(models=("lenet",))
    cell = study.cell("digits", "lenet")
    accuracies = dict(zip([name, *"123456789"], cell.metrics.class_accuracy.values(), strict=True))
    hostile = dataclasses.replace(
        cell, metrics=dataclasses.replace(cell.metrics, class_accuracy=accuracies)
    )
    for drawing in (draw_cell(class_bars, hostile), draw_cell(confusion, hostile, {})):
        axes = drawing.figure.axes[0]
        assert name in [text.get_text() for text in row_names(axes)]
        svg = to_svg(drawing.figure)
        assert name not in svg or name in ("#*_`", "-->")
        ET.fromstring(svg)


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ([0.1, 0.9], [0.1, 0.9]),
        ([0.5, 0.5], [0.5, 0.6]),
        ([0.9, 1.0, 0.95], [0.8, 1.0, 0.9]),
        ([0.55, 0.5], [0.6, 0.5]),
        ([], []),
    ],
)
def test_spread_keeps_order_and_distance(heights, expected):
    assert spread(heights, 0.1) == pytest.approx(expected)


def write_project(folder: Path, study: Study) -> list[str]:
    """Write params.yaml and results of a study; return the arguments of the plot stage."""
    raw = YAML(typ="safe").load(PARAMS.read_text(encoding="utf-8"))
    raw |= {"datasets": study.params.datasets, "models": study.params.models}
    YAML().dump(raw | {"seeds": study.params.seeds}, folder / "params.yaml")
    write_study(study, folder / "results")
    inputs = {
        "params": folder / "params.yaml",
        "results": folder / "results",
        "original": REPORT / "original_study.yaml",
        "style": STYLE,
        "out": folder / "figures",
        "plots": folder / "plots",
    }
    return [text for name, path in inputs.items() for text in (f"--{name}", str(path))]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_plot_stage_writes_figures_texts_and_tables(tmp_path):
    argv = write_project(tmp_path, make_study(("cifar10",), models=("lenet", "vgg16")))
    plot.main(argv)
    texts = json.loads((tmp_path / "figures/figures.json").read_text(encoding="utf-8"))
    files = {f"{name}{ending}.svg" for name in texts for ending in ("", "-dark")}
    written = contents(tmp_path / "figures")
    assert files | {"figures.json"} == {
        name for name in written if ".chart." not in name and not name.startswith("formula")
    }
    for name in texts:
        light = written[f"{name}.svg"].decode()
        assert written[f"{name}-dark.svg"].decode() == dark_of(light) != light
    assert {"caption", "alt"} <= set(texts["cifar10-leaderboard"])
    assert "VGGNet-16" in texts["cifar10-leaderboard"]["caption"]
    assert "cifar10-original" in texts
    for field in ("validation_accuracy", "train_loss"):
        assert set(contents(tmp_path / "plots" / field)) == {"cifar10.csv"}


def test_plot_stage_touches_only_what_changed(tmp_path):
    argv = write_project(tmp_path, make_study(models=("lenet",), images_per_class=3))
    plot.main(argv)
    before = contents(tmp_path / "figures")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "figures").iterdir()}
    (tmp_path / "figures/digits-old-confusion.svg").write_text("stale", encoding="utf-8")
    (tmp_path / "figures/.gitkeep").touch()
    (tmp_path / "plots/train_loss/old.csv").write_text("stale", encoding="utf-8")
    plot.main(argv)
    assert contents(tmp_path / "figures") == before | {".gitkeep": b""}
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert set(contents(tmp_path / "plots/train_loss")) == {"digits.csv"}


def test_history_table_is_a_mean_over_seeds_and_empty_where_a_network_has_ended():
    study = make_study(models=("lenet", "vgg16"), seeds=(0, 1))
    short = study.cell("digits", "vgg16")
    runs = [dataclasses.replace(run, history=run.history[:2]) for run in short.runs]
    cells = study.cells | {("digits", "vgg16"): dataclasses.replace(short, runs=runs)}
    text = plot.history_table(dataclasses.replace(study, cells=cells), "digits", "train_loss")
    rows = [line.split(",") for line in text.splitlines()]
    assert rows[0] == ["epoch", "lenet", "vgg16"]
    assert [row[0] for row in rows[1:]] == ["1", "2", "3"]
    losses = [run.history[2].train_loss for run in study.cell("digits", "lenet").runs]
    assert float(rows[3][1]) == pytest.approx(sum(losses) / 2, rel=1e-5)
    assert rows[3][2] == ""


def test_plot_stage_names_what_is_missing(tmp_path):
    argv = write_project(tmp_path, make_study(models=("lenet",), images_per_class=3))
    with pytest.raises(InputError, match=r"none\.mplstyle: cannot be read"):
        plot.main([*argv, "--style", str(tmp_path / "none.mplstyle")])
    shutil.rmtree(tmp_path / "results/digits/lenet/history")
    with pytest.raises(ResultsError, match="run `dvc repro` first"):
        plot.main(argv)


def test_synthetic_studies_are_read_back_as_they_were_written(tmp_path):
    study = make_study(("digits", "cifar100-objects"), models=("lenet", "vgg16"), seeds=(0, 3))
    write_study(study, tmp_path)
    loaded = load_study(study.params, tmp_path)
    for key, cell in study.cells.items():
        assert loaded.cells[key].metrics.accuracy == pytest.approx(cell.metrics.accuracy, rel=1e-5)
        assert loaded.cells[key].architecture == cell.architecture
        layers = cell.architecture.layers
        assert sum(layer.parameters for layer in layers) == cell.metrics.parameters
    confusion = pd.read_csv(tmp_path / "cifar100-objects/vgg16/confusion/s3.csv")
    assert set(confusion.actual) == set(study.params.subsets["cifar100-objects"].classes)


# --- more networks than five ---------------------------------------------------------------------

LONG = tuple(f"network{index}" for index in range(7))
LONG_TITLES = {name: f"Some Network-{index} Large" for index, name in enumerate(LONG)}


def overlapping(texts: list[Text]) -> list[tuple[str, str]]:
    """Texts of a drawn figure that run into each other."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    return [(one, two) for (one, a), (two, b) in itertools.combinations(boxes, 2) if a.overlaps(b)]


@pytest.mark.parametrize("more", [1, 3, 7])
def test_names_of_more_networks_do_not_run_into_each_other(more: int):
    study = with_networks(make_study(datasets=("cifar10",)), *LONG[:more])
    looks = looks_of(study.params.models, {**TITLES, **LONG_TITLES})
    drawings = [
        class_heatmap(study, "cifar10", looks, {}),
        pairwise_matrix(study, "cifar10", looks),
    ]
    for drawing in drawings:
        figure = drawing.figure
        FigureCanvasAgg(figure).draw()
        (axes, *_) = figure.axes
        assert overlapping([*axes.get_xticklabels()]) == [], drawing.name
        assert overlapping(axes.texts) == [], drawing.name
    marks = confused_pairs(study, "cifar10", looks).figure
    FigureCanvasAgg(marks).draw()
    (legend,) = marks.legends
    assert marks.bbox.contains(*legend.get_window_extent().min)
    assert marks.bbox.contains(*legend.get_window_extent().max)
    assert overlapping(legend.get_texts()) == []


def test_a_network_that_the_original_study_lacks_is_said_to_be_none_of_its():
    study = with_networks(make_study(datasets=("cifar10",)), "sixth")
    looks = looks_of(study.params.models, TITLES)
    drawing = original_comparison(study, "cifar10", looks, ORIGINAL)
    assert "sixth" in drawing.alt
    assert drawing.alt.count("and not in the study") == 1
    assert "sixth" not in drawing.caption
