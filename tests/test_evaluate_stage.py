"""The stage evaluate removes the state that the tested network grew from, and no other."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from make_study import make_study
from test_checkpoints import HOLD, epoch_of, made, run_python, store_in

from cnnreport.checkpoints import Store
from cnnreport.stages.evaluate import discard, trained_key

KEY = "0123456789abcdef" * 4


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_in(tmp_path)


def test_other_runs_and_other_trainings_of_the_same_run_are_spared(store: Store) -> None:
    stores = [store, replace(store, key="other"), replace(store, run="digits/lenet/s1")]
    for each in stores:
        with each.lock():
            each.save(made(2))
    discard(store)
    assert [epoch_of(each.load()) for each in stores] == [0, 2, 2]
    assert {path.name for path in (store.root / store.run).iterdir()} == {"other", "other.lock"}
    with store.lock():
        store.save(made(1))
    assert epoch_of(store.load()) == 1


def test_what_is_being_trained_is_spared(store: Store) -> None:
    store.save(made(2))
    with run_python(HOLD, store.root, store.key) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        discard(store)
        assert epoch_of(store.load()) == 2
        holder.kill()
    discard(store)
    assert not list((store.root / store.run).iterdir())


def test_discarding_nothing_is_fine(tmp_path: Path) -> None:
    discard(replace(store_in(tmp_path), root=tmp_path / "missing"))
    assert not list(tmp_path.iterdir())


def record_with(folder: Path, key: object) -> Path:
    training = make_study(images_per_class=5).cell("digits", "lenet").runs[0].training
    path = folder / "s0.json"
    path.write_text(json.dumps({**asdict(training), "key": key}), encoding="utf-8")
    return path


def test_the_key_is_that_of_the_record(tmp_path: Path) -> None:
    assert trained_key(record_with(tmp_path, KEY)) == KEY


@pytest.mark.parametrize("key", ["", ".", "..", "../..", "/", KEY[:-1], f"{KEY}/..", f"{KEY}\n", 3])
def test_a_key_that_is_none_names_no_folder_to_delete(tmp_path: Path, key: object) -> None:
    """Records of before there were keys have an empty one, which would be the folder of the run."""
    assert trained_key(record_with(tmp_path, key)) is None


def test_without_a_record_there_is_no_key(tmp_path: Path) -> None:
    assert trained_key(tmp_path / "s0.json") is None
