"""Write generated pages, only those that changed, and remove those that are gone."""

from collections.abc import Mapping
from pathlib import Path

from cnnreport.tabledata import SUFFIX


def save_pages(pages: Mapping[str, str], docs: Path) -> list[str]:
    """Write the pages of the live study that changed; return what was touched.

    Only docs/report/ holds nothing but generated files, so only there are others removed.
    """
    return replace_pages(pages, docs, docs / "report")


def replace_pages(pages: Mapping[str, str], docs: Path, folder: Path) -> list[str]:
    """Write the pages that changed and remove those of `folder` that are gone."""
    wanted = {path: text.encode() for path, text in pages.items()}
    stale = set(generated_files(docs, folder)) - wanted.keys()
    for path in stale:
        (docs / path).unlink()
    return sorted([*stale, *save_files(wanted, docs)])


def generated_files(docs: Path, folder: Path) -> list[str]:
    """Return the pages and the data of tables in a folder of generated files, below `docs`."""
    files = [*folder.rglob("*.md"), *folder.rglob(f"*{SUFFIX}")]
    return sorted(path.relative_to(docs).as_posix() for path in files)


def save_files(files: Mapping[str, bytes], docs: Path) -> list[str]:
    """Write the files whose content changed and return their paths."""
    changed = [path for path, content in files.items() if _differs(docs / path, content)]
    for path in changed:
        (docs / path).parent.mkdir(parents=True, exist_ok=True)
        (docs / path).write_bytes(files[path])
    return changed


def _differs(path: Path, content: bytes) -> bool:
    return not path.is_file() or path.read_bytes() != content
