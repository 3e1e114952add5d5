import builtins
import hashlib
import http.server
import io
import os
import pickle
import socket
import tarfile
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pooch.core
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cnnreport import cifar as cifar_module
from cnnreport.cifar import (
    CIFAR10,
    CIFAR100,
    CIFAR_SETS,
    FOLDER_VARIABLE,
    download,
    find_archive,
    keras_cache,
    load_cifar,
    read_archive,
    read_batch,
)
from cnnreport.datasets import load_image_set, prepare
from cnnreport.errors import DatasetError
from cnnreport.params import load_params
from cnnreport.prepared import Split

ONE_LINE = r"^[^\n]*{}[^\n]*$"


def one_line(text):
    return ONE_LINE.format(text)


def random_split(cifar, images_a_class, seed):
    labels = np.tile(np.arange(len(cifar.class_names)), images_a_class)
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 32, 32, 3), np.uint8)
    return Split(images, labels.astype(np.int64))


def encoded(image, kind="PNG"):
    buffer = io.BytesIO()
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    Image.fromarray(image).save(buffer, kind, **options)
    return buffer.getvalue()


def write_parquet(path, cells, labels, image="img", label="label"):
    path.parent.mkdir(parents=True, exist_ok=True)
    structs = [{"bytes": cell, "path": f"{row}.png"} for row, cell in enumerate(cells)]
    pq.write_table(pa.table({image: structs, label: labels}), path)


def write_split(path, split, kind="PNG", **columns):
    cells = [encoded(image, kind) for image in split.images]
    write_parquet(path, cells, split.labels.tolist(), **columns)


def write_set(folder, cifar, train, test):
    label = cifar.label_columns[0]
    for name, split in (("train", train), ("test", test)):
        path = folder / cifar.name / f"{name}-00000-of-00001.parquet"
        write_split(path, split, label=label)


class _OldPickler(pickle.Pickler):
    """Writes the array type as Python 2 did: with integers for flags."""

    def reducer_override(self, thing):
        if isinstance(thing, np.dtype):
            return (
                np.dtype,
                ("u1", 0, 1),
                (3, "|", None, None, None, -1, -1, 0),
            )
        return NotImplemented


def batch_bytes(cifar, split, old=True):
    """A pickle in the form of the official batches; they name numpy by its old modules."""
    planes = split.images.transpose(0, 3, 1, 2).reshape(len(split.labels), -1)
    batch = {b"data": planes.copy(), cifar.archive.label_key: split.labels.tolist()}
    buffer = io.BytesIO()
    (_OldPickler if old else pickle.Pickler)(buffer, protocol=3).dump(batch)
    content = buffer.getvalue()
    return content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray") if old else content


def archive_bytes(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def official_archive(cifar, train, test):
    """The bytes of a small archive with all members, the training images dealt out to them."""
    names = cifar.archive.train_members
    parts = [
        Split(train.images[i :: len(names)], train.labels[i :: len(names)])
        for i in range(len(names))
    ]
    members = {name: batch_bytes(cifar, part) for name, part in zip(names, parts, strict=True)}
    members[cifar.archive.test_members[0]] = batch_bytes(cifar, test)
    return archive_bytes({"readme.html": b"not read", **members})


def with_content(cifar, content, url="http://127.0.0.1:9/cifar.tar.gz"):
    """The same set with an archive of that content and checksum."""
    checksum = hashlib.sha256(content).hexdigest()
    return replace(cifar, archive=replace(cifar.archive, url=url, sha256=checksum))


def as_pairs(split):
    return sorted(zip((i.tobytes() for i in split.images), split.labels.tolist(), strict=True))


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch, tmp_path):
    """An empty Keras cache, no folder variable, no proxy and no waiting between attempts."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(pooch.core.time, "sleep", lambda _: None)


@pytest.fixture(params=["cifar10", "cifar100"])
def cifar(request):
    return CIFAR_SETS[request.param]


@pytest.fixture
def splits(cifar):
    return random_split(cifar, 3, 1), random_split(cifar, 1, 2)


@pytest.fixture
def ten():
    return random_split(CIFAR10, 1, 5)


def check_equal(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        assert one.images.dtype == np.uint8
        assert one.labels.dtype == np.int64
        assert as_pairs(one) == as_pairs(other)


# --- constants -------------------------------------------------------------------------------


def test_the_class_names_are_the_official_ones_in_order():
    assert len(CIFAR10.class_names) == 10
    assert len(set(CIFAR100.class_names)) == 100
    for classes in (CIFAR10.class_names, CIFAR100.class_names):
        assert list(classes) == sorted(classes)
    assert CIFAR100.class_names[26] == "crab"
    assert CIFAR100.class_names[41] == "lawn_mower"
    assert CIFAR100.class_names[99] == "worm"


# --- Parquet files ---------------------------------------------------------------------------


def test_parquet_files_are_read(tmp_path, cifar, splits):
    write_set(tmp_path, cifar, *splits)
    check_equal(load_cifar(cifar, str(tmp_path)), splits)


def test_the_environment_variable_goes_before_the_parameter(tmp_path, monkeypatch, cifar, splits):
    write_set(tmp_path / "mine", cifar, *splits)
    write_set(tmp_path / "other", cifar, *reversed(splits))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "mine"))
    check_equal(load_cifar(cifar, str(tmp_path / "other")), splits)


def test_a_folder_named_by_the_variable_must_hold_the_set(tmp_path, monkeypatch, cifar, splits):
    write_set(tmp_path / "other", cifar, *splits)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "empty"))
    with pytest.raises(DatasetError, match=one_line(rf"empty.{cifar.name}: holds no train-\*")):
        load_cifar(cifar, str(tmp_path / "other"))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP"])
@pytest.mark.parametrize("column", ["img", "image"])
def test_any_lossless_encoding_and_either_column_name_will_do(tmp_path, ten, kind, column):
    for name in ("train", "test"):
        write_split(tmp_path / "cifar10" / f"{name}-a.parquet", ten, kind, image=column)
    train, _ = load_cifar(CIFAR10, str(tmp_path))
    np.testing.assert_array_equal(train.images, ten.images)
    np.testing.assert_array_equal(train.labels, ten.labels)


def test_shards_in_a_nested_folder_are_joined_in_order(tmp_path, ten):
    folder = tmp_path / "cifar10" / "plain_text"
    for number in range(2):
        half = slice(5 * number, 5 * number + 5)
        part = Split(ten.images[half], ten.labels[half])
        write_split(folder / f"train-{number:05d}-of-00002.parquet", part)
    write_split(folder / "test-00000-of-00001.parquet", ten)
    train, _ = load_cifar(CIFAR10, str(tmp_path))
    np.testing.assert_array_equal(train.images, ten.images)
    np.testing.assert_array_equal(train.labels, ten.labels)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train-00000-of-00001"], r"holds no test-\*\.parquet"),
        (["test-00000-of-00001"], r"holds no train-\*\.parquet"),
        (["train-00000-of-00002", "test-00000-of-00001"], "wanted 2 shards"),
        (["train-00000-of-00001-a", "train-00000-of-00001-b"], "wanted 1 shards"),
        (["a/train-00000-of-00001", "b/train-00000-of-00001"], "several folders"),
    ],
)
def test_a_folder_that_lacks_or_repeats_files_is_refused(tmp_path, ten, names, message):
    for name in names:
        write_split(tmp_path / "cifar10" / f"{name}.parquet", ten)
    with pytest.raises(DatasetError, match=one_line(message)):
        load_cifar(CIFAR10, str(tmp_path))


PNG_32 = encoded(np.zeros((32, 32, 3), np.uint8))
PNG_28 = encoded(np.zeros((28, 32, 3), np.uint8))


GARBAGE = b"PAR1 no Parquet file at all PAR1"


def write_cells(*cells, labels=None, **columns):
    """Return a function that writes a file of these cells."""
    labels = list(range(len(cells))) if labels is None else labels
    return lambda path: write_parquet(path, cells, labels, **columns)


def write_truncated(path):
    write_parquet(path, [PNG_32] * 10, list(range(10)))
    path.write_bytes(path.read_bytes()[:-100])


def write_damaged_page(path):
    write_parquet(path, [PNG_32] * 10, list(range(10)))
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 56 + content[60:])


def write_bare_images(path):
    pq.write_table(pa.table({"img": [PNG_32], "label": [0]}), path)


def write_no_rows(path):
    write_parquet(path, [PNG_32], [0])
    pq.write_table(pq.read_table(path).slice(0, 0), path)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_truncated, "cut short or no Parquet file"),
        (write_damaged_page, "cut short or no Parquet file"),
        (lambda path: path.write_bytes(GARBAGE), "cut short or no Parquet file"),
        (lambda path: path.write_bytes(b""), "cut short or no Parquet file"),
        (write_cells(PNG_32, image="picture"), "came picture, label"),
        (write_cells(PNG_32, label="coarse_label"), "came img, coarse_label"),
        (write_cells(PNG_32, labels=["cat"]), "a column label .integer."),
        (write_bare_images, "struct with bytes"),
        (write_cells(PNG_32, PNG_32, labels=[0, None]), "rows without an image or a label"),
        (write_cells(PNG_32, None), "row 1: the image cannot be decoded"),
        (write_cells(PNG_32, PNG_28), "row 1: wanted 32x32 pixels, came 32x28"),
        (write_cells(PNG_32, b"no image"), "row 1: the image cannot be decoded"),
        (write_cells(PNG_32, PNG_32[:60]), "row 1: the image cannot be decoded"),
        (write_cells(PNG_32, PNG_32, labels=[0, 10]), "labels from 0 to 9, came 0 to 10"),
        (write_cells(PNG_32, PNG_32, labels=[0, -1]), "labels from 0 to 9, came -1 to 0"),
        (write_no_rows, "holds no images"),
    ],
)
def test_a_damaged_parquet_file_is_named_in_one_line(tmp_path, ten, write, message):
    folder = tmp_path / "cifar10"
    write_split(folder / "train-00000-of-00001.parquet", ten)
    write(folder / "test-00000-of-00001.parquet")
    with pytest.raises(DatasetError, match=one_line(rf"test-00000-of-00001\.parquet: .*{message}")):
        load_cifar(CIFAR10, str(tmp_path))


# --- Keras' cache ----------------------------------------------------------------------------


@pytest.mark.parametrize("variable", [True, False])
def test_the_cache_is_where_keras_has_it(tmp_path, monkeypatch, variable):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    if not variable:
        monkeypatch.delenv("KERAS_HOME")
    wanted = "keras" if variable else ".keras"
    assert keras_cache() == tmp_path / wanted / "datasets"


def cached(cifar, content, name):
    path = keras_cache() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return with_content(cifar, content)


@pytest.mark.parametrize(
    ("cifar", "name"),
    [
        (CIFAR10, "cifar-10-batches-py-target_archive"),
        (CIFAR10, "cifar-10-batches-py.tar.gz"),
        (CIFAR10, "cifar-10-python.tar.gz"),
        (CIFAR100, "cifar-100-python-target_archive"),
        (CIFAR100, "cifar-100-python.tar.gz"),
    ],
)
def test_an_archive_of_keras_is_read_under_each_of_its_names(tmp_path, cifar, name):
    splits = random_split(cifar, 5, 1), random_split(cifar, 1, 2)
    mine = cached(cifar, official_archive(cifar, *splits), name)
    check_equal(load_cifar(mine, str(tmp_path / "nowhere"), retries=0), splits)


def test_an_archive_with_another_checksum_is_passed_over(cifar, splits, capsys):
    content = official_archive(cifar, *splits)
    wrong, right = cifar.archive.cache_names[0], cifar.archive.official_name
    cached(cifar, content[:-1], wrong)
    mine = cached(cifar, content, right)
    assert find_archive(mine.archive, keras_cache()) == keras_cache() / right
    assert f"{wrong}: passed over" in capsys.readouterr().err


def test_nothing_is_unpickled_before_the_checksum_is_right(tmp_path, monkeypatch, cifar, splits):
    monkeypatch.setattr(cifar_module, "read_batch", lambda *_: pytest.fail("was read"))
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(official_archive(cifar, *splits))
    with pytest.raises(DatasetError, match=one_line(r"archive\.tar\.gz: does not have the publ")):
        read_archive(path, cifar)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no archive", "cannot be read"),
        (archive_bytes({"readme.html": b""}), "lacks cifar-10-batches-py/data_batch_1, "),
        (archive_bytes({"cifar-10-batches-py/test_batch": b"no pickle"}), "test_batch: is not a b"),
    ],
    ids=["no archive", "another archive", "no pickle"],  # a gzip file holds the hour it was made
)
def test_a_wrong_archive_is_one_line(tmp_path, content, message):
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=one_line(rf"archive\.tar\.gz: .*{message}")):
        read_archive(path, with_content(CIFAR10, content))


# --- pickles ---------------------------------------------------------------------------------


@pytest.mark.parametrize("old", [True, False])
def test_planes_become_channels_whoever_wrote_the_pickle(ten, old):
    content = batch_bytes(CIFAR10, ten, old)
    assert (b"numpy._core" in content) != old
    found = read_batch(io.BytesIO(content), CIFAR10, "here")
    np.testing.assert_array_equal(found.images, ten.images)
    np.testing.assert_array_equal(found.labels, ten.labels)


class _Evil:
    def __init__(self, function, *arguments):
        self.what = (function, arguments)

    def __reduce__(self):
        return self.what


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("touch {}",)),
        (builtins.eval, ("__import__('os').mkdir('{}')",)),
        (os.mkdir, ("{}",)),
        (np.ndarray.tofile, (np.zeros(1, np.uint8), "{}")),
    ],
    ids=["system", "eval", "mkdir", "tofile"],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_malicious_pickle_is_refused_and_does_nothing(tmp_path, function, arguments, protocol):
    trace = tmp_path / "trace"
    filled = [a.format(trace) if isinstance(a, str) else a for a in arguments]
    content = pickle.dumps({b"data": _Evil(function, *filled), b"labels": [0]}, protocol)
    with pytest.raises(DatasetError, match=one_line("here: .*refused ")):
        read_batch(io.BytesIO(content), CIFAR10, "here")
    assert not trace.exists()
    # The same bytes are no dud: an ordinary reader runs them.
    pickle.loads(content)
    assert trace.exists()


def batch(**changes):
    return {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 1]} | {
        key.encode(): value for key, value in changes.items()
    }


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps([1, 2]),
        pickle.dumps({b"data": b""}),
        pickle.dumps(batch(labels=[0]), 4),
        pickle.dumps(batch(labels=[0, 10]), 4),
        pickle.dumps(batch(labels=["a", "b"]), 4),
        pickle.dumps(batch(data=np.zeros((2, 3071), np.uint8)), 4),
        pickle.dumps(batch(data=np.zeros((2, 3072), np.float32)), 4),
        pickle.dumps(batch(data=np.array([{}], object)), 4),
        pickle.dumps(batch(), 4)[:-20],
        b"",
    ],
)
def test_a_pickle_of_another_form_is_one_line(content):
    with pytest.raises(DatasetError, match=one_line("here: ")):
        read_batch(io.BytesIO(content), CIFAR10, "here")


# --- the download ----------------------------------------------------------------------------


class _Server(http.server.ThreadingHTTPServer):
    """Serves one content; the first `broken` answers are cut off in the middle."""

    daemon_threads = True

    def __init__(self, content, broken=0, status=200):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.broken, self.status, self.requests = content, broken, status, 0

    def handle_error(self, *_):
        """Say nothing of a client that hung up early, as it does on an error status."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/cifar.tar.gz"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        content = self.server.content
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        broken = self.server.requests <= self.server.broken
        self.wfile.write(content[: len(content) // 2] if broken else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(content, **behaviour):
        servers.append(_Server(content, **behaviour))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def content(cifar, splits):
    return official_archive(cifar, *splits)


def cache_files():
    return sorted(path.name for path in keras_cache().glob("*"))


def test_a_download_lands_in_keras_cache_and_is_not_repeated(
    tmp_path, cifar, splits, content, serve, capsys
):
    server = serve(content)
    mine = with_content(cifar, content, server.url)
    for _ in range(2):
        check_equal(load_cifar(mine, str(tmp_path / "nowhere")), splits)
    assert server.requests == 1
    assert cache_files() == [cifar.archive.cache_names[0]]
    assert "100%" in capsys.readouterr().err  # the progress bar


def test_a_download_that_breaks_off_is_begun_anew(tmp_path, cifar, splits, content, serve):
    server = serve(content, broken=2)
    mine = with_content(cifar, content, server.url)
    check_equal(load_cifar(mine, str(tmp_path / "nowhere"), retries=2), splits)
    assert server.requests == 3
    assert cache_files() == [cifar.archive.cache_names[0]]


def test_a_download_that_breaks_off_for_good_leaves_no_file(tmp_path, cifar, content, serve):
    server = serve(content, broken=2)
    mine = with_content(cifar, content, server.url)
    with pytest.raises(DatasetError, match=one_line("not found. Tried: ")):
        load_cifar(mine, str(tmp_path / "nowhere"), retries=1)
    assert server.requests == 2
    assert cache_files() == []


def test_an_interrupted_download_leaves_no_file(monkeypatch, cifar, content, serve):
    def interrupt(*_, **__):
        assert len(cache_files()) == 1  # the temporary file
        raise KeyboardInterrupt

    server = serve(content)
    monkeypatch.setattr(pooch.core, "hash_matches", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download(with_content(cifar, content, server.url).archive, keras_cache())
    assert cache_files() == []


def test_half_a_file_left_by_another_program_is_fetched_again(
    tmp_path, cifar, splits, content, serve
):
    cached(cifar, content[: len(content) // 2], cifar.archive.cache_names[0])
    mine = with_content(cifar, content, serve(content).url)
    check_equal(load_cifar(mine, str(tmp_path / "nowhere")), splits)


def test_a_download_with_another_checksum_is_refused(tmp_path, cifar, content, serve):
    server = serve(content[:-1] + b"?")
    mine = with_content(cifar, content, server.url)
    with pytest.raises(DatasetError, match=one_line("what came does not have the published check")):
        load_cifar(mine, str(tmp_path / "nowhere"), retries=1)
    assert server.requests == 2
    assert cache_files() == []


@pytest.mark.parametrize("status", [404, 503])
def test_an_error_of_the_server_is_one_line(tmp_path, cifar, content, serve, status):
    mine = with_content(cifar, content, serve(content, status=status).url)
    with pytest.raises(DatasetError, match=one_line(rf"HTTPError: {status}")):
        load_cifar(mine, str(tmp_path / "nowhere"), retries=0)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_without_files_and_connection_one_line_says_what_was_tried_and_the_ways_out(
    tmp_path, cifar, content
):
    url = f"http://127.0.0.1:{closed_port()}/cifar.tar.gz"
    with pytest.raises(DatasetError) as caught:
        load_cifar(with_content(cifar, content, url), str(tmp_path / "mine"), retries=1)
    message = str(caught.value)
    assert "\n" not in message
    tried, ways_out = message.split("Ways out:")
    folder = tmp_path / "mine" / cifar.name
    for part in (f"Parquet files in {folder}", str(keras_cache()), url, "ConnectionError"):
        assert part in tried
    for part in (str(folder), FOLDER_VARIABLE, str(keras_cache() / "cifar.tar.gz"), "internet"):
        assert part in ways_out


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path, cifar, content, serve):
    (tmp_path / "keras").write_text("a file in the place of the folder")
    mine = with_content(cifar, content, serve(content).url)
    with pytest.raises(DatasetError, match=one_line("not found. Tried: ")):
        load_cifar(mine, str(tmp_path / "nowhere"), retries=0)


# --- all three -------------------------------------------------------------------------------


def test_all_three_places_give_the_same_record_and_arrays(tmp_path, monkeypatch, cifar, serve):
    splits = random_split(cifar, 10, 1), random_split(cifar, 2, 2)
    content = official_archive(cifar, *splits)
    mine = with_content(cifar, content, serve(content).url)
    monkeypatch.setitem(CIFAR_SETS, cifar.name, mine)
    params = load_params(Path(__file__).parents[1] / "params.yaml")
    write_set(tmp_path / "files", cifar, *splits)

    def prepared_from(folder, home):
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / home))
        data = params.data.model_copy(
            update={"cifar_folder": str(folder), "validation_fraction": 0.1}
        )
        found = load_image_set(cifar.name, params.model_copy(update={"data": data}))
        return prepare(found, cifar.name, data)[0]

    from_files = prepared_from(tmp_path / "files", "empty")
    downloaded = prepared_from(tmp_path / "nowhere", "keras")
    from_cache = prepared_from(tmp_path / "nowhere", "keras")
    assert from_files == downloaded == from_cache
