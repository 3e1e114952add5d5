"""Tell what two studies were made from otherwise: settings, code, images, machine and seals.

Code and packages are held against each other by the seals of the runs, so a study that is older
than seals leaves them open: they are then named as not recorded, never as the same.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from cnnreport.formats import listing, plural
from cnnreport.params import Params, Recipe
from cnnreport.records import DatasetRecord, Seal, TrainingRecord
from cnnreport.seals import changes, edits
from cnnreport.study import Cell, Study

Key = tuple[str, str]
"""An image set and a network: which cell is meant."""

ENOUGH = 12
"""So many characters of a digest tell it from others."""

SEALED, EDITED, UNSEALED = "sealed", "edited mid-run", "unsealed"


@dataclass(frozen=True)
class Underneath:
    """What differs below the numbers of the cells that both studies have, in words.

    `settings` are those that took effect, `parameters` those of params.yaml, `unused` what stands
    there of recipes and profiles that neither study trained by. `seals` says of either study how
    many runs are sealed. `unrecorded` names what cannot be told.
    """

    settings: tuple[str, ...]
    parameters: tuple[str, ...]
    unused: tuple[str, ...]
    code: tuple[str, ...]
    images: tuple[str, ...]
    environment: tuple[str, ...]
    seals: tuple[str, str]
    unrecorded: tuple[str, ...]

    @property
    def effective(self) -> tuple[str, ...]:
        """Everything that may explain a difference of numbers, the most telling first."""
        return (*self.settings, *self.code, *self.images, *self.environment)


def underneath(before: Study, after: Study, keys: Sequence[Key]) -> Underneath:
    """Return what differs below the cells `keys`, which both studies have."""
    both = [(before.cells[key], after.cells[key]) for key in keys]
    sealed = [pair for pair in both if all(map(is_sealed, pair))]
    left, right = ([pair[side] for pair in sealed] for side in (0, 1))
    trained_by = _trained_by(before.params) | _trained_by(after.params)
    old, new = (_parted(study.params, trained_by) for study in (before, after))
    return Underneath(
        settings=_settings(both),
        parameters=tuple(changes(old[True], new[True])),
        unused=tuple(changes(old[False], new[False])),
        code=_code(left, right),
        images=_images(before, after, keys),
        environment=(*_machine(both), *_packages(left, right)),
        seals=(seal_states(before), seal_states(after)),
        unrecorded=_unrecorded(both),
    )


def _trained_by(params: Params) -> set[tuple[str, str, str]]:
    """Return which recipes and profiles a study trains which networks by."""
    chosen = (("recipes", params.recipe), ("profiles", params.profile))
    return {(part, name, model) for part, name in chosen for model in params.models}


def _parted(params: Params, trained_by: Set[tuple[str, str, str]]) -> dict[bool, dict[str, Any]]:
    """Return the parameters without recipes and profiles of other trainings, and these alone."""
    whole = params.model_dump()
    parted: dict[bool, dict[str, Any]] = {True: {**whole}, False: {}}
    for part, side in itertools.product(("recipes", "profiles"), (True, False)):
        chosen = {
            name: {m: each for m, each in models.items() if ((part, name, m) in trained_by) == side}
            for name, models in whole[part].items()
        }
        parted[side][part] = {name: models for name, models in chosen.items() if models}
    return parted


def is_sealed(cell: Cell) -> bool:
    """Say whether every run of a cell left a seal."""
    return all(run.training.seals for run in cell.runs)


def seal_states(study: Study) -> str:
    """Say how many runs of a study are sealed, edited mid-run and unsealed."""
    states = [_state(run.training) for cell in study.cells.values() for run in cell.runs]
    known = [state for state in (SEALED, EDITED, UNSEALED) if state in states]
    return listing([f"{plural(states.count(state), 'run')} {state}" for state in known])


def _state(training: TrainingRecord) -> str:
    if not training.seals:
        return UNSEALED
    return EDITED if edits(training) else SEALED


def _settings(both: Sequence[tuple[Cell, Cell]]) -> tuple[str, ...]:
    """Return the changed settings, each once, with the cells that it holds for."""
    affected: dict[str, list[Cell]] = {}
    for old, new in both:
        for change in changes(_effective(old), _effective(new)):
            affected.setdefault(change, []).append(old)
    cells = [old for old, _ in both]
    return tuple(f"{_where(found, cells)}: {change}" for change, found in affected.items())


def _effective(cell: Cell) -> dict[str, Any]:
    """Return what a cell was trained with; epochs and seeds are those of its records."""
    own = {name: getattr(cell.recipe, name) for name in Recipe.model_fields}
    return {
        "epochs": cell.metrics.epochs,
        "recipe": cell.metrics.recipe,
        **{name: value for name, value in own.items() if name != "by_dataset"},
        "batch_norm_momentum": cell.batch_norm_momentum,
        "precision": _joined(run.training.precision for run in cell.runs),
        "seeds": [run.seed for run in cell.runs],
    }


def _where(found: Sequence[Cell], cells: Sequence[Cell]) -> str:
    """Name cells shortly: by the network alone where all its cells are among them."""
    if len(found) == len(cells) > 1:
        return "all networks"
    names = []
    for model in dict.fromkeys(cell.model for cell in found):
        mine = [cell.dataset for cell in found if cell.model == model]
        every = len(mine) == sum(cell.model == model for cell in cells)
        names.append(model if every else f"{model} on {listing(mine)}")
    return listing(names)


def _code(before: Sequence[Cell], after: Sequence[Cell]) -> tuple[str, ...]:
    old, new = _code_digests(before), _code_digests(after)
    return tuple(
        f"{name}{_gone_or_new(name, old, new)}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def _gone_or_new(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if name in old and name in new:
        return ""
    return " (no longer used)" if name in old else " (newly used)"


def _code_digests(cells: Sequence[Cell]) -> dict[str, set[str]]:
    """Return the MD5 of each source file when a training or an evaluation started.

    They are several where a file changed between the runs of a study.
    """
    found: dict[str, set[str]] = {}
    for seal in _seals(cells):
        for name, digest in seal.start.code.items():
            found.setdefault(name, set()).add(digest)
    return found


def _seals(cells: Sequence[Cell]) -> Iterator[Seal]:
    for cell in cells:
        yield from (seal for run in cell.runs for seal in run.training.seals)
        if cell.evaluation:
            yield cell.evaluation


def _images(before: Study, after: Study, keys: Sequence[Key]) -> tuple[str, ...]:
    return tuple(
        f"{dataset}: {change}"
        for dataset in dict.fromkeys(dataset for dataset, _ in keys)
        for change in changes(
            _image_set(before.datasets[dataset]), _image_set(after.datasets[dataset])
        )
    )


def _image_set(record: DatasetRecord) -> dict[str, Any]:
    """Return what tells one image set from another; what follows from it is left out."""
    shown = ("source", "train_images", "validation_images", "test_images")
    split = ("validation_fraction", "split_seed")
    return {
        **{name: getattr(record, name) for name in (*shown, *split)},
        "classes": len(record.class_names),
        "digest": record.digest[:ENOUGH],
    }


def _machine(both: Sequence[tuple[Cell, Cell]]) -> list[str]:
    old, new = (_environment([pair[side] for pair in both]) for side in (0, 1))
    return changes(old, new)


def _environment(cells: Sequence[Cell]) -> dict[str, str]:
    """Return where the runs took place and the versions used; several values are listed."""
    records = [run.training for cell in cells for run in cell.runs]
    names = dict.fromkeys(name for record in records for name in record.versions)
    return {
        "processor": _joined(record.processor for record in records),
        "cores": _joined(str(int(record.cores)) for record in records),
        "accelerators": _joined(", ".join(record.accelerators) for record in records),
        "replicas": _joined(str(int(record.replicas)) for record in records),
        "platform": _joined(record.platform for record in records),
        **{name: _joined(record.versions.get(name, "") for record in records) for name in names},
    }


def _joined(values: Iterable[str]) -> str:
    return " and ".join(sorted({value or "none" for value in values}))


def _packages(before: Sequence[Cell], after: Sequence[Cell]) -> list[str]:
    old, new = ({seal.start.packages for seal in _seals(cells)} for cells in (before, after))
    return ["installed packages"] if old != new else []


def _unrecorded(both: Sequence[tuple[Cell, Cell]]) -> tuple[str, ...]:
    cells = [old for old, _ in both]
    missing = [old for old, new in both if not (is_sealed(old) and is_sealed(new))]
    if not missing:
        return ()
    return (f"code and installed packages of {_where(missing, cells)}, for want of seals",)
