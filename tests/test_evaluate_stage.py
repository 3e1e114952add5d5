"""Which state the stage evaluate removes: that which the tested network grew from."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from make_study import make_study

from cnnreport.stages.evaluate import trained_key

KEY = "0123456789abcdef" * 4


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
