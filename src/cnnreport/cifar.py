"""Find, fetch and read CIFAR-10 and CIFAR-100.

Three places are asked, in this order: a local folder of Parquet files, an archive that already lies
in Keras' cache, the official download into that cache. All hold the same images, and none is ever
replaced by something else: what is found is read or refused.

Source of both sets: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
technical report, University of Toronto, 2009.
"""

import hashlib
import io
import os
import pickle
import re
import sys
import tarfile
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pooch
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from cnnreport.errors import DatasetError
from cnnreport.prepared import Images, Labels, Split

FOLDER_VARIABLE = "CNNREPORT_CIFAR_FOLDER"
SIDE = 32
RETRIES = 3
IMAGE_COLUMNS = ("img", "image")

# In the order of the labels. Names are never read from a file: copies of the metadata differ in
# spelling, numbers do not.
CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"
CIFAR100_CLASSES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch
crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo
keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain
mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain
plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone
television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""


@dataclass(frozen=True)
class Archive:
    """One official archive: where it lies, its checksum and the pickles in it.

    `cache_names` are the file names it may have in Keras' cache; a download takes the first.
    """

    url: str
    sha256: str
    cache_names: tuple[str, ...]
    train_members: tuple[str, ...]
    test_members: tuple[str, ...]
    label_key: bytes

    @property
    def official_name(self) -> str:
        """The file name at the end of the URL."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class CifarSet:
    """What tells one of the two sets from the other; `class_names` are in the order of labels."""

    name: str
    title: str
    label_columns: tuple[str, ...]
    class_names: tuple[str, ...]
    archive: Archive


def _cache_names(stem: str, official_name: str) -> tuple[str, ...]:
    """Return the names given by Keras 3.15, earlier ones of Keras 3, Keras 2, and the official."""
    keras = (f"{stem}-target_archive", f"{stem}-target.tar.gz", f"{stem}_archive", f"{stem}.tar.gz")
    return tuple(dict.fromkeys((*keras, official_name)))


CIFAR10 = CifarSet(
    name="cifar10",
    title="CIFAR-10",
    label_columns=("label",),
    class_names=tuple(CIFAR10_CLASSES.split()),
    archive=Archive(
        url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        cache_names=_cache_names("cifar-10-batches-py", "cifar-10-python.tar.gz"),
        train_members=tuple(f"cifar-10-batches-py/data_batch_{i}" for i in range(1, 6)),
        test_members=("cifar-10-batches-py/test_batch",),
        label_key=b"labels",
    ),
)

CIFAR100 = CifarSet(
    name="cifar100",
    title="CIFAR-100",
    label_columns=("fine_label", "label"),
    class_names=tuple(CIFAR100_CLASSES.split()),
    archive=Archive(
        url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        cache_names=_cache_names("cifar-100-python", "cifar-100-python.tar.gz"),
        train_members=("cifar-100-python/train",),
        test_members=("cifar-100-python/test",),
        label_key=b"fine_labels",
    ),
)

CIFAR_SETS = {"cifar10": CIFAR10, "cifar100": CIFAR100}


def load_cifar(cifar: CifarSet, cifar_folder: str, retries: int = RETRIES) -> tuple[Split, Split]:
    """Return the training and the test split from the first place that has them.

    The environment variable `CNNREPORT_CIFAR_FOLDER` goes before `cifar_folder`; where it is set,
    only that folder counts. One line on stderr says which place was read.

    Raises:
        DatasetError: nothing was found or fetched, or what was found is damaged.

    """
    override = os.environ.get(FOLDER_VARIABLE)
    folder = Path(override or cifar_folder).expanduser() / cifar.name
    if override or any(_parquet_files(folder, split) for split in ("train", "test")):
        _say(f"{cifar.name}: reading Parquet files in {folder}")
        return read_parquet_split(folder, "train", cifar), read_parquet_split(folder, "test", cifar)
    cache = keras_cache()
    path = find_archive(cifar.archive, cache) or _download_or_explain(cifar, folder, cache, retries)
    _say(f"{cifar.name}: reading {path}")
    return read_archive(path, cifar)


def keras_cache() -> Path:
    """Return the folder where Keras keeps downloaded data sets."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home).expanduser() if home else Path.home() / ".keras") / "datasets"


def _say(line: str) -> None:
    print(line, file=sys.stderr)


# --- Parquet files ---------------------------------------------------------------------------


def read_parquet_split(folder: Path, split: str, cifar: CifarSet) -> Split:
    """Read all shards of a split, in the order of their names.

    Raises:
        DatasetError: a shard is missing, cut short or holds something else.

    """
    files = _complete_shards(folder, split)
    parts = [_read_parquet(path, cifar) for path in files]
    return _joined(parts)


def _parquet_files(folder: Path, split: str) -> list[Path]:
    return sorted(folder.rglob(f"{split}-*.parquet"))


def _complete_shards(folder: Path, split: str) -> list[Path]:
    files = _parquet_files(folder, split)
    if not files:
        raise DatasetError(
            f"{folder}: holds no {split}-*.parquet; put the Parquet files of both splits there, "
            f"or point {FOLDER_VARIABLE} to the folder above another one that has them"
        )
    if len({path.parent for path in files}) > 1:
        raise DatasetError(f"{folder}: {split}-*.parquet lie in several folders; keep one of them")
    _check_shard_numbers(files)
    return files


def _check_shard_numbers(files: Sequence[Path]) -> None:
    """Refuse a set of ``train-00000-of-00002.parquet`` files with gaps or copies."""
    found = [re.search(r"-(\d+)-of-(\d+)", path.name) for path in files]
    numbers = [(int(match[1]), int(match[2])) for match in found if match]
    if numbers and sorted(number for number, _ in numbers) != list(range(numbers[0][1])):
        raise DatasetError(
            f"{files[0].parent}: wanted {numbers[0][1]} shards as the name of {files[0].name} "
            f"says, came {', '.join(path.name for path in files)}"
        )


def _read_parquet(path: Path, cifar: CifarSet) -> Split:
    encoded, labels = _read_columns(path, cifar)
    _check_labels(labels, len(cifar.class_names), str(path))
    return Split(_decode_all(path, encoded), labels)


def _read_columns(path: Path, cifar: CifarSet) -> tuple[list[bytes], Labels]:
    try:
        with pq.ParquetFile(path) as file:
            columns = _columns(path, file.schema_arrow, cifar)
            table = file.read(columns=list(columns))
        image_column, label_column = (table.column(name).combine_chunks() for name in columns)
        if image_column.null_count or label_column.null_count:
            raise DatasetError(f"{path}: has rows without an image or a label")
        return image_column.field("bytes").to_pylist(), label_column.to_numpy().astype(np.int64)
    except (pa.ArrowException, OSError) as error:
        reason = textwrap.shorten(str(error), 120)
        raise DatasetError(
            f"{path}: cut short or no Parquet file ({reason}); copy it again"
        ) from error


def _columns(path: Path, schema: Any, cifar: CifarSet) -> tuple[str, str]:
    """Return the names of the image and the label column."""
    image = next((name for name in IMAGE_COLUMNS if _holds_images(schema, name)), None)
    label = next((name for name in cifar.label_columns if _holds_integers(schema, name)), None)
    if image is None or label is None:
        raise DatasetError(
            f"{path}: wanted a column {' or '.join(IMAGE_COLUMNS)} (struct with bytes) and a "
            f"column {' or '.join(cifar.label_columns)} (integer), came {', '.join(schema.names)}"
        )
    return image, label


def _holds_images(schema: Any, name: str) -> bool:
    if name not in schema.names or not pa.types.is_struct(kind := schema.field(name).type):
        return False
    position = kind.get_field_index("bytes")
    return position >= 0 and kind.field(position).type in (pa.binary(), pa.large_binary())


def _holds_integers(schema: Any, name: str) -> bool:
    return name in schema.names and bool(pa.types.is_integer(schema.field(name).type))


def _decode_all(path: Path, encoded: Sequence[bytes]) -> Images:
    # One thread: for images this small the interpreter lock makes two of them slower than one.
    images = np.empty((len(encoded), SIDE, SIDE, 3), np.uint8)
    for row, content in enumerate(encoded):
        images[row] = _decode(path, row, content)
    return images


def _decode(path: Path, row: int, encoded: bytes) -> Images:
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            if image.size != (SIDE, SIDE):
                raise DatasetError(
                    f"{path}: row {row}: wanted {SIDE}x{SIDE} pixels, "
                    f"came {image.width}x{image.height}"
                )
            return np.asarray(image.convert("RGB"))
    except DatasetError:
        raise
    except Exception as error:  # Pillow's readers raise nearly anything on damaged bytes
        raise DatasetError(f"{path}: row {row}: the image cannot be decoded") from error


def _check_labels(labels: Labels, classes: int, source: str) -> None:
    if len(labels) == 0:
        raise DatasetError(f"{source}: holds no images")
    if labels.min() < 0 or labels.max() >= classes:
        raise DatasetError(
            f"{source}: wanted labels from 0 to {classes - 1}, "
            f"came {labels.min()} to {labels.max()}"
        )


# --- Archives of Python pickles --------------------------------------------------------------


def find_archive(archive: Archive, cache: Path) -> Path | None:
    """Return the archive in Keras' cache; one with another checksum is named and passed over."""
    for path in (cache / name for name in archive.cache_names):
        if not path.is_file():
            continue
        with path.open("rb") as file:
            if _sha256(file) == archive.sha256:
                return path
        _say(f"{path}: passed over, since it does not have the published checksum")
    return None


def _sha256(file: IO[bytes]) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def read_archive(path: Path, cifar: CifarSet) -> tuple[Split, Split]:
    """Return the training and the test split of an official archive, nothing being extracted.

    The checksum is taken from the open file before anything in it is read.

    Raises:
        DatasetError: the checksum is not the published one, or a pickle is not what it should be.

    """
    archive = cifar.archive
    try:
        with path.open("rb") as file:
            if _sha256(file) != archive.sha256:
                raise DatasetError(f"{path}: does not have the published checksum; delete it")
            file.seek(0)
            parts = dict(_batches(path, file, cifar))
    except (tarfile.TarError, OSError, EOFError) as error:
        reason = textwrap.shorten(str(error), 120)
        raise DatasetError(f"{path}: cannot be read ({reason}); delete it") from error
    if missing := {*archive.train_members, *archive.test_members} - set(parts):
        raise DatasetError(f"{path}: lacks {', '.join(sorted(missing))}")
    return (
        _joined([parts[member] for member in archive.train_members]),
        _joined([parts[member] for member in archive.test_members]),
    )


def _batches(path: Path, file: IO[bytes], cifar: CifarSet) -> Iterator[tuple[str, Split]]:
    wanted = {*cifar.archive.train_members, *cifar.archive.test_members}
    with tarfile.open(fileobj=file, mode="r|gz") as archive:
        for member in archive:
            if member.name in wanted and (content := archive.extractfile(member)):
                yield member.name, read_batch(content, cifar, f"{path}: {member.name}")


def read_batch(file: IO[bytes], cifar: CifarSet, source: str) -> Split:
    """Read one pickle of an archive; `source` names it in errors.

    A batch is a mapping with `data`, uint8 of shape (n, 3072) that holds the red, green and blue
    plane of each image in turn, and a list of labels.

    Raises:
        DatasetError: it wants more than arrays and plain values, or holds something else.

    """
    try:
        batch = _ArrayUnpickler(file, encoding="bytes").load()
        flat = np.asarray(batch[b"data"])
        labels = np.asarray(batch[cifar.archive.label_key], np.int64)
        if flat.dtype != np.uint8 or labels.shape != (len(flat),):
            raise ValueError("the arrays have another form")
        planes = flat.reshape(len(labels), 3, SIDE, SIDE)
    except Exception as error:  # a pickle may fail in any way
        reason = textwrap.shorten(str(error) or type(error).__name__, 120)
        raise DatasetError(f"{source}: is not a batch of {cifar.title} ({reason})") from error
    _check_labels(labels, len(cifar.class_names), source)
    return Split(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels)


def _byte_type(name: str | bytes, align: object = False, copy: object = False) -> Any:
    """Stand in for `numpy.dtype`: old pickles hold integers as flags, which numpy deprecates."""
    if name not in ("u1", b"u1"):
        raise pickle.UnpicklingError(f"refused the array type {name!r}")
    return np.dtype(np.uint8, bool(align), bool(copy))


_RECONSTRUCT: Any = np.empty(0).__reduce__()[0]

_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _byte_type,
}


class _ArrayUnpickler(pickle.Unpickler):
    """Builds arrays of bytes and plain values, and refuses everything else a pickle can name."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return _ALLOWED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"refused {module_name}.{global_name}") from None


def _joined(parts: Sequence[Split]) -> Split:
    return Split(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


# --- The official download -------------------------------------------------------------------


def download(archive: Archive, cache: Path, retries: int = RETRIES) -> Path:
    """Fetch an archive into Keras' cache and return its path.

    The transfer goes to a temporary file that takes the final name only once its checksum is right,
    so one that is broken off leaves nothing that could be taken for whole. Each retry begins anew.

    Raises:
        OSError: no connection, an error of the server, or a folder that cannot be written.
        ValueError: what came does not have the published checksum.

    """
    name = archive.cache_names[0]
    fetcher = pooch.create(
        path=cache,
        base_url="",
        registry={name: f"sha256:{archive.sha256}"},
        urls={name: archive.url},
        retry_if_failed=retries,
    )
    by_http = pooch.HTTPDownloader(progressbar=True, chunk_size=2**16, timeout=(10, 60))
    return Path(fetcher.fetch(name, downloader=by_http))


def _download_or_explain(cifar: CifarSet, folder: Path, cache: Path, retries: int) -> Path:
    try:
        return download(cifar.archive, cache, retries)
    except OSError as error:
        reason = f"{type(error).__name__}: {textwrap.shorten(str(error), 100)}"
        raise DatasetError(_ways_out(cifar, folder, cache, reason)) from error
    except ValueError as error:
        reason = "what came does not have the published checksum"
        raise DatasetError(_ways_out(cifar, folder, cache, reason)) from error


def _ways_out(cifar: CifarSet, folder: Path, cache: Path, reason: str) -> str:
    archive = cifar.archive
    return (
        f"{cifar.name}: not found. Tried: Parquet files in {folder} (none); an archive in {cache} "
        f"(none with the published checksum); the download of {archive.url} ({reason}). "
        f"Ways out: put train-*.parquet and test-*.parquet into {folder} or set {FOLDER_VARIABLE} "
        f"to the folder that has them in {cifar.name}/; or put the archive at "
        f"{cache / archive.official_name}; or connect to the internet and run again"
    )
