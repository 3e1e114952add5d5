"""`cnnreport repro`: several stages at a time, with DVC's lock as a run of its own leaves it."""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from clones import commit, edit_params, environment, make_clone, run, succeed
from rich.console import Console
from ruamel.yaml import YAML

from cnnreport.board import LiveBoard, PlainBoard
from cnnreport.errors import InputError
from cnnreport.repro import check_gpus, crowding, default_workers, visible_gpus

CELLS = 10

# A pipeline with the names and shape of ours and cells that take no time to speak of.
PIPELINE = {
    "stages": {
        "prepare": {
            "cmd": "python cell.py 0 prepared.txt",
            "deps": ["cell.py"],
            "outs": ["prepared.txt"],
        },
        "train": {
            "matrix": {"model": ["lenet"], "dataset": ["digits"], "seed": list(range(CELLS))},
            "cmd": "python cell.py ${item.seed} runs/s${item.seed}.txt",
            "deps": ["cell.py", "prepared.txt"],
            "params": ["epochs"],
            "outs": ["runs/s${item.seed}.txt"],
        },
        "evaluate": {
            "cmd": "python cell.py 1 evaluated.txt",
            "deps": ["runs"],
            "outs": [{"evaluated.txt": {"cache": False}}],
        },
    }
}
CELL = """
import subprocess, sys, time
from pathlib import Path
number, out = int(sys.argv[1]), Path(sys.argv[2])
time.sleep(60 if Path("slow").exists() else 0.3 * (number % 3))
if Path("leaving").exists() and number == 0:
    subprocess.Popen(["sleep", "60"])
if Path("broken").exists() and number == 4:
    sys.exit("error: cell 4 is broken")
out.parent.mkdir(exist_ok=True)
out.write_text(f"made by cell {number}\\n")
print(f"cell {number} is made")
"""


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """A project of ten quick cells, committed."""
    folder = tmp_path / "cells"
    make_clone(folder)
    for name in ("src", "docs", "report", "tests"):
        shutil.rmtree(folder / name)
    edit_params(folder, models=["lenet"], seeds=list(range(CELLS)), epochs=2)
    (folder / "cell.py").write_text(CELL, encoding="utf-8")
    with (folder / "dvc.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(PIPELINE, file)
    commit(folder, "cells")
    return folder


def test_ten_cells_end_in_the_lock_of_a_run_one_by_one(cells: Path) -> None:
    other = cells.with_name("serial")
    shutil.copytree(cells, other)
    output = succeed(cells, "cnnreport", "repro", "-j", "4")
    succeed(other, "dvc", "repro")
    assert (cells / "dvc.lock").read_bytes() == (other / "dvc.lock").read_bytes()
    assert "up to date" in succeed(cells, "dvc", "status")
    assert f"{CELLS + 2} stages done" in output
    assert "train@lenet-digits-7: cell 7 is made" in output
    assert "Running stage" not in output
    assert "everything is up to date" in succeed(cells, "cnnreport", "repro", "-j", "4")


def test_a_new_cell_changes_no_other_entry_of_the_lock(cells: Path) -> None:
    succeed(cells, "dvc", "repro", "train@lenet-digits-8", "train@lenet-digits-3")
    before = (cells / "dvc.lock").read_text(encoding="utf-8").splitlines()
    succeed(cells, "cnnreport", "repro", "-j", "3")
    after = (cells / "dvc.lock").read_text(encoding="utf-8").splitlines()
    assert after[: len(before)] == before
    names = [line for line in after if re.fullmatch(r"  \S.*:", line)]
    assert len(names) == len(set(names)) == CELLS + 2


def test_a_failed_cell_is_named_with_its_words_and_the_others_go_on(cells: Path) -> None:
    (cells / "broken").touch()
    done = run(cells, "cnnreport", "repro", "-j", "3")
    assert done.returncode == 1
    assert "failed: train@lenet-digits-4; 1 stage not run" in done.stdout
    assert "  error: cell 4 is broken" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert len(list((cells / "runs").iterdir())) == CELLS - 1
    (cells / "broken").unlink()
    assert "2 stages done" in succeed(cells, "cnnreport", "repro", "-j", "3")
    assert "up to date" in succeed(cells, "dvc", "status")


def test_what_a_stage_leaves_running_is_not_waited_for(cells: Path) -> None:
    (cells / "leaving").touch()
    started = time.monotonic()
    succeed(cells, "cnnreport", "repro", "-j", "1", "prepare")
    assert time.monotonic() - started < 40


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_closed_terminal_ends_all(cells: Path, number: signal.Signals) -> None:
    succeed(cells, "dvc", "repro", "prepare")
    (cells / "slow").touch()
    log = cells.with_name("log")
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            ["cnnreport", "repro", "-j", "2"],
            cwd=cells,
            env=environment(),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    wait_for(log, "train@lenet-digits-1: started")
    started = family(process.pid)
    process.send_signal(number)
    assert process.wait(timeout=60) == 130
    assert not left(started)
    assert "stopped, " in log.read_text(encoding="utf-8")


# Tells the process to end while it starts a stage, before it could have noted that one runs.
INTERRUPTED = """
import os, signal, subprocess, sys
from cnnreport.cli import main

number, started = int(sys.argv[1]), []
sys.argv = ["cnnreport", "repro", "-j", "2"]

class Popen(subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        if options.get("start_new_session"):
            print(f"stage {self.pid}", flush=True)
            if not started:
                started.append(self.pid)
                os.kill(os.getpid(), number)

subprocess.Popen = Popen
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stage_that_starts_as_the_end_comes_is_ended(cells: Path, number: signal.Signals) -> None:
    succeed(cells, "dvc", "repro", "prepare")
    (cells / "slow").touch()
    done = run(cells, sys.executable, "-c", INTERRUPTED, str(int(number)))
    assert done.returncode == 130
    pids = [int(pid) for pid in re.findall(r"^stage (\d+)$", done.stdout, re.MULTILINE)]
    assert pids
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert "stopped, " in done.stdout


def test_a_closed_pipe_leaves_nothing_running(cells: Path) -> None:
    with subprocess.Popen(
        ["cnnreport", "repro", "-j", "2"],
        cwd=cells,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        started = family(process.pid)
        process.stdout.close()
        assert process.wait(timeout=60) != 0
    assert not left(started)
    assert len(list(cells.glob("runs/*"))) < CELLS


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--ray", "ray://somewhere:10001"], "Ray: wanted the address of a cluster"),
        (["nonsense"], "DVC cannot read the pipeline: "),
        (["-j", "0"], "Invalid value for '-j'"),
    ],
)
def test_a_mistake_is_one_line(cells: Path, arguments: list[str], expected: str) -> None:
    done = run(cells, "cnnreport", "repro", *arguments)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_of_a_project_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "cnnreport", "repro")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


# --- real trainings ----------------------------------------------------------------------------

SEEDS = [0, 1]
EPOCHS = 8


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with LeNet trained twice, one after the other. Not to be changed."""
    folder = tmp_path_factory.mktemp("repro") / "clone"
    make_clone(folder)
    edit_params(folder, models=["lenet"], seeds=SEEDS, epochs=EPOCHS)
    succeed(folder, "dvc", "repro", "prepare")
    commit(folder, "prepared")
    shutil.copytree(folder, folder.with_name("prepared"), symlinks=True)
    succeed(folder, "dvc", "repro", "train")
    return folder


@pytest.fixture
def clone(trained: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the clone before it was trained."""
    folder = tmp_path / "clone"
    shutil.copytree(trained.with_name("prepared"), folder, symlinks=True)
    yield folder
    shutil.rmtree(folder)


def weights(folder: Path) -> dict[int, bytes]:
    return {
        seed: (folder / f"runs/digits/lenet/s{seed}/weights.npz").read_bytes() for seed in SEEDS
    }


def test_trainings_side_by_side_have_the_bits_of_those_one_by_one(
    trained: Path, clone: Path
) -> None:
    succeed(clone, "cnnreport", "repro", "-j", "2", "train")
    assert weights(clone) == weights(trained)
    assert "up to date" in succeed(clone, "dvc", "status", "train")


def test_ctrl_c_ends_all_and_loses_no_finished_epoch(trained: Path, clone: Path) -> None:
    log = clone.with_name("log")
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            ["cnnreport", "repro", "-j", "2", "train"],
            cwd=clone,
            env=environment(),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    for seed in SEEDS:
        wait_for(log, rf"seed {seed}: epoch 1/{EPOCHS}")
    started = family(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=90) == 130
    assert not left(started)
    said = log.read_text(encoding="utf-8")
    assert "stopped: `cnnreport repro` goes on" in said
    assert "Traceback" not in said
    again = succeed(clone, "cnnreport", "repro", "-j", "2", "train")
    for seed in SEEDS:
        kept = re.search(rf"seed {seed}: going on after epoch (\d+) of", again)
        finished = re.findall(rf"seed {seed}: epoch (\d+)/", said)
        assert kept
        assert int(kept[1]) >= int(finished[-1])
    assert weights(clone) == weights(trained)


def wait_for(log: Path, pattern: str, deadline: float = 120) -> None:
    end = time.monotonic() + deadline
    while not re.search(pattern, log.read_text(encoding="utf-8")):
        assert time.monotonic() < end, log.read_text(encoding="utf-8")[-3000:]
        time.sleep(0.05)


def family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def left(started: list[psutil.Process], patience: float = 10) -> list[psutil.Process]:
    """What still runs; a process that only looks after another ends a moment after that one."""
    end = time.monotonic() + patience
    while True:
        running = [each for each in started if each.is_running() and each.status() != "zombie"]
        if not running or time.monotonic() > end:
            return running
        time.sleep(0.1)


# --- shares of the machine and what is shown ---------------------------------------------------


def test_as_many_workers_as_there_are_cores_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnreport.repro.usable_cores", lambda: 8)
    assert default_workers(2) == 4
    assert default_workers(16) == 1
    assert default_workers(None) == 1
    assert crowding(4, 2) is None
    note = crowding(5, 2)
    assert note
    assert "5 workers with 2 threads each on 8 cores" in note


@pytest.mark.parametrize(
    ("there", "each", "workers", "message"),
    [
        (4, None, 2, "2 workers cannot all have the 4 GPUs"),
        (2, 4, 1, "wanted at most the 2 there are, came 4"),
        (4, 2, 2, ""),
        (1, None, 2, ""),
        (4, None, 1, ""),
        (0, 4, 2, ""),
    ],
)
def test_gpus_that_would_change_a_result_are_refused(
    there: int, each: int | None, workers: int, message: str
) -> None:
    if not message:
        check_gpus(there, each, workers)
        return
    with pytest.raises(InputError, match=message):
        check_gpus(there, each, workers)


def test_no_more_workers_than_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnreport.repro.usable_cores", lambda: 16)
    assert default_workers(2, 1) == 1
    assert default_workers(2, 4, 1) == 4
    assert default_workers(2, 4, 0) == 8


def test_gpus_are_those_that_may_be_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert visible_gpus() == ["3", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert visible_gpus() == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: A (UUID: x)'\necho 'GPU 1: A (UUID: y)'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert visible_gpus() == ["0", "1"]


@pytest.mark.parametrize(
    "line",
    [
        "Running stage 'train@lenet-digits-0':\n",
        "> python src/stage.py train --model lenet\n",
        "Updating lock file 'dvc.lock'\n",
        "\n",
        "Use `dvc push` to send your updates to remote storage.\n",
    ],
)
def test_what_dvc_says_of_every_stage_is_left_out(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with PlainBoard(Console(file=sys.stdout)) as board:
        board.line("train@a", line)
        board.line("train@a", "epoch 1/2: [red]loss[/red] 1.0\n")
    assert capsys.readouterr().out == "train@a: epoch 1/2: [red]loss[/red] 1.0\n"


def test_the_board_has_a_line_a_stage_and_keeps_what_ended() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=60)
    with LiveBoard(console) as board:
        board.started("train@a")
        board.line("train@a", "epoch 1/2: loss 1.0, accuracy 0.5, and more than fits in here\n")
        board.summary("0 of 2 stages done")
        console.print(board._drawn())
        board.ended("train@a", "done, 3 s")
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    assert re.search(r"train@a\s+\S+\ss\s+epoch 1/2: loss 1.0.*…", shown)
    assert "0 of 2 stages done" in shown
    assert "train@a: done, 3 s" in shown
