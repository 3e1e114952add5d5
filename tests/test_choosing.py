"""Which network fits: limits, the sensible choice, the decision table, and their words."""

import html
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_study import MODELS, make_study
from test_cli import cnnreport

from cnnreport import choosing, tables
from cnnreport.choosing import CRITERIA, Certainty, Limits, Sureness
from cnnreport.choosing.circumstances import round_between
from cnnreport.errors import InputError
from cnnreport.formats import md
from cnnreport.freezing import frozen_names
from cnnreport.statistics import accuracy_interval, compare_all
from cnnreport.study import Cell, Study

ROOT = Path(__file__).parents[1]
STUDY = make_study(["digits", "cifar10"])
EVEN = make_study(
    strengths={"lenet": 1.5, "alexnet": 1.5, "vgg16": 1.6, "resnet50": 1.5, "googlenet": 1.55}
)
ALONE = make_study(models=["lenet"])
NAMES = {model: model.upper() for model in MODELS}
TIME, PARAMETERS = CRITERIA["train_seconds"], CRITERIA["parameters"]


def limits_near(study: Study) -> st.SearchStrategy[Limits]:
    """Limits around the figures of a study, so that some networks meet them and some do not."""
    bounds = {}
    for key, criterion in CRITERIA.items():
        values = [float(criterion.of(cell) or 0) for cell in study.cells.values()]
        spread = st.floats(0.8 * min(values), 1.2 * max(values))
        bounds[key] = st.one_of(st.sampled_from(values), spread)
    return st.builds(Limits, st.fixed_dictionaries({}, optional=bounds), st.sampled_from(Certainty))


def meets(cell: Cell, limits: Limits) -> bool:
    """The definition of remaining, once more."""
    interval = accuracy_interval(cell)
    decisive = {
        Certainty.SURE: interval.low,
        Certainty.MEASURED: cell.metrics.accuracy,
        Certainty.POSSIBLE: interval.high,
    }[limits.certainty]
    training = cell.runs[0].training
    latency = training.latency_ms_batch_128
    assert latency is not None
    assert training.latency_ms_batch_1 is not None
    bounds = limits.bounds
    return (
        decisive >= bounds.get("accuracy", 0)
        and cell.metrics.parameters <= bounds.get("parameters", math.inf)
        and cell.metrics.macs <= bounds.get("macs", math.inf)
        and training.train_seconds <= bounds.get("train_seconds", math.inf)
        and training.latency_ms_batch_1 <= bounds.get("latency_ms", math.inf)
        and 128_000 / latency >= bounds.get("images_a_second", 0)
        and training.peak_memory_mib <= bounds.get("peak_memory_mib", math.inf)
    )


@given(limits=limits_near(STUDY), dataset=st.sampled_from(["digits", "cifar10"]))
def test_who_remains_meets_every_limit(limits: Limits, dataset: str) -> None:
    expected = [cell.model for cell in STUDY.cells_of(dataset) if meets(cell, limits)]
    assert choosing.remaining(STUDY, dataset, limits) == expected


@given(limits=limits_near(STUDY))
def test_reasons_name_every_network_and_end_in_a_choice(limits: Limits) -> None:
    lines = choosing.reasoning(STUDY, "digits", limits, TIME, NAMES)
    kept = choosing.remaining(STUDY, "digits", limits)
    assert len(lines) == 1 + len(MODELS)
    for model, line in zip(MODELS, lines, strict=False):
        verdict = "remains" if model in kept else "excluded by"
        assert line.startswith(f"{NAMES[model]}: {verdict}")
    if kept:
        chosen = choosing.choose(STUDY, "digits", kept, TIME).chosen
        assert lines[-1].startswith(f"Take {NAMES[chosen.model]}: ")
    else:
        assert lines[-1].startswith("No network remains. Nearest: ")


@given(limits=limits_near(STUDY))
def test_the_nearest_would_remain_with_the_limits_it_asks_for(limits: Limits) -> None:
    held = choosing.candidates(STUDY, "digits", limits)
    if any(each.remains for each in held):
        return
    for each in choosing.nearest(held):
        asked = {miss.criterion.key: miss.value for miss in each.misses if miss.value is not None}
        assert len(asked) == len(each.misses)
        relaxed = replace(limits, bounds={**limits.bounds, **asked})
        assert each.cell.model in choosing.remaining(STUDY, "digits", relaxed)
        assert len(each.misses) == min(len(other.misses) for other in held)


def test_a_miss_says_by_how_much() -> None:
    limits = Limits({"parameters": 5e6, "accuracy": 0.9, "images_a_second": 400})
    lines = dict(
        line.split(": ", 1)
        for line in choosing.reasoning(STUDY, "digits", limits, TIME, NAMES)[:-1]
    )
    assert "parameters, 21,591,306 (limit: at most 5,000,000; 4.3 times that)" in lines["ALEXNET"]
    lenet = STUDY.cell("digits", "lenet").metrics.accuracy
    assert f"{100 * (0.9 - lenet):.1f}\N{NO-BREAK SPACE}points below" in lines["LENET"]
    assert "images a second, 341 (limit: at least 400; " in lines["RESNET50"]
    assert "surely not at least 90.0" in lines["LENET"]


def test_sureness_follows_the_interval() -> None:
    cell = STUDY.cell("digits", "vgg16")
    interval, accuracy = accuracy_interval(cell), cell.metrics.accuracy
    assert choosing.sureness(cell, interval.low) is Sureness.SURELY
    assert choosing.sureness(cell, accuracy) is Sureness.PROBABLY
    assert choosing.sureness(cell, (accuracy + interval.high) / 2) is Sureness.PROBABLY_NOT
    assert choosing.sureness(cell, interval.high + 1e-9) is Sureness.SURELY_NOT


@pytest.mark.parametrize("study", [STUDY, EVEN], ids=["apart", "even"])
@given(
    models=st.lists(st.sampled_from(MODELS), min_size=1, unique=True),
    by=st.sampled_from(choosing.COSTS),
)
def test_the_choice_is_the_cheapest_that_is_not_known_to_be_worse(
    study: Study, models: Sequence[str], by: choosing.Criterion
) -> None:
    choice = choosing.choose(study, "digits", models, by)
    cells = [study.cell("digits", model) for model in models]
    assert choice.first.metrics.accuracy == max(cell.metrics.accuracy for cell in cells)
    told_apart = {
        frozenset((pair.model_a, pair.model_b))
        for pair in compare_all(study.ranked("digits"))
        if pair.p_value < 0.05
    }
    for cell in cells:
        apart = frozenset((cell.model, choice.first.model)) in told_apart
        assert (cell in choice.level) is not apart
        if not apart:
            assert by.order(choice.chosen) <= by.order(cell)
    assert choice.chosen in choice.level


@pytest.mark.parametrize("study", [STUDY, EVEN], ids=["apart", "even"])
def test_a_dominating_network_costs_no_more_in_anything(study: Study) -> None:
    found = choosing.dominators(study, "digits", MODELS)
    equals = choosing.equals_of(study, "digits")
    for model, others in found.items():
        cell = study.cell("digits", model)
        for other in (study.cell("digits", name) for name in others):
            assert all(cost.order(other) <= cost.order(cell) for cost in choosing.COSTS)
            better = other.metrics.accuracy >= cell.metrics.accuracy
            assert better or other.model in equals[model]
            assert model not in found[other.model], "a circle"
    if study is EVEN:
        assert found["googlenet"]  # level in accuracy and the dearest in nearly everything


def without_latency(study: Study, model: str) -> Study:
    cell = study.cell("digits", model)
    runs = [
        replace(
            run,
            training=replace(run.training, latency_ms_batch_1=None, latency_ms_batch_128=None),
        )
        for run in cell.runs
    ]
    return replace(study, cells={**study.cells, ("digits", model): replace(cell, runs=runs)})


def test_what_was_not_measured_meets_no_limit_and_wins_nothing() -> None:
    study = without_latency(STUDY, "lenet")
    kept = choosing.remaining(study, "digits", Limits({"latency_ms": 1e9}))
    assert kept == [model for model in MODELS if model != "lenet"]
    cells = study.cells_of("digits")
    assert choosing.best_on(cells)["latency_ms"] == ["alexnet"]
    assert "lenet" not in choosing.dominators(study, "digits", MODELS)["alexnet"]
    lines = choosing.reasoning(study, "digits", Limits({"latency_ms": 0.01}), TIME, NAMES)
    assert "not measured" in lines[0]
    table = choosing.every_figure(study, NAMES)
    assert table.rows[0][6] == tables.NONE
    assert choosing.decisions(study, "digits", NAMES).rows
    none = study
    for model in MODELS:
        none = without_latency(none, model)
    assert choosing.decisions(none, "digits", NAMES).rows
    assert "latency_ms" not in choosing.best_on(none.cells_of("digits"))


@pytest.mark.parametrize("study", [STUDY, EVEN], ids=["apart", "even"])
@pytest.mark.parametrize("dataset", ["digits", "cifar10"])
def test_each_row_of_the_decision_table_takes_one_that_remains(study: Study, dataset: str) -> None:
    if dataset not in study.datasets:
        return
    rows = choosing.circumstances(study, dataset, NAMES)
    assert len({row.words for row in rows}) == len(rows)
    for row in rows:
        assert row.chosen in row.remaining
        assert set(row.remaining) <= set(study.params.models)
        assert row.why
    best = study.ranked(dataset)[0].model
    assert rows[0].chosen == best


def test_limits_of_the_decision_table_separate_networks() -> None:
    """Each limit in words, read back, leaves the networks that its row names."""
    behind = {criterion.behind: criterion for criterion in choosing.COSTS}
    tested = 0
    for row in choosing.circumstances(STUDY, "digits", NAMES):
        if not row.words.startswith(("At most", "At least")):
            continue
        for text in row.words.replace(" or at ", ", at ").split(", "):
            words = text.replace("\N{NO-BREAK SPACE}", " ").split(" ", 2)[2]
            criterion = next(each for end, each in behind.items() if words.endswith(end))
            written = words.removesuffix(criterion.behind).strip()
            value = sum(
                choosing.amount(part, criterion)
                for part in written.replace(" min ", "min|").split("|")
            )
            kept = choosing.remaining(STUDY, "digits", Limits({criterion.key: value}))
            assert kept == [model for model in MODELS if model in row.remaining]
            assert choosing.choose(STUDY, "digits", kept, criterion).chosen.model == row.chosen
            tested += 1
    assert tested >= len(choosing.COSTS)


@given(
    low=st.floats(1e-3, 1e12),
    ratio=st.floats(1.0000001, 1e6),
    criterion=st.sampled_from(choosing.COSTS),
)
def test_a_round_number_lies_between(
    low: float, ratio: float, criterion: choosing.Criterion
) -> None:
    high = low * ratio
    assert low < round_between(low, high, criterion) < high
    assert round_between(low, high, criterion) == round_between(high, low, criterion)


def test_round_numbers_are_round() -> None:
    assert round_between(62_006, 21_591_306, PARAMETERS) == 1e6
    assert round_between(80.1, 319.8, TIME) == 180  # whole minutes, where both are longer
    assert round_between(0.9663, 0.971, choosing.ACCURACY) == 0.97


@given(low=st.floats(0, 0.999), width=st.floats(1e-4, 0.5))
def test_a_round_accuracy_lies_between(low: float, width: float) -> None:
    assert low < round_between(low, low + width, choosing.ACCURACY) < low + width


def test_the_headline_names_a_network_for_accuracy_and_one_for_cost() -> None:
    text = choosing.headline(STUDY, "digits", NAMES)
    first = choosing.choose(STUDY, "digits", MODELS, TIME)
    assert NAMES[first.first.model] in text
    assert text.endswith(".")
    even = choosing.headline(EVEN, "digits", NAMES)
    assert even.startswith("Take LENET: with one seed each, the test images cannot tell ")
    assert "lowest cost of every kind" in even
    strong = make_study(models=["lenet", "vgg16"], strengths={"lenet": 4.0, "vgg16": 0.2})
    assert "no other network" in choosing.headline(strong, "digits", NAMES)


def test_a_tie_of_several_seeds_has_no_doubt_of_one() -> None:
    seeds = (0, 1, 2)
    level = make_study(
        models=["lenet", "vgg16"], strengths={"lenet": 2.0, "vgg16": 2.01}, seeds=seeds
    )
    text = choosing.headline(level, "digits", NAMES)
    assert text.startswith("Take LENET: the test images and seeds cannot tell ")
    assert "one seed" not in text
    assert "alone" not in text


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_what_one_seed_shows_stands_within_brackets(seeds: tuple[int, ...]) -> None:
    """Several wishes follow, behind commas."""
    models = ("vgg16", "lenet", "resnet50", "googlenet")
    strengths = {"vgg16": 5.0, "lenet": 0.2, "resnet50": 1.0, "googlenet": 1.0}
    study = make_study(models=models, strengths=strengths, seeds=seeds, images_per_class=60)
    cells = dict(study.cells)
    cell = cells["digits", "resnet50"]
    cells["digits", "resnet50"] = replace(cell, metrics=replace(cell.metrics, macs=1))
    text = choosing.headline(replace(study, cells=cells), "digits", NAMES)
    assert text.startswith("For accuracy take VGG16 (")
    assert text.count(" for the ") > 1
    assert ",," not in text
    assert (", as far as one seed shows), for the " in text) == (len(seeds) == 1)


def test_times_that_lie_close_together_decide_nothing() -> None:
    """VGG-16 beside ResNet-50: a few seconds decide nothing, parameters and MACs do."""
    models = ("vgg16", "resnet50")
    study = make_study(models=models, strengths=dict.fromkeys(models, 2.0))
    text = choosing.headline(study, "digits", NAMES)
    assert "the best two differ by less than a factor of 2, which decides nothing" in text
    assert "shortest training" not in text
    assert "training time" in text
    cells = dict(study.cells)
    cell = cells["digits", "vgg16"]
    slow = replace(cell.runs[0].training, train_seconds=4000.0)
    cells["digits", "vgg16"] = replace(cell, runs=[replace(cell.runs[0], training=slow)])
    apart = choosing.headline(replace(study, cells=cells), "digits", NAMES)
    assert "shortest training" in apart


def test_one_network_leaves_nothing_to_choose() -> None:
    assert "nothing to choose" in choosing.headline(ALONE, "digits", NAMES)
    assert choosing.circumstances(ALONE, "digits", NAMES) == []
    assert len(choosing.every_figure(ALONE, NAMES).rows) == 1


def test_the_closest_image_set_goes_by_ratios() -> None:
    digits = STUDY.datasets["digits"]
    larger = replace(digits, name="cifar10", train_images=45_000)
    study = replace(STUDY, datasets={"digits": digits, "cifar10": larger})
    assert digits.train_images == 2700
    assert choosing.closest(study, 11_000) == "digits"  # the middle is at 11,023, not 23,850
    assert choosing.closest(study, 11_100) == "cifar10"
    assert choosing.order(study) == ["digits", "cifar10"]


def test_networks_that_change_places_are_named() -> None:
    one = make_study(["digits"], models=["lenet", "vgg16"], strengths={"lenet": 3, "vgg16": 0.3})
    other = make_study(["cifar10"], models=["lenet", "vgg16"], strengths={"lenet": 0.3, "vgg16": 3})
    study = replace(
        one, datasets={**one.datasets, **other.datasets}, cells={**one.cells, **other.cells}
    )
    (line,) = choosing.swaps(study, NAMES)
    assert "On *Synthetic digits* LENET is ahead of VGG16; on *Synthetic cifar10* it is" in line
    (same,) = choosing.swaps(STUDY, NAMES)
    assert "none of these changes places" in same


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("95", "accuracy", 0.95),
        ("95.5 %", "accuracy", 0.955),
        ("5M", "parameters", 5e6),
        ("62,006", "parameters", 62_006),
        ("1.5 G", "macs", 1.5e9),
        ("10min", "train_seconds", 600),
        ("2 h", "train_seconds", 7200),
        ("0.7ms", "latency_ms", 0.7),
        ("2GiB", "peak_memory_mib", 2048),
    ],
)
def test_a_limit_is_read_with_its_unit(text: str, key: str, value: float) -> None:
    assert choosing.amount(text, CRITERIA[key]) == value


@pytest.mark.parametrize("text", ["", "many", "-5", "5 parsec", "5M5", "1e999", "5 % %"])
def test_what_is_no_limit_is_one_line(text: str) -> None:
    with pytest.raises(InputError, match="parameters: wanted a number") as caught:
        choosing.amount(text, PARAMETERS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["0.95", "1", "100.1%", "955"])
def test_an_accuracy_is_a_percentage_and_no_fraction(text: str) -> None:
    with pytest.raises(InputError, match="test accuracy: wanted a percentage as 95%"):
        choosing.amount(text, CRITERIA["accuracy"])


@pytest.mark.parametrize("text", ["95,5%", "95,5", "1,00", ",5", "1,0000"])
def test_a_comma_stands_before_thousands_alone(text: str) -> None:
    with pytest.raises(InputError, match="wanted a number"):
        choosing.amount(text, CRITERIA["accuracy"])


def test_what_the_script_needs_is_an_attribute_without_measured_figures() -> None:
    text = choosing.picker(STUDY)
    assert not set(text) & set('<>"')
    plan = json.loads(html.unescape(text))
    assert [row["dataset"] for row in plan["rows"]] == ["digits"] * 5 + ["cifar10"] * 5
    for place, row in enumerate(plan["rows"]):
        assert place not in row["level"]
        assert all(plan["rows"][other]["dataset"] == row["dataset"] for other in row["level"])
    table = choosing.every_figure(STUDY, NAMES)
    for criterion in plan["criteria"]:
        assert table.headers[criterion["column"]].startswith(criterion["label"])


def test_the_image_set_is_named_or_the_closest() -> None:
    assert choosing.image_set(ALONE, "", None, None) == "digits"
    assert choosing.image_set(STUDY, "cifar10", None, None) == "cifar10"
    assert choosing.image_set(STUDY, "", 1000, 10) == "digits"
    with pytest.raises(InputError, match="it has digits, cifar10"):
        choosing.image_set(STUDY, "mnist", None, None)
    with pytest.raises(InputError, match="several image sets"):
        choosing.image_set(STUDY, "", None, None)


def test_the_command_gives_a_reason_for_every_network() -> None:
    done = cnnreport("choose", "--study", "objects", "--accuracy", "65%", "--train-time", "30min")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("cifar100-objects: 4,500 training images")
    assert len(lines) == 2 + len(MODELS)
    assert "LeNet: excluded by test accuracy" in done.stdout
    assert " and training time, " in next(line for line in lines if line.startswith("GoogLeNet: "))
    assert lines[-1].startswith("Take VGGNet-16: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--parameters", "many"],
        ["--study", "objects", "--dataset", "mnist"],
    ],
)
def test_bad_input_of_the_command_is_one_line(arguments: list[str]) -> None:
    done = cnnreport("choose", *arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("name", ["objcets", "../studies/objects", "."])
def test_an_unknown_study_is_told_with_those_that_there_are(name: str) -> None:
    known = ", ".join(frozen_names(ROOT / "report/studies"))
    done = cnnreport("choose", "--study", name)
    assert (done.returncode, done.stderr) == (2, f"error: no study '{name}'; known: {known}\n")


def test_help_of_the_command_has_an_example() -> None:
    assert "Example: cnnreport choose" in cnnreport("choose", "--help").stdout


HOSTILE = ("<script>alert(1)</script>", "](x)", "a | b", "# *stars* $x$", "two\nlines", "🐸 \u05e9")


@pytest.mark.parametrize("title", HOSTILE)
def test_titles_of_image_sets_are_escaped(title: str) -> None:
    datasets = {
        name: replace(record, title=title) if name == "digits" else record
        for name, record in STUDY.datasets.items()
    }
    study = replace(STUDY, datasets=datasets)
    texts = [choosing.image_sets(study, NAMES).markdown, *choosing.swaps(study, NAMES)]
    for text in texts:
        assert md(title) in text
        assert "<script" not in text
    assert len(choosing.image_sets(study, NAMES).markdown.splitlines()) == 4
