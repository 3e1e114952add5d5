"""Check the seals: what each training and each test worked from stayed the same meanwhile."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cnnreport.prepared import Labels
from cnnreport.records import Seal
from cnnreport.seals import moved
from cnnreport.study import EVALUATION, RESULTS, Cell, Run, md5_of
from cnnreport.verification.findings import Check, Finding, holds, sum_up, unverified, wrong
from cnnreport.verification.subject import Subject, title_of

SHA256 = re.compile(r"[0-9a-f]{64}")
LABELS_FILE, RECORD = "test-labels.npy", "dataset.json"


def seal_findings(subject: Subject) -> Iterator[Finding]:
    """Yield what came of the seals of each cell: one for each run and one for the test."""
    for cell in subject.study.cells.values():
        for run in cell.runs:
            title = f"{title_of(cell)} seal s{run.seed}"
            yield sum_up(subject.name, title, training_checks(subject, cell, run))
        checks = evaluation_checks(subject, cell)
        yield sum_up(subject.name, f"{title_of(cell)} seal of the test", checks)


def training_checks(subject: Subject, cell: Cell, run: Run) -> Iterator[Check]:
    """Check that a run is sealed, that nothing moved and that its weights are named."""
    place = subject.result(cell, f"training/s{run.seed}.json")
    stage = f"train@{cell.model}-{cell.dataset}-{run.seed}"
    if not run.training.seals:
        yield _refused(place, "is unsealed", stage)
    for seal in run.training.seals:
        yield from _unmoved(place, seal, stage)
        yield holds(
            SHA256.fullmatch(seal.weights.get(str(run.seed), "")),
            f"{place}: the seal names no weights of seed {run.seed}",
        )
    yield holds(SHA256.fullmatch(run.training.key), f"{place} /key: no key of the training")


def _unmoved(place: str, seal: Seal, stage: str) -> Iterator[Check]:
    changes = moved(seal)
    yield holds(not changes, f"{place}: edited mid-run: {'; '.join(changes)}; {_again(stage)}")


def _refused(place: str, reason: str, stage: str) -> Check:
    return wrong(f"{place}: {reason}, so it proves nothing and is refused; {_again(stage)}")


def _again(stage: str) -> str:
    return f"run it again with `dvc repro -f -s {stage}`"


def evaluation_checks(subject: Subject, cell: Cell) -> Iterator[Check]:
    """Check that what was trained was tested, on images of the same preparation."""
    place = subject.result(cell, EVALUATION)
    stage = f"evaluate@{cell.model}-{cell.dataset}"
    tested = cell.evaluation
    if tested is None:
        yield _refused(place, "is missing: the test is unsealed", stage)
        return
    yield from _unmoved(place, tested, stage)
    yield from _data_checks(subject, cell, tested)
    for run in cell.runs:
        for trained in run.training.seals[-1:]:
            yield from _same_run(place, run, trained, tested)


def _same_run(place: str, run: Run, trained: Seal, tested: Seal) -> Iterator[Check]:
    seed = str(run.seed)
    ours, theirs = trained.weights.get(seed), tested.weights.get(seed)
    text = f"tested the weights {_short(theirs)} of seed {seed}, trained were {_short(ours)}"
    yield holds(ours == theirs, f"{place} /weights/{seed}: {text}")
    for name in _differing(trained.start.data, tested.start.data):
        yield wrong(f"{place}: seed {seed} was trained with another {name} than it was tested with")
    shared = trained.start.code.keys() & tested.start.code.keys()
    for name in _differing(trained.start.code, tested.start.code):
        if name in shared:
            yield unverified(
                f"{place}: seed {seed} was trained with another {name} than it was tested with; "
                "`dvc repro` would run"
            )


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> Sequence[str]:
    names = sorted(before.keys() | after.keys())
    return [name for name in names if before.get(name) != after.get(name)]


def _data_checks(subject: Subject, cell: Cell, tested: Seal) -> Iterator[Check]:
    """Check labels and record of the image set against the prepared files that the seal names."""
    record = f"{RESULTS}/{cell.dataset}/{RECORD}"
    kept = tested.start.data.get(RECORD)
    text = "not the record that the test was made with"
    yield holds(subject.study.digests.get(record) == kept, f"{subject.shown(record)}: {text}")
    for run in cell.runs:
        place = subject.result(cell, f"predictions/s{run.seed}.csv")
        labels = labels_md5(run.predictions.label.to_numpy())
        text = f"its labels are not those of {LABELS_FILE} in the seal"
        yield holds(labels == tested.start.data.get(LABELS_FILE), f"{place}: {text}")


def labels_md5(labels: Labels) -> str:
    """Return the MD5 of the file that `cnnreport.prepared.save_split` makes of labels (n,)."""
    buffer = io.BytesIO()
    np.save(buffer, labels.astype(np.int64), allow_pickle=False)
    return md5_of(buffer.getvalue())


def _short(digest: str | None) -> str:
    return f"{digest[:12]}…" if digest else "(none named)"
