"""Draw which networks can be told apart: the difference of every pair with its adjusted p-value."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnnreport.figures.drawing import Drawing, one_axes
from cnnreport.figures.labels import crowded, length_of
from cnnreport.figures.looks import GREY, INK, PAPER, Look
from cnnreport.figures.shades import Shades, letters_on
from cnnreport.formats import listing, p_value, points
from cnnreport.statistics import ALPHA, Comparison, compare_all
from cnnreport.study import Study


def pairwise_matrix(study: Study, dataset: str, looks: Mapping[str, Look]) -> Drawing | None:
    """Draw how far each network lies behind each better one; only what can be told apart is shaded.

    Networks stand in the order of their accuracy, so the lower triangle holds every pair once.
    None where there is no pair.
    """
    cells = study.ranked(dataset)
    if len(cells) < 2:
        return None
    pairs = compare_all(cells)
    rows = {cell.model: row for row, cell in enumerate(cells)}
    titles = [looks[cell.model].title for cell in cells]
    upright = crowded(titles)
    more = length_of(titles) if upright else 0.0
    figure, axes = one_axes(0.9 + 0.42 * (len(cells) - 1) + more)
    widest = max(100 * abs(pair.difference) for pair in pairs)
    # The darkest shades are left out, so that one colour of letters reads well on all of them.
    shades = Shades("Purples", 0, max(1.0, 1.6 * widest), power=0.5)
    for pair in pairs:
        place = rows[pair.model_a], rows[pair.model_b]
        _cell(axes, place, pair, shades, small=len(cells) > MOST_WITH_WORDS)
    axes.set_xticks(range(len(cells) - 1), titles[:-1])
    axes.set_yticks(range(1, len(cells)), titles[1:])
    axes.set(xlim=(-0.5, len(cells) - 1.5), ylim=(len(cells) - 0.5, 0.5))
    axes.set(xlabel="less the accuracy of", ylabel="accuracy of")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.tick_params(axis="x", rotation=90 if upright else 0)
    axes.spines[:].set_visible(False)
    return Drawing(
        f"{dataset}-pairs",
        figure,
        _finding(pairs),
        f"Lower triangle of a table of networks, accuracy of the row less that of the column: "
        f"{_in_words(pairs, looks)}.",
    )


MOST_WITH_WORDS = 7
"""With more networks than this a cell has no room for words; frame and caption say the same."""


def _cell(
    axes: Axes, place: tuple[int, int], pair: Comparison, shades: Shades, *, small: bool
) -> None:
    """Draw one pair, a the column and b the row; a tie is an empty frame."""
    column, row = place
    difference = -100 * float(pair.difference)
    apart = pair.p_value < ALPHA
    face = shades.of(abs(difference)) if apart else PAPER
    axes.add_patch(
        Rectangle(
            (column - 0.47, row - 0.44),
            0.94,
            0.88,
            facecolor=face,
            edgecolor="none" if apart else GREY,
            linestyle=(0, (3, 2)),
            linewidth=0.8,
        )
    )
    ink = letters_on(shades, abs(difference)) if apart else INK
    p = p_value(pair.p_value)
    sure = f"p {p}" if p.startswith("<") else f"p = {p}"
    words = p if small else sure + ("" if apart else ", tied")
    text, size = f"{difference:+.1f}\n{words}", 5.5 if small else 7.5
    axes.text(column, row, text, color=ink, ha="center", va="center", fontsize=size)


def _finding(pairs: Sequence[Comparison]) -> str:
    return (
        f"{_count(sum(pair.p_value < ALPHA for pair in pairs), len(pairs))} In each cell: the "
        "difference in percentage points and its p-value "
        f"({listing(sorted({pair.method for pair in pairs}))}), adjusted for all pairs by Holm's "
        "method. Shades are for pairs that can be told apart, the darker the wider apart; dashed "
        "frames for those that cannot."
    )


def _count(apart: int, pairs: int) -> str:
    if pairs == 1:
        return f"The two networks {'can' if apart else 'cannot'} be told apart."
    if apart in (0, pairs):
        return f"{'All' if apart else 'Not one'} of the {pairs} pairs can be told apart."
    return f"{apart} of the {pairs} pairs can be told apart."


def _in_words(pairs: Sequence[Comparison], looks: Mapping[str, Look]) -> str:
    return ", ".join(
        f"{looks[pair.model_b].title} less {looks[pair.model_a].title} "
        f"{points(-pair.difference)} (p {p_value(pair.p_value)})"
        for pair in pairs
    )
