"""Ask the trained networks of a study what is on somebody's images."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from cnnreport.errors import DatasetError, ResultsError
from cnnreport.folders import UnusableError, read_file, read_pixels
from cnnreport.folders.pixels import Fit
from cnnreport.formats import listing, percent
from cnnreport.machine import use
from cnnreport.params import Params, declared_values
from cnnreport.prepared import Images, load_record
from cnnreport.records import DatasetRecord, Origin, Seal, load_json
from cnnreport.seals import sha256
from cnnreport.study import EVALUATION, ORIGIN, RESULTS

SHOWN = 3
"""So many of the likeliest classes are told of each image."""

HEADERS = ("network", "class", "confidence", "next", "seeds that agree")

NOTE = (
    "A network knows no class but those it learnt, and gives one of them to any image. How far its "
    "confidence can be trusted is on the report's page on calibration"
)


@dataclass(frozen=True)
class Answer:
    """What one network says of one image.

    `classes` are the likeliest ones with their probabilities, the means over the seeds; `agreeing`
    of `seeds` trainings name the first one themselves.
    """

    image: str
    model: str
    classes: tuple[tuple[str, float], ...]
    agreeing: int
    seeds: int


def note(found: Sequence[Answer]) -> str:
    """Return what a reader of the answers should know."""
    several = any(answer.seeds > 1 for answer in found)
    return f"{NOTE}{', for each seed; here it is the mean over the seeds.' if several else '.'}"


def load_images(paths: Sequence[Path], side: int, fit: Fit) -> tuple[Images, list[Path], list[str]]:
    """Read images as networks take them: squares of `side` pixels.

    Returns the pixels of those that can be read, their paths, and a line for each of the others.
    """
    pixels, good, bad = [], [], []
    for path in paths:
        try:
            with warnings.catch_warnings(action="ignore"):  # Pillow's, of odd files
                image, _, _ = read_pixels(read_file(path), side, fit)
        except OSError as error:
            bad.append(f"{path}: cannot be read ({error.strerror})")
        except UnusableError as error:
            bad.append(f"{path}: cannot be used: {error}")
        else:
            pixels.append(image)
            good.append(path)
    stacked = np.stack(pixels) if pixels else np.zeros((0, side, side, 3), np.uint8)
    return stacked, good, bad


def ask(
    root: Path, params: Params, dataset: str, paths: Sequence[Path]
) -> tuple[list[Answer], list[str]]:
    """Return what the networks of the study in `root` say, and a line for each unreadable image.

    Answers to one image stand together. `dataset` is the study's first one where it is empty.

    Raises:
        DatasetError: the study has no such image set, or it was not prepared here.
        ResultsError: weights are missing, or are not those whose figures the report shows.

    """
    dataset = dataset or params.datasets[0]
    if dataset not in params.datasets:
        known = listing(params.datasets)
        raise DatasetError(f"wanted an image set of the study ({known}), came '{dataset}'")
    record = record_of(root, dataset)
    weights = {model: _weights(root, params, dataset, model) for model in params.models}
    folder = load_json(root / RESULTS / dataset / ORIGIN, Origin).folder
    images, good, bad = load_images(
        paths, record.image_shape[0], cast("Fit", folder.fit) if folder else "crop"
    )
    if not good:
        return [], bad
    names = [str(path) for path in good]
    by_model = [
        list(_answers(params, record, model, weights[model], images, names))
        for model in params.models
    ]
    return [answers[number] for number in range(len(good)) for answers in by_model], bad


def rows(found: Sequence[Answer]) -> list[list[str]]:
    """Return the rows of a table with `HEADERS`."""
    return [
        [
            answer.model,
            answer.classes[0][0],
            percent(answer.classes[0][1]),
            "\n".join(f"{name} {percent(share)}" for name, share in answer.classes[1:]),
            f"{answer.agreeing} of {answer.seeds}",
        ]
        for answer in found
    ]


def _answers(
    params: Params,
    record: DatasetRecord,
    model: str,
    weights: Sequence[Path],
    images: Images,
    names: Sequence[str],
) -> Iterator[Answer]:
    # TensorFlow takes seconds to load: bad input has been found by now.
    use(params.threads, params.gpus)
    from cnnreport.predictor import Predictor  # noqa: PLC0415
    from cnnreport.recipes import untrained_network  # noqa: PLC0415
    from cnnreport.weights import fill_weights  # noqa: PLC0415

    recipe = params.recipe_for(model, record.name)
    network = untrained_network(model, record, recipe)
    predictor = Predictor(network, recipe, record)
    each = []
    for path in weights:
        fill_weights(network, path)
        each.append(predictor.probabilities(images))
    yield from _told(model, record, np.stack(each), names)


def record_of(root: Path, dataset: str) -> DatasetRecord:
    """Read the record of a prepared image set.

    Raises:
        DatasetError: it was not prepared here.

    """
    folder = root / RESULTS / dataset
    try:
        return load_record(folder)
    except DatasetError as error:
        raise DatasetError(f"{error}; nothing was trained on '{dataset}' here") from error


def _weights(root: Path, params: Params, dataset: str, model: str) -> list[Path]:
    """Return where the weights of each seed lie, once they are known to be those that count."""
    seal = load_json(root / RESULTS / dataset / model / EVALUATION, Seal)
    kept = seal.start.parameters
    if declared_values(root / "params.yaml", list(kept)) != kept:
        raise ResultsError(
            f"params.yaml: was changed after {model} was tested on '{dataset}'; `dvc repro` first, "
            "so that it is asked as it was trained"
        )
    paths = []
    for seed in params.seeds:
        path = root / "runs" / dataset / model / f"s{seed}" / "weights.npz"
        if not path.is_file():
            raise ResultsError(
                f"{path}: the trained network is not here; `dvc repro` trains it, `dvc pull` "
                "brings it from where somebody pushed it"
            )
        if sha256(path) != seal.weights.get(str(seed)):
            raise ResultsError(
                f"{path}: is not the network whose figures the report shows; `dvc checkout` brings "
                "it back, `dvc repro` tests it"
            )
        paths.append(path)
    return paths


def _told(
    model: str, record: DatasetRecord, probabilities: np.ndarray, names: Sequence[str]
) -> Iterator[Answer]:
    """Turn probabilities (seeds, images, classes) into an answer for each image."""
    means = probabilities.mean(axis=0)
    for number, name in enumerate(names):
        order = np.argsort(-means[number], kind="stable")[:SHOWN]
        own = probabilities[:, number].argmax(axis=1)
        yield Answer(
            image=name,
            model=model,
            classes=tuple((record.class_names[k], float(means[number, k])) for k in order),
            agreeing=int((own == order[0]).sum()),
            seeds=len(probabilities),
        )
