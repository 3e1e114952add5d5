"""Trainings that took place: where, on what and how long."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cnnreport.errors import ResultsError
from cnnreport.machine import processor_name, usable_cores
from cnnreport.planning.work import Shape
from cnnreport.records import CellMetrics, DatasetRecord, TrainingRecord, load_json


@dataclass(frozen=True)
class Machine:
    """What is known, without TensorFlow, of what decides how fast a training is."""

    processor: str
    cores: int
    precision: str
    threads: int

    @classmethod
    def here(cls, precision: str, threads: int | None) -> "Machine":
        """Return the machine that this process is on; no `threads` are as many as it has cores."""
        cores = usable_cores()
        return cls(processor_name(), cores, precision, threads or cores)


@dataclass(frozen=True)
class PastRun:
    """A training that took place.

    `macs` is of the network an image, `shape` that of the image set; None where it is unknown.
    `times` is how many times the work of one of its images an image of a training to come is.
    """

    model: str
    dataset: str
    record: TrainingRecord
    macs: int | None = None
    shape: Shape | None = None
    times: float = 1.0

    @property
    def machine(self) -> Machine:
        """Where it took place, and in how many threads."""
        record = self.record
        told = record.seals[-1].start.parameters.get("threads") if record.seals else None
        threads = told if isinstance(told, int) else record.cores
        return Machine(record.processor, record.cores, record.precision, threads)

    @property
    def images(self) -> float:
        """How many images of the training to come would have been as much work."""
        return self.record.images_seen / self.times


def load_past_runs(folders: Iterable[Path]) -> list[PastRun]:
    """Read the records of trainings below folders of results, each training once.

    What cannot be read is left out: a plan is not the place to complain of old results.
    """
    found: dict[tuple[object, ...], PastRun] = {}
    for path in (
        path for folder in folders for path in sorted(folder.glob("*/*/training/s*.json"))
    ):
        cell = path.parents[1]
        with suppress(ResultsError):
            record = load_json(path, TrainingRecord)
            macs, shape = _recorded_macs(cell), _recorded_shape(cell.parent)
            run = PastRun(cell.name, cell.parent.name, record, macs, shape)
            found[run.model, run.dataset, record.started, record.train_seconds] = run
    return list(found.values())


def _recorded_macs(cell: Path) -> int | None:
    with suppress(ResultsError):
        return load_json(cell / "metrics.json", CellMetrics).macs
    return None


def _recorded_shape(folder: Path) -> Shape | None:
    with suppress(ResultsError):
        record = load_json(folder / "dataset.json", DatasetRecord)
        return Shape(record.image_shape[0], len(record.class_names))
    return None
