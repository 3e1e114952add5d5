"""Stage pictures: results, images and activations → pictures that show pixels, and their texts."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from cnnreport.errors import DatasetError, InputError
from cnnreport.examples import Trace, load_trace
from cnnreport.figures.dark import ENDING, dark_of
from cnnreport.figures.drawing import Drawing, to_svg
from cnnreport.figures.fonts import styled
from cnnreport.networks import titled
from cnnreport.original import load_original
from cnnreport.params import load_params
from cnnreport.picture_texts import Picture, pictures_json
from cnnreport.pictures import Images, all_pictures
from cnnreport.prepared import load_split
from cnnreport.records import save_text
from cnnreport.study import Study, load_study

CSS_PIXELS = 96
"""An inch, as browsers take it."""

_SCALING = re.compile(r' style="image-rendering:[^"]*"')
"""What matplotlib asks of a browser. The pixels are squares of pixels already, which look even at
any size only if the browser smooths their seams."""


def main(argv: Sequence[str]) -> None:
    """Draw all pictures; those that no longer belong to the study are removed."""
    args = _parse(argv)
    study = load_study(load_params(args.params), args.results)
    titles = titled(study.params.models, load_original(args.original).titles)
    images = {
        dataset: load_images(study, dataset, args.prepared, args.activations)
        for dataset in study.params.datasets
    }
    if not args.style.is_file():
        raise InputError(f"{args.style}: cannot be read; wanted a matplotlib style file")
    args.out.mkdir(parents=True, exist_ok=True)
    texts: dict[str, Picture] = {}
    # A dollar sign in the name of a class is no formula.
    with styled(args.style, study), mpl.rc_context({"text.parse_math": False}):
        for drawing in all_pictures(study, images, titles):
            texts[drawing.name] = _save(drawing, args.out)
    wanted = {name for each in texts.values() for name in (each.file, each.dark)}
    for path in args.out.iterdir():
        if path.name not in wanted:
            path.unlink()
    save_text(args.index, pictures_json(texts))
    print(f"{len(texts)} pictures")


def load_images(study: Study, dataset: str, prepared: Path, activations: Path) -> Images:
    """Read the images of a set and what the networks made of one of them.

    Raises:
        DatasetError: there are other test images than the study was tested on.
        ResultsError: the activations of a network are missing or damaged.

    """
    train, test = (load_split(prepared / dataset, name) for name in ("train", "test"))
    for cell in study.cells_of(dataset):
        for run in cell.runs:
            labels = run.predictions["label"].to_numpy()
            if len(labels) != len(test.labels) or (labels != test.labels).any():
                raise DatasetError(
                    f"{prepared / dataset}: holds other test images than those that "
                    f"{cell.model} was tested on; run `dvc repro`"
                )
    traces: dict[str, Trace] = {
        cell.model: load_trace(activations / dataset / f"{cell.model}.npz")
        for cell in study.cells_of(dataset)
        if cell.example
    }
    return Images(train, test, traces)


def _save(drawing: Drawing, folder: Path) -> Picture:
    """Write a picture for light and dark pages and return what is said of it."""
    light = _SCALING.sub("", to_svg(drawing.figure))
    file, dark = f"{drawing.name}.svg", f"{drawing.name}{ENDING}.svg"
    save_text(folder / file, light)
    save_text(folder / dark, dark_of(light))
    width, height = (round(CSS_PIXELS * inches) for inches in drawing.figure.get_size_inches())
    return Picture(file, dark, drawing.caption, drawing.alt, width, height)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pictures", description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    for name in ("results", "prepared", "activations", "original", "style"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--index", type=Path, required=True, help="file for their texts")
    return parser.parse_args(argv)
