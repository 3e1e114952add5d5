"""Stage prepare: turn one image set into arrays and their record."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cnnreport.datasets import load_image_set, prepare
from cnnreport.params import load_params
from cnnreport.prepared import RECORD_FILE, save_split
from cnnreport.records import Origin, save_text, to_json


def main(argv: Sequence[str]) -> None:
    """Run the stage with the arguments of its command in dvc.yaml."""
    parser = argparse.ArgumentParser(prog="stage.py prepare", description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--out", type=Path, required=True, help="folder for the arrays")
    parser.add_argument("--listings", type=Path, required=True, help="folder of listings")
    parser.add_argument("--results", type=Path, required=True, help="folder for the record")
    arguments = parser.parse_args(argv)

    params = load_params(arguments.params)
    image_set = load_image_set(arguments.dataset, params, arguments.listings)
    record, splits = prepare(image_set, arguments.dataset, params.data)

    for name, split in splits.items():
        save_split(arguments.out, name, split)
    for folder in (arguments.out, arguments.results):
        save_text(folder / RECORD_FILE, to_json(record))
    save_text(arguments.results / "origin.json", to_json(Origin(image_set.folder)))
