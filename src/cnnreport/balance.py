"""How unequal the classes of an image set are, and what an accuracy is to be read against."""

from cnnreport.evidence import derive
from cnnreport.records import DatasetRecord

UNEQUAL = 1.5
"""From this ratio of the largest to the smallest class on, the report speaks of unequal classes."""


def class_totals(record: DatasetRecord) -> dict[str, int]:
    """Return the images of each class over all splits; empty where they were not counted."""
    if not record.class_counts:
        return {}
    columns = zip(*record.class_counts.values(), strict=True)
    return {name: sum(counts) for name, counts in zip(record.class_names, columns, strict=True)}


def is_unequal(record: DatasetRecord) -> bool:
    """Say whether some class has far more images than another, to learn from or to test on."""
    return any(
        max(counts) >= UNEQUAL * min(counts)
        for split, counts in record.class_counts.items()
        if split != "validation"
    )


def most_frequent(record: DatasetRecord) -> str:
    """Return the class that has the most test images, the first of several."""
    counts = record.class_counts["test"]
    return record.class_names[counts.index(max(counts))]


def chance(record: DatasetRecord) -> float:
    """Return the highest test accuracy of an answer that does not look at the image.

    That is the share of the class with the most test images. Where classes were not counted they
    are as many each, which is so in all kept studies of that time.
    """
    if not record.class_counts:
        return 1 / len(record.class_names)
    counts = record.class_counts["test"]
    return derive(
        max(counts) / sum(counts), "the share of test images of the most frequent class", *counts
    )
