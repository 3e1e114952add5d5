"""The probe for large networks: its law, how accuracy hangs on loss, its page; nothing trains."""

import json
import math
import shutil
import sys
from collections.abc import Sequence
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
from probe import (
    Law,
    Point,
    Probe,
    Relation,
    accuracy_after,
    epochs_until,
    laws,
    once_each,
    power_law,
)
from search import Try

from cnnreport.errors import InputError, TrainingError
from cnnreport.networks import NETWORKS
from cnnreport.params import load_params
from cnnreport.records import Epoch, save_text, to_csv

DASH = "\N{EN DASH}"
ROOT = Path(__file__).parents[1]
WHOLE = 45_000
VALIDATION = 5_000


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


def test_a_law_needs_two_numbers_of_images_seen() -> None:
    first = points(Law(1.0, 0.1))[0]
    for found in ([first], [first, replace(first, loss=0.9)]):
        with pytest.raises(ValueError, match=r"wanted points at two numbers .* or more, came 1"):
            power_law(found)


def test_points_of_as_many_images_seen_count_as_one() -> None:
    early, _, last = points(Law(10.0, 0.2))
    twice = [replace(last, loss=last.loss + by, accuracy=last.accuracy + by) for by in (-0.1, 0.1)]
    found = once_each([*twice, early])
    assert [point.seen for point in found] == [early.seen, last.seen]
    assert (found[1].loss, found[1].accuracy) == pytest.approx((last.loss, last.accuracy))
    assert len(laws([early, *twice])) == 2
    span = epochs_until([early, *twice], 0.9, WHOLE)
    assert span.low == span.high == pytest.approx(epochs_until([early, last], 0.9, WHOLE).best)


def test_a_law_that_hardly_falls_needs_more_images_than_there_are_numbers() -> None:
    assert Law(3.0, 1e-4).seen(1.0) == math.inf


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


SCHEDULES = ((4_500, 2), (4_500, 4), (WHOLE, 1))
PARAMS = load_params(ROOT / "params.yaml")


def tries(
    dataset: str,
    model: str,
    law: Law,
    schedules: Sequence[tuple[int, int]] = SCHEDULES,
    seconds: int = 1440,
) -> list[Probe]:
    """Tries with the settings of today, on a law; an epoch of all images takes so many seconds.

    Each has half a minute of start-up, and a validation image takes a third of a training image.
    """
    seen = tuple(images * epochs for images, epochs in schedules)
    return [
        Probe(
            dataset,
            model,
            images,
            epochs,
            0,
            settings=search.settings_of(PARAMS.recipes["modern"][model].on(dataset)),
            validation_loss=f"{point.loss:.4f}",
            validation_accuracy=f"{point.accuracy:.4f}",
            seconds="9999",
            processor_seconds=f"{_processor(images, epochs, seconds):.3f}",
            threads=1,
        )
        for (images, epochs), point in zip(schedules, points(law, seen), strict=True)
    ]


def _processor(images: int, epochs: int, seconds: float) -> float:
    return 30 + seconds * epochs * (images + VALIDATION / 3) / (WHOLE + VALIDATION / 3)


def history(law: Law, epochs: int = 40, better: float = 0.0) -> list[Epoch]:
    losses = [law.loss(n * WHOLE) for n in range(1, epochs + 1)]
    return [
        Epoch(n, 1.0, 0.5, loss - better, math.exp(-loss) + better)
        for n, loss in enumerate(losses, 1)
    ]


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A frozen study with the settings of today and without a result; no steps were measured."""
    save_text(tmp_path / "none.json", '{"machine": {"cores in use": "2"}, "networks": {}}')
    monkeypatch.setattr(probe, "THROUGHPUT", tmp_path / "none.json")
    folder = tmp_path / "trained"
    save_text(folder / "params.yaml", (ROOT / "params.yaml").read_text(encoding="utf-8"))
    monkeypatch.setattr(probe, "STUDIES", tmp_path)
    monkeypatch.setattr(probe, "TRAINED", ("trained",))
    return folder


def cells_of(page: str, start: str) -> list[str]:
    line = next(line for line in page.splitlines() if line.startswith(start))
    return [cell.strip() for cell in line.strip("|").split("|")]


def in_hours(page: str, start: str) -> list[str]:
    """The row of the table on the hours that the predicted epochs take."""
    return cells_of(page.split("In hours:")[1], start)


def of_laptop(page: str, start: str) -> list[str]:
    """The row of the table on the epochs that the profile laptop sets."""
    return cells_of(page.split("the profile `laptop` sets:")[1], start)


LAW = Law(20.0, 0.3)


def test_the_page_predicts_and_says_what_predictions_were_worth(trained: Path) -> None:
    rows = [*tries("cifar10", "lenet", LAW), *tries("cifar10", "googlenet", LAW)]
    rows += tries("cifar100", "vgg16", LAW)
    for model in ("lenet", "alexnet"):
        at = trained / f"results/cifar10/{model}/history/s0.csv"
        save_text(at, to_csv(history(LAW)))
    page = probe.page(rows)
    cells = cells_of(page, "| cifar10 | GoogLeNet | 76.1 %")
    # The original's 76.13 % go with a loss of -ln(0.7613), and an epoch takes 0.4 h of a core.
    wanted = LAW.seen(-math.log(0.7613)) / WHOLE
    assert float(cells[3]) == pytest.approx(-math.log(0.7613), abs=0.01)
    assert int(cells[4].split()[0].replace(",", "")) == pytest.approx(wanted, rel=0.05)
    hours = in_hours(page, "| cifar10 | GoogLeNet |")
    assert float(hours[2].split()[0].replace(",", "")) == pytest.approx(wanted * 0.4, rel=0.05)
    assert float(hours[3].split()[0].replace(",", "")) == pytest.approx(wanted * 0.2, rel=0.05)
    # Those of LeNet came as predicted.
    low, high = (float(number) for number in cells[5].split(" to "))
    assert low == pytest.approx(wanted, rel=0.05)
    assert high == pytest.approx(wanted, rel=0.05)
    assert float(hours[4].split(" to ")[0]) == pytest.approx(wanted * 0.4, rel=0.05)
    laptop = PARAMS.profiles["laptop"]["googlenet"].epochs_on("cifar10")
    set_by_profile = of_laptop(page, "| cifar10 | GoogLeNet |")
    assert int(set_by_profile[2]) == laptop
    assert float(set_by_profile[3]) == pytest.approx(laptop * 0.4, abs=0.05)
    checked = cells_of(page, "| cifar10 | LeNet | [trained](../studies/trained/index.md) | 40 |")
    # On the law, the prediction is what came.
    assert abs(float(checked[-2])) < 0.3
    assert int(checked[-1].split()[0]) == pytest.approx(40, rel=0.05)
    lost = cells_of(page, "| cifar100 | VGGNet-16 |")
    assert lost[2:] == ["the original's figure is lost", *3 * [DASH]]
    assert of_laptop(page, "| cifar100 | VGGNet-16 |")[-1].endswith(")")
    assert "1 thread, which is to say on one core" in page


def test_epochs_are_corrected_by_what_other_networks_took_on_the_same_set(trained: Path) -> None:
    rows = [*tries("cifar10", "lenet", LAW), *tries("cifar10", "alexnet", LAW)]
    rows += [*tries("cifar10", "resnet50", LAW), *tries("cifar100", "resnet50", LAW)]
    # LeNet came in half of the epochs to what was predicted, AlexNet in twice as many.
    for model, epochs in (("lenet", 20), ("alexnet", 80)):
        at = trained / f"results/cifar10/{model}/history/s0.csv"
        save_text(at, to_csv(history(Law(20.0 * (epochs / 40) ** 0.3, 0.3), epochs)))
    page = probe.page(rows)
    cells = cells_of(page, "| cifar10 | ResNet-50 | 75.7 %")
    predicted = float(cells[4].split()[0])
    low, high = (float(number) for number in cells[5].split(" to "))
    assert low == pytest.approx(predicted / 2, rel=0.1)
    assert high == pytest.approx(predicted * 2, rel=0.1)
    hours = [float(number) for number in in_hours(page, "| cifar10 | ResNet-50 |")[4].split(" to ")]
    assert hours == pytest.approx([low * 0.4, high * 0.4], rel=0.05)
    assert "0.50 times (LeNet on cifar10) and 2.00 times (AlexNet on cifar10)" in page
    # Nothing was trained in full on the other set.
    assert cells_of(page, "| cifar100 | ResNet-50 | 40.0 %")[-1] == DASH
    assert in_hours(page, "| cifar100 | ResNet-50 |")[-1] == DASH


def test_a_prediction_that_never_comes_true_corrects_nothing(trained: Path) -> None:
    rows = [*tries("cifar10", "lenet", Law(2.0, 0.0)), *tries("cifar10", "resnet50", LAW)]
    save_text(trained / "results/cifar10/lenet/history/s0.csv", to_csv(history(LAW)))
    page = probe.page(rows)
    assert cells_of(page.split("## What such")[1], "| cifar10 | LeNet")[-1].startswith("never (")
    assert "worth: networks" not in page
    assert "By what such predictions were worth" not in page


def test_each_large_network_stands_there_with_both_image_sets(trained: Path) -> None:
    page = probe.page(tries("cifar10", "googlenet", LAW))
    rows = [cells_of(page, f"| {d} | {NETWORKS[m]} |") for d in probe.DATASETS for m in probe.LARGE]
    assert [row[4] == "not measured yet" for row in rows] == [True, True, False, True, True, True]
    assert len({len(row) for row in rows}) == 1
    assert "about 71.5 %" in rows[0]
    assert "For GoogLeNet on cifar10 the original's figure is above every accuracy" in page


def other(row: Probe, **changes: object) -> Probe:
    return replace(
        row, validation_loss="9.9", validation_accuracy="0.01", processor_seconds="9", **changes
    )


def test_tries_of_other_settings_seeds_or_threads_take_no_part(trained: Path) -> None:
    rows = tries("cifar10", "resnet50", LAW)
    others = [
        other(rows[0], settings=rows[0].settings.replace("0.001", "0.002")),
        other(rows[1], seed=1),
        other(rows[2], threads=2),
    ]
    page, alone = probe.page([*others, *rows, *others]), probe.page(rows)
    said = (
        " 6 of them have other settings than the recipe `modern` has now, another seed or another"
        " number of threads, and took no part."
    )
    assert said in page
    assert page.replace(said, "") == alone
    with pytest.raises(InputError, match="seed 1 and threads 1, came none"):
        probe.page(rows, seed=1)
    two = probe.page([replace(row, threads=2) for row in rows], threads=2)
    assert "2 threads, which is to say on two cores" in two
    assert "as one of two trainings" not in two
    starts = ("| Image set | Network | O", "| cifar10")
    assert {len(cells_of(two, start)) for start in starts} == {5}


def test_a_network_without_one_of_the_tries_keeps_its_columns(trained: Path) -> None:
    rows = tries("cifar10", "lenet", LAW)
    first, second, last = tries("cifar10", "alexnet", LAW)
    diverged = replace(second, validation_loss="", validation_accuracy="")
    page = probe.page([*rows, first, diverged, last])
    table = page.split("## What was measured")[1]
    head, full, lacking = (
        cells_of(table, f"| {name} |")
        for name in ("Image set", "cifar10 | LeNet", "cifar10 | AlexNet")
    )
    assert len(head) == len(full) == len(lacking)
    assert head[2:5] == ["9,000", "18,000", "45,000"]
    assert lacking[3] == DASH
    assert (lacking[2], lacking[4]) == (full[2], full[4])


def test_an_epoch_is_one_of_all_images_where_a_tenth_alone_was_tried(trained: Path) -> None:
    tenth = tries("cifar10", "googlenet", LAW, SCHEDULES[:2])
    page = probe.page(tenth)
    assert cells_of(page.split("## What was measured")[1], "| cifar10 | GoogLeNet")[-2] == "1,440"
    loss, epochs, hours = (
        float(cell.split()[0].replace(",", ""))
        for cell in (
            *cells_of(page, "| cifar10 | GoogLeNet")[3:5],
            in_hours(page, "| cifar10 | GoogLeNet")[2],
        )
    )
    assert epochs == pytest.approx(LAW.seen(loss) / WHOLE, rel=0.1)
    assert hours == pytest.approx(0.4 * epochs, rel=0.1)
    assert "falls: 2 and 4 epochs on a tenth of the training images.\n" in page


def hours_and_seconds(page: str, row: str) -> tuple[str, str]:
    """Those of an epoch of all images, and of the epochs of the profile laptop."""
    predicted, measured = page.split("## What was measured")
    return of_laptop(predicted, row)[3], cells_of(measured, row)[-2]


def test_seconds_come_from_the_other_set_where_one_lacks_them(trained: Path) -> None:
    rows = tries("cifar10", "googlenet", LAW)
    old = [replace(row, processor_seconds="") for row in rows]
    others = tries("cifar100", "googlenet", LAW, SCHEDULES[:2], seconds=720)
    of_vgg = tries("cifar100", "vgg16", LAW, seconds=72)
    row = "| cifar10 | GoogLeNet"
    laptop = PARAMS.profiles["laptop"]["googlenet"].epochs_on("cifar10")
    assert hours_and_seconds(probe.page([*rows, *others, *of_vgg]), row) == (
        f"{laptop * 0.4:,.1f}",
        "1,440",
    )
    assert hours_and_seconds(probe.page([*old, *others, *of_vgg]), row) == (
        f"{laptop * 0.2:,.1f}",
        "720",
    )
    assert hours_and_seconds(probe.page([*old, *of_vgg]), row) == (DASH, DASH)
    in_two = [replace(each, threads=2) for each in rows]
    assert cells_of(probe.page(in_two, threads=2).split("## What was m")[1], row)[-2] == "720"


def test_seconds_stand_beside_those_of_steps_measured_alone(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bursts = {"images": [100, 200, 100], "seconds": [1.0, 1.0, 10.0]}
    known = {"machine": {"cores in use": "2"}, "networks": {"googlenet": {"ours": bursts}}}
    at = trained / "throughput.json"
    save_text(at, json.dumps(known))
    monkeypatch.setattr(probe, "THROUGHPUT", at)
    page = probe.page([*tries("cifar10", "googlenet", LAW), *tries("cifar10", "vgg16", LAW)])
    head = cells_of(page.split("## What was measured")[1], "| Image set")
    rows = {
        name: cells_of(page.split("## What was measured")[1], f"| cifar10 | {name}")
        for name in ("GoogLeNet", "VGGNet-16")
    }
    # Two cores for the median of 100 images a second.
    assert rows["GoogLeNet"][-1] == f"{2 * (WHOLE + VALIDATION / 3) / 100:,.0f}"
    assert rows["VGGNet-16"][-1] == DASH
    assert len(head) == len(rows["GoogLeNet"])
    # The shorter one counts.
    laptop = PARAMS.profiles["laptop"]["googlenet"].epochs_on("cifar10")
    steps = 2 * (WHOLE + VALIDATION / 3) / 100
    assert of_laptop(page, "| cifar10 | GoogLeNet")[3] == f"{laptop * steps / 3600:,.1f}"


def test_two_schedules_that_saw_as_many_images_count_as_one(trained: Path) -> None:
    rows = tries("cifar10", "googlenet", LAW, [*SCHEDULES, (4_500, 10)])
    first, *_, whole, tenth = rows
    apart = [
        replace(row, validation_loss=f"{float(row.validation_loss) + by:.4f}")
        for row, by in ((whole, 0.1), (tenth, -0.1))
    ]
    line = "| cifar10 | GoogLeNet"
    found = cells_of(probe.page([*rows[:2], *apart]), line)
    assert found == cells_of(probe.page(tries("cifar10", "googlenet", LAW)), line)
    assert "never" not in "".join(found)
    with pytest.raises(InputError, match="wanted two tries of a network"):
        probe.page([whole, tenth])
    assert cells_of(probe.page([first, whole, tenth]), line)[4].count("(")


def test_a_full_training_is_the_mean_over_its_seeds(trained: Path) -> None:
    for seed, better in enumerate((-0.03, 0.0, 0.06)):
        at = trained / f"results/cifar10/lenet/history/s{seed}.csv"
        save_text(at, to_csv(history(LAW, better=better)))
    page = probe.page(tries("cifar10", "lenet", LAW))
    cells = cells_of(
        page.split("## What such")[1],
        "| cifar10 | LeNet | [trained](../studies/trained/index.md) | 40 |",
    )
    came = math.exp(-LAW.loss(40 * WHOLE)) + 0.01
    assert cells[5:7] == ["3", f"{100 * came:.1f} %"]
    error = 100 * (math.exp(-LAW.loss(40 * WHOLE)) - came)
    # Without that network's trainings the curve is drawn on far, so this is not exact.
    assert float(cells[4].split()[0]) == pytest.approx(100 * came + float(cells[7]), abs=0.11)
    assert error == pytest.approx(-1)


def test_the_first_study_that_trained_a_network_in_full_serves(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = trained.with_name("second")
    shutil.copytree(trained, second)
    monkeypatch.setattr(probe, "TRAINED", ("trained", "second", "third"))
    save_text(trained / "results/cifar10/lenet/history/s0.csv", to_csv(history(LAW)))
    for model in ("lenet", "alexnet"):
        at = second / f"results/cifar10/{model}/history/s0.csv"
        save_text(at, to_csv(history(LAW, better=0.1)))
    rows = [*tries("cifar10", "lenet", LAW), *tries("cifar10", "alexnet", LAW)]
    page = probe.page(rows)
    assert "| cifar10 | LeNet | [trained](" in page
    assert "| cifar10 | AlexNet | [second](" in page
    assert "The frozen study `third`, of networks trained in full, is missing.\n" in page


def test_what_a_tenth_alone_is_worth_stands_where_a_large_network_had_no_more(
    trained: Path,
) -> None:
    for dataset in probe.DATASETS:
        at = trained / f"results/{dataset}/lenet/history/s0.csv"
        save_text(at, to_csv(history(LAW)))
    rows = [*tries("cifar10", "lenet", LAW), *tries("cifar10", "resnet50", LAW)]
    rows += [*tries("cifar100", "lenet", LAW), *tries("cifar100", "resnet50", LAW, SCHEDULES[:2])]
    lenet = next(r for r in rows if (r.dataset, r.images) == ("cifar100", WHOLE))
    bent = replace(lenet, validation_loss=f"{0.9 * float(lenet.validation_loss):.4f}")
    page = probe.page([bent if row is lenet else row for row in rows])
    start = "| cifar100 | LeNet | a tenth "
    both, tenth = cells_of(page, f"{start}and all"), cells_of(page, f"{start}alone")
    # The whole images did better than the law says, which the tenth cannot know.
    assert float(tenth[-2]) < float(both[-2])
    assert "| cifar10 | LeNet | a tenth alone" not in page
    said = "ResNet-50 on cifar100 was tried on a tenth of the images alone."
    assert said in page
    assert f"was off by\n{tenth[-2]} points (LeNet on cifar100): read this row as" in page
    assert said not in probe.page([row for row in rows if row.model == "lenet"])


def test_a_frozen_study_that_is_missing_is_told(trained: Path) -> None:
    (trained / "params.yaml").unlink()
    page = probe.page(tries("cifar10", "lenet", LAW))
    assert "The frozen study `trained`, of networks trained in full, is missing.\n" in page
    assert "it is open what these predictions are worth" in page


def test_a_frozen_study_of_other_settings_is_left_out_and_told(trained: Path) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert text.count("      learning_rate: 0.1\n") == 1  # LeNet's
    changed = text.replace("      learning_rate: 0.1\n", "      learning_rate: 0.2\n")
    for model in ("lenet", "alexnet"):
        at = trained / f"results/cifar10/{model}/history/s0.csv"
        save_text(at, to_csv(history(LAW, better=0.1)))
    rows = [*tries("cifar10", "lenet", LAW), *tries("cifar10", "alexnet", LAW)]
    assert "other settings" not in probe.page(rows)
    for other_study in (changed, text.replace("\nrecipe: modern", "\nrecipe: report")):
        save_text(trained / "params.yaml", other_study)
        page = probe.page(rows)
        assert "study `trained` trained LeNet on cifar10" in page
        assert "with other settings than the recipe `modern` has now, so that is left out." in page
        assert "| cifar10 | LeNet | [trained](../studies/trained/index.md) | 40 |" not in page
    save_text(trained / "params.yaml", changed)
    page = probe.page(rows)
    assert "| cifar10 | AlexNet | [trained](../studies/trained/index.md) | 40 |" in page
    # Nor does it bend the curve that the others are read off.
    shutil.rmtree(trained / "results/cifar10/lenet")
    alone = probe.page(rows)
    assert [line for line in alone.splitlines() if "| AlexNet |" in line] == [
        line for line in page.splitlines() if "| AlexNet |" in line
    ]


def test_a_try_that_is_in_the_table_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = PARAMS.recipes["modern"]["lenet"].on("cifar10")
    table = tmp_path / "tries.csv"
    row = Probe("cifar10", "lenet", 10, 2, 0, threads=1)
    made = replace(row, settings=search.settings_of(recipe), validation_accuracy="0.5")
    search._append(made, table)
    monkeypatch.setattr(search, "load_record", Mock())
    monkeypatch.setattr(search, "load_split", Mock())
    monkeypatch.setattr(search, "_first", Mock(return_value=Mock(labels=[0] * row.images)))
    search.once(recipe, row, tmp_path, table)
    assert search.load(table, Probe) == [made]
    diverging = Mock(Trainer=Mock(side_effect=TrainingError("diverged")))
    monkeypatch.setitem(sys.modules, "cnnreport.training", diverging)
    search.once(recipe, replace(row, threads=2), tmp_path, table)
    loaded = search.load(table, Probe)
    assert [each.threads for each in loaded] == [1, 2]
    assert float(loaded[1].processor_seconds) >= 0


def test_a_table_without_threads_is_one_line(tmp_path: Path) -> None:
    table = tmp_path / "tries.csv"
    search._append(Try("cifar10", "lenet", 10, 2, 0), table)
    with pytest.raises(InputError, match=r"tries\.csv: wanted the columns .*differs in threads$"):
        search.load(table, Probe)
    assert search.load(ROOT / "docs/benchmarks/search.csv", Try)


def test_without_tries_there_is_one_line_and_diverged_ones_do_not_count(trained: Path) -> None:
    diverged = [replace(row, validation_accuracy="") for row in tries("cifar10", "vgg16", LAW)]
    for rows in ([], diverged):
        with pytest.raises(InputError, match="wanted two tries of a network"):
            probe.page(rows)
    page = probe.page([*tries("cifar10", "lenet", LAW), *diverged])
    assert cells_of(page, "| cifar10 | VGGNet-16")[4] == "not measured yet"
    assert "VGGNet-16" not in page.split("## What was measured")[1]
