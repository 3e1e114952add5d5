from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import pytest
from make_study import STRENGTHS, make_study, normalised
from test_pages import pages_of

from cnnreport import choosing, verdicts
from cnnreport.batchnorm import TakenAnew
from cnnreport.formats import percent, points, seconds
from cnnreport.records import Layer
from cnnreport.study import Manifest, Study

NAMES = {model: model.upper() for model in STRENGTHS}


def study_of(
    strengths: Mapping[str, float], seeds: Sequence[int] = (0,), images: int = 60
) -> Study:
    return make_study(
        models=list(strengths), strengths=strengths, seeds=seeds, images_per_class=images
    )


def verdict(study: Study) -> str:
    return " ".join(verdicts.verdict(study, "digits", NAMES))


def test_a_clear_leader_is_named() -> None:
    text = verdict(study_of({"lenet": 0.2, "alexnet": 1.0, "vgg16": 3.5}))
    assert "VGG16 has the highest accuracy" in text
    assert "Its lead over every other network is more than the choice of test images" in text
    assert "LENET has the lowest" in text
    assert "which is more than the choice of test images explains" in text


def test_networks_that_cannot_be_told_apart_are_not_ranked() -> None:
    text = verdict(study_of({"lenet": 1.5, "alexnet": 1.5}, images=20))
    assert "cannot tell" in text
    assert "so no network is called the best" in text
    assert "which the choice of test images may explain" in text
    assert "lead" not in text


def test_a_leader_with_one_tie_is_ahead_of_the_rest_only() -> None:
    study = study_of({"lenet": 0.2, "alexnet": 2.0, "vgg16": 2.0})
    text = verdict(study)
    assert "cannot tell" in text
    assert "its lead over LENET is more than the choice of test images explains" in text


def test_equal_accuracies_are_shared() -> None:
    study = study_of({"lenet": 1.5, "alexnet": 1.0})
    lenet = study.cell("digits", "lenet")
    twin = replace(lenet, model="alexnet")
    study = replace(study, cells={**study.cells, ("digits", "alexnet"): twin})
    text = verdict(study)
    assert text.startswith("Several networks share the highest accuracy")
    assert "LENET and ALEXNET with" in text
    assert "All networks reach the same accuracy." in text


def test_a_single_network_has_nothing_to_be_compared_with() -> None:
    study = study_of({"lenet": 1.5})
    assert "the only network" in verdict(study)
    assert verdicts.pairs(study, "digits") == ""
    assert verdicts.fairness(study, "digits", NAMES) == ""
    assert verdicts.size(study, "digits", NAMES) == ""
    assert "nothing to choose" in verdicts.outcome(study, "digits", NAMES)
    assert verdicts.cost(study, "digits", NAMES) == f"LENET trained in {seconds(4.2)}."


def test_cost_compares_the_quickest_of_the_best_with_the_slowest() -> None:
    study = study_of({"lenet": 0.2, "alexnet": 3.0, "googlenet": 0.5})
    text = verdicts.cost(study, "digits", NAMES)
    assert text.startswith(f"ALEXNET trained in {seconds(62)}; GOOGLENET took the longest")
    assert "about 6.5 times as long" in text


@pytest.mark.parametrize(
    ("slowest", "expected"),
    [(6.5, "about 6.5 times"), (23.4, "about 23 times"), (170.2, "about 170")],
)
def test_how_many_times_as_long_is_a_plain_number(slowest: float, expected: str) -> None:
    study = study_of({"lenet": 3.5, "alexnet": 0.2})
    cells = {}
    for (dataset, model), cell in study.cells.items():
        time = 10.0 * (slowest if model == "alexnet" else 1.0)
        runs = [
            replace(run, training=replace(run.training, train_seconds=time)) for run in cell.runs
        ]
        cells[dataset, model] = replace(cell, runs=runs)
    assert expected in verdicts.cost(replace(study, cells=cells), "digits", NAMES)


@pytest.mark.parametrize(
    ("normalised", "momentum", "epochs", "warned"),
    [
        (True, None, 5, "about the last 100 of 180 steps"),  # five epochs of 4,500 images
        (True, None, 13, "about the last 100 of 468 steps"),
        (True, None, 2, "more steps than the 72 that there were"),
        (True, None, 28, ""),  # 1,008 steps
        (True, 0.9, 5, ""),
        (False, None, 5, ""),
    ],
)
def test_averages_that_have_not_settled_are_told(
    normalised: bool, momentum: float | None, epochs: int, warned: str
) -> None:
    study = study_of({"alexnet": 1.0})
    cell = study.cell("digits", "alexnet")
    kinds = ["Conv2D", *(["BatchNormalization"] if normalised else [])]
    layers = [Layer(kind, kind, [1], 0, "", "momentum 0.99", []) for kind in kinds]
    cell = replace(
        cell,
        architecture=replace(cell.architecture, layers=layers),
        recipe=cell.recipe.model_copy(update={"batch_norm_momentum": momentum, "batch_size": 128}),
        metrics=replace(cell.metrics, epochs=epochs, images_seen=epochs * 4500),
    )
    study = replace(study, cells={("digits", "alexnet"): cell})
    text = verdicts.unsettled(study, "digits", NAMES)
    assert bool(text) == bool(warned)
    if warned:
        assert f"those of ALEXNET over {warned} (momentum 0.99)" in text
        assert text in verdict(study)


def test_unsettled_averages_leave_a_choice_in_doubt() -> None:
    doubt = "may turn the choice round."
    study = study_of({"lenet": 0.2, "alexnet": 3.0})
    for say in (verdicts.outcome, choosing.headline):
        assert doubt not in say(normalised(study, 0.9), "digits", NAMES)
        assert say(normalised(study), "digits", NAMES).endswith(doubt)
    alone = normalised(study_of({"alexnet": 3.0}))
    assert doubt not in verdicts.outcome(alone, "digits", NAMES)
    by = choosing.CRITERIA["train_seconds"]
    for limits, told in ((choosing.Limits({}), True), (choosing.Limits({"parameters": 1}), False)):
        lines = choosing.reasoning(normalised(study), "digits", limits, by, NAMES)
        assert lines[-1].endswith(doubt) == told


def test_a_network_of_ones_own_averages_with_its_own_momentum() -> None:
    cell = normalised(study_of({"alexnet": 1.0}), 0.75).cell("digits", "alexnet")
    assert cell.batch_norm_momentum == 0.75
    own = cell.recipe.model_copy(update={"batch_norm_momentum": 0.5})
    assert replace(cell, recipe=own).batch_norm_momentum == 0.5
    bare = replace(cell.architecture, layers=[])
    assert replace(cell, recipe=own, architecture=bare).batch_norm_momentum is None


def with_one_normalised(study: Study) -> Study:
    """The study with batch normalisation that has not settled in AlexNet alone."""
    lagging = normalised(study)
    cells = {}
    for key, cell in study.cells.items():
        bare = replace(cell, architecture=replace(cell.architecture, layers=[]))
        cells[key] = lagging.cells[key] if key[1] == "alexnet" else bare
    return replace(study, cells=cells)


def test_only_the_page_of_a_network_that_lags_says_so() -> None:
    study = study_of({"lenet": 1.0, "alexnet": 1.0})
    lagging = normalised(study).cells["digits", "alexnet"]
    pages = pages_of(replace(study, cells=study.cells | {("digits", "alexnet"): lagging}))
    note = '!!! note "Averages that lag behind the weights"\n    Batch normalisation tests'
    page = pages["report/networks/alexnet.md"]
    assert page.count(note) == 1
    assert "so its test accuracy may lie far below what the network has learned. What" in page
    assert note not in pages["report/networks/lenet.md"]
    assert note in pages["report/results/classes.md"]
    both = verdicts.unsettled(normalised(study_of({"alexnet": 1.0, "vgg16": 1.0})), "digits", NAMES)
    assert both.endswith("these test accuracies may lie far below what the networks have learned.")


def test_a_loss_that_rose_beside_unsettled_averages_is_not_laid_to_learning_by_heart() -> None:
    study = with_one_normalised(study_of({"lenet": 1.0, "alexnet": 1.0}))
    cells = {}
    for key, cell in study.cells.items():
        rising = [
            replace(epoch, validation_loss=1.0 + 0.2 * place)
            for place, epoch in enumerate(cell.runs[0].history)
        ]
        cells[key] = replace(cell, runs=[replace(cell.runs[0], history=rising)])
    settled, lagging = verdicts.rising_loss(replace(study, cells=cells), "digits", NAMES).split(
        " The validation loss of "
    )
    assert settled.startswith("The validation loss of LENET (")
    assert "this network went on learning the training images by heart" in settled
    assert lagging.startswith("ALEXNET (")
    assert lagging.endswith("so its lowest point marks no best epoch.")


def test_gaps_beside_unsettled_averages_are_no_measure_of_overfitting() -> None:
    study = study_of({"lenet": 0.2, "alexnet": 1.0})
    text = verdicts.overfitting(with_one_normalised(study), "digits", NAMES)
    assert text.startswith("From training to test images ALEXNET falls from ")
    assert "LENET" not in text
    assert "no measure of overfitting" in text
    assert "no measure of overfitting" not in verdicts.overfitting(study, "digits", NAMES)


def test_nothing_follows_about_size_where_averages_lag() -> None:
    study = study_of({"lenet": 0.2, "alexnet": 3.0})
    assert "more parameters is the" in verdicts.size(study, "digits", NAMES)
    text = verdicts.size(with_one_normalised(study), "digits", NAMES)
    assert text.endswith("so nothing follows about size.")


def test_who_has_no_averages_is_told_among_what_was_not_held_equal() -> None:
    study = study_of({"lenet": 0.2, "alexnet": 3.0})
    said = "LENET has no batch normalisation, and so no averages that lag behind"
    assert said not in verdicts.fairness(study, "digits", NAMES)
    assert said in verdicts.fairness(with_one_normalised(study), "digits", NAMES)


def test_what_the_very_networks_do_with_averages_taken_anew() -> None:
    manifest = Manifest("kept", "Kept", "2026-11-30", "c" * 40, {})
    study = replace(
        with_one_normalised(study_of({"lenet": 3.0, "alexnet": 0.2})), manifest=manifest
    )
    row = TakenAnew("kept", "digits", "alexnet", 0, 0.5, 0.4, 1.0, 0.99)
    text = verdicts.taken_anew(study, "digits", NAMES, [row])
    shares = f"is ALEXNET {percent(0.99)} instead of {percent(0.4)}. The other networks, as they"
    assert f"{shares} are: LENET " in text
    assert "ALEXNET then comes first there and not LENET" in text
    level = verdicts.taken_anew(study, "digits", NAMES, [replace(row, anew_validation=0.41)])
    assert "comes first" not in level
    # Of other studies, or of some networks only, nothing follows.
    assert verdicts.taken_anew(study, "digits", NAMES, [replace(row, study="other")]) == ""
    assert verdicts.taken_anew(normalised(study), "digits", NAMES, [row]) == ""
    assert verdicts.taken_anew(normalised(study, 0.9), "digits", NAMES, [row]) == ""


def test_a_study_that_did_better_on_the_same_images_is_named() -> None:
    ours, better = study_of({"lenet": 0.2}), study_of({"vgg16": 3.0})
    manifest = Manifest("better", "A *better* one", "2026-11-30", "c" * 40, {})
    better = replace(better, manifest=manifest)
    text = verdicts.higher_elsewhere(ours, "digits", [better])
    accuracy = percent(better.cell("digits", "vgg16").metrics.accuracy)
    assert text.startswith(f"On the same images VGGNet-16 reached {accuracy} in *A ")
    assert verdicts.higher_elsewhere(better, "digits", [better]) == ""
    assert verdicts.higher_elsewhere(study_of({"vgg16": 5.0}), "digits", [better]) == ""
    record = replace(better.datasets["digits"], digest="another")
    others = replace(better, datasets={"digits": record})
    assert verdicts.higher_elsewhere(ours, "digits", [others]) == ""


def test_averages_that_reach_back_unlike_far_are_told_by_the_farthest() -> None:
    study = study_of({"alexnet": 1.0, "vgg16": 1.0})
    layers = [Layer("bn", "BatchNormalization", [1], 0, "", "momentum 0.99", [])]
    cells = {
        key: replace(
            cell,
            architecture=replace(cell.architecture, layers=layers),
            recipe=cell.recipe.model_copy(
                update={"batch_norm_momentum": None, "batch_size": 128 if key[1] == "vgg16" else 64}
            ),
            metrics=replace(cell.metrics, epochs=5, images_seen=5 * 4500),
        )
        for key, cell in study.cells.items()
    }
    text = verdicts.unsettled(replace(study, cells=cells), "digits", NAMES)
    assert "those of ALEXNET and VGG16 over at most about the last 100 of 180 steps" in text


def test_one_seed_leaves_the_spread_unknown() -> None:
    one, two = study_of({"lenet": 1.0}), study_of({"lenet": 1.0}, seeds=(0, 1))
    assert "unknown" in verdicts.seeds(one)
    assert verdicts.spread(one, "digits", NAMES) == ""
    assert "unknown" not in verdicts.seeds(two)
    assert "LENET" in verdicts.spread(two, "digits", NAMES)


@pytest.mark.parametrize(
    ("train_accuracy", "expected"), [(1.0, "loses most"), (0.0, "cannot show overfitting")]
)
def test_overfitting_is_read_off_the_gap(train_accuracy: float, expected: str) -> None:
    study = study_of({"lenet": 1.0, "alexnet": 1.0})
    cells = {
        key: replace(cell, metrics=replace(cell.metrics, train_accuracy=train_accuracy))
        for key, cell in study.cells.items()
    }
    text = verdicts.overfitting(replace(study, cells=cells), "digits", NAMES)
    assert expected in text


def test_the_training_figure_names_who_trains_otherwise_than_it_tests() -> None:
    study = study_of({"lenet": 1.0, "alexnet": 1.0})
    alexnet = normalised(study, 0.9).cells["digits", "alexnet"]
    lenet = study.cell("digits", "lenet")
    kinds = [layer for layer in lenet.architecture.layers if layer.kind != "BatchNormalization"]
    bare = replace(lenet, architecture=replace(lenet.architecture, layers=kinds))
    cells = {
        (cell.dataset, cell.model): replace(cell, metrics=replace(cell.metrics, train_accuracy=1.0))
        for cell in (alexnet, bare)
    }
    mixed = verdicts.overfitting(replace(study, cells=cells), "digits", NAMES)
    assert "with each batch normalised by itself (ALEXNET)" in mixed
    alone = replace(study_of({"alexnet": 1.0}), cells={("digits", "alexnet"): alexnet})
    assert "normalised by itself (" not in verdicts.overfitting(alone, "digits", NAMES)


@pytest.mark.parametrize(
    ("strengths", "agreement"),
    [
        (
            {"lenet": 0.2, "alexnet": 3.0},
            "the one with more parameters is the more accurate; one pair shows no rule.",
        ),
        (
            {"lenet": 3.0, "alexnet": 0.2},
            "the one with more parameters is the less accurate; one pair shows no rule.",
        ),
        ({"lenet": 1.5, "alexnet": 1.5}, "so nothing follows about size."),
        (
            {"lenet": 0.2, "alexnet": 1.2, "vgg16": 3.5},
            "Of the three pairs of networks that can be told apart, the one with more parameters "
            "is the more accurate in all three. Pairs share networks, so that is less evidence "
            "than their number suggests, and pairs that cannot be told apart are left out.",
        ),
    ],
)
def test_size_counts_only_pairs_that_can_be_told_apart(
    strengths: dict[str, float], agreement: str
) -> None:
    assert verdicts.size(study_of(strengths), "digits", NAMES).endswith(agreement)


def test_several_seeds_are_part_of_what_a_lead_is_held_against() -> None:
    text = verdict(study_of({"lenet": 0.2, "alexnet": 3.5}, seeds=(0, 1)))
    assert "more than the choice of test images and seeds explains" in text


def unequal(study: Study) -> Study:
    """The study as if the first class had many more images than the others."""
    record = study.datasets["digits"]
    images = record.test_images // len(record.class_names)
    counts = {"train": [900] + [100] * 9, "validation": [100] + [10] * 9, "test": [images] * 10}
    return replace(study, datasets={"digits": replace(record, class_counts=counts)})


def test_unequal_classes_are_told_with_what_they_mean() -> None:
    study = unequal(study_of({"lenet": 0.2, "vgg16": 3.5}))
    text = verdicts.balance(study, "digits", NAMES)
    assert "The classes are unequal: 0 has 1,060 images, 1 170." in text
    assert "Answering 0, whatever the image shows, would be right on 10.0" in text
    best = study.cell("digits", "vgg16").metrics
    assert best.balanced_accuracy == pytest.approx(best.accuracy)
    assert f"VGG16 {percent(best.balanced_accuracy)} and LENET" in text
    assert "apart" not in text
    assert "It lies below" not in text


def test_small_classes_that_are_recognised_less_often_are_told() -> None:
    study = unequal(study_of({"lenet": 0.2, "vgg16": 3.5}))
    cells = {
        key: replace(
            cell,
            metrics=replace(cell.metrics, balanced_accuracy=cell.metrics.accuracy - 0.05),
        )
        for key, cell in study.cells.items()
    }
    text = verdicts.balance(replace(study, cells=cells), "digits", NAMES)
    assert "It lies below the accuracy for every network: on average the classes" in text


def test_a_network_that_a_blind_answer_reaches_is_told() -> None:
    study = unequal(study_of({"lenet": 0.2, "vgg16": 3.5}))
    low = study.cell("digits", "lenet")
    labels = low.runs[0].predictions.label
    guessing = low.runs[0].predictions.assign(predicted=(labels + labels.index) % 10)
    run = replace(low.runs[0], predictions=guessing)
    metrics = replace(low.metrics, accuracy=0.1, accuracy_by_seed={"0": 0.1})
    cells = {**study.cells, ("digits", "lenet"): replace(low, runs=[run], metrics=metrics)}
    text = verdicts.balance(replace(study, cells=cells), "digits", NAMES)
    assert "of the test images; LENET cannot be told apart from that." in text


def test_about_equal_classes_are_not_spoken_of() -> None:
    assert not verdicts.balance(study_of({"lenet": 0.2}), "digits", NAMES)


def test_extreme_classes_are_those_of_the_means() -> None:
    study = study_of({"lenet": 1.0})
    accuracies = study.cell("digits", "lenet").metrics.class_accuracy
    text = verdicts.extreme_classes(study, "digits")
    assert "network" not in text
    assert f"most often are those of {max(accuracies, key=accuracies.__getitem__)} (" in text
    assert f"least often those of {min(accuracies, key=accuracies.__getitem__)} (" in text


def test_classes_that_are_recognised_equally_often_stand_together() -> None:
    study = study_of({"lenet": 1.0})
    names = study.datasets["digits"].class_names
    accuracies = dict.fromkeys(names, 0.5) | {names[2]: 0.8, names[7]: 0.8, names[4]: 0.1}
    cell = study.cell("digits", "lenet")
    metrics = replace(cell.metrics, class_accuracy=accuracies)
    changed = replace(study, cells={key: replace(cell, metrics=metrics) for key in study.cells})
    text = verdicts.extreme_classes(changed, "digits")
    assert f"those of {names[2]} and {names[7]} (80.0\N{NO-BREAK SPACE}% each), least" in text
    assert f"least often those of {names[4]} (10.0\N{NO-BREAK SPACE}%)." in text
    level = replace(cell.metrics, class_accuracy=dict.fromkeys(names, 0.5))
    flat = replace(study, cells={key: replace(cell, metrics=level) for key in study.cells})
    assert "those of all classes (50.0\N{NO-BREAK SPACE}% each)" in verdicts.extreme_classes(
        flat, "digits"
    )


def test_fairness_names_what_differs() -> None:
    study = study_of({"lenet": 1.0, "alexnet": 1.0})
    cell = study.cell("digits", "lenet")
    equal = {key: replace(other, recipe=cell.recipe) for key, other in study.cells.items()}
    assert "same settings" in verdicts.fairness(replace(study, cells=equal), "digits", NAMES)
    other = replace(cell, recipe=cell.recipe.model_copy(update={"batch_size": 999}))
    unequal = replace(study, cells={**equal, ("digits", "lenet"): other})
    said = verdicts.fairness(unequal, "digits", NAMES)
    assert "Not held equal between the networks: steps and batch size." in said


def test_a_setting_within_a_sentence_keeps_a_capital_that_is_its_own() -> None:
    study = study_of({"lenet": 1.0, "vgg16": 1.0})
    cell = study.cell("digits", "vgg16")
    conv = Layer("conv", "Conv2D", [1], 0, "relu", "64 kernels 3x3, same, L2 0.0001", [])
    penalised = replace(cell, architecture=replace(cell.architecture, layers=[conv]))
    study = replace(study, cells={**study.cells, ("digits", "vgg16"): penalised})
    assert "L2 penalty on kernels" in verdicts.fairness(study, "digits", NAMES)


def test_pairs_are_counted_in_words() -> None:
    study = study_of({"lenet": 0.2, "alexnet": 1.0, "vgg16": 3.5})
    assert "Of the three pairs of networks, three can be told apart" in verdicts.pairs(
        study, "digits"
    )
    same = study_of({"lenet": 1.5, "alexnet": 1.5}, images=20)
    text = verdicts.pairs(same, "digits")
    assert text == "The two networks cannot be told apart (exact McNemar, level 0.05)."
    apart = study_of({"lenet": 0.2, "alexnet": 3.0})
    assert verdicts.pairs(apart, "digits").startswith("The two networks can be told apart (")


def with_histories(study: Study, losses: list[float]) -> Study:
    """The study as if every validation loss had gone like this."""
    cells = {
        key: replace(
            cell,
            metrics=replace(cell.metrics, epochs=len(losses)),
            runs=[
                replace(
                    run,
                    history=[
                        replace(run.history[0], epoch=epoch + 1, validation_loss=loss)
                        for epoch, loss in enumerate(losses)
                    ],
                )
                for run in cell.runs
            ],
        )
        for key, cell in study.cells.items()
    }
    return replace(study, cells=cells)


def test_a_validation_loss_that_rose_is_told_with_its_lowest_epoch() -> None:
    study = study_of({"lenet": 0.2}, seeds=(0, 1))
    found = verdicts.rising_loss(with_histories(study, [2.0, 1.0, 1.2]), "digits", NAMES)
    assert "validation loss of LENET (epoch 2 of 3) was lowest before the end" in found
    assert verdicts.rising_loss(with_histories(study, [2.0, 1.0, 1.05]), "digits", NAMES) == ""
    assert verdicts.rising_loss(with_histories(study, [2.0, 1.5, 1.0]), "digits", NAMES) == ""


def started(study: Study, starts: list[str], seconds: float) -> Study:
    """The study as if its trainings had started then and taken so many seconds each."""
    times = iter(starts)
    cells = {
        key: replace(
            cell,
            runs=[
                replace(
                    run,
                    training=replace(run.training, started=next(times), train_seconds=seconds),
                )
                for run in cell.runs
            ],
        )
        for key, cell in study.cells.items()
    }
    return replace(study, cells=cells)


def test_trainings_beside_others_are_counted() -> None:
    study = study_of({"lenet": 0.2, "alexnet": 1.0, "vgg16": 2.0})
    day = "2026-11-30T10:{}:00+00:00".format
    apart = started(study, [day("00"), day("10"), day("20")], 600.0)
    assert verdicts.beside_others(apart) == ""
    beside = verdicts.beside_others(started(study, [day("00"), day("04"), day("30")], 600.0))
    assert beside.startswith("Of the three trainings, two ran while another one of this study did")
    # Less than half of the time does not count.
    assert verdicts.beside_others(started(study, [day("00"), day("06"), day("30")], 600.0)) == ""


def test_settings_that_differ_wherever_networks_can_be_told_apart_are_named() -> None:
    study = study_of({"lenet": 0.2, "alexnet": 3.0})
    cells = dict(study.cells)
    cell = cells["digits", "alexnet"]
    other = replace(cell, recipe=cell.recipe.model_copy(update={"learning_rate": 0.123}))
    cells["digits", "alexnet"] = other
    text = verdicts.fairness(replace(study, cells=cells), "digits", NAMES)
    assert "In the only pair that can be told apart these differ too: " in text
    assert "learning rate" in text.split("these differ too: ")[1]
    near = study_of({"lenet": 1.0, "alexnet": 1.0})
    assert "these differ too" not in verdicts.fairness(near, "digits", NAMES)


def test_an_interrupted_training_is_not_taken_to_have_run_beside_others() -> None:
    """Its hours are those of all its sittings together, which may lie apart."""
    study = study_of({"lenet": 0.2, "alexnet": 1.0})
    beside = started(study, ["2026-11-30T10:00:00+00:00"] * 2, 600.0)
    assert verdicts.beside_others(beside).startswith("Both trainings")
    cells = {}
    for key, cell in beside.cells.items():
        training = replace(cell.runs[0].training, sittings=2)
        cells[key] = replace(cell, runs=[replace(cell.runs[0], training=training)])
    assert verdicts.beside_others(replace(beside, cells=cells)) == ""
    three = started(
        study_of({"lenet": 0.2, "alexnet": 1.0, "vgg16": 2.0}),
        ["2026-11-30T10:00:00+00:00"] * 3,
        600.0,
    )
    one = {("digits", "alexnet"): cells["digits", "alexnet"]}
    assert verdicts.beside_others(replace(three, cells={**three.cells, **one})).startswith(
        "Both trainings that were not interrupted ran while"
    )


def test_an_order_of_one_seed_is_doubted() -> None:
    strengths = {"lenet": 0.2, "alexnet": 1.0, "vgg16": 3.5}
    doubt = "With one seed each, another seed may change that."
    for text in (verdict, lambda study: verdicts.outcome(study, "digits", NAMES)):
        assert doubt in text(study_of(strengths))
        assert doubt not in text(study_of(strengths, seeds=(0, 1, 2)))


def test_the_same_trainings_of_other_studies_are_told_with_their_seeds() -> None:
    ours = study_of({"lenet": 0.2, "alexnet": 1.0})
    manifest = Manifest("seeds", "Three *seeds*", "2026-11-30", "c" * 40, {})
    other = replace(study_of({"lenet": 0.5}, seeds=(1, 4)), manifest=manifest)
    text = verdicts.elsewhere(ours, "digits", NAMES, [other])
    one, four = other.cell("digits", "lenet").metrics.accuracy_by_seed.values()
    best = ours.cell("digits", "alexnet").metrics.accuracy
    behind = f"{points(best - one, signed=False)} and {points(best - four, signed=False)}"
    assert text.startswith(
        rf"LENET was trained the same way in *Three \*seeds\**, where it reached {percent(one)} "
        f"with seed 1 and {percent(four)} with seed 4, {behind} behind ALEXNET here."
    )
    assert "may change places with other seeds" in text
    assert "may change places" not in verdicts.elsewhere(other, "digits", NAMES, [kept(ours)])
    assert verdicts.elsewhere(ours, "digits", NAMES, []) == ""


def test_a_training_that_another_study_holds_too_is_not_told_as_a_second_one() -> None:
    ours = study_of({"lenet": 0.5, "alexnet": 1.0})
    manifest = Manifest("seeds", "Seeds", "2026-11-30", "c" * 40, {})
    other = replace(study_of({"lenet": 0.5}, seeds=(0, 1)), manifest=manifest)
    one = other.cell("digits", "lenet").metrics.accuracy_by_seed["1"]
    text = verdicts.elsewhere(ours, "digits", NAMES, [other])
    assert text.startswith(
        "The training of LENET with seed 0 is also in *Seeds*, where LENET reached "
        f"{percent(one)} with seed 1"
    )
    # Seen from there, the other study has nothing that is not known.
    assert verdicts.elsewhere(other, "digits", NAMES, [kept(ours)]) == ""


def kept(study: Study) -> Study:
    return replace(study, manifest=Manifest("one", "One", "2026-11-30", "c" * 40, {}))


def test_seeds_that_move_a_class_are_told() -> None:
    study = study_of({"lenet": 0.5}, seeds=(0, 1, 2))
    runs = study.cell("digits", "lenet").runs
    right = [
        (run.predictions["label"] == run.predictions["predicted"])
        .groupby(run.predictions["label"])
        .mean()
        for run in runs
    ]
    apart = pd.concat(right, axis=1)
    most = (apart.max(axis=1) - apart.min(axis=1)).max()
    text = verdicts.class_certainty(study, "digits")
    assert f"moved by up to {points(most, signed=False)} (" in text
    assert "seeds" not in verdicts.class_certainty(study_of({"lenet": 0.5}), "digits")


def test_how_far_seeds_of_another_study_move_a_class_is_told_beside_one_seed() -> None:
    one, manifest = (
        study_of({"lenet": 0.5, "vgg16": 1.0}),
        Manifest("seeds", "Three *seeds*", "2026-11-30", "c" * 40, {}),
    )
    other = replace(study_of({"lenet": 0.5}, seeds=(0, 1, 2)), manifest=manifest)
    its_own = verdicts.class_certainty(other, "digits")
    moved = its_own.split("moved by up to ")[1].removesuffix(".")
    text = verdicts.class_certainty(one, "digits", [other])
    assert text.endswith(
        rf"in *Three \*seeds\** a class moved by up to {moved} between two trainings of LeNet."
    )
    assert "seeds" not in verdicts.class_certainty(one, "digits", [kept(one)])


def test_networks_below_one_answer_for_all_are_not_called_level_with_it() -> None:
    """Two thirds of the test images are of one class."""
    study = study_of({"lenet": 0.2, "alexnet": 9.0})
    record = study.datasets["digits"]
    names = record.class_names
    counts = {part: [400 if name == names[0] else 22 for name in names] for part in PARTS}
    study = replace(study, datasets={"digits": replace(record, class_counts=counts)})
    low = study.cell("digits", "lenet").metrics.accuracy
    text = verdicts.balance(study, "digits", NAMES)
    assert low < 0.6
    assert "of the test images; LENET did worse." in text
    assert "cannot be told apart from that" not in text


PARTS = ("train", "validation", "test")


def test_size_goes_by_ranks_and_leaves_equal_networks_out() -> None:
    study = study_of({"lenet": 0.2, "alexnet": 3.0})
    cells = dict(study.cells)
    cell = cells["digits", "alexnet"]
    lenet = cells["digits", "lenet"].metrics.parameters
    cells["digits", "alexnet"] = replace(cell, metrics=replace(cell.metrics, parameters=lenet))
    text = verdicts.size(replace(study, cells=cells), "digits", NAMES)
    assert text.endswith("No two networks that can be told apart differ in parameters.")
    tied = study_of({"lenet": 1.5, "alexnet": 1.5}, images=20)
    assert "rank 1 by accuracy, which others share." in verdicts.size(tied, "digits", NAMES)
