"""Set a document with Typst, and tell what is wrong in one line.

The compiler and its fonts come with the package `typst`; no font of the machine is used, so the
same tree gives the same bytes everywhere. A font file in report/pdf/fonts/ is used as well.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typst

from cnnreport.errors import InputError
from cnnreport.pdf.tree import Node

SOURCE = "report/pdf/report.typ"
FONTS = "report/pdf/fonts"

MISSING_GLYPH = "\N{WHITE SQUARE}"
"""What stands for a character that no font has."""

_NO_FONT = re.compile(r"the text `\"(.+?)\"` could not be displayed")
_PLACE = re.compile(r"┌─ .*?(report/pdf/\S+?):(\d+):\d+")


@dataclass(frozen=True)
class Typeset:
    """A PDF, and the characters that no font had."""

    content: bytes
    missing: Sequence[str]


def typeset(document: Node, root: Path) -> Typeset:
    """Set a tree with the Typst files of a project; paths in the tree are from `root`.

    Characters that no font has are replaced by a white square, since PDF/UA has no place for them.

    Raises:
        InputError: Typst refuses; one line with its file, line and reason.

    """
    text = json.dumps(document, ensure_ascii=False)
    if not (root / SOURCE).is_file():
        raise InputError(f"{root / SOURCE}: cannot be read; wanted the Typst file of the PDF")
    try:
        return Typeset(_compile(text, root), [])
    except typst.TypstError as error:
        missing = sorted({_unescaped(each) for each in _NO_FONT.findall(error.diagnostic)})
        if not missing:
            raise _refusal(error) from error
    for characters in missing:
        for written in (characters, json.dumps(characters)[1:-1]):
            text = text.replace(written, MISSING_GLYPH)
    try:
        return Typeset(_compile(text, root), missing)
    except typst.TypstError as error:
        raise _refusal(error) from error


def _compile(text: str, root: Path) -> bytes:
    fonts = root / FONTS
    return typst.compile(
        root / SOURCE,
        root=root,
        font_paths=[fonts] if fonts.is_dir() else [],
        ignore_system_fonts=True,
        sys_inputs={"document": text},
        pdf_standards=["ua-1"],  # refuses what a screen reader could not read
        timestamp=0,
    )


def _unescaped(text: str) -> str:
    """Return what Typst's message shows of a text; it writes some characters by their number."""
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda match: chr(int(match[1], 16)), text)


def _refusal(error: typst.TypstError) -> InputError:
    place = _PLACE.search(error.diagnostic)
    where = f"{place[1]}:{place[2]}" if place else SOURCE
    reason = " ".join(str(error.message).split())
    hints = "".join(f"; {' '.join(hint.split())}" for hint in error.hints)
    return InputError(f"{where}: {reason}{hints}")
