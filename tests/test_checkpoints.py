"""A kept state is whole, its own, and never half of one, whatever stops the process."""

import errno
import importlib
import json
import os
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cnnreport import checkpoints
from cnnreport.checkpoints import Checkpoint, Store
from cnnreport.errors import TrainingError
from cnnreport.machine import Spent
from cnnreport.records import Epoch

RUN = "digits/lenet/s0"
SPENT = Spent(
    started="2020-01-01T00:00:00+00:00",
    wall_seconds=0.1 + 0.2,  # needs all 17 digits
    cpu_seconds=1 / 3,
    peak_memory_mib=1e-17,
    energy_kwh=None,
    sittings=2,
)
SOURCE = Path(__file__).parents[1] / "src"
HELPERS = f"""
import sys
sys.path[:0] = [{str(SOURCE)!r}, {str(Path(__file__).parent)!r}]
from pathlib import Path
from cnnreport.checkpoints import Store
from test_checkpoints import RUN, made
"""


def made(epoch: int, values: int = 1000) -> Checkpoint:
    history = [Epoch(n, 1 / (n + 2), 0.1 * n, 0.7 / n, 1 / 3) for n in range(1, epoch + 1)]
    arrays = {"dense/kernel": np.full(values, epoch, np.float32), "step": np.array(epoch)}
    return Checkpoint(arrays, history, SPENT)


def store_in(folder: Path) -> Store:
    return Store(folder / "root", RUN, "k" * 64)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_in(tmp_path)


def epoch_of(checkpoint: Checkpoint | None) -> int:
    """The epoch of a whole checkpoint of `made`; 0 for none."""
    if checkpoint is None:
        return 0
    expected = made(len(checkpoint.history))
    assert checkpoint.history == expected.history
    assert checkpoint.spent == SPENT
    assert checkpoint.arrays.keys() == expected.arrays.keys()
    for name, array in checkpoint.arrays.items():
        np.testing.assert_array_equal(array, expected.arrays[name])
    return len(checkpoint.history)


def run_python(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HELPERS + textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# Saving and loading


def test_where_nothing_is_kept_nothing_is_said(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store.load() is None
    assert capsys.readouterr().err == ""


ARRAYS = {
    "float32": np.array([[1.5, -0.0], [np.inf, np.nan]], np.float32),
    "int64": np.array([2**62, -(2**62)]),
    "uint32": np.array([1, 2**32 - 1], np.uint32),
    "uint8": np.arange(256, dtype=np.uint8).reshape(2, 8, 16),
    "float16": np.array([65504, 6e-8], np.float16),
    "bool": np.array([True, False]),
    "0-d": np.array(7, np.int32),
    "empty": np.zeros((0, 3), np.float64),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "bfloat16 bits": np.array([0x3F80, 0xFFFF], np.uint16),
}


def test_arrays_come_back_bit_by_bit_under_any_name(store: Store) -> None:
    arrays = ARRAYS | {name: np.ones(1) for name in ("file", "allow_pickle", "a/b/c", "x.npy", "ä")}
    store.save(Checkpoint(arrays, made(1).history, SPENT))
    loaded = store.load()
    assert loaded is not None
    assert list(loaded.arrays) == list(arrays)
    for name, array in arrays.items():
        assert loaded.arrays[name].dtype == array.dtype
        assert loaded.arrays[name].shape == array.shape
        assert loaded.arrays[name].tobytes() == array.tobytes()


def test_what_a_file_cannot_hold_as_it_is_is_refused(store: Store) -> None:
    with pytest.raises(TypeError, match="pickled: object would not come back"):
        store.save(Checkpoint({"pickled": np.array([{}])}, made(1).history, SPENT))


def test_history_and_cost_come_back_exactly(store: Store) -> None:
    store.save(made(3))
    loaded = store.load()
    assert epoch_of(loaded) == 3
    assert loaded is not None
    assert loaded.spent.wall_seconds == 0.30000000000000004


def test_a_newer_state_takes_the_place_of_the_earlier(store: Store) -> None:
    for epoch in (1, 2, 7):
        store.save(made(epoch))
    assert {path.name for path in store.folder.iterdir()} == {"epoch-0007.npz", "state.json"}
    assert epoch_of(store.load()) == 7


def test_a_figure_that_is_no_number_is_not_kept(store: Store) -> None:
    store.save(made(1))
    history = [*made(1).history, Epoch(2, float("nan"), 0.5, 0.5, 0.5)]
    with pytest.raises(TrainingError, match="epoch 2 is not a finite number"):
        store.save(Checkpoint({}, history, SPENT))
    assert epoch_of(store.load()) == 1


# States of no use


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def arrays_of(store: Store) -> Path:
    return store.folder / "epoch-0003.npz"


def state_of(store: Store) -> Path:
    return store.folder / "state.json"


def rewrite(store: Store, old: str, new: str) -> None:
    text = state_of(store).read_text(encoding="utf-8")
    assert old in text
    state_of(store).write_text(text.replace(old, new), encoding="utf-8")


def foreign(store: Store) -> None:
    other = replace(store, key="other")
    other.save(made(3))
    state_of(other).replace(state_of(store))


def unpickled(store: Store) -> None:
    """An archive with a pickle in it, and a state.json that fits it."""
    np.savez(arrays_of(store), allow_pickle=True, pickled=np.array([{}]))
    with arrays_of(store).open("rb") as file:
        digest = checkpoints._file_digest(file)
    state = json.loads(state_of(store).read_text(encoding="utf-8"))["state"] | {"digest": digest}
    sealed = {"state": state, "sha256": checkpoints._sha256(state)}
    state_of(store).write_text(json.dumps(sealed), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda store: cut(arrays_of(store)), "epoch-0003.npz is damaged"),
        (lambda store: flip(arrays_of(store)), "epoch-0003.npz is damaged"),
        (lambda store: arrays_of(store).write_bytes(b""), "epoch-0003.npz is damaged"),
        (lambda store: arrays_of(store).unlink(), "epoch-0003.npz cannot be read: No such file"),
        (lambda store: cut(state_of(store)), "does not have the expected form"),
        (lambda store: state_of(store).write_text(""), "does not have the expected form"),
        (lambda store: state_of(store).write_text("[1]"), "does not have the expected form"),
        (lambda store: state_of(store).write_bytes(b"\xff"), "does not have the expected form"),
        (lambda store: rewrite(store, "0.1,", "0.9,"), "state.json was changed"),
        (foreign, "it is another training's"),
        (unpickled, "holds no arrays"),
    ],
)
def test_a_state_of_no_use_starts_over_with_one_line(
    store: Store,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Store], None],
    reason: str,
) -> None:
    store.save(made(3))
    damage(store)
    assert store.load() is None
    line = capsys.readouterr().err
    assert line.startswith(f"{RUN}: the kept state in {store.folder} cannot be used")
    assert reason in line
    assert line.endswith("the training starts over\n")
    assert line.count("\n") == 1
    store.save(made(1))
    assert epoch_of(store.load()) == 1


def test_leftovers_of_a_crash_are_removed(store: Store) -> None:
    store.save(made(3))
    for name in ("epoch-0004.npz.tmp", "state.json.tmp", "epoch-0004.npz"):
        (store.folder / name).write_bytes(b"half")
    assert epoch_of(store.load()) == 3
    assert {path.name for path in store.folder.iterdir()} == {"epoch-0003.npz", "state.json"}


# Full disks


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["os.fsync", "os.replace", "numpy.lib.format.write_array"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_full_disk_leaves_the_earlier_state(
    store: Store, monkeypatch: pytest.MonkeyPatch, call: str, nth: int
) -> None:
    store.save(made(1))
    before = {path.name: path.read_bytes() for path in store.folder.iterdir()}
    module, name = call.rsplit(".", 1)
    real, calls = getattr(sys.modules[module], name), iter(range(1, 100))
    # A folder's own fsync may fail, so those on files alone count.
    failing = fail_on_file_sync(real, calls, nth) if name == "fsync" else fail_on(real, calls, nth)
    with monkeypatch.context() as patch:
        patch.setattr(call, failing)
        with pytest.raises(TrainingError) as caught:
            store.save(made(2, values=2_500_000))
    assert {path.name: path.read_bytes() for path in store.folder.iterdir()} == before
    line = str(caught.value)
    assert "epoch 2 could not be kept (No space left on device): 11 MB wanted, " in line
    assert f" MB free in {store.folder}; free some space and run `dvc repro` again: " in line
    assert line.endswith("it goes on after epoch 1")
    assert "\n" not in line
    assert epoch_of(store.load()) == 1


def fail_on(real: Callable[..., object], calls: object, nth: int) -> Callable[..., object]:
    return lambda *args, **kwargs: full() if next(calls) == nth else real(*args, **kwargs)


def fail_on_file_sync(real: Callable[..., object], calls: object, nth: int) -> Callable[..., None]:
    def sync(descriptor: int) -> None:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode) and next(calls) == nth:
            full()
        real(descriptor)

    return sync


def test_a_first_epoch_that_cannot_be_kept_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(TrainingError, match=r"it starts at epoch 1$"):
        store.save(made(1))
    assert not list(store.folder.iterdir())


def test_an_epoch_kept_already_stands_when_it_cannot_be_kept_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(made(2))
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(TrainingError, match=r"it goes on after epoch 2$"):
            store.save(made(2))
    assert epoch_of(store.load()) == 2


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("a file stands in the way", encoding="utf-8")
    with pytest.raises(TrainingError, match="put that right and run `dvc repro` again"):
        store_in(tmp_path).save(made(1))
    with (
        pytest.raises(TrainingError, match="make that folder writable"),
        store_in(tmp_path).lock(),
    ):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("name", ["epoch-0002.npz.tmp", "state.json.tmp"])
def test_a_device_that_is_really_full(store: Store, name: str) -> None:
    store.save(made(1))
    (store.folder / name).symlink_to("/dev/full")
    with pytest.raises(TrainingError, match=r"\(No space left on device\)"):
        store.save(made(2))
    assert epoch_of(store.load()) == 1
    assert {path.name for path in store.folder.iterdir()} == {"epoch-0001.npz", "state.json"}


def test_a_disk_of_a_few_megabytes(tmp_path: Path) -> None:
    """Epoch 2 does not fit beside epoch 1 until room is made."""
    code = """
        from cnnreport.errors import TrainingError
        from test_checkpoints import epoch_of, store_in
        store = store_in(Path(sys.argv[1]))
        filler = Path(sys.argv[1]) / "filler"
        store.save(made(1))
        filler.write_bytes(bytes(1_500_000))
        try:
            store.save(made(2, values=200_000))
        except TrainingError as error:
            print(error)
        print(sorted(path.name for path in store.folder.iterdir()), epoch_of(store.load()))
        filler.unlink()
        store.save(made(2, values=200_000))
        print(sorted(path.name for path in store.folder.iterdir()))
    """
    mount = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    script = 'mount -t tmpfs -o size=2m none "$1" && shift && exec "$@"'
    program = [sys.executable, "-c", HELPERS + textwrap.dedent(code), str(tmp_path)]
    try:
        subprocess.run(
            [*mount, script, "sh", str(tmp_path), "true"], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a tmpfs of one's own")
    done = subprocess.run(
        [*mount, script, "sh", str(tmp_path), *program], check=True, capture_output=True, text=True
    )
    error, after_failure, after_room = done.stdout.splitlines()
    assert "epoch 2 could not be kept (No space left on device): 1 MB wanted, 0 MB free" in error
    assert after_failure == "['epoch-0001.npz', 'state.json'] 1"
    assert after_room == "['epoch-0002.npz', 'state.json']"


# Crashes


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_crash_at_any_step_leaves_the_earlier_or_the_newer_state(tmp_path: Path) -> None:
    """A process kills itself before the first, second, … system call of a save."""
    code = """
        import hashlib, os, shutil, signal
        import numpy as np
        from test_checkpoints import epoch_of, store_in
        folder = Path(sys.argv[1])
        CALLS = [(os, "replace"), (os, "fsync"), (os, "unlink"), (os, "open"),
                 (hashlib, "file_digest"), (np.lib.format, "write_array")]

        def killing(real, remaining):
            def call(*args, **kwargs):
                remaining[0] -= 1
                if remaining[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*args, **kwargs)
            return call

        for step in range(1, 100):
            shutil.rmtree(folder / "root", ignore_errors=True)
            store = store_in(folder)
            store.save(made(1))
            child = os.fork()
            if child == 0:
                remaining = [step]
                for module, name in CALLS:
                    setattr(module, name, killing(getattr(module, name), remaining))
                store.save(made(2))
                os._exit(0)
            status = os.waitpid(child, 0)[1]
            print(epoch_of(store.load()), len(list(store.folder.iterdir())))
            if status == 0:
                break
            assert os.WTERMSIG(status) == signal.SIGKILL
    """
    process = run_python(code, tmp_path)
    output, errors = process.communicate(timeout=60)
    assert errors == ""  # no state was found to be of no use
    epochs = [int(line.split()[0]) for line in output.splitlines()]
    assert epochs == sorted(epochs)
    assert set(epochs) == {1, 2}
    assert len(epochs) >= 10
    assert {line.split()[1] for line in output.splitlines()} == {"2"}  # nothing is left over


def test_each_file_is_on_the_disk_before_it_gets_its_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut a name must not stand for a file whose bytes never came."""
    steps: list[str] = []
    sync, move = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        steps.append("folder" if stat.S_ISDIR(status.st_mode) else f"{status.st_size > 0} file")
        sync(descriptor)

    def replacing(source: Path, target: Path) -> None:
        steps.append(Path(target).name)
        move(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replacing)
    store.save(made(1))
    folder = ["folder"] if os.name == "posix" else []
    assert steps == ["True file", "epoch-0001.npz", *folder, "True file", "state.json", *folder]


# Locks

HOLD = """
    import time
    store = Store(Path(sys.argv[1]), RUN, sys.argv[2])
    with store.lock():
        print("held", flush=True)
        time.sleep(20)
"""


def test_a_killed_holder_frees_the_lock_and_the_waiter_is_told(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_python(HOLD, store.root, store.key) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with run_python(HOLD, store.root, store.key) as waiter:
            assert waiter.stderr is not None
            assert waiter.stdout is not None
            assert waiter.stderr.readline() == (
                f"another process (pid {holder.pid}) trains {RUN} already; waiting for it\n"
            )
            time.sleep(0.2)
            assert waiter.poll() is None
            holder.kill()
            assert waiter.stdout.readline() == "held\n"
            waiter.kill()
    with store.lock():
        assert capsys.readouterr().err == ""


def test_a_wait_can_be_given_up(store: Store) -> None:
    def give_up() -> None:
        raise InterruptedError

    with store.lock(), pytest.raises(InterruptedError), store.lock(give_up):
        pass


def test_trainings_with_other_keys_do_not_wait(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with store.lock(), replace(store, key="other").lock():
        assert capsys.readouterr().err == ""


def test_a_lock_is_free_after_an_error(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), store.lock():
        raise KeyboardInterrupt
    with store.lock():
        assert capsys.readouterr().err == ""


# Removed by another process


def test_a_folder_that_goes_while_a_training_waits_for_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage evaluate has the lock at the first try, and took the folder by the second."""
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN_TRIES", 0)
    lock = checkpoints._lock_of(store.folder)
    store.folder.mkdir(parents=True)
    lock.acquire()

    def discarded(_: float) -> None:
        store.folder.rmdir()
        Path(lock.lock_file).unlink()
        lock.release()

    monkeypatch.setattr(time, "sleep", discarded)
    with store.lock():
        store.save(made(1))
    assert epoch_of(store.load()) == 1


# Keys


def write_package(folder: Path, text: str = "a = 1\nb = 2\n") -> list[Path]:
    package = folder / "pack" / "inner"
    package.mkdir(parents=True)
    files = [folder / "pack" / "__init__.py", package / "__init__.py", package / "net.py"]
    for file in files:
        file.write_text(text, encoding="utf-8", newline="")
    return files


BASE = {
    "parameters": {"epochs": 3, "recipe": {"rate": 0.1, "clip": None}},
    "data": {"train-images.npy": "d", "train-labels.npy": "l"},
    "code": {"src/a.py": "1", "src/b.py": "2"},
    "versions": {"numpy": "2.0"},
}


def test_a_key_does_not_depend_on_order() -> None:
    reordered = {"recipe": {"clip": None, "rate": 0.1}, "epochs": 3}
    code = {"src/b.py": "2", "src/a.py": "1"}
    key = checkpoints.training_key(**BASE)
    assert len(key) == 64
    assert int(key, 16)
    assert key == checkpoints.training_key(**BASE | {"parameters": reordered, "code": code})


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"epochs": 4, "recipe": {"rate": 0.1, "clip": None}}},
        {"parameters": {"epochs": 3, "recipe": {"rate": 0.10000000000000002, "clip": None}}},
        {"parameters": {"epochs": 3, "recipe": {"rate": 0.1, "clip": 0}}},
        {"parameters": {"epochs": 3, "recipe": {"rate": 0.1}}},
        {"data": {"train-images.npy": "e", "train-labels.npy": "l"}},
        {"data": {"train-images.npy": "d"}},
        {"code": {"src/a.py": "1", "src/b.py": "3"}},
        {"code": {"src/a.py": "1"}},
        {"code": {"src/a.py": "1", "src/c.py": "2"}},
        {"versions": {"numpy": "2.1"}},
        {"versions": {"numpy": "2.0", "keras": "3"}},
    ],
)
def test_every_part_changes_the_key(change: dict[str, object]) -> None:
    assert checkpoints.training_key(**BASE | change) != checkpoints.training_key(**BASE)


def test_loaded_code_is_the_files_of_what_was_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_package(tmp_path)
    files[-1].with_name("idle.py").touch()
    (tmp_path / "packaged.py").touch()  # another package whose name begins alike
    monkeypatch.syspath_prepend(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "modules", sys.modules.copy())
        importlib.import_module("pack.inner.net")
        importlib.import_module("packaged")
        assert checkpoints.loaded_code("pack") == sorted(files)
    assert Path(checkpoints.__file__) in checkpoints.loaded_code()


# Places


@pytest.mark.parametrize(
    "copy",
    ["", ".dvc/tmp/exps/standalone/tmpabc", ".dvc/tmp/exps/tmpabc", ".dvc/tmp/exps/tmpabc/sub"],
)
def test_workspaces_of_experiments_share_the_place_of_their_project(
    tmp_path: Path, copy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / copy).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / copy)
    expected = tmp_path.resolve() / ".checkpoints"
    assert checkpoints.checkpoint_root(Path()) == expected
    assert checkpoints.checkpoint_root(tmp_path / copy) == expected


@pytest.mark.parametrize(
    "folder", ["tmp/exps/x", ".dvc/exps/x", ".dvc/tmp/exps", "a.dvc/tmp/exps/x"]
)
def test_other_folders_keep_their_own(tmp_path: Path, folder: str) -> None:
    assert checkpoints.checkpoint_root(tmp_path / folder) == tmp_path / folder / ".checkpoints"


def test_neither_keras_nor_tensorflow_is_needed() -> None:
    code = "print([name for name in ('keras', 'tensorflow') if name in sys.modules])"
    output, errors = run_python(code).communicate(timeout=60)
    assert (output, errors) == ("[]\n", "")


def test_other_runs_and_other_trainings_of_the_same_run_are_spared(store: Store) -> None:
    stores = [store, replace(store, key="other"), replace(store, run="digits/lenet/s1")]
    for each in stores:
        with each.lock():
            each.save(made(2))
    store.discard()
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
        store.discard()
        assert epoch_of(store.load()) == 2
        holder.kill()
    store.discard()
    assert not list((store.root / store.run).iterdir())


def test_discarding_nothing_is_fine(tmp_path: Path) -> None:
    replace(store_in(tmp_path), root=tmp_path / "missing").discard()
    assert not list(tmp_path.iterdir())
