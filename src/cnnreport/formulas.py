"""Read the formulas of report/formulas.yaml, and what the plot stage says of those it has drawn."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from cnnreport.errors import InputError
from cnnreport.internship import Line, Record, load_checked

DRAWN = "formulas.json"
"""The file beside the drawn formulas that says how large they are."""

PREFIX = "formula-"
"""What the name of a formula's file begins with."""


class Formula(Record):
    """A formula in Typst's mathematical notation, in words, and the template that shows it."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    typst: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^$]+$")]
    alt: Line
    page: Line


class FormulasFile(Record):
    """The whole of formulas.yaml."""

    formulas: list[Formula] = Field(default=[])


@dataclass(frozen=True)
class DrawnFormula:
    """What a page needs of a formula: its words, and its size as a multiple of the text's."""

    alt: str
    width: float
    height: float


def load_formulas(path: Path) -> dict[str, Formula]:
    """Return all formulas by name.

    Raises:
        InputError: the file cannot be read or does not fit, or a name is there twice.

    """
    file, _ = load_checked(path, FormulasFile)
    names = [formula.name for formula in file.formulas]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"{path}: wanted each name once, came '{name}' {names.count(name)} times"
            )
    return {formula.name: formula for formula in file.formulas}


def drawn_text(drawn: Mapping[str, DrawnFormula]) -> str:
    """Return the text of formulas.json."""
    return json.dumps({name: asdict(each) for name, each in drawn.items()}, indent=2) + "\n"


def load_drawn(folder: Path) -> dict[str, DrawnFormula]:
    """Read formulas.json from the folder of the figures; none where it is not there.

    Raises:
        InputError: the file is malformed.

    """
    path = folder / DRAWN
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return {name: DrawnFormula(**values) for name, values in raw.items()}
    except FileNotFoundError:
        return {}
    except (OSError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: wanted alt, width and height by formula ({error})") from error


def missing(name: str, known: Sequence[str]) -> InputError:
    """Return the error of a page that asks for a formula that was not drawn."""
    return InputError(f"no formula '{name}' was drawn; known: {', '.join(known) or 'none'}")
