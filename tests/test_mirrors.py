"""A mirror holds the newest state of a training, and never stops one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from test_checkpoints import RUN, cut, epoch_of, flip, made, store_in

from cnnreport.checkpoints import Store
from cnnreport.errors import InputError
from cnnreport.mirrors import VARIABLE, Mirror

URLS = ("folder", "memory", "s3")


@pytest.fixture(params=URLS)
def mirror(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mirror]:
    """Three kinds of places: a folder, one that has no folders, a bucket over HTTP."""
    if request.param == "s3":
        yield request.getfixturevalue("bucket")
        return
    url = str(tmp_path / "there") if request.param == "folder" else f"memory://{tmp_path.name}"
    found = Mirror.of({VARIABLE: url})
    assert found
    yield found


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    server = pytest.importorskip("moto.server", reason="needs moto[server]")
    s3fs = pytest.importorskip("s3fs", reason="needs dvc[s3]")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    running = server.ThreadedMotoServer("127.0.0.1", 0)
    running.start()
    host, port = running.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().makedirs("bucket", exist_ok=True)  # moto keeps it for the next server
    yield Mirror(f"s3://bucket/{tmp_path.name}")
    s3fs.S3FileSystem.clear_instance_cache()
    running.stop()


@pytest.fixture
def here(tmp_path: Path, mirror: Mirror) -> Store:
    return replace(store_in(tmp_path / "here"), mirror=mirror)


@pytest.fixture
def elsewhere(tmp_path: Path, mirror: Mirror) -> Store:
    """The same training on a machine that has nothing of it."""
    return replace(store_in(tmp_path / "elsewhere"), mirror=mirror)


def names(mirror: Mirror, folder: str = RUN) -> set[str]:
    files, root = mirror._place()
    files.invalidate_cache()
    return {Path(path).name for path in files.find(f"{root}/{folder}")}


def test_a_training_goes_on_elsewhere(here: Store, elsewhere: Store, mirror: Mirror) -> None:
    for epoch in (1, 2, 3):
        here.save(made(epoch))
    assert names(mirror) == {"epoch-0003.npz", "state.json"}
    assert epoch_of(elsewhere.load()) == 3
    # It stands on the own disk from then on.
    assert epoch_of(replace(elsewhere, mirror=None).load()) == 3


def test_the_later_state_counts(here: Store, elsewhere: Store) -> None:
    here.save(made(2))
    replace(elsewhere, mirror=None).save(made(5))
    assert epoch_of(elsewhere.load()) == 5
    here.save(made(7))
    assert epoch_of(elsewhere.load()) == 7


def test_another_training_finds_nothing(here: Store, elsewhere: Store) -> None:
    here.save(made(2))
    assert replace(elsewhere, key="other").load() is None


def test_what_was_tested_is_removed_there_too_and_nothing_else(here: Store, mirror: Mirror) -> None:
    """Others may share the mirror, with an unfinished training of other parameters."""
    others = [replace(here, run="digits/lenet/s1"), replace(here, key="other")]
    for store in (here, *others):
        store.save(made(2))
    here.discard()
    assert not names(mirror, f"{RUN}/{here.key}")
    for other in others:
        assert names(mirror, f"{other.run}/{other.key}") == {"epoch-0002.npz", "state.json"}
    here.discard()  # nothing there is no error


@pytest.mark.parametrize("name", ["epoch-0003.npz", "state.json"])
@pytest.mark.parametrize("damage", [cut, flip])
def test_a_damaged_copy_is_told_and_left_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, damage: object
) -> None:
    mirror = Mirror(str(tmp_path / "there"))
    here = replace(store_in(tmp_path / "here"), mirror=mirror)
    here.save(made(3))
    (copy,) = (tmp_path / "there").rglob(name)
    assert callable(damage)
    damage(copy)
    elsewhere = replace(store_in(tmp_path / "elsewhere"), mirror=mirror)
    replace(elsewhere, mirror=None).save(made(1))
    assert epoch_of(elsewhere.load()) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{RUN}: the state at {mirror.url} cannot be used (")


def test_a_place_that_fails_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").write_text("a file stands in the way", encoding="utf-8")
    store = replace(store_in(tmp_path), mirror=Mirror(str(tmp_path / "there")))
    store.save(made(1))
    (line,) = capsys.readouterr().err.splitlines()
    assert "epoch-0001 was not copied to" in line
    assert epoch_of(store.load()) == 1


def test_a_place_that_cannot_be_is_one_line() -> None:
    with pytest.raises(InputError, match="wanted a folder or a URL that fsspec can open") as caught:
        Mirror.of({VARIABLE: "nosuch://x/y"})
    assert "\n" not in str(caught.value)


def test_without_the_variable_there_is_none() -> None:
    assert Mirror.of({}) is None
    assert Mirror.of({VARIABLE: ""}) is None
