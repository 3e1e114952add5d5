"""Show where the time of a training step goes, by kind of operation, with TensorFlow's profiler.

    python benchmarks/step_profile.py

Writes docs/benchmarks/profile.md. Operations run side by side, so their times add up to more than
the step took; what counts are the shares.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from throughput import HERE, NETWORKS

PAGE = HERE.parent / "docs" / "benchmarks" / "profile.md"
BATCH, STEPS = 128, 3
KINDS = {
    "Convolutions": ("Conv2D",),
    "Matrix products": ("MatMul",),
    "Optimiser": ("ResourceApply",),
    "Batch normalisation": ("BatchNorm",),
    "Pooling": ("Pool",),
    "ReLU": ("Relu",),
}
"""Columns of the table, and what the names of their operations contain."""
OTHER = "Everything else"
WRAPPERS = ("Process", "Run", "run", "Execute", "inference", "ParallelFor", "Stretch", "stretch")
"""Events that only hold others."""


def main() -> None:
    """Profile each network in a process of its own and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=NETWORKS, help="print one row instead")
    network = parser.parse_args().network
    if network:
        print(row(network, shares(network)))
        return
    rows = [_in_a_process(name) for name in NETWORKS]
    columns = [*KINDS, OTHER]
    lines = [
        "# Where the time of a training step goes",
        "",
        "Written by `benchmarks/step_profile.py`: shares of the time that operations took in",
        f"{STEPS} training steps at batch {BATCH}, after a warm-up, by TensorFlow's profiler.",
        "",
        f"| Network | {' | '.join(columns)} |",
        f"|---|{'--:|' * len(columns)}",
        *rows,
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8", newline="\n")


def shares(network: str) -> dict[str, float]:
    """Return the share of each kind of operation in the steps of a network."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf
    from keras_contestants import engine, random_images  # noqa: PLC0415

    ours = engine(network, *random_images(BATCH * STEPS), BATCH)
    ours.run_epoch(1)
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            ours.run_epoch(2)
        times = operation_times(Path(folder))
    total = sum(times.values())
    found = {kind: sum(times[name] for name in times if _is(name, kind)) for kind in KINDS}
    found[OTHER] = total - sum(found.values())
    return {kind: time / total for kind, time in found.items()}


def operation_times(folder: Path) -> Counter[str]:
    """Return the picoseconds of each type of operation in a profile."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(next(folder.rglob("*.xplane.pb")).read_bytes())
    times: Counter[str] = Counter()
    for plane in space.planes:
        names = {key: event.name for key, event in plane.event_metadata.items()}
        for line in plane.lines:
            for event in line.events:
                times[names[event.metadata_id].rsplit(":", 1)[-1]] += event.duration_ps
    return Counter(
        {name: time for name, time in times.items() if not any(word in name for word in WRAPPERS)}
    )


def row(network: str, found: dict[str, float]) -> str:
    """Return the line of a network in the table."""
    return f"| {network} | " + " | ".join(f"{100 * part:.0f} %" for part in found.values()) + " |"


def _is(name: str, kind: str) -> bool:
    return any(word in name for word in KINDS[kind])


def _in_a_process(network: str) -> str:
    command = [sys.executable, __file__, "--network", network]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
