"""Load everything one study produced; the report is a function of this and of what people wrote.

Only what params.yaml declares is loaded, never what a folder happens to hold: results of a network
or seed that was taken out may still lie there.
"""

import gzip
import hashlib
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cnnreport.errors import InputError, ResultsError
from cnnreport.evidence import derive, from_file, mean
from cnnreport.examples import EXAMPLE, Example
from cnnreport.params import Params, Recipe
from cnnreport.picture_texts import Picture
from cnnreport.records import (
    Architecture,
    CellMetrics,
    DatasetRecord,
    Epoch,
    FolderRecord,
    Origin,
    Prediction,
    Seal,
    T,
    TrainingRecord,
    load_csv,
    load_json,
)
from cnnreport.seals import md5

RESULTS = "results"
"""The folder of results in a study's own folder, which evidence is relative to."""

METRICS, ARCHITECTURE, EVALUATION = "metrics.json", "architecture.json", "evaluation.json"
ORIGIN = "origin.json"

PACKED = ".gz"
"""What a frozen study adds to the name of a table that it holds compressed."""


@dataclass(frozen=True, eq=False)
class Run:
    """One training: its seed, history, cost and what it said of every test image.

    `predictions` has the columns of `cnnreport.records.Prediction`, a row for each test image.
    """

    seed: int
    history: list[Epoch]
    training: TrainingRecord
    predictions: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Cell:
    """One network on one image set, with a run for each seed."""

    model: str
    dataset: str
    recipe: Recipe
    metrics: CellMetrics
    architecture: Architecture
    runs: list[Run]
    evaluation: Seal | None = None
    example: Example | None = None

    def has_layer(self, kind: str) -> bool:
        """Say whether the network has a layer of this kind, as the record of layers names it."""
        return any(layer.kind == kind for layer in self.architecture.layers)

    @property
    def has_batch_norm(self) -> bool:
        """Whether the network has a layer of batch normalisation."""
        return self.has_layer("BatchNormalization")

    @property
    def batch_norm_momentum(self) -> float | None:
        """With which momentum batch normalisation averages, of several layers the largest.

        The recipe's, or else the network's own, as the record of layers words it; None without.
        """
        if not self.has_batch_norm:
            return None
        if self.recipe.batch_norm_momentum is not None:
            return self.recipe.batch_norm_momentum
        texts = (each.settings for each in self.architecture.layers)
        found = [float(f) for text in texts for f in re.findall(r"^momentum ([\d.]+)", text)]
        return max(found, default=None)

    @property
    def has_auxiliary_heads(self) -> bool:
        """Whether the network has heads beside its main one, so that `Recipe.heads` matters."""
        return any(layer.name == "aux1" for layer in self.architecture.layers)

    @property
    def l2_penalties(self) -> list[float]:
        """The factors of the penalties on weights that layers carry, as the record words them."""
        texts = (layer.settings for layer in self.architecture.layers)
        return sorted({float(f) for text in texts for f in re.findall(r"\bL2 ([\d.e-]+)", text)})

    @property
    def steps(self) -> int:
        """How many batches a training took; the last one of an epoch may be a part."""
        seen, epochs, batch = self.metrics.images_seen, self.metrics.epochs, self.recipe.batch_size
        steps = int(epochs) * math.ceil(int(seen) / int(epochs) / int(batch))
        return derive(steps, "epochs times batches an epoch, rounded up", seen, epochs, batch)

    @property
    def train_seconds(self) -> float:
        """Wall-clock seconds of one training, the mean over the seeds."""
        return mean([run.training.train_seconds for run in self.runs])

    def latency_ms(self, batch: int) -> float | None:
        """Milliseconds that a batch of 1 or 128 images takes, the least over the seeds.

        Other work on a machine lengthens a latency and never shortens it, and seeds do not change
        what is computed. None where it was not measured for every seed.
        """
        trainings = [run.training for run in self.runs]
        latencies = [
            each.latency_ms_batch_1 if batch == 1 else each.latency_ms_batch_128
            for each in trainings
        ]
        known = [latency for latency in latencies if latency is not None]
        if len(known) < len(latencies):
            return None
        return known[0] if len(known) == 1 else derive(min(known), "the least", *known)


@dataclass(frozen=True)
class Manifest:
    """What a frozen study is: `frozen` is the day (ISO 8601), `files` the SHA-256 by path."""

    name: str
    title: str
    frozen: str
    commit: str
    files: dict[str, str]


@dataclass(frozen=True, eq=False)
class Study:
    """A whole params.yaml with its results; a frozen one has a manifest.

    `digests` holds the MD5 of each file of results that was read, by the name that evidence uses,
    `folders` what became of the files of image sets that came from somebody's folder, `pictures`
    what is said of the pictures of its images, by name.
    """

    params: Params
    datasets: dict[str, DatasetRecord]
    cells: dict[tuple[str, str], Cell]
    digests: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, FolderRecord] = field(default_factory=dict)
    manifest: Manifest | None = None
    pictures: Mapping[str, Picture] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of a frozen study, empty for the live one."""
        return self.manifest.name if self.manifest else ""

    def cell(self, dataset: str, model: str) -> Cell:
        """Return one cell.

        Raises:
            InputError: the study has none of this network and image set.

        """
        if (dataset, model) not in self.cells:
            known = ", ".join(f"{model} on {dataset}" for dataset, model in self.cells)
            raise InputError(f"the study has no '{model}' on '{dataset}'; known: {known}")
        return self.cells[dataset, model]

    def cells_of(self, dataset: str) -> list[Cell]:
        """Return the cells of an image set in the order of the networks in params.yaml."""
        return [self.cells[dataset, model] for model in self.params.models]

    def ranked(self, dataset: str) -> list[Cell]:
        """Return the cells of an image set, the highest test accuracy first."""
        return sorted(self.cells_of(dataset), key=lambda cell: -cell.metrics.accuracy)


def load_study(params: Params, results: Path, manifest: Manifest | None = None) -> Study:
    """Read the results of all declared cells below `results` (layout: `cnnreport.records`).

    Every number knows its file, relative to the folder that `results` lies in, and which frozen
    study it belongs to.

    Raises:
        ResultsError: a file of a declared cell is missing or malformed.

    """
    files = _Files(results, manifest.name if manifest else "")
    return Study(
        params=params,
        datasets={dataset: _record(params, files, dataset) for dataset in params.datasets},
        cells={
            (dataset, model): _load_cell(params, files, dataset, model)
            for dataset, model in cell_keys(params)
        },
        manifest=manifest,
        digests={
            f"{RESULTS}/{file}": content_md5(results / file)
            for file in [*study_files(params), *later_files(params, results)]
        },
        folders=dict(_folders(params, files)),
    )


def _record(params: Params, files: "_Files", dataset: str) -> DatasetRecord:
    record = files.json(f"{dataset}/dataset.json", DatasetRecord)
    folder = params.folders.get(dataset)
    return replace(record, title=folder.title) if folder and folder.title else record


def _folders(params: Params, files: "_Files") -> Iterator[tuple[str, FolderRecord]]:
    for dataset in params.datasets:
        name = f"{dataset}/{ORIGIN}"
        # Studies of before there were such sets have no such file.
        if (files.results / name).is_file() and (folder := files.json(name, Origin).folder):
            yield dataset, folder


def cell_keys(params: Params) -> list[tuple[str, str]]:
    """Return image set and network of each cell that parameters declare."""
    return [(dataset, model) for dataset in params.datasets for model in params.models]


def share_cells(one: Params, other: Params) -> bool:
    """Say whether two studies have a network on an image set in common, so that they compare."""
    return not set(cell_keys(one)).isdisjoint(cell_keys(other))


def study_files(params: Params) -> Iterator[str]:
    """Yield the files that a study needs below its folder of results; others follow from them."""
    for dataset in params.datasets:
        yield f"{dataset}/dataset.json"
        for model in params.models:
            yield from (f"{dataset}/{model}/{name}" for name in (METRICS, ARCHITECTURE, EVALUATION))
            for seed in params.seeds:
                yield f"{dataset}/{model}/history/s{seed}.csv"
                yield f"{dataset}/{model}/training/s{seed}.json"
                yield f"{dataset}/{model}/predictions/s{seed}.csv"


def later_files(params: Params, results: Path) -> list[str]:
    """Return those files of a study that are there and that older studies lack."""
    names = [f"{dataset}/{ORIGIN}" for dataset in params.datasets]
    names += [f"{dataset}/{model}/{EXAMPLE}" for dataset, model in cell_keys(params)]
    return [name for name in names if (results / name).is_file()]


def content_md5(path: Path) -> str:
    """Return the MD5 of a table of results, whether or not it is kept compressed."""
    packed = path.with_name(path.name + PACKED)
    if not packed.is_file():
        return md5(path)
    with gzip.open(packed) as file:
        return md5_of(file.read())


def md5_of(content: bytes) -> str:
    """Return the MD5 of what a file holds."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class _Files:
    """The folder of a study's results, and the name of the study if it is a frozen one."""

    results: Path
    study: str

    def json(self, name: str, kind: type[T]) -> T:
        """Return a record; every number in it knows its place."""
        return self.known(load_json(self.results / name, kind), f"{RESULTS}/{name}")

    def known(self, record: T, file: str, pointer: str = "") -> T:
        """Return a record with each number's place; `file` is relative to the study's folder."""
        return from_file(record, file, pointer, self.study)


def _load_cell(params: Params, files: _Files, dataset: str, model: str) -> Cell:
    folder, results = f"{dataset}/{model}", files.results
    sealed = (results / folder / EVALUATION).is_file()  # studies from before the seals have none
    followed = (results / folder / EXAMPLE).is_file()
    return Cell(
        model=model,
        dataset=dataset,
        recipe=_recipe_of(params, files, model, dataset),
        metrics=files.json(f"{folder}/{METRICS}", CellMetrics),
        architecture=files.json(f"{folder}/{ARCHITECTURE}", Architecture),
        runs=[_load_run(files, folder, seed) for seed in params.seeds],
        evaluation=load_json(results / folder / EVALUATION, Seal) if sealed else None,
        example=files.json(f"{folder}/{EXAMPLE}", Example) if followed else None,
    )


def _load_run(files: _Files, folder: str, seed: int) -> Run:
    history, results = f"{folder}/history/s{seed}.csv", files.results
    return Run(
        seed=seed,
        history=files.known(_load_history(results / history), f"{RESULTS}/{history}"),
        training=files.json(f"{folder}/training/s{seed}.json", TrainingRecord),
        predictions=load_predictions(results / folder / "predictions" / f"s{seed}.csv"),
    )


def _load_history(path: Path) -> list[Epoch]:
    history = load_csv(path, Epoch)
    if not history:
        raise ResultsError(f"{path}: has no epoch; run `dvc repro`, or see `git diff`")
    return history


def _recipe_of(params: Params, files: _Files, model: str, dataset: str) -> Recipe:
    """Return how a network is trained on an image set; each setting knows its place."""
    recipe, place = params.recipe_for(model, dataset), f"/recipes/{params.recipe}/{model}"
    general = recipe.model_dump()
    own = params.recipes[params.recipe][model].by_dataset.get(dataset, {})
    return recipe.model_copy(
        update={
            **files.known(general, "params.yaml", place),
            **files.known(dict(own), "params.yaml", f"{place}/by_dataset/{dataset}"),
        }
    )


def load_predictions(path: Path) -> pd.DataFrame:
    """Read a table of predictions, or its compressed form beside it.

    Raises:
        ResultsError: it is missing, or not the rows of `cnnreport.records.Prediction`.

    """
    packed = path.with_name(path.name + PACKED)
    found = packed if packed.is_file() else path
    try:
        with np.errstate(invalid="ignore"):  # pandas tries to make a whole number of infinity
            table = pd.read_csv(found, dtype=_COLUMNS)
    except (OSError, ValueError, EOFError, OverflowError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise ResultsError(f"{found}: cannot be read ({reason}); run `dvc repro` first") from error
    if problem := _problem(table):
        raise ResultsError(f"{found}: does not hold predictions ({problem}); see `git diff`")
    return table


_COLUMNS = {name: each.type for name, each in Prediction.__dataclass_fields__.items()}


def _problem(table: pd.DataFrame) -> str:
    """Say what keeps a table from being one of predictions; nothing where it is one."""
    if list(table.columns) != list(_COLUMNS):
        came = ", ".join(map(str, table.columns))
        return f"wanted the columns {', '.join(_COLUMNS)}, came {came}"
    # A row with a value too many makes an index of the first column.
    if table.empty or not isinstance(table.index, pd.RangeIndex):
        return "no rows" if table.empty else "rows have more values than there are columns"
    return "" if np.isfinite(table.to_numpy()).all() else "a number is missing or not finite"
