"""Judge predicates and claims on a study, with the figures that decide them."""

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cnnreport.claims import Author, Claim
from cnnreport.errors import InputError
from cnnreport.evidence import unmarked
from cnnreport.formats import md, p_value, plural, points, points_range
from cnnreport.predicates import (
    EVERY,
    RANKINGS,
    TRENDS,
    And,
    Not,
    Or,
    Order,
    Place,
    Predicate,
    Ranking,
    Statement,
    Trend,
    Truth,
    about,
    conjunction,
    datasets_in,
    disjunction,
    negation,
    parse,
)
from cnnreport.quantities import (
    MEASURES,
    TIME_SLACK,
    Figure,
    Measure,
    Relation,
    relation_between,
)
from cnnreport.statistics import ALPHA, Comparison, compare_all
from cnnreport.study import Study

WORDS = {
    Relation.MORE: "outperforms",
    Relation.LESS: "is worse than",
    Relation.LEVEL: "cannot be told apart from",
}
"""How a sentence says what the test images decide about two networks."""

SHOWN = 3
"""How many grounds a message of an error lists."""

_EITHER_WAY = {Relation.LEVEL: Truth.HOLDS, Relation.EQUAL: Truth.HOLDS}
_STRICT = {Relation.LEVEL: Truth.UNDECIDED, Relation.EQUAL: Truth.CONTRADICTED}
_MORE = {Relation.MORE: Truth.HOLDS, Relation.LESS: Truth.CONTRADICTED}
_LESS = {Relation.MORE: Truth.CONTRADICTED, Relation.LESS: Truth.HOLDS}
_NEITHER = {Relation.MORE: Truth.CONTRADICTED, Relation.LESS: Truth.CONTRADICTED}

OUTCOMES: dict[str, dict[Relation, Truth]] = {
    ">": _MORE | _STRICT,
    ">=": _MORE | _EITHER_WAY,
    "~": _NEITHER | _EITHER_WAY,
    "<=": _LESS | _EITHER_WAY,
    "<": _LESS | _STRICT,
}
"""What a sign is worth where the left figure stands so to the right one."""


@dataclass(frozen=True)
class Missing:
    """What a study lacks for a comparison: a network, an image set or a second network.

    `one_pair`: it has two networks, which may contradict a trend and cannot show one.
    """

    dataset: str
    model: str | None = None
    one_pair: bool = False

    def words(self, study: Study, names: Mapping[str, str]) -> str:
        """Say what is missing; `names` is how each network is written."""
        if self.dataset not in study.datasets:
            return f"{md(self.dataset)}: not an image set of this study"
        title = md(study.datasets[self.dataset].title)
        if self.one_pair:
            return f"{title}: one pair of networks shows no trend"
        if self.model is None:
            return f"{title}: this study has no two networks that could be compared in this way"
        return f"{title}: {names.get(self.model, md(self.model))} is not in this study"


@dataclass(frozen=True)
class AccuracyPair:
    """The test accuracies of two networks, the higher one first, with the p-value after Holm."""

    dataset: str
    comparison: Comparison

    @property
    def relation(self) -> Relation:
        """How the first network stands to the second."""
        if self.comparison.p_value >= ALPHA:
            return Relation.LEVEL
        return Relation.MORE if self.comparison.difference > 0 else Relation.LESS

    def words(self, study: Study, names: Mapping[str, str]) -> str:
        """Say both accuracies, their difference with interval and p-value, and what they decide."""
        pair, write = self.comparison, MEASURES["accuracy"].write
        first, second = (
            f"{names[model]} {write(study.cell(self.dataset, model).metrics.accuracy)}"
            for model in (pair.model_a, pair.model_b)
        )
        apart = "cannot be told apart" if self.relation is Relation.LEVEL else "told apart"
        return (
            f"{md(study.datasets[self.dataset].title)}: {first} less {second}: "
            f"{points(pair.difference)} ({points_range(pair.interval.low, pair.interval.high)}), "
            f"adjusted p {p_value(pair.p_value)}: {apart}"
        )


@dataclass(frozen=True)
class Standing:
    """A figure of a network against that of another one, or against a number of a predicate."""

    dataset: str
    quantity: Measure
    model: str
    figure: Figure
    other: str | None
    against: Figure

    @property
    def relation(self) -> Relation:
        """How the figure stands to the one it is held against."""
        return relation_between(self.figure, self.against)

    def words(self, study: Study, names: Mapping[str, str]) -> str:
        """Say both figures and how the first stands to the second."""
        other = f"{names[self.other]} " if self.other else ""
        return (
            f"{md(study.datasets[self.dataset].title)}, {self.quantity.title}: "
            f"{names[self.model]} {self._written(self.figure)} against "
            f"{other}{self._written(self.against)}: {_STANDS[self.relation]}"
        )

    def _written(self, figure: Figure) -> str:
        write, span = self.quantity.write, figure.span
        if span is None or span.low == span.high:
            return write(figure.value)
        return f"{write(figure.value)} ({write(span.low)} to {write(span.high)})"


_STANDS = {
    Relation.MORE: "more",
    Relation.LESS: "less",
    Relation.LEVEL: "too close to tell",
    Relation.EQUAL: "the same",
}

Ground = Missing | AccuracyPair | Standing
"""The figures behind one comparison; `words` writes them when a page or message needs them."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a predicate is worth on a study.

    `grounds` are all comparisons that it took, `deciding` those that make it what it is: the
    contradicting ones of a contradicted conjunction, all of one that holds.
    """

    truth: Truth
    grounds: tuple[Ground, ...]
    deciding: tuple[Ground, ...]


# A page shows a judgement several times, and its spans may be bootstraps.
@functools.lru_cache(maxsize=512)
def judge(predicate: Predicate, study: Study) -> Judgement:
    """Return what a predicate is worth on a study, with the figures that say so."""
    match predicate:
        case Not(part):
            inner = judge(part, study)
            return replace(inner, truth=negation(inner.truth))
        case And(parts):
            return _all([judge(part, study) for part in parts])
        case Or(parts):
            judged = [judge(part, study) for part in parts]
            return _joined(disjunction(each.truth for each in judged), judged)
        case _:
            return _all(
                [
                    judgement
                    for place in _places(predicate.places, study)
                    for judgement in _at(predicate, place, study)
                ]
            )


def _all(parts: Sequence[Judgement]) -> Judgement:
    return _joined(conjunction(part.truth for part in parts), parts)


def _joined(truth: Truth, parts: Sequence[Judgement]) -> Judgement:
    return Judgement(
        truth,
        _once(ground for part in parts for ground in part.grounds),
        _once(ground for part in parts if part.truth is truth for ground in part.deciding),
    )


def _once(grounds: Iterable[Ground]) -> tuple[Ground, ...]:
    return tuple(dict.fromkeys(grounds))


def _places(places: Sequence[Place], study: Study) -> list[Place]:
    """Return the places with `EVERY` written out."""
    return [
        Place(dataset, place.quantity)
        for place in places
        for dataset in (study.datasets if place.dataset == EVERY else [place.dataset])
    ]


def _at(statement: Statement, place: Place, study: Study) -> list[Judgement]:
    """Return the judgements on all comparisons that a statement stands for at a place."""
    if place.dataset not in study.datasets:
        return [_untested(Missing(place.dataset))]
    match statement:
        case Order(left, sign, float(number)):
            return [_to_number(study, place, model, sign, number) for model in left]
        case Order(left, sign, tuple(right)):
            pairs = list(itertools.product(left, right))
            return [_to_network(study, place, a, sign, b) for a, b in pairs]
        case Ranking(kind, model):
            others = [other for other in study.params.models if other != model]
            sign = RANKINGS[kind]
            compared = [_to_network(study, place, model, sign, other) for other in others]
            return compared or [_untested(Missing(place.dataset))]
        case Trend(kind, quantity):
            rising = _rising_pairs(study, place.dataset, MEASURES[quantity])
            sign = TRENDS[kind]
            compared = [_to_network(study, place, more, sign, less) for more, less in rising]
            if len(compared) == 1 and compared[0].truth is Truth.HOLDS:
                lacking = Missing(place.dataset, one_pair=True)
                return [Judgement(Truth.UNTESTED, (lacking, *compared[0].grounds), (lacking,))]
            return compared or [_untested(Missing(place.dataset))]
    raise AssertionError(statement)  # pragma: no cover - every statement is above


def _rising_pairs(study: Study, dataset: str, quantity: Measure) -> list[tuple[str, str]]:
    """Return the pairs of networks of which the first has more of a quantity than the second."""
    figures = {cell.model: quantity.of(cell) for cell in study.cells_of(dataset)}
    return [
        (a, b)
        for a, b in itertools.permutations(figures, 2)
        if relation_between(figures[a], figures[b]) is Relation.MORE
    ]


def _untested(ground: Ground) -> Judgement:
    return Judgement(Truth.UNTESTED, (ground,), (ground,))


def _decided(sign: str, relation: Relation, ground: Ground) -> Judgement:
    return Judgement(OUTCOMES[sign][relation], (ground,), (ground,))


def _to_number(study: Study, place: Place, model: str, sign: str, number: float) -> Judgement:
    if model not in study.params.models:
        return _untested(Missing(place.dataset, model))
    quantity = MEASURES[place.quantity]
    figure = quantity.of(study.cell(place.dataset, model))
    ground = Standing(place.dataset, quantity, model, figure, None, Figure(number))
    return _decided(sign, ground.relation, ground)


def _to_network(study: Study, place: Place, a: str, sign: str, b: str) -> Judgement:
    if absent := [model for model in (a, b) if model not in study.params.models]:
        return _untested(Missing(place.dataset, absent[0]))
    if place.quantity == "accuracy":
        pair = _pair(study, place.dataset, a, b)
        return _decided(sign, _seen_from(a, pair), pair)
    quantity = MEASURES[place.quantity]
    first, second = (quantity.of(study.cell(place.dataset, model)) for model in (a, b))
    ground = Standing(place.dataset, quantity, a, first, b, second)
    return _decided(sign, ground.relation, ground)


def _pair(study: Study, dataset: str, a: str, b: str) -> AccuracyPair:
    return _accuracy_pairs(study, dataset)[frozenset((a, b))]


# Every claim asks for pairs of the same few image sets, and a study never changes.
@functools.lru_cache(maxsize=32)
def _accuracy_pairs(study: Study, dataset: str) -> dict[frozenset[str], AccuracyPair]:
    """Return all pairs of an image set, adjusted together as on the page of the accuracies."""
    return {
        frozenset((pair.model_a, pair.model_b)): AccuracyPair(dataset, pair)
        for pair in compare_all(study.ranked(dataset))
    }


def _seen_from(model: str, pair: AccuracyPair) -> Relation:
    """Return how a network stands to the other one of a pair."""
    if model == pair.comparison.model_a:
        return pair.relation
    return _TURNED.get(pair.relation, pair.relation)


_TURNED = {Relation.MORE: Relation.LESS, Relation.LESS: Relation.MORE}


def relation(study: Study, dataset: str, a: str, b: str) -> str:
    """Return the words for the test accuracies of two networks of a study, from a's side.

    ``outperforms``, ``cannot be told apart from`` or ``is worse than``.

    Raises:
        InputError: the study has no such image set or network, or a is b.

    """
    for name, known in (
        (dataset, study.datasets),
        (a, study.params.models),
        (b, study.params.models),
    ):
        if name not in known:
            raise InputError(f"'{name}' is not in this study, which has {', '.join(known)}")
    if a == b:
        raise InputError(f"wanted two networks, came '{a}' twice")
    return WORDS[_seen_from(a, _pair(study, dataset, a, b))]


@dataclass(frozen=True, eq=False)
class Judged:
    """The claims of a report and a study to judge them on; templates reach it as `claims`.

    `titles` is how each network is written, in plain text.
    """

    claims: Sequence[Claim]
    study: Study
    titles: Mapping[str, str]

    def by(self, author: Author) -> list[Claim]:
        """Return the claims of an author, in the order of the file."""
        return [claim for claim in self.claims if claim.by == author]

    def judgement(self, claim: Claim) -> Judgement:
        """Return the judgement on a claim."""
        return judge(claim.predicate, self.study)

    def by_dataset(self, claim: Claim) -> dict[str, Truth]:
        """Return what a claim is worth on each image set it is about, by its title in Markdown."""
        named = datasets_in(claim.predicate) - self.study.datasets.keys()
        parts = {
            name: about(claim.predicate, name) for name in [*self.study.datasets, *sorted(named)]
        }
        return {
            self._title(name): judge(part, self.study).truth
            for name, part in parts.items()
            if part is not None
        }

    def _title(self, dataset: str) -> str:
        known = self.study.datasets.get(dataset)
        return md(known.title if known else dataset)

    @property
    def level(self) -> float:
        """The level of the tests: see `cnnreport.statistics.ALPHA`."""
        return ALPHA

    @property
    def outcomes(self) -> Mapping[str, Mapping[Relation, Truth]]:
        """What each sign is worth by how two figures stand to each other: see `OUTCOMES`."""
        return OUTCOMES

    @property
    def time_slack(self) -> float:
        """How far a measured time is taken to be off: see `cnnreport.quantities.TIME_SLACK`."""
        return TIME_SLACK

    def deciding(self, claim: Claim) -> list[str]:
        """Return, in Markdown, the comparisons that decide a claim."""
        return self._in_words(self.judgement(claim).deciding)

    def others(self, claim: Claim) -> list[str]:
        """Return, in Markdown, the comparisons of a claim that do not decide it."""
        judged = self.judgement(claim)
        return self._in_words([each for each in judged.grounds if each not in judged.deciding])

    def _in_words(self, grounds: Sequence[Ground]) -> list[str]:
        names = {model: md(title) for model, title in self.titles.items()}
        return [ground.words(self.study, names) for ground in grounds]

    def relation(self, dataset: str, a: str, b: str) -> str:
        """Return the words for two networks: see `relation` of this module."""
        return relation(self.study, dataset, a, b)

    def says(self, sentence: str, when: str) -> str:
        """Return a hand-written sentence that a predicate bears out on this study.

        Empty where the study lacks what the predicate is about, so that a sentence may speak of an
        image set that another study has.

        Raises:
            InputError: the study contradicts the predicate, or cannot decide it; one line with the
                sentence, the predicate and the figures.

        """
        try:
            judged = judge(parse(when), self.study)
        except InputError as error:
            raise InputError(f"{_quoted(sentence)}: predicate {_quoted(when)}: {error}") from error
        if judged.truth is Truth.UNTESTED:
            return ""
        if judged.truth is not Truth.HOLDS:
            raise InputError(_complaint(self, sentence, when, judged))
        return sentence


def check_claims(claims: Sequence[Claim], study: Study, titles: Mapping[str, str]) -> None:
    """Check that a study contradicts no claim of ours.

    Raises:
        InputError: it does; one line with the file, the line, the sentence, the predicate and the
            figures of the first such claim, and the keys of the others.

    """
    judged = Judged(claims, study, titles)
    verdicts = [(claim, judged.judgement(claim)) for claim in judged.by("us")]
    wrong = [each for each in verdicts if each[1].truth is Truth.CONTRADICTED]
    if wrong:
        claim, judgement = wrong[0]
        others = ", ".join(other.key for other, _ in wrong[1:])
        also = f"; so are: {others}" if others else ""
        complaint = _complaint(judged, claim.says, claim.when, judgement)
        raise InputError(f"{claim.where}: claim {claim.key}: {complaint}{also}")


def _complaint(judged: Judged, sentence: str, when: str, judgement: Judgement) -> str:
    figures = "; ".join(
        ground.words(judged.study, judged.titles) for ground in judgement.deciding[:SHOWN]
    )
    rest = len(judgement.deciding) - SHOWN
    more = f"; and {plural(rest, 'comparison')} more" if rest > 0 else ""
    return unmarked(
        f"{_quoted(sentence)} is {judgement.truth} by this study ({when}): {figures}{more}; "
        "change the sentence and its predicate to what the figures bear out"
    )


def _quoted(text: str) -> str:
    return f'"{text}"'
