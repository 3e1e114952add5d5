"""Make small synthetic studies for tests of figures, tables and pages; no network is behind them.

The numbers are drawn from a seeded generator and agree with one another: the metrics of a cell are
computed from its predictions, its histories end at its accuracies and its layers add up to its
parameters. They say nothing about the networks whose names they carry.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ruamel.yaml import YAML

from cnnreport.params import Params, parse_params
from cnnreport.records import (
    Architecture,
    CellMetrics,
    DatasetRecord,
    Epoch,
    Layer,
    Origin,
    Prediction,
    TrainingRecord,
    rows_to_csv,
    save_text,
    to_csv,
    to_json,
)
from cnnreport.study import Cell, Run, Study
from cnnreport.superclasses import SUPERCLASSES

MODELS = ("lenet", "alexnet", "vgg16", "resnet50", "googlenet")
PARAMS = Path(__file__).parent.parent / "params.yaml"

TOTALS = {
    "lenet": (62_006, 0, 85),
    "alexnet": (21_591_306, 704, 4097),
    "vgg16": (33_687_882, 24_832, 4097),
    "resnet50": (23_608_202, 53_120, 2049),
    "googlenet": (23_188_534, 832, 1515),
}
"""Parameters with ten classes, those that are not trained, and parameters of each further class."""

MACS = {
    "lenet": 651_720,
    "alexnet": 40_249_344,
    "vgg16": 332_111_872,
    "resnet50": 174_449_344,
    "googlenet": 731_479_120,
}
"""Multiply-accumulates an image of the real networks with ten classes."""

SECONDS = {"lenet": 4.2, "alexnet": 62.0, "vgg16": 310.5, "resnet50": 242.0, "googlenet": 402.3}
LATENCIES = {"lenet": 0.6, "alexnet": 3.1, "vgg16": 11.0, "resnet50": 12.5, "googlenet": 13.8}
"""Milliseconds of one image; a batch of 128 takes thirty times as long."""

SYNTHETIC_WATTS = 20
STRENGTHS = {"lenet": 0.9, "alexnet": 1.3, "vgg16": 1.9, "resnet50": 1.8, "googlenet": 2.2}
"""How far the score of the true class lies above the best of the others, in deviations."""


def make_study(
    datasets: Sequence[str] = ("digits",),
    models: Sequence[str] = MODELS,
    seeds: Sequence[int] = (0,),
    epochs: int = 3,
    images_per_class: int = 30,
    strengths: Mapping[str, float] = STRENGTHS,
) -> Study:
    """Return a synthetic study of the given image sets, networks and seeds."""
    params = make_params(datasets, models, seeds, epochs)
    records = {name: make_dataset(params, name, images_per_class) for name in datasets}
    cells = {
        (dataset, model): make_cell(params, records[dataset], model, epochs, strengths[model])
        for dataset in datasets
        for model in models
    }
    return Study(params, records, cells)


def with_networks(study: Study, *names: str) -> Study:
    """Return a study with more networks, each with the results of one of those that it has."""
    models = study.params.models
    own = [
        (dataset, name, study.cell(dataset, models[place % len(models)]))
        for dataset in study.params.datasets
        for place, name in enumerate(names)
    ]
    cells = {(dataset, name): replace(cell, model=name) for dataset, name, cell in own}
    params = study.params.model_copy(update={"models": [*models, *names]})
    return replace(study, params=params, cells={**study.cells, **cells})


def make_params(
    datasets: Sequence[str], models: Sequence[str], seeds: Sequence[int], epochs: int
) -> Params:
    """Return the params.yaml of the project with other lists in it."""
    raw = YAML(typ="safe").load(PARAMS.read_text(encoding="utf-8"))
    lists = {"datasets": list(datasets), "models": list(models), "seeds": list(seeds)}
    return parse_params({**raw, **lists, "epochs": epochs})


def make_dataset(params: Params, name: str, images_per_class: int = 30) -> DatasetRecord:
    """Return the record of a synthetic image set."""
    classes = class_names(params, name)
    return DatasetRecord(
        name=name,
        title=f"Synthetic {name}",
        source="drawn from a seeded generator for tests",
        class_names=classes,
        train_images=9 * images_per_class * len(classes),
        validation_images=images_per_class * len(classes),
        test_images=images_per_class * len(classes),
        image_shape=[32, 32, 3],
        validation_fraction=0.1,
        split_seed=params.data.split_seed,
        mean=[0.5, 0.5, 0.5],
        deviation=[0.25, 0.25, 0.25],
        digest="0" * 64,
        class_counts={
            split: [share * images_per_class] * len(classes)
            for split, share in (("train", 9), ("validation", 1), ("test", 1))
        },
    )


def class_names(params: Params, dataset: str) -> list[str]:
    """Return class names of a plausible number and length."""
    if dataset in params.subsets:
        return list(params.subsets[dataset].classes)
    if dataset == "digits":
        return [str(digit) for digit in range(10)]
    if dataset == "cifar100":
        return sorted(name for names in SUPERCLASSES.values() for name in names)
    return [f"synthetic_{index:02d}" for index in range(10)]


def make_cell(
    params: Params, dataset: DatasetRecord, model: str, epochs: int, strength: float
) -> Cell:
    """Return one cell with a run for each seed."""
    architecture = make_architecture(model, len(dataset.class_names))
    runs = [make_run(dataset, model, seed, epochs, strength) for seed in params.seeds]
    return Cell(
        model=model,
        dataset=dataset.name,
        recipe=params.recipe_for(model, dataset.name),
        metrics=make_metrics(params, dataset, architecture, runs),
        architecture=architecture,
        runs=runs,
    )


def make_run(dataset: DatasetRecord, model: str, seed: int, epochs: int, strength: float) -> Run:
    """Return one run whose history leads up to about the accuracy of its predictions."""
    generator = np.random.default_rng([zlib.crc32(f"{dataset.name}-{model}".encode()), seed])
    predictions = make_predictions(generator, dataset, strength)
    accuracy = float((predictions.label == predictions.predicted).mean())
    return Run(
        seed=seed,
        history=make_history(generator, accuracy, len(dataset.class_names), epochs),
        training=make_training(model, dataset, seed, epochs),
        predictions=predictions,
    )


def make_predictions(
    generator: np.random.Generator, dataset: DatasetRecord, strength: float
) -> pd.DataFrame:
    """Return what a network that scores the true class `strength` higher would predict."""
    classes = len(dataset.class_names)
    labels = np.repeat(np.arange(classes), dataset.test_images // classes)
    scores = generator.normal(size=(len(labels), classes))
    best_of_others = np.sqrt(2 * np.log(classes))
    class_effect = generator.normal(scale=0.5, size=classes)
    scores[np.arange(len(labels)), labels] += best_of_others + strength + class_effect[labels] - 0.7
    return _predictions_from(scores * 3, labels)


def _predictions_from(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> pd.DataFrame:
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    of_label = probabilities[np.arange(len(labels)), labels]
    return pd.DataFrame(
        {
            "image": np.arange(len(labels)),
            "label": labels,
            "predicted": probabilities.argmax(axis=1),
            "label_rank": 1 + (probabilities > of_label[:, None]).sum(axis=1),
            "confidence": probabilities.max(axis=1),
            "label_probability": of_label,
            "probability_squares": (probabilities**2).sum(axis=1),
        }
    )


def make_history(
    generator: np.random.Generator, accuracy: float, classes: int, epochs: int
) -> list[Epoch]:
    """Return a history that rises from chance towards an accuracy."""
    shares = 1 - 0.6 * np.exp(-np.arange(epochs))
    jitter = generator.normal(scale=0.01, size=(epochs, 2))
    train, validation = (
        np.clip(1 / classes + (goal - 1 / classes) * shares + jitter[:, column], 0.01, 0.999)
        for column, goal in enumerate((min(1, accuracy + 0.03), accuracy))
    )
    return [
        Epoch(epoch + 1, float(-np.log(t)), float(t), float(-1.3 * np.log(v)), float(v))
        for epoch, (t, v) in enumerate(zip(train, validation, strict=True))
    ]


def make_training(model: str, dataset: DatasetRecord, seed: int, epochs: int) -> TrainingRecord:
    """Return a synthetic record of cost and place."""
    seconds = SECONDS[model] * epochs / 3 * (1 + 0.02 * seed)
    latency = LATENCIES[model] * (1 + 0.01 * seed)
    return TrainingRecord(
        started=f"2020-01-{seed % 28 + 1:02d}T12:00:00+00:00",
        train_seconds=seconds,
        cpu_seconds=1.8 * seconds,
        peak_memory_mib=900.0 + SECONDS[model],
        images_seen=epochs * dataset.train_images,
        sittings=1,
        latency_ms_batch_1=latency,
        latency_ms_batch_128=30 * latency,
        energy_kwh=seconds * SYNTHETIC_WATTS / 3.6e6,
        energy_method=f"estimate of the tests: {SYNTHETIC_WATTS} W all the time",
        precision="float32",
        replicas=1,
        processor="Synthetic processor",
        cores=2,
        accelerators=[],
        platform="Synthetic platform",
        versions={"python": "3.12.0", "keras": "3.15.0", "tensorflow": "2.21.0"},
        key="0" * 64,
    )


def make_architecture(model: str, classes: int) -> Architecture:
    """Return four layers that add up to the parameters the network has in the original study."""
    total, fixed, of_class = TOTALS[model]
    total += of_class * (classes - 10)
    output = of_class * classes
    norm = 2 * fixed  # half of the parameters of a batch normalisation are not trained
    hidden = total - output - 456 - norm
    layers = [
        Layer("image", "InputLayer", [32, 32, 3], 0, "", "", []),
        Layer("conv", "Conv2D", [28, 28, 6], 456, "relu", "6 kernels 5x5, valid", ["image"]),
        Layer("norm", "BatchNormalization", [28, 28, 6], norm, "", "", ["conv"]),
        Layer("hidden", "Dense", [of_class - 1], hidden, "relu", "", ["norm"]),
        Layer("classes", "Dense", [classes], output, "softmax", "", ["hidden"]),
    ]
    return Architecture(layers, total, total - fixed, fixed, MACS[model])


def make_metrics(
    params: Params, dataset: DatasetRecord, architecture: Architecture, runs: list[Run]
) -> CellMetrics:
    """Return the metrics of a cell, computed from its runs."""
    predictions = pd.concat([run.predictions for run in runs])
    correct = predictions.label == predictions.predicted
    by_class = correct.groupby(predictions.label).mean()
    top5 = float((predictions.label_rank <= 5).mean()) if len(dataset.class_names) > 5 else None
    return CellMetrics(
        accuracy=float(correct.mean()),
        top5_accuracy=top5,
        loss=float(-np.log(predictions.label_probability).mean()),
        train_accuracy=float(np.mean([run.history[-1].train_accuracy for run in runs])),
        validation_accuracy=float(np.mean([run.history[-1].validation_accuracy for run in runs])),
        parameters=architecture.parameters,
        trainable_parameters=architecture.trainable_parameters,
        non_trainable_parameters=architecture.non_trainable_parameters,
        macs=architecture.macs,
        epochs=len(runs[0].history),
        images_seen=runs[0].training.images_seen,
        test_images=dataset.test_images,
        recipe=params.recipe,
        accuracy_by_seed={str(run.seed): _accuracy(run.predictions) for run in runs},
        class_accuracy={
            name: float(by_class[index]) for index, name in enumerate(dataset.class_names)
        },
        balanced_accuracy=float(by_class.mean()),
    )


def _accuracy(predictions: pd.DataFrame) -> float:
    return float((predictions.label == predictions.predicted).mean())


def write_study(study: Study, results: Path) -> None:
    """Write a study as the stages would, so that `cnnreport.study.load_study` reads it back."""
    for name, dataset in study.datasets.items():
        save_text(results / name / "dataset.json", to_json(dataset))
        save_text(results / name / "origin.json", to_json(Origin(study.folders.get(name))))
    for cell in study.cells.values():
        write_cell(cell, study.datasets[cell.dataset], results / cell.dataset / cell.model)


def write_cell(cell: Cell, dataset: DatasetRecord, folder: Path) -> None:
    """Write the files of one cell."""
    save_text(folder / "metrics.json", to_json(cell.metrics))
    save_text(folder / "architecture.json", to_json(cell.architecture))
    class_rows = cell.metrics.class_accuracy.items()
    save_text(folder / "classes.csv", rows_to_csv(["class", "accuracy"], class_rows))
    if cell.evaluation:
        save_text(folder / "evaluation.json", to_json(cell.evaluation))
    for run in cell.runs:
        write_run(run, dataset.class_names, folder)


def write_run(run: Run, classes: list[str], folder: Path) -> None:
    """Write the files of one run."""
    rows = [Prediction(*row) for row in run.predictions.itertuples(index=False, name=None)]
    pairs = ((classes[row.label], classes[row.predicted]) for row in rows)
    confusion = rows_to_csv(["actual", "predicted"], pairs)
    save_text(folder / "history" / f"s{run.seed}.csv", to_csv(run.history))
    save_text(folder / "training" / f"s{run.seed}.json", to_json(run.training))
    save_text(folder / "predictions" / f"s{run.seed}.csv", to_csv(rows))
    save_text(folder / "confusion" / f"s{run.seed}.csv", confusion)


def normalised(study: Study, momentum: float = 0.99) -> Study:
    """The study with batch normalisation; 0.99 averages over 100 of 180 steps, 0.9 over 10."""
    layers = [Layer("bn", "BatchNormalization", [1], 0, "", f"momentum {momentum:g}", [])]
    cells = {
        key: replace(
            cell,
            architecture=replace(cell.architecture, layers=layers),
            recipe=cell.recipe.model_copy(update={"batch_norm_momentum": None, "batch_size": 128}),
            metrics=replace(cell.metrics, epochs=5, images_seen=5 * 4500),
        )
        for key, cell in study.cells.items()
    }
    return replace(study, cells=cells)
