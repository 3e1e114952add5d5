import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pytest
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from make_study import MODELS, PARAMS, make_study

from cnnreport.calibration import reliability
from cnnreport.charts import all_charts
from cnnreport.charts.classes import class_heatmap
from cnnreport.charts.confusions import confusion
from cnnreport.charts.cost import COSTS
from cnnreport.charts.curves import learning_curve
from cnnreport.charts.looks import SHAPES
from cnnreport.charts.reliability import reliability_diagrams
from cnnreport.charts.spec import SUFFIX, Chart, to_json
from cnnreport.figures import all_drawings
from cnnreport.figures.dark import DARK
from cnnreport.figures.looks import LOOKS, looks_of
from cnnreport.original import load_original
from cnnreport.records import rounded, save_text
from cnnreport.stages.plot import figure_files
from cnnreport.statistics import accuracy_interval, class_interval
from cnnreport.study import Study
from cnnreport.superclasses import SUPERCLASSES
from cnnreport.verification.charts import chart_checks
from cnnreport.verification.findings import Check, Level
from site_files import chart_library

REPORT = PARAMS.parent / "report"
STYLE = REPORT / "figures.mplstyle"
TITLES = {"lenet": "LeNet", "vgg16": "VGGNet-16"}
ORIGINAL = load_original(REPORT / "original_study.yaml")
HOSTILE = (
    "<img src=x onerror=alert(1)> \"'`${x}\\ ](y) | # *\n\N{RIGHT-TO-LEFT OVERRIDE}\N{PILE OF POO}"
)


def without_latency(study: Study) -> Study:
    cell = study.cells["digits", "lenet"]
    records = [
        dataclasses.replace(
            run, training=dataclasses.replace(run.training, latency_ms_batch_1=None)
        )
        for run in cell.runs
    ]
    cells = {**study.cells, ("digits", "lenet"): dataclasses.replace(cell, runs=records)}
    return dataclasses.replace(study, cells=cells)


STUDIES: dict[str, Callable[[], Study]] = {
    "one seed": make_study,
    "several seeds": lambda: make_study(("cifar10",), MODELS[:2], seeds=(0, 1, 2), epochs=5),
    "one epoch of one network": lambda: make_study(models=("lenet",), epochs=1),
    "all right": lambda: make_study(strengths=dict.fromkeys(MODELS, 9.0), images_per_class=3),
    "hundred classes": lambda: make_study(("cifar100",), MODELS[:2], images_per_class=20),
    "no latency": lambda: without_latency(make_study()),
    "superclasses": lambda: make_study(("cifar100-objects",), MODELS[:2], images_per_class=5),
}


@pytest.fixture(scope="module", params=STUDIES)
def study(request: pytest.FixtureRequest) -> Study:
    return STUDIES[request.param]()


@pytest.fixture(scope="module")
def specs(study: Study) -> dict[str, dict[str, Any]]:
    return specs_of(study)


def specs_of(study: Study) -> dict[str, dict[str, Any]]:
    """Every chart of a study as the site gets it, by the name of its figure."""
    return {chart.name: json.loads(to_json(chart, "")) for chart in all_charts(study, TITLES)}


def rows_of(spec: dict[str, Any]) -> dict[str, list[Any]]:
    """The columns that a chart's rows are made from."""
    (columns,) = spec["data"]["values"]
    assert sorted(spec["transform"][0]["flatten"]) == sorted(columns)
    assert len({len(column) for column in columns.values()}) == 1
    return columns


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value anywhere in a chart, but for its data."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key, item
            if key != "values":
                yield from parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from parts(item)


def expressions(spec: dict[str, Any]) -> list[str]:
    names = ("calculate", "expr", "filter", "labelExpr", "test")
    return [value for key, value in parts(spec) if key in names and isinstance(value, str)]


def marks(svg: bytes, kind: str) -> int:
    """How many marks of a kind the layers of a chart drew, legends and axes aside."""
    layer = f"//*[local-name()='g'][contains(@class, 'mark-{kind} role-mark')]"
    return len(
        etree.fromstring(svg).xpath(f"{layer}/*[local-name()='path' or local-name()='line']")
    )


def drawn(spec: dict[str, Any]) -> bytes:
    shown = {**spec, "width": 400}
    return vl_convert.vegalite_to_svg(shown, show_warnings=True).encode()


def test_every_chart_is_another_form_of_a_figure(
    study: Study, specs: dict[str, dict[str, Any]]
) -> None:
    names = set(specs)
    figures = {drawing.name for drawing in all_drawings(study, ORIGINAL)}
    assert names <= figures
    dataset = study.params.datasets[0]
    assert {f"{dataset}-learning-curves", f"{dataset}-class-heatmap"} <= names
    costs = {name for name in figures if "-accuracy-against-" in name}
    assert costs == {name for name in names if "-accuracy-against-" in name}


def test_charts_are_vega_lite_and_draw(
    specs: dict[str, dict[str, Any]], capfd: pytest.CaptureFixture[str]
) -> None:
    for name, spec in specs.items():
        kind = alt.LayerChart if "layer" in spec else alt.Chart
        kind.from_dict(spec)  # validates
        assert b"<svg" in drawn(spec), name
    assert not capfd.readouterr().err


def test_every_field_comes_from_the_data_or_from_a_step(specs: dict[str, dict[str, Any]]) -> None:
    for name, spec in specs.items():
        known = set(rows_of(spec))
        for key, value in parts(spec):
            if key == "as":
                known |= set(value) if isinstance(value, list) else {value}
        used = {value for key, value in parts(spec) if key == "field" and isinstance(value, str)}
        assert used, name
        for expression in expressions(spec):
            used |= set(re.findall(r"datum\.(\w+)", expression)) - {"datum"}
        # An axis' own labels are the `value` and `label` of its ticks.
        assert used <= known | {"value", "label"}, name


def test_the_same_study_gives_the_same_text(specs: dict[str, dict[str, Any]], study: Study) -> None:
    for chart in all_charts(study, TITLES):
        text = to_json(chart, "")
        assert json.loads(text) == specs[chart.name]
        assert text.count("\n") == 1


def test_charts_ask_nothing_of_another_host(specs: dict[str, dict[str, Any]]) -> None:
    for name, spec in specs.items():
        assert "http" not in json.dumps(spec), name
        assert not {"$schema", "config", "url", "href"} & {key for key, _ in parts(spec)}, name


def test_no_two_lines_of_a_tooltip_have_one_name(specs: dict[str, dict[str, Any]]) -> None:
    for name, spec in specs.items():
        for key, lines in parts(spec):
            if key == "tooltip" and isinstance(lines, list):
                titles = [line.get("title", line["field"]) for line in lines]
                assert len(titles) == len(set(titles)), name


def test_charts_of_a_study_are_small() -> None:
    weak = dict.fromkeys(MODELS, 0.0)
    many = make_study(("cifar100",), epochs=60, images_per_class=100, strengths=weak)
    sizes = {
        "digits": sum(len(to_json(chart, "")) for chart in all_charts(make_study(), TITLES)),
        "cifar100": sum(len(to_json(chart, "")) for chart in all_charts(many, TITLES)),
    }
    assert sizes["digits"] < 200_000
    assert sizes["cifar100"] < 1_500_000


def test_cost_has_the_figures_of_every_network() -> None:
    study = make_study()
    cells = study.cells_of("digits")
    spec = specs_of(study)["digits-accuracy-against-macs"]
    rows = rows_of(spec)
    assert rows["network"][:3] == ["LeNet", "alexnet", "VGGNet-16"]
    assert rows["accuracy"] == [rounded(cell.metrics.accuracy) for cell in cells]
    intervals = [accuracy_interval(cell) for cell in cells]
    assert rows["low"] == [rounded(float(interval.low)) for interval in intervals]
    assert rows["high"] == [rounded(float(interval.high)) for interval in intervals]
    assert rows["parameters"] == [cell.metrics.parameters for cell in cells]
    assert rows["latency_128"] == [rounded(float(cell.latency_ms(128) or 0)) for cell in cells]
    picked = next(param for param in spec["params"] if param["name"] == "cost")
    assert picked["value"] == "macs"
    assert picked["bind"]["options"] == list(COSTS)
    assert marks(drawn(spec), "symbol") == len(cells)


def test_the_frontier_holds_the_networks_that_no_other_beats() -> None:
    study = make_study()
    spec = specs_of(study)["digits-accuracy-against-parameters"]
    frontiers = next(param["value"] for param in spec["params"] if param["name"] == "frontiers")
    rows = rows_of(spec)
    for cost, places in frontiers.items():
        better = [
            place
            for place, (own, accuracy) in enumerate(zip(rows[cost], rows["accuracy"], strict=True))
            if not any(
                other < own and higher > accuracy
                for other, higher in zip(rows[cost], rows["accuracy"], strict=True)
            )
        ]
        assert places == better, cost


def test_the_line_of_the_frontier_never_falls_where_two_networks_cost_the_same() -> None:
    strengths = dict(zip(MODELS[:3], (3.0, 1.5, 6.0), strict=True))
    study = make_study(models=MODELS[:3], strengths=strengths)
    costs = dict(zip(MODELS[:3], (100, 100, 1000), strict=True))
    cells = {
        place: dataclasses.replace(
            cell, metrics=dataclasses.replace(cell.metrics, parameters=costs[cell.model])
        )
        for place, cell in study.cells.items()
    }
    first, second, third = (cell.metrics.accuracy for cell in cells.values())
    assert second < first < third
    spec = specs_of(dataclasses.replace(study, cells=cells))["digits-accuracy-against-parameters"]
    line = "//*[local-name()='g'][contains(@class, 'mark-line role-mark')]//*/@d"
    (path,) = etree.fromstring(drawn(spec)).xpath(line)
    heights = [float(y) for y in re.findall(r"[ML][-\d.]+,([-\d.]+)", path)]
    assert len(heights) >= 3
    assert heights == sorted(heights, reverse=True)


def test_a_cost_that_was_not_measured_cannot_be_picked() -> None:
    specs = specs_of(without_latency(make_study()))
    assert "digits-accuracy-against-latency" not in specs
    spec = specs["digits-accuracy-against-parameters"]
    picked = next(param for param in spec["params"] if param["name"] == "cost")
    assert picked["bind"]["options"] == [cost for cost in COSTS if cost != "latency_1"]
    assert "latency_1" not in rows_of(spec)


def test_curves_have_each_epoch_of_each_network_and_the_ends_over_the_seeds() -> None:
    study = make_study(seeds=(0, 1, 2), epochs=4)
    rows = rows_of(specs_of(study)["digits-learning-curves"])
    assert rows["epoch"] == [1, 2, 3, 4] * len(MODELS)
    cell = study.cells["digits", "alexnet"]
    losses = [run.history[1].validation_loss for run in cell.runs]
    place = rows["network"].index("alexnet") + 1
    assert rows["validation_loss"][place] == rounded(float(np.mean(losses)))
    assert rows["validation_loss_low"][place] == rounded(min(losses))
    assert rows["validation_loss_high"][place] == rounded(max(losses))
    one = rows_of(specs_of(make_study())["digits-lenet-learning-curve"])
    assert set(one["network"]) == {"LeNet"}
    assert not [name for name in one if name.endswith(("_low", "_high"))]


def test_both_measures_can_be_drawn() -> None:
    spec = specs_of(make_study())["digits-lenet-learning-curve"]
    shown = {}
    for measure in ("accuracy", "loss"):
        params = [{**p, "value": measure} if p["name"] == "measure" else p for p in spec["params"]]
        shown[measure] = drawn({**spec, "params": params})
        assert marks(shown[measure], "symbol") == 2 * 3  # training and validation of three epochs
    assert b"cross-entropy" in shown["loss"]
    assert b"cross-entropy" not in shown["accuracy"]


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_confusions_hold_all_predictions_and_nothing_that_never_happened(
    seeds: tuple[int, ...],
) -> None:
    study = make_study(("cifar100",), seeds=seeds, images_per_class=5)
    cell = study.cells["cifar100", "lenet"]
    spec = specs_of(study)["cifar100-lenet-confusion"]
    rows = rows_of(spec)
    assert min(rows["count"]) > 0
    assert sum(rows["count"]) == sum(len(run.predictions) for run in cell.runs)
    totals = next(param["value"] for param in spec["params"] if param["name"] == "totals")
    assert totals == [5 * len(seeds)] * 100
    first = cell.runs[0].predictions.iloc[0]
    pairs = set(zip(rows["actual_index"], rows["predicted_index"], strict=True))
    assert (first.label, first.predicted) in pairs
    assert marks(drawn(spec), "rect") == len(rows["count"]) < 100 * 100


def test_the_heat_map_has_every_class_and_sorts_by_any_network() -> None:
    study = make_study(models=MODELS[:2])
    spec = specs_of(study)["digits-class-heatmap"]
    rows = rows_of(spec)
    cell = study.cells["digits", "alexnet"]
    place = next(
        i for i, pair in enumerate(zip(rows["column"], rows["row"], strict=True)) if pair == (1, 3)
    )
    assert rows["accuracy"][place] == rounded(cell.metrics.class_accuracy["3"])
    assert rows["low"][place] == rounded(float(class_interval(cell, "3").low))
    order = next(param for param in spec["params"] if param["name"] == "order")
    assert order["bind"]["labels"][-2:] == ["LeNet", "alexnet"]
    for picked in order["bind"]["options"]:
        params = [{**p, "value": picked} if p["name"] == "order" else p for p in spec["params"]]
        shown = classes_shown({**spec, "params": params}, set(map(str, range(10))))
        assert shown == expected_order(study, picked), picked


def test_the_classes_of_a_superclass_stand_together() -> None:
    study = cifar100_of(make_study(("cifar100",), models=MODELS[:1], images_per_class=2))
    specs = specs_of(study)
    order = specs["cifar100-lenet-confusion"]["encoding"]["x"]["scale"]["domain"]
    assert order[:6] == [*SUPERCLASSES["aquatic mammals"], "aquarium_fish"]
    params = {param["name"]: param for param in specs["cifar100-class-heatmap"]["params"]}
    superclasses = params["superclasses"]["value"]
    assert superclasses[params["classes"]["value"].index("bee")] == "insects"
    assert "superclass" in params["order"]["bind"]["options"]
    shown = {**specs["cifar100-class-heatmap"], "height": 2000}
    shown["params"] = [
        {**p, "value": "superclass"} if p["name"] == "order" else p for p in shown["params"]
    ]
    assert classes_shown(shown, set(order)) == order


def cifar100_of(study: Study) -> Study:
    """The study with the names of the real classes, in alphabetical order as those are."""
    names = sorted(name for members in SUPERCLASSES.values() for name in members)
    record = dataclasses.replace(study.datasets["cifar100"], class_names=names)
    cells = {}
    for key, cell in study.cells.items():
        shares = dict(zip(names, cell.metrics.class_accuracy.values(), strict=True))
        metrics = dataclasses.replace(cell.metrics, class_accuracy=shares)
        cells[key] = dataclasses.replace(cell, metrics=metrics)
    return dataclasses.replace(study, datasets={"cifar100": record}, cells=cells)


def classes_shown(spec: dict[str, Any], names: set[str]) -> list[str]:
    """The labels of the vertical axis from top to bottom."""
    texts = etree.fromstring(drawn(spec)).xpath("//*[local-name()='text'][@text-anchor='end']")
    places = {text.text: float(re.findall(r"[\d.]+", text.get("transform"))[-1]) for text in texts}
    return sorted(names & places.keys(), key=places.__getitem__)


def expected_order(study: Study, picked: str) -> list[str]:
    cells = study.cells_of("digits")
    names = list(cells[0].metrics.class_accuracy)
    if picked == "given":
        return names
    chosen = cells if picked == "mean" else [cells[int(picked)]]
    # Vega breaks ties by name.
    means = {n: sum(rounded(c.metrics.class_accuracy[n]) for c in chosen) for n in names}
    return sorted(names, key=lambda name: (-means[name], name))


def test_reliability_has_the_bins_of_every_network() -> None:
    study = make_study()
    spec = specs_of(study)["digits-reliability"]
    rows = rows_of(spec)
    bins = [each for cell in study.cells_of("digits") for each in reliability(cell)]
    assert rows["predictions"] == [each.predictions for each in bins]
    assert rows["accuracy"] == [rounded(float(each.accuracy)) for each in bins]
    assert marks(drawn(spec), "symbol") == len(bins)
    assert marks(drawn(spec), "rule") == len(bins) + 1  # and the diagonal


def test_a_network_looks_as_in_the_figures() -> None:
    names = [f"network_{place}" for place in range(len(LOOKS))]
    looks = list(looks_of(names, {}).values())
    assert {look.marker for look in looks} <= set(SHAPES)
    spec = specs_of(make_study())["digits-learning-curves"]
    colors = [value for key, value in parts(spec) if key == "range" and "#0072b2" in value]
    assert colors
    assert colors[0] == [color for color, _, _ in LOOKS[: len(MODELS)]]
    assert spec["usermeta"]["dark"] == {color: DARK[color] for color, _, _ in LOOKS}


SMALL = make_study(models=MODELS[:2], images_per_class=4)


def hostile_study(text: str, study: Study) -> Study:
    """The study with a text before all of its class names."""
    cells = {
        key: dataclasses.replace(
            cell,
            metrics=dataclasses.replace(
                cell.metrics,
                class_accuracy={
                    f"{text}{name}": share for name, share in cell.metrics.class_accuracy.items()
                },
            ),
        )
        for key, cell in study.cells.items()
    }
    return dataclasses.replace(study, cells=cells)


@settings(max_examples=10, deadline=None)
@given(text=st.text(min_size=1, max_size=12) | st.just(HOSTILE))
def test_names_are_data_and_never_part_of_an_expression(text: str) -> None:
    assert expressions_with(text) == expressions_with("plain")


def expressions_with(text: str) -> list[list[str]]:
    study = hostile_study(text, SMALL)
    looks = looks_of(study.params.models, {"lenet": text, "alexnet": f"{text}2"})
    cell = study.cells["digits", "lenet"]
    groups = {text: list(cell.metrics.class_accuracy)}
    charts = (
        class_heatmap(study, "digits", looks, groups),
        confusion(cell, groups),
        learning_curve(cell, looks),
        reliability_diagrams(study, "digits", looks),
    )
    return [expressions(json.loads(to_json(chart, text))) for chart in charts]


def test_hostile_names_are_drawn_as_letters() -> None:
    titles = {"lenet": HOSTILE, "alexnet": "</script><script>alert(2)</script>"}
    for chart in all_charts(hostile_study(HOSTILE, SMALL), titles):
        tree = etree.fromstring(drawn(json.loads(to_json(chart, HOSTILE))))
        kinds = {etree.QName(node).localname for node in tree.iter() if isinstance(node.tag, str)}
        assert not kinds & {"script", "img", "image", "foreignObject", "a"}, chart.name
        assert not [key for node in tree.iter() for key in node.attrib if key.startswith("on")]


def test_a_chart_says_what_its_figure_says_to_those_who_cannot_see_it() -> None:
    cell = make_study().cells["digits", "lenet"]
    assert json.loads(to_json(confusion(cell, {}), "In words."))["description"] == "In words."


def test_altair_refuses_what_is_no_vega_lite() -> None:
    wrong = alt.Chart(alt.InlineData(values=[])).mark_point().encode(x="a:Q")
    wrong.height = "tall"
    with pytest.raises(alt.utils.schemapi.SchemaValidationError):
        to_json(Chart("wrong", wrong), "")


def test_the_plot_stage_writes_a_chart_beside_its_figure() -> None:
    study = make_study(models=MODELS[:2])
    files = figure_files(study, ORIGINAL, STYLE)
    texts = json.loads(files["figures.json"])
    charts = {name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)}
    assert charts == {name for name, text in texts.items() if text.get("chart")}
    assert "digits-learning-curves" in charts
    assert "digits-leaderboard" not in charts
    spec = json.loads(files[f"digits-reliability{SUFFIX}"])
    assert spec["description"] == texts["digits-reliability"]["alt"]


def test_the_library_is_one_script_that_is_made_once(tmp_path: Path) -> None:
    made = chart_library(tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_text("window.vegaEmbed = 1;", encoding="utf-8")
    assert chart_library(tmp_path / "cache") == '(() => {"use strict";window.vegaEmbed = 1;})();\n'
    assert made.startswith('(() => {"use strict";')
    assert "window.vegaEmbed=" in made
    assert not re.search(r"^\s*(?:import|export)\b|\bimport\(", made, re.MULTILINE)


def test_verification_finds_a_chart_that_was_touched_is_missing_or_left_over(
    tmp_path: Path,
) -> None:
    charts = {chart.name: to_json(chart, "") for chart in all_charts(SMALL, TITLES)}
    for name, text in charts.items():
        save_text(tmp_path / f"{name}{SUFFIX}", text)
    assert {check.level for check in found_in(tmp_path)} == {Level.EXACT}
    touched = tmp_path / f"digits-lenet-confusion{SUFFIX}"
    text = touched.read_text(encoding="utf-8")
    save_text(touched, text.replace('"count":[', '"count":[9, '))
    (tmp_path / f"digits-reliability{SUFFIX}").unlink()
    save_text(tmp_path / f"digits-old{SUFFIX}", "{}\n")
    wrong = [check.text for check in found_in(tmp_path) if check.level is Level.WRONG]
    assert [message.split(":")[0] for message in sorted(wrong)] == [
        f"docs/figures/{name}{SUFFIX}"
        for name in ("digits-lenet-confusion", "digits-old", "digits-reliability")
    ]


def found_in(folder: Path) -> list[Check]:
    return list(chart_checks(folder, "docs/figures", SMALL, TITLES, {}))
