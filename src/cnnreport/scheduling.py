"""Which stage of a pipeline may run when, where several run at a time.

A stage is ready when all stages that it reads from have ended well. Of the ready ones those go
first on which the longest way of trainings and other stages depends, in the pipeline's own order
where that is equal.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

TRAINING = "train@"
"""How the names of stages begin that are too dear to run again; any other runs in seconds."""


class Outcome(Enum):
    """How it stands with a stage."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    BARRED = "not run, since an earlier stage failed"


@dataclass
class Schedule:
    """The stages that are to run, by name, with those of them that each reads from.

    `costs` weighs stages against each other, 1 where nothing is known.
    """

    upstream: Mapping[str, Collection[str]]
    costs: Mapping[str, float] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with everything waiting."""
        self.outcomes = dict.fromkeys(self.upstream, Outcome.WAITING)
        self._below = longest_ways(self.upstream, self.costs)
        self._order = {name: number for number, name in enumerate(self.upstream)}

    def ready(self) -> list[str]:
        """Return the stages that may start now, the most urgent one first."""
        names = [
            name
            for name, outcome in self.outcomes.items()
            if outcome is Outcome.WAITING
            and all(self.outcomes[each] is Outcome.DONE for each in self.upstream[name])
        ]
        return sorted(names, key=lambda name: (-self._below[name], self._order[name]))

    def started(self, name: str) -> None:
        """Note that a stage runs."""
        self.outcomes[name] = Outcome.RUNNING

    def ended(self, name: str, *, well: bool) -> None:
        """Note how a stage ended; where badly, nothing that depends on it will run."""
        self.outcomes[name] = Outcome.DONE if well else Outcome.FAILED
        if not well:
            for other in self.depending(name):
                self.outcomes[other] = Outcome.BARRED

    def depending(self, name: str) -> list[str]:
        """Return the stages that need a stage, directly or not, in the pipeline's order."""
        found = {name}
        for other, needed in self.upstream.items():
            if found & set(needed):
                found.add(other)
        return [other for other in self.upstream if other in found - {name}]

    @property
    def well(self) -> bool:
        """Whether every stage has ended well."""
        return all(outcome is Outcome.DONE for outcome in self.outcomes.values())

    def count(self, *outcomes: Outcome) -> int:
        """Return how many stages stand like that."""
        return sum(outcome in outcomes for outcome in self.outcomes.values())


def longest_ways(
    upstream: Mapping[str, Collection[str]], costs: Mapping[str, float]
) -> dict[str, float]:
    """Return the cost of the longest way from each stage to the end, its own included.

    `upstream` is in an order in which the stages can run.
    """
    ways: dict[str, float] = {}
    for name in reversed(list(upstream)):
        after = [ways[other] for other in ways if name in upstream[other]]
        ways[name] = costs.get(name, 1.0) + max(after, default=0.0)
    return ways


def upstream_among(
    names: Sequence[str], graph: Mapping[str, Collection[str]]
) -> dict[str, list[str]]:
    """Return, for each of some stages, those of them that it reads from, over others or directly.

    `graph` has the direct ones of every stage.
    """
    wanted = set(names)

    def before(name: str, seen: set[str]) -> set[str]:
        found: set[str] = set()
        for each in graph[name]:
            if each in seen:
                continue
            seen.add(each)
            found |= {each} if each in wanted else before(each, seen)
        return found

    return {name: sorted(before(name, set())) for name in names}


def shares(devices: Sequence[str], workers: int, each: int | None) -> list[tuple[str, ...]]:
    """Divide GPUs among workers: `each` for everyone, or what there is in even parts.

    Where there are fewer than that takes, several workers share them; none where there are none.
    """
    if not devices or each == 0:
        return [()] * workers
    size = min(each or max(len(devices) // workers, 1), len(devices))
    groups = [tuple(devices[i : i + size]) for i in range(0, len(devices) - size + 1, size)]
    return [groups[worker % len(groups)] for worker in range(workers)]
