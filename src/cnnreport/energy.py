"""Estimate the electrical energy that this process uses, without a word, a file or a connection."""

import logging
import os
import platform
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

INTERVAL_SECONDS = 30
"""How often the tracker adds up what was used since the last time."""

WATTS_PER_THREAD = 4
"""What codecarbon takes for each hardware thread of a processor whose rated power it lacks."""

START_LIMIT_SECONDS = 30
"""How long a reading waits for a tracker that is still starting; it takes one or two."""

ESTIMATE = "estimate"
NO_ESTIMATE = "no estimate"
"""How the text of `EnergyMeter.method` begins."""


class _Readout:
    """What the tracker hands its figures to: an output of codecarbon that only remembers."""

    kwh: float | None = None

    def out(self, total: Any, _delta: Any) -> None:
        """Keep the energy since the start, in kWh."""
        self.kwh = float(total.energy_consumed)

    def exit(self) -> None:
        """Have nothing to close."""


class EnergyMeter:
    """Estimate the energy that this process uses from the making of this object to `stop`.

    The tracker is codecarbon's offline one. It counts this process alone where its source can tell
    processes apart, so other programs and a second training beside this one are left out. It looks
    for the hardware in a thread of its own, because that is a second of waiting; what is used
    meanwhile is not counted. Trouble of any kind costs the estimate, never the training.
    """

    def __init__(self) -> None:
        """Start the tracker without waiting for it."""
        self._readout = _Readout()
        self._tracker: Any = None
        self._method = f"{NO_ESTIMATE}: codecarbon did not start in time"
        # Two threads that import one library at a time may see it half made, and Keras imports
        # pandas as well; so all that the thread shares with the rest is imported before it starts.
        with suppress(ImportError):
            import codecarbon  # noqa: F401, PLC0415 - a second that only a training has to wait
            import pandas  # noqa: F401, ICN001, PLC0415
        self._starting = threading.Thread(target=self._start, name="energy", daemon=True)
        self._starting.start()

    @property
    def method(self) -> str:
        """How the estimate is made, or why there is none, in words for a page."""
        self._starting.join(START_LIMIT_SECONDS)
        return self._method

    def kwh(self) -> float | None:
        """Return the energy in kWh up to now, or up to `stop`; None where there is no estimate."""
        self._starting.join(START_LIMIT_SECONDS)
        if self._tracker is not None:
            self._read(self._tracker.flush)
        return self._readout.kwh

    def stop(self) -> None:
        """Stop counting; `kwh` goes on returning the last figure."""
        self._starting.join(START_LIMIT_SECONDS)
        tracker, self._tracker = self._tracker, None
        if tracker is not None:
            self._read(tracker.stop)

    def _start(self) -> None:
        # Whatever a strange machine brings up, a training must not end for the sake of this.
        try:
            tracker = _offline_tracker(self._readout)
            tracker.start()
            self._method = method_text(tracker)
        except Exception as error:
            self._method = f"{NO_ESTIMATE}: codecarbon failed ({' '.join(str(error).split())})"
            return
        if self._method.startswith(NO_ESTIMATE):
            tracker.stop()
            self._readout.kwh = None
        else:
            self._tracker = tracker

    def _read(self, report: Callable[[], Any]) -> None:
        """Have the tracker report to the readout; it swallows its errors, so silence means one."""
        self._readout.kwh = None
        report()
        if self._readout.kwh is None:
            self._method = f"{NO_ESTIMATE}: codecarbon could not read the energy"


def _offline_tracker(readout: _Readout) -> Any:
    """Return a tracker that reports to `readout` alone.

    Every setting that a file or a variable of the user's could bring in, and that would write,
    send or change the figures, is set here. With a carbon intensity of zero the tracker need not
    know where the machine is; of its figures only the energy is used.
    """
    logging.getLogger("codecarbon").disabled = True
    from codecarbon import OfflineEmissionsTracker  # noqa: PLC0415

    return OfflineEmissionsTracker(
        tracking_mode="process",
        measure_power_secs=INTERVAL_SECONDS,
        allow_multiple_runs=True,
        log_level="critical",
        output_methods=[],
        output_handlers=[readout],
        output_dir=tempfile.gettempdir(),
        api_call_interval=-1,
        emissions_endpoint=None,
        electricitymaps_api_token="",
        metadata=None,
        force_carbon_intensity_g_co2e_kwh=0.0,
        country_iso_code=None,
        country_2letter_iso_code=None,
        region=None,
        cloud_provider=None,
        cloud_region=None,
        force_cpu_power=assumed_watts(),
        force_ram_power=None,
        force_mode_cpu_load=False,
        rapl_include_dram=False,
        rapl_prefer_psys=False,
        gpu_ids=None,
        pue=1.0,
        wue=0.0,
    )


def assumed_watts(cpuinfo: Path = Path("/proc/cpuinfo")) -> float | None:
    """Return the power to take for a processor whose rated one is of no use, None for others.

    A virtual machine has a few threads of a processor, whose rated power is that of all of them;
    for Apple's processors there is no figure.
    """
    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    flags = cpuinfo.read_text(encoding="utf-8").split() if cpuinfo.exists() else []
    return float(WATTS_PER_THREAD * _threads()) if apple or "hypervisor" in flags else None


def method_text(tracker: Any) -> str:
    """Say from what a started tracker makes its estimate, or why it cannot make one."""
    parts = {type(part).__name__: part for part in tracker._hardware}
    processor = _processor_source(parts.get("CPU"))
    if processor is None:
        return f"{NO_ESTIMATE}: codecarbon has no figure for the power of this processor"
    boards = ", graphics boards by their own meters" if "GPU" in parts else ""
    number = ".".join(version("codecarbon").split(".")[:2])
    return (
        f"{ESTIMATE} by codecarbon {number}: the processor {processor}{boards}, memory by what "
        "such an amount usually draws; screen, disk and power supply are left out"
    )


def _processor_source(processor: Any) -> str | None:
    mode = getattr(processor, "_mode", None)
    if mode in ("intel_rapl", "windows_emi"):
        return "by its own energy counters (RAPL), which count other programs as well"
    if mode != "cpu_load" or processor._is_generic_tdp:
        return None
    watts, threads = processor._tdp, _threads()
    power = (
        f"{WATTS_PER_THREAD} W for each of its {threads} threads, codecarbon's default"
        if watts == WATTS_PER_THREAD * threads
        else f"its rated power (TDP) of {watts:.0f} W"
    )
    return f"by {power}, times the share of it that this process kept busy"


def _threads() -> int:
    return os.cpu_count() or 1
