"""What pages are made from besides studies: people's words, templates, texts of figures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cnnreport import formats
from cnnreport.bands import Plausibility, load_plausibility
from cnnreport.batchnorm import TakenAnew, load_taken_anew
from cnnreport.bibliography import Bibliography, load_bibliography
from cnnreport.claims import Claim, load_claims
from cnnreport.errors import InputError
from cnnreport.evidence import from_file
from cnnreport.formulas import DrawnFormula, load_drawn
from cnnreport.internship import Internship, load_internship
from cnnreport.networks import titled
from cnnreport.original import Original, load_original
from cnnreport.pages.places import FIGURES
from cnnreport.study import Study


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
    `formulas` are those that the plot stage has drawn, `taken_anew` what frozen networks do with
    other averages of batch normalisation.
    """

    templates: Mapping[str, str]
    code: Mapping[str, str]
    hand_written: Mapping[str, str]
    formulas: Mapping[str, DrawnFormula] = field(default_factory=dict)
    taken_anew: Sequence[TakenAnew] = ()


def escaped(titles: Mapping[str, str]) -> dict[str, str]:
    """Return the titles of networks as Markdown takes them for plain text."""
    return {model: formats.md(title) for model, title in titles.items()}


@dataclass(frozen=True)
class Written:
    """What people wrote in report/: their words and figures, claims and bands."""

    internship: Internship
    original: Original
    bibliography: Bibliography
    bands: Plausibility
    claims: Sequence[Claim]


def titles_of(study: Study, original: Original) -> dict[str, str]:
    """Return how each network of a study is written."""
    return titled(study.params.models, original.titles)


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
        ResultsError: the table of averages taken anew is malformed.

    """
    found = _texts(templates, "*.md.j2")
    if not found:
        raise InputError(f"{templates}: wanted a folder with templates (*.md.j2), found none")
    return Sources(
        found,
        _texts(models, "*.py"),
        hand_written_pages(docs),
        load_drawn(docs / FIGURES),
        load_taken_anew(docs),
    )


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
