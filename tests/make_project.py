"""Make a whole project whose report verifies, with an untrained LeNet-5 behind its numbers.

Everything that a run would leave is there: prepared images, weights, results with seals, figures,
pages, a frozen study, and the lock and cache that DVC itself writes of them.
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
from clones import edit_params, make_clone, succeed
from make_study import make_metrics, make_study, write_study
from ruamel.yaml import YAML

from cnnreport import readme, stages
from cnnreport.freezing import freeze, load_frozen
from cnnreport.original import load_original
from cnnreport.params import declared_values, load_params
from cnnreport.prepared import Split, save_split
from cnnreport.records import Architecture, Inputs, Layer, Seal, save_text, to_json
from cnnreport.seals import evaluation_keys, md5, sha256, training_keys
from cnnreport.study import Run, Study

SEEDS = (0, 1)
IMAGES_PER_CLASS = 12
FROZEN = "kept"
TIMES = "\N{MULTIPLICATION SIGN}"
CODE = "src/cnnreport/records.py"
"""A source file that every stage depends on."""

LENET = Architecture(
    layers=[
        Layer("image", "InputLayer", [32, 32, 3], 0, "", "", []),
        Layer(
            "c1",
            "Conv2D",
            [28, 28, 6],
            456,
            "tanh",
            f"6 filters 5{TIMES}5, stride 1, valid",
            ["image"],
        ),
        Layer("s2", "AveragePooling2D", [14, 14, 6], 0, "", f"pool 2{TIMES}2, stride 2", ["c1"]),
        Layer(
            "c3",
            "Conv2D",
            [10, 10, 16],
            2416,
            "tanh",
            f"16 filters 5{TIMES}5, stride 1, valid",
            ["s2"],
        ),
        Layer("s4", "AveragePooling2D", [5, 5, 16], 0, "", f"pool 2{TIMES}2, stride 2", ["c3"]),
        Layer("flat", "Flatten", [400], 0, "", "", ["s4"]),
        Layer("c5", "Dense", [120], 48_120, "tanh", "120 units", ["flat"]),
        Layer("f6", "Dense", [84], 10_164, "tanh", "84 units", ["c5"]),
        Layer("classes", "Dense", [10], 850, "softmax", "10 units", ["f6"]),
    ],
    parameters=62_006,
    trainable_parameters=62_006,
    non_trainable_parameters=0,
    macs=651_720,
)
"""LeNet-5 for colour images; 651,720 = 784 · 450 + 100 · 2,400 + 48,000 + 10,080 + 840."""


def make_project(folder: Path) -> None:
    """Make the project in a folder, with a frozen copy of its own study."""
    make_clone(folder)
    for old in [*folder.glob("report/studies/*/"), *folder.glob("docs/studies/")]:
        shutil.rmtree(old)
    edit_params(folder, datasets=["digits"], models=["lenet"], seeds=list(SEEDS), epochs=2)
    for name in ("checked.txt", "listings/checked.txt"):
        save_text(folder / "data" / name, "checked\n")
    write_study(make_sealed_study(folder), folder / "results")
    run_stages(folder, "plot", "activations", "pictures")
    succeed(folder, "dvc", "commit", "--force", "prepare", "train", "evaluate")
    freeze(folder, folder / "report/studies", FROZEN, "A kept study")
    run_stages(folder, "plot_studies", "report")
    kept = load_frozen(folder / "report/studies" / FROZEN)
    readme.update(
        folder, readme.figures([kept], load_original(folder / "report/original_study.yaml"))
    )
    succeed(folder, "dvc", "commit", "--force")


def run_stages(folder: Path, *names: str) -> None:
    """Run stages that make the site, as dvc.yaml does, with the code of this checkout."""
    report, docs = ["--report", f"{folder}/report"], ["--docs", f"{folder}/docs"]
    models = ["--models", f"{folder}/src/cnnreport/models"]
    results = ["--results", f"{folder}/results", "--params", f"{folder}/params.yaml"]
    original = ["--original", f"{folder}/report/original_study.yaml"]
    style = ["--style", f"{folder}/report/figures.mplstyle"]
    studies = ["--studies", f"{folder}/report/studies"]
    studies_figures = f"{folder}/docs/study-figures"
    drawn = ["--out", f"{folder}/docs/figures", "--plots", f"{folder}/plots"]
    shown = ["--figures", f"{folder}/docs/figures", "--study-figures", studies_figures]
    prepared, runs = f"{folder}/data/prepared", f"{folder}/runs/digits/lenet"
    followed = f"{folder}/data/activations"
    arguments = {
        "activations": [
            *("--model", "lenet", "--prepared", f"{prepared}/digits", "--runs", runs),
            *("--params", f"{folder}/params.yaml", "--out", f"{followed}/digits/lenet.npz"),
            *("--results", f"{folder}/results/digits/lenet"),
        ],
        "pictures": [
            *(*results, *original, *style, "--prepared", prepared, "--activations", followed),
            *("--out", f"{folder}/docs/pictures", "--index", f"{folder}/docs/pictures.json"),
        ],
        "plot": [*results, *original, *style, *drawn],
        "plot_studies": [*studies, *original, *style, "--out", studies_figures],
        "report": [*results, *report, *models, *docs, *shown],
    }
    for name in names:
        assert stages.run([name, *arguments[name]]) == 0


def make_sealed_study(folder: Path) -> Study:
    """Return a study of what untrained networks say of noise; weights and images are written."""
    study = make_study(seeds=SEEDS, models=["lenet"], epochs=2, images_per_class=IMAGES_PER_CLASS)
    record = study.datasets["digits"]
    cell = study.cell("digits", "lenet")
    labels = cell.runs[0].predictions.label.to_numpy()
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 32, 32, 3), dtype=np.uint8)
    prepared = folder / "data/prepared/digits"
    save_split(prepared, "test", Split(images, labels))
    save_split(prepared, "train", Split(images, labels))
    save_text(prepared / "dataset.json", to_json(record))
    runs = [predicted(folder, study, run, Split(images, labels)) for run in cell.runs]
    metrics = make_metrics(study.params, record, LENET, runs)
    seals = {
        run.seed: seal_of(folder, "train", [run.seed], training_keys("modern", "quick", "lenet"))
        for run in runs
    }
    sealed = [replace(run, training=replace(run.training, seals=[seals[run.seed]])) for run in runs]
    tested = seal_of(folder, "evaluate", SEEDS, evaluation_keys("modern", "lenet"))
    made = replace(cell, runs=sealed, metrics=metrics, architecture=LENET, evaluation=tested)
    params = load_params(folder / "params.yaml")
    return replace(study, params=params, cells={("digits", "lenet"): made})


def predicted(folder: Path, study: Study, run: Run, test: Split) -> Run:
    """Return a run with the predictions of an untrained network, whose weights are written."""
    import keras

    from cnnreport.evaluation import predictions_of  # noqa: PLC0415 - loads TensorFlow
    from cnnreport.predictor import Predictor  # noqa: PLC0415
    from cnnreport.recipes import untrained_network  # noqa: PLC0415
    from cnnreport.weights import save_weights  # noqa: PLC0415

    cell, record = study.cell("digits", "lenet"), study.datasets["digits"]
    keras.utils.set_random_seed(run.seed)
    network = untrained_network("lenet", record, cell.recipe)
    save_weights(network, weights_file(folder, run.seed))
    probabilities = Predictor(network, cell.recipe, record).probabilities(test.images)
    rows = predictions_of(probabilities, test.labels)
    return replace(run, predictions=pd.DataFrame([asdict(row) for row in rows]))


def weights_file(folder: Path, seed: int) -> Path:
    """Where a run leaves its weights."""
    return folder / f"runs/digits/lenet/s{seed}/weights.npz"


def code_of(folder: Path, stage: str) -> list[str]:
    """Return the source files that dvc.yaml names for a stage of LeNet-5."""
    stages = YAML(typ="safe").load((folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    deps = [dep.replace("${item.model}", "lenet") for dep in stages[stage]["deps"]]
    return [dep for dep in deps if dep.endswith(".py")]


def seal_of(folder: Path, stage: str, seeds: Sequence[int], keys: tuple[str, ...]) -> Seal:
    """Return the seal of a stage during which nothing moved."""
    prepared = folder / "data/prepared/digits"
    inputs = Inputs(
        parameters=declared_values(folder / "params.yaml", keys),
        data={path.name: md5(path) for path in sorted(prepared.iterdir())},
        code={name: md5(folder / name) for name in code_of(folder, stage)},
        packages="0" * 64,
    )
    weights = {str(seed): sha256(weights_file(folder, seed)) for seed in seeds}
    return Seal(inputs, inputs, weights)
