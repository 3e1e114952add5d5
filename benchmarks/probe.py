"""Predict how long the large networks must train to pass the original study's figures.

Each network is trained, the recipe `modern`, with short schedules: a few epochs on a tenth of the
training images, one epoch on all of them. Accuracies are on validation images; the test images are
never read. Through the losses goes a power law in the number of images seen (Hestness et al. 2017,
"Deep learning scaling is predictable, empirically", section 2), and where it meets the loss that
goes with the original's accuracy stands the number of epochs. What that is worth shows on the
networks that were trained in full: the page holds the prediction for them against what came. Tries
are kept in docs/benchmarks/probe.csv and not made again; docs/benchmarks/probe.md is the page. It
takes the tries that belong together: those with the settings that the recipe has now, of one seed
and in one number of threads.

Example:
    python benchmarks/probe.py --models resnet50 googlenet

takes about an hour and a half a network and core; `--whole-epochs` without a number leaves out the
schedules on all images, which take most of it. `--table` only writes the page anew.
"""

import argparse
import itertools
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import truediv
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final

import numpy as np
from jinja2 import Environment
from sklearn.isotonic import IsotonicRegression

# The package of this checkout, whichever one is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from search import Try, load, once, settings_of

from cnnreport.errors import CnnReportError, InputError
from cnnreport.formats import listing
from cnnreport.machine import use
from cnnreport.networks import NETWORKS
from cnnreport.original import Original, load_original
from cnnreport.params import Params, Recipe, load_params
from cnnreport.planning import train_images
from cnnreport.planning.work import TRAIN_IMAGES
from cnnreport.prepared import load_record
from cnnreport.records import Epoch, load_csv
from cnnreport.tables.costs import PASSES

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "benchmarks" / "probe.csv"
PAGE = TABLE.with_suffix(".md")
TEMPLATE = Path(__file__).with_name("probe.md.j2")
ORIGINAL = ROOT / "report" / "original_study.yaml"
PARAMS = ROOT / "params.yaml"
THROUGHPUT = TABLE.with_name("throughput.json")
"""Training steps measured alone, for a second look at the processor seconds."""
RECIPE: Final = "modern"
STUDIES = ROOT / "report" / "studies"
TRAINED = ("lenet-modern", "small-nets-modern")
"""Frozen studies of networks trained in full with the same recipe; the first with a cell serves."""

DATASETS = ("cifar10", "cifar100")
LARGE = ("vgg16", "resnet50", "googlenet")
TENTH_EPOCHS = (2, 4)
"""Up to about four epochs, images seen again teach nearly as much as new ones.

Muennighoff et al. 2023, "Scaling data-constrained language models", section 6.
"""
WHOLE_EPOCHS = (1,)

MOST_LOG = 700.0
"""About the logarithm of the greatest float."""

Cell = tuple[str, str]
"""Image set and network."""


@dataclass(frozen=True)
class Probe(Try):
    """A try, and in how many threads it was made, on which the meaning of its seconds hangs."""

    threads: int = field(kw_only=True)


@dataclass(frozen=True)
class Point:
    """Figures on validation images after a schedule in which a network saw so many images."""

    seen: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Law:
    """loss = scale / seen^exponent, the loss being the cross-entropy in nats."""

    scale: float
    exponent: float

    def loss(self, seen: float) -> float:
        """Return the loss after so many images."""
        return float(self.scale / seen**self.exponent)

    def seen(self, loss: float) -> float:
        """Return after how many images the loss is reached; infinity if it does not fall."""
        if self.exponent <= 0:
            return math.inf
        logarithm = math.log(self.scale / loss) / self.exponent
        return math.exp(logarithm) if logarithm < MOST_LOG else math.inf


class Relation:
    """How accuracy hangs on loss on one image set, whichever the network.

    The curve that falls throughout and lies nearest to what was measured; outside of that, the
    error is in proportion to the loss on the good side, and the accuracy stays on the bad one.
    """

    def __init__(self, points: Iterable[Point]) -> None:
        """Fit the curve to points; `seen` is not used."""
        pairs = [(point.loss, point.accuracy) for point in points]
        loss, accuracy = np.array(sorted(pairs)).T
        fitted = IsotonicRegression(increasing=False).fit_transform(loss, accuracy)
        # One loss for each accuracy, so that it can be read both ways.
        self._accuracy, first = np.unique(fitted, return_index=True)
        self._loss = np.array([loss[fitted == fitted[at]].mean() for at in first])

    @property
    def best(self) -> float:
        """The highest accuracy that it rests on."""
        return float(self._accuracy[-1])

    def accuracy(self, loss: float) -> float:
        """Return the accuracy at a loss."""
        if loss < self._loss[-1]:
            return float(1 - (1 - self._accuracy[-1]) * loss / self._loss[-1])
        return float(np.interp(loss, self._loss[::-1], self._accuracy[::-1]))

    def loss(self, accuracy: float) -> float:
        """Return the loss at an accuracy."""
        if accuracy > self._accuracy[-1]:
            return float(self._loss[-1] * (1 - accuracy) / (1 - self._accuracy[-1]))
        return float(np.interp(accuracy, self._accuracy, self._loss))


@dataclass(frozen=True)
class Span:
    """What the law through all points says, and the least and the greatest that laws say."""

    best: float
    low: float
    high: float

    @classmethod
    def of(cls, found: Sequence[float]) -> "Span":
        """Return the span of some values, of which the first is the best."""
        return cls(found[0], min(found), max(found))


def once_each(points: Iterable[Point]) -> list[Point]:
    """Return one point for each number of images seen, in that order, with the mean figures."""
    groups: dict[int, list[Point]] = {}
    for point in points:
        groups.setdefault(point.seen, []).append(point)
    return [
        Point(seen, fmean(p.loss for p in group), fmean(p.accuracy for p in group))
        for seen, group in sorted(groups.items())
    ]


def power_law(points: Sequence[Point]) -> Law:
    """Fit a line to the logarithms of images seen and loss, by least squares.

    Raises:
        ValueError: the points are of fewer than two different numbers of images seen.

    """
    if (came := len({point.seen for point in points})) < 2:
        raise ValueError(f"wanted points at two numbers of images seen or more, came {came}")
    seen = np.log([point.seen for point in points])
    loss = np.log([point.loss for point in points])
    slope, level = np.polyfit(seen, loss, 1)
    return Law(float(np.exp(level)), float(-slope))


def laws(points: Sequence[Point]) -> list[Law]:
    """Return the law through all points, then those through the last point and one other.

    Points of as many images seen count as one, their mean.
    """
    *others, last = once_each(points)
    return [power_law([*others, last]), *(power_law([other, last]) for other in others)]


def epochs_until(points: Sequence[Point], loss: float, images: int) -> Span:
    """Return how many epochs of so many images lead to a loss; not less than one."""
    return Span.of([max(1.0, law.seen(loss) / images) for law in laws(points)])


def accuracy_after(points: Sequence[Point], epochs: int, images: int, relation: Relation) -> Span:
    """Return the accuracy after a schedule of so many epochs."""
    return Span.of([relation.accuracy(law.loss(epochs * images)) for law in laws(points)])


def main() -> int:
    """Make the tries that are missing and write the page; return 0, or 2 for a user's error."""
    args = _parse()
    try:
        if not args.table:
            use(args.threads, None)
            _probe(args)
        text = page(load(TABLE, Probe), args.seed, args.threads)
        PAGE.write_text(text, encoding="utf-8", newline="\n")
    except CnnReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _probe(args: argparse.Namespace) -> None:
    recipes = load_params(PARAMS).recipes[RECIPE]
    for dataset in args.datasets:
        images = load_record(args.prepared / dataset).train_images
        for model in args.models:
            tries = [
                *((images // 10, epochs) for epochs in args.tenth_epochs),
                *((images, epochs) for epochs in args.whole_epochs),
            ]
            for count, epochs in tries:
                row = Probe(dataset, model, count, epochs, args.seed, threads=args.threads)
                once(recipes[model].on(dataset), row, args.prepared, TABLE)


@dataclass(frozen=True)
class Probed:
    """What the tries of one cell say.

    `part` are the points of tries on part of the images. `by_tries` and `by_steps` are the seconds
    of each thread in an epoch of all images, by processor seconds of the tries and by steps that
    were measured alone; None where there are none.
    """

    points: list[Point]
    part: list[Point]
    by_tries: float | None
    by_steps: float | None

    @property
    def epoch_seconds(self) -> float | None:
        """The shorter of both: other work on a machine can only lengthen either."""
        return min((each for each in (self.by_tries, self.by_steps) if each), default=None)

    @property
    def is_partial(self) -> bool:
        """Whether no try was made on all images."""
        return self.part == self.points


@dataclass(frozen=True)
class Full:
    """A cell that a study trained in full: a point for each epoch, the mean over so many seeds."""

    study: str
    points: list[Point]
    seeds: int


@dataclass(frozen=True)
class Known:
    """All that predictions rest on; `whole` is the number of training images by image set."""

    params: Params
    original: Original
    whole: dict[str, int]
    probed: dict[Cell, Probed]
    full: dict[Cell, Full]


def page(rows: Sequence[Probe], seed: int = 0, threads: int = 1) -> str:
    """Return the page: what was measured, what it predicts, and what the prediction is worth.

    Only tries with the settings that the recipe has now count, of one seed and in one number of
    threads.

    Raises:
        InputError: no network has two of these that did not diverge and that saw different numbers
            of images.

    """
    params = load_params(PARAMS)
    recipes = params.recipes[RECIPE]
    kept = [row for row in rows if _belongs(row, recipes, seed, threads)]
    usable = [row for row in kept if row.validation_accuracy]  # the others diverged
    whole = {dataset: train_images(dataset, params) for dataset in DATASETS}
    probed = _probed(usable, whole, threads)
    if not probed:
        raise InputError(
            f"{TABLE}: wanted two tries of a network with the settings of the recipe '{RECIPE}', "
            f"seed {seed} and threads {threads}, came none; run without --table"
        )
    full, notes = _trained_in_full(recipes, whole)
    known = Known(params, load_original(ORIGINAL), whole, probed, full)
    environment = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    checked = _all_checked(known)
    predicted = [
        _corrected(_predicted((dataset, model), known), checked)
        for dataset in DATASETS
        for model in LARGE
    ]
    text = template.render(
        schedules=_schedules(usable, whole),
        seed=seed,
        threads=threads,
        left_out=len(rows) - len(kept),
        columns=sorted({point.seen for each in probed.values() for point in each.points}),
        measured=[_measured(*item) for item in probed.items()],
        predicted=predicted,
        beyond=[row["name"] for row in predicted if row["beyond"]],
        checked=checked,
        took=[_took(row) for row in checked if row["factor"]],
        partial=[
            _name(cell) for cell, each in probed.items() if cell[1] in LARGE and each.is_partial
        ],
        notes=notes,
        listing=listing,
        ceil=math.ceil,
        infinity=math.inf,
    )
    return text.rstrip() + "\n"


def _belongs(row: Probe, recipes: Mapping[str, Recipe], seed: int, threads: int) -> bool:
    return (
        row.dataset in DATASETS
        and row.model in recipes
        and row.settings == settings_of(recipes[row.model].on(row.dataset))
        and (row.seed, row.threads) == (seed, threads)
    )


def _schedules(rows: Sequence[Probe], whole: Mapping[str, int]) -> str:
    """Say in words which schedules there are: ``2 and 4 epochs on a tenth of the ...``."""
    tenth = {row.epochs for row in rows if row.images < whole[row.dataset]}
    every = {row.epochs for row in rows if row.images >= whole[row.dataset]}
    return " and ".join(
        f"{listing([str(count) for count in sorted(epochs)])} "
        f"{'epoch' if epochs == {1} else 'epochs'} on {images}"
        for epochs, images in (
            (tenth, "a tenth of the training images"),
            (every, f"all {max(whole.values()):,} training images"),
        )
        if epochs
    )


def _probed(rows: Sequence[Probe], whole: Mapping[str, int], threads: int) -> dict[Cell, Probed]:
    """Return the cells with tries at two numbers of images seen or more."""
    found = {}
    alone = _core_seconds(THROUGHPUT)
    for dataset, model in itertools.product(DATASETS, NETWORKS):
        tries = [row for row in rows if row.model == model]
        # The last layer is all that differs between the sets, so either tells the time of both.
        own = [row for row in tries if row.dataset == dataset]
        images = whole[dataset], TRAIN_IMAGES[dataset] - whole[dataset]
        points = once_each(map(_point, own))
        if len(points) > 1:
            found[dataset, model] = Probed(
                points,
                part=once_each(_point(row) for row in own if row.images < whole[dataset]),
                by_tries=_epoch_seconds(own, *images) or _epoch_seconds(tries, *images),
                by_steps=alone[model] * _work(*images) / threads if model in alone else None,
            )
    return found


def _point(row: Try) -> Point:
    seen = row.images * row.epochs
    return Point(seen, float(row.validation_loss), float(row.validation_accuracy))


def _epoch_seconds(tries: Sequence[Probe], train: int, validation: int) -> float | None:
    """Return the seconds of each thread in an epoch of all images, without the start-up.

    That is the slope of the line through work and processor seconds. Work is counted in images to
    train with; a validation image, which only goes forward, is worth a third of one
    (`cnnreport.tables.costs.PASSES`).
    """
    timed = [row for row in tries if row.processor_seconds]
    work = [row.epochs * _work(row.images, validation) for row in timed]
    if len({*work}) < 2:
        return None
    seconds = [float(row.processor_seconds) / row.threads for row in timed]
    return float(np.polyfit(work, seconds, 1)[0] * _work(train, validation))


def _work(images: int, validation: int) -> float:
    """Return how many images to train with an epoch is worth."""
    return images + validation / PASSES


def _trained_in_full(
    recipes: Mapping[str, Recipe], whole: Mapping[str, int]
) -> tuple[dict[Cell, Full], list[str]]:
    """Return what the frozen studies hold that was trained as the tries were.

    And a sentence for each that is missing or has other settings.
    """
    found: dict[Cell, Full] = {}
    notes = []
    for study in TRAINED:
        folder = STUDIES / study
        if not (folder / "params.yaml").is_file():
            notes.append(f"The frozen study `{study}`, of networks trained in full, is missing.")
            continue
        params = load_params(folder / "params.yaml")
        others = []
        for dataset, model in itertools.product(DATASETS, params.models):
            files = sorted((folder / "results" / dataset / model / "history").glob("s*.csv"))
            if not files or model not in recipes or (dataset, model) in found:
                continue
            if params.recipe_for(model, dataset) == recipes[model].on(dataset):
                found[dataset, model] = _mean_history(study, files, whole[dataset])
            else:
                others.append(_name((dataset, model)))
        if others:
            notes.append(
                f"The frozen study `{study}` trained {listing(others)} with other settings than "
                f"the recipe `{RECIPE}` has now, so that is left out."
            )
    return found, notes


def _mean_history(study: str, files: Sequence[Path], whole: int) -> Full:
    histories = [load_csv(file, Epoch) for file in files]
    points = [
        Point(
            number * whole,
            fmean(each.validation_loss for each in epochs),
            fmean(each.validation_accuracy for each in epochs),
        )
        for number, epochs in enumerate(zip(*histories, strict=True), 1)
    ]
    return Full(study, points, len(files))


def _core_seconds(file: Path) -> dict[str, float]:
    """Return the core seconds of a training image by the measured speeds of all cores together."""
    known = json.loads(file.read_text(encoding="utf-8"))
    cores = int(known["machine"]["cores in use"])
    return {
        model: cores * median(map(truediv, each["ours"]["seconds"], each["ours"]["images"]))
        for model, each in known["networks"].items()
        if "ours" in each
    }


def _measured(cell: Cell, probed: Probed) -> dict[str, Any]:
    return _names(cell) | {
        "by_seen": {point.seen: point for point in probed.points},
        "exponent": power_law(probed.points).exponent,
        "by_tries": probed.by_tries,
        "by_steps": probed.by_steps,
    }


def _predicted(cell: Cell, known: Known) -> dict[str, Any]:
    """Return a row of the table of predictions, with less in it where less is known.

    `hours` are those of an epoch, None where they are not known; `after` is the accuracy after the
    epochs of the profile laptop;
    `beyond`: the original's accuracy is above all that the relation rests on.
    """
    dataset, model = cell
    printed = known.original.cell(dataset, model)
    original = printed.test_accuracy if printed else None
    laptop = known.params.profiles["laptop"][model].epochs_on(dataset)
    row = _names(cell) | {
        "original": original,
        "about": printed is not None and "test_accuracy" in printed.approximate,
        "laptop": laptop,
        "measured": cell in known.probed,
        "partial": cell in known.probed and known.probed[cell].is_partial,
        "beyond": False,
    }
    if cell not in known.probed:
        return row
    probed, whole = known.probed[cell], known.whole[dataset]
    relation = _relation(dataset, known)
    after = accuracy_after(probed.points, laptop, whole, relation)
    hours = None if probed.epoch_seconds is None else probed.epoch_seconds / 3600
    row |= {"after": after, "hours": hours}
    if original is None:
        return row
    loss = relation.loss(original)
    return row | {
        "loss": loss,
        "epochs": epochs_until(probed.points, loss, whole),
        "beyond": original > relation.best,
    }


def _corrected(row: dict[str, Any], checked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add the epochs times what predictions of other networks were off by, the least and the most.

    Those on the same image set and from the same kind of tries count.
    """
    factors = [
        each["factor"]
        for each in checked
        if (each["dataset"], each["partial"]) == (row["dataset"], row["partial"]) and each["factor"]
    ]
    if "epochs" not in row or not factors:
        return row
    best = row["epochs"].best
    ends = [max(1.0, factor * best) for factor in (min(factors), max(factors))]
    return row | {"corrected": Span(best, *ends)}


def _all_checked(known: Known) -> list[dict[str, Any]]:
    """Hold predictions against full trainings, from the same kinds of tries as the large ones had.

    On an image set where a large network was tried on part of the images alone, also from such
    tries alone.
    """
    partial = {
        cell[0] for cell, each in known.probed.items() if cell[1] in LARGE and each.is_partial
    }
    rows = []
    for cell, each in known.probed.items():
        if cell in known.full:
            rows.append(_checked(cell, each.points, known) | {"partial": each.is_partial})
            if cell[0] in partial and not each.is_partial and len(each.part) > 1:
                rows.append(_checked(cell, each.part, known) | {"partial": True})
    return rows


def _checked(cell: Cell, points: Sequence[Point], known: Known) -> dict[str, Any]:
    """Predict what full trainings gave, without a figure of that network's full trainings.

    `until` are the epochs predicted for the accuracy that they came to, `factor` how many times as
    many it took; zero where none would have led there.
    """
    dataset, model = cell
    full, whole = known.full[cell], known.whole[dataset]
    epochs = len(full.points)
    relation = _relation(dataset, known, without=model)
    after, found = accuracy_after(points, epochs, whole, relation), full.points[-1].accuracy
    until = epochs_until(points, relation.loss(found), whole)
    return _names(cell) | {
        "study": full.study,
        "epochs": epochs,
        "after": after,
        "found": found,
        "until": until,
        "factor": epochs / until.best,
        "too_low": after.best < found,
        "seeds": full.seeds,
    }


def _took(row: Mapping[str, Any]) -> str:
    tries = ", from a tenth alone" if row["partial"] else ""
    return f"{row['factor']:.2f} times ({row['name']}{tries})"


def _names(cell: Cell) -> dict[str, Any]:
    dataset, model = cell
    return {"dataset": dataset, "title": NETWORKS[model], "name": _name(cell)}


def _name(cell: Cell) -> str:
    dataset, model = cell
    return f"{NETWORKS[model]} on {dataset}"


def _relation(dataset: str, known: Known, without: str | None = None) -> Relation:
    """Return how accuracy hangs on loss, from the probes and from trainings in full.

    Of these it takes the second half of the epochs, in which the learning rate falls: before,
    losses are worse than the accuracies are.
    """
    points = [
        point
        for cell, probed in known.probed.items()
        if cell[0] == dataset
        for point in probed.points
    ]
    points += [
        point
        for cell, full in known.full.items()
        if cell[0] == dataset and cell[1] != without
        for point in full.points[len(full.points) // 2 :]
    ]
    return Relation(points)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=[*LARGE])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=[*DATASETS])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="of the training")
    for name, default, images in (
        ("--tenth-epochs", TENTH_EPOCHS, "a tenth of the training images"),
        ("--whole-epochs", WHOLE_EPOCHS, "all training images"),
    ):
        help_text = f"lengths of the schedules on {images}"
        parser.add_argument(name, type=int, nargs="*", default=[*default], help=help_text)
    parser.add_argument("--prepared", type=Path, default=ROOT / "data" / "prepared")
    parser.add_argument("--table", action="store_true", help="only write the page")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
