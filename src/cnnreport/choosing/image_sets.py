"""Which image set of a study is like one's own, and how the order of networks changes with it."""

import itertools
import math
from collections.abc import Mapping

from cnnreport.errors import InputError
from cnnreport.evidence import derive
from cnnreport.formats import in_words, listing, md, plural, thousands
from cnnreport.records import DatasetRecord
from cnnreport.statistics import ALPHA, compare_all
from cnnreport.study import Study
from cnnreport.tables import Names


def closest(study: Study, images: float | None, classes: float | None = None) -> str:
    """Return the image set with about so many training images and classes.

    Each counts by its ratio: twice as many are as far as half as many.
    """

    def distance(record: DatasetRecord) -> float:
        pairs = ((images, record.train_images), (classes, len(record.class_names)))
        return sum(abs(math.log(own / other)) for own, other in pairs if own is not None)

    return min(study.datasets.values(), key=distance).name


def image_set(study: Study, name: str, images: float | None, classes: float | None) -> str:
    """Return the image set that a person named or that is closest to a number of images.

    Raises:
        InputError: the study lacks that image set, or has several and none is asked for.

    """
    known = ", ".join(study.datasets)
    if name and name not in study.datasets:
        raise InputError(f"{name}: not an image set of this study; it has {known}")
    if name or len(study.datasets) == 1:
        return name or next(iter(study.datasets))
    if images is None and classes is None:
        raise InputError(f"this study has several image sets ({known}); name one or your images")
    return closest(study, images, classes)


def basis(study: Study, dataset: str) -> str:
    """Say in one line which image set a choice is based on."""
    record = study.datasets[dataset]
    return (
        f"{dataset}: {thousands(record.train_images)} training images, "
        f"{len(record.class_names)} classes, {thousands(record.test_images)} test images"
    )


def order(study: Study) -> list[str]:
    """Return the image sets, the one with the fewest training images first."""
    return sorted(study.datasets, key=lambda name: study.datasets[name].train_images)


def swaps(study: Study, names: Names) -> list[str]:
    """Return a sentence for each two image sets: which pairs of networks change places."""
    return [
        _swaps_between(study, first, second, names)
        for first, second in itertools.combinations(order(study), 2)
    ]


def _swaps_between(study: Study, first: str, second: str, names: Names) -> str:
    one, other = _certain_orders(study, first), _certain_orders(study, second)
    both = [pair for pair in one if pair in other]
    turned = [_leading(pair, one) for pair in both if one[pair][0] != other[pair][0]]
    pairs = math.comb(len(study.params.models), 2)
    inputs = [p for orders in (one, other) for _, p in orders.values()]
    titles = [f"*{md(study.datasets[name].title)}*" for name in (first, second)]
    count = derive(len(both), f"pairs with an adjusted p-value below {ALPHA:g} on both", *inputs)
    told = (
        f"{' and '.join(titles)}: of {plural(pairs, 'pair', words=True)} of networks, "
        f"{in_words(count)} can be told apart on both"
    )
    if not both:
        return f"{told}, so nothing follows about their order."
    if not turned:
        return f"{told}, and none of these changes places."
    ahead = [f"{names[a]} is ahead of {names[b]}" for a, b in turned]
    return f"{told}. On {titles[0]} {listing(ahead)}; on {titles[1]} it is the other way round."


def _leading(
    pair: frozenset[str], orders: Mapping[frozenset[str], tuple[str, float]]
) -> tuple[str, str]:
    winner = orders[pair][0]
    return winner, next(model for model in pair if model != winner)


def _certain_orders(study: Study, dataset: str) -> dict[frozenset[str], tuple[str, float]]:
    """Return the pairs of networks that can be told apart, with the better one and the p-value."""
    return {
        frozenset((pair.model_a, pair.model_b)): (
            pair.model_a if pair.difference > 0 else pair.model_b,
            pair.p_value,
        )
        for pair in compare_all(study.ranked(dataset))
        if pair.p_value < ALPHA
    }
