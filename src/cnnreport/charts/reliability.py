"""Chart how often each network is right where it is how confident."""

from collections.abc import Mapping
from typing import Any

import altair as alt

from cnnreport.calibration import reliability
from cnnreport.charts.looks import (
    NETWORK,
    faint_unless,
    from_legend,
    network_color,
    network_shape,
)
from cnnreport.charts.spec import (
    INTERVAL,
    Chart,
    calculate,
    in_columns,
    percent_text,
    range_text,
    rows_of,
)
from cnnreport.figures.looks import Look
from cnnreport.study import Study


def reliability_diagrams(study: Study, dataset: str, looks: Mapping[str, Look]) -> Chart:
    """Chart accuracy against confidence in bins, all networks on one diagonal."""
    cells = study.cells_of(dataset)
    bins = [(looks[cell.model].title, each) for cell in cells for each in reliability(cell)]
    columns: dict[str, list[Any]] = {
        NETWORK: [title for title, _ in bins],
        "from": [each.low for _, each in bins],
        "to": [each.high for _, each in bins],
        "predictions": [each.predictions for _, each in bins],
        "confidence": [each.confidence for _, each in bins],
        "accuracy": [each.accuracy for _, each in bins],
        "low": [each.interval.low for _, each in bins],
        "high": [each.interval.high for _, each in bins],
    }
    shown = from_legend()
    own = [looks[cell.model] for cell in cells]
    shares = alt.Scale(domain=[0, 1], nice=False)
    across = alt.X("confidence:Q", scale=shares, axis=alt.Axis(format=".0%"))
    base = alt.Chart().encode(x=across, color=network_color(own), opacity=faint_unless(shown))
    upward = alt.Y("accuracy:Q", scale=shares, axis=alt.Axis(format=".0%"), title="accuracy")
    intervals = base.mark_rule().encode(
        y=alt.Y("low:Q", title="accuracy"), y2="high:Q", opacity=faint_unless(shown, 0.5)
    )
    lines = base.mark_line(strokeWidth=1).encode(y=upward, opacity=faint_unless(shown, 0.4))
    marks = base.mark_point(filled=True).encode(
        y=upward,
        shape=network_shape(own),
        size=alt.Size("predictions:Q", scale=alt.Scale(range=[30, 300]), legend=None),
        tooltip=_TOOLTIP,
    )
    diagonal = (
        alt.Chart(alt.InlineData(values=[{}]))
        .mark_rule(strokeDash=[4, 3])
        .encode(x=alt.XDatum(0), y=alt.YDatum(0), x2=alt.X2Datum(1), y2=alt.Y2Datum(1))
    )
    chart = alt.layer(
        diagonal,
        intervals,
        lines,
        marks.properties(name="marks").add_params(shown),
        data=in_columns(**columns),
    )
    chart = chart.properties(width="container", height=360)
    chart.transform = [
        rows_of(*columns),
        *calculate(
            bin=range_text("from", "to"),
            confidence_text=percent_text("confidence"),
            accuracy_text=percent_text("accuracy"),
            interval=range_text("low", "high"),
        ),
    ]
    return Chart(f"{dataset}-reliability", chart)


_TOOLTIP = [
    alt.Tooltip(f"{NETWORK}:N", title="network"),
    alt.Tooltip("bin:N", title="confidence between"),
    alt.Tooltip("predictions:Q", format=","),
    alt.Tooltip("confidence_text:N", title="mean confidence"),
    alt.Tooltip("accuracy_text:N", title="accuracy"),
    alt.Tooltip("interval:N", title=INTERVAL),
]
