"""Stage train: prepared arrays → weights, history and cost of one run; goes on after a stop."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnnreport.checkpoints import Checkpoint, Store, checkpoint_root, loaded_code, training_key
from cnnreport.errors import TrainingError
from cnnreport.lineage import Lineage
from cnnreport.machine import LIBRARIES, Meter, Spent, training_record, use
from cnnreport.mirrors import Mirror
from cnnreport.params import Params, load_params
from cnnreport.prepared import Split, load_record, load_split
from cnnreport.records import DatasetRecord, Epoch, Seal, save_text, to_csv, to_json
from cnnreport.seals import Witness, moved, sha256, training_keys

if TYPE_CHECKING:
    from cnnreport.progress import Reporter
    from cnnreport.training import Trainer


def main(argv: Sequence[str]) -> None:
    """Train one network, or the epochs that are missing, and save what came of it."""
    args = _parse(argv)
    lineage = Lineage.of_this_process()
    if os.environ.get(CLUSTER):
        # By its name, since dvc.yaml need not know it: there the same code trains as here.
        cluster = importlib.import_module("cnnreport.cluster")
        _tell_if_edited(*cluster.train(args, os.environ[CLUSTER], lineage))
        return
    meter = Meter()
    params = load_params(args.params)
    witness = Witness.of(
        args.params, training_keys(params.recipe, params.profile, args.model), args.prepared
    )
    dataset = load_record(args.prepared)
    train, validation = (load_split(args.prepared, name) for name in ("train", "validation"))

    # TensorFlow takes seconds to load: bad input has been found by now.
    use(params.threads, params.gpus)
    from cnnreport.progress import reporter  # noqa: PLC0415
    from cnnreport.training import Trainer, accelerators  # noqa: PLC0415
    from cnnreport.weights import save_weights  # noqa: PLC0415

    key = _key(params, args.model, args.seed, dataset, witness)
    store = Store(checkpoint_root(), f"{dataset.name}/{args.model}/s{args.seed}", key, Mirror.of())
    epochs = params.epochs_for(args.model, dataset.name)
    title = f"{args.model} on {dataset.name}, seed {args.seed}"
    with (
        store.lock(lambda: _stop_without_dvc(lineage, store.run)),
        reporter(title, epochs) as report,
    ):
        _stop_without_dvc(lineage, store.run)
        trainer = Trainer(
            args.model,
            dataset,
            train,
            recipe=params.recipe_for(args.model, dataset.name),
            epochs=epochs,
            seed=args.seed,
            precision=params.precision,
        )
        history, spent, first_loss = _train(trainer, validation, store, meter, report, lineage)
        latency = _latencies(trainer, validation)
        _stop_without_dvc(lineage, store.run)
        weights = args.out / "weights.npz"
        save_weights(trainer.network, weights)
        seal = witness.seal(_code(args.model), {str(args.seed): sha256(weights)})
        cost = training_record(
            spent,
            images_seen=len(history) * len(train.labels),
            latency_ms=latency,
            energy_method=meter.energy_method,
            precision=params.precision,
            replicas=trainer.strategy.num_replicas_in_sync,
            accelerators=accelerators(),
            key=key,
            first_batch_loss=first_loss,
            seal=seal,
        )
        save_text(args.results / "history" / f"s{args.seed}.csv", to_csv(history))
        save_text(args.results / "training" / f"s{args.seed}.json", to_json(cost))
    _tell_if_edited(store.run, seal)


def _train(
    trainer: "Trainer",
    validation: Split,
    store: Store,
    meter: Meter,
    report: "Reporter",
    lineage: Lineage,
) -> tuple[list[Epoch], Spent, float]:
    """Train the epochs that are not in the store and keep each.

    Returns all of them, their cost and the loss of the very first batch.
    """
    from cnnreport.training import Progress, fit  # noqa: PLC0415 - loads TensorFlow

    kept = store.load()
    before = kept.spent if kept else None
    first = {}
    if kept:
        trainer.restore(kept.arrays)
        first[FIRST_LOSS] = kept.arrays[FIRST_LOSS]
        report.going_on(len(kept.history))

    def watch(progress: Progress) -> None:
        # The first look at a training comes after its first batch, whose loss nothing has lowered.
        first.setdefault(FIRST_LOSS, np.asarray(progress.loss))
        _stop_without_dvc(lineage, store.run)
        report.watch(progress)

    def keep(history: list[Epoch]) -> None:
        state = {**trainer.state(), **first}
        store.save(Checkpoint(state, list(history), meter.spent(before)))
        report.epoch_ended(history)

    history = fit(
        trainer,
        validation,
        history=kept.history if kept else (),
        watch=watch,
        after_epoch=keep,
    )
    spent = meter.spent(before)
    meter.stop()
    return history, spent, float(first[FIRST_LOSS])


FIRST_LOSS = "first_batch_loss"
"""How the loss of the first batch is called among the arrays of a kept state."""


CLUSTER = "CNNREPORT_RAY"
"""The environment variable with the address of a Ray cluster that is to train."""


def _tell_if_edited(run: str, seal: Seal) -> None:
    """Say on the spot what `cnnreport verify` will find."""
    dataset, model, seed = run.split("/")
    stage = f"train@{model}-{dataset}-{seed.removeprefix('s')}"
    for change in moved(seal):
        print(
            f"warning: {run}: edited while it ran: {change}; the result comes from what stood "
            "there before, but dvc.lock will name what stands there now; train it again with "
            f"`dvc repro -f -s {stage}`",
            file=sys.stderr,
        )


def _latencies(trainer: "Trainer", split: Split) -> dict[int, float]:
    from cnnreport.latency import BATCHES, latency_ms  # noqa: PLC0415 - loads TensorFlow

    answering = trainer.predictor
    return {
        batch: latency_ms(answering.model, split.images, answering.scale, answering.offset, batch)
        for batch in BATCHES
    }


def _stop_without_dvc(lineage: Lineage, run: str) -> None:
    """Raise an error if nobody waits for this training any more.

    A training whose DVC was killed would write its results over those of the next `dvc repro`.
    """
    if lineage.broken():
        raise TrainingError(
            f"{run}: DVC, which started this training, is gone; `dvc repro` goes on after the last "
            "finished epoch"
        )


def _key(params: Params, model: str, seed: int, dataset: DatasetRecord, witness: Witness) -> str:
    """Return the digest of all that decides how this training ends, as it was at its start."""
    from cnnreport.training import accelerators  # noqa: PLC0415 - loads TensorFlow

    return training_key(
        {
            "model": model,
            "seed": seed,
            "epochs": params.epochs_for(model, dataset.name),
            "precision": params.precision,
            "threads": params.threads,
            "recipe": params.recipe_for(model, dataset.name).model_dump(),
            "dataset": dataset.name,
            "accelerators": accelerators(),
        },
        witness.start.data,
        witness.hashes(_code(model)),
        {name: version(name) for name in LIBRARIES},
    )


def _code(model: str) -> list[Path]:
    """Return the source files that this training works from; no other network's is among them."""
    from cnnreport.models import module_of  # noqa: PLC0415 - loads TensorFlow

    module_of(model)  # found by its name, so what has been loaded so far need not include it
    return loaded_code()


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="train", description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--prepared", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--results", required=True, type=Path)
    return parser.parse_args(argv)
