"""The process that speaks to Ray: it starts one task, prints its lines and takes its outputs.

Ray ends a process whose cluster is gone without a word to its Python code, so this is a process of
its own and no part of the stage: `cnnreport.cluster.train` starts it, and says what happened.
"""

import importlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from cnnreport.cluster import node
from cnnreport.errors import TrainingError
from cnnreport.mirrors import one_line

JOB, CHECKOUT, ERROR, CONNECTED = "job.json", "checkout.tar", "error.txt", "connected"
"""The files by which the stage and this process speak; outputs come back in the same folder."""

TRIES = 4
"""How often a training is begun whose worker or node gets lost."""

POLL_SECONDS = 0.5
PROBE_SECONDS = 2.0
GONE_SECONDS = 15.0
"""How long the head may not answer; Ray itself would end this process after a minute."""

ROOM_SECONDS = 20.0
"""How long to wait for a node that is large enough, as after one was lost."""

QUEUE_SECONDS = 10.0
"""After so long without a free place it is said that there is none."""

CANCEL_SECONDS = 5.0


@dataclass(frozen=True)
class Job:
    """What to train and where; `node` are the arguments of `cnnreport.cluster.node.train`."""

    address: str
    title: str
    cpus: int
    gpus: int
    parent: int
    node: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write it for the driver that is started on this folder."""
        (folder / JOB).write_text(json.dumps(asdict(self)), encoding="utf-8")


class _LostError(Exception):
    """The task was lost with its worker or node; says how."""


def main(folder: Path) -> int:
    """Train what the job in a folder says; return 0, 2 for a line in its error.txt or 130."""
    signal.signal(signal.SIGTERM, _interrupted)
    job = Job(**json.loads((folder / JOB).read_text(encoding="utf-8")))
    try:
        head = _connected(job.address)
        signal.signal(signal.SIGTERM, _interrupted)  # Ray has set its own
        (folder / CONNECTED).touch()
        for name, content in _trained(job, head, (folder / CHECKOUT).read_bytes()).items():
            (folder / Path(name).name).write_bytes(content)
    except TrainingError as error:
        (folder / ERROR).write_text(str(error), encoding="utf-8")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _connected(address: str) -> str:
    """Join the cluster; return the address of its head."""
    ray = _ray()

    if address != "auto" and not _answers(address):
        raise TrainingError(
            f"no Ray cluster answers at {address}; `ray start --head` starts one and prints its "
            "address"
        )
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # Ray raises what it likes
        raise TrainingError(_no_connection(address, one_line(error))) from error
    return str(ray.get_runtime_context().gcs_address)


def _no_connection(address: str, reason: str) -> str:
    if "Version mismatch" in reason:
        return f"the cluster at {address} has another Ray or Python: {reason}"
    return (
        f"cannot use the Ray cluster at {address} ({reason[:300]}); this machine must be one of "
        "its nodes: `ray start --address HEAD:PORT --num-cpus 0` makes it one that trains nothing"
    )


def _answers(address: str, seconds: float = PROBE_SECONDS) -> bool:
    host, _, port = address.rpartition(":")
    with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), seconds):
        return True
    return False


def _trained(job: Job, head: str, checkout: bytes) -> Mapping[str, bytes]:
    """Return the outputs of the training by name, however many tries that takes."""
    ray = _ray()

    reference = ray.put(checkout)
    for number in range(1, TRIES + 1):
        try:
            return _tried(job, head, reference)
        except _LostError as error:
            if number == TRIES:
                raise TrainingError(f"{job.title}: {error}, {TRIES} times; given up") from error
            _say(f"{job.title}: {error}; beginning again, try {number + 1} of {TRIES}")
    raise AssertionError


def _tried(job: Job, head: str, checkout: Any) -> Mapping[str, bytes]:
    ray = _ray()
    ray.cloudpickle.register_pickle_by_value(node)
    # Lost tasks are tried again by `_trained`: Ray would leave out as many messages of the new try
    # as have come from the old one.
    task = ray.remote(node.train).options(
        num_cpus=job.cpus, num_gpus=job.gpus, num_returns="streaming", max_retries=0
    )
    watch = _Watch(job, head)
    watch.wait_for_room()
    messages = task.remote(checkout, **job.node)
    try:
        return _outputs(job, _messages(messages, watch), watch)
    except ray.exceptions.RayTaskError as error:
        raise TrainingError(f"{job.title}: on the node: {one_line(error.cause)}") from error
    except ray.exceptions.RayError as error:
        raise _LostError(f"lost with its worker ({type(error).__name__})") from error
    except BaseException:
        _cancel(messages)
        raise


def _messages(task: Any, watch: "_Watch") -> Iterator[tuple[str, Any]]:
    ray = _ray()

    while True:
        ready, _ = ray.wait([task], timeout=POLL_SECONDS)
        watch.look()
        if ready:
            try:
                reference = next(task)
            except StopIteration:
                return
            yield ray.get(reference)


def _outputs(job: Job, messages: Iterator[tuple[str, Any]], watch: "_Watch") -> Mapping[str, bytes]:
    brought: Mapping[str, bytes] = {}
    for kind, content in messages:
        if kind == node.NODE:
            watch.begun = True
            _say(f"{job.title}: training on {content}")
        elif kind == node.LINE:
            _say(content)
        elif kind == node.FILES:
            brought = content
        elif kind == node.REFUSED:
            raise TrainingError(content)
        else:
            raise _LostError(content)
    return brought


def _cancel(task: Any) -> None:
    """End the task gently, so that its node is left clean, else at once."""
    ray = _ray()
    for force in (False, True):
        with suppress(Exception):  # what ends in an error has ended
            ray.cancel(task, force=force)
            if ray.wait([task.completed()], timeout=CANCEL_SECONDS)[0]:
                return


class _Watch:
    """Looks now and then whether there is still something to wait for."""

    def __init__(self, job: Job, head: str) -> None:
        self.job, self.head, self.begun = job, head, False
        self._started = self._probed = self._answered = self._fitted = time.monotonic()
        self._told = False

    def look(self) -> None:
        """Raise an error if the stage or the head is gone, or no node can take the training."""
        if os.getppid() != self.job.parent:
            raise KeyboardInterrupt
        now = time.monotonic()
        if now - self._probed < PROBE_SECONDS:
            return
        self._probed = now
        if _answers(self.head):
            self._answered = now
            if not self.begun:
                self._look_for_room(now)
        elif now - self._answered > GONE_SECONDS:
            raise TrainingError(
                f"{self.job.title}: the head of the Ray cluster ({self.head}) is gone; start it "
                "again, or train here with a plain `dvc repro`"
            )

    def wait_for_room(self) -> None:
        """Return once a node is large enough, free or not."""
        while not self._fits():
            self.look()
            time.sleep(POLL_SECONDS)

    def _look_for_room(self, now: float) -> None:
        if self._fits():
            self._fitted = now
        elif now - self._fitted > ROOM_SECONDS:
            raise TrainingError(
                f"{self.job.title}: wants {self._wanted()}, and no node of the cluster has so "
                f"many (there are {self._there()}); change threads or gpus in params.yaml, or "
                "start a larger node"
            )
        if not self._told and now - self._started > QUEUE_SECONDS:
            self._told = True
            _say(f"{self.job.title}: waiting for a node with {self._wanted()} free")

    def _wanted(self) -> str:
        return _amount(self.job.cpus, self.job.gpus)

    def _there(self) -> str:
        nodes = [_amount(*each) for each in _nodes()]
        return ", ".join(nodes) or "none"

    def _fits(self) -> bool:
        return any(c >= self.job.cpus and g >= self.job.gpus for c, g in _nodes())


def _nodes() -> list[tuple[float, float]]:
    """Return CPUs and GPUs of each node that is alive."""
    ray = _ray()

    alive = [each["Resources"] for each in ray.nodes() if each["Alive"]]
    return [(resources.get("CPU", 0), resources.get("GPU", 0)) for resources in alive]


def _amount(cpus: float, gpus: float) -> str:
    return f"{cpus:g} CPUs and {gpus:g} GPUs" if gpus else f"{cpus:g} CPUs"


def _ray() -> Any:
    """Return the package, which takes a second to load and is not there for everyone."""
    return importlib.import_module("ray")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    status = main(Path(sys.argv[1]))
    sys.stdout.flush()
    # Ray's own farewell may take long where its cluster is gone; all is written by now.
    os._exit(status)
