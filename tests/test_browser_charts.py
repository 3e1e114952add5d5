"""Interactive charts as a reader uses them: by pointer and keyboard, in both schemes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import CONFIG, DESKTOP, PHONE, PREFIX, ROOT, Tab, build_site, served
from make_study import MODELS, make_study
from ruamel.yaml import YAML
from test_charts import hostile_study

from cnnreport.charts import all_charts
from cnnreport.charts.spec import SUFFIX, to_json
from cnnreport.figures.dark import DARK
from cnnreport.pages import FigureText
from cnnreport.pages.templating import make_environment
from cnnreport.records import save_text
from site_files import chart_library

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Route

CLASS = "<img src=x onerror=alert(1)> "
TITLES = {
    "lenet": "<b>LeNet</b>",
    "alexnet": "<script>x</script>",
    "vgg16": "V" * 60,
}
NAMES = (
    "digits-accuracy-against-parameters",
    "digits-learning-curves",
    "digits-class-heatmap",
    "digits-reliability",
    "digits-lenet-confusion",
)
ALT = "A figure in words."
SHEET = '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200"/>'
PAGE = """{% from "_macros.md.j2" import figure with context %}
# Charts

{% for name in names %}
## {{ name }}

{{ figure(name) }}

{% endfor %}
"""


@pytest.fixture(scope="module")
def chart_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with one page of charts below docs/report/ and one page without."""
    folder = tmp_path_factory.mktemp("charts")
    docs = folder / "docs"
    save_text(docs / "index.md", "# No chart\n\nNothing to explore here.\n")
    save_text(docs / "report/charts.md", page_of_charts())
    study = hostile_study(CLASS, make_study(models=MODELS[:3], images_per_class=10))
    for chart in all_charts(study, TITLES):
        save_text(docs / f"figures/{chart.name}{SUFFIX}", to_json(chart, ALT))
    for name in NAMES:
        for ending in ("", "-dark"):
            save_text(docs / f"figures/{name}{ending}.svg", SHEET)
    own = ("javascripts/charts.js", "stylesheets/charts.css", "stylesheets/extra.css")
    for name in own:
        save_text(docs / name, (ROOT / "docs" / name).read_text(encoding="utf-8"))
    save_text(docs / "javascripts/vega.js", chart_library(folder / "cache"))
    config = YAML(typ="safe").load(CONFIG.read_text(encoding="utf-8"))
    config |= {"extra_javascript": [own[0]], "extra_css": list(own[1:])}
    for key in ("INHERIT", "hooks"):
        config.pop(key, None)
    with (folder / "mkdocs.yml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(config, file)
    build_site(folder / "mkdocs.yml", folder / "served" / PREFIX)
    return folder / "served"


def page_of_charts() -> str:
    """The page as the macro of the report writes it."""
    macros = (ROOT / "report/templates/_macros.md.j2").read_text(encoding="utf-8")
    environment = make_environment({"_macros.md.j2": macros, "page.md.j2": PAGE})
    return environment.get_template("page.md.j2").render(
        names=NAMES,
        figure_text=lambda name: FigureText(f"Caption of {name}.", ALT, chart=True),
        figure_path=lambda name: f"../figures/{name}.svg",
        figure_passports=lambda _: "charts.md",
        link=lambda path: path,
    )


@pytest.fixture(scope="module")
def chart_home(chart_site: Path) -> Iterator[str]:
    with served(chart_site) as address:
        yield f"{address}{PREFIX}/"


@pytest.fixture
def reader(chromium: "Browser", chart_home: str) -> Iterator[Tab]:
    """An empty page that must not complain, look elsewhere nor run what is in a name."""
    page = chromium.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
    tab = Tab(page, chart_home)
    page.on("dialog", lambda dialog: tab.complaints.append(f"said {dialog.message}"))
    yield tab
    page.close()
    assert not tab.complaints, tab.complaints
    assert not tab.elsewhere(), tab.elsewhere()


def open_chart(page: "Page", name: str) -> "Locator":
    """Click the button of a figure and return the figure when its chart is drawn."""
    figure = page.locator("figure", has=page.locator(f'[data-chart="{name}"]'))
    figure.get_by_role("button", name="Explore this figure").click()
    figure.locator(".chart__stage svg").wait_for()
    return figure


def tip(page: "Page") -> dict[str, str]:
    """What the tooltip says, by the names in it; it must be seen."""
    box = page.locator(".chart-tip")
    box.wait_for()
    place, window = box.bounding_box(), page.viewport_size
    assert place
    assert window
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= window["width"]
    assert place["y"] >= 0
    assert place["y"] + place["height"] <= window["height"]
    cells = box.locator("th, td").all_text_contents()
    return dict(zip(cells[::2], cells[1::2], strict=True))


def hover(mark: "Locator") -> None:
    """Move the pointer onto a mark, in two steps as a hand does."""
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box
    across, down = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mark.page.mouse.move(across - 2, down)
    mark.page.mouse.move(across, down)


LOOKS = {"light, on a desk": (DESKTOP, "light"), "dark, on a phone": (PHONE, "dark")}
TOLD = {
    "digits-accuracy-against-parameters": {"network", "test accuracy", "parameters"},
    "digits-learning-curves": {"network", "epoch", "training loss", "validation accuracy"},
    "digits-class-heatmap": {"class", "network", "accuracy"},
    "digits-reliability": {"network", "predictions", "mean confidence"},
    "digits-lenet-confusion": {"actual class", "predicted class", "predictions", "share"},
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("look", LOOKS)
def test_a_click_draws_the_chart_and_hovering_tells_values(
    reader: Tab, name: str, look: str
) -> None:
    size, scheme = LOOKS[look]
    reader.look(size, scheme)
    page = reader.open("report/charts/")
    assert not page.locator(".chart__stage svg").count()
    figure = open_chart(page, name)
    box = figure.locator(".chart__stage svg").bounding_box()
    assert box
    assert 250 < box["width"] <= size[0]
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert not figure.locator("img").first.is_visible()
    assert not figure.locator("img").last.is_visible()
    hover(figure.locator(".role-mark.mark-symbol > path, .role-mark.mark-rect > path").first)
    told = tip(page)
    assert TOLD[name] <= told.keys()
    assert not [value for value in told.values() if "undefined" in value or "NaN" in value]


def test_names_are_shown_as_letters(reader: Tab) -> None:
    page = reader.open("report/charts/")
    figure = open_chart(page, "digits-lenet-confusion")
    hover(figure.locator(".mark-rect > path").first)
    assert tip(page)["actual class"].startswith(CLASS.strip())
    assert not page.locator(".chart-tip img").count()
    networks = open_chart(page, "digits-reliability")
    legend = networks.locator(".role-legend text").all_text_contents()
    assert legend[:2] == [TITLES["lenet"], TITLES["alexnet"]]
    heatmap = open_chart(page, "digits-class-heatmap")
    assert TITLES["lenet"] in heatmap.locator("option").all_text_contents()
    assert not page.locator("figure b, figure script").count()


def test_the_static_figure_comes_back(reader: Tab) -> None:
    page = reader.open("report/charts/")
    figure = open_chart(page, NAMES[0])
    button = figure.get_by_role("button", name="Back to the static figure")
    assert button.get_attribute("aria-expanded") == "true"
    button.click()
    assert figure.locator("img").first.is_visible()
    assert not figure.locator(".chart__stage").is_visible()
    again = figure.get_by_role("button", name="Explore this figure")
    assert again.get_attribute("aria-expanded") == "false"
    again.click()
    figure.locator(".chart__stage svg").wait_for()


def test_the_library_is_loaded_once_and_only_when_asked_for(reader: Tab) -> None:
    page = reader.open("")
    page = reader.open("report/charts/")
    assert not [address for address in reader.requests if "vega" in address or SUFFIX in address]
    for name in NAMES[:2]:
        open_chart(page, name)
    assert sum("javascripts/vega.js" in address for address in reader.requests) == 1
    assert sum(SUFFIX in address for address in reader.requests) == 2


def test_the_keyboard_reaches_every_mark(reader: Tab) -> None:
    page = reader.open("report/charts/")
    figure = page.locator("figure").first
    figure.get_by_role("button").focus()
    page.keyboard.press("Enter")
    stage = figure.locator(".chart__stage")
    stage.locator("svg").wait_for()
    assert ALT in (stage.get_attribute("aria-label") or "")
    stage.focus()
    heard = []
    for key in ("ArrowRight", "ArrowRight", "End", "ArrowLeft", "Home"):
        page.keyboard.press(key)
        assert tip(page)["network"]
        heard.append(figure.locator(".chart__spoken").text_content())
    networks = [TITLES[model] for model in ("lenet", "alexnet", "vgg16", "alexnet", "lenet")]
    assert [re.sub(r"^network: (.*?), test.*", r"\1", text or "") for text in heard] == networks


def test_a_tooltip_of_the_keyboard_goes_with_escape_with_the_focus_and_with_the_chart(
    reader: Tab,
) -> None:
    page = reader.open("report/charts/")
    figure = open_chart(page, NAMES[0])
    stage, box = figure.locator(".chart__stage"), page.locator(".chart-tip")
    leave = (
        lambda: page.keyboard.press("Escape"),
        lambda: figure.get_by_role("button").focus(),
        lambda: figure.get_by_role("button").dispatch_event("click"),
    )
    for way in leave:
        stage.focus()
        page.keyboard.press("Home")
        assert tip(page)["network"]
        way()
        assert box.is_hidden()


def test_the_scheme_can_change_under_an_open_chart(reader: Tab) -> None:
    page = reader.open("report/charts/")
    figure = open_chart(page, NAMES[0])
    figure.locator("select").select_option(label="multiply-accumulates an image")
    mark = figure.locator(".role-mark.mark-symbol > path").first
    light = mark.get_attribute("fill")
    assert light
    page.locator('label[for="__palette_1"]').click()
    changed = figure.locator(f'.role-mark.mark-symbol > path[fill="{DARK[light]}"]')
    changed.first.wait_for()
    assert figure.locator("svg").count() == 1
    assert "multiply-accumulates" in (figure.locator(".role-title text").text_content() or "")
    assert figure.locator("select").input_value() == "macs"


def test_a_click_on_the_legend_leaves_one_network(reader: Tab) -> None:
    page = reader.open("report/charts/")
    figure = open_chart(page, "digits-reliability")
    figure.locator(".role-legend-symbol > path").first.click()
    marks = figure.locator(".role-mark.mark-symbol > path")
    seen = {mark.get_attribute("fill"): mark.get_attribute("opacity") for mark in marks.all()}
    assert sorted(float(opacity or 1) for opacity in seen.values()) == [0.08, 0.08, 1]


def test_classes_can_be_sorted_by_a_network(reader: Tab) -> None:
    page = reader.open("report/charts/")
    figure = open_chart(page, "digits-class-heatmap")
    figure.locator("select").select_option(label="order of the image set")
    given = [cell["class"][-1] for cell in column(figure, TITLES["alexnet"])]
    assert given == list("0123456789")
    figure.locator("select").select_option(label=TITLES["alexnet"])
    cells = column(figure, TITLES["alexnet"])
    shares = [float(cell["accuracy"].removesuffix("\N{NO-BREAK SPACE}%")) for cell in cells]
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) > 3


def column(figure: "Locator", network: str) -> list[dict[str, str]]:
    """What the cells of a network tell in a heat map, from top to bottom."""
    found = {}
    for mark in figure.locator(".role-mark.mark-rect > path").all():
        hover(mark)
        if (told := tip(figure.page))["network"] == network:
            place = mark.evaluate("mark => mark.getBoundingClientRect().y + scrollY")
            found[place] = told
    return [found[place] for place in sorted(found)]


def test_what_cannot_be_loaded_is_said_and_the_figure_stays(
    chromium: "Browser", chart_home: str
) -> None:
    page = chromium.new_page()
    tab = Tab(page, chart_home)
    for pattern in ("**/vega.js", f"**/*{SUFFIX}"):
        page.route(pattern, lambda route: route.abort())
        page.goto(f"{chart_home}report/charts/")
        figure = page.locator("figure").first
        figure.get_by_role("button").click()
        figure.get_by_text("cannot be loaded").wait_for()
        assert figure.locator("img").first.is_visible()
        assert not [text for text in tab.complaints if "Failed to load resource" not in text]
        page.unroute(pattern)
        figure.get_by_role("button").click()
        figure.locator(".chart__stage svg").wait_for()
        assert not figure.get_by_text("cannot be loaded").count()
    page.close()


def test_no_text_is_run_as_code(chromium: "Browser", chart_home: str) -> None:
    """A host may forbid `eval` and its like: expressions of a chart are interpreted."""

    def forbid(route: "Route") -> None:
        answer = route.fetch()
        policy = {"Content-Security-Policy": "script-src 'self' 'unsafe-inline'"}
        route.fulfill(response=answer, headers={**answer.headers, **policy})

    page = chromium.new_page()
    tab = Tab(page, chart_home)
    page.route("**/report/charts/", forbid)
    page.goto(f"{chart_home}report/charts/")
    for name in NAMES:
        open_chart(page, name)
    assert not tab.complaints, tab.complaints
    page.close()


def test_without_scripts_nothing_promises_a_chart(chromium: "Browser", chart_home: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{chart_home}report/charts/")
    assert page.locator("figure img").first.is_visible()
    assert not page.locator("figure button").count()
    assert "Explore" not in (page.locator("article").text_content() or "")
    context.close()


def test_search_does_not_know_of_charts(chart_site: Path) -> None:
    index = (chart_site / PREFIX / "search/search_index.json").read_text(encoding="utf-8")
    assert "Caption of digits-learning-curves" in index
    assert "Explore" not in index.replace("Nothing to explore", "")
    assert "data-chart" not in index


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_serious(reader: Tab, look: str) -> None:
    reader.look(*LOOKS[look])
    page = reader.open("report/charts/")
    for name in NAMES:
        open_chart(page, name)
    found = Axe().run(page, context=".md-content").response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not serious, [(each["id"], each["nodes"][0]["html"]) for each in serious]
