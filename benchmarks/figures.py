"""Time the stage that draws all figures of two image sets, beside plain charts, and print a line.

The study is a synthetic one of CIFAR-10 and CIFAR-100 with the sizes of a real one: five networks,
three seeds, 60 epochs, 10,000 test images. The stage runs as a process of its own, from its start
to its end, as DVC runs it. The reference is a process that lets matplotlib draw as many charts of
one line and save each as SVG. The two take turns and the median counts.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from make_study import PARAMS, make_study, write_study  # noqa: E402 (the tests are no package)

DATASETS = {"cifar10": 1000, "cifar100": 100}
"""Test images a class of each image set."""

SEEDS = (0, 1, 2)
EPOCHS = 60
PLAIN = """
import sys
from matplotlib.figure import Figure
for number in range(int(sys.argv[1])):
    figure = Figure(figsize=(7, 3), layout="constrained")
    figure.subplots().plot(range(60))
    figure.savefig(f"{sys.argv[2]}/{number}.svg")
"""
LINE = (
    "{figures} figures of {datasets} image sets, each in two schemes: {stage:.1f} s in all, "
    "{figures} plain charts {plain:.1f} s, ratio {ratio:.1f}; {mebibytes:.1f} MiB of SVG, the "
    "largest {largest:.0f} KiB"
)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the study, time both and print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run")
    rounds = parser.parse_args(argv).rounds
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        write_project(project)
        drawn = project / "figures"
        timed(stage_command(project))  # the first run fills the caches of fonts and bytecode
        sizes = [path.stat().st_size for path in drawn.glob("*.svg")]
        figures = len(list(drawn.glob("*-dark.svg")))
        pairs = [
            (timed(stage_command(project)), timed(plain_command(project, figures)))
            for _ in range(rounds)
        ]
        print(
            LINE.format(
                figures=figures,
                datasets=len(DATASETS),
                mebibytes=sum(sizes) / 2**20,
                largest=max(sizes) / 2**10,
                **summary(pairs),
            )
        )


def write_project(folder: Path) -> None:
    """Write params.yaml and the results of the synthetic study."""
    raw = YAML(typ="safe").load(PARAMS.read_text(encoding="utf-8"))
    YAML().dump(
        {**raw, "datasets": list(DATASETS), "seeds": list(SEEDS), "epochs": EPOCHS},
        folder / "params.yaml",
    )
    for dataset, images in DATASETS.items():
        study = make_study((dataset,), seeds=SEEDS, epochs=EPOCHS, images_per_class=images)
        write_study(study, folder / "results")
    (folder / "plain").mkdir()


def stage_command(folder: Path) -> list[str]:
    """Return the command of the stage plot for the study in a folder."""
    places = {
        "params": folder / "params.yaml",
        "results": folder / "results",
        "original": ROOT / "report/original_study.yaml",
        "style": ROOT / "report/figures.mplstyle",
        "formulas": ROOT / "report/formulas.yaml",
        "out": folder / "figures",
        "plots": folder / "plots",
    }
    options = [text for name, path in places.items() for text in (f"--{name}", str(path))]
    return [sys.executable, str(ROOT / "src/stage.py"), "plot", *options]


def plain_command(folder: Path, charts: int) -> list[str]:
    """Return the command that draws so many plain charts."""
    return [sys.executable, "-c", PLAIN, str(charts), str(folder / "plain")]


def timed(command: Sequence[str]) -> float:
    """Return the wall-clock seconds of a command."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def summary(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Return the medians of both and of their ratio within a round."""
    return {
        "stage": statistics.median(one for one, _ in pairs),
        "plain": statistics.median(other for _, other in pairs),
        "ratio": statistics.median(one / other for one, other in pairs),
    }


if __name__ == "__main__":
    main()
