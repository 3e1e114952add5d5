"""Frozen studies: all that is needed, the same bytes again, whole or not at all."""

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from make_study import MODELS, make_study
from sealed import EDITED, INPUTS, SEAL, with_seals, write_project

from cnnreport import freezing
from cnnreport.errors import InputError, ResultsError
from cnnreport.freezing import demand_study, freeze, frozen_names, load_frozen, load_manifest
from cnnreport.records import Seal
from cnnreport.seals import sha256
from cnnreport.study import load_study

OTHER = replace(INPUTS, code={"src/cnnreport/models/lenet.py": "0"})


def write(folder: Path, seals: list[Seal]) -> None:
    write_project(folder, with_seals(make_study(models=MODELS[:2], images_per_class=10), seals))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, [SEAL])
    return tmp_path


def test_a_frozen_study_is_the_live_one(project: Path) -> None:
    folder = freeze(project, project / "studies", "first", "The first")
    live = load_study(load_frozen(folder).params, project / "results")
    frozen = load_frozen(folder)
    assert (frozen.name, live.name) == ("first", "")
    assert frozen.digests == live.digests
    for key, cell in live.cells.items():
        assert frozen.cells[key].metrics == cell.metrics
        assert frozen.cells[key].runs[0].training == cell.runs[0].training
        assert frozen.cells[key].runs[0].predictions.equals(cell.runs[0].predictions)


def test_the_manifest_names_every_file(project: Path) -> None:
    folder = freeze(project, project / "studies", "first", "The first")
    manifest = load_manifest(folder)
    files = {path for path in folder.rglob("*") if path.is_file()} - {folder / "manifest.json"}
    assert manifest.files == {path.relative_to(folder).as_posix(): sha256(path) for path in files}
    assert (manifest.name, manifest.title) == ("first", "The first")
    assert {"params.yaml", "dvc.lock", "results/digits/dataset.json"} <= manifest.files.keys()
    assert not [name for name in manifest.files if "confusion" in name or "classes" in name]


def test_predictions_are_compressed_to_the_same_bytes(project: Path) -> None:
    folders = [freeze(project, project / "studies", name, "") for name in ("a", "b")]
    name = "results/digits/lenet/predictions/s0.csv"
    first, second = ((folder / f"{name}.gz").read_bytes() for folder in folders)
    assert first == second
    assert gzip.decompress(first) == (project / name).read_bytes()


def test_only_folders_with_a_manifest_count(project: Path) -> None:
    studies = project / "studies"
    assert frozen_names(studies) == []
    for name in ("b", "a"):
        freeze(project, studies, name, "")
    (studies / "c").mkdir()
    assert frozen_names(studies) == ["a", "b"]


def test_where_nothing_is_frozen_the_line_says_so() -> None:
    demand_study("a", ["b", "a"])
    with pytest.raises(InputError, match=r"^no study 'c'; known: b, a$"):
        demand_study("c", ["b", "a"])
    with pytest.raises(InputError, match=r"^no study 'a'; known: none; .*cnnreport freeze"):
        demand_study("a", [])


@pytest.mark.parametrize("name", ["", "A", "../a", "a b", ".a", "-a", "live"])
def test_a_name_is_checked(project: Path, name: str) -> None:
    with pytest.raises(InputError, match="small letters"):
        freeze(project, project / "studies", name, "")


def test_nothing_is_written_over(project: Path) -> None:
    freeze(project, project / "studies", "a", "")
    before = (project / "studies/a/manifest.json").read_bytes()
    with pytest.raises(InputError, match="there already"):
        freeze(project, project / "studies", "a", "again")
    assert (project / "studies/a/manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("seals", "message"),
    [
        ([], "digits/lenet/s0: is unsealed"),
        ([EDITED], "epochs from 3 to 4.*train@lenet-digits-0"),
        ([replace(SEAL, changed=["src/cnnreport/training.py"])], "by code that no commit holds"),
        ([replace(SEAL, start=OTHER, end=OTHER)], "lenet.py: is no longer as it was"),
    ],
)
def test_only_sealed_runs_are_frozen(tmp_path: Path, seals: list[Seal], message: str) -> None:
    write(tmp_path, seals)
    with pytest.raises(ResultsError, match=message):
        freeze(tmp_path, tmp_path / "studies", "a", "")
    assert not list((tmp_path / "studies").glob("*"))


@pytest.mark.parametrize(
    "name", ["dvc.lock", "results/digits/alexnet/predictions/s0.csv", "results/digits/dataset.json"]
)
def test_an_incomplete_study_leaves_nothing(project: Path, name: str) -> None:
    (project / name).unlink()
    with pytest.raises(ResultsError, match=name.rsplit("/", 1)[-1]):
        freeze(project, project / "studies", "a", "")
    assert not list((project / "studies").glob("*"))


def test_a_stop_half_way_leaves_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(freezing, "_manifest", stop)
    with pytest.raises(KeyboardInterrupt):
        freeze(project, project / "studies", "a", "")
    assert not list((project / "studies").glob("*"))
