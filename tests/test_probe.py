"""The probe for large networks: its law, how accuracy hangs on loss, its page; nothing trains."""

import math
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import probe
import search
from probe import Law, Point, Relation, accuracy_after, epochs_until, power_law
from search import Try

from cnnreport.errors import InputError
from cnnreport.params import load_params
from cnnreport.records import Epoch, save_text, to_csv

ROOT = Path(__file__).parents[1]
WHOLE = 45_000


def points(law: Law, seen: tuple[int, ...] = (9_000, 18_000, 45_000)) -> list[Point]:
    """Points on a law, with accuracies that go with the losses."""
    return [Point(each, law.loss(each), math.exp(-law.loss(each))) for each in seen]


@given(st.floats(0.5, 50), st.floats(0.05, 0.5), st.integers(1, 200))
def test_a_law_is_found_again_and_read_both_ways(
    scale: float, exponent: float, epochs: int
) -> None:
    law = Law(scale, exponent)
    found = power_law(points(law))
    assert (found.scale, found.exponent) == pytest.approx((scale, exponent), rel=1e-6)
    span = epochs_until(points(law), law.loss(epochs * WHOLE), WHOLE)
    assert (span.best, span.low, span.high) == pytest.approx((epochs,) * 3, rel=1e-5)


def test_points_off_the_law_widen_the_span() -> None:
    early, middle, last = points(Law(10.0, 0.2))
    bent = [early, replace(middle, loss=middle.loss * 1.05), last]
    span = epochs_until(bent, 0.8, WHOLE)
    straight = epochs_until([early, middle, last], 0.8, WHOLE).best
    # A higher loss in the middle makes the last stretch steeper.
    assert span.low < straight
    assert span.low < span.best <= span.high


def test_a_loss_that_was_passed_takes_one_epoch_and_one_that_rises_none() -> None:
    law = Law(10.0, 0.2)
    assert epochs_until(points(law), 5.0, WHOLE).best == 1
    rising = epochs_until(points(Law(1.0, -0.1)), 0.5, WHOLE)
    assert rising.best == rising.high == math.inf


def test_a_law_needs_two_points() -> None:
    with pytest.raises(ValueError, match="wanted two points or more, came 1"):
        power_law(points(Law(1.0, 0.1))[:1])


NOISY = [Point(0, 2.0, 0.3), Point(0, 1.5, 0.5), Point(0, 1.6, 0.52), Point(0, 1.0, 0.7)]


def test_a_relation_falls_and_goes_through_its_ends() -> None:
    relation = Relation(NOISY)
    losses = [0.2, 0.5, 1.0, 1.3, 1.55, 1.7, 2.0, 3.0]
    accuracies = [relation.accuracy(loss) for loss in losses]
    assert all(first >= second for first, second in pairwise(accuracies))
    assert relation.accuracy(1.0) == pytest.approx(0.7)
    assert relation.accuracy(1.55) == pytest.approx(0.51)
    # Half the loss of the best point, half its error; beyond the worst one nothing is claimed.
    assert relation.accuracy(0.5) == pytest.approx(0.85)
    assert relation.accuracy(3.0) == pytest.approx(0.3)


@given(st.floats(0.301, 0.99))
def test_a_relation_is_read_both_ways(accuracy: float) -> None:
    relation = Relation(NOISY)
    assert relation.accuracy(relation.loss(accuracy)) == pytest.approx(accuracy)


def test_what_follows_from_law_and_relation() -> None:
    law = Law(10.0, 0.2)
    relation = Relation(points(law, (9_000, 45_000, 450_000, 900_000)))
    after = accuracy_after(points(law), 10, WHOLE, relation)
    assert after.best == pytest.approx(math.exp(-law.loss(450_000)), rel=1e-6)


def tries(dataset: str, model: str, law: Law) -> list[Try]:
    return [
        Try(
            dataset,
            model,
            images,
            epochs,
            0,
            validation_loss=f"{point.loss:.4f}",
            validation_accuracy=f"{point.accuracy:.4f}",
            seconds="1440",
        )
        for (images, epochs), point in zip(
            [(4_500, 2), (4_500, 4), (WHOLE, 1)], points(law), strict=True
        )
    ]


def test_the_page_predicts_and_says_what_predictions_were_worth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    law = Law(20.0, 0.3)
    rows = [*tries("cifar10", "lenet", law), *tries("cifar10", "googlenet", law)]
    rows += tries("cifar100", "vgg16", law)
    history = [
        Epoch(n, 1.0, 0.5, law.loss(n * WHOLE), math.exp(-law.loss(n * WHOLE)))
        for n in range(1, 41)
    ]
    for model in ("lenet", "alexnet"):
        at = tmp_path / f"results/cifar10/{model}/history/s0.csv"
        save_text(at, to_csv(history))
    monkeypatch.setattr(probe, "TRAINED", tmp_path)
    lines = probe.page(rows).splitlines()
    predicted = next(line for line in lines if line.startswith("| cifar10 | GoogLeNet | 76.1 %"))
    cells = [cell.strip() for cell in predicted.strip("|").split("|")]
    # The original's 76.13 % go with a loss of -ln(0.7613), and an epoch takes 0.4 h of a core.
    wanted = law.seen(-math.log(0.7613)) / WHOLE
    assert float(cells[3]) == pytest.approx(-math.log(0.7613), abs=0.01)
    assert int(cells[4].split()[0].replace(",", "")) == pytest.approx(wanted, rel=0.05)
    assert float(cells[5].split()[0].replace(",", "")) == pytest.approx(wanted * 0.2, rel=0.05)
    checked = next(line for line in lines if line.startswith("| cifar10 | LeNet | 40 |"))
    # On the law, the prediction is what came.
    assert abs(float(checked.strip("|").split("|")[-1])) < 0.3
    assert any(line.startswith("| cifar100 | VGGNet-16 | lost |") for line in lines)


def test_a_try_that_is_in_the_table_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load_params(ROOT / "params.yaml").recipes["modern"]["lenet"].on("cifar10")
    table = tmp_path / "tries.csv"
    row = Try("cifar10", "lenet", 10, 2, 0)
    made = replace(row, settings=search._settings(recipe), validation_accuracy="0.5")
    search._append(made, table)
    monkeypatch.setattr(search, "load_record", Mock())
    monkeypatch.setattr(search, "load_split", Mock())
    monkeypatch.setattr(search, "_first", Mock(return_value=Mock(labels=[0] * row.images)))
    search.once(recipe, row, tmp_path, table)
    assert search.load(table) == [made]


def test_without_tries_there_is_one_line_and_diverged_ones_do_not_count() -> None:
    law = Law(20.0, 0.3)
    diverged = [replace(row, validation_accuracy="") for row in tries("cifar10", "vgg16", law)]
    for rows in ([], diverged):
        with pytest.raises(InputError, match="wanted two tries of a network, came none"):
            probe.page(rows)
    assert (
        "VGGNet-16" not in probe.page([*tries("cifar10", "lenet", law), *diverged]).split("##")[4]
    )
