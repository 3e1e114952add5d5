"""Render the pages of a study from its results, people's words and the templates."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cnnreport import balance, choosing, formats, passports, tables, verdicts
from cnnreport.differences import compare
from cnnreport.evidence import Citation, ledger, replace_marks, unmarked
from cnnreport.judgements import Judged
from cnnreport.navigation import (
    Page,
    Section,
    below,
    is_passport,
    navigation,
    pages_in,
    site_map,
    study_map,
)
from cnnreport.pages.beside import (
    compared_in,
    comparisons_of,
    image_sets_of,
    kept_studies,
    title_of,
)
from cnnreport.pages.links import Links
from cnnreport.pages.places import FRONT, STUDIES, folder_of, relative
from cnnreport.pages.sources import FigureText, Sources, Written, escaped, titles_of
from cnnreport.pages.templating import FENCE, make_environment, render_template, tidy
from cnnreport.params import Params
from cnnreport.passports import Group
from cnnreport.study import Manifest, Study
from cnnreport.tabledata import data_file, have_values, tables_text, with_data_links


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
        "taken_anew": sources.taken_anew,
        "sections": entries,
        "titles": escaped(titles),
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
        "kept_datasets": image_sets_of(kept),
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
        text = tidy(render_template(environment, page.template, context))
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


def _of_frozen(text: str, manifest: Manifest, links: Links) -> str:
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
        path = relative(f"{folder_of(evidence.study or study)}{group.path}", here)
        return f"[{number}]({path}#{passports.anchor_of(evidence)})"

    parts, end = [], 0
    for block in FENCE.finditer(text):
        parts += [_without_marks(text[end : block.start()]), unmarked(block.group())]
        end = block.end()
    return replace_marks("".join([*parts, _without_marks(text[end:])]), link)


def _without_marks(text: str) -> str:
    return _PLAIN.sub(lambda match: unmarked(match[0]), text)


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
