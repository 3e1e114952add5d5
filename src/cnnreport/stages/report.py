"""Stage report: results, figures and people's words → the pages of the site."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cnnreport.bibliography import load_bibliography
from cnnreport.internship import load_internship
from cnnreport.original import load_original
from cnnreport.pages import load_figures, load_sources, render_pages, save_pages, save_samples
from cnnreport.params import load_params
from cnnreport.study import load_study


def main(argv: Sequence[str]) -> None:
    """Write the pages of a study; only those that changed are touched."""
    args = _parse(argv)
    study = load_study(load_params(args.params), args.results)
    pages = render_pages(
        study,
        load_internship(args.report / "internship.yaml"),
        load_original(args.report / "original_study.yaml"),
        load_bibliography(args.report / "bibliography.bib"),
        load_figures(args.figures),
        load_sources(args.report / "templates", args.models, args.docs),
    )
    save_samples(study.params.datasets, args.results, args.docs)
    touched = save_pages(pages, args.docs)
    print(f"{len(pages)} pages, {len(touched)} of them changed")


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    for name in ("results", "report", "figures", "models", "docs"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser.parse_args(argv)
