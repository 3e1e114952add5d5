"""The pages of a synthetic study.

The files below tests/golden/ are what some of the pages should be, text for text. After a wanted
change of a page, write them anew with ``UPDATE_GOLDEN=1 pytest tests/test_pages.py`` and read the
difference in git before it is committed.
"""

import difflib
import gzip
import os
import posixpath
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import StatisticsError
from typing import Any

import pytest
from make_study import MODELS, make_study, normalised, write_study
from markdown.extensions.toc import slugify
from ruamel.yaml import YAML
from sealed import SEAL, with_seals, write_project

from cnnreport.errors import InputError
from cnnreport.figures import all_drawings
from cnnreport.figures.diagrams import study_diagrams
from cnnreport.formats import percent
from cnnreport.formulas import DrawnFormula, load_formulas
from cnnreport.freezing import freeze
from cnnreport.internship import Internship, load_internship
from cnnreport.original import load_original
from cnnreport.pages import (
    FigureText,
    Sources,
    load_figures,
    load_sources,
    load_written,
    render_navigation,
    render_pages,
    save_pages,
)
from cnnreport.pages.rendering import repeat_command
from cnnreport.pages.sources import hand_written_pages
from cnnreport.pages.templating import docstring_text, fenced
from cnnreport.params import Recipe, parse_params
from cnnreport.records import Layer, save_text
from cnnreport.stages import run
from cnnreport.study import Manifest, Study, load_study

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"

GOLDEN_PAGES = [
    "nav.yml",
    "index.md",
    "report/contents.md",
    "report/networks/index.md",
    "report/networks/googlenet.md",
    "report/results/index.md",
    "report/results/classes.md",
    "report/results/confusion.md",
    "report/results/cost.md",
    "report/results/original.md",
    "report/chapters/5-conclusion.md",
]

FORMULAS = load_formulas(ROOT / "report/formulas.yaml")
OF_DATASET = ["leaderboard", "accuracy-against-parameters", "accuracy-against-train-time"]
OF_DATASET += ["accuracy-against-macs", "accuracy-against-latency", "pairs", "confused-pairs"]
OF_DATASET += ["learning-curves", "validation-curves", "class-heatmap", "reliability", "original"]
OF_CELL = ["learning-curve", "confusion", "class-bars"]
DIAGRAMS = ["neuron", "activations", "gradient-descent", "learning-rate", "split", "volumes"]
DIAGRAMS += ["convolution", "stride-padding", "pooling", "receptive-field", "inception", "residual"]


def figure_texts(study: Study) -> dict[str, FigureText]:
    names = [f"{dataset}-{name}" for dataset in study.params.datasets for name in OF_DATASET]
    names += [f"{dataset}-{model}-{name}" for dataset, model in study.cells for name in OF_CELL]
    names += [f"{study.params.datasets[0]}-{model}-architecture" for model in study.params.models]
    names += [f"diagram-{name}" for name in DIAGRAMS]
    return {name: FigureText(f"Caption of {name}.", f"Alt of {name}.") for name in names}


def sources_with(templates: Mapping[str, str] | None = None, code: tuple[str, ...] = ()) -> Sources:
    """The project's templates without the histories, and code that never changes."""
    real = load_sources(ROOT / "report/templates", ROOT / "src/cnnreport/models", ROOT / "docs")
    kept = {name: text for name, text in real.templates.items() if "/history." not in name}
    files = [f"{name}.py" for name in (*MODELS, *code, "blocks")]
    return Sources(
        {**kept, **(templates or {})},
        {file: f'"""Code of {file}."""\n' for file in files},
        {
            "how-to/run-the-cifar-study.md": "First steps",
            "benchmarks/averages.md": "Averages",
            "benchmarks/throughput.md": "Throughput",
            "decisions.md": "Decisions",
        },
        {name: DrawnFormula(f"Words of {name}", 9.5, 2.0) for name in FORMULAS},
    )


def pages_of(study: Study, **changes: Any) -> dict[str, str]:
    """The pages and nav.yml of a study; `changes` replace what people wrote, figures or sources."""
    figures = changes.pop("figures", figure_texts(study))
    sources = changes.pop("sources", sources_with())
    written = replace(load_written(ROOT / "report"), **changes)
    pages = render_pages(study, written, figures, sources)
    return {**pages, "nav.yml": render_navigation(study, [], written, sources)}


def pinned(study: Study) -> Study:
    """The study with settings of its own, so that no page depends on the numbers in params.yaml."""
    recipe = Recipe(optimizer="sgd", learning_rate=0.05, batch_size=32, schedule="one_cycle")
    slower = recipe.model_copy(update={"learning_rate": 0.01})
    cells = {
        key: replace(
            cell,
            recipe=slower if cell.model == "alexnet" else recipe,
            metrics=replace(cell.metrics, recipe="modern"),
        )
        for key, cell in study.cells.items()
    }
    datasets = {name: replace(item, split_seed=1) for name, item in study.datasets.items()}
    params = study.params.model_copy(
        update={"profile": "quick", "recipe": "modern", "epochs": None}
    )
    return Study(params, datasets, cells)


def with_heads(study: Study, heads: str) -> Study:
    """The study with an auxiliary head in GoogLeNet and a recipe that uses it in this way."""
    cell = study.cell("digits", "googlenet")
    head = Layer("aux1", "Dense", [10], 0, "softmax", "", ["conv"])
    changed = replace(
        cell,
        recipe=cell.recipe.model_copy(update={"heads": heads}),
        architecture=replace(cell.architecture, layers=[*cell.architecture.layers, head]),
    )
    return replace(study, cells={**study.cells, ("digits", "googlenet"): changed})


@pytest.fixture(scope="module")
def study() -> Study:
    return with_heads(pinned(make_study()), "summed")


@pytest.fixture(scope="module")
def pages(study: Study) -> dict[str, str]:
    return pages_of(study)


@pytest.fixture(scope="module")
def cifar_pages() -> dict[str, str]:
    return pages_of(make_study(("cifar10", "cifar100-objects"), seeds=(0, 1), images_per_class=10))


@pytest.fixture(scope="module")
def evident_pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages of a study that was read from files, so that its numbers know their places."""
    folder = tmp_path_factory.mktemp("evident") / "results"
    study = make_study(("digits", "cifar10"), MODELS[:3], seeds=(0, 1), images_per_class=10)
    write_study(study, folder)
    return pages_of(load_study(study.params, folder))


def without_code(page: str) -> str:
    return re.sub(r"^(`{3,})\w*\n.*?^\1$", "", page, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", GOLDEN_PAGES)
def test_golden_page(pages: dict[str, str], name: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages[name], encoding="utf-8", newline="\n")
    golden = path.read_text(encoding="utf-8")
    if pages[name] != golden:
        lines = difflib.unified_diff(
            golden.splitlines(), pages[name].splitlines(), f"golden/{name}", "rendered", lineterm=""
        )
        pytest.fail("\n".join([*lines, "if this is wanted: UPDATE_GOLDEN=1 pytest"]), pytrace=False)


def test_every_golden_file_is_compared() -> None:
    files = {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*") if path.is_file()}
    assert files == set(GOLDEN_PAGES)


def test_the_order_of_the_report(pages: dict[str, str]) -> None:
    positions = [pages["nav.yml"].index(f'"report/{name}.md"') for name in ORDER]
    assert positions == sorted(positions)


ORDER = ["front/cover", "front/certificate", "front/recommendation", "front/acknowledgement"]
ORDER += ["contents", "chapters/1-introduction", "chapters/2-project", "chapters/3-requirements"]
ORDER += ["chapters/4-research", "chapters/4-neural-networks", "chapters/4-cnn"]
ORDER += ["chapters/4-datasets", "networks/lenet", "networks/googlenet", "results/index"]
ORDER += ["chapters/5-conclusion", "appendix/bibliography", "appendix/diary"]
ORDER += ["appendix/feedback", "appendix/attendance"]


def test_navigation_lists_every_page_once_and_the_hand_written_ones(pages: dict[str, str]) -> None:
    listed = list(leaves(YAML(typ="safe").load(pages["nav.yml"])["nav"]))
    made = [name for name in pages if name.endswith(".md")]
    assert sorted(listed) == sorted([*made, *sources_with().hand_written])


def test_code_keeps_its_empty_lines_and_prose_does_not() -> None:
    code = {file: f"# {file}\n\n\ndef build(): ...\n" for file in sources_with().code}
    study = pinned(make_study(models=("lenet",)))
    pages = pages_of(study, sources=replace(sources_with(), code=code))
    page = pages["report/networks/lenet.md"]
    assert "```python\n# lenet.py\n\n\ndef build(): ...\n```" in page
    assert "\n\n\n" not in re.sub(r"```python.*?```", "code", page, flags=re.DOTALL)


def leaves(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [leaf for part in parts for leaf in leaves(part)]


def slugs(text: str) -> set[str]:
    """The anchors that Python-Markdown gives to headings by itself."""
    return {slugify(line.lstrip("# "), "-") for line in text.splitlines() if line.startswith("#")}


@pytest.mark.parametrize("which", ["pages", "cifar_pages", "evident_pages", "kept_pages"])
def test_links_and_figures_resolve(which: str, request: pytest.FixtureRequest) -> None:
    texts: dict[str, str] = request.getfixturevalue(which)
    known = {*texts, *sources_with().hand_written}
    for page, text in texts.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
            if target.startswith(("https://", "http://")):
                continue
            path, _, anchor = target.partition("#")
            resolved = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
            resolved = resolved if path else page
            inside = re.sub(r"^studies/\w+/", "", resolved)
            if inside.startswith(
                (*("figures/", "pictures/", "files/", "study-figures/"), "report.pdf")
            ):
                continue
            if ".tables/" in resolved:
                continue
            assert resolved in known, f"{page}: {target}"
            if anchor:
                anchors = (f'id="{anchor}"', f"{{ #{anchor} }}")
                declared = any(each in texts[resolved] for each in anchors)
                assert declared or anchor in slugs(texts[resolved]), f"{page}: {target}"


@pytest.mark.parametrize("datasets", [("digits",), ("cifar10",)])
def test_pages_show_figures_that_are_drawn(datasets: tuple[str, ...]) -> None:
    study = make_study(datasets, MODELS[:2], images_per_class=10)
    original = load_original(ROOT / "report/original_study.yaml")
    drawings = chain(all_drawings(study, original), study_diagrams(study, original.titles))
    drawn = {drawing.name for drawing in drawings}
    texts = pages_of(study)
    shown = {
        name
        for text in texts.values()
        for name in re.findall(
            r"\]\((?:\.\./)*figures/((?!formula-)[\w-]+)\.svg#gh-light-mode-only\)", text
        )
    }
    assert shown == drawn


def test_home_names_what_is_compared_in_a_sentence(
    pages: dict[str, str], cifar_pages: dict[str, str]
) -> None:
    assert (
        "five convolutional networks on the image set *Synthetic digits* and" in pages["index.md"]
    )
    both = "the image sets *Synthetic cifar10* and *Synthetic cifar100-objects* and"
    assert both in cifar_pages["index.md"]


@pytest.mark.parametrize("which", ["pages", "cifar_pages"])
def test_headings_have_anchors_of_their_own(which: str, request: pytest.FixtureRequest) -> None:
    for page, text in request.getfixturevalue(which).items():
        anchors = re.findall(r"^#+ .*\{ #([\w-]+) \}$", without_code(text), re.MULTILINE)
        assert len(anchors) == len(set(anchors)), page


@pytest.mark.parametrize("which", ["pages", "cifar_pages"])
def test_notes_hold_their_words(which: str, request: pytest.FixtureRequest) -> None:
    """A line after a note that is not indented would stand below an empty box."""
    for page, text in request.getfixturevalue(which).items():
        for line in re.findall(r"^!!! .*\n(.*)", without_code(text), re.MULTILINE):
            assert line.startswith("    "), page


def test_many_changed_files_stand_apart_from_the_run(study: Study) -> None:
    names = [f"src/{number}.py" for number in range(9)]
    page = "report/passports/digits-lenet.md"
    summary = "<summary>Files that were not as in the commit"
    many = pages_of(with_seals(study, [replace(SEAL, changed=names)]))[page]
    assert "| 9 files |" in many
    assert all(f"| 0 | `{name}` |" in many.partition(summary)[2] for name in names)
    few = pages_of(with_seals(study, [replace(SEAL, changed=names[:2])]))[page]
    assert "| `src/0.py`, `src/1.py` |" in few
    assert summary not in few


def test_no_mark_is_left(evident_pages: dict[str, str]) -> None:
    for page, text in evident_pages.items():
        assert not re.search("[\ue000-\uf8ff]", text), page


def test_headings_code_and_other_links_hold_no_passport_link(
    evident_pages: dict[str, str],
) -> None:
    for page, text in evident_pages.items():
        for line in re.findall(r"^#.*$|^(?:`{3,}).*?^`{3,}$", text, re.DOTALL | re.MULTILINE):
            assert "passports/" not in line.split("\n")[0] or "](" not in line, page
        assert not re.search(r"\[[^\]\n]*\[[^\]]*\]\([^)]*passports/", text), page


MEASURED = ["index.md", "report/results/index.md", "report/results/classes.md"]
MEASURED += ["report/results/confusion.md", "report/results/calibration.md"]
MEASURED += ["report/results/cost.md", "report/results/original.md"]
MEASURED += ["report/networks/index.md", "report/networks/lenet.md"]
MEASURED += ["report/chapters/5-conclusion.md"]


@pytest.mark.parametrize("page", MEASURED)
def test_every_measured_number_leads_to_its_passport(
    evident_pages: dict[str, str], page: str
) -> None:
    text = re.sub(r"^!\[.*$|<figcaption.*?</figcaption>", "", without_code(evident_pages[page]))
    plain = re.sub(r"\[[^\]]*\]\([^)]*\)", "", text)
    units = r"(?:%|points|MiB|Wh|kWh|ms|s|min|h|[kMGTP])"
    shown = re.findall(rf"[+-]?\b\d[\d.,]*\N{{NO-BREAK SPACE}}{units}(?![\w])", plain)
    assert not set(shown) - NOT_MEASURED, f"{page}: {sorted(set(shown) - NOT_MEASURED)}"


NOT_MEASURED = {"95\N{NO-BREAK SPACE}%", *(percent(edge / 15) for edge in range(16))}
"""The level of the intervals and the edges of the bins of calibration, which are chosen."""


def test_a_passport_holds_the_number_in_full(evident_pages: dict[str, str]) -> None:
    link = r"\[([\d.]+)\N{NO-BREAK SPACE}%\]\(report/(passports/[\w-]+\.md)#([\w.-]+)\)"
    shown = re.findall(link, evident_pages["index.md"])
    assert len(shown) > 10
    for number, page, anchor in shown:
        row = rf'^\| <a id="{re.escape(anchor)}"></a>.*? \| `([^`]*)` \|'
        found = re.search(row, evident_pages[f"report/{page}"], re.MULTILINE)
        assert found, (page, anchor)
        digits = len(number.partition(".")[2])
        assert f"{100 * float(found[1]):.{digits}f}" == number


@pytest.mark.parametrize("which", ["pages", "cifar_pages"])
def test_nothing_of_jinja_or_python_is_left(which: str, request: pytest.FixtureRequest) -> None:
    for page, text in request.getfixturevalue(which).items():
        assert not re.search(r"\{\{|\}\}|\{%|\{#", without_code(text)), page
        assert not re.search(r"\bNone\b(?! of)|\bnan\b|<built-in|Undefined|object at 0x", text), (
            page
        )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("one\n{{ nothing }}\n", "report/templates/index.md.j2:2: 'nothing' is undefined"),
        ("{{ study.nothing }}", "report/templates/index.md.j2:1: .*no attribute 'nothing'"),
        ("a\nb\n{% if %}", "report/templates/index.md.j2:3: "),
        ("\n{{ cite('nobody') }}", "report/templates/index.md.j2:2: .*no entry has this key"),
        ("\n{{ figure_text('x') }}", "report/templates/index.md.j2:2: no figure 'x' was drawn"),
        ("{{ study.cell('digits', 'x') }}", "report/templates/index.md.j2:1: .*no 'x' on 'digits'"),
        ("{{ code_block('x.py') }}", "report/templates/index.md.j2:1: no file 'x.py'"),
        ("{{ 'a' | percent }}", "report/templates/index.md.j2:1: ValueError: "),
        ("{{ 1 / 0 }}", "report/templates/index.md.j2:1: ZeroDivisionError: "),
        ("{{ 1 | nofilter }}", "report/templates/index.md.j2:1: No filter named 'nofilter'"),
        ("{% include 'gone.md.j2' %}", "report/templates/index.md.j2:1: gone.md.j2"),
        ("\n\n{% include 'part.md.j2' %}", "report/templates/part.md.j2:2: 'nothing'"),
    ],
)
def test_a_template_error_is_one_line(study: Study, template: str, expected: str) -> None:
    templates = {"index.md.j2": template, "part.md.j2": "part\n{{ nothing }}"}
    with pytest.raises(InputError, match=expected) as caught:
        pages_of(study, sources=sources_with(templates))
    assert "\n" not in str(caught.value)


def test_a_missing_template_is_named(study: Study) -> None:
    with pytest.raises(InputError, match=r"^report/templates/index\.md\.j2: "):
        pages_of(study, sources=Sources({}, {}, {}))


def test_a_bug_behind_a_template_is_not_taken_for_the_template(study: Study) -> None:
    broken = {key: replace(cell, runs=[]) for key, cell in study.cells.items()}
    with pytest.raises((IndexError, ValueError, StatisticsError)) as caught:
        pages_of(replace(study, cells=broken))
    assert not isinstance(caught.value, InputError)


def test_words_of_people_and_files_make_no_markup() -> None:
    hostile = "<script>x</script> | *y* [z](w) `c` {{ d }}"
    study = make_study(models=MODELS[:2])
    record = study.datasets["digits"]
    classes = [f"{hostile} {index}" for index in range(len(record.class_names))]
    record = replace(record, title=hostile, source=hostile, class_names=classes)
    cells = {
        key: replace(
            cell,
            metrics=replace(
                cell.metrics,
                class_accuracy=dict(
                    zip(classes, cell.metrics.class_accuracy.values(), strict=True)
                ),
            ),
            runs=[
                replace(cell.runs[0], training=replace(cell.runs[0].training, processor=hostile))
            ],
        )
        for key, cell in study.cells.items()
    }
    texts = {name: FigureText(hostile, hostile) for name in figure_texts(study)}
    internship = load_internship(ROOT / "report/internship.yaml")
    student = internship.student.model_copy(update={"name": hostile})
    rendered = pages_of(
        replace(study, datasets={"digits": record}, cells=cells),
        figures=texts,
        internship=internship.model_copy(update={"student": student, "organisation": hostile}),
    )
    # The data of the tables hold them as they are: JSON is no markup.
    shown = {page: text for page, text in rendered.items() if page.endswith(".md")}
    for page, text in shown.items():
        for raw in ("<script>", "*y*", "[z](w)", "`c`", "{{ d }}"):
            assert raw not in without_code(text), page
        assert "<script> |" not in text


PERSONAL = "Marker"
"""What every word in the internship.yaml of `marked_people` begins with; its year is 1987."""


def marked_people(folder: Path, *, example: bool, on_site: bool) -> Internship:
    """An internship.yaml with a mark in every field that says something of a person."""
    text = (ROOT / "report/internship.yaml").read_text(encoding="utf-8").replace("2026-", "1987-")
    raw = YAML(typ="safe", pure=True).load(text)

    def marked(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: value[key] if key == "month" else marked(value[key]) for key in value}
        if isinstance(value, list):
            return [marked(each) for each in value]
        return f"{PERSONAL} {value}" if isinstance(value, str) or value is None else value

    letters = dict.fromkeys(("certificate", "recommendation", "acknowledgement"), f"{PERSONAL} x")
    filled = {**marked(raw), **letters, "paper": "a4", "example": example, "on_site": on_site}
    filled["feedback"]["ratings"] = [{"question": f"{PERSONAL} good?", "rating": 4}]
    with (folder / "internship.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(filled, file)
    return load_internship(folder / "internship.yaml")


@pytest.mark.parametrize(
    ("example", "on_site", "named"),
    [(True, False, True), (False, True, True), (False, False, False)],
)
def test_people_and_entries_are_in_the_pdf_alone_unless_asked(
    study: Study, tmp_path: Path, example: bool, on_site: bool, named: bool
) -> None:
    rendered = pages_of(study, internship=marked_people(tmp_path, example=example, on_site=on_site))
    telling = {page for page, text in rendered.items() if PERSONAL in text or "1987" in text}
    forms = [f"front/{name}" for name in ("cover", "certificate", "recommendation")]
    forms += ["front/acknowledgement"]
    forms += [f"appendix/{name}" for name in ("diary", "feedback", "attendance")]
    pages = {f"report/{name}.md" for name in forms}
    assert telling == (pages if named else set())
    for page in pages:
        assert ("[in the PDF](../../report.pdf) alone" in rendered[page]) is not named, page
    assert "(../../report.pdf)" in rendered["report/front/cover.md"]
    assert "(../report.pdf)" in rendered["report/contents.md"]
    assert "(report.pdf)" in rendered["index.md"]


def test_a_sixth_network_needs_no_change_of_code(study: Study) -> None:
    sixth = replace(study.cell("digits", "lenet"), model="sixth")
    more = Study(
        study.params.model_copy(update={"models": [*study.params.models, "sixth"]}),
        study.datasets,
        {**study.cells, ("digits", "sixth"): sixth},
    )
    texts = pages_of(more, sources=sources_with(code=("sixth",)))
    assert '"sixth": "report/networks/sixth.md"' in texts["nav.yml"]
    page = texts["report/networks/sixth.md"]
    assert "\n\nCode of sixth.py.\n\n" in page
    assert "The original study had no such network" in page
    assert "No history of this network" not in page
    assert '"""Code of sixth.py."""' in page
    assert "report/networks/sixth.md" in texts["index.md"]


def test_the_head_of_a_file_becomes_paragraphs_and_lists() -> None:
    code = (
        '"""One *line*.\n\nTwo\nlines <b>.\n\nDiffers:\n\n- one\n  thing\n- another\n"""\nx = 1\n'
    )
    assert docstring_text(code) == (
        "One \\*line\\*.\n\nTwo lines &lt;b&gt;.\n\nDiffers:\n\n- one thing\n- another"
    )
    assert docstring_text('"""Differs:\n- one\n- two\n"""') == "Differs:\n\n- one\n- two"
    assert docstring_text("x = 1\n") == docstring_text("def (") == ""


def test_a_network_without_source_is_refused(study: Study) -> None:
    sources = replace(sources_with(), code={"blocks.py": ""})
    with pytest.raises(InputError, match=r"no file 'lenet.py' among the networks"):
        pages_of(study, sources=sources)


def test_the_flaw_of_googlenet_is_told_where_it_was_kept(
    study: Study, pages: dict[str, str]
) -> None:
    page, flaw = "report/networks/googlenet.md", "A known flaw, kept on purpose"
    assert flaw in pages[page]
    assert flaw not in pages["report/networks/lenet.md"]
    assert flaw not in pages_of(with_heads(study, "weighted"))[page]


def test_home_says_plainly_what_the_default_is(
    pages: dict[str, str], cifar_pages: dict[str, str]
) -> None:
    assert "They say nothing about" in pages["index.md"]
    assert "A short training" in pages["index.md"]
    assert "They say nothing about" not in cifar_pages["index.md"]
    assert "A short training" not in cifar_pages["index.md"]  # epochs are overridden there


def test_a_study_without_the_originals_image_sets_leads_to_a_frozen_one_that_has_them(
    pages: dict[str, str], study: Study
) -> None:
    kept = [
        replace(
            make_study((dataset,), models=("lenet",)),
            manifest=Manifest(dataset, f"Kept {dataset}", "2026-01-01", "c" * 40, {}),
        )
        for dataset in ("cifar10", "cifar100-objects")
    ]
    written = load_written(ROOT / "report")
    texts = render_pages(study, written, figure_texts(study), sources_with(), kept)
    for page in ("report/results/original.md", "report/chapters/5-conclusion.md"):
        link = "[Kept cifar10](../../studies/cifar10/report/results/original.md), a frozen study."
        assert link in texts[page]
        assert "frozen" not in pages[page]


def as_frozen(study: Study, folder: Path, name: str, day: str = "2026-01-01") -> Study:
    """The study as a frozen one that was read from files, so that its numbers know their places."""
    write_study(study, folder / name / "results")
    manifest = Manifest(name, f"The *{name}*", day, "c" * 40, {})
    return load_study(study.params, folder / name / "results", manifest)


@pytest.fixture(scope="module")
def frozen_studies(tmp_path_factory: pytest.TempPathFactory) -> list[Study]:
    """Two studies of the same cells, of which ``a`` is the later one, and one of another set."""
    folder = tmp_path_factory.mktemp("frozen")
    objects = ("cifar100-objects",)
    return [
        as_frozen(
            make_study(objects, MODELS[:2], (0, 1), images_per_class=9), folder, "a", "2027-01-01"
        ),
        as_frozen(make_study(objects, MODELS[:3], images_per_class=9), folder, "b"),
        as_frozen(make_study(("cifar10",), MODELS[:1], (0, 1), images_per_class=9), folder, "c"),
    ]


def site_of(live: Study, frozen: list[Study], **changes: Any) -> dict[str, str]:
    """All pages of a site, by their path below docs/."""
    written, sources = load_written(ROOT / "report"), sources_with()
    pages = {"nav.yml": render_navigation(live, frozen, written, sources)}
    for study in (live, *frozen):
        texts = figure_texts(study)
        pages |= render_pages(study, written, texts, sources, frozen, live.params)
    return pages | changes


@pytest.fixture(scope="module")
def kept_pages(
    tmp_path_factory: pytest.TempPathFactory, frozen_studies: list[Study]
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("live")
    study = make_study(models=MODELS[:2], images_per_class=10)
    write_study(study, folder / "results")
    return site_of(load_study(study.params, folder / "results"), frozen_studies)


def test_home_shows_the_figures_of_frozen_studies_before_a_demonstration(
    kept_pages: dict[str, str], frozen_studies: list[Study], pages: dict[str, str]
) -> None:
    home = kept_pages["index.md"]
    parts = ["{ #study-a }", "{ #study-b }", "{ #study-c }", "## Live study", "## Verdict: "]
    assert [home.index(part) for part in parts] == sorted(home.index(part) for part in parts)
    for study in frozen_studies:
        block = home.split(f"{{ #study-{study.name} }}")[1].split("\n##")[0]
        for cell in study.cells.values():
            shown = f"{100 * cell.metrics.accuracy:.1f}"
            passport = f"studies/{study.name}/report/passports/{cell.dataset}-{cell.model}.md"
            assert re.search(
                rf"\[{shown}(\N{{NO-BREAK SPACE}}%)?\]\({passport}#metrics-accuracy\)", block
            )
            assert f"(studies/{study.name}/report/networks/{cell.model}.md)" in block
    assert "which is a demonstration" in home
    assert "rozen" not in pages["index.md"]


def test_home_shows_frozen_studies_after_a_live_one_that_is_no_demonstration(
    frozen_studies: list[Study],
) -> None:
    live = make_study(("cifar100-objects",), MODELS[:2], images_per_class=9)
    home = site_of(live, frozen_studies)["index.md"]
    assert home.index("## Verdict: ") < home.index("## Frozen studies")
    assert "demonstration" not in home
    assert "in common with *The \\*c\\**, so it is not compared with it." in home
    assert "[beside the live study](report/compare/a.md)" in home


def test_frozen_studies_with_a_cell_in_common_have_one_page_that_both_lead_to(
    kept_pages: dict[str, str],
) -> None:
    compared = {page for page in kept_pages if "/compare/" in page and page.endswith(".md")}
    assert compared == {"studies/a/report/compare/b.md"}
    page = kept_pages["studies/a/report/compare/b.md"]
    assert "[b](../../../b/index.md) and [a](../../index.md) are frozen studies" in page
    assert "`cnnreport compare b a`" in page
    assert "](../../../b/report/passports/cifar100-objects-lenet.md#metrics-accuracy)" in page
    assert "](../passports/cifar100-objects-lenet.md#metrics-accuracy)" in page
    assert "](report/compare/b.md)" in kept_pages["studies/a/index.md"]
    assert "](../a/report/compare/b.md)" in kept_pages["studies/b/index.md"]
    assert "](studies/a/report/compare/b.md)" in kept_pages["index.md"]
    assert '"studies/a/report/compare/b.md"' in kept_pages["nav.yml"]
    apart = "so the two are not compared"
    assert all(apart in kept_pages[f"studies/{name}/index.md"] for name in "abc")
    assert "in common with any of these" in kept_pages["index.md"]


def test_the_live_study_is_compared_with_those_that_share_a_cell(
    frozen_studies: list[Study],
) -> None:
    live = make_study(("cifar10",), MODELS[:2], images_per_class=9)
    texts = site_of(live, frozen_studies)
    assert "report/compare/c.md" in texts
    assert not {"report/compare/a.md", "report/compare/b.md"} & set(texts)
    assert "](../../report/compare/c.md)" in texts["studies/c/index.md"]
    assert "not compared" not in texts["studies/c/index.md"]


@pytest.mark.parametrize(("momentum", "led"), [(0.99, True), (0.9, False)])
def test_what_averages_cost_is_led_to_where_they_have_not_settled(
    momentum: float, led: bool
) -> None:
    pages = pages_of(normalised(make_study(models=["alexnet"]), momentum))
    assert ("benchmarks/averages.md" in pages["report/results/index.md"]) == led


def test_one_network_is_drawn_beside_nothing() -> None:
    pages = pages_of(make_study(("cifar10",), models=("lenet",), seeds=(0, 1), images_per_class=10))
    for page in ("index", "report/results/cost", "report/results/confusion"):
        assert not re.search(r"-(accuracy-against-[\w-]+|confused-pairs)\.svg", pages[f"{page}.md"])
    for page in ("report/results/index", "report/results/classes", "report/chapters/5-conclusion"):
        assert not re.search(r"validation-curves\.svg|ver the networks", pages[f"{page}.md"]), page


def test_one_image_set_is_not_put_into_a_table_of_all(
    pages: dict[str, str], cifar_pages: dict[str, str]
) -> None:
    assert "## All image sets" not in pages["report/results/index.md"]
    assert "## All image sets" in cifar_pages["report/results/index.md"]


def test_verdicts_on_claims_come_before_how_they_are_found(pages: dict[str, str]) -> None:
    page = pages["report/results/claims.md"]
    assert page.index("## What we say ourselves") < page.index("## How a verdict is found")


def test_the_original_is_compared_only_where_it_has_the_image_set(
    pages: dict[str, str], cifar_pages: dict[str, str]
) -> None:
    page = "report/results/original.md"
    assert "has no figures for the image set *Synthetic digits*" in pages[page]
    assert "our figures decide none of them" in pages[page]
    assert "## What the original concluded" in cifar_pages[page]
    assert "### How both came about { #cifar10-differences }" in cifar_pages[page]
    assert "has no figures for the image set *Synthetic cifar100-objects*" in cifar_pages[page]
    assert "decide none" not in cifar_pages[page]


def test_code_with_backticks_stays_in_its_block() -> None:
    assert fenced("a\n```\nb\n", "python") == "````python\na\n```\nb\n````"


def test_the_command_on_home_gives_the_same_params(study: Study) -> None:
    words = shlex.split(repeat_command(study.params).replace("\\\n", " "))
    assert words[:3] == ["dvc", "exp", "run"]
    values = dict(word.split("=", 1) for word in words[3:] if word != "-S")
    raw = study.params.model_dump() | {
        key: YAML(typ="safe").load(value) for key, value in values.items()
    }
    assert parse_params(raw) == study.params


def test_saving_touches_only_what_changed(tmp_path: Path) -> None:
    hand_written = tmp_path / "decisions.md"
    hand_written.write_text("kept", encoding="utf-8")
    pages = {"index.md": "home\n", "report/a.md": "a\n", "report/networks/b.md": "b\n"}
    assert sorted(save_pages(pages, tmp_path)) == sorted(pages)
    before = (tmp_path / "index.md").stat().st_mtime_ns
    assert save_pages(pages, tmp_path) == []
    del pages["report/networks/b.md"]
    assert save_pages({**pages, "report/a.md": "new\n"}, tmp_path) == [
        "report/a.md",
        "report/networks/b.md",
    ]
    assert not (tmp_path / "report/networks/b.md").exists()
    assert (tmp_path / "report/a.md").read_bytes() == b"new\n"
    assert (tmp_path / "index.md").stat().st_mtime_ns == before
    assert hand_written.read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "run `dvc repro plot` first"),
        ("{", "wanted a caption and an alt text"),
        ("[]", "wanted a caption"),
        ('{"a": {"caption": "x"}}', "wanted a caption"),
    ],
)
def test_figures_file_is_checked(tmp_path: Path, text: str | None, expected: str) -> None:
    if text is not None:
        (tmp_path / "figures.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=expected):
        load_figures(tmp_path)


def test_sources_need_templates_and_list_hand_written_pages(tmp_path: Path) -> None:
    for name in ("index.md", "decisions.md", "how-to/b.md", "how-to/a.md", "report/x.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# About {name}\n", encoding="utf-8")
    (tmp_path / "how-to/b.md").write_text("no heading", encoding="utf-8")
    assert list(hand_written_pages(tmp_path).items()) == [
        ("how-to/a.md", "About how-to/a.md"),
        ("how-to/b.md", "b"),
        ("decisions.md", "About decisions.md"),
    ]
    with pytest.raises(InputError, match="wanted a folder with templates"):
        load_sources(tmp_path / "nowhere", tmp_path, tmp_path)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder whose site, with a frozen study, was made by the stages and by mkdocs."""
    folder = tmp_path_factory.mktemp("project")
    study = with_seals(make_study(models=MODELS[:2], images_per_class=10), [SEAL])
    write_project(folder, study)
    for name in ("mkdocs.yml", "docs/stylesheets/extra.css", "src/site_files.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    shutil.copytree(ROOT / "report", folder / "report", ignore=lambda *_: ["studies"])
    save_text(folder / "docs/decisions.md", "# Decisions\n\nNone yet.\n")
    pages = ("averages.md", "throughput.md")
    for name in (*(f"benchmarks/{page}" for page in pages), "how-to/run-the-cifar-study.md"):
        save_text(folder / "docs" / name, "# A page of the handbook\n\nNothing yet.\n")
    freeze(folder, folder / "report/studies", "first", r"The first *study* \1 of C:\dir")
    make_site(folder)
    return folder / "site"


def make_site(folder: Path) -> None:
    """Run the stages that draw and write, then mkdocs."""
    docs, report = f"--docs={folder / 'docs'}", f"--report={folder / 'report'}"
    models = f"--models={ROOT / 'src/cnnreport/models'}"
    live = [f"--params={folder / 'params.yaml'}", f"--results={folder / 'results'}"]
    figures, kept = folder / "docs/figures", folder / "docs/study-figures"
    studies = folder / "report/studies"
    original = f"--original={folder / 'report/original_study.yaml'}"
    style = f"--style={folder / 'report/figures.mplstyle'}"
    commands = (
        ["plot", *live, f"--out={figures}", f"--plots={folder / 'plots'}", original, style],
        ["plot_studies", f"--studies={studies}", f"--out={kept}", original, style],
        ["report", *live, report, f"--figures={figures}", f"--study-figures={kept}", models, docs],
    )
    for command in commands:
        assert run(command) == 0
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr


def test_a_frozen_study_has_its_report_passports_and_files(site: Path) -> None:
    frozen = site / "studies/first"
    for page in ("", "report/results", "report/passports/digits-lenet", "report/networks/lenet"):
        assert (frozen / page / "index.html").is_file(), page
    assert (site / "study-figures/first/digits-leaderboard.svg").is_file()
    raw = "results/digits/lenet/predictions/s0.csv"
    assert gzip.decompress((frozen / f"files/{raw}.gz").read_bytes()) == (
        (site / f"files/{raw}").read_bytes()
    )
    passport = (frozen / "report/passports/digits-lenet/index.html").read_text(encoding="utf-8")
    assert f"<code>{'c' * 12}</code>" in passport
    words = re.sub(r"<[^>]+>", "", passport)
    assert "cp report/studies/first/params.yaml ../again-lenet-digits/" in words
    assert (site / "report/compare/first/index.html").is_file()


def test_every_file_that_a_passport_names_is_there(site: Path) -> None:
    """mkdocs checks links to pages and files; this follows them from the HTML, frozen included."""
    pages = list(site.rglob("passports/*/index.html"))
    assert len(pages) > 6
    for page in pages:
        for target in re.findall(r'href="([^"#]*files/[^"#]*)"', page.read_text(encoding="utf-8")):
            assert (page.parent / target).resolve().is_file(), (page, target)


def test_the_site_builds_strictly_and_is_whole(site: Path) -> None:
    for page in ("", "report/networks/lenet", "report/chapters/5-conclusion", "decisions"):
        assert (site / page / "index.html").is_file(), page
    assert not list(site.rglob("nav.yml"))
    assert not list(site.rglob("figures.json"))


def test_the_site_asks_nothing_of_another_host(site: Path) -> None:
    loads = r'<(?:script|img|link|iframe|source)\b[^>]*(?:src|href)="(?:https?:)?//[^"]+"'
    for page in site.rglob("*.html"):
        assert not re.search(loads, page.read_text(encoding="utf-8")), page


def test_the_site_shows_no_markdown(site: Path) -> None:
    left_over = re.compile(r"^.*(?:\| :?---|```|!!! |\]\(|markdown>).*$", re.MULTILINE)
    for page in site.rglob("index.html"):
        article = re.search(r"<article.*</article>", page.read_text(encoding="utf-8"), re.DOTALL)
        assert article, page
        text = re.sub(r"<(pre|code)\b.*?</\1>", "", article[0], flags=re.DOTALL)
        assert not left_over.search(text), (page, left_over.search(text))
