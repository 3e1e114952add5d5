"""Find letters for names in any script, since the font of the figures lacks many."""

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib import font_manager

from cnnreport.study import Study

OWN = "DejaVu Sans"
"""The font of report/figures.mplstyle, which comes with matplotlib."""

BOXES = "Last Resort High-Efficiency"
"""A font of matplotlib's with a box for every letter there is."""


def fonts_beside(style: Path) -> Path:
    """Return the folder of fonts that belongs to a style file in report/."""
    return style.parent / "pdf" / "fonts"


def written_names(study: Study) -> list[str]:
    """Return what a study's figures write that came from a person: its image sets and classes."""
    records = study.datasets.values()
    return [name for record in records for name in (record.title, *record.class_names)]


@contextmanager
def lettering(names: Iterable[str], folder: Path) -> Iterator[None]:
    """Draw with other fonts too where names have letters that the figures' own font lacks.

    They are those of this machine and of `folder`, which the PDF is set with as well.

    Where no font has them, one line says so, and the figures show boxes in their place; captions
    and texts for those who cannot see a figure have the names all the same.
    """
    for file in sorted([*folder.glob("*.ttf"), *folder.glob("*.otf")]):
        font_manager.fontManager.addfont(file)
    missing = _missing(set("".join(names)), font_manager.findfont(OWN))
    families = [OWN]
    for family, path in _others() if missing else ():
        still = _missing(missing, path)
        if still != missing:
            families.append(family)
            missing = still
        if not missing:
            break
    if missing:
        print(
            f"warning: no font here has the letters {''.join(sorted(missing))}: figures show boxes "
            f"in their place until a font file that has them is in {folder}",
            file=sys.stderr,
        )
    with mpl.rc_context({"font.family": families}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _missing(letters: set[str], font: str) -> set[str]:
    try:
        known = font_manager.get_font(font).get_charmap()
    except RuntimeError:  # a font that FreeType cannot read
        return letters
    return {letter for letter in letters if ord(letter) not in known and letter.isprintable()}


def _others() -> list[tuple[str, str]]:
    """Return family and file of each other upright font of this machine, the same order always."""
    return sorted(
        {
            (font.name, font.fname)
            for font in font_manager.fontManager.ttflist
            if font.style == "normal" and font.name not in (OWN, BOXES)
        }
    )
