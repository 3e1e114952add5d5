import numpy as np
import pytest

from cnnreport.errors import DatasetError
from cnnreport.prepared import RECORD_FILE, Split, load_record, load_split, save_split
from cnnreport.records import DatasetRecord, save_text, to_json

RECORD = DatasetRecord(
    name="digits",
    title="Digits",
    source="somewhere",
    class_names=["0", "1"],
    train_images=4,
    validation_images=2,
    test_images=2,
    image_shape=[32, 32, 3],
    validation_fraction=0.25,
    split_seed=1,
    mean=[0.5, 0.25, 0.125],
    deviation=[0.1, 0.2, 0.3],
    digest="ab",
)


@pytest.fixture
def split():
    images = np.arange(5 * 32 * 32 * 3).astype(np.uint8).reshape(5, 32, 32, 3)
    return Split(images, np.array([0, 1, 2, 1, 0], np.int64))


def test_a_split_comes_back_as_it_was_saved(tmp_path, split):
    save_split(tmp_path / "new", "train", split)
    loaded = load_split(tmp_path / "new", "train")
    np.testing.assert_array_equal(loaded.images, split.images)
    np.testing.assert_array_equal(loaded.labels, split.labels)
    assert (loaded.images.dtype, loaded.labels.dtype) == (np.uint8, np.int64)


def test_saving_twice_gives_the_same_bytes(tmp_path, split):
    for folder in ("a", "b"):
        save_split(tmp_path / folder, "test", split)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
        for folder in ("a", "b")
    )
    assert sorted(first) == ["test-images.npy", "test-labels.npy"]
    assert first == second


@pytest.mark.parametrize("part", ["images", "labels"])
@pytest.mark.parametrize("keep", [None, 0, 5, -7])
def test_a_missing_or_truncated_file_is_one_line(tmp_path, split, part, keep):
    save_split(tmp_path, "train", split)
    path = tmp_path / f"train-{part}.npy"
    if keep is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DatasetError, match=rf"^[^\n]*{path.name}: [^\n]*dvc repro[^\n]*$"):
        load_split(tmp_path, "train")


def test_pickled_objects_are_refused(tmp_path, split):
    save_split(tmp_path, "train", split)
    np.save(tmp_path / "train-labels.npy", np.array([{}, 1], object), allow_pickle=True)
    with pytest.raises(DatasetError, match=r"train-labels\.npy"):
        load_split(tmp_path, "train")


@pytest.mark.parametrize(
    "labels", [np.zeros(5, np.int32), np.zeros((5, 1), np.int64)], ids=["type", "axes"]
)
def test_other_arrays_are_refused(tmp_path, split, labels):
    save_split(tmp_path, "train", split)
    np.save(tmp_path / "train-labels.npy", labels)
    with pytest.raises(DatasetError, match=r"train-labels\.npy: wanted int64 with 1 axes"):
        load_split(tmp_path, "train")


def test_images_and_labels_must_be_as_many(tmp_path, split):
    save_split(tmp_path, "train", Split(split.images, split.labels[:3]))
    with pytest.raises(DatasetError, match="5 images but 3 labels"):
        load_split(tmp_path, "train")


def test_the_record_comes_back(tmp_path):
    save_text(tmp_path / RECORD_FILE, to_json(RECORD))
    assert load_record(tmp_path) == RECORD


@pytest.mark.parametrize("text", [None, "", '{"name": "digits"', '{"name": "digits"}'])
def test_a_missing_or_truncated_record_is_one_line(tmp_path, text):
    if text is not None:
        save_text(tmp_path / RECORD_FILE, text)
    with pytest.raises(DatasetError, match=r"^[^\n]*dataset\.json: [^\n]+$"):
        load_record(tmp_path)
