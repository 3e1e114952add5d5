"""The report as a PDF to hand in, made from the written pages of the site and internship.yaml."""

import sys
from pathlib import Path

from cnnreport.errors import InputError
from cnnreport.internship import Paper
from cnnreport.pdf.document import load_document
from cnnreport.pdf.typesetting import FONTS, MISSING_GLYPH, typeset

__all__ = ["build_pdf", "make_pdf"]


def make_pdf(root: Path, paper: Paper | None = None) -> bytes:
    """Return the PDF of the project below `root`; the same project gives the same bytes.

    `paper` replaces that of report/internship.yaml. One line on stderr names characters that no
    font has.

    Raises:
        InputError: a page, a file that a person edits or a Typst file is missing or wrong.

    """
    made = typeset(load_document(root, paper), root.resolve())
    if made.missing:
        named = ", ".join(f"{each} ({_codes(each)})" for each in made.missing)
        print(
            f"the PDF: no font has {named}; {MISSING_GLYPH} stands there, "
            f"a font file put into {FONTS}/ would be used",
            file=sys.stderr,
        )
    return made.content


def build_pdf(root: Path, out: Path, paper: Paper | None = None) -> None:
    """Write the PDF of the project below `root`.

    Raises:
        InputError: as `make_pdf`, or the file cannot be written.

    """
    content = make_pdf(root, paper)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from error


def _codes(characters: str) -> str:
    return " ".join(f"U+{ord(character):04X}" for character in characters)
