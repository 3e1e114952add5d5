"""Measure how much of a test accuracy the averages of batch normalisation cost.

A network with batch normalisation is tested with moving averages that it gathered while its weights
still changed. Here the averages of finished networks are taken anew, with the weights as they are,
over all training images in batches (Ioffe and Szegedy 2015, "Batch normalization", section 3.1,
algorithm 2), and both networks answer the training and the validation images. The test images are
never read. Rows are kept in docs/benchmarks/averages.csv and not measured again;
docs/benchmarks/averages.md is the page.

Example:
    python benchmarks/averages.py --study objects-report --root ../where-it-was-trained

needs the folder in which a frozen study was trained, with its weights and prepared images, and
takes minutes a network. `--table` only writes the page anew.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment

# The package of this checkout, whichever one is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from cnnreport.batchnorm import (
    TAKEN_ANEW,
    TakenAnew,
    averaged_steps,
    last_validation,
    load_taken_anew,
    taken_anew_of,
)
from cnnreport.errors import CnnReportError, InputError, ResultsError
from cnnreport.formats import listing, percent
from cnnreport.freezing import demand_study, frozen_names, load_frozen
from cnnreport.machine import use
from cnnreport.networks import NETWORKS
from cnnreport.pages import title_of
from cnnreport.prepared import Images, Split, load_record, load_split
from cnnreport.records import save_text, to_csv
from cnnreport.seals import md5, sha256
from cnnreport.study import Cell, Study

if TYPE_CHECKING:
    import keras

    from cnnreport.predictor import Predictor

ROOT = Path(__file__).resolve().parents[1]
STUDIES = ROOT / "report" / "studies"
DOCS = ROOT / "docs"
TABLE = DOCS / TAKEN_ANEW
PAGE = TABLE.with_suffix(".md")
TEMPLATE = Path(__file__).with_name("averages.md.j2")
BATCH = 250
"""Images in a batch over which averages are taken anew."""

USED = ("train-images.npy", "train-labels.npy", "validation-images.npy", "validation-labels.npy")
"""Files of a prepared image set that are read here."""


def main() -> int:
    """Measure what is missing and write the page; return 0, or 2 for an error of the user's."""
    args = _parse()
    try:
        if not args.table:
            use(args.threads, None)
            _measure(args)
        text = page(load_taken_anew(DOCS))
    except CnnReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    save_text(PAGE, text)
    return 0


def _measure(args: argparse.Namespace) -> None:
    demand_study(args.study, frozen_names(STUDIES))
    study = load_frozen(STUDIES / args.study)
    wanted = [
        (cell, run.seed)
        for cell in study.cells.values()
        for run in cell.runs
        if cell.has_batch_norm and (not args.seeds or run.seed in args.seeds)
    ]
    if not wanted:
        seeds = (
            f" with the seeds {listing([str(seed) for seed in args.seeds])}" if args.seeds else ""
        )
        raise InputError(f"{args.study}: has no network with batch normalisation{seeds}")
    rows = load_taken_anew(DOCS)
    for cell, seed in wanted:
        if not any(row.seed == seed for row in taken_anew_of(rows, cell, study.name)):
            rows = sorted([*rows, measured(cell, seed, args.root, study.name)], key=_place)
            save_text(TABLE, to_csv(rows))


def _place(row: TakenAnew) -> tuple[str, str, int, int]:
    return (row.study, row.dataset, list(NETWORKS).index(row.model), row.seed)


def measured(cell: Cell, seed: int, root: Path, study: str) -> TakenAnew:
    """Return what a network of a study answers with either averages.

    Raises:
        ResultsError: weights or images below `root` are not those that the study tested.

    """
    weights = root / "runs" / cell.dataset / cell.model / f"s{seed}" / "weights.npz"
    prepared = root / "data" / "prepared" / cell.dataset
    _demand_same(cell, seed, weights, prepared, study)
    from cnnreport.predictor import Predictor  # noqa: PLC0415 - takes seconds to load
    from cnnreport.recipes import untrained_network  # noqa: PLC0415
    from cnnreport.weights import fill_weights  # noqa: PLC0415

    dataset = load_record(prepared)
    train, validation = load_split(prepared, "train"), load_split(prepared, "validation")
    network = untrained_network(cell.model, dataset, cell.recipe)
    fill_weights(network, weights)
    predictor = Predictor(network, cell.recipe, dataset)
    own = [accuracy(predictor, split) for split in (train, validation)]
    take_averages_anew(predictor.model, train.images, predictor.scale, predictor.offset)
    anew = [accuracy(predictor, split) for split in (train, validation)]
    return TakenAnew(study, cell.dataset, cell.model, seed, *own, *anew)


def _demand_same(cell: Cell, seed: int, weights: Path, prepared: Path, study: str) -> None:
    """Refuse weights and images that a study's evaluation was not made with."""
    if cell.evaluation is None:
        raise ResultsError(f"{study}: {cell.model} on {cell.dataset} has no sealed evaluation")
    data = cell.evaluation.start.data
    digests = [(weights, cell.evaluation.weights[str(seed)], sha256)]
    digests += [(prepared / name, data[name], md5) for name in USED]
    for path, wanted, digest in digests:
        if not path.is_file():
            raise ResultsError(
                f"{path}: is missing; --root is the folder that {study} was trained in"
            )
        if digest(path) != wanted:
            raise ResultsError(f"{path}: is not the file that study {study} was tested with")


def accuracy(predictor: "Predictor", split: Split) -> float:
    """Return the share of images whose most probable class is the true one."""
    answers = predictor.probabilities(split.images).argmax(axis=1)
    return float((answers == split.labels).mean())


def take_averages_anew(
    network: "keras.Model", images: Images, scale: np.ndarray, offset: np.ndarray
) -> None:
    """Set each moving average to the mean over batches of images, all of the same size.

    The layers read what the layers before them put out for that batch, as in training; dropout is
    off, as in the test. Images that do not fill a last batch are left out. Variances are not
    corrected for the size of a batch. `network` can only be tested afterwards: its dropout and the
    momentum of its averages are not put back.
    """
    import keras

    from cnnreport.recipes import set_batch_norm_momentum  # noqa: PLC0415

    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    size = min(BATCH, len(images))
    for number in range(len(images) // size):
        set_batch_norm_momentum(network, number / (number + 1))
        batch = images[number * size : (number + 1) * size]
        network(batch.astype(np.float32) * scale + offset, training=True)


def page(rows: Sequence[TakenAnew]) -> str:
    """Return the page: the means over the seeds of each network that was measured.

    Raises:
        InputError: nothing was measured.

    """
    if not rows:
        raise InputError(f"{TABLE}: holds no row; run without --table")
    studies = {name: load_frozen(STUDIES / name) for name in dict.fromkeys(r.study for r in rows)}
    keys = dict.fromkeys((row.study, row.dataset, row.model) for row in rows)
    environment = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    text = template.render(
        studies=[
            {
                "name": name,
                "title": title_of(study),
                "recipe": study.params.recipe,
                "gained": _gained([row for row in rows if row.study == name]),
                "others": _beside(study, [row for row in rows if row.study == name]),
                "rows": [
                    _summed(study.cell(*key[1:]), [row for row in rows if _key(row) == key])
                    for key in keys
                    if key[0] == name
                ],
            }
            for name, study in studies.items()
        ],
        batch=BATCH,
        listing=listing,
    )
    return text.rstrip() + "\n"


def _beside(study: Study, rows: Sequence[TakenAnew]) -> list[str]:
    """Return what networks without averages do, trained with the seeds that were measured."""
    found = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        seeds = sorted({row.seed for row in rows if row.dataset == dataset})
        which = f"{'seeds' if len(seeds) > 1 else 'seed'} {listing([str(seed) for seed in seeds])}"
        found += [
            f"{NETWORKS[cell.model]} {percent(last_validation(cell, seeds))} ({which})"
            for cell in study.cells_of(dataset)
            if not cell.has_batch_norm
        ]
    return found


def _key(row: TakenAnew) -> tuple[str, str, str]:
    return (row.study, row.dataset, row.model)


def _summed(cell: Cell, rows: Sequence[TakenAnew]) -> dict[str, Any]:
    """Return a line of the table: the means over the seeds."""
    names = ("own_train", "own_validation", "anew_train", "anew_validation")
    means = {name: fmean(getattr(row, name) for row in rows) for name in names}
    return means | {
        "dataset": cell.dataset,
        "title": NETWORKS[cell.model],
        "momentum": cell.batch_norm_momentum,
        "span": averaged_steps(cell),
        "steps": int(cell.steps),
        "seeds": ", ".join(str(row.seed) for row in rows),
        "gained": _gained(rows),
    }


def _gained(rows: Sequence[TakenAnew]) -> tuple[float, float]:
    """Return the least and the most that a network gained on validation images."""
    gained = [row.anew_validation - row.own_validation for row in rows]
    return min(gained), max(gained)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", default="", help="name of a frozen study")
    parser.add_argument("--root", type=Path, default=ROOT, help="where it was trained")
    parser.add_argument("--seeds", nargs="*", type=int, default=[], help="only these")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="only write the page")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
