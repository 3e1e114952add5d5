"""Chart what a network takes each class for."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from cnnreport.charts.spec import (
    SQUARE_ROOT,
    Chart,
    calculate,
    in_columns,
    percent_text,
    rows_of,
)
from cnnreport.figures.confusions import MANY_CLASSES
from cnnreport.statistics import confusion_counts
from cnnreport.study import Cell

PIXELS = 520
"""Height of the largest chart; with few classes each takes `STEP` pixels."""

STEP = 32
GAP = 0.04
"""Of the step, between cells that are large enough for it."""


def confusion(cell: Cell, groups: Mapping[str, Sequence[str]]) -> Chart:
    """Chart the predictions of each actual class; what never happened has no place in the data.

    With several seeds their predictions are counted together. With `groups`, superclass to classes,
    the classes of a superclass stand together.
    """
    names = list(cell.metrics.class_accuracy)
    counts = np.sum([confusion_counts(run, len(names)) for run in cell.runs], axis=0)
    found = np.argwhere(counts)
    columns = {
        "actual_index": found[:, 0].tolist(),
        "predicted_index": found[:, 1].tolist(),
        "count": counts[tuple(found.T)].tolist(),
    }
    order = [name for members in groups.values() for name in members] or names
    chart = alt.Chart(in_columns(**columns)).mark_rect().encode(**_channels(order, bool(groups)))
    many = len(names) > MANY_CLASSES
    chart = chart.properties(
        width="container", height=PIXELS if many else max(4, len(names)) * STEP
    )
    # Names and totals are looked up, so that a row of the data is three small numbers.
    looked_up = {"classes": names, "totals": counts.sum(axis=1).tolist()}
    if groups:
        superclass = {name: group for group, members in groups.items() for name in members}
        looked_up["superclasses"] = [superclass[name] for name in names]
    chart.transform = [rows_of(*columns), *_steps(bool(groups))]
    chart = chart.add_params(*(alt.param(name=name, value=v) for name, v in looked_up.items()))
    return Chart(f"{cell.dataset}-{cell.model}-confusion", chart)


def _steps(grouped: bool) -> list[Any]:
    fields = {
        "actual": "classes[datum.actual_index]",
        "predicted": "classes[datum.predicted_index]",
        "images": "totals[datum.actual_index]",
        "share": "datum.count / datum.images",
        "share_text": percent_text("share"),
    }
    if grouped:
        fields |= {
            f"{role}_group": f"superclasses[datum.{role}_index]" for role in ("actual", "predicted")
        }
    return calculate(**fields)


def _channels(order: list[str], grouped: bool) -> dict[str, Any]:
    many = len(order) > MANY_CLASSES
    scale = alt.Scale(domain=order, paddingInner=0 if many else GAP)
    axis = alt.Axis(labelOverlap=True, labelLimit=90, ticks=False, domain=False, grid=False)
    classes = [
        tooltip
        for role in ("actual", "predicted")
        for tooltip in (
            alt.Tooltip(f"{role}:N", title=f"{role} class"),
            *(
                [alt.Tooltip(f"{role}_group:N", title=f"superclass of the {role}")]
                if grouped
                else []
            ),
        )
    ]
    return {
        "x": alt.X("predicted:N", title="predicted class", scale=scale, axis=axis),
        "y": alt.Y("actual:N", title="actual class", scale=scale, axis=axis),
        "color": _shades(many),
        "tooltip": [
            *classes,
            alt.Tooltip("count:Q", title="predictions", format=","),
            alt.Tooltip("images:Q", title="of the actual class", format=","),
            alt.Tooltip("share_text:N", title="share"),
        ],
    }


def _shades(many: bool) -> alt.Color:
    scale = alt.Scale(domain=[0, 1])
    if many:
        scale = alt.Scale(domain=[0, 1], type="pow", exponent=SQUARE_ROOT)
    legend = alt.Legend(
        title="share of the actual class" + (", square-root scale" if many else ""),
        orient="top",
        format=".0%",
        gradientLength=180,
        titleLimit=300,
        values=[0, 0.05, 0.2, 0.5, 1] if many else [0, 0.2, 0.4, 0.6, 0.8, 1],
    )
    return alt.Color("share:Q", scale=scale, legend=legend)
