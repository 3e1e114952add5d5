"""Merging two branches: the rules on made-up locks and lists, and git itself on real conflicts."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from clones import ROOT, commit, edit_params, make_clone, ran, run, succeed
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from cnnreport.errors import InputError, ResultsError
from cnnreport.merging import aligned, merge_list, merge_lock, merge_stages, read_stages, set_up
from cnnreport.merging.locks import read_lock, write_lock

SOURCE = str(ROOT / "src")
NAMES = (
    "prepare@digits",
    "train@lenet-digits-0",
    "train@lenet-digits-1",
    "train@vgg16-digits-0",
    "evaluate@lenet-digits",
    "plot",
    "report",
)
"""Stages of every kind."""


def entry(inputs: str, outputs: str = "") -> dict[str, Any]:
    """What a lock holds of a stage."""
    return {
        "cmd": "python stage.py",
        "deps": [{"path": "code.py", "md5": inputs}],
        "outs": [{"path": "out", "md5": outputs or inputs}],
    }


VERSIONS = st.sampled_from("abc").map(entry)
LOCKS = st.dictionaries(st.sampled_from(NAMES), VERSIONS)


@st.composite
def disjoint(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A lock and two later ones that changed, added or removed other stages each."""
    base = draw(LOCKS)
    ours, theirs = dict(base), dict(base)
    for name, side in draw(st.dictionaries(st.sampled_from(NAMES), st.booleans())).items():
        changed = draw(VERSIONS | st.none())
        chosen = ours if side else theirs
        chosen.pop(name, None)
        if changed:
            chosen[name] = changed
    return base, ours, theirs


@given(disjoint())
def test_changes_of_other_stages_merge_alike_from_both_sides(
    locks: tuple[dict[str, Any], dict[str, Any], dict[str, Any]],
) -> None:
    base, ours, theirs = locks
    merged, mirrored = merge_stages(base, ours, theirs), merge_stages(base, theirs, ours)
    assert merged == mirrored  # the order of the stages aside
    assert not merged.again + merged.conflicts
    for name in NAMES:
        changed = ours if ours.get(name) != base.get(name) else theirs
        assert merged.stages.get(name) == changed.get(name)


@given(LOCKS, LOCKS)
def test_a_side_that_changed_nothing_takes_the_other(
    base: dict[str, Any], other: dict[str, Any]
) -> None:
    for merged in (merge_stages(base, base, other), merge_stages(base, other, base)):
        assert merged.stages == other
        assert not merged.again + merged.conflicts


@given(LOCKS, LOCKS, LOCKS)
def test_what_both_changed_is_ours_and_named(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    merged = merge_stages(base, ours, theirs)
    named = {*merged.again, *merged.conflicts}
    for name in NAMES:
        sides = [lock.get(name) for lock in (base, ours, theirs)]
        different = all(sides[1:]) and all(one != other for one, other in combinations(sides, 2))
        assert (name in named) == different
        assert (name in merged.conflicts) == (different and name.startswith("train@"))
        if different:
            assert merged.stages[name] == ours[name]


@given(LOCKS, LOCKS, LOCKS)
def test_no_stage_that_a_side_added_is_lost(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    merged = merge_stages(base, ours, theirs)
    assert (ours.keys() | theirs.keys()) - base.keys() <= merged.stages.keys()
    for stage in merged.stages:
        assert merged.stages[stage] in (ours.get(stage), theirs.get(stage))  # never a mix


TRAINED = "train@lenet-digits-0"


@pytest.mark.parametrize(
    ("before", "conflicts"),
    [
        (None, ()),  # the same new training, made twice
        (entry("a", "first"), ()),  # trained again, each side with its own times
        (entry("a", "ours"), (TRAINED,)),  # git takes their file, and our entry would not fit it
    ],
)
def test_the_same_training_made_twice_is_no_conflict(
    before: dict[str, Any] | None, conflicts: tuple[str, ...]
) -> None:
    base = {TRAINED: before} if before else {}
    merged = merge_stages(base, {TRAINED: entry("b", "ours")}, {TRAINED: entry("b", "theirs")})
    assert merged.conflicts == conflicts
    assert merged.stages[TRAINED] == entry("b", "ours")


def test_a_training_that_one_side_removed_and_the_other_renewed_stays() -> None:
    base, renewed = {TRAINED: entry("a")}, {TRAINED: entry("b")}
    assert merge_stages(base, {}, renewed).stages == renewed
    assert merge_stages(base, renewed, {}).stages == renewed


def test_the_lock_is_written_as_dvc_writes_it() -> None:
    text = (ROOT / "dvc.lock").read_text(encoding="utf-8")
    assert write_lock(read_lock(text, "dvc.lock"), read_stages(text, "dvc.lock")) == text


def test_locks_without_a_common_ancestor_merge(tmp_path: Path) -> None:
    files = []
    for side, stages in {"base": None, "ours": {"plot": entry("a")}, "theirs": {}}.items():
        files.append(tmp_path / side)
        text = "" if stages is None else write_lock({"schema": "2.0"}, stages)
        files[-1].write_text(text, encoding="utf-8")
    merge_lock(*files, "dvc.lock")
    assert read_stages(files[1].read_text(encoding="utf-8"), "merged") == {"plot": entry("a")}


@pytest.mark.parametrize(
    "text", ["<<<<<<< ours\n", "- list\n", "stages: 1\n", "stages:\n  plot:\n    outs: [x]\n"]
)
def test_what_is_no_lock_is_one_line(text: str) -> None:
    with pytest.raises(ResultsError, match=r"^dvc\.lock of ours: [^\n]*$"):
        read_stages(text, "dvc.lock of ours")


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("a", "ab", "ac", "abc"),
        ("a", "ab", "acb", "abc"),
        ("ab", "a", "abc", "ac"),
        ("ab", "ba", "abc", "bac"),
        ("a", "b", "ac", "bc"),
        ("ab", "a", "b", ""),
    ],
)
def test_lists_hold_what_either_side_added(base: str, ours: str, theirs: str, merged: str) -> None:
    assert merge_list([*base], [*ours], [*theirs]) == [*merged]


PARAMS = """\
# What is compared.
epochs:
models:
  - lenet
seeds: [0]  # one training each

# Nothing of this is a list.
data:
  seeds: [7]
"""


def edited(*pairs: tuple[str, str]) -> str:
    text = PARAMS
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def test_lists_become_alike_and_nothing_else_changes() -> None:
    ours = edited(("  - lenet\n", "  - lenet\n  - alexnet\n"), ("[0]", "[0, 1]"))
    theirs = edited(("\n  - lenet", " [lenet, vgg16]"), ("[0]", "[0,2]"), ("epochs:", "epochs: 3"))
    merged = edited(("lenet\n", "lenet\n  - alexnet\n  - vgg16\n"), ("[0]", "[0, 1, 2]"))
    found = aligned(PARAMS, ours, theirs)
    assert found == (merged, merged, merged.replace("epochs:", "epochs: 3"))


@pytest.mark.parametrize(
    "ours",
    [
        edited(("- lenet", "- lenet  # small\n  - alexnet")),
        edited(("- lenet", "- &first lenet\n  - alexnet")),
        edited(("\n  - lenet", " lenet")),
        edited(("  - lenet", "  - [lenet]")),
        edited(("  - lenet", "  - vgg16")),  # with theirs nothing would be left
        "models: [",
        "",
    ],
)
def test_lists_that_are_not_plain_are_left_to_git(ours: str) -> None:
    theirs = edited(("\n  - lenet", " [resnet50, lenet]"))
    if "vgg16" in ours:
        theirs = edited(("\n  - lenet", " []"))
    assert aligned(PARAMS, ours, theirs)[1:] == (ours, theirs)


def cnnreport(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command of this checkout as the drivers call it."""
    return run(folder, sys.executable, "-m", "cnnreport", *arguments, PYTHONPATH=SOURCE)


def merge(folder: Path, branch: str) -> subprocess.CompletedProcess[str]:
    """Merge with the drivers of this checkout, where the clone is set up."""
    return run(folder, "git", "merge", "--no-edit", branch, PYTHONPATH=SOURCE)


def set_up_here(folder: Path) -> None:
    done = cnnreport(folder, "merge-setup")
    assert done.returncode == 0, done.stderr


def settings(folder: Path) -> list[str]:
    return succeed(folder, "git", "config", "--local", "--get-regexp", "^merge").splitlines()


def make_repository(folder: Path) -> None:
    """Make a repository with what the drivers merge, and nothing that could be run."""
    folder.mkdir()
    succeed(folder, "git", "init", "--quiet", "--initial-branch", "main")
    succeed(folder, "git", "config", "user.name", "Test")
    succeed(folder, "git", "config", "user.email", "test@example.org")
    shutil.copy(ROOT / ".gitattributes", folder)
    write(folder, PARAMS, {"plot": entry("a"), TRAINED: entry("a")}, "base")
    commit(folder, "base")


def write(folder: Path, params: str, stages: Mapping[str, Any], page: str) -> None:
    lock = write_lock({"schema": "2.0"}, stages)
    for name, text in {"params.yaml": params, "dvc.lock": lock, "docs/index.md": page}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def stages_of(folder: Path) -> dict[str, Any]:
    return read_stages((folder / "dvc.lock").read_text(encoding="utf-8"), "dvc.lock")


def params_of(folder: Path) -> dict[str, Any]:
    text = (folder / "params.yaml").read_text(encoding="utf-8")
    raw: dict[str, Any] = YAML(typ="safe").load(text)
    return raw


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository on the branch ours, where the branch theirs added another seed and network."""
    folder = tmp_path / "repository"
    make_repository(folder)
    succeed(folder, "git", "switch", "--quiet", "--create", "theirs")
    params = edited(("[0]", "[0, 2]"), ("lenet\n", "lenet\n  - vgg16\n"))
    added = {"plot": entry("c"), TRAINED: entry("a"), "train@vgg16-digits-0": entry("v")}
    write(folder, params, added, "theirs")
    commit(folder, "theirs")
    succeed(folder, "git", "switch", "--quiet", "--create", "ours", "main")
    params = edited(("[0]", "[0, 1]"), ("lenet\n", "lenet\n  - alexnet\n"))
    added = {"plot": entry("b"), TRAINED: entry("a"), "train@alexnet-digits-0": entry("x")}
    write(folder, params, added, "ours")
    commit(folder, "ours")
    return folder


def test_a_clone_that_is_set_up_merges_all_by_itself(repository: Path) -> None:
    set_up_here(repository)
    done = merge(repository, "theirs")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("dvc.lock")]
    assert lines == ["dvc.lock: `dvc repro` is to run again what both changed: plot"]
    assert stages_of(repository) == {
        "plot": entry("b"),
        TRAINED: entry("a"),
        "train@alexnet-digits-0": entry("x"),
        "train@vgg16-digits-0": entry("v"),
    }
    params = params_of(repository)
    assert (params["models"], params["seeds"]) == (["lenet", "alexnet", "vgg16"], [0, 1, 2])
    assert "# one training each" in (repository / "params.yaml").read_text(encoding="utf-8")
    assert (repository / "docs/index.md").read_text(encoding="utf-8") == "ours"
    assert succeed(repository, "git", "status", "--porcelain") == ""


def test_a_clone_that_is_not_set_up_merges_text(repository: Path) -> None:
    assert merge(repository, "theirs").returncode == 1
    unmerged = succeed(repository, "git", "diff", "--name-only", "--diff-filter=U").split()
    assert unmerged == ["docs/index.md", "dvc.lock", "params.yaml"]
    with pytest.raises(ResultsError, match=r"dvc\.lock: is no lock"):
        stages_of(repository)
    # As the how-to page says.
    succeed(repository, "git", "merge", "--abort")
    set_up_here(repository)
    assert merge(repository, "theirs").returncode == 0


def test_a_training_changed_on_both_sides_is_left_in_conflict_with_ours_kept(
    repository: Path,
) -> None:
    set_up_here(repository)
    for branch, rate in (("theirs", "c"), ("ours", "b")):
        succeed(repository, "git", "switch", "--quiet", branch)
        params = (repository / "params.yaml").read_text(encoding="utf-8")
        params = params.replace("epochs:\n", f"epochs: 1{rate}\n")
        write(repository, params, {**stages_of(repository), TRAINED: entry(rate)}, rate)
        commit(repository, "another rate")
    done = merge(repository, "theirs")
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if TRAINED in line]
    assert len(said) == 1
    assert "trained differently on both sides" in said[0]
    unmerged = succeed(repository, "git", "diff", "--name-only", "--diff-filter=U").split()
    assert unmerged == ["dvc.lock", "params.yaml"]
    assert stages_of(repository)[TRAINED] == entry("b")
    assert "train@vgg16-digits-0" in stages_of(repository)
    params = (repository / "params.yaml").read_text(encoding="utf-8")
    conflict = "<<<<<<< ours\nepochs: 1b\n=======\nepochs: 1c\n>>>>>>> theirs\n"
    assert conflict in params
    assert YAML(typ="safe").load(params.replace(conflict, ""))["seeds"] == [0, 1, 2]


def test_a_lock_that_cannot_be_read_stays_ours_and_in_conflict(repository: Path) -> None:
    set_up_here(repository)
    (repository / "dvc.lock").write_text("<<<<<<< ours\n", encoding="utf-8")
    commit(repository, "markers committed by mistake")
    done = merge(repository, "theirs")
    assert done.returncode == 1
    assert "error: dvc.lock of ours: is no lock of DVC's" in done.stderr
    assert "Traceback" not in done.stderr
    assert (repository / "dvc.lock").read_text(encoding="utf-8") == "<<<<<<< ours\n"


def test_set_up_twice_from_a_subfolder_is_set_up_once(repository: Path) -> None:
    set_up_here(repository)
    before = settings(repository)
    assert len(before) == 6
    set_up_here(repository / "docs")
    assert settings(repository) == before


@pytest.mark.parametrize("strange", ["with space", "100%O", "it's"])
def test_the_driver_is_found_wherever_the_environment_lies(
    repository: Path, monkeypatch: pytest.MonkeyPatch, strange: str
) -> None:
    python = repository.parent / strange / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    set_up(repository)
    done = merge(repository, "theirs")
    assert done.returncode == 0, done.stderr


def test_no_clone_is_one_line(tmp_path: Path) -> None:
    done = cnnreport(tmp_path, "merge-setup")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "no clone of git's" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_clone_of_something_else_is_left_alone(tmp_path: Path) -> None:
    succeed(tmp_path, "git", "init", "--quiet")
    with pytest.raises(InputError, match=r"names no way to merge dvc\.lock"):
        set_up(tmp_path)
    assert run(tmp_path, "git", "config", "--local", "--get-regexp", "^merge").returncode == 1


def written_paths() -> list[str]:
    """What git tracks of the outputs of dvc.yaml, with a file for each folder."""
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return [
        path if Path(path).suffix else f"{path}/a/file.md"
        for stage in stages.values()
        for kind in ("outs", "metrics", "plots")
        for out in stage.get(kind, [])
        if isinstance(out, dict)
        for path, options in out.items()
        if options.get("cache") is False
    ]


@pytest.mark.parametrize("path", written_paths())
def test_whatever_a_run_writes_for_git_needs_no_merging(path: str) -> None:
    said = succeed(ROOT, "git", "check-attr", "merge", "--", path)
    assert said.strip().endswith("merge: cnnreport-generated")


@pytest.mark.parametrize(
    "path",
    ["docs/decisions.md", "docs/how-to/merge.md", "report/claims.yaml", "src/cnnreport/a.py"],
)
def test_whatever_a_person_writes_is_merged_as_text(path: str) -> None:
    said = succeed(ROOT, "git", "check-attr", "merge", "--", path)
    assert said.strip().endswith("merge: unspecified")


@pytest.mark.parametrize(
    ("stage", "revision", "message"),
    [
        ("plot", "theirs", "wanted a training as dvc.lock names it"),
        (TRAINED, "nowhere", "wanted a branch, tag or commit, came 'nowhere'"),
        (TRAINED, "--all", "wanted a branch, tag or commit, came '--all'"),
        (
            "train@lenet-digits-7",
            "theirs",
            f"has no train@lenet-digits-7; it has {TRAINED}, train@",
        ),
    ],
)
def test_a_training_that_cannot_be_taken_is_one_line(
    repository: Path, stage: str, revision: str, message: str
) -> None:
    done = cnnreport(repository, "take-training", "--", stage, revision)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert succeed(repository, "git", "status", "--porcelain") == ""


def test_a_training_is_taken_from_a_subfolder_into_a_clone_without_a_lock(
    repository: Path,
) -> None:
    (repository / "dvc.lock").unlink()
    done = cnnreport(repository / "docs", "take-training", "train@vgg16-digits-0", "theirs")
    assert done.returncode == 0, done.stderr
    assert stages_of(repository) == {"train@vgg16-digits-0": entry("v")}


LIMIT_SECONDS = 1200
"""For what trains, an epoch of few images each time, and makes all figures and pages."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with LeNet trained, tested and reported on its branch main. Not to be changed."""
    folder = tmp_path_factory.mktemp("merging") / "study"
    make_clone(folder)
    yaml = YAML()
    raw = yaml.load((folder / "params.yaml").read_text(encoding="utf-8"))
    raw["data"]["validation_fraction"] = 0.8
    edit_params(folder, data=raw["data"], models=["lenet"], seeds=[0], epochs=1)
    succeed(folder, "git", "checkout", "--quiet", "-B", "main")
    succeed(folder, "dvc", "repro")
    commit(folder, "base")
    return folder


@pytest.fixture
def ours(study: Path, tmp_path: Path) -> Path:
    """A copy of the study with its cache, set up to merge."""
    folder = Path(shutil.copytree(study, tmp_path / "ours", symlinks=True))
    set_up_here(folder)
    return folder


def trained(folder: Path, branch: str, targets: tuple[str, ...], **changes: object) -> set[str]:
    """Change parameters on a new branch, run and commit; return the trainings that were run."""
    succeed(folder, "git", "switch", "--quiet", "--create", branch, "main")
    edit_params(folder, **changes)
    output = succeed(folder, "dvc", "repro", *targets)
    commit(folder, branch)
    return {name for name in ran(output) if name.startswith("train@")}


def contents(folder: Path, pattern: str) -> dict[str, bytes]:
    paths = sorted(folder.glob(pattern))
    assert paths
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.pipeline
@pytest.mark.timeout(LIMIT_SECONDS)
def test_two_people_who_each_add_a_seed_merge_without_training(ours: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    succeed(ours, "git", "clone", "--quiet", str(ours), str(theirs))
    for key, value in {"user.name": "Other", "user.email": "other@example.org"}.items():
        succeed(theirs, "git", "config", key, value)
    remote = str(tmp_path / "storage")
    for folder in (ours, theirs):
        succeed(folder, "dvc", "remote", "add", "--local", "--default", "shared", remote)
    succeed(ours, "dvc", "push")
    succeed(theirs, "dvc", "pull")
    assert trained(theirs, "two", ("plot",), seeds=[0, 2]) == {"train@lenet-digits-2"}
    assert trained(ours, "one", ("plot",), seeds=[0, 1]) == {"train@lenet-digits-1"}
    succeed(theirs, "dvc", "push")
    before = contents(ours, "results/digits/lenet/training/*.json") | contents(
        theirs, "results/digits/lenet/training/s2.json"
    )

    succeed(ours, "git", "fetch", "--quiet", str(theirs), "two:two")
    done = merge(ours, "two")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "evaluate@lenet-digits" in done.stderr
    assert params_of(ours)["seeds"] == [0, 1, 2]
    succeed(ours, "dvc", "pull")
    output = succeed(ours, "dvc", "repro")
    assert ran(output) == {
        "evaluate@lenet-digits",
        "activations@lenet-digits",
        "plot",
        "pictures",
        "report",
    }
    for seed in (0, 1, 2):  # neither trained nor brought back by the run cache
        assert f"Stage 'train@lenet-digits-{seed}' didn't change, skipping" in output
    assert contents(ours, "results/digits/lenet/training/*.json") == before
    tested = (ours / "results/digits/lenet/evaluation.json").read_text(encoding="utf-8")
    assert json.loads(tested)["weights"].keys() == {"0", "1", "2"}

    commit(ours, "what the merge brought")
    assert "up to date" in succeed(ours, "dvc", "status")
    verified = cnnreport(ours, "verify", ".")
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.pipeline
@pytest.mark.timeout(LIMIT_SECONDS)
def test_two_branches_that_each_add_a_network_merge_without_training(ours: Path) -> None:
    for model in ("alexnet", "vgg16"):
        found = trained(ours, model, ("train",), models=["lenet", model])
        assert found == {f"train@{model}-digits-0"}
    succeed(ours, "git", "switch", "--quiet", "alexnet")
    done = merge(ours, "vgg16")
    assert done.returncode == 0, done.stdout + done.stderr
    assert params_of(ours)["models"] == ["lenet", "alexnet", "vgg16"]
    succeed(ours, "dvc", "checkout", "train")
    output = succeed(ours, "dvc", "repro", "train")
    assert ran(output) == set()
    for model in ("lenet", "alexnet", "vgg16"):
        assert f"Stage 'train@{model}-digits-0' didn't change, skipping" in output
    assert "up to date" in succeed(ours, "dvc", "status", "train")


@pytest.mark.pipeline
@pytest.mark.timeout(LIMIT_SECONDS)
def test_whose_training_to_keep_is_asked_and_either_can_be_had(ours: Path) -> None:
    files = "results/digits/lenet/[ht]*/s0.*"  # history and training
    left: dict[str, dict[str, bytes]] = {}
    for branch, rate in (("fast", 0.08), ("slow", 0.02)):
        recipes = params_of(ours)["recipes"]
        recipes["modern"]["lenet"]["by_dataset"]["digits"]["learning_rate"] = rate
        assert trained(ours, branch, ("train",), recipes=recipes) == {TRAINED}
        left[branch] = contents(ours, files)
    done = merge(ours, "fast")
    assert done.returncode == 1
    assert f"dvc.lock: {TRAINED} was trained differently on both sides" in done.stderr
    unmerged = succeed(ours, "git", "diff", "--name-only", "--diff-filter=U").split()
    assert unmerged == ["dvc.lock", "params.yaml"]

    # Ours: the conflict of the parameters is all there is to do.
    assert contents(ours, files) == left["slow"]
    succeed(ours, "git", "checkout", "--quiet", "--ours", "params.yaml")
    assert ran(succeed(ours, "dvc", "repro", "train")) == set()
    assert "up to date" in succeed(ours, "dvc", "status", "train")

    # Theirs, which the run cache has to have no part in.
    shutil.rmtree(ours / ".dvc/cache/runs")
    done = cnnreport(ours, "take-training", TRAINED, "fast")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == [
        "results/digits/lenet/history/s0.csv",
        "results/digits/lenet/training/s0.json",
        "dvc.lock",
    ]
    succeed(ours, "git", "checkout", "--quiet", "--theirs", "params.yaml")
    succeed(ours, "dvc", "checkout", TRAINED)
    assert ran(succeed(ours, "dvc", "repro", "train")) == set()
    assert contents(ours, files) == left["fast"]
    succeed(ours, "git", "add", "dvc.lock", "params.yaml")
    succeed(ours, "git", "commit", "--quiet", "--no-verify", "--no-edit")
