"""Image sets from folders: what is found there, what is left out and why, how it is divided."""

import io
import math
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from image_folders import fill, flowers, picture
from PIL import Image

from cnnreport.errors import DatasetError
from cnnreport.folders import (
    Entry,
    UnusableError,
    list_folder,
    load_listing,
    read_folder,
    read_pixels,
    reading,
    save_listing,
)
from cnnreport.folders import listing as listing_module
from cnnreport.folders.pixels import MOST_PIXELS
from cnnreport.params import Folder
from cnnreport.records import FileNote
from cnnreport.stages import run

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs links, pipes and bytes in names")
SEED = 2020
BAD_NAME = "its name is not UTF-8 or has control characters; rename it"
NO_IMAGE = "no image that can be read (HEIC cannot)"


def settings(path: Path, *classes: str, **others) -> Folder:
    return Folder(path=str(path), classes=list(classes or ("rose", "tulip")), **others)


def reasons(entries) -> dict[str, str]:
    return {entry.path: entry.reason for entry in entries if entry.reason}


def left_out(found) -> dict[str, str]:
    return {note.path: note.note for note in found.record.left_out}


def read(path: Path, *classes: str, **others):
    return read_folder("x", settings(path, *classes, **others), list_folder(path), SEED)


# --- What lies in a folder -------------------------------------------------------------------


def test_classes_are_the_folders(tmp_path):
    entries = list_folder(flowers(tmp_path))
    assert len(entries) == 16
    assert {(entry.part, entry.class_name) for entry in entries} == {("", "rose"), ("", "tulip")}
    assert not reasons(entries)
    assert all(entry.size and len(entry.sha256) == 64 for entry in entries)


def test_a_folder_may_have_a_test_part_of_its_own(tmp_path):
    fill(flowers(tmp_path, test=True) / "other" / "rose", 1)
    entries = list_folder(tmp_path)
    parts = [entry.part for entry in entries]
    assert (parts.count("train"), parts.count("test")) == (16, 5)
    assert reasons(entries) == {"other/rose/000.png": "outside train/ and test/"}


@pytest.mark.parametrize(("train", "test"), [("Train", "TEST"), ("training", "Testing")])
def test_the_parts_have_names_in_small_letters_or_capitals(tmp_path, train, test):
    flowers(tmp_path, test=True)
    (tmp_path / "train").rename(tmp_path / "x")
    (tmp_path / "x").rename(tmp_path / train)
    (tmp_path / "test").rename(tmp_path / "y")
    (tmp_path / "y").rename(tmp_path / test)
    assert {entry.part for entry in list_folder(tmp_path)} == {"train", "test"}


def test_a_class_may_be_called_train(tmp_path):
    fill(tmp_path / "train", 3)
    fill(tmp_path / "train" / "old ones", 1, first=50)
    fill(tmp_path / "bus", 3, first=100)
    assert {entry.class_name for entry in list_folder(tmp_path)} == {"train", "bus"}


def test_a_stray_file_in_train_makes_no_class_of_it(tmp_path):
    (flowers(tmp_path, test=True) / "train" / "read me.txt").write_text("hello")
    entries = list_folder(tmp_path)
    assert reasons(entries) == {"train/read me.txt": "in no folder of a class"}
    assert {entry.class_name for entry in entries if not entry.reason} == {"rose", "tulip"}


def test_folders_within_a_class_belong_to_it(tmp_path):
    fill(flowers(tmp_path) / "rose" / "2019" / "May", 2, first=500)
    counts = [entry.class_name for entry in list_folder(tmp_path)]
    assert counts.count("rose") == 12


def test_names_in_any_script_are_one_form_of_unicode(tmp_path):
    for name in ("e\N{COMBINING ACUTE ACCENT}", "猫", "قطة", "a|b *c* <i> {{ d }}"):
        fill(tmp_path / name, 1)
    classes = {entry.class_name for entry in list_folder(tmp_path)}
    assert classes == {"\N{LATIN SMALL LETTER E WITH ACUTE}", "猫", "قطة", "a|b *c* <i> {{ d }}"}


def test_what_is_hidden_loose_or_of_the_system_is_told(tmp_path):
    flowers(tmp_path)
    picture(1).save(tmp_path / "loose.png")
    for name in ("rose/.DS_Store", "rose/Thumbs.db"):
        (tmp_path / name).write_bytes(b"x")
    fill(tmp_path / ".git" / "objects", 1)
    assert reasons(list_folder(tmp_path)) == {
        ".git": "hidden, or of the system's",
        "loose.png": "in no folder of a class",
        "rose/.DS_Store": "hidden, or of the system's",
        "rose/Thumbs.db": "hidden, or of the system's",
    }


@POSIX
def test_links_pipes_and_bytes_are_told_and_not_followed(tmp_path):
    root = flowers(tmp_path / "set")
    outside = fill(tmp_path / "outside", 1)[0]
    rose = root / "rose"
    (rose / "inside.png").symlink_to("001.png")
    (rose / "leaves.png").symlink_to(outside)
    (rose / "leaves too").symlink_to(tmp_path / "outside")
    (rose / "loop").symlink_to("..")
    (rose / "nowhere.png").symlink_to("nothing")
    (rose / "itself.png").symlink_to("itself.png")
    os.mkfifo(rose / "pipe.png")
    Path(os.fsdecode(os.fsencode(rose) + b"/caf\xe9.png")).write_bytes(b"x")
    for name in ("Icon\r", "next\x85line.png"):
        (rose / name).write_bytes(b"x")
    assert reasons(list_folder(root)) == {
        "rose/Icon\\x0d": BAD_NAME,
        "rose/caf\\xe9.png": BAD_NAME,
        "rose/next\\x85line.png": BAD_NAME,
        "rose/itself.png": "a link that leads nowhere",
        "rose/leaves too": "a link that leaves the folder",
        "rose/leaves.png": "a link that leaves the folder",
        "rose/loop": "a link to something else than a file",
        "rose/nowhere.png": "a link that leads nowhere",
        "rose/pipe.png": "neither a file nor a folder",
    }


def test_a_very_large_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(listing_module, "LARGEST_FILE", 2**20)
    monkeypatch.setattr(listing_module, "TOO_MANY_BYTES", "larger than 1 MiB")
    with (flowers(tmp_path) / "rose" / "film.png").open("wb") as file:
        file.truncate(2**20 + 1)
    assert reasons(list_folder(tmp_path)) == {"rose/film.png": "larger than 1 MiB"}


def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    flowers(tmp_path)
    opened = Path.open

    def refuse(path, *args, **kwargs):
        if path.name == "003.png":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    assert reasons(list_folder(tmp_path)) == {"rose/003.png": "cannot be read"}


def test_no_folder_is_one_line(tmp_path):
    with pytest.raises(DatasetError, match=r"is no folder; wanted one with a folder for each"):
        list_folder(tmp_path / "nothing")
    with pytest.raises(DatasetError, match=r"^[^\n]*(cannot be read|is no folder)[^\n]*$"):
        list_folder(tmp_path / ("x" * 300))


def test_a_listing_comes_back_as_it_was(tmp_path):
    entries = [
        Entry('a, "b"\nc/x.png', "train", "猫", 3, "0" * 64, ""),
        Entry("y", reason="no image"),
    ]
    for each in (entries, []):
        save_listing(tmp_path / "listing.csv", each)
        assert load_listing(tmp_path / "listing.csv") == each


# --- From bytes to pixels --------------------------------------------------------------------


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "PPM", "JPEG2000", "TGA"])
def test_every_format_gives_the_same_picture(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels, note, small = read_pixels(encoded(picture(3), kind, **options), 32, "crop")
    wanted, _, _ = read_pixels(encoded(picture(3)), 32, "crop")
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - wanted).max() <= 3
    assert (note, small) == ("", False)


def test_a_large_photograph_is_decoded_smaller_and_looks_the_same():
    photo = picture(5, (1200, 1200))
    pixels, _, _ = read_pixels(encoded(photo, "JPEG", quality=95), 32, "crop")
    wanted = np.asarray(photo.resize((32, 32), Image.Resampling.LANCZOS))
    assert np.abs(pixels.astype(int) - wanted).mean() < 4


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LAB", "I", "I;16", "RGBA", "LA"])
def test_every_kind_of_pixels_becomes_three_colours(mode):
    plain = picture(7)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(plain.convert("L")).astype(np.uint16) * 257)
    elif mode == "I":
        image = Image.fromarray(np.asarray(plain.convert("L")).astype(np.int32) * 257)
    else:
        image = plain.convert(mode)
    pixels, _, _ = read_pixels(encoded(image, "TIFF"), 40, "crop")
    wanted = image if mode not in {"I", "I;16"} else plain.convert("L")
    assert np.abs(pixels.astype(int) - np.asarray(wanted.convert("RGB"))).max() <= 2


@pytest.mark.parametrize(("bits", "mode"), [(8, np.int32), (10, np.uint16), (12, np.uint16)])
def test_grey_values_of_fewer_bits_than_their_file_has_room_for(bits, mode):
    grey = np.asarray(picture(7).convert("L"))
    grey = np.maximum(grey, (grey == grey.max()) * np.uint8(255))
    image = Image.fromarray(grey.astype(mode) << (bits - 8))
    pixels, note, _ = read_pixels(encoded(image, "TIFF"), 40, "crop")
    assert (pixels[..., 0] == grey).all()
    assert note == f"taken as grey values of {bits} bits"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
@pytest.mark.parametrize("mode", ["I;16", "RGBA", "LA", "RGB"])
def test_an_image_just_below_the_limit_does_not_fill_the_memory(mode):
    side = math.isqrt(MOST_PIXELS)
    # Of this process alone: what `resource` tells counts the one that it was forked from as well.
    script = (
        "import sys; from cnnreport.folders import read_pixels; "
        "read_pixels(sys.stdin.buffer.read(), 32, 'crop'); "
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    content = encoded(Image.new(mode, (side, side)), compress_level=1)
    done = subprocess.run(
        [sys.executable, "-c", script], input=content, capture_output=True, check=True
    )
    assert int(done.stdout) < 1.3 * 2**20  # KiB


def test_what_is_transparent_becomes_white():
    image = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    assert (read_pixels(encoded(image), 32, "crop")[0] == 255).all()
    palette = Image.new("P", (40, 40), 0)
    assert (read_pixels(encoded(palette, transparency=0), 32, "crop")[0] == 255).all()


def test_a_photograph_stands_upright():
    turned = Image.Exif()
    turned[0x112] = 6
    content = encoded(picture(1), "PNG", exif=turned)
    pixels, _, _ = read_pixels(content, 40, "crop")
    assert (pixels == np.rot90(np.asarray(picture(1)), -1)).all()


def test_three_ways_to_a_square():
    wide = Image.new("RGB", (80, 40), (200, 10, 10))
    wide.paste((10, 10, 200), (20, 0, 60, 40))
    ways = {fit: read_pixels(encoded(wide), 32, fit)[0] for fit in ("crop", "pad", "stretch")}
    assert (ways["crop"][16, :, 2] > 150).mean() > 0.9
    assert (ways["pad"][0] == 0).all()
    assert (ways["pad"][16, 16] == (10, 10, 200)).all()
    assert ways["stretch"][16, 2, 0] > 150


def test_of_several_frames_the_first_is_taken_and_told():
    content = encoded(picture(1), "GIF", save_all=True, append_images=[picture(2), picture(3)])
    pixels, note, _ = read_pixels(content, 32, "crop")
    assert note == "the first of several frames was taken"
    assert np.abs(pixels.astype(int) - read_pixels(encoded(picture(1)), 32, "crop")[0]).max() <= 3


def test_a_small_picture_is_enlarged_and_told():
    assert read_pixels(encoded(picture(1, (20, 60))), 32, "crop")[2]


def png_of(width: int, height: int) -> bytes:
    """A file of some hundred bytes that says it is an image of any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"hello", "no image that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image that can be read"),
        (encoded(picture(1))[:90], "damaged: "),
        (encoded(picture(1), "JPEG")[:400], "damaged: "),
        (png_of(10_000, 9_000), "more than 89 million pixels"),
        (png_of(30_000, 30_000), "more than 89 million pixels"),
        (png_of(2**31 - 1, 2**31 - 1), "more than 89 million pixels"),
        (encoded(Image.new("F", (4, 4)), "TIFF"), "its pixels are fractions of a range"),
        (encoded(Image.new("I", (4, 4), 2**20), "TIFF"), "its pixels have more than 16 bits"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "EPS, which is a"),
    ],
)
def test_what_is_no_usable_image_is_told_in_a_phrase(content, reason):
    with pytest.raises(UnusableError, match=rf"^{reason}[^\n]*$"):
        read_pixels(content, 32, "crop")


# --- From files to a set ---------------------------------------------------------------------


def test_the_tool_splits_off_a_test_part(tmp_path):
    found = read(flowers(tmp_path))
    assert not found.record.divided
    assert np.bincount(found.test.labels).tolist() == [3, 1]  # a fifth of 16, rounded up
    assert np.bincount(found.train.labels).tolist() == [7, 5]
    assert found.record.left_out == []
    assert found.record.found == 16


def test_each_test_image_leads_back_to_its_file(tmp_path):
    found = read(flowers(tmp_path))
    for path, pixels, label in zip(
        found.record.test_files, found.test.images, found.test.labels, strict=True
    ):
        assert path.startswith(("rose", "tulip")[label])
        assert (read_pixels((tmp_path / path).read_bytes(), 32, "crop")[0] == pixels).all()


def test_the_split_does_not_depend_on_the_names_of_the_files(tmp_path):
    before = read(flowers(tmp_path))
    for number, path in enumerate(sorted((tmp_path / "rose").iterdir(), reverse=True)):
        path.rename(path.with_name(f"other {number}.png"))
    after = read(tmp_path)
    assert (after.test.images == before.test.images).all()
    assert after.record.test_files != before.record.test_files


def test_a_test_part_of_its_own_stays_as_it_is(tmp_path):
    found = read(flowers(tmp_path, test=True))
    assert found.record.divided
    assert np.bincount(found.train.labels).tolist() == [10, 6]
    assert sorted(found.record.test_files) == [
        *(f"test/rose/{number}.png" for number in range(200, 203)),
        *(f"test/tulip/{number}.png" for number in range(300, 302)),
    ]


def test_train_without_test_is_split(tmp_path):
    flowers(tmp_path / "train")
    found = read(tmp_path)
    assert not found.record.divided
    assert len(found.test.labels) == 4


def test_one_of_two_equal_pictures_stays_that_of_the_test_part(tmp_path):
    flowers(tmp_path, test=True)
    picture(200).save(tmp_path / "train" / "rose" / "known.bmp")
    picture(1).save(tmp_path / "train" / "rose" / "again.tiff")
    found = read(tmp_path)
    assert left_out(found) == {
        "train/rose/again.tiff": "the same picture is there already: train/rose/001.png",
        "train/rose/known.bmp": "the same picture is there already: test/rose/200.png",
    }


def test_no_picture_is_of_two_classes(tmp_path):
    picture(1).save(flowers(tmp_path) / "tulip" / "rose?.bmp")
    assert left_out(read(tmp_path)) == {
        "rose/001.png": "the same picture is in another class: tulip/rose?.bmp",
        "tulip/rose?.bmp": "the same picture is in another class: rose/001.png",
    }


def test_classes_that_are_not_named_are_told(tmp_path):
    fill(flowers(tmp_path) / "weed", 2, first=900)
    assert left_out(read(tmp_path)) == dict.fromkeys(
        ("weed/900.png", "weed/901.png"), "of a class that params.yaml does not name"
    )


def test_what_is_no_image_is_told_beside_what_is(tmp_path):
    rose = flowers(tmp_path) / "rose"
    (rose / "notes.txt").write_text("hello")
    (rose / "cut.png").write_bytes((rose / "000.png").read_bytes()[:60])
    found = read(tmp_path)
    assert left_out(found)["rose/notes.txt"] == NO_IMAGE
    assert left_out(found)["rose/cut.png"].startswith("damaged: ")
    assert len(found.train.labels) + len(found.test.labels) == 16


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (False, r"class 'tulip' has too few usable images: wanted at least 3 .*, came 2; add some"),
        (
            True,
            r"class 'tulip' .*: wanted at least 2 in train/ and 1 in test/ .*, came 2 in train/",
        ),
    ],
)
def test_a_class_of_too_few_images_is_one_line(tmp_path, test, message):
    flowers(tmp_path, test=test)
    folder = tmp_path / "train" / "tulip" if test else tmp_path / "tulip"
    for path in sorted(folder.iterdir())[2:]:
        path.unlink()
    for path in (tmp_path / "test" / "tulip").glob("*"):
        path.unlink()
    with pytest.raises(DatasetError, match=rf"^folders.x: {message}[^\n]*$"):
        read(tmp_path)


def test_an_entry_whose_classes_are_the_parts_is_one_line(tmp_path):
    """As `new-study` once wrote for pictures that lay in train/ and test/ themselves."""
    fill(tmp_path / "train", 6)
    fill(tmp_path / "test", 6, first=100)
    with pytest.raises(
        DatasetError,
        match=r"^folders\.x: wanted a folder for each class inside train/, came pictures "
        r"themselves in test/ and train/; [^\n]*folders\.x\.classes[^\n]*$",
    ):
        read(tmp_path, "train", "test")
    fill(tmp_path / "bus", 6, first=200)
    assert len(read(tmp_path, "train", "bus").test.labels) > 0


def test_a_file_that_changed_after_it_was_listed_is_one_line(tmp_path):
    entries = list_folder(flowers(tmp_path))
    picture(77).save(tmp_path / "rose" / "000.png")
    with pytest.raises(DatasetError, match=r"000\.png: was changed after .* lists it again$"):
        read_folder("x", settings(tmp_path), entries, SEED)
    (tmp_path / "rose" / "000.png").unlink()
    with pytest.raises(DatasetError, match=r"000\.png: cannot be read .* lists it again$"):
        read_folder("x", settings(tmp_path), entries, SEED)


def test_a_folder_that_is_not_here_is_one_line(tmp_path):
    entries = list_folder(flowers(tmp_path / "a"))
    with pytest.raises(DatasetError, match=r"is not here.*folders\.x\.path.*`dvc pull`"):
        read_folder("x", settings(tmp_path / "b"), entries, SEED)


def test_a_set_that_does_not_fit_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MOST_BYTES", 10_000)
    with pytest.raises(DatasetError, match=r"do not fit .*; take a smaller folders\.x\.size"):
        read(flowers(tmp_path))


def test_notes_and_enlarged_pictures_are_counted(tmp_path):
    rose = flowers(tmp_path) / "rose"
    frames = [picture(number) for number in (800, 801)]
    frames[0].save(rose / "moving.gif", save_all=True, append_images=frames[1:])
    found = read(tmp_path, size=64)
    assert found.record.enlarged == 17
    note = "the first of several frames was taken"
    assert found.record.notes == [FileNote("rose/moving.gif", note)]


# --- The stage -------------------------------------------------------------------------------


@pytest.fixture
def params_file(tmp_path):
    text = (Path(__file__).parents[1] / "params.yaml").read_text(encoding="utf-8")
    entry = f"folders:\n  mine:\n    path: {tmp_path / 'set'}\n    classes: [rose, tulip]\n"
    path = tmp_path / "params.yaml"
    path.write_text(text.replace("folders: {}\n", entry), encoding="utf-8")
    return path


def inventory(params_file: Path, out: Path) -> int:
    return run(["inventory", "--params", str(params_file), "--dataset", "mine", "--out", str(out)])


def test_the_stage_keeps_its_listing_where_the_folder_is_not(tmp_path, params_file, capsys):
    flowers(tmp_path / "set")
    out = tmp_path / "listings" / "mine.csv"
    assert inventory(params_file, out) == 0
    before = out.read_bytes()
    assert before.count(b"\n") == 17
    (tmp_path / "set").rename(tmp_path / "elsewhere")
    assert inventory(params_file, out) == 0
    assert out.read_bytes() == before
    assert "is not here; its last listing is kept" in capsys.readouterr().err
    out.unlink()
    assert inventory(params_file, out) == 0
    assert load_listing(out) == []
    assert "nothing can be prepared from it" in capsys.readouterr().err
