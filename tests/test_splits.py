"""Order and division of images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnreport.prepared import Split
from cnnreport.splits import (
    canonical,
    canonical_order,
    images_to_train,
    part_size,
    stratified_split,
)

COUNTS = st.lists(st.integers(3, 40), min_size=2, max_size=6)
"""Images of each class, enough for three parts."""


def test_the_order_depends_on_the_pictures_alone():
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 256, (9, 4, 4, 3), np.uint8), np.arange(9))
    mixed = rng.permutation(9)
    again = canonical(Split(split.images[mixed], split.labels[mixed]))
    assert (again.images == canonical(split).images).all()
    assert (again.labels == split.labels[canonical_order(split)]).all()


@given(
    counts=st.lists(st.integers(2, 40), min_size=2, max_size=6),
    fraction=st.floats(0.01, 0.9),
    seed=st.integers(0, 99),
)
def test_every_class_is_on_both_sides(counts, fraction, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    rest, part = stratified_split(labels, fraction, seed)
    assert sorted([*rest, *part]) == list(range(len(labels)))
    for side in (rest, part):
        assert (np.diff(side) > 0).all()
        assert set(labels[side]) == set(range(len(counts)))
    again = stratified_split(labels, fraction, seed)
    assert (again[0] == rest).all()
    assert (again[1] == part).all()


def test_large_classes_are_divided_in_proportion():
    labels = np.repeat([0, 1, 2], [500, 300, 200])
    _, part = stratified_split(labels, 0.1, 0)
    assert np.bincount(labels[part]).tolist() == [50, 30, 20]


def test_a_single_image_cannot_be_divided():
    with pytest.raises(ValueError, match="wanted 2 images of each class, came 1"):
        stratified_split(np.array([0, 0, 0, 1]), 0.5, 0)
    with pytest.raises(ValueError, match="wanted 3 images of each class, came 2"):
        stratified_split(np.array([0, 0, 0, 1, 1]), 0.5, 0, least_in_rest=2)


@given(
    counts=COUNTS,
    test=st.floats(0.01, 0.95),
    held_out=st.floats(0.01, 0.95),
)
def test_three_images_are_enough_for_three_parts(counts, test, held_out):
    labels = np.repeat(np.arange(len(counts)), counts)
    rest, part = stratified_split(labels, test, 0, least_in_rest=2)
    train, validation = stratified_split(labels[rest], held_out, 0)
    for side in (part, rest[train], rest[validation]):
        assert set(labels[side]) == set(range(len(counts)))
    assert sorted([*part, *rest[train], *rest[validation]]) == list(range(len(labels)))


@given(
    counts=COUNTS,
    test=st.floats(0.01, 0.5),
    held_out=st.floats(0.01, 0.5),
)
def test_the_size_of_each_part_is_known_beforehand(counts, test, held_out):
    labels = np.repeat(np.arange(len(counts)), counts)
    rest, part = stratified_split(labels, test, 0, least_in_rest=2)
    train, _ = stratified_split(labels[rest], held_out, 0)
    # A class of a few images may get one more than is its due, or one less.
    few = len(counts)
    assert abs(len(part) - part_size(len(labels), few, test, 2)) <= few
    assert abs(len(train) - images_to_train(len(labels), few, held_out, test)) <= 2 * few
    if len(set(counts)) == 1:
        assert len(part) == part_size(len(labels), few, test, 2)


@pytest.mark.parametrize(
    ("fraction", "size"), [(0.001, 3), (0.1, 9), (0.105, 10), (0.95, 84), (0.999, 84)]
)
def test_a_part_is_rounded_up_and_leaves_each_class_an_image(fraction, size):
    labels = np.repeat([0, 1, 2], 30)
    assert part_size(90, 3, fraction, 2) == size
    assert len(stratified_split(labels, fraction, 0, 2)[1]) == size
