"""The command line: what it prints, and one line with status 2 for bad input."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def cnnreport(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the command in a bare environment, with a home folder outside the checkout."""
    code = "from cnnreport.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={
            "PYTHONPATH": str(ROOT / "src"),
            "PATH": "",
            "HOME": tempfile.gettempdir(),
            "COLUMNS": "100",
        },
    )


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A folder with the files that a person edits, to be broken by a test."""
    shutil.copytree(ROOT / "report", tmp_path / "report")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def test_what_is_committed_passes_the_check() -> None:
    done = cnnreport("check")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": good") == 8


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        ("params.yaml", "\nepochs:\n", "\nepochs: 100.0\n", "epochs: input should be a valid int"),
        ("params.yaml", "seeds:\n  - 0\n", "seeds: 0\n", "seeds: input should be a valid list"),
        ("params.yaml", "  - lenet\n", "  - lennet\n", "'lennet' is not registered in src/cnnre"),
        ("report/internship.yaml", "diary:", "dairy:", "report/internship.yaml:"),
        ("report/bibliography.bib", "author", "author author", "report/bibliography.bib"),
        ("report/claims.yaml", "first(", "frist(", "report/claims.yaml:"),
        ("report/constants.yaml", "constants:", "constant:", "report/constants.yaml:"),
        ("report/original_study.yaml", "conditions:", "conditons:", "report/original_study.yaml"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    edited: Path, path: str, old: str, new: str, message: str
) -> None:
    text = (edited / path).read_text(encoding="utf-8")
    assert old in text
    (edited / path).write_text(text.replace(old, new, 1), encoding="utf-8")
    done = cnnreport("check", cwd=edited)
    assert done.returncode == 2
    assert done.stdout.count(": good") == 7  # the other files are still checked
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


def test_fetch_tells_what_it_found() -> None:
    done = cnnreport("fetch", "digits")
    assert done.returncode == 0, done.stderr
    assert "540 test images of 10 classes" in done.stdout


def test_fetch_of_an_unknown_set_is_one_line() -> None:
    done = cnnreport("fetch", "mnist")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "mnist" in done.stderr
    assert "cifar100-objects" in done.stderr


def test_datasets_lists_the_subsets() -> None:
    assert "cifar100-objects: 10 classes of cifar100" in cnnreport("datasets").stdout


def test_networks_shows_the_totals_of_the_study() -> None:
    done = cnnreport("networks", "--classes", "100")
    assert done.returncode == 0, done.stderr
    assert "23,324,884" in done.stdout


def test_networks_refuses_an_image_that_is_too_small() -> None:
    done = cnnreport("networks", "--side", "8")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    ["check", "fetch", "networks", "datasets", "plan", "merge-setup", "take-training"],
)
def test_help_has_an_example(command: str) -> None:
    assert f"Example: cnnreport {command}" in cnnreport(command, "--help").stdout
