"""Load everything one study produced; the report is a function of this and of what people wrote.

Only what params.yaml declares is loaded, never what a folder happens to hold: results of a network
or seed that was taken out may still lie there.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import pandas as pd

from cnnreport.errors import ResultsError
from cnnreport.params import Params, Recipe
from cnnreport.records import (
    Architecture,
    CellMetrics,
    DatasetRecord,
    Epoch,
    TrainingRecord,
    load_csv,
    load_json,
)


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

    @property
    def train_seconds(self) -> float:
        """Wall-clock seconds of one training, the mean over the seeds."""
        return fmean(run.training.train_seconds for run in self.runs)


@dataclass(frozen=True, eq=False)
class Study:
    """A whole params.yaml with its results."""

    params: Params
    datasets: dict[str, DatasetRecord]
    cells: dict[tuple[str, str], Cell]

    def cell(self, dataset: str, model: str) -> Cell:
        """Return one cell."""
        return self.cells[dataset, model]

    def cells_of(self, dataset: str) -> list[Cell]:
        """Return the cells of an image set in the order of the networks in params.yaml."""
        return [self.cells[dataset, model] for model in self.params.models]

    def ranked(self, dataset: str) -> list[Cell]:
        """Return the cells of an image set, the highest test accuracy first."""
        return sorted(self.cells_of(dataset), key=lambda cell: -cell.metrics.accuracy)


def load_study(params: Params, results: Path) -> Study:
    """Read the results of all declared cells below `results` (layout: `cnnreport.records`).

    Raises:
        ResultsError: a file of a declared cell is missing or malformed.

    """
    return Study(
        params=params,
        datasets={
            name: load_json(results / name / "dataset.json", DatasetRecord)
            for name in params.datasets
        },
        cells={
            (dataset, model): _load_cell(params, results, dataset, model)
            for dataset in params.datasets
            for model in params.models
        },
    )


def _load_cell(params: Params, results: Path, dataset: str, model: str) -> Cell:
    folder = results / dataset / model
    return Cell(
        model=model,
        dataset=dataset,
        recipe=params.recipe_for(model, dataset),
        metrics=load_json(folder / "metrics.json", CellMetrics),
        architecture=load_json(folder / "architecture.json", Architecture),
        runs=[_load_run(folder, seed) for seed in params.seeds],
    )


def _load_run(folder: Path, seed: int) -> Run:
    return Run(
        seed=seed,
        history=load_csv(folder / "history" / f"s{seed}.csv", Epoch),
        training=load_json(folder / "training" / f"s{seed}.json", TrainingRecord),
        predictions=_load_predictions(folder / "predictions" / f"s{seed}.csv"),
    )


def _load_predictions(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path}: cannot be read ({error}); run `dvc repro` first") from error
