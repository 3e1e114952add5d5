"""Figures for the dark scheme: all colours turn, into ones that can be seen and told apart."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from make_study import make_study
from matplotlib import style
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text
from numpy.typing import NDArray

from cnnreport.figures import all_drawings
from cnnreport.figures.dark import DARK, SHEET, dark_of
from cnnreport.figures.drawing import Drawing, to_svg
from cnnreport.figures.looks import (
    DARK_COLORS,
    DENSE_FILL,
    GREY,
    GRID,
    INK,
    JOIN_FILL,
    LOOKS,
    MUTED,
    PAPER,
    PLAIN_FILL,
    POOL_FILL,
    WINDOW_FILL,
    Look,
)
from cnnreport.original import load_original

REPORT = Path(__file__).parents[1] / "report"
COLOR = re.compile(r"#[0-9a-f]{6}\b")
HEAT = ("Blues", "cividis", "Purples")
"""The colour scales of heat maps."""

BLINDNESS = {
    "none": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
"""What eyes without one kind of cones see, in linear RGB.

G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, IEEE TVCG 15, 2009, severity 1.
"""

FILLS = {WINDOW_FILL, POOL_FILL, DENSE_FILL, JOIN_FILL, PLAIN_FILL}


@pytest.fixture(scope="module")
def drawings() -> Iterator[list[Drawing]]:
    study = make_study(("cifar10", "cifar100-objects"), seeds=(0, 1), epochs=4, images_per_class=9)
    original = load_original(REPORT / "original_study.yaml")
    with style.context(REPORT / "figures.mplstyle"):
        yield list(all_drawings(study, original))


def linear(color: str) -> NDArray[np.float64]:
    """Linear red, green and blue of a colour of sRGB (IEC 61966-2-1)."""
    parts = np.array(to_rgb(color))
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    light = sorted(float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


def lab(color: str, seen_by: NDArray[np.float64]) -> NDArray[np.float64]:
    """A colour in CIE L*a*b* under D65, as eyes see it."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ np.clip(seen_by @ linear(color), 0, 1) / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_ink_and_every_network_has_a_colour_for_the_dark():
    pale = [to_hex(Look("", *look).pale) for look in LOOKS]
    wanted = {INK, MUTED, GREY, GRID, PAPER, *(color for color, _, _ in LOOKS), *pale}
    assert set(DARK) == wanted | FILLS
    assert len(DARK_COLORS) == len(LOOKS)
    assert DARK[PAPER] == SHEET


@pytest.mark.parametrize("color", sorted(set(DARK) - {GRID, PAPER} - FILLS))
def test_what_stands_on_the_dark_sheet_can_be_seen(color):
    assert contrast(DARK[color], SHEET) >= 3
    if color in (INK, MUTED):
        assert contrast(DARK[color], SHEET) >= 7
        assert contrast(color, PAPER) >= 4.5


def test_intervals_are_seen_on_bars_on_either_sheet():
    for look in LOOKS:
        bar = to_hex(Look("", *look).pale)
        assert contrast(DARK[bar], DARK[INK]) >= 1.5
        if look[0] != INK:
            assert contrast(bar, INK) >= 2.5


@pytest.mark.parametrize("fill", sorted(FILLS))
def test_names_are_read_on_boxes_of_diagrams(fill):
    assert contrast(fill, INK) >= 7
    assert contrast(DARK[fill], DARK[INK]) >= 7


@pytest.mark.parametrize("eyes", BLINDNESS)
def test_five_networks_are_told_apart_by_all_eyes_in_the_dark(eyes):
    for one, other in itertools.combinations(DARK_COLORS[:5], 2):
        apart = np.linalg.norm(lab(one, BLINDNESS[eyes]) - lab(other, BLINDNESS[eyes]))
        assert apart >= 12, (one, other)


def test_shades_of_heat_maps_are_not_in_the_table():
    for name in HEAT:
        shades = {to_hex(color) for color in mpl.colormaps[name](range(256))}
        assert not shades & set(DARK), name
    assert not {"#000000", "#ffffff"} & set(DARK)


def test_figures_hold_no_colour_that_the_table_lacks(drawings):
    """But for heat maps: their scales, and the letters in them, which are black or white."""
    shades = {to_hex(color) for name in HEAT for color in mpl.colormaps[name](range(256))}
    for drawing in drawings:
        found = set(COLOR.findall(to_svg(drawing.figure)))
        heat = any(axes.texts or axes.collections for axes in drawing.figure.axes)
        more = shades | {"#ffffff"} if heat else set()
        assert found <= set(DARK) | more, drawing.name


def test_only_letters_in_cells_are_pure_black_or_white(drawings):
    for drawing in drawings:
        for axes in drawing.figure.axes:
            cells = [each for each in axes.collections if isinstance(each, QuadMesh)]
            if not cells and not drawing.name.endswith("-pairs"):
                colors = {to_hex(text.get_color()) for text in axes.findobj(Text)}
                assert not {"#000000", "#ffffff"} & colors, drawing.name


def test_a_dark_figure_has_the_same_shapes_and_no_light_sheet(drawings):
    for drawing in drawings:
        light = to_svg(drawing.figure)
        dark = dark_of(light)
        assert COLOR.sub("", light) == COLOR.sub("", dark)
        assert PAPER not in dark
        assert INK not in dark


def test_only_colours_are_exchanged():
    svg = f'<use href="#A1a1a1a"/><path id="m{INK[1:]}" style="fill: {INK}; stroke: #123456"/>'
    dark = dark_of(svg)
    assert dark == svg.replace(f"fill: {INK}", f"fill: {DARK[INK]}")
