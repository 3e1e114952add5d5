"""Tables of how well single classes are recognised and what they are taken for."""

from collections.abc import Sequence
from statistics import fmean

from cnnreport.evidence import derive, unmarked
from cnnreport.formats import decimal, md, percent
from cnnreport.statistics import (
    best_classes,
    class_interval,
    confusion_interval,
    most_confused_pairs,
    worst_classes,
)
from cnnreport.study import Cell, Study
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import INTERVAL, Names, interval_text


def class_accuracy(study: Study, dataset: str, names: Names) -> Table:
    """Return class x network; the highest accuracy of a class is bold."""
    cells = study.cells_of(dataset)
    rows = [
        [md(name), *_bold_highest([cell.metrics.class_accuracy[name] for cell in cells])]
        for name in study.datasets[dataset].class_names
    ]
    headers = ["Class", *(names[cell.model] for cell in cells)]
    return Table(headers, rows, "l" + "r" * len(cells))


def _bold_highest(fractions: Sequence[float]) -> list[str]:
    texts = [percent(fraction) for fraction in fractions]
    # Equal texts may come from different places, so their marks may differ.
    highest = unmarked(percent(max(fractions)))
    return [f"**{text}**" if unmarked(text) == highest else text for text in texts]


def cell_classes(cell: Cell) -> Table:
    """Return the accuracy of one network in every class with its interval."""
    rows = [
        [md(name), percent(accuracy), interval_text(class_interval(cell, name))]
        for name, accuracy in cell.metrics.class_accuracy.items()
    ]
    return Table(["Class", "Accuracy", INTERVAL], rows, "lrr")


def extreme_classes(study: Study, dataset: str, names: Names, n: int = 3) -> Table:
    """Return the n best and the n worst classes of every network, at most half of all as either."""
    n = min(n, max(1, len(study.datasets[dataset].class_names) // 2))
    rows = [
        [names[cell.model], _classes(best_classes(cell, n)), _classes(worst_classes(cell, n))]
        for cell in study.cells_of(dataset)
    ]
    return Table(["Network", "Best classes", "Worst classes"], rows, "lll")


def _classes(classes: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{md(name)} ({percent(accuracy)})" for name, accuracy in classes)


def top_classes(study: Study, dataset: str, names: Names, n: int = 5) -> Table:
    """Return the n classes that the networks recognise best on average, and each one's accuracy.

    With one network its accuracy is the mean, and stands there once.
    """
    cells = study.cells_of(dataset)
    means = {
        name: _mean([cell.metrics.class_accuracy[name] for cell in cells], name)
        for name in study.datasets[dataset].class_names
    }
    best = sorted(means, key=lambda name: -means[name])[:n]
    if len(cells) == 1:
        rows = [[md(name), percent(cells[0].metrics.class_accuracy[name])] for name in best]
        return Table(["Class", names[cells[0].model]], rows, "lr")
    rows = [
        [
            md(name),
            percent(means[name]),
            *(percent(cell.metrics.class_accuracy[name]) for cell in cells),
        ]
        for name in best
    ]
    headers = ["Class", "Mean of the networks", *(names[cell.model] for cell in cells)]
    return Table(headers, rows, "lr" + "r" * len(cells))


def _mean(accuracies: Sequence[float], name: str) -> float:
    return derive(
        fmean(accuracies), f"mean of the networks' accuracies in class {name}", *accuracies
    )


def confusions(cell: Cell, n: int = 5) -> Table:
    """Return the n most frequent confusions of a network."""
    rows = [
        [
            md(pair.actual),
            md(pair.predicted),
            decimal(pair.images, 0 if len(cell.runs) == 1 else 1),
            percent(pair.share),
            interval_text(confusion_interval(cell, pair)),
        ]
        for pair in most_confused_pairs(cell, n)
    ]
    images = "Test images" if len(cell.runs) == 1 else "Test images, mean of the seeds"
    headers = ["Actual class", "Taken for", images, "Share of the actual class", INTERVAL]
    return Table(headers, rows, "llrrr")
