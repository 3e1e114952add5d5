"""Draw the figures of the report and write the tables that `dvc plots` draws its charts from."""

import argparse
import json
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from cnnreport.charts import all_charts
from cnnreport.charts.spec import SUFFIX as CHART
from cnnreport.charts.spec import to_json
from cnnreport.errors import InputError
from cnnreport.figures import all_drawings
from cnnreport.figures.curves import curve
from cnnreport.figures.dark import ENDING as DARK
from cnnreport.figures.dark import dark_of
from cnnreport.figures.diagrams import study_diagrams
from cnnreport.figures.drawing import to_svg
from cnnreport.figures.fonts import styled
from cnnreport.figures.formulas import draw_formulas
from cnnreport.formulas import DRAWN, PREFIX, drawn_text, load_formulas
from cnnreport.networks import titled
from cnnreport.original import Original, load_original
from cnnreport.params import load_params
from cnnreport.records import rows_to_csv, save_text
from cnnreport.study import Study, load_study

HISTORY_TABLES = ("validation_accuracy", "train_loss")
"""Fields of a history that `dvc plots` shows for all networks on one chart."""


def main(argv: Sequence[str]) -> None:
    """Draw all figures and write all tables; what no longer belongs to the study is removed."""
    args = _parser().parse_args(argv)
    study = load_study(load_params(args.params), args.results)
    original = load_original(args.original)
    files = figure_files(study, original, args.style) | formula_files(args.formulas)
    replace_files(args.out, files)
    for name in HISTORY_TABLES:
        replace_files(args.plots / name, plot_tables(study, name))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stage.py plot", description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--original", type=Path, default=Path("report/original_study.yaml"))
    parser.add_argument("--style", type=Path, default=Path("report/figures.mplstyle"))
    parser.add_argument("--formulas", type=Path, default=Path("report/formulas.yaml"))
    parser.add_argument("--out", type=Path, default=Path("docs/figures"))
    parser.add_argument("--plots", type=Path, default=Path("plots"))
    return parser


def figure_files(study: Study, original: Original, style_file: Path) -> dict[str, str]:
    """Return every figure as SVG by file name, and ``figures.json`` with captions and alt texts.

    A figure NAME has the files ``NAME.svg`` and, for the site's dark scheme, ``NAME-dark.svg``; one
    with an interactive form has ``NAME.chart.json`` as well, and ``chart`` among its texts.

    Raises:
        InputError: the style file cannot be read.

    """
    if not style_file.is_file():
        raise InputError(f"{style_file}: cannot be read; wanted a matplotlib style file")
    files: dict[str, str] = {}
    texts: dict[str, dict[str, str | bool]] = {}
    titles = titled(study.params.models, original.titles)
    charts = {chart.name: chart for chart in all_charts(study, titles)}
    with styled(style_file, study):
        diagrams = study_diagrams(study, titles)
        for drawing in chain(all_drawings(study, original), diagrams):
            light = to_svg(drawing.figure)
            files |= {f"{drawing.name}.svg": light, f"{drawing.name}{DARK}.svg": dark_of(light)}
            texts[drawing.name] = {"caption": drawing.caption, "alt": drawing.alt}
            if chart := charts.get(drawing.name):
                files[f"{drawing.name}{CHART}"] = to_json(chart, drawing.alt)
                texts[drawing.name]["chart"] = True
    files["figures.json"] = json.dumps(texts, indent=2, ensure_ascii=False) + "\n"
    return files


def formula_files(path: Path) -> dict[str, str]:
    """Return every formula as SVG for both schemes by file name, and ``formulas.json``."""
    drawn = draw_formulas(load_formulas(path))
    files = {DRAWN: drawn_text({name: each for name, (_, each) in drawn.items()})}
    for name, (light, _) in drawn.items():
        stem = f"{PREFIX}{name}"
        files |= {f"{stem}.svg": light, f"{stem}{DARK}.svg": dark_of(light)}
    return files


def plot_tables(study: Study, field: str) -> dict[str, str]:
    """Return a table for `dvc plots` for each image set, by file name."""
    datasets = study.params.datasets
    return {f"{dataset}.csv": history_table(study, dataset, field) for dataset in datasets}


def history_table(study: Study, dataset: str, field: str) -> str:
    """Return a field of all histories as CSV, a column a network; empty where one has ended."""
    curves = [curve(cell, field) for cell in study.cells_of(dataset)]
    columns = [dict(zip(c.epochs.tolist(), c.mean.tolist(), strict=True)) for c in curves]
    epochs = sorted(set().union(*columns))
    rows = ([epoch, *(column.get(epoch, "") for column in columns)] for epoch in epochs)
    return rows_to_csv(["epoch", *study.params.models], rows)


def replace_files(folder: Path, files: Mapping[str, str]) -> None:
    """Make a folder hold these files and no others of their kinds.

    A file whose text stays the same is left untouched, so that a site server does not reload it.
    """
    kinds = {Path(name).suffix for name in files}
    for path in sorted(folder.glob("*")):
        if path.suffix in kinds and path.name not in files:
            path.unlink()
    for name, text in files.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            save_text(path, text)
