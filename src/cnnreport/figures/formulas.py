"""Draw formulas as SVG with Typst, whose wheel brings the compiler and a mathematical font."""

import re
from collections.abc import Mapping, Sequence

import typst

from cnnreport.errors import InputError
from cnnreport.figures.looks import INK
from cnnreport.formulas import DrawnFormula, Formula

POINTS = 11.0
"""Points, the size of the letters that formulas are drawn with; sizes are told as multiples."""

PAGE = f"""#set page(width: auto, height: auto, margin: 1pt, fill: none)
#set text(font: "New Computer Modern", size: {POINTS}pt, fill: rgb("{INK}"))
#show math.equation: set text(font: "New Computer Modern Math")
"""
"""What stands before all formulas: a page as large as its formula, and fonts of the wheel."""

_SIZE = re.compile(r'<svg viewBox="0 0 (?P<width>[\d.]+) (?P<height>[\d.]+)"')


def draw_formulas(formulas: Mapping[str, Formula]) -> dict[str, tuple[str, DrawnFormula]]:
    """Return each formula as SVG for white paper, and its size, by name.

    All are compiled at once, a page each, which takes a few hundredths of a second.

    Raises:
        InputError: Typst cannot read a formula.

    """
    if not formulas:
        return {}
    try:
        pages = _compiled(list(formulas.values()))
    except typst.TypstError as error:
        raise _named(formulas, error) from error
    return {
        name: (_text(page), _drawn(formula, page))
        for (name, formula), page in zip(formulas.items(), pages, strict=True)
    }


def _compiled(formulas: Sequence[Formula]) -> list[bytes]:
    """Return a page of SVG for each formula."""
    body = "\n#pagebreak()\n".join(f"$ {formula.typst} $" for formula in formulas)
    fonts = typst.Fonts(include_system_fonts=False)
    pages = typst.compile((PAGE + body).encode(), format="svg", font_paths=fonts)
    return pages if isinstance(pages, list) else [pages]


def _named(formulas: Mapping[str, Formula], error: typst.TypstError) -> InputError:
    """Find the formula that cannot be read, and say what is wrong with it."""
    for name, formula in formulas.items():
        try:
            _compiled([formula])
        except typst.TypstError as own:
            reason = " ".join(str(own).split())
            return InputError(f"report/formulas.yaml: formula '{name}' is no Typst ({reason})")
    return InputError(f"report/formulas.yaml: no Typst ({' '.join(str(error).split())})")


def _text(page: bytes) -> str:
    return "\n".join(line.rstrip() for line in page.decode().splitlines()) + "\n"


def _drawn(formula: Formula, page: bytes) -> DrawnFormula:
    size = _SIZE.match(page.decode())
    if not size:
        raise ValueError("wanted an SVG with the size that Typst writes")
    width, height = (round(float(size[side]) / POINTS, 2) for side in ("width", "height"))
    return DrawnFormula(formula.alt, width, height)
