"""Hold dvc.lock against the files, the parameters and the seals.

DVC writes its lock after a stage has run, so the lock alone proves nothing (see
`cnnreport.seals`); that it agrees with all three does.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cnnreport.errors import ResultsError
from cnnreport.objects import LOCK_FILE
from cnnreport.params import Params, declared_values
from cnnreport.records import Seal
from cnnreport.seals import PARAMS_FILE, changes, folder_md5, md5
from cnnreport.study import PACKED, RESULTS, Cell, Run, md5_of
from cnnreport.verification.findings import (
    HELD,
    Check,
    Finding,
    Level,
    holds,
    sum_up,
    unverified,
    wrong,
)
from cnnreport.verification.numbers import classes_text, confusion_text
from cnnreport.verification.subject import Subject

OF_CELLS = ("prepare", "train", "evaluate")
"""Stages that a study consists of; the others make the site from it."""

OF_SITE = ("plot", "plot_studies", "pictures", "report")
HEAVY = ("data/", "runs/")
"""Where files lie that git leaves to DVC; `cnnreport.verification.cache` looks after them."""

IGNORED, SOURCE = "__pycache__", "src/"


@dataclass(frozen=True)
class Locked:
    """What the lock holds of a file or folder: its MD5 and, of a folder, how many files it has."""

    md5: str
    files: int = 1


@dataclass(frozen=True)
class LockedStage:
    """What the lock holds of a stage: its inputs and outputs by path, its parameters by key."""

    deps: Mapping[str, Locked]
    outs: Mapping[str, Locked]
    params: Mapping[str, Any]


Lock = Mapping[str, LockedStage]


def load_lock(path: Path) -> Lock:
    """Read a dvc.lock.

    Raises:
        ResultsError: it is missing or no lock.

    """
    try:
        raw = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        return {name: _stage(stage) for name, stage in raw["stages"].items()}
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read; run `dvc repro` first") from error
    except (YAMLError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise ResultsError(f"{path}: is no lock of DVC's ({reason}); see `git diff`") from error


def _stage(raw: Mapping[str, Any]) -> LockedStage:
    deps, outs = (
        {str(each["path"]): _locked(each) for each in raw.get(key, [])} for key in ("deps", "outs")
    )
    return LockedStage(deps, outs, dict(raw.get("params", {}).get(PARAMS_FILE, {})))


def _locked(raw: Mapping[str, Any]) -> Locked:
    return Locked(str(raw["md5"]), int(raw.get("nfiles", 1)))


def lock_findings(subject: Subject, lock: Lock) -> Iterator[Finding]:
    """Yield what came of each stage: those of the cells and, of the live study, of the site."""
    makers = {path: out for stage in lock.values() for path, out in stage.outs.items()}
    now = parameters_now(subject, lock.values())
    for name in expected_stages(subject, lock):
        group = f"{LOCK_FILE} {name}"
        stage = lock.get(name)
        if stage is None:
            place = subject.shown(LOCK_FILE)
            missing = wrong(f"{place}: has no stage {name}; `dvc repro` would run it")
            yield sum_up(subject.name, group, [missing])
        else:
            yield sum_up(subject.name, group, stage_checks(subject, name, stage, makers, now))


def expected_stages(subject: Subject, lock: Lock) -> list[str]:
    """Return the stages that belong to the study; the lock may remember others."""
    params = subject.study.params
    if subject.frozen:
        return stages_of(params)
    cells = [f"{model}-{dataset}" for dataset in params.datasets for model in params.models]
    others = [
        name
        for name in lock
        for stage, _, of in [name.partition("@")]
        if stage not in OF_CELLS and (not of or of in cells or of in params.folders)
    ]
    return [*stages_of(params), *dict.fromkeys([*OF_SITE, *others])]


def stages_of(params: Params) -> list[str]:
    """Return the stages that the cells of a study consist of, as DVC calls them."""
    cells = [f"{model}-{dataset}" for dataset in params.datasets for model in params.models]
    return [
        *(f"prepare@{dataset}" for dataset in params.datasets),
        *(f"train@{cell}-{seed}" for cell in cells for seed in params.seeds),
        *(f"evaluate@{cell}" for cell in cells),
    ]


def parameters_now(subject: Subject, stages: Iterable[LockedStage]) -> dict[str, Any]:
    """Return what params.yaml holds now of all keys that stages depend on."""
    keys = dict.fromkeys(key for stage in stages for key in stage.params)
    return declared_values(subject.folder / PARAMS_FILE, list(keys))


def stage_checks(
    subject: Subject,
    name: str,
    stage: LockedStage,
    makers: Mapping[str, Locked],
    now: Mapping[str, Any],
) -> Iterator[Check]:
    """Check a stage's outputs, inputs and parameters; `makers` has all outputs of the lock."""
    yield from _output_checks(subject, name, stage)
    yield from _input_checks(subject, name, stage, makers)
    yield from _param_checks(subject, name, stage, now)
    seal, cell = seal_of(subject, name)
    if seal and cell:
        yield from _seal_checks(subject, name, stage, seal, cell)


def _output_checks(subject: Subject, name: str, stage: LockedStage) -> Iterator[Check]:
    for path, locked in stage.outs.items():
        found = held(subject, path)
        if found and found.files != locked.files and subject.frozen:
            yield unverified(_counts(subject, path, locked, found))
        elif found:
            text = f"{subject.shown(path)}: has the MD5 {found.md5}, {name} left {locked.md5}"
            yield holds(found.md5 == locked.md5, f"{text} says {subject.shown(LOCK_FILE)}")


def _input_checks(
    subject: Subject, name: str, stage: LockedStage, makers: Mapping[str, Locked]
) -> Iterator[Check]:
    for path, locked in stage.deps.items():
        made = makers.get(path, locked)
        if made.md5 != locked.md5:
            yield _stale(subject, name, f"{path} was made anew since then")
        found = held(subject, path) if not subject.frozen or path.startswith(RESULTS) else None
        if found and subject.frozen and found.files != locked.files:
            yield unverified(_counts(subject, path, locked, found))
        elif found and path.startswith(f"{RESULTS}/"):
            text = f"{subject.shown(path)}: has the MD5 {found.md5}, {name} read {locked.md5}"
            yield holds(found.md5 == locked.md5, f"{text} says {subject.shown(LOCK_FILE)}")
        elif found:
            same = found.md5 == locked.md5
            yield HELD if same else _stale(subject, name, f"{path} has changed")


def _counts(subject: Subject, path: str, locked: Locked, found: Locked) -> str:
    return (
        f"{subject.shown(path)}: {locked.files} files says {subject.shown(LOCK_FILE)}, "
        f"{found.files} are kept"
    )


def _stale(subject: Subject, name: str, reason: str) -> Check:
    """Return the check of a live stage that is no longer up to date; a frozen one cannot be so."""
    if subject.frozen:
        return wrong(f"{subject.shown(LOCK_FILE)}: {name}: {reason}")
    return unverified(f"{LOCK_FILE}: {reason}; `dvc repro` would run {name}")


def _param_checks(
    subject: Subject, name: str, stage: LockedStage, now: Mapping[str, Any]
) -> Iterator[Check]:
    for key, value in stage.params.items():
        differing = changes({key: value}, {key: now.get(key)})
        yield from (_stale(subject, name, f"{PARAMS_FILE}: {change}") for change in differing)
        yield from [] if differing else [HELD]


def seal_of(subject: Subject, name: str) -> tuple[Seal | None, Cell | None]:
    """Return the seal that a stage left, with its cell; none for a stage that leaves none."""
    for cell in subject.study.cells.values():
        stem = f"{cell.model}-{cell.dataset}"
        if name == f"evaluate@{stem}":
            return cell.evaluation, cell
        for run in cell.runs:
            if name == f"train@{stem}-{run.seed}":
                return next(iter(run.training.seals[-1:]), None), cell
    return None, None


def _seal_checks(
    subject: Subject, name: str, stage: LockedStage, seal: Seal, cell: Cell
) -> Iterator[Check]:
    """Check that the lock names what the stage worked from, which DVC looked at afterwards."""
    place = f"{subject.shown(LOCK_FILE)}: {name}"
    differing = changes(seal.start.parameters, stage.params)
    for change in differing:
        yield wrong(f"{place}: {PARAMS_FILE}: {change}, against the seal")
    prepared = f"data/prepared/{cell.dataset}"
    yield holds(seal.start.code, f"{place}: the seal names no code")
    for path in stage.deps:
        if path.startswith(SOURCE) and path.endswith(".py"):
            text = f"the seal does not name {path}, which the stage depends on"
            yield holds(path in seal.start.code, f"{place}: {text}")
    sealed = {**seal.start.code, prepared: folder_md5(seal.start.data)}
    for path, digest in sealed.items():
        if path in stage.deps:
            text = f"names another {path} ({stage.deps[path].md5}) than the seal ({digest})"
            yield holds(stage.deps[path].md5 == digest, f"{place} {text}")


def held(subject: Subject, path: str) -> Locked | None:
    """Return the digest of a file or folder of the study as DVC takes it; None if it is not kept.

    What a frozen study keeps compressed counts as it was, and what it leaves out is made again.
    """
    if path.startswith(HEAVY):
        return None
    target = subject.folder / path
    if target.is_dir():
        return _folder(target, packed=subject.frozen)
    if target.is_file():
        return Locked(md5(target))
    return _derived(subject, path) if subject.frozen else None


def _folder(folder: Path, *, packed: bool) -> Locked:
    files = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and IGNORED not in path.parts
    }
    if packed:
        digests = {name.removesuffix(PACKED): _unpacked(path) for name, path in files.items()}
    else:
        digests = {name: md5(path) for name, path in files.items()}
    return Locked(folder_md5(digests), len(digests))


def _unpacked(path: Path) -> str:
    if path.suffix != PACKED:
        return md5(path)
    try:
        return md5_of(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, zlib.error) as error:
        return f"cannot be unpacked ({error})"


def _derived(subject: Subject, path: str) -> Locked | None:
    """Return the digest of what a frozen study leaves out because it follows from the rest."""
    for cell in subject.study.cells.values():
        names = subject.study.datasets[cell.dataset].class_names
        folder = f"{RESULTS}/{cell.dataset}/{cell.model}"
        if path == f"{folder}/classes.csv":
            return Locked(md5_of(classes_text(cell.metrics.class_accuracy).encode()))
        if path == f"{folder}/confusion":
            return Locked(folder_md5(_confusions(cell.runs, names)), len(cell.runs))
    return None


def _confusions(runs: list[Run], names: list[str]) -> dict[str, str]:
    return {f"s{run.seed}.csv": md5_of(confusion_text(run, names).encode()) for run in runs}


def outdated(subject: Subject, stage: LockedStage) -> bool:
    """Say whether the live inputs of a stage, and nothing of its outputs, changed since it ran."""
    outputs = _output_checks(subject, "", stage)
    now = parameters_now(subject, [stage])
    inputs = [*_input_checks(subject, "", stage, {}), *_param_checks(subject, "", stage, now)]
    return all(each.level is Level.EXACT for each in outputs) and any(
        each.level is not Level.EXACT for each in inputs
    )
