"""What a training costs and where it runs: time, memory, energy, processor, library versions."""

import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from cnnreport.energy import NO_ESTIMATE, EnergyMeter
from cnnreport.records import Seal, TrainingRecord

LIBRARIES = ("tensorflow", "keras", "numpy")

THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
"""What TensorFlow and the libraries below it read when they are loaded."""

GPUS = "CUDA_VISIBLE_DEVICES"
"""Numbers or names of the GPUs that a process may see, with commas between; all where not set."""


QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}
"""Without it TensorFlow's notices at start-up would drown what a command has to say."""


def use(threads: int | None, gpus: int | None) -> None:
    """Compute with so many threads and GPUs, None for all; to be called before TensorFlow loads.

    The number of threads is part of what decides the bits of a result, since the terms of a sum are
    shared out among them. Of the GPUs that may be seen the first ones are taken.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if threads is not None:
        os.environ.update(dict.fromkeys(THREADS, str(threads)))
    if gpus is not None:
        seen = os.environ.get(GPUS)
        known = seen.split(",") if seen is not None else map(str, range(gpus))
        os.environ[GPUS] = ",".join(list(known)[:gpus])


@dataclass(frozen=True)
class Spent:
    """What a training has cost up to some epoch, over all of its sittings.

    `energy_kwh` is None where no estimate can be made.
    """

    started: str
    wall_seconds: float
    cpu_seconds: float
    peak_memory_mib: float
    energy_kwh: float | None
    sittings: int


class Meter:
    """Measure one sitting of a training from its making on, and add it to those before.

    One for each process, since peak memory and energy are those of the process.
    """

    def __init__(self) -> None:
        """Start the clocks."""
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._wall = time.perf_counter()
        self._cpu = time.process_time()
        self._energy = EnergyMeter()

    def spent(self, before: Spent | None) -> Spent:
        """Return what was spent so far, with the sittings `before` this one."""
        return Spent(
            started=before.started if before else self._started,
            wall_seconds=time.perf_counter() - self._wall + (before.wall_seconds if before else 0),
            cpu_seconds=time.process_time() - self._cpu + (before.cpu_seconds if before else 0),
            peak_memory_mib=max(peak_memory_mib(), before.peak_memory_mib if before else 0),
            energy_kwh=_sum(self._energy.kwh(), before.energy_kwh if before else 0),
            sittings=1 + (before.sittings if before else 0),
        )

    @property
    def energy_method(self) -> str:
        """How the energy of this sitting is estimated, or why it cannot be, in words for a page."""
        return self._energy.method

    def stop(self) -> None:
        """End the estimate of energy; the clocks of `spent` run on."""
        self._energy.stop()


def training_record(  # noqa: PLR0913 - these are the facts that only a training knows
    spent: Spent,
    *,
    images_seen: int,
    latency_ms: dict[int, float],
    energy_method: str,
    precision: str,
    replicas: int,
    accelerators: list[str],
    key: str,
    first_batch_loss: float | None,
    seal: Seal,
) -> TrainingRecord:
    """Return the record of a finished training, with the machine and the libraries filled in.

    `latency_ms` holds the milliseconds of a batch by its size, for `cnnreport.latency.BATCHES`.
    """
    return TrainingRecord(
        started=spent.started,
        train_seconds=spent.wall_seconds,
        cpu_seconds=spent.cpu_seconds,
        peak_memory_mib=spent.peak_memory_mib,
        images_seen=images_seen,
        sittings=spent.sittings,
        latency_ms_batch_1=latency_ms[1],
        latency_ms_batch_128=latency_ms[128],
        energy_kwh=spent.energy_kwh,
        energy_method=_method_of(spent, energy_method),
        precision=precision,
        replicas=replicas,
        processor=processor_name(),
        cores=usable_cores(),
        accelerators=accelerators,
        platform=f"{platform.system()} {platform.machine()}",
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
        key=key,
        first_batch_loss=first_batch_loss,
        seals=[seal],
    )


def _sum(now: float | None, before: float | None) -> float | None:
    """Add the energy of two sittings; a part that is not known leaves the whole unknown."""
    return None if now is None or before is None else now + before


def _method_of(spent: Spent, last: str) -> str:
    """Return how the energy was estimated; only an earlier sitting can lack what the last had."""
    if spent.energy_kwh is None and not last.startswith(NO_ESTIMATE):
        return f"{NO_ESTIMATE}: an earlier sitting of the training has none"
    return last


def peak_memory_mib() -> float:
    """Return the largest resident memory of this process so far, in MiB."""
    if sys.platform == "win32":
        return float(psutil.Process().memory_info().peak_wset / 2**20)
    import resource  # noqa: PLC0415 - not there on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def usable_cores() -> int:
    """Return how many processor cores this process may use."""
    count: Callable[[], int | None] = getattr(os, "process_cpu_count", os.cpu_count)
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else count() or 1


def processor_name() -> str:
    """Return the processor's name as the system gives it, else its architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
