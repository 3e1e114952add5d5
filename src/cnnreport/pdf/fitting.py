"""How large a table or a block of code is set, so that it fits on the paper.

Typst breaks a text between words only and lets what is wider than its column run over the next
one, so the size has to be known beforehand. Widths are estimated from the characters: the metrics
below are those of the report's fonts, rounded up.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from cnnreport.internship import Paper

POINTS_PER_MM = 72 / 25.4

MARGIN_MM = 25.0
"""Left and right of the text, on every page."""

PAPER_MM: dict[Paper, tuple[float, float]] = {"a4": (210.0, 297.0), "us-letter": (215.9, 279.4)}
"""Width and height."""

UPRIGHT_SIZES = (9.0, 8.5, 8.0, 7.5, 7.0)
TURNED_SIZES = (8.5, 8.0, 7.5, 7.0, 6.5, 6.0)
"""Sizes of the letters of a table in points, the first that fits wins; turned is a wide page."""

PADDING = 0.9
"""Left and right of a cell together, in em."""

MOST_LINES = 7
"""A cell with more lines is set smaller if that helps."""

LONG_TABLE, LONG_TABLE_SIZE = 30, 7.0
LONGEST_TABLE, LONGEST_TABLE_SIZE = 90, 6.0
"""Rows from which on a table is set no larger than this, so that it takes fewer pages."""

USUAL = 0.85
"""Share of the cells of a long table's column that shall take one line; few may take more."""

CODE_SIZES = (8.5, 8.0, 7.5, 7.0, 6.5)
CODE_WIDTH = 0.602
"""Of a letter of the typewriter face, in em."""

CODE_PADDING = 14.0
"""Points that the frame of a code block takes of a line."""

BREAK = "\N{ZERO WIDTH SPACE}"
"""Where a word too long for a line may be broken."""

LONG_WORD = 24
"""Characters from which on a word may be broken."""

_EMS = {0.30: "fijltI.,:;'|!()[] /·\N{NO-BREAK SPACE}", 0.53: "0123456789", 0.95: "mwMW%@—→≈"}
_WIDTHS = {character: width for width, group in _EMS.items() for character in group}
_WIDTHS[BREAK] = 0.0
_CAPITAL, _SMALL, _OTHER = 0.70, 0.54, 0.62
_BREAKS = re.compile(rf"[ \n{BREAK}]+|(?<=[-\N{{EN DASH}}/])(?=\D)")


@dataclass(frozen=True)
class Page:
    """Points that a line of text may take, on a page as it is and on a turned one."""

    width: float
    turned_width: float


def page_of(paper: Paper) -> Page:
    """Return the room for text on a paper."""
    width, height = PAPER_MM[paper]
    return Page((width - 2 * MARGIN_MM) * POINTS_PER_MM, (height - 2 * MARGIN_MM) * POINTS_PER_MM)


@dataclass(frozen=True)
class Fit:
    """How a table is set: size of the letters, shares of the width a column or None, and turned."""

    size: float
    columns: Sequence[float] | None
    turned: bool


def softened(text: str) -> str:
    """Return a text whose long words may be broken, after signs if they have some."""
    return re.sub(rf"\S{{{LONG_WORD},}}", lambda word: _soft(word[0]), text)


def _soft(word: str) -> str:
    after_signs = re.sub(r"(?<=[/_.=,;:&?])(?=\w)", BREAK, word)
    return re.sub(rf"[^{BREAK}]{{{LONG_WORD}}}(?=[^{BREAK}])", rf"\g<0>{BREAK}", after_signs)


def text_width(text: str) -> float:
    """Estimate the width of a text in em."""
    return sum(_width(character) for character in text)


def _width(character: str) -> float:
    known = _WIDTHS.get(character)
    if known is not None:
        return known
    if not character.isascii():
        return _OTHER
    return _CAPITAL if character.isupper() else _SMALL


def fit_table(rows: Sequence[Sequence[str]], page: Page) -> Fit:
    """Choose how a table is set, given the texts of its cells, header first."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    wide = [max(map(text_width, column)) + PADDING for column in columns]
    narrow = [max(map(_longest_word, column)) + PADDING for column in columns]
    usual = [max(_usual(column), least) for column, least in zip(columns, narrow, strict=True)]
    tries = chain(
        ((size, page.width, False) for size in _upright_sizes(len(rows))),
        ((size, page.turned_width, True) for size in TURNED_SIZES),
    )
    fits = [fit for each in tries if (fit := _fit(wide, usual, narrow, *each)) is not None]
    upright = [fit for fit in fits if not fit.turned]
    airy = (fit for fit in upright if _lines(wide, fit) <= MOST_LINES)
    last = Fit(TURNED_SIZES[-1], _shares(wide, narrow), turned=True)
    return next(airy, None) or next(iter(upright[::-1] or fits), last)


def _upright_sizes(rows: int) -> Sequence[float]:
    if rows > LONGEST_TABLE:
        return (LONGEST_TABLE_SIZE,)
    largest = LONG_TABLE_SIZE if rows > LONG_TABLE else UPRIGHT_SIZES[0]
    return [size for size in UPRIGHT_SIZES if size <= largest]


def _usual(column: Sequence[str]) -> float:
    """Return the width that most cells of a column fit into, in a short table that of all."""
    widths = sorted(map(text_width, column))
    place = math.ceil(USUAL * len(widths)) if len(widths) > LONG_TABLE else len(widths)
    return widths[place - 1] + PADDING


def _fit(
    wide: Sequence[float],
    usual: Sequence[float],
    narrow: Sequence[float],
    size: float,
    width: float,
    turned: bool,
) -> Fit | None:
    room = width / size
    if sum(wide) <= room:
        return Fit(size, None, turned)
    if sum(narrow) > room:
        return None
    if sum(usual) < room:
        spare = (room - sum(usual)) / (sum(wide) - sum(usual))
        shares = [low + spare * (high - low) for low, high in zip(usual, wide, strict=True)]
    else:
        shares = _shared(usual, narrow, room)
    return Fit(size, [round(each, 2) for each in shares], turned)


def _shared(wide: Sequence[float], narrow: Sequence[float], room: float) -> list[float]:
    """Share a line among columns: short ones take what they want, long ones break what is left."""
    widths = list(narrow)
    waiting = sorted(range(len(wide)), key=lambda column: wide[column])
    while waiting:
        column, *others = waiting
        left = room - sum(widths) + sum(widths[each] for each in waiting)
        wanted = wide[column]
        if wanted > left / len(waiting) or left - wanted < sum(narrow[each] for each in others):
            break
        widths[column], waiting = wanted, others
    spare = room - sum(widths)
    need = sum(wide[each] - narrow[each] for each in waiting)
    for each in waiting:
        widths[each] += spare * (wide[each] - narrow[each]) / need
    return widths


def _shares(wide: Sequence[float], narrow: Sequence[float]) -> list[float]:
    return [round(math.sqrt(low * high), 2) for low, high in zip(narrow, wide, strict=True)]


def _lines(wide: Iterable[float], fit: Fit) -> float:
    if fit.columns is None:
        return 1.0
    return max(whole / share for whole, share in zip(wide, fit.columns, strict=True))


def _longest_word(text: str) -> float:
    return max(map(text_width, _BREAKS.split(text)), default=0.0)


def fit_code(text: str, page: Page) -> float:
    """Choose the size of a block of code: the largest at which its longest line needs no break."""
    longest = max(map(len, text.splitlines()), default=1) or 1
    room = (page.width - CODE_PADDING) / (CODE_WIDTH * longest)
    return next((size for size in CODE_SIZES if size <= room), CODE_SIZES[-1])
