"""What a page can point to from where it stands, as templates ask for it."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cnnreport import formats
from cnnreport.bibliography import Bibliography
from cnnreport.errors import InputError
from cnnreport.evidence import Citation
from cnnreport.formulas import PREFIX, DrawnFormula, missing
from cnnreport.pages.beside import Kept
from cnnreport.pages.places import BIBLIOGRAPHY, FIGURES, FILES, figures_folder, folder_of, relative
from cnnreport.pages.sources import FigureText
from cnnreport.pages.templating import docstring_text, fenced
from cnnreport.passports import Passports
from cnnreport.picture_texts import FOLDER as PICTURES
from cnnreport.picture_texts import Picture
from cnnreport.study import PACKED, Study


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
        return relative(target, here)

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
