"""Stage train: prepared arrays → weights, history and cost of one run."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cnnreport.machine import Meter
from cnnreport.params import load_params
from cnnreport.prepared import load_record, load_split
from cnnreport.records import save_text, to_csv, to_json


def main(argv: Sequence[str]) -> None:
    """Train one network and save what came of it."""
    args = _parse(argv)
    params = load_params(args.params)
    dataset = load_record(args.prepared)
    train, validation = (load_split(args.prepared, name) for name in ("train", "validation"))

    # TensorFlow takes seconds to load: bad input has been found by now.
    from cnnreport.training import EpochLines, accelerators, fit  # noqa: PLC0415
    from cnnreport.weights import save_weights  # noqa: PLC0415

    meter = Meter()
    trained = fit(
        args.model,
        dataset,
        train,
        validation,
        recipe=params.recipe_for(args.model),
        epochs=params.epochs_for(args.model, dataset.name),
        seed=args.seed,
        callbacks=[EpochLines(f"{args.model} on {dataset.name}, seed {args.seed},")],
    )
    cost = meter.record(len(trained.history) * len(train.labels), accelerators())
    save_weights(trained.network, args.out / "weights.npz")
    save_text(args.results / "history" / f"s{args.seed}.csv", to_csv(trained.history))
    save_text(args.results / "training" / f"s{args.seed}.json", to_json(cost))


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="train", description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--prepared", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--results", required=True, type=Path)
    return parser.parse_args(argv)
