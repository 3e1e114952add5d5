"""Numbers that know where they come from, so that a page can link each one to its evidence.

A number that is read from a file of results is a `Quantity` or a `Count`: a float or an int that
carries its `Evidence`. What is computed from such numbers by ``+ - * /`` carries its own; any other
computation says so with `derive`. The formatters of `cnnreport.formats` call `cite`, which marks
the text of such a number while a `Ledger` is open, and leaves it plain otherwise, as in figures.
"""

import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, is_dataclass, replace
from statistics import fmean
from typing import Any, TypeVar

from pydantic import BaseModel

T = TypeVar("T")

OPEN, BETWEEN, CLOSE = "\ue000", "\ue001", "\ue002"
"""Around the marked text of a number: characters for private use, which no text of a page holds."""

_MARK = re.compile(rf"{OPEN}(\d+){BETWEEN}([^{OPEN}{CLOSE}]*){CLOSE}")


@dataclass(frozen=True)
class Evidence:
    """Where a number comes from: a place in a file, or a computation on other evidence.

    `file` is relative to the folder of the study and `pointer` follows RFC 6901; for a table it
    names the column. A computed number has `how`, in words, and `inputs`, and no file. `value` is
    the number itself, where there is one. `study` is the name of the frozen study that it belongs
    to; it is empty for the live one and for what people wrote, which all studies share.
    """

    file: str = ""
    pointer: str = ""
    how: str = ""
    inputs: tuple["Evidence", ...] = ()
    value: float | None = field(default=None, compare=False)
    study: str = ""

    @functools.cached_property
    def key(self) -> str:
        """Name it within its study, the same in every rendering: its place, or a digest."""
        if self.file:
            return f"{self.file}#{self.pointer}"
        text = "\n".join([self.how, *(part.key for part in self.inputs)])
        return f"computed-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    @functools.cached_property
    def files(self) -> tuple[str, ...]:
        """The files that the number comes from, each once, in order."""
        own = [self.file] if self.file else []
        return tuple(dict.fromkeys([*own, *(name for part in self.inputs for name in part.files)]))


class _Evident:
    """What `Quantity` and `Count` share: the evidence and how arithmetic carries it on."""

    evidence: Evidence

    def __add__(self, other: Any) -> Any:
        return _computed(super().__add__(other), "sum", self, other)  # type: ignore[misc]

    def __sub__(self, other: Any) -> Any:
        return _computed(super().__sub__(other), "difference", self, other)  # type: ignore[misc]

    def __mul__(self, other: Any) -> Any:
        return _computed(super().__mul__(other), "product", self, other)  # type: ignore[misc]

    def __truediv__(self, other: Any) -> Any:
        return _computed(super().__truediv__(other), "ratio", self, other)  # type: ignore[misc]

    def __pow__(self, other: Any) -> Any:
        return _computed(super().__pow__(other), "power", self, other)  # type: ignore[misc]

    def __neg__(self) -> Any:
        return derive(super().__neg__(), "the negative", self)  # type: ignore[misc]

    def __abs__(self) -> Any:
        return derive(super().__abs__(), "the amount without its sign", self)  # type: ignore[misc]

    def __radd__(self, other: Any) -> Any:
        return _computed(super().__radd__(other), "sum", other, self)  # type: ignore[misc]

    def __rsub__(self, other: Any) -> Any:
        return _computed(super().__rsub__(other), "difference", other, self)  # type: ignore[misc]

    def __rmul__(self, other: Any) -> Any:
        return _computed(super().__rmul__(other), "product", other, self)  # type: ignore[misc]

    def __rtruediv__(self, other: Any) -> Any:
        return _computed(super().__rtruediv__(other), "ratio", other, self)  # type: ignore[misc]


class Quantity(_Evident, float):  # type: ignore[misc]
    """A float with its evidence."""

    def __new__(cls, value: float, evidence: Evidence) -> "Quantity":
        """Attach evidence to a value."""
        number = super().__new__(cls, value)
        number.evidence = evidence
        return number


class Count(_Evident, int):  # type: ignore[misc]
    """An int with its evidence."""

    def __new__(cls, value: int, evidence: Evidence) -> "Count":
        """Attach evidence to a value."""
        number = super().__new__(cls, value)
        number.evidence = evidence
        return number


def evident(value: T, evidence: Evidence) -> T:
    """Return a number with its evidence; what is no number, a bool included, as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    kind: Any = Count if isinstance(value, int) else Quantity
    return kind(value, evidence)  # type: ignore[no-any-return]


def evidence_of(value: object) -> Evidence | None:
    """Return where a number comes from, None where it does not know."""
    return value if isinstance(value, Evidence) else getattr(value, "evidence", None)


def derive(value: T, how: str, *inputs: object) -> T:
    """Return a computed number with evidence: `how`, in words, and the inputs that have some.

    Where no input has any, as for results that were made in memory, the value comes back as it is;
    so it does where inputs belong to two frozen studies, since neither has its passport.
    """
    known = tuple(found for each in inputs if (found := evidence_of(each)) is not None)
    studies = sorted({each.study for each in known if each.study})
    if len(studies) > 1:
        return value
    # NumPy's scalars become Python's, which format and compare alike.
    plain = value.item() if hasattr(value, "item") else value
    number: Any = plain if isinstance(plain, int | float) else None
    owner = "".join(studies)
    found = Evidence(how=how, inputs=known, value=number, study=owner)
    return evident(plain, found) if known else value


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean; that of one number is the number itself."""
    return values[0] if len(values) == 1 else derive(fmean(values), "mean", *values)


def _computed(value: Any, operation: str, left: object, right: object) -> Any:
    if value is NotImplemented:
        return value
    return derive(value, f"{operation}{_constants(left, right)}", left, right)


def _constants(left: Any, right: Any) -> str:
    """Name an operand that has no evidence, and on which side it stood."""
    if evidence_of(left) is None:
        return f", {left!r} on the left"
    return f", {right!r} on the right" if evidence_of(right) is None else ""


def from_file(record: T, file: str, pointer: str = "", study: str = "") -> T:
    """Return a record as read from a file: every number in it knows its place there.

    `study` is the name of the frozen study whose folder holds the file, empty for the live one.
    """
    known: Any = record
    if is_dataclass(record) and not isinstance(record, type):
        known = replace(known, **_inside(vars(record), file, pointer, study))
    elif isinstance(record, BaseModel):
        known = record.model_copy(update=_inside(dict(record), file, pointer, study))
    elif isinstance(record, Mapping):
        known = _inside(record, file, pointer, study)
    elif isinstance(record, list):
        known = list(_inside(dict(enumerate(record)), file, pointer, study).values())
    else:
        number = record if isinstance(record, int | float) else None
        known = evident(record, Evidence(file, pointer, value=number, study=study))
    return known  # type: ignore[no-any-return]


def _inside(values: Mapping[Any, Any], file: str, pointer: str, study: str) -> dict[Any, Any]:
    return {
        key: from_file(value, file, f"{pointer}/{_escaped(str(key))}", study)
        for key, value in values.items()
    }


def _escaped(token: str) -> str:
    """Escape a token of a JSON pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


@dataclass(frozen=True)
class Citation:
    """A number that a page shows: its raw value, its evidence and the text on the page."""

    value: float
    evidence: Evidence
    text: str


@dataclass(frozen=True)
class Ledger:
    """The numbers that were written while it was open, each once, in the order of first use."""

    citations: list[Citation] = field(default_factory=list)
    _places: dict[tuple[str, str], int] = field(default_factory=dict)

    def enter(self, citation: Citation) -> int:
        """Enter a number, unless its evidence stands there already, and return its place.

        Raises:
            ValueError: two numbers have the same evidence, so that one of them would lead astray.

        """
        evidence = citation.evidence
        place = self._places.setdefault((evidence.study, evidence.key), len(self.citations))
        if place == len(self.citations):
            self.citations.append(citation)
        if self.citations[place].value != citation.value:
            raise ValueError(
                f"{citation.evidence} is given for {citation.value} and another number"
            )
        return place


_OPEN: ContextVar[Ledger | None] = ContextVar("ledger", default=None)


@contextmanager
def ledger() -> Iterator[Ledger]:
    """Collect the numbers that are written meanwhile and mark them in their texts."""
    opened = Ledger()
    token = _OPEN.set(opened)
    try:
        yield opened
    finally:
        _OPEN.reset(token)


def cite(value: object, text: str) -> str:
    """Return the text of a number, marked for its evidence while a ledger is open."""
    book, evidence = _OPEN.get(), evidence_of(value)
    if book is None or evidence is None:
        return text
    place = book.enter(Citation(_plain(value), evidence, text))
    return f"{OPEN}{place}{BETWEEN}{text}{CLOSE}"


def unmarked(text: str) -> str:
    """Return a text without marks."""
    return _MARK.sub(lambda match: match[2], text)


def replace_marks(text: str, write: Callable[[int, str], str]) -> str:
    """Return a text with every mark written anew, from the place in the ledger and its text."""
    return _MARK.sub(lambda match: write(int(match[1]), match[2]), text)


def _plain(value: Any) -> float:
    return int(value) if isinstance(value, int) else float(value)
