"""Tables of what differs between two studies, for a terminal, a pull request and a page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cnnreport.differences import (
    SAME,
    CellDifference,
    ClaimChange,
    Differences,
    Values,
    summary,
)
from cnnreport.formats import (
    decimal,
    macs,
    md,
    p_value,
    percent,
    plural,
    points,
    points_range,
    seconds,
    thousands,
)
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import INTERVAL, NONE, TIMES

MOST, LONGEST = 8, 120
"""So many changes of params.yaml are shown, most of which may concern no network here, and so many
characters of each; ``--json`` has all."""

Write = Callable[[object], str]
"""How words that came from a file are written: escaped in Markdown, as they are in a terminal."""


@dataclass(frozen=True)
class Part:
    """A titled part of a comparison: a table and what is to be said below it."""

    title: str
    table: Table
    lines: Sequence[str] = ()


def difference_parts(found: Differences, names: Mapping[str, str], write: Write = md) -> list[Part]:
    """Return a comparison part by part; parts without a change are left out.

    `names` is how each network is written; one that it lacks goes by its key.
    """
    numbers = [
        part
        for dataset in found.datasets
        for part in (
            Part(
                f"Test accuracy: {write(dataset)}",
                accuracies(found, dataset, names, write),
                [*_method(found, dataset), *map(write, found.notes)],
            ),
            Part(
                f"Other numbers: {write(dataset)}",
                other_numbers(found, dataset, names),
                [
                    "Nothing is tested here. Times are by the clock and hold for the machine and "
                    "what else it did; processor times are on the pages on cost."
                ],
            ),
        )
    ]
    flipped = [
        Part("Ranks that changed", rank_changes(found, names, write)),
        Part("Networks that stand otherwise to each other", relation_changes(found, names, write)),
        Part(
            "Claims whose verdict changed",
            claim_changes(found, [each for each in found.claims if not each.one_sided], write),
        ),
        Part(
            "Claims that only one of the studies can test",
            claim_changes(found, [each for each in found.claims if each.one_sided], write),
        ),
    ]
    kept = [part for part in flipped if part.table.rows]
    return [*numbers, *kept, Part("Underneath", causes(found, write))]


def accuracies(
    found: Differences, dataset: str, names: Mapping[str, str], write: Write = md
) -> Table:
    """Return one row a network: both accuracies, the difference and whether it is beyond noise."""
    rows = [
        [
            names.get(cell.model, cell.model),
            percent(cell.accuracy.before),
            percent(cell.accuracy.after),
            *_shift(cell),
            cell.finding,
        ]
        for cell in found.cells_of(dataset)
    ]
    labels = [write(found.before), write(found.after)]
    headers = ["Network", *labels, "Difference", INTERVAL, "p", "Finding"]
    return Table(headers, rows, "lrrrrrl")


def _shift(cell: CellDifference) -> list[str]:
    """Write difference, interval and p-value; dashes where all is the same or nothing is tested."""
    if cell.finding == SAME:
        return [NONE, NONE, NONE]
    if cell.shift is None:
        return [points(cell.accuracy.after - cell.accuracy.before), NONE, NONE]
    low, high = cell.shift.interval.low, cell.shift.interval.high
    return [points(cell.shift.difference), points_range(low, high), p_value(cell.shift.p_value)]


def _method(found: Differences, dataset: str) -> list[str]:
    methods = dict.fromkeys(cell.shift.method for cell in found.cells_of(dataset) if cell.shift)
    if not methods:
        return []
    cells = plural(found.tested, "cell")
    adjusted = f"; p adjusted by Holm's method for {cells}" if found.tested > 1 else ""
    return [f"Test: {'; '.join(methods)}{adjusted}."]


def other_numbers(found: Differences, dataset: str, names: Mapping[str, str]) -> Table:
    """Return one row a network: numbers about which nothing is tested; times with their factor."""
    rows = [
        [
            names.get(cell.model, cell.model),
            _both(cell.loss, lambda loss: decimal(loss, 3)),
            _both(cell.parameters, thousands),
            _both(cell.macs, macs),
            _both(cell.train_seconds, seconds),
            _factor(cell),
        ]
        for cell in found.cells_of(dataset)
    ]
    headers = ["Network", "Loss", "Parameters", "MACs", "Training time", "Factor"]
    return Table(headers, rows, "lrrrrr")


def _both(values: Values, write: Callable[[float], str]) -> str:
    if values.same:
        return write(values.after)
    return f"{write(values.before)} → {write(values.after)}"


def _factor(cell: CellDifference) -> str:
    old, new = float(cell.train_seconds.before), float(cell.train_seconds.after)
    return f"{TIMES} {decimal(new / old, 2)}" if old else NONE


def rank_changes(found: Differences, names: Mapping[str, str], write: Write = md) -> Table:
    """Return one row a network whose rank is another."""
    rows = [
        [
            write(each.dataset),
            names.get(each.model, each.model),
            thousands(each.before),
            thousands(each.after),
        ]
        for each in found.ranks
    ]
    headers = ["Image set", "Network", f"Rank, {write(found.before)}", write(found.after)]
    return Table(headers, rows, "llrr")


def relation_changes(found: Differences, names: Mapping[str, str], write: Write = md) -> Table:
    """Return one row a pair of networks that stand otherwise to each other."""
    rows = [
        [
            write(each.dataset),
            f"{names.get(each.a, each.a)} and {names.get(each.b, each.b)}",
            f"the first {each.before} the second",
            f"the first {each.after} the second",
        ]
        for each in found.relations
    ]
    return Table(["Image set", "Pair", write(found.before), write(found.after)], rows, "llll")


def claim_changes(found: Differences, claims: Sequence[ClaimChange], write: Write = md) -> Table:
    """Return one row a claim with its verdicts in both studies."""
    rows = [[write(each.says), each.before, each.after] for each in claims]
    return Table(["Claim", write(found.before), write(found.after)], rows, "lll")


def causes(found: Differences, write: Write = md) -> Table:
    """Return one row a change underneath, those that took effect first, and how both are sealed."""
    below = found.underneath
    kinds = {
        "Trained with": below.settings,
        "Code": below.code,
        "Image set": below.images,
        "Environment": below.environment,
        "params.yaml": [*_first(below.parameters), *_count(below.unused)],
        f"Only in {found.before}": [
            f"{model} on {dataset}" for dataset, model in found.only_before
        ],
        f"Only in {found.after}": [f"{model} on {dataset}" for dataset, model in found.only_after],
        "Not recorded": below.unrecorded,
        f"Seals of {found.before}": [below.seals[0]],
        f"Seals of {found.after}": [below.seals[1]],
    }
    rows = [[write(kind), write(change)] for kind, changes in kinds.items() for change in changes]
    return Table(["What", "Change"], rows, "ll")


def _first(changes: Sequence[str]) -> list[str]:
    """Return the first changes, each cut to a line or two, and how many more there are."""
    shown = [each if len(each) <= LONGEST else f"{each[:LONGEST]}…" for each in changes[:MOST]]
    more = len(changes) - len(shown)
    return [*shown, *([f"and {plural(more, 'more change')}"] if more else [])]


def _count(unused: Sequence[str]) -> list[str]:
    """Say how many changes are of recipes and profiles that nothing was trained by."""
    changed = plural(len(unused), "change")
    return [f"{changed} in recipes and profiles that neither trained by"] if unused else []


def difference_summary(found: Differences) -> str:
    """Return the sentence that sums up a comparison, for Markdown."""
    return md(summary(found))


def comparison_markdown(found: Differences) -> str:
    """Return a comparison as Markdown of its own, as for a comment on a pull request."""
    blocks = [f"### {md(found.before)} → {md(found.after)}", f"**{difference_summary(found)}**"]
    for part in difference_parts(found, {}):
        blocks += [f"#### {part.title}", part.table.markdown, *part.lines]
    return "\n\n".join(blocks) + "\n"
