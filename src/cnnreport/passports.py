"""Write the passports: for every number that a page shows, where it comes from and what made it.

A passport page holds the numbers of one group: a cell, an image set, or what belongs to neither.
"""

import functools
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cnnreport.evidence import Citation, Evidence
from cnnreport.examples import EXAMPLE
from cnnreport.formats import md, plural
from cnnreport.records import Seal, rounded
from cnnreport.seals import PARAMS_FILE, edits
from cnnreport.study import METRICS, PACKED, RESULTS, Cell, Run, Study
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import NONE

FOLDER = "report/passports"
PARAMETERS, WRITTEN, WHOLE = "parameters", "written", "study"
Link = Callable[[str], str]

FEW = 3
"""So many changed files are named in the table of runs; more of them get a table of their own."""


@dataclass(frozen=True)
class Group:
    """Numbers that share a page: of a cell, an image set, or with another key."""

    key: str
    dataset: str = ""
    model: str = ""

    @property
    def path(self) -> str:
        """The page below docs/, before the folder of a frozen study."""
        return f"{FOLDER}/{self.key}.md"


def groups(study: Study) -> list[Group]:
    """Return all groups of a study: each image set, then its cells, then the rest."""
    of_results = [
        group
        for dataset in study.params.datasets
        for group in (
            Group(dataset, dataset),
            *(Group(f"{dataset}-{model}", dataset, model) for model in study.params.models),
        )
    ]
    several = [Group(WHOLE)] if len(study.params.datasets) > 1 else []
    return [*of_results, *several, Group(PARAMETERS), Group(WRITTEN)]


def group_of(evidence: Evidence) -> str:
    """Return the key of the group that a number belongs to, by the files it comes from."""
    files = [name for name in evidence.files if name != PARAMS_FILE]
    if not files:
        return PARAMETERS
    folders = {tuple(name.split("/")[1:-1][:2]) for name in files if name.startswith(f"{RESULTS}/")}
    if not folders:
        return WRITTEN
    datasets = {folder[0] for folder in folders}
    if len(datasets) > 1:
        return WHOLE
    return "-".join(folders.pop()) if len(folders) == 1 else datasets.pop()


def group_of_figure(name: str, study: Study) -> Group:
    """Return the group whose numbers a figure shows, by the figure's name."""
    mine = [group for group in groups(study) if group.dataset and name.startswith(f"{group.key}-")]
    return max(mine, key=lambda group: len(group.key))


def anchor_of(evidence: Evidence) -> str:
    """Return the anchor of a number in its page, the same in every study."""
    if not evidence.file:
        return evidence.key
    parts = evidence.file.split("/")
    depth = 3 if len(parts) > 3 else 2
    inside = "/".join(parts[depth:]) if evidence.file.startswith(f"{RESULTS}/") else ""
    stem = re.sub(r"\.(json|csv|yaml)$", "", inside)
    return _slug(f"{stem}{evidence.pointer}")


def _slug(text: str) -> str:
    """Write a path as an anchor; what is no letter, digit, dot or underscore becomes a hyphen."""
    plain = re.sub(r"[^\w./-]", lambda match: f"-{ord(match[0]):x}-", text)
    return plain.strip("/").replace("/", "-")


@dataclass(frozen=True)
class Passports:
    """What a passport page of a study is made from.

    `citations` are all of `complete`. `link` writes the way from the page that is being made to a
    path below docs/, `raw` to a file of the study by its name in the evidence.
    """

    study: Study
    citations: Sequence[Citation]
    link: Link
    raw: Link

    def of(self, key: str) -> list[Citation]:
        """Return the numbers of a group and what they were computed from, read ones first."""
        return self._groups.get(key, [])

    @functools.cached_property
    def _groups(self) -> dict[str, list[Citation]]:
        groups: dict[str, list[Citation]] = {}
        order = sorted(self.citations, key=lambda c: (not c.evidence.file, c.evidence.file))
        for each in order:
            groups.setdefault(group_of(each.evidence), []).append(each)
        return groups

    @functools.cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(each.evidence.key for each in self.citations)

    def numbers(self, key: str) -> list[tuple[str, Table]]:
        """Return the numbers of a group by what they come from, said in words: each file, the rest.

        A file is named once, above its numbers, since there may be hundreds of them.
        """
        return [
            (f"From {self.file(name)}:", self._table("Place", list(own), place))
            if name
            else ("Computed from other numbers:", self._table("How", list(own), self.where))
            for name, own in itertools.groupby(self.of(key), lambda each: each.evidence.file)
        ]

    def _table(self, last: str, numbers: list[Citation], say: Callable[[Evidence], str]) -> Table:
        rows = [
            [
                f'<a id="{anchor_of(each.evidence)}"></a>{each.text or NONE}',
                f"`{rounded(each.value)!r}`",
                say(each.evidence),
            ]
            for each in numbers
        ]
        return Table(["As shown", "In full", last], rows, "lll")

    def where(self, evidence: Evidence) -> str:
        """Say where a number comes from: a place in a file, or how from which other numbers."""
        if evidence.file:
            return f"{self.file(evidence.file)}, {place(evidence)}"
        inputs = "; ".join(self._input(part) for part in evidence.inputs)
        return f"{md(evidence.how)}: {inputs}"

    def _input(self, evidence: Evidence) -> str:
        if evidence.key not in self._keys:
            return self.where(evidence)
        path = Group(group_of(evidence)).path
        return f"[{_short(evidence)}]({self.link(path)}#{anchor_of(evidence)})"

    def cells(self, key: str) -> list[Cell]:
        """Return the cells whose runs stand behind the numbers of a group of no single cell."""
        files = [name for each in self.of(key) for name in each.evidence.files]
        return [
            cell
            for cell in self.study.cells.values()
            if any(name.startswith(f"{RESULTS}/{cell.dataset}/{cell.model}/") for name in files)
        ]

    def file(self, name: str) -> str:
        """Write the name of a file as a link to the file itself."""
        target = self.raw(name)
        return f"[`{name}`]({target}){', compressed' if target.endswith(PACKED) else ''}"

    def runs(self, cell: Cell) -> Table:
        """Return the runs of a cell: whether sealed, when, where and from which commit."""
        rows = [
            [
                str(run.seed),
                seal_text(run),
                md(run.training.started),
                f"{float(run.training.train_seconds):.1f} s",
                _machine(run),
                _commit(run),
                _changed(run),
            ]
            for run in cell.runs
        ]
        headers = ["Seed", "Seal", "Started", "Took", "On", "Commit", "Not as in the commit"]
        return Table(headers, rows, "rllllll")

    def not_as_in_the_commit(self, cell: Cell) -> Table:
        """Return the changed files of the runs that had too many to name them beside the run."""
        rows = [
            [str(run.seed), f"`{name}`"]
            for run in cell.runs
            for seal in run.training.seals[:1]
            if seal.commit and len(seal.changed) > FEW
            for name in seal.changed
        ]
        return Table(["Seed", "File"], rows, "rl")

    def digests(self, cell: Cell) -> Table:
        """Return what names a run for good: its key and the SHA-256 of its weights."""
        rows = [
            [str(run.seed), what, f"`{digest}`" if digest else "not known"]
            for run in cell.runs
            for what, digest in self._digests_of(cell, run).items()
        ]
        return Table(["Seed", "What", "SHA-256"], rows, "rll")

    def _digests_of(self, cell: Cell, run: Run) -> dict[str, str]:
        evaluations = [cell.evaluation] if cell.evaluation else []
        return {
            "Key of the run: parameters, code, images, libraries": run.training.key,
            "Weights, when they were written": _weights(run.training.seals, run),
            "Weights, when they were tested": _weights(evaluations, run),
        }

    def files(self, group: Group) -> Table:
        """Return the files that the numbers of a group come from: stage and MD5."""
        cited = {name for each in self.of(group.key) for name in each.evidence.files}
        own = f"{RESULTS}/{group.dataset}/{group.model}/" if group.model else NONE
        names = sorted(cited | {name for name in self.study.digests if name.startswith(own)})
        rows = [[self.file(name), stage_of(name), self._digest(name)] for name in names]
        return Table(["File", "Written by", "MD5"], rows, "lll")

    def _digest(self, name: str) -> str:
        return f"`{self.study.digests[name]}`" if name in self.study.digests else NONE

    def inputs(self, seal: Seal) -> Table:
        """Return the files that a stage worked from, as hashed when it started."""
        files = {**seal.start.data, **seal.start.code}
        rows = [[f"`{name}`", f"`{digest}`"] for name, digest in files.items()]
        return Table(["Input", "MD5 at the start"], rows, "ll")


def complete(shown: Sequence[Citation]) -> list[Citation]:
    """Return the numbers that pages show, then the computed ones behind them that none shows."""
    keys = {each.evidence.key for each in shown}
    found: dict[str, Citation] = {}
    waiting = [part for each in shown for part in each.evidence.inputs]
    while waiting:
        part = waiting.pop()
        if part.key in keys or part.key in found or part.value is None:
            continue
        if not part.file:
            found[part.key] = Citation(part.value, part, "")
        waiting += part.inputs
    behind = sorted(found.values(), key=lambda each: (each.evidence.how, each.evidence.key))
    return [*shown, *behind]


def place(evidence: Evidence) -> str:
    """Say where in its file a number stands: a JSON pointer, or row and column of a table."""
    if not evidence.file.endswith(".csv"):
        return f"`{evidence.pointer}`"
    row = re.fullmatch(r"/(\d+)/(\w+)", evidence.pointer)
    return f"row {int(row[1]) + 1}, column `{row[2]}`" if row else _columns(evidence.pointer)


def _columns(names: str) -> str:
    return f"columns `{names}`" if ", " in names else f"column `{names}`"


def _short(evidence: Evidence) -> str:
    if not evidence.file:
        return md(evidence.how)
    stem = evidence.file.removeprefix(f"{RESULTS}/").removesuffix(".json")
    return f"`{stem}{evidence.pointer}`"


def seal_text(run: Run) -> str:
    """Say whether the inputs of a run stayed what they were while it ran."""
    if not run.training.seals:
        return "**unsealed**: older than seals"
    changes = edits(run.training)
    return f"**edited mid-run**: {md('; '.join(changes))}" if changes else "sealed"


def stage_of(name: str) -> str:
    """Return the stage of dvc.yaml that writes a file of results; other files are people's."""
    parts = name.removeprefix(f"{RESULTS}/").split("/")
    if not name.startswith(f"{RESULTS}/"):
        return "people"
    if len(parts) == 2:
        return f"`prepare@{parts[0]}`"
    dataset, model = parts[:2]
    if parts[2] in ("history", "training"):
        seed = re.sub(r"\D", "", parts[3])
        return f"`train@{model}-{dataset}-{seed}`"
    if parts[2] == EXAMPLE:
        return f"`activations@{model}-{dataset}`"
    return f"`evaluate@{model}-{dataset}`"


def again(study: Study, cell: Cell) -> str:
    """Return the commands that make the numbers of a cell again, in a clone.

    A frozen study is made again in a folder beside the clone, with the code of its commit.
    """
    stem, metrics = f"{cell.model}-{cell.dataset}", f"{RESULTS}/{cell.dataset}/{cell.model}"
    trainings = " ".join(f"train@{stem}-{run.seed}" for run in cell.runs)
    commands = [
        f"dvc repro prepare@{cell.dataset}",
        f"dvc repro -f -s {trainings}",
        f"dvc repro -f -s evaluate@{stem}",
    ]
    if not study.name:
        return "\n".join([*commands, f"git diff {metrics}/{METRICS}"])
    folder = f"../again-{stem}"
    kept = f"report/studies/{study.name}/{metrics}/{METRICS}"
    difference = f"git diff --no-index {kept} {folder}/{metrics}/{METRICS}"
    return "\n".join([*beside(study, cell, folder), *commands, "cd -", difference])


def beside(study: Study, cell: Cell, folder: str) -> list[str]:
    """Return the commands that put a frozen study's code and parameters into a folder beside."""
    commit = _commit_of(cell.runs[0])[:COMMIT_DIGITS]
    return [
        f"git worktree add {folder} {commit}".rstrip(),
        f"cp report/studies/{study.name}/params.yaml {folder}/",
        f"cd {folder}",
    ]


def _machine(run: Run) -> str:
    training = run.training
    parts = [training.processor, f"{training.cores:d} cores", *training.accelerators]
    return md(", ".join([*parts, training.precision]))


def _commit(run: Run) -> str:
    commit = _commit_of(run)
    return f"`{commit[:COMMIT_DIGITS]}`" if commit else "not known"


def _commit_of(run: Run) -> str:
    return next((seal.commit for seal in run.training.seals), "")


COMMIT_DIGITS = 12
"""So many digits name a commit beyond doubt in a project of any size."""


def _changed(run: Run) -> str:
    seal = next(iter(run.training.seals), None)
    if seal is None or not seal.commit:
        return "not known"
    if len(seal.changed) > FEW:
        return plural(len(seal.changed), "file")
    return ", ".join(f"`{name}`" for name in seal.changed) or "nothing"


def _weights(seals: Sequence[Seal], run: Run) -> str:
    return next((seal.weights.get(str(run.seed), "") for seal in seals), "")
