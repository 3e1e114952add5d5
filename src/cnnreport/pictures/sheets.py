"""Sheets of images: samples of the classes, images that networks miss, classes that they mix up."""

from collections.abc import Sequence

from cnnreport.figures.drawing import Drawing
from cnnreport.figures.mistakes import Mistake, most_frequent
from cnnreport.formats import all_of, in_words, listing, percent, plural, thousands
from cnnreport.misses import (
    GALLERY,
    Miss,
    chance_of_all,
    confused_images,
    missed_by_all,
    missed_by_one,
    share_of_all,
)
from cnnreport.pictures.raster import Image, Tile, labelled_rows, sheet_of
from cnnreport.prepared import Split
from cnnreport.study import Cell, Study

CLASSES, IMAGES = 10, 10
"""How many classes a sheet of samples shows and how many images of each."""

COLUMNS = 8
ALONE = 16
"""Images that one network alone misses are fewer, and so are those shown."""

SPOKEN = 12
"""So many images of a sheet are named to those who cannot see it; a table names all."""

ARROW = "\N{RIGHTWARDS ARROW}"
"""Stands between the class of an image and what it is taken for."""

PAIRS, EXAMPLES = 6, 8
"""How many pairs of classes are shown and how many images of each."""


def samples(study: Study, dataset: str, train: Split) -> Drawing:
    """Draw the first ten training images of each of the first ten classes, a row a class."""
    record = study.datasets[dataset]
    shown = record.class_names[:CLASSES]
    rows = [
        ((name,), list(train.images[train.labels == label][:IMAGES]))
        for label, name in enumerate(shown)
        if (train.labels == label).any()
    ]
    of = "" if len(shown) == len(record.class_names) else f" first {len(shown)} of the"
    return Drawing(
        f"{dataset}-samples",
        labelled_rows(rows, IMAGES),
        f"The first {IMAGES} training images of each of the{of} {len(record.class_names)} classes, "
        "pixel for pixel as the networks get them.",
        f"Training images of {record.title}, a row for each class: {listing(shown)}.",
    )


def missed_sheet(study: Study, dataset: str, test: Split) -> Drawing | None:
    """Draw the images that all networks miss; None where there are none."""
    misses = missed_by_all(study, dataset)
    if not misses:
        return None
    count, share = share_of_all(study, dataset)
    shown, images = misses[:GALLERY], thousands(len(test.labels))
    miss = "misses" if len(study.params.models) == 1 else "miss"
    return Drawing(
        f"{dataset}-missed-by-all",
        sheet_of(_tiles(shown, test), COLUMNS),
        f"{_all(study)} {miss} {thousands(count)} of {images} test images ({percent(share)}). "
        f"{_chance(study, dataset)}{_some(shown, misses)}Below each image its number and its "
        "class, then the answer given most often (of equals, one).",
        f"{plural(len(shown), 'test image')} of {study.datasets[dataset].title}: {_spoken(shown)}.",
    )


def alone_sheet(study: Study, cell: Cell, title: str, test: Split) -> Drawing | None:
    """Draw the images that one network alone misses; None where there are none."""
    misses = missed_by_one(study, cell)
    if not misses:
        return None
    shown = misses[:ALONE]
    share = len(misses) / len(test.labels)
    return Drawing(
        f"{cell.dataset}-{cell.model}-missed-alone",
        sheet_of(_tiles(shown, test), COLUMNS),
        f"{title} alone misses {plural(len(misses), 'test image')} of "
        f"{thousands(len(test.labels))} ({percent(share)}): every other network is right. "
        f"{_some(shown, misses)}Below each image its number and its class, then what the network "
        "takes it for.",
        f"{plural(len(shown), 'test image')} that {title} alone misses: {_spoken(shown)}.",
    )


def pair_sheet(study: Study, dataset: str, test: Split) -> Drawing | None:
    """Draw images of the classes that networks mix up most often; None where none is missed."""
    mistakes = most_frequent(study.cells_of(dataset), PAIRS)
    if not mistakes:
        return None
    rows = [(_label(each), _examples(study, dataset, each, test)) for each in mistakes]
    first = mistakes[0]
    return Drawing(
        f"{dataset}-mixed-up",
        labelled_rows(rows, EXAMPLES),
        f"The networks most often take {first.actual} for {first.predicted}: "
        f"{percent(first.mean)} of the test images of the class, the mean of the networks. In each "
        "row up to "
        f"{in_words(EXAMPLES)} such images, those that most networks mix up first.",
        "Test images in rows, one for each pair of classes: "
        f"{listing([f'{each.actual} taken for {each.predicted}' for each in mistakes])}.",
    )


def _examples(study: Study, dataset: str, mistake: Mistake, test: Split) -> list[Image]:
    numbers = confused_images(study, dataset, mistake.actual, mistake.predicted)
    return list(test.images[numbers[:EXAMPLES]])


def _label(mistake: Mistake) -> tuple[str, ...]:
    return mistake.actual, f"{ARROW} {mistake.predicted}", percent(mistake.mean)


def _tiles(misses: Sequence[Miss], test: Split) -> list[Tile]:
    return [
        Tile(test.images[miss.image], (f"({number}) {miss.actual}", f"{ARROW} {miss.usual}"))
        for number, miss in enumerate(misses, start=1)
    ]


def _some(shown: Sequence[Miss], misses: Sequence[Miss]) -> str:
    return "" if len(shown) == len(misses) else f"The {len(shown)} surest answers are shown. "


def _chance(study: Study, dataset: str) -> str:
    """Say how many images all would miss by chance; nothing of a network alone."""
    if len(study.params.models) == 1:
        return ""
    images = len(study.cells_of(dataset)[0].runs[0].predictions)
    expected = float(chance_of_all(study, dataset)) * images
    count = "fewer than one" if expected < 1 else f"about {thousands(expected)}"
    return f"Were their errors independent of each other, {count} would be. "


def _all(study: Study) -> str:
    count = len(study.params.models)
    seeds = " with every seed" if len(study.params.seeds) > 1 else ""
    if count == 1:
        return f"The only network{seeds}"
    return f"{all_of(count, capital=True)} networks{seeds}"


def _spoken(misses: Sequence[Miss]) -> str:
    words = [f"{miss.actual} taken for {miss.usual}" for miss in misses[:SPOKEN]]
    return listing(words) if len(misses) <= SPOKEN else f"{', '.join(words)} and others"
