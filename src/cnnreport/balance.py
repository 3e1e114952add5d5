"""How unequal the classes of an image set are, and what an accuracy is to be read against."""

from cnnreport.evidence import derive
from cnnreport.records import DatasetRecord

UNEQUAL = 1.5
"""From this ratio of the largest to the smallest class on, the report speaks of unequal classes.

Below it, as with the digits, answering the most frequent class brings little more than guessing.
"""


def class_totals(record: DatasetRecord) -> dict[str, int]:
    """Return the images of each class over all splits; empty where they were not counted."""
    if not record.class_counts:
        return {}
    columns = zip(*record.class_counts.values(), strict=True)
    return {name: sum(counts) for name, counts in zip(record.class_names, columns, strict=True)}


def is_unequal(record: DatasetRecord) -> bool:
    """Say whether some class has far more images than another."""
    totals = class_totals(record).values()
    return bool(totals) and max(totals) >= UNEQUAL * min(totals)


def most_frequent(record: DatasetRecord) -> str:
    """Return the class that has the most training images, the first of several."""
    counts = record.class_counts["train"]
    return record.class_names[counts.index(max(counts))]


def chance(record: DatasetRecord) -> float:
    """Return the test accuracy of an answer that does not look at the image.

    Where classes are about equal it is one of their number; else that of always answering the class
    with the most training images.
    """
    if not is_unequal(record):
        return 1 / len(record.class_names)
    place = record.class_names.index(most_frequent(record))
    counts = record.class_counts["test"]
    return derive(
        counts[place] / sum(counts),
        "the share of test images of the most frequent class",
        counts[place],
        *counts,
    )
