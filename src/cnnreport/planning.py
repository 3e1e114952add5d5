"""Say what a run would do, why and about how long it would take; nothing is run.

Times are of trainings alone, by the records of past ones: seconds in proportion to the training
images that a network goes through and to the multiply-accumulates of one, which hang on the size of
the images and, a little, on the number of classes; plus a start-up time where past runs of
different lengths tell one.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, Literal

from ruamel.yaml import YAML

from cnnreport.checkpoints import checkpoint_root
from cnnreport.cifar import CIFAR_SETS
from cnnreport.datasets import LISTINGS
from cnnreport.errors import ResultsError
from cnnreport.folders import TEST, list_folder, load_listing
from cnnreport.folders.reading import has_test
from cnnreport.formats import listing, plural, seconds
from cnnreport.machine import processor_name, usable_cores, use
from cnnreport.params import Folder, Params, load_params, parse_params
from cnnreport.pipeline import (
    ALWAYS,
    PARAMS_FILE,
    Pipeline,
    Reason,
    StageState,
    override,
    project_folder,
)
from cnnreport.records import CellMetrics, DatasetRecord, Origin, TrainingRecord, load_json
from cnnreport.scheduling import TRAINING
from cnnreport.splits import images_to_train

INVENTORY = "inventory@"
"""How the stages begin that list a folder of images each."""

STEADY = frozenset({"check"})
"""Stages that write the same whatever they read, so that no other one runs after them for it."""

TRAIN_IMAGES = {"digits": 1257, "cifar10": 50_000, "cifar100": 50_000}
"""Images of each set to train with, before the validation part is taken out."""

TRAIN_IMAGES_OF_A_CLASS = {"cifar10": 5_000, "cifar100": 500}

CLASSES = {"digits": 10, **{name: len(each.class_names) for name, each in CIFAR_SETS.items()}}
"""Classes of each set."""

SIDE = 32
"""Pixels of a side of the images of each set."""

MUCH_LONGER = 10
"""Beyond this factor a short run does not tell how long a long one takes."""

SHOWN = 2
"""So many reasons, and so many earlier stages, are named in a table."""

Action = Literal["run", "restore", "follow"]


@dataclass(frozen=True)
class Step:
    """One stage that a run would not skip, or perhaps not.

    `action` is ``run``, ``restore`` (DVC takes the outputs from its cache) or ``follow``: the
    stage itself is up to date, and runs only if the stages in `follows`, which come before it,
    write something else than is there now.
    """

    name: str
    action: Action
    reasons: tuple[str, ...]
    follows: tuple[str, ...]


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
class Shape:
    """What of an image set decides the work of an image: its side in pixels, and the classes."""

    side: int
    classes: int


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


@dataclass(frozen=True)
class Training:
    """A training to come; `images` counts those it goes through, over all epochs."""

    model: str
    dataset: str
    images: int
    shape: Shape


@dataclass(frozen=True)
class Estimate:
    """How many seconds trainings would take, by the quickest and the slowest past runs."""

    low: float
    high: float
    basis: str


@dataclass(frozen=True)
class Plan:
    """What a run would do, with the estimates by the names of stages and notes for the reader.

    `upstream` has, for every stage in the order of running, those that it reads from directly.
    """

    steps: tuple[Step, ...]
    estimates: dict[str, Estimate]
    notes: tuple[str, ...]
    upstream: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def total(self, *actions: Action) -> Estimate:
        """Return the sum of the estimates of the steps that have one of the actions."""
        found = [
            self.estimates[step.name]
            for step in self.steps
            if step.action in actions and step.name in self.estimates
        ]
        low, high = math.fsum(each.low for each in found), math.fsum(each.high for each in found)
        return Estimate(low, high, plural(len(found), "training"))


def load_plan(changes: Sequence[str], targets: Sequence[str]) -> Plan:
    """Return what ``dvc repro`` in the working directory would do after `changes` of parameters.

    Past runs are those in results/ and in the studies kept under report/studies/.

    Raises:
        ParamsError: the parameters are wrong, as they stand or with the changes.
        InputError: there is no DVC project, an unknown target, or DVC refuses the pipeline.

    """
    project_folder()
    params, text = _changed(Path(PARAMS_FILE), changes)
    with Pipeline(targets, text if changes else None) as pipeline:
        stages = [looked_into(stage, params) for stage in pipeline.stages]
        steps = decide(stages, pipeline.restorable)
        upstream = {stage.name: stage.upstream for stage in pipeline.stages}
    past = load_past_runs([Path("results"), *sorted(Path("report/studies").glob("*/results"))])
    every = trainings(params)
    coming = {
        step.name: every[step.name]
        for step in steps
        if step.action != "restore" and step.name in every
    }
    macs = known_macs(past) | count_macs(uncounted(coming.values(), past))
    here = Machine.here(params.precision, params.threads)
    estimates = {
        name: found
        for name, each in coming.items()
        if (found := estimate(each, past, here, macs.get((each.model, each.shape))))
    }
    return Plan(steps, estimates, tuple(notes(steps, _kept(params))), upstream)


def looked_into(stage: StageState, params: Params) -> StageState:
    """Return a stage that lists a folder with what has changed there, as it would find out."""
    name = stage.name.removeprefix(INVENTORY)
    if Reason(ALWAYS) not in stage.reasons or name not in params.folders:
        return stage
    others = tuple(reason for reason in stage.reasons if reason != Reason(ALWAYS))
    changes = _folder_changes(Path(params.folders[name].path), LISTINGS / f"{name}.csv")
    return replace(stage, reasons=others + ((Reason(changes),) if changes else ()))


def _folder_changes(folder: Path, listed: Path) -> str:
    """Say in what a folder differs from its last listing; nothing if in nothing or not here."""
    if not folder.is_dir():
        return ""
    try:
        old = {entry.path: entry for entry in load_listing(listed)}
    except ResultsError:
        old = {}
    new = {entry.path: entry for entry in list_folder(folder)}
    counts = {
        "added": len(new.keys() - old.keys()),
        "removed": len(old.keys() - new.keys()),
        "changed": sum(old[path] != new[path] for path in old.keys() & new.keys()),
    }
    parts = [f"{count} {word}" for word, count in counts.items() if count]
    return f"{folder}: {listing(parts)}" if parts else ""


def decide(
    stages: Iterable[StageState], restorable: Callable[[StageState], bool]
) -> tuple[Step, ...]:
    """Return the stages that a run would not skip, from all stages in the order of running.

    `restorable` is asked of a stage only when no earlier one can change its inputs.
    """
    steps: dict[str, Step] = {}
    unsettled: set[str] = set()
    for stage in stages:
        follows = tuple(name for name in stage.upstream if name in unsettled)
        # What became of a file that an earlier stage writes anew does not count.
        own = [reason for reason in stage.reasons if not reason.makers & steps.keys()]
        if not own and not follows:
            continue
        restored = not follows and restorable(stage)
        action: Action = "restore" if restored else "run" if own else "follow"
        steps[stage.name] = Step(stage.name, action, tuple(each.text for each in own), follows)
        as_it_was = restored and all(each.of_output for each in own)
        if stage.name not in STEADY and not as_it_was:
            unsettled.add(stage.name)
    return tuple(steps.values())


def trainings(params: Params) -> dict[str, Training]:
    """Return what each training of a study has to do, by the name of its stage."""
    images = {dataset: train_images(dataset, params) for dataset in params.datasets}
    return {
        f"train@{model}-{dataset}-{seed}": Training(
            model,
            dataset,
            params.epochs_for(model, dataset) * images[dataset],
            shape_of(dataset, params),
        )
        for model in params.models
        for dataset in params.datasets
        for seed in params.seeds
    }


def shape_of(dataset: str, params: Params) -> Shape:
    """Return the size of a set's images and the number of its classes."""
    if dataset in params.folders:
        folder = params.folders[dataset]
        return Shape(folder.size, len(folder.classes))
    if dataset in params.subsets:
        return Shape(SIDE, len(params.subsets[dataset].classes))
    return Shape(SIDE, CLASSES[dataset])


def train_images(dataset: str, params: Params) -> int:
    """Return how many images of a set are trained with."""
    if dataset in params.folders:
        return _folder_images(dataset, params)
    if dataset in params.subsets:
        subset = params.subsets[dataset]
        whole = len(subset.classes) * TRAIN_IMAGES_OF_A_CLASS[subset.source]
    else:
        whole = TRAIN_IMAGES[dataset]
    classes = shape_of(dataset, params).classes
    return images_to_train(whole, classes, params.data.validation_fraction)


def _folder_images(name: str, params: Params) -> int:
    """Return how many images of a folder there are to train with, by the parameters as they are.

    What is divided is the images that were prepared, or, where these are none or of other classes,
    the files of the folder.
    """
    folder = params.folders[name]
    images, divided = _prepared_images(name, folder.classes) or _listed_images(folder)
    held_out = None if divided else folder.test_fraction
    return images_to_train(images, len(folder.classes), params.data.validation_fraction, held_out)


def _prepared_images(name: str, classes: Sequence[str]) -> tuple[int, bool] | None:
    """Return how many images of a folder were divided, without those of a test/ of its own.

    And whether it has one; None where none were prepared, or of other classes.
    """
    results = Path("results", name)
    with suppress(ResultsError):
        record = load_json(results / "dataset.json", DatasetRecord)
        origin = load_json(results / "origin.json", Origin).folder
        if origin and record.class_names == list(classes):
            outside = record.train_images + record.validation_images
            in_test = 0 if origin.divided else record.test_images
            return outside + in_test, origin.divided
    return None


def _listed_images(folder: Folder) -> tuple[int, bool]:
    """Return the same by the files of a folder, of which some may turn out to be no images."""
    entries = list_folder(Path(folder.path))
    usable = [e for e in entries if not e.reason and e.class_name in folder.classes]
    return sum(entry.part != TEST for entry in usable), has_test(entries)


def estimate(
    training: Training, past: Sequence[PastRun], machine: Machine, macs: int | None
) -> Estimate | None:
    """Return how long a training takes by the past runs most like it, None where nothing tells.

    Like it are, in this order: its own network or else the one next in multiply-accumulates, this
    machine, this precision, this number of threads, this size of images, this image set. `macs`
    are those of its network an image; they are needed where no past run is of that network and of
    images and classes like its own.
    """
    able = [replace(run, times=times) for run in past if (times := _times(run, training, macs))]
    if own := [run for run in able if run.model == training.model]:
        return _scaled(training, own, machine)
    if not able:
        return None
    nearest = min(able, key=lambda run: abs(math.log(run.times))).model
    found = _scaled(training, [run for run in able if run.model == nearest], machine)
    basis = f"no past run; guess from multiply-accumulates and {nearest}: {found.basis}"
    return Estimate(found.low, found.high, basis)


def _times(run: PastRun, training: Training, macs: int | None) -> float | None:
    """Return `PastRun.times` for a training with so many multiply-accumulates; None: unknown."""
    if (run.model, run.shape) == (training.model, training.shape):
        return 1.0
    return macs / run.macs if macs and run.macs else None


def _scaled(training: Training, past: Sequence[PastRun], machine: Machine) -> Estimate:
    """Scale past runs of one network to a training."""

    def likeness(run: PastRun) -> tuple[bool, ...]:
        there = run.machine
        # A much shorter run is mostly start-up, so one of other images may tell more.
        near = not _too_far(training, [run])
        return (
            _same_processor(there, machine),
            there.precision == machine.precision,
            there.threads == machine.threads,
            _side(run) == training.shape.side and near,
            run.dataset == training.dataset and near,
        )

    most = max(map(likeness, past))
    alike = _long_ones([run for run in past if likeness(run) == most])
    # Tracing and compiling take as long in one thread as in many.
    there = alike[0].machine
    start = start_up([run for run in past if replace(run.machine, threads=there.threads) == there])
    durations = [start + _seconds_per_image(run, start) * training.images for run in alike]
    basis = _basis(alike, machine, training)
    return Estimate(float(min(durations)), float(max(durations)), basis)


def _same_processor(there: Machine, here: Machine) -> bool:
    return (there.processor, there.cores) == (here.processor, here.cores)


def _side(run: PastRun) -> int | None:
    return run.shape.side if run.shape else None


def start_up(past: Sequence[PastRun]) -> float:
    """Return the seconds that a training takes whatever its length, 0 where nothing tells.

    It is what short runs took beyond the speed of the long ones, the median.
    """
    long = _long_ones(past)
    speed = median(_seconds_per_image(run, 0) for run in long)
    short = [run for run in past if run not in long]
    beyond = [run.record.train_seconds - speed * run.images for run in short]
    return max(0.0, median(beyond)) if beyond else 0.0


def _seconds_per_image(run: PastRun, start: float) -> float:
    """Return the speed of a run after its start-up, which is never all of it."""
    duration = run.record.train_seconds
    return max(duration - start, 0.1 * duration) / run.images


def _long_ones(past: Sequence[PastRun]) -> list[PastRun]:
    longest = max(run.images for run in past)
    return [run for run in past if run.images * MUCH_LONGER >= longest]


def _too_far(training: Training, past: Sequence[PastRun]) -> bool:
    return training.images > MUCH_LONGER * max(run.images for run in past)


def _basis(alike: Sequence[PastRun], machine: Machine, training: Training) -> str:
    """Say which past runs an estimate is from."""
    there = alike[0].machine
    where = (
        "this processor"
        if _same_processor(there, machine)
        else f"another processor ({there.processor}, {plural(there.cores, 'core')})"
    )
    threads = sorted({run.machine.threads for run in alike})
    if threads != [machine.threads]:
        where = f"{listing([plural(count, 'thread') for count in threads])} of {where}"
    kind = "much shorter past run" if _too_far(training, alike) else "past run"
    parts = [plural(len(alike), kind), f"on {where}"]
    if (datasets := sorted({run.dataset for run in alike})) != [training.dataset]:
        parts.append(f"with {listing(datasets)}")
    if sides := sorted({side for run in alike if (side := _side(run))} - {training.shape.side}):
        parts.append(f"scaled from {listing([f'{side}x{side}' for side in sides])} pixels")
    if there.precision != machine.precision:
        parts.append(f"in {there.precision}")
    if devices := sorted({name for run in alike for name in run.record.accelerators}):
        parts.append(f"and {listing(devices)}")
    return " ".join(parts)


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


Work = tuple[str, Shape]
"""What decides the multiply-accumulates an image: the network, and the image set's shape."""


def known_macs(past: Iterable[PastRun]) -> dict[Work, int]:
    """Return the multiply-accumulates an image that were recorded."""
    return {(run.model, run.shape): run.macs for run in past if run.macs and run.shape}


def uncounted(coming: Iterable[Training], past: Sequence[PastRun]) -> list[Work]:
    """Return whose multiply-accumulates `estimate` needs and no past run has."""
    wanted = {(each.model, each.shape) for each in coming} if past else set()
    return sorted(wanted - {(run.model, run.shape) for run in past}, key=str)


def count_macs(wanted: Sequence[Work]) -> dict[Work, int]:
    """Build networks to count their multiply-accumulates; what cannot be built is left out.

    In a process of its own, since TensorFlow may take the memory of all GPUs, which the trainings
    that are planned here will need. Nothing is started where nothing is wanted.
    """
    if not wanted:
        return {}
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_count, wanted).result()


def _count(wanted: Sequence[Work]) -> dict[Work, int]:
    use(None, 0)
    import keras

    from cnnreport.models import build_network  # noqa: PLC0415
    from cnnreport.models.inspection import describe  # noqa: PLC0415

    found: dict[Work, int] = {}
    for model, shape in wanted:
        # The weights are not made: GoogLeNet's would take 11 GB for images of 128x128 pixels.
        # What is wrong with somebody's network is for `cnnreport check` to say.
        with suppress(Exception), keras.StatelessScope(initialize_variables=False):
            network = build_network(model, (shape.side, shape.side, 3), shape.classes)
            found[model, shape] = describe(network).macs
    return found


def notes(steps: Sequence[Step], kept: Collection[str]) -> Iterable[str]:
    """Yield what a reader should know besides; `kept` are trainings with a state of theirs kept."""
    if any(step.action == "follow" for step in steps):
        yield "a stage that is only after others is skipped if they write what is there already"
    if any(step.follows for step in steps):
        yield "a stage that DVC has run with the same inputs before is restored in no time"
    if any(len(step.reasons) > SHOWN for step in steps):
        yield "`--json` lists every reason"
    if any(
        step.action == "run" and any(text.endswith(" is missing") for text in step.reasons)
        for step in steps
    ):
        yield "`dvc pull` may bring what is missing"
    if begun := [step.name for step in steps if step.action != "restore" and step.name in kept]:
        yield (
            f"{listing(begun)} may take less: a state is kept from which it goes on if nothing "
            "else has changed"
        )


def rows(plan: Plan) -> list[tuple[str, str, str]]:
    """Return a line for each stage: its name, why it would run and about how long."""
    return [(step.name, _why(step), _how_long(step, plan)) for step in plan.steps]


def summary(plan: Plan) -> str:
    """Return the line that ends a plan."""
    if not plan.steps:
        return "nothing to do: every stage is up to date"
    surely, perhaps = plan.total("run"), plan.total("follow")
    parts = [f"{surely.basis}: about {_range(surely)}"] if surely.high else []
    if perhaps.high:
        parts.append(f"{perhaps.basis} after other stages: up to {seconds(perhaps.high)}")
    restored = sum(step.action == "restore" for step in plan.steps)
    if restored:
        parts.append(f"{plural(restored, 'stage')} restored")
    if others := len(plan.steps) - restored - len(plan.estimates):
        parts.append(f"{plural(others, 'stage')} not timed")
    return "; ".join(parts)


def as_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain data; times in seconds, None where there is no estimate."""
    stages = [
        asdict(step)
        | {"seconds": asdict(plan.estimates[step.name]) if step.name in plan.estimates else None}
        for step in plan.steps
    ]
    totals = {
        action: {"low": total.low, "high": total.high}
        for action in ("run", "follow")
        for total in [plan.total(action)]
    }
    return {"stages": stages, "total_seconds": totals, "notes": list(plan.notes)}


def _why(step: Step) -> str:
    if not step.reasons:
        return f"after {_after(step.follows)}"
    hidden = len(step.reasons) - SHOWN
    shown = [*step.reasons[:SHOWN], *([f"{hidden} more"] if hidden > 0 else [])]
    return "; ".join(shown)


def _after(names: Sequence[str]) -> str:
    return listing(list(names)) if len(names) <= SHOWN else plural(len(names), "stage")


def _how_long(step: Step, plan: Plan) -> str:
    if step.action == "restore":
        return "restored from DVC's cache"
    if step.name in plan.estimates:
        found = plan.estimates[step.name]
        return f"{_range(found)} ({found.basis})"
    return "no past run to tell from" if step.name.startswith(TRAINING) else "not timed"


def _range(duration: Estimate) -> str:
    low, high = seconds(duration.low), seconds(duration.high)
    return low if low == high else f"{low} to {high}"


def _changed(path: Path, changes: Sequence[str]) -> tuple[Params, str]:
    """Return params.yaml, checked, and its text, with changes ``NAME=VALUE``."""
    params = load_params(path)
    text = path.read_text(encoding="utf-8")
    if not changes:
        return params, text
    text = override(text, changes)
    return parse_params(YAML(typ="safe").load(text), f"{path} with -S {' -S '.join(changes)}"), text


def _kept(params: Params) -> set[str]:
    """Return the trainings of which a state is kept, whichever parameters it belongs to."""
    root = checkpoint_root()
    return {
        f"train@{model}-{dataset}-{seed}"
        for model in params.models
        for dataset in params.datasets
        for seed in params.seeds
        if any((root / dataset / model / f"s{seed}").glob("*/state.json"))
    }
