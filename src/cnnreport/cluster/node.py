"""What runs on a node of a Ray cluster: the training of a checkout that was sent there.

Ray sends this module itself (`cnnreport.cluster.driver`), so it uses nothing but the standard
library: the node may have another version of this package, or none.
"""

import contextlib
import io
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NODE, LINE, FILES, REFUSED, LOST = "node", "line", "files", "refused", "lost"
"""What a message may be: the node's name; a line of progress; the outputs by their names; why
nothing can be trained, in one line; how the training was lost, so that it can be tried again."""

STATES = ".checkpoints"
ERROR = "error: "
POLL_SECONDS = 0.5
LOCK = "requirements-cluster.lock"

LAUNCH = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: to end with the worker
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
"""Elsewhere than on Linux the loss of the pipe ends a training, with the line of its next epoch."""


def train(
    checkout: bytes,
    name: str,
    arguments: Sequence[str],
    outputs: Sequence[str],
    libraries: Mapping[str, str],
    variables: Mapping[str, str],
) -> Iterator[tuple[str, object]]:
    """Unpack a checkout (a tar archive), train there, and yield messages, the outputs last.

    Args:
        checkout: src/, params.yaml and the prepared images.
        name: of the folder; the same for each try, so that one after a lost worker finds the state.
        arguments: those of `python src/stage.py`.
        outputs: the files to bring back, relative to the checkout.
        libraries: versions that must be installed here, ``""`` for any; ``python`` is one of them.
        variables: of the environment, beside the worker's own.

    """
    host = socket.gethostname()
    yield NODE, host
    if lacking := _lacking(libraries, host):
        yield REFUSED, lacking
        return
    folder = Path(tempfile.gettempdir()) / name
    last = ""
    with _checkout(checkout, folder):
        with _started(folder, arguments, variables) as process:
            for line in _lines(process):
                last = line
                if not line.startswith(ERROR):
                    yield LINE, line
            status = process.wait()
        brought = {each: (folder / each).read_bytes() for each in outputs} if status == 0 else {}
    # The folder is gone by now, whatever becomes of the rest.
    if status == 0:
        yield FILES, brought
    elif status < 0:
        yield LOST, f"killed by {signal.Signals(-status).name} on {host}"
    elif last.startswith(ERROR):
        yield REFUSED, last.removeprefix(ERROR)
    else:
        yield REFUSED, f"the training ended with status {status} on {host}"


def _lacking(libraries: Mapping[str, str], host: str) -> str:
    """Return what keeps this node from training as the driver would, in one line; or nothing."""
    remedy = f"install the same lock on all nodes (`make setup LOCK={LOCK}`)"
    for library, wanted in libraries.items():
        here = _installed(library)
        if not here:
            return f"{library} is not installed on {host}; {remedy}"
        if wanted and here != wanted:
            return f"{library} is {here} on {host} and {wanted} here; {remedy}"
    return ""


def _installed(library: str) -> str:
    if library == "python":
        return "{}.{}".format(*sys.version_info)
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


@contextlib.contextmanager
def _checkout(checkout: bytes, folder: Path) -> Iterator[None]:
    """Unpack; only the states of an earlier try stay in the folder. Remove it in the end."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for old in folder.iterdir():
        if old.name != STATES:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    try:
        with tarfile.open(fileobj=io.BytesIO(checkout)) as archive:
            # Python's early 3.11 has no filters. The archive is the driver's own.
            if hasattr(tarfile, "data_filter"):
                archive.extractall(folder, filter="data")
            else:
                archive.extractall(folder)  # noqa: S202
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _started(
    folder: Path, arguments: Sequence[str], variables: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Start the training as a child that does not outlive this worker."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("CNNREPORT_", "DVC_"))}
    environment = {**own, **variables, "PYTHONUNBUFFERED": "1"}
    environment.pop("PYTHONPATH", None)
    with subprocess.Popen(  # noqa: S603 - fixed arguments
        [sys.executable, "-c", LAUNCH, str(os.getpid()), "src/stage.py", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """Yield the lines of a process; a wait for one can be broken off, as by `ray.cancel`."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        with contextlib.suppress(queue.Empty):
            line = lines.get(timeout=POLL_SECONDS)
            if line is None:
                return
            yield line
