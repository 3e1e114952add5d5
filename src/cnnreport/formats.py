"""Write numbers, times and people's words the way every page shows them."""

import datetime as dt
import re
from collections.abc import Sequence

from cnnreport.evidence import cite

NBSP = "\N{NO-BREAK SPACE}"
"""What stands between a number and its unit, so that a line never ends between them."""

_BLANKS = re.compile(rf"[^\S{NBSP}]+")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]!|#])")


def percent(fraction: float, digits: int = 1) -> str:
    """Write a fraction of 1 as a percentage: 0.913 becomes ``91.3 %``."""
    return cite(fraction, f"{100 * float(fraction):.{digits}f}{NBSP}%")


def percent_range(low: float, high: float) -> str:
    """Write an interval of fractions as percentages: ``90.1 to 92.3 %``."""
    return f"{cite(low, f'{100 * float(low):.1f}')} to {percent(high)}"


PLUS_MINUS = "\N{PLUS-MINUS SIGN}"


def percent_spread(mean: float, deviation: float) -> str:
    """Write a mean of fractions and their deviation as percentages: ``91.3 ± 0.2 %``."""
    return f"{cite(mean, f'{100 * float(mean):.1f}')} {PLUS_MINUS} {percent(deviation)}"


def points(difference: float, digits: int = 1, *, signed: bool = True) -> str:
    """Write a difference of two fractions in percentage points: ``+3.2 points``."""
    number = _signed(difference, digits) if signed else f"{100 * float(difference):.{digits}f}"
    return cite(difference, f"{number}{NBSP}points")


def points_alone(difference: float) -> str:
    """Write a difference in percentage points without their name, which stands behind: ``+3.2``."""
    return cite(difference, _signed(difference, 1))


def points_range(low: float, high: float) -> str:
    """Write an interval of differences in percentage points: ``-0.4 to +3.2 points``."""
    return f"{points_alone(low)} to {points(high)}"


def _signed(difference: float, digits: int) -> str:
    """Write hundredths with their sign; what rounds to zero has none."""
    text = f"{100 * float(difference):+.{digits}f}"
    return text if float(text) else text[1:]


def decimal(number: float, digits: int) -> str:
    """Write a number with so many digits after the point: ``0.613``; zero has no sign."""
    return cite(number, f"{float(number):z.{digits}f}")


def shortest(number: float) -> str:
    """Write a setting as short as it can be: ``0.05``, ``1e-05``, ``32``."""
    return cite(number, f"{float(number):g}")


def p_value(p: float) -> str:
    """Write a p-value: ``0.031``, or ``< 0.001``."""
    return cite(p, "< 0.001" if p < SMALLEST_P else f"{float(p):.3f}")


SMALLEST_P = 0.001
"""Below this a p-value is only said to be smaller."""


def thousands(number: float) -> str:
    """Write a count with commas: 62006 becomes ``62,006``."""
    return cite(number, _with_commas(number))


def _with_commas(number: float) -> str:
    return f"{number:,.0f}"


def macs(number: float) -> str:
    """Write multiply-accumulates with a prefix of the SI: ``0.56 M``, ``1.3 G``, ``210 T``."""
    return cite(number, _two_digits(number, _MACS_UNITS))


def energy(kwh: float) -> str:
    """Write an energy given in kWh: ``0.45 Wh``, ``12 Wh``, ``1.3 kWh``."""
    return cite(kwh, _two_digits(1000 * float(kwh), _ENERGY_UNITS))


def milliseconds(duration: float) -> str:
    """Write a duration given in milliseconds: ``0.42 ms``, ``16 ms``, ``1.2 s``."""
    return cite(duration, _two_digits(float(duration) / 1000, _SHORT_UNITS))


_MACS_UNITS = ((1e6, "M"), (1e9, "G"), (1e12, "T"), (1e15, "P"), (1e18, "E"))
_ENERGY_UNITS = ((1.0, "Wh"), (1e3, "kWh"))
_SHORT_UNITS = ((1e-3, "ms"), (1.0, "s"))
"""A unit and its size, in rising order."""


def _two_digits(value: float, units: Sequence[tuple[float, str]]) -> str:
    """Write two digits of a value, or all before the point, in the largest unit that it fills."""
    size, unit = next((entry for entry in reversed(units) if value >= _ALMOST * entry[0]), units[0])
    number = value / size
    return f"{number:.2g}{NBSP}{unit}" if number < 9.95 else f"{number:.0f}{NBSP}{unit}"


_ALMOST = 0.9995
"""A value this close below a unit would be written as 1,000 of the one before."""


def mebibytes(number: float) -> str:
    """Write an amount of memory given in MiB: ``1,024 MiB``."""
    return cite(number, f"{_with_commas(number)}{NBSP}MiB")


def seconds(duration: float) -> str:
    """Write a duration given in seconds: ``4.2 s``, ``2 min 31 s``, ``1 h 5 min``."""
    return cite(duration, _duration(float(duration)))


def _duration(duration: float) -> str:
    if duration < 9.95:
        return f"{duration:.1f}{NBSP}s"
    whole = round(duration)
    if whole < 60:
        return f"{whole}{NBSP}s"
    if whole < 3600:
        return f"{whole // 60}{NBSP}min {whole % 60}{NBSP}s"
    minutes = round(duration / 60)
    return f"{minutes // 60}{NBSP}h {minutes % 60}{NBSP}min"


def date(day: dt.date | str) -> str:
    """Write a date or an ISO 8601 timestamp as ``15 January 2020``."""
    parsed = dt.datetime.fromisoformat(day) if isinstance(day, str) else day
    return f"{parsed.day} {parsed:%B %Y}"


def plural(count: int, noun: str, *, words: bool = False) -> str:
    """Write a count and its noun: ``1 epoch``, ``15 epochs``; in `words`: ``one epoch``."""
    number = in_words(count) if words and count else thousands(count)
    return f"{number} {noun}" if count == 1 else f"{number} {noun}s"


def all_of(count: int, *, capital: bool = False) -> str:
    """Write that it is so of every one of a few: ``both``, ``all five``; ``Both`` in `capital`."""
    if count == 2:
        return cite(count, "Both" if capital else "both")
    return f"{'All' if capital else 'all'} {in_words(count)}"


def in_words(count: int) -> str:
    """Write a count of a sentence in words up to twelve: ``five``, ``15``."""
    if 0 <= count < len(_WORDS):
        return cite(count, _WORDS[count])
    return thousands(count)


_WORDS = (
    *("none", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


def listing(items: list[str]) -> str:
    """Join names as a sentence does: ``a, b and c``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


MOST_NAMED = 4
"""So many names a sentence holds; of more it gives their number."""


def named_or_counted(names: list[str], total: int, noun: str = "classes") -> str:
    """Write names as a sentence does, or of many only how many of all: ``12 of 100 classes``."""
    if len(names) <= MOST_NAMED:
        return listing(names)
    return f"all {noun}" if len(names) == total else f"{len(names)} of {total} {noun}"


def capitalised(text: str) -> str:
    """Return a text with its first letter as at the start of a sentence; the others stay."""
    return f"{text[0].upper()}{text[1:]}"


def one_line(text: str) -> str:
    """Write blanks and line breaks as one space each; no-break spaces stay."""
    return _BLANKS.sub(" ", text).strip()


def md(text: object) -> str:
    """Escape a person's words so that Markdown and HTML show them as they were typed.

    Line breaks become spaces, so the text stays within its table cell, list item or heading.
    """
    as_html = "".join(_HTML.get(character, character) for character in one_line(str(text)))
    return _at_start(_SPECIAL.sub(r"\\\1", as_html))


def _at_start(text: str) -> str:
    """Escape what means something at the start of a line only: lists, headings, fences, details."""
    if number := re.match(r"\d+(?=[.)])", text):
        return f"{number[0]}\\{text[number.end() :]}"
    if text.startswith(("-", "+")):
        return f"\\{text}"
    return f"&#{ord(text[0])};{text[1:]}" if text.startswith(tuple("?=~:")) else text
