"""The style of figures, with letters for names in any script: the figures' own font lacks many."""

import functools
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib import font_manager, style

from cnnreport.study import Study

OWN = "DejaVu Sans"
"""The font of report/figures.mplstyle, which comes with matplotlib."""

BOXES = "Last Resort High-Efficiency"
"""A font of matplotlib's with a box for every letter there is."""


@contextmanager
def styled(file: Path, study: Study) -> Iterator[None]:
    """Draw as a style file says, with other fonts too where names of a study need them.

    They are those of this machine and of pdf/fonts/ beside the style file, which the PDF is set
    with as well. Where no font has a letter, one line says so, and figures show boxes in its place;
    captions and texts for those who cannot see a figure have the names all the same.
    """
    records = study.datasets.values()
    names = [name for record in records for name in (record.title, *record.class_names)]
    families = _families(frozenset("".join(names)), file.parent / "pdf" / "fonts")
    lettering = mpl.rc_context({"font.family": list(families)})
    with style.context(file), lettering, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


@functools.cache
def _families(letters: frozenset[str], folder: Path) -> tuple[str, ...]:
    """Return the fonts that have the letters, the figures' own before any other."""
    for file in sorted([*folder.glob("*.ttf"), *folder.glob("*.otf")]):
        font_manager.fontManager.addfont(file)
    families = [OWN]
    missing = _missing(letters, font_manager.findfont(OWN))
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
    return tuple(families)


def _missing(letters: frozenset[str], font: str) -> frozenset[str]:
    try:
        known = font_manager.get_font(font).get_charmap()
    except RuntimeError:  # a font that FreeType cannot read
        return letters
    return frozenset(each for each in letters if ord(each) not in known and each.isprintable())


def _others() -> list[tuple[str, str]]:
    """Return family and file of each other upright font of this machine, the same order always."""
    return sorted(
        {
            (font.name, font.fname)
            for font in font_manager.fontManager.ttflist
            if font.style == "normal" and font.name not in (OWN, BOXES)
        }
    )
