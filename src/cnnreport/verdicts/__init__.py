"""Choose the sentences of the report that state a result: leader, ties, cost, what was learnt.

No ranking and no number of a result is typed into a template: a template prints these sentences,
and the statistics choose their wording. `names` is how the page writes each network. Templates
reach everything below as `verdicts.NAME`.
"""

from cnnreport.verdicts.averages import taken_anew, unsettled
from cnnreport.verdicts.classes import balance, class_certainty, extreme_classes
from cnnreport.verdicts.costs import beside_others, cost
from cnnreport.verdicts.ranking import in_short, outcome, pairs, size, verdict
from cnnreport.verdicts.training import (
    elsewhere,
    fairness,
    higher_elsewhere,
    how_trained,
    overfitting,
    rising_loss,
    seeds,
    spread,
)

__all__ = [
    "balance",
    "beside_others",
    "class_certainty",
    "cost",
    "elsewhere",
    "extreme_classes",
    "fairness",
    "higher_elsewhere",
    "how_trained",
    "in_short",
    "outcome",
    "overfitting",
    "pairs",
    "rising_loss",
    "seeds",
    "size",
    "spread",
    "taken_anew",
    "unsettled",
    "verdict",
]
