"""Find letters for names in any script, since the font of the figures lacks many."""

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import matplotlib as mpl
from matplotlib import font_manager

from cnnreport.study import Study

OWN = "DejaVu Sans"
"""The font of report/figures.mplstyle, which comes with matplotlib."""


def written_names(study: Study) -> list[str]:
    """Return what a study's figures write that came from a person: its image sets and classes."""
    records = study.datasets.values()
    return [name for record in records for name in (record.title, *record.class_names)]


@contextmanager
def lettering(names: Iterable[str]) -> Iterator[None]:
    """Draw with fonts of this machine where names have letters that the figures' own font lacks.

    Where no font has them, one line says so, and the figures show boxes in their place; captions
    and texts for those who cannot see a figure have the names all the same.
    """
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
            "in their place until one is installed (Noto has fonts for every script)",
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
            if font.style == "normal" and font.name != OWN
        }
    )
