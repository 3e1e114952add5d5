"""What a run would do and about how long: by made-up records, and by DVC itself."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from clones import ROOT, edit_params, environment, make_clone, ran, succeed
from image_folders import fill, flowers

from cnnreport.datasets import LISTINGS, ImageSet, load_image_set, prepare
from cnnreport.errors import ParamsError
from cnnreport.folders import list_folder, save_listing
from cnnreport.params import BASE_DATASETS, Folder, Params, load_params
from cnnreport.pipeline import ALWAYS, Pipeline, Reason, StageState, differences, override
from cnnreport.planning import rows, summary, train_images, work
from cnnreport.planning.counting import (
    NetworkSize,
    bytes_of_state,
    known_macs,
    sizes_of,
    too_large,
    uncounted,
)
from cnnreport.planning.estimates import Estimate, estimate, start_up
from cnnreport.planning.past import Machine, PastRun, load_past_runs
from cnnreport.planning.plan import STEADY, Plan, Step, decide, looked_into, notes
from cnnreport.planning.work import TRAIN_IMAGES, Shape, Training, shape_of, trainings
from cnnreport.records import (
    DatasetRecord,
    Origin,
    TrainingRecord,
    load_json,
    save_text,
    to_json,
)
from cnnreport.stages import check

PARAMS = load_params(ROOT / "params.yaml")
HERE = Machine("a processor", 2, "float32", 2)
THERE = Machine("another", 64, "float32", 2)
SMALL = Shape(32, 10)
RECORD = load_json(ROOT / "results/digits/lenet/training/s0.json", TrainingRecord)


def past(
    seconds: float,
    images: int,
    model: str = "lenet",
    dataset: str = "digits",
    machine: Machine = HERE,
    *,
    macs: int | None = None,
    shape: Shape | None = SMALL,
) -> PastRun:
    (seal,) = RECORD.seals
    start = replace(seal.start, parameters={"threads": machine.threads})
    record = replace(
        RECORD,
        train_seconds=seconds,
        images_seen=images,
        processor=machine.processor,
        cores=machine.cores,
        precision=machine.precision,
        accelerators=[],
        seals=[replace(seal, start=start)],
    )
    return PastRun(model, dataset, record, macs, shape)


def coming(model: str, dataset: str, images: int, shape: Shape = SMALL) -> Training:
    return Training(model, dataset, images, shape)


def asked(training: Training, *runs: PastRun, macs: int | None = None) -> Estimate:
    found = estimate(training, runs, HERE, macs)
    assert found is not None
    return found


def state(name: str, upstream: str = "", *reasons: Reason) -> StageState:
    return StageState(name, tuple(upstream.split()), reasons)


def actions(*stages: StageState, restored: str = "") -> dict[str, str]:
    steps = decide(stages, lambda stage: stage.name in restored.split())
    return {step.name: step.action for step in steps}


EDITED = Reason("code.py changed")
LOST = Reason("weights is missing", of_output=True)


@pytest.mark.parametrize(
    ("first", "restored", "expected"),
    [
        ((), "", {}),
        ((EDITED,), "", {"a": "run", "b": "follow", "c": "follow"}),
        ((LOST,), "", {"a": "run", "b": "follow", "c": "follow"}),
        # From the cache come other weights for other inputs, the same ones where they were lost.
        ((EDITED,), "a b", {"a": "restore", "b": "follow", "c": "follow"}),
        ((LOST,), "a b", {"a": "restore"}),
        ((EDITED, LOST), "a", {"a": "restore", "b": "follow", "c": "follow"}),
    ],
)
def test_what_follows_from_a_change(
    first: tuple[Reason, ...], restored: str, expected: dict[str, str]
) -> None:
    stages = state("a", "", *first), state("b", "a"), state("c", "a b")
    assert actions(*stages, restored=restored) == expected


def test_a_stage_that_always_writes_the_same_is_followed_by_none() -> None:
    (steady,) = STEADY
    of_it = Reason("its output is missing", makers=frozenset({steady}))
    assert actions(state(steady, "", EDITED), state("b", steady, of_it)) == {steady: "run"}


def test_the_steady_stage_writes_the_same_for_other_inputs(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    written = set()
    for epochs in ("1", "2"):
        changed = tmp_path / "params.yaml"
        changed.write_text(text.replace("\nepochs:", f"\nepochs: {epochs}"), encoding="utf-8")
        out = tmp_path / "checked.txt"
        report = str(ROOT / "report")
        check.main(["--params", str(changed), "--report", report, "--out", str(out)])
        written.add(out.read_bytes())
    assert len(written) == 1


def test_a_file_that_comes_anew_is_no_reason_but_a_changed_one_beside_it_is() -> None:
    gone = Reason("weights is missing", makers=frozenset({"a"}))
    steps = decide((state("a", "", LOST), state("b", "a", gone, EDITED)), lambda _: False)
    assert steps[1] == Step("b", "run", (EDITED.text,), ("a",))


def test_training_images_are_those_of_every_record() -> None:
    studies = sorted((ROOT / "report/studies").glob("*/results/*/dataset.json"))
    assert studies
    for path in (*studies, ROOT / "results/digits/dataset.json"):
        record = load_json(path, DatasetRecord)
        data = PARAMS.data.model_copy(update={"validation_fraction": record.validation_fraction})
        params = PARAMS.model_copy(update={"data": data})
        assert train_images(record.name, params) == record.train_images


def test_every_image_set_has_its_number_of_images() -> None:
    assert set(TRAIN_IMAGES) == set(BASE_DATASETS)
    assert train_images("cifar100", PARAMS) == 45_000


def test_trainings_go_through_all_images_of_all_epochs() -> None:
    params = PARAMS.model_copy(update={"epochs": 100, "seeds": [0, 7]})
    found = trainings(params)
    assert len(found) == 2 * len(params.models) * len(params.datasets)
    assert found["train@vgg16-digits-7"] == Training("vgg16", "digits", 100 * 1131, SMALL)


def test_seconds_are_in_proportion_to_images() -> None:
    found = asked(coming("lenet", "digits", 3000), past(10, 1000), past(14, 1000))
    assert (found.low, found.high) == pytest.approx((30, 42))
    assert found.basis == "2 past runs on this processor"


def test_the_start_up_of_past_runs_is_found_and_counted_once() -> None:
    runs = [past(5 + 0.01 * images, images) for images in (200, 1000, 20_000)]
    # The speed of the long run holds a little of its start-up.
    assert start_up(runs) == pytest.approx(5, rel=0.05)
    found = asked(coming("lenet", "digits", 40_000), *runs)
    assert found.low == found.high == pytest.approx(405, rel=0.01)


def test_no_start_up_from_runs_of_one_length() -> None:
    assert start_up([past(10, 1000), past(12, 1000)]) == 0


@pytest.mark.parametrize(
    ("best", "worse", "basis"),
    [
        (
            past(10, 1000, machine=THERE),
            past(1, 1000, model="vgg16"),
            "1 past run on another processor (another, 64 cores)",
        ),
        (past(10, 1000, dataset="cifar10"), past(1, 1000, machine=THERE), "with cifar10"),
        (past(10, 1000), past(1, 1000, dataset="cifar10"), "1 past run on this processor"),
        (
            past(10, 1000, machine=replace(HERE, precision="mixed_float16")),
            past(1, 1000, machine=replace(THERE, precision="mixed_float16")),
            "on this processor in mixed_float16",
        ),
        # So short a run on this very set tells less than a long one on another set.
        (past(10, 1000, dataset="cifar10"), past(9, 50), "with cifar10"),
    ],
)
def test_the_past_run_most_like_it_counts(best: PastRun, worse: PastRun, basis: str) -> None:
    found = asked(coming("lenet", "digits", 1000), worse, best)
    assert found.high == pytest.approx(10)
    assert basis in found.basis


def test_an_estimate_from_a_much_shorter_run_says_so() -> None:
    assert "much shorter" in asked(coming("lenet", "digits", 10_001), past(5, 1000)).basis
    assert "much shorter" not in asked(coming("lenet", "digits", 9_999), past(5, 1000)).basis


def test_a_network_of_no_past_run_is_guessed_by_the_one_next_in_size() -> None:
    runs = past(10, 1000, macs=100), past(90, 1000, model="vgg16", macs=1000)
    found = asked(coming("mine", "digits", 1000), *runs, macs=800)
    assert found.high == pytest.approx(72)
    assert "no past run; guess from multiply-accumulates and vgg16" in found.basis


def test_no_estimate_where_nothing_tells() -> None:
    mine = coming("mine", "digits", 1000)
    assert estimate(mine, [past(10, 1000, macs=100)], HERE, None) is None
    assert estimate(mine, [past(10, 1000)], HERE, 5) is None
    assert estimate(mine, [], HERE, 5) is None


def test_larger_images_take_longer_in_proportion_to_their_multiply_accumulates() -> None:
    large = coming("lenet", "flowers", 500, Shape(128, 3))
    found = asked(large, past(10, 1000, macs=100), macs=1600)
    assert found.low == found.high == pytest.approx(80)
    assert found.basis == "1 past run on this processor with digits scaled from 32x32 pixels"
    # A run of images of that size tells more than one of other images, whichever the set.
    same_size = past(150, 1000, dataset="trees", macs=1700, shape=Shape(128, 20))
    found = asked(large, past(99, 9900, dataset="flowers", macs=100), same_size, macs=1600)
    assert found.high == pytest.approx(75 * 1600 / 1700)
    assert found.basis == "1 past run on this processor with trees"


def test_short_and_long_are_meant_by_the_work_and_not_by_the_number_of_images() -> None:
    large = coming("lenet", "flowers", 9_999, Shape(128, 3))
    assert "much shorter" in asked(large, past(5, 1000, macs=100), macs=1600).basis
    runs = past(5 + 10, 1000, macs=100), past(5 + 160, 1000, macs=1600, shape=Shape(128, 3))
    assert start_up([replace(run, times=1600 / run.macs) for run in runs]) == pytest.approx(5, 0.1)


def test_a_run_whose_work_is_unknown_tells_of_images_like_its_own_alone() -> None:
    assert asked(coming("lenet", "cifar10", 1000), past(10, 1000)).high == pytest.approx(10)
    large = coming("lenet", "flowers", 1000, Shape(128, 3))
    assert estimate(large, [past(10, 1000)], HERE, 1600) is None
    assert estimate(large, [past(10, 1000, macs=100)], HERE, None) is None


def test_runs_in_as_many_threads_go_first_and_others_are_named() -> None:
    one, four = replace(HERE, threads=1), replace(HERE, threads=4)
    alike = past(10, 1000, dataset="cifar10")
    found = asked(coming("lenet", "digits", 1000), past(19, 1000, machine=one), alike)
    assert found.high == pytest.approx(10)
    assert found.basis == "1 past run on this processor with cifar10"
    others = past(19, 1000, machine=one), past(7, 1000, machine=four)
    assert (
        asked(coming("lenet", "digits", 1000), *others).basis
        == "2 past runs on 1 thread and 4 threads of this processor"
    )
    far = asked(coming("lenet", "digits", 1000), past(9, 1000, machine=replace(THERE, threads=8)))
    assert far.basis == "1 past run on 8 threads of another processor (another, 64 cores)"


@pytest.mark.parametrize("parameters", [{}, {"threads": None}])
def test_a_run_of_no_given_number_of_threads_used_all_cores(parameters: dict[str, None]) -> None:
    run = past(10, 1000, machine=THERE)
    (seal,) = run.record.seals
    sealed = replace(seal, start=replace(seal.start, parameters=parameters))
    for seals in ([sealed], []):
        found = replace(run, record=replace(run.record, seals=seals))
        assert found.machine == replace(THERE, threads=64)
    assert Machine.here("float32", 3).threads == 3
    assert Machine.here("float32", None).threads == Machine.here("float32", None).cores


def test_trainings_know_the_size_of_their_images() -> None:
    folder = Folder(path="x", classes=["a", "b", "c"], size=128)
    objects = PARAMS.subsets["cifar100-objects"]
    params = PARAMS.model_copy(
        update={
            "folders": {"mine": folder},
            "subsets": {"some": objects.model_copy(update={"classes": ["bed", "bus"]})},
        }
    )
    shapes = {name: shape_of(name, params) for name in params.image_sets}
    assert shapes == {
        "digits": SMALL,
        "cifar10": SMALL,
        "cifar100": Shape(32, 100),
        "some": Shape(32, 2),
        "mine": Shape(128, 3),
    }


def test_networks_are_built_only_for_images_of_no_past_run() -> None:
    runs = [past(10, 1000, macs=100), past(9, 1000, model="vgg16")]
    large = coming("lenet", "flowers", 1, Shape(128, 3))
    every = [coming("lenet", "cifar10", 1), coming("vgg16", "digits", 1), large, large]
    assert known_macs(runs) == {("lenet", SMALL): 100}
    assert uncounted(every, runs) == [("lenet", large.shape)]
    assert uncounted(every[:1], []) == [("lenet", SMALL)]
    assert sizes_of([]) == {}


def test_what_is_counted_is_what_was_recorded() -> None:
    known = known_macs(load_past_runs([ROOT / "results"]))
    # With its weights, which are not made, GoogLeNet would take 55 GB there.
    huge = ("googlenet", Shape(256, 10))
    found = sizes_of([("lenet", SMALL), ("lenet", Shape(128, 10)), ("nothing", SMALL), huge])
    assert found[huge].macs > 100 * known["googlenet", SMALL]
    assert found["lenet", SMALL].macs == known["lenet", SMALL]
    assert 16 < found["lenet", Shape(128, 10)].macs / found["lenet", SMALL].macs < 32
    assert ("nothing", SMALL) not in found
    said = list(too_large(found, PARAMS.recipes["modern"], 24 * 10**9))
    assert len(said) == 1
    assert said[0].startswith("googlenet for images of 256x256 pixels has ")


@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        ({"optimizer": "adam"}, 16),
        ({"optimizer": "sgd", "momentum": 0.9}, 12),
        ({"optimizer": "sgd", "momentum": 0.0}, 8),
    ],
)
def test_a_network_that_memory_cannot_hold_is_told_with_both_sizes(
    settings: dict[str, object], needed: int
) -> None:
    recipe = PARAMS.recipes["modern"]["lenet"].model_copy(update=settings)
    large, small = NetworkSize(1, 10**9), NetworkSize(1, 10**8)
    assert bytes_of_state(large, recipe) == needed * 10**9
    sizes = {("wide", Shape(64, 5)): large, ("slim", Shape(64, 5)): small}
    recipes = {"wide": recipe, "slim": recipe}
    assert list(too_large(sizes, recipes, 4 * 10**9)) == [
        "wide for images of 64x64 pixels has 1,000,000,000 parameters: a training needs "
        f"{needed:.1f} GB of memory for them alone, this machine has 4.0 GB; make the images "
        "smaller or leave it out"
    ]
    assert not list(too_large(sizes, recipes, 16 * 10**9))


def test_past_runs_of_this_checkout_are_found_once_each() -> None:
    folders = [ROOT / "results", *sorted((ROOT / "report/studies").glob("*/results"))]
    once = load_past_runs(folders)
    assert {run.model for run in once} == set(PARAMS.models)
    assert all(run.macs and run.shape for run in once)
    assert len(load_past_runs([*folders, *folders])) == len(once)


def test_a_record_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "digits/lenet/training/s0.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}", encoding="utf-8")
    assert load_past_runs([tmp_path]) == []


STEPS = (
    Step("train@lenet-digits-0", "run", ("epochs: 1 → 2", "a changed", "b changed"), ()),
    Step("train@vgg16-digits-0", "follow", (), ("prepare@digits",)),
    Step("train@mine-digits-0", "run", ("was never run",), ()),
    Step("evaluate@vgg16-digits", "restore", ("c is missing",), ()),
    Step("plot", "follow", (), ("x", "y", "z")),
)
TIMES = {
    "train@lenet-digits-0": Estimate(60, 120, "2 past runs"),
    "train@vgg16-digits-0": Estimate(600, 600, "1 past run"),
}


def test_the_table_says_why_and_how_long() -> None:
    found = [(why, time.replace("\xa0", " ")) for _, why, time in rows(Plan(STEPS, TIMES, ()))]
    assert found == [
        ("epochs: 1 → 2; a changed; 1 more", "1 min 0 s to 2 min 0 s (2 past runs)"),
        ("after prepare@digits", "10 min 0 s (1 past run)"),
        ("was never run", "no past run to tell from"),
        ("c is missing", "restored from DVC's cache"),
        ("after 3 stages", "not timed"),
    ]


def test_the_last_line_adds_up() -> None:
    assert summary(Plan(STEPS, TIMES, ())).replace("\xa0", " ") == (
        "1 training: about 1 min 0 s to 2 min 0 s; "
        "1 training after other stages: up to 10 min 0 s; 1 stage restored; 2 stages not timed"
    )
    assert summary(Plan((), {}, ())) == "nothing to do: every stage is up to date"


def test_notes_are_those_that_apply() -> None:
    said = " ".join(notes(STEPS, {"train@lenet-digits-0", "train@resnet50-digits-0"}))
    assert "train@lenet-digits-0 may take less" in said
    assert "resnet50" not in said
    assert "`--json`" in said
    assert "dvc pull" not in said  # what is missing there is restored
    assert not list(notes(STEPS[2:3], ()))


def test_differences_name_the_innermost_key() -> None:
    before = {"rate": 0.1, "by_dataset": {"digits": {"rate": 0.05}}, "seeds": [0]}
    now = {"rate": 0.1, "by_dataset": {"digits": {"rate": None}}, "seeds": [0, 1]}
    assert list(differences("recipe", before, now)) == [
        "recipe.by_dataset.digits.rate: 0.05 → empty",
        "recipe.seeds: [0] → [0, 1]",
    ]


def test_changes_are_read_as_dvc_reads_them() -> None:
    text = override("epochs:\nseeds:\n  - 0\n", ["epochs=3", "params.yaml:seeds=[0,1]"])
    assert text.split() == ["epochs:", "3", "seeds:", "-", "0", "-", "1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("epoch=3", "-S epoch=3: params.yaml has no parameter of that name"),
        ("epochs", "-S epochs: wanted NAME=VALUE"),
        ("epochs=[1", "-S epochs=[1: wanted NAME=VALUE"),
    ],
)
def test_a_change_that_cannot_be_made_is_one_line(change: str, message: str) -> None:
    with pytest.raises(ParamsError, match=r"^[^\n]*$") as error:
        override("epochs:\n", [change])
    assert str(error.value).startswith(message)


PIPELINE = """
stages:
  make:
    cmd: python copy.py a.txt
    deps: [source.txt]
    params: [size, nested]
    outs: [a.txt]
  use:
    cmd: python copy.py b.txt
    deps: [a.txt]
    outs: [b.txt]
"""
COPY = "import pathlib, sys\npathlib.Path(sys.argv[1]).write_text(open('params.yaml').read())\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DVC project of two stages, once run with the size 1 and once with the size 2."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
    (folder / "copy.py").write_text(COPY, encoding="utf-8")
    (folder / "source.txt").write_text("source", encoding="utf-8")
    succeed(folder, "dvc", "init", "--no-scm", "--quiet")
    for size in (1, 2):
        text = f"size: {size}\nnested:\n  rate: 0.1\n"
        (folder / "params.yaml").write_text(text, encoding="utf-8")
        succeed(folder, "dvc", "repro")
    return folder


@pytest.fixture
def project(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same as the working directory; what a test changes of it is put back."""
    monkeypatch.chdir(made)
    names = ("dvc.yaml", "params.yaml", "source.txt", "a.txt")
    before = {made / name: (made / name).read_bytes() for name in names}
    yield made
    for path, content in before.items():
        path.write_bytes(content)


def planned(*changes: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The action and the reasons of each stage, with changes of parameters."""
    text = override(Path("params.yaml").read_text(encoding="utf-8"), changes) if changes else None
    with Pipeline(params_text=text) as pipeline:
        steps = decide(pipeline.stages, pipeline.restorable)
    return {step.name: (step.action, step.reasons) for step in steps}


def test_nothing_to_do_after_a_run(project: Path) -> None:
    assert planned() == {}


def test_a_change_is_named_and_nothing_of_the_project_is_written(project: Path) -> None:
    before = {path: path.read_bytes() for path in project.glob("*") if path.is_file()}
    assert planned("size=3", "nested.rate=0.2") == {
        "make": ("run", ("size: 2 → 3", "nested.rate: 0.1 → 0.2")),
        "use": ("follow", ()),
    }
    assert before == {path: path.read_bytes() for path in project.glob("*") if path.is_file()}


def test_what_was_run_before_comes_from_the_cache(project: Path) -> None:
    assert planned("size=1") == {
        "make": ("restore", ("size: 2 → 1",)),
        "use": ("follow", ()),
    }


def test_a_changed_file_and_a_changed_command_are_named(project: Path) -> None:
    (project / "source.txt").write_text("another", encoding="utf-8")
    text = PIPELINE.replace("copy.py b.txt", "copy.py  b.txt")
    (project / "dvc.yaml").write_text(text, encoding="utf-8")
    assert planned() == {
        "make": ("run", ("source.txt changed",)),
        "use": ("run", ("its command changed",)),
    }


def test_a_lost_output_is_restored_and_nothing_follows(project: Path) -> None:
    (project / "a.txt").unlink()
    assert planned() == {"make": ("restore", ("a.txt is missing",))}


def test_only_what_the_targets_need_is_planned(project: Path) -> None:
    text = override((project / "params.yaml").read_text(encoding="utf-8"), ["size=3"])
    with Pipeline(["make"], text) as pipeline:
        assert [stage.name for stage in pipeline.stages] == ["make"]


def plan(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `cnnreport plan` of this checkout."""
    return subprocess.run(
        [sys.executable, "-c", "from cnnreport.cli import main; main()", "plan", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment(PYTHONPATH=str(ROOT / "src"), COLUMNS="120"),
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-S", "epochs=ten"), "params.yaml with -S epochs=ten: epochs: input should be a valid i"),
        (("-S", "epoch=3"), "-S epoch=3: params.yaml has no parameter of that name"),
        (("nonsense",), "DVC cannot read the pipeline: "),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = plan(ROOT, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {message}")
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


def test_a_folder_of_no_project_is_one_line(tmp_path: Path) -> None:
    done = plan(tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "no DVC project" in done.stderr


def planned_by_command(folder: Path, *arguments: str) -> set[str]:
    """The stages that the command says will run, check aside; those in doubt are left out."""
    stages = json.loads(plan(folder, "--json", *arguments).stdout)["stages"]
    return {stage["name"] for stage in stages if stage["action"] == "run"} - {"check"}


@pytest.mark.pipeline
@pytest.mark.timeout(600)
def test_dvc_runs_what_was_planned(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    make_clone(clone)
    edit_params(clone, models=["lenet"], epochs=1)
    expected = planned_by_command(clone, "train")
    assert expected == {"prepare@digits", "train@lenet-digits-0"}
    assert ran(succeed(clone, "dvc", "repro", "train")) == expected
    assert plan(clone, "train").stdout == "nothing to do: every stage is up to date\n"

    # check runs for its parameter, prepare not at all.
    expected = planned_by_command(clone, "train", "-S", "epochs=2")
    edit_params(clone, epochs=2)
    assert ran(succeed(clone, "dvc", "repro", "train")) == expected == {"train@lenet-digits-0"}


def folder_stage(*reasons: Reason) -> StageState:
    return StageState("inventory@mine", ("check",), reasons)


def test_a_folder_that_is_as_it_was_needs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a/one.png", "a/two.png", "b/three.png"):
        save_text(tmp_path / "images" / name, name)
    folder = Folder(path="images", classes=["a", "b"])
    params = SimpleNamespace(folders={"mine": folder})
    always = Reason(ALWAYS)
    first = looked_into(folder_stage(always), params)
    assert [reason.text for reason in first.reasons] == ["images: 3 added"]
    save_listing(Path("data/listings/mine.csv"), list_folder(Path("images")))
    assert looked_into(folder_stage(always), params).reasons == ()
    other = Reason("src/stage.py changed")
    assert looked_into(folder_stage(other, always), params).reasons == (other,)
    Path("images/a/one.png").unlink()
    save_text(Path("images/a/two.png"), "another")
    save_text(Path("images/b/four.png"), "four")
    found = looked_into(folder_stage(always), params)
    assert [reason.text for reason in found.reasons] == ["images: 1 added, 1 removed and 1 changed"]
    # On a machine without the folder the last listing is kept.
    shutil.rmtree("images")
    assert looked_into(folder_stage(always), params).reasons == ()


@pytest.mark.parametrize("test", [False, True])
def test_the_images_of_a_folder_are_those_of_the_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, test: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    flowers(Path("flowers"), test=test)
    save_listing(LISTINGS / "mine.csv", list_folder(Path("flowers")))

    def params(fraction: float, test_fraction: float, *classes: str) -> Params:
        folder = Folder(path="flowers", classes=list(classes), test_fraction=test_fraction)
        data = PARAMS.data.model_copy(update={"validation_fraction": fraction})
        return PARAMS.model_copy(update={"data": data, "folders": {"mine": folder}})

    def prepared(changed: Params) -> tuple[DatasetRecord, ImageSet]:
        images = load_image_set("mine", changed)
        return prepare(images, "mine", changed.data)[0], images

    before = params(0.1, 0.2, "rose", "tulip")
    record, images = prepared(before)
    assert train_images("mine", before) == record.train_images  # by the files
    save_text(Path("results/mine/dataset.json"), to_json(record))
    save_text(Path("results/mine/origin.json"), to_json(Origin(images.folder)))
    for arguments in ((0.1, 0.2), (0.5, 0.2), (0.1, 0.6), (0.01, 0.01)):
        changed = params(*arguments, "rose", "tulip")
        assert train_images("mine", changed) == prepared(changed)[0].train_images
    # What was prepared holds where the folder is not, and not for other classes.
    fill(Path("flowers", *(["train"] if test else []), "weed"), 5, first=700)
    if test:
        fill(Path("flowers/test/weed"), 2, first=800)
    save_listing(LISTINGS / "mine.csv", list_folder(Path("flowers")))
    more = params(0.1, 0.2, "rose", "tulip", "weed")
    assert train_images("mine", more) == prepared(more)[0].train_images
    shutil.rmtree("flowers")
    assert train_images("mine", before) == record.train_images


def test_a_folder_is_looked_at_once_for_all_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for = []
    monkeypatch.setattr(work, "train_images", lambda name, _: asked_for.append(name) or 5)
    assert len(trainings(PARAMS)) == 5
    assert asked_for == ["digits"]
