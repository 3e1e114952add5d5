"""The results of a study as typed records and the files that hold them.

This is the contract between the half that runs Keras and the half that writes the report: the
stages train and evaluate write these files, everything after them reads only these files. All of
them are small and tracked by git. Except for ``training/s*.json`` they are the same bytes again
when the same training is run again on the same machine.

Layout below the results folder, for an image set D, a network M and a seed S:

=============================== ========== ====================================================
file                            written by holds
=============================== ========== ====================================================
D/dataset.json                  prepare    `DatasetRecord`
D/origin.json                   prepare    `Origin`: what became of the files of a folder
D/M/history/sS.csv              train      list of `Epoch`
D/M/training/sS.json            train      `TrainingRecord`: times, memory, hardware, versions
D/M/metrics.json                evaluate   `CellMetrics`
D/M/confusion/sS.csv            evaluate   columns actual, predicted: class names, a row an image
D/M/classes.csv                 evaluate   columns class, accuracy: mean over the seeds
D/M/predictions/sS.csv          evaluate   list of `Prediction`, a row a test image
D/M/architecture.json           evaluate   `Architecture`: the layer table of the built network
D/M/evaluation.json             evaluate   `Seal`: what the predictions were made from
D/M/example.json                activations `cnnreport.examples.Example`: one image, step by step
=============================== ========== ====================================================
"""

import csv
import functools
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from cnnreport.errors import ResultsError

T = TypeVar("T")

SIGNIFICANT_DIGITS = 6
"""Floats are written with so many digits: enough for every use, without the last bits' noise."""


class _Checked:
    """What the records that come from JSON have in common: their types are checked, strictly."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True)
class FileNote(_Checked):
    """A file of a folder by its path from the folder on, and what is to be said of it."""

    path: str
    note: str


@dataclass(frozen=True)
class FolderRecord(_Checked):
    """How an image set was made from a folder of images (`cnnreport.folders`).

    `divided`: the folder has train/ and test/ of its own; else `test_fraction` of the images became
    the test part. `found` counts all files, `enlarged` the used images that were smaller than they
    are now. `left_out` names every file that is not of the set, `notes` used ones of which
    something is to be said. `test_files` are the paths of the test images in the prepared order.
    `listing` is the SHA-256 over paths and contents of all files.
    """

    divided: bool
    test_fraction: float
    fit: str
    found: int
    enlarged: int
    left_out: list[FileNote]
    notes: list[FileNote]
    test_files: list[str]
    listing: str


@dataclass(frozen=True)
class Origin(_Checked):
    """Where an image set came from, kept apart from what trainings depend on.

    `folder` is None unless it was made from somebody's folder of images.
    """

    folder: FolderRecord | None = None


@dataclass(frozen=True)
class DatasetRecord(_Checked):
    """What an image set is and how it was split.

    `mean` and `deviation` are per channel, of pixels / 255, over the training part only (the
    validation part excluded). `digest` is the SHA-256 of all prepared arrays. `source` says where
    the images came from in words that hold on every machine (no path). `class_counts` has, for
    each split, the images of each class; it is empty in kept studies that are older.
    """

    name: str
    title: str
    source: str
    class_names: list[str]
    train_images: int
    validation_images: int
    test_images: int
    image_shape: list[int]
    validation_fraction: float
    split_seed: int
    mean: list[float]
    deviation: list[float]
    digest: str
    class_counts: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Epoch:
    """One row of a history; accuracies are fractions, losses cross-entropies in nats.

    For a network trained under several losses these are the figures of its main output.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class Inputs(_Checked):
    """What a stage works from, at one moment.

    `parameters` are the keys of params.yaml that the stage declares, with their values; `data` and
    `code` hold the MD5 of each file by name, as dvc.lock does. `packages` is the SHA-256 over
    names and versions of all installed packages.
    """

    parameters: dict[str, Any]
    data: dict[str, str]
    code: dict[str, str]
    packages: str


@dataclass(frozen=True)
class Seal(_Checked):
    """The inputs of a stage when it started and when it ended (see `cnnreport.seals`).

    `weights` is the SHA-256 of the weights that it wrote or read, by seed. `commit` is that of the
    checkout, `changed` which files that matter differed from it; both are kept of trainings alone.
    """

    start: Inputs
    end: Inputs
    weights: dict[str, str]
    commit: str = ""
    changed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TrainingRecord(_Checked):
    """What one training cost and where it ran: the facts that differ from run to run.

    Seconds are summed over all sittings of a training that was interrupted; `sittings` counts
    them. `latency_ms_batch_1` and `latency_ms_batch_128` are the median milliseconds that a batch
    of so many images takes from bytes in memory to probabilities. `energy_kwh` is an estimate made
    as `energy_method` says; None where none could be made. `replicas` counts the devices that
    shared each batch. `key` is the SHA-256 of everything that decides the outcome: parameters,
    code, images, libraries. `first_batch_loss` is the mean cross-entropy, in nats, of the first
    batch before anything was learnt. `seals` holds the seal of the last sitting (a list, which
    `dvc metrics` passes over); earlier sittings had the same key.

    The defaults are what holds for the records of kept studies that are older than these fields.
    """

    started: str
    train_seconds: float
    cpu_seconds: float
    peak_memory_mib: float
    images_seen: int
    processor: str
    cores: int
    accelerators: list[str]
    platform: str
    versions: dict[str, str]
    sittings: int = 1
    latency_ms_batch_1: float | None = None
    latency_ms_batch_128: float | None = None
    energy_kwh: float | None = None
    energy_method: str = "no estimate: none was made at the time"
    precision: str = "float32"
    replicas: int = 1
    key: str = ""
    first_batch_loss: float | None = None
    seals: list[Seal] = field(default_factory=list)


@dataclass(frozen=True)
class Prediction:
    """What a network said of one test image.

    `image` counts the test images from 0 in the prepared order. `label_rank` is 1 when the true
    class has the highest probability, so top-k accuracy is the share with ``label_rank <= k``.
    `confidence` is the highest probability, `probability_squares` the sum of all squared ones:
    with `label_probability` they give log-loss, Brier score and calibration.
    """

    image: int
    label: int
    predicted: int
    label_rank: int
    confidence: float
    label_probability: float
    probability_squares: float


@dataclass(frozen=True)
class Layer(_Checked):
    """One row of a layer table; `output_shape` leaves out the batch axis."""

    name: str
    kind: str
    output_shape: list[int]
    parameters: int
    activation: str
    settings: str
    inputs: list[str]


@dataclass(frozen=True)
class Architecture(_Checked):
    """A built network as a table, its parameter totals and multiply-accumulates per image."""

    layers: list[Layer]
    parameters: int
    trainable_parameters: int
    non_trainable_parameters: int
    macs: int


@dataclass(frozen=True)
class CellMetrics(_Checked):
    """The figures of one cell (network x image set) on its test images.

    Figures without ``_by_seed`` are means over the seeds. `top5_accuracy` is None where there are
    five classes or fewer. `loss` is the cross-entropy in nats of the probabilities, without any
    penalty on the weights. `train_accuracy` is the last epoch's. `balanced_accuracy` is the mean
    of the accuracies of the classes, so a frequent class counts no more than a rare one (Brodersen
    et al. 2010, section II); kept studies that are older have none.
    """

    accuracy: float
    top5_accuracy: float | None
    loss: float
    train_accuracy: float
    validation_accuracy: float
    parameters: int
    trainable_parameters: int
    non_trainable_parameters: int
    macs: int
    epochs: int
    images_seen: int
    test_images: int
    recipe: str
    accuracy_by_seed: dict[str, float]
    class_accuracy: dict[str, float]
    balanced_accuracy: float | None = None


def to_json(record: Any) -> str:
    """Render a record as indented JSON with rounded floats."""
    return json.dumps(rounded(asdict(record)), indent=2, ensure_ascii=False) + "\n"


def to_csv(records: Sequence[Any]) -> str:
    """Render records of one type as CSV with a header and Unix line ends."""
    rows = [asdict(record) for record in records]
    return rows_to_csv(list(rows[0]), (row.values() for row in rows))


def rows_to_csv(header: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Render plain rows as CSV; floats are rounded as everywhere in the results."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([rounded(value) for value in row] for row in rows)
    return buffer.getvalue()


def save_text(path: Path, text: str) -> None:
    """Write a results file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def load_json(path: Path, kind: type[T]) -> T:
    """Read a record from JSON; a missing file or another form is a `ResultsError`."""
    try:
        return parse(path.read_text(encoding="utf-8"), kind)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read; run `dvc repro` first") from error
    except ValidationError as error:
        problem = _first_problem(error)
        raise ResultsError(f"{path}: does not hold a {kind.__name__} ({problem})") from error
    except ValueError as error:
        raise ResultsError(f"{path}: does not hold a {kind.__name__} ({error})") from error


def parse(text: str, kind: type[T]) -> T:
    """Turn JSON into a record, with the records inside of it.

    Raises:
        ValidationError: it is no JSON, or a field is missing, unknown or of another type.

    """
    return _adapter(kind).validate_json(text)  # type: ignore[no-any-return, arg-type]


@functools.cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def load_csv(path: Path, kind: type[T]) -> list[T]:
    """Read records from CSV; a missing file or another form is a `ResultsError`."""
    readers = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                kind(**{name: readers[name](text) for name, text in row.items()})  # type: ignore
                for row in csv.DictReader(file)
            ]
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read; run `dvc repro` first") from error
    except (TypeError, KeyError, ValueError) as error:
        raise ResultsError(f"{path}: does not hold {kind.__name__} rows ({error})") from error


def rounded(value: Any) -> Any:
    """Return a value with the floats in it rounded as the files of results hold them."""
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    if isinstance(value, dict):
        # What people wrote into params.yaml is exact.
        return {key: item if key == "parameters" else rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value
