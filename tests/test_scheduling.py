"""Which stage runs when, where several run at a time."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnreport.scheduling import Outcome, Schedule, longest_ways, shares, upstream_among

PIPELINE = {
    "prepare": [],
    "train@a": ["prepare"],
    "train@b": ["prepare"],
    "evaluate@a": ["train@a"],
    "evaluate@b": ["train@b"],
    "plot": ["evaluate@a", "evaluate@b"],
}


def through(schedule: Schedule, failing: Sequence[str] = ()) -> list[str]:
    """Run one stage at a time; return the order."""
    order = []
    while ready := schedule.ready():
        order.append(ready[0])
        schedule.started(ready[0])
        schedule.ended(ready[0], well=ready[0] not in failing)
    return order


def test_a_stage_waits_for_all_that_it_reads_from() -> None:
    schedule = Schedule(PIPELINE)
    assert schedule.ready() == ["prepare"]
    schedule.started("prepare")
    assert schedule.ready() == []
    schedule.ended("prepare", well=True)
    assert schedule.ready() == ["train@a", "train@b"]
    schedule.ended("train@b", well=True)
    assert schedule.ready() == ["train@a", "evaluate@b"]
    assert not schedule.well


def test_the_longest_way_goes_first() -> None:
    schedule = Schedule(PIPELINE, {"train@b": 100.0})
    schedule.ended("prepare", well=True)
    assert schedule.ready() == ["train@b", "train@a"]
    assert longest_ways(PIPELINE, {"train@b": 100.0})["prepare"] == 103.0


def test_nothing_that_needs_a_failed_stage_runs_and_everything_else_does() -> None:
    schedule = Schedule(PIPELINE)
    order = through(schedule, failing=["train@a"])
    assert set(order) == {"prepare", "train@a", "train@b", "evaluate@b"}
    barred = [name for name, out in schedule.outcomes.items() if out is Outcome.BARRED]
    assert barred == ["evaluate@a", "plot"]
    assert schedule.count(Outcome.FAILED) == 1
    assert not schedule.well


def test_stages_that_are_up_to_date_stand_between_without_being_run() -> None:
    graph = {"a": [], "b": ["a"], "c": ["b"], "d": ["a", "c"]}
    assert upstream_among(["a", "c", "d"], graph) == {"a": [], "c": ["a"], "d": ["a", "c"]}


@given(st.integers(1, 30), st.randoms(use_true_random=False))
def test_every_graph_is_run_through_in_an_order_that_fits(size: int, chance: random.Random) -> None:
    names = [f"s{number}" for number in range(size)]
    graph = {
        name: sorted(chance.sample(names[:number], chance.randint(0, min(number, 3))))
        for number, name in enumerate(names)
    }
    schedule = Schedule(graph, {name: chance.random() for name in names})
    order = through(schedule)
    assert sorted(order) == sorted(names)
    for name in names:
        assert all(order.index(before) < order.index(name) for before in graph[name])
    assert schedule.well


@pytest.mark.parametrize(
    ("devices", "workers", "each", "expected"),
    [
        ([], 2, None, [(), ()]),
        (["0", "1"], 2, None, [("0",), ("1",)]),
        (["0", "1", "2", "3"], 2, None, [("0", "1"), ("2", "3")]),
        (["0", "1", "2"], 2, None, [("0",), ("1",)]),
        (["0"], 3, None, [("0",), ("0",), ("0",)]),
        (["0", "1", "2", "3"], 3, 2, [("0", "1"), ("2", "3"), ("0", "1")]),
        (["0"], 1, 4, [("0",)]),
        (["0", "1"], 2, 0, [(), ()]),
    ],
)
def test_gpus_are_divided(
    devices: list[str], workers: int, each: int | None, expected: list[tuple[str, ...]]
) -> None:
    assert shares(devices, workers, each) == expected
