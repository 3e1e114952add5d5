"""Image sets made from a folder of images that somebody has.

A folder holds a folder for each class, or ``train/`` and, if wanted, ``test/`` with a folder for
each class in them. What becomes of each file is decided in two steps:

- `listing` looks at names, links and bytes, and is quick: it runs at every `dvc repro`, so that
  an image which was added, changed or removed is noticed. (DVC itself stops at a broken link and
  waits for ever at a named pipe, see docs/decisions.md.)
- `reading` decodes what was listed, leaves out what is no image and what would stand in the set
  twice, and divides the rest.

No file is left out in silence: `cnnreport.records.FolderRecord` names each with the reason.
"""

from cnnreport.folders.listing import TEST, Entry, list_folder, load_listing, save_listing
from cnnreport.folders.pixels import UnusableError, read_file, read_pixels
from cnnreport.folders.reading import FolderImages, read_folder

__all__ = [
    "TEST",
    "Entry",
    "FolderImages",
    "UnusableError",
    "list_folder",
    "load_listing",
    "read_file",
    "read_folder",
    "read_pixels",
    "save_listing",
]
