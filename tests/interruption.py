"""Stop a training in a clone with a signal, go on as the how-to says, and compare with one that was
never stopped.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
from clones import commit, environment, make_clone, run, succeed
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

MODES = {
    "repro": ("dvc", "repro"),
    "exp run": ("dvc", "exp", "run"),
    "exp run --temp": ("dvc", "exp", "run", "--temp"),
}
"""The commands that train; `command_of` says what is named after them."""

KINDS = ("trainer", "dvc", "both")
"""What is killed."""

BRANCH = "main"
POLL_SECONDS = 0.02
LIMIT_SECONDS = 240.0
"""What a command may take on a busy machine."""

ORPHAN_SECONDS = 60.0
"""How soon nothing may be left of a killed command; TensorFlow's start-up may be part of it."""

GOING_ON = re.compile(r"going on after epoch (\d+) of (\d+)")
EPOCH = re.compile(r"epoch (\d+)/\d+: loss [^;]*; validation loss")
EXPERIMENT = re.compile(r"Ran experiment\(s\): (\S+)")


def small_study(folder: Path, model: str, epochs: int, validation_fraction: float) -> None:
    """Make a clone with one network that learns the digits, flipped and shifted; all but trained.

    The larger `validation_fraction`, the shorter an epoch.
    """
    make_clone(folder)
    yaml = YAML()
    raw: dict[str, Any] = yaml.load((folder / "params.yaml").read_text(encoding="utf-8"))
    raw |= {"models": [model], "datasets": ["digits"], "seeds": [0], "epochs": epochs}
    raw |= {"recipe": "modern", "precision": "float32"}
    raw["data"]["validation_fraction"] = validation_fraction
    raw["recipes"]["modern"][model] |= {"flip": True, "shift": 2}
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(raw, file)
    succeed(folder, "git", "checkout", "--quiet", "-B", BRANCH)
    succeed(folder, "dvc", "repro", "prepare")
    commit(folder, "a small study")


def copy_of(study: Path, folder: Path) -> Path:
    """Copy a clone with its cache, in place of an earlier copy."""
    shutil.rmtree(folder, ignore_errors=True)
    return shutil.copytree(study, folder, symlinks=True)


def stage_of(model: str) -> str:
    """The name that DVC gives a training on the digits."""
    return f"train@{model}-digits-0"


def command_of(mode: str, model: str) -> tuple[str, ...]:
    """Return the command that trains: the training alone, or all that follows as well.

    `dvc exp apply` brings every output that DVC keeps, so an experiment from elsewhere needs all.
    """
    return MODES[mode] if mode == "exp run --temp" else (*MODES[mode], stage_of(model))


class Command:
    """A command that runs in a clone, in a process group of its own; its output goes to a file."""

    def __init__(self, folder: Path, *words: str) -> None:
        """Start it."""
        self.folder = folder
        self.started = time.perf_counter()
        self._log = folder.with_name(f"{folder.name}.log")
        with self._log.open("wb") as file:
            self.process = subprocess.Popen(
                words,
                cwd=folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_heed_ctrl_c,  # noqa: PLW1509 - the tests start no threads of their own
            )

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def seconds(self) -> float:
        """How long ago it was started."""
        return time.perf_counter() - self.started

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def wait_until(self, seconds: float) -> None:
        """Return so long after its start, or when it has ended."""
        while self.running and self.seconds < seconds:
            time.sleep(POLL_SECONDS)

    def wait_for(self, *texts: str) -> str:
        """Return what it has printed once one of the texts is in it."""
        while not any(text in self.output for text in texts):
            assert self.running, f"ended without {texts}:\n{self.output}"
            assert self.seconds < LIMIT_SECONDS, f"no {texts} yet:\n{self.output}"
            time.sleep(POLL_SECONDS)
        return self.output

    def wait_for_trainer(self) -> list[psutil.Process]:
        """Return the process that trains once there is one; none if the command ends before."""
        while self.running and self.seconds < LIMIT_SECONDS:
            if found := _trainers(self.process.pid):
                return found
            time.sleep(POLL_SECONDS)
        return []

    def end(self) -> tuple[int, str]:
        """Wait for its end and return its status and all that it printed."""
        try:
            status = self.process.wait(LIMIT_SECONDS)
        finally:
            self.kill_group()
        return status, self.output

    def kill(self, kind: str) -> None:
        """Kill one of `KINDS`."""
        trainers = self.wait_for_trainer() if kind == "trainer" else _trainers(self.process.pid)
        if kind != "trainer":
            self.process.kill()
        if kind == "dvc":
            return
        for process in trainers:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def interrupt(self) -> None:
        """Do what Ctrl-C in a terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def kill_group(self) -> None:
        """Leave nothing running, whatever went wrong."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def seconds_until_gone(self) -> float:
        """Wait until nothing runs in the clone any more; return how long that took."""
        start = time.perf_counter()
        while self.running or strays(self.folder):
            if time.perf_counter() - start > ORPHAN_SECONDS:
                break
            time.sleep(5 * POLL_SECONDS)
        return time.perf_counter() - start


def strays(folder: Path) -> list[psutil.Process]:
    """Return the processes that work in a folder, copies of it by DVC included."""
    return [process for process in psutil.process_iter() if _works_in(process, folder.resolve())]


@dataclass(frozen=True)
class Sitting:
    """What a training printed in one of its sittings."""

    output: str

    @cached_property
    def resumed(self) -> int:
        """After how many epochs it went on."""
        found = GOING_ON.search(self.output)
        return int(found[1]) if found else 0

    @cached_property
    def epochs(self) -> list[int]:
        """The epochs whose ends it told."""
        return [int(number) for number in EPOCH.findall(self.output)]

    @property
    def last(self) -> int:
        """How many epochs it knows to be finished."""
        return max(self.epochs, default=self.resumed)

    def trained(self, model: str) -> bool:
        """Whether DVC ran the training at all."""
        return f"Running stage '{stage_of(model)}'" in self.output


@dataclass(frozen=True)
class Outcome:
    """Digests of what a training leaves."""

    weights: str
    history: str


def outcome(folder: Path, model: str) -> Outcome:
    """Return the digests of weights and history; of nothing where a file is missing."""
    return Outcome(
        _digest(folder / f"runs/digits/{model}/s0/weights.npz"),
        _digest(folder / f"results/digits/{model}/history/s0.csv"),
    )


def go_on(folder: Path, mode: str, model: str) -> tuple[Sitting, list[str]]:
    """Go on as docs/how-to/when-something-fails.md says; return the sitting and what it needed."""
    remedies = []
    if run(folder, "git", "symbolic-ref", "--quiet", "HEAD").returncode:
        succeed(folder, "git", "switch", "--quiet", BRANCH)
        remedies.append(f"git switch {BRANCH}")
    if not _is_whole(folder / "dvc.lock"):
        succeed(folder, "git", "checkout", "--quiet", "dvc.lock")
        remedies.append("git checkout dvc.lock")
    command = Command(folder, *command_of(mode, model))
    status, output = command.end()
    assert status == 0, f"{mode} did not go on:\n{output}"
    if mode == "exp run --temp":
        found = EXPERIMENT.search(output)
        names = succeed(folder, "dvc", "exp", "list", "--name-only").split()
        succeed(folder, "dvc", "exp", "apply", found[1] if found else names[-1])
    return Sitting(output), remedies


def faults(
    folder: Path, model: str, epochs: int, before: Sitting, after: Sitting, expected: Outcome
) -> list[str]:
    """Return what is wrong with a training that was stopped and went on; [] if nothing is.

    The state of an epoch is kept before its line is printed, so a training may go on after one
    more epoch than it told of.
    """
    found = outcome(folder, model)
    wrong = {
        "weights differ": found.weights != expected.weights,
        "history differs": found.history != expected.history,
        "dvc status is not clean": "up to date"
        not in succeed(folder, "dvc", "status", stage_of(model)),
        "a process is left": bool(strays(folder)),
        f"going on after {after.resumed} with {before.last} finished": after.trained(model)
        and after.resumed not in (before.last, before.last + 1),
        f"epochs {after.epochs} after {after.resumed}": after.trained(model)
        and after.epochs != list(range(after.resumed + 1, epochs + 1)),
    }
    return [name for name, is_wrong in wrong.items() if is_wrong]


def _heed_ctrl_c() -> None:
    """Undo what a shell does to a job in the background: such a job ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _trainers(pid: int) -> list[psutil.Process]:
    """Return the processes below one that train, a shell between included."""
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(pid).children(recursive=True)
        return [child for child in children if "src/stage.py train" in _command_of(child)]
    return []


def _command_of(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _works_in(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(
            folder
        )
    return False


def _is_whole(lock: Path) -> bool:
    with suppress(YAMLError):
        return "stages" in (YAML(typ="safe").load(lock.read_text(encoding="utf-8")) or ())
    return False


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest() if path.exists() else "nothing"
