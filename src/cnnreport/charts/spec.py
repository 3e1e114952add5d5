"""What a chart is, how its data go into it and how it becomes JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import altair as alt

from cnnreport.figures.dark import DARK
from cnnreport.figures.looks import LOOKS
from cnnreport.records import rounded
from cnnreport.statistics import CONFIDENCE

SUFFIX = ".chart.json"
"""What follows the name of a figure in the name of its chart's file."""

DARK_NETWORKS = {color: DARK[color] for color, _, _ in LOOKS}
"""What stands for the colours of networks on the dark sheet; the page's script exchanges them."""

INTERVAL = f"{100 * CONFIDENCE:.0f}\N{NO-BREAK SPACE}% interval"
"""What tooltips call an interval."""

SQUARE_ROOT = 0.5
"""Exponent of a scale of shades that spends more of them on low shares."""


AnyChart: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart
"""What Altair may return when a chart gets another property or choice."""


@dataclass(frozen=True)
class Chart:
    """A chart with the name of the figure that it is another form of."""

    name: str
    chart: AnyChart


def in_columns(**columns: Sequence[Any]) -> alt.InlineData:
    """Return a table of equally long columns as data of one row, half the size of rows.

    `rows_of` in a chart makes rows of it again. Numbers keep the digits of the results.
    """
    plain = {name: [_plain(value) for value in values] for name, values in columns.items()}
    return alt.InlineData(values=[plain])


def rows_of(*columns: str) -> alt.FlattenTransform:
    """Return the step that makes rows of `in_columns`."""
    return alt.FlattenTransform(flatten=list(columns))


def calculate(**fields: str) -> list[alt.CalculateTransform]:
    """Return the steps that add fields, each from an expression of Vega."""
    return [
        alt.CalculateTransform(calculate=expression, **{"as": name})
        for name, expression in fields.items()
    ]


def percent_text(field: str) -> str:
    """Return the expression that writes a fraction as the pages do: ``91.3 %``."""
    return f"format(100 * datum.{field}, '.1f') + '\N{NO-BREAK SPACE}%'"


def range_text(low: str, high: str) -> str:
    """Return the expression that writes an interval as the pages do: ``90.1 to 92.3 %``."""
    return f"format(100 * datum.{low}, '.1f') + ' to ' + {percent_text(high)}"


def choice(name: str, label: str, options: Mapping[str, str], first: str) -> alt.Parameter:
    """Return a value that the reader picks from a list.

    Args:
        name: how expressions call it.
        label: what stands before the list.
        options: what each value is called in the list.
        first: the value that is picked at the start.

    """
    listed = alt.binding_select(options=list(options), labels=list(options.values()), name=label)
    return alt.param(name=name, value=first, bind=listed)


def axis_title(expression: str, orient: Literal["top", "bottom"]) -> alt.TitleParams:
    """Return a chart's title that serves as the title of an axis, which cannot follow a choice."""
    return alt.TitleParams(
        text=alt.ExprRef(expr=expression),
        orient=orient,
        anchor="start" if orient == "top" else "middle",
        fontSize=11,
        fontWeight="normal",
        offset=8,
    )


def to_json(chart: Chart, description: str) -> str:
    """Return a chart as Vega-Lite, the same compact text each time.

    It has neither theme nor the address of its grammar: the page's script gives it the colours of
    the page, and nothing is fetched. `description` is for those who cannot see it.

    Raises:
        SchemaValidationError: it is not Vega-Lite.

    """
    shown = chart.chart.properties(description=description, usermeta={"dark": DARK_NETWORKS})
    # Not each table under a digest of it: then a new number would change two places.
    with alt.data_transformers.enable("default", consolidate_datasets=False):
        own = shown.to_dict()
    for key in ("$schema", "config"):
        del own[key]
    return json.dumps(own, ensure_ascii=False, sort_keys=True, separators=(", ", ":")) + "\n"


def _plain(value: Any) -> Any:
    return rounded(float(value)) if isinstance(value, float) else value
