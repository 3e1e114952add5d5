"""Hook of MkDocs: put the files that numbers come from into the site, for passports to lead to.

They stand in the site alone; docs/ holds no second copy of what is tracked elsewhere. So do the CSV
and JSON files below tables, which are written from the data beside each page, and the library that
draws charts, which comes with a package: none of its code is tracked. The PDF is set from the same
pages, by a process of its own while MkDocs makes the site.

`python src/site_files.py FOLDER` writes settings, docs/ and these files into a folder, for site
generators that read mkdocs.yml but run no hooks, as Zensical.
"""

import atexit
import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from cnnreport.errors import CnnReportError
from cnnreport.freezing import pictures_of
from cnnreport.picture_texts import FOLDER as PICTURES
from cnnreport.picture_texts import INDEX, Picture, load_pictures
from cnnreport.tabledata import (
    FOLDER_SUFFIX,
    LINK,
    csv_text,
    data_file,
    json_text,
    load_tables,
    tables_of,
)

ROOT = Path(__file__).resolve().parents[1]
SINGLE = ("params.yaml", "dvc.lock", "report/original_study.yaml", "report/plausibility.yaml")
KINDS = (".json", ".csv", ".gz", ".yaml", ".lock")

LIBRARY = "javascripts/vega.js"
"""The script that docs/javascripts/charts.js loads when the first chart of a page is opened."""

MADE_KNOWN = "window.vegaEmbed = vegaEmbed;"
TO_STUDY = re.compile(r"\[(?P<words>[^\[\]]+)\]\((?:\.\./)*(?P<study>studies/[^/()\s]+)/[^()\s]*\)")
"""A link to a page of a frozen study."""

RENDERED = ("index.md", "report/", "studies/")
"""Pages that are made from the studies that are here: a link to another one is an error there."""

CACHE = ".cache"
PDF, TYPESETTING = "report.pdf", "report/pdf"


class Setting:
    """The PDF on its way: a process of its own sets it while MkDocs makes the site."""

    def __init__(self, root: Path) -> None:
        """Begin."""
        self._folder = tempfile.TemporaryDirectory()
        self._made = Path(self._folder.name) / PDF
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "cnnreport", "pdf", "--root", root, "--out", self._made],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def end(self) -> None:
        """Give up, and leave nothing behind: the PDF may name people."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def put(self, site: Path) -> None:
        """Wait for the PDF and put it into the site; what was said on the way is passed on.

        Raises:
            PluginError: it could not be made; one line says why.

        """
        _, said = self._process.communicate()
        with self._folder:
            if self._process.returncode:
                raise PluginError(said.strip().removeprefix("error: ") or "the PDF was not made")
            sys.stderr.write(said)
            shutil.copyfile(self._made, site / PDF)


MANY_OBJECTS = 200_000

_settings: list[Setting] = []
"""The PDF of the build that is under way."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Begin with the PDF, and add what the site has besides docs/."""
    # Pages are many small objects that live until the end: to look for rubbish among them by the
    # usual count takes a twentieth of the time.
    gc.set_threshold(MANY_OBJECTS)
    on_build_error()
    if (ROOT / TYPESETTING).is_dir():
        _settings.append(Setting(ROOT))
        # Holds the place, so that links to it resolve.
        files.append(File.generated(config, PDF, content=b""))
    try:
        for name, added in added_files(ROOT, Path(config.docs_dir)):
            if isinstance(added, Path):
                files.append(File.generated(config, name, abs_src_path=str(added)))
            else:
                files.append(File.generated(config, name, content=added))
    except CnnReportError as error:
        raise PluginError(str(error)) from error
    return files


def on_page_markdown(markdown: str, *, page: Page, files: Files, **_: object) -> str:
    """Keep the words alone of links to frozen studies that are not here.

    Pages that people wrote name some, and a project need not keep them.
    """
    if page.file.src_uri.startswith(RENDERED):
        return markdown

    def known(link: re.Match[str]) -> str:
        return link[0] if files.get_file_from_path(f"{link['study']}/index.md") else link["words"]

    return TO_STUDY.sub(known, markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """Put the PDF into the site."""
    while _settings:
        _settings.pop().put(Path(config.site_dir))


@atexit.register
def on_build_error(**_: object) -> None:
    """End what a build that came to nothing has begun."""
    while _settings:
        _settings.pop().end()


def added_files(root: Path, docs: Path) -> Iterator[tuple[str, Path | bytes]]:
    """Yield each file that the site has besides `docs`, by its path there: a file or its content.

    The PDF is not among them.

    Raises:
        CnnReportError: the index of the pictures or the data of a page is none.

    """
    yield from site_files(root)
    for name, text in table_files(docs):
        yield name, text.encode()
    yield from picture_files(docs, root / "report/studies")
    yield LIBRARY, chart_library(root / CACHE).encode()


def site_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield what numbers come from, by path: a frozen study's files below its own folder."""
    for name in SINGLE:
        if (root / name).is_file():
            yield f"files/{name}", root / name
    for path in _below(root / "results"):
        yield f"files/{path.relative_to(root).as_posix()}", path
    for manifest in sorted((root / "report/studies").glob("*/manifest.json")):
        for path in _below(manifest.parent):
            name = path.relative_to(manifest.parent).as_posix()
            yield f"studies/{manifest.parent.name}/files/{name}", path


def table_files(docs: Path) -> Iterator[tuple[str, str]]:
    """Yield each table of the pages below `docs` as CSV and as JSON, with its path in the site."""
    for page in sorted(docs.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if LINK not in text:
            continue
        name = page.relative_to(docs).as_posix()
        data = docs / data_file(name)
        known = data.is_file()
        tables = load_tables(data.read_text(encoding="utf-8")) if known else tables_of(text)
        for table in tables:
            stem = f"{name.removesuffix('.md')}{FOLDER_SUFFIX}/{table.name}"
            yield f"{stem}.csv", csv_text(table)
            yield f"{stem}.json", json_text(table) + "\n"


def picture_files(docs: Path, studies: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what the site lacks of pictures of images, which git has none of.

    Those of frozen studies come from their folders; MkDocs finds those of the live study itself.
    Where a picture is not at hand, as in a fresh clone, a sheet of its size says how to get it.
    """
    for name, picture in _missing(load_pictures(docs / INDEX), docs / PICTURES):
        yield f"{PICTURES}/{name}", blank_sheet(picture)
    for index in sorted(studies.glob(f"*/{INDEX}")):
        folder, known = pictures_of(index.parent), load_pictures(index)
        place = f"studies/{index.parent.name}/{PICTURES}"
        for path in sorted(folder.glob("*.svg")):
            yield f"{place}/{path.name}", path.read_bytes()
        for name, picture in _missing(known, folder):
            yield f"{place}/{name}", blank_sheet(picture)


def _missing(pictures: Mapping[str, Picture], folder: Path) -> Iterator[tuple[str, Picture]]:
    for picture in pictures.values():
        for name in (picture.file, picture.dark):
            if not (folder / name).is_file():
                yield name, picture


def blank_sheet(picture: Picture) -> bytes:
    """Return a grey sheet as large as a picture that is not at hand, readable in both schemes."""
    width, height = picture.width, picture.height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}"><rect width="{width}" height="{height}" fill="#777"/>'
        f'<text x="{width // 2}" y="{height // 2}" fill="#fff" font-family="sans-serif" '
        'font-size="14" text-anchor="middle">This picture is not in this copy: dvc pull</text>'
        "</svg>\n"
    ).encode()


def chart_library(cache: Path) -> str:
    """Return Vega and what belongs to it as one script that makes `vegaEmbed` known to the page.

    To put it together takes a second, so it is kept in a folder, by the version of its package.
    """
    kept = cache / f"vega-{version('vl-convert-python')}.js"
    if not kept.is_file():
        import vl_convert  # noqa: PLC0415 - large, and needed once a version

        cache.mkdir(exist_ok=True)
        begun = kept.with_suffix(f".{os.getpid()}")
        begun.write_text(vl_convert.javascript_bundle(MADE_KNOWN), encoding="utf-8")
        begun.replace(kept)
    # A module's names are its own; in a plain script a function keeps them so.
    return f'(() => {{"use strict";{kept.read_text(encoding="utf-8")}}})();\n'


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in KINDS)


def main(argv: Sequence[str]) -> None:
    """Write settings, docs/ and what the site has besides into a folder of their own."""
    target = Path(argv[0])
    if target.exists() and not (target / "mkdocs.yml").is_file():
        sys.exit(f"{target}: wanted a folder to make, or one made by this script")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "docs", target / "docs")
    shutil.copyfile(ROOT / "mkdocs.yml", target / "mkdocs.yml")
    from cnnreport.pdf import make_pdf  # noqa: PLC0415 - a process of its own makes that of MkDocs

    for name, added in [*added_files(ROOT, ROOT / "docs"), (PDF, make_pdf(ROOT))]:
        path = target / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(added.read_bytes() if isinstance(added, Path) else added)


if __name__ == "__main__":
    main(sys.argv[1:])
