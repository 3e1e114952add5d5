"""A sixth network as docs/how-to/add-a-network.md adds it: its own stages run and no others."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from clones import ROOT, commit, edit_params, make_clone, ran, run, succeed
from ruamel.yaml import YAML

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1200)]

PAGE = (ROOT / "docs/how-to/add-a-network.md").read_text(encoding="utf-8")
NAME, TITLE = "allconv", "All-CNN"

OWN = {f"train@{NAME}-digits-0", f"evaluate@{NAME}-digits", f"activations@{NAME}-digits"}
CHEAP = {"pictures", "plot", "plot_studies", "report"}


def block(language: str, containing: str) -> str:
    """The block of a language on the page that holds a text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = [each for each in blocks if containing in each]
    return found


def merged(old: object, new: object) -> object:
    """Parameters with more of them: mappings are joined, lists made longer."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *new]
    return new


def add_network(folder: Path) -> None:
    """Do by hand what the page says: a file, a line and numbers."""
    code = block("python", "def build(")
    (folder / f"src/cnnreport/models/{NAME}.py").write_text(code, encoding="utf-8")
    registry = folder / "src/cnnreport/networks.py"
    text = registry.read_text(encoding="utf-8")
    last = '    "googlenet": "GoogLeNet",\n'
    assert text.count(last) == 1
    line = block("python", f'"{NAME}": "{TITLE}"')
    registry.write_text(text.replace(last, last + line), encoding="utf-8")
    numbers = YAML(typ="safe").load(block("yaml", NAME))
    params = YAML(typ="safe").load((folder / "params.yaml").read_text(encoding="utf-8"))
    edit_params(folder, **{key: merged(params[key], value) for key, value in numbers.items()})


def own(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the code of the clone, as where the clone is what is installed."""
    return run(folder, *command, PYTHONPATH=str(folder / "src"))


def planned(folder: Path) -> set[str]:
    """Every stage that may run, those in doubt included."""
    done = own(folder, "cnnreport", "plan", "--json")
    assert done.returncode == 0, done.stderr
    return {stage["name"] for stage in json.loads(done.stdout)["stages"]}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with LeNet trained for an epoch on few images, and committed."""
    folder = tmp_path_factory.mktemp("sixth") / "clone"
    make_clone(folder)
    params = YAML(typ="safe").load((folder / "params.yaml").read_text(encoding="utf-8"))
    data = {**params["data"], "validation_fraction": 0.8}
    edit_params(folder, models=["lenet"], epochs=1, data=data)
    succeed(folder, "dvc", "repro")
    commit(folder, "one network")
    assert planned(folder) == set()
    return folder


@pytest.fixture(scope="module")
def added(before: Path) -> Path:
    """The same clone with the network of the page in it, not run yet."""
    add_network(before)
    return before


@pytest.fixture(scope="module")
def finished(added: Path) -> tuple[Path, set[str]]:
    """The same clone after a run, with the stages that ran."""
    return added, ran(succeed(added, "dvc", "repro"))


def test_its_own_stages_are_planned_and_no_others(added: Path) -> None:
    assert own(added, "cnnreport", "check").returncode == 0
    assert planned(added) == OWN | CHEAP | {"check"}
    status = json.loads(own(added, "dvc", "status", "--json").stdout)
    assert set(status) <= OWN | CHEAP | {"check"}
    assert set(status) >= OWN


def test_its_own_stages_run_and_no_others(finished: tuple[Path, set[str]]) -> None:
    folder, stages = finished
    assert stages == OWN | CHEAP
    changed = succeed(folder, "git", "status", "--porcelain", "results").split()[1::2]
    assert changed == [f"results/digits/{NAME}/"]
    seals = json.loads((folder / f"results/digits/{NAME}/training/s0.json").read_text())["seals"]
    code = set(seals[-1]["start"]["code"])
    assert f"src/cnnreport/models/{NAME}.py" in code
    assert {path for path in code if "/models/" in path} == {
        f"src/cnnreport/models/{stem}.py" for stem in ("__init__", "blocks", NAME)
    }
    assert "src/cnnreport/networks.py" not in code


def test_it_is_on_the_pages(finished: tuple[Path, set[str]]) -> None:
    folder, _ = finished
    page = (folder / f"docs/report/networks/{NAME}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {TITLE}\n")
    assert "a network of convolutions alone" in page
    assert "The original study had no such network" in page
    assert f"digits-{NAME}-architecture" in page
    for other in ("index", "networks/index", "results/index", "results/cost", "results/pairs"):
        where = folder / f"docs/{'' if other == 'index' else 'report/'}{other}.md"
        assert f"[{TITLE}]" in where.read_text(encoding="utf-8"), other
    built = own(folder, "mkdocs", "build", "--strict", "--site-dir", str(folder.parent / "site"))
    assert built.returncode == 0, built.stderr[-3000:]
    assert (folder.parent / "site/report.pdf").is_file()


def test_what_is_published_holds(finished: tuple[Path, set[str]]) -> None:
    folder, _ = finished
    verified = own(folder, "cnnreport", "verify")
    # Status 3: something could not be verified here, and nothing is wrong.
    assert verified.returncode in {0, 3}, verified.stdout[-3000:]
    assert f"digits/{NAME}" in verified.stdout


def test_its_file_trains_it_alone_and_shared_code_trains_all(
    finished: tuple[Path, set[str]],
) -> None:
    folder, _ = finished

    def trainings_after_an_edit(name: str) -> set[str]:
        path = folder / f"src/cnnreport/models/{name}.py"
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}\n# A remark.\n", encoding="utf-8")
        stages = planned(folder)
        path.write_text(text, encoding="utf-8")
        return {stage for stage in stages if stage.startswith("train")}

    assert planned(folder) == set()
    assert trainings_after_an_edit(NAME) == {f"train@{NAME}-digits-0"}
    assert trainings_after_an_edit("lenet") == {"train@lenet-digits-0"}
    every = {f"train@{model}-digits-0" for model in ("lenet", NAME)}
    assert trainings_after_an_edit("blocks") == every


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (f'"{NAME}": "{TITLE}"', f'"alconv": "{TITLE}"', "did you mean 'allconv'?"),
        (f'    "{NAME}": "{TITLE}",\n', "", f"models: '{NAME}' is not registered in "),
    ],
)
def test_a_wrong_registry_stops_before_anything_is_run(
    finished: tuple[Path, set[str]], old: str, new: str, message: str
) -> None:
    folder, _ = finished
    registry = folder / "src/cnnreport/networks.py"
    text = registry.read_text(encoding="utf-8")
    assert old in text
    registry.write_text(text.replace(old, new), encoding="utf-8")
    done = run(folder, "dvc", "repro")
    registry.write_text(text, encoding="utf-8")
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert done.returncode != 0
    assert len(errors) == 1
    assert message in errors[0]
    assert ran(done.stdout) == set()
    assert (folder / f"runs/digits/{NAME}/s0/weights.npz").is_file()
