"""Real processes are killed, and the one below them notices."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cnnreport import lineage
from cnnreport.lineage import STAGE_VARIABLE, Lineage, runs_dvc

SOURCE = Path(__file__).parents[1] / "src"
SECONDS = 20
"""What a busy machine may take; everything here takes well below one."""

CHILD = f"""
import sys, time
sys.path.insert(0, {str(SOURCE)!r})
from pathlib import Path
from cnnreport.lineage import Lineage
lineage = Lineage.of_this_process()
folder = Path(sys.argv[1])
folder.joinpath("ready.tmp").write_text(" ".join(str(a.pid) for a in lineage.ancestors))
folder.joinpath("ready.tmp").rename(folder / "ready")
for _ in range({SECONDS} * 50):
    if lineage.broken():
        folder.joinpath("noticed").touch()
        break
    if folder.joinpath("end").exists():
        break
    time.sleep(0.02)
"""

# A shell stands between, as with DVC; `wait` keeps it from becoming the child itself.
FAKE_DVC = """
import os, subprocess, sys
command = f"{sys.executable} {sys.argv[1]}/child.py {sys.argv[1]} & wait"
environment = os.environ | {"DVC_STAGE": "train@lenet-digits-0"}
sys.exit(subprocess.run(["/bin/sh", "-c", command], env=environment).returncode)
"""

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell and SIGKILL")


def wait_for(path: Path) -> str:
    for _ in range(SECONDS * 50):
        if path.exists():
            return path.read_text(encoding="utf-8")
        time.sleep(0.02)
    raise AssertionError(f"{path.name} did not come")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "child.py").write_text(CHILD, encoding="utf-8")
    (tmp_path / "dvc").write_text(f"#!{sys.executable}\n{FAKE_DVC}", encoding="utf-8")
    (tmp_path / "dvc").chmod(0o755)
    yield tmp_path
    (tmp_path / "end").touch()  # no child outlives its test by more than a moment


def started(folder: Path, command: list[str]) -> tuple[subprocess.Popen[bytes], list[int]]:
    """Start a command that runs the child, and return it and the pids that the child watches."""
    process = subprocess.Popen(command, cwd=folder)
    return process, [int(pid) for pid in wait_for(folder / "ready").split()]


WAYS = {
    "script": ["{folder}/dvc", "{folder}"],
    "python script": [sys.executable, "-X", "utf8", "{folder}/dvc", "{folder}"],
    "module": [sys.executable, "-m", "dvc", "{folder}"],
}


@posix
@pytest.mark.parametrize("way", WAYS)
def test_the_death_of_dvc_is_noticed_even_before_it_is_reaped(folder: Path, way: str) -> None:
    (folder / "dvc.py").write_text(FAKE_DVC, encoding="utf-8")
    process, watched = started(folder, [word.format(folder=folder) for word in WAYS[way]])
    assert len(watched) == 2  # the shell and DVC
    assert watched[-1] == process.pid
    process.kill()
    wait_for(folder / "noticed")
    assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
    process.wait()


@posix
def test_the_death_of_the_shell_between_is_noticed(folder: Path) -> None:
    process, watched = started(folder, [f"{folder}/dvc", str(folder)])
    os.kill(watched[0], signal.SIGKILL)
    process.wait()
    wait_for(folder / "noticed")


@posix
def test_the_nearest_dvc_is_watched_and_nothing_above(folder: Path) -> None:
    outer = folder / "outer"
    outer.mkdir()
    (outer / "dvc").write_text(
        f"import subprocess, time\nsubprocess.run(['{folder}/dvc', '{folder}'])\n", encoding="utf-8"
    )
    process, watched = started(folder, [sys.executable, str(outer / "dvc")])
    assert len(watched) == 2
    assert process.pid not in watched
    process.kill()
    process.wait()
    time.sleep(0.2)
    assert not (folder / "noticed").exists()


@posix
def test_where_no_ancestor_names_dvc_the_nearest_python_counts(folder: Path) -> None:
    (folder / "dvc").rename(folder / "library.py")
    process, watched = started(folder, [sys.executable, str(folder / "library.py"), str(folder)])
    assert len(watched) == 2
    assert watched[-1] == process.pid
    process.kill()
    process.wait()
    wait_for(folder / "noticed")


@pytest.mark.parametrize(
    ("commands", "orphaned"),
    [
        ([["sh", "-c", "python src/stage.py"], ["/sbin/init"]], True),
        ([["/sbin/init"]], True),
        ([["sh"], [], ["/sbin/init"]], False),  # what cannot be read may be DVC
        ([["sh"], ["python", "app.py"], ["/sbin/init"]], False),
    ],
)
def test_dvc_that_was_gone_before_the_first_look(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], orphaned: bool
) -> None:
    living = psutil.Process()
    texts = iter(commands)
    monkeypatch.setattr(lineage, "_parents", lambda: [living] * len(commands))
    monkeypatch.setattr(lineage, "_command", lambda _: next(texts))
    assert Lineage.of_this_process({STAGE_VARIABLE: "train"}).broken() is orphaned


def test_without_dvc_nothing_is_watched() -> None:
    nobody = Lineage.of_this_process({})
    assert nobody.ancestors == ()
    assert not nobody.broken()


def test_a_lineage_that_lives_is_whole_and_cheap_to_look_at() -> None:
    family = Lineage((psutil.Process(os.getppid()), psutil.Process()))
    start = time.perf_counter()
    assert not any(family.broken() for _ in range(10))
    assert time.perf_counter() - start < 1


def test_a_pid_that_another_process_has_now_counts_as_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        family = Lineage((psutil.Process(process.pid),))
        assert not family.broken()
        process.kill()
    assert family.broken()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("dvc repro", True),
        ("/usr/bin/dvc exp run --temp", True),
        ("/usr/bin/python3.11 /home/me/.venv/bin/dvc repro", True),
        ("/Library/Python.app/Contents/MacOS/Python /opt/dvc repro", True),
        ("python -X dev -W error -m dvc repro", True),
        ("pypy3 -u dvc exp exec-run --infofile x", True),
        ("", False),
        ("sh -c dvc", False),
        ("git commit -m dvc", False),
        ("vim dvc", False),
        ("python train.py dvc", False),
        ("python -m pytest dvc", False),
        ("python -X dvc train.py", False),
        ("python -c dvc", False),
        ("python", False),
        ("dvc-viewer repro", False),
        ("/repos/dvc/bin/tool", False),
    ],
)
def test_what_counts_as_dvc(command: str, expected: bool) -> None:
    assert runs_dvc(command.split()) is expected


@posix
@pytest.mark.pipeline
def test_dvc_itself_is_found_and_its_death_noticed(folder: Path) -> None:
    (folder / "dvc").unlink()
    stage = f"""
        stages:
          train:
            cmd: {sys.executable} child.py {folder}
        """
    (folder / "dvc.yaml").write_text(textwrap.dedent(stage), encoding="utf-8")
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "--no-scm", "--quiet"], cwd=folder, check=True)
    process, watched = started(folder, [*dvc, "repro", "--quiet"])
    assert watched[-1] == process.pid
    process.kill()
    process.wait()
    wait_for(folder / "noticed")
