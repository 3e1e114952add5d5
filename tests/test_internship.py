from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnreport.errors import InputError
from cnnreport.internship import ABSENT, FREE, NO_DAY, OUTSIDE, PRESENT, load_internship

DEFAULT = Path(__file__).parent.parent / "report" / "internship.yaml"

SMALL = """\
example: false
institution: A
degree: B
course: C
student:
  name: D
  roll_number: "007"
submitted_to: E
organisation: F
department: G
supervisor: {name: H, title: I}
place: J
start: 2026-01-28
end: 2026-02-05
certificate:
diary:
  - week: 1
    from: 2026-01-28
    to: 2026-01-30
    department: K
    points:
      - read
  - week: 2
    from: 2026-02-02
    to: 2026-02-05
    department: K
    supervisor: L
    points: [wrote]
feedback:
  scale: [a, b, c, d, e]
  ratings:
    - question: Good?
      rating: 4
  questions:
    - question: Why?
      answer:
attendance:
  - month: "2026-01"
    present: [28, 30]
  - month: "2026-02"
    present:
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "internship.yaml"


def error_of(path: Path, text: str) -> str:
    """The error of a file, without the folder it lies in."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_internship(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.replace(str(path), "internship.yaml")


def changed(old: str, new: str) -> str:
    assert SMALL.count(old) == 1, f"{old!r} must stand once in the example"
    return SMALL.replace(old, new)


def test_small_example_is_loaded(path: Path):
    path.write_text(SMALL)
    internship = load_internship(path)
    assert internship.start == date(2026, 1, 28)
    assert internship.student.roll_number == "007"
    assert [week.supervisor for week in internship.diary] == [None, "L"]
    assert internship.diary[1].end == date(2026, 2, 5)
    assert internship.feedback.ratings[0].rating == 4
    assert internship.attendance[1].present is None


def test_paper_and_place_of_the_names_have_defaults(path: Path):
    path.write_text(SMALL)
    internship = load_internship(path)
    assert (internship.paper, internship.on_site, internship.on_pages) == ("a4", False, False)
    path.write_text(f"{SMALL}paper: us-letter\non_site: true\n")
    internship = load_internship(path)
    assert (internship.paper, internship.on_pages) == ("us-letter", True)
    path.write_text(changed("example: false", "example: true"))
    assert load_internship(path).on_pages


def test_default_is_a_diary_of_18_weeks_with_neutral_people():
    internship = load_internship(DEFAULT)
    assert internship.example
    assert len(internship.diary) == 18
    assert internship.end - internship.start == timedelta(weeks=18, days=-3)
    people = (internship.student.name, internship.supervisor.name, internship.organisation)
    assert all(name.startswith("The ") for name in people)
    assert all(rating.rating is None for rating in internship.feedback.ratings)


def test_default_attendance_lies_on_weekdays():
    months = load_internship(DEFAULT).attendance
    days = [month.first.replace(day=day) for month in months for day in month.present or []]
    assert len(days) == 18 * 5
    assert all(day.weekday() < 5 for day in days)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "from: 2026-02-02",
            "from: soon",
            "24: diary.1.from: wanted a date (YYYY-MM-DD), came 'soon'",
        ),
        (
            "from: 2026-02-02",
            "from: 2026-02-30",
            "24: diary.1.from: wanted a date (YYYY-MM-DD), came '2026-02-30'",
        ),
        (
            "start: 2026-01-28",
            "start: 2026-01-28 10:00:00",
            "13: start: wanted a date (YYYY-MM-DD), came 2026-01-28 10:00:00",
        ),
        ('roll_number: "007"', "roll_number: 7", "7: student.roll_number: wanted text, came 7"),
        ("institution: A", "institution:", "2: institution: wanted text, came nothing"),
        ("institution: A", 'institution: " "', "2: institution: wanted one line of text, came ' '"),
        (
            "institution: A",
            'institution: "a\\nb"',
            "2: institution: wanted one line of text, came 'a\\nb'",
        ),
        ('  roll_number: "007"\n', "", "5: student.roll_number: is missing"),
        ("place: J\n", "", "1: place: is missing"),
        ("    to: 2026-01-30\n", "", "17: diary.0.to: is missing"),
        ("  name: D", "  nmae: D", "6: student.nmae: unknown key; did you mean 'name'?"),
        (
            "    from: 2026-02-02",
            "    form: 2026-02-02",
            "24: diary.1.form: unknown key; did you mean 'from'?",
        ),
        (
            "      rating: 4",
            "      zzz: 4",
            "33: feedback.ratings.0.zzz: unknown key; known: question, rating",
        ),
        (
            "rating: 4",
            "rating: 6",
            "33: feedback.ratings.0.rating: input should be less than or equal to 5, came 6",
        ),
        (
            "rating: 4",
            "rating: true",
            "33: feedback.ratings.0.rating: wanted a whole number, came True",
        ),
        ("points: [wrote]", "points: wrote", "28: diary.1.points: wanted a list, came 'wrote'"),
        ("example: false", "example: nope", "1: example: wanted true or false, came 'nope'"),
        (
            "place: J",
            "place: J\npaper: a5",
            "13: paper: input should be 'a4' or 'us-letter', came 'a5'",
        ),
        (
            "supervisor: {name: H, title: I}",
            "supervisor: H",
            "11: supervisor: wanted a mapping, came 'H'",
        ),
        (
            "end: 2026-02-05",
            "end: 2026-01-28",
            "14: end: wanted a date after start (2026-01-28), came 2026-01-28",
        ),
        ("week: 2", "week: 3", "23: diary.1.week: wanted 2, the next week, came 3"),
        (
            "from: 2026-02-02",
            "from: 2026-01-30",
            "24: diary.1.from: wanted a date after the week before it (2026-01-30), "
            "came 2026-01-30",
        ),
        (
            "to: 2026-01-30",
            "to: 2026-01-27",
            "19: diary.0.to: wanted no date before from (2026-01-28), came 2026-01-27",
        ),
        (
            "    from: 2026-01-28",
            "    from: 2026-01-27",
            "18: diary.0.from: wanted a date in the period 2026-01-28 to 2026-02-05, "
            "came 2026-01-27",
        ),
        (
            "    to: 2026-02-05",
            "    to: 2026-02-06",
            "25: diary.1.to: wanted a date in the period 2026-01-28 to 2026-02-05, came 2026-02-06",
        ),
        (
            "present: [28, 30]",
            "present: [28, 32]",
            "39: attendance.0.present.1: wanted a day of 2026-01 (1 to 31), came 32",
        ),
        (
            "present: [28, 30]",
            "present: [27]",
            "39: attendance.0.present.0: wanted a day from 2026-01-28 to 2026-02-05, "
            "came 2026-01-27",
        ),
        (
            "present: [28, 30]",
            "present: [28, 28]",
            "39: attendance.0.present.1: wanted days in order and each once, came 28 after 28",
        ),
        (
            'month: "2026-02"',
            'month: "2026-01"',
            "40: attendance.1.month: wanted months in order and each once, "
            "came 2026-01 after 2026-01",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(path: Path, old: str, new: str, message: str):
    assert error_of(path, changed(old, new)) == f"internship.yaml:{message}"


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("degree: [", "5: not valid YAML (expected ',' or ']'"),
        ("institution: B", "3: not valid YAML (found duplicate key"),
        ("degree: !!python/object:os.system B", "3: not valid YAML (could not determine"),
        ("degree: *unknown", "3: not valid YAML (found undefined alias"),
        ("degree: B\n---", "4: not valid YAML (but found another document"),
    ],
)
def test_what_is_no_yaml_is_named_with_its_line(path: Path, new: str, message: str):
    assert error_of(path, changed("degree: B", new)).startswith(f"internship.yaml:{message}")


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a list\n", "just text\n"])
def test_a_file_without_keys_is_refused(path: Path, text: str):
    assert "internship.yaml:1: wanted a mapping, came" in error_of(path, text)


def test_files_that_cannot_be_read(path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        load_internship(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="wanted a text file in UTF-8"):
        load_internship(path)


def test_nesting_without_end_is_one_line(path: Path):
    assert "not valid YAML" in error_of(path, "[" * 5000)


def test_a_letter_is_split_into_paragraphs(path: Path):
    path.write_text(changed("certificate:", "certificate: |\n  one\n  line\n\n  # two\n"))
    internship = load_internship(path)
    assert internship.letter("certificate") == ["one line", "# two"]
    assert internship.letter("recommendation") == []


def test_attendance_marks(path: Path):
    path.write_text(SMALL)
    internship = load_internship(path)
    january, february = (internship.marks(month) for month in internship.attendance)
    assert january[26:] == [OUTSIDE, PRESENT, ABSENT, PRESENT, FREE]
    assert february[:2] == [FREE, ABSENT]
    assert february[27:] == [OUTSIDE, NO_DAY, NO_DAY, NO_DAY]


@given(text=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40))
def test_any_printable_name_is_just_data(text: str, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("names") / "internship.yaml"
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    path.write_text(changed("institution: A", f'institution: "{quoted}"'), encoding="utf-8")
    assert load_internship(path).institution == text


@pytest.mark.parametrize(
    "name", ["{{ 7 * 7 }}", "<script>alert(1)</script>", "a | b", "# x", "[x](y)"]
)
def test_markup_in_a_name_is_kept_as_it_is(path: Path, name: str):
    path.write_text(changed("  name: D", f"  name: '{name}'"))
    assert load_internship(path).student.name == name
