"""Group files by what is said of them."""

from collections import defaultdict
from collections.abc import Iterable

from cnnreport.records import FileNote


def kinds(notes: Iterable[FileNote]) -> dict[str, list[str]]:
    """Return the paths of files by what is said of them, the most frequent first.

    What stands behind a colon is of the one file alone, and left out.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for note in notes:
        found[note.note.partition(": ")[0]].append(note.path)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))
