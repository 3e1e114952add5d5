"""Read report/internship.yaml: the people, dates, diary, feedback and attendance of the report.

`load_checked` is the one way a hand-edited YAML file becomes a record: whatever is wrong with the
file ends as a single line with the file, the line, the key, what was wanted and what came.
"""

import calendar
import difflib
import functools
import reprlib
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from cnnreport.errors import InputError

Location = tuple[str | int, ...]
"""The way from the top of a file to a value: keys, and positions in lists counted from 0."""

RATINGS = 5
"""Steps of the feedback scale; a rating is one of 1 to 5."""

PRESENT, ABSENT, FREE, OUTSIDE, NO_DAY = "present", "absent", "free", "outside", "no day"
"""What the attendance sheet says of a day; `FREE` is a weekend day without attendance."""

LONGEST_MONTH = 31


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("wanted one line of text")
    return text.strip()


def _some_text(text: str) -> str:
    if not text.strip():
        raise ValueError("wanted text, or null for none")
    return text


Paper = Literal["a4", "us-letter"]
Line = Annotated[str, AfterValidator(_one_line)]
Text = Annotated[str, AfterValidator(_some_text)]


class Record(BaseModel):
    """Base of all records that come from a hand-edited file."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Student(Record):
    """Who the report is by."""

    name: Line
    roll_number: Line


class Supervisor(Record):
    """Who guided the internship in the organisation."""

    name: Line
    title: Line


class Week(Record):
    """One entry of the diary; `supervisor` is given where it is not the usual one."""

    week: Annotated[int, Field(ge=1)]
    start: date = Field(alias="from")
    end: date = Field(alias="to")
    department: Line
    supervisor: Line | None = None
    points: Annotated[list[Line], Field(min_length=1)]


class Rating(Record):
    """A question of the feedback form with a step of the scale; None is not yet filled in."""

    question: Line
    rating: Annotated[int, Field(ge=1, le=RATINGS)] | None


class Answer(Record):
    """A question of the feedback form with a free answer; None is not yet filled in."""

    question: Line
    answer: Text | None


class Feedback(Record):
    """The feedback form; `scale` words the steps 1 to 5 of a rating, the lowest first."""

    scale: Annotated[list[Line], Field(min_length=RATINGS, max_length=RATINGS)]
    ratings: list[Rating]
    questions: list[Answer]


class Month(Record):
    """The days of one month (``YYYY-MM``) with attendance; None is not yet filled in."""

    month: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
    present: list[int] | None

    @property
    def first(self) -> date:
        """The first day of the month."""
        return date.fromisoformat(f"{self.month}-01")

    @property
    def days(self) -> int:
        """How many days the month has."""
        return calendar.monthrange(self.first.year, self.first.month)[1]


class Internship(Record):
    """The whole of internship.yaml.

    While `example` is true the pages say that the people and entries are placeholders. `paper` is
    that of the PDF. `on_site` asks for the people and entries on the site as well. The three
    letters may be None: the templates then hold a neutral wording.
    """

    example: bool
    paper: Paper = "a4"
    on_site: bool = False
    institution: Line
    degree: Line
    course: Line
    student: Student
    submitted_to: Line
    organisation: Line
    department: Line
    supervisor: Supervisor
    place: Line
    start: date
    end: date
    certificate: Text | None = None
    recommendation: Text | None = None
    acknowledgement: Text | None = None
    diary: Annotated[list[Week], Field(min_length=1)]
    feedback: Feedback
    attendance: list[Month]

    @property
    def on_pages(self) -> bool:
        """Say whether the site names people and entries; placeholders are nobody's."""
        return self.example or self.on_site

    def letter(self, name: str) -> list[str]:
        """Return the paragraphs of `certificate`, `recommendation` or `acknowledgement`.

        A letter that is not given has no paragraphs. Line breaks within a paragraph are dropped.
        """
        paragraphs: list[list[str]] = [[]]
        for line in (getattr(self, name) or "").splitlines():
            if line.strip():
                paragraphs[-1] += line.split()
            else:
                paragraphs.append([])
        return [" ".join(words) for words in paragraphs if words]

    def marks(self, month: Month) -> list[str]:
        """Return 31 marks for one row of the attendance sheet, a word of `PRESENT` … `NO_DAY`."""
        return [self._mark(month, day) for day in range(1, LONGEST_MONTH + 1)]

    def _mark(self, month: Month, day: int) -> str:
        if day > month.days:
            return NO_DAY
        today = month.first.replace(day=day)
        if not self.start <= today <= self.end:
            return OUTSIDE
        if day in (month.present or []):
            return PRESENT
        return FREE if today.weekday() >= calendar.SATURDAY else ABSENT


def load_internship(path: Path) -> Internship:
    """Read and check an internship.yaml.

    Raises:
        InputError: the file cannot be read, is no YAML or holds a wrong value; one line such as
            ``report/internship.yaml:37: diary.3.from: wanted a date (YYYY-MM-DD), came 'soon'``.

    """
    internship, lines = load_checked(path, Internship)
    for problem in _date_problems(internship):
        raise InputError(lines.message(problem))
    return internship


class Problem(NamedTuple):
    """What is wrong with the value at a location."""

    location: Location
    message: str


def _date_problems(internship: Internship) -> Iterator[Problem]:
    if internship.end <= internship.start:
        yield Problem(
            ("end",), f"wanted a date after start ({internship.start}), came {internship.end}"
        )
    yield from _diary_problems(internship)
    yield from _attendance_problems(internship)


def _diary_problems(internship: Internship) -> Iterator[Problem]:
    period = f"the period {internship.start} to {internship.end}"
    for index, week in enumerate(internship.diary):
        at = ("diary", index)
        if week.week != index + 1:
            yield Problem((*at, "week"), f"wanted {index + 1}, the next week, came {week.week}")
        if week.start < internship.start:
            yield Problem((*at, "from"), f"wanted a date in {period}, came {week.start}")
        if week.end > internship.end:
            yield Problem((*at, "to"), f"wanted a date in {period}, came {week.end}")
        if week.end < week.start:
            yield Problem(
                (*at, "to"), f"wanted no date before from ({week.start}), came {week.end}"
            )
    for index, (before, week) in enumerate(pairwise(internship.diary), start=1):
        if week.start <= before.end:
            yield Problem(
                ("diary", index, "from"),
                f"wanted a date after the week before it ({before.end}), came {week.start}",
            )


def _attendance_problems(internship: Internship) -> Iterator[Problem]:
    for index, month in enumerate(internship.attendance):
        for position, day in enumerate(month.present or []):
            at = ("attendance", index, "present", position)
            if not 1 <= day <= month.days:
                yield Problem(at, f"wanted a day of {month.month} (1 to {month.days}), came {day}")
            elif not internship.start <= month.first.replace(day=day) <= internship.end:
                yield Problem(
                    at,
                    f"wanted a day from {internship.start} to {internship.end}, "
                    f"came {month.first.replace(day=day)}",
                )
        for position, (before, day) in enumerate(pairwise(month.present or []), start=1):
            if day <= before:
                yield Problem(
                    ("attendance", index, "present", position),
                    f"wanted days in order and each once, came {day} after {before}",
                )
    for index, (earlier, later) in enumerate(pairwise(internship.attendance), start=1):
        if later.month <= earlier.month:
            yield Problem(
                ("attendance", index, "month"),
                f"wanted months in order and each once, came {later.month} after {earlier.month}",
            )


R = TypeVar("R", bound=Record)


class _Constructor(SafeConstructor):
    """Leaves an impossible date such as 2026-02-30 as text, so that its key can be named."""

    def construct_yaml_timestamp(self, node: Any, values: Any = None) -> Any:
        try:
            return super().construct_yaml_timestamp(node, values)
        except ValueError:
            return node.value


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _Constructor.construct_yaml_timestamp)


class Lines:
    """The line numbers of a YAML file by location."""

    def __init__(self, source: str, text: str) -> None:
        """Keep the text of a file; `source` names it in messages."""
        self.source = source
        self._text = text

    @functools.cached_property
    def root(self) -> Node | None:
        """The file as nodes that know their lines. To make them takes as long as to read it."""
        node: Node | None = YAML(typ="safe", pure=True).compose(self._text)
        return node

    def message(self, problem: Problem) -> str:
        """Return one line that names file, line and key of a problem."""
        where = f"{self.source}:{self.line_of(problem.location)}: "
        key = ".".join(str(part) for part in problem.location)
        return where + (f"{key}: {problem.message}" if key else problem.message)

    def line_of(self, location: Location) -> int:
        """Return the line of a key or list item, or of the closest thing around it that exists."""
        node, mark = self.root, self.root and self.root.start_mark
        for part in location:
            node, mark = _child(node, part, mark)
        return int(mark.line) + 1 if mark else 1


def _child(node: Node | None, part: str | int, mark: Any) -> tuple[Node | None, Any]:
    """Return the value below a node and the mark to show for it; without one, the mark as it is."""
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == part:
                return value, key.start_mark
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark
    return None, mark


def load_checked(path: Path, kind: type[R]) -> tuple[R, Lines]:
    """Read a hand-edited YAML file as a record, and where its values stand.

    Raises:
        InputError: the file cannot be read, is no YAML or does not fit the record.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: wanted a text file in UTF-8, came other bytes") from error
    raw, lines = _parse(text, str(path))
    try:
        return kind.model_validate(raw), lines
    except ValidationError as error:
        raise InputError(lines.message(_first_problem(error, kind))) from error


def _parse(text: str, source: str) -> tuple[Any, Lines]:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    try:
        return yaml.load(text), Lines(source, text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        reason = " ".join(str(error.problem).split())
        raise InputError(f"{source}:{line}: not valid YAML ({reason})") from error
    except (YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{source}: not valid YAML ({reason})") from error


def _first_problem(error: ValidationError, kind: type[Record]) -> Problem:
    """Choose the problem to show: an unknown key first, since it often explains a missing one."""
    errors = error.errors(include_url=False)
    unknown = [detail for detail in errors if detail["type"] == "extra_forbidden"]
    detail = (unknown or errors)[0]
    return Problem(detail["loc"], _wording(detail, kind))


_WANTED = {
    "date_type": "a date (YYYY-MM-DD)",
    "date_from_datetime_inexact": "a date (YYYY-MM-DD)",
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "invalid_key": "text as key",
}
"""Plain words for the types of pydantic's errors."""


def _wording(detail: ErrorDetails, kind: type[Record]) -> str:
    if detail["type"] == "missing":
        return "is missing"
    if detail["type"] == "extra_forbidden":
        return _unknown_key(str(detail["loc"][-1]), _keys_at(kind, detail["loc"][:-1]))
    came = _shown(detail["input"])
    if detail["type"] in _WANTED:
        return f"wanted {_WANTED[detail['type']]}, came {came}"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{message[0].lower()}{message[1:]}, came {came}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return str(value) if isinstance(value, date) else reprlib.repr(value)


def _unknown_key(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}"
    return f"unknown key; {hint}"


def _keys_at(kind: type[Record], location: Location) -> list[str]:
    """Return the keys that the record at a location of `kind` may have."""
    for part in location:
        fields = {field.alias or name: field for name, field in kind.model_fields.items()}
        if part in fields:
            kind = next(_records_in(fields[str(part)].annotation), kind)
    return [field.alias or name for name, field in kind.model_fields.items()]


def _records_in(annotation: Any) -> Iterator[type[Record]]:
    if isinstance(annotation, type) and issubclass(annotation, Record):
        yield annotation
    for argument in get_args(annotation):
        yield from _records_in(argument)
