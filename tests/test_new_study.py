"""From a folder of images to the parameters of a study."""

import subprocess
import sys
from pathlib import Path

import pytest
from image_folders import fill, flowers, picture

from cnnreport.datasets import load_image_set, prepare
from cnnreport.errors import DatasetError, InputError, ParamsError
from cnnreport.folders import list_folder, save_listing
from cnnreport.new_study import (
    FEWEST_EPOCHS,
    MOST_EPOCHS,
    epochs_for,
    examine,
    lines,
    name_for,
    train_images,
    write_study,
    written_path,
)
from cnnreport.params import Folder, load_params

COMMITTED = Path(__file__).parents[1] / "params.yaml"
SETTINGS = {"size": 32, "fit": "crop", "test_fraction": 0.2, "title": "Flowers of ours"}


@pytest.fixture
def params_file(tmp_path):
    path = tmp_path / "project" / "params.yaml"
    path.parent.mkdir()
    path.write_bytes(COMMITTED.read_bytes())
    return path


def new(params_file, folder, name="flowers"):
    found = examine(folder, SETTINGS)
    return found, write_study(params_file, name, folder, found, SETTINGS)


def test_the_parameters_are_those_of_a_study_of_the_folder(tmp_path, params_file):
    _, params = new(params_file, flowers(tmp_path / "flowers"))
    assert params == load_params(params_file)
    assert params.datasets == ["flowers"]
    assert params.folders["flowers"].path == "../flowers"
    assert params.folders["flowers"].classes == ["rose", "tulip"]
    assert params.folders["flowers"].title == "Flowers of ours"
    for model in params.models:
        assert params.epochs_for(model, "flowers") == MOST_EPOCHS
        assert params.recipe_for(model, "flowers").batch_size == 32
        assert params.recipe_for(model, "flowers").class_weights == "balanced"


def test_comments_and_all_else_stay(tmp_path, params_file):
    new(params_file, flowers(tmp_path / "flowers"))
    before, after = COMMITTED.read_text().splitlines(), params_file.read_text().splitlines()
    gone = [line for line in before if line not in after]
    assert gone == ["profile: quick", "  - digits", "folders: {}"]
    assert [line for line in after if line.startswith("#")] == [
        line for line in before if line.startswith("#")
    ]
    assert after[after.index("recipes:") - 1] == ""


def test_a_second_folder_stands_beside_the_first(tmp_path, params_file):
    new(params_file, flowers(tmp_path / "flowers"))
    _, params = new(params_file, flowers(tmp_path / "trees"), "trees")
    assert list(params.folders) == ["flowers", "trees"]
    assert params.datasets == ["trees"]


@pytest.mark.parametrize(
    ("folder", "wanted", "name"),
    [
        ("Fleurs d'été", "", "fleurs-d-ete"),
        ("My_Flowers (2019)", "", "my-flowers-2019"),
        ("花", "hana", "hana"),
    ],
)
def test_the_name_is_made_of_the_folders(tmp_path, folder, wanted, name):
    assert name_for(tmp_path / folder, wanted, load_params(COMMITTED)) == name


@pytest.mark.parametrize(
    ("folder", "wanted", "message"),
    [
        ("花", "", r"wanted a name of small letters .*--name"),
        ("x", "Two Words", r"came 'Two Words'"),
        ("digits", "", r"'digits' is the name of something else"),
        ("cifar100-objects", "", r"is the name of something else"),
        ("quick", "", r"is the name of something else"),
    ],
)
def test_a_name_that_does_not_fit_is_one_line(tmp_path, folder, wanted, message):
    with pytest.raises(InputError, match=message):
        name_for(tmp_path / folder, wanted, load_params(COMMITTED))


def test_a_name_is_not_given_twice(tmp_path, params_file):
    folder = flowers(tmp_path / "flowers")
    _, params = new(params_file, folder)
    with pytest.raises(InputError, match=r"folders\.flowers is in params\.yaml already"):
        name_for(folder, "", params)


def test_what_was_left_out_is_told(tmp_path, params_file):
    folder = flowers(tmp_path / "flowers")
    fill(folder / "weed", 1, first=700)
    (folder / "rose" / "a.txt").write_text("x")
    (folder / "rose" / "b.txt").write_text("y")
    picture(1).save(folder / "rose" / "again.bmp")
    found, params = new(params_file, folder)
    assert params.folders["flowers"].classes == ["rose", "tulip"]
    told = "\n".join(lines(found, params, "flowers"))
    assert "flowers: 16 usable images of 2 classes: rose 10, tulip 6" in told
    assert "left out, too few usable images: weed (1)" in told
    assert "left out, no image that can be read (HEIC cannot): rose/a.txt and 1 more" in told
    assert "left out, the same picture is there already: rose/again.bmp" in told
    assert "classes are unequal: rose has 10 images, tulip 6" in told
    assert "set flip: false in by_dataset.flowers" in told
    assert "`dvc repro`" in told.splitlines()[-1]


@pytest.mark.parametrize("classes", [0, 1])
def test_fewer_than_two_classes_is_one_line(tmp_path, classes):
    (tmp_path / "x").mkdir()
    for number in range(classes):
        fill(tmp_path / "x" / str(number), 5)
    with pytest.raises(DatasetError, match=r"^[^\n]*at least two classes[^\n]*$"):
        examine(tmp_path / "x", SETTINGS)


def test_classes_without_enough_images_is_one_line(tmp_path):
    fill(tmp_path / "x" / "a", 2)
    fill(tmp_path / "x" / "b", 9, first=50)
    with pytest.raises(DatasetError, match=r"at least 3 usable images, came a 2, b 9$"):
        examine(tmp_path / "x", SETTINGS)
    (tmp_path / "x" / "a" / "1.heic").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"came a 2, b 9; left out: no image .* \(1\)$"):
        examine(tmp_path / "x", SETTINGS)


@pytest.mark.parametrize(
    "parts", [("train", "test"), ("Training", "TESTING"), ("train",), ("test", "train", "val")]
)
def test_pictures_without_a_class_are_one_line(tmp_path, parts):
    """Laid out as for a contest: no study is to learn to tell train/ from test/."""
    for number, part in enumerate(parts):
        fill(tmp_path / "x" / part, 5, first=100 * number)
    with pytest.raises(
        DatasetError,
        match=r"^[^\n]*wanted a folder for each class inside train/, came pictures themselves in "
        rf"{'/ and '.join(sorted(parts))}/; sort them into such folders$",
    ):
        examine(tmp_path / "x", SETTINGS)


def test_classes_may_be_called_as_the_parts_are_inside_of_them(tmp_path):
    for part, first in (("train", 0), ("test", 500)):
        for number, name in enumerate(("train", "test")):
            fill(tmp_path / "x" / part / name, 5, first=first + 100 * number)
    assert examine(tmp_path / "x", SETTINGS).classes == ["test", "train"]


def test_letters_that_join_are_no_control_characters(tmp_path):
    """As Persian has U+200C, which `str.isprintable` says no to."""
    assert examine(flowers(tmp_path / "a\u200cb"), SETTINGS).classes == ["rose", "tulip"]


def test_a_path_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(DatasetError, match=r"^[^\n]*wanted a path in UTF-8 without control"):
        examine(flowers(tmp_path / "line\nbreak"), SETTINGS)


def test_where_the_images_lie_is_told_with_their_number(tmp_path):
    for part, count in (("train", 5), ("test", 2)):
        for number, name in enumerate("ab"):
            fill(tmp_path / "x" / part / name, count, first=100 * number + 50 * (part == "test"))
    fill(tmp_path / "x" / "train" / "c", 4, first=900)
    found = examine(tmp_path / "x", SETTINGS)
    assert found.classes == ["a", "b"]
    assert found.count("c") == "4 in train/ and 0 in test/"


def test_nothing_is_written_where_the_parameters_are_wrong(tmp_path, params_file):
    params_file.write_text("profile: 3\n", encoding="utf-8")
    found = examine(flowers(tmp_path / "flowers"), SETTINGS)
    with pytest.raises(ParamsError):
        write_study(params_file, "flowers", tmp_path / "flowers", found, SETTINGS)
    assert params_file.read_text() == "profile: 3\n"


def test_a_home_folder_is_not_written_down(tmp_path):
    home = tmp_path / "home" / "jane"
    for folder in ("project", "pictures"):
        (home / folder).mkdir(parents=True)
    assert written_path(home / "pictures", home / "project") == "../pictures"
    assert written_path(home / "project" / "data", home / "project") == "data"
    assert written_path(Path("/"), home) == "/"


def test_epochs_follow_from_the_number_of_images():
    assert epochs_for("lenet", 100) == MOST_EPOCHS
    assert epochs_for("lenet", 4_000) == 15
    assert epochs_for("mine", 1_000) == 10
    assert epochs_for("googlenet", 100_000) == FEWEST_EPOCHS


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.99])
def test_the_images_to_train_with_are_those_that_are_prepared(tmp_path, test, fraction):
    folder = flowers(tmp_path / "flowers", test=test)
    params = load_params(COMMITTED)
    data = params.data.model_copy(update={"validation_fraction": fraction})
    found = examine(folder, SETTINGS)
    entry = Folder(path=str(folder), classes=found.classes, **SETTINGS)
    params = params.model_copy(update={"data": data, "folders": {"flowers": entry}})
    save_listing(tmp_path / "flowers.csv", list_folder(folder))
    record, _ = prepare(load_image_set("flowers", params, tmp_path), "flowers", data)
    assert train_images(found, params, SETTINGS) == record.train_images


def test_the_command(tmp_path, params_file):
    flowers(tmp_path / "flowers")
    command = [sys.executable, "-m", "cnnreport", "new-study"]
    done = subprocess.run(
        [*command, "../flowers"],
        check=False,
        cwd=params_file.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "params.yaml: the study is now of 'flowers' alone" in done.stdout
    again = subprocess.run(
        [*command, "../nothing"],
        check=False,
        cwd=params_file.parent,
        capture_output=True,
        text=True,
    )
    assert again.returncode == 2
    assert again.stderr.startswith("error: ../nothing: is no folder")
    assert "Traceback" not in again.stderr
