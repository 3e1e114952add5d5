"""Measure what grows with the number of trainings, and write docs/benchmarks/scaling.md.

Studies of 25, 100 and 400 trainings are made of synthetic results, as the tests make theirs, with
dvc.lock and DVC's cache as real runs would leave them; nothing of their figures means anything. In
each are timed: `dvc repro` with nothing to do, one training that takes no time (what is left is
DVC's part), `cnnreport verify`, `git status`, the pages and the site. Simulated trainings, which
only sleep, show how well `cnnreport repro -j N` fills its workers. Real ones show what two workers
gain on this machine.

`python benchmarks/scaling.py` takes about half an hour on two cores; `--sizes 25` and `--real 0`
make it shorter.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from make_study import MODELS, make_study, write_study  # noqa: E402 (the tests are no package)

from cnnreport.records import Inputs, Seal, save_text, to_json  # noqa: E402

TEMPLATE = Path(__file__).with_name("scaling.md.j2")
PAGE = ROOT / "docs/benchmarks/scaling.md"
FIGURES = ROOT / "docs/benchmarks/scaling.json"
BIN = Path(sys.executable).parent
LARGE = 10_000
"""Trainings of the study that the page plans."""

CELL = '''"""Stage train: a training that sleeps and leaves what was there before."""

import os
import time
from pathlib import Path

from cnnreport.seals import training_keys  # noqa: F401


def main(argv):
    options = dict(zip(argv[::2], argv[1::2]))
    out, seed, results = Path(options["--out"]), options["--seed"], Path(options["--results"])
    kept = Path(os.environ["KEPT"]) / out
    time.sleep(float(os.environ.get("SLEEP", "0")))
    out.mkdir(parents=True, exist_ok=True)
    (out / "weights.npz").write_bytes((kept / "weights.npz").read_bytes())
    for name in (f"history/s{seed}.csv", f"training/s{seed}.json"):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_bytes((Path(os.environ["KEPT"]) / results / name).read_bytes())
'''


@dataclass(frozen=True)
class Growth:
    """What a study of so many trainings takes, in seconds where nothing else is said."""

    cells: int
    lock_lines: int
    idle_repro: float
    one_cell: float
    verify: float
    git_status: float
    results_files: int
    results_mb: float
    report: float
    pages: int
    site: float


@dataclass(frozen=True)
class Filling:
    """How long `cells` simulated trainings of `seconds` took with so many workers."""

    workers: int
    cells: int
    seconds: float
    took: float

    @property
    def efficiency(self) -> float:
        """The share of the workers' time that trainings filled."""
        return self.cells * self.seconds / (self.workers * self.took)


@dataclass(frozen=True)
class Side:
    """How long the same real trainings took in one way of running them."""

    way: str
    trainings: int
    took: float


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[25, 100, 400])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--sleep", type=float, default=30.0, help="seconds of a simulated training")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--real", type=int, default=4, help="real trainings a way, 0 for none")
    args = parser.parse_args(argv)
    kept = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.is_file() else {}
    # Beside this checkout, so that the default remote is found.
    with tempfile.TemporaryDirectory(dir=ROOT.parent) as folder:
        for size in args.sizes:
            clone = Path(folder) / f"cells-{size}"
            make_project(clone, size)
            kept.setdefault("growth", {})[str(size)] = asdict(growth(clone, size, args.rounds))
            save(kept)
            if size == min(args.sizes):
                for workers in args.workers:
                    found = filling(clone, workers, args.sleep)
                    kept.setdefault("filling", {})[str(workers)] = asdict(found)
                    save(kept)
            shutil.rmtree(clone)
        if args.real:
            kept["real"] = [asdict(each) for each in side_by_side(Path(folder), args.real)]
            save(kept)
    write_page(kept)


def save(figures: dict[str, Any]) -> None:
    """Keep what is measured, so that a stop loses nothing."""
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def make_project(clone: Path, size: int) -> None:
    """Clone what is committed and give it the results of `size` synthetic trainings.

    dvc.lock is written at once by DVC's own means: `dvc commit` writes it once a stage, which is
    what this is to measure.
    """
    run(ROOT, "git", "clone", "--quiet", str(ROOT), str(clone))
    for old in [*clone.glob("report/studies/*/"), clone / "results", clone / "docs/studies"]:
        shutil.rmtree(old, ignore_errors=True)
    (clone / "dvc.lock").unlink()
    seeds = list(range(size // len(MODELS)))
    yaml = YAML()
    params = yaml.load((clone / "params.yaml").read_text(encoding="utf-8"))
    params.update({"seeds": seeds, "epochs": 3})
    with (clone / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)
    (clone / "src/cnnreport/stages/train.py").write_text(CELL, encoding="utf-8")
    study = make_study(seeds=seeds, epochs=3)
    write_study(study, clone / "results")
    fill(clone, seeds)
    run(clone, "dvc", "repro", "--quiet", "--single-item", "check", "prepare@digits")
    write_study(study, clone / "results")
    # There are no images behind these results, so there are no pictures of them.
    save_text(clone / "docs/pictures.json", "{}\n")
    save_text(clone / "docs/pictures/none.txt", "")
    write_lock(clone, ("prepare", "train", "evaluate", "activations", "pictures"))
    run(clone, "dvc", "repro", "--quiet", "--single-item", "plot", "plot_studies", "report")
    shutil.rmtree(clone.with_name("kept"), ignore_errors=True)
    shutil.copytree(clone, clone.with_name("kept"), ignore=no_cache)
    run(clone, "git", "config", "user.name", "Benchmark")
    run(clone, "git", "config", "user.email", "benchmark@example.org")
    run(clone, "git", "add", "--all")
    run(clone, "git", "commit", "--quiet", "--no-verify", "--message", f"{size} trainings")


def no_cache(_folder: str, names: list[str]) -> list[str]:
    """Return what a copy of the results needs not."""
    return [name for name in names if name in (".dvc", ".git", "docs", "site")]


def fill(clone: Path, seeds: Sequence[int]) -> None:
    """Write the outputs of trainings and activations that only DVC keeps, all of them different."""
    chance = np.random.default_rng(0)
    nothing = Inputs({}, {}, {}, "0" * 64)
    for model in MODELS:
        tested = to_json(Seal(nothing, nothing, {}))
        save_text(clone / f"results/digits/{model}/evaluation.json", tested)
        for seed in seeds:
            out = clone / f"runs/digits/{model}/s{seed}"
            out.mkdir(parents=True)
            np.savez(out / "weights.npz", weights=chance.random(1000))
        real = ROOT / f"data/activations/digits/{model}.npz"
        copy = clone / f"data/activations/digits/{model}.npz"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(real, copy)
        shutil.copyfile(
            ROOT / f"results/digits/{model}/example.json",
            clone / f"results/digits/{model}/example.json",
        )


WRITE_LOCK = """
import sys
from dvc.repo import Repo
from dvc.stage.serialize import to_lockfile
from dvc.utils.serialize import modify_yaml

repo = Repo()
with repo.lock, modify_yaml("dvc.lock") as lock:
    for stage in repo.index.stages:
        if stage.addressing.split("@")[0] not in sys.argv[1:]:
            continue
        stage.save()
        stage.commit()
        lock["stages"].update(to_lockfile(stage))
"""


def write_lock(clone: Path, stages: Sequence[str]) -> None:
    """Let DVC take what is there as the outputs of stages."""
    run(clone, sys.executable, "-c", WRITE_LOCK, *stages)


def growth(clone: Path, size: int, rounds: int) -> Growth:
    """Time what grows."""
    train = "train@lenet-digits-0"
    kept = {"KEPT": str(clone.with_name("kept"))}
    again = ("dvc", "repro", "--quiet", "--force", "--single-item", train)
    idle = median(rounds, clone, "dvc", "repro", "--quiet")
    one = median(rounds, clone, *again, **kept)
    results = [path for path in (clone / "results").rglob("*") if path.is_file()]
    return Growth(
        cells=size,
        lock_lines=len((clone / "dvc.lock").read_text(encoding="utf-8").splitlines()),
        idle_repro=idle,
        one_cell=one,
        verify=median(1, clone, "cnnreport", "verify", fails=True),
        git_status=median(rounds, clone, "git", "status", "--short"),
        results_files=len(results),
        results_mb=sum(path.stat().st_size for path in results) / 1e6,
        report=median(1, clone, "dvc", "repro", "--quiet", "--force", "--single-item", "report"),
        pages=len(list(clone.glob("docs/**/*.md"))),
        site=median(1, clone, "mkdocs", "build", "--quiet", fails=True),
    )


def outdate(clone: Path) -> None:
    """Change a file that every training reads, so that each runs when it is asked for.

    Outputs that are missing would be taken from DVC's cache instead.
    """
    with (clone / "src/cnnreport/augmentation.py").open("a", encoding="utf-8") as file:
        file.write(f"# {time.time_ns()}\n")


def filling(clone: Path, workers: int, sleep: float) -> Filling:
    """Time all trainings of a project, each of which only sleeps."""
    outdate(clone)
    options = {"KEPT": str(clone.with_name("kept")), "SLEEP": str(sleep)}
    # As many as give each worker three; the others stay as they are.
    names = [f"train@{model}-digits-{seed}" for seed in range(5) for model in MODELS]
    names = names[: min(len(names), 3 * workers)]
    took = run(clone, "cnnreport", "repro", "-j", str(workers), *names, **options)
    return Filling(workers, len(names), sleep, took)


def side_by_side(folder: Path, trainings: int) -> list[Side]:
    """Time the same real trainings of AlexNet, one by one and two at a time."""
    ways = {
        "`dvc repro`, two threads": (2, ("dvc", "repro", "--quiet", "train")),
        "`dvc repro`, one thread": (1, ("dvc", "repro", "--quiet", "train")),
        "`cnnreport repro -j 2`, one thread each": (1, ("cnnreport", "repro", "-j", "2", "train")),
        "`cnnreport repro -j 2`, two threads each": (2, ("cnnreport", "repro", "-j", "2", "train")),
    }
    sides = []
    for way, (threads, command) in ways.items():
        clone = folder / "real"
        run(ROOT, "git", "clone", "--quiet", str(ROOT), str(clone))
        (clone / "dvc.lock").unlink()
        yaml = YAML()
        params = yaml.load((clone / "params.yaml").read_text(encoding="utf-8"))
        seeds = list(range(trainings))
        params.update({"models": ["alexnet"], "seeds": seeds, "epochs": 6, "threads": threads})
        with (clone / "params.yaml").open("w", encoding="utf-8") as file:
            yaml.dump(params, file)
        run(clone, "dvc", "repro", "--quiet", "prepare")
        sides.append(Side(way, trainings, run(clone, *command)))
        shutil.rmtree(clone)
    return sides


def median(rounds: int, folder: Path, *command: str, fails: bool = False, **options: str) -> float:
    """Return the median of the seconds that a command takes."""
    return statistics.median(run(folder, *command, fails=fails, **options) for _ in range(rounds))


def run(folder: Path, *command: str, fails: bool = False, **options: str) -> float:
    """Run a command with the folder's own code and return its seconds; it ends well unless told."""
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
        **options,
    }
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - start
    if done.returncode and not fails:
        sys.exit(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return took


def write_page(figures: dict[str, Any]) -> None:
    """Write the page from the figures that are kept."""
    sizes = [Growth(**figures["growth"][key]) for key in sorted(figures["growth"], key=int)]
    filled = [Filling(**each) for _, each in sorted(figures.get("filling", {}).items())]
    environment = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    page = template.render(
        sizes=sizes,
        filled=sorted(filled, key=lambda each: each.workers),
        sides=[Side(**each) for each in figures.get("real", [])],
        large=LARGE,
        at=straight(*sizes[-2:]) if len(sizes) > 1 else None,
        predictions_mb=predictions_mb(),
    )
    PAGE.write_text(page.rstrip() + "\n", encoding="utf-8")


def straight(before: Growth, last: Growth) -> dict[str, float]:
    """Return every figure at `LARGE` trainings, on the straight line through two studies."""
    beyond = (LARGE - last.cells) / (last.cells - before.cells)
    low, high = asdict(before), asdict(last)
    return {name: high[name] + beyond * (high[name] - low[name]) for name in high}


def predictions_mb() -> float:
    """Return the mean size of the kept predictions of a training on CIFAR-10, compressed."""
    kept = (ROOT / "report/studies/lenet-cifar10/results").glob("*/*/predictions/*")
    return statistics.mean(path.stat().st_size for path in kept) / 1e6


if __name__ == "__main__":
    main()
