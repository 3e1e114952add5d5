"""The part of a hand-written page that a program writes."""

import pytest

from cnnreport.errors import InputError
from cnnreport.inserts import blanked, closing, opening, span_of

BEGIN, END = opening("readme"), closing("readme")


def test_the_part_stands_between_its_comments() -> None:
    text = f"a\n{BEGIN}\nb 7\nc\n{END}\nd\n"
    span = span_of(text, "readme", "README.md")
    assert span is not None
    assert text[slice(*span)] == "b 7\nc\n"
    assert blanked(text, "readme", "README.md") == f"a\n{BEGIN}\n\n\n{END}\nd\n"


def test_a_page_without_comments_has_no_part() -> None:
    assert span_of("a\n", "readme", "README.md") is None
    assert blanked("a\n", "readme", "README.md") == "a\n"


@pytest.mark.parametrize(
    ("text", "came"),
    [
        (f"{BEGIN}\n", "came 1 and 0"),
        (f"a\n{END}\n", "came 0 and 1"),
        (f"{END}\n{BEGIN}\n", "came 1 and 1"),
        (f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n", "came 2 and 2"),
    ],
)
def test_comments_that_do_not_fit_are_one_line(text: str, came: str) -> None:
    with pytest.raises(InputError, match=f"^README.md: wanted one line .*{came}") as caught:
        span_of(text, "readme", "README.md")
    assert "\n" not in str(caught.value)
