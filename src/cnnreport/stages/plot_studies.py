"""Stage plot_studies: every frozen study → its figures, beside those of the live one."""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from cnnreport.freezing import frozen_names, load_frozen
from cnnreport.original import load_original
from cnnreport.records import save_text
from cnnreport.stages.plot import figure_files, replace_files


def main(argv: Sequence[str]) -> None:
    """Draw the figures of all frozen studies; only those that changed are touched."""
    args = _parser().parse_args(argv)
    original, names = load_original(args.original), frozen_names(args.studies)
    for folder in args.out.glob("*/"):
        if folder.name not in names:
            shutil.rmtree(folder)
    for name in names:
        files = figure_files(load_frozen(args.studies / name), original, args.style)
        replace_files(args.out / name, files)
    # DVC wants the folder and git keeps no empty one, and there may be no frozen study.
    save_text(args.out / ".gitkeep", "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stage.py plot_studies", description=__doc__)
    for name in ("studies", "original", "style", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser
