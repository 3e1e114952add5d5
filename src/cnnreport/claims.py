"""Read report/claims.yaml: sentences about results, each with the predicate that decides it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from cnnreport.errors import InputError
from cnnreport.internship import Line, Lines, Problem, Record, load_checked
from cnnreport.params import Params
from cnnreport.predicates import Predicate, datasets_in, models_in, parse

Author = Literal["original", "us"]
"""Who says a claim: the study of 2020, or this report."""


class _Entry(Record):
    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    says: Line
    when: Line
    by: Author
    note: Line | None = None


class _File(Record):
    claims: list[_Entry]


@dataclass(frozen=True)
class Claim:
    """A sentence and the predicate that must hold for it; `where` is its file and line.

    The sentence of the original study is shown with its verdict, whichever it is. One of our own
    that a study contradicts stops the report.
    """

    key: str
    says: str
    when: str
    by: Author
    note: str | None
    where: str
    predicate: Predicate


def load_claims(path: Path) -> list[Claim]:
    """Read and check a claims.yaml.

    Raises:
        InputError: the file cannot be read, is no YAML, or holds a wrong value or predicate; one
            line with the file, the line, the key and, for a predicate, the column in it.

    """
    file, lines = load_checked(path, _File)
    for problem in _repeated(file.claims):
        raise InputError(lines.message(problem))
    return [_claim(entry, index, lines) for index, entry in enumerate(file.claims)]


def _claim(entry: _Entry, index: int, lines: Lines) -> Claim:
    at = ("claims", index, "when")
    try:
        predicate = parse(entry.when)
    except InputError as error:
        raise InputError(lines.message(Problem(at, str(error)))) from error
    where = f"{lines.source}:{lines.line_of(('claims', index))}"
    return Claim(**dict(entry), where=where, predicate=predicate)


def _repeated(entries: Sequence[_Entry]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        if entry.key in seen:
            yield Problem(("claims", index, "key"), f"'{entry.key}' stands there twice")
        seen.add(entry.key)


def check_names(claims: Sequence[Claim], params: Params) -> None:
    """Check that each network and image set of the claims is one that params.yaml knows of.

    A claim about a name that nothing has would be untested for ever.

    Raises:
        InputError: one is unknown; one line with the file, the line, the name and the known ones.

    """
    models = {model for recipe in params.recipes.values() for model in recipe}
    datasets = set(params.image_sets)
    for claim in claims:
        for what, named, known in (
            ("network", models_in(claim.predicate), models),
            ("image set", datasets_in(claim.predicate), datasets),
        ):
            if unknown := sorted(named - known):
                raise InputError(
                    f"{claim.where}: claim {claim.key}: wanted a known {what} "
                    f"({', '.join(sorted(known))}), came '{unknown[0]}'"
                )
