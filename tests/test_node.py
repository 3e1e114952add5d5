"""The node's half of a training on a cluster, without Ray: it is a generator of messages."""

import argparse
import importlib.util
import io
import sys
import tarfile
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest

from cnnreport import cluster
from cnnreport.cluster import node
from cnnreport.errors import InputError
from cnnreport.lineage import Lineage

HERE = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(node.tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path


def checkout(stage: str) -> bytes:
    """An archive with nothing but a src/stage.py."""
    files, code = io.BytesIO(), stage.encode()
    with tarfile.open(fileobj=files, mode="w") as archive:
        entry = tarfile.TarInfo("src/stage.py")
        entry.size = len(code)
        archive.addfile(entry, io.BytesIO(code))
    return files.getvalue()


def messages(stage: str, name: str = "", **options: Any) -> list[tuple[str, object]]:
    """What a node says while it runs a stage; the first message is its name."""
    arguments = {"arguments": ["train"], "outputs": ["out.txt"], "libraries": HERE} | options
    name = name or uuid.uuid4().hex
    first, *rest = node.train(checkout(stage), name, variables={}, **arguments)
    assert first[0] == node.NODE
    return rest


@pytest.mark.parametrize(
    ("libraries", "line"),
    [
        ({"python": "2.7"}, f"python is {HERE['python']} on "),
        ({"numpy": "0.1"}, " and 0.1 here; install the same lock on all nodes"),
        ({"no-such-package": ""}, "no-such-package is not installed on "),
    ],
)
def test_a_node_that_is_otherwise_refuses(libraries: dict[str, str], line: str) -> None:
    ((kind, said),) = messages("raise AssertionError", libraries=libraries)
    assert kind == node.REFUSED
    assert line in str(said)


def test_lines_come_before_the_outputs_and_the_folder_goes(temporary: Path) -> None:
    stage = "import sys; print('one'); print('two', file=sys.stderr); open('out.txt', 'w')"
    assert messages(stage) == [
        (node.LINE, "one"),
        (node.LINE, "two"),
        (node.FILES, {"out.txt": b""}),
    ]
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    ("stage", "kind", "line"),
    [
        ("print('error: no images'); raise SystemExit(2)", node.REFUSED, "no images"),
        ("raise SystemExit(1)", node.REFUSED, "the training ended with status 1 on "),
        ("import os; os.kill(os.getpid(), 9)", node.LOST, "killed by SIGKILL on "),
    ],
)
def test_how_a_training_ends(temporary: Path, stage: str, kind: str, line: str) -> None:
    ((came, said),) = messages(stage)
    assert came == kind
    assert str(said).startswith(line)
    assert not list(temporary.iterdir())


def test_the_next_try_finds_the_states_and_nothing_else(temporary: Path) -> None:
    (temporary / "job/.checkpoints").mkdir(parents=True)
    (temporary / "job/out.txt").touch()
    stage = "import os; print(sorted(os.listdir())); raise SystemExit(1)"
    assert messages(stage, name="job")[0] == (node.LINE, "['.checkpoints', 'src']")


def test_a_training_that_is_given_up_is_ended(temporary: Path) -> None:
    stage = "import os, time; print(os.getpid()); time.sleep(600)"
    said = node.train(checkout(stage), "job", ["train"], [], HERE, {})
    assert next(said)[0] == node.NODE
    pid = int(str(next(said)[1]))
    said.close()  # type: ignore[attr-defined]
    assert not psutil.pid_exists(pid)
    assert not list(temporary.iterdir())


def test_without_ray_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"make setup LOCK=requirements-cluster\.lock"):
        cluster.train(argparse.Namespace(), "auto", Lineage(()))
