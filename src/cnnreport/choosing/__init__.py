"""Say which network fits which circumstances: limits, what remains, what to take and why.

`criteria` holds what a network can be chosen by, `limits` who remains within limits, `choices` whom
to take of those, `circumstances` a decision table made from the data, `writing` the words of a page
and of the command `cnnreport choose`. Templates reach everything below as `choosing.NAME`.
"""

from cnnreport.choosing.choices import Choice, best_on, choose, dominators, equals_of
from cnnreport.choosing.circumstances import BY, Circumstance, circumstances, headline
from cnnreport.choosing.criteria import (
    ACCURACY,
    BATCH,
    COSTS,
    CRITERIA,
    Criterion,
    amount,
    in_results,
)
from cnnreport.choosing.image_sets import basis, closest, image_set, order, swaps
from cnnreport.choosing.limits import (
    Candidate,
    Certainty,
    Limits,
    Miss,
    Sureness,
    candidates,
    nearest,
    remaining,
    sureness,
)
from cnnreport.choosing.writing import (
    decisions,
    every_figure,
    image_sets,
    picker,
    reasoning,
    strengths,
)

__all__ = [
    "ACCURACY",
    "BATCH",
    "BY",
    "COSTS",
    "CRITERIA",
    "Candidate",
    "Certainty",
    "Choice",
    "Circumstance",
    "Criterion",
    "Limits",
    "Miss",
    "Sureness",
    "amount",
    "basis",
    "best_on",
    "candidates",
    "choose",
    "circumstances",
    "closest",
    "decisions",
    "dominators",
    "equals_of",
    "every_figure",
    "headline",
    "image_set",
    "image_sets",
    "in_results",
    "nearest",
    "order",
    "picker",
    "reasoning",
    "remaining",
    "strengths",
    "sureness",
    "swaps",
]
