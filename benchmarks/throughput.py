"""Measure images a second of a training step: the notebook way, this project's engine, PyTorch.

The contestants take turns in short bursts, each in a process of its own, so that whatever else the
machine does meets all of them alike. Writes a page and the raw figures; see README.md.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psutil

# The package of this checkout, whichever one is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from comparison import CONTESTANTS, Comparison, Measured, page
from worker import IMAGES, LEAST_STEPS

from cnnreport.errors import CnnReportError
from cnnreport.machine import processor_name, usable_cores
from cnnreport.records import save_text, to_json

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "src"
NETWORKS = ("lenet", "alexnet", "vgg16", "resnet50", "googlenet")
LEAST_ROUNDS = 3


class BenchmarkError(CnnReportError, RuntimeError):
    """A benchmark cannot be run as it was asked for."""


class Worker:
    """A process that trains one contestant on one network when it is asked to.

    `about` holds what it said when it was ready: parameter totals, versions, steps of a burst.
    """

    def __init__(self, title: str, command: Sequence[str]) -> None:
        """Start the process and wait until it is warm.

        Raises:
            BenchmarkError: the program cannot be started, or it ended before it was ready.

        """
        self._title = title
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed in __exit__
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                env=worker_environment(),
            )
        except OSError as error:
            self._errors.close()
            raise BenchmarkError(
                f"{title}: cannot start {command[0]} ({error.strerror}); name a Python program"
            ) from error
        try:
            self.about = self._answer()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return the worker."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, whatever it is doing."""
        self.close()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        with suppress(OSError), self._process:  # closes the pipes and waits for the end
            pass
        self._errors.close()

    def ask(self, order: str) -> dict[str, Any]:
        """Send one line and return the answer.

        Raises:
            BenchmarkError: the process has ended instead; holds the last line it complained with.

        """
        with suppress(OSError):  # where the process is gone, the missing answer tells
            print(order, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            raise BenchmarkError(f"{self._title}: {self._last_words(line)}") from None
        return answer

    def _last_words(self, line: str) -> str:
        if line:
            return f"wanted a line of JSON, came {line.strip()!r}"
        status = self._process.wait()
        self._errors.seek(0)
        said = [text.strip() for text in self._errors if text.strip()]
        return f"its process ended with status {status}: {said[-1] if said else 'no word why'}"


def worker_environment() -> dict[str, str]:
    """Return the variables of a worker: this checkout's package, and no GPU for anybody."""
    return {**os.environ, "PYTHONPATH": str(SOURCE), "CUDA_VISIBLE_DEVICES": "-1"}


def command_of(
    contestant: str, network: str, args: argparse.Namespace, parameters: Sequence[int]
) -> list[str]:
    """Return the command that starts a worker; PyTorch's checks the Keras network's totals."""
    burst = ["--batch", str(args.batch), "--seconds", str(args.seconds)]
    if contestant == "torch":
        totals = ["--parameters", *(str(total) for total in parameters)]
        return [args.torch_python, str(HERE / "torch_networks.py"), network, *burst, *totals]
    return [sys.executable, str(HERE / "keras_contestants.py"), contestant, network, *burst]


def start(stack: ExitStack, network: str, args: argparse.Namespace) -> dict[str, Worker]:
    """Start the workers of one network, one after the other, so that none warms up in company."""
    workers: dict[str, Worker] = {}
    for name in args.contestants:
        parameters = next(iter(workers.values())).about["parameters"] if workers else ()
        command = command_of(name, network, args, parameters)
        workers[name] = stack.enter_context(Worker(f"{name} on {network}", command))
    return workers


def measure(workers: Mapping[str, Worker], rounds: int) -> dict[str, Measured]:
    """Let the workers take turns; each round begins with another one."""
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in workers}
    names = list(workers)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            answers[name].append(workers[name].ask("go"))
    return {
        name: Measured(
            [answer["images"] for answer in answers[name]],
            [answer["seconds"] for answer in answers[name]],
            worker.ask("end")["peak_memory_mib"],
        )
        for name, worker in workers.items()
    }


def compare(args: argparse.Namespace) -> Comparison:
    """Measure all networks, one after the other, and say on the way how far it is."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    machine = machine_facts()
    versions: dict[str, dict[str, str]] = {}
    networks: dict[str, dict[str, Measured]] = {}
    for network in args.networks:
        with ExitStack() as stack:
            workers = start(stack, network, args)
            networks[network] = measure(workers, args.rounds)
        versions = {name: worker.about["versions"] for name, worker in workers.items()}
        print(f"{network}: {progress(networks[network])}", flush=True)
    return Comparison(
        started=started,
        command=command_line(args),
        batch=args.batch,
        rounds=args.rounds,
        burst_seconds=args.seconds,
        images=IMAGES,
        machine=machine,
        versions=versions,
        networks=networks,
    )


def progress(cells: Mapping[str, Measured]) -> str:
    """Write in one line what was measured on a network."""
    return ", ".join(
        f"{name} {sum(cell.images) / sum(cell.seconds):,.0f} images/s"
        for name, cell in cells.items()
    )


def warn_if_busy() -> None:
    """Say so where other work would decide what is measured; PyTorch suffers most from it."""
    load = psutil.getloadavg()[0]
    if load > usable_cores() / 4:
        print(f"warning: the machine is busy (load average {load:.2f})", file=sys.stderr)


def machine_facts() -> dict[str, str]:
    """Return what the machine is and how busy it was before the start, by title."""
    return {
        "processor": processor_name(),
        "cores in use": str(usable_cores()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "load average before the start": f"{psutil.getloadavg()[0]:.2f}",
    }


def command_line(args: argparse.Namespace) -> str:
    """Write the command that measures the same again; the folder of PyTorch is everyone's own."""
    words = ["python benchmarks/throughput.py", "--networks", *args.networks]
    words += ["--contestants", *args.contestants]
    words += [f"--batch {args.batch} --rounds {args.rounds} --seconds {args.seconds:g}"]
    return " ".join(words + (["--torch-python TORCH/bin/python"] if args.torch_python else []))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the arguments; a wrong one ends the program with one line and status 2."""
    parser = argparse.ArgumentParser(prog="throughput.py", description=__doc__)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--contestants", nargs="+", choices=list(CONTESTANTS))
    parser.add_argument("--batch", type=int, default=128, help="images a step")
    parser.add_argument("--rounds", type=int, default=5, help=f"at least {LEAST_ROUNDS}")
    parser.add_argument("--seconds", type=float, default=2.5, help="length of a burst")
    parser.add_argument("--torch-python", help="Python of an environment that holds PyTorch")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "benchmarks")
    args = parser.parse_args(argv)
    wanted = args.contestants or ["notebook", "ours", *(["torch"] if args.torch_python else [])]
    args.contestants = [name for name in CONTESTANTS if name in wanted]
    args.networks = [name for name in NETWORKS if name in args.networks]
    return args


def check(args: argparse.Namespace) -> None:
    """Refuse arguments that nothing can be measured with.

    Raises:
        BenchmarkError: one line that names the argument, what was wanted and what came.

    """
    if args.rounds < LEAST_ROUNDS:
        raise BenchmarkError(f"--rounds: wanted at least {LEAST_ROUNDS}, came {args.rounds}")
    if not 1 <= args.batch <= IMAGES // LEAST_STEPS:
        raise BenchmarkError(f"--batch: wanted 1 to {IMAGES // LEAST_STEPS}, came {args.batch}")
    if not 0 < args.seconds < math.inf:
        raise BenchmarkError(f"--seconds: wanted a time above 0, came {args.seconds:g}")
    if "torch" in args.contestants and not args.torch_python:
        raise BenchmarkError("torch needs --torch-python; benchmarks/README.md says how to make it")
    if args.contestants == ["torch"]:
        raise BenchmarkError("torch needs notebook or ours beside it, to check its networks by")


def main(argv: Sequence[str]) -> int:
    """Measure and write; return 0, 2 for an error of the user's or 130 for Ctrl-C."""
    args = parse(argv)
    try:
        check(args)
        warn_if_busy()
        comparison = compare(args)
    except CnnReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped: nothing was written", file=sys.stderr)
        return 130
    save_text(args.out / "throughput.json", to_json(comparison))
    save_text(args.out / "throughput.md", page(comparison))
    print(f"wrote throughput.md and throughput.json into {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
