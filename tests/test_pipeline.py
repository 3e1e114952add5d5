"""The pipeline as a user runs it: DVC in a temporary clone of this checkout."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from clones import commit, edit_params, make_clone, ran, run, succeed
from ruamel.yaml import YAML

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


def metrics(folder: Path, model: str = "lenet") -> dict[str, object]:
    return json.loads((folder / f"results/digits/{model}/metrics.json").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with LeNet trained for two epochs, committed and pushed. Not to be changed."""
    folder = tmp_path_factory.mktemp("pipeline") / "clone"
    make_clone(folder)
    edit_params(folder, models=["lenet"], epochs=2)
    output = succeed(folder, "dvc", "repro")
    assert ran(output) == {
        "prepare@digits",
        "train@lenet-digits-0",
        "evaluate@lenet-digits",
        "activations@lenet-digits",
        "pictures",
        "plot",
        "report",
        "plot_studies",
    }
    commit(folder, "two epochs")
    succeed(folder, "dvc", "push")
    return folder


@pytest.fixture
def clone(finished: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the finished clone, cache included, for a test to change."""
    folder = tmp_path / "clone"
    shutil.copytree(finished, folder, symlinks=True)
    yield folder
    shutil.rmtree(folder)


def test_the_way_ends_in_pages_and_tracked_results(finished: Path) -> None:
    assert metrics(finished)["epochs"] == 2
    assert (finished / "docs/report/networks/lenet.md").is_file()
    assert not (finished / "docs/report/networks/vgg16.md").exists()
    tracked = succeed(finished, "git", "ls-files").splitlines()
    assert "results/digits/lenet/metrics.json" in tracked
    assert "results/digits/lenet/predictions/s0.csv" in tracked
    assert not [name for name in tracked if name.startswith(("runs/", "data/"))]
    succeed(finished, "mkdocs", "build", "--strict", "--site-dir", str(finished.parent / "site"))


def test_nothing_is_run_twice(finished: Path) -> None:
    assert ran(succeed(finished, "dvc", "repro")) == set()
    assert "up to date" in succeed(finished, "dvc", "status")


def test_a_second_clone_pulls_and_has_nothing_to_do(finished: Path) -> None:
    second = finished.parent / "second"
    succeed(finished, "git", "clone", "--quiet", str(finished), str(second))
    succeed(second, "dvc", "pull")
    assert ran(succeed(second, "dvc", "repro")) == set()
    assert succeed(second, "git", "status", "--porcelain") == ""


def test_the_same_training_again_leaves_git_clean_but_for_times(clone: Path) -> None:
    weights = clone / "runs/digits/lenet/s0/weights.npz"
    before = weights.read_bytes()
    output = succeed(clone, "dvc", "repro", "--force", "--no-run-cache")
    assert weights.read_bytes() == before
    assert "train@lenet-digits-0" in ran(output)
    changed = succeed(clone, "git", "diff", "--name-only", "--", "results").split()
    assert set(changed) <= {"results/digits/lenet/training/s0.json"}


def test_a_template_reruns_only_the_report(clone: Path) -> None:
    template = clone / "report/templates/chapters/1-introduction.md.j2"
    template.write_text(template.read_text(encoding="utf-8") + "\nOne more sentence.\n")
    assert ran(succeed(clone, "dvc", "repro")) == {"report"}
    page = (clone / "docs/report/chapters/1-introduction.md").read_text(encoding="utf-8")
    assert "One more sentence." in page


def test_a_figure_never_trains(clone: Path) -> None:
    style = clone / "report/figures.mplstyle"
    style.write_text(style.read_text(encoding="utf-8") + "\naxes.linewidth: 2\n")
    assert ran(succeed(clone, "dvc", "repro")) == {
        "pictures",
        "plot",
        "plot_studies",
        "report",
    }


def test_a_recipe_retrains_its_own_network_alone(clone: Path) -> None:
    edit_params(clone, models=["lenet", "alexnet"], epochs=1)
    succeed(clone, "dvc", "repro")
    recipes = YAML(typ="safe").load((clone / "params.yaml").read_text(encoding="utf-8"))["recipes"]
    recipes["modern"]["lenet"]["learning_rate"] = 0.01
    edit_params(clone, recipes=recipes)
    assert ran(succeed(clone, "dvc", "repro", "train")) == {"train@lenet-digits-0"}


def test_another_networks_code_retrains_nothing_here(clone: Path) -> None:
    other = clone / "src/cnnreport/models/vgg16.py"
    other.write_text(other.read_text(encoding="utf-8") + "\n# A remark.\n", encoding="utf-8")
    assert ran(succeed(clone, "dvc", "repro")) == {"report"}  # whose pages stay the same


def test_an_experiment_overrides_the_epochs_and_metrics_diff_shows_it(clone: Path) -> None:
    before = succeed(clone, "git", "branch", "--show-current").strip()
    succeed(clone, "git", "switch", "--quiet", "--create", "longer")
    output = succeed(clone, "dvc", "exp", "run", "-S", "epochs=3")
    assert "train@lenet-digits-0" in ran(output)
    assert metrics(clone)["epochs"] == 3
    commit(clone, "three epochs")
    changes = json.loads(succeed(clone, "dvc", "metrics", "diff", "--json", before, "longer"))
    entry = changes["results/digits/lenet/metrics.json"]["epochs"]
    assert (entry["old"], entry["new"]) == (2, 3)


def test_a_temporary_experiment_runs_its_own_code(clone: Path) -> None:
    # The editable install points at another checkout; this mark shows whose code ran.
    stages = clone / "src/cnnreport/stages/__init__.py"
    text = stages.read_text(encoding="utf-8")
    stages.write_text(f'{text}\nprint("this is the code of the clone")\n', encoding="utf-8")
    commit(clone, "mark the code")
    output = succeed(clone, "dvc", "exp", "run", "--temp", "-S", "epochs=1")
    assert "this is the code of the clone" in output


def test_plots_show_all_networks_confusion_and_classes(finished: Path, tmp_path: Path) -> None:
    shown = json.loads(succeed(finished, "dvc", "plots", "show", "--json"))["data"]
    assert "plots/validation_accuracy/digits.csv" in shown
    assert "results/digits/lenet/confusion/s0.csv" in shown
    assert "results/digits/lenet/classes.csv" in shown
    succeed(finished, "dvc", "plots", "show", "--out", str(tmp_path / "plots"))
    html = (tmp_path / "plots/index.html").read_text(encoding="utf-8")
    assert "validation_accuracy" in html


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 100.0}, "epochs: input should be a valid integer, came 100.0"),
        ({"epochs": "ten"}, "epochs: input should be a valid integer, came 'ten'"),
        ({"datasets": ["mnist"]}, "datasets: unknown 'mnist'; known: digits"),
        ({"models": ["lenet5"]}, "models: 'lenet5' is not registered in src/cnnreport/networks.py"),
        ({"seeds": []}, "seeds: list should have at least 1 item"),
    ],
)
def test_bad_parameters_stop_with_one_line_and_lose_nothing(
    clone: Path, changes: dict[str, object], message: str
) -> None:
    edit_params(clone, **changes)
    done = run(clone, "dvc", "repro")
    assert done.returncode != 0
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert succeed(clone, "git", "status", "--porcelain").split() == ["M", "params.yaml"]
    assert (clone / "runs/digits/lenet/s0/weights.npz").is_file()


def test_seeds_that_are_no_list_fail_in_dvc_and_are_explained_by_check(clone: Path) -> None:
    assert run(clone, "dvc", "exp", "run", "-S", "seeds=0").returncode != 0
    edit_params(clone, seeds=0)
    checked = run(clone, "cnnreport", "check")
    assert checked.returncode == 2
    assert "seeds: input should be a valid list, came 0" in checked.stderr


def test_a_broken_internship_file_stops_the_report_with_its_line(clone: Path) -> None:
    path = clone / "report/internship.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("diary:", "dairy:", 1), encoding="utf-8")
    line = text.splitlines().index("diary:") + 1
    before = (clone / "docs/index.md").read_bytes()
    done = run(clone, "dvc", "repro")
    assert done.returncode != 0
    assert ran(done.stdout) == set()  # found before anything is trained
    assert f"report/internship.yaml:{line}:" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert (clone / "docs/index.md").read_bytes() == before


def test_cifar_that_is_nowhere_is_one_line_with_the_ways_out(clone: Path, tmp_path: Path) -> None:
    edit_params(clone, datasets=["cifar10"])
    done = run(
        clone,
        "dvc",
        "repro",
        "prepare",
        CNNREPORT_CIFAR_FOLDER=str(tmp_path / "nowhere"),
        KERAS_HOME=str(tmp_path / "keras"),
    )
    assert done.returncode != 0
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert "CNNREPORT_CIFAR_FOLDER" in errors[0]
    assert str(tmp_path / "nowhere") in errors[0]
    assert "Traceback" not in done.stdout + done.stderr
