"""Hold the figures against the results: what they say by making it again, how they look by digest.

To build a figure, from which its caption and alt text follow, takes little; to draw it takes most
of the time. So it is drawn again only when that is asked for, or when the digest does not hold.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

from cnnreport.figures import all_drawings
from cnnreport.figures.dark import ENDING as DARK
from cnnreport.figures.dark import dark_of
from cnnreport.figures.diagrams import study_diagrams
from cnnreport.figures.drawing import Drawing, to_svg
from cnnreport.figures.fonts import styled
from cnnreport.figures.formulas import draw_formulas
from cnnreport.formulas import PREFIX, Formula, load_formulas
from cnnreport.pages import FIGURES, STUDY_FIGURES, load_figures, titles_of
from cnnreport.study import Study
from cnnreport.verification.charts import chart_checks
from cnnreport.verification.findings import Check, Finding, sum_up, wrong
from cnnreport.verification.locks import Lock, held
from cnnreport.verification.pages import DOCS, Site, drawn_in, softened
from cnnreport.verification.subject import LIVE, Subject
from cnnreport.verification.texts import text_check

TEXTS = "figures.json"
SVG = ".svg"


def figure_findings(site: Site, subject: Subject, lock: Lock, *, redraw: bool) -> Iterator[Finding]:
    """Yield what came of the figures of a study.

    Args:
        site: what captions and figures are made from besides the study.
        subject: the study.
        lock: that of the live study, whose stages draw the figures of all.
        redraw: whether to draw them again even where the digest holds.

    """
    stage = "plot_studies" if subject.frozen else "plot"
    redraw = redraw or not _as_left(site, subject, lock, stage)
    checks = _checks(site, subject, redraw=redraw)
    yield sum_up(subject.name, "figures", softened(checks, site, subject, lock, stage))


def _as_left(site: Site, subject: Subject, lock: Lock, stage: str) -> bool:
    """Say whether the folder of the figures is as its stage left it."""
    folder = f"{DOCS}/{STUDY_FIGURES if subject.frozen else FIGURES}"
    live = Subject(site.studies.get(LIVE, subject.study), site.folder)
    left = lock[stage].outs.get(folder) if stage in lock else None
    return left is not None and held(live, folder) == left


def _checks(site: Site, subject: Subject, *, redraw: bool) -> Iterator[Check]:
    shown = f"{DOCS}/{drawn_in(subject.name)}"
    folder = site.folder / shown
    texts = load_figures(folder)
    made = drawings(site, subject)
    formulas = {} if subject.frozen else load_formulas(site.folder / FORMULAS)
    known = {*(drawing.name for drawing in made), *(f"{PREFIX}{name}" for name in formulas)}
    wanted = {file for name in known for file in _files(name)}
    for file in sorted(wanted):
        if not (folder / file).is_file():
            yield wrong(f"{shown}/{file}: is missing; `dvc repro` draws it")
    for drawing in made:
        name = drawing.name
        if name not in texts:
            yield wrong(f"{shown}/{TEXTS} /{name}: is missing; `dvc repro` writes it")
            continue
        for key in ("caption", "alt"):
            place = f"{shown}/{TEXTS} /{name}/{key}"
            yield text_check(place, getattr(texts[name], key), getattr(drawing, key))
    extra_files = {path.name for path in folder.glob(f"*{SVG}")} - wanted
    extra_texts = set(texts) - {drawing.name for drawing in made}
    for extra in sorted({file.removesuffix(SVG) for file in extra_files} | extra_texts):
        yield wrong(f"{shown}: no figure of the report has the name {extra}")
    if redraw:
        alts = {drawing.name: drawing.alt for drawing in made}
        titles = titles_of(subject.study, site.written.original)
        yield from chart_checks(folder, shown, subject.study, titles, alts)
        yield from _drawn_checks(site, subject.study, shown, made)
        yield from _formula_checks(site, shown, formulas)


def drawings(site: Site, subject: Subject) -> list[Drawing]:
    """Build all figures of a study as plot and plot_studies do; nothing is drawn yet."""
    original = site.written.original
    with styled(site.folder / STYLE, subject.study):
        found = chain(
            all_drawings(subject.study, original),
            study_diagrams(subject.study, titles_of(subject.study, original)),
        )
        return list(found)


STYLE = "report/figures.mplstyle"
FORMULAS = "report/formulas.yaml"


def _files(name: str) -> tuple[str, str]:
    """Return the files of a figure, the light one and the dark one."""
    return f"{name}{SVG}", f"{name}{DARK}{SVG}"


def _drawn_checks(site: Site, study: Study, shown: str, made: list[Drawing]) -> Iterator[Check]:
    for drawing in made:
        if any((site.folder / shown / file).is_file() for file in _files(drawing.name)):
            with styled(site.folder / STYLE, study):
                light = to_svg(drawing.figure)
            yield from _file_checks(site, shown, drawing.name, light)


def _formula_checks(site: Site, shown: str, formulas: Mapping[str, Formula]) -> Iterator[Check]:
    for name, (light, _) in draw_formulas(formulas).items():
        yield from _file_checks(site, shown, f"{PREFIX}{name}", light)


def _file_checks(site: Site, shown: str, name: str, light: str) -> Iterator[Check]:
    """Hold both files of a figure against what is drawn now; a missing one is told elsewhere."""
    for file, again in zip(_files(name), (light, dark_of(light)), strict=True):
        path = site.folder / shown / file
        if path.is_file():
            found = path.read_bytes().decode("utf-8", errors="replace")
            yield text_check(f"{shown}/{file}", found, again)
