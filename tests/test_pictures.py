"""What shows pixels of images: which images, where on a sheet, in which words, and never in git."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.html import HtmlElement, fromstring
from make_study import make_study, write_study
from markdown import Markdown
from matplotlib import style
from mkdocs.structure.files import File, Files
from ruamel.yaml import YAML
from sealed import SEAL, with_seals, write_project

from cnnreport.errors import InputError, ResultsError
from cnnreport.examples import Example, Step, Trace, Window
from cnnreport.figures.dark import dark_of
from cnnreport.figures.drawing import Drawing, to_svg
from cnnreport.formats import one_line
from cnnreport.formulas import DrawnFormula
from cnnreport.freezing import freeze, load_frozen, load_manifest
from cnnreport.misses import (
    chance_of_all,
    confused_images,
    missed_by_all,
    missed_by_one,
    share_of_all,
)
from cnnreport.pages import FigureText, load_sources, load_written, render_pages
from cnnreport.pages.sources import hand_written_pages
from cnnreport.picture_texts import Picture, load_pictures, pictures_json
from cnnreport.pictures import Images, all_pictures
from cnnreport.pictures.raster import (
    FACTOR,
    GAP,
    UNKNOWN,
    Tile,
    drawable,
    enlarged,
    mosaic,
    opaque,
    sheet_of,
)
from cnnreport.prepared import Split, save_split
from cnnreport.records import save_text, to_json
from cnnreport.stages import run
from cnnreport.study import Study, load_study
from cnnreport.verification.findings import Level
from cnnreport.verification.frozen import manifest_finding

ROOT = Path(__file__).parents[1]
STYLE = ROOT / "report/figures.mplstyle"
MODELS = ("lenet", "alexnet")
HOSTILE = (
    "<script>alert(1)</script>",
    "](x) [y](javascript:z)",
    "a|b\\c",
    "#1 *bold* `code`",
    "$x^2$ and $",
    "emoji \N{BRAIN}",
    "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}",
    "\"quotes\" & 'more'",
    "line\nbreak",
    "w" * 80,
)
WEAK = {"lenet": -0.6, "alexnet": -0.4}
"""Networks so weak that all of them miss many images."""


def weak_study(seeds: tuple[int, ...] = (0,), models: tuple[str, ...] = MODELS) -> Study:
    return make_study(models=models, seeds=seeds, images_per_class=8, strengths=WEAK)


def with_names(study: Study, names: tuple[str, ...]) -> Study:
    """The study with other names of its ten classes."""
    known = {name: replace(each, class_names=list(names)) for name, each in study.datasets.items()}
    cells = {}
    for key, cell in study.cells.items():
        shares = dict(zip(names, cell.metrics.class_accuracy.values(), strict=True))
        cells[key] = replace(cell, metrics=replace(cell.metrics, class_accuracy=shares))
    return replace(study, datasets=known, cells=cells)


def images_of(study: Study) -> Split:
    labels = study.cells_of("digits")[0].runs[0].predictions["label"].to_numpy()
    pixels = np.random.default_rng(1).integers(0, 256, (len(labels), 32, 32, 3), dtype=np.uint8)
    return Split(pixels, labels)


def traced(study: Study, split: Split) -> tuple[Study, dict[str, Trace]]:
    """The study with an image followed through its networks, by made-up arrays."""
    rng = np.random.default_rng(2)
    kernel = rng.normal(size=(5, 5, 3, 6)).astype(np.float32)
    outputs = {
        "conv1": rng.random((28, 28, 6)),
        "wide": rng.random((1, 1, 16)),
        "dense": rng.random(84),
        "main": rng.random(10),
    }
    entry = split.images[0] / np.float32(255)
    trace = Trace(split.images[0], entry, kernel, np.zeros(6), outputs)
    names = study.datasets["digits"].class_names
    window = Window("conv1", 2, 6, [5, 5, 3], 1, "valid", 3, 4, [1, 2, -3], 0.5, 0.5, "relu", 0.5)
    steps = [
        Step(name, "Conv2D", [*array.shape[:2], 64] if array.ndim == 3 else [84], 1.0, 0.5)
        for name, array in outputs.items()
    ]
    example = Example(0, 0, 0, dict.fromkeys(names, 0.1), steps, window)
    cells = {key: replace(cell, example=example) for key, cell in study.cells.items()}
    return replace(study, cells=cells), dict.fromkeys(study.params.models, trace)


def drawings_of(study: Study) -> dict[str, Drawing]:
    split = images_of(study)
    full, traces = traced(study, split)
    images = {"digits": Images(split, split, traces)}
    titles = {"lenet": "LeNet <b>"}
    with style.context(STYLE), mpl.rc_context({"text.parse_math": False}):
        return {drawing.name: drawing for drawing in all_pictures(full, images, titles)}


# Which images are shown.


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_missed_images_are_those_that_every_run_misses(seeds: tuple[int, ...]) -> None:
    study = weak_study(seeds)
    tables = [run.predictions for cell in study.cells.values() for run in cell.runs]
    wanted = {
        image
        for image in range(len(tables[0]))
        if all(table.predicted[image] != table.label[image] for table in tables)
    }
    misses = missed_by_all(study, "digits")
    assert {miss.image for miss in misses} == wanted != set()
    count, share = share_of_all(study, "digits")
    assert (count, share) == (len(wanted), pytest.approx(len(wanted) / len(tables[0])))
    sure = [sum(answer.confidence for answer in miss.answers.values()) for miss in misses]
    assert sure == sorted(sure, reverse=True)
    names = study.datasets["digits"].class_names
    for miss in misses:
        assert miss.actual == names[tables[0].label[miss.image]]
        for model, answer in miss.answers.items():
            runs = study.cell("digits", model).runs
            said = {names[each.predictions.predicted[miss.image]] for each in runs}
            assert set(answer.classes) == said
            assert miss.actual not in said


def test_missed_alone_means_that_all_others_are_right() -> None:
    study = make_study(images_per_class=20, seeds=(0, 1))
    everything: list[int] = []
    for cell in study.cells_of("digits"):
        for miss in missed_by_one(study, cell):
            everything.append(miss.image)
            for other in study.cells_of("digits"):
                for each in other.runs:
                    row = each.predictions.iloc[miss.image]
                    assert (row.predicted == row.label) == (other.model != cell.model)
    assert everything
    assert len(everything) == len(set(everything))


def test_a_network_without_others_misses_nothing_alone() -> None:
    study = weak_study(models=("lenet",))
    assert missed_by_one(study, study.cell("digits", "lenet")) == []
    assert missed_by_all(study, "digits")


def test_chance_is_the_product_of_the_shares() -> None:
    study = weak_study()
    shares = [
        (r.predictions.label != r.predictions.predicted).mean()
        for c in study.cells_of("digits")
        for r in c.runs
    ]
    assert chance_of_all(study, "digits") == pytest.approx(float(np.prod(shares)))


def test_examples_of_a_confusion_start_with_those_that_most_runs_make() -> None:
    study = weak_study((0, 1))
    tables = [run.predictions for cell in study.cells.values() for run in cell.runs]
    found = confused_images(study, "digits", "3", "5")
    votes = [
        sum((t.label[image] == 3) and (t.predicted[image] == 5) for t in tables) for image in found
    ]
    assert votes == sorted(votes, reverse=True)
    assert all(votes)
    total = sum(((t.label == 3) & (t.predicted == 5)).sum() for t in tables)
    assert sum(votes) == total


# How they are drawn.


def test_pixels_become_squares_and_gaps_are_transparent() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    large = enlarged(opaque(image), 3)
    assert large.shape == (6, 6, 4)
    assert (large[:3, 3:, :3] == image[0, 1]).all()
    sheet = mosaic([[opaque(image)], [opaque(image)] * 2], 2)
    assert sheet.shape == (2 * (2 + GAP), 2 * (2 + GAP), 4)
    assert (sheet[:2, :2, :3] == image).all()
    assert (sheet[2 + GAP : 4 + GAP, 2 + GAP : 4 + GAP, :3] == image).all()
    assert not sheet[:2, 2:].any()
    assert not sheet[2 : 2 + GAP].any()


def test_each_image_stands_above_its_own_words() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (11, 32, 32, 3), dtype=np.uint8)
    figure = sheet_of([Tile(image, (f"({n})", "x")) for n, image in enumerate(pixels)], 8)
    axes = figure.axes[0]
    shown = np.asarray(axes.images[0].get_array())[::FACTOR, ::FACTOR]
    for text in (each for each in axes.texts if each.get_text().startswith("(")):
        number = int(text.get_text().strip("()"))
        right, below = (int(each) for each in text.get_position())
        top, left = below - 33, right - 16
        block = shown[max(top, 0) : max(top, 0) + 33, left : left + 32, :3]
        assert any(np.array_equal(block[s : s + 32], pixels[number]) for s in (0, 1)), number


@given(st.text(max_size=60), st.integers(2, 20))
def test_words_fit_and_have_letters(text: str, room: int) -> None:
    shown = drawable(text, room)
    assert len(shown) <= room
    assert "\n" not in shown


def test_unknown_characters_are_shown_as_such() -> None:
    assert drawable("a\N{BRAIN}b", 9) == f"a{UNKNOWN}b"
    assert drawable("x" * 30, 5) == "xxxx…"


def test_a_study_has_all_its_pictures() -> None:
    made = drawings_of(weak_study())
    assert set(made) == {
        "digits-samples",
        "digits-missed-by-all",
        "digits-mixed-up",
        "digits-convolution",
        *(f"digits-{model}-{kind}" for model in MODELS for kind in ("activations", "missed-alone")),
    }
    assert (
        "Filter 3 of 6 in the first convolution of LeNet <b>" in made["digits-convolution"].caption
    )
    count = len(missed_by_all(weak_study(), "digits"))
    caption = made["digits-missed-by-all"].caption
    assert caption.startswith(f"Both networks miss {count} of 80 test images")


def test_a_network_of_dense_layers_alone_has_its_picture_and_no_convolution() -> None:
    study = make_study(models=("lenet",), images_per_class=5)
    split = images_of(study)
    full, traces = traced(study, split)
    (cell,), (trace,) = full.cells.values(), traces.values()
    assert cell.example
    dense = [step for step in cell.example.steps if len(step.shape) == 1]
    example = replace(cell.example, steps=dense, window=None)
    bare = replace(full, cells={("digits", "lenet"): replace(cell, example=example)})
    outputs = {step.layer: trace.outputs[step.layer] for step in dense}
    images = {"digits": Images(split, split, {"lenet": replace(trace, outputs=outputs)})}
    with style.context(STYLE):
        made = {drawing.name: drawing for drawing in all_pictures(bare, images, {})}
    assert "digits-convolution" not in made
    caption = made["digits-lenet-activations"].caption
    assert "In layer main, 84 values, 50\N{NO-BREAK SPACE}% of the values are zero." in caption


def test_without_an_error_there_is_no_sheet_of_errors() -> None:
    study = make_study(models=MODELS, strengths=dict.fromkeys(MODELS, 60.0), images_per_class=4)
    assert set(drawings_of(study)) == {
        "digits-samples",
        "digits-convolution",
        *(f"digits-{model}-activations" for model in MODELS),
    }


def test_hostile_names_make_sound_pictures_in_both_schemes() -> None:
    study = with_names(weak_study(), HOSTILE)
    for drawing in drawings_of(study).values():
        with mpl.rc_context({"text.parse_math": False}):
            light = to_svg(drawing.figure)
        for svg in (light, dark_of(light)):
            root = ET.fromstring(svg)
            assert not [
                each for each in root.iter() if each.tag.endswith(("script", "foreignObject"))
            ]
        assert "<script" not in light


def test_the_same_study_gives_the_same_bytes() -> None:
    name = "digits-lenet-activations"
    assert len({to_svg(drawings_of(weak_study())[name].figure) for _ in range(2)}) == 1


# The texts.

ENTRY = Picture("a-b.svg", "a-b-dark.svg", "A caption.", "An alt.", 672, 300)


@settings(max_examples=25)
@given(
    st.dictionaries(
        st.text(min_size=1),
        st.builds(
            Picture,
            st.just("a.svg"),
            st.just("b.svg"),
            st.text(),
            st.text(),
            st.integers(1, 9999),
            st.integers(1, 9999),
        ),
        max_size=3,
    )
)
def test_texts_come_back(pictures: Mapping[str, Picture]) -> None:
    assert json.loads(pictures_json(pictures)).keys() == pictures.keys()
    assert _written(pictures) == dict(pictures)


def _written(pictures: Mapping[str, Picture]) -> dict[str, Picture]:
    import tempfile  # noqa: PLC0415 - hypothesis and tmp_path do not go together

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures.json"
        save_text(path, pictures_json(pictures))
        return load_pictures(path)


def test_no_file_means_no_pictures(tmp_path: Path) -> None:
    assert load_pictures(tmp_path / "pictures.json") == {}


@pytest.mark.parametrize(
    "change",
    [
        "[]",
        "{",
        '{"a": {}}',
        '{"a": {"file": "../x", "dark": "b", "caption": "", "alt": "", "width": 1, "height": 1}}',
        '{"a": {"file": "a", "dark": "b", "caption": "", "alt": "", "width": "1", "height": 1}}',
    ],
)
def test_other_texts_are_refused_in_one_line(tmp_path: Path, change: str) -> None:
    path = tmp_path / "pictures.json"
    path.write_text(change, encoding="utf-8")
    with pytest.raises(InputError, match=r"pictures\.json: wanted file") as caught:
        load_pictures(path)
    assert "\n" not in str(caught.value)


# The stage.


def written(folder: Path) -> list[str]:
    """Write a study with its images and return the arguments of the stage."""
    study = weak_study()
    write_study(study, folder / "results")
    YAML(typ="safe").dump(study.params.model_dump(), folder / "params.yaml")
    for part in ("train", "test"):
        save_split(folder / "prepared/digits", part, images_of(study))
    named = {
        "params": folder / "params.yaml",
        "results": folder / "results",
        "prepared": folder / "prepared",
        "activations": folder / "activations",
        "original": ROOT / "report/original_study.yaml",
        "style": STYLE,
        "out": folder / "docs/pictures",
        "index": folder / "docs/pictures.json",
    }
    return [
        "pictures",
        *(word for name, path in named.items() for word in (f"--{name}", str(path))),
    ]


def test_the_stage_writes_what_it_says_and_removes_the_rest(tmp_path: Path) -> None:
    arguments = written(tmp_path)
    save_text(tmp_path / "docs/pictures/digits-old.svg", "old")
    assert run(arguments) == 0
    known = load_pictures(tmp_path / "docs/pictures.json")
    assert {"digits-samples", "digits-missed-by-all"} <= known.keys()
    files = {path.name for path in (tmp_path / "docs/pictures").iterdir()}
    assert files == {name for each in known.values() for name in (each.file, each.dark)}
    assert {each.width for each in known.values()} == {672}
    # The texts are tracked by git, so no pixel may be in them.
    text = (tmp_path / "docs/pictures.json").read_text(encoding="utf-8")
    assert "base64" not in text
    before = (tmp_path / "docs/pictures/digits-samples.svg").read_bytes()
    assert b"base64" in before
    assert b"image-rendering" not in before
    assert run(arguments) == 0
    assert (tmp_path / "docs/pictures/digits-samples.svg").read_bytes() == before


def test_the_stage_refuses_images_that_the_study_was_not_tested_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = written(tmp_path)
    split = images_of(weak_study())
    save_split(tmp_path / "prepared/digits", "test", Split(split.images, split.labels[::-1]))
    assert run(arguments) == 2
    assert "holds other test images" in capsys.readouterr().err


# The pages.


class Every(dict[str, object]):
    """What has every name, since other figures and formulas do not matter here."""

    def __init__(self, each: object) -> None:
        self.each = each

    def __missing__(self, name: str) -> object:
        return self.each

    def __contains__(self, name: object) -> bool:
        return True


def pages_with(study: Study, pictures: Mapping[str, Picture]) -> dict[str, str]:
    sources = load_sources(ROOT / "report/templates", ROOT / "src/cnnreport/models", ROOT / "docs")
    sources = replace(sources, formulas=Every(DrawnFormula("f", 1.0, 1.0)))
    shown, words = replace(study, pictures=pictures), load_written(ROOT / "report")
    return render_pages(shown, words, Every(FigureText("c", "a")), sources)


HOSTILE_TEXT = " ".join(HOSTILE)


def html_of(page: str) -> HtmlElement:
    """Return a page as MkDocs' Markdown makes it."""
    extensions = ["attr_list", "md_in_html", "tables", "footnotes", "admonition"]
    return fromstring(f"<div>{Markdown(extensions=extensions).convert(page)}</div>")


def test_pages_show_pictures_with_escaped_words() -> None:
    names = (
        "digits-samples",
        "digits-missed-by-all",
        "digits-mixed-up",
        "digits-lenet-activations",
    )
    entry = replace(ENTRY, caption=HOSTILE_TEXT, alt=HOSTILE_TEXT)
    pages = pages_with(weak_study(), dict.fromkeys(names, entry))
    for page, place in (
        ("report/chapters/4-datasets.md", "../../pictures/"),
        ("report/results/gallery.md", "../../pictures/"),
        ("report/results/confusion.md", "../../pictures/"),
        ("report/networks/lenet.md", "../../pictures/"),
    ):
        assert f"({place}a-b.svg#gh-light-mode-only)" in pages[page], page
        assert f"({place}a-b-dark.svg#gh-dark-mode-only)" in pages[page], page
        found = [
            figure
            for figure in html_of(pages[page]).iter("figure")
            if figure.get("class") == "picture"
        ]
        assert found, page
        for figure in found:
            assert {image.get("alt") for image in figure.iter("img")} == {one_line(HOSTILE_TEXT)}
            said = "".join(figure.find("figcaption").itertext())
            assert said.strip() == f"{one_line(HOSTILE_TEXT)} Passports"
            assert not [each for each in figure.iter() if each.tag == "script"]


def test_pages_without_pictures_say_nothing_of_them() -> None:
    pages = pages_with(weak_study(), {})
    assert not [name for name, text in pages.items() if "pictures/" in text]
    assert "No image has been followed" in pages["report/chapters/4-lenet-step-by-step.md"]
    assert "| No. | Test image | Class |" in pages["report/results/gallery.md"]


def test_the_gallery_names_every_network_for_every_image() -> None:
    study = with_names(weak_study(), HOSTILE)
    page = pages_with(study, {})["report/results/gallery.md"]
    rows = [line for line in page.splitlines() if re.match(r"\| \d+ \| \d+ \|", line)]
    assert len(rows) == len(missed_by_all(study, "digits"))
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 + len(MODELS) for row in rows)
    assert "<script>" not in page


def test_lenet_step_by_step_says_where_there_is_no_lenet() -> None:
    study = make_study(models=("alexnet",), images_per_class=5)
    page = pages_with(study, {})["report/chapters/4-lenet-step-by-step.md"]
    assert "LeNet is not among the networks of this study" in page
    assert "##" not in page


def test_lenet_step_by_step_adds_up() -> None:
    study = weak_study()
    full, _ = traced(study, images_of(study))
    page = pages_with(full, {})["report/chapters/4-lenet-step-by-step.md"]
    assert "| pixels times weights, channel blue | -3.000 |" in page
    assert "| the network's own value, after ReLU | 0.500 |" in page
    assert "| `conv1` | convolution | 28 \N{MULTIPLICATION SIGN} 28" in page


# Frozen studies.


@pytest.fixture
def project(tmp_path: Path) -> Path:
    study = with_seals(weak_study(), [SEAL])
    write_project(tmp_path, study)
    save_text(tmp_path / "docs/pictures.json", pictures_json({"digits-samples": ENTRY}))
    for name in (ENTRY.file, ENTRY.dark):
        save_text(tmp_path / "docs/pictures" / name, f"<svg>{name}</svg>")
    return tmp_path


def test_a_study_without_pictures_is_frozen_without(project: Path) -> None:
    shutil.rmtree(project / "docs")
    folder = freeze(project, project / "report/studies", "a", "")
    assert not [path for path in folder.iterdir() if "pictures" in path.name]
    assert load_frozen(folder).pictures == {}
    assert "report/results/gallery.md" not in "".join(pages_with(load_frozen(folder), {}))


def test_pictures_that_dvc_cannot_keep_stop_the_freeze(project: Path) -> None:
    with pytest.raises(
        ResultsError, match=r"nothing was frozen: `dvc add` failed for the"
    ) as caught:
        freeze(project, project / "report/studies", "a", "")
    assert "\n" not in str(caught.value)
    assert not list((project / "report/studies").glob("*"))
    assert not list((project / "report/study-pictures").glob("[!.]*"))


def test_a_missing_picture_stops_the_freeze(project: Path) -> None:
    (project / "docs/pictures" / ENTRY.dark).unlink()
    with pytest.raises(ResultsError, match=r"a-b-dark\.svg: is missing"):
        freeze(project, project / "report/studies", "a", "")
    assert not list((project / "report/study-pictures").glob("[!.]*"))


def test_pictures_are_kept_by_dvc_and_never_by_git(project: Path) -> None:
    for command in (["git", "init", "--quiet"], [sys.executable, "-m", "dvc", "init", "--quiet"]):
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    folder = freeze(project, project / "report/studies", "a", "")
    assert load_frozen(folder).pictures == {"digits-samples": ENTRY}
    assert load_frozen(folder).name == "a"
    listed = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all", "report"],
        cwd=project,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "report/studies/a/pictures.dvc" in listed
    assert "report/study-pictures/.gitignore" in listed
    assert "study-pictures/a" not in listed
    assert ".svg" not in listed
    manifest = load_manifest(folder)
    assert {"pictures.json", "pictures.dvc"} <= manifest.files.keys()
    assert manifest_finding(project, "a").level is Level.EXACT
    pictures = project / "report/study-pictures/a"
    (pictures / ENTRY.file).write_text("another", encoding="utf-8")
    changed = manifest_finding(project, "a")
    assert (changed.level, "pictures.dvc" in changed.detail) == (Level.WRONG, True)
    (folder / "pictures.dvc").rename(folder / "elsewhere")
    assert manifest_finding(project, "a").level is Level.WRONG
    (folder / "elsewhere").rename(folder / "pictures.dvc")
    shutil.rmtree(pictures)
    assert manifest_finding(project, "a").level is Level.EXACT


def test_a_copy_without_the_pictures_is_as_good_for_the_pipeline(project: Path) -> None:
    """DVC refuses stages that depend on a folder with an output of its own that is not there."""

    def dvc(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True, capture_output=True)
    dvc("init", "--quiet")
    freeze(project, project / "report/studies", "a", "")
    stage = {"cmd": "echo >> pages", "deps": ["report/studies"], "outs": ["pages"]}
    save_text(project / "dvc.yaml", json.dumps({"stages": {"report": stage}}))
    (project / "dvc.lock").unlink()
    dvc("repro", "report")
    pictures = project / "report/study-pictures/a"
    shutil.rmtree(pictures)
    assert "didn't change" in dvc("repro", "report")
    dvc("checkout")
    assert {path.name for path in pictures.iterdir()} == {ENTRY.file, ENTRY.dark}


def test_a_frozen_study_with_pictures_has_its_gallery() -> None:
    study = weak_study()
    frozen = load_kept(study)
    pages = pages_with(frozen, {"digits-missed-by-all": ENTRY})
    assert (
        "(../../pictures/a-b.svg#gh-light-mode-only)"
        in pages["studies/kept/report/results/gallery.md"]
    )
    assert "studies/kept/report/results/gallery.md" not in pages_with(frozen, {})


def load_kept(study: Study) -> Study:
    from cnnreport.study import Manifest  # noqa: PLC0415

    return replace(study, manifest=Manifest("kept", "Kept", "2026-01-01", "c" * 40, {}))


# The site of a clone that has no pictures.


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_files", ROOT / "src/site_files.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_missing_pictures_become_sheets_of_their_size(tmp_path: Path, hook: ModuleType) -> None:
    docs, studies = tmp_path / "docs", tmp_path / "studies"
    for folder in (docs, studies / "kept"):
        save_text(folder / "pictures.json", pictures_json({"digits-samples": ENTRY}))
    save_text(docs / "pictures" / ENTRY.file, "<svg/>")
    save_text(tmp_path / "study-pictures/kept" / ENTRY.dark, "<svg/>")
    found = dict(hook.picture_files(docs, studies))
    assert set(found) == {
        f"pictures/{ENTRY.dark}",
        f"studies/kept/pictures/{ENTRY.file}",
        f"studies/kept/pictures/{ENTRY.dark}",
    }
    assert found[f"studies/kept/pictures/{ENTRY.dark}"] == b"<svg/>"
    sheet = ET.fromstring(found[f"pictures/{ENTRY.dark}"])
    assert (sheet.get("width"), sheet.get("height")) == ("672", "300")
    assert "dvc pull" in "".join(sheet.itertext())


LINKED = """See [the *objects*](../studies/objects/report/results/cost.md#cifar100) and
[others](../studies/gone/index.md); [a page](../studies.md), [its table](cost.md)."""


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("how-to/a.md", LINKED.replace("[others](../studies/gone/index.md)", "others")),
        ("report/contents.md", LINKED),
    ],
)
def test_a_study_that_is_not_here_is_named_without_a_link_where_people_wrote(
    hook: ModuleType, path: str, shown: str
) -> None:
    here, page = (
        File(name, src_dir="", dest_dir="", use_directory_urls=True)
        for name in ("studies/objects/index.md", path)
    )
    found = hook.on_page_markdown(LINKED, page=SimpleNamespace(file=page), files=Files([here]))
    assert found == shown


def test_pages_that_people_wrote_name_studies_that_are_here(hook: ModuleType) -> None:
    docs = ROOT / "docs"
    written = [docs / name for name in hand_written_pages(docs)]
    assert not [name for name in hand_written_pages(docs) if name.startswith(hook.RENDERED)]
    links = [
        (path, link) for path in written for link in hook.TO_STUDY.finditer(path.read_text("utf-8"))
    ]
    assert links
    for path, link in links:
        target = link[0].split("](")[1].rstrip(")").split("#")[0]
        assert (path.parent / target).is_file(), f"{path.name}: {target}"


def test_nothing_is_missing_where_nothing_is_named(tmp_path: Path, hook: ModuleType) -> None:
    assert list(hook.picture_files(tmp_path, tmp_path / "studies")) == []


def test_results_without_an_example_are_read(tmp_path: Path) -> None:
    study, _ = traced(weak_study(), images_of(weak_study()))
    write_study(study, tmp_path)
    assert load_study(study.params, tmp_path).cell("digits", "lenet").example is None
    example = study.cell("digits", "lenet").example
    save_text(tmp_path / "digits/lenet/example.json", to_json(example))
    again = load_study(study.params, tmp_path)
    assert again.cell("digits", "lenet").example == example
    assert "results/digits/lenet/example.json" in again.digests
