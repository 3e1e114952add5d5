"""Say what a run would do, why and about how long it would take; nothing is run.

Times are of trainings alone, by the records of past ones: seconds in proportion to the training
images that a network goes through, plus a start-up time where past runs of different lengths tell
one. All image sets are of one size (32x32 pixels, three channels), so one of them tells of another.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal

from ruamel.yaml import YAML

from cnnreport.checkpoints import checkpoint_root
from cnnreport.datasets import LISTINGS
from cnnreport.errors import CnnReportError, ResultsError
from cnnreport.folders import TEST, list_folder, load_listing
from cnnreport.formats import listing, plural, seconds
from cnnreport.machine import processor_name, usable_cores
from cnnreport.params import Params, load_params, parse_params
from cnnreport.pipeline import (
    ALWAYS,
    PARAMS_FILE,
    Pipeline,
    Reason,
    StageState,
    override,
    project_folder,
)
from cnnreport.records import CellMetrics, DatasetRecord, TrainingRecord, load_json
from cnnreport.scheduling import TRAINING

INVENTORY = "inventory@"
"""How the stages begin that list a folder of images each."""

STEADY = frozenset({"check"})
"""Stages that write the same whatever they read, so that no other one runs after them for it."""

TRAIN_IMAGES = {"digits": 1257, "cifar10": 50_000, "cifar100": 50_000}
"""Images of each set to train with, before the validation part is taken out."""

TRAIN_IMAGES_OF_A_CLASS = {"cifar10": 5_000, "cifar100": 500}

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

    @classmethod
    def here(cls, precision: str) -> "Machine":
        """Return the machine that this process is on."""
        return cls(processor_name(), usable_cores(), precision)


@dataclass(frozen=True)
class PastRun:
    """A training that took place; `macs` is of the network an image, None where it is unknown."""

    model: str
    dataset: str
    record: TrainingRecord
    macs: int | None = None

    @property
    def machine(self) -> Machine:
        """Where it took place."""
        return Machine(self.record.processor, self.record.cores, self.record.precision)


@dataclass(frozen=True)
class Training:
    """A training to come; `images` counts those it goes through, over all epochs."""

    model: str
    dataset: str
    images: int


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
    coming = trainings(params)
    estimates = {
        step.name: found
        for step in steps
        if step.action != "restore" and step.name in coming
        if (found := estimate(coming[step.name], past, Machine.here(params.precision), count_macs))
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
    return {
        f"train@{model}-{dataset}-{seed}": Training(
            model, dataset, params.epochs_for(model, dataset) * train_images(dataset, params)
        )
        for model in params.models
        for dataset in params.datasets
        for seed in params.seeds
    }


def train_images(dataset: str, params: Params) -> int:
    """Return how many images of a set are trained with; the validation part is rounded up."""
    if dataset in params.folders:
        return _folder_images(dataset, params)
    if dataset in params.subsets:
        subset = params.subsets[dataset]
        whole = len(subset.classes) * TRAIN_IMAGES_OF_A_CLASS[subset.source]
    else:
        whole = TRAIN_IMAGES[dataset]
    return whole - math.ceil(params.data.validation_fraction * whole)


def _folder_images(name: str, params: Params) -> int:
    """Return how many images of a folder there are to train with: as prepared, or by its files."""
    try:
        return load_json(Path("results", name, "dataset.json"), DatasetRecord).train_images
    except ResultsError:
        folder = params.folders[name]
        entries = list_folder(Path(folder.path))
    usable = [e for e in entries if not e.reason and e.class_name in folder.classes]
    in_test = sum(entry.part == TEST for entry in usable)
    images = len(usable) - (in_test or math.ceil(folder.test_fraction * len(usable)))
    return images - math.ceil(params.data.validation_fraction * images)


def estimate(
    training: Training,
    past: Sequence[PastRun],
    machine: Machine,
    macs_of: Callable[[str], int | None],
) -> Estimate | None:
    """Return how long a training takes by the past runs most like it, None where nothing tells.

    Like it are, in this order: its own network or else the one next in multiply-accumulates (for
    which `macs_of` is asked), this machine, this precision, this image set.
    """
    own = [run for run in past if run.model == training.model]
    if own:
        return _scaled(training, own, machine, 1.0)
    macs = macs_of(training.model)
    counted = [run for run in past if run.macs]
    if not macs or not counted:
        return None
    ratios = {run.model: macs / run.macs for run in counted if run.macs}
    nearest = min(ratios, key=lambda model: abs(math.log(ratios[model])))
    others = [run for run in counted if run.model == nearest]
    found = _scaled(training, others, machine, ratios[nearest])
    basis = f"no past run; guess from multiply-accumulates and {nearest}: {found.basis}"
    return Estimate(found.low, found.high, basis)


def _scaled(
    training: Training, past: Sequence[PastRun], machine: Machine, times: float
) -> Estimate:
    """Scale past runs of one network to other images; a second an image becomes so many times."""

    def likeness(run: PastRun) -> tuple[bool, bool, bool]:
        there = run.machine
        same = (there.processor, there.cores) == (machine.processor, machine.cores)
        near = not _too_far(training, [run])
        return same, there.precision == machine.precision, run.dataset == training.dataset and near

    most = max(map(likeness, past))
    alike = _long_ones([run for run in past if likeness(run) == most])
    start = start_up([run for run in past if run.machine == alike[0].machine])
    durations = [start + _seconds_per_image(run, start) * training.images * times for run in alike]
    basis = _basis(alike, machine, training)
    return Estimate(float(min(durations)), float(max(durations)), basis)


def start_up(past: Sequence[PastRun]) -> float:
    """Return the seconds that a training takes whatever its length, 0 where nothing tells.

    It is what short runs took beyond the speed of the long ones, the median.
    """
    long = _long_ones(past)
    speed = median(_seconds_per_image(run, 0) for run in long)
    short = [run.record for run in past if run not in long]
    beyond = [run.train_seconds - speed * run.images_seen for run in short]
    return max(0.0, median(beyond)) if beyond else 0.0


def _seconds_per_image(run: PastRun, start: float) -> float:
    """Return the speed of a run after its start-up, which is never all of it."""
    duration = run.record.train_seconds
    return max(duration - start, 0.1 * duration) / run.record.images_seen


def _long_ones(past: Sequence[PastRun]) -> list[PastRun]:
    longest = max(run.record.images_seen for run in past)
    return [run for run in past if run.record.images_seen * MUCH_LONGER >= longest]


def _too_far(training: Training, past: Sequence[PastRun]) -> bool:
    return training.images > MUCH_LONGER * max(run.record.images_seen for run in past)


def _basis(alike: Sequence[PastRun], machine: Machine, training: Training) -> str:
    """Say which past runs an estimate is from."""
    there = alike[0].machine
    here = (there.processor, there.cores) == (machine.processor, machine.cores)
    where = (
        "on this processor"
        if here
        else f"on another processor ({there.processor}, {plural(there.cores, 'core')})"
    )
    kind = "much shorter past run" if _too_far(training, alike) else "past run"
    parts = [plural(len(alike), kind), where]
    if (datasets := sorted({run.dataset for run in alike})) != [training.dataset]:
        parts.append(f"with {listing(datasets)}")
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
            run = PastRun(cell.name, cell.parent.name, record, _recorded_macs(cell))
            found[run.model, run.dataset, record.started, record.train_seconds] = run
    return list(found.values())


def _recorded_macs(cell: Path) -> int | None:
    with suppress(ResultsError):
        return load_json(cell / "metrics.json", CellMetrics).macs
    return None


def count_macs(model: str) -> int | None:
    """Build a network of no past run to count its multiply-accumulates; loads TensorFlow."""
    from cnnreport.models import build_network  # noqa: PLC0415
    from cnnreport.models.inspection import describe  # noqa: PLC0415

    with suppress(CnnReportError):
        return describe(build_network(model, (32, 32, 3), 10)).macs
    return None


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
