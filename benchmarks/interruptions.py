"""Kill trainings at random moments and see that they end as if nothing had happened.

Works in temporary clones of this checkout. Each round starts from the same clean state, starts a
training through DVC, kills the trainer, DVC or both, goes on as the how-to says, and compares the
weights and the history byte by byte with those of a training that was never stopped. Example:

    python benchmarks/interruptions.py --rounds 20 --seed 0

Prints a line a round; the exit status is 1 if any round went wrong. Writes
docs/benchmarks/interruptions.md unless there is `--no-page`.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

# The package of this checkout, whichever one is installed, and what the tests share with this.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from interruption import (
    KINDS,
    MODES,
    Command,
    Outcome,
    Sitting,
    command_of,
    copy_of,
    faults,
    go_on,
    outcome,
    small_study,
    stage_of,
)

from cnnreport.machine import processor_name, usable_cores
from cnnreport.records import save_text

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks" / "interruptions.md"

EPOCHS = {"alexnet": 6, "lenet": 60}
"""AlexNet has dropout and batch normalisation and a state of 165 MB; LeNet saves often."""

VALIDATION_FRACTION = 0.7
"""Of the digits: few training images, so that an epoch is short."""

EVERY_LENET = 4


@dataclass(frozen=True)
class Reference:
    """A training that was not stopped.

    `study` is the clone all but trained, `seconds` go from the start of DVC to its end.
    """

    study: Path
    seconds: float
    result: Outcome


@dataclass(frozen=True)
class Round:
    """What became of one training that was killed `moment` seconds after the start of DVC.

    `told` epochs had ended by then; `resumed` is None where DVC had recorded the training already.
    `orphan_seconds` passed between the kill and the end of the last process.
    """

    number: int
    model: str
    mode: str
    kind: str
    moment: float
    told: int
    resumed: int | None
    orphan_seconds: float
    remedies: list[str]
    faults: list[str]

    def line(self) -> str:
        """Tell it in a line."""
        went_on = "was done already" if self.resumed is None else f"went on after {self.resumed}"
        after = f" after {', '.join(self.remedies)}" if self.remedies else ""
        return (
            f"{self.number:3} {self.model:8}{self.mode:15} killed {self.kind:8}"
            f"at {self.moment:5.1f} s, epoch {self.told} told, all gone in "
            f"{self.orphan_seconds:4.1f} s, {went_on}{after}: "
            f"{'; '.join(self.faults) or 'identical'}"
        )


def main() -> int:
    """Kill as often as the arguments say; return 1 if anything went wrong."""
    args = _parse()
    draw = random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="interruptions-") as scratch:
        plan = _plan(args.rounds)
        references = {
            model: _reference(Path(scratch) / model, model)
            for model in sorted({way[0] for way in plan})
        }
        rounds = []
        for number, (model, mode, kind) in enumerate(plan, start=1):
            reference = references[model]
            moment = draw.uniform(0, reference.seconds)
            rounds.append(_round(reference, number, (model, mode, kind), moment))
            print(rounds[-1].line(), flush=True)
    wrong = sum(bool(each.faults) for each in rounds)
    print(f"{len(rounds) - wrong} of {len(rounds)} rounds ended identical")
    if args.page:
        save_text(PAGE, page(rounds, references, f"--rounds {args.rounds} --seed {args.seed}"))
    return 1 if wrong else 0


def page(rounds: Sequence[Round], references: dict[str, Reference], arguments: str) -> str:
    """Return the rounds as a page."""
    good = sum(not each.faults for each in rounds)
    longest = max(each.orphan_seconds for each in rounds)
    lasted = " and ".join(f"{model} {ref.seconds:.0f} s" for model, ref in references.items())
    rows = [
        _row(kind, mode, [each for each in rounds if (each.kind, each.mode) == (kind, mode)])
        for kind, mode in product(KINDS, MODES)
    ]
    return "\n".join(
        [
            "# Trainings that were killed",
            "",
            f"Written by `python benchmarks/interruptions.py {arguments}` on {processor_name()}, "
            f"{usable_cores()} cores.",
            "",
            "Each round started from the same clean clone, started a training of the digits "
            "through DVC and sent SIGKILL at a moment drawn evenly from the time that a whole one "
            f"takes ({lasted} from DVC's start to its end). Then it went on as "
            "[When something fails](../how-to/when-something-fails.md) says. Flips and shifts were "
            "on; AlexNet has dropout and batch normalisation.",
            "",
            "Identical means: weights and history are the same bytes as without a kill, no epoch "
            "was trained again that had been kept, `dvc status` is clean and no process is left. "
            "An epoch of — means that DVC had recorded the training before it was killed.",
            "",
            f"**{good} of {len(rounds)} rounds ended identical.** What was left of a killed "
            f"command stopped by itself within {longest:.0f} s.",
            "",
            "| Killed | Command | Rounds | Went on after epoch | Identical |",
            "|---|---|--:|---|---|",
            *[row for row in rows if row],
            "",
        ]
    )


def _row(kind: str, mode: str, rounds: Sequence[Round]) -> str:
    if not rounds:
        return ""
    epochs = [
        f"{'—' if each.resumed is None else each.resumed} of {EPOCHS[each.model]} ({each.model})"
        for each in rounds
    ]
    bad = sorted({fault for each in rounds for fault in each.faults})
    killed = "DVC" if kind == "dvc" else kind
    return (
        f"| {killed} | `dvc {mode}` | {len(rounds)} | {', '.join(epochs)} "
        f"| {'; '.join(bad) or 'yes'} |"
    )


def _plan(rounds: int) -> list[tuple[str, str, str]]:
    """Return (network, command, what is killed) of each round; every combination in turn."""
    ways = [(mode, kind) for mode, kind in product(MODES, KINDS)]
    ways = [ways[4 * number % len(ways)] for number in range(len(ways))]
    return [
        ("lenet" if number % EVERY_LENET == EVERY_LENET - 1 else "alexnet", *ways[number % 9])
        for number in range(rounds)
    ]


def _reference(study: Path, model: str) -> Reference:
    small_study(study, model, EPOCHS[model], VALIDATION_FRACTION)
    folder = copy_of(study, study.with_name("reference"))
    command = Command(folder, "dvc", "repro", stage_of(model))
    status, output = command.end()
    assert status == 0, output
    print(f"{model}: {command.seconds:.1f} s without a kill", flush=True)
    return Reference(study, command.seconds, outcome(folder, model))


def _round(reference: Reference, number: int, way: tuple[str, str, str], moment: float) -> Round:
    model, mode, kind = way
    folder = copy_of(reference.study, reference.study.with_name("round"))
    command = Command(folder, *command_of(mode, model))
    try:
        command.wait_until(moment)
        command.kill(kind)
        moment = command.seconds
        orphan_seconds = command.seconds_until_gone()
    finally:
        command.kill_group()
    before = Sitting(command.output)
    try:
        after, remedies = go_on(folder, mode, model)
        wrong = faults(folder, model, EPOCHS[model], before, after, reference.result)
    except AssertionError as error:
        after, remedies, wrong = Sitting(""), [], [str(error)]
    return Round(
        number=number,
        model=model,
        mode=mode,
        kind=kind,
        moment=moment,
        told=before.last,
        resumed=after.resumed if after.trained(model) else None,
        orphan_seconds=orphan_seconds,
        remedies=remedies,
        faults=wrong,
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
