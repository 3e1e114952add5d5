"""Render every page again, in memory, and hold it against the page in docs/."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cnnreport import inserts, readme
from cnnreport.freezing import code_of
from cnnreport.judgements import check_claims
from cnnreport.pages import (
    NAVIGATION,
    STUDIES,
    Sources,
    Written,
    figures_folder,
    generated_files,
    load_figures,
    load_sources,
    load_written,
    render_navigation,
    render_pages,
    titles_of,
)
from cnnreport.picture_texts import INDEX, load_pictures
from cnnreport.study import Study
from cnnreport.verification.findings import (
    HELD,
    Check,
    Finding,
    Level,
    carried_through,
    holds,
    sum_up,
    wrong,
)
from cnnreport.verification.locks import Lock, outdated
from cnnreport.verification.subject import FROZEN, LIVE, Subject
from cnnreport.verification.texts import text_check

DOCS = "docs"


@dataclass(frozen=True)
class Site:
    """What all pages are made from, whichever study they belong to.

    `studies` holds the live study by its dot and the frozen ones by their names; `folder` is the
    top of the project.
    """

    folder: Path
    studies: Mapping[str, Study]
    written: Written
    sources: Sources


def load_site(folder: Path, studies: Mapping[str, Study]) -> Site:
    """Read what people wrote and the templates.

    Raises:
        InputError: a file is missing or wrong.

    """
    report, docs = folder / "report", folder / DOCS
    models = folder / "src/cnnreport/models"
    sources = load_sources(report / "templates", models, docs)
    return Site(folder, studies, load_written(report), sources)


def page_findings(site: Site, subject: Subject, lock: Lock) -> Iterator[Finding]:
    """Yield what came of the claims and the pages of a study.

    Pages that are as their stage left them, of inputs that changed since, are called unverified:
    the next run writes them anew.
    """
    checks = _all_checks(site, subject)
    yield sum_up(subject.name, "pages", softened(checks, site, subject, lock, "report"))


def _all_checks(site: Site, subject: Subject) -> Iterator[Check]:
    if not subject.frozen:
        titles = titles_of(subject.study, site.written.original)
        check_claims(site.written.claims, subject.study, titles)
    yield from _page_checks(site, subject.name)


def readme_finding(site: Site) -> Finding:
    """Return what came of the figures of the frozen studies in README.md.

    No stage writes them, so nothing but `cnnreport readme` would make stale ones anew.
    """
    return sum_up(LIVE, readme.README, _readme_checks(site))


def _readme_checks(site: Site) -> Iterator[Check]:
    text = readme.load_page(site.folder)
    span = inserts.span_of(text, readme.NAME, readme.README) if text is not None else None
    if text is None or span is None:
        return
    frozen = [study for name, study in site.studies.items() if name != LIVE]
    wanted = readme.figures(frozen, site.written.original)
    check = text_check(readme.README, text, f"{text[: span[0]]}{wanted}{text[span[1] :]}")
    yield check if check == HELD else replace(check, text=f"{check.text}; `cnnreport readme`")


def softened(
    checks: Iterable[Check], site: Site, subject: Subject, lock: Lock, stage: str
) -> list[Check]:
    """Carry checks out; what is off is unverified where its stage would make it anew by itself."""
    done = carried_through(checks)
    bad = any(check.level.gravity > Level.WITHIN.gravity for check in done)
    live = Subject(site.studies.get(LIVE, subject.study), site.folder)
    if not bad or stage not in lock or not outdated(live, lock[stage]):
        return done
    return [_softened(check, stage) for check in done]


def _softened(check: Check, stage: str) -> Check:
    if check.level in (Level.EXACT, Level.WITHIN):
        return check
    text = f"{check.text}; its inputs have changed and `dvc repro` would run {stage}"
    return Check(Level.UNVERIFIED, text)


def wanted_pages(site: Site, name: str) -> dict[str, str]:
    """Return the text of every generated page of a study by its path below docs/."""
    study = site.studies[name]
    if name == LIVE:
        study = replace(study, pictures=load_pictures(site.folder / DOCS / INDEX))
    drawn = load_figures(site.folder / DOCS / drawn_in(name))
    frozen = [each for key, each in site.studies.items() if key != LIVE]
    live = site.studies[LIVE].params if LIVE in site.studies else None
    own = site.sources
    if name != LIVE:
        own = replace(own, code=code_of(site.folder / FROZEN / name))
    pages = render_pages(study, site.written, drawn, own, frozen, live)
    if name == LIVE:
        pages[NAVIGATION] = render_navigation(study, frozen, site.written, site.sources)
    return pages


def drawn_in(name: str) -> str:
    """Return the folder below docs/ of a study's figures."""
    return figures_folder("" if name == LIVE else name)


def below_docs(name: str) -> str:
    """Return the folder of a study's pages below docs/, with its slash."""
    return "" if name == LIVE else f"{STUDIES}/{name}/"


def _page_checks(site: Site, name: str) -> Iterator[Check]:
    pages = wanted_pages(site, name)
    for path, text in pages.items():
        yield _page_check(site.folder / DOCS / path, f"{DOCS}/{path}", text)
    folder = below_docs(name) or "report"
    for known in generated_files(site.folder / DOCS, site.folder / DOCS / folder):
        yield holds(known in pages, f"{DOCS}/{known}: no page of the report has this name")


def _page_check(path: Path, shown: str, wanted: str) -> Check:
    try:
        found = path.read_bytes().decode("utf-8")
    except (OSError, ValueError) as error:
        return wrong(f"{shown}: cannot be read ({error})")
    return text_check(shown, found, wanted)
