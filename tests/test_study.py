"""Studies load whole, and their figures follow from their predictions."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from cnnreport.errors import ResultsError
from cnnreport.params import load_params
from cnnreport.study import Study, load_study

ROOT = Path(__file__).parents[1]
STUDIES = {path.parent.name: path.parent for path in ROOT.glob("report/studies/*/params.yaml")}
STUDIES["live"] = ROOT


def load(folder: Path) -> Study:
    return load_study(load_params(folder / "params.yaml"), folder / "results")


def test_there_are_studies_to_test() -> None:
    assert {"live", "lenet-cifar10", "objects"} <= set(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_published_figures_follow_from_the_predictions(name: str) -> None:
    study = load(STUDIES[name])
    for (dataset, model), cell in study.cells.items():
        runs = [run.predictions for run in cell.runs]
        record = study.datasets[dataset]
        where = f"{model} on {dataset}"
        for rows in runs:
            assert len(rows) == record.test_images == cell.metrics.test_images, where
            assert ((rows.predicted == rows.label) == (rows.label_rank == 1)).all(), where
        accuracies = [(rows.predicted == rows.label).mean() for rows in runs]
        assert cell.metrics.accuracy == pytest.approx(np.mean(accuracies), rel=1e-5), where
        losses = [-np.log(rows.label_probability.clip(1e-7)).mean() for rows in runs]
        assert cell.metrics.loss == pytest.approx(np.mean(losses), rel=1e-4), where
        top5 = [(rows.label_rank <= 5).mean() for rows in runs]
        assert cell.metrics.top5_accuracy == pytest.approx(np.mean(top5), rel=1e-5), where
        by_class = {
            label: np.mean([(rows.predicted == label)[rows.label == label].mean() for rows in runs])
            for label in range(len(record.class_names))
        }
        for label, class_name in enumerate(record.class_names):
            expected = cell.metrics.class_accuracy[class_name]
            assert by_class[label] == pytest.approx(expected, rel=1e-5, abs=1e-9), where
        assert len(cell.runs[0].history) == cell.metrics.epochs, where
        assert cell.metrics.parameters == cell.architecture.parameters, where


def test_cells_come_in_the_order_of_params_and_ranked_by_accuracy() -> None:
    study = load(STUDIES["objects"])
    assert [cell.model for cell in study.cells_of("cifar100-objects")] == study.params.models
    accuracies = [cell.metrics.accuracy for cell in study.ranked("cifar100-objects")]
    assert accuracies == sorted(accuracies, reverse=True)


def test_results_of_a_network_that_was_taken_out_are_not_read(tmp_path: Path) -> None:
    shutil.copytree(STUDIES["objects"], tmp_path / "study")
    params = tmp_path / "study/params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("  - vgg16\n", "", 1))
    shutil.rmtree(tmp_path / "study/results/cifar100-objects/vgg16")
    models = {model for _, model in load(tmp_path / "study").cells}
    assert models == {"lenet", "alexnet", "resnet50", "googlenet"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("dataset.json", None),
        ("lenet/metrics.json", "{}"),
        ("lenet/metrics.json", '{"accuracy": 1'),
        ("lenet/architecture.json", '{"layers": [{"name": "x"}]}'),
        ("lenet/history/s0.csv", "epoch,train_loss\n1,0.5\n"),
        ("lenet/history/s0.csv", None),
        ("lenet/training/s0.json", "[]"),
        ("lenet/predictions/s0.csv.gz", ""),
        ("lenet/predictions/s0.csv.gz", "no archive"),
    ],
)
def test_a_missing_or_malformed_file_is_one_line(
    tmp_path: Path, path: str, text: str | None
) -> None:
    shutil.copytree(STUDIES["objects"], tmp_path / "study")
    broken = tmp_path / "study/results/cifar100-objects" / path
    if text is None:
        broken.unlink()
    else:
        broken.write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match=broken.name) as caught:
        load(tmp_path / "study")
    assert "\n" not in str(caught.value)
