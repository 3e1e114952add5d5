"""Stage report: results, figures and people's words → the pages of all studies."""

import argparse
import functools
import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from cnnreport.claims import check_names
from cnnreport.freezing import PARAMS, code_of, frozen_names, load_frozen
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
from cnnreport.params import Params, load_params
from cnnreport.picture_texts import INDEX, load_pictures
from cnnreport.records import save_text
from cnnreport.study import Study, load_study, share_cells

LOOK_SECONDS = 1.0


def main(argv: Sequence[str]) -> None:
    """Write the pages of the live study and of the frozen ones, those that changed alone."""
    args = _parse(argv)
    folder = args.report / "studies"
    names = frozen_names(folder)
    # One core is for the live study.
    workers = max(min(len(names), (os.cpu_count() or 1) - 1), 1)
    with ProcessPoolExecutor(workers, initializer=_serve, initargs=(os.getpid(),)) as pool:
        others = [pool.submit(_pages_of_frozen, args, name, names) for name in names]
        study = replace(
            load_study(load_params(args.params), args.results),
            pictures=load_pictures(args.pictures or args.docs / INDEX),
        )
        written = load_written(args.report)
        sources = load_sources(args.report / "templates", args.models, args.docs)
        check_names(written.claims, study.params)
        check_claims(written.claims, study, titles_of(study, written.original))
        frozen = [load_frozen(folder / name) for name in names]
        pages = render_pages(study, written, load_figures(args.figures), sources, frozen)
        pages[NAVIGATION] = render_navigation(study, frozen, written, sources)
        kept = {path: text for other in others for path, text in other.result().items()}
    # DVC wants the folder and git keeps no empty one, and there may be no frozen study.
    save_text(args.docs / STUDIES / ".gitkeep", "")
    touched = save_pages(pages, args.docs) + replace_pages(kept, args.docs, args.docs / STUDIES)
    print(f"{len(pages) + len(kept)} pages and their data, {len(touched)} of them changed")


def _serve(parent: int) -> None:
    """Leave Ctrl-C to the process that waits for this one, and end when that one is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _pages_of_frozen(args: argparse.Namespace, name: str, names: Sequence[str]) -> dict[str, str]:
    """Return the pages of a frozen study; runs in a process of its own."""
    folder = args.report / "studies"
    own = _params(folder / name / PARAMS)
    comparable = [other for other in names if share_cells(own, _params(folder / other / PARAMS))]
    sources = load_sources(args.report / "templates", args.models, args.docs)
    return render_pages(
        _frozen(folder / name),
        load_written(args.report),
        load_figures(args.study_figures / name),
        replace(sources, code=code_of(folder / name)),
        [_frozen(folder / other) for other in comparable],
        _params(args.params),
    )


# A process has the pages of several studies to write, which it compares with the same others.
@functools.cache
def _frozen(folder: Path) -> Study:
    return load_frozen(folder)


@functools.cache
def _params(path: Path) -> Params:
    return load_params(path)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    for name in ("results", "report", "figures", "study-figures", "models", "docs"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, help="texts of pictures; else beside the pages")
    return parser.parse_args(argv)
