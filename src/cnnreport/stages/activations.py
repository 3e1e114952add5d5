"""Stage activations: weights of the first seed + one test image → what the network made of it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cnnreport.examples import EXAMPLE, example_image, save_trace
from cnnreport.machine import use
from cnnreport.params import load_params
from cnnreport.prepared import load_record, load_split
from cnnreport.records import save_text, to_json


def main(argv: Sequence[str]) -> None:
    """Follow one image through one network; the numbers go to the results, the arrays to DVC."""
    args = _parse(argv)
    params = load_params(args.params)
    dataset = load_record(args.prepared)
    test = load_split(args.prepared, "test")
    recipe = params.recipe_for(args.model, dataset.name)
    image, seed = example_image(test.labels), params.seeds[0]

    # TensorFlow takes seconds to load: bad input has been found by now.
    use(params.threads, params.gpus)
    from cnnreport.activations import follow  # noqa: PLC0415
    from cnnreport.predictor import Predictor  # noqa: PLC0415
    from cnnreport.recipes import untrained_network  # noqa: PLC0415
    from cnnreport.weights import fill_weights  # noqa: PLC0415

    network = untrained_network(args.model, dataset, recipe)
    fill_weights(network, args.runs / f"s{seed}" / "weights.npz")
    place = (image, int(test.labels[image]), seed)
    predictor = Predictor(network, recipe, dataset)
    example, trace = follow(network, predictor, test.images[image], dataset.class_names, place)
    save_trace(trace, args.out)
    save_text(args.results / EXAMPLE, to_json(example))


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="activations", description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    for name in ("prepared", "runs", "results"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path, help="file for the arrays")
    return parser.parse_args(argv)
