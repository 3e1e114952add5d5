"""A worker's side of the benchmark: train one burst whenever a line on standard input says so.

Standard library only, since it also runs in the environment of PyTorch. One JSON line goes out
when the worker is warm, one for each line "go" and one with the peak memory for the line "end".
"""

import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Any

IMAGES = 50_000
"""Images in memory: as many as CIFAR's training part, so that peak memory is that of a study."""

SIDE, CHANNELS, CLASSES = 32, 3, 10

LEAST_STEPS = 3
"""Steps of the shortest burst, however long they take."""

Burst = Callable[[int], tuple[int, float]]
"""Trains about so many steps; returns the images trained on and the seconds that took."""


@dataclass(frozen=True)
class Contestant:
    """What a worker trains: `parameters` are the totals (trainable, non-trainable)."""

    burst: Burst
    parameters: tuple[int, int]
    versions: dict[str, str]


def serve(
    contestant: Contestant, batch: int, seconds: float, orders: Iterable[str], answers: IO[str]
) -> None:
    """Warm up, then train a burst of about `seconds` for each order "go" until "end"."""
    steps = warm_up(contestant.burst, IMAGES // batch, seconds)
    _say(answers, parameters=contestant.parameters, versions=contestant.versions, steps=steps)
    for order in orders:
        if order.strip() == "end":
            break
        images, taken = contestant.burst(steps)
        _say(answers, images=images, seconds=taken)
    _say(answers, peak_memory_mib=peak_memory_mib())


def warm_up(burst: Burst, most_steps: int, seconds: float) -> int:
    """Return how many steps last about `seconds`, having trained that many at least once.

    The first step is not timed: it traces the graph and lets libraries choose their kernels.
    """
    most_steps = max(most_steps, LEAST_STEPS)
    burst(1)
    steps = LEAST_STEPS
    while (taken := burst(steps)[1]) < seconds / 2 and steps < most_steps:
        steps = min(most_steps, max(steps + 1, int(steps * seconds / max(taken, 1e-3))))
    return steps


def peak_memory_mib() -> float | None:
    """Return the largest resident memory of this process so far; None where it is not known."""
    try:
        import resource  # noqa: PLC0415 - not there on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def private_stdout() -> IO[str]:
    """Keep standard output for the answers; whatever else prints from now on goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return answers


def _say(answers: IO[str], **message: Any) -> None:
    print(json.dumps(message), file=answers, flush=True)
