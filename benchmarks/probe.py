"""Predict how long the large networks must train to pass the original study's figures.

Each network is trained, the recipe `modern`, with short schedules: a few epochs on a tenth of the
training images, one epoch on all of them. Accuracies are on validation images; the test images are
never read. Through the losses goes a power law in the number of images seen (Hestness et al. 2017,
"Deep learning scaling is predictable, empirically", section 2), and where it meets the loss that
goes with the original's accuracy stands the number of epochs. What that is worth shows on the
networks that were trained in full: the page holds the prediction for them against what came. Tries
are kept in docs/benchmarks/probe.csv and not made again; docs/benchmarks/probe.md is the page.

Example:
    python benchmarks/probe.py --models resnet50 googlenet

takes about an hour and a half a network and core. `--table` only writes the page anew.
"""

import argparse
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment
from sklearn.isotonic import IsotonicRegression

# The package of this checkout, whichever one is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from search import Try, load, once

from cnnreport.errors import CnnReportError, InputError
from cnnreport.machine import use
from cnnreport.networks import NETWORKS
from cnnreport.original import load_original
from cnnreport.params import load_params
from cnnreport.prepared import load_record
from cnnreport.records import Epoch, load_csv

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "benchmarks" / "probe.csv"
PAGE = TABLE.with_suffix(".md")
TEMPLATE = Path(__file__).with_name("probe.md.j2")
ORIGINAL = ROOT / "report" / "original_study.yaml"
TRAINED = ROOT / "report" / "studies" / "small-nets-modern"
"""A frozen study of networks trained in full with the same recipe."""

DATASETS = ("cifar10", "cifar100")
LARGE = ("vgg16", "resnet50", "googlenet")
TENTH_EPOCHS = (2, 4)
"""Up to about four epochs, images seen again teach nearly as much as new ones.

Muennighoff et al. 2023, "Scaling data-constrained language models", section 6.
"""


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
        return float((self.scale / loss) ** (1 / self.exponent))


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


def power_law(points: Sequence[Point]) -> Law:
    """Fit a line to the logarithms of images seen and loss, by least squares.

    Raises:
        ValueError: fewer than two points.

    """
    if len(points) < 2:
        raise ValueError(f"wanted two points or more, came {len(points)}")
    seen = np.log([point.seen for point in points])
    loss = np.log([point.loss for point in points])
    slope, level = np.polyfit(seen, loss, 1)
    return Law(float(np.exp(level)), float(-slope))


def laws(points: Sequence[Point]) -> list[Law]:
    """Return the law through all points, then those through the last point and one other."""
    *others, last = sorted(points, key=lambda point: point.seen)
    return [power_law(points), *(power_law([other, last]) for other in others)]


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
        PAGE.write_text(page(load(TABLE)), encoding="utf-8", newline="\n")
    except CnnReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _probe(args: argparse.Namespace) -> None:
    recipes = load_params(ROOT / "params.yaml").recipes["modern"]
    for dataset in args.datasets:
        images = load_record(args.prepared / dataset).train_images
        for model in args.models:
            tries = [*((images // 10, epochs) for epochs in TENTH_EPOCHS), (images, 1)]
            for count, epochs in tries:
                row = Try(dataset, model, count, epochs, args.seed)
                once(recipes[model].on(dataset), row, args.prepared, TABLE)


def page(rows: Sequence[Try]) -> str:
    """Return the page: what was measured, what it predicts, and what the prediction is worth.

    Raises:
        InputError: there are no two tries of any network that did not diverge.

    """
    known = [row for row in rows if row.validation_accuracy]  # the others diverged
    environment = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    groups = {
        (dataset, model): tries
        for dataset in DATASETS
        for model in NETWORKS
        if len(tries := [row for row in known if (row.dataset, row.model) == (dataset, model)]) > 1
    }
    if not groups:
        raise InputError(f"{TABLE}: wanted two tries of a network, came none; run without --table")
    text = template.render(
        whole=max(row.images for row in known),
        tenth_epochs=TENTH_EPOCHS,
        measured=[_measured(*names, tries) for names, tries in groups.items()],
        predicted=[_predicted(*names, groups) for names in groups if names[1] in LARGE],
        checked=[_checked(*names, groups) for names in groups if _trained(*names)],
        trained=TRAINED.name,
        ceil=math.ceil,
        infinity=math.inf,
    )
    return text.rstrip() + "\n"


Groups = Mapping[tuple[str, str], Sequence[Try]]
"""The tries by image set and network."""


def _measured(dataset: str, model: str, tries: Sequence[Try]) -> dict[str, Any]:
    points = _points(tries)
    exponent = power_law(points).exponent
    measured = {"points": points, "exponent": exponent, "seconds": _epoch_seconds(tries)}
    return _names(dataset, model) | measured


def _predicted(dataset: str, model: str, groups: Groups) -> dict[str, Any]:
    tries = groups[dataset, model]
    points, whole = _points(tries), max(row.images for row in tries)
    relation = _relation(dataset, groups)
    original = load_original(ORIGINAL).accuracies[dataset, model]
    laptop = load_params(ROOT / "params.yaml").profiles["laptop"][model].epochs_on(dataset)
    loss = None if original is None else relation.loss(original)
    return _names(dataset, model) | {
        "original": original,
        "loss": loss,
        "epochs": None if loss is None else epochs_until(points, loss, whole),
        "hours": _epoch_seconds(tries) / 3600,
        "laptop": laptop,
        "after": accuracy_after(points, laptop, whole, relation),
    }


def _checked(dataset: str, model: str, groups: Groups) -> dict[str, Any]:
    """Predict what a full training gave, without a figure of that network's full trainings."""
    tries = groups[dataset, model]
    histories = _trained(dataset, model)
    epochs, whole = len(histories[0]), max(row.images for row in tries)
    after = accuracy_after(_points(tries), epochs, whole, _relation(dataset, groups, without=model))
    found = [history[-1].validation_accuracy for history in histories]
    return _names(dataset, model) | {"epochs": epochs, "after": after, "found": found}


def _names(dataset: str, model: str) -> dict[str, Any]:
    return {"dataset": dataset, "title": NETWORKS[model]}


def _points(tries: Sequence[Try]) -> list[Point]:
    return [
        Point(row.images * row.epochs, float(row.validation_loss), float(row.validation_accuracy))
        for row in tries
    ]


def _epoch_seconds(tries: Sequence[Try]) -> float:
    whole = max(tries, key=lambda row: row.images)
    return float(whole.seconds) / whole.epochs


def _relation(dataset: str, groups: Groups, without: str | None = None) -> Relation:
    """Return how accuracy hangs on loss, from the probes and from trainings in full.

    Of these it takes the second half of the epochs, in which the learning rate falls: before,
    losses are worse than the accuracies are.
    """
    points = [point for names in groups if names[0] == dataset for point in _points(groups[names])]
    for model in NETWORKS:
        for history in _trained(dataset, model) if model != without else []:
            points += [
                Point(0, epoch.validation_loss, epoch.validation_accuracy)
                for epoch in history[len(history) // 2 :]
            ]
    return Relation(points)


def _trained(dataset: str, model: str) -> list[list[Epoch]]:
    """Return the histories of the full trainings in the frozen study, one for each seed."""
    files = sorted((TRAINED / "results" / dataset / model / "history").glob("s*.csv"))
    return [load_csv(file, Epoch) for file in files]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=[*LARGE])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=[*DATASETS])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="of the training")
    parser.add_argument("--prepared", type=Path, default=ROOT / "data" / "prepared")
    parser.add_argument("--table", action="store_true", help="only write the page")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
