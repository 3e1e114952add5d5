"""Tables of what stands out in a study, of the published figures and of the known limits."""

from collections.abc import Callable, Sequence

from cnnreport.bands import Plausibility
from cnnreport.formats import (
    capitalised,
    decimal,
    in_words,
    listing,
    md,
    percent,
    percent_range,
    plural,
    points,
    thousands,
)
from cnnreport.original import Original
from cnnreport.plausibility import (
    ORIGINAL,
    Finding,
    check_dataset,
    check_plausibility,
    known_limits,
)
from cnnreport.statistics import accuracy_interval
from cnnreport.study import Study
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import NONE, Names

Cite = Callable[[str], str]
"""How a page writes a reference to an entry of the bibliography, from its key."""


def findings(
    study: Study, original: Original, bands: Plausibility, dataset: str, names: Names, cite: Cite
) -> Table:
    """Return one row a network and check: the figure, what was expected and what it may mean."""
    rows = [
        [
            names[finding.cell[1]],
            capitalised(finding.what),
            _write(finding, finding.value),
            expected(finding),
            f"**{finding.level}**: {finding.words}" if stands_out(finding) else finding.words,
            _cited(finding.sources, cite),
        ]
        for finding in check_dataset(study, original, bands, dataset)
    ]
    headers = ["Network", "Check", "Here", "Expected", "Finding", "Source"]
    return Table(headers, rows, "llrrll")


def stands_out(finding: Finding) -> bool:
    """Say whether somebody should look closer."""
    return finding.level == "look closer"


def expected(finding: Finding) -> str:
    """Write what was expected of a figure."""
    low, high = finding.band
    if low is None or high is None:
        end = high if low is None else low
        if end is None:
            return NONE
        return f"{'at most' if low is None else 'at least'} {_write(finding, end)}"
    if low == high:
        return _write(finding, low)
    if finding.unit == "share":
        return percent_range(low, high)
    return f"{_write(finding, low)} to {_write(finding, high)}"


def _write(finding: Finding, number: float) -> str:
    if finding.unit == "share":
        return percent(number)
    return decimal(number, 2) if finding.unit == "nats" else thousands(number)


def _cited(sources: Sequence[str], cite: Cite) -> str:
    written = [source if source == ORIGINAL else cite(source) for source in sources]
    return ", ".join(written) or NONE


def standing_out(
    study: Study, original: Original, bands: Plausibility, dataset: str, names: Names
) -> str:
    """Say what to look at more closely on an image set, or that nothing stands out."""
    findings = check_dataset(study, original, bands, dataset)
    return _summary(findings, lambda finding: names[finding.cell[1]])


def standing_out_anywhere(
    study: Study, original: Original, bands: Plausibility, names: Names
) -> str:
    """Say what to look at more closely in a whole study, or that nothing stands out."""
    findings = check_plausibility(study, original, bands)
    titles = {name: md(record.title) for name, record in study.datasets.items()}
    return _summary(
        findings, lambda finding: f"{names[finding.cell[1]]} on *{titles[finding.cell[0]]}*"
    )


def _summary(findings: Sequence[Finding], cell: Callable[[Finding], str]) -> str:
    flagged = [finding for finding in findings if stands_out(finding)]
    if not flagged:
        return f"Nothing stands out in {plural(len(findings), 'check')}."
    alike: dict[str, list[str]] = {}
    for finding in flagged:
        alike.setdefault(f"{finding.what} ({finding.words})", []).append(cell(finding))
    found = [f"{listing(cells)}, {what}" for what, cells in alike.items()]
    verb = "asks" if len(flagged) == 1 else "ask"
    return (
        f"Of {plural(len(findings), 'check')}, {in_words(len(flagged))} {verb} for a closer look: "
        f"{'; '.join(found)}."
    )


def published(study: Study, bands: Plausibility, dataset: str, names: Names, cite: Cite) -> Table:
    """Return the published accuracies that the networks are held against, and of what they are."""
    wanted = {model: bands.of(dataset, model) for model in study.params.models}
    known = [band for band in bands.bands if any(band in found for found in wanted.values())]
    rows = [
        [
            names.get(band.model, "any network"),
            NONE if band.low is None else percent(band.low),
            NONE if band.high is None else percent(band.high),
            md(band.trained),
            _cited(band.sources, cite),
        ]
        for band in known
    ]
    return Table(["Network", "From", "To", "What was trained", "Source"], rows, "lrrll")


def image_set_limits(study: Study, bands: Plausibility, cite: Cite) -> Table:
    """Return the known flaws of the image sets; no rows where none is known."""
    rows = [
        [
            md(known.limit.title),
            _short_percent(known.limit.share),
            md(known.limit.flaw) + (_PART if known.part else ""),
            _cited(known.limit.sources, cite),
        ]
        for known in known_limits(study, bands)
    ]
    headers = ["Image set", "Share of its test images", "What they have", "Source"]
    return Table(headers, rows, "lrll")


_PART = " (the share of the whole set; that among the classes used here is not known)"


def _short_percent(share: float) -> str:
    """Write a share with the digits that its source has, one after the point at most."""
    return percent(share, 0 if round(100 * share, 6).is_integer() else 1)


def resolution(study: Study, names: Names) -> Table:
    """Return how finely the test images resolve the accuracy of each image set's first network."""
    rows = []
    for dataset, record in study.datasets.items():
        first = study.ranked(dataset)[0]
        interval = accuracy_interval(first)
        rows.append(
            [
                md(record.title),
                thousands(record.test_images),
                names[first.model],
                percent(first.metrics.accuracy),
                points((interval.high - interval.low) / 2, signed=False),
            ]
        )
    headers = ["Image set", "Test images", "First network", "Test accuracy", "Known to within"]
    return Table(headers, rows, "lrlrr")
