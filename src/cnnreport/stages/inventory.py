"""Stage inventory: list what lies in a folder of images, so that a change there is noticed.

It runs at every `dvc repro` and writes the same bytes where nothing changed. On a machine without
the folder the listing stays as it was: what was made from the images can still be worked with.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cnnreport.folders import list_folder, save_listing
from cnnreport.params import load_params


def main(argv: Sequence[str]) -> None:
    """List one folder of params.yaml."""
    parser = argparse.ArgumentParser(prog="stage.py inventory", description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--out", type=Path, required=True, help="the listing, as CSV")
    args = parser.parse_args(argv)
    folder = Path(load_params(args.params).folders[args.dataset].path)
    if folder.is_dir():
        save_listing(args.out, list_folder(folder))
        return
    kept = "its last listing is kept" if args.out.is_file() else "nothing can be prepared from it"
    print(f"warning: folders.{args.dataset}: {folder} is not here; {kept}", file=sys.stderr)
    if not args.out.is_file():
        save_listing(args.out, [])
