"""What differs between two studies: beyond noise or not, mirrored, and what lies underneath."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_study import STRENGTHS, make_study, normalised
from numpy.typing import NDArray

from cnnreport import tables
from cnnreport.claims import Claim
from cnnreport.differences import (
    BEYOND,
    LIVE,
    SAME,
    SHARED,
    WITHIN,
    CellDifference,
    Differences,
    apart_spread,
    as_json,
    compare,
    same_spread,
    shift,
    summary,
    two_proportions,
)
from cnnreport.errors import ResultsError
from cnnreport.evidence import from_file, ledger
from cnnreport.formats import seconds
from cnnreport.predicates import parse
from cnnreport.records import Inputs, Seal
from cnnreport.statistics import compare_cells, wilson_interval
from cnnreport.study import Cell, Manifest, Run, Study
from cnnreport.tables.words import NONE, TIMES
from cnnreport.underneath import underneath

NETWORKS = ("lenet", "vgg16")
CODE = {"src/cnnreport/training.py": "a" * 32, "src/cnnreport/models/lenet.py": "b" * 32}


def named(study: Study, name: str) -> Study:
    return replace(study, manifest=Manifest(name, name, "2020-01-31", "", {}))


def weaker(**strengths: float) -> dict[str, float]:
    return {**STRENGTHS, **strengths}


def claim(when: str) -> Claim:
    return Claim("a-claim", "Something holds.", when, "us", None, "claims.yaml:1", parse(when))


def sealed(study: Study, code: Mapping[str, str] = CODE, packages: str = "p" * 64) -> Study:
    """The study with a seal for every run."""
    inputs = Inputs({"epochs": 3}, {}, dict(code), packages)

    def with_seal(run: Run) -> Run:
        return replace(run, training=replace(run.training, seals=[Seal(inputs, inputs, {})]))

    cells = {
        key: replace(cell, runs=[with_seal(run) for run in cell.runs])
        for key, cell in study.cells.items()
    }
    return replace(study, cells=cells)


def other_images(study: Study) -> Study:
    """The same study, said to be of other images."""
    datasets = {
        name: replace(record, digest="1" * 64, split_seed=2021)
        for name, record in study.datasets.items()
    }
    return replace(study, datasets=datasets)


def answered(study: Study, right: Mapping[str, int]) -> Study:
    """The study with so many right answers of each network, the first ones of the images."""
    cells = {}
    for key, cell in study.cells.items():
        predictions = cell.runs[0].predictions.copy()
        wrong = predictions.index >= right[cell.model]
        predictions["predicted"] = (predictions["label"] + wrong) % 10
        metrics = replace(cell.metrics, accuracy=right[cell.model] / len(predictions))
        run = replace(cell.runs[0], predictions=predictions)
        cells[key] = replace(cell, metrics=metrics, runs=[run])
    return replace(study, cells=cells)


def jittered(study: Study) -> Study:
    """The study with eight answers wrong that were right and four right that were wrong."""
    cells = {}
    for key, cell in study.cells.items():
        table = cell.runs[0].predictions.copy()
        right = table["label"] == table["predicted"]
        for places, more in ((table.index[right][:8], 1), (table.index[~right][:4], 0)):
            table.loc[places, "predicted"] = (table.loc[places, "label"] + more) % 10
        accuracy = float((table["label"] == table["predicted"]).mean())
        metrics = replace(cell.metrics, accuracy=accuracy)
        cells[key] = replace(cell, metrics=metrics, runs=[replace(cell.runs[0], predictions=table)])
    return replace(study, cells=cells)


@pytest.fixture(scope="module")
def plain() -> Study:
    return make_study(models=NETWORKS)


def test_a_study_against_itself_is_the_same_in_every_number(plain: Study) -> None:
    found = compare(sealed(plain), sealed(plain), [claim("lenet > vgg16 on digits")])
    assert [cell.finding for cell in found.cells] == [SAME, SAME]
    flipped = [*found.ranks, *found.relations, *found.claims]
    assert flipped == [*found.underneath.effective, *found.underneath.unrecorded] == []
    assert summary(found) == ("The same in every number; underneath: no change that is recorded.")


def test_times_alone_are_named_as_such(plain: Study) -> None:
    slow = make_study(models=NETWORKS)
    for cell in slow.cells.values():
        run = cell.runs[0]
        cell.runs[0] = replace(run, training=replace(run.training, train_seconds=999.0))
    assert summary(compare(plain, slow, [])).startswith(
        "The same in every number but the times; underneath: no change that is recorded"
    )


def test_a_large_difference_is_beyond_noise_and_a_small_one_is_not(plain: Study) -> None:
    found = compare(plain, make_study(models=NETWORKS, strengths=weaker(vgg16=0.5)), [])
    by_model = {cell.model: cell for cell in found.cells}
    assert by_model["lenet"].finding == SAME
    assert by_model["vgg16"].finding == BEYOND
    assert by_model["vgg16"].shift.difference < 0
    assert by_model["vgg16"].shift.interval.high < 0
    assert summary(found).startswith("1 of 2 accuracies differs beyond noise; ")


@pytest.mark.parametrize("images", [False, True], ids=["same-images", "other-images"])
def test_a_few_other_answers_stay_within_noise(plain: Study, images: bool) -> None:
    other = jittered(plain)
    found = compare(plain, other_images(other) if images else other, [])
    assert [cell.finding for cell in found.cells] == [WITHIN, WITHIN]
    assert all(cell.accuracy.before != cell.accuracy.after for cell in found.cells)
    assert summary(found).startswith("No accuracy differs beyond noise")


def test_p_values_are_adjusted_for_all_cells_of_all_image_sets() -> None:
    before = make_study(("digits", "cifar10"), NETWORKS)
    after = make_study(("digits", "cifar10"), NETWORKS, strengths=weaker(lenet=1.3, vgg16=1.3))
    found = compare(before, after, [])
    raw = [
        shift(
            before.cells[cell.dataset, cell.model],
            after.cells[cell.dataset, cell.model],
            same_images=True,
        ).p_value
        for cell in found.cells
    ]
    smallest = int(np.argmin(raw))
    assert found.cells[smallest].shift.p_value == pytest.approx(min(1, 4 * raw[smallest]))


def method_of(cell: CellDifference) -> str:
    assert cell.shift is not None
    return cell.shift.method


def test_the_tests_fit_the_images_and_the_seeds(plain: Study) -> None:
    many = make_study(models=NETWORKS, seeds=(1, 2, 3))
    methods = [
        method_of(compare(before, after, []).cells[0])
        for before, after in (
            (plain, plain),
            (plain, many),
            (plain, other_images(plain)),
            (many, other_images(many)),
        )
    ]
    assert methods[0] == "exact McNemar"
    assert methods[1].startswith("bootstrap over images, paired")
    assert methods[2].startswith("Fisher's exact test")
    assert methods[3].startswith("bootstrap over the images and the seeds of each")


def test_pairing_tells_apart_what_unpaired_images_cannot() -> None:
    study = make_study(models=("lenet",))
    before, after = answered(study, {"lenet": 240}), answered(study, {"lenet": 248})
    assert compare(before, after, []).cells[0].finding == BEYOND
    assert compare(before, other_images(after), []).cells[0].finding == WITHIN


def test_equal_answers_on_other_images_are_not_called_the_same(plain: Study) -> None:
    found = compare(plain, other_images(plain), [])
    assert [cell.finding for cell in found.cells] == [WITHIN, WITHIN]


def test_predictions_that_do_not_fit_their_image_set_are_one_line(plain: Study) -> None:
    short = make_study(models=NETWORKS, images_per_class=20)
    with pytest.raises(ResultsError, match=r"digits/lenet: wanted .* came 300 and 200") as caught:
        compare(plain, short, [])
    assert "\n" not in str(caught.value)


def test_one_seed_each_agrees_with_the_comparison_of_two_networks(plain: Study) -> None:
    a, b = plain.cells["digits", "vgg16"], plain.cells["digits", "lenet"]
    pair, moved = compare_cells(a, b), shift(b, a, same_images=True)
    assert moved.difference == pytest.approx(pair.difference)
    assert moved.p_value == pair.p_value
    assert moved.interval.low == pytest.approx(pair.interval.low, abs=0.002)
    assert moved.interval.high == pytest.approx(pair.interval.high, abs=0.002)


def test_newcombes_interval_follows_from_two_wilson_intervals() -> None:
    before, after = np.arange(80) < 48, np.arange(70) < 56
    one, two = wilson_interval(56, 70), wilson_interval(48, 80)
    moved = two_proportions(before, after)
    assert moved.difference == pytest.approx(0.2)
    assert moved.interval.low == pytest.approx(0.2 - math.hypot(0.8 - one.low, two.high - 0.6))
    assert moved.interval.high == pytest.approx(0.2 + math.hypot(one.high - 0.8, 0.6 - two.low))
    assert moved.p_value < 0.02


def test_two_perfect_studies_on_other_images_do_not_differ() -> None:
    moved = two_proportions(np.ones(30, dtype=bool), np.ones(50, dtype=bool))
    assert (moved.difference, moved.p_value) == (0, 1)
    assert moved.interval.low < 0 < moved.interval.high


def test_seeds_that_lie_far_apart_hide_what_images_alone_would_show() -> None:
    generator = np.random.default_rng(1)
    shares = np.array([[0.5], [0.9], [0.7]])
    before, after = (generator.random((3, 300)) < shares + more for more in (0.0, 0.06))
    by_seeds, by_images = same_spread(before, after), same_spread(before[:1], after[:1])
    assert by_seeds.reach() > 2 * by_images.reach()
    assert by_seeds.p_value(0.06) > 0.05
    assert by_seeds.free == pytest.approx(4, rel=0.2)


def test_unpaired_images_spread_as_two_independent_samples() -> None:
    """On other images the variances of both accuracies add up; on the same ones they cancel."""
    right = np.random.default_rng(2).random((2, 400)) < 0.7
    variance = right.mean() * (1 - right.mean()) / 400
    assert apart_spread(right[:1], right[:1]).images == pytest.approx(2 * variance, rel=0.15)
    assert same_spread(right[:1], right[:1]).images == 0


def test_seeds_that_are_all_right_on_other_images_leave_a_doubt() -> None:
    old, new = (cell_with(np.ones((3, images), dtype=bool)) for images in (12, 15))
    moved = shift(old, new, same_images=False)
    assert (moved.difference, moved.p_value) == (0, 1)
    assert moved.interval.low < -0.05 < 0.05 < moved.interval.high


@pytest.mark.parametrize(("seeds", "before"), [(2, 2), (3, 3), (5, 5), (2, 1), (3, 1), (5, 1)])
def test_another_set_of_seeds_is_rarely_taken_for_a_difference(seeds: int, before: int) -> None:
    """Two studies of the same network, whose seeds lie six points apart, on the same images."""
    generator, trials = np.random.default_rng(seeds), 60
    found = 0
    for _ in range(trials):
        hardness = generator.random(300)
        shares = np.clip(generator.normal(0.7, 0.06, (2, seeds, 1)), 0, 1)
        old, new = hardness < shares
        old = old[:before]
        found += same_spread(old, new).p_value(float(new.mean() - old.mean())) < 0.05
    # Two standard errors above 5 %.
    assert found / trials <= 0.05 + 0.056


ANSWERS = st.integers(1, 3).flatmap(
    lambda seeds: st.lists(
        st.lists(st.booleans(), min_size=12, max_size=12), min_size=seeds, max_size=seeds
    )
)


@settings(max_examples=25, deadline=None)
@given(ANSWERS, ANSWERS, st.booleans())
def test_the_other_way_round_is_the_mirror_image(
    before: list[list[bool]], after: list[list[bool]], same_images: bool
) -> None:
    old, new = (cell_with(np.array(answers)) for answers in (before, after))
    there, back = (shift(*pair, same_images=same_images) for pair in ((old, new), (new, old)))
    assert there.difference == pytest.approx(-back.difference)
    assert there.interval.low == pytest.approx(-back.interval.high)
    assert there.interval.high == pytest.approx(-back.interval.low)
    assert there.p_value == pytest.approx(back.p_value)
    assert there.method == back.method
    assert there.interval.low <= there.difference + 1e-9
    assert there.difference <= there.interval.high + 1e-9


def test_the_seeds_of_one_study_stand_for_those_of_the_other() -> None:
    """What one more training is off by: s * sqrt(1 + 1/k), with the freedom of the k known ones."""
    right = np.random.default_rng(3).random((4, 300)) < np.array([[0.6], [0.7], [0.8], [0.75]])
    spread = same_spread(right[:1], right[1:])
    assert spread.seeds == pytest.approx(right[1:].mean(axis=1).var(ddof=1) * (1 + 1 / 3))
    assert spread.free == 2
    assert same_spread(right[1:], right[:1]) == spread
    few = right[:, :20]
    moved = shift(cell_with(few[:1]), cell_with(few[1:]), same_images=True)
    assert "those of the study with several for both" in moved.method


TEMPLATE = make_study(models=("lenet",), images_per_class=2)


def cell_with(right: NDArray[np.bool_]) -> Cell:
    """A cell with the given answers, shape (seeds, images)."""
    cell = TEMPLATE.cells["digits", "lenet"]
    runs = []
    for seed, answers in enumerate(right):
        table = cell.runs[0].predictions.iloc[: len(answers)].copy()
        table["predicted"] = np.where(answers, table["label"], (table["label"] + 1) % 10)
        runs.append(replace(cell.runs[0], seed=seed, predictions=table))
    return replace(cell, runs=runs)


def test_whole_studies_mirror_each_other() -> None:
    before = named(sealed(make_study(("digits", "cifar10"), NETWORKS)), "old")
    after = sealed(make_study(models=("vgg16", "lenet"), epochs=5, strengths=weaker(vgg16=0.2)))
    claims = [claim("vgg16 > lenet on digits"), claim("lenet > 0.99 on cifar10")]
    there, back = compare(before, after, claims), compare(after, before, claims)
    assert (there.before, there.after) == (back.after, back.before) == ("old", LIVE)
    assert there.only_before == back.only_after != ()
    assert there.only_after == back.only_before == ()
    assert {(c.key, c.before, c.after) for c in there.claims} == {
        (c.key, c.after, c.before) for c in back.claims
    }
    assert {(r.model, r.before, r.after) for r in there.ranks} == {
        (r.model, r.after, r.before) for r in back.ranks
    }
    mirrored = {(c.dataset, c.model): c for c in back.cells}
    for cell in there.cells:
        other = mirrored[cell.dataset, cell.model]
        assert cell.shift.difference == pytest.approx(-other.shift.difference)
        assert (cell.finding, cell.shift.p_value) == (other.finding, other.shift.p_value)
        assert cell.accuracy.before == other.accuracy.after
    assert there.underneath.seals == back.underneath.seals[::-1]
    assert len(there.underneath.settings) == len(back.underneath.settings) > 0


def test_ranks_and_pairs_that_flip_are_named() -> None:
    study = make_study(models=("lenet", "alexnet", "vgg16"))
    before = answered(study, {"lenet": 150, "alexnet": 152, "vgg16": 240})
    after = answered(study, {"lenet": 240, "alexnet": 152, "vgg16": 239})
    found = compare(before, after, [])
    ranks = {each.model: (each.before, each.after) for each in found.ranks}
    assert ranks == {"lenet": (2, 1), "alexnet": (2, 3)}
    assert [(each.a, each.b, each.before, each.after) for each in found.relations] == [
        ("lenet", "alexnet", "cannot be told apart from", "outperforms"),
        ("lenet", "vgg16", "is worse than", "cannot be told apart from"),
    ]


def test_ranks_are_among_the_networks_that_both_have() -> None:
    study = make_study(models=("lenet", "alexnet", "vgg16"))
    right = {"lenet": 150, "alexnet": 300, "vgg16": 240}
    fewer = replace(
        study,
        params=study.params.model_copy(update={"models": ["lenet", "vgg16"]}),
        cells={key: cell for key, cell in study.cells.items() if key[1] != "alexnet"},
    )
    found = compare(answered(study, right), answered(fewer, right), [])
    assert not found.ranks
    assert found.only_before == (("digits", "alexnet"),)
    assert "1 cell is in one of them only" in summary(found)


def test_a_claim_whose_verdict_changed_is_named_and_others_are_not() -> None:
    study = make_study(models=NETWORKS)
    before = answered(study, {"lenet": 200, "vgg16": 240})
    after = answered(study, {"lenet": 200, "vgg16": 201})
    claims = [claim("vgg16 > lenet on digits"), claim("vgg16 > lenet on digits.parameters")]
    found = compare(before, after, claims)
    assert [(each.before, each.after) for each in found.claims] == [("holds", "undecided")]
    assert "1 claim changed" in summary(found)


def test_a_claim_that_one_study_cannot_test_is_no_verdict_that_changed() -> None:
    wide, narrow = make_study(models=NETWORKS), make_study(models=("lenet",))
    found = compare(narrow, wide, [claim("vgg16 > lenet on digits.parameters")])
    assert [(each.before, each.after) for each in found.claims] == [("untested", "holds")]
    assert "; 1 claim can be tested in one of them only; " in summary(found)
    assert "claim changed" not in summary(found)
    titles = [part.title for part in tables.difference_parts(found, {})]
    assert "Claims that only one of the studies can test" in titles
    assert "Claims whose verdict changed" not in titles


def test_a_momentum_that_the_recipe_leaves_to_the_network_is_told_as_a_number() -> None:
    study = make_study(models=("alexnet",))
    before, after = normalised(study, 0.9), normalised(study, 0.99)
    changed = compare(before, after, []).underneath.settings
    assert changed == ("alexnet: batch_norm_momentum from 0.9 to 0.99",)


def test_of_two_studies_without_a_name_the_one_with_one_seed_is_told() -> None:
    one, two = make_study(models=NETWORKS), make_study(models=NETWORKS, seeds=(1, 2))
    for pair in ((one, two), (two, one)):
        notes = compare(*pair, []).notes
        assert notes == (
            f"One seed in {LIVE}: seeds there are taken to lie as far apart as those of {LIVE}.",
        )
    assert compare(one, one, []).notes[0].startswith(f"One seed in {LIVE} and {LIVE}: noise is")
    assert compare(two, two, []).notes == ()


def test_trainings_in_both_studies_are_no_second_observation() -> None:
    one = make_study(models=NETWORKS)
    many = make_study(models=NETWORKS, seeds=(0, 1, 2))
    others = make_study(models=("lenet",), seeds=(3, 4, 5))
    cells = {**many.cells, ("digits", "lenet"): others.cells["digits", "lenet"]}
    found = compare(one, replace(many, cells=cells), [])
    tested = {cell.model: cell for cell in found.cells}
    assert tested["vgg16"].finding == SHARED
    assert tested["vgg16"].shared == (0,)
    assert tested["lenet"].finding != SHARED
    alone = compare(make_study(models=("lenet",)), others, [])
    # One test, so nothing is adjusted for two.
    assert tested["lenet"].shift == alone.cells[0].shift
    assert found.notes[0] == (
        "Both studies hold the same training of vgg16 on digits (seed 0), so their figures there "
        "are not two observations, and nothing is tested."
    )
    rows = {row[0]: row for row in tables.difference_parts(found, {}, str)[0].table.rows}
    assert rows["vgg16"][4:] == [NONE, NONE, SHARED]
    assert "p adjusted" not in str(tables.difference_parts(found, {}, str)[0].lines)
    wholly = compare(one, many, [])
    assert summary(wholly).startswith(
        "No accuracy can be tested: both hold the same trainings; no rank changed"
    )
    assert not any("Test:" in line for line in tables.difference_parts(wholly, {}, str)[0].lines)
    assert as_json(wholly)["cells"][0]["shift"] is None
    assert {cell.finding for cell in compare(many, many, []).cells} == {SAME}
    # Another outcome under the same key, or no key at all, is another training.
    unknown = make_study(models=NETWORKS)
    for cell in unknown.cells.values():
        for place, run in enumerate(cell.runs):
            cell.runs[place] = replace(run, training=replace(run.training, key=""))
    assert SHARED not in {cell.finding for cell in compare(unknown, many, []).cells}


def test_settings_are_named_shortly_for_the_cells_they_concern() -> None:
    before = make_study(("digits", "cifar10"), NETWORKS)
    longer = {**before.cells}
    for dataset in before.datasets:
        cell = longer[dataset, "lenet"]
        longer[dataset, "lenet"] = replace(cell, metrics=replace(cell.metrics, epochs=20))
    cell = longer["digits", "vgg16"]
    slower = cell.recipe.model_copy(update={"learning_rate": 0.25})
    longer["digits", "vgg16"] = replace(cell, recipe=slower)
    found = compare(before, replace(before, cells=longer), [])
    old = before.cells["digits", "vgg16"].recipe.learning_rate
    assert found.underneath.settings == (
        "lenet: epochs from 3 to 20",
        f"vgg16 on digits: learning_rate from {old:g} to 0.25",
    )
    assert "underneath: lenet: epochs from 3 to 20, " in summary(found)


def test_seeds_and_params_of_all_cells_are_named_once() -> None:
    below = compare(make_study(models=NETWORKS), make_study(models=NETWORKS, seeds=(0, 1)), [])
    assert below.underneath.settings == ("all networks: seeds from [0] to [0, 1]",)
    assert below.underneath.parameters == ("seeds from [0] to [0, 1]",)


def test_changed_code_packages_machine_and_images_are_named(plain: Study) -> None:
    code = {**CODE, "src/cnnreport/training.py": "c" * 32, "src/cnnreport/new.py": "d" * 32}
    after = other_images(sealed(plain, code, "q" * 64))
    for key, cell in after.cells.items():
        training = replace(
            cell.runs[0].training, processor="Another one", versions={"keras": "3.16.0"}
        )
        after.cells[key] = replace(cell, runs=[replace(cell.runs[0], training=training)])
    below = underneath(sealed(plain), after, list(plain.cells))
    assert below.code == ("src/cnnreport/new.py (newly used)", "src/cnnreport/training.py")
    assert below.images == (
        "digits: split_seed from 2020 to 2021",
        f'digits: digest from "{"0" * 12}" to "{"1" * 12}"',
    )
    assert 'processor from "Synthetic processor" to "Another one"' in below.environment
    assert 'keras from "3.15.0" to "3.16.0"' in below.environment
    assert below.environment[-1] == "installed packages"
    assert not below.unrecorded


def test_code_without_seals_is_not_recorded_rather_than_the_same(plain: Study) -> None:
    found = compare(plain, sealed(plain), [])
    assert found.underneath.code == ()
    assert found.underneath.unrecorded == (
        "code and installed packages of all networks, for want of seals",
    )
    assert found.underneath.seals == ("2 runs unsealed", "2 runs sealed")
    assert summary(found).endswith("no change that is recorded (code is not recorded).")


def test_a_run_that_was_edited_meanwhile_is_counted(plain: Study) -> None:
    study = sealed(plain)
    run = study.cells["digits", "lenet"].runs[0]
    start = run.training.seals[0].start
    edited = Seal(start, replace(start, parameters={"epochs": 4}), {})
    study.cells["digits", "lenet"].runs[0] = replace(
        run, training=replace(run.training, seals=[edited])
    )
    assert compare(plain, study, []).underneath.seals[1] == "1 run sealed and 1 run edited mid-run"


def test_nothing_in_common_is_said_so(plain: Study) -> None:
    found = compare(plain, make_study(("cifar10",), NETWORKS), [])
    assert summary(found).startswith("Nothing to compare: no network was trained on")
    assert [part.title for part in tables.difference_parts(found, {})] == ["Underneath"]


def test_a_sentence_names_three_causes_and_counts_the_others(plain: Study) -> None:
    code = {f"src/{letter}.py": "0" for letter in "abcde"}
    found = compare(sealed(plain, {}), sealed(plain, code), [])
    assert summary(found).count("newly used") == 3
    assert summary(found).endswith("2 more changes.")


@pytest.fixture(scope="module")
def different(plain: Study) -> Differences:
    after = make_study(models=NETWORKS, epochs=4, strengths=weaker(vgg16=0.3))
    return compare(
        named(sealed(plain), "a_name"), sealed(after), [claim("vgg16 > lenet on digits")]
    )


def test_markdown_has_every_part_and_escapes_names(different: Differences) -> None:
    text = tables.comparison_markdown(different)
    assert text.startswith("### a\\_name → live\n\n**1 of 2 accuracies differs beyond noise; ")
    titles = [line.removeprefix("#### ") for line in text.splitlines() if line.startswith("#### ")]
    assert titles == [part.title for part in tables.difference_parts(different, {})]
    assert "| lenet | " in text
    assert f"{seconds(4.2)} → {seconds(5.6)} | {TIMES} 1.33 |" in text
    tables_of_text = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables_of_text)


def test_json_is_plain_and_complete(different: Differences) -> None:
    data = json.loads(json.dumps(as_json(different)))
    assert data["summary"] == summary(different)
    assert data["cells"][1]["finding"] == BEYOND
    assert data["cells"][1]["shift"]["interval"]["high"] < 0
    assert data["underneath"]["settings"] == ["all networks: epochs from 3 to 4"]
    assert data["before"] == "a_name"


def test_long_lists_of_parameters_are_cut_except_in_json() -> None:
    before = make_study(models=("lenet", "vgg16"))
    settings = {
        "momentum": 0.5,
        "batch_size": 7,
        "flip": True,
        "shift": 3,
        "clip_norm": 9.0,
        "learning_rate": 7.0,
    }
    recipes = before.params.recipes | {
        before.params.recipe: {
            model: recipe.model_copy(update=settings)
            for model, recipe in before.params.recipes[before.params.recipe].items()
        }
    }
    params = before.params.model_copy(update={"recipes": recipes})
    found = compare(before, replace(before, params=params), [])
    assert len(found.underneath.parameters) > 8
    kinds = [row[0] for row in tables.difference_parts(found, {}, str)[-1].table.rows]
    assert kinds.count("params.yaml") == 10  # eight, how many more, how many that took no part
    told = as_json(found)["underneath"]
    assert len(told["parameters"]) == len(found.underneath.parameters)
    assert all(" from " in each for each in told["unused"])


def test_changes_that_neither_study_trained_by_are_counted() -> None:
    before = make_study(models=("lenet", "vgg16"))
    used, other = before.params.recipe, ({*before.params.recipes} - {before.params.recipe}).pop()
    recipes = {name: dict(each) for name, each in before.params.recipes.items()}
    for name, model in ((used, "lenet"), (used, "googlenet"), (other, "lenet")):
        recipes[name][model] = recipes[name][model].model_copy(update={"momentum": 0.5})
    profile = ({*before.params.profiles} - {before.params.profile}).pop()
    profiles = {name: each for name, each in before.params.profiles.items() if name != profile}
    params = before.params.model_copy(update={"recipes": recipes, "profiles": profiles})
    found = compare(before, replace(before, params=params), [])
    below = found.underneath
    assert [each.split(" from ")[0] for each in below.parameters] == [
        f"recipes.{used}.lenet.momentum"
    ]
    assert {each.split(" from ")[0] for each in below.unused} == {
        f"profiles.{profile}",
        f"recipes.{used}.googlenet.momentum",
        f"recipes.{other}.lenet.momentum",
    }
    rows = tables.difference_parts(found, {}, str)[-1].table.rows
    assert ["params.yaml", "3 changes in recipes and profiles that neither trained by"] in rows


def test_the_numbers_of_either_study_lead_to_their_own_evidence() -> None:
    before, after = (
        Study(
            made.params,
            made.datasets,
            {
                key: replace(
                    cell,
                    metrics=from_file(cell.metrics, f"results/digits/{key[1]}.json", study=study),
                )
                for key, cell in made.cells.items()
            },
        )
        for made, study in (
            (make_study(models=NETWORKS), "frozen"),
            (make_study(models=NETWORKS, seeds=(1,)), ""),
        )
    )
    with ledger() as book:
        found = compare(named(before, "frozen"), after, [])
        for part in tables.difference_parts(found, {}):
            assert part.table.markdown
    for study, name in ((before, "frozen"), (after, "")):
        shown = {each.value for each in book.citations if each.evidence.study == name}
        assert {float(cell.metrics.accuracy) for cell in study.cells.values()} <= shown
    json.dumps(as_json(found))


def test_the_page_of_the_site_renders(different: Differences) -> None:
    from cnnreport.pages.templating import make_environment  # noqa: PLC0415

    folder = Path(__file__).parent.parent / "report/templates"
    text = (folder / "compare.md.j2").read_text(encoding="utf-8")
    page = (
        make_environment({"compare.md.j2": text})
        .get_template("compare.md.j2")
        .render(
            comparisons={"a_name": different},
            manifest=None,
            key="a_name",
            title="Against a name",
            names={"lenet": "[LeNet](../networks/lenet.md)"},
            tables=tables,
            link=lambda path: f"../../{path}",
        )
    )
    assert page.startswith("# Against a name\n")
    assert "| [LeNet](../networks/lenet.md) | " in page
    assert "[a\\_name](../../studies/a_name/index.md) is the frozen study, *live* the one" in page
    assert "## Underneath" in page
