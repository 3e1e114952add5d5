"""Stage check: every file that a person edits is read before anything else is run.

DVC removes a stage's outputs before it runs the stage's command. A wrong parameter that only the
training notices would cost the trained network; here it costs nothing. What this stage writes
never changes, so checking again makes no other stage run again.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cnnreport.checks import check_files
from cnnreport.records import save_text


def main(argv: Sequence[str]) -> None:
    """Stop at the first mistake; otherwise write the mark that the other stages depend on."""
    parser = argparse.ArgumentParser(prog="check", description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--report", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path, nargs="+")
    args = parser.parse_args(argv)
    for _, mistake in check_files(args.params, args.report):
        if mistake:
            raise mistake
    for mark in args.out:
        save_text(mark, "params.yaml and the files in report/ can be read\n")
