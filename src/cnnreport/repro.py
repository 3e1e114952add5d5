"""Bring the pipeline up to date with several stages at a time.

DVC does all that it does in a run of its own: each stage is one ``dvc repro --single-item`` which
waits for the others where they lock the project. What is decided here is only which stages run
when, on which share of the machine, and what is shown of them.
"""

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cnnreport.board import CHATTER, Board
from cnnreport.cluster import check_address
from cnnreport.errors import InputError
from cnnreport.formats import plural, seconds
from cnnreport.machine import GPUS, usable_cores
from cnnreport.mirrors import VARIABLE as CHECKPOINTS
from cnnreport.params import load_params
from cnnreport.pipeline import PARAMS_FILE, lock_order, order_lock
from cnnreport.planning import load_plan
from cnnreport.scheduling import TRAINING, Outcome, Schedule, shares, upstream_among
from cnnreport.signals import interrupts_told

RAY = "CNNREPORT_RAY"
"""Tells a training on which cluster to run; see `cnnreport.stages.train`."""

GRACE_SECONDS = 60.0
"""So long a stage may take to end after Ctrl-C before it is killed."""

LAST_LINES = 20
"""So much of what a failed stage said is shown again."""

OTHER_SECONDS = 5.0
"""What a stage that is no training counts, beside trainings whose time is estimated."""

STEP_SECONDS = 0.2
TOOL_SECONDS = 20.0
DRAIN_SECONDS = 1.0
"""How long after its end the last words of a stage may take to come."""


@dataclass(frozen=True)
class Ways:
    """How stages are run: `workers` at a time, trainings on a Ray cluster if one is named.

    `threads` is what a training takes, None for all cores; `devices` are the GPUs of each worker.
    """

    workers: int
    threads: int | None
    devices: Sequence[tuple[str, ...]]
    ray: str = ""
    checkpoints: str = ""

    @property
    def local(self) -> int:
        """How many stages may run on this machine at a time."""
        if not self.ray:
            return self.workers
        return min(self.workers, default_workers(self.threads))

    def elsewhere(self, name: str) -> bool:
        """Whether a stage runs on the cluster."""
        return bool(self.ray) and name.startswith(TRAINING)

    def environment(self, name: str, worker: int) -> dict[str, str]:
        """Return what a stage needs in its environment to take its share and no more."""
        added: dict[str, str] = {}
        if self.elsewhere(name):
            added[RAY] = self.ray
        elif self.devices[worker]:
            added[GPUS] = ",".join(self.devices[worker])
        if self.checkpoints:
            added[CHECKPOINTS] = self.checkpoints
        return {**os.environ, **added}


@dataclass
class Running:
    """A stage that runs."""

    name: str
    worker: int
    process: "subprocess.Popen[str]"
    started: float
    said: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))


Event = tuple[Running, str | None] | None
"""A line that a stage said, or None for its end; None alone: the whole run is to end."""


def reproduce(
    targets: Sequence[str],
    board: Board,
    *,
    workers: int | None = None,
    ray: str = "",
    checkpoints: str = "",
) -> Schedule:
    """Run what is out of date; return how each stage ended.

    Stages that do not depend on a failed one run to their end.

    Raises:
        ParamsError: params.yaml is wrong.
        InputError: there is no DVC project, an unknown target, or DVC is at work or refuses it.
        KeyboardInterrupt: Ctrl-C or SIGTERM; every stage has ended by then.

    """
    params = load_params(Path(PARAMS_FILE))
    if ray and params.threads is None:
        raise InputError(
            f"{PARAMS_FILE}: threads: wanted a number, which a cluster needs, came none"
        )
    if ray:
        check_address(ray)
    gpus = [] if ray else visible_gpus()
    count = workers or default_workers(params.threads, len(gpus), params.gpus)
    check_gpus(len(gpus), params.gpus, count)
    note = None if ray else crowding(count, params.threads)
    if note:
        print(f"note: {note}", file=sys.stderr)
    ways = Ways(count, params.threads, shares(gpus, count, params.gpus), ray, checkpoints)
    plan = load_plan([], targets)
    names = [step.name for step in plan.steps]
    trainings = {name: (each.low + each.high) / 2 for name, each in plan.estimates.items()}
    schedule = Schedule(
        upstream_among(names, plan.upstream),
        {name: trainings.get(name, OTHER_SECONDS) for name in names} if trainings else {},
    )
    known = lock_order()
    try:
        Run(schedule, ways, board).through()
    finally:
        try:
            order_lock([*known, *(name for name in plan.upstream if name not in known)])
        except InputError as error:
            print(f"note: dvc.lock is right, but not in the usual order: {error}", file=sys.stderr)
    return schedule


def default_workers(threads: int | None, gpus: int = 0, each: int | None = None) -> int:
    """Return how many trainings this machine has cores for, and GPUs if it has any."""
    by_cores = max(usable_cores() // (threads or usable_cores()), 1)
    if not gpus or each == 0:
        return by_cores
    return max(min(by_cores, gpus // (each or gpus)), 1)


def check_gpus(there: int, each: int | None, workers: int) -> None:
    """Refuse what would train otherwise than params.yaml says.

    Raises:
        InputError: several workers would divide all GPUs, or a training wants more than there are.

    """
    if each is None and there > 1 and workers > 1:
        raise InputError(
            f"{PARAMS_FILE}: gpus: wanted a number, since {workers} workers cannot all have the "
            f"{there} GPUs, and how many a training has decides its bits; came none"
        )
    if each and 0 < there < each:
        raise InputError(f"{PARAMS_FILE}: gpus: wanted at most the {there} there are, came {each}")


def crowding(workers: int, threads: int | None) -> str | None:
    """Return a line if the trainings of so many workers want more cores than there are."""
    cores = usable_cores()
    wanted = workers * (threads or cores)
    if wanted <= cores:
        return None
    return (
        f"{plural(workers, 'worker')} with {plural(threads or cores, 'thread')} each on "
        f"{plural(cores, 'core')}: results stay the same, but measured times will be longer; "
        f"threads in {PARAMS_FILE} divides the machine, and gives results of its own"
    )


def visible_gpus() -> list[str]:
    """Return the GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them."""
    if GPUS in os.environ:
        return [name for name in os.environ[GPUS].split(",") if name and name != "-1"]
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    try:
        listed = subprocess.run(  # noqa: S603
            [command, "-L"], capture_output=True, text=True, check=False, timeout=TOOL_SECONDS
        )
    except subprocess.TimeoutExpired:  # as with a broken driver
        return []
    found = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    return [str(number) for number in range(len(found))]


class Run:
    """One run through a schedule."""

    def __init__(self, schedule: Schedule, ways: Ways, board: Board) -> None:
        """Begin with nothing running."""
        self._schedule, self._ways, self._board = schedule, ways, board
        self._running: list[Running] = []
        self._stopping = False
        # Simple: a handler of signals may put into it while the same thread takes from it.
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def through(self) -> None:
        """Run every stage that can be run."""
        with self._board, interrupts_told(lambda: self._events.put(None)):
            try:
                while self._start() or self._running:
                    self._board.summary(self._summary())
                    self._listen(STEP_SECONDS)
            except BaseException:  # also a closed pipe: nothing is to run on unseen
                self._stop()
                raise

    def _start(self) -> bool:
        """Start what can be; return whether something was."""
        any_started = False
        for name in self._schedule.ready():
            taken = {each.worker for each in self._running}
            free = [worker for worker in range(self._ways.workers) if worker not in taken]
            here = sum(not self._ways.elsewhere(each.name) for each in self._running)
            if not free or (not self._ways.elsewhere(name) and here >= self._ways.local):
                continue
            self._launch(name, free[0])
            any_started = True
        return any_started

    def _launch(self, name: str, worker: int) -> None:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=self._ways.environment(name, worker),
            # Ctrl-C is passed on from here, once, to DVC and the stage that it runs.
            start_new_session=True,
        )
        running = Running(name, worker, process, time.monotonic())
        self._running.append(running)
        # Before anything is shown, which fails where nobody reads: its end must be heard of.
        threading.Thread(target=self._hear, args=(running,), daemon=True).start()
        self._schedule.started(name)
        self._board.started(name)

    def _hear(self, running: Running) -> None:
        """Put what a stage says, and that it has ended, where `_listen` finds it.

        What it may have left running does not count, and is ended: it holds the pipe open.
        """

        def read() -> None:
            for line in running.process.stdout or ():
                self._events.put((running, line))

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        running.process.wait()
        reader.join(DRAIN_SECONDS)
        if reader.is_alive():
            _signal(running.process, signal.SIGKILL)
            reader.join(DRAIN_SECONDS)
        self._events.put((running, None))

    def _listen(self, timeout: float) -> None:
        """Take all news, waiting for the first.

        Raises:
            KeyboardInterrupt: one of them is that this run is to end.

        """
        with suppress(queue.Empty):
            self._take(self._events.get(timeout=timeout))
            while True:
                self._take(self._events.get_nowait())

    def _take(self, event: Event) -> None:
        if event is None:
            raise KeyboardInterrupt
        running, text = event
        if text is not None:
            running.said.append(text)
            self._board.line(running.name, text)
            return
        self._running.remove(running)
        well = running.process.returncode == 0
        self._schedule.ended(running.name, well=well)
        took = seconds(time.monotonic() - running.started)
        how = f"done, {took}" if well else _failure(running, took)
        self._board.ended(running.name, f"stopped, {took}" if self._stopping else how)

    def _summary(self) -> str:
        counts = {
            outcome: self._schedule.count(outcome)
            for outcome in (Outcome.FAILED, Outcome.RUNNING, Outcome.WAITING)
        }
        done = self._schedule.count(Outcome.DONE)
        rest = ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items() if count)
        return f"{done} of {plural(len(self._schedule.outcomes), 'stage')} done; {rest}"

    def _stop(self) -> None:
        """End all stages as Ctrl-C would each, and kill what does not end in time.

        A second Ctrl-C kills at once.
        """
        self._stopping = True
        end = time.monotonic() + GRACE_SECONDS
        try:
            for running in self._running:
                _signal(running.process, signal.SIGINT)
            while self._running and time.monotonic() < end:
                self._board.summary(f"stopping: {plural(len(self._running), 'stage')} to end")
                self._listen(STEP_SECONDS)
        except BaseException:
            self._board = Board()  # nobody reads any more, or a second Ctrl-C
        finally:
            for running in self._running:
                _signal(running.process, signal.SIGKILL)
            while self._running:
                self._listen(STEP_SECONDS)


def _failure(running: Running, took: str) -> str:
    said = [line.rstrip() for line in running.said if not CHATTER.match(line)]
    return "\n".join([f"failed after {took}; the last that it said:", *(f"  {x}" for x in said)])


def _signal(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """Send a signal to a stage and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.terminate()


def told(schedule: Schedule) -> str:
    """Say in a line how a run ended."""
    failed = [name for name, out in schedule.outcomes.items() if out is Outcome.FAILED]
    if not schedule.outcomes:
        return "everything is up to date"
    if not failed:
        return f"{plural(len(schedule.outcomes), 'stage')} done"
    barred = schedule.count(Outcome.BARRED)
    after = f"; {plural(barred, 'stage')} not run, since they depend on that" if barred else ""
    return f"failed: {', '.join(failed)}{after}; `cnnreport repro` goes on"
