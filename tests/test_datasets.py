import dataclasses
from pathlib import Path

import numpy as np
import pytest

from cnnreport import datasets
from cnnreport.cifar import CIFAR_SETS
from cnnreport.datasets import (
    ImageSet,
    canonical,
    channel_statistics,
    digest,
    load_digit_images,
    load_image_set,
    prepare,
)
from cnnreport.errors import DatasetError
from cnnreport.params import Data, Subset, load_params
from cnnreport.prepared import SPLITS, Split, load_record, load_split
from cnnreport.stages import run

PARAMS_FILE = Path(__file__).parents[1] / "params.yaml"
DATA = Data(cifar_folder="nowhere", validation_fraction=0.1, split_seed=2020)


def random_split(counts, seed=0):
    """Random images; `counts` says how many of each class."""
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 32, 32, 3), np.uint8)
    return Split(images, labels.astype(np.int64))


def image_set(train, test):
    names = tuple("abcdefgh"[: len(train)])
    return ImageSet(random_split(train, 1), random_split(test, 2), names, "Title", "Source")


def shuffled(split, seed):
    order = np.random.default_rng(seed).permutation(len(split.labels))
    return Split(split.images[order], split.labels[order])


@pytest.fixture(scope="module")
def params():
    """The committed params.yaml, but for what these tests pin down."""
    objects = load_params(PARAMS_FILE).subsets["cifar100-objects"]
    update = {"data": DATA, "subsets": {"cifar100-objects": objects}}
    return load_params(PARAMS_FILE).model_copy(update=update)


@pytest.fixture
def params_file(tmp_path, params):
    path = tmp_path / "params.yaml"
    path.write_text(params.model_dump_json(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def digits():
    return load_digit_images()


def test_digits_have_the_published_sizes(digits):
    assert digits.train.images.shape == (1257, 32, 32, 3)
    assert digits.test.images.shape == (540, 32, 32, 3)
    assert digits.train.images.dtype == np.uint8
    assert digits.class_names == tuple("0123456789")
    # Stratified: 178 of the 1,797 digits are zeros.
    counts = np.bincount(digits.train.labels) + np.bincount(digits.test.labels)
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.abs(np.bincount(digits.test.labels) - 0.3 * counts).max() < 1


def test_digits_use_the_whole_range_of_pixels_in_equal_channels(digits):
    images = digits.train.images
    assert (images.min(), images.max()) == (0, 255)
    assert (images == images[..., :1]).all()


def test_digits_of_the_test_part_are_not_in_the_training_part(digits):
    train = {image.tobytes() for image in digits.train.images}
    assert not any(image.tobytes() in train for image in digits.test.images)


@pytest.mark.parametrize("name", ["mnist", "CIFAR10", ""])
def test_an_unknown_name_is_refused_with_the_known_ones(params, name):
    with pytest.raises(
        DatasetError, match=f"'{name}'; known: digits, cifar10, cifar100, cifar100-"
    ):
        load_image_set(name, params)


@pytest.fixture
def fake_cifar(monkeypatch):
    """Two images of each class in the place of CIFAR."""

    def load(cifar, cifar_folder):
        assert cifar_folder == DATA.cifar_folder
        counts = [2] * len(cifar.class_names)
        return random_split(counts, 1), random_split(counts, 2)

    monkeypatch.setattr(datasets, "load_cifar", load)
    return load


@pytest.mark.parametrize(
    ("name", "title", "classes"), [("cifar10", "CIFAR-10", 10), ("cifar100", "CIFAR-100", 100)]
)
def test_cifar_is_found_by_name(params, fake_cifar, name, title, classes):
    found = load_image_set(name, params)
    assert (found.title, len(found.class_names)) == (title, classes)
    assert len(found.train.labels) == 2 * classes


def test_a_subset_holds_its_classes_numbered_in_the_given_order(params, fake_cifar):
    classes = ["wardrobe", "apple", "crab"]
    params = params.model_copy(
        update={"subsets": {"three": Subset(source="cifar100", classes=classes)}}
    )
    found = load_image_set("three", params)
    whole, _ = fake_cifar(CIFAR_SETS["cifar100"], DATA.cifar_folder)
    assert found.title == "three: 3 classes of CIFAR-100"
    assert found.class_names == ("wardrobe", "apple", "crab")
    assert found.train.labels.tolist() == [1, 1, 2, 2, 0, 0]
    for new, old in enumerate((94, 0, 26)):
        np.testing.assert_array_equal(
            found.train.images[found.train.labels == new], whole.images[whole.labels == old]
        )


def test_the_subset_of_the_study_has_its_ten_classes(params, fake_cifar):
    found = load_image_set("cifar100-objects", params)
    assert found.title == "cifar100-objects: 10 classes of CIFAR-100"
    assert len(found.class_names) == 10
    assert np.bincount(found.test.labels).tolist() == [2] * 10


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (
            ["bed", "strretcar", "xyz"],
            r"no class 'strretcar' \(close: streetcar\), 'xyz' \(close: none\)",
        ),
        (["bed", "bus", "bed"], "each class may stand there once"),
    ],
)
def test_wrong_classes_of_a_subset_are_named(params, classes, message):
    subset = Subset(source="cifar100", classes=classes)
    params = params.model_copy(update={"subsets": {"mine": subset}})
    with pytest.raises(DatasetError, match=rf"^subsets\.mine: [^\n]*{message}[^\n]*$"):
        load_image_set("mine", params)


def test_the_validation_split_is_stratified_and_taken_from_the_training_images():
    record, splits = prepare(image_set([40, 20, 20], [5, 5, 5]), "x", DATA)
    assert np.bincount(splits["validation"].labels).tolist() == [4, 2, 2]
    assert np.bincount(splits["train"].labels).tolist() == [36, 18, 18]
    parts = [image.tobytes() for name in SPLITS[:2] for image in splits[name].images]
    assert sorted(parts) == sorted(i.tobytes() for i in random_split([40, 20, 20], 1).images)
    assert (record.train_images, record.validation_images, record.test_images) == (72, 8, 15)


def test_the_split_seed_decides_which_images_are_held_out():
    source = image_set([40, 40], [5, 5])
    digests = {
        seed: prepare(source, "x", DATA.model_copy(update={"split_seed": seed}))[0].digest
        for seed in (1, 2)
    }
    assert digests[1] != digests[2]
    assert digests[1] == prepare(source, "x", DATA.model_copy(update={"split_seed": 1}))[0].digest


def test_the_record_measures_the_training_part_only():
    record, splits = prepare(image_set([30, 30], [5, 5]), "x", DATA)
    pixels = splits["train"].images.astype(np.float64) / 255
    np.testing.assert_allclose(record.mean, pixels.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(record.deviation, pixels.std(axis=(0, 1, 2)), rtol=1e-12)
    assert record.image_shape == [32, 32, 3]
    assert (record.name, record.title, record.source) == ("x", "Title", "Source")
    assert record.class_names == ["a", "b"]


def test_channels_are_measured_apart():
    images = np.zeros((2, 4, 4, 3), np.uint8)
    images[0, ..., 0] = 255
    images[..., 1] = 51
    mean, deviation = channel_statistics(images)
    assert mean == pytest.approx([0.5, 0.2, 0.0])
    assert deviation == pytest.approx([0.5, 0.0, 0.0], abs=1e-12)


def test_the_order_in_which_images_come_makes_no_difference():
    source = image_set([20, 30], [5, 6])
    other = dataclasses.replace(
        source, train=shuffled(source.train, 3), test=shuffled(source.test, 4)
    )
    (record, splits), (again, others) = (prepare(s, "x", DATA) for s in (source, other))
    assert record == again
    for name in SPLITS:
        np.testing.assert_array_equal(splits[name].images, others[name].images)
        np.testing.assert_array_equal(splits[name].labels, others[name].labels)


def test_equal_images_are_ordered_by_their_label():
    same = np.full((4, 2, 2, 3), 7, np.uint8)
    ordered = canonical(Split(same, np.array([2, 0, 3, 1], np.int64)))
    assert ordered.labels.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("name", SPLITS)
@pytest.mark.parametrize("part", ["images", "labels"])
def test_the_digest_covers_every_array(name, part):
    splits = {split: random_split([3, 3], seed) for seed, split in enumerate(SPLITS)}
    before = digest(splits)
    changed = getattr(splits[name], part)
    changed.flat[0] ^= 1
    assert digest(splits) != before


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ([30, 1], [5, 5], "cannot be split"),
        ([60, 0], [5, 5], "class 'b' has no train image"),
        ([30, 30], [5, 0], "class 'b' has no test image"),
    ],
)
def test_a_class_without_an_image_in_a_split_is_refused(train, test, message):
    with pytest.raises(DatasetError, match=rf"^x: [^\n]*{message}[^\n]*$"):
        prepare(image_set(train, test), "x", DATA)


@pytest.mark.parametrize(
    ("train", "held_out"), [([4, 4], [1, 1]), ([60, 3], [7, 1]), ([50, 2], [6, 1])]
)
def test_a_small_class_has_an_image_in_every_split(train, held_out):
    record, splits = prepare(image_set(train, [5, 5]), "x", DATA)
    assert record.class_counts["validation"] == held_out
    counts = zip(record.class_counts["train"], held_out, strict=True)
    assert [sum(both) for both in counts] == train
    assert record.class_counts["test"] == np.bincount(splits["test"].labels).tolist()


def run_prepare(params_file, dataset, folder):
    arguments = ["--params", str(params_file), "--dataset", dataset]
    arguments += ["--listings", str(folder / "listings")]
    folders = ["--out", str(folder / "out"), "--results", str(folder / "results")]
    return run(["prepare", *arguments, *folders])


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.*")}


def test_the_stage_writes_arrays_and_record_the_same_each_time(tmp_path, params_file):
    for name in ("a", "b"):
        assert run_prepare(params_file, "digits", tmp_path / name) == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert len(contents(tmp_path / "a")) == 9
    record = load_record(tmp_path / "a" / "out")
    splits = {name: load_split(tmp_path / "a" / "out", name) for name in SPLITS}
    assert record == load_record(tmp_path / "a" / "results")
    assert record.digest == digest(splits)
    assert (record.train_images, record.validation_images, record.test_images) == (1131, 126, 540)


def test_the_stage_says_an_unknown_image_set_in_one_line(tmp_path, params_file, capsys):
    assert run_prepare(params_file, "mnist", tmp_path / "new") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "new").exists()
