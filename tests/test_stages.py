"""Stages end with a line and a status, whatever stops them."""

import errno
import sys
from types import SimpleNamespace

import pytest

from cnnreport.errors import DatasetError
from cnnreport.stages import STAGES, run


def replace_stage(
    monkeypatch: pytest.MonkeyPatch, outcome: BaseException | None, name: str = "train"
) -> None:
    def main(argv: list[str]) -> None:
        if outcome:
            raise outcome

    monkeypatch.setitem(sys.modules, f"cnnreport.stages.{name}", SimpleNamespace(main=main))


@pytest.mark.parametrize(
    ("name", "outcome", "status", "line"),
    [
        ("train", None, 0, ""),
        ("train", DatasetError("no images"), 2, "error: no images\n"),
        (
            "train",
            KeyboardInterrupt(),
            130,
            "stopped in the stage train: `dvc repro`, or the same `dvc exp run`, goes on after the "
            "last finished epoch; ",
        ),
        (
            "train",
            OSError(errno.ENOSPC, "No space left on device", "weights.npz"),
            2,
            "error: train: No space left on device (weights.npz); free some space: `dvc repro`, ",
        ),
        (
            "evaluate",
            KeyboardInterrupt(),
            130,
            "stopped in the stage evaluate: `dvc repro` runs it again; ",
        ),
        (
            "evaluate",
            OSError(errno.ENOSPC, "No space left on device", "metrics.json"),
            2,
            "error: evaluate: No space left on device (metrics.json); free some space: `dvc repro` "
            "runs it again\n",
        ),
        (
            "train",
            OSError(errno.ENOSPC, "No space left on device"),
            2,
            "error: train: No space left on device; free some space: `dvc repro`",
        ),
    ],
)
def test_what_stops_a_stage_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    outcome: BaseException | None,
    status: int,
    line: str,
) -> None:
    replace_stage(monkeypatch, outcome, name)
    assert run([name]) == status
    printed = capsys.readouterr().err
    assert printed.startswith(line)
    assert printed.count("\n") == (1 if line else 0)


@pytest.mark.parametrize("bug", [ZeroDivisionError(), FileNotFoundError(errno.ENOENT, "none")])
def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, bug: Exception) -> None:
    replace_stage(monkeypatch, bug)
    with pytest.raises(type(bug)):
        run(["train"])


@pytest.mark.parametrize("argv", [[], ["trian"]])
def test_an_unknown_stage_is_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv) == 2
    assert ", ".join(STAGES) in capsys.readouterr().err
