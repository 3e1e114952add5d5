"""Tables as data: found in pages, read back as words, written as CSV and JSON."""

import csv
import io
import json
import re
from pathlib import Path

import markdown
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from make_study import MODELS, make_study, write_study
from test_pages import pages_of

from cnnreport.evidence import BETWEEN, CLOSE, OPEN
from cnnreport.formats import md, one_line
from cnnreport.study import load_study
from cnnreport.tabledata import (
    DataCell,
    DataTable,
    csv_text,
    data_file,
    have_values,
    json_text,
    load_tables,
    plain,
    tables_of,
    tables_text,
    with_data_links,
)
from cnnreport.tables.markdown import markdown_table

ROOT = Path(__file__).parent.parent
HOSTILE = (
    "<script>alert(1)</script>",
    "](x)",
    "a | b",
    "back\\slash\\",
    "# no heading",
    "$E=mc^2$",
    "*stars* **and** _lines_",
    "`code`",
    "&amp; &lt;b&gt;",
    "{ .table-data }",
    "naïve 🐸",
    "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}",
    'say "hi"',
    "two\nlines",
)
FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\N{FULLWIDTH EQUALS SIGN}1")


def mark(place: int, text: str) -> str:
    return f"{OPEN}{place}{BETWEEN}{text}{CLOSE}"


VALUES = (0.985185, 0.971042, 0.992474, 21_591_306)


def value_of(place: int) -> float:
    return VALUES[place]


PAGE = f"""# Title

## Verdict: one {"{ #verdict }"}

Words.

| Network | Accuracy | Parameters | Known as |
| :--- | ---: | ---: | :--- |
| [LeNet](lenet.md) | **{mark(0, "98.5 %")}** ({mark(1, "97.1")} to {mark(2, "99.2 %")}) | \
{mark(3, "21,591,306")} | small ({mark(0, "98.5 %")}) |
| none | – | 12 | |

After.

```
| in | code |
| - | - |
| 1 | 2 |
```

<details markdown>
<summary>All of *it*</summary>

| A | B |
| :--- | ---: |
| `a|b` | 1 |

</details>

| | |
| --- | --- |
| Name: | ____ |
"""  # noqa: RUF001


@pytest.fixture(scope="module")
def found() -> tuple[str, list[DataTable]]:
    return with_data_links(PAGE, "report/results/cost.md", value_of)


def test_a_table_gets_links_below_it_and_nothing_else_changes(
    found: tuple[str, list[DataTable]],
) -> None:
    links = [line for line in found[0].split("\n") if "table-data" in line]
    assert links == [
        f"[CSV](cost.tables/{name}.csv){{ .table-data }} "
        f"[JSON](cost.tables/{name}.json){{ .table-data }}"
        for name in ("verdict", "verdict-2")
    ]
    assert re.sub(r"\n\[CSV\].*\n", "", found[0]) == PAGE
    after = found[0].split("\n")
    assert after[after.index(links[0]) - 1] == "", "a paragraph of its own"
    assert after[after.index(links[0]) + 1] == ""


def test_words_and_values_of_a_table(found: tuple[str, list[DataTable]]) -> None:
    first, second = found[1]
    assert (first.name, first.title) == ("verdict", "Verdict: one")
    assert first.columns == ("Network", "Accuracy", "Parameters", "Known as")
    assert first.rows[0] == (
        DataCell("LeNet"),
        DataCell("98.5 % (97.1 to 99.2 %)", VALUES[:3]),
        DataCell("21,591,306", VALUES[3:]),
        DataCell("small (98.5 %)", VALUES[:1], words=True),
    )
    assert (second.name, second.title) == ("verdict-2", "All of it")
    assert second.rows == ((DataCell("a|b"), DataCell("1")),)


def test_csv_has_a_column_a_number_at_full_precision(found: tuple[str, list[DataTable]]) -> None:
    assert csv_text(found[1][0]) == (
        "Network,Accuracy (1),Accuracy (2),Accuracy (3),Parameters,Known as\r\n"
        "LeNet,0.985185,0.971042,0.992474,21591306,small (98.5 %)\r\n"
        "none,–,,,12,\r\n"  # noqa: RUF001
    )


def test_json_is_one_row_a_line_and_comes_back(found: tuple[str, list[DataTable]]) -> None:
    text = tables_text(found[1])
    assert load_tables(text) == found[1]
    assert text.count("\n[") == sum(len(table.rows) for table in found[1])
    assert json.loads(json_text(found[1][0]))["rows"][0][2] == {
        "text": "21,591,306",
        "values": [21_591_306],
    }


def test_a_finished_page_gives_the_same_tables_without_values() -> None:
    plain_page = re.sub(f"{OPEN}\\d+{BETWEEN}|{CLOSE}", "", PAGE)
    once, tables = with_data_links(plain_page, "report/results/cost.md", value_of)
    assert tables_of(once) == tables
    assert not have_values(tables)
    with pytest.raises(ValueError, match="without marks"):
        tables_of(PAGE)


def test_names_are_unique_whatever_the_headings() -> None:
    table = "\n\n| A |\n| --- |\n| 1 |\n\n"
    headings = [
        "## a 2",
        "## a",
        "",
        "## a { #a }",
        "## \N{HEBREW LETTER SHIN}",
        "",
        "## " + "x" * 300,
    ]
    tables = tables_of(table.join(["", *headings, ""]))
    names = [each.name for each in tables]
    assert len(names) == len(headings) + 1 == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9_-]{1,85}", name) for name in names)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Co", "Cc"))))
def test_words_of_people_come_back_as_they_were_typed(text: str) -> None:
    assert plain(md(text)) == one_line(text).replace("\N{NO-BREAK SPACE}", " ").strip()


@given(st.lists(st.sampled_from([*HOSTILE, *FORMULAS]) | st.text(max_size=20), min_size=1))
def test_hostile_cells_stay_in_their_cells(words: list[str]) -> None:
    words = [re.sub("[\x00-\x1f\x7f\ue000-\uf8ff\ud800-\udfff]", " ", word) for word in words]
    table = markdown_table(["Word", "Count"], [[md(word), "1"] for word in words], "lr")
    (read,) = tables_of(f"# Title\n\n{table}\n")
    wanted = [one_line(word).replace("\N{NO-BREAK SPACE}", " ").strip() for word in words]
    assert [row[0].text for row in read.rows] == wanted
    rows = list(csv.reader(io.StringIO(csv_text(read), newline="")))
    assert [row[0].removeprefix("'") for row in rows[1:]] == [
        word.removeprefix("'") for word in wanted
    ]
    assert [row[1] for row in rows] == ["Count", *["1"] * len(words)]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    table = DataTable("a", "A", (text,), ((DataCell(text),), (DataCell("-1,234.5e-3"),)))
    rows = list(csv.reader(io.StringIO(csv_text(table), newline="")))
    assert rows == [[f"'{text}"], [f"'{text}"], ["-1,234.5e-3"]]


def test_a_negative_number_stays_a_number() -> None:
    table = DataTable("a", "A", ("Difference",), ((DataCell("-3.7 points", (-0.037,)),),))
    assert csv_text(table) == "Difference\r\n-0.037\r\n"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("data") / "results"
    study = make_study(("digits", "cifar10"), MODELS[:3], seeds=(0, 1), images_per_class=10)
    write_study(study, folder)
    return pages_of(load_study(study.params, folder))


def data_of(pages: dict[str, str], name: str) -> list[DataTable]:
    known = pages.get(data_file(name))
    return load_tables(known) if known else tables_of(pages[name])


def test_the_data_say_what_the_tables_of_the_site_show(pages: dict[str, str]) -> None:
    """Python-Markdown reads the tables, which shares no code with ours."""
    compared = 0
    for name, text in pages.items():
        if not name.endswith(".md") or name.startswith("report/front/"):
            continue
        extensions = ["attr_list", "md_in_html", "tables", "pymdownx.superfences", "footnotes"]
        page = html.fromstring(markdown.markdown(text, extensions=extensions))
        shown = [table for table in page.iter("table") if words(table.find("thead")).strip()]
        held = data_of(pages, name)
        assert len(shown) == len(held), name
        for table, data in zip(shown, held, strict=True):
            rows = [[words(cell) for cell in row] for row in table.iter("tr")]
            assert rows[0] == list(data.columns), (name, data.name)
            assert rows[1:] == [[cell.text for cell in row] for row in data.rows], (name, data.name)
            compared += len(rows)
    assert compared > 500


def words(element: html.HtmlElement) -> str:
    for picture in element.iter("img"):
        if not picture.get("src").endswith(("#only-dark", "#gh-dark-mode-only")):
            picture.tail = picture.get("alt") + (picture.tail or "")
    return str(element.text_content()).replace("\N{NO-BREAK SPACE}", " ").strip()


def test_each_value_is_that_of_its_passport(pages: dict[str, str]) -> None:
    """The links in a table and its raw values come in the same order."""
    compared = 0
    for name in [name for name in pages if data_file(name) in pages and name.endswith(".md")]:
        rows = [
            re.findall(r"(passports/[\w-]+\.md)#([\w.-]+)\)", line)
            for table in re.split(r"\n{2,}", pages[name])
            if re.match(r"\|.*\w.*\|\n", table)
            for line in table.split("\n")
        ]
        linked = [link for row in rows for link in row]
        held = [
            value
            for table in data_of(pages, name)
            for row in table.rows
            for cell in row
            for value in cell.values
        ]
        assert len(linked) == len(held), name
        for (page, anchor), value in zip(linked, held, strict=True):
            row = rf'^\| <a id="{re.escape(anchor)}"></a>.*? \| `([^`]*)` \|'
            found = re.search(row, pages[f"report/{page}"], re.MULTILINE)
            assert found, (name, anchor)
            assert found[1] == repr(value), (name, anchor)
            compared += 1
    assert compared > 400


def test_only_numbers_that_the_page_does_not_show_are_kept_beside_it(
    pages: dict[str, str],
) -> None:
    kept = {name for name in pages if name.endswith(".tables.json")}
    assert "index.tables.json" in kept
    assert not [name for name in kept if "/passports/" in name]
    assert all(have_values(load_tables(pages[name])) for name in kept)
