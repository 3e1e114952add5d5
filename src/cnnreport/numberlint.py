"""Find numerals that somebody typed into a page: measured numbers belong to the results.

A numeral in the prose of a template or of a hand-written page must be a name, a date, a size or
the like, stand before the citation of its source in the same sentence, or be declared in
report/constants.yaml. Everything else is a finding, with the line that a person has to edit.
Number words ("five") are not looked at: most of them count what the text itself lists.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from cnnreport import inserts
from cnnreport.bibliography import load_bibliography
from cnnreport.errors import InputError
from cnnreport.inserts import Span
from cnnreport.internship import Line, Lines, Record, load_checked
from cnnreport.prose import CITATION, EXPRESSION, NUMBER, UNIT, prose

CONSTANTS = "report/constants.yaml"
BIBLIOGRAPHY = "report/bibliography.bib"
PAGES = ("report/templates/**/*.j2", "docs/*.md", "docs/how-to/*.md", "README.md")
"""What is read. The pages in docs/report and docs/benchmarks are written by programs."""

GENERATED = frozenset({"docs/index.md"})
WRITTEN_INTO = {"README.md": "readme"}
"""Pages of people's with a part that a program writes, and how that part is called."""

DEFINITION = "definition"
"""The source of a constant that holds by definition, by arithmetic or by our own choice."""

MEASURED = ("results/", "report/studies/", "docs/benchmarks/", "docs/report/")
"""Where results of our own runs are; no constant comes from there."""

ADVICE = f"take it from the results, cite its source behind it, or declare it in {CONSTANTS}"

_NUMERAL = re.compile(rf"{NUMBER}(?:e[-+]?\d+)?|[¼-¾⅐-⅞]")


def _with_numeral(text: str) -> str:
    if not _NUMERAL.search(text):
        raise ValueError("wanted text with a numeral in it")
    return text


class Constant(Record):
    """Text with a numeral that a page may hold.

    `where` is the page's path from the root of the project. `source` is `DEFINITION`, a key of the
    bibliography or the path of a file that holds the same number.
    """

    text: Annotated[Line, AfterValidator(_with_numeral)]
    why: Line
    where: Line
    source: Line


class ConstantsFile(Record):
    """The whole of constants.yaml; a number may follow one of `names` (``Python 3.11``)."""

    names: list[Line] = Field(default=[])
    constants: list[Constant] = Field(default=[])


@dataclass(frozen=True)
class Constants:
    """What may stand in a page, and where it is declared."""

    file: ConstantsFile = field(default_factory=ConstantsFile)
    lines: Lines = field(default_factory=lambda: Lines(CONSTANTS, ""))


@dataclass(frozen=True)
class Sources:
    """What a constant may name as its source: the bibliography's keys, and texts of files."""

    keys: Set[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """A numeral of a page, or a declaration, that somebody has to settle."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        """Return the one line that is shown."""
        return f"{self.path}:{self.line}: {self.message}"


def lint(texts: Mapping[str, str], constants: Constants) -> list[Finding]:
    """Return the undeclared numerals of all pages, then the declarations that cover nothing.

    `texts` are templates (``….j2``) and Markdown pages by their path from the root of the project.

    Raises:
        InputError: Jinja cannot read a template.

    """
    pages = [_Page(path, prose(path, text)) for path, text in texts.items()]
    found = [finding for page in pages for finding in _undeclared(page, constants.file)]
    return [*found, *_stale(pages, constants)]


def unsourced(constants: Constants, sources: Sources) -> list[Finding]:
    """Return the constants whose source does not exist or does not hold their numbers."""
    return [
        _declaration(constants, ("constants", index, "source"), problem)
        for index, constant in enumerate(constants.file.constants)
        if (problem := _source_problem(constant, sources))
    ]


@dataclass(frozen=True)
class _Page:
    """The prose of a page, and where the numerals are that need no declaration."""

    path: str
    prose: str

    def spans(self, pattern: re.Pattern[str]) -> list[Span]:
        return [match.span() for match in pattern.finditer(self.prose)]

    @cached_property
    def harmless(self) -> list[Span]:
        """Names, dates, sizes and the like, unless something else says that they are measured."""
        return [span for rule in _HARMLESS for span in self.spans(rule)] + self._list_numbers()

    def _list_numbers(self) -> list[Span]:
        """The numbers of list items: each is 1 or follows upon the one before it.

        A line that begins with some other number and a full stop is the end of a sentence.
        """
        spans, last = [], dict[str, int]()
        for match in _ITEM.finditer(self.prose):
            indent, number = match.group("indent"), int(match.group("number"))
            if number in {1, last.get(indent, 0) + 1}:
                spans.append(match.span("number"))
                last[indent] = number
        return spans

    @cached_property
    def counts(self) -> list[Span]:
        """Where a number counts something, whatever else it looks like."""
        return self.spans(_COUNT)

    @cached_property
    def dated(self) -> list[Span]:
        """Sections whose heading starts with a day: records of what was true on it.

        Templates have none: what they say is to hold for every run.
        """
        if self.path.endswith(".j2"):
            return []
        headings = list(_HEADING.finditer(self.prose))
        starts = [*(heading.start() for heading in headings), len(self.prose)]
        return [
            span
            for heading, span in zip(headings, pairwise(starts), strict=True)
            if heading.group("day")
        ]

    @cached_property
    def sentences(self) -> list[Span]:
        """Sentences; a heading, an item of a list or a cell of a table ends one, too."""
        ends = [match.end() for match in _BREAK.finditer(self.prose)]
        return list(pairwise([0, *ends, len(self.prose)]))

    @cached_property
    def cited(self) -> list[Span]:
        """What stands before a citation in the same sentence."""
        marks = [(start, self.prose.rfind(CITATION, start, end)) for start, end in self.sentences]
        return [(start, mark) for start, mark in marks if mark >= 0]

    def line_of(self, position: int) -> int:
        """The line of a position, counted from 1."""
        return self.prose.count("\n", 0, position) + 1

    def context(self, span: Span) -> str:
        """Some words around a numeral, of its own sentence and on one line."""
        start, end = next((a, b) for a, b in self.sentences if a <= span[0] < b)
        before, after = self.prose[start : span[0]], self.prose[span[1] : end]
        if len(before) > 40:
            before = "…" + before[-40:].partition(" ")[2]
        if len(after) > 30:
            after = after[:30].rpartition(" ")[0] + "…"
        shown = f"{before}{self.prose[slice(*span)]}{after}"
        shown = shown.replace(EXPRESSION, "{{…}}").replace(CITATION, "{{cite}}")
        return " ".join(shown.split()).strip("| ")


def _undeclared(page: _Page, file: ConstantsFile) -> Iterator[Finding]:
    declared = [
        span
        for constant in file.constants
        if constant.where == page.path
        for span in page.spans(_wording(constant.text))
    ]
    named = [span for name in file.names for span in page.spans(_named(name))]
    for numeral in _NUMERAL.finditer(page.prose):
        span = numeral.span()
        if _within(span, [*declared, *page.cited, *page.dated]):
            continue
        measured = _UNIT.match(page.prose, span[1]) or _within(span, page.counts)
        if not measured and _within(span, [*named, *page.harmless]):
            continue
        message = f"'{numeral.group()}' in \"{page.context(span)}\"; {ADVICE}"
        yield Finding(page.path, page.line_of(span[0]), message)


def _within(span: Span, others: Sequence[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)


def _wording(text: str) -> re.Pattern[str]:
    """Match a text across line ends, and not as a part of a longer number."""
    words = r"\s+".join(re.escape(word) for word in text.split())
    return re.compile(rf"(?<!\w)(?<!\d[.,]){words}(?!\w|[.,]\d|\s?%)")


def _named(name: str) -> re.Pattern[str]:
    """Match a name with the numbers behind it, such as ``Python 3.11 to 3.13``."""
    return re.compile(rf"(?<!\w){re.escape(name)}\s+{_NUMBERS}")


def _stale(pages: Sequence[_Page], constants: Constants) -> Iterator[Finding]:
    for index, name in enumerate(constants.file.names):
        if not any(_named(name).search(page.prose) for page in pages):
            message = f"no page has '{name}' with a number behind it; remove the name"
            yield _declaration(constants, ("names", index), message)
    by_path = {page.path: page for page in pages}
    for index, constant in enumerate(constants.file.constants):
        if constant.where not in by_path:
            problem = f"{constant.where} is no page that is read; mend 'where'"
        elif not _wording(constant.text).search(by_path[constant.where].prose):
            problem = f"'{constant.text}' no longer stands in {constant.where}; remove the constant"
        else:
            continue
        yield _declaration(constants, ("constants", index), problem)


def _source_problem(constant: Constant, sources: Sources) -> str | None:
    source = constant.source
    if source == DEFINITION or source in sources.keys:
        return None
    if source.startswith(MEASURED):
        return f"'{source}' holds what we measured, which no page repeats by hand; link to it"
    if source not in sources.files:
        close = get_close_matches(source, sources.keys, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"add it to {BIBLIOGRAPHY}"
        wanted = f"wanted '{DEFINITION}', a key of the bibliography or a file"
        return f"{wanted}, came '{source}'; {hint}"
    missing = _values(constant.text) - _values(sources.files[source])
    if not missing:
        return None
    shown = ", ".join(f"{value:g}" for value in sorted(missing))
    return f"'{constant.text}': {source} does not hold {shown}; correct the page or the source"


def _values(text: str) -> set[float]:
    """Return all numbers of a text; 1,000 and 1_000 are one thousand, 3.11.7 is none."""
    plain = re.sub(r"(?<=\d)[,_](?=\d{3})", "", text)
    return {float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)?", plain)}


def _declaration(constants: Constants, location: tuple[str | int, ...], message: str) -> Finding:
    lines = constants.lines
    key = ".".join(str(part) for part in location)
    return Finding(lines.source, lines.line_of(location), f"{key}: {message}")


# The signs that print like others are written as escapes: \u2011 and \u2013 are a hyphen that does
# not break and a dash, \u00d7 is the sign of multiplication, \u2018 and \u2019 are quotation marks.
_NUMBERS = r"\d+(?:\.\d+)*(?:(?:,\s|,?\s(?:and|or|to)\s|[-\u2013])\d+(?:\.\d+)*)*"
_SIDE = rf"(?:(?<![\d.,])\d{{1,4}}(?!\d|[.,]\d)|{EXPRESSION})"
_TERM = rf"\(*(?:{EXPRESSION}|(?<![\w.,])\d(?![\w]|[.,]\d))\)*"
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_YEAR = r"(?:19|20)\d\d"
_DAY = r"(?:[12]\d|3[01]|0?[1-9])"
_COUNTED = (
    r"(?:(?:different|handwritten|more|new|optimi[sz]er|random|single|test|training|validation)\s)?"
    "(?:batches|bits|bytes|cells|classes|cores|days|digits|epochs|errors|examples|features|"
    "filters|hours|images|iterations|labels|layers|minutes|mistakes|networks|neurons|operations|"
    "parameters|people|photographs|pictures|pixels|points|predictions|runs|samples|seconds|seeds|"
    "steps|times|trainings|units|updates|weights)"
)
_NO_COUNT = rf"(?!\w|[.,]\d|\s?/\s?\d|\s?±|\s+{_COUNTED}\b)"

_DATE = rf"{_DAY}\.?\s{_MONTH}\s{_YEAR}{_NO_COUNT}"

_UNIT = re.compile(UNIT)
_COUNT = re.compile(
    # So many of so many, but no part of a size, as in 3 by 3 of 5 by 5.
    rf"(?<![\w.,\u00d7-])(?<!\u00d7\s){NUMBER}\s(?:out\s)?of\s(?:all\s|the\s)?{NUMBER}"
    rf"(?!\s?\u00d7)|\bout\sof\s{NUMBER}"
    rf"|\b(?:(?:more|fewer|less)\sthan|at\s(?:least|most))\s{_YEAR}\b(?!\s?\u00d7)"
    rf"|±\s?{NUMBER}|(?<!\w)(?:{NUMBER}|{EXPRESSION})\s?/\s?{_YEAR}\b(?!-)"
)

_HARMLESS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        # Names: letters first, digits in the word or behind its hyphen; versions tied to a word.
        r"(?<!\w)(?=[\w\u2011-]*\d)[^\W\d]\w*(?:[-\u2011][^\W_]\w*)*(?![.,]\d)",
        r"(?<!\w)[^\W\d]+\d+(?:\.\d+)+",
        # Years, decades, spans of years; a year does not count things.
        rf"(?<![\w.,-]){_YEAR}(?:s\b|[-\u2013](?:{_YEAR}|\d\d))?{_NO_COUNT}",
        # Dates with their year: without one, "12 May runs" may as well count the runs of May.
        rf"(?<![\w-]){_YEAR}-\d\d-\d\d(?![\w-])",
        rf"(?<![\w.,]){_DAY}\.?(?:\s{_MONTH})?(?:\s?[-\u2013]\s?|\s(?:to|and|until)\s){_DATE}",
        rf"(?<![\w.,]){_DATE}",
        rf"\b{_MONTH}\s{_DAY},\s{_YEAR}{_NO_COUNT}",
        # Sizes: three by three, a by b by c; with an x only where no blank is around it.
        rf"{_SIDE}(?:\s?\u00d7\s?{_SIDE})+",
        r"(?<![\w.,])\d{1,4}(?:x\d{1,4})+(?!\w|[.,]\d)",
        # Arithmetic that shows how a value of the page comes about, in numbers of one digit.
        rf"(?=[^\n|]*{EXPRESSION}){_TERM}(?:\s?[-+/=\u00d7]\s?{_TERM})+",
        # Parts of a work that one points to: none has a number below 1.
        r"\b(?:[Cc]hapter|[Ss]ection|[Pp]age|Table|Figure|Equation|Appendix|Week)s?"
        rf"\s(?!0[.\d]){_NUMBERS}",
        # Numbers of headings.
        r"^[ \t]*#{1,6}\s+\d+(?:\.\d+)*\.?(?=\s+\D)",
    )
)
_ITEM = re.compile(r"^(?P<indent>[ \t>]*)(?P<number>\d{1,3})[.)]\s", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*#{1,6}\s+(?P<day>\d{4}-\d\d-\d\d\b)?", re.MULTILINE)
_BREAK = re.compile(
    r"\n[ \t]*\n"  # a paragraph
    r"|^[ \t]*#[^\n]*\n"  # a heading
    r"|\n(?=[ \t]*(?:[-*+]|\d{1,3}[.)]|#+|>|!!!)\s)"  # what begins an item, a heading, a note
    r"|\|"  # a cell of a table
    # A sentence; these abbreviations end none.
    r"|(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bcf\.)(?<!\bal\.)(?<!\bvs\.)"
    rf"[\"\u201d\u2019')*_\]]*\s+(?=[\"\u201c\u2018'(*_\[]*[A-Z{EXPRESSION}{CITATION}])",
    re.MULTILINE,
)


def lint_project(root: Path) -> tuple[list[Finding], int]:
    """Return all findings of the project in a folder, and how many pages were read.

    Raises:
        InputError: a file is missing or cannot be read.

    """
    texts = load_texts(root)
    constants = load_constants(root / CONSTANTS)
    sources = load_sources(root, constants)
    return [*lint(texts, constants), *unsourced(constants, sources)], len(texts)


def load_constants(path: Path) -> Constants:
    """Read constants.yaml.

    Raises:
        InputError: the file cannot be read, is no YAML or holds a wrong value; one line.

    """
    return Constants(*load_checked(path, ConstantsFile))


def load_texts(root: Path) -> dict[str, str]:
    """Read the templates and the pages that people wrote, by path from the root of the project.

    Raises:
        InputError: there is no template, or a file cannot be read, or lacks one of the comments
            around the part that a program writes.

    """
    paths = [path for pattern in PAGES for path in sorted(root.glob(pattern))]
    texts = {path.relative_to(root).as_posix(): path for path in paths}
    if not any(name.endswith(".j2") for name in texts):
        raise InputError(f"{root}: wanted a project with report/templates, found no template")
    return {name: _by_hand(name, path) for name, path in texts.items() if name not in GENERATED}


def _by_hand(name: str, path: Path) -> str:
    text = _read(path)
    return inserts.blanked(text, WRITTEN_INTO[name], name) if name in WRITTEN_INTO else text


def load_sources(root: Path, constants: Constants) -> Sources:
    """Read the bibliography's keys and the files that constants name as their source.

    Raises:
        InputError: a file cannot be read.

    """
    bibliography = load_bibliography(root / BIBLIOGRAPHY)
    named = {constant.source for constant in constants.file.constants}
    files = {name: _read(root / name) for name in sorted(named) if (root / name).is_file()}
    return Sources(frozenset(entry.key for entry in bibliography.entries), files)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: wanted a text file in UTF-8, came other bytes") from error
