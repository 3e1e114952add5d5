"""Time `dvc repro` and `mkdocs build` after a word in a template changed, and print a table.

A fresh clone gets the cache of DVC by `dvc pull`, or all that DVC keeps is missing and trained
anew. Whole processes, from the shell's side; beside them, in the same round, `dvc repro` with
nothing to do, which is what DVC takes by itself. Medians over the rounds, with and without the
frozen studies.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = "report/templates/chapters/1-introduction.md.j2"
BIN = Path(sys.executable).parent
ROW = "| {name} | {pages} | {repro:.1f} | {site:.1f} | {both:.1f} | {ratio:.1f} |"
HEAD = (
    "| Frozen studies | Pages | `dvc repro`, s | `mkdocs build --strict`, s | both, s "
    "| both to an idle `dvc repro` |\n| :--- | ---: | ---: | ---: | ---: | ---: |"
)


def main(argv: Sequence[str] | None = None) -> None:
    """Clone what is committed, change, time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run")
    rounds = parser.parse_args(argv).rounds
    # Beside this checkout, so that the default remote is found.
    with tempfile.TemporaryDirectory(dir=ROOT.parent) as folder:
        clone = Path(folder)
        run(ROOT, "git", "clone", "--quiet", str(ROOT), str(clone))
        run(clone, "dvc", "pull", "--quiet")
        print(HEAD)
        print(measured(clone, "as committed", rounds))
        shutil.rmtree(clone / "report/studies")
        (clone / "report/studies").mkdir()
        print(measured(clone, "none", rounds))


def measured(clone: Path, name: str, rounds: int) -> str:
    """Return a row of the table."""
    run(clone, "dvc", "repro", "--quiet")
    took = [one_round(clone, number) for number in range(rounds)]
    repro, site, idle = (statistics.median(column) for column in zip(*took, strict=True))
    both = statistics.median(each[0] + each[1] for each in took)
    pages = len(list(clone.glob("docs/**/*.md")))
    return ROW.format(name=name, pages=pages, repro=repro, site=site, both=both, ratio=both / idle)


def one_round(clone: Path, number: int) -> tuple[float, float, float]:
    """Return the seconds of a run after a change, of the site and of a run with nothing to do."""
    with (clone / TEMPLATE).open("a", encoding="utf-8") as template:
        template.write(f"\nOne more sentence, for round {number}.\n")
    commands = (
        ("dvc", "repro", "--quiet"),
        ("mkdocs", "build", "--strict", "--quiet"),
        ("dvc", "repro", "--quiet"),
    )
    return tuple(run(clone, *command) for command in commands)  # type: ignore[return-value]


def run(folder: Path, *command: str) -> float:
    """Run a command that must end well, with the folder's own code; return its seconds."""
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
    }
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
