"""Test a trained network: one prediction for every test image, and the figures they make."""

from collections.abc import Sequence

import numpy as np

from cnnreport.predictor import log_losses
from cnnreport.records import Architecture, CellMetrics, DatasetRecord, Epoch, Prediction

TOP = 5


def predictions_of(probabilities: np.ndarray, labels: np.ndarray) -> list[Prediction]:
    """Return what is kept of probabilities (images, classes) given true labels (images,)."""
    own = probabilities[np.arange(len(labels)), labels]
    ranks = label_ranks(probabilities, labels)
    return [
        Prediction(
            image=image,
            label=int(labels[image]),
            predicted=int(row.argmax()),
            label_rank=int(ranks[image]),
            confidence=float(row.max()),
            label_probability=float(own[image]),
            probability_squares=float(np.square(row).sum()),
        )
        for image, row in enumerate(probabilities)
    ]


def label_ranks(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the rank of the true class, from 1; of equal probabilities the lower class leads."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return np.asarray((order == labels[:, None]).argmax(axis=1) + 1)


def cell_metrics(
    dataset: DatasetRecord,
    architecture: Architecture,
    predictions: dict[int, list[Prediction]],
    histories: dict[int, list[Epoch]],
    *,
    recipe_name: str,
) -> CellMetrics:
    """Return the figures of a cell from the predictions and histories of each seed."""
    hits = {seed: _hits(rows) for seed, rows in predictions.items()}
    last = [history[-1] for history in histories.values()]
    classes = len(dataset.class_names)
    epochs = last[0].epoch
    class_accuracy = _class_accuracy(dataset, predictions, hits)
    return CellMetrics(
        accuracy=_mean([hit.mean() for hit in hits.values()]),
        top5_accuracy=_mean([_top_share(rows) for rows in predictions.values()])
        if classes > TOP
        else None,
        loss=_mean([_log_loss(rows) for rows in predictions.values()]),
        train_accuracy=_mean([epoch.train_accuracy for epoch in last]),
        validation_accuracy=_mean([epoch.validation_accuracy for epoch in last]),
        parameters=architecture.parameters,
        trainable_parameters=architecture.trainable_parameters,
        non_trainable_parameters=architecture.non_trainable_parameters,
        macs=architecture.macs,
        epochs=epochs,
        images_seen=epochs * dataset.train_images,
        test_images=dataset.test_images,
        recipe=recipe_name,
        accuracy_by_seed={str(seed): float(hit.mean()) for seed, hit in hits.items()},
        class_accuracy=class_accuracy,
        balanced_accuracy=_mean(list(class_accuracy.values())),
    )


def _hits(rows: Sequence[Prediction]) -> np.ndarray:
    return np.array([row.predicted == row.label for row in rows])


def _top_share(rows: Sequence[Prediction]) -> float:
    return _mean([row.label_rank <= TOP for row in rows])


def _log_loss(rows: Sequence[Prediction]) -> float:
    own = np.array([row.label_probability for row in rows])
    return _mean(log_losses(own))


def _class_accuracy(
    dataset: DatasetRecord, predictions: dict[int, list[Prediction]], hits: dict[int, np.ndarray]
) -> dict[str, float]:
    labels = np.array([row.label for row in next(iter(predictions.values()))])
    share = np.mean(list(hits.values()), axis=0)
    return {
        name: float(share[labels == number].mean())
        for number, name in enumerate(dataset.class_names)
    }


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values))
