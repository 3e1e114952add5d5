"""Stage report: results, figures and people's words → the pages of all studies."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cnnreport.claims import check_names
from cnnreport.freezing import code_of, frozen_names, load_frozen
from cnnreport.judgements import check_claims
from cnnreport.pages import (
    NAVIGATION,
    STUDIES,
    load_figures,
    load_sources,
    load_written,
    render_navigation,
    render_pages,
    replace_pages,
    save_pages,
    titles_of,
)
from cnnreport.params import load_params
from cnnreport.picture_texts import INDEX, load_pictures
from cnnreport.records import save_text
from cnnreport.study import load_study


def main(argv: Sequence[str]) -> None:
    """Write the pages of the live study and of the frozen ones, those that changed alone."""
    args = _parse(argv)
    study = replace(
        load_study(load_params(args.params), args.results),
        pictures=load_pictures(args.pictures or args.docs / INDEX),
    )
    written = load_written(args.report)
    sources = load_sources(args.report / "templates", args.models, args.docs)
    check_names(written.claims, study.params)
    check_claims(written.claims, study, titles_of(study, written.original))
    folder = args.report / "studies"
    frozen = [load_frozen(folder / name) for name in frozen_names(folder)]
    pages = render_pages(study, written, load_figures(args.figures), sources, frozen)
    pages[NAVIGATION] = render_navigation(study, frozen, written, sources)
    kept: dict[str, str] = {}
    for each in frozen:
        own = replace(sources, code=code_of(folder / each.name))
        drawn = load_figures(args.study_figures / each.name)
        kept |= render_pages(each, written, drawn, own)
    # DVC wants the folder and git keeps no empty one, and there may be no frozen study.
    save_text(args.docs / STUDIES / ".gitkeep", "")
    touched = save_pages(pages, args.docs) + replace_pages(kept, args.docs, args.docs / STUDIES)
    print(f"{len(pages) + len(kept)} pages and their data, {len(touched)} of them changed")


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    for name in ("results", "report", "figures", "study-figures", "models", "docs"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, help="texts of pictures; else beside the pages")
    return parser.parse_args(argv)
