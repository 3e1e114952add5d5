"""Draw a table of percentages as shades of a colour scale."""

from dataclasses import dataclass
from math import ceil, floor

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from numpy.typing import NDArray

from cnnreport.figures.looks import PAPER


@dataclass(frozen=True)
class Shades:
    """A colour scale, by its name in matplotlib, from a low to a high percentage.

    A `power` below 1 spends more shades on low percentages.
    """

    colors: str
    low: float
    high: float
    power: float = 1.0

    def norm(self) -> PowerNorm:
        """Return the way from percentages to 0..1."""
        return PowerNorm(self.power, self.low, self.high)

    def mappable(self) -> ScalarMappable:
        """Return the scale in matplotlib's form."""
        return ScalarMappable(self.norm(), mpl.colormaps[self.colors])

    def of(self, value: float) -> tuple[float, float, float]:
        """Return the colour of a value as parts of red, green and blue."""
        red, green, blue, _ = self.mappable().to_rgba(np.array([value]))[0].tolist()
        return red, green, blue

    def is_dark(self, value: float) -> bool:
        """Tell whether white letters read better than black ones on the colour of a value.

        By the relative luminance and contrast of WCAG 2.2: white has 1.05 : (L + 0.05), black
        (L + 0.05) : 0.05.
        """
        parts = np.array(self.of(value))
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        luminance = linear @ [0.2126, 0.7152, 0.0722]
        return bool((luminance + 0.05) ** 2 < 1.05 * 0.05)


def tens(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the tens that percentages lie between, at least ten apart."""
    low = min(90.0, 10.0 * floor(values.min() / 10))
    return low, max(low + 10, 10.0 * ceil(values.max() / 10))


def letters_on(shades: Shades, value: float) -> str:
    """Return the colour of letters on the shade of a value.

    It is pure black or white, which stays the same on a dark sheet as the shade itself does.
    """
    return "white" if shades.is_dark(value) else "black"


def shaded(
    axes: Axes, values: NDArray[np.float64], shades: Shades, *, blank_zeros: bool = False
) -> None:
    """Draw a table of percentages as shades with the numbers written in; NaN is an empty place.

    With `blank_zeros` nothing is written where the number would be 0.
    """
    edges = [np.arange(length + 1) - 0.5 for length in values.shape[::-1]]
    shown = np.ma.masked_invalid(values)
    axes.pcolormesh(
        *edges, shown, cmap=shades.colors, norm=shades.norm(), edgecolors=PAPER, clip_on=False
    )
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(values):
        if value >= 0.5 or (not blank_zeros and not np.isnan(value)):
            color = letters_on(shades, float(value))
            axes.text(
                column, row, f"{value:.0f}", color=color, ha="center", va="center", fontsize=7
            )
