"""Tables that set two networks side by side, held against the predictions themselves."""

import itertools
import re
from dataclasses import replace

import pytest
from make_study import MODELS, make_study
from test_pages import pages_of

from cnnreport.formats import percent
from cnnreport.statistics import compare_cells, only_one_right
from cnnreport.study import Study
from cnnreport.tables import class_differences, pairs, side_by_side
from cnnreport.tables.words import NONE

NAMES = {model: model for model in MODELS}


@pytest.fixture(scope="module", params=[(0,), (0, 1)], ids=["one seed", "two seeds"])
def study(request: pytest.FixtureRequest) -> Study:
    return make_study(models=MODELS[:3], seeds=request.param, images_per_class=20)


def test_only_one_right_counts_answers(study: Study) -> None:
    a, b = study.cell("digits", "lenet"), study.cell("digits", "vgg16")
    mine = theirs = 0
    for one, other in zip(a.runs, b.runs, strict=True):
        rows = zip(one.predictions.itertuples(), other.predictions.itertuples(), strict=True)
        for left, right in rows:
            hit, other_hit = left.label == left.predicted, right.label == right.predicted
            mine += hit and not other_hit
            theirs += other_hit and not hit
    assert only_one_right(a, b) == (mine, theirs)
    answers = len(a.runs) * len(a.runs[0].predictions)
    assert (mine - theirs) / answers == pytest.approx(compare_cells(a, b).difference)


def test_every_pair_has_a_row_and_the_better_one_is_named(study: Study) -> None:
    table = pairs(study, "digits", NAMES)
    ranked = [cell.model for cell in study.ranked("digits")]
    assert [(row[0], row[1]) for row in table.rows] == list(itertools.combinations(ranked, 2))
    assert {row[2] for row in table.rows} <= {"no", *(f"yes, {name} is better" for name in ranked)}
    for one, other, outcome, difference, *_ in table.rows:
        assert outcome in ("no", f"yes, {one} is better"), (one, other)
        assert difference.startswith("+")


def test_measures_have_a_column_a_network(study: Study) -> None:
    table = side_by_side(study, "digits", NAMES)
    ranked = [cell.model for cell in study.ranked("digits")]
    assert table.headers == ["Measure", *ranked]
    rows = {row[0]: row[1:] for row in table.rows}
    counts = [f"{study.cell('digits', model).metrics.parameters:,}" for model in ranked]
    assert rows["Parameters"] == counts
    assert all(set(row) != {NONE} for row in rows.values())


def test_classes_that_are_level_share_the_line_of_the_best(study: Study) -> None:
    cell = study.ranked("digits")[0]
    names = list(cell.metrics.class_accuracy)
    accuracies = dict.fromkeys(names, 0.5) | {names[1]: 0.9, names[3]: 0.9, names[0]: 0.1}
    metrics = replace(cell.metrics, class_accuracy=accuracies)
    cells = study.cells | {("digits", cell.model): replace(cell, metrics=metrics)}
    table = side_by_side(replace(study, cells=cells), "digits", NAMES)
    column = table.headers.index(cell.model)
    rows = {row[0]: row[column] for row in table.rows}
    assert rows["Class recognised best"] == f"{names[1]} and {names[3]} ({percent(0.9)})"
    assert rows["Class recognised worst"] == f"{names[0]} ({percent(0.1)})"


def test_class_differences_are_those_of_the_accuracies(study: Study) -> None:
    table = class_differences(study, "digits", NAMES)
    assert len(table.rows) == 10
    for row in table.rows:
        for header, text in zip(table.headers[1:], row[1:], strict=True):
            one, other = (study.cell("digits", name) for name in header.split(" less "))
            name = row[0]
            wanted = one.metrics.class_accuracy[name] - other.metrics.class_accuracy[name]
            assert float(text.split("\N{NO-BREAK SPACE}")[0]) == pytest.approx(
                100 * wanted, abs=0.051
            )


def test_one_network_has_nothing_beside_it() -> None:
    page = pages_of(make_study(models=MODELS[:1]))["report/results/pairs.md"]
    assert "nothing to compare it with" in page
    assert not re.search(r"^\|", page, re.MULTILINE)
