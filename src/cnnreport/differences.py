"""Compare two studies: numbers beyond noise or not, ranks and claims that flipped, and why.

Differences are those of the study `after` less the study `before`, so that what was gained is
positive. Comparing the other way round gives the mirror image.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact
from statsmodels.stats.proportion import confint_proportions_2indep

from cnnreport.alike import shared_seeds
from cnnreport.claims import Claim
from cnnreport.errors import ResultsError
from cnnreport.formats import capitalised, listing, plural
from cnnreport.judgements import judge, relation
from cnnreport.predicates import Truth
from cnnreport.records import rounded
from cnnreport.statistics import (
    ALPHA,
    Interval,
    Spread,
    correct_matrix,
    holm,
    independent,
    one_seed_each,
    paired_spread,
    resampled_means,
    spread_of,
    tie_groups,
    within,
)
from cnnreport.study import Cell, Study
from cnnreport.underneath import Key, Underneath, underneath

LIVE = "live"
"""How the study of the checkout itself is called, which has no name of its own."""

SHOWN = 3
"""So many of the changes underneath are named in the sentence that sums up."""

SAME, WITHIN, BEYOND = "the same", "within noise", "beyond noise"
SHARED = "not tested: trainings in common"
"""What becomes of an accuracy: every image is answered alike, or the tests decide.

They cannot where both studies hold some of the same trainings and one has others besides.
"""


@dataclass(frozen=True)
class Values:
    """A number in either study."""

    before: float
    after: float

    @property
    def same(self) -> bool:
        """Whether both are equal, as far as results are written."""
        return bool(rounded(float(self.before)) == rounded(float(self.after)))


@dataclass(frozen=True)
class Shift:
    """By how much a test accuracy differs and whether chance explains it; fractions of 1."""

    difference: float
    interval: Interval
    p_value: float
    method: str


@dataclass(frozen=True)
class CellDifference:
    """One cell that both studies have; the p-value of `shift` is adjusted by Holm for all cells.

    `shared` are seeds whose training both studies hold; `shift` is None where that rules a test
    out.
    `loss` is in nats, `macs` are multiply-accumulates an image, `train_seconds` those of one run:
    times hold for the machine, so nothing is tested about them.
    """

    dataset: str
    model: str
    accuracy: Values
    shift: Shift | None
    finding: str
    shared: tuple[int, ...]
    loss: Values
    parameters: Values
    macs: Values
    train_seconds: Values

    @property
    def same(self) -> bool:
        """Whether every number but the time is the same."""
        counted = (self.accuracy, self.loss, self.parameters, self.macs)
        return self.finding == SAME and all(values.same for values in counted)


@dataclass(frozen=True)
class RankChange:
    """A network whose rank on an image set is another, among the networks that both have."""

    dataset: str
    model: str
    before: int
    after: int


@dataclass(frozen=True)
class RelationChange:
    """Two networks that stand otherwise to each other: ``outperforms`` and so on, from a's side."""

    dataset: str
    a: str
    b: str
    before: str
    after: str


@dataclass(frozen=True)
class ClaimChange:
    """A claim whose verdict is another, or that only one study can test."""

    key: str
    says: str
    before: str
    after: str

    @property
    def one_sided(self) -> bool:
        """Whether one of the studies lacks what the claim speaks of."""
        return Truth.UNTESTED in (self.before, self.after)


@dataclass(frozen=True)
class Differences:
    """All that differs between two studies, by the names `before` and `after`.

    `only_before` and `only_after` are cells that the other one lacks; `cells` are all others,
    changed or not. `notes` say what the tests cannot know.
    """

    before: str
    after: str
    cells: tuple[CellDifference, ...]
    ranks: tuple[RankChange, ...]
    relations: tuple[RelationChange, ...]
    claims: tuple[ClaimChange, ...]
    only_before: tuple[Key, ...]
    only_after: tuple[Key, ...]
    underneath: Underneath
    notes: tuple[str, ...]

    @property
    def datasets(self) -> list[str]:
        """The image sets with cells that both studies have."""
        return list(dict.fromkeys(cell.dataset for cell in self.cells))

    @property
    def tested(self) -> int:
        """How many cells could be tested."""
        return sum(cell.shift is not None for cell in self.cells)

    def cells_of(self, dataset: str) -> list[CellDifference]:
        """Return the compared cells of an image set."""
        return [cell for cell in self.cells if cell.dataset == dataset]


def compare(before: Study, after: Study, claims: Sequence[Claim]) -> Differences:
    """Compare two studies; only cells that both have are compared.

    Raises:
        ResultsError: predictions do not fit the image set that they are said to be of.

    """
    keys = [key for key in before.cells if key in after.cells]
    cells = _cells(before, after, keys)
    return Differences(
        before=before.name or LIVE,
        after=after.name or LIVE,
        cells=cells,
        ranks=tuple(change for pair in _level(before, after, keys) for change in _ranks(*pair)),
        relations=tuple(
            change for pair in _level(before, after, keys) for change in _relations(*pair)
        ),
        claims=_claims(before, after, claims),
        only_before=tuple(key for key in before.cells if key not in after.cells),
        only_after=tuple(key for key in after.cells if key not in before.cells),
        underneath=underneath(before, after, keys),
        notes=_notes(before, after, cells),
    )


def _cells(before: Study, after: Study, keys: Sequence[Key]) -> tuple[CellDifference, ...]:
    shared = {key: shared_seeds(before.cells[key], after.cells[key]) for key in keys}
    shifts = {
        key: shift(
            before.cells[key], after.cells[key], same_images=_same_images(before, after, key)
        )
        for key in keys
        if _is_testable(before.cells[key], after.cells[key], shared[key])
    }
    adjusted = holm([each.p_value for each in shifts.values()])
    moved = {
        key: replace(each, p_value=p)
        for (key, each), p in zip(shifts.items(), adjusted, strict=True)
    }
    return tuple(_cell(before, after, key, moved.get(key), shared[key]) for key in keys)


def _is_testable(old: Cell, new: Cell, shared: Sequence[int]) -> bool:
    """Say whether no training counts on both sides, or all do, so that nothing can differ."""
    return not shared or len(shared) == len(old.runs) == len(new.runs)


def _cell(
    before: Study, after: Study, key: Key, moved: Shift | None, shared: Sequence[int]
) -> CellDifference:
    old, new = before.cells[key], after.cells[key]
    same_images = _same_images(before, after, key)
    return CellDifference(
        dataset=key[0],
        model=key[1],
        accuracy=Values(old.metrics.accuracy, new.metrics.accuracy),
        shift=moved,
        finding=_finding(old, new, moved, same_images=same_images) if moved else SHARED,
        shared=tuple(shared),
        loss=Values(old.metrics.loss, new.metrics.loss),
        parameters=Values(old.metrics.parameters, new.metrics.parameters),
        macs=Values(old.metrics.macs, new.metrics.macs),
        train_seconds=Values(old.train_seconds, new.train_seconds),
    )


def _same_images(before: Study, after: Study, key: Key) -> bool:
    return before.datasets[key[0]].digest == after.datasets[key[0]].digest


def _finding(old: Cell, new: Cell, moved: Shift, *, same_images: bool) -> str:
    if moved.p_value < ALPHA:
        return BEYOND
    answers = [[run.predictions["predicted"].tolist() for run in cell.runs] for cell in (old, new)]
    return SAME if same_images and answers[0] == answers[1] else WITHIN


def shift(before: Cell, after: Cell, *, same_images: bool) -> Shift:
    """Test whether a cell's accuracy differs between two studies; the p-value is not adjusted.

    On the same test images the answers are paired image by image: McNemar's exact test for one
    seed on either side, else a bootstrap that draws the images for both together and the seeds
    for each by itself, with Welch's t for the few seeds. On other images nothing is paired:
    Fisher's exact test with Newcombe's interval, or a bootstrap that draws the images for each by
    itself as well. Where one study has one seed and the other several, the seeds of both are taken
    to lie equally far apart (see `independent`); with one each, nothing is known of seeds.

    Raises:
        ResultsError: the images are said to be the same and their numbers differ.

    """
    old, new = correct_matrix(before), correct_matrix(after)
    if same_images and old.shape[1] != new.shape[1]:
        raise ResultsError(
            f"{before.dataset}/{before.model}: wanted predictions of the same test images, came "
            f"{old.shape[1]} and {new.shape[1]} of them; run `dvc repro`"
        )
    if len(old) > 1 or len(new) > 1:
        return _over_seeds(old, new, same_images=same_images)
    return _paired(old[0], new[0]) if same_images else two_proportions(old[0], new[0])


def _paired(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Shift:
    """Compare the answers of one seed each, shape (images,), to the same images."""
    drawn = resampled_means((after.astype(float) - before)[None])[:, 0]
    found, p_value = one_seed_each(after, before, drawn)
    return Shift(
        difference=float(after.mean() - before.mean()),
        interval=Interval(found.low + 0.0, found.high + 0.0),  # no minus before a zero
        p_value=p_value,
        method="exact McNemar",
    )


def _over_seeds(before: NDArray[np.bool_], after: NDArray[np.bool_], *, same_images: bool) -> Shift:
    """Compare answers of shape (seeds, images), of which one study at least has several seeds."""
    spread = same_spread(before, after) if same_images else apart_spread(before, after)
    difference = float(after.mean() - before.mean())
    return Shift(
        difference=difference,
        interval=within(spread.around(difference), -1, 1),
        p_value=spread.p_value(difference),
        method=f"{_bootstrap_of(same_images)}, {_seeds_by(len(before), len(after))}",
    )


def _seeds_by(before: int, after: int) -> str:
    if 1 in (before, after):
        return "with Student's t for the seeds, those of the study with several for both"
    return "with Welch's t for the seeds"


def _bootstrap_of(same_images: bool) -> str:
    if same_images:
        return "bootstrap over images, paired, and over the seeds of each study"
    return f"bootstrap over the images and the seeds of each study, {_UNPAIRED}"


_UNPAIRED = "since the image sets are not the same"


def two_proportions(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Shift:
    """Compare the shares of right answers on two different sets of images, shape (images,) each.

    The p-value is that of R. A. Fisher's exact test, the interval the one from two Wilson
    intervals of R. G. Newcombe, Statistics in Medicine 17, 1998, pp. 873-890, method 10.
    """
    old, new = (int(right.sum()) for right in (before, after))
    table = [[new, len(after) - new], [old, len(before) - old]]
    low, high = confint_proportions_2indep(
        new, len(after), old, len(before), method="newcomb", alpha=ALPHA
    )
    return Shift(
        difference=new / len(after) - old / len(before),
        interval=Interval(float(low), float(high)),
        p_value=min(1.0, float(fisher_exact(table)[1])),
        method=f"Fisher's exact test, {_UNPAIRED}",
    )


def same_spread(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Spread:
    """Return the spread of the difference of two accuracies on the same images.

    `before` and `after` are answers of shape (seeds, images).
    """
    both = (before, after)
    drawn = [resampled_means(right.astype(float)) for right in both]
    return paired_spread([right.mean(axis=1) for right in both], drawn)


def apart_spread(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Spread:
    """Return the spread of the difference of two accuracies on other images, as `same_spread`."""
    return independent((_alone(before), _alone(after)), (len(before), len(after)))


def _alone(right: NDArray[np.bool_]) -> Spread:
    """Return the spread of an accuracy, which the images give even where all answers are right.

    It is then that of one right and one wrong answer more (A. Agresti and B. Caffo, The American
    Statistician 54, 2000, pp. 280-288).
    """
    spread = spread_of(right.mean(axis=1), resampled_means(right.astype(float)))
    images = right.shape[1]
    share = (float(right.mean()) * images + 1) / (images + 2)
    return replace(spread, images=max(spread.images, share * (1 - share) / (images + 2)))


def _level(before: Study, after: Study, keys: Sequence[Key]) -> list[tuple[Study, Study, str]]:
    """Return both studies cut down to the networks that both have, with each common image set."""
    models = [model for model in before.params.models if model in after.params.models]
    old, new = (_with_models(study, models) for study in (before, after))
    return [(old, new, dataset) for dataset in dict.fromkeys(dataset for dataset, _ in keys)]


def _with_models(study: Study, models: list[str]) -> Study:
    if set(models) == set(study.params.models):
        return study  # the same object, for which pairs may have been compared already
    return replace(study, params=study.params.model_copy(update={"models": models}))


def _ranks(before: Study, after: Study, dataset: str) -> list[RankChange]:
    old, new = (
        {row.cell.model: int(row.rank) for row in tie_groups(study, dataset)}
        for study in (before, after)
    )
    changed = [model for model in old if old[model] != new[model]]
    return [RankChange(dataset, model, old[model], new[model]) for model in changed]


def _relations(before: Study, after: Study, dataset: str) -> list[RelationChange]:
    models = before.params.models
    found = [
        RelationChange(
            dataset, a, b, relation(before, dataset, a, b), relation(after, dataset, a, b)
        )
        for place, a in enumerate(models)
        for b in models[place + 1 :]
    ]
    return [change for change in found if change.before != change.after]


def _claims(before: Study, after: Study, claims: Sequence[Claim]) -> tuple[ClaimChange, ...]:
    found = [
        ClaimChange(
            claim.key,
            claim.says,
            judge(claim.predicate, before).truth.value,
            judge(claim.predicate, after).truth.value,
        )
        for claim in claims
    ]
    return tuple(change for change in found if change.before != change.after)


def _notes(before: Study, after: Study, cells: Sequence[CellDifference]) -> tuple[str, ...]:
    """Say which trainings are in both studies, and what a study of one seed leaves unknown."""
    return (*_in_common(cells), *_single_seeds(before, after, cells))


def _in_common(cells: Sequence[CellDifference]) -> list[str]:
    found = [
        f"{cell.model} on {cell.dataset} ({'seed' if len(cell.shared) == 1 else 'seeds'} "
        f"{listing([str(seed) for seed in cell.shared])})"
        for cell in cells
        if cell.finding == SHARED
    ]
    if not found:
        return []
    return [
        f"Both studies hold the same training of {listing(found)}, so their figures there are not "
        "two observations, and nothing is tested."
    ]


def _single_seeds(before: Study, after: Study, cells: Sequence[CellDifference]) -> tuple[str, ...]:
    keys = [(cell.dataset, cell.model) for cell in cells if cell.shift]
    if not keys:
        return ()
    single, others = (
        [
            study.name or LIVE
            for study in (before, after)
            if any(len(study.cells[key].runs) == 1 for key in keys) == one
        ]
        for one in (True, False)
    )
    if not single:
        return ()
    known = (
        f"seeds there are taken to lie as far apart as those of {listing(others)}"
        if others
        else "noise is the choice of test images there; what another seed would do is not known"
    )
    return (f"One seed in {listing(single)}: {known}.",)


def summary(found: Differences) -> str:
    """Return one sentence: what differs, what flipped and what lies underneath."""
    parts = [*_numbers_in_short(found), *_others_in_short(found), _causes_in_short(found)]
    text = "; ".join(part for part in parts if part)
    return f"{capitalised(text)}."


def _numbers_in_short(found: Differences) -> list[str]:
    if not found.cells:
        return ["nothing to compare: no network was trained on the same image set in both"]
    if all(cell.same for cell in found.cells):
        times = all(cell.train_seconds.same for cell in found.cells)
        same = "the same in every number" if times else "the same in every number but the times"
        return [same, *([_ranks_in_short(found)] if found.ranks else [])]
    return [_accuracies_in_short(found), _ranks_in_short(found)]


def _accuracies_in_short(found: Differences) -> str:
    beyond = sum(cell.finding == BEYOND for cell in found.cells)
    if not found.tested:
        return "no accuracy can be tested: both hold the same trainings"
    if not beyond:
        return "no accuracy differs beyond noise"
    if found.tested == 1:
        return "the accuracy differs beyond noise"
    verb = "differs" if beyond == 1 else "differ"
    return f"{beyond} of {found.tested} accuracies {verb} beyond noise"


def _ranks_in_short(found: Differences) -> str:
    return f"{_count(len(found.ranks), 'rank')} changed"


def _others_in_short(found: Differences) -> list[str]:
    same = bool(found.cells) and all(cell.same for cell in found.cells)
    one_sided = sum(claim.one_sided for claim in found.claims)
    flipped = len(found.claims) - one_sided
    alone = len(found.only_before) + len(found.only_after)
    return [
        "" if same and not flipped else f"{_count(flipped, 'claim')} changed",
        f"{plural(one_sided, 'claim')} can be tested in one of them only" if one_sided else "",
        f"{plural(alone, 'cell')} {'is' if alone == 1 else 'are'} in one of them only"
        if alone
        else "",
    ]


def _count(count: int, noun: str) -> str:
    return plural(count, noun) if count else f"no {noun}"


def _causes_in_short(found: Differences) -> str:
    if not found.cells:
        return ""
    causes = found.underneath.effective
    more = len(causes) - SHOWN
    rest = [plural(more, "more change")] if more > 0 else []
    text = ", ".join([*causes[:SHOWN], *rest]) or "no change that is recorded"
    return f"underneath: {text}{' (code is not recorded)' if found.underneath.unrecorded else ''}"


def as_json(found: Differences) -> dict[str, Any]:
    """Return the differences as plain data with their summary."""
    return {"summary": summary(found), **_plain(found)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return rounded(float(value)) if isinstance(value, float) else value
