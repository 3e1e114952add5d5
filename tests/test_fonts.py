"""Letters of any script in figures."""

import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest
from make_study import make_study
from matplotlib import font_manager

from cnnreport.figures import fonts
from cnnreport.figures.drawing import one_axes, to_svg
from cnnreport.figures.fonts import BOXES, OWN, styled
from cnnreport.study import Study

STYLE = Path(__file__).parents[1] / "report/figures.mplstyle"
MAYAN = "\N{MAYAN NUMERAL ONE}"
"""A letter that few fonts have."""


@pytest.fixture(autouse=True)
def _fonts_as_they_were(monkeypatch):
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(font_manager.fontManager.ttflist))
    fonts._families.cache_clear()
    yield
    fonts._families.cache_clear()


def study_with(name: str) -> Study:
    study = make_study(models=("lenet",))
    record = replace(study.datasets["digits"], class_names=[name, *"123456789"])
    return replace(study, datasets={"digits": record})


def test_plain_names_need_no_other_font(capsys):
    with styled(STYLE, study_with("café, ελιά, шум")):
        assert mpl.rcParams["font.family"] == [OWN]
        assert mpl.rcParams["axes.facecolor"] == "#fefefe"
    assert capsys.readouterr().err == ""


def test_a_letter_that_no_font_has_is_told_once_and_drawn_as_a_box(capsys, monkeypatch):
    boxes = [font for font in font_manager.fontManager.ttflist if font.name in (OWN, BOXES)]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", boxes)
    for _ in range(2):
        with styled(STYLE, study_with(MAYAN)), warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            figure, axes = one_axes(1)
            axes.set_title(MAYAN)
            assert "<svg" in to_svg(figure)
            assert mpl.rcParams["font.family"] == [OWN]
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert MAYAN in told
    assert "pdf/fonts" in told


def test_a_font_beside_the_style_file_is_used(tmp_path, capsys, monkeypatch):
    """Its letters are found there, and the first font that has a missing letter is enough."""
    style = tmp_path / "figures.mplstyle"
    shutil.copy(STYLE, style)
    (tmp_path / "pdf/fonts").mkdir(parents=True)
    source = font_manager.findfont("STIXGeneral")
    shutil.copy(source, tmp_path / "pdf/fonts/own.ttf")
    known = font_manager.get_font(source).get_charmap()
    lacking = font_manager.get_font(font_manager.findfont(OWN)).get_charmap()
    letter = next(chr(code) for code in sorted(set(known) - set(lacking)) if chr(code).isalpha())
    own = [font for font in font_manager.fontManager.ttflist if font.name == OWN]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    with styled(style, study_with(letter)):
        assert mpl.rcParams["font.family"] == [OWN, "STIXGeneral"]
    assert capsys.readouterr().err == ""
