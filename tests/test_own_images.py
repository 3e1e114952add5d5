"""A folder of somebody's images from `cnnreport new-study` to the pages, as a user does it."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from clones import edit_params, make_clone, ran, run, succeed
from image_folders import fill, picture

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1200)]

NAMES = ("chat noir", "カニ", "<i>|*_$&#@{{ x }}")
CELL = "train@lenet-mine-0"


def images(folder: Path) -> Path:
    """Three classes of unequal size, and much that is no image of the set."""
    for number, (name, count) in enumerate(zip(NAMES, (20, 12, 5), strict=True)):
        fill(folder / name, count, first=1000 * number)
    first = folder / NAMES[0]
    (first / "notes.txt").write_text("hello")
    (first / "cut.png").write_bytes((first / "000.png").read_bytes()[:70])
    picture(3).save(first / "again.bmp")
    fill(folder / "alone", 1, first=9000)
    if sys.platform != "win32":
        (first / "out.png").symlink_to("/etc/hostname")
        (first / "nowhere.png").symlink_to("nothing")
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which one network was trained for an epoch on such a folder."""
    root = tmp_path_factory.mktemp("own")
    images(root / "My images")
    folder = root / "project"
    make_clone(folder)
    told = succeed(folder, "cnnreport", "new-study", "../My images", "--name", "mine")
    assert "left out, too few usable images: alone (1)" in told
    edit_params(folder, models=["lenet"], epochs=1)
    succeed(folder, "dvc", "repro")
    return folder


def record(project: Path, name: str = "dataset.json") -> dict:
    return json.loads((project / "results/mine" / name).read_text(encoding="utf-8"))


def test_every_file_is_used_or_named(project: Path) -> None:
    found = record(project)
    folder = record(project, "origin.json")["folder"]
    used = sum(sum(counts) for counts in found["class_counts"].values())
    assert found["class_names"] == sorted(NAMES)
    assert used == 37
    assert folder["found"] == used + len(folder["left_out"])
    reasons = {Path(each["path"]).name: each["note"] for each in folder["left_out"]}
    assert reasons["notes.txt"].startswith("no image that can be read")
    assert reasons["again.bmp"] == f"the same picture is there already: {NAMES[0]}/003.png"
    if sys.platform != "win32":
        assert reasons["out.png"] == "a link that leaves the folder"


def test_the_pages_speak_of_it_and_the_site_builds(project: Path) -> None:
    page = (project / "docs/report/chapters/4-datasets.md").read_text(encoding="utf-8")
    assert "### What became of the files" in page
    assert "| no image that can be read (HEIC cannot) | " in page
    assert "handwritten digits" not in page
    home = (project / "docs/index.md").read_text(encoding="utf-8")
    assert "The classes are unequal: chat noir has " in home
    metrics = json.loads((project / "results/mine/lenet/metrics.json").read_text("utf-8"))
    by_class = metrics["class_accuracy"].values()
    assert metrics["balanced_accuracy"] == pytest.approx(sum(by_class) / 3, abs=1e-5)
    assert "| Balanced" in (project / "docs/report/results/index.md").read_text("utf-8")
    succeed(project, "mkdocs", "build", "--strict")
    assert (project / "site/report.pdf").stat().st_size > 100_000


def test_what_is_published_holds(project: Path) -> None:
    done = run(project, "cnnreport", "verify", ".", "--json")
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert "WRONG" not in done.stdout


def test_the_network_answers(project: Path) -> None:
    done = run(project, "cnnreport", "predict", f"../My images/{NAMES[1]}/1000.png", "--json")
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)
    assert {name for name, _ in answer["classes"]} == set(NAMES)


def test_a_change_in_the_folder_is_noticed_and_no_change_is_none(project: Path) -> None:
    folder = project.parent / "My images"
    assert ran(succeed(project, "dvc", "repro")) == {"inventory@mine"}
    # No picture: the listing is another one, and the pages, but nothing is trained.
    (folder / NAMES[0] / "more notes.txt").write_text("hello again")
    again = ran(succeed(project, "dvc", "repro"))
    assert {"inventory@mine", "prepare@mine", "report"} <= again
    assert not {stage for stage in again if stage.startswith(("train", "evaluate"))}
    # A new picture: trained anew.
    fill(folder / NAMES[1], 1, first=5000)
    before = record(project)["digest"]
    assert CELL in ran(succeed(project, "dvc", "repro"))
    assert record(project)["digest"] != before


def test_without_the_folder_the_rest_stays(project: Path) -> None:
    folder = project.parent / "My images"
    moved = folder.rename(project.parent / "elsewhere")
    try:
        told = succeed(project, "dvc", "repro")
        assert ran(told) == {"inventory@mine"}
        assert "is not here; its last listing is kept" in told
        shutil.rmtree(project / "data/prepared/mine")
        (project / "data/listings/mine.csv").write_text("", encoding="utf-8")
        failed = run(project, "dvc", "repro", "--force", "--single-item", "prepare@mine")
        assert failed.returncode != 0
        assert "Traceback" not in failed.stdout + failed.stderr
    finally:
        moved.rename(folder)
