"""Draw a single neuron at work and the functions that follow its sum."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cnnreport.figures.diagrams.shapes import Box, arrow, block, canvas, disc, note, write
from cnnreport.figures.drawing import Drawing, new_figure
from cnnreport.figures.looks import DENSE_FILL, LOOKS, PLAIN_FILL, POOL_FILL, WINDOW_FILL

Values = NDArray[np.float64]

INPUTS = (0.5, -1.0, 2.0)
WEIGHTS = (0.8, 0.4, 0.3)
BIAS = -0.1
"""An example that is easy to follow by hand."""

FUNCTIONS: tuple[tuple[str, Callable[[Values], Values], Callable[[Values], Values]], ...] = (
    ("sigmoid", lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    ("tanh", np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    ("ReLU", lambda z: np.maximum(0, z), lambda z: (z > 0).astype(float)),
)
"""Name, function and slope, as Goodfellow et al. 2016 give them in sections 3.10 and 6.3."""


def neuron() -> Drawing:
    """Draw a neuron with three inputs and follow one example through it."""
    figure, axes = canvas(2.5)
    total = sum(w * x for w, x in zip(WEIGHTS, INPUTS, strict=True)) + BIAS
    terms = [w * x for w, x in zip(WEIGHTS, INPUTS, strict=True)]
    heights = (2.0, 1.25, 0.5)
    for number, (x, w, y) in enumerate(zip(INPUTS, WEIGHTS, heights, strict=True), start=1):
        disc(axes, (0.75, y), 0.27, PLAIN_FILL, _signed(x))
        write(axes, (0.25, y), f"x{_SMALL[number]}")
        arrow(axes, [(1.02, y), (2.87, 1.25 + (y - 1.25) * 0.3)])
        middle = (y + 1.25 + (y - 1.25) * 0.3) / 2
        write(
            axes, (1.9, middle + 0.13), f"\N{MULTIPLICATION SIGN} w{_SMALL[number]} = {_signed(w)}"
        )
    disc(axes, (3.2, 1.25), 0.36, WINDOW_FILL, f"\N{GREEK CAPITAL LETTER SIGMA} = {_signed(total)}")
    write(axes, (3.2, 2.3), f"bias b = {_signed(BIAS)}")
    arrow(axes, [(3.2, 2.2), (3.2, 1.61)])
    arrow(axes, [(3.56, 1.25), (4.5, 1.25)])
    write(axes, (4.03, 1.38), "z")
    block(axes, Box(5.1, 1.25, 1.2, 0.6), POOL_FILL, ["f = ReLU", "max(0, z)"])
    arrow(axes, [(5.7, 1.25), (6.3, 1.25)])
    write(axes, (5.97, 1.38), "a")
    disc(axes, (6.6, 1.25), 0.27, DENSE_FILL, _signed(max(0.0, total)))
    note(axes, (0.75, 2.42), "inputs")
    note(axes, (3.2, 0.75), "weighted sum")
    note(axes, (5.1, 0.8), "activation")
    note(axes, (6.6, 0.82), "output")
    sums = " ".join(f"{'+' if term >= 0 else _MINUS} {abs(term):g}" for term in terms)
    lower = total - 1
    return Drawing(
        "diagram-neuron",
        figure,
        "A neuron weighs its inputs, adds them up with its bias and applies an activation "
        f"function. Here z = {sums.removeprefix('+ ')} {_MINUS} {abs(BIAS):g} = {_signed(total)}, "
        "which is positive, so the rectified unit passes it on. With a bias lower by one, z "
        f"would be {_signed(lower)} and the output 0.",
        f"Three inputs {', '.join(_signed(x) for x in INPUTS)} are multiplied by the weights "
        f"{', '.join(_signed(w) for w in WEIGHTS)}, added to the bias {_signed(BIAS)}, and pass "
        f"through a rectified unit that gives {_signed(max(0.0, total))}.",
    )


_SMALL = "\N{SUBSCRIPT ZERO}\N{SUBSCRIPT ONE}\N{SUBSCRIPT TWO}\N{SUBSCRIPT THREE}"
_MINUS = "\N{MINUS SIGN}"


def _signed(number: float) -> str:
    """Write a number without the noise of its last bits, with a true minus sign."""
    return f"{round(number, 6):g}".replace("-", _MINUS)


def activations() -> Drawing:
    """Draw three activation functions and their slopes."""
    figure = new_figure(2.6)
    values, slopes = figure.subplots(1, 2)
    z = np.linspace(-4, 4, 401)
    for (name, function, slope), (color, _, line) in zip(FUNCTIONS, LOOKS, strict=False):
        values.plot(z, function(z), color=color, linestyle=line, label=name)
        slopes.plot(z, slope(z), color=color, linestyle=line, label=name)
    values.set(xlabel="z", ylabel="f(z)", title="value", ylim=(-1.3, 2.3))
    slopes.set(xlabel="z", ylabel="slope of f", title="slope", ylim=(-0.1, 1.2))
    values.legend(loc="upper left")
    steepest = float(FUNCTIONS[0][2](np.zeros(1))[0])
    layers = 10
    return Drawing(
        "diagram-activations",
        figure,
        f"The slope of the sigmoid is at most {steepest:g}, so through {layers} such layers a "
        f"gradient loses at least a factor of {1 / steepest**layers:,.0f}, unless large weights "
        "make up for it. That of ReLU is one wherever the unit is active.",
        "Left, the values: the sigmoid rises from 0 to 1, tanh from -1 to 1, ReLU is 0 below "
        f"zero and z above. Right, the slopes: at zero that of the sigmoid is {steepest:g} and "
        "that of tanh 1, and both fall to nearly 0 on either side; that of ReLU jumps from 0 to "
        "1.",
    )
