"""Give every network a colour, a marker and a line that it keeps in all figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.colors import to_rgb

Line = str | tuple[int, tuple[int, ...]]
"""A line style of matplotlib: a name, or an offset and lengths on and off in points."""


@dataclass(frozen=True)
class Look:
    """How a network is named and drawn; marker and line tell it apart in grey print."""

    title: str
    color: str
    marker: str
    line: Line

    @property
    def pale(self) -> tuple[float, float, float]:
        """The colour of bars, mixed with white so that intervals are seen on black ones too."""
        red, green, blue = (0.2 + 0.8 * part for part in to_rgb(self.color))
        return red, green, blue


LOOKS: tuple[tuple[str, str, Line], ...] = (
    ("#0072b2", "o", "-"),
    ("#d55e00", "s", "--"),
    ("#009e73", "^", "-."),
    ("#cc79a7", "D", ":"),
    ("#e69f00", "v", (0, (5, 1, 1, 1, 1, 1))),
    ("#56b4e9", "P", (0, (8, 2))),
    ("#000000", "X", (0, (3, 1, 1, 1))),
    ("#7f7f7f", "*", (0, (1, 2))),
)
"""Colour, marker and line by position in `models`; colours from M. Okabe and K. Ito, 2008."""


def looks_of(models: Sequence[str], titles: Mapping[str, str]) -> dict[str, Look]:
    """Return how each network is drawn; one without a title goes by its name."""
    return {
        model: Look(titles.get(model, model), *LOOKS[position % len(LOOKS)])
        for position, model in enumerate(models)
    }
