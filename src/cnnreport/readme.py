"""Write the figures of the frozen studies into README.md, which is people's but for this part."""

from collections.abc import Sequence
from pathlib import Path

from cnnreport import inserts
from cnnreport.batchnorm import order_in_doubt
from cnnreport.errors import InputError
from cnnreport.formats import PLUS_MINUS, listing, md
from cnnreport.original import Original
from cnnreport.pages import STUDIES, title_of, titles_of
from cnnreport.records import save_text
from cnnreport.statistics import tie_groups
from cnnreport.study import Study
from cnnreport.tables import Table
from cnnreport.tables.words import accuracy_alone

README, NAME = "README.md", "readme"
"""The page, and how its comments and the command call the part."""

HEADERS = ["Study", "Image set", "Recipe", "Seeds", "Test accuracy by rank"]

LINE_BREAK = "<br>"
LEGEND = (
    "The rank of a network is one more than the number of networks that are significantly better; "
    f"{PLUS_MINUS} is the standard deviation over the seeds, where there are several. With one "
    "seed, another one may change the order."
)


def figures(frozen: Sequence[Study], original: Original) -> str:
    """Return the part of README.md: a row for each frozen study and image set; nothing without."""
    rows = [row for study in frozen for row in _rows(study, original)]
    if not rows:
        return ""
    legend = " ".join([LEGEND, *_in_doubt(frozen)])
    return f"\n{Table(HEADERS, rows, 'lllrl').markdown}\n\n{legend}\n\n"


def _in_doubt(frozen: Sequence[Study]) -> list[str]:
    """Say on which image sets averages of batch normalisation may decide the order of networks."""
    found = [
        f"*{md(title_of(study))}*"
        + (f" ({md(study.datasets[dataset].title)})" if len(study.datasets) > 1 else "")
        for study in frozen
        for dataset in study.datasets
        if order_in_doubt(study, dataset)
    ]
    if not found:
        return []
    return [
        f"In {listing(found)} networks were tested with averages of batch normalisation that reach "
        "over much of their training, which may decide the order "
        "([measured](docs/benchmarks/averages.md))."
    ]


def _rows(study: Study, original: Original) -> list[list[str]]:
    titles = titles_of(study, original)
    return [
        [
            f"[{md(title_of(study))}](docs/{STUDIES}/{study.name}/index.md)",
            md(study.datasets[dataset].title),
            f"`{study.params.recipe}`",
            str(len(study.params.seeds)),
            LINE_BREAK.join(
                f"{row.rank}. {md(titles[row.cell.model])} {accuracy_alone(row.cell)}"
                for row in tie_groups(study, dataset)
            ),
        ]
        for dataset in study.datasets
    ]


def load_page(root: Path) -> str | None:
    """Read README.md; None where there is none.

    Raises:
        InputError: it cannot be read.

    """
    path = root / README
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


def update(root: Path, part: str) -> bool:
    """Write the part into README.md and say whether it has changed.

    Raises:
        InputError: there is no README.md, or it lacks the comments that the part stands between.

    """
    text = load_page(root)
    span = inserts.span_of(text, NAME, README) if text is not None else None
    if text is None or span is None:
        raise InputError(
            f"{root / README}: wanted the lines '{inserts.opening(NAME)}' and "
            f"'{inserts.closing(NAME)}' where the figures shall stand; put them in"
        )
    new = f"{text[: span[0]]}{part}{text[span[1] :]}"
    if new != text:
        save_text(root / README, new)
    return new != text
