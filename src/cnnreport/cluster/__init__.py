"""Train on a Ray cluster: send the checkout there, show its lines, bring the outputs back.

The stage is the same as ever to DVC: it reads what dvc.yaml names and leaves the outputs that
dvc.yaml names. No part of this package is loaded where the training itself runs (`node` is sent),
so it decides no bit of a result.
"""

import argparse
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from cnnreport.cluster.driver import CHECKOUT, CONNECTED, ERROR, Job
from cnnreport.errors import InputError, TrainingError
from cnnreport.lineage import Lineage
from cnnreport.machine import LIBRARIES
from cnnreport.mirrors import VARIABLE as MIRROR
from cnnreport.mirrors import Mirror
from cnnreport.params import Params, load_params
from cnnreport.prepared import load_record
from cnnreport.records import Seal, TrainingRecord, load_json, save_text, to_json
from cnnreport.seals import Witness, sha256, training_keys
from cnnreport.signals import as_interrupt

ADDRESS = re.compile(r"auto|[^\s/]+:\d+")
TO_BE_THERE = ("codecarbon", "filelock", "fsspec", "psutil", "pydantic", "rich", "ruamel.yaml")
"""What a training needs beside `LIBRARIES`, in any version."""

SENT_VARIABLES = ("TF_", "KERAS_", "XLA_")
"""Variables that begin so may decide bits, and go along."""

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL": "minor",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
}

CONNECT_SECONDS = 90.0
POLL_SECONDS = 0.2
STOP_SECONDS = 20.0


def train(args: argparse.Namespace, address: str, lineage: Lineage) -> tuple[str, Seal]:
    """Train on the cluster at an address what the stage's arguments say, and save its outputs.

    Returns the run's name and its seal, which speaks of the checkout here.

    Raises:
        InputError: the address, the parameters or the installed packages do not allow it.
        TrainingError: the cluster cannot be reached, was lost, or the training failed there.

    """
    check_address(address)
    params = load_params(args.params)
    witness = Witness.of(
        args.params, training_keys(params.recipe, params.profile, args.model), args.prepared
    )
    dataset = load_record(args.prepared).name
    run = f"{dataset}/{args.model}/s{args.seed}"
    with tempfile.TemporaryDirectory(prefix="cnnreport-") as name:
        folder = Path(name)
        (folder / CHECKOUT).write_bytes(_packed(witness))
        _job(args, params, address, f"{args.model} on {dataset}, seed {args.seed}").save(folder)
        _drive(folder, witness.source, lambda: _stop_without_dvc(lineage, run))
        return run, _take(folder, args, witness)


def check_address(address: str) -> None:
    """Refuse, before anything is sent, what cannot be the address of a usable cluster.

    Raises:
        InputError: it is none, or Ray is not installed.

    """
    if not ADDRESS.fullmatch(address):
        raise InputError(
            f"Ray: wanted the address of a cluster (auto or HOST:PORT), came {address}; ray:// has "
            "no stream of messages, so make this machine a node: `ray start --address HOST:PORT "
            "--num-cpus 0`"
        )
    if importlib.util.find_spec("ray") is None:
        raise InputError(
            'Ray is not installed: `make setup LOCK=requirements-cluster.lock`, or pip install "'
            'cnnreport[ray]"'
        )


def _packed(witness: Witness) -> bytes:
    """Return a tar archive of all that the training reads and its seal hashes."""
    source, files = witness.source, io.BytesIO()
    with tarfile.open(fileobj=files, mode="w") as archive:
        archive.add(witness.params, "params.yaml")
        for path in sorted(source.rglob("*.py")):
            archive.add(path, f"src/{path.relative_to(source).as_posix()}")
        for path in sorted(witness.prepared.iterdir()):
            archive.add(path, f"prepared/{path.name}")
    return files.getvalue()


def _job(args: argparse.Namespace, params: Params, address: str, title: str) -> Job:
    if params.threads is None:
        raise InputError("threads: wanted a number, to be asked of the cluster, came nothing")
    here = {f"--{key}": str(getattr(args, key)) for key in ("model", "seed")}
    there = {"--prepared": "prepared", "--out": "out", "--results": "results"}
    words = [word for pair in (here | there).items() for word in pair]
    libraries = {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        **{name: version(name) for name in LIBRARIES},
        **dict.fromkeys(TO_BE_THERE, ""),
    }
    node = {
        "name": f"cnnreport-{uuid.uuid4().hex}",
        "arguments": ["train", *words],
        "outputs": list(_outputs(args)),
        "libraries": libraries,
        "variables": _variables(params.gpus or 0),
    }
    return Job(address, title, params.threads, params.gpus or 0, os.getpid(), node)


def _variables(gpus: int) -> dict[str, str]:
    sent = {k: v for k, v in os.environ.items() if k.startswith(SENT_VARIABLES)}
    mirror = Mirror.of()
    states = {MIRROR: mirror.url} if mirror else {}
    return sent | states | ({} if gpus else {"CUDA_VISIBLE_DEVICES": ""})


def _outputs(args: argparse.Namespace) -> dict[str, Path]:
    """Return where each output of the node goes; the record that DVC's users look at comes last."""
    return {
        "out/weights.npz": args.out / "weights.npz",
        f"results/history/s{args.seed}.csv": args.results / "history" / f"s{args.seed}.csv",
        f"results/training/s{args.seed}.json": args.results / "training" / f"s{args.seed}.json",
    }


def _drive(folder: Path, source: Path, check: Callable[[], None]) -> None:
    """Run the driver on a folder until it has the outputs."""
    log = folder / "ray.log"
    with log.open("wb") as chatter:
        process = subprocess.Popen(  # noqa: S603 - fixed arguments
            [sys.executable, "-m", "cnnreport.cluster.driver", str(folder)],
            env={**os.environ, **QUIET, "PYTHONPATH": str(source)},
            stdin=subprocess.DEVNULL,
            stderr=chatter,
            start_new_session=True,  # Ctrl-C is for the stage, which passes it on once
        )
    try:
        with as_interrupt():
            status = _ended(process, folder / CONNECTED, check)
    finally:
        _stop(process)
    if status == 0:
        return
    if (folder / ERROR).exists():
        raise TrainingError((folder / ERROR).read_text(encoding="utf-8"))
    said = log.read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line for line in reversed(said) if line.strip()), "it said nothing")
    raise TrainingError(
        f"the connection to the Ray cluster broke ({last[:300]}); `dvc repro` begins again"
    )


def _ended(process: subprocess.Popen[bytes], connected: Path, check: Callable[[], None]) -> int:
    """Wait for the driver's end and return its status."""
    latest = time.monotonic() + CONNECT_SECONDS
    while (status := process.poll()) is None:
        check()
        if time.monotonic() > latest and not connected.exists():
            raise TrainingError(
                f"the Ray cluster let nobody in for {CONNECT_SECONDS:.0f} s; look at `ray status`"
            )
        time.sleep(POLL_SECONDS)
    return status


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the driver, which cancels what still runs."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _stop_without_dvc(lineage: Lineage, run: str) -> None:
    if lineage.broken():
        raise TrainingError(f"{run}: DVC, which started this training, is gone; cancelled")


def _take(folder: Path, args: argparse.Namespace, witness: Witness) -> Seal:
    """Put the outputs where DVC looks for them, the record with a seal of the checkout here."""
    brought = {name: folder / Path(name).name for name in _outputs(args)}
    weights, history, record = _outputs(args).items()
    made = load_json(brought[record[0]], TrainingRecord)
    seal = _resealed(made.seals[-1], witness)
    if seal.weights != {str(args.seed): sha256(brought[weights[0]])}:
        raise TrainingError("the weights that came back are not those that were trained; try again")
    for name, target in (weights, history):
        _move(brought[name], target)
    save_text(record[1], to_json(replace(made, seals=[seal])))
    return seal


def _resealed(seal: Seal, witness: Witness) -> Seal:
    """Return the node's seal with what only the checkout here knows: commit and present state.

    The start stays the node's, which hashed what it worked from, and so do the packages.
    """
    code = [witness.source.parent / name for name in seal.start.code]
    ours = witness.seal(code, seal.weights)
    end = replace(ours.end, packages=seal.end.packages)
    return replace(ours, start=seal.start, end=end)


def _move(source: Path, target: Path) -> None:
    """Put a file in the place of another, all of it or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.tmp")
    shutil.copyfile(source, temporary)
    temporary.replace(target)
