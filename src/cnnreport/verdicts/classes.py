"""Say how classes fare, and what accuracies are to be read against."""

from collections.abc import Mapping, Sequence

from cnnreport.alike import trained_alike
from cnnreport.balance import chance, class_totals, is_unequal, most_frequent
from cnnreport.evidence import derive, mean
from cnnreport.formats import listing, md, named_or_counted, percent, points, thousands
from cnnreport.networks import NETWORKS
from cnnreport.statistics import (
    ANSWERS,
    accuracy_interval,
    class_by_seed,
    class_interval,
    highest,
    lowest,
    predictions_evidence,
    side_of,
)
from cnnreport.study import Cell, Study
from cnnreport.tables import INTERVAL, SHOWN_APART, Names


def balance(study: Study, dataset: str, names: Names) -> str:
    """Say what accuracies are to be read against where classes are unequal; else nothing."""
    record = study.datasets[dataset]
    if not is_unequal(record):
        return ""
    totals, often = class_totals(record), most_frequent(record)
    largest, smallest = max(totals, key=totals.__getitem__), min(totals, key=totals.__getitem__)
    level = chance(record)
    cells = study.ranked(dataset)
    figures = [f"{names[cell.model]} {percent(balanced(cell))}" for cell in cells]
    return " ".join(
        [
            f"The classes are unequal: {md(largest)} has {thousands(totals[largest])} images, "
            f"{md(smallest)} {thousands(totals[smallest])}. Answering {md(often)}, whatever the "
            f"image shows, would be right on {percent(level)} of the test images"
            f"{_beside_chance(cells, level, names)}.",
            "Balanced accuracy, the mean of the accuracies of the classes, counts each class the "
            f"same: {listing(figures)}.",
            *_smaller_classes(cells, names),
        ]
    )


def _beside_chance(cells: Sequence[Cell], level: float, names: Names) -> str:
    """Name the networks that are no better than one answer for all images, if there are any."""
    near, below = (
        [names[cell.model] for cell in cells if side_of(accuracy_interval(cell), level) == side]
        for side in ("level", "below")
    )
    parts = [f"{listing(near)} cannot be told apart from that"] if near else []
    parts += [f"{listing(below)} did worse"] if below else []
    return "".join(f"; {part}" for part in parts)


def _smaller_classes(cells: Sequence[Cell], names: Names) -> list[str]:
    """Say for which networks balanced accuracy lies below the accuracy, and what that means."""
    below = [
        names[cell.model] for cell in cells if cell.metrics.accuracy - balanced(cell) >= SHOWN_APART
    ]
    if not below:
        return []
    who = "every network" if len(below) == len(cells) > 1 else listing(below)
    return [
        f"It lies below the accuracy for {who}: on average the classes with fewer test images were "
        "recognised less often."
    ]


def balanced(cell: Cell) -> float:
    """Return the mean of the accuracies of the classes."""
    kept = cell.metrics.balanced_accuracy
    return mean(list(cell.metrics.class_accuracy.values())) if kept is None else kept


def extreme_classes(study: Study, dataset: str) -> str:
    """Say of which class the networks recognise most images and of which fewest, on average."""
    cells = study.cells_of(dataset)
    means = {
        name: mean([cell.metrics.class_accuracy[name] for cell in cells])
        for name in study.datasets[dataset].class_names
    }
    best, worst = highest(means), lowest(means)
    opening = "Averaged over the networks, the" if len(cells) > 1 else "The"
    return (
        f"{opening} test images recognised most often are those of {_shown(best, means)}, "
        f"least often those of {_shown(worst, means)}. How often a class is named wrongly is "
        "another question."
    )


def _shown(classes: Sequence[str], means: Mapping[str, float]) -> str:
    """Write classes that are recognised equally often, and how often."""
    names = named_or_counted([md(name) for name in classes], len(means))
    each = "" if len(classes) == 1 else " each"
    return f"{names} ({percent(means[classes[0]])}{each})"


def class_certainty(study: Study, dataset: str, others: Sequence[Study] = ()) -> str:
    """Say how wide the interval of a class's accuracy gets, and how far seeds move a class.

    With one seed that is known where another study trained a network the same way with several.
    """
    intervals = [
        class_interval(cell, name)
        for cell in study.cells_of(dataset)
        for name in study.datasets[dataset].class_names
    ]
    widest = max(interval.high - interval.low for interval in intervals)
    told = [
        f"The {INTERVAL} of a single class's accuracy is up to {points(widest, 0, signed=False)} "
        "wide, from the choice of test images alone, so classes that lie close together need not "
        "differ."
    ]
    if len(study.params.seeds) > 1:
        most, name, _ = _moved_most(study.cells_of(dataset), study.datasets[dataset].class_names)
        told.append(
            "That leaves out the seeds: between two trainings of the same network a class moved by "
            f"up to {points(most, signed=False)} ({md(name)})."
        )
    else:
        told += _moved_elsewhere(study, dataset, others)
    return " ".join(told)


def _moved_elsewhere(study: Study, dataset: str, others: Sequence[Study]) -> list[str]:
    """Say how far seeds of other studies, that trained a network the same way, move a class."""
    told = []
    for other in others:
        cells = [
            each.cell
            for cell in study.cells_of(dataset)
            for each in trained_alike(study, cell, [other])
            if len(each.cell.runs) > 1
        ]
        if cells and other.manifest:
            most, name, cell = _moved_most(cells, study.datasets[dataset].class_names)
            told.append(
                f"That leaves out the seeds: in *{md(other.manifest.title)}* a class moved by up "
                f"to {points(most, signed=False)} ({md(name)}) between two trainings of "
                f"{md(NETWORKS.get(cell.model, cell.model))}."
            )
    return told


def _moved_most(cells: Sequence[Cell], class_names: Sequence[str]) -> tuple[float, str, Cell]:
    """Return how far seeds lie apart at most in a class, which one that is and of which cell."""
    apart = [
        (float(max(shares) - min(shares)), name, cell)
        for cell in cells
        for name, shares in zip(class_names, class_by_seed(cell).T, strict=True)
    ]
    most, name, cell = max(apart, key=lambda each: each[0])
    evidence = predictions_evidence(cell, ANSWERS)
    return derive(most, f"range of the accuracy of {name} over the seeds", *evidence), name, cell
