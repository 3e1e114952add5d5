"""Chart how well each class is recognised by each network, in the order that the reader picks."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from cnnreport.charts.looks import NETWORK
from cnnreport.charts.spec import (
    INTERVAL,
    Chart,
    calculate,
    choice,
    in_columns,
    percent_text,
    range_text,
    rows_of,
)
from cnnreport.figures.looks import Look
from cnnreport.statistics import class_interval
from cnnreport.study import Cell, Study

MEAN, GIVEN, TOGETHER = "mean", "given", "superclass"
"""Orders that are no network's: by the mean of all networks, as the image set has the classes, and
those of a superclass together."""

FEW = 20
STEPS = (24, 13)
"""Height of a row in pixels, with up to `FEW` classes and with more."""

GAP = 0.04
"""Of a row, between cells; of a column, which is wider, a third of it."""


def class_heatmap(
    study: Study,
    dataset: str,
    looks: Mapping[str, Look],
    groups: Mapping[str, Sequence[str]],
) -> Chart:
    """Chart class accuracies as shades; the classes can be sorted by any network.

    `groups` is superclass to classes, empty where there are no superclasses.
    """
    cells = study.cells_of(dataset)
    names = list(cells[0].metrics.class_accuracy)
    titles = [looks[cell.model].title for cell in cells]
    columns = _columns(cells, names)
    chart = alt.Chart(in_columns(**columns)).mark_rect().encode(**_channels(titles, bool(groups)))
    chart = chart.properties(width="container", height=max(4, len(names)) * STEPS[len(names) > FEW])
    chart.transform = [rows_of(*columns), *_steps(bool(groups))]
    together = [name for members in groups.values() for name in members]
    superclass = {name: group for group, members in groups.items() for name in members}
    looked_up: dict[str, list[Any]] = {"classes": names, "networks": titles}
    if groups:
        looked_up["superclasses"] = [superclass[name] for name in names]
        looked_up["places"] = [together.index(name) for name in names]
    chart = chart.add_params(
        choice("order", "Sort the classes by", _orders(titles, bool(groups)), MEAN),
        *(alt.param(name=name, value=values) for name, values in looked_up.items()),
    )
    return Chart(f"{dataset}-class-heatmap", chart)


def _columns(cells: Sequence[Cell], names: Sequence[str]) -> dict[str, list[Any]]:
    """Return a row for each network and class, both by their place."""
    pairs = [(cell, name) for cell in cells for name in names]
    intervals = [class_interval(cell, name) for cell, name in pairs]
    return {
        "column": [column for column in range(len(cells)) for _ in names],
        "row": list(range(len(names))) * len(cells),
        "accuracy": [cell.metrics.class_accuracy[name] for cell, name in pairs],
        "low": [interval.low for interval in intervals],
        "high": [interval.high for interval in intervals],
    }


def _orders(titles: Sequence[str], grouped: bool) -> dict[str, str]:
    together = {TOGETHER: "superclass"} if grouped else {}
    networks = {str(column): title for column, title in enumerate(titles)}
    given = {MEAN: "mean of the networks", GIVEN: "order of the image set"}
    return given | together | networks


def _steps(grouped: bool) -> list[Any]:
    """Return the steps to names, texts and the key that sorts the classes, highest first."""
    keys = {
        f"order === '{GIVEN}'": "-datum.row",
        f"order === '{TOGETHER}'": "-places[datum.row]",
        f"order === '{MEAN}' || order === '' + datum.column": "datum.accuracy",
    }
    if not grouped:
        del keys[f"order === '{TOGETHER}'"]
    key = " : ".join(f"{when} ? {value}" for when, value in keys.items())
    fields = {
        "class": "classes[datum.row]",
        "network": "networks[datum.column]",
        "accuracy_text": percent_text("accuracy"),
        "interval": range_text("low", "high"),
        "key": f"{key} : 0",
    }
    return calculate(**fields, **({"group": "superclasses[datum.row]"} if grouped else {}))


def _channels(titles: Sequence[str], grouped: bool) -> dict[str, Any]:
    superclass = [alt.Tooltip("group:N", title="superclass")] if grouped else []
    columns = alt.Axis(orient="top", labelLimit=90, labelAngle=-30, ticks=False, domain=False)
    order = alt.EncodingSortField(field="key", op="sum", order="descending")
    return {
        "x": alt.X(
            f"{NETWORK}:N",
            title=None,
            scale=alt.Scale(domain=list(titles), paddingInner=GAP / 3),
            axis=columns,
        ),
        "y": alt.Y(
            "class:N",
            title=None,
            sort=order,
            scale=alt.Scale(paddingInner=GAP),
            axis=alt.Axis(labelLimit=120, ticks=False, domain=False),
        ),
        "color": alt.Color(
            "accuracy:Q",
            scale=alt.Scale(zero=False),
            legend=alt.Legend(
                title="accuracy of the class", orient="bottom", format=".0%", gradientLength=180
            ),
        ),
        "tooltip": [
            alt.Tooltip("class:N"),
            *superclass,
            alt.Tooltip(f"{NETWORK}:N", title="network"),
            alt.Tooltip("accuracy_text:N", title="accuracy"),
            alt.Tooltip("interval:N", title=INTERVAL),
        ],
    }
