"""What an image set from somebody's folder holds, and what became of each file."""

from cnnreport.evidence import derive
from cnnreport.file_notes import kinds
from cnnreport.formats import md, percent, thousands
from cnnreport.prepared import SPLITS
from cnnreport.records import DatasetRecord, FileNote, FolderRecord
from cnnreport.tables.markdown import Table


def class_counts(record: DatasetRecord) -> Table:
    """Return the images of each class in each split, and its share of all."""
    whole = sum(sum(counts) for counts in record.class_counts.values())
    rows = []
    for place, name in enumerate(record.class_names):
        counts = [record.class_counts[split][place] for split in SPLITS]
        share = derive(sum(counts) / whole, "the share of the class", *counts)
        rows.append([md(name), *map(thousands, counts), percent(share)])
    return Table(["Class", "Training", "Validation", "Test", "Share"], rows, "lrrrr")


def left_out(folder: FolderRecord) -> Table:
    """Return every file that is not of the set, with the reason."""
    return _notes(folder.left_out, "Why it is not of the set")


def file_notes(folder: FolderRecord) -> Table:
    """Return the used files of which something is to be said."""
    return _notes(folder.notes, "Note")


def reasons(folder: FolderRecord) -> Table:
    """Return how many files are not of the set for each reason, the most frequent first."""
    found = kinds(folder.left_out)
    rows = [[md(reason), thousands(len(paths))] for reason, paths in found.items()]
    return Table(["Why files are not of the set", "Files"], rows, "lr")


def _notes(notes: list[FileNote], header: str) -> Table:
    rows = [[md(note.path), md(note.note)] for note in notes]
    return Table(["File", header], rows, "ll")
