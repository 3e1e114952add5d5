"""Put a plan together: which stages a run would not skip, why, and about how long they take."""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import psutil
from ruamel.yaml import YAML

from cnnreport.checkpoints import checkpoint_root
from cnnreport.datasets import LISTINGS
from cnnreport.errors import ResultsError
from cnnreport.folders import list_folder, load_listing
from cnnreport.formats import listing, plural, seconds
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
from cnnreport.planning.counting import known_macs, sizes_of, too_large, uncounted
from cnnreport.planning.estimates import Estimate, estimate
from cnnreport.planning.past import Machine, load_past_runs
from cnnreport.planning.work import trainings
from cnnreport.scheduling import TRAINING

INVENTORY = "inventory@"
"""How the stages begin that list a folder of images each."""

STEADY = frozenset({"check"})
"""Stages that write the same whatever they read, so that no other one runs after them for it."""

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
    sizes = sizes_of(uncounted(coming.values(), past))
    macs = known_macs(past) | {key: size.macs for key, size in sizes.items()}
    here = Machine.here(params.precision, params.threads)
    estimates = {
        name: found
        for name, each in coming.items()
        if (found := estimate(each, past, here, macs.get((each.model, each.shape))))
    }
    memory = psutil.virtual_memory().total
    said = [*too_large(sizes, params.recipes[params.recipe], memory), *notes(steps, _kept(params))]
    return Plan(steps, estimates, tuple(said), upstream)


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
