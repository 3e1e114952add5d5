"""The site as a reader meets it: in a browser, in both colour schemes, on a desk and on a phone."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import DESKTOP, PHONE, PREFIX, ROOT, Scheme, Tab, build_site, served
from lxml import html
from make_study import MODELS, make_study, write_study
from ruamel.yaml import YAML
from test_pages import pages_of

from cnnreport.pages import FigureText, save_pages
from cnnreport.records import save_text
from cnnreport.study import Study, load_study

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

AXE_PAGES = [
    "",
    "report/contents/",
    "report/front/cover/",
    "report/chapters/4-cnn/",
    "report/networks/",
    "report/networks/lenet/",
    "report/results/",
    "report/results/pairs/",
    "report/results/classes/",
    "report/results/choice/",
    "report/passports/parameters/",
    "studies/objects/",
    "how-to/change-the-report/",
]
PARTS = 6
"""Tests that share out the pages of the whole site: one alone would take minutes."""
EXEMPT: dict[str, str] = {}
"""Rules of axe that Material itself breaks, and why we leave it so."""


def paths(site: Path) -> list[str]:
    """The addresses of all pages below the top of the site."""
    found = sorted(site.rglob("index.html"))
    return [f"{path.parent.relative_to(site).as_posix()}/".removeprefix("./") for path in found]


@pytest.mark.timeout(1200)  # it grows with every study, and the first part builds the site
@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_loads_without_complaint_and_fits_its_window(
    tab: Tab, site: Path, part: int
) -> None:
    """Pages load in turn in the light and the dark scheme, and are then switched to the other.

    Material keeps the choice, so the page after a switch loads in the scheme that was chosen.
    """
    found = paths(site)
    assert len(found) > 100
    bad = []
    for number, path in enumerate(found[part::PARTS]):
        tab.look(DESKTOP)
        page = tab.open(path)
        schemes = ["default", "slate"][:: -1 if number % 2 else 1]
        bad += [f"{path}: {each}" for each in complaints_of(page, schemes[0])]
        page.evaluate(
            "document.querySelector('[data-md-component=palette] label[for]:not([hidden])').click()"
        )
        tab.look(PHONE)
        bad += [f"{path}, on a phone: {each}" for each in complaints_of(page, schemes[1])]
    assert not bad, "\n".join(bad)


def complaints_of(page: "Page", scheme: str) -> Iterator[str]:
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        yield "wider than its window"
    if page.locator("body").get_attribute("data-md-color-scheme") != scheme:
        yield f"not in the scheme {scheme}"


def test_links_and_anchors_lead_somewhere(site: Path) -> None:
    """Every address is relative, so that the site works in any folder of a server."""
    documents = {path: html.parse(str(path)) for path in site.rglob("index.html")}
    anchors = {
        path: {str(each) for each in document.xpath("//@id | //a/@name")}
        for path, document in documents.items()
    }
    broken = []
    for path, document in documents.items():
        for address in document.xpath("//@href | //@src"):
            parts = urlsplit(str(address))
            if parts.scheme in ("http", "https", "data", "mailto"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            exists = target.is_file() and site in target.parents
            anchor = unquote(parts.fragment)
            known = not anchor or target not in anchors or anchor in anchors[target]
            # Material's own way to the top of a page, and the marks of pictures for one scheme.
            known = known or anchor in ("__skip", "gh-light-mode-only", "gh-dark-mode-only")
            if not (exists and known) or parts.path.startswith("/"):
                broken.append(f"{path.relative_to(site)}: {address}")
    assert not broken


def test_search_finds(tab: Tab) -> None:
    page = tab.open("report/results/cost/")
    page.locator(".md-search__input").click()
    page.keyboard.type("convolutional", delay=20)
    results = page.locator(".md-search-result__item a.md-search-result__link")
    results.first.wait_for()
    assert results.count() > 3
    results.first.click()
    page.wait_for_url(re.compile(r"\?h="))
    assert "onvolutional" in page.locator("article").inner_text()


def column(table: "Locator", number: int) -> list[str]:
    cells = table.locator(f"tbody tr td:nth-child({number})")
    return [str(text).strip() for text in cells.all_inner_texts()]


def header(table: "Locator", name: str) -> "Locator":
    return table.locator(f'th[data-label="{name}"]')


def first_table(page: "Page") -> "Locator":
    return page.locator('.md-typeset table:has(th[data-label="Training time"])').first


def as_seconds(text: str) -> float:
    units = {"h": 3600.0, "min": 60.0, "s": 1.0}
    parts = re.findall(r"([\d.]+)\s(h|min|s)\b", text)
    return sum(float(number) * units[unit] for number, unit in parts)


def test_sorting_goes_by_the_raw_values_and_back(tab: Tab) -> None:
    page = tab.open("")
    table = first_table(page)
    first = column(table, 2)
    numbers = [each.inner_text() for each in table.locator("th").all()]
    place = numbers.index("Training time") + 1
    heading = header(table, "Training time")
    for order, sign in (("ascending", 1), ("descending", -1)):
        heading.locator("button").click()
        page.wait_for_function(
            "([cell, order]) => cell.getAttribute('aria-sort') === order",
            arg=[heading.element_handle(), order],
        )
        times = [sign * as_seconds(text) for text in column(table, place)]
        assert times == sorted(times)
        assert len(set(times)) > 2
    heading.locator("button").click()
    page.wait_for_function("cell => !cell.hasAttribute('aria-sort')", arg=heading.element_handle())
    assert column(table, 2) == first


def test_sorting_works_by_keyboard_and_says_so(tab: Tab) -> None:
    page = tab.open("report/results/")
    table = first_table(page)
    button = header(table, "Parameters").locator("button")
    button.focus()
    page.keyboard.press("Enter")
    status = page.locator(".table-status").filter(has_text="Sorted by Parameters, ascending.")
    status.wait_for()
    assert status.get_attribute("role") == "status"
    place = [each.inner_text() for each in table.locator("th").all()].index("Parameters") + 1
    counts = [int(text.replace(",", "")) for text in column(table, place)]
    assert counts == sorted(counts)
    assert page.evaluate("document.activeElement.textContent") == "Parameters"


def test_sorting_goes_by_the_text_where_no_values_come(tab: Tab) -> None:
    tab.page.route("**/*.tables/*.json", lambda route: route.fulfill(body="[", status=200))
    page = tab.open("")
    table = first_table(page)
    header(table, "Network").locator("button").click()
    page.wait_for_selector("th[aria-sort=ascending]")
    names = column(table, 2)
    assert names == sorted(names, key=str.lower)


def test_sorting_moves_nothing_but_rows(tab: Tab) -> None:
    """Scripts must not shift what stands on the page while it loads."""
    page = tab.open("report/results/")
    measure = "() => document.querySelector('.md-content').getBoundingClientRect().height"
    height = page.evaluate(measure)
    header(first_table(page), "Network").locator("button").click()
    page.wait_for_selector("th[aria-sort=ascending]")
    assert page.evaluate(measure) == height


def test_a_wide_table_shows_that_it_scrolls(tab: Tab) -> None:
    tab.look(PHONE)
    page = tab.open("report/results/")
    frame = page.locator(".table-wide").filter(has=page.locator("th")).last
    assert frame.get_attribute("role") == "region"
    assert "scrolls sideways" in str(frame.get_attribute("aria-label"))
    frame.focus()
    assert "table-more-right" in str(frame.get_attribute("class"))
    frame.evaluate("frame => frame.scrollTo(frame.scrollWidth, 0)")
    page.wait_for_function(
        "frame => !frame.classList.contains('table-more-right')", arg=frame.element_handle()
    )
    left = frame.locator("td.table-first").first.evaluate(
        "(cell) => cell.getBoundingClientRect().left - "
        "cell.closest('.table-wide').getBoundingClientRect().left"
    )
    assert 0 <= left < 1


def shown_headers(page: "Page", name: str) -> list[str]:
    return page.locator(f".compare-{name} table th:visible").all_inner_texts()


def shown_pairs(page: "Page") -> list[tuple[str, ...]]:
    rows = page.locator(".compare-pairs tbody tr:visible")
    return [
        tuple(row.locator("td").nth(place).inner_text() for place in (0, 1)) for row in rows.all()
    ]


def test_two_networks_are_compared_and_the_address_keeps_them(tab: Tab) -> None:
    page = tab.open("report/results/pairs/")
    everything = shown_headers(page, "networks")
    assert len(everything) == 6
    assert len(shown_pairs(page)) == 10
    page.locator("select[name=a]").select_option("lenet")
    assert shown_headers(page, "networks") == everything
    page.locator("select[name=b]").select_option("vgg16")
    assert page.url.endswith("?a=lenet&b=vgg16")
    expect_lenet_and_vgg16(page)
    again = tab.open(page.url.removeprefix(tab.home))
    expect_lenet_and_vgg16(again)
    again.locator("select[name=b]").select_option("")
    assert shown_headers(again, "networks") == everything


def expect_lenet_and_vgg16(page: "Page") -> None:
    assert set(shown_headers(page, "networks")) == {"Measure", "LeNet", "VGGNet-16"}
    ((one, other),) = shown_pairs(page)
    assert {one, other} == {"LeNet", "VGGNet-16"}
    assert shown_headers(page, "classes") == ["Class", f"{one} less {other}"]


@pytest.mark.parametrize("query", ["?a=nobody&b=vgg16", "?a=%3Cb%3E&b=lenet", "?a=lenet&b=lenet"])
def test_an_address_that_makes_no_sense_shows_everything(tab: Tab, query: str) -> None:
    page = tab.open(f"report/results/pairs/{query}")
    assert len(shown_headers(page, "networks")) == 6


def test_the_comparison_is_there_without_scripts(chromium: "Browser", home: str) -> None:
    page = chromium.new_page(java_script_enabled=False)
    page.goto(f"{home}report/results/pairs/?a=lenet&b=vgg16")
    assert len(shown_headers(page, "networks")) == 6
    assert len(shown_pairs(page)) == 10
    page.close()


def test_what_is_folded_is_printed(tab: Tab) -> None:
    page = tab.open("report/results/classes/")
    folded = page.locator("details table").first
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible()
    assert not page.locator(".md-header").is_visible()


def test_paper_gets_the_light_pictures_and_formulas(tab: Tab) -> None:
    tab.look(DESKTOP, "dark")
    page = tab.open("report/chapters/4-neural-networks/")
    page.emulate_media(media="print", color_scheme="dark")
    shown = page.locator("article img:visible").evaluate_all(
        "images => images.map(image => image.getAttribute('src').split('/').pop())"
    )
    assert any(name.startswith("formula-") for name in shown)
    assert any(name.startswith("diagram-") for name in shown)
    assert not [name for name in shown if "dark" in name]


def test_a_phone_scrolls_figures_and_a_keyboard_reaches_them(tab: Tab) -> None:
    tab.look(PHONE)
    page = tab.open("report/chapters/4-cnn/")
    widths = page.locator("figure img:visible").evaluate_all(
        "images => images.map(image => image.getBoundingClientRect().width)"
    )
    assert len(widths) > 5
    assert min(widths) > 500
    beyond = page.locator("figure").evaluate_all(
        "figures => figures.filter(each => each.tabIndex < 0 && !each.querySelector('a')).length"
    )
    assert beyond == 0


CHANGES = """async () => {
  let count = 0;
  const watch = new MutationObserver((changes) => (count += changes.length));
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap")) {
    watch.observe(box, { attributes: true, attributeFilter: ["class"] });
  }
  await new Promise((done) => setTimeout(done, 500));
  return count;
}"""
SPILT = """cells => cells.filter((cell) => {
  const end = (element) => element.getBoundingClientRect().right;
  return [...cell.querySelectorAll("code")].some((code) => end(code) > end(cell) + 1);
}).map((cell) => cell.textContent)"""


@pytest.mark.parametrize("width", [320, 360, 390, 412])
def test_a_wide_table_on_a_phone_keeps_still_and_its_cells_keep_their_words(
    tab: Tab, width: int
) -> None:
    tab.look((width, 844))
    for path in ("how-to/write-claims/", "how-to/when-something-fails/", "how-to/verify-a-report/"):
        page = tab.open(path)
        page.wait_for_timeout(200)
        assert page.evaluate(CHANGES) == 0, path
        assert page.locator(".table-first").evaluate_all(SPILT) == [], path


@pytest.fixture(scope="module")
def axe() -> Axe:
    return Axe()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(tab: Tab, axe: Axe, scheme: Scheme) -> None:
    tab.look(DESKTOP, scheme)
    found = []
    for path in AXE_PAGES:
        page = tab.open(path)
        found += [f"{path or 'Home'}: {each}" for each in serious(axe.run(page).response)]
    assert not found, "\n".join(found)


def serious(response: dict[str, Any]) -> Iterator[str]:
    """The rules that a page breaks badly, with the first place of each."""
    for each in response["violations"]:
        if each["impact"] in ("serious", "critical") and each["id"] not in EXEMPT:
            nodes = each["nodes"]
            yield f"{each['id']}, {len(nodes)} times: {nodes[0]['html'][:200]}"


HOSTILE = (
    "<script>window.hostile=1</script><img src=x onerror=window.hostile=2> "
    "](javascript:alert(1)) | \\ # $x$ *y* `c` {{ d }} ${e} \N{FROG FACE} "
    "\N{HEBREW LETTER SHIN}\" ' onclick=alert(2)"
)


@pytest.fixture(scope="module")
def hostile_home(chromium: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site whose image set, classes and machines have names that try to be markup."""
    folder = tmp_path_factory.mktemp("hostile")
    study = hostile_study(folder / "results")
    save_pages(pages_of(study, figures=EveryFigure()), folder / "docs")
    raw = YAML(typ="safe").load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    raw["INHERIT"] = str(folder / "docs/nav.yml")
    for name in ("stylesheets", "javascripts"):
        for path in (ROOT / "docs" / name).iterdir():
            save_text(folder / "docs" / name / path.name, path.read_text(encoding="utf-8"))
    save_text(folder / "src/site_files.py", (ROOT / "src/site_files.py").read_text("utf-8"))
    with (folder / "mkdocs.yml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(raw, file)
    # Not strictly: this study has no figures.
    build_site(folder / "mkdocs.yml", folder / "served" / PREFIX, strict=False)
    with served(folder / "served") as address:
        yield f"{address}{PREFIX}/"


class EveryFigure(dict[str, FigureText]):
    """A hostile caption for any figure."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> FigureText:
        return FigureText(HOSTILE, HOSTILE)


def hostile_study(results: Path) -> Study:
    """A study from files, so that its numbers have raw values, with hostile names in them."""
    study = make_study(models=MODELS[:3], images_per_class=10)
    record = study.datasets["digits"]
    classes = [f"{HOSTILE} {index}" for index in range(len(record.class_names))]
    record = replace(record, title=HOSTILE, source=HOSTILE, class_names=classes)
    cells = {}
    for key, cell in study.cells.items():
        accuracies = cell.metrics.class_accuracy.values()
        metrics = replace(cell.metrics, class_accuracy=dict(zip(classes, accuracies, strict=True)))
        training = replace(cell.runs[0].training, processor=HOSTILE, platform=HOSTILE)
        cells[key] = replace(cell, metrics=metrics, runs=[replace(cell.runs[0], training=training)])
    write_study(replace(study, datasets={"digits": record}, cells=cells), results)
    return load_study(study.params, results)


HOSTILE_PAGES = ["", "report/results/", "report/results/pairs/", "report/results/classes/"]
HOSTILE_PAGES += ["report/results/confusion/", "report/results/cost/", "report/networks/lenet/"]
HOSTILE_PAGES += ["report/results/choice/", "report/passports/digits-lenet/"]


def test_names_that_try_to_be_markup_stay_names(chromium: "Browser", hostile_home: str) -> None:
    page = chromium.new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    shown = 0
    for path in HOSTILE_PAGES:
        page.goto(urljoin(hostile_home, path))
        for button in page.locator(".table-sort:visible").all()[:12]:
            button.click()
        page.wait_for_timeout(50)
        assert page.evaluate("window.hostile") is None, path
        assert not page.locator("article script, article [onerror], article [onclick]").count()
        shown += page.locator("article").inner_text().count("<script>window.hostile=1</script>")
    page.goto(urljoin(hostile_home, ""))
    page.locator(".md-search__input").click()
    page.keyboard.type("window", delay=20)
    page.locator(".md-search-result__item").first.wait_for()
    assert page.evaluate("window.hostile") is None
    assert shown > 10
    assert not errors
    assert not dialogs
    page.close()
