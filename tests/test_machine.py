"""What a training cost: measured against this process itself."""

import os
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import psutil

from cnnreport import machine


def test_wall_time_counts_waiting_and_processor_time_does_not() -> None:
    meter = machine.Meter()
    time.sleep(0.3)
    record = meter.record(7, [])
    assert 0.3 <= record.train_seconds < 10
    assert record.cpu_seconds < record.train_seconds
    assert record.images_seen == 7


def test_the_peak_stays_after_memory_is_given_back() -> None:
    before = machine.peak_memory_mib()
    held = np.ones(64 * 2**20, np.uint8)  # 64 MiB, touched
    during = machine.peak_memory_mib()
    del held
    assert during >= psutil.Process().memory_info().rss / 2**20 * 0.9
    assert machine.peak_memory_mib() >= during >= before
    assert during > 30


def test_the_record_names_the_machine_and_the_versions() -> None:
    record = machine.Meter().record(0, ["a GPU"])
    assert record.processor
    assert 1 <= record.cores <= (os.cpu_count() or 1)
    assert set(record.versions) == {"python", "tensorflow", "keras", "numpy"}
    assert record.versions["numpy"] == np.__version__
    assert record.accelerators == ["a GPU"]
    started = datetime.fromisoformat(record.started)
    assert datetime.now(UTC) - started < timedelta(minutes=1)
