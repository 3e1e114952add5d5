"""Which pages the report has, in which order: the site map and the navigation made from it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Page:
    """A page to make: its path below docs/, its template, its title and values for the template."""

    path: str
    template: str
    title: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HandWritten:
    """A page that people wrote: the navigation lists it, nothing renders it."""

    path: str
    title: str


@dataclass(frozen=True)
class Section:
    """A titled part of the navigation."""

    title: str
    entries: Sequence["Page | Section | HandWritten"]


def site_map(
    titles: Mapping[str, str],
    groups: Mapping[str, str],
    hand_written: Mapping[str, str],
    compared: Mapping[str, str],
) -> list[Page | Section]:
    """Return all pages of the live study in the order of the report.

    `titles` are those of the networks, `groups` those of the passport pages by key, `hand_written`
    those of the pages that people wrote, by path, `compared` those of comparisons, by the name of
    the study beside.
    """
    handbook = [HandWritten(path, title) for path, title in hand_written.items()]
    return [
        Page("index.md", "index.md.j2", "Home"),
        Section("Front matter", _pages(_FRONT)),
        Section("Report", _pages(_CHAPTERS)),
        *_of_results(titles, groups),
        *_comparisons(compared),
        Section("Appendix", _pages(_APPENDIX)),
        *([Section("Handbook", handbook)] if handbook else []),
    ]


def _comparisons(compared: Mapping[str, str]) -> list[Section]:
    pages = [
        Page(comparison_path(key), "compare.md.j2", title, {"key": key})
        for key, title in compared.items()
    ]
    return [Section("Comparisons", pages)] if pages else []


def comparison_path(name: str) -> str:
    """Return the page that compares a study with the frozen one of that name."""
    return f"report/compare/{name}.md"


def study_map(
    titles: Mapping[str, str],
    groups: Mapping[str, str],
    compared: Mapping[str, str],
    *,
    gallery: bool = False,
) -> list[Page | Section]:
    """Return the pages of a frozen study: all of the report that results decide.

    Paths are those of the live study's pages; the study's own folder comes before them. `gallery`
    says whether there are pictures of its images, which studies of old were kept without.
    """
    return [
        Page("index.md", "study.md.j2", "About this study"),
        Page("report/chapters/4-datasets.md", "chapters/4-datasets.md.j2", "Image sets"),
        *_of_results(titles, groups, gallery=gallery),
        *_comparisons(compared),
    ]


def _of_results(
    titles: Mapping[str, str], groups: Mapping[str, str], *, gallery: bool = True
) -> list[Section]:
    networks = [
        Page(f"report/networks/{model}.md", "networks/network.md.j2", title, {"model": model})
        for model, title in titles.items()
    ]
    passports = [
        Page(f"report/passports/{key}.md", "passports/group.md.j2", title, {"key": key})
        for key, title in groups.items()
    ]
    results = {name: title for name, title in _RESULTS.items() if gallery or name != _GALLERY}
    return [
        Section("Networks", [_page("networks/index", "Overview"), *networks]),
        Section("Results", _pages(results)),
        Section("Passports", [_page("passports/index", "How to read them"), *passports]),
    ]


def is_passport(page: Page) -> bool:
    """Say whether a page is about the numbers of the others, so that it is made after them."""
    return page.template == "passports/group.md.j2"


_FRONT = {
    "front/cover": "Cover",
    "front/certificate": "Certificate",
    "front/recommendation": "Recommendation",
    "front/acknowledgement": "Acknowledgement",
    "contents": "Contents",
}
_CHAPTERS = {
    "chapters/1-introduction": "1 Introduction",
    "chapters/2-project": "2 The project",
    "chapters/3-requirements": "3 Requirements",
    "chapters/4-research": "4.1 Research",
    "chapters/4-neural-networks": "4.2 Neural networks",
    "chapters/4-cnn": "4.3 Convolutional networks",
    "chapters/4-lenet-step-by-step": "4.3.1 One image through LeNet",
    "chapters/4-datasets": "4.4 Image sets",
}
_GALLERY = "results/gallery"
_RESULTS = {
    "results/index": "Accuracy",
    "results/pairs": "Compare two networks",
    "results/classes": "Class by class",
    "results/confusion": "Confusion",
    _GALLERY: "Images all networks miss",
    "results/calibration": "Calibration",
    "results/cost": "Cost",
    "results/original": "Original against ours",
    "results/claims": "Claims",
    "results/trust": "Fairness, plausibility, limits",
    "results/choice": "Which network fits",
    "chapters/5-conclusion": "5 Conclusion",
}
_APPENDIX = {
    "appendix/bibliography": "Bibliography",
    "appendix/diary": "Weekly diary",
    "appendix/feedback": "Feedback form",
    "appendix/attendance": "Attendance sheet",
}


def _pages(titles: Mapping[str, str]) -> list[Page]:
    return [_page(name, title) for name, title in titles.items()]


def _page(name: str, title: str) -> Page:
    return Page(f"report/{name}.md", f"{name}.md.j2", title)


def pages_in(entries: Sequence[Page | Section | HandWritten]) -> Iterator[Page]:
    """Yield the pages to make, in order."""
    for entry in entries:
        if isinstance(entry, Page):
            yield entry
        elif isinstance(entry, Section):
            yield from pages_in(entry.entries)


def below(folder: str, entries: Sequence[Page | Section]) -> list[Page | Section]:
    """Return entries with a folder before their paths."""
    return [
        replace(entry, path=f"{folder}/{entry.path}")
        if isinstance(entry, Page)
        else Section(entry.title, below(folder, _of_pages(entry)))
        for entry in entries
    ]


def _of_pages(section: Section) -> list[Page | Section]:
    return [entry for entry in section.entries if not isinstance(entry, HandWritten)]


def navigation(entries: Sequence[Page | Section | HandWritten]) -> str:
    """Write docs/nav.yml, which mkdocs.yml inherits."""
    lines = ["# Written by the report stage; do not edit.", "nav:", *_nav_lines(entries, "  ")]
    return "\n".join(lines) + "\n"


def _nav_lines(entries: Sequence[Page | Section | HandWritten], indent: str) -> Iterator[str]:
    for entry in entries:
        if not isinstance(entry, Section):
            yield f"{indent}- {_quoted(entry.title)}: {_quoted(entry.path)}"
        else:
            yield f"{indent}- {_quoted(entry.title)}:"
            yield from _nav_lines(entry.entries, f"{indent}    ")


def _quoted(text: str) -> str:
    """Return a JSON string, which YAML reads as it stands."""
    return json.dumps(text, ensure_ascii=False)
