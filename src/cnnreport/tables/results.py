"""What came out of the trainings of one cell: epochs, test figures and seeds."""

from collections.abc import Sequence

from cnnreport.formats import decimal, mebibytes, percent, seconds
from cnnreport.records import Epoch
from cnnreport.study import Cell
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import accuracy_text

SHOWN_APART = 0.0005
"""With classes of one size the balanced accuracy is the accuracy, and not shown a second time."""


def test_results(cell: Cell) -> Table:
    """Return loss and accuracy of a cell on its test images."""
    metrics = cell.metrics
    rows = [
        ["Test loss (cross-entropy)", decimal(metrics.loss, 4)],
        ["Test accuracy", accuracy_text(cell)],
        *_top5(cell),
        ["Training accuracy, last epoch", percent(metrics.train_accuracy)],
        ["Validation accuracy, last epoch", percent(metrics.validation_accuracy)],
    ]
    balanced = metrics.balanced_accuracy
    if balanced is not None and abs(balanced - metrics.accuracy) >= SHOWN_APART:
        rows.insert(2, ["Balanced test accuracy", percent(balanced)])
    return Table(["Figure", "Value"], rows, "lr")


def _top5(cell: Cell) -> list[list[str]]:
    known = cell.metrics.top5_accuracy
    return [] if known is None else [["Top-5 test accuracy", percent(known)]]


def seeds_table(cell: Cell) -> Table:
    """Return the test accuracy, the last epoch and the cost of each training of a cell."""
    rows = [
        [
            str(run.seed),
            percent(cell.metrics.accuracy_by_seed[str(run.seed)]),
            percent(run.history[-1].train_accuracy),
            percent(run.history[-1].validation_accuracy),
            seconds(run.training.train_seconds),
            mebibytes(run.training.peak_memory_mib),
        ]
        for run in cell.runs
    ]
    headers = ["Seed", "Test", "Training", "Validation", "Training time", "Peak memory"]
    return Table(headers, rows, "rrrrrr")


def training_output(history: Sequence[Epoch]) -> str:
    """Return the figures of every epoch as aligned lines of plain text."""
    width = len(str(len(history)))
    return "\n".join(
        f"epoch {row.epoch:>{width}}/{len(history)}  "
        f"loss {row.train_loss:.4f}  accuracy {row.train_accuracy:.4f}  "
        f"validation loss {row.validation_loss:.4f}  "
        f"validation accuracy {row.validation_accuracy:.4f}"
        for row in history
    )
