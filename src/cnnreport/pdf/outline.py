"""Which pages of the site the PDF holds, in which order and under which chapter: from nav.yml."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cnnreport.errors import InputError

CHAPTER_OF = {"report/networks/": 4, "report/results/": 5}
"""The chapter that pages without a number in their title belong to, by their folder."""

TITLES = {4: "Research", 5: "Results and conclusion"}
"""The titles of chapters that have more than one page."""

CHAPTERS = "report/chapters/"
_NUMBERED = re.compile(r"(\d+)((?:\.\d+)*) .+")


@dataclass(frozen=True)
class Chapter:
    """A chapter of the PDF: one page that is the chapter, or several pages that are its sections.

    `title` is empty where the chapter's one page gives it. `pages` are paths below docs/, each with
    how many levels its headings stand below those of a chapter.
    """

    number: int
    title: str
    pages: Sequence[tuple[str, int]]


def read_chapters(nav_file: Path) -> list[Chapter]:
    """Return the chapters that nav.yml lists.

    Raises:
        InputError: the file cannot be read or lists no page of a chapter.

    """
    try:
        entries = YAML(typ="safe").load(nav_file.read_text(encoding="utf-8"))["nav"]
        found = chapters(entries)
    except OSError as error:
        raise InputError(f"{nav_file}: cannot be read; run `dvc repro report` first") from error
    except (YAMLError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{nav_file}: wanted a list of pages below `nav:` ({reason})") from error
    if not found:
        raise InputError(f"{nav_file}: wanted pages of chapters, such as {CHAPTERS}…, came none")
    return found


def chapters(entries: Sequence[Any]) -> list[Chapter]:
    """Return the chapters among the entries of a MkDocs navigation, in their order."""
    pages: dict[int, list[tuple[str, int]]] = {}
    for title, path in _leaves(entries):
        number, depth = _place(title, path)
        if number:
            pages.setdefault(number, []).append((path, depth))
    return [_chapter(number, placed) for number, placed in sorted(pages.items())]


def _chapter(number: int, pages: Sequence[tuple[str, int]]) -> Chapter:
    if len(pages) == 1 and pages[0][1] == 0:
        return Chapter(number, "", pages)
    title = TITLES.get(number, f"Part {number}")
    return Chapter(number, title, [(path, max(depth, 1)) for path, depth in pages])


def _place(title: str, path: str) -> tuple[int, int]:
    """Return the chapter of a page, 0 for none, and how deep in it: 4.1 is one level, 4.1.2 two."""
    numbered = _NUMBERED.fullmatch(title)
    if path.startswith(CHAPTERS) and numbered:
        return int(numbered[1]), numbered[2].count(".")
    folder = next((folder for folder in CHAPTER_OF if path.startswith(folder)), "")
    return CHAPTER_OF.get(folder, 0), 1


def _leaves(entries: Sequence[Any]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        for title, target in entry.items():
            if isinstance(target, str):
                yield title, target
            else:
                yield from _leaves(target)
