"""Training on a Ray cluster ends with the same bits as here, whatever dies on the way.

The cluster is a real one of three nodes on this machine: a head that trains nothing and two with
two CPUs each.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from clones import edit_params, run, succeed
from interruption import GOING_ON, Command, Outcome, Sitting, copy_of, outcome, small_study

from cnnreport.records import TrainingRecord, load_json
from cnnreport.seals import moved

pytest.importorskip("ray", reason="needs the extra: make setup LOCK=requirements-cluster.lock")
pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

EPOCHS = 20
LONG = 1000
"""Epochs of a training that would not end while a test looks at it."""

STORE_BYTES = 100 * 2**20
LIMIT_SECONDS = 120.0
STAGE = (
    *("python", "src/stage.py", "train", "--model", "lenet", "--seed", "0"),
    *("--prepared", "data/prepared/digits", "--out", "runs/digits/lenet/s0"),
    *("--results", "results/digits/lenet"),
)
RECORD = "results/digits/lenet/training/s0.json"


def within(seconds: float, wanted: Callable[[], Any]) -> Any:
    """Ask again and again until there is an answer."""
    end = time.monotonic() + seconds
    while not (found := wanted()):
        assert time.monotonic() < end, "not in time"
        time.sleep(0.1)
    return found


def trainers() -> list[psutil.Process]:
    """The processes that train on a node."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words, folder = process.info["cmdline"] or [], process.info["cwd"] or ""
        if "src/stage.py" in words and "cnnreport-" in folder:
            found.append(process)
    return found


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Start the cluster, which takes half a minute on two busy cores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_raylet_start_wait_time_s", "180")
        from ray.cluster_utils import Cluster  # noqa: PLC0415 - takes seconds

        head = {
            "num_cpus": 0,
            "include_dashboard": False,
            "object_store_memory": STORE_BYTES,
        }
        made = Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(2):
                made.add_node(num_cpus=2, object_store_memory=STORE_BYTES)
            yield made
        finally:
            made.shutdown()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "clone"
    small_study(folder, "lenet", epochs=EPOCHS, validation_fraction=0.1)
    return folder


@pytest.fixture(scope="module")
def expected(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What comes of a training on this machine."""
    folder = copy_of(study, tmp_path_factory.mktemp("local") / "clone")
    succeed(folder, *STAGE)
    return outcome(folder, "lenet")


@pytest.fixture
def clone(
    study: Path, cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A copy of the study whose trainings go to the cluster and mirror their states."""
    monkeypatch.setenv("CNNREPORT_RAY", cluster.address)
    monkeypatch.setenv("CNNREPORT_CHECKPOINTS", str(tmp_path / "states"))
    yield copy_of(study, tmp_path / "clone")
    for process in trainers():  # of a test that failed
        process.kill()


def set_epochs(clone: Path, old: int, new: int) -> None:
    params = clone / "params.yaml"
    text = params.read_text(encoding="utf-8")
    assert f"epochs: {old}\n" in text
    params.write_text(text.replace(f"epochs: {old}\n", f"epochs: {new}\n"), encoding="utf-8")


def one_error(output: str) -> str:
    assert "Traceback" not in output
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    return line


def lost_and_found(command: Command, kill: Callable[[psutil.Process], None]) -> Sitting:
    """Let a training lose the worker above it after some epochs; return what followed."""
    command.wait_for("epoch 3/")
    (trainer,) = trainers()
    worker = trainer.parent()
    assert worker
    kill(worker)
    within(10, lambda: not trainer.is_running())
    status, output = command.end()
    assert status == 0, output
    assert "beginning again, try 2 of 4" in output
    before, after = output.split("beginning again", 1)
    resumed = GOING_ON.search(after)
    assert resumed, after
    assert int(resumed[1]) >= 3
    assert Sitting(before).epochs == list(range(1, Sitting(before).last + 1))
    assert Sitting(after).epochs == list(range(int(resumed[1]) + 1, EPOCHS + 1))
    return Sitting(after)


def test_the_command_trains_side_by_side_on_the_cluster(
    clone: Path, expected: Outcome, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CNNREPORT_RAY", "CNNREPORT_CHECKPOINTS"):
        monkeypatch.delenv(name)
    edit_params(clone, seeds=[0, 1])
    states = clone.with_name("states")
    options = ["--ray", cluster.address, "--checkpoints", str(states)]
    output = succeed(clone, "cnnreport", "repro", "-j", "2", *options, "train")
    for seed in (0, 1):
        assert f"train@lenet-digits-{seed}: lenet on digits, seed {seed}: training on " in output
    assert outcome(clone, "lenet") == expected
    assert list(states.rglob("state.json"))
    assert "up to date" in succeed(clone, "dvc", "status", "train")


def test_dvc_records_the_same_bits_as_of_a_training_here(clone: Path, expected: Outcome) -> None:
    output = succeed(clone, "dvc", "repro", "evaluate")
    assert "lenet on digits, seed 0: training on " in output
    assert Sitting(output).epochs == list(range(1, EPOCHS + 1))
    assert outcome(clone, "lenet") == expected
    assert "up to date" in succeed(clone, "dvc", "status", "train", "evaluate")
    record = load_json(clone / RECORD, TrainingRecord)
    assert record.seals[0].commit == succeed(clone, "git", "rev-parse", "HEAD").strip()
    verified = run(clone, "cnnreport", "verify", ".", "--json")
    findings = {each["group"]: each for each in json.loads(verified.stdout)["findings"]}
    assert findings["digits/lenet seal s0"]["level"] == "exact"
    # Tested means that the states have done their work.
    assert not list(clone.with_name("states").rglob("state.json"))


def test_a_killed_worker_goes_on_after_its_last_epoch(clone: Path, expected: Outcome) -> None:
    lost_and_found(Command(clone, *STAGE), lambda worker: worker.kill())
    assert outcome(clone, "lenet") == expected
    assert load_json(clone / RECORD, TrainingRecord).sittings == 2


def test_an_edit_while_the_cluster_trains_is_seen(clone: Path) -> None:
    command = Command(clone, *STAGE)
    command.wait_for("epoch 1/")
    set_epochs(clone, EPOCHS, 5)
    status, output = command.end()
    assert status == 0
    change = f"params.yaml: epochs from {EPOCHS} to 5"
    assert f"edited while it ran: {change}" in output
    assert moved(load_json(clone / RECORD, TrainingRecord).seals[0]) == [change]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_driver_leaves_nothing_on_the_node(clone: Path, number: int) -> None:
    set_epochs(clone, EPOCHS, LONG)
    command = Command(clone, *STAGE)
    command.wait_for("epoch 1/")
    (trainer,) = trainers()
    folder = Path(trainer.cwd())
    os.kill(command.process.pid, number)
    status, output = command.end()
    assert status == 130, output
    assert "stopped in the stage train" in output
    within(10, lambda: not trainer.is_running())
    within(10, lambda: not folder.exists())
    assert outcome(clone, "lenet") == outcome(clone.parent, "lenet")  # nothing at all


def test_without_dvc_the_cluster_trains_nothing(clone: Path) -> None:
    set_epochs(clone, EPOCHS, LONG)
    command = Command(clone, "dvc", "repro", "-s", "train@lenet-digits-0")
    command.wait_for("epoch 1/")
    (trainer,) = trainers()
    command.kill("dvc")
    within(LIMIT_SECONDS, lambda: not trainer.is_running())
    said = "DVC, which started this training, is gone; cancelled"
    within(LIMIT_SECONDS, lambda: said in command.output)
    command.end()


def test_a_lost_node_goes_on_elsewhere(cluster: Any, clone: Path, expected: Outcome) -> None:
    def remove(worker: psutil.Process) -> None:
        raylet = worker.parent()
        assert raylet
        processes = raylet.children(recursive=True)
        (node,) = [n for n in cluster.worker_nodes if pid_of(n) == raylet.pid]
        cluster.remove_node(node, allow_graceful=False)
        for process in processes:  # a machine that dies takes them along
            if process.is_running():
                process.kill()

    lost_and_found(Command(clone, *STAGE), remove)
    assert outcome(clone, "lenet") == expected


def pid_of(node: Any) -> int:
    """The number of a node's raylet."""
    (raylet,) = node.all_processes["raylet"]
    return int(raylet.process.pid)


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("ray://127.0.0.1:10001", "wanted the address of a cluster (auto or HOST:PORT), came ray:"),
        ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1; `ray start --head` starts one"),
    ],
)
def test_a_wrong_address_is_one_line(
    clone: Path, monkeypatch: pytest.MonkeyPatch, address: str, line: str
) -> None:
    monkeypatch.setenv("CNNREPORT_RAY", address)
    done = run(clone, *STAGE)
    assert done.returncode == 2
    assert line in one_error(done.stderr)


def test_more_than_any_node_has_is_one_line(clone: Path) -> None:
    params = clone / "params.yaml"
    text = params.read_text(encoding="utf-8")
    params.write_text(text.replace("threads: 2", "threads: 3"), encoding="utf-8")
    done = run(clone, *STAGE)
    assert done.returncode == 2
    assert "wants 3 CPUs, and no node of the cluster has so many (there are " in one_error(
        done.stderr
    )


def test_an_error_of_the_training_comes_back_as_its_line(clone: Path) -> None:
    labels = clone / "data/prepared/digits/train-labels.npy"
    labels.write_bytes(labels.read_bytes()[:100])
    done = run(clone, *STAGE)
    assert done.returncode == 2
    assert "train-labels.npy: cut short or no .npy file" in one_error(done.stderr)
    assert "beginning again" not in done.stdout


# The last one: nothing works without a head.


def test_without_its_head_a_training_ends_and_is_repeated_here(
    cluster: Any, clone: Path, expected: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_epochs(clone, EPOCHS, LONG)
    command = Command(clone, *STAGE)
    command.wait_for("epoch 1/")
    cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
    gone = time.monotonic()
    status, output = command.end()
    assert status == 2, output
    assert time.monotonic() - gone < LIMIT_SECONDS
    assert "Ray cluster" in one_error(output)
    assert outcome(clone, "lenet") == outcome(clone.parent, "lenet")  # nothing at all
    within(LIMIT_SECONDS, lambda: not trainers())
    monkeypatch.delenv("CNNREPORT_RAY")
    set_epochs(clone, LONG, EPOCHS)
    succeed(clone, "dvc", "repro", "train@lenet-digits-0")
    assert outcome(clone, "lenet") == expected
