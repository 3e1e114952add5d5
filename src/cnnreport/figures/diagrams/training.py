"""Draw how a network is trained: steps down a slope, the learning rate over time, the split."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cnnreport.figures.diagrams.shapes import Box, block, canvas, note, write
from cnnreport.figures.drawing import WIDTH, Drawing, one_axes
from cnnreport.figures.looks import (
    DENSE_FILL,
    GRID,
    INK,
    JOIN_FILL,
    LOOKS,
    MUTED,
    WINDOW_FILL,
    Look,
)
from cnnreport.formats import listing, percent, shortest, thousands
from cnnreport.params import Recipe
from cnnreport.records import DatasetRecord
from cnnreport.study import Cell

Path = NDArray[np.float64]

CURVATURE = np.array([1.0, 20.0])
"""Of the example's loss, half the sum of curvature times square, along its two weights."""

START = np.array([-2.0, 0.35])
STEPS = 25

TRIES = (
    ("rate 0.02", 0.02, 0.0),
    ("rate 0.098", 0.098, 0.0),
    ("rate 0.02, momentum 0.8", 0.02, 0.8),
)
"""Name, learning rate and momentum of the ways drawn."""


def loss(weights: Path) -> float:
    """Return the example's loss at two weights."""
    return float((CURVATURE * weights**2).sum() / 2)


def descend(rate: float, momentum: float, steps: int = STEPS) -> Path:
    """Return the way of gradient descent with momentum, shape (steps + 1, 2), the start first.

    The update is that of Sutskever et al. 2013, equations 1 and 2.
    """
    weights, velocity = START.copy(), np.zeros(2)
    way = [weights.copy()]
    for _ in range(steps):
        velocity = momentum * velocity - rate * CURVATURE * weights
        weights = weights + velocity
        way.append(weights.copy())
    return np.array(way)


def gradient_descent() -> Drawing:
    """Draw three ways down the same valley, from the same start."""
    figure, axes = one_axes(2.9)
    x, y = np.meshgrid(np.linspace(-2.3, 1.6, 200), np.linspace(-0.5, 0.5, 200))
    surface = (CURVATURE[0] * x**2 + CURVATURE[1] * y**2) / 2
    axes.contour(x, y, surface, levels=[0.05, 0.2, 0.5, 1, 2, 3.5], colors=GRID, linewidths=0.8)
    ends = []
    for (name, rate, momentum), (color, marker, line) in zip(TRIES, LOOKS, strict=False):
        way = descend(rate, momentum)
        axes.plot(*way.T, color=color, marker=marker, linestyle=line, label=name, markersize=3)
        ends.append(loss(way[-1]))
    axes.plot(0, 0, marker="+", color=INK, markersize=9, linestyle="")
    axes.set(xlabel="first weight", ylabel="second weight")
    axes.grid(visible=False)
    axes.legend(loc="upper right", ncols=3, bbox_to_anchor=(1, 1.14))
    limit = 2 / CURVATURE.max()
    reached = listing(
        [f"{end:.2g} ({name})" for (name, _, _), end in zip(TRIES, ends, strict=True)]
    )
    return Drawing(
        "diagram-gradient-descent",
        figure,
        f"Gradient descent in a valley that is {CURVATURE[1] / CURVATURE[0]:g} times steeper "
        "across than along. A small rate creeps along the floor; a large one leaps from wall to "
        f"wall, and above {limit:g} it would leave the valley. Momentum adds up the steps along "
        f"the floor. After {STEPS} steps the loss, which began at {loss(START):.2g}, is {reached}.",
        "Lines of equal loss around a minimum, long and narrow, with three paths from the same "
        "start on the left: a short one along the floor, a zigzag across it, and one that swings "
        "past the minimum and back.",
    )


WARM_UP = 0.3
"""Share of the steps in which the rate of the one-cycle schedule rises, as in cnnreport.recipes."""


def one_cycle(done: Path) -> Path:
    """Return the rate of the one-cycle schedule as a share of its peak.

    `done` is the share of the steps that are done. After Smith and Topin 2019, section 2, in the
    form of `cnnreport.recipes.OneCycle`: up in a straight line, down along half a cosine.
    """
    falling = 0.5 * (1 + np.cos(np.pi * (done - WARM_UP) / (1 - WARM_UP)))
    return np.where(done < WARM_UP, done / WARM_UP, falling)


def learning_rates(cells: Sequence[Cell], looks: Mapping[str, Look]) -> Drawing:
    """Draw the learning rate over a training, as a share of its highest.

    `cells` are those of the first image set.
    """
    figure, axes = one_axes(2.3)
    done = np.linspace(0, 1, 201)
    axes.plot(100 * done, 100 * one_cycle(done), color=LOOKS[0][0], label="one cycle")
    axes.plot([0, 100], [100, 100], color=LOOKS[1][0], linestyle="--", label="constant")
    axes.set(xlabel="steps done (%)", ylabel="rate (% of the highest)", ylim=(0, 109))
    axes.legend(loc="lower center")
    recipes = {cell.model: cell.recipe for cell in cells}
    peaks = listing(
        [f"{looks[name].title} {shortest(each.learning_rate)}" for name, each in recipes.items()]
    )
    return Drawing(
        "diagram-learning-rate",
        figure,
        f"The one-cycle schedule raises the rate over the first {percent(WARM_UP, 0)} of the "
        "steps and lets it fall to zero along half a cosine: large steps while there is far to "
        f"go, small ones at the end. {_followers(recipes, looks)}; the highest rates on the first "
        f"image set are {peaks}.",
        f"One line rises straight from 0 to 100 % at {percent(WARM_UP, 0)} of the steps and falls "
        "smoothly to 0 at their end; another stays at 100 %.",
    )


def _followers(recipes: Mapping[str, Recipe], looks: Mapping[str, Look]) -> str:
    cycled = [name for name, recipe in recipes.items() if recipe.schedule == "one_cycle"]
    if not cycled:
        return "This study's trainings keep their rate constant"
    if len(cycled) == len(recipes):
        return "This study's trainings follow it"
    return f"In this study it is followed by {listing([looks[name].title for name in cycled])}"


PARTS = (
    ("training", "learns the weights", WINDOW_FILL),
    ("validation", "guides a person's choices", JOIN_FILL),
    ("test", "judges, once, at the end", DENSE_FILL),
)
"""Name, use and colour of the parts of an image set."""


def split(datasets: Sequence[DatasetRecord]) -> Drawing:
    """Draw how the images of each set are divided."""
    figure, axes = canvas(0.45 + 0.85 * len(datasets))
    top = 0.45 + 0.85 * len(datasets)
    for number, (name, use, fill) in enumerate(PARTS):
        x = WIDTH / 3 * (number + 0.5)
        block(axes, Box(x - 0.95, top - 0.2, 0.16, 0.16), fill, [""])
        write(axes, (x - 0.8, top - 0.2), f"{name}: {use}", ha="left")
    for number, record in enumerate(datasets):
        _parts(axes, top - 0.45 - 0.85 * number, record)
    shares = [
        f"{record.title}: {percent(_counts(record)[0] / sum(_counts(record)))} of the images for "
        f"training, {percent(_counts(record)[1] / sum(_counts(record)))} for validation, "
        f"{percent(_counts(record)[2] / sum(_counts(record)))} for the test"
        for record in datasets
    ]
    return Drawing(
        "diagram-split",
        figure,
        f"Three parts of the images, which share none. {'; '.join(shares)}. Whoever chooses by "
        "the test part has no part left that says how good the choice is.",
        "A bar for each image set, divided by the counts of its parts: "
        + "; ".join(
            f"{record.title} {', '.join(thousands(count) for count in _counts(record))}"
            for record in datasets
        )
        + ".",
    )


def _counts(record: DatasetRecord) -> tuple[int, int, int]:
    return record.train_images, record.validation_images, record.test_images


def _parts(axes: Axes, top: float, record: DatasetRecord) -> None:
    note(axes, (0.1, top - 0.12), record.title, ha="left", fontsize=8, color=MUTED)
    counts = _counts(record)
    left, whole = 0.1, WIDTH - 0.2
    for (_, _, fill), count in zip(PARTS, counts, strict=True):
        width = whole * count / sum(counts)
        block(axes, Box(left + width / 2, top - 0.48, width, 0.42), fill, [thousands(count)])
        left += width
