"""Tables of what training a network took and of what using it takes."""

import math
from collections.abc import Callable, Iterable, Sequence

from cnnreport.evidence import mean, unmarked
from cnnreport.formats import (
    energy,
    macs,
    md,
    mebibytes,
    milliseconds,
    percent,
    seconds,
    thousands,
)
from cnnreport.latency import FEWEST_REPEATS, MOST_REPEATS
from cnnreport.params import Params
from cnnreport.records import TrainingRecord
from cnnreport.study import Cell, Study
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import NONE, Names, threads_text

PASSES = 3
"""Forward passes that one training image is worth: its own, and two for the gradients.

The backward pass works out one gradient for the outputs and one for the weights of each layer, each
with as many multiplications as the layer itself (Kaplan et al. 2020, section 2.1).
"""

Writer = Callable[[Cell], str]


TIMES_APART = 2.0
"""What a clock measured decides nothing if two networks lie closer than by this factor."""


def training_cost(study: Study, dataset: str, names: Names) -> Table:
    """Return what training each network took, the quickest first.

    Columns of what was the same and as usual for all networks are left out.
    """
    cells = sorted(study.cells_of(dataset), key=lambda cell: cell.train_seconds)
    columns: dict[str, Writer] = {
        "Network": lambda cell: names[cell.model],
        "Training time": lambda cell: seconds(cell.train_seconds),
        "Processor time": lambda cell: seconds(mean([run.cpu_seconds for run in _runs(cell)])),
        "Images a second": lambda cell: thousands(images_a_second(cell)),
        "Training work, MACs": lambda cell: macs(training_macs(cell)),
        "Energy, estimate": energy_text,
        "Peak memory": _peak_memory,
        **_unusual(cells),
    }
    rows = [[write(cell) for write in columns.values()] for cell in cells]
    return Table(list(columns), rows, "l" + "r" * (len(columns) - 1))


def use_cost(study: Study, dataset: str, names: Names) -> Table:
    """Return what classifying images with each network takes, the quickest first."""
    rows = [
        [
            names[cell.model],
            thousands(cell.metrics.parameters),
            macs(cell.metrics.macs),
            latency_text(cell, 1),
            latency_text(cell, 128),
            percent(cell.metrics.accuracy),
        ]
        for cell in sorted(
            study.cells_of(dataset), key=lambda cell: cell.latency_ms(128) or math.inf
        )
    ]
    headers = [
        "Network",
        "Parameters",
        "MACs an image",
        "Latency, 1 image",
        "Latency, 128 images",
        "Test accuracy",
    ]
    return Table(headers, rows, "lrrrrr")


def cell_training_cost(cell: Cell) -> Table:
    """Return what training one network on one image set took."""
    runs = _runs(cell)
    rows = [
        ["Training time", seconds(cell.train_seconds)],
        ["Processor time, all cores", seconds(mean([run.cpu_seconds for run in runs]))],
        ["Time of an epoch", seconds(cell.train_seconds / cell.metrics.epochs)],
        ["Training images a second", thousands(images_a_second(cell))],
        ["Training work, MACs", macs(training_macs(cell))],
        ["Energy, estimate", energy_text(cell)],
        ["Peak memory", _peak_memory(cell)],
        *([name, write(cell)] for name, write in _unusual([cell]).items()),
        ["Processor", _each(md(run.processor) for run in runs)],
        ["Cores", _each(thousands(run.cores) for run in runs)],
    ]
    return Table(["Cost of a training", "Value"], rows, "ll")


def cell_use_cost(cell: Cell) -> Table:
    """Return what classifying images with one network takes."""
    rows = [
        ["MACs an image", macs(cell.metrics.macs)],
        ["Latency, 1 image", latency_text(cell, 1)],
        ["Latency, 128 images", latency_text(cell, 128)],
    ]
    full = cell.latency_ms(128)
    if full is not None:
        rows.append(["Images a second in batches of 128", thousands(1000 * 128 / full)])
    return Table(["Cost of using the network", "Value"], rows, "ll")


def images_a_second(cell: Cell) -> float:
    """Return how many training images a second went through the network, start-up included."""
    runs = _runs(cell)
    return mean([run.images_seen for run in runs]) / mean([run.train_seconds for run in runs])


def training_macs(cell: Cell) -> float:
    """Return the multiply-accumulates of one training, the mean over the seeds (see `PASSES`).

    Validation and, where they are used in training only, GoogLeNet's auxiliary heads are left out.
    """
    seen = mean([run.images_seen for run in _runs(cell)])
    return PASSES * cell.metrics.macs * seen


def latency_conditions(params: Params) -> str:
    """Say how latencies were measured: from what to what, and with how many threads."""
    return (
        f"Latency is the median time of {FEWEST_REPEATS} to {MOST_REPEATS} repeats, measured in "
        f"the process that trained the network, right after the training, with "
        f"{threads_text(params.threads)} where a processor does the work. It runs from the bytes "
        "of the images in memory over the scaling of their pixels to the probabilities in memory. "
        "Loading TensorFlow, the network "
        "and the images is left out, and so is the first batch, which is slower than all that "
        "follow. One that was taken while another training ran is longer than it is alone, by a "
        "factor that nobody measured; of several seeds the shortest stands here."
    )


def latency_text(cell: Cell, batch: int) -> str:
    """Write the latency of a batch, or the dash where it was not measured."""
    duration = cell.latency_ms(batch)
    return NONE if duration is None else milliseconds(duration)


def energy_text(cell: Cell) -> str:
    """Write the energy of one training, the mean over the seeds, or the dash where one lacks it."""
    known = [run.energy_kwh for run in _runs(cell) if run.energy_kwh is not None]
    return energy(mean(known)) if len(known) == len(cell.runs) else NONE


def energy_methods(cells: Sequence[Cell]) -> list[str]:
    """Return how the energies of cells were estimated, or why not, each way once."""
    return list(dict.fromkeys(md(run.energy_method) for cell in cells for run in _runs(cell)))


def _unusual(cells: Sequence[Cell]) -> dict[str, Writer]:
    """Return the facts that are not as usual for all of the cells, and how each is written."""
    return {
        name: write
        for name, (write, usual) in _MOSTLY_USUAL.items()
        if any(unmarked(write(cell)) != usual for cell in cells)
    }


_MOSTLY_USUAL: dict[str, tuple[Writer, str]] = {
    "Sittings": (lambda cell: _each(thousands(run.sittings) for run in _runs(cell)), "1"),
    "Precision": (lambda cell: _each(md(run.precision) for run in _runs(cell)), "float32"),
    "Devices": (lambda cell: _each(thousands(run.replicas) for run in _runs(cell)), "1"),
}
"""Facts worth a row or a column only where they are not what goes without saying."""


def _runs(cell: Cell) -> list[TrainingRecord]:
    return [run.training for run in cell.runs]


def _peak_memory(cell: Cell) -> str:
    # `max` returns one of them, which knows its own run.
    return mebibytes(max(run.peak_memory_mib for run in _runs(cell)))


def _each(texts: Iterable[str]) -> str:
    by_words = {unmarked(text): text for text in texts}
    return ", ".join(by_words[words] for words in sorted(by_words))
