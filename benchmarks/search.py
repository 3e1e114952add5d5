"""Try recipes on validation images and keep what each gave, in docs/benchmarks/search.csv.

The test images are never read. Every try is a row: what was trained, on how many images, for how
long, with which settings, and the accuracy on the validation images after the last epoch. Example:

    python benchmarks/search.py --dataset cifar10 --model lenet --epochs 5 --images 20000 \
        --set learning_rate=0.05,0.1,0.2 --set flip=true

Each combination of the values is tried with each seed, from the recipe `modern` of params.yaml.
A try that is in the table already is not made again. `--table` only writes the page anew.
"""

import argparse
import csv
import itertools
import json
import sys
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

# The package of this checkout, whichever one is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from cnnreport.errors import CnnReportError, InputError, TrainingError
from cnnreport.params import Recipe, load_params
from cnnreport.prepared import Split, load_record, load_split

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "benchmarks" / "search.csv"
PAGE = TABLE.with_suffix(".md")
COUNTS = ("images", "epochs", "seed", "threads")


@dataclass(frozen=True)
class Try:
    """One row of the table; `settings` holds what differs from Recipe's own defaults.

    `seconds` are by the clock, `processor_seconds` those of all threads on the processor, which
    other work beside lengthens less; early tries lack them.
    """

    dataset: str
    model: str
    images: int
    epochs: int
    seed: int
    settings: str = ""
    validation_accuracy: str = ""
    validation_loss: str = ""
    train_accuracy: str = ""
    seconds: str = ""
    processor_seconds: str = ""


AnyTry = TypeVar("AnyTry", bound=Try)


def main() -> int:
    """Make the tries that the arguments name; return 0, or 2 for an error of the user's."""
    args = _parse()
    try:
        for recipe, seed in itertools.product([] if args.table else _recipes(args), args.seeds):
            row = Try(args.dataset, args.model, args.images, args.epochs, seed)
            once(recipe, row, args.prepared)
    except CnnReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    PAGE.write_text(page(load(TABLE, Try)), encoding="utf-8", newline="\n")
    return 0


def load(table: Path, kind: type[AnyTry]) -> list[AnyTry]:
    """Return the rows of a table; none where there is no such file.

    Raises:
        InputError: it lacks a column of such rows, or has another one.

    """
    if not table.exists():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        wanted, came = [field.name for field in fields(kind)], list(reader.fieldnames or [])
        if wanted != came:
            odd = sorted({*wanted} ^ {*came}) or ["the order"]
            raise InputError(
                f"{table}: wanted the columns {', '.join(wanted)}; it differs in {', '.join(odd)}"
            )
        return [
            kind(**{name: int(text) if name in COUNTS else text for name, text in row.items()})  # type: ignore[arg-type]
            for row in reader
        ]


def page(rows: list[Try]) -> str:
    """Return the table as a page, the best try of each group first."""
    lines = [
        "# What was tried for the modern recipe",
        "",
        "Written by `benchmarks/search.py`. Accuracies are on validation images after the last",
        "epoch; the test images took no part. One seed each, so small differences mean nothing.",
        "The seconds are those of a machine that did other work as well;",
        "[throughput](throughput.md) is where speed is measured.",
        "",
    ]
    groups = itertools.groupby(
        sorted(rows, key=lambda row: (row.dataset, row.model, -row.epochs, -row.images)),
        key=lambda row: (row.dataset, row.model, row.epochs, row.images),
    )
    for (dataset, model, epochs, images), tries in groups:
        lines += [
            f"## {model} on {dataset}: {epochs} epochs, {images:,} images",
            "",
            "| Settings | Seed | Validation accuracy | Training accuracy | Seconds |",
            "|---|--:|--:|--:|--:|",
        ]
        best_first = sorted(tries, key=lambda row: row.validation_accuracy, reverse=True)
        lines += [
            f"| {row.settings} | {row.seed} | {row.validation_accuracy or 'diverged'} "
            f"| {row.train_accuracy} | {row.seconds} |"
            for row in best_first
        ]
        lines.append("")
    return "\n".join(lines)


def once(recipe: Recipe, row: Try, prepared: Path, table: Path = TABLE) -> None:
    """Make a try with the first `row.images` images and append it; nothing if it is there already.

    All rows of a table are of one kind, that of `row`.

    Args:
        recipe: how to train.
        row: what to try, without `settings` and results; 0 images are all there are.
        prepared: folder of prepared image sets.
        table: where the row goes.

    """
    dataset = load_record(prepared / row.dataset)
    train = _first(load_split(prepared / row.dataset, "train"), row.images)
    row = replace(row, images=len(train.labels), settings=settings_of(recipe))
    same = asdict(row).items() - {(name, "") for name in asdict(row)}
    if any(same <= asdict(known).items() for known in load(table, type(row))):
        return
    from cnnreport.training import Trainer, fit  # noqa: PLC0415 - takes seconds to load

    started, computed = time.perf_counter(), time.process_time()
    results: dict[str, str] = {}
    try:
        trainer = Trainer(
            row.model, dataset, train, recipe=recipe, epochs=row.epochs, seed=row.seed
        )
        last = fit(trainer, load_split(prepared / row.dataset, "validation"))[-1]
        results = {
            "validation_accuracy": f"{last.validation_accuracy:.4f}",
            "validation_loss": f"{last.validation_loss:.4f}",
            "train_accuracy": f"{last.train_accuracy:.4f}",
        }
    except TrainingError as error:
        print(error)
    results["seconds"] = f"{time.perf_counter() - started:.0f}"
    results["processor_seconds"] = f"{time.process_time() - computed:.1f}"
    _append(replace(row, **results), table)


def _append(row: Try, table: Path) -> None:
    table.parent.mkdir(parents=True, exist_ok=True)
    new = not table.exists()
    with table.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(row)], lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(asdict(row))
    print(row, flush=True)


def _first(split: Split, images: int) -> Split:
    """Return a part of a split drawn once and for all, or the whole of it."""
    count = len(split.labels)
    rows = np.sort(np.random.default_rng(0).permutation(count)[: images or count])
    return Split(split.images[rows], split.labels[rows])


def _recipes(args: argparse.Namespace) -> list[Recipe]:
    """Return a recipe for each combination of the values to try."""
    base = load_params(ROOT / "params.yaml").recipes[args.recipe][args.model].on(args.dataset)
    return [
        Recipe.model_validate(base.model_dump() | dict(zip(args.set, values, strict=True)))
        for values in itertools.product(*args.set.values())
    ]


def settings_of(recipe: Recipe) -> str:
    """Return how a table writes a recipe: what differs from the defaults."""
    changed = recipe.model_dump(exclude_defaults=True)
    return ", ".join(f"{name} {value}" for name, value in changed.items())


def _values(text: str) -> tuple[str, list[object]]:
    name, _, values = text.partition("=")
    return name, [_value(value) for value in values.split(",")]


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--model", default="lenet")
    parser.add_argument("--recipe", default="modern", choices=("report", "modern"))
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=0, help="training images; all by default")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", type=_values, action="append", default=[], metavar="KEY=V1,V2")
    parser.add_argument("--prepared", type=Path, default=ROOT / "data" / "prepared")
    parser.add_argument("--table", action="store_true", help="only write the page")
    args = parser.parse_args()
    args.set = dict(args.set)
    return args


if __name__ == "__main__":
    sys.exit(main())
