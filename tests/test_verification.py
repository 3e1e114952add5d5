"""Whatever link of the chain somebody breaks, `cnnreport verify` catches it and names it."""

import gzip
import json
import re
import shutil
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from clones import commit, edit_params, succeed
from make_project import CODE, FROZEN, LENET, make_project, weights_file
from ruamel.yaml import YAML
from typer.testing import CliRunner

from cnnreport.cli import app
from cnnreport.errors import InputError
from cnnreport.records import save_text
from cnnreport.seals import folder_md5, md5, sha256
from cnnreport.verification import Finding, Level, as_json, lines, verify, verify_study, worst
from cnnreport.verification.commits import repository
from cnnreport.verification.findings import Check, number, sum_up
from cnnreport.verification.numbers import _macs
from cnnreport.verification.texts import first_difference, text_check
from cnnreport.verification.weights import sample

CELL = "results/digits/lenet"
KEPT = f"report/studies/{FROZEN}"


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verified") / "project"
    make_project(folder)
    return folder


@pytest.fixture
def project(untouched: Path, tmp_path: Path) -> Path:
    """A copy of a project whose report verifies."""
    skip = shutil.ignore_patterns(".git", "tmp", "__pycache__")
    return Path(shutil.copytree(untouched, tmp_path / "project", ignore=skip))


def text_edit(file: str, old: str, new: str, count: int = 1) -> Callable[[Path], None]:
    """Replace what a pattern finds first in a file."""

    def edit(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        changed, done = re.subn(old, new, text, count=count)
        assert done, f"{old} is not in {file}"
        assert changed != text
        save_text(folder / file, changed)

    return edit


def json_edit(file: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """Change the data in a JSON file."""

    def edit(folder: Path) -> None:
        raw = json.loads((folder / file).read_text(encoding="utf-8"))
        change(raw)
        save_text(folder / file, json.dumps(raw, indent=2, ensure_ascii=False) + "\n")

    return edit


def lock_edit(change: Callable[[Any], Any], file: str = "dvc.lock") -> Callable[[Path], None]:
    """Change the stages in a lock."""

    def edit(folder: Path) -> None:
        raw = YAML(typ="safe").load((folder / file).read_text(encoding="utf-8"))
        change(raw["stages"])
        with (folder / file).open("w", encoding="utf-8") as stream:
            YAML(typ="safe").dump(raw, stream)

    return edit


def remove(file: str) -> Callable[[Path], None]:
    return lambda folder: (folder / file).unlink()


def write(file: str, text: str) -> Callable[[Path], None]:
    return lambda folder: save_text(folder / file, text)


def locked(stages: Any, stage: str, kind: str, path: str) -> Any:
    return next(each for each in stages[stage][kind] if each["path"] == path)


def set_md5(stage: str, kind: str, path: str) -> Callable[[Path], None]:
    return lock_edit(lambda stages: locked(stages, stage, kind, path).update(md5="0" * 32))


def seal_edit(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    return json_edit(f"{CELL}/training/s0.json", lambda raw: change(raw["seals"][0]))


def both_ends(seal: Any, key: str, name: str, value: object) -> None:
    for end in ("start", "end"):
        seal[end][key][name] = value


def flip_a_hit(folder: Path, file: str = f"{CELL}/predictions/s0.csv") -> None:
    """Make a test image that was wrong right, so that all columns of its row agree."""
    path = folder / file
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    at = next(at for at, row in enumerate(rows) if row.split(",")[1] != row.split(",")[2])
    image, label, _, _, best, _, squares = rows[at].split(",")
    rows[at] = f"{image},{label},{label},1,{best},{best},{squares}"
    save_text(path, "\n".join([header, *rows]) + "\n")


def test_an_untouched_report_verifies(untouched: Path) -> None:
    found = verify(untouched)
    assert worst(found) in (Level.EXACT, Level.WITHIN), lines(found)
    assert {each.study for each in found} == {".", FROZEN}
    # Two seeds' rounded accuracies may differ from their mean in the last digit, nothing else.
    inexact = {each.group for each in found if each.level is not Level.EXACT}
    assert inexact <= {"digits/lenet training figures", "digits/lenet test figures"}
    groups = {each.group for each in found if each.study == "."}
    assert {"digits labels", "digits/lenet predictions", "digits/lenet size", "pages"} <= groups
    assert {"dvc.lock train@lenet-digits-1", "digits/lenet seal s1", "dvc.lock report"} <= groups
    assert {"figures", "dvc.lock plot_studies", "dvc.lock pictures"} <= groups
    assert all(each.checked for each in found)


def pages_digit(file: str) -> Callable[[Path], None]:
    """Raise a digit of the first number of a page that links to its passport."""
    return text_edit(file, r"\[0\.\d|\[\d", lambda found: _raised(found[0]))  # type: ignore[arg-type]


def _raised(text: str) -> str:
    return f"{text[:-1]}{(int(text[-1]) + 1) % 10}"


RESULTS_EDITS: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "accuracy": (
        json_edit(f"{CELL}/metrics.json", lambda raw: raw.update(accuracy=0.9)),
        "digits/lenet test figures",
        f"{CELL}/metrics.json /accuracy: holds 0.9, recomputed 0.",
    ),
    "accuracy of a seed": (
        json_edit(f"{CELL}/metrics.json", lambda raw: raw["accuracy_by_seed"].update({"1": 0.9})),
        "digits/lenet test figures",
        "/accuracy_by_seed/1: holds 0.9",
    ),
    "accuracy of a seed that was not trained": (
        json_edit(f"{CELL}/metrics.json", lambda raw: raw["accuracy_by_seed"].update({"2": 0.9})),
        "digits/lenet test figures",
        "/accuracy_by_seed/2: holds 0.9, recomputed None",
    ),
    "loss": (
        json_edit(f"{CELL}/metrics.json", lambda raw: raw.update(loss=raw["loss"] * 1.0001)),
        "digits/lenet test figures",
        "/loss: holds",
    ),
    "top-5 accuracy": (
        json_edit(f"{CELL}/metrics.json", lambda raw: raw.update(top5_accuracy=None)),
        "digits/lenet test figures",
        "/top5_accuracy: holds None",
    ),
    "class accuracy": (
        json_edit(f"{CELL}/metrics.json", lambda raw: raw["class_accuracy"].update({"3": 0.97})),
        "digits/lenet test figures",
        "/class_accuracy/3: holds 0.97",
    ),
    "class table": (
        text_edit(f"{CELL}/classes.csv", r"(?m)^4,.*$", "4,0.97"),
        "digits/lenet tables",
        f"{CELL}/classes.csv row 5: holds 4,0.97, recomputed 4,",
    ),
    "confusion": (
        text_edit(f"{CELL}/confusion/s1.csv", r"(?m)^9,\d$", "9,none"),
        "digits/lenet tables",
        f"{CELL}/confusion/s1.csv row ",
    ),
    "validation accuracy": (
        json_edit(f"{CELL}/metrics.json", lambda raw: raw.update(validation_accuracy=0.97)),
        "digits/lenet training figures",
        "/validation_accuracy: holds 0.97",
    ),
    "epochs": (
        json_edit(f"{CELL}/metrics.json", lambda raw: raw.update(epochs=50)),
        "digits/lenet training figures",
        "/epochs: holds 50, recomputed 2",
    ),
    "images seen": (
        json_edit(f"{CELL}/training/s1.json", lambda raw: raw.update(images_seen=7)),
        "digits/lenet training figures",
        f"{CELL}/training/s1.json /images_seen: holds 7",
    ),
    "last epoch of a history": (
        text_edit(f"{CELL}/history/s0.csv", r"(?m)^2,([\d.]+),[\d.]+", r"2,\1,0.999"),
        "digits/lenet training figures",
        "/train_accuracy: holds",
    ),
    "first epoch of a history": (
        text_edit(f"{CELL}/history/s0.csv", r"(?m)^1,([\d.]+),[\d.]+", r"1,\1,0.111"),
        "dvc.lock train@lenet-digits-0",
        f"{CELL}/history/s0.csv: has the MD5",
    ),
    "a prediction that contradicts itself": (
        text_edit(f"{CELL}/predictions/s0.csv", r"(?m)^5,0,\d,\d+,", "5,0,0,2,"),
        "digits/lenet predictions",
        "rank 1 if and only if it is predicted (row 6)",
    ),
    "a label": (
        text_edit(f"{CELL}/predictions/s1.csv", r"(?m)^5,0,", "5,1,"),
        "digits labels",
        f"{CELL}/predictions/s1.csv: not the label of {CELL}/predictions/s0.csv (row 6)",
    ),
    "a label of the prepared images": (
        text_edit(f"{CELL}/predictions/s0.csv", r"(?m)^5,0,", "5,1,"),
        "digits/lenet seal of the test",
        f"{CELL}/predictions/s0.csv: its labels are not those of test-labels.npy",
    ),
    "a prediction": (flip_a_hit, "digits/lenet test figures", "/accuracy: holds"),
    "a prediction and its digest": (
        flip_a_hit,
        "dvc.lock evaluate@lenet-digits",
        f"{CELL}/predictions: has the MD5",
    ),
    "a row of predictions": (
        text_edit(f"{CELL}/predictions/s0.csv", r"(?m)^119,.*\n", ""),
        "digits/lenet predictions",
        f"{CELL}/predictions/s0.csv: rows: holds 119, recomputed 120",
    ),
    "time": (
        json_edit(f"{CELL}/training/s0.json", lambda raw: raw.update(train_seconds=1.0)),
        "dvc.lock train@lenet-digits-0",
        f"{CELL}/training/s0.json: has the MD5",
    ),
    "parameters of a layer": (
        json_edit(f"{CELL}/architecture.json", lambda raw: raw["layers"][1].update(parameters=457)),
        "digits/lenet size",
        f"{CELL}/architecture.json /parameters: holds 62006, recomputed 62007",
    ),
    "multiply-accumulates": (
        json_edit(f"{CELL}/architecture.json", lambda raw: raw.update(macs=651_721)),
        "digits/lenet size",
        f"{CELL}/architecture.json /macs: holds 651721, recomputed 651720",
    ),
    "record of the images": (
        json_edit("results/digits/dataset.json", lambda raw: raw.update(source="elsewhere")),
        "digits/lenet seal of the test",
        "results/digits/dataset.json: not the record that the test was made with",
    ),
    "a figure": (
        text_edit("docs/figures/digits-leaderboard.svg", "</svg>", "<!-- --></svg>"),
        "dvc.lock plot",
        "docs/figures: has the MD5",
    ),
    "the results altogether": (
        text_edit(f"{CELL}/metrics.json", r"\{", "["),
        "results",
        f"{CELL}/metrics.json: does not hold a CellMetrics",
    ),
    "seal that was removed": (
        json_edit(f"{CELL}/training/s0.json", lambda raw: raw.update(seals=[])),
        "digits/lenet seal s0",
        "is unsealed, so it proves nothing and is refused",
    ),
    "seal of the test that was removed": (
        remove(f"{CELL}/evaluation.json"),
        "digits/lenet seal of the test",
        "the test is unsealed",
    ),
    "code at the end of a run": (
        seal_edit(lambda seal: seal["end"]["code"].update({CODE: "0" * 32})),
        "digits/lenet seal s0",
        f"edited mid-run: {CODE} changed; run it again with `dvc repro -f -s train@lenet",
    ),
    "parameter at the end of a run": (
        seal_edit(lambda seal: seal["end"]["parameters"].update(epochs=9)),
        "digits/lenet seal s0",
        "edited mid-run: params.yaml: epochs from 2 to 9",
    ),
    "code in a whole seal": (
        seal_edit(lambda seal: both_ends(seal, "code", CODE, "0" * 32)),
        "dvc.lock train@lenet-digits-0",
        f"names another {CODE} ",
    ),
    "code that is left out of a whole seal": (
        seal_edit(lambda seal: [seal[end]["code"].pop(CODE) for end in ("start", "end")]),
        "dvc.lock train@lenet-digits-0",
        f"the seal does not name {CODE}, which the stage depends on",
    ),
    "code altogether in a seal": (
        seal_edit(lambda seal: [seal[end]["code"].clear() for end in ("start", "end")]),
        "dvc.lock train@lenet-digits-0",
        "the seal names no code",
    ),
    "parameter in a whole seal": (
        seal_edit(lambda seal: both_ends(seal, "parameters", "epochs", 50)),
        "dvc.lock train@lenet-digits-0",
        "params.yaml: epochs from 50 to 2, against the seal",
    ),
    "images in a whole seal": (
        seal_edit(lambda seal: both_ends(seal, "data", "test-images.npy", "0" * 32)),
        "digits/lenet seal of the test",
        "seed 0 was trained with another test-images.npy than it was tested with",
    ),
    "weights in a seal": (
        seal_edit(lambda seal: seal["weights"].update({"0": "f" * 64})),
        "digits/lenet seal of the test",
        "trained were ffffffffffff…",
    ),
    "key of a run": (
        json_edit(f"{CELL}/training/s1.json", lambda raw: raw.update(key="")),
        "digits/lenet seal s1",
        f"{CELL}/training/s1.json /key",
    ),
    "hash of an output in the lock": (
        set_md5("evaluate@lenet-digits", "outs", f"{CELL}/metrics.json"),
        "dvc.lock evaluate@lenet-digits",
        f"{CELL}/metrics.json: has the MD5",
    ),
    "hash of a result that a stage read": (
        set_md5("evaluate@lenet-digits", "deps", f"{CELL}/history"),
        "dvc.lock evaluate@lenet-digits",
        f"{CELL}/history: has the MD5",
    ),
    "hash of code in the lock": (
        set_md5("train@lenet-digits-1", "deps", CODE),
        "dvc.lock train@lenet-digits-1",
        f"names another {CODE} (00000000",
    ),
    "hash of the images in the lock": (
        set_md5("train@lenet-digits-1", "deps", "data/prepared/digits"),
        "dvc.lock train@lenet-digits-1",
        "names another data/prepared/digits (00000000",
    ),
    "parameter in the lock": (
        lock_edit(
            lambda stages: stages["train@lenet-digits-0"]["params"]["params.yaml"].update(epochs=50)
        ),
        "dvc.lock train@lenet-digits-0",
        "params.yaml: epochs from 2 to 50, against the seal",
    ),
    "stage in the lock": (
        lock_edit(lambda stages: stages.pop("train@lenet-digits-1")),
        "dvc.lock train@lenet-digits-1",
        "has no stage train@lenet-digits-1",
    ),
    "stage of the frozen studies in the lock": (
        lock_edit(lambda stages: stages.pop("plot_studies")),
        "dvc.lock plot_studies",
        "has no stage plot_studies",
    ),
    "the lock altogether": (write("dvc.lock", "<<<<<<<\n"), "dvc.lock", "is no lock of DVC's"),
}


@pytest.mark.parametrize("what", RESULTS_EDITS)
def test_a_change_of_the_results_is_caught_and_named(project: Path, what: str) -> None:
    edit, group, text = RESULTS_EDITS[what]
    edit(project)
    caught(verify_study(project), Level.WRONG, group, text)


def caught(found: list[Finding], level: Level, group: str, text: str) -> None:
    """The group has this level and a detail with this text; nothing else is worse."""
    assert worst(found) is level, lines(found)
    details = [line for each in found if each.group == group for line in each.details]
    assert any(text in line for line in details), lines(found)
    assert level in {each.level for each in found if each.group == group}


PAGE_EDITS: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "digit in a page": (
        pages_digit("docs/report/results/index.md"),
        "pages",
        "docs/report/results/index.md:",
    ),
    "digit in the home page": (pages_digit("docs/index.md"), "pages", "docs/index.md:"),
    "page that nobody made": (
        write("docs/report/results/extra.md", "# 100 %\n"),
        "pages",
        "docs/report/results/extra.md: no page of the report has this name",
    ),
    "page that was removed": (
        remove("docs/report/results/cost.md"),
        "pages",
        "docs/report/results/cost.md: cannot be read",
    ),
    "navigation": (text_edit("docs/nav.yml", "Accuracy", "Truth"), "pages", "docs/nav.yml:"),
    "rank in README": (text_edit("README.md", r"1\. LeNet", "2. LeNet"), "README.md", "README.md:"),
    "README without the end of its figures": (
        text_edit("README.md", r"<!-- end of readme -->\n", ""),
        "README.md",
        "README.md: wanted one line",
    ),
}


@pytest.mark.parametrize("what", PAGE_EDITS)
def test_a_change_of_a_page_is_caught_and_named(project: Path, what: str) -> None:
    edit, group, text = PAGE_EDITS[what]
    edit(project)
    caught(verify(project, ["."]), Level.WRONG, group, text)


def test_a_changed_digit_is_shown_beside_the_right_one(project: Path) -> None:
    pages_digit("docs/index.md")(project)
    (page,) = (each for each in verify(project, ["."]) if each.group == "pages")
    shown = re.search(r"index\.md:(\d+): shows '…(.*)…', the results give '…(.*)…'$", page.detail)
    assert shown, page.detail
    line = (project / "docs/index.md").read_text(encoding="utf-8").splitlines()[int(shown[1]) - 1]
    assert shown[2] in line
    differing = [pair for pair in zip(shown[2], shown[3], strict=True) if pair[0] != pair[1]]
    assert len(differing) == 1


FIGURE_EDITS: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "a figure": (
        ".",
        text_edit("docs/figures/digits-leaderboard.svg", "</svg>", "<!-- --></svg>"),
        "docs/figures/digits-leaderboard.svg:",
    ),
    "a figure of a frozen study": (
        FROZEN,
        text_edit(f"docs/study-figures/{FROZEN}/digits-leaderboard.svg", "</svg>", " </svg>"),
        f"docs/study-figures/{FROZEN}/digits-leaderboard.svg:",
    ),
    "a caption": (
        ".",
        json_edit(
            "docs/figures/figures.json",
            lambda raw: raw["digits-leaderboard"].update(caption="100 %"),
        ),
        "docs/figures/figures.json /digits-leaderboard/caption:1: shows '100 %', the results give",
    ),
    "an alt text": (
        FROZEN,
        json_edit(
            f"docs/study-figures/{FROZEN}/figures.json",
            lambda raw: raw["digits-leaderboard"].update(alt="100 %"),
        ),
        f"docs/study-figures/{FROZEN}/figures.json /digits-leaderboard/alt:1: shows '100 %'",
    ),
    "a figure that was removed": (
        ".",
        remove("docs/figures/digits-leaderboard.svg"),
        "docs/figures/digits-leaderboard.svg: is missing",
    ),
    "its form for the dark": (
        ".",
        text_edit("docs/figures/digits-leaderboard-dark.svg", "</svg>", "<!-- --></svg>"),
        "docs/figures/digits-leaderboard-dark.svg:",
    ),
    "that form, removed": (
        ".",
        remove("docs/figures/digits-leaderboard-dark.svg"),
        "docs/figures/digits-leaderboard-dark.svg: is missing",
    ),
    "a figure that nobody drew": (
        ".",
        write("docs/figures/extra.svg", "<svg/>"),
        "docs/figures: no figure of the report has the name extra",
    ),
    "the texts altogether": (".", write("docs/figures/figures.json", "[1]"), "wanted a caption"),
}


@pytest.mark.parametrize("what", FIGURE_EDITS)
def test_a_change_of_a_figure_is_caught_and_named(project: Path, what: str) -> None:
    name, edit, text = FIGURE_EDITS[what]
    edit(project)
    caught(verify(project, [name]), Level.WRONG, "figures", text)


def test_figures_are_drawn_again_whatever_the_lock_says(project: Path) -> None:
    """A figure and its digest, changed together, hold until somebody draws."""
    text_edit("docs/figures/digits-leaderboard.svg", "</svg>", " </svg>")(project)
    folder = project / "docs/figures"
    digest = folder_md5({path.name: md5(path) for path in folder.iterdir()})
    lock_edit(
        lambda stages: [
            each.update(md5=digest)
            for stage in stages.values()
            for each in [*stage.get("deps", []), *stage["outs"]]
            if each["path"] == "docs/figures"
        ]
    )(project)
    assert worst(verify(project, ["."])).status == 0
    found = verify(project, ["."], figures=True)
    caught(found, Level.WRONG, "figures", "docs/figures/digits-leaderboard.svg:")


def test_figures_of_a_report_are_drawn_to_the_same_bytes(untouched: Path) -> None:
    plain, drawn = (
        next(each for each in verify(untouched, ["."], figures=again) if each.group == "figures")
        for again in (False, True)
    )
    assert drawn.level is Level.EXACT
    assert drawn.checked > plain.checked


def test_a_page_whose_stage_is_not_in_the_lock_is_not_excused(project: Path) -> None:
    page = f"docs/studies/{FROZEN}/report/results/index.md"
    pages_digit(page)(project)
    lock_edit(lambda stages: stages.pop("plot_studies"))(project)
    caught(verify(project, [FROZEN]), Level.WRONG, "pages", page)


def test_the_last_digit_of_a_number_in_full_is_within_tolerance(project: Path) -> None:
    """Another processor adds in another order."""
    page = "docs/report/passports/digits-lenet.md"
    pattern = r"`([1-9]\.\d{4,}|0\.0*[1-9]\d{4,})[0-8]`"
    text_edit(page, pattern, lambda found: f"{_raised(found[0][:-1])}`")(project)  # type: ignore[arg-type]
    (pages,) = (each for each in verify(project, ["."]) if each.group == "pages")
    assert pages.level is Level.WITHIN
    assert f"{page}:" in pages.detail


@pytest.mark.parametrize(
    ("found", "wanted", "level"),
    [
        ("a 0.1234567 b", "a 0.1234567 b", Level.EXACT),
        ("a `0.1234567` b", "a `0.1234568` b", Level.WITHIN),
        ("-1,234.5678 and 1.2345678e-07", "-1,234.5679 and 1.2345679e-07", Level.WITHIN),
        ("98.1 %", "98.2 %", Level.WRONG),
        ("0.12345", "0.12346", Level.WRONG),
        ("-0.1234567", "0.1234567", Level.WRONG),
        ("1,234,567 parameters", "1,234,568 parameters", Level.WRONG),
        ("seed 1000000", "seed 1000001", Level.WRONG),
        ("version 2.2100001.0", "version 2.2100002.0", Level.WRONG),
        ("0.1234567 a", "0.1234568 b", Level.WRONG),
        ("0.1234567", "0.1234568\nmore", Level.WRONG),
        ("0.1234567\n98.1", "0.1234568\n98.2", Level.WRONG),
    ],
)
def test_lines_may_differ_in_the_last_digits_alone(found: str, wanted: str, level: Level) -> None:
    assert text_check("file", found, wanted).level is level


def test_of_lines_that_differ_the_one_beyond_the_tolerance_is_named() -> None:
    check = text_check("file", "0.1234567\n98.1", "0.1234568\n98.2")
    assert check.text == "file:2: shows '98.1', the results give '98.2'"


@pytest.mark.parametrize(
    ("edit", "group", "text"),
    [
        (
            text_edit(f"{KEPT}/{CELL}/metrics.json", '"accuracy": 0', '"accuracy": 1'),
            "manifest",
            f"{KEPT}/{CELL}/metrics.json: has the SHA-256",
        ),
        (
            json_edit(
                f"{KEPT}/manifest.json", lambda raw: raw["files"].update({"params.yaml": "0" * 64})
            ),
            "manifest",
            f"{KEPT}/params.yaml: has the SHA-256",
        ),
        (
            json_edit(f"{KEPT}/manifest.json", lambda raw: raw.update(name="other")),
            "manifest",
            "is that of 'other', not of 'kept'",
        ),
        (write(f"{KEPT}/more.txt", ""), "manifest", f"{KEPT}/more.txt: is not in manifest.json"),
        (remove(f"{KEPT}/manifest.json"), "manifest", f"{KEPT}/manifest.json: is missing"),
        (remove(f"{KEPT}/{CELL}/training/s0.json"), "manifest", "is in manifest.json but cannot"),
        (
            lock_edit(
                lambda stages: stages["train@lenet-digits-0"]["params"]["params.yaml"].update(
                    epochs=50
                ),
                f"{KEPT}/dvc.lock",
            ),
            "dvc.lock train@lenet-digits-0",
            f"{KEPT}/dvc.lock: train@lenet-digits-0: params.yaml: epochs from 50 to 2",
        ),
        (
            pages_digit(f"docs/studies/{FROZEN}/report/results/index.md"),
            "pages",
            f"docs/studies/{FROZEN}/report/results/index.md:",
        ),
    ],
)
def test_a_change_of_a_frozen_study_is_caught_and_named(
    project: Path, edit: Callable[[Path], None], group: str, text: str
) -> None:
    edit(project)
    found = verify(project, [FROZEN]) if group == "pages" else verify_study(project, FROZEN)
    caught(found, Level.WRONG, group, text)


def test_a_frozen_prediction_is_held_against_the_lock_as_it_was_unpacked(project: Path) -> None:
    """Even where the manifest was made to agree."""
    packed = project / KEPT / CELL / "predictions/s0.csv.gz"
    plain = packed.with_suffix("")
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    flip_a_hit(project, plain.relative_to(project).as_posix())
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    name, digest = f"{CELL}/predictions/s0.csv.gz", sha256(packed)
    json_edit(f"{KEPT}/manifest.json", lambda raw: raw["files"].update({name: digest}))(project)
    found = verify_study(project, FROZEN)
    assert next(each.level for each in found if each.group == "manifest") is Level.EXACT
    group = "dvc.lock evaluate@lenet-digits"
    caught(found, Level.WRONG, group, f"{KEPT}/{CELL}/predictions: has the MD5")
    caught(found, Level.WRONG, group, f"{KEPT}/{CELL}/confusion: has the MD5")


@pytest.mark.parametrize(
    ("edit", "group", "text"),
    [
        (
            lambda folder: edit_params(folder, epochs=9),
            "dvc.lock train@lenet-digits-0",
            "dvc.lock: params.yaml: epochs from 2 to 9; `dvc repro` would run train@lenet-digits-0",
        ),
        (
            text_edit("src/cnnreport/training.py", r"\Z", "\n"),
            "dvc.lock train@lenet-digits-1",
            "src/cnnreport/training.py has changed; `dvc repro` would run train@lenet-digits-1",
        ),
        (
            text_edit("report/templates/index.md.j2", r"\A", "New words.\n"),
            "pages",
            "its inputs have changed and `dvc repro` would run report",
        ),
        (
            set_md5("prepare@digits", "outs", "data/prepared/digits"),
            "dvc.lock train@lenet-digits-0",
            "data/prepared/digits was made anew since then",
        ),
    ],
)
def test_what_the_next_run_would_make_anew_is_unverified(
    project: Path, edit: Callable[[Path], None], group: str, text: str
) -> None:
    edit(project)
    caught(verify(project, ["."]), Level.UNVERIFIED, group, text)


def csv_edit(change: Callable[[list[list[str]]], Any], file: str) -> Callable[[Path], None]:
    """Change the cells of a table, the header included."""

    def edit(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        rows = [line.split(",") for line in text.splitlines()]
        change(rows)
        save_text(folder / file, "".join(f"{','.join(row)}\n" for row in rows))

    return edit


PREDICTIONS, HISTORY = f"{CELL}/predictions/s0.csv", f"{CELL}/history/s0.csv"
METRICS, TRAINING = f"{CELL}/metrics.json", f"{CELL}/training/s0.json"
ARCHITECTURE = f"{CELL}/architecture.json"


def metrics_edit(**values: object) -> Callable[[Path], None]:
    return json_edit(METRICS, lambda raw: raw.update(values))


MALFORMED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a column with another name": (
        csv_edit(lambda rows: rows[0].__setitem__(1, "truth"), PREDICTIONS),
        f"{PREDICTIONS}: does not hold predictions (wanted the columns image, label,",
    ),
    "a column less": (
        csv_edit(lambda rows: [row.pop() for row in rows], PREDICTIONS),
        f"{PREDICTIONS}: does not hold predictions (wanted the columns",
    ),
    "a column twice": (
        csv_edit(lambda rows: rows[0].__setitem__(2, "label"), PREDICTIONS),
        f"{PREDICTIONS}: does not hold predictions (wanted the columns",
    ),
    "a value too many in every row": (
        csv_edit(lambda rows: rows.__setitem__(slice(1, None), [["1"] * 8] * 120), PREDICTIONS),
        f"{PREDICTIONS}: does not hold predictions (rows have more values than",
    ),
    "no predictions": (
        csv_edit(lambda rows: rows.__delitem__(slice(1, None)), PREDICTIONS),
        f"{PREDICTIONS}: does not hold predictions (no rows)",
    ),
    "an empty file of predictions": (write(PREDICTIONS, ""), f"{PREDICTIONS}: cannot be read"),
    "bytes that are no text": (
        lambda folder: (folder / PREDICTIONS).write_bytes(b"\xff\xfe\x00"),
        f"{PREDICTIONS}: cannot be read",
    ),
    **{
        f"{value!r} as {column}": (
            csv_edit(lambda rows, at=at, value=value: rows[3].__setitem__(at, value), PREDICTIONS),
            PREDICTIONS,
        )
        for at, column in ((1, "a label"), (4, "a probability"))
        for value in ("cat", "", "inf", "0x1", "True", "1e400", "9" * 30)
    },
    "a history without epochs": (
        csv_edit(lambda rows: rows.__delitem__(slice(1, None)), HISTORY),
        f"{HISTORY}: has no epoch",
    ),
    "an empty history": (write(HISTORY, ""), f"{HISTORY}: has no epoch"),
    "a history with a word": (
        csv_edit(lambda rows: rows[1].__setitem__(2, "good"), HISTORY),
        f"{HISTORY}: does not hold Epoch rows",
    ),
    "a text as accuracy": (metrics_edit(accuracy="0.9"), f"{METRICS}: does not hold a CellMetrics"),
    "nothing as accuracy": (metrics_edit(accuracy=None), f"{METRICS}: does not hold a CellMetrics"),
    "a list as loss": (metrics_edit(loss=[1.0]), f"{METRICS}: does not hold a CellMetrics"),
    "a truth as epochs": (metrics_edit(epochs=True), f"{METRICS}: does not hold a CellMetrics"),
    "nothing by seed": (
        metrics_edit(accuracy_by_seed=None),
        f"{METRICS}: does not hold a CellMetrics",
    ),
    "no figure by seed": (metrics_edit(accuracy_by_seed={}), "/accuracy_by_seed/0: holds None"),
    "no figure by class": (metrics_edit(class_accuracy={}), "/class_accuracy/0: holds None"),
    "an unknown recipe": (metrics_edit(recipe="none"), ""),
    "no layers": (json_edit(ARCHITECTURE, lambda raw: raw.update(layers=[])), "/parameters: holds"),
    "a layer without a shape": (
        json_edit(ARCHITECTURE, lambda raw: raw["layers"][1].update(output_shape=[])),
        "cannot be made again from these results (IndexError",
    ),
    "nothing as layers": (
        json_edit(ARCHITECTURE, lambda raw: raw.update(layers=None)),
        f"{ARCHITECTURE}: does not hold a Architecture",
    ),
    "a list for a record": (write(TRAINING, "[]"), f"{TRAINING}: does not hold a TrainingRecord"),
    "nothing as seals": (
        json_edit(TRAINING, lambda raw: raw.update(seals=None)),
        f"{TRAINING}: does not hold a TrainingRecord",
    ),
    "nothing as a seal": (
        json_edit(TRAINING, lambda raw: raw.update(seals=[None])),
        f"{TRAINING}: does not hold a TrainingRecord",
    ),
    "nothing as the start of a seal": (
        seal_edit(lambda seal: seal.update(start=None)),
        f"{TRAINING}: does not hold a TrainingRecord",
    ),
    "nothing as code": (
        seal_edit(lambda seal: seal["start"].update(code=None)),
        f"{TRAINING}: does not hold a TrainingRecord",
    ),
    "no data in a seal": (
        seal_edit(lambda seal: [seal[end]["data"].clear() for end in ("start", "end")]),
        "names another data/prepared/digits",
    ),
    "a number as a hash": (
        seal_edit(lambda seal: seal["start"]["code"].update({CODE: 1})),
        f"{TRAINING}: does not hold a TrainingRecord",
    ),
    "no classes": (
        json_edit("results/digits/dataset.json", lambda raw: raw.update(class_names=[])),
        "cannot be made again",
    ),
    "nothing as a hash in the lock": (
        lock_edit(lambda stages: stages["plot"]["outs"][0].update(md5=None)),
        "docs/figures: has the MD5",
    ),
    "nothing as parameters in the lock": (
        lock_edit(lambda stages: stages["plot"]["params"].update({"params.yaml": None})),
        "dvc.lock: is no lock of DVC's",
    ),
    "a list of stages in the lock": (write("dvc.lock", "stages: [1]\n"), "is no lock of DVC's"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_results_are_lines_and_never_a_traceback(project: Path, what: str) -> None:
    edit, text = MALFORMED[what]
    edit(project)
    found = verify(project, ["."])
    assert worst(found) is Level.WRONG
    details = [line for each in found for line in each.details]
    assert any(text in line for line in details), lines(found)
    assert not [line for line in details if "\n" in line]


@pytest.mark.parametrize("files", [None, [], {"params.yaml": None}, "params.yaml"])
def test_a_malformed_manifest_is_a_line(project: Path, files: object) -> None:
    json_edit(f"{KEPT}/manifest.json", lambda raw: raw.update(files=files))(project)
    found = verify(project, [FROZEN])
    caught(found, Level.WRONG, "manifest", "manifest.json: does not hold a Manifest")


def test_the_command_prints_a_line_for_malformed_results(project: Path) -> None:
    MALFORMED["a column with another name"][0](project)
    with chdir(project):
        done = CliRunner().invoke(app, ["verify", "."])
    assert done.exit_code == 1
    assert re.search(rf"(?m)^\. +results +WRONG +1  {PREDICTIONS}: does not hold", done.output)


@pytest.fixture
def committed(project: Path) -> Path:
    """A project whose code and parameters are committed, as the first run's seal says."""
    succeed(project, "git", "init", "--quiet", "--initial-branch=main")
    succeed(project, "git", "config", "user.name", "Test")
    succeed(project, "git", "config", "user.email", "test@example.org")
    (project / ".git/info/exclude").write_text("/*\n!/src\n!/params.yaml\n", encoding="utf-8")
    commit(project, "what the run starts from")
    head = succeed(project, "git", "rev-parse", "HEAD").strip()
    seal_edit(lambda seal: seal.update(commit=head))(project)
    return project


def of_commits(folder: Path) -> list[Finding]:
    return [each for each in verify_study(folder) if each.group.endswith("commit s0")]


def test_a_seal_is_held_against_its_commit(committed: Path) -> None:
    (finding,) = of_commits(committed)
    assert finding.group == "digits/lenet commit s0"
    assert (finding.level, finding.details) == (Level.EXACT, ())
    # What is committed later does not matter.
    text_edit(CODE, r"\Z", "\n")(committed)
    commit(committed, "later")
    assert of_commits(committed) == [finding]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda seal: both_ends(seal, "code", CODE, "0" * 32),
            f"{CODE} is not that of the commit ",
        ),
        (
            lambda seal: both_ends(seal, "code", "src/extra.py", "0" * 32),
            "src/extra.py is not that of the commit ",
        ),
        (
            lambda seal: both_ends(seal, "parameters", "epochs", 50),
            "params.yaml: epochs from 2 to 50, against the commit ",
        ),
    ],
)
def test_a_seal_that_its_commit_contradicts_is_wrong(
    committed: Path, change: Callable[[Any], None], text: str
) -> None:
    seal_edit(change)(committed)
    (finding,) = of_commits(committed)
    assert finding.level is Level.WRONG
    assert text in finding.detail
    # What the seal says to have been edited before the start cannot be in the commit.
    names = [CODE, "src/extra.py", "params.yaml"]
    seal_edit(lambda seal: seal.update(changed=names))(committed)
    assert [each.level for each in of_commits(committed)] == [Level.EXACT]


def test_a_file_that_was_moved_before_the_run_counts_as_changed(committed: Path) -> None:
    seal_edit(lambda seal: both_ends(seal, "code", CODE, "0" * 32))(committed)
    seal_edit(lambda seal: seal.update(changed=[f"src/old.py -> {CODE}"]))(committed)
    assert [each.level for each in of_commits(committed)] == [Level.EXACT]


@pytest.mark.parametrize("name", ["0" * 40, "HEAD", "--batch-check\nHEAD"])
def test_a_commit_that_git_does_not_have_is_unverified(committed: Path, name: str) -> None:
    seal_edit(lambda seal: seal.update(commit=name))(committed)
    (finding,) = of_commits(committed)
    assert finding.level is Level.UNVERIFIED
    assert "git has no commit '" in finding.detail
    assert "\n" not in finding.detail


def test_nothing_is_said_of_a_commit_where_git_cannot_know(committed: Path, tmp_path: Path) -> None:
    seal_edit(lambda seal: seal.update(commit="0" * 40))(committed)
    succeed(committed, "git", "commit", "--quiet", "--allow-empty", "--message", "more")
    origin = f"file://{committed}"
    succeed(tmp_path, "git", "clone", "--quiet", "--depth=1", origin, str(tmp_path / "shallow"))
    shutil.rmtree(committed / ".git")
    shutil.copytree(tmp_path / "shallow/.git", committed / ".git")
    assert of_commits(committed) == []
    shutil.rmtree(committed / ".git")
    assert of_commits(committed) == []


def test_a_folder_inside_of_another_repository_has_none_of_its_own(committed: Path) -> None:
    assert repository(committed) is not None
    assert repository(committed / "src") is None


def cached(folder: Path, output: str) -> Path:
    """The object of an output in the cache, in a project that was copied."""
    stages = YAML(typ="safe").load((folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    digest = next(
        out["md5"] for stage in stages.values() for out in stage["outs"] if out["path"] == output
    )
    return folder / ".dvc/cache/files/md5" / digest[:2] / digest[2:]


def weights_object(folder: Path) -> Path:
    (member,) = json.loads(cached(folder, "runs/digits/lenet/s1").read_text(encoding="utf-8"))
    return folder / ".dvc/cache/files/md5" / member["md5"][:2] / member["md5"][2:]


def overwrite(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"other")


def test_the_cache_is_hashed_again(project: Path) -> None:
    found = [each for each in verify(project, ["."], cache=True) if "cache" in each.group]
    outputs = ["data/activations/digits/lenet.npz", "data/checked.txt"]
    outputs += ["data/listings/checked.txt", "data/prepared/digits", "docs/pictures"]
    outputs += [f"runs/digits/lenet/s{seed}" for seed in (0, 1)]
    assert sorted(each.group for each in found) == [f"cache {name}" for name in outputs]
    assert {each.level for each in found} == {Level.EXACT}


@pytest.mark.parametrize(
    ("spoil", "which", "level", "group", "text"),
    [
        (
            overwrite,
            weights_object,
            Level.WRONG,
            "runs/digits/lenet/s1",
            "runs/digits/lenet/s1/weights.npz: files/md5/",
        ),
        (
            overwrite,
            lambda folder: cached(folder, "runs/digits/lenet/s0"),
            Level.WRONG,
            "runs/digits/lenet/s0",
            "in DVC's cache has the MD5",
        ),
        (
            Path.unlink,
            weights_object,
            Level.UNVERIFIED,
            "runs/digits/lenet/s1",
            "is not in DVC's cache; `dvc pull` may bring it",
        ),
    ],
)
def test_a_change_of_the_cache_is_caught_and_named(
    project: Path,
    spoil: Callable[[Path], None],
    which: Callable[[Path], Path],
    level: Level,
    group: str,
    text: str,
) -> None:
    spoil(which(project))
    caught(verify(project, ["."], cache=True), level, f"cache {group}", text)


def test_cached_weights_are_held_against_the_seal(project: Path) -> None:
    """Whoever sets the lock to the other run's weights finds that the seal knows better."""
    first, second = (
        f"{cached(project, f'runs/digits/lenet/s{seed}').parent.name}"
        f"{cached(project, f'runs/digits/lenet/s{seed}').name}"
        for seed in (0, 1)
    )
    assert first != second
    lock_edit(
        lambda stages: locked(
            stages, "train@lenet-digits-0", "outs", "runs/digits/lenet/s0"
        ).update(md5=second)
    )(project)
    assert worst(verify(project, ["."])).status == 0
    caught(
        verify(project, ["."], cache=True),
        Level.WRONG,
        "cache runs/digits/lenet/s0",
        "runs/digits/lenet/s0/weights.npz: DVC's cache holds for it other weights than the seal",
    )


def test_a_sample_is_predicted_again(untouched: Path) -> None:
    found = [each for each in verify(untouched, weights=10) if "weights" in each.group]
    assert [each.checked for each in found] == [10] * 4
    assert {each.level for each in found} <= {Level.EXACT, Level.WITHIN}


def swap_weights(folder: Path) -> None:
    shutil.copyfile(weights_file(folder, 1), weights_file(folder, 0))


@pytest.mark.parametrize(
    ("edit", "level", "text"),
    [
        (swap_weights, Level.WRONG, "…; not loaded"),
        (remove("runs/digits/lenet/s0/weights.npz"), Level.UNVERIFIED, "weights.npz: is missing"),
        (remove("data/prepared/digits/test-images.npy"), Level.UNVERIFIED, "npy: is missing"),
        (
            write("data/prepared/digits/test-images.npy", "other"),
            Level.UNVERIFIED,
            "test-images.npy: is not what the test of . read",
        ),
    ],
)
def test_other_weights_or_images_are_not_used(
    project: Path, edit: Callable[[Path], None], level: Level, text: str
) -> None:
    edit(project)
    found = [each for each in verify(project, ["."], weights=3) if "weights" in each.group]
    caught(found, level, "weights digits/lenet s0", text)


def test_a_prediction_that_the_weights_do_not_make_is_wrong(project: Path) -> None:
    """The confidence of every image, with all else as it was."""
    path = project / CELL / "predictions/s0.csv"
    text = re.sub(r"(?m)^(\d+,\d,\d,\d+),0\.\d+,", r"\1,0.5,", path.read_text(encoding="utf-8"))
    save_text(path, text)
    found = verify(project, ["."], weights=3)
    caught(found, Level.WRONG, "weights digits/lenet s0", "test image 0: stored class")


@pytest.mark.parametrize(
    ("edit", "status"),
    [
        (Path.resolve, 0),
        (lambda folder: edit_params(folder, profile="laptop"), 3),
        (json_edit(f"{CELL}/metrics.json", lambda raw: raw.update(accuracy=0.9)), 1),
    ],
)
def test_the_exit_status_is_the_worst(
    project: Path, edit: Callable[[Path], None], status: int
) -> None:
    edit(project)
    with chdir(project):
        done = CliRunner().invoke(app, ["verify", ".", "--json"])
    printed = json.loads(done.output)
    assert done.exit_code == status == printed["status"]
    assert printed["worst"] == {0: "within tolerance", 3: "unverified", 1: "WRONG"}[status]


def test_a_table_names_study_and_group(untouched: Path) -> None:
    with chdir(untouched):
        done = CliRunner().invoke(app, ["verify", FROZEN])
    assert done.exit_code == 0
    assert re.search(rf"(?m)^{FROZEN} +manifest +exact +\d+$", done.output)
    assert "numbers, rows, digests and pages checked" in done.output.splitlines()[-1]


def test_a_study_that_is_not_there_is_one_line(untouched: Path) -> None:
    with pytest.raises(InputError, match=f"no study 'nowhere'; known: ., {FROZEN}"):
        verify(untouched, ["nowhere"])


@pytest.mark.parametrize(
    ("stored", "again", "slack", "level"),
    [
        (0.123456, 0.1234564, 0.0, Level.EXACT),
        (0.123456, 0.1234569, 0.0, Level.WITHIN),
        (0.123456, 0.12346, 0.0, Level.WRONG),
        (0.123456, 0.12346, 5e-6, Level.WITHIN),
        (float("nan"), 0.5, 0.0, Level.WRONG),
        (7, 7, 0.0, Level.EXACT),
        (1_000_000, 1_000_001, 0.0, Level.WRONG),
        (None, None, 0.0, Level.EXACT),
        (None, 0.5, 0.0, Level.WRONG),
        (0.5, None, 0.0, Level.WRONG),
        (1, 1.0000001, 0.0, Level.EXACT),
    ],
)
def test_numbers_are_compared_as_they_are_written(
    stored: object, again: object, slack: float, level: Level
) -> None:
    assert number("file", stored, again, slack).level is level


def test_a_finding_is_as_bad_as_its_worst_check() -> None:
    found = sum_up(
        ".", "a b", [Check(Level.WITHIN, "near"), Check(Level.WRONG, "far"), Check(Level.EXACT)]
    )
    assert (found.level, found.checked, found.detail) == (Level.WRONG, 3, "far (and 1 more)")


def test_exact_groups_are_one_line_and_others_stand_alone() -> None:
    parts = [Finding(".", f"cell {name}", Level.EXACT, 2) for name in "abc"]
    bad = Finding(".", "cell d", Level.WRONG, 1, ("why",))
    first, second, last = lines([*parts[:2], bad, parts[2]])
    assert first.split() == [".", "cell", "exact", "6"]
    assert second.split() == [".", "cell", "d", "WRONG", "1", "why"]
    assert last == "WRONG in 1 of 4 groups; 7 numbers, rows, digests and pages checked"
    assert as_json([bad])["status"] == 1


@pytest.mark.parametrize(
    ("found", "wanted", "text"),
    [
        ("a\nb\n", "a\nc\n", "2: shows 'b', the results give 'c'"),
        ("a", "a\nc", "2: shows '(no line)', the results give 'c'"),
    ],
)
def test_the_first_line_that_differs_is_named(found: str, wanted: str, text: str) -> None:
    assert first_difference(found, wanted) == text


def test_of_a_long_line_the_part_that_differs_is_shown() -> None:
    text = first_difference("x" * 300 + "1" + "y" * 300, "x" * 300 + "2" + "y" * 300)
    assert "x1y" in text
    assert "x2y" in text
    assert len(text) < 300


@pytest.mark.parametrize(
    ("count", "wanted", "chosen"),
    [(10, 1, [0]), (10, 2, [0, 9]), (10, 4, [0, 3, 6, 9]), (3, 100, [0, 1, 2])],
)
def test_a_sample_is_spread_evenly(count: int, wanted: int, chosen: list[int]) -> None:
    assert sample(count, wanted).tolist() == chosen


def test_the_products_of_lenet_are_those_of_its_layers() -> None:
    assert _macs(LENET, weighted=False) == 784 * 450 + 100 * 2400 + 48_000 + 10_080 + 840
