import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from make_study import make_study

from cnnreport import tables
from cnnreport.claims import load_claims
from cnnreport.errors import InputError
from cnnreport.evidence import from_file, ledger
from cnnreport.formats import points_range
from cnnreport.judgements import Judged, check_claims, judge, relation
from cnnreport.pages.templating import make_environment, render_template
from cnnreport.params import load_params
from cnnreport.predicates import Truth, parse
from cnnreport.statistics import compare_all
from cnnreport.study import Cell, Study, load_study

ROOT = Path(__file__).parent.parent
HOLDS, CONTRADICTED, UNDECIDED, UNTESTED = Truth
TITLES = {"lenet": "LeNet", "alexnet": "AlexNet", "vgg16": "VGG_16", "resnet50": "ResNet"}


def with_accuracies(study: Study, right: Mapping[str, int]) -> Study:
    """The study with predictions of which so many are right, the others each the next class."""
    cells = {}
    for (dataset, model), cell in study.cells.items():
        cells[dataset, model] = with_right(cell, right[model])
    return replace(study, cells=cells)


def with_right(cell: Cell, right: int) -> Cell:
    predictions = cell.runs[0].predictions.copy()
    wrong = predictions.index >= right
    predictions["predicted"] = (predictions["label"] + wrong) % 10
    metrics = replace(cell.metrics, accuracy=right / len(predictions), train_accuracy=0.9)
    history = [replace(row, train_accuracy=0.9) for row in cell.runs[0].history]
    run = replace(cell.runs[0], predictions=predictions, history=history)
    return replace(cell, metrics=metrics, runs=[run])


def as_read(study: Study) -> Study:
    """The study with evidence at its numbers, as if it had been read from files."""
    cells = {
        key: replace(
            cell,
            metrics=from_file(cell.metrics, f"results/{key[0]}/{key[1]}/metrics.json"),
            architecture=from_file(cell.architecture, f"results/{key[0]}/{key[1]}/a.json"),
            runs=[replace(run, training=from_file(run.training, "t.json")) for run in cell.runs],
        )
        for key, cell in study.cells.items()
    }
    return replace(study, cells=cells)


@pytest.fixture(scope="module")
def study() -> Study:
    """LeNet 50 %, AlexNet 50.7 %, VGG 80 % and ResNet 100 % of 300 images; VGG is the largest."""
    made = make_study(("digits", "cifar10"), tuple(TITLES))
    return with_accuracies(made, {"lenet": 150, "alexnet": 152, "vgg16": 240, "resnet50": 300})


@pytest.fixture(scope="module")
def alone() -> Study:
    return make_study(models=("lenet",))


@pytest.mark.parametrize(
    ("when", "truth"),
    [
        ("vgg16 > lenet on digits", HOLDS),
        ("lenet > vgg16 on digits", CONTRADICTED),
        ("alexnet > lenet on digits", UNDECIDED),
        ("lenet < alexnet on digits", UNDECIDED),
        ("lenet ~ alexnet on digits", HOLDS),
        ("lenet ~ vgg16 on digits", CONTRADICTED),
        ("lenet >= alexnet on digits", HOLDS),
        ("lenet >= vgg16 on digits", CONTRADICTED),
        ("vgg16 <= lenet on digits", CONTRADICTED),
        ("lenet, alexnet < vgg16, resnet50 on digits, cifar10", HOLDS),
        ("lenet > googlenet on digits", UNTESTED),
        ("lenet < vgg16 on cifar100", UNTESTED),
        ("lenet < vgg16 on every", HOLDS),
        # rankings
        ("first(resnet50) on digits", HOLDS),
        ("first(vgg16) on digits", CONTRADICTED),
        ("alone_first(resnet50) on digits", HOLDS),
        ("last(lenet) on digits", HOLDS),
        ("last(alexnet) on digits", HOLDS),
        ("alone_last(lenet) on digits", UNDECIDED),
        ("alone_last(vgg16) on digits", CONTRADICTED),
        ("first(googlenet) on digits", UNTESTED),
        # a figure against a number: 150 of 300 is 44.4 to 55.6 %
        ("lenet < 0.6 on digits", HOLDS),
        ("lenet < 0.4 on digits", CONTRADICTED),
        ("lenet < 0.55 on digits", UNDECIDED),
        ("lenet ~ 0.5 on digits", HOLDS),
        ("lenet >= 0.55 on digits", HOLDS),
        ("googlenet > 0 on digits", UNTESTED),
        ("lenet > 0.3 on digits.gap", HOLDS),
        ("lenet < 0.3 on digits.gap", CONTRADICTED),
        ("lenet > 0.42 on digits.gap", UNDECIDED),
        ("lenet < 0.95 on digits.train_accuracy", HOLDS),
        # counted and timed
        ("vgg16 > resnet50 on digits.parameters", HOLDS),
        ("vgg16 > resnet50 on digits.layers", CONTRADICTED),
        ("vgg16 >= resnet50 on digits.layers", HOLDS),
        ("vgg16 ~ resnet50 on digits.layers", HOLDS),
        ("lenet < 100000 on digits.parameters", HOLDS),
        ("lenet < vgg16 on digits.train_seconds", HOLDS),
        # trends: accuracy goes lenet ~ alexnet < vgg16 < resnet50
        ("rises_with(accuracy) on digits", HOLDS),
        ("rises_with(parameters) on digits", CONTRADICTED),
        ("rises_with(layers) on digits", UNTESTED),
        ("falls_with(macs) on digits", CONTRADICTED),
    ],
)
def test_a_predicate_on_known_figures(study: Study, when: str, truth: Truth) -> None:
    assert judge(parse(when), study).truth is truth


def test_trends_strict_and_not(study: Study) -> None:
    """Without VGG, more parameters go with more accuracy, but LeNet and AlexNet are level."""
    models = ["lenet", "alexnet", "resnet50"]
    smaller = replace(study, params=study.params.model_copy(update={"models": models}))
    assert judge(parse("rises_with(parameters) on digits"), smaller).truth is UNDECIDED
    assert judge(parse("never_falls_with(parameters) on digits"), smaller).truth is HOLDS
    assert judge(parse("never_rises_with(parameters) on digits"), smaller).truth is CONTRADICTED


def test_one_pair_may_contradict_a_trend_and_shows_none(study: Study) -> None:
    pair = replace(study, params=study.params.model_copy(update={"models": ["lenet", "resnet50"]}))
    judged = judge(parse("rises_with(parameters) on digits"), pair)
    assert judged.truth is UNTESTED
    assert [ground.words(pair, TITLES) for ground in judged.deciding] == [
        "Synthetic digits: one pair of networks shows no trend"
    ]
    assert len(judged.grounds) == 2
    assert judge(parse("falls_with(parameters) on digits"), pair).truth is CONTRADICTED


@pytest.mark.parametrize("when", ["first(lenet) on digits", "rises_with(macs) on digits"])
def test_one_network_has_nothing_to_be_compared_with(alone: Study, when: str) -> None:
    judged = judge(parse(when), alone)
    assert judged.truth is UNTESTED
    assert "no two networks" in judged.deciding[0].words(alone, TITLES)


PARTS = {
    HOLDS: "vgg16 > lenet on digits",
    CONTRADICTED: "lenet > vgg16 on digits",
    UNDECIDED: "alexnet > lenet on digits",
    UNTESTED: "lenet > googlenet on digits",
}


@pytest.mark.parametrize(("a", "b"), list(itertools.product(Truth, repeat=2)))
def test_de_morgan_on_predicates(study: Study, a: Truth, b: Truth) -> None:
    one, other = PARTS[a], PARTS[b]
    left = judge(parse(f"not ({one} and {other})"), study)
    right = judge(parse(f"not {one} or not {other}"), study)
    assert left.truth is right.truth
    assert set(left.deciding) == set(right.deciding)
    if CONTRADICTED in (a, b):
        assert left.truth is HOLDS


def test_the_deciding_comparisons_are_those_that_contradict(study: Study) -> None:
    judged = judge(parse("resnet50, lenet > vgg16, alexnet on digits"), study)
    words = [ground.words(study, TITLES) for ground in judged.deciding]
    assert judged.truth is CONTRADICTED
    assert len(judged.grounds) == 4
    assert [text.split(":")[1] for text in words] == [" VGG_16 80.0\xa0% less LeNet 50.0\xa0%"]


def test_words_of_a_pair_give_difference_interval_and_adjusted_p(study: Study) -> None:
    [ground] = judge(parse("lenet ~ alexnet on digits"), study).grounds
    [pair] = [
        pair
        for pair in compare_all(study.ranked("digits"))
        if {pair.model_a, pair.model_b} == {"lenet", "alexnet"}
    ]
    interval = points_range(pair.interval.low, pair.interval.high).replace("\xa0", " ")
    assert ground.words(study, TITLES).replace("\xa0", " ") == (
        "Synthetic digits: AlexNet 50.7 % less LeNet 50.0 %: +0.7 points "
        f"({interval}), adjusted p {pair.p_value:.3f}: cannot be told apart"
    )


def test_words_of_counts_and_bounds(study: Study) -> None:
    when = parse("lenet < vgg16 on digits.parameters and lenet > 0.9 on digits")
    counted, bound = (ground.words(study, TITLES) for ground in judge(when, study).grounds)
    assert counted == ("Synthetic digits, parameters: LeNet 62,006 against VGG_16 33,687,882: less")
    assert bound.replace("\xa0", " ") == (
        "Synthetic digits, test accuracy: LeNet 50.0 % (44.4 % to 55.6 %) against 90.0 %: less"
    )


@pytest.mark.parametrize(
    ("sign", "more", "less", "level", "equal"),
    [
        (">", HOLDS, CONTRADICTED, UNDECIDED, CONTRADICTED),
        (">=", HOLDS, CONTRADICTED, HOLDS, HOLDS),
        ("~", CONTRADICTED, CONTRADICTED, HOLDS, HOLDS),
        ("<=", CONTRADICTED, HOLDS, HOLDS, HOLDS),
        ("<", CONTRADICTED, HOLDS, UNDECIDED, CONTRADICTED),
    ],
)
def test_the_page_says_what_every_sign_is_worth(
    study: Study, sign: str, more: Truth, less: Truth, level: Truth, equal: Truth
) -> None:
    expected = {"more": more, "less": less, "level": level, "equal": equal}
    assert Judged([], study, TITLES).outcomes[sign] == expected


def test_relation_words(study: Study) -> None:
    assert relation(study, "digits", "vgg16", "lenet") == "outperforms"
    assert relation(study, "digits", "lenet", "vgg16") == "is worse than"
    assert relation(study, "digits", "lenet", "alexnet") == "cannot be told apart from"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("cifar100", "lenet", "vgg16"), "'cifar100' is not in this study"),
        (("digits", "lenet", "googlenet"), "'googlenet' is not in this study, which has lenet"),
        (("digits", "lenet", "lenet"), "wanted two networks, came 'lenet' twice"),
    ],
)
def test_relation_of_what_is_not_there(
    study: Study, names: tuple[str, str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        relation(study, *names)


CLAIMS = """\
claims:
  - {key: fine, by: us, says: VGG beats LeNet., when: vgg16 > lenet on digits}
  - {key: open, by: us, says: AlexNet beats LeNet., when: alexnet > lenet on digits}
  - {key: lacking, by: us, says: GoogLeNet wins., when: "googlenet > lenet, vgg16 on every"}
  - {key: theirs, by: original, says: LeNet beats VGG., when: lenet > vgg16 on digits}
"""
WRONG = '  - {key: KEY, by: us, says: LeNet beats VGG., when: "lenet > vgg16, resnet50 on every"}\n'


def judged_claims(tmp_path: Path, study: Study, text: str = CLAIMS) -> Judged:
    path = tmp_path / "claims.yaml"
    path.write_text(text, encoding="utf-8")
    return Judged(load_claims(path), study, TITLES)


def test_our_claims_may_be_open_or_untested_and_theirs_contradicted(
    tmp_path: Path, study: Study
) -> None:
    claims = judged_claims(tmp_path, study)
    check_claims(claims.claims, study, TITLES)
    assert [claims.judgement(claim).truth for claim in claims.claims] == [
        HOLDS,
        UNDECIDED,
        UNTESTED,
        CONTRADICTED,
    ]


def test_a_contradicted_claim_of_ours_is_named_with_line_sentence_and_numbers(
    tmp_path: Path, study: Study
) -> None:
    text = CLAIMS + WRONG.replace("KEY", "bad") + WRONG.replace("KEY", "worse")
    claims = judged_claims(tmp_path, study, text)
    with ledger(), pytest.raises(InputError) as caught:
        check_claims(claims.claims, as_read(study), TITLES)
    message = str(caught.value).replace("\xa0", " ")
    assert message.startswith(
        f'{tmp_path / "claims.yaml"}:6: claim bad: "LeNet beats VGG." is contradicted by this '
        "study (lenet > vgg16, resnet50 on every): Synthetic digits: VGG_16 80.0 % less LeNet "
        "50.0 %: +30.0 points ("
    )
    assert "; and 1 comparison more; " in message
    assert message.endswith("; so are: worse")
    assert "\n" not in message


def test_a_hand_written_sentence_stands_only_if_its_predicate_holds(
    tmp_path: Path, study: Study
) -> None:
    claims = judged_claims(tmp_path, study)
    assert claims.says("VGG leads.", "vgg16 > lenet on digits") == "VGG leads."
    assert claims.says("GoogLeNet leads.", "first(googlenet) on every") == ""
    for when, verdict in (
        ("lenet > vgg16 on digits", "contradicted"),
        ("alexnet > lenet on digits", "undecided"),
    ):
        with pytest.raises(InputError, match=f'^"So it is." is {verdict} .* adjusted p '):
            claims.says("So it is.", when)
    with pytest.raises(InputError, match=r'^"So\.": predicate "lenet >": column 8: wanted'):
        claims.says("So.", "lenet >")


def test_a_template_with_a_contradicted_sentence_fails(tmp_path: Path, study: Study) -> None:
    text = "One.\n{{ claims.says('LeNet leads.', 'first(lenet) on digits') }}\n"
    environment = make_environment({"page.md.j2": text})
    context = {"claims": judged_claims(tmp_path, study)}
    with pytest.raises(InputError) as caught:
        render_template(environment, "page.md.j2", context)
    message = str(caught.value)
    assert message.startswith('report/templates/page.md.j2:2: "LeNet leads." is contradicted')
    assert "VGG_16 80.0 % less LeNet 50.0 %" in message


def test_the_table_shows_every_claim_with_its_verdict(tmp_path: Path, study: Study) -> None:
    claims = judged_claims(tmp_path, study)
    assert tables.claims(claims, "original", "to/claims.md").rows == [
        [
            "LeNet beats VGG.",
            "[**contradicted**](to/claims.md#theirs)",
            "Synthetic digits: contradicted",
        ]
    ]
    assert [row[1] for row in tables.claims(claims, "us").rows] == [
        "[holds](#fine)",
        "[undecided](#open)",
        "[untested](#lacking)",
    ]


def test_verdicts_by_image_set(tmp_path: Path, study: Study) -> None:
    both = "claims:\n  - {key: a, by: us, says: S., when: 'lenet < vgg16 on cifar100, digits'}\n"
    claims = judged_claims(tmp_path, study, both)
    [claim] = claims.claims
    assert claims.judgement(claim).truth is UNTESTED
    assert claims.by_dataset(claim) == {"Synthetic digits": HOLDS, "cifar100": UNTESTED}


def test_deciding_and_other_comparisons_are_in_markdown(tmp_path: Path, study: Study) -> None:
    text = "claims:\n  - {key: a, by: us, says: S., when: 'lenet > resnet50, alexnet on digits'}\n"
    claims = judged_claims(tmp_path, study, text)
    [claim] = claims.claims
    assert [line.split("less")[0] for line in claims.deciding(claim)] == [
        "Synthetic digits: ResNet 100.0\xa0% "
    ]
    assert [line.split(" ")[2] for line in claims.others(claim)] == ["AlexNet"]
    theirs = judged_claims(tmp_path, study)
    assert "VGG\\_16" in theirs.deciding(theirs.by("original")[0])[0]


def test_numbers_of_a_finding_carry_their_evidence(study: Study) -> None:
    """So that the page can link each one to its passport."""
    read = as_read(study)
    when = (
        "lenet ~ alexnet on digits and lenet < 0.9 on digits.gap and lenet < vgg16 on "
        "digits.train_ms_per_image, digits.layers"
    )
    with ledger() as book:
        texts = [ground.words(read, TITLES) for ground in judge(parse(when), read).grounds]
    # A difference, an interval of two ends and a p-value beside the two accuracies.
    assert texts[0].count("\ue000") == 6
    # The number of the predicate is nobody's measurement.
    assert [text.count("\ue000") for text in texts[1:]] == [3, 6, 2]
    assert len({citation.evidence.key for citation in book.citations}) == len(book.citations)


@pytest.mark.parametrize("folder", [".", *sorted((ROOT / "report/studies").glob("*/"))], ids=str)
def test_no_study_of_the_project_contradicts_our_claims(folder: Any) -> None:
    place = ROOT / folder
    study = load_study(load_params(place / "params.yaml"), place / "results")
    titles = {model: model for model in study.params.models}
    check_claims(load_claims(ROOT / "report/claims.yaml"), study, titles)
