"""The estimate of energy: right in size, silent, and never the end of a training."""

import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cnnreport import energy
from cnnreport.energy import ESTIMATE, NO_ESTIMATE, EnergyMeter


def work(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))


@pytest.fixture
def _virtual(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a virtual machine, so that every machine takes the same source."""
    monkeypatch.setattr(energy, "assumed_watts", lambda: 4.0 * energy._threads())


@pytest.mark.usefixtures("_virtual")
def test_the_estimate_is_the_power_times_the_time() -> None:
    meter = EnergyMeter()
    assert "4 W for each of its" in meter.method
    before, start = meter.kwh(), time.perf_counter()
    work(1.0)
    after, seconds = meter.kwh(), time.perf_counter() - start
    assert before is not None
    assert after is not None
    # One busy thread at 4 W, and the least that codecarbon gives to memory: 3 W, or 10 W.
    joules = (after - before) * 3.6e6
    most = 4.0 * 1.5 + 40 * seconds
    assert 4.0 * 0.9 + 3 * 0.9 < joules < most
    meter.stop()
    last = meter.kwh()
    assert last is not None
    assert last >= after
    work(0.2)
    assert meter.kwh() == last


@pytest.mark.usefixtures("_virtual")
def test_it_sends_writes_and_prints_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("TMPDIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    # What a user may have set for other work of theirs must not come in.
    monkeypatch.setenv("CODECARBON_EMISSIONS_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("CODECARBON_ELECTRICITYMAPS_API_TOKEN", "token")
    monkeypatch.setenv("CODECARBON_OUTPUT_METHODS", "csv,api")
    monkeypatch.setenv("CODECARBON_LOG_LEVEL", "debug")
    monkeypatch.setenv("CODECARBON_ALLOW_MULTIPLE_RUNS", "False")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    attempts = []

    def refuse(*args: Any, **_: Any) -> None:
        attempts.append(args)
        raise OSError("no connections in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    meters = [EnergyMeter(), EnergyMeter()]  # two trainings at once
    time.sleep(0.1)
    assert all(meter.kwh() is not None for meter in meters), [meter.method for meter in meters]
    for meter in meters:
        meter.stop()
    assert attempts == []
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_its_thread_costs_next_to_nothing() -> None:
    assert energy.INTERVAL_SECONDS >= 15
    meter = EnergyMeter()
    meter.kwh()
    start = time.process_time()
    time.sleep(2)
    assert time.process_time() - start < 0.1
    meter.stop()


def test_without_codecarbon_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    meter = EnergyMeter()
    assert meter.kwh() is None
    assert meter.method.startswith(f"{NO_ESTIMATE}: codecarbon failed (")
    assert "\n" not in meter.method
    meter.stop()
    assert meter.kwh() is None


@pytest.mark.usefixtures("_virtual")
def test_a_reading_that_fails_leaves_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = EnergyMeter()
    assert meter.kwh() is not None

    def fail(*_: Any) -> None:
        raise OSError("the counters are gone")

    monkeypatch.setattr(meter._tracker._hardware[0], "measure_power_and_energy", fail)
    time.sleep(0.1)  # a reading right after another is not made anew
    assert meter.kwh() is None
    assert meter.method == f"{NO_ESTIMATE}: codecarbon could not read the energy"
    meter.stop()


def fake_tracker(**processor: Any) -> Any:
    part = type("CPU", (SimpleNamespace,), {})(**processor)
    return SimpleNamespace(_hardware=[type("RAM", (SimpleNamespace,), {})(), part])


@pytest.mark.parametrize(
    ("processor", "beginning", "words"),
    [
        ({"_mode": "intel_rapl"}, ESTIMATE, "energy counters (RAPL)"),
        ({"_mode": "cpu_load", "_tdp": 45.3, "_is_generic_tdp": False}, ESTIMATE, "(TDP) of 45 W"),
        ({"_mode": "cpu_load", "_tdp": 85, "_is_generic_tdp": True}, NO_ESTIMATE, "no figure"),
        ({"_mode": "a new way"}, NO_ESTIMATE, "no figure"),
    ],
)
def test_the_method_names_its_source(processor: dict[str, Any], beginning: str, words: str) -> None:
    text = energy.method_text(fake_tracker(**processor))
    assert text.startswith(beginning)
    assert words in text


def test_a_method_needs_a_processor() -> None:
    assert energy.method_text(SimpleNamespace(_hardware=[])).startswith(NO_ESTIMATE)


@pytest.mark.parametrize(("flags", "assumed"), [("fpu hypervisor avx", True), ("fpu avx", False)])
def test_a_virtual_machine_gets_a_power_by_its_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, assumed: bool
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    (tmp_path / "cpuinfo").write_text(f"model name\t: X\nflags\t\t: {flags}\n")
    watts = energy.assumed_watts(tmp_path / "cpuinfo")
    assert watts == (4.0 * energy._threads() if assumed else None)


def test_apples_processors_get_a_power_by_their_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert energy.assumed_watts(tmp_path / "none") == 4.0 * energy._threads()
