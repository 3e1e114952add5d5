"""The diagrams: computed words, letters that can be read, and a drawing for any record."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_study import make_study
from matplotlib import style
from matplotlib.colors import to_rgb
from matplotlib.text import Annotation, Text
from test_topology import layer, made_of, record_of

from cnnreport.figures.dark import DARK
from cnnreport.figures.diagrams import blocks, network_diagrams, study_diagrams, units, volumes
from cnnreport.figures.diagrams.networks import architecture, rows_of
from cnnreport.figures.diagrams.networks import blocks as network_blocks
from cnnreport.figures.diagrams.paths import TIMES
from cnnreport.figures.diagrams.training import START, descend, learning_rates, loss, one_cycle
from cnnreport.figures.diagrams.windows import (
    FILTER,
    PICTURE,
    convolve,
    output_side,
    receptive_field,
)
from cnnreport.figures.drawing import Drawing, to_svg
from cnnreport.figures.looks import (
    DENSE_FILL,
    INK,
    JOIN_FILL,
    MUTED,
    PAPER,
    PLAIN_FILL,
    POOL_FILL,
    WINDOW_FILL,
    looks_of,
)
from cnnreport.params import load_params
from cnnreport.records import Architecture
from cnnreport.study import Cell, Study, load_study

ROOT = Path(__file__).parents[1]
TITLES = {"lenet": "LeNet", "resnet50": "ResNet-50"}


@pytest.fixture(autouse=True)
def look_of_the_report() -> Iterator[None]:
    with style.context(ROOT / "report/figures.mplstyle"):
        yield


@pytest.fixture(scope="module")
def live() -> Study:
    return load_study(load_params(ROOT / "params.yaml"), ROOT / "results")


@pytest.fixture(scope="module")
def drawn(live: Study) -> list[Drawing]:
    with style.context(ROOT / "report/figures.mplstyle"):
        return list(study_diagrams(live, TITLES))


def test_a_frozen_study_has_the_diagrams_of_its_networks_alone(live: Study) -> None:
    names = [drawing.name for drawing in study_diagrams(live, TITLES)]
    assert len(set(names)) == len(names)
    assert {"diagram-inception", "digits-lenet-architecture", "digits-resnet50-block"} < set(names)
    looks = looks_of(live.params.models, TITLES)
    kept = [drawing.name for drawing in network_diagrams(live, looks)]
    assert not [name for name in kept if name.startswith("diagram-")]
    assert "digits-lenet-block" not in kept


def test_captions_and_alts_are_whole_sentences(drawn: list[Drawing]) -> None:
    for drawing in drawn:
        assert drawing.caption != drawing.alt
        for text in (drawing.caption, drawing.alt):
            assert text.endswith("."), drawing.name
            assert not re.search(r"\b(nan|None|inf)\b|\.\.|  ", text), (drawing.name, text)


def words(drawing: Drawing) -> list[Text]:
    return [
        text
        for axes in drawing.figure.axes
        for text in axes.texts
        if text.get_text() and not (isinstance(text, Annotation) and text.arrow_patch)
    ]


def test_no_word_lies_outside_or_upon_another(drawn: list[Drawing]) -> None:
    for drawing in drawn:
        drawing.figure.draw_without_rendering()
        canvas = drawing.figure.bbox.padded(1)
        boxes = [(text, Text.get_window_extent(text)) for text in words(drawing)]
        for text, box in boxes:
            assert canvas.contains(box.x0, box.y0), (drawing.name, text.get_text())
            assert canvas.contains(box.x1, box.y1), (drawing.name, text.get_text())
        for (one, first), (two, second) in itertools.combinations(boxes, 2):
            # The box of a line has room above and below its letters.
            apart = not first.padded(-1.5).overlaps(second.padded(-1.5))
            assert apart, (drawing.name, one.get_text(), two.get_text())


def test_every_colour_has_its_counterpart_for_the_dark(drawn: list[Drawing]) -> None:
    for drawing in drawn:
        colors = set(re.findall(r"#[0-9a-f]{6}\b", to_svg(drawing.figure)))
        assert colors <= set(DARK), (drawing.name, colors - set(DARK))


def luminance(color: str) -> float:
    """The relative luminance of WCAG 2.2."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in to_rgb(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("fill", [WINDOW_FILL, POOL_FILL, DENSE_FILL, JOIN_FILL, PLAIN_FILL, PAPER])
@pytest.mark.parametrize("ink", [INK, MUTED])
def test_words_can_be_read_on_every_box_in_both_schemes(fill: str, ink: str) -> None:
    for box, letters in ((fill, ink), (DARK[fill], DARK[ink])):
        low, high = sorted([luminance(box), luminance(letters)])
        assert (high + 0.05) / (low + 0.05) >= 4.5, (box, letters)


def test_a_diagram_is_the_same_each_time(live: Study, drawn: list[Drawing]) -> None:
    again = {drawing.name: drawing for drawing in study_diagrams(live, TITLES)}
    for drawing in drawn[:2] + drawn[-2:]:
        assert to_svg(drawing.figure) == to_svg(again[drawing.name].figure)


def test_the_papers_widths_are_those_of_the_records() -> None:
    google = {each.name: each.output_shape[-1] for each in record_of("googlenet").layers}
    module = {each.name: each.output_shape[-1] for each in blocks.inception_step().layers}
    assert google["pool2"] == blocks.MAPS
    assert module == {
        "pool": google["inception3a_pool"],
        "reduce3": google["inception3a_3x3_reduce"],
        "reduce5": google["inception3a_5x5_reduce"],
        "ones": google["inception3a_1x1"],
        "threes": google["inception3a_3x3"],
        "fives": google["inception3a_5x5"],
        "pooled": google["inception3a_pool_reduce"],
        "stack": google["inception3a"],
    }
    resnet = {each.name: each.output_shape[-1] for each in record_of("resnet50").layers}
    assert resnet["pool1"] == blocks.ENTERING
    assert resnet["stage2_block1_conv2"] == blocks.NARROW
    assert resnet["stage2_block1_add"] == blocks.BROAD


def test_the_volumes_are_those_of_lenet() -> None:
    shapes = [
        tuple(each.output_shape) for each in record_of("lenet").layers if each.kind != "Flatten"
    ]
    drawn = [shape if shape[0] > 1 else (shape[2],) for _, shape in volumes.volume_shapes()]
    assert drawn == shapes


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 4), st.integers(0, 3))
def test_output_side_counts_the_places_of_a_window(
    side: int, window: int, step: int, border: int
) -> None:
    whole = side + 2 * border
    places = [start for start in range(0, whole, step) if start + window <= whole]
    if places:
        assert output_side(side, window, step, border) == len(places)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), min_size=1, max_size=4))
def test_receptive_field_counts_the_pixels_behind_a_unit(layers: list[tuple[int, int]]) -> None:
    seen = {0}
    for window, step in reversed(layers):
        seen = {unit * step + offset for unit in seen for offset in range(window)}
    assert receptive_field(layers) == max(seen) + 1


def test_the_example_of_a_convolution_is_worked_out_right() -> None:
    by_hand = [
        [
            sum(PICTURE[i + u, j + v] * FILTER[u, v] for u in range(3) for v in range(3))
            for j in range(3)
        ]
        for i in range(3)
    ]
    assert convolve(PICTURE, FILTER).tolist() == by_hand


def test_the_slopes_are_those_of_the_functions() -> None:
    z = np.linspace(-3, 3, 61) + 0.013
    for name, function, slope in units.FUNCTIONS:
        numeric = (function(z + 1e-6) - function(z - 1e-6)) / 2e-6
        assert np.allclose(slope(z), numeric, atol=1e-6), name


def test_the_ways_down_the_valley_do_what_the_caption_says() -> None:
    assert loss(descend(0.02, 0.0)[-1]) > loss(descend(0.098, 0.0)[-1])
    assert loss(descend(0.02, 0.8)[-1]) < loss(descend(0.098, 0.0)[-1]) / 10
    assert loss(descend(0.101, 0.0, steps=500)[-1]) > loss(START)


def test_the_schedule_drawn_is_the_one_that_trains() -> None:
    keras_half = pytest.importorskip("cnnreport.recipes")
    steps = 50
    schedule = keras_half.OneCycle(0.4, steps)
    trained = [float(schedule(step)) for step in range(steps)]
    assert np.allclose(0.4 * one_cycle((np.arange(steps) + 1) / steps), trained, atol=1e-6)


SIXTH = [
    layer("image", "InputLayer", [32, 32, 3], []),
    layer("stem", "Conv2D", [16, 16, 8], ["image"], parameters=224, activation="relu"),
    layer("dw", "DepthwiseConv2D", [16, 16, 8], ["stem"], parameters=80),
    layer("inner", "Conv2D", [16, 16, 8], ["dw"], parameters=72),
    layer("gate", "Multiply", [16, 16, 8], ["dw", "inner"]),
    layer("out", "Add", [16, 16, 8], ["stem", "gate"]),
    layer("pool", "GlobalAveragePooling2D", [8], ["out"]),
    layer("main", "Dense", [10], ["pool"], parameters=90, activation="softmax"),
]


def cell_with(record: Architecture, model: str = "lenet") -> Cell:
    study = make_study(models=("lenet",))
    cell: Cell = study.cell("digits", "lenet")
    return replace(cell, architecture=record, model=model)


def test_a_network_that_nobody_foresaw_is_drawn_from_its_record() -> None:
    cell = cell_with(made_of(SIXTH), "sixth")
    look = looks_of(["sixth"], {})["sixth"]
    whole, block = architecture(cell, look, "digits"), network_blocks(cell, look, "digits")
    assert whole.name == "digits-sixth-architecture"
    assert "global average pooling" in whole.alt
    assert "multiply-accumulates" not in [text.get_text() for text in words(whole)]
    assert block is not None
    assert f"out sends 16{TIMES}16{TIMES}8 values along two ways and adds them up" in block.caption
    assert to_svg(block.figure).startswith("<?xml")


@pytest.mark.parametrize("name", ["<script>x</script>", "a$b$c", r"\frac", "](x)|#*", "שלום", '"'])
def test_names_are_drawn_as_they_are(name: str) -> None:
    renamed = [
        replace(
            each,
            name=name if each.name == "out" else each.name,
            inputs=[name if before == "out" else before for before in each.inputs],
        )
        for each in SIXTH
    ]
    cell = cell_with(made_of(renamed))
    look = looks_of(["lenet"], {"lenet": name})["lenet"]
    for drawing in (architecture(cell, look, name), network_blocks(cell, look, name)):
        assert drawing is not None
        assert "<script" not in to_svg(drawing.figure)
        assert name in drawing.caption


@pytest.mark.parametrize("model", ["lenet", "alexnet", "vgg16", "resnet50", "googlenet"])
def test_the_rows_add_up_to_the_record(model: str) -> None:
    record = record_of(model)
    rows = rows_of(record)
    assert sum(row.parameters for row in rows) == record.parameters
    assert sum(row.work or 0 for row in rows) == record.macs
    assert [row.beside for row in rows].count(True) == (2 if model == "googlenet" else 0)


def test_the_schedule_names_those_that_follow_it() -> None:
    cells = make_study(models=("lenet", "alexnet")).cells_of("digits")
    looks = looks_of(["lenet", "alexnet"], {"lenet": "LeNet"})

    def caption(*schedules: str) -> str:
        changed = [
            replace(cell, recipe=cell.recipe.model_copy(update={"schedule": schedule}))
            for cell, schedule in zip(cells, schedules, strict=True)
        ]
        return learning_rates(changed, looks).caption

    assert "This study's trainings follow it" in caption("one_cycle", "one_cycle")
    assert "keep their rate constant" in caption("constant", "constant")
    assert "followed by LeNet;" in caption("one_cycle", "constant")
