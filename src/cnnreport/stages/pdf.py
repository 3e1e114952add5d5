"""Stage pdf: the written pages, figures and internship.yaml → the report as one PDF."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cnnreport.pdf import build_pdf


def main(argv: Sequence[str]) -> None:
    """Write the PDF; it is touched only when its bytes change."""
    parser = argparse.ArgumentParser(prog="stage.py pdf", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="The project's folder.")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    build_pdf(args.root, args.out)
