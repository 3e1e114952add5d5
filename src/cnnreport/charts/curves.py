"""Chart how trainings went: accuracy or loss by epoch, as the reader picks."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from cnnreport.charts.looks import NETWORK, faint_unless, from_legend, network_color, network_shape
from cnnreport.charts.spec import (
    AnyChart,
    Chart,
    axis_title,
    calculate,
    choice,
    in_columns,
    percent_text,
    range_text,
    rows_of,
)
from cnnreport.figures.curves import curve
from cnnreport.figures.looks import Look
from cnnreport.study import Cell, Study

PARTS = {"train": "training", "validation": "validation"}
MEASURES = {"accuracy": "accuracy", "loss": "cross-entropy (nats)"}
FIELDS = [f"{part}_{measure}" for measure in MEASURES for part in PARTS]
"""Fields of a history."""

HEIGHT = 320


def learning_curves(study: Study, dataset: str, looks: Mapping[str, Look]) -> Chart:
    """Chart the curves of all networks."""
    return Chart(f"{dataset}-learning-curves", curves_of(study.cells_of(dataset), looks))


def learning_curve(cell: Cell, looks: Mapping[str, Look]) -> Chart:
    """Chart the curves of one network."""
    return Chart(f"{cell.dataset}-{cell.model}-learning-curve", curves_of([cell], looks))


def curves_of(cells: Sequence[Cell], looks: Mapping[str, Look]) -> AnyChart:
    """Chart training (dashed) and validation by epoch; bands are lowest to highest of the seeds."""
    columns = _columns(cells, looks)
    several = len(cells[0].runs) > 1
    picked = choice("measure", "Show", {name: name for name in MEASURES}, "accuracy")
    shown = from_legend()
    layers = _layers([looks[cell.model] for cell in cells], shown, several=several)
    words = " : ".join(f"measure === '{name}' ? '{text}'" for name, text in MEASURES.items())
    chart = alt.layer(*layers, data=in_columns(**columns)).properties(
        width="container", height=HEIGHT, title=axis_title(f"{words} : ''", "top")
    )
    chart.transform = [rows_of(*columns), *_each_part(several=several)]
    return chart.add_params(picked)


def _columns(cells: Sequence[Cell], looks: Mapping[str, Look]) -> dict[str, list[Any]]:
    """Return network, epoch and every field as columns, and its ends where there are bands."""
    columns: dict[str, list[Any]] = {NETWORK: [], "epoch": []}
    for cell in cells:
        epochs = curve(cell, FIELDS[0]).epochs.tolist()
        columns[NETWORK] += [looks[cell.model].title] * len(epochs)
        columns["epoch"] += epochs
    for field in FIELDS:
        curves = [curve(cell, field) for cell in cells]
        columns[field] = [value for each in curves for value in each.mean.tolist()]
        if len(cells[0].runs) > 1:
            columns[f"{field}_low"] = [value for each in curves for value in each.low.tolist()]
            columns[f"{field}_high"] = [value for each in curves for value in each.high.tolist()]
    return columns


def _each_part(*, several: bool) -> list[Any]:
    """Return the steps that make two rows of an epoch, of training and validation, to be drawn."""
    fields = [f"{part}_accuracy" for part in PARTS]
    drawn = {
        "part": f"datum.field === '{fields[0]}' ? '{PARTS['train']}' : '{PARTS['validation']}'",
        "value": "datum[replace(datum.field, 'accuracy', measure)]",
    }
    if several:
        for end in ("low", "high"):
            drawn[end] = f"datum[replace(datum.field, 'accuracy', measure) + '_{end}']"
    texts = {f"{field}_text": _text(field, several=several) for field in FIELDS}
    unused = "accuracy"
    return [
        alt.FoldTransform(fold=fields, **{"as": ["field", unused]}),
        *calculate(**drawn, **texts),
    ]


def _text(field: str, *, several: bool) -> str:
    """Return the expression that writes a figure, with its lowest and highest over the seeds."""
    low, high = f"{field}_low", f"{field}_high"
    if field.endswith("accuracy"):
        text, ends = percent_text(field), range_text(low, high)
    else:
        text = f"format(datum.{field}, '.3f')"
        ends = f"format(datum.{low}, '.3f') + ' to ' + format(datum.{high}, '.3f')"
    return f"{text} + ' (' + {ends} + ')'" if several else text


def _layers(looks: Sequence[Look], shown: alt.Parameter, *, several: bool) -> list[alt.Chart]:
    """Return bands, lines and the marks that tell their figures, the nearest to the pointer."""
    ticks = "measure === 'accuracy' ? format(datum.value, '.0%') : datum.label"
    near = alt.selection_point(
        name="near",
        fields=[NETWORK, "epoch", "part"],
        on="pointerover",
        clear="pointerout",
        nearest=True,
        empty=False,
    )
    base = alt.Chart().encode(
        x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, format="d")),
        color=network_color(looks),
        detail="part:N",
    )
    upward = alt.Y(
        "value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(labelExpr=ticks)
    )
    dash = alt.StrokeDash(
        "part:N",
        scale=alt.Scale(domain=list(PARTS.values()), range=[[5, 3], [1, 0]]),
        legend=alt.Legend(orient="bottom", title=None),
    )
    lines = base.mark_line(strokeWidth=2).encode(
        y=upward, strokeDash=dash, opacity=faint_unless(shown)
    )
    marks = (
        base.mark_point(filled=True)
        .encode(
            y=upward,
            shape=network_shape(looks),
            opacity=faint_unless(shown),
            size=alt.when(near).then(alt.value(140)).otherwise(alt.value(30)),
            tooltip=alt.value(alt.ExprRef(expr=_tooltip())),
        )
        .properties(name="marks")
        .add_params(shown, near)
    )
    band = base.mark_area(strokeWidth=0).encode(
        y=alt.Y("low:Q", title=None), y2="high:Q", opacity=faint_unless(shown, 0.18)
    )
    return [band, lines, marks] if several else [lines, marks]


def _tooltip() -> str:
    """Return the expression of what the mark nearest to the pointer tells.

    Written out, since Vega-Lite looks for the fields of such a mark in the wrong place: what the
    pointer meets is the mark's share of the plane, whose datum is the mark.
    """
    row = "(isValid(datum.datum) ? datum.datum : datum)"
    texts = {"network": f"{row}.{NETWORK}", "epoch": f"{row}.epoch"}
    texts |= {_title(field): f"{row}.{field}_text" for field in FIELDS}
    return "{" + ", ".join(f"'{title}': {text}" for title, text in texts.items()) + "}"


def _title(field: str) -> str:
    part, measure = field.split("_")
    return f"{PARTS[part]} {measure}"
