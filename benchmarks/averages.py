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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment

# The package of this checkout, whichever one is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from cnnreport.batchnorm import averaged_steps, momentum_of
from cnnreport.errors import CnnReportError, InputError, ResultsError
from cnnreport.formats import listing, percent
from cnnreport.freezing import load_frozen
from cnnreport.machine import use
from cnnreport.networks import NETWORKS
from cnnreport.prepared import Images, Split, load_record, load_split
from cnnreport.records import load_csv, save_text, to_csv
from cnnreport.seals import sha256
from cnnreport.study import Cell, Study

if TYPE_CHECKING:
    import keras

    from cnnreport.predictor import Predictor

ROOT = Path(__file__).resolve().parents[1]
STUDIES = ROOT / "report" / "studies"
TABLE = ROOT / "docs" / "benchmarks" / "averages.csv"
PAGE = TABLE.with_suffix(".md")
TEMPLATE = Path(__file__).with_name("averages.md.j2")
BATCH = 250
"""Images in a batch over which averages are taken anew."""

NORMALISED = "BatchNormalization"


@dataclass(frozen=True)
class Row:
    """Accuracies of one finished network, with its own averages and with those taken anew."""

    study: str
    dataset: str
    model: str
    seed: int
    own_train: float
    own_validation: float
    anew_train: float
    anew_validation: float


def main() -> int:
    """Measure what is missing and write the page; return 0, or 2 for an error of the user's."""
    args = _parse()
    try:
        if not args.table:
            use(args.threads, None)
            _measure(args)
        text = page(load(TABLE))
    except CnnReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    save_text(PAGE, text)
    return 0


def load(table: Path) -> list[Row]:
    """Return the rows of a table; none where there is no such file."""
    return load_csv(table, Row) if table.exists() else []


def _measure(args: argparse.Namespace) -> None:
    study = _study(args.study)
    for cell in study.cells.values():
        for run in cell.runs:
            if not cell.has_layer(NORMALISED) or (args.seeds and run.seed not in args.seeds):
                continue
            rows = load(TABLE)
            known = {(row.study, row.dataset, row.model, row.seed) for row in rows}
            if (study.name, cell.dataset, cell.model, run.seed) in known:
                continue
            row = measured(cell, run.seed, args.root, study.name)
            print(f"{cell.model} on {cell.dataset}, seed {run.seed}: {row}", flush=True)
            save_text(TABLE, to_csv(sorted([*load(TABLE), row], key=_place)))


def _place(row: Row) -> tuple[str, str, int, int]:
    return (row.study, row.dataset, list(NETWORKS).index(row.model), row.seed)


def _study(name: str | None) -> Study:
    if not name or not (STUDIES / name).is_dir():
        known = ", ".join(sorted(path.parent.name for path in STUDIES.glob("*/params.yaml")))
        raise InputError(f"--study: wanted a frozen study ({known}), came {name or 'none'}")
    return load_frozen(STUDIES / name)


def measured(cell: Cell, seed: int, root: Path, study: str) -> Row:
    """Return what a network of a study answers with either averages.

    Raises:
        ResultsError: the weights below `root` are not those that the study tested.

    """
    from cnnreport.predictor import Predictor  # noqa: PLC0415 - takes seconds to load
    from cnnreport.recipes import untrained_network  # noqa: PLC0415
    from cnnreport.weights import fill_weights  # noqa: PLC0415

    weights = root / "runs" / cell.dataset / cell.model / f"s{seed}" / "weights.npz"
    if cell.evaluation and cell.evaluation.weights[str(seed)] != (came := sha256(weights)):
        raise ResultsError(
            f"{weights}: wanted the weights that study {study} tested "
            f"({cell.evaluation.weights[str(seed)][:12]}), came others ({came[:12]})"
        )
    prepared = root / "data" / "prepared" / cell.dataset
    dataset = load_record(prepared)
    train, validation = load_split(prepared, "train"), load_split(prepared, "validation")
    network = untrained_network(cell.model, dataset, cell.recipe)
    fill_weights(network, weights)
    predictor = Predictor(network, cell.recipe, dataset)
    own = [accuracy(predictor, split) for split in (train, validation)]
    take_averages_anew(predictor.model, train.images, predictor.scale, predictor.offset)
    anew = [accuracy(predictor, split) for split in (train, validation)]
    return Row(study, cell.dataset, cell.model, seed, *own, *anew)


def accuracy(predictor: "Predictor", split: Split) -> float:
    """Return the share of images whose most probable class is the true one."""
    answers = predictor.probabilities(split.images).argmax(axis=1)
    return float((answers == split.labels).mean())


def take_averages_anew(
    network: "keras.Model", images: Images, scale: np.ndarray, offset: np.ndarray
) -> None:
    """Set each moving average to the mean over batches of images, all of the same size.

    The layers read what the layers before them put out for that batch, as in training; dropout is
    off, as in the test. Images that do not fill a last batch are left out.
    """
    import keras

    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    normalised = [each for each in network.layers if type(each).__name__ == NORMALISED]
    size = min(BATCH, len(images))
    for number in range(len(images) // size):
        for layer in normalised:
            layer.momentum = number / (number + 1)
        batch = images[number * size : (number + 1) * size]
        network(batch.astype(np.float32) * scale + offset, training=True)


def page(rows: Sequence[Row]) -> str:
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
                "title": study.manifest.title if study.manifest else name,
                "recipe": study.params.recipe,
                "gained": _gained([row for row in rows if row.study == name]),
                "others": _without(study),
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


def _without(study: Study) -> list[str]:
    """Return the accuracies, on the same images, of the networks that have no averages."""
    return [
        f"{NETWORKS[cell.model]} on {cell.dataset} {percent(cell.metrics.validation_accuracy)}"
        for cell in study.cells.values()
        if not cell.has_layer(NORMALISED)
    ]


def _key(row: Row) -> tuple[str, str, str]:
    return (row.study, row.dataset, row.model)


def _summed(cell: Cell, rows: Sequence[Row]) -> dict[str, Any]:
    """Return a line of the table: the means over the seeds."""
    names = ("own_train", "own_validation", "anew_train", "anew_validation")
    means = {name: float(np.mean([getattr(row, name) for row in rows])) for name in names}
    return means | {
        "dataset": cell.dataset,
        "title": NETWORKS[cell.model],
        "momentum": momentum_of(cell),
        "span": int(averaged_steps(cell)),
        "steps": int(cell.steps),
        "seeds": ", ".join(str(row.seed) for row in rows),
        "gained": _gained(rows),
    }


def _gained(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the least and the most that a network gained on validation images."""
    gained = [row.anew_validation - row.own_validation for row in rows]
    return min(gained), max(gained)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", help="name of a frozen study")
    parser.add_argument("--root", type=Path, default=ROOT, help="where it was trained")
    parser.add_argument("--seeds", nargs="*", type=int, default=[], help="only these")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="only write the page")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
