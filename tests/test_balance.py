"""Unequal classes: when they are called so, and what accuracies are read against."""

from dataclasses import replace

import pytest
from conftest import make_dataset

from cnnreport.balance import chance, class_totals, is_unequal, most_frequent


def record(train, test):
    counts = {"train": train, "validation": [1, 1, 1], "test": test}
    return replace(make_dataset(), class_counts=counts)


def test_about_equal_classes():
    equal = record([100, 120, 100], [10, 11, 10])
    assert not is_unequal(equal)
    assert chance(equal) == pytest.approx(11 / 31)


@pytest.mark.parametrize(
    ("train", "test", "told", "blind"),
    [
        ([100, 100, 100], [10, 90, 10], True, 90 / 110),
        ([100, 10, 100], [10, 10, 10], True, 1 / 3),
        ([100, 10, 10], [10, 100, 10], True, 100 / 120),
        ([149, 100, 100], [14, 10, 10], False, 14 / 34),
    ],
)
def test_what_is_learnt_and_what_is_tested_may_be_unequal(train, test, told, blind):
    assert is_unequal(record(train, test)) == told
    assert chance(record(train, test)) == pytest.approx(blind)


def test_unequal_classes_are_read_against_the_most_frequent_one():
    unequal = record([100, 30, 50], [20, 5, 15])
    assert class_totals(unequal) == {"dark": 121, "grey": 36, "bright": 66}
    assert is_unequal(unequal)
    assert most_frequent(unequal) == "dark"
    assert chance(unequal) == 0.5


def test_what_was_not_counted_is_not_called_unequal():
    assert not is_unequal(make_dataset())
    assert chance(make_dataset()) == pytest.approx(1 / 3)
