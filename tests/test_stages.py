"""Stages end with a line and a status, whatever stops them."""

import sys
from types import SimpleNamespace

import pytest

from cnnreport.errors import DatasetError
from cnnreport.stages import STAGES, run


def replace_stage(monkeypatch: pytest.MonkeyPatch, outcome: BaseException | None) -> None:
    def main(argv: list[str]) -> None:
        if outcome:
            raise outcome

    monkeypatch.setitem(sys.modules, "cnnreport.stages.train", SimpleNamespace(main=main))


@pytest.mark.parametrize(
    ("outcome", "status", "line"),
    [
        (None, 0, ""),
        (DatasetError("no images"), 2, "error: no images\n"),
        (KeyboardInterrupt(), 130, "stopped in the stage train: `dvc repro` runs it again;"),
    ],
)
def test_what_stops_a_stage_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    outcome: BaseException | None,
    status: int,
    line: str,
) -> None:
    replace_stage(monkeypatch, outcome)
    assert run(["train"]) == status
    printed = capsys.readouterr().err
    assert printed.startswith(line)
    assert printed.count("\n") == (1 if line else 0)


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_stage(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        run(["train"])


@pytest.mark.parametrize("argv", [[], ["trian"]])
def test_an_unknown_stage_is_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv) == 2
    assert ", ".join(STAGES) in capsys.readouterr().err
