"""What trained networks say of somebody's images."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import make_dataset
from image_folders import picture

from cnnreport.answering import ask, rows
from cnnreport.errors import DatasetError, ResultsError
from cnnreport.params import load_params
from cnnreport.predictor import Predictor
from cnnreport.recipes import untrained_network
from cnnreport.records import Inputs, Origin, Seal, save_text, to_json
from cnnreport.seals import sha256
from cnnreport.weights import save_weights

COMMITTED = Path(__file__).parents[1] / "params.yaml"
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def params():
    changes = {"datasets": ["tiny"], "models": ["lenet"], "seeds": list(SEEDS), "threads": 1}
    return load_params(COMMITTED).model_copy(update=changes)


@pytest.fixture(scope="module")
def project(tmp_path_factory, params):
    """A study of one network and three seeds, not trained, whose seals hold."""
    root = tmp_path_factory.mktemp("project")
    record = make_dataset()
    save_text(root / "results/tiny/dataset.json", to_json(record))
    save_text(root / "results/tiny/origin.json", to_json(Origin()))
    digests = {}
    for seed in SEEDS:
        network = untrained_network("lenet", record, params.recipe_for("lenet", "tiny"))
        path = root / f"runs/tiny/lenet/s{seed}/weights.npz"
        save_weights(network, path)
        digests[str(seed)] = sha256(path)
    nothing = Inputs({}, {}, {}, "")
    seal = Seal(nothing, nothing, digests)
    save_text(root / "results/tiny/lenet/evaluation.json", to_json(seal))
    return root


@pytest.fixture
def images(tmp_path):
    for number, size in enumerate([(32, 32), (50, 90)]):
        picture(number, size).save(tmp_path / f"{number}.png")
    (tmp_path / "no.png").write_text("hello")
    return [tmp_path / "0.png", tmp_path / "no.png", tmp_path / "1.png", tmp_path / "nowhere.png"]


def test_an_answer_is_the_mean_over_the_seeds(project, params, images):
    found, _ = ask(project, params, "", images)
    assert [(Path(each.image).name, each.model) for each in found] == [
        ("0.png", "lenet"),
        ("1.png", "lenet"),
    ]
    record, recipe = make_dataset(), params.recipe_for("lenet", "tiny")
    pixels = np.asarray(picture(0, (32, 32)))[np.newaxis]
    probabilities = []
    for seed in SEEDS:
        network = untrained_network("lenet", record, recipe)
        with np.load(project / f"runs/tiny/lenet/s{seed}/weights.npz") as stored:
            network.set_weights([stored[weight.path] for weight in network.weights])
        probabilities.append(Predictor(network, recipe, record).probabilities(pixels)[0])
    means = np.mean(probabilities, axis=0)
    first = found[0]
    assert dict(first.classes) == pytest.approx(
        dict(zip(record.class_names, means, strict=True)), abs=1e-6
    )
    assert first.classes[0][0] == record.class_names[int(means.argmax())]
    agreeing = sum(int(own.argmax() == means.argmax()) for own in probabilities)
    assert (first.agreeing, first.seeds) == (agreeing, 3)
    assert rows(found)[0][0] == "lenet"


def test_what_cannot_be_read_is_a_line_and_the_rest_is_answered(project, params, images):
    found, bad = ask(project, params, "tiny", images)
    assert len(found) == 2
    assert bad == [
        f"{images[1]}: cannot be used: no image that can be read (HEIC cannot)",
        f"{images[3]}: cannot be read (No such file or directory)",
    ]


def test_another_image_set_is_one_line(project, params, images):
    with pytest.raises(DatasetError, match=r"wanted an image set of the study \(tiny\), came 'x'"):
        ask(project, params, "x", images)


def test_networks_that_are_not_here_are_one_line(project, params, images, tmp_path):
    save_text(tmp_path / "results/tiny/dataset.json", to_json(make_dataset()))
    seal = (project / "results/tiny/lenet/evaluation.json").read_text()
    save_text(tmp_path / "results/tiny/lenet/evaluation.json", seal)
    with pytest.raises(ResultsError, match=r"s0/weights\.npz: the trained network is not here; "):
        ask(tmp_path, params, "", images)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a named pipe")
def test_a_pipe_is_not_waited_for(project, params, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert ask(project, params, "", [tmp_path / "pipe.png"]) == (
        [],
        [f"{tmp_path / 'pipe.png'}: cannot be used: no file; name files of images"],
    )


def test_a_recipe_that_changed_since_is_refused(project, params, images, tmp_path):
    copy(project, tmp_path)
    evaluation = tmp_path / "results/tiny/lenet/evaluation.json"
    evaluation.write_text(
        evaluation.read_text().replace('"parameters": {}', '"parameters": {"recipe": "report"}', 1)
    )
    with pytest.raises(ResultsError, match=r"params\.yaml: was changed after lenet was tested"):
        ask(tmp_path, params, "", images)


def copy(project, folder):
    for path in project.rglob("*.*"):
        target = folder / path.relative_to(project)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())


def test_networks_other_than_those_of_the_report_are_refused(project, params, images, tmp_path):
    copy(project, tmp_path)
    first, second = (tmp_path / f"runs/tiny/lenet/s{seed}/weights.npz" for seed in (0, 1))
    second.write_bytes(first.read_bytes())
    with pytest.raises(ResultsError, match=r"s1/weights\.npz: is not the network whose figures"):
        ask(tmp_path, params, "", images)


def test_the_command_prints_data_and_names_what_it_cannot_read(project, params, images):
    save_text(project / "params.yaml", json.dumps(params.model_dump(mode="json")))
    text = (project / "params.yaml").read_text().replace('"tiny"', '"digits"')
    save_text(project / "params.yaml", text)
    for path in (project / "results/tiny", project / "runs/tiny"):
        path.with_name("digits").symlink_to(path.name)
    command = [sys.executable, "-m", "cnnreport", "predict", "--json", *map(str, images)]
    done = subprocess.run(command, check=False, cwd=project, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert [answer["seeds"] for answer in json.loads(done.stdout)] == [3, 3]
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ")] == [
        f"error: {images[1]}: cannot be used: no image that can be read (HEIC cannot)",
        f"error: {images[3]}: cannot be read (No such file or directory)",
    ]
