"""Tables of what the trainings took in time, processor and memory."""

from statistics import fmean

from cnnreport.formats import macs, md, mebibytes, percent, seconds, thousands
from cnnreport.study import Cell, Study
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import Names


def cost(study: Study, dataset: str, names: Names) -> Table:
    """Return what training each network took, means over the seeds, the quickest first."""
    rows = [
        [
            names[cell.model],
            thousands(cell.metrics.parameters),
            macs(cell.metrics.macs),
            seconds(cell.train_seconds),
            seconds(fmean(run.training.cpu_seconds for run in cell.runs)),
            thousands(images_a_second(cell)),
            mebibytes(max(run.training.peak_memory_mib for run in cell.runs)),
            percent(cell.metrics.accuracy),
        ]
        for cell in sorted(study.cells_of(dataset), key=lambda cell: cell.train_seconds)
    ]
    headers = [
        "Network",
        "Parameters",
        "MACs an image",
        "Training time",
        "Processor time",
        "Images a second",
        "Peak memory",
        "Test accuracy",
    ]
    return Table(headers, rows, "lrrrrrrr")


def cell_cost(cell: Cell) -> Table:
    """Return what training one network on one image set took."""
    runs = [run.training for run in cell.runs]
    rows = [
        ["Training time", seconds(cell.train_seconds)],
        ["Processor time, all cores", seconds(fmean(run.cpu_seconds for run in runs))],
        ["Time of an epoch", seconds(cell.train_seconds / cell.metrics.epochs)],
        ["Training images a second", thousands(images_a_second(cell))],
        ["Peak memory", mebibytes(max(run.peak_memory_mib for run in runs))],
        ["Processor", "; ".join(sorted({md(run.processor) for run in runs}))],
        ["Cores", ", ".join(sorted({thousands(run.cores) for run in runs}))],
    ]
    return Table(["Cost", "Value"], rows, "ll")


def images_a_second(cell: Cell) -> float:
    """Return how many training images a second went through the network, start-up included."""
    return sum(run.training.images_seen for run in cell.runs) / sum(
        run.training.train_seconds for run in cell.runs
    )
