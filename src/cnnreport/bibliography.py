"""Read report/bibliography.bib and cite its entries in Markdown."""

import difflib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from pybtex.database import Entry, Person, parse_string
from pybtex.exceptions import PybtexError
from pybtex.richtext import Text

from cnnreport.errors import InputError
from cnnreport.formats import md

KEY = re.compile(r"[a-z0-9-]+")
"""A key is also the anchor of its entry on the bibliography page."""

LINK = re.compile(r"https?://[^\s<>()\"'\[\]\\]+")
"""Addresses that are safe between the brackets of a Markdown link."""

AUTHORS_IN_LABEL = 2
"""Up to so many authors a citation names all of them, beyond it the first one and "et al."."""


@dataclass(frozen=True)
class Reference:
    """One entry in plain text; `label` is what a citation shows, such as "LeCun et al., 1998".

    `venue` is where it appeared, `link` an address of the work or None.
    """

    key: str
    label: str
    authors: str
    title: str
    venue: str
    year: str
    link: str | None


@dataclass(frozen=True)
class Bibliography:
    """The entries of a .bib file, sorted by label; `source` names the file in errors."""

    source: str
    entries: tuple[Reference, ...]

    def cite(self, key: str, page: str = "") -> str:
        """Return a Markdown link to an entry; `page` is the way to the bibliography page.

        Raises:
            InputError: there is no such key; the line names close ones.

        """
        for entry in self.entries:
            if entry.key == key:
                return f"[{md(entry.label)}]({page}#{key})"
        known = [entry.key for entry in self.entries]
        close = difflib.get_close_matches(key, known) or known
        raise InputError(
            f"{self.source}: cite('{key}'): no entry has this key; known: {', '.join(close)}"
        )


def load_bibliography(path: Path) -> Bibliography:
    """Read a .bib file.

    Raises:
        InputError: the file cannot be read or is no BibTeX, or an entry lacks a field, has a key
            that cannot be an anchor or an address that is none; one line with the file.

    """
    try:
        return parse_bibliography(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: wanted a text file in UTF-8, came other bytes") from error


def parse_bibliography(text: str, source: str = "bibliography.bib") -> Bibliography:
    """Make a bibliography of the text of a .bib file; `source` names it in errors."""
    try:
        entries = parse_string(text, "bibtex").entries
    except PybtexError as error:
        line = getattr(error, "lineno", None)
        where = f"{source}:{line}" if line else source
        raise InputError(f"{where}: not valid BibTeX ({_reason(error)})") from error
    if not entries:
        raise InputError(f"{source}: wanted BibTeX entries such as @book{{key, ...}}, came none")
    references = [_reference(key, entry, source) for key, entry in entries.items()]
    return Bibliography(source, tuple(sorted(_told_apart(references), key=_order)))


def _reason(error: PybtexError) -> str:
    return re.sub(r"^syntax error in line \d+: ", "", " ".join(str(error).split()))


def _order(reference: Reference) -> tuple[str, str, str]:
    return reference.label.casefold(), reference.authors, reference.title


def _reference(key: str, entry: Entry, source: str) -> Reference:
    where = f"{source}: entry '{key}'"
    if not KEY.fullmatch(key):
        raise InputError(f"{where}: wanted a key of small letters, digits and hyphens")
    try:
        people = [(_family(person), _initials(person)) for person in entry.persons["author"]]
        fields = {name: _plain(value) for name, value in entry.fields.items()}
    except PybtexError as error:
        raise InputError(f"{where}: not valid BibTeX ({_reason(error)})") from error
    except KeyError as error:
        raise InputError(f"{where}: lacks an author") from error
    for name in ("title", "year"):
        if not fields.get(name):
            raise InputError(f"{where}: lacks a {name}")
    return Reference(
        key=key,
        label=f"{_short([family for family, _ in people])}, {fields['year']}",
        authors=_listed([f"{initials} {family}".strip() for family, initials in people]),
        title=fields["title"],
        venue=_venue(fields, where),
        year=fields["year"],
        link=_link(entry.fields, where),
    )


_NO_LATEX = re.compile(r"(?!.*--)[A-Za-z0-9 .,:;()/-]*")
"""A text that LaTeX reads as it stands. Most are, and to read one as LaTeX takes long."""


def _plain(latex: str) -> str:
    text = latex if _NO_LATEX.fullmatch(latex) else str(Text.from_latex(latex))
    return " ".join(text.split())


def _family(person: Person) -> str:
    return _plain(" ".join(person.prelast_names + person.last_names + person.lineage_names))


def _initials(person: Person) -> str:
    """Return the initials of all given names, "Jean-Luc Paul" as "J.-L. P."."""
    given = (_plain(name) for name in person.first_names + person.middle_names)
    return " ".join(_initial(name) for name in given if name)


def _initial(name: str) -> str:
    return "-".join(f"{part[0]}." for part in name.split("-") if part)


def _short(families: list[str]) -> str:
    if len(families) > AUTHORS_IN_LABEL:
        return f"{families[0]} et al."
    return " and ".join(families)


def _listed(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _venue(fields: dict[str, str], where: str) -> str:
    """Return where a work appeared: the publication with its volume, number and pages."""
    for name in ("journal", "booktitle", "publisher", "institution"):
        if fields.get(name):
            return ", ".join([fields[name], *_details(fields)])
    raise InputError(f"{where}: lacks a journal, booktitle, publisher or institution")


def _details(fields: dict[str, str]) -> list[str]:
    wordings = {
        "edition": "{} edition",
        "type": "{}",
        "volume": "volume {}",
        "number": "number {}",
        "eid": "article {}",
        "pages": "pages {}",
    }
    return [wording.format(fields[name]) for name, wording in wordings.items() if fields.get(name)]


def _link(fields: Mapping[str, str], where: str) -> str | None:
    """Return the address of a work; it is no LaTeX, so a tilde stays a tilde."""
    doi = fields.get("doi")
    link = f"https://doi.org/{quote(doi)}" if doi else fields.get("url")
    if link and not LINK.fullmatch(link):
        raise InputError(f"{where}: wanted an http(s) address without brackets, came {link!r}")
    return link


def _told_apart(references: list[Reference]) -> list[Reference]:
    """Add a letter to the labels of works that would otherwise be cited alike."""
    totals = Counter(reference.label for reference in references)
    seen: Counter[str] = Counter()
    told_apart = []
    for reference in references:
        label = reference.label
        letter = chr(ord("a") + seen[label]) if totals[label] > 1 else ""
        seen[label] += 1
        told_apart.append(replace(reference, label=label + letter))
    return told_apart
