import html
import re
from datetime import date as Date  # noqa: N812 - the format under test is called date

import markdown
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnreport.formats import (
    NBSP,
    date,
    decimal,
    energy,
    in_words,
    listing,
    macs,
    md,
    mebibytes,
    milliseconds,
    percent,
    percent_range,
    plural,
    points,
    points_range,
    seconds,
    thousands,
)

EXTENSIONS = ["admonition", "attr_list", "footnotes", "md_in_html", "tables", "toc"]
EXTENSIONS += ["pymdownx.details", "pymdownx.highlight", "pymdownx.superfences"]

UNITS = "%|points|s|ms|min|h|M|G|T|P|MiB|Wh|kWh"


def with_units(text: str) -> str:
    """The text with a no-break space in front of each unit."""
    return re.sub(rf" ({UNITS})(?=[ )]|$)", rf"{NBSP}\1", text)


HOSTILE = [
    "<script>alert(1)</script>",
    "a | b",
    "*bold* and _thin_ and __both__",
    "[x](https://example.org)",
    "![x](y.png)",
    "`code` and ```more",
    "{{ study }} {% raw %}",
    "{ .class #id }",
    "text {: onclick=x }",
    "# heading",
    "- item",
    "1. item",
    "10) item",
    "+ item",
    "> quote",
    "!!! note",
    "??? note",
    "=== tab",
    "~~~ fence",
    ": definition",
    "[^1]: foot",
    "\\ and \\* and \\\\",
    "&lt; &amp; &copy;",
    "<https://example.org>",
    "quotes \" and '",
    "two\nlines\n\nof text",
    "***",
    "---",
]


def test_percent_and_points() -> None:
    assert percent(0.913) == with_units("91.3 %")
    assert percent(1.0, 0) == with_units("100 %")
    assert points(0.0315) == with_units("+3.1 points")
    assert points(-0.004) == with_units("-0.4 points")
    assert [points(zero) for zero in (0.0, 0.0004, -0.0004)] == [with_units("0.0 points")] * 3
    assert points_range(-0.0004, 0.02) == with_units("0.0 to +2.0 points")
    assert percent_range(0.901, 0.923) == with_units("90.1 to 92.3 %")


def test_with_units_changes_the_blanks_before_units_alone() -> None:
    assert with_units("1 h 5 min of 3 (2 %)") == f"1{NBSP}h 5{NBSP}min of 3 (2{NBSP}%)"


def test_a_number_keeps_its_unit_where_text_is_escaped() -> None:
    assert md(f" over {percent(0.5)}\n of  it ") == f"over {percent(0.5)} of it"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (561_000, "0.56 M"),
        (9_960_000, "10 M"),
        (70e6, "70 M"),
        (999.6e6, "1 G"),
        (1.3e9, "1.3 G"),
        (15.4e9, "15 G"),
        (2.1e14, "210 T"),
        (3e15, "3 P"),
    ],
)
def test_macs(number: float, text: str) -> None:
    assert macs(number) == with_units(text)


@pytest.mark.parametrize(
    ("kwh", "text"),
    [(2e-5, "0.02 Wh"), (0.0123, "12 Wh"), (0.99, "990 Wh"), (1.3, "1.3 kWh"), (45.6, "46 kWh")],
)
def test_energy(kwh: float, text: str) -> None:
    assert energy(kwh) == with_units(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [(0.417, "0.42 ms"), (16.2, "16 ms"), (692.9, "693 ms"), (999.8, "1 s"), (1234, "1.2 s")],
)
def test_milliseconds(duration: float, text: str) -> None:
    assert milliseconds(duration) == with_units(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (4.21, "4.2 s"),
        (9.97, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (151, "2 min 31 s"),
        (3599.7, "1 h 0 min"),
        (3900, "1 h 5 min"),
    ],
)
def test_seconds(duration: float, text: str) -> None:
    assert seconds(duration) == with_units(text)


def test_dates_counts_and_lists() -> None:
    assert date(Date(2020, 1, 15)) == date("2020-01-15T23:59:00+00:00") == "15 January 2020"
    assert thousands(62006) == "62,006"
    assert mebibytes(1024) == with_units("1,024 MiB")
    assert [plural(n, "seed") for n in (0, 1, 1000)] == ["0 seeds", "1 seed", "1,000 seeds"]
    assert [listing(list(names)) for names in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]


def test_counts_of_a_sentence_are_words_up_to_twelve() -> None:
    assert [in_words(n) for n in (0, 1, 5, 12, 13, 1000)] == [
        *("none", "one", "five", "twelve", "13", "1,000")
    ]
    assert [plural(n, "seed", words=True) for n in (0, 1, 2, 13)] == [
        *("0 seeds", "one seed", "two seeds", "13 seeds")
    ]


def rendered(text: str) -> str:
    return markdown.markdown(text, extensions=EXTENSIONS)


def shown(page: str) -> str:
    """What a reader sees: the text without tags, blanks and line ends counted as one blank."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", page)).split())


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_people_is_shown_as_typed_and_makes_no_markup(text: str) -> None:
    expected = " ".join(text.split())
    for before, after in [("", ""), ("- ", ""), ("| a |\n| --- |\n| ", " |"), ("Name: ", ".")]:
        page = rendered(f"{before}{md(text)}{after}")
        assert expected in shown(page), page
        assert not re.search(r"<(script|em|strong|a|img|code|pre|h1|blockquote|hr|div)\b", page)


@given(st.text(st.sampled_from("ab1 .)-+*_`~[](){}<>|#!&\\:=^\"'$?%/@;"), min_size=1, max_size=12))
def test_any_punctuation_survives(text: str) -> None:
    assert shown(rendered(f"x {md(text)} x")) == " ".join(f"x {text} x".split())


@given(st.text(st.sampled_from("ab1 .)-+*_`~[](){}<>|#!&\\:=^\"'$?%/@;"), min_size=1, max_size=12))
def test_any_punctuation_survives_at_the_start_of_a_paragraph(text: str) -> None:
    assert shown(rendered(md(text))) == " ".join(text.split())


@pytest.mark.parametrize("number", [-0.0, -0.0004, 0.0004])
def test_a_decimal_that_rounds_to_zero_has_no_sign(number: float):
    assert decimal(number, 3) == "0.000"
    assert decimal(-0.0006, 3) == "-0.001"
