"""Hold the interactive charts against the results: each is there, and its data are made again."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from cnnreport.charts import all_charts
from cnnreport.charts.spec import SUFFIX, to_json
from cnnreport.study import Study
from cnnreport.verification.findings import Check, wrong
from cnnreport.verification.texts import text_check


def chart_checks(
    folder: Path, shown: str, study: Study, titles: Mapping[str, str], alts: Mapping[str, str]
) -> Iterator[Check]:
    """Yield what came of the charts of a study.

    Args:
        folder: where they are.
        shown: how findings name the folder.
        study: the study.
        titles: how networks are written.
        alts: the text of each figure for those who cannot see it, which a chart repeats.

    """
    made = {chart.name: chart for chart in all_charts(study, titles)}
    for name, chart in made.items():
        path = folder / f"{name}{SUFFIX}"
        if not path.is_file():
            yield wrong(f"{shown}/{path.name}: is missing; `dvc repro` makes it")
            continue
        found = path.read_bytes().decode("utf-8", errors="replace")
        yield text_check(f"{shown}/{path.name}", found, to_json(chart, alts.get(name, "")))
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if path.name.removesuffix(SUFFIX) not in made:
            yield wrong(f"{shown}/{path.name}: no figure of the report has such a chart")
