"""What a training costs and where it runs: time, memory, processor, library versions."""

import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from cnnreport.records import TrainingRecord

LIBRARIES = ("tensorflow", "keras", "numpy")


class Meter:
    """Measure from its making to `record`; one for each process, since peak memory is of that."""

    def __init__(self) -> None:
        """Start the clocks."""
        self.started = datetime.now(UTC)
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def record(self, images_seen: int, accelerators: list[str]) -> TrainingRecord:
        """Return the cost so far; seconds of wall clock and of processor time, MiB at the peak."""
        return TrainingRecord(
            started=self.started.isoformat(timespec="seconds"),
            train_seconds=time.perf_counter() - self._wall,
            cpu_seconds=time.process_time() - self._cpu,
            peak_memory_mib=peak_memory_mib(),
            images_seen=images_seen,
            processor=processor_name(),
            cores=usable_cores(),
            accelerators=accelerators,
            platform=f"{platform.system()} {platform.machine()}",
            versions={
                "python": platform.python_version(),
                **{name: version(name) for name in LIBRARIES},
            },
        )


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
