"""Numbers that carry their evidence: through files, arithmetic, formatters and marks."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from cnnreport import formats
from cnnreport.evidence import (
    Count,
    Evidence,
    Quantity,
    cite,
    derive,
    evidence_of,
    evident,
    from_file,
    ledger,
    mean,
    replace_marks,
    unmarked,
)

A = Evidence("results/a.json", "/accuracy")
B = Evidence("results/b.json", "/accuracy")


@dataclass(frozen=True)
class Inner:
    share: float


@dataclass(frozen=True)
class Outer:
    name: str
    count: int
    flag: bool
    missing: float | None
    by_class: dict[str, float]
    rows: list[Inner]


class Model(BaseModel):
    rate: float
    name: str


def test_every_number_of_a_record_knows_its_place() -> None:
    read = from_file(Outer("x", 3, True, None, {"a/b~c": 0.5}, [Inner(0.25)]), "f.json")
    places = {
        "/count": read.count,
        "/by_class/a~1b~0c": read.by_class["a/b~c"],
        "/rows/0/share": read.rows[0].share,
    }
    for pointer, number in places.items():
        assert evidence_of(number) == Evidence("f.json", pointer)
    assert read == Outer("x", 3, True, None, {"a/b~c": 0.5}, [Inner(0.25)])
    assert read.flag is True
    assert read.missing is None


def test_a_model_keeps_its_kind() -> None:
    read = from_file(Model(rate=0.1, name="x"), "f.yaml", "/recipes")
    assert isinstance(read, Model)
    assert evidence_of(read.rate) == Evidence("f.yaml", "/recipes/rate")


@pytest.mark.parametrize(
    ("number", "how", "inputs"),
    [
        (Quantity(0.9, A) - Quantity(0.4, B), "difference", (A, B)),
        (Quantity(0.5, A) + Quantity(0.25, B), "sum", (A, B)),
        (Quantity(0.5, A) * Quantity(0.5, B), "product", (A, B)),
        (Quantity(0.5, A) / Quantity(0.25, B), "ratio", (A, B)),
        (Count(4, A) / 2, "ratio, 2 on the right", (A,)),
        (1 - Quantity(0.25, A), "difference, 1 on the left", (A,)),
        (3 * Count(4, A), "product, 3 on the left", (A,)),
        (Quantity(0.5, A) ** 2, "power, 2 on the right", (A,)),
        (-Quantity(0.5, A), "the negative", (A,)),
        (abs(Quantity(-0.5, A)), "the amount without its sign", (A,)),
        (mean([Quantity(0.5, A), Quantity(1.0, B)]), "mean", (A, B)),
    ],
)
def test_arithmetic_carries_evidence_on(
    number: float, how: str, inputs: tuple[Evidence, ...]
) -> None:
    evidence = evidence_of(number)
    assert evidence is not None
    assert (evidence.how, evidence.inputs, evidence.file) == (how, inputs, "")


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(-100, 100))
@settings(max_examples=50, deadline=None)
def test_arithmetic_gives_what_plain_numbers_give(x: float, y: float, n: int) -> None:
    a, b, c = Quantity(x, A), Quantity(y, B), Count(n, A)
    assert a + b == x + y
    assert a - n == x - n
    assert n * b == n * y
    assert c - 1 == n - 1
    assert sum([a, b]) == x + y
    if y:
        assert a / b == x / y


def test_the_mean_of_one_number_is_that_number() -> None:
    number = Quantity(0.5, A)
    assert mean([number]) is number


def test_what_is_made_of_plain_numbers_stays_plain() -> None:
    assert evidence_of(derive(0.5, "mean", 1.0, 2.0)) is None
    assert evident(True, A) is True


def test_keys_tell_evidence_apart_and_last() -> None:
    difference = Evidence(how="difference", inputs=(A, B))
    assert difference.key == Evidence(how="difference", inputs=(A, B)).key
    assert len({A.key, B.key, difference.key, Evidence(how="difference", inputs=(B, A)).key}) == 4
    assert difference.files == ("results/a.json", "results/b.json")


@pytest.mark.parametrize(
    "write",
    [
        formats.percent,
        formats.points,
        formats.thousands,
        formats.macs,
        formats.energy,
        formats.milliseconds,
        formats.mebibytes,
        formats.seconds,
        formats.shortest,
        formats.p_value,
        formats.in_words,
        lambda number: formats.decimal(number, 2),
        lambda number: formats.plural(number, "epoch"),
    ],
)
def test_every_formatter_marks_a_number_and_writes_the_same_words(write: object) -> None:
    assert callable(write)
    plain = write(5)
    assert write(Count(5, A)) == plain
    with ledger() as book:
        marked = write(Count(5, A))
        assert write(5) == plain
    assert marked != plain
    assert unmarked(marked) == plain
    assert [each.evidence for each in book.citations] == [A]
    assert book.citations[0].value == 5


def test_marks_become_whatever_is_wanted() -> None:
    with ledger() as book:
        text = f"{cite(Quantity(0.5, A), 'half')} | {cite(Quantity(0.5, B), 'too')}, {cite(1, 'x')}"
    linked = replace_marks(
        text, lambda place, words: f"[{words}]({book.citations[place].evidence.file})"
    )
    assert linked == "[half](results/a.json) | [too](results/b.json), x"


def test_a_number_that_is_shown_twice_stands_in_the_ledger_once() -> None:
    with ledger() as book:
        first, again = formats.percent(Quantity(0.5, A)), formats.percent(Quantity(0.5, A), 0)
    assert len(book.citations) == 1
    assert first != again


def test_one_evidence_for_two_numbers_is_refused() -> None:
    with ledger():
        formats.percent(Quantity(0.5, A))
        with pytest.raises(ValueError, match="another number"):
            formats.percent(Quantity(0.6, A))


def test_operations_that_differ_have_keys_that_differ() -> None:
    number = Quantity(2.0, A)
    results = [number - 1, 1 - number, number / 3, 3 / number, number * 1234567, number * 1234568]
    assert len({result.evidence.key for result in results}) == len(results)


def test_evidence_knows_its_number() -> None:
    assert (Quantity(0.5, A) - Quantity(0.25, B)).evidence.value == 0.25
    assert evidence_of(from_file({"x": 3}, "f.json")["x"]).value == 3


def test_a_ledger_ends_with_its_block() -> None:
    with pytest.raises(RuntimeError), ledger():
        raise RuntimeError
    assert formats.percent(Quantity(0.5, A)) == formats.percent(0.5)


def test_a_number_belongs_to_the_frozen_study_of_its_inputs() -> None:
    kept, live = (from_file({"x": 0.5}, "results/a.json", study=name) for name in ("kept", ""))
    half = kept["x"] / 2
    assert evidence_of(half) == Evidence(
        how="ratio, 2 on the right", inputs=(evidence_of(kept["x"]),), study="kept"
    )
    written = derive(0.1, "difference", kept["x"], from_file({"x": 1.0}, "report/b.yaml")["x"])
    assert evidence_of(written).study == "kept"
    assert evidence_of(live["x"] / 2).study == ""


def test_what_is_computed_from_two_frozen_studies_has_no_passport() -> None:
    one, other = (from_file({"x": 0.5}, "results/a.json", study=name)["x"] for name in "ab")
    assert evidence_of(one - other) is None
    assert one - other == 0


def test_the_same_place_in_two_studies_is_two_numbers() -> None:
    with ledger() as book:
        for study, value in (("", 0.25), ("kept", 0.5), ("", 0.25)):
            cite(from_file({"x": value}, "results/a.json", study=study)["x"], "shown")
    assert [(each.evidence.study, each.value) for each in book.citations] == [
        ("", 0.25),
        ("kept", 0.5),
    ]
