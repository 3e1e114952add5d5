"""The form of the page "Which network fits" in a browser: it picks as the Python code does."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import DESKTOP, PHONE, PREFIX, ROOT, Scheme, Tab, build_site, served
from make_study import make_study, write_study
from test_pages import pages_of

from cnnreport import choosing
from cnnreport.choosing import CRITERIA, Certainty, Limits
from cnnreport.original import load_original
from cnnreport.pages import load_sources
from cnnreport.study import Study, load_study

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGE = "report/results/choice"
SETTINGS = {
    Certainty.MEASURED: "measured",
    Certainty.SURE: "sure",
    Certainty.POSSIBLE: "possible",
}
NAMES = {
    "lenet": "LeNet",
    "alexnet": 'Alex<img src=x onerror="alert(1)">Net | *#$\\ 🐸',
    "vgg16": "VGGNet-16",
    "resnet50": "ResNet-50",
    "googlenet": "GoogLeNet",
}
MKDOCS = """\
site_name: Test
theme:
  name: material
  font: false
  palette:
    - media: "(prefers-color-scheme: light)"
      scheme: default
      primary: indigo
      toggle: {icon: material/weather-night, name: Dark}
    - media: "(prefers-color-scheme: dark)"
      scheme: slate
      primary: indigo
      toggle: {icon: material/weather-sunny, name: Light}
plugins: []
hooks: ["HOOK"]
extra_css: [stylesheets/extra.css, stylesheets/tables.css, stylesheets/choice.css]
extra_javascript: [javascripts/tables.js, javascripts/choice.js]
markdown_extensions: [admonition, attr_list, md_in_html, tables]
"""


@dataclass(frozen=True)
class Site:
    """A study, the address of the site and that of its page."""

    study: Study
    home: str

    @property
    def url(self) -> str:
        return f"{self.home}{PAGE}/"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of the page alone, for a study with two image sets."""
    folder = tmp_path_factory.mktemp("choice")
    drawn = make_study(
        ["digits", "cifar10"],
        strengths={"lenet": 1.2, "alexnet": 1.4, "vgg16": 1.9, "resnet50": 1.8, "googlenet": 2.2},
    )
    write_study(drawn, folder / "results")  # read back, its numbers have evidence, so raw values
    study = load_study(drawn.params, folder / "results")
    write_docs(study, folder / "docs")
    hook = str(ROOT / "src/site_files.py")
    config = folder / "mkdocs.yml"
    config.write_text(MKDOCS.replace("HOOK", hook), encoding="utf-8")
    build_site(config, folder / "served" / PREFIX, strict=False)  # it links to other pages
    with served(folder / "served") as address:
        yield Site(study, f"{address}{PREFIX}/")


def write_docs(study: Study, docs: Path) -> None:
    original = load_original(ROOT / "report/original_study.yaml")
    models = {
        name: model.model_copy(update={"title": NAMES[name]})
        for name, model in original.models.items()
    }
    sources = load_sources(ROOT / "report/templates", ROOT / "src/cnnreport/models", docs)
    alone = {  # the other pages are empty
        name: text if name in ("_macros.md.j2", f"{PAGE.removeprefix('report/')}.md.j2") else ""
        for name, text in sources.templates.items()
    }
    texts = pages_of(
        study,
        original=original.model_copy(update={"models": models}),
        sources=replace(sources, templates=alone),
    )
    for name in (f"{PAGE}.md", f"{PAGE}.tables.json"):
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(texts[name], encoding="utf-8")
    for name in ("javascripts", "stylesheets"):
        shutil.copytree(ROOT / "docs" / name, docs / name)


@pytest.fixture
def page(chromium: "Browser", made: Site) -> "Iterator[Page]":
    """The page with its form; it may neither complain nor ask another host for anything."""
    tab = Tab(chromium.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]}), made.home)
    opened(tab.page, made.url)
    yield tab.page
    tab.page.close()
    assert not tab.complaints
    assert not tab.elsewhere()


def opened(page: "Page", url: str) -> None:
    """Go to an address and wait for the form."""
    page.goto(url)
    page.wait_for_selector(".choice-result")


def remains(page: "Page") -> list[str]:
    return page.locator(".choice-reasons [data-remains=true] strong").all_inner_texts()


def shown_rows(page: "Page") -> list[str]:
    return page.locator("#choice-figures tbody tr:visible td:nth-child(2)").all_inner_texts()


def random_settings(study: Study, seed: int) -> dict[str, str]:
    """Return some fields and what a reader types there, near the figures of the study."""
    generator = random.Random(seed)
    settings = {
        "dataset": generator.choice(list(study.datasets)),
        "certainty": generator.choice(list(SETTINGS.values())),
        "by": generator.choice([cost.key for cost in choosing.COSTS]),
    }
    keys = list(CRITERIA)
    for key in generator.sample(keys, generator.randint(0, 3)):
        values = [float(CRITERIA[key].of(cell) or 0) for cell in study.cells.values()]
        value = generator.uniform(0.9 * min(values), 1.1 * max(values))
        settings[key] = f"{value / CRITERIA[key].size:.4g}"
    return settings


def limits_of(settings: dict[str, str]) -> Limits:
    bounds = {
        key: choosing.in_results(float(settings[key]), CRITERIA[key].size)
        for key in CRITERIA
        if key in settings
    }
    certainty = next(each for each, name in SETTINGS.items() if name == settings["certainty"])
    return Limits(bounds, certainty)


def test_the_form_picks_as_python_does(page: "Page", made: Site) -> None:
    """Who remains, whom to take, who is cheaper and level, and what is nearest."""
    study, seen = made.study, set()
    for seed in range(30):
        settings = random_settings(study, seed)
        opened(page, f"{made.url}?{urlencode(settings)}")
        limits, dataset = limits_of(settings), settings["dataset"]
        kept = choosing.remaining(study, dataset, limits)
        assert remains(page) == [NAMES[model] for model in kept], settings
        assert shown_rows(page) == [NAMES[model] for model in kept], settings
        result = page.inner_text(".choice-result")
        seen.add(len(kept))
        if not kept:
            near = choosing.nearest(choosing.candidates(study, dataset, limits))
            assert f"No network remains on {dataset}. Nearest: " in result
            words = result.split("Nearest: ")[1].split("; ")
            assert [text.split(" asks for ")[0] for text in words] == [
                NAMES[each.cell.model] for each in near
            ], settings
            continue
        chosen = choosing.choose(study, dataset, kept, CRITERIA[settings["by"]]).chosen
        assert f"Take {NAMES[chosen.model]}: " in result, settings
        marked = page.locator(".choice-reasons [data-chosen=true] strong").all_inner_texts()
        assert marked == [NAMES[chosen.model]]
        rivals = choosing.dominators(study, dataset, kept)
        for model in kept:
            item = page.locator(
                ".choice-reasons li", has=page.get_by_text(NAMES[model], exact=True)
            )
            text = item.first.inner_text()
            _, _, cheaper = text.partition("cheaper and not known to be less accurate: ")
            named = cheaper.rstrip(".").replace(" and ", ", ").split(", ") if cheaper else []
            assert named == [NAMES[other] for other in rivals[model]], settings
    assert {0, 1} < seen  # the cases were not all of one kind


def test_reasons_repeat_what_the_table_says(page: "Page") -> None:
    page.fill("input[name=parameters]", "22")
    page.fill("input[name=accuracy]", "80")
    text = page.inner_text(".choice-reasons")
    assert "VGGNet-16 is excluded: parameters 33,687,882 (limit: at most 22 million)" in text
    assert "reached)" in text
    cell = page.locator("#choice-figures tbody tr").first.locator("td").nth(2)
    assert (cell.text_content() or "").strip() in (page.text_content(".choice-reasons") or "")


def test_a_link_shows_the_same_choice_and_reset_forgets_it(
    page: "Page", made: Site, chromium: "Browser"
) -> None:
    page.select_option("select[name=dataset]", "cifar10")
    page.fill("input[name=train_seconds]", "4.5")
    address = page.evaluate("location.href")  # the driver hears of it a little later
    assert address == f"{made.url}?dataset=cifar10&train_seconds=4.5"
    before = page.inner_text(".choice-result")
    other = chromium.new_page()
    opened(other, address)
    assert other.inner_text(".choice-result") == before
    assert other.input_value("input[name=train_seconds]") == "4.5"
    other.get_by_role("button", name="Take all limits away").click()
    other.wait_for_function("!location.search")
    assert other.evaluate("location.href") == made.url
    assert len(shown_rows(other)) == 10
    assert other.input_value("input[name=train_seconds]") == ""
    other.close()


def test_images_and_classes_pick_the_image_set(page: "Page", made: Site) -> None:
    page.fill("input[name=images]", "2700")
    page.fill("input[name=classes]", "10")
    own = choosing.closest(made.study, 2700, 10)
    assert page.input_value("select[name=dataset]") == own
    page.fill("input[name=images]", "90000")
    assert "far from yours" in page.inner_text("#choice-dataset-hint")


@pytest.mark.parametrize("typed", ["-5", "1e400"])
def test_what_is_no_limit_is_left_out_and_said(page: "Page", typed: str) -> None:
    page.fill("input[name=parameters]", typed)
    if typed == "-5":
        assert "Left out, since a limit is a number" in page.inner_text(".choice-result")
        assert page.get_attribute("input[name=parameters]", "aria-invalid") == "true"
    assert len(remains(page)) == 5


def test_a_hostile_address_is_words_at_most(page: "Page", made: Site) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    query = {"parameters": hostile, "dataset": hostile, "by": hostile}
    opened(page, f"{made.url}?{urlencode(query)}")
    assert page.locator("#choice img, #choice-figures img").count() == 0
    assert page.input_value("select[name=dataset]") == "digits"
    assert len(remains(page)) == 5


def test_sorted_rows_are_still_the_right_ones(page: "Page") -> None:
    page.locator("#choice-figures tbody").evaluate(
        "body => body.append(...[...body.rows].reverse())"
    )
    page.fill("input[name=parameters]", "1")
    assert shown_rows(page) == ["LeNet"]


def test_the_keyboard_reaches_all_fields(page: "Page") -> None:
    page.focus("#choice-images")
    names = []
    for _ in range(13):
        names.append(page.evaluate("document.activeElement.name || document.activeElement.type"))
        page.keyboard.press("Tab")
    fields = page.locator(".choice-form input, .choice-form select, .choice-form button")
    assert names == fields.evaluate_all("all => all.map((each) => each.name || each.type)")
    assert page.get_attribute(".choice-result", "aria-live") == "polite"


def test_without_a_script_the_page_says_all(chromium: "Browser", made: Site) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(made.url)
    assert "The form needs JavaScript" in page.inner_text("#choice")
    assert len(shown_rows(page)) == 10
    assert "The highest accuracy, whatever it costs" in page.inner_text("main")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_it_reads_well_in_both_schemes_and_on_a_phone(
    chromium: "Browser", made: Site, scheme: Scheme, size: tuple[int, int]
) -> None:
    page = chromium.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    opened(page, f"{made.url}?accuracy=85&parameters=30")
    wanted = "slate" if scheme == "dark" else "default"
    assert page.locator("body").get_attribute("data-md-color-scheme") == wanted
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    found = Axe().run(page, context="#choice").response["violations"]
    serious = [each for each in found if each["impact"] in {"serious", "critical"}]
    page.close()
    assert not serious, [(each["id"], each["nodes"][0]["html"]) for each in serious]
