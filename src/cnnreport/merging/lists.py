"""Make the lists of params.yaml the same on both sides of a merge, so that git can merge the text.

Two branches that each add a network write on the same line, which git's text merge calls a
conflict. Nothing but the lists is touched: comments and whatever else stand as they were.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

LISTS = ("datasets", "models", "seeds")

NOT_PLAIN = "#&*!"
"""Begin comments, anchors, references and tags; a list with one of them is left to git."""

T = TypeVar("T", bound=Hashable)


def merge_list(base: Sequence[T], ours: Sequence[T], theirs: Sequence[T]) -> list[T]:
    """Return our entries without those that they removed, then those that they added."""
    kept = [each for each in ours if each in theirs or each not in base]
    return [*kept, *(each for each in theirs if each not in base and each not in kept)]


@dataclass(frozen=True)
class _Listing:
    """A list as it is written: from where to where after its key, and each entry by its value.

    `lead` stands before the first entry, `between` before each other one and `end` after the last.
    """

    start: int
    stop: int
    entries: Mapping[tuple[str, str], str]
    lead: str
    between: str
    end: str

    def written(self, entries: Sequence[str]) -> str:
        """Return the text of other entries in the same style."""
        return self.lead + self.between.join(entries) + self.end


def aligned(base: str, ours: str, theirs: str) -> tuple[str, str, str]:
    """Return the three texts of params.yaml with the merged lists in each, written as in ours.

    A list stays as it is where it cannot be found in all three, where it holds more than plain
    entries or where nothing would be left of it.
    """
    texts = (base, ours, theirs)
    found = [_listings(text) for text in texts]
    merged: dict[str, str] = {}
    for key in LISTS:
        if all(key in listings for listings in found):
            before, our, their = (listings[key] for listings in found)
            entries = merge_list([*before.entries], [*our.entries], [*their.entries])
            if entries:
                known = {**their.entries, **our.entries}
                merged[key] = our.written([known[each] for each in entries])
    first, second, third = (
        _replaced(text, {(listings[key].start, listings[key].stop): merged[key] for key in merged})
        for text, listings in zip(texts, found, strict=True)
    )
    return first, second, third


def _replaced(text: str, changes: Mapping[tuple[int, int], str]) -> str:
    for start, stop in sorted(changes, reverse=True):
        text = text[:start] + changes[start, stop] + text[stop:]
    return text


def _listings(text: str) -> dict[str, _Listing]:
    """Find the plain lists in a params.yaml; none in a text that is no YAML mapping."""
    try:
        root = YAML().compose(text)
    except YAMLError:
        return {}
    pairs = root.value if isinstance(root, MappingNode) else []
    found = {
        key.value: _listing(text, key.end_mark.index, value)
        for key, value in pairs
        if key.value in LISTS and isinstance(value, SequenceNode)
    }
    return {key: listing for key, listing in found.items() if listing}


def _listing(text: str, start: int, node: SequenceNode) -> _Listing | None:
    items = node.value
    if not items or not all(isinstance(item, ScalarNode) for item in items):
        return None
    spans = [(item.start_mark.index, item.end_mark.index) for item in items]
    # The mark at the end of a list in block style stands after the comments that follow it.
    stop = node.end_mark.index if node.flow_style else spans[-1][1]
    if any(mark in text[start:stop] for mark in NOT_PLAIN):
        return None
    entries = {
        (item.tag, item.value): text[first:last]
        for item, (first, last) in zip(items, spans, strict=True)
    }
    lead = text[start : spans[0][0]]
    between = ", " if node.flow_style else lead.removeprefix(":")
    return _Listing(start, stop, entries, lead, between, "]" if node.flow_style else "")
