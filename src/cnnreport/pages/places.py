"""Where the pages of a study and what they lead to stand below docs/ and in the site."""

import functools
import posixpath

FIGURES = "figures"

STUDY_FIGURES = "study-figures"
"""The folder below docs/ with a folder of figures for each frozen study."""

NAVIGATION = "nav.yml"

STUDIES = "studies"
"""The folder below docs/ with a folder for each frozen study."""

FILES = "files"
"""The folder of the site with copies of the files that numbers come from."""

BIBLIOGRAPHY = "report/appendix/bibliography.md"

FRONT = "report/front/"
"""Pages to sign: their tables are no data."""


def folder_of(name: str) -> str:
    """Return the folder below docs/ of a study's pages, with its slash; none for the live one."""
    return f"{STUDIES}/{name}/" if name else ""


def figures_folder(name: str) -> str:
    """Return the folder below docs/ of a study's figures; the live one has no name."""
    return f"{STUDY_FIGURES}/{name}" if name else FIGURES


# Pages lead to the same few places thousands of times.
@functools.lru_cache(maxsize=1 << 14)
def relative(target: str, here: str) -> str:
    """Return the way from a folder to a file, both below docs/."""
    return posixpath.relpath(target, here)
