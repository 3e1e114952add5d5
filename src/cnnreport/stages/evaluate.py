"""Stage evaluate: weights of all seeds + test split → predictions and metrics of one cell."""

import argparse
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from cnnreport.checkpoints import Store, checkpoint_root, loaded_code
from cnnreport.errors import ResultsError
from cnnreport.machine import use
from cnnreport.mirrors import Mirror
from cnnreport.params import load_params
from cnnreport.prepared import load_record, load_split
from cnnreport.records import (
    Epoch,
    Prediction,
    TrainingRecord,
    load_csv,
    load_json,
    rows_to_csv,
    save_text,
    to_csv,
    to_json,
)
from cnnreport.seals import Witness, evaluation_keys, sha256

KEY = re.compile(r"[0-9a-f]{64}")
"""What `cnnreport.checkpoints.training_key` returns."""


def main(argv: Sequence[str]) -> None:
    """Test one network on one image set; the only reader of the test split."""
    args = _parse(argv)
    params = load_params(args.params)
    witness = Witness.of(args.params, evaluation_keys(params.recipe, args.model), args.prepared)
    dataset = load_record(args.prepared)
    test = load_split(args.prepared, "test")
    recipe = params.recipe_for(args.model, dataset.name)
    for seed in params.seeds:
        # DVC has the trained network by now, so the state it grew from has done its work. No
        # output follows from the record of its cost, so that is no dependency of this stage.
        if key := trained_key(args.results / "training" / f"s{seed}.json"):
            run = f"{dataset.name}/{args.model}/s{seed}"
            Store(checkpoint_root(), run, key, Mirror.of()).discard()
    histories = {s: load_csv(args.results / "history" / f"s{s}.csv", Epoch) for s in params.seeds}

    # TensorFlow takes seconds to load: bad input has been found by now.
    use(params.threads, params.gpus)
    from cnnreport.evaluation import (  # noqa: PLC0415
        cell_metrics,
        predictions_of,
    )
    from cnnreport.models.blocks import MAIN  # noqa: PLC0415
    from cnnreport.models.inspection import describe  # noqa: PLC0415
    from cnnreport.predictor import Predictor  # noqa: PLC0415
    from cnnreport.recipes import untrained_network  # noqa: PLC0415
    from cnnreport.weights import fill_weights  # noqa: PLC0415

    classes = dataset.class_names
    network = untrained_network(args.model, dataset, recipe)
    predictor = Predictor(network, recipe, dataset)
    predictions: dict[int, list[Prediction]] = {}
    weights = {seed: args.runs / f"s{seed}" / "weights.npz" for seed in params.seeds}
    digests = _digests(weights)
    for seed in params.seeds:
        fill_weights(network, weights[seed])
        rows = predictions_of(predictor.probabilities(test.images), test.labels)
        predictions[seed] = rows
        confusion = rows_to_csv(
            ("actual", "predicted"),
            ((classes[row.label], classes[row.predicted]) for row in rows),
        )
        save_text(args.results / "confusion" / f"s{seed}.csv", confusion)
        save_text(args.results / "predictions" / f"s{seed}.csv", to_csv(rows))
    # Weighted auxiliary heads are for training only, so their work is not counted.
    architecture = describe(network, output_layer=MAIN if recipe.heads == "weighted" else None)
    metrics = cell_metrics(dataset, architecture, predictions, histories, recipe_name=params.recipe)
    save_text(args.results / "architecture.json", to_json(architecture))
    save_text(args.results / "metrics.json", to_json(metrics))
    save_text(
        args.results / "classes.csv",
        rows_to_csv(("class", "accuracy"), metrics.class_accuracy.items()),
    )
    if _digests(weights) != digests:
        raise ResultsError(f"{args.runs}: the weights changed while they were tested; test again")
    seal = witness.seal(loaded_code(), digests)
    # The commit moves on while code and inputs stay; this file is to stay the same then.
    save_text(args.results / "evaluation.json", to_json(replace(seal, commit="", changed=[])))


def trained_key(record: Path) -> str | None:
    """Return the key of the training that a record is of; None where it tells of none.

    A record that cannot be read is for the report to tell of, which shows it. The key becomes the
    name of a folder that is deleted, so what is no key is not taken for one.
    """
    with suppress(ResultsError):
        key = load_json(record, TrainingRecord).key
        return key if KEY.fullmatch(key) else None
    return None


def _digests(weights: Mapping[int, Path]) -> dict[str, str]:
    return {str(seed): sha256(path) for seed, path in weights.items()}


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evaluate", description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--prepared", required=True, type=Path)
    parser.add_argument("--runs", required=True, type=Path)
    parser.add_argument("--results", required=True, type=Path)
    return parser.parse_args(argv)
