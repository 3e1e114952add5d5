"""Keep what the tables of a rendered page hold as data, for a CSV and a JSON file below each one.

A number that knows its evidence goes there at full precision, in the unit that the results have it
in: a fraction of 1, seconds, milliseconds for latencies, kWh, MiB. The page shows it rounded, so a
page with such numbers has a file with the data beside it in docs/. Tables without any, as in the
passports, are read from the page itself when the site is built.
"""

import csv
import html
import io
import json
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from markdown.extensions.toc import slugify

from cnnreport.evidence import BETWEEN, OPEN, replace_marks, unmarked
from cnnreport.records import rounded

SUFFIX = ".tables.json"
"""What the file with the data of a page's tables has in place of the page's ``.md``."""

FOLDER_SUFFIX = ".tables"
"""What the folder of the site with a file for each table has in place of it."""

LINK = "{ .table-data }"
"""Gives the links below a table their class, by which styles, scripts and the PDF know them."""

LONGEST_NAME = 80
"""So many characters of a heading name a file at most: a title may be as long as people like."""

NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?")
FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")  # noqa: RUF001 - spreadsheets take the wide ones, too
"""A spreadsheet may run a cell that begins with one of these."""


@dataclass(frozen=True)
class DataCell:
    """A cell as plain text, and the raw value of each number in it that knows its evidence.

    `words` says that there is more around these numbers than what ties them together.
    """

    text: str
    values: tuple[float, ...] = ()
    words: bool = False

    @property
    def numbers(self) -> tuple[float, ...]:
        """The values where the cell holds nothing else, so that they can stand for it."""
        return () if self.words else self.values


@dataclass(frozen=True)
class DataTable:
    """A table of a page: `name` is unique there, `title` says under which words it stands."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[DataCell, ...], ...]


ValueOf = Callable[[int], float]
"""Return the raw value of a mark from its place in the ledger."""


def data_file(page: str) -> str:
    """Return the path of the file with the data of a page's tables; `page` is that of the page."""
    return f"{page.removesuffix('.md')}{SUFFIX}"


def with_data_links(text: str, page: str, value_of: ValueOf) -> tuple[str, list[DataTable]]:
    """Return a page with links to CSV and JSON below each table, and what the tables hold.

    `text` is a rendered page whose numbers are still marked, `page` its path. A table without
    headers, such as a form, has no data.
    """
    lines, folder = text.split("\n"), posixpath.basename(page).removesuffix(".md") + FOLDER_SUFFIX
    parts, found, end = [], [], 0
    for place in _tables_in(lines):
        rows = _rows(lines[place.start : place.end])
        if not any(plain(cell) for cell in rows[0]):
            continue
        table = _table(place, rows, value_of)
        links = f"[CSV]({folder}/{table.name}.csv){LINK} [JSON]({folder}/{table.name}.json){LINK}"
        parts += [*lines[end : place.end], "", f"{place.indent}{links}"]
        found.append(table)
        end = place.end
    return "\n".join([*parts, *lines[end:]]), found


def tables_of(text: str) -> list[DataTable]:
    """Return what the tables of a finished page hold, which has no marks any more."""
    return with_data_links(text, "", _no_value)[1]


def _no_value(place: int) -> float:
    raise ValueError(f"wanted a page without marks, found that of number {place}")


def have_values(tables: Sequence[DataTable]) -> bool:
    """Say whether any number in tables has a raw value, which the page does not show."""
    return any(cell.values for table in tables for row in table.rows for cell in row)


@dataclass(frozen=True)
class _Place:
    """Where a table stands: its first line and the one after its last, its indent and its name."""

    start: int
    end: int
    indent: str
    name: str
    title: str


_HEADING = re.compile(r"#{1,6} +(?P<words>.*?)(?: *\{ ?#(?P<id>[\w.-]+) ?\})? *$")
_SUMMARY = re.compile(r"<summary>(?P<words>.*)</summary>")
_ROW = re.compile(r"(?P<indent> *)\|.*\|$")
_DELIMITERS = re.compile(r" *\|(?: *:?-+:? *\|)+$")


@dataclass
class _Walk:
    """Where the walk through a page is: under which heading, in which details, which fence."""

    heading: str = ""
    title: str = ""
    summary: str = ""
    fence: str = ""
    taken: set[str] = field(default_factory=set)

    def past(self, line: str) -> None:
        """Go past a line that belongs to no table."""
        fence = re.match(r" *(`{3,})", line)
        if fence and not self.fence:
            self.fence = fence[1]
        elif self.fence:
            self.fence = "" if line.strip() == self.fence else self.fence
        elif heading := _HEADING.match(line):
            self.title = plain(heading["words"])
            self.heading = heading["id"] or slugify(self.title, "-")
        elif summary := _SUMMARY.match(line):
            self.summary = plain(summary["words"])
        elif line.strip() == "</details>":
            self.summary = ""

    def name(self) -> str:
        """Return the name of the next table: that of its heading, counted from the second on."""
        stem = self.heading[:LONGEST_NAME].lower().strip("-") or "table"
        name, count = stem, 1
        while name in self.taken:
            count += 1
            name = f"{stem}-{count}"
        self.taken.add(name)
        return name


def _tables_in(lines: Sequence[str]) -> Iterator[_Place]:
    walk, at = _Walk(), 0
    while at < len(lines):
        row = None if walk.fence else _ROW.match(lines[at])
        if row and at + 1 < len(lines) and _DELIMITERS.match(lines[at + 1]):
            end = next((n for n in range(at, len(lines)) if not _ROW.match(lines[n])), len(lines))
            yield _Place(at, end, row["indent"], walk.name(), walk.summary or walk.title)
            at = end
        else:
            walk.past(lines[at])
            at += 1


_CELL = re.compile(r"((?:\\.|`[^`]*`|[^|\\])*)\|")
"""A cell and the pipe after it; one that is escaped or stands in code is part of the cell."""


def _rows(lines: Sequence[str]) -> list[list[str]]:
    """Split rows at their pipes; all get as many cells as the first, as Markdown reads them."""
    rows = [[cell.strip() for cell in _CELL.findall(line.strip()[1:])] for line in lines]
    width = len(rows[0])
    return [[*row, *[""] * (width - len(row))][:width] for row in rows]


def _table(place: _Place, rows: Sequence[Sequence[str]], value_of: ValueOf) -> DataTable:
    headers, body = rows[0], rows[2:]
    return DataTable(
        name=place.name,
        title=place.title,
        columns=tuple(plain(header) for header in headers),
        rows=tuple(tuple(_data(cell, value_of) for cell in row) for row in body),
    )


def _data(cell: str, value_of: ValueOf) -> DataCell:
    values = (value_of(int(place)) for place in re.findall(f"{OPEN}(\\d+){BETWEEN}", cell))
    return DataCell(plain(cell), tuple(rounded(value) for value in values), _has_words(cell))


_BETWEEN = re.compile(r"(?:[\s()±,;/]|\bto\b|\band\b)*")
"""What may stand between the numbers of a cell that holds nothing else: ``1.2 (0.9 to 1.4)``."""


def _has_words(cell: str) -> bool:
    around = replace_marks(cell, lambda *_: " ")
    return around != cell and not _BETWEEN.fullmatch(plain(around))


_INLINE = re.compile(
    r"""
    \\(?P<escaped>[\\`*_{}\[\]()>\#+\-.!|])
    | (?P<ticks>`+)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)
    | (?P<dark>!\[(?:\\.|[^\[\]\\])*\]\([^()\s]*\#gh-dark-mode-only\))
    | !?\[(?P<text>(?:\\.|[^\[\]\\])*)\]\([^()\s]*\)
    | (?P<stars>\*{1,3})(?P<strong>(?:\\.|[^\\*])+)(?P=stars)
    | (?P<entity>&(?:\#\d+|\#x[0-9a-fA-F]+|\w+);)
    | (?P<gone></?[a-zA-Z][^<>]*> | \{:?\ *[.\#][^{}]*\})
    """,
    re.VERBOSE | re.DOTALL,
)


def plain(markdown: str) -> str:
    """Return the words of a line of Markdown as a reader sees them, without marks.

    It knows what templates and `cnnreport.formats.md` write, which is not all of Markdown. A
    picture goes by its alt text, once where there is one for each colour scheme.
    """
    text = _INLINE.sub(_words_of, unmarked(markdown))
    return text.replace("\N{NO-BREAK SPACE}", " ").strip()


def _words_of(match: re.Match[str]) -> str:
    if match["entity"]:
        return html.unescape(match["entity"])
    if match["code"]:
        return match["code"].strip()
    nested = match["text"] or match["strong"]
    return _INLINE.sub(_words_of, nested) if nested else match["escaped"] or ""


def tables_text(tables: Sequence[DataTable]) -> str:
    """Write the tables of a page as JSON, a row a line, so that a difference is one of rows."""
    inner = ",\n".join(json_text(table) for table in tables)
    return f"[\n{inner}\n]\n"


def json_text(table: DataTable) -> str:
    """Write a table as JSON, a row a line."""
    known = {"name": table.name, "title": table.title, "columns": table.columns}
    rows = ",\n".join(_json([_plain_cell(cell) for cell in row]) for row in table.rows)
    return f'{_json(known)[:-1]}, "rows": [\n{rows}\n]}}'


def _plain_cell(cell: DataCell) -> dict[str, object]:
    words = {"words": True} if cell.words else {}
    return {"text": cell.text, "values": cell.values, **words}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def load_tables(text: str) -> list[DataTable]:
    """Read what `tables_text` wrote."""
    return [
        DataTable(
            name=raw["name"],
            title=raw["title"],
            columns=tuple(raw["columns"]),
            rows=tuple(tuple(_cell_from(cell) for cell in row) for row in raw["rows"]),
        )
        for raw in json.loads(text)
    ]


def _cell_from(raw: dict[str, Any]) -> DataCell:
    return DataCell(raw["text"], tuple(raw["values"]), raw.get("words", False))


def csv_text(table: DataTable) -> str:
    """Write a table as CSV (RFC 4180): numbers at full precision, anything else as its words.

    A column whose cells hold several numbers becomes as many columns. No cell begins like a formula
    of a spreadsheet, unless it is a number.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    widths = [_width([row[at] for row in table.rows]) for at in range(len(table.columns))]
    headers = zip(table.columns, widths, strict=True)
    writer.writerow([text for header, width in headers for text in _csv_headers(header, width)])
    for row in table.rows:
        cells = zip(row, widths, strict=True)
        writer.writerow([text for cell, width in cells for text in _csv_cells(cell, width)])
    return buffer.getvalue()


def _width(cells: Sequence[DataCell]) -> int:
    """Return into how many columns of CSV a column goes."""
    return max((len(cell.numbers) for cell in cells), default=1) or 1


def _csv_headers(header: str, width: int) -> list[str]:
    safe = harmless(header)
    return [f"{safe} ({number})" for number in range(1, width + 1)] if width > 1 else [safe]


def _csv_cells(cell: DataCell, width: int) -> list[str]:
    texts = [repr(value) for value in cell.numbers] or [harmless(cell.text)]
    return [*texts, *[""] * (width - len(texts))]


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe comes before one."""
    formula = text.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(text)
    return f"'{text}" if formula else text
