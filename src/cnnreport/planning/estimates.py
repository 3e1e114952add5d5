"""Estimate how long a training takes by the past ones that are most like it.

Seconds are in proportion to the training images that a network goes through and to the
multiply-accumulates of one, which hang on the size of the images and, a little, on the number of
classes; plus a start-up time where past runs of different lengths tell one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from cnnreport.formats import listing, plural
from cnnreport.planning.past import Machine, PastRun
from cnnreport.planning.work import Training

MUCH_LONGER = 10
"""Beyond this factor a short run does not tell how long a long one takes."""


@dataclass(frozen=True)
class Estimate:
    """How many seconds trainings would take, by the quickest and the slowest past runs."""

    low: float
    high: float
    basis: str


def estimate(
    training: Training, past: Sequence[PastRun], machine: Machine, macs: int | None
) -> Estimate | None:
    """Return how long a training takes by the past runs most like it, None where nothing tells.

    Like it are, in this order: its own network or else the one next in multiply-accumulates, this
    machine, this precision, this number of threads, this size of images, this image set. `macs`
    are those of its network an image; they are needed where no past run is of that network and of
    images and classes like its own.
    """
    able = [replace(run, times=times) for run in past if (times := _times(run, training, macs))]
    if own := [run for run in able if run.model == training.model]:
        return _scaled(training, own, machine)
    if not able:
        return None
    nearest = min(able, key=lambda run: abs(math.log(run.times))).model
    found = _scaled(training, [run for run in able if run.model == nearest], machine)
    basis = f"no past run; guess from multiply-accumulates and {nearest}: {found.basis}"
    return Estimate(found.low, found.high, basis)


def _times(run: PastRun, training: Training, macs: int | None) -> float | None:
    """Return `PastRun.times` for a training with so many multiply-accumulates; None: unknown."""
    if (run.model, run.shape) == (training.model, training.shape):
        return 1.0
    return macs / run.macs if macs and run.macs else None


def _scaled(training: Training, past: Sequence[PastRun], machine: Machine) -> Estimate:
    """Scale past runs of one network to a training."""

    def likeness(run: PastRun) -> tuple[bool, ...]:
        there = run.machine
        # A much shorter run is mostly start-up, so one of other images may tell more.
        near = not _too_far(training, [run])
        return (
            _same_processor(there, machine),
            there.precision == machine.precision,
            there.threads == machine.threads,
            _side(run) == training.shape.side and near,
            run.dataset == training.dataset and near,
        )

    most = max(map(likeness, past))
    alike = _long_ones([run for run in past if likeness(run) == most])
    # Tracing and compiling take as long in one thread as in many.
    there = alike[0].machine
    start = start_up([run for run in past if replace(run.machine, threads=there.threads) == there])
    durations = [start + _seconds_per_image(run, start) * training.images for run in alike]
    basis = _basis(alike, machine, training)
    return Estimate(float(min(durations)), float(max(durations)), basis)


def _same_processor(there: Machine, here: Machine) -> bool:
    return (there.processor, there.cores) == (here.processor, here.cores)


def _side(run: PastRun) -> int | None:
    return run.shape.side if run.shape else None


def start_up(past: Sequence[PastRun]) -> float:
    """Return the seconds that a training takes whatever its length, 0 where nothing tells.

    It is what short runs took beyond the speed of the long ones, the median.
    """
    long = _long_ones(past)
    speed = median(_seconds_per_image(run, 0) for run in long)
    short = [run for run in past if run not in long]
    beyond = [run.record.train_seconds - speed * run.images for run in short]
    return max(0.0, median(beyond)) if beyond else 0.0


def _seconds_per_image(run: PastRun, start: float) -> float:
    """Return the speed of a run after its start-up, which is never all of it."""
    duration = run.record.train_seconds
    return max(duration - start, 0.1 * duration) / run.images


def _long_ones(past: Sequence[PastRun]) -> list[PastRun]:
    longest = max(run.images for run in past)
    return [run for run in past if run.images * MUCH_LONGER >= longest]


def _too_far(training: Training, past: Sequence[PastRun]) -> bool:
    return training.images > MUCH_LONGER * max(run.images for run in past)


def _basis(alike: Sequence[PastRun], machine: Machine, training: Training) -> str:
    """Say which past runs an estimate is from."""
    there = alike[0].machine
    where = (
        "this processor"
        if _same_processor(there, machine)
        else f"another processor ({there.processor}, {plural(there.cores, 'core')})"
    )
    threads = sorted({run.machine.threads for run in alike})
    if threads != [machine.threads]:
        where = f"{listing([plural(count, 'thread') for count in threads])} of {where}"
    kind = "much shorter past run" if _too_far(training, alike) else "past run"
    parts = [plural(len(alike), kind), f"on {where}"]
    if (datasets := sorted({run.dataset for run in alike})) != [training.dataset]:
        parts.append(f"with {listing(datasets)}")
    if sides := sorted({side for run in alike if (side := _side(run))} - {training.shape.side}):
        parts.append(f"scaled from {listing([f'{side}x{side}' for side in sides])} pixels")
    if there.precision != machine.precision:
        parts.append(f"in {there.precision}")
    if devices := sorted({name for run in alike for name in run.record.accelerators}):
        parts.append(f"and {listing(devices)}")
    return " ".join(parts)
