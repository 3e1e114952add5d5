"""Say whose averages of batch normalisation lag behind the weights, and what that cost."""

from collections.abc import Sequence
from statistics import fmean

from cnnreport.batchnorm import (
    TakenAnew,
    averaged_share,
    averaged_steps,
    last_validation,
    taken_anew_of,
    unsettled_cells,
)
from cnnreport.evidence import unmarked
from cnnreport.formats import listing, percent, shortest, thousands
from cnnreport.study import Cell, Study
from cnnreport.tables import Names


def unsettled(study: Study, dataset: str, names: Names, model: str = "") -> str:
    """Warn of networks whose batch normalisation tests with averages of much of their training.

    With `model` it speaks of that network alone.
    """
    early = [cell for cell in unsettled_cells(study, dataset) if model in ("", cell.model)]
    if not early:
        return ""
    reach = _reach(max(early, key=lambda cell: averaged_share(cell) or 0.0))
    most = "" if {unmarked(_reach(cell)) for cell in early} == {unmarked(reach)} else "at most "
    below = (
        "its test accuracy may lie far below what the network has learned"
        if len(early) == 1
        else "these test accuracies may lie far below what the networks have learned"
    )
    return (
        f"Batch normalisation tests a network with averages that it gathers in training, those of "
        f"{listing([names[cell.model] for cell in early])} over {most}{reach}. While the weights "
        f"still change much, these averages are those of other weights, so {below}."
    )


def _reach(cell: Cell) -> str:
    """Say over which steps the averages of a cell's batch normalisation reach back."""
    steps, span = cell.steps, averaged_steps(cell) or 0
    reach = (
        f"about the last {thousands(span)} of {thousands(steps)} steps"
        if span < steps
        else f"more steps than the {thousands(steps)} that there were"
    )
    return f"{reach} (momentum {shortest(cell.batch_norm_momentum or 0.0)})"


def taken_anew(study: Study, dataset: str, names: Names, rows: Sequence[TakenAnew]) -> str:
    """Say what these very networks do with averages taken anew; nothing if that is not known.

    Only where averages reach over much of a training, and all such networks were measured.
    """
    early = unsettled_cells(study, dataset)
    measured = {cell: taken_anew_of(rows, cell, study.name) for cell in early}
    if not early or not all(measured.values()):
        return ""
    seeds = [row.seed for row in measured[early[0]]]
    others = {
        cell: last_validation(cell, seeds)
        for cell in study.cells_of(dataset)
        if cell not in measured
    }
    own = {cell: fmean(row.own_validation for row in found) for cell, found in measured.items()}
    anew = {cell: fmean(row.anew_validation for row in found) for cell, found in measured.items()}
    gained = [
        f"{names[cell.model]} {percent(anew[cell])} instead of {percent(own[cell])}"
        for cell in early
    ]
    beside = [f"{names[cell.model]} {percent(share)}" for cell, share in others.items()]
    sentences = [
        "This was measured on these very networks: with averages taken anew, and no weight "
        f"changed, the share of validation images that they get right is {listing(gained)}."
    ]
    if beside:
        sentences.append(f"The other networks, as they are: {listing(beside)}.")
    before, after = (max(each, key=each.__getitem__) for each in (own | others, anew | others))
    if before is not after:
        sentences.append(
            f"{names[after.model]} then comes first there and not {names[before.model]}, so this "
            "order is one of averages as much as of networks."
        )
    return " ".join(sentences)
