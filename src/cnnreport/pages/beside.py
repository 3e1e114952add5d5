"""Which studies the site sets beside each other, and on which page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnnreport.differences import LIVE
from cnnreport.navigation import comparison_path
from cnnreport.original import Original
from cnnreport.pages.places import folder_of
from cnnreport.pages.sources import escaped, titles_of
from cnnreport.params import Params
from cnnreport.records import DatasetRecord
from cnnreport.study import Manifest, Study, share_cells

LIVE_TITLE = "the live study"
"""How the pages of a frozen study call the one of the checkout."""


def title_of(study: Study) -> str:
    """Return how the site calls a study."""
    return study.manifest.title if study.manifest else LIVE


def compared_in(study: Study, frozen: Sequence[Study]) -> list[Study]:
    """Return the frozen studies with which the pages of a study compare it.

    They have a cell in common. Of two frozen studies, the pages of the later one compare them, so
    that each pair has one page.
    """
    found = _comparable(study, frozen)
    return [each for each in found if _age(each) < _age(study)] if study.name else found


def _comparable(study: Study, frozen: Sequence[Study]) -> list[Study]:
    return [
        each
        for each in frozen
        if each.name != study.name and share_cells(each.params, study.params)
    ]


def _age(study: Study) -> tuple[str, str]:
    return (study.manifest.frozen if study.manifest else "", study.name)


@dataclass(frozen=True)
class Beside:
    """A comparison of a study with another one, by the other's title; `path` is below docs/."""

    title: str
    path: str
    live: bool = False


def comparisons_of(
    study: Study, frozen: Sequence[Study], live: Params | None = None
) -> list[Beside]:
    """Return all comparisons of a study, whichever study has the page.

    `live` are the parameters of the live study, for a frozen one.
    """
    own = {each.name for each in compared_in(study, frozen)}

    def place(other: Study) -> str:
        page, beside = (study, other) if other.name in own else (other, study)
        return f"{folder_of(page.name)}{comparison_path(beside.name)}"

    found = [Beside(title_of(each), place(each)) for each in _comparable(study, frozen)]
    if live and study.name and share_cells(live, study.params):
        return [Beside(LIVE_TITLE, comparison_path(study.name), live=True), *found]
    return found


@dataclass(frozen=True)
class Kept:
    """A frozen study as a page of the live one shows it; `titles` are those of its networks."""

    study: Study
    manifest: Manifest
    titles: Mapping[str, str]
    comparisons: Sequence[Beside]

    @property
    def beside_live(self) -> bool:
        """Whether the site compares it with the live study."""
        return any(each.live for each in self.comparisons)

    @property
    def several_networks(self) -> bool:
        """Whether there is anything in it to choose between."""
        return len(self.titles) > 1


def kept_studies(frozen: Sequence[Study], original: Original, live: Params) -> list[Kept]:
    """Return the frozen studies with what a page of the live one says of them.

    Those of one network stand last: they give no choice between networks.
    """
    return [
        Kept(
            each,
            each.manifest,
            escaped(titles_of(each, original)),
            comparisons_of(each, frozen, live),
        )
        for each in sorted(frozen, key=lambda each: len(each.params.models) == 1)
        if each.manifest
    ]


def image_sets_of(kept: Sequence[Kept]) -> list[DatasetRecord]:
    """Return the image sets of frozen studies, each once."""
    records = (record for each in kept for record in each.study.datasets.values())
    return list({record.title: record for record in records}.values())
