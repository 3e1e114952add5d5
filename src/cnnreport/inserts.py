"""Find the part of a page of people's that a program writes: what stands between two comments."""

import re

from cnnreport.errors import InputError

Span = tuple[int, int]
"""Where something starts and ends in a text, counted from 0; the end is not part of it."""


def opening(name: str) -> str:
    """Return the comment that such a part begins after."""
    return f"<!-- {name}: written by `cnnreport {name}`; do not edit -->"


def closing(name: str) -> str:
    """Return the comment that such a part ends before."""
    return f"<!-- end of {name} -->"


def span_of(text: str, name: str, shown: str) -> Span | None:
    """Return where the part stands between its comments, each on a line; None without both.

    Raises:
        InputError: one of them is missing, there are several, or the second comes first; `shown`
            names the page in the message.

    """
    starts, ends = (
        [match.span() for match in re.finditer(rf"^{re.escape(mark)}$", text, re.MULTILINE)]
        for mark in (opening(name), closing(name))
    )
    if not starts and not ends:
        return None
    if len(starts) != 1 or len(ends) != 1 or ends[0][0] < starts[0][1]:
        raise InputError(
            f"{shown}: wanted one line '{opening(name)}' and after it one line '{closing(name)}', "
            f"came {len(starts)} and {len(ends)}; mend them, or take both out"
        )
    return starts[0][1] + 1, ends[0][0]


def blanked(text: str, name: str, shown: str) -> str:
    """Return a page whose part is empty, with as many lines as before."""
    span = span_of(text, name, shown)
    if span is None:
        return text
    lines = "\n" * text[slice(*span)].count("\n")
    return f"{text[: span[0]]}{lines}{text[span[1] :]}"
