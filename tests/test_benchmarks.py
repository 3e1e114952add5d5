"""The benchmark: the protocol of its workers, its ratios and its page, without PyTorch."""

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import comparison
import throughput
import worker
from comparison import Comparison, Measured
from throughput import BenchmarkError, Worker
from worker import Contestant

from cnnreport.models import build_network
from cnnreport.networks import NETWORKS

ROOT = Path(__file__).parents[1]


def steady(seconds_a_step: float, log: list[int] | None = None) -> worker.Burst:
    """A burst that claims to take so many seconds a step, on batches of 10."""

    def burst(steps: int) -> tuple[int, float]:
        if log is not None:
            log.append(steps)
        return steps * 10, steps * seconds_a_step

    return burst


@pytest.mark.parametrize(
    ("seconds_a_step", "most", "wanted"),
    [
        pytest.param(0.01, 1000, 200, id="as many as fit"),
        pytest.param(0.01, 50, 50, id="one epoch at most"),
        pytest.param(5.0, 1000, worker.LEAST_STEPS, id="a slow network"),
        pytest.param(5.0, 1, worker.LEAST_STEPS, id="a huge batch"),
    ],
)
def test_bursts_last_about_the_time_asked_for(
    seconds_a_step: float, most: int, wanted: int
) -> None:
    assert worker.warm_up(steady(seconds_a_step), most, 2.0) == wanted


def test_warm_up_trains_a_whole_burst_after_the_first_step() -> None:
    log: list[int] = []
    steps = worker.warm_up(steady(0.01, log), 1000, 2.0)
    assert log[0] == 1
    assert log[-1] == steps


def test_a_worker_answers_each_order_until_the_end() -> None:
    answers = io.StringIO()
    ready = Contestant(steady(1.0), (7, 2), {"library": "1.0"})
    worker.serve(ready, 10, 4.0, ["go\n", "go\n", "end\n", "go\n"], answers)
    about, *bursts, last = map(json.loads, answers.getvalue().splitlines())
    assert about == {"parameters": [7, 2], "versions": {"library": "1.0"}, "steps": 3}
    assert bursts == [{"images": 30, "seconds": 3.0}] * 2
    assert 5 < last["peak_memory_mib"] < 100_000


def program(folder: Path, text: str) -> list[str]:
    """The command of a fake worker's process."""
    path = folder / "fake.py"
    path.write_text(text, encoding="utf-8")
    return [sys.executable, str(path)]


NOISY = f"""
import os, sys
sys.path.append({str(ROOT / "benchmarks")!r})
from worker import Contestant, private_stdout, serve
answers = private_stdout()

def burst(steps):
    print("a progress bar")
    os.system("echo a library")
    return steps * 8, steps * 0.5

gpu = os.environ["CUDA_VISIBLE_DEVICES"]
serve(Contestant(burst, (3, 0), {{"GPU": gpu}}), 8, 3.0, sys.stdin, answers)
"""


def test_a_process_is_asked_for_bursts_and_its_prints_do_no_harm(tmp_path: Path) -> None:
    with Worker("fake", program(tmp_path, NOISY)) as fake:
        assert fake.about == {"parameters": [3, 0], "versions": {"GPU": "-1"}, "steps": 3}
        cells = throughput.measure({"ours": fake}, 2)
    assert cells["ours"].images == [24, 24]
    assert cells["ours"].rates == [16.0, 16.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "import sys; sys.exit('wanted 62006, came 7')",
            "fake: its process ended with status 1: wanted 62006, came 7",
            id="refuses",
        ),
        pytest.param(
            "raise MemoryError('too much')", "status 1: MemoryError: too much", id="traceback"
        ),
        pytest.param("print('hello')", "wanted a line of JSON, came 'hello'", id="not ours"),
    ],
)
def test_a_process_that_fails_gives_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BenchmarkError, match=re.escape(message)) as caught:
        Worker("fake", program(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_process_that_dies_in_between_gives_one_line(tmp_path: Path) -> None:
    text = "import sys; print('{}', flush=True); input(); sys.exit('killed for memory')"
    with (
        Worker("fake", program(tmp_path, text)) as fake,
        pytest.raises(BenchmarkError, match="status 1: killed for memory"),
    ):
        fake.ask("go")


def test_a_program_that_is_not_there_gives_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"torch: cannot start .*nowhere .No such file"):
        Worker("torch", [str(tmp_path / "nowhere")])


class Scripted:
    """A worker in this process: notes its turns and answers at once."""

    def __init__(self, name: str, turns: list[str]) -> None:
        self.name, self.turns = name, turns

    def ask(self, order: str) -> dict[str, float]:
        if order == "end":
            return {"peak_memory_mib": 100.0}
        self.turns.append(self.name)
        return {"images": 10, "seconds": 2.0}


def test_contestants_take_turns_and_each_begins_once() -> None:
    turns: list[str] = []
    workers = {name: Scripted(name, turns) for name in "abc"}
    cells = throughput.measure(workers, 3)  # type: ignore[arg-type]
    assert "".join(turns) == "abcbcacab"
    assert cells["b"] == Measured([10] * 3, [2.0] * 3, 100.0)


def measured(*rates: float, memory: float | None = 1024.0) -> Measured:
    return Measured([int(100 * rate) for rate in rates], [100.0] * len(rates), memory)


CELLS = {
    "lenet": {
        "notebook": measured(1000, 2000, 500),
        "ours": measured(2000, 3000, 2000),
        "torch": measured(2000, 2000, 2000, memory=None),
    },
    "vgg16": {
        "notebook": measured(40, 40, 40),
        "ours": measured(80, 80, 160),
        "torch": measured(80, 100, 160),
    },
}


def make_comparison(**changes: object) -> Comparison:
    values: dict[str, object] = {
        "started": "2020-01-15T10:00:00+00:00",
        "command": "python benchmarks/throughput.py",
        "batch": 128,
        "rounds": 3,
        "burst_seconds": 2.5,
        "images": 50_000,
        "machine": {"processor": "A*B", "cores in use": "2"},
        "versions": {"torch": {"torch": "2.0"}},
        "networks": CELLS,
    }
    return Comparison(**(values | changes))  # type: ignore[arg-type]


def test_ratios_are_taken_within_a_round() -> None:
    assert comparison.ratios(CELLS["lenet"], "ours", "notebook") == [2.0, 1.5, 4.0]
    assert comparison.ratios(CELLS["lenet"], "ours", "torch") == [1.0, 1.5, 1.0]


def test_the_mean_over_the_networks_is_geometric() -> None:
    means = comparison.mean_ratios(make_comparison(), "ours", "notebook")
    assert means == pytest.approx([2.0, np.sqrt(3.0), 4.0])


def rows_of(page: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without the line under its head."""
    section = page.split(f"## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:1] + lines[2:]]


def test_the_page_shows_medians_with_their_spread() -> None:
    page = comparison.page(make_comparison())
    assert rows_of(page, "Images a second") == [
        ["network", "notebook", "ours", "PyTorch"],
        [
            "lenet",
            "1,000 (500 to 2,000)",
            "2,000 (2,000 to 3,000)",
            "2,000 (2,000 to 2,000)",
        ],
        ["vgg16", "40.0 (40.0 to 40.0)", "80.0 (80.0 to 160)", "100 (80.0 to 160)"],
    ]
    assert rows_of(page, "Ratios") == [
        ["network", "ours / notebook", "ours / PyTorch"],
        ["lenet", "2.00 (1.50 to 4.00)", "1.00 (1.00 to 1.50)"],
        ["vgg16", "2.00 (2.00 to 4.00)", "1.00 (0.80 to 1.00)"],
        ["**geometric mean**", "2.00 (1.73 to 4.00)", "1.00 (1.00 to 1.10)"],
    ]
    memory = rows_of(page.replace("\N{NO-BREAK SPACE}", " "), "Peak memory")
    assert memory[1] == ["lenet", "1,024 MiB", "1,024 MiB", "not measured"]
    assert [r"processor", r"A\*B"] in rows_of(page, "Machine")


def test_the_page_says_what_was_not_measured() -> None:
    without = {
        network: {name: cell for name, cell in cells.items() if name != "torch"}
        for network, cells in CELLS.items()
    }
    page = comparison.page(make_comparison(networks=without))
    for heading in ("Images a second", "Ratios", "Peak memory"):
        assert {row[-1] for row in rows_of(page, heading)[1:]} == {"not measured"}
    assert rows_of(page, "Ratios")[-1][1].startswith("2.00")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rounds", "2"], "--rounds: wanted at least 3, came 2"),
        (["--batch", "0"], "--batch: wanted 1 to 16666, came 0"),
        (["--batch", "50000"], "--batch: wanted 1 to 16666, came 50000"),
        (["--seconds", "nan"], "--seconds: wanted a time above 0, came nan"),
        (["--contestants", "ours", "torch"], "torch needs --torch-python"),
        (["--contestants", "torch", "--torch-python", "x"], "torch needs notebook or ours"),
    ],
)
def test_wrong_arguments_give_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert throughput.main([*words, "--out", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"error: {message}")
    assert printed.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_pytorch_is_given_the_totals_to_check_and_its_folder_stays_out_of_the_page() -> None:
    args = throughput.parse(["--networks", "vgg16", "--torch-python", "/home/me/bin/python"])
    command = throughput.command_of("torch", "vgg16", args, (33663050, 24832))
    assert command[0] == "/home/me/bin/python"
    assert command[-3:] == ["--parameters", "33663050", "24832"]
    shown = throughput.command_line(args)
    assert "/home" not in shown
    again = throughput.parse(shown.split()[2:])
    assert (again.networks, again.contestants) == (["vgg16"], ["notebook", "ours", "torch"])


def test_page_and_raw_figures_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(name: str, network: str, args: object, parameters: object) -> list[str]:
        return program(tmp_path, NOISY)

    monkeypatch.setattr(throughput, "command_of", command)
    out = tmp_path / "out"
    assert throughput.main(["--networks", "lenet", "--rounds", "3", "--out", str(out)]) == 0
    assert "lenet: notebook 16 images/s, ours 16 images/s" in capsys.readouterr().out
    raw = json.loads((out / "throughput.json").read_text(encoding="utf-8"))
    assert raw["networks"]["lenet"]["ours"]["images"] == [24, 24, 24]
    page = (out / "throughput.md").read_text(encoding="utf-8")
    assert rows_of(page, "Ratios")[1] == ["lenet", "1.00 (1.00 to 1.00)", "not measured"]
    assert str(tmp_path) not in page


def test_all_networks_are_measured_by_default() -> None:
    assert throughput.parse([]).networks == list(NETWORKS)


@pytest.mark.parametrize("name", ["notebook", "ours"])
def test_a_burst_of_either_way_counts_whole_batches(name: str) -> None:
    from keras_contestants import CONTESTANTS, random_images  # noqa: PLC0415 - imports Keras

    make: Callable[..., Contestant] = CONTESTANTS[name]
    ready = make("lenet", *random_images(100), 8)
    images, seconds = ready.burst(3)
    assert images % 8 == 0
    assert 24 <= images <= 96
    assert seconds > 0
    weights = build_network("lenet", (32, 32, 3), 10).count_params()
    assert sum(ready.parameters) == weights


def test_pytorch_is_no_dependency() -> None:
    for lock in ("requirements.lock", "requirements-cuda.lock"):
        assert "\ntorch==" not in (ROOT / lock).read_text(encoding="utf-8")
