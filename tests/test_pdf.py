"""The PDF: that of the project's own pages, and small ones whose every word is hostile."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PageObject, PdfReader
from pypdf.generic import Destination
from ruamel.yaml import YAML
from typer.testing import CliRunner

from cnnreport import formats
from cnnreport.cli import app
from cnnreport.errors import InputError
from cnnreport.pdf import build_pdf
from cnnreport.pdf.document import load_document, load_site
from cnnreport.pdf.fitting import (
    CODE_SIZES,
    TURNED_SIZES,
    fit_code,
    fit_table,
    page_of,
    softened,
    text_width,
)
from cnnreport.pdf.outline import chapters
from cnnreport.pdf.tree import Node, Surroundings, labels_of, page_root, page_tree, plain_text
from cnnreport.pdf.typesetting import MISSING_GLYPH, typeset

ROOT = Path(__file__).parents[1]

HOSTILE = (
    "<script>alert(1)</script>",
    "](x) [y](z) ![p](q)",
    "a | b || c",
    r"back\slash \n \u{41} \#let",
    "# head #import #panic()",
    "$ sum $ 5$",
    "*bold* _emph_ `code` ```raw```",
    "\"double\" 'single' “curly”",
    "{{ 7 * 7 }} {% x %}",
    "@label <label> ~ -- --- ... //comment /* c */",
    "שלום עולם",
    "&amp; &lt; &#35;",
)
"""Words that mean something to Markdown, HTML, Typst, Jinja or JSON; fonts for all are there."""

WITHOUT_FONT = "名前 😀"


# --- small projects --------------------------------------------------------------------------


def make_project(folder: Path, pages: dict[str, str], people: dict[str, Any] | None = None) -> Path:
    """A project with these pages below docs/ and internship.yaml changed at its top level."""
    for name in ("mkdocs.yml", "params.yaml", "report/formulas.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    for name in ("report/pdf", "report/templates/front"):
        shutil.copytree(ROOT / name, folder / name)
    raw = YAML(typ="safe").load((ROOT / "report/internship.yaml").read_text(encoding="utf-8"))
    with (folder / "report/internship.yaml").open("w", encoding="utf-8") as file:
        YAML().dump({**raw, **(people or {})}, file)
    for name, text in (DEFAULT_PAGES | pages).items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


NAV = {
    "Home": "index.md",
    "1 Introduction": "report/chapters/1-introduction.md",
    "4.1 Research": "report/chapters/4-research.md",
    "4.1.1 Deeper": "report/chapters/4-deeper.md",
    "Overview": "report/networks/index.md",
    "Accuracy": "report/results/index.md",
    "5 Conclusion": "report/chapters/5-conclusion.md",
    "How to read them": "report/passports/index.md",
    "Bibliography": "report/appendix/bibliography.md",
}

DEFAULT_PAGES = {
    "nav.yml": json.dumps({"nav": [{title: path} for title, path in NAV.items()]}),
    "report/front/cover.md": "# A title\n",
    "report/chapters/1-introduction.md": "# Introduction\n\nWords.\n",
    "report/chapters/4-research.md": "# Research: machines\n\nWords.\n\n## One\n",
    "report/chapters/4-deeper.md": "# Deeper\n\nWords.\n\n## Two\n",
    "report/networks/index.md": "# The networks\n\nWords.\n",
    "report/results/index.md": "# Accuracy\n\nWords.\n",
    "report/chapters/5-conclusion.md": "# Conclusion\n\nWords.\n",
    "report/appendix/bibliography.md": (
        '# Bibliography\n\n- <a id="doe2020"></a>**Doe, 2020.** J. Doe (2020): *A work*.\n'
    ),
}


def built(folder: Path, paper: Any = None) -> PdfReader:
    out = folder / "report.pdf"
    build_pdf(folder, out, paper)
    return PdfReader(out)


def text_of(reader: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in reader.pages)


def squeezed(text: str) -> str:
    """A text without blanks and hyphens at line ends, which the way through a PDF changes."""
    return re.sub(r"[\s\u200b\u00ad-]", "", text)


# --- the project's own report ----------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """The PDF of this checkout's pages, read back, and the tree that it was set from.

    `places` are those where the texts of each page begin, in points from the lower left.
    """

    reader: PdfReader
    tree: Node
    texts: list[str]
    places: list[list[tuple[float, float]]]


@pytest.fixture(scope="module")
def report() -> Report:
    tree = load_document(ROOT, "a4")
    reader = PdfReader(BytesIO(typeset(tree, ROOT).content))
    texts, places = zip(*map(read_page, reader.pages), strict=True)
    return Report(reader, tree, list(texts), list(places))


def read_page(page: PageObject) -> tuple[str, list[tuple[float, float]]]:
    """The text of a page and where its pieces begin; to read a page twice takes long."""
    places: list[tuple[float, float]] = []

    def note(text: str, _user: Any, matrix: list[float], *_: Any) -> None:
        if text.strip():
            places.append((matrix[4], matrix[5]))

    return page.extract_text(visitor_text=note), places


def strings(node: Any) -> Iterator[str]:
    """Every text of a tree that is no code."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list | tuple):
        for each in node:
            yield from strings(each)
    elif isinstance(node, dict) and node.get("kind") not in ("pre", "code"):
        for key, each in node.items():
            if key != "formulas":
                yield from strings(each)


def nodes(node: Any, kind: str) -> Iterator[Node]:
    if isinstance(node, list | tuple):
        for each in node:
            yield from nodes(each, kind)
    elif isinstance(node, dict):
        if node.get("kind") == kind:
            yield node
        for each in node.values():
            yield from nodes(each, kind)


def outline(reader: PdfReader) -> list[tuple[str, int]]:
    """The bookmarks: each title with its page, counted from 0."""

    def walk(entries: list[Any]) -> Iterator[tuple[str, int]]:
        for entry in entries:
            if isinstance(entry, Destination):
                page = reader.get_destination_page_number(entry)
                assert page is not None
                yield str(entry.title), page
            else:
                yield from walk(entry)

    return list(walk(reader.outline))


def test_the_report_is_long_and_every_page_has_text(report: Report) -> None:
    assert len(report.texts) > 60
    empty = [place + 1 for place, text in enumerate(report.texts) if len(text.strip()) < 20]
    assert not empty, "pages without text"


def test_no_markdown_or_template_is_left(report: Report) -> None:
    for text in strings(report.tree):
        for mark in ("{{", "{%", "](", "**", "<td", "&amp;"):
            assert mark not in text, text
    whole = "\n".join(report.texts)
    assert "{{" not in whole
    assert "{%" not in whole
    assert "Passports." not in whole


def test_every_page_of_the_chapters_is_in_it_and_no_other(report: Report) -> None:
    labels = {node["label"] for node in nodes(report.tree, "anchor")}
    pages = {
        path.relative_to(ROOT / "docs").as_posix()
        for folder in ("chapters", "networks", "results")
        for path in (ROOT / "docs/report" / folder).glob("*.md")
    }
    assert pages <= labels
    assert not [label for label in labels if re.match("report/(passports|compare)|how-to", label)]


def test_the_classic_order(report: Report) -> None:
    titles = [title for title, _ in outline(report.reader)]
    wanted = ["Certificate", "Recommendation", "Acknowledgement", "Contents", "List of figures"]
    wanted += ["List of tables", "1 Introduction", "2 The project", "3 Requirements analysis"]
    wanted += [
        "4 Research",
        "5 Results and conclusion",
        "Bibliography",
        "Weekly diary",
        "Feedback form",
    ]
    wanted += ["Attendance sheet"]
    assert [title for title in titles if title in wanted] == wanted


def test_front_matter_has_roman_numbers_and_chapters_arabic_ones(report: Report) -> None:
    labels = list(report.reader.page_labels)
    first = dict(outline(report.reader))["1 Introduction"]
    assert labels[2] == "iii"
    assert all(re.fullmatch("[ivxl]+", label) for label in labels[:first])
    assert labels[first:] == [str(number + 1) for number in range(len(labels) - first)]
    assert report.texts[first].rstrip().endswith("\n1")


def test_the_contents_name_the_pages_where_headings_are(report: Report) -> None:
    marks = dict(outline(report.reader))
    contents = "\n".join(report.texts[marks["Contents"] : marks["List of figures"]])
    entries = {
        " ".join(title.split()): number
        for title, number in re.findall(r"^(.+?)(?: \.)+ ?\u2060?(\d+)$", contents, re.MULTILINE)
    }
    labels = list(report.reader.page_labels)
    numbered = {title: page for title, page in marks.items() if title in entries}
    assert len(numbered) > 40
    for title, page in numbered.items():
        assert entries[title] == labels[page], title
        assert squeezed(title) in squeezed(report.texts[page]), title


def test_figures_and_tables_are_listed_with_their_pages(report: Report) -> None:
    marks = dict(outline(report.reader))
    lists = {
        "Figure": report.texts[marks["List of figures"] : marks["List of tables"]],
        "Table": report.texts[marks["List of tables"] : marks["1 Introduction"]],
    }
    labels = list(report.reader.page_labels)
    for kind, texts in lists.items():
        listed = "\n".join(texts)
        numbers = [int(number) for number in re.findall(rf"^{kind}\s(\d+)\s", listed, re.MULTILINE)]
        total = len(list(nodes(report.tree["chapters"], kind.lower())))
        assert numbers == list(range(1, total + 1))
        entry = re.search(rf"^{kind}\s1\s.*?\u2060?(\d+)$", listed, re.MULTILINE | re.DOTALL)
        assert entry is not None
        assert re.search(rf"{kind}\s1\.", report.texts[labels.index(entry[1])])


def test_it_is_tagged_and_claims_to_be_accessible(report: Report) -> None:
    root = report.reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/StructTreeRoot"]
    assert root["/Lang"] == "en-GB"
    assert "<pdfuaid:part>1<" in root["/Metadata"].get_data().decode("utf-8")
    assert report.reader.metadata is not None
    assert report.reader.metadata.title == report.tree["title"]
    assert report.reader.metadata.author == report.tree["front"]["student"]


def test_all_fonts_are_embedded(report: Report) -> None:
    embedded = set()
    for page in report.reader.pages:
        for name in (page["/Resources"].get("/Font") or {}).values():
            font = name.get_object()
            inner = font["/DescendantFonts"][0].get_object()
            files = [key for key in inner["/FontDescriptor"] if key.startswith("/FontFile")]
            embedded.add((font["/BaseFont"], bool(files)))
    assert len(embedded) > 3
    assert all(has_file for _, has_file in embedded)


def test_every_text_begins_on_the_paper(report: Report) -> None:
    for page, places in zip(report.reader.pages, report.places, strict=True):
        width, height = float(page.mediabox.width), float(page.mediabox.height)
        assert places
        assert all(0 <= x <= width and 0 <= y <= height for x, y in places)


# --- paper, bytes, command -------------------------------------------------------------------


@pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("us-letter", (612, 792))])
def test_both_papers(tmp_path: Path, paper: str, size: tuple[int, int]) -> None:
    reader = built(make_project(tmp_path, {}, {"paper": paper}))
    sizes = {(round(page.mediabox.width), round(page.mediabox.height)) for page in reader.pages}
    assert sizes == {size, size[::-1]}, "upright, and turned for the attendance sheet"
    other = "a4" if paper == "us-letter" else "us-letter"
    assert round(built(tmp_path, other).pages[0].mediabox.width) != size[0]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    project, out = make_project(tmp_path, {}), tmp_path / "own.pdf"
    build_pdf(project, out)
    # Another process, since Typst remembers within one what it has set.
    command = [sys.executable, "-m", "cnnreport", "pdf", "--root", "."]
    again = subprocess.run(
        [*command, "--out", "again.pdf"], cwd=project, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    assert (project / "again.pdf").read_bytes() == out.read_bytes()


def test_the_command_writes_where_it_is_told(tmp_path: Path) -> None:
    out = tmp_path / "letter.pdf"
    options = ["--root", str(make_project(tmp_path / "p", {})), "--paper", "us-letter"]
    done = CliRunner().invoke(app, ["pdf", *options, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "letter.pdf: " in done.output.replace("\n", "")
    assert round(PdfReader(out).pages[0].mediabox.width) == 612


def site_of(project: Path) -> subprocess.CompletedProcess[str]:
    """What `mkdocs build` does with a project, the hook of this checkout included."""
    (project / "src").mkdir(exist_ok=True)
    shutil.copyfile(ROOT / "src/site_files.py", project / "src/site_files.py")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_the_build_of_the_site_sets_the_same_pdf(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"index.md": "# Home\n\n[The PDF](report.pdf)\n"})
    made = site_of(project)
    assert made.returncode == 0, made.stderr
    assert "report.pdf" not in made.stderr
    build_pdf(project, tmp_path / "own.pdf")
    assert (project / "site/report.pdf").read_bytes() == (tmp_path / "own.pdf").read_bytes()


def test_a_mistake_in_the_pdf_ends_the_build_of_the_site_with_its_line(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"index.md": "# Home\n"})
    (project / "report/pdf/blocks.typ").write_text('#panic("no")', encoding="utf-8")
    made = site_of(project)
    assert made.returncode == 1
    assert "report/pdf/blocks.typ:1: " in made.stderr
    assert "Traceback" not in made.stderr


# --- hostile words ---------------------------------------------------------------------------


def hostile_people() -> dict[str, Any]:
    """The default internship.yaml with hostile words in every field that holds words."""
    raw = YAML(typ="safe").load((ROOT / "report/internship.yaml").read_text(encoding="utf-8"))
    words = iter(HOSTILE * 20)

    def change(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: change(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [change(each, key) for each in value]
        return f"{next(words)} {key}" if isinstance(value, str) else value

    kept = {"paper": "a4", "attendance": raw["attendance"], "example": False}
    letters = dict.fromkeys(("certificate", "recommendation"), "\n\n".join(HOSTILE))
    changed: dict[str, Any] = {**change(raw), **letters, **kept}
    changed["feedback"]["questions"][0]["answer"] = "\n".join(HOSTILE)
    return changed


def test_hostile_people_are_printed_as_they_are_typed(tmp_path: Path) -> None:
    people = hostile_people()
    text = squeezed(text_of(built(make_project(tmp_path, {}, people))))
    for word in HOSTILE:
        if word.isascii():
            assert squeezed(word) in text, word
    for field in ("institution", "degree", "course", "submitted_to", "organisation", "place"):
        if people[field].isascii():
            assert squeezed(people[field]) in text, field


def hostile_page(word: str) -> str:
    shown = formats.md(word)
    return f"""# Research: {shown}

## {shown}

A class {shown}, *{shown}*, [{shown}](../results/index.md), [1,234](../passports/index.md#a).

| {shown} | Number |
| :--- | ---: |
| {shown} | [1,234](../passports/index.md#a) |

<details markdown>
<summary>{shown}</summary>

- {shown}

</details>

!!! note "Note"
    {shown}

<figure markdown>

![{shown}](../../figures/x.svg#gh-light-mode-only)
![{shown}](../../figures/x-dark.svg#gh-dark-mode-only)

<figcaption markdown>
{shown} [Passports](../passports/index.md)
</figcaption>

</figure>

```text
{word}
```
"""


SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50"><path d="M0 0L9 9"/></svg>'


def test_hostile_names_of_classes_are_printed_as_they_are(tmp_path: Path) -> None:
    pages = {f"report/results/{index}.md": hostile_page(word) for index, word in enumerate(HOSTILE)}
    nav = NAV | {f"Page {index}": f"report/results/{index}.md" for index in range(len(HOSTILE))}
    pages["nav.yml"] = json.dumps({"nav": [{title: path} for title, path in nav.items()]})
    reader = built(make_project(tmp_path, {**pages, "figures/x.svg": SVG}))
    text = squeezed(text_of(reader))
    for word in HOSTILE:
        if word.isascii():
            assert text.count(squeezed(word)) >= 8, word
    assert "Passports" not in text
    assert "gh-dark-mode-only" not in text


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30))
def test_any_word_stays_itself_in_the_tree(word: str) -> None:
    site = load_site(ROOT / "mkdocs.yml")
    page = f"# {formats.md(word)}\n\nA {formats.md(word)} b\n\n| {formats.md(word)} |\n| --- |\n"
    tree = tree_of(site.markdown.reset().convert(page))
    heading, paragraph, table = tree
    assert plain_text(heading["body"]) == word
    assert plain_text(paragraph["body"]) == f"A {word} b"
    assert plain_text(table["header"][0]) == word


def test_characters_without_a_font_are_named_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = {"institution": f"School of {WITHOUT_FONT}"}
    reader = built(make_project(tmp_path, {}, people))
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "no font has" in said
    assert "名 (U+540D)" in said
    assert "😀 (U+1F600)" in said
    assert f"School of {MISSING_GLYPH}{MISSING_GLYPH} {MISSING_GLYPH}" in text_of(reader)


def test_people_who_are_no_example_are_in_the_pdf_without_a_note(tmp_path: Path) -> None:
    text = text_of(built(make_project(tmp_path, {}, {"example": False, "place": "Where it was"})))
    assert "Where it was" in text
    assert "placeholders" not in text


# --- mistakes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("report/pdf/style.typ", "#let (", r"report/pdf/style\.typ:1: "),
        ("report/pdf/blocks.typ", '#panic("no")', r"report/pdf/blocks\.typ:1: .*no"),
        ("report/pdf/report.typ", None, r"report\.typ: cannot be read"),
        ("docs/nav.yml", None, r"nav\.yml: cannot be read; run `dvc repro report` first"),
        ("docs/nav.yml", "nav: [", r"nav\.yml: wanted a list of pages"),
        ("docs/nav.yml", "nav: []", r"nav\.yml: wanted pages of chapters"),
        ("docs/report/results/index.md", None, r"index\.md: cannot be read"),
        ("mkdocs.yml", "markdown_extensions: [nonsense]", r"mkdocs\.yml: wanted settings"),
        ("mkdocs.yml", None, r"mkdocs\.yml: cannot be read"),
        ("report/templates/front/_certificate.md.j2", "{{ x }}", r"_certificate\.md\.j2: 'x' is"),
        ("report/templates/front/_statement.md.j2", None, r"_statement\.md\.j2: "),
        ("report/internship.yaml", "example: 3", r"internship\.yaml:1: "),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, file: str, text: str | None, expected: str) -> None:
    project = make_project(tmp_path, {})
    if text is None:
        (project / file).unlink()
    else:
        (project / file).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=expected) as caught:
        build_pdf(project, project / "report.pdf")
    assert "\n" not in str(caught.value)
    assert not (project / "report.pdf").exists()


def test_a_picture_that_is_not_here_leaves_a_line(tmp_path: Path) -> None:
    page = "# Accuracy\n\n![A digit](../../pictures/digit.svg#gh-light-mode-only)\n"
    text = text_of(built(make_project(tmp_path, {"report/results/index.md": page})))
    text = " ".join(text.split())
    assert "The picture digit.svg is not here; `dvc pull` brings it" in text
    assert "Figure 1. A digit" in text


# --- the tree --------------------------------------------------------------------------------


def tree_of(html: str, page: str = "report/results/index.md", *others: str) -> list[Node]:
    root = page_root(html)
    labels = frozenset([*labels_of(page, root), *others])
    found = Surroundings(page, labels, lambda path, _: {"file": path})
    return page_tree(root, found)[1:]


def test_links_lead_within_the_pdf_out_of_it_or_nowhere() -> None:
    (paragraph,) = tree_of(
        '<p><a href="../chapters/1.md">a</a> <a href="../chapters/1.md#gone">b</a> '
        '<a href="https://x.org/?a=1">c</a> <a href="../passports/d.md#p">98.5 %</a> '
        '<a href="../../how-to/h.md">d</a> <a href="javascript:e()">e</a></p>',
        "report/results/index.md",
        "report/chapters/1.md",
    )
    links = [each for each in paragraph["body"] if not isinstance(each, str)]
    assert [link.get("to", link.get("url")) for link in links] == [
        "report/chapters/1.md",
        "report/chapters/1.md",
        "https://x.org/?a=1",
    ]
    assert plain_text(paragraph["body"]) == "a b c 98.5 % d e"


def test_what_only_a_browser_shows_is_left_out() -> None:
    tree = tree_of(
        "<p>a<script>b</script></p><form><p>c</p></form><p hidden>d</p>"
        '<div class="screen-only"><h2 id="x">e</h2></div><p class="table-data">CSV JSON</p>'
        "<!-- f --><noscript>g</noscript><p>h</p>"
    )
    assert [plain_text(node["body"]) for node in tree] == ["a", "h"]


def test_details_footnotes_and_formulas() -> None:
    tree = tree_of(
        "<details><summary>More</summary><p>x</p></details>"
        '<p>y<sup id="fnref:1"><a class="footnote-ref" href="#fn:1">1</a></sup></p>'
        '<p><img data-formula="relu" style="width: 4em" src="a.svg#gh-light-mode-only">'
        '<img data-formula="relu" src="a-dark.svg#gh-dark-mode-only"></p>'
        '<div class="footnote"><ol><li id="fn:1"><p>note'
        '<a class="footnote-backref" href="#fnref:1">back</a></p></li></ol></div>'
    )
    details, paragraph, equation = tree
    assert details == {
        "kind": "details",
        "title": ["More"],
        "body": [{"kind": "par", "body": ["x"]}],
    }
    assert paragraph["body"] == ["y", {"kind": "note", "body": ["note"]}]
    assert equation == {"kind": "equation", "name": "relu"}


def test_a_caption_loses_its_link_to_passports_and_is_listed_by_its_first_sentence() -> None:
    (figure,) = tree_of(
        '<figure><p><img alt="A" src="../../figures/x.svg#gh-light-mode-only"></p><figcaption><p>'
        "LeNet reaches 98.5 %. One seed. "
        '<a href="../passports/d.md">Passports</a></p></figcaption></figure>'
    )
    assert plain_text(figure["caption"]) == "LeNet reaches 98.5 %. One seed."
    assert figure["short"] == "LeNet reaches 98.5 %."
    assert figure["images"] == [{"file": "figures/x.svg"}]


def test_chapters_follow_the_navigation() -> None:
    found = chapters([{title: path} for title, path in NAV.items()])
    assert [(chapter.number, chapter.title) for chapter in found] == [
        (1, ""),
        (4, "Research"),
        (5, "Results and conclusion"),
    ]
    assert found[1].pages == [
        ("report/chapters/4-research.md", 1),
        ("report/chapters/4-deeper.md", 2),
        ("report/networks/index.md", 1),
    ]
    assert [path for path, _ in found[2].pages] == [
        "report/results/index.md",
        "report/chapters/5-conclusion.md",
    ]


def test_headings_stand_below_those_of_their_chapter(tmp_path: Path) -> None:
    marks = [title for title, _ in outline(built(make_project(tmp_path, {})))]
    assert "4.1 Machines" in marks, "the chapter's name is not said again"
    assert {"4.1.1 One", "4.1.2 Deeper", "5.2 Conclusion"} <= set(marks)


def test_what_two_pages_show_is_printed_once(tmp_path: Path) -> None:
    table = "| A | B |\n| --- | --- |\n| 1 | 2 |\n"
    figure = "\n![Alt](../../figures/x.svg)\n"
    pages = {
        "report/networks/index.md": f"# Networks\n\n{table}{figure}",
        "report/results/index.md": f"# Accuracy\n\n{table}{figure}",
        "figures/x.svg": SVG,
    }
    text = " ".join(text_of(built(make_project(tmp_path, pages))).split())
    assert "See Table 1 on page 3 and Figure 1 on page 3." in text
    assert "Figure 2" not in text


def test_links_between_parts_tell_the_place_on_paper(tmp_path: Path) -> None:
    pages = {
        "report/chapters/1-introduction.md": (
            "# Introduction\n\nSee [Net-16](4-research.md), [chapter 4](4-research.md), *the "
            "[end](5-conclusion.md)*, [diary](../appendix/diary.md), [D., 2020]"
            "(../appendix/bibliography.md#doe2020) and [out](https://x.org).\n\n"
            "| Table |\n| --- |\n| [machines](4-research.md) |\n"
        )
    }
    text = " ".join(text_of(built(make_project(tmp_path, pages))).split())
    assert "See Net-16 (4.1), chapter 4, the end (5.2), diary (page 6), D., 2020 and out." in text
    assert text.count("(4.1)") == 1


def test_a_picture_for_a_dark_screen_is_not_printed() -> None:
    """Two pictures side by side would also make formulas figures, and run over the margin."""
    pair = '<img src="a.svg#gh-light-mode-only"><img src="a-dark.svg#gh-dark-mode-only">'
    figure, words = tree_of(f"<p>{pair}</p><p>x {pair}</p>")
    assert figure["images"] == [{"file": "report/results/a.svg"}]
    assert [each for each in words["body"] if not isinstance(each, str)] == [
        {"kind": "image", "file": "report/results/a.svg"}
    ]


def test_no_figure_of_the_report_shows_a_picture_twice(report: Report) -> None:
    for figure in nodes(report.tree["chapters"], "figure"):
        texts = [image["alt"] for image in figure["images"]]
        assert len(set(texts)) == len(texts), texts
    alts = {each["alt"] for each in report.tree["formulas"].values()}
    assert not [each for each in nodes(report.tree, "image") if each["alt"] in alts]


def test_pictures_side_by_side_have_room(tmp_path: Path) -> None:
    page = "# A\n\n![One](../../figures/x.svg) ![Two](../../figures/x.svg)\n"
    wide = SVG.replace("0 0 100 50", "0 0 900 50")
    pages = {"report/results/index.md": page, "figures/x.svg": wide}
    (figure,) = nodes(load_document(make_project(tmp_path, pages), "a4"), "figure")
    widths = [image["width"] for image in figure["images"]]
    assert sum(widths) + figure["gap"] == pytest.approx(page_of("a4").width)


def test_a_figure_in_running_text_may_move(tmp_path: Path) -> None:
    picture = "![Alt](../../figures/x.svg)"
    page = f"# A\n\nWords.\n\n{picture}\n\nWords.\n\n## B\n\n{picture.replace('x', 'y')}\n"
    files = {"figures/x.svg": SVG, "figures/y.svg": SVG}
    pages = {"report/results/index.md": page, **files}
    tree = load_document(make_project(tmp_path, pages), "a4")
    assert [each.get("floats", False) for each in nodes(tree, "figure")] == [True, False]


def test_a_running_head_names_chapter_and_section(report: Report) -> None:
    page = dict(outline(report.reader))["4.6 LeNet"]
    for text in report.texts[page + 1 : page + 3]:
        assert squeezed(text).startswith("4Research4.6LeNet")


# --- sizes -----------------------------------------------------------------------------------


def test_a_narrow_table_is_set_large_and_a_wide_one_smaller_or_turned() -> None:
    page = page_of("a4")
    narrow = fit_table([["Network", "Accuracy"], ["LeNet", "98.5 %"]], page)
    assert (narrow.size, narrow.columns, narrow.turned) == (9.0, None, False)
    wide = fit_table([["Parameters"] * 12, ["21,591,306"] * 12], page)
    assert wide.size < narrow.size
    wider = fit_table([["Unbreakable-word"] * 16], page)
    assert wider.turned


def test_a_long_table_breaks_few_rows_for_the_sake_of_one() -> None:
    """The layers of a deep network: the one cell that is long takes lines, not its neighbours."""
    usual = ["512 filters 1 by 1, stride 1, valid", "stage_block_conv"]
    rare = [usual[0], "stage_block_shortcut_bn, " * 6]
    rows = [[*usual] * 2 for _ in range(150)] + [[*usual, *rare]]
    fit = fit_table(rows, page_of("a4"))
    assert fit.columns is not None
    assert (fit.size, fit.turned) == (6.0, False)
    room = page_of("a4").width / fit.size / sum(fit.columns)
    for share, text in zip(fit.columns, usual * 2, strict=True):
        assert share * room >= text_width(text)


WORDS = st.text(st.sampled_from("aWi0M9x"), min_size=1, max_size=12)


@settings(deadline=None)
@given(st.integers(1, 9), st.data())
def test_every_column_has_room_for_its_longest_word(columns: int, data: st.DataObject) -> None:
    cells = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
    row = st.lists(cells, min_size=columns, max_size=columns)
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    page = page_of("us-letter")
    fit = fit_table(rows, page)
    width = page.turned_width if fit.turned else page.width
    if fit.columns is None:
        needed = [max(text_width(each[column]) for each in rows) for column in range(columns)]
        assert sum(needed) * fit.size <= width
        return
    assert sum(fit.columns) * fit.size <= width * 1.01
    for column, share in enumerate(fit.columns):
        words = [word for each in rows for word in re.split(r"\s", each[column])]
        if fit.size > TURNED_SIZES[-1]:
            assert max(map(text_width, words)) <= share + 0.01


def test_code_is_set_as_large_as_its_longest_line_allows() -> None:
    page = page_of("a4")
    assert fit_code("short\nlines", page) == CODE_SIZES[0]
    assert fit_code("x" * 100, page) < CODE_SIZES[0]
    assert fit_code("x" * 500, page) == CODE_SIZES[-1]


@settings(deadline=None)
@given(st.text(max_size=200))
def test_long_words_may_be_broken_and_lose_nothing(text: str) -> None:
    text = text.replace("\u200b", "")
    assert softened(text).replace("\u200b", "") == text
    assert all(len(word) <= 24 for word in re.split("[\\s\u200b]", softened(text)))
