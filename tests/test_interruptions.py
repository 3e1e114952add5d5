"""A training that is stopped goes on after its last finished epoch, or begins anew; never wrongly.

Real signals hit DVC in clones; the rest calls the stages within this process.
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from clones import ROOT, edit_params, succeed
from interruption import (
    GOING_ON,
    KINDS,
    MODES,
    Command,
    Outcome,
    Sitting,
    command_of,
    copy_of,
    faults,
    go_on,
    outcome,
    small_study,
    stage_of,
)
from ruamel.yaml import YAML

from cnnreport import seals
from cnnreport.checkpoints import loaded_code
from cnnreport.models import module_of
from cnnreport.networks import NETWORKS
from cnnreport.prepared import Split, save_split
from cnnreport.progress import PlainReporter
from cnnreport.records import DatasetRecord, save_text, to_json
from cnnreport.stages import run as run_stage
from cnnreport.stages import train as train_stage

# Signals to DVC

MODEL = "alexnet"  # dropout and batch normalisation
EPOCHS = 3

killing = pytest.mark.skipif(os.name == "nt", reason="needs process groups and SIGKILL")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone that is all but trained. Not to be changed."""
    folder = tmp_path_factory.mktemp("interruptions") / "study"
    small_study(folder, MODEL, EPOCHS, validation_fraction=0.9)
    yield folder
    shutil.rmtree(folder.parent)


@pytest.fixture(scope="module")
def expected(study: Path) -> Outcome:
    """What a training leaves that nobody stops."""
    folder = copy_of(study, study.with_name("reference"))
    succeed(folder, "dvc", "repro", stage_of(MODEL))
    result = outcome(folder, MODEL)
    assert "nothing" not in (result.weights, result.history)
    return result


@killing
@pytest.mark.pipeline
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("kind", "mode"), list(zip(KINDS, MODES, strict=True)))
def test_what_is_killed_ends_as_if_nothing_had_happened(
    study: Path, expected: Outcome, kind: str, mode: str
) -> None:
    folder = copy_of(study, study.with_name("killed"))
    command = Command(folder, *command_of(mode, MODEL))
    try:
        command.wait_for("epoch 1/")
        command.kill(kind)
        seconds = command.seconds_until_gone()
    finally:
        command.kill_group()
    assert seconds < 30
    before = Sitting(command.output)
    after, _ = go_on(folder, mode, MODEL)
    assert after.resumed >= 1
    assert faults(folder, MODEL, EPOCHS, before, after, expected) == []


@killing
@pytest.mark.pipeline
@pytest.mark.timeout(900)
def test_a_training_whose_dvc_is_gone_before_it_looks_does_not_begin(study: Path) -> None:
    folder = copy_of(study, study.with_name("orphaned"))
    command = Command(folder, "dvc", "repro", stage_of(MODEL))
    try:
        assert command.wait_for_trainer()
        command.kill("dvc")
        seconds = command.seconds_until_gone()
    finally:
        command.kill_group()
    assert seconds < 30
    assert "DVC, which started this training, is gone" in command.output
    assert Sitting(command.output).epochs == []


@killing
@pytest.mark.pipeline
@pytest.mark.timeout(900)
def test_ctrl_c_says_how_to_go_on(study: Path, expected: Outcome) -> None:
    folder = copy_of(study, study.with_name("interrupted"))
    command = Command(folder, "dvc", "repro", stage_of(MODEL))
    try:
        command.wait_for("epoch 1/")
        command.interrupt()
        status, output = command.end()
    finally:
        command.kill_group()
    assert status != 0
    told = [line for line in output.splitlines() if line.startswith("stopped in the stage train")]
    assert len(told) == 1, output
    assert "`dvc repro`, or the same `dvc exp run`, goes on after the last finished" in told[0]
    assert "Traceback" not in output
    after, remedies = go_on(folder, "repro", MODEL)
    assert after.resumed >= 1
    assert remedies == []
    assert faults(folder, MODEL, EPOCHS, Sitting(output), after, expected) == []


# What decides whether a training goes on


class NoEnergy:
    """Stands in for a meter that starts threads."""

    method = "no estimate: a test"

    def kwh(self) -> None:
        return None

    def stop(self) -> None:
        return None


class Desk:
    """A folder with a params.yaml and three shades of grey, where stages run in this process."""

    arguments = ("--model", "lenet", "--prepared", "prepared")
    weights = Path("runs/s0/weights.npz")
    history = Path("results/history/s0.csv")
    checkpoints = Path(".checkpoints/tiny/lenet/s0")

    def train(self) -> int:
        """Return the status of the stage."""
        out = ("--out", "runs/s0", "--results", "results")
        return run_stage(["train", *self.arguments, "--seed", "0", *out])

    def evaluate(self) -> int:
        """Return the status of the stage."""
        return run_stage(["evaluate", *self.arguments, "--runs", "runs", "--results", "results"])

    def outcome(self) -> tuple[bytes, bytes]:
        """Return weights and history as they are on the disk."""
        return self.weights.read_bytes(), self.history.read_bytes()

    def recipe(self, **changes: object) -> None:
        """Change how LeNet is trained."""
        yaml = YAML(typ="safe")
        recipes = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))["recipes"]
        recipes["modern"]["lenet"].update(changes)
        edit_params(Path(), recipes=recipes)


@pytest.fixture
def desk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_dataset: DatasetRecord,
    tiny_splits: dict[str, Split],
) -> Desk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cnnreport.machine.EnergyMeter", NoEnergy)
    monkeypatch.setattr(train_stage, "_latencies", lambda *_: {1: 1.0, 128: 1.0})
    module_of("lenet")
    # Once, since a stage of this process may import more; a training's own has one network's file.
    code = [path for path in loaded_code() if path.stem not in {*NETWORKS, "networks"} - {"lenet"}]
    monkeypatch.setattr(train_stage, "loaded_code", lambda: code)
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    edit_params(Path(), epochs=3, seeds=[0], recipe="modern")
    for name, split in tiny_splits.items():
        save_split(Path("prepared"), name, split)
    save_text(Path("prepared/dataset.json"), to_json(tiny_dataset))
    return Desk()


def stop_after(monkeypatch: pytest.MonkeyPatch, desk: Desk, epoch: int) -> None:
    """Train up to an epoch, and press Ctrl-C when its line has been printed."""
    real = PlainReporter.epoch_ended

    def ended(self: PlainReporter, history: list[object]) -> None:
        real(self, history)
        if len(history) == epoch:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PlainReporter, "epoch_ended", ended)
        assert desk.train() == 130


def resumed(output: str) -> int:
    found = GOING_ON.search(output)
    return int(found[1]) if found else 0


def test_a_training_that_goes_on_ends_as_if_never_stopped(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.recipe(flip=True, shift=2)
    assert desk.train() == 0
    whole = desk.outcome()
    shutil.rmtree(".checkpoints")
    for path in (desk.weights, desk.history):
        path.unlink()
    for epoch in (1, 2, 3):
        stop_after(monkeypatch, desk, epoch)
        assert not desk.weights.exists()
    capsys.readouterr()
    assert desk.train() == 0
    assert resumed(capsys.readouterr().out) == 3
    assert desk.outcome() == whole


def change_rate(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    text = Path("params.yaml").read_text(encoding="utf-8")
    desk.recipe(learning_rate=0.04)
    return lambda: save_text(Path("params.yaml"), text)


def change_epochs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    edit_params(Path(), epochs=4)
    return lambda: edit_params(Path(), epochs=3)


def change_data(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    path = Path("prepared/train-labels.npy")
    labels = np.load(path)
    np.save(path, np.roll(labels, 1))
    return lambda: np.save(path, labels)


def change_code(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str = "augmentation.py"
) -> Callable[[], None]:
    """Let a file of the package have another hash, as after an edit."""
    edited, real = next((ROOT / "src/cnnreport").rglob(name)), seals.md5
    monkeypatch.setattr(seals, "md5", lambda path: "9" * 32 if path == edited else real(path))
    return lambda: monkeypatch.setattr(seals, "md5", real)


def change_network(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return change_code(desk, monkeypatch, "lenet.py")


@pytest.mark.parametrize(
    "change", [change_rate, change_epochs, change_data, change_code, change_network]
)
def test_a_changed_training_begins_anew_and_changed_back_goes_on(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Desk, pytest.MonkeyPatch], Callable[[], None]],
) -> None:
    stop_after(monkeypatch, desk, 2)
    back = change(desk, monkeypatch)
    capsys.readouterr()
    stop_after(monkeypatch, desk, 1)
    printed = capsys.readouterr()
    assert "going on" not in printed.out
    assert "cannot be used" not in printed.err  # a state of its own, not a refused one
    back()
    assert desk.train() == 0
    assert resumed(capsys.readouterr().out) == 2


def test_a_truncated_state_starts_over_with_a_line_and_ends_right(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.train() == 0
    whole = desk.outcome()
    shutil.rmtree(".checkpoints")
    stop_after(monkeypatch, desk, 2)
    (state,) = desk.checkpoints.glob("*/epoch-0002.npz")
    os.truncate(state, state.stat().st_size // 2)
    capsys.readouterr()
    assert desk.train() == 0
    printed = capsys.readouterr()
    assert "going on" not in printed.out
    told = [line for line in printed.err.splitlines() if "cannot be used" in line]
    assert len(told) == 1
    assert told[0].endswith("epoch-0002.npz is damaged); the training starts over")
    assert desk.outcome() == whole


def test_a_disk_that_gets_full_loses_no_epoch(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.train() == 0
    whole = desk.outcome()
    shutil.rmtree(".checkpoints")
    stop_after(monkeypatch, desk, 1)
    capsys.readouterr()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert desk.train() == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(told) == 1
    assert "epoch 2 could not be kept (No space left on device)" in told[0]
    assert told[0].endswith("free some space and run `dvc repro` again: it goes on after epoch 1")
    assert desk.train() == 0
    assert resumed(capsys.readouterr().out) == 1
    assert desk.outcome() == whole


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_too_full_for_the_results_keeps_the_state(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.history.parent.mkdir(parents=True)
    desk.history.symlink_to("/dev/full")
    assert desk.train() == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert told == [
        "error: train: No space left on device; free some space: `dvc repro`, or the same "
        "`dvc exp run`, goes on after the last finished epoch"
    ]
    desk.history.unlink()
    assert desk.train() == 0
    assert resumed(capsys.readouterr().out) == 3


def test_a_training_without_dvc_stops_before_it_writes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """DVC is killed just before the state of the second epoch is kept."""
    real = train_stage.Store.save

    def save(self: train_stage.Store, checkpoint: train_stage.Checkpoint) -> None:
        real(self, checkpoint)
        if len(checkpoint.history) == 2:
            monkeypatch.setattr(train_stage.Lineage, "broken", lambda _: True)

    monkeypatch.setattr(train_stage.Store, "save", save)
    assert desk.train() == 2
    assert "DVC, which started this training, is gone" in capsys.readouterr().err
    assert not desk.weights.exists()
    assert not desk.history.exists()


def test_evaluating_removes_the_kept_state_of_its_own_runs_alone(desk: Desk) -> None:
    assert desk.train() == 0
    assert list(desk.checkpoints.glob("*/state.json"))
    others = [desk.checkpoints.with_name("s1"), desk.checkpoints.parents[1] / "vgg16" / "s0"]
    for other in others:
        shutil.copytree(desk.checkpoints, other)
    assert desk.evaluate() == 0
    assert list(desk.checkpoints.iterdir()) == []
    assert all(list(other.glob("*/state.json")) for other in others)


def test_evaluating_spares_an_unfinished_training_with_other_parameters(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As that of an experiment which was stopped, before `dvc repro` of the study itself."""
    stop_after(monkeypatch, desk, 2)
    back = change_epochs(desk, monkeypatch)
    assert desk.train() == 0
    assert desk.evaluate() == 0
    (kept,) = desk.checkpoints.glob("*/state.json")
    assert (kept.parent / "epoch-0002.npz").is_file()
    back()
    capsys.readouterr()
    assert desk.train() == 0
    assert resumed(capsys.readouterr().out) == 2
