"""Render the pages of the report from a study, people's words and the templates."""

import ast
import functools
import json
import math
import posixpath
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, TemplateError
from jinja2.exceptions import TemplateSyntaxError

from cnnreport import balance, choosing, formats, passports, tables, verdicts
from cnnreport.bands import Plausibility, load_plausibility
from cnnreport.bibliography import Bibliography, load_bibliography
from cnnreport.claims import Claim, load_claims
from cnnreport.differences import LIVE, compare
from cnnreport.errors import InputError
from cnnreport.evidence import Citation, from_file, ledger, replace_marks, unmarked
from cnnreport.formulas import PREFIX, DrawnFormula, load_drawn, missing
from cnnreport.internship import Internship, load_internship
from cnnreport.judgements import Judged
from cnnreport.navigation import (
    Page,
    Section,
    below,
    comparison_path,
    is_passport,
    navigation,
    pages_in,
    site_map,
    study_map,
)
from cnnreport.networks import titled
from cnnreport.original import Original, load_original
from cnnreport.params import Params
from cnnreport.passports import Group, Passports
from cnnreport.picture_texts import FOLDER as PICTURES
from cnnreport.picture_texts import Picture
from cnnreport.records import DatasetRecord
from cnnreport.study import PACKED, Manifest, Study, share_cells
from cnnreport.tabledata import (
    SUFFIX,
    data_file,
    have_values,
    tables_text,
    with_data_links,
)

TEMPLATES = "report/templates"
"""How errors name the templates' folder."""

BIBLIOGRAPHY = "report/appendix/bibliography.md"
FIGURES = "figures"
STUDY_FIGURES = "study-figures"
"""The folder below docs/ with a folder of figures for each frozen study."""

FRONT = "report/front/"
"""Pages to sign: their tables are no data."""

LIVE_TITLE = "the live study"
"""How the pages of a frozen study call the one of the checkout."""

NAVIGATION = "nav.yml"
STUDIES = "studies"
"""The folder below docs/ with a folder for each frozen study."""

FILES = "files"
"""The folder of the site with copies of the files that numbers come from."""

FILTERS = {
    "md": formats.md,
    "percent": formats.percent,
    "points": formats.points,
    "thousands": formats.thousands,
    "macs": formats.macs,
    "seconds": formats.seconds,
    "date": formats.date,
    "plural": formats.plural,
    "listing": formats.listing,
    "in_words": formats.in_words,
    "decimal": formats.decimal,
    "ln": math.log,
    "shortest": formats.shortest,
}


@dataclass(frozen=True)
class FigureText:
    """What the plot stage says of a figure, in plain text, and whether it made a chart of it."""

    caption: str
    alt: str
    chart: bool = False


@dataclass(frozen=True)
class Sources:
    """Files that pages are made from or link to, by their path within their folder.

    `templates` and `code` (the networks' Python files) map a path to its text; `hand_written` are
    the titles of the pages below docs/ that people wrote, in the order of the navigation;
    `formulas` are those that the plot stage has drawn.
    """

    templates: Mapping[str, str]
    code: Mapping[str, str]
    hand_written: Mapping[str, str]
    formulas: Mapping[str, DrawnFormula] = field(default_factory=dict)


def titles_of(study: Study, original: Original) -> dict[str, str]:
    """Return how each network of a study is written."""
    return titled(study.params.models, original.titles)


@dataclass(frozen=True)
class Written:
    """What people wrote in report/: their words and figures, claims and bands."""

    internship: Internship
    original: Original
    bibliography: Bibliography
    bands: Plausibility
    claims: Sequence[Claim]


def pages_of(
    study: Study, written: Written, sources: Sources, frozen: Sequence[Study] = ()
) -> list[Page | Section]:
    """Return the pages of a study as a site map: the whole report, or a frozen study's part of it.

    Paths are below docs/ for the live study and below the study's own folder for a frozen one.
    """
    titles = titles_of(study, written.original)
    groups = {group.key: group_title(group, titles) for group in passports.groups(study)}
    compared = {
        each.name: f"{title_of(each)} and {title_of(study)}" for each in compared_in(study, frozen)
    }
    if study.name:
        return study_map(titles, groups, compared, gallery=bool(study.pictures))
    return site_map(titles, groups, sources.hand_written, compared)


def title_of(study: Study) -> str:
    """Return how the site calls a study."""
    return study.manifest.title if study.manifest else LIVE


def compared_in(study: Study, frozen: Sequence[Study]) -> list[Study]:
    """Return the frozen studies with which the pages of a study compare it.

    They have a cell in common. Of two frozen studies, the pages of the later one compare them, so
    that each pair has one page.
    """
    found = _comparable(study, frozen)
    return [each for each in found if _age(each) < _age(study)] if study.name else found


def _comparable(study: Study, frozen: Sequence[Study]) -> list[Study]:
    return [
        each
        for each in frozen
        if each.name != study.name and share_cells(each.params, study.params)
    ]


def _age(study: Study) -> tuple[str, str]:
    return (study.manifest.frozen if study.manifest else "", study.name)


@dataclass(frozen=True)
class Beside:
    """A comparison of a study with another one, by the other's title; `path` is below docs/."""

    title: str
    path: str
    live: bool = False


def comparisons_of(
    study: Study, frozen: Sequence[Study], live: Params | None = None
) -> list[Beside]:
    """Return all comparisons of a study, whichever study has the page.

    `live` are the parameters of the live study, for a frozen one.
    """
    own = {each.name for each in compared_in(study, frozen)}

    def place(other: Study) -> str:
        page, beside = (study, other) if other.name in own else (other, study)
        return f"{folder_of(page.name)}{comparison_path(beside.name)}"

    found = [Beside(title_of(each), place(each)) for each in _comparable(study, frozen)]
    if live and study.name and share_cells(live, study.params):
        return [Beside(LIVE_TITLE, comparison_path(study.name), live=True), *found]
    return found


@dataclass(frozen=True)
class Kept:
    """A frozen study as a page of the live one shows it; `titles` are those of its networks."""

    study: Study
    manifest: Manifest
    titles: Mapping[str, str]
    comparisons: Sequence[Beside]

    @property
    def beside_live(self) -> bool:
        """Whether the site compares it with the live study."""
        return any(each.live for each in self.comparisons)

    @property
    def several_networks(self) -> bool:
        """Whether there is anything in it to choose between."""
        return len(self.titles) > 1


def group_title(group: Group, titles: Mapping[str, str]) -> str:
    """Return how the navigation calls a group of passports."""
    if group.model:
        return f"{titles[group.model]} on {group.dataset}"
    others = {
        passports.WHOLE: "Several image sets",
        passports.PARAMETERS: "Parameters",
        passports.WRITTEN: "Figures of others",
    }
    return others.get(group.key, group.dataset)


def render_pages(
    study: Study,
    written: Written,
    figures: Mapping[str, FigureText],
    sources: Sources,
    frozen: Sequence[Study] = (),
    live: Params | None = None,
) -> dict[str, str]:
    """Return the text of every generated page of a study by its path below docs/.

    Every number that knows its evidence is a link to its passport, which a number of another study
    has among that study's. Beside each page with tables stands what they hold as data: see
    `cnnreport.tabledata`. `frozen` are the frozen studies of the site, or for one of them at least
    those that it has cells in common with; `live` are then the parameters of the live study.

    Raises:
        InputError: a template is wrong or asks for what is not there; one line with the template
            and the line in it.

    """
    titles = titles_of(study, written.original)
    entries = pages_of(study, written, sources, frozen)
    pages = list(pages_in(entries))
    kept = [] if study.name else kept_studies(frozen, written.original, study.params)
    environment = make_environment(sources.templates)
    shared = {
        "study": study,
        "params": study.params,
        "datasets": list(study.datasets.values()),
        "command": repeat_command(study.params),
        "internship": written.internship,
        "original": written.original,
        "bibliography": written.bibliography,
        "bands": written.bands,
        "claims": Judged(written.claims, study, titles),
        "comparisons": {
            each.name: compare(each, study, written.claims) for each in compared_in(study, frozen)
        },
        "beside_it": comparisons_of(study, frozen, live),
        "others": frozen,
        "sections": entries,
        "titles": _escaped(titles),
        "tables": tables,
        "balance": balance,
        "choosing": choosing,
        "verdicts": verdicts,
        "groups": {group.key: group for group in passports.groups(study)},
        "manifest": study.manifest,
        "group_titles": {
            group.key: group_title(group, titles) for group in passports.groups(study)
        },
        "evidence_again": passports.again,
        "beside": passports.beside,
        "kept": kept,
        "kept_datasets": _image_sets(kept),
        "kept_with_originals": [
            each for each in kept if tables.datasets_in_original(each.study, written.original)
        ],
        "figure_passports": lambda name: passports.group_of_figure(name, study).path,
    }
    own = frozenset(page.path for page in pages)

    def render(page: Page, **values: Any) -> str:
        links = Links(
            page.path,
            study.name,
            own,
            written.bibliography,
            figures,
            sources.code,
            titles,
            sources.formulas,
            study.pictures,
        )
        context = {**shared, **page.values, "title": page.title, **links.context(), **values}
        text = _tidy(_render(environment, page.template, context))
        return _of_frozen(text, study.manifest, links) if study.manifest else text

    with ledger() as book:
        marked = [(page, render(page)) for page in pages if not is_passport(page)]
    own_numbers = [each for each in book.citations if each.evidence.study in {"", study.name}]
    citations = passports.complete(own_numbers)
    texts: dict[str, str] = {}

    def add(page: Page, text: str) -> None:
        if page.path.startswith(FRONT):
            texts[page.path] = _linked(text, page, study.name, book.citations)
            return
        linked, held = with_data_links(text, page.path, lambda place: book.citations[place].value)
        texts[page.path] = _linked(linked, page, study.name, book.citations)
        if have_values(held):
            texts[data_file(page.path)] = tables_text(held)

    for page, text in marked:
        add(page, text)
    for page in pages:
        if is_passport(page):
            add(page, render(page, citations=citations))
    return {f"{folder_of(study.name)}{path}": text for path, text in texts.items()}


def kept_studies(frozen: Sequence[Study], original: Original, live: Params) -> list[Kept]:
    """Return the frozen studies with what a page of the live one says of them.

    Those of one network stand last: they give no choice between networks.
    """
    return [
        Kept(
            each,
            each.manifest,
            _escaped(titles_of(each, original)),
            comparisons_of(each, frozen, live),
        )
        for each in sorted(frozen, key=lambda each: len(each.params.models) == 1)
        if each.manifest
    ]


def _image_sets(kept: Sequence[Kept]) -> list[DatasetRecord]:
    """Return the image sets of frozen studies, each once."""
    records = (record for each in kept for record in each.study.datasets.values())
    return list({record.title: record for record in records}.values())


def _escaped(titles: Mapping[str, str]) -> dict[str, str]:
    return {model: formats.md(title) for model, title in titles.items()}


def _of_frozen(text: str, manifest: Manifest, links: "Links") -> str:
    """Return a page of a frozen study with a band below its title that says so.

    The tabs above every page lead to the live study; the band leads on within this one.
    """
    home = links.link("index.md")
    if home == "index.md":
        return text
    ways = [
        f"[{name}]({links.link(f'report/{path}.md')})"
        for name, path in {"Networks": "networks/index", "Results": "results/index"}.items()
    ]
    live = f"[Live study]({links.live('index.md')})"
    title = f"[{formats.md(manifest.title)}]({home})"
    line = f"*Frozen study:* {title} {' '.join([*ways, live])}\n{{ .frozen }}"
    # A function, since a title's backslashes would mean something in a replacement text.
    return re.sub(r"^# .*$", lambda title: f"{title[0]}\n\n{line}", text, count=1, flags=re.M)


def folder_of(name: str) -> str:
    """Return the folder below docs/ of a study's pages, with its slash; none for the live one."""
    return f"{STUDIES}/{name}/" if name else ""


def figures_folder(name: str) -> str:
    """Return the folder below docs/ of a study's figures; the live one has no name."""
    return f"{STUDY_FIGURES}/{name}" if name else FIGURES


def render_navigation(
    live: Study, frozen: Sequence[Study], written: Written, sources: Sources
) -> str:
    """Return nav.yml: the pages of the live study and of each frozen one."""
    entries = pages_of(live, written, sources, frozen)
    others = [
        Section(
            study.manifest.title,
            below(f"{STUDIES}/{study.name}", pages_of(study, written, sources, frozen)),
        )
        for study in frozen
        if study.manifest
    ]
    return navigation(
        [*entries[:-1], Section("Studies", others), entries[-1]] if others else entries
    )


_PLAIN = re.compile(r"^#.*$|`[^`\n]*`|!?\[[^\[\]\n]*\]\(", re.MULTILINE)
"""Where a number cannot be a link: headings, code, and the text of a link or picture."""


def _linked(text: str, page: Page, study: str, citations: Sequence[Citation]) -> str:
    """Return a page of a study with its marked numbers as links to their passports.

    What people wrote has its passport in each study.
    """
    here = posixpath.dirname(f"{folder_of(study)}{page.path}") or "."

    def link(place: int, number: str) -> str:
        evidence = citations[place].evidence
        group = Group(passports.group_of(evidence))
        path = _relative(f"{folder_of(evidence.study or study)}{group.path}", here)
        return f"[{number}]({path}#{passports.anchor_of(evidence)})"

    parts, end = [], 0
    for block in _FENCE.finditer(text):
        parts += [_without_marks(text[end : block.start()]), unmarked(block.group())]
        end = block.end()
    return replace_marks("".join([*parts, _without_marks(text[end:])]), link)


# Pages lead to the same few places thousands of times.
@functools.lru_cache(maxsize=1 << 14)
def _relative(target: str, here: str) -> str:
    return posixpath.relpath(target, here)


def _without_marks(text: str) -> str:
    return _PLAIN.sub(lambda match: unmarked(match[0]), text)


@dataclass(frozen=True)
class Links:
    """What a page can point to, from where it stands.

    `page` is its path in its study, `study` the name of a frozen one, `own` all pages of the study.
    What a frozen study has no page of, or no file, is the live one's.
    """

    page: str
    study: str
    own: frozenset[str]
    bibliography: Bibliography
    figures: Mapping[str, FigureText]
    code: Mapping[str, str]
    titles: Mapping[str, str]
    formulas: Mapping[str, DrawnFormula]
    pictures: Mapping[str, Picture]

    def context(self) -> dict[str, Any]:
        """Return the names that templates use."""
        return {
            "link": self.link,
            "raw": self.raw,
            "passports_with": self.passports_with,
            "cite": self.cite,
            "figure_path": self.figure_path,
            "figure_text": self.figure_text,
            "has_figure": self.figures.__contains__,
            "formula_path": self.formula_path,
            "formula_text": self.formula_text,
            "picture_path": self.picture_path,
            "picture_text": self.picture_text,
            "has_picture": self.pictures.__contains__,
            "code_block": self.code_block,
            "docstring": self.docstring,
            "names": self.names(),
            "names_in": self.names_in,
        }

    def link(self, path: str) -> str:
        """Return the way from this page to one of its study, or else to one of the live study."""
        target = f"{folder_of(self.study)}{path}" if path in self.own else path
        return self._way(target)

    def live(self, path: str) -> str:
        """Return the way from this page to one of the live study."""
        return self._way(path)

    def raw(self, name: str) -> str:
        """Return the way to a file of the study itself, which the site has a copy of."""
        packed = PACKED if self.study and "/predictions/" in name else ""
        own = f"{folder_of(self.study)}{FILES}/{name}{packed}"
        return self._way(f"{FILES}/{name}" if name.startswith("report/") else own)

    def passports_with(self, study: Study, citations: Sequence[Citation]) -> Passports:
        """Return what passport pages are made from, as seen from this page."""
        return Passports(study, citations, self.link, self.raw)

    def _way(self, target: str) -> str:
        here = posixpath.dirname(f"{folder_of(self.study)}{self.page}") or "."
        return _relative(target, here)

    def cite(self, key: str) -> str:
        """Return a link to an entry of the bibliography."""
        return self.bibliography.cite(key, self._way(BIBLIOGRAPHY))

    def figure_path(self, name: str) -> str:
        """Return the way to a figure."""
        return self._way(f"{figures_folder(self.study)}/{name}.svg")

    def formula_path(self, name: str) -> str:
        """Return the way to a formula, which all studies share; "-dark" may follow its name."""
        return self._way(f"{FIGURES}/{PREFIX}{name}.svg")

    def formula_text(self, name: str) -> DrawnFormula:
        """Return a formula in words, and its size."""
        if name not in self.formulas:
            raise missing(name, list(self.formulas))
        return self.formulas[name]

    def figure_text(self, name: str) -> FigureText:
        """Return caption and alt text of a figure."""
        if name not in self.figures:
            raise InputError(f"no figure '{name}' was drawn; known: {', '.join(self.figures)}")
        return self.figures[name]

    def picture_path(self, file: str) -> str:
        """Return the way to a picture with pixels of an image set, given its file."""
        return self._way(f"{folder_of(self.study)}{PICTURES}/{file}")

    def picture_text(self, name: str) -> Picture:
        """Return what is said of such a picture, and its files."""
        if name not in self.pictures:
            raise InputError(f"no picture '{name}' was made; known: {', '.join(self.pictures)}")
        return self.pictures[name]

    def code_block(self, file: str) -> str:
        """Return a file of the networks' code, as it is, in a block of Python."""
        return fenced(self._code(file), "python")

    def docstring(self, file: str) -> str:
        """Return what a file of the networks' code says of itself, empty if nothing."""
        return docstring_text(self._code(file))

    def _code(self, file: str) -> str:
        if file not in self.code:
            raise InputError(f"no file '{file}' among the networks; known: {', '.join(self.code)}")
        return self.code[file]

    def names(self) -> dict[str, str]:
        """Return how this page writes each network: its title as a link to its page."""
        return {
            model: f"[{formats.md(title)}]({self.link(f'report/networks/{model}.md')})"
            for model, title in self.titles.items()
        }

    def names_in(self, kept: Kept) -> dict[str, str]:
        """Return how this page writes the networks of a frozen study: linked to its pages."""
        folder = folder_of(kept.study.name)
        return {
            model: f"[{title}]({self.live(f'{folder}report/networks/{model}.md')})"
            for model, title in kept.titles.items()
        }


def docstring_text(code: str) -> str:
    """Return the docstring of a module as Markdown: paragraphs and lists, and no markup in them."""
    try:
        said = ast.get_docstring(ast.parse(code)) or ""
    except SyntaxError:
        return ""
    blocks = [block.strip() for block in re.split(r"\n\s*\n", said)]
    return "\n\n".join("\n".join(_block_lines(block)) for block in blocks if block)


def _block_lines(block: str) -> list[str]:
    """Return a paragraph as one line, or a list as a line for each of its items."""
    parts = re.split(r"^[-*] ", block, flags=re.MULTILINE)
    texts = [formats.md(" ".join(part.split())) for part in parts]
    if len(texts) == 1:
        return texts
    lead = [texts[0], ""] if texts[0] else []
    return [*lead, *(f"- {text}" for text in texts[1:])]


def fenced(text: str, language: str) -> str:
    """Return a fenced block; the fence is longer than any run of backticks in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def indented_json(value: object) -> str:
    """Return plain data as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def repeat_command(params: Params) -> str:
    """Return the command that runs a study of the same parameters again."""
    values = {
        "profile": params.profile,
        "recipe": params.recipe,
        "epochs": "null" if params.epochs is None else params.epochs,
        "datasets": f"[{','.join(params.datasets)}]",
        "models": f"[{','.join(params.models)}]",
        "seeds": f"[{','.join(str(seed) for seed in params.seeds)}]",
    }
    return " \\\n  ".join(
        ["dvc exp run", *(f"-S '{name}={value}'" for name, value in values.items())]
    )


def make_environment(templates: Mapping[str, str]) -> Environment:
    """Return the Jinja environment; a name that is not defined is an error, never an empty text.

    The same templates give the same environment, so that all studies share the compiled ones.
    """
    return _environment(tuple(templates.items()))


@functools.lru_cache(maxsize=2)
def _environment(items: tuple[tuple[str, str], ...]) -> Environment:
    templates = dict(items)

    def load(name: str) -> tuple[str, str, None] | None:
        # The file name is what errors show.
        return (templates[name], f"{TEMPLATES}/{name}", None) if name in templates else None

    environment = Environment(
        loader=FunctionLoader(load),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the pages are Markdown; people's words go through `md`
    )
    environment.filters.update(FILTERS | {"fenced": fenced, "json": indented_json})
    return environment


def _render(environment: Environment, template: str, context: Mapping[str, Any]) -> str:
    try:
        return environment.get_template(template).render(context)
    except Exception as error:
        if isinstance(error, TemplateError | InputError) or _is_the_templates(error):
            raise InputError(f"{_where(error, template)}: {_reason(error)}") from error
        raise


def _is_the_templates(error: Exception) -> bool:
    """Say whether a template caused an error; one that our own code raised in depth is a bug."""
    ours, filters = Path(__file__).parent, Path(formats.__file__)
    files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    within = [file for file in files if ours in file.parents and file != filters]
    return within == [Path(__file__)]


def _where(error: Exception, template: str) -> str:
    """Return template and line of an error; Jinja names them in the traceback."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(TEMPLATES)
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else f"{TEMPLATES}/{template}"


def _reason(error: Exception) -> str:
    reason = " ".join(str(error).split())
    return (
        reason
        if isinstance(error, TemplateError | InputError)
        else f"{type(error).__name__}: {reason}"
    )


_FENCE = re.compile(r"^(?P<fence>`{3,}).*?^(?P=fence)$", re.DOTALL | re.MULTILINE)


def _tidy(text: str) -> str:
    """Return a page without blanks at line ends and with one empty line at most between lines.

    Code in a fence keeps its empty lines.
    """
    text = "\n".join(line.rstrip() for line in text.splitlines())
    parts, end = [], 0
    for block in _FENCE.finditer(text):
        parts += [_single_spaced(text[end : block.start()]), block.group()]
        end = block.end()
    return "".join([*parts, _single_spaced(text[end:])]).strip("\n") + "\n"


def _single_spaced(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text)


def load_written(report: Path) -> Written:
    """Read what people wrote in report/.

    Raises:
        InputError: a file cannot be read or is wrong; names the file and the line.

    """
    original, bands = "original_study.yaml", "plausibility.yaml"
    return Written(
        load_internship(report / "internship.yaml"),
        from_file(load_original(report / original), f"report/{original}"),
        load_bibliography(report / "bibliography.bib"),
        from_file(load_plausibility(report / bands), f"report/{bands}"),
        load_claims(report / "claims.yaml"),
    )


def load_figures(folder: Path) -> dict[str, FigureText]:
    """Read figures.json, which the plot stage writes beside the figures.

    Raises:
        InputError: the file is missing or malformed.

    """
    path = folder / "figures.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return {name: FigureText(**text) for name, text in raw.items()}
    except OSError as error:
        raise InputError(f"{path}: cannot be read; run `dvc repro plot` first") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: wanted a caption and an alt text by figure ({error})") from error


def load_sources(templates: Path, models: Path, docs: Path) -> Sources:
    """Read the templates and the networks' code, and list the pages below docs/ that people wrote.

    Raises:
        InputError: there are no templates.

    """
    found = _texts(templates, "*.md.j2")
    if not found:
        raise InputError(f"{templates}: wanted a folder with templates (*.md.j2), found none")
    drawn = load_drawn(docs / FIGURES)
    return Sources(found, _texts(models, "*.py"), hand_written_pages(docs), drawn)


def hand_written_pages(docs: Path) -> dict[str, str]:
    """Return the titles of the how-to pages and of the other pages below docs/, by path.

    Besides what people wrote these are the tables of benchmarks/, which no run of the study makes.
    """
    how_to = sorted(docs.glob("how-to/*.md")) + sorted(docs.glob("benchmarks/*.md"))
    others = sorted(path for path in docs.glob("*.md") if path.name != "index.md")
    return {path.relative_to(docs).as_posix(): _heading(path) for path in how_to + others}


def _heading(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line[2:].strip() for line in lines if line.startswith("# ")), path.stem)


def _texts(folder: Path, pattern: str) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob(pattern))
    }


def save_pages(pages: Mapping[str, str], docs: Path) -> list[str]:
    """Write the pages of the live study that changed; return what was touched.

    Only docs/report/ holds nothing but generated files, so only there are others removed.
    """
    return replace_pages(pages, docs, docs / "report")


def replace_pages(pages: Mapping[str, str], docs: Path, folder: Path) -> list[str]:
    """Write the pages that changed and remove those of `folder` that are gone."""
    wanted = {path: text.encode() for path, text in pages.items()}
    stale = set(generated_files(docs, folder)) - wanted.keys()
    for path in stale:
        (docs / path).unlink()
    return sorted([*stale, *save_files(wanted, docs)])


def generated_files(docs: Path, folder: Path) -> list[str]:
    """Return the pages and the data of tables in a folder of generated files, below `docs`."""
    files = [*folder.rglob("*.md"), *folder.rglob(f"*{SUFFIX}")]
    return sorted(path.relative_to(docs).as_posix() for path in files)


def save_files(files: Mapping[str, bytes], docs: Path) -> list[str]:
    """Write the files whose content changed and return their paths."""
    changed = [path for path, content in files.items() if _differs(docs / path, content)]
    for path in changed:
        (docs / path).parent.mkdir(parents=True, exist_ok=True)
        (docs / path).write_bytes(files[path])
    return changed


def _differs(path: Path, content: bytes) -> bool:
    return not path.is_file() or path.read_bytes() != content
