"""Turn a study into the tables of the report: rows of text, ready for Markdown.

The functions take `names`, how a page writes each network; a page that wants links in its tables
passes names that are links. All other words of a table that came from a file are escaped here.
Templates reach everything below as `tables.NAME`.
"""

from cnnreport.calibration import BINS, confidence_finding, worse_than_blind
from cnnreport.tables.architectures import has_blocks, layer_table, networks, totals
from cnnreport.tables.calibration import calibrations, reliability_bins
from cnnreport.tables.claims import claims
from cnnreport.tables.classes import (
    cell_classes,
    class_accuracy,
    confusions,
    extreme_classes,
    top_classes,
)
from cnnreport.tables.costs import (
    PASSES,
    TIMES_APART,
    cell_training_cost,
    cell_use_cost,
    energy_methods,
    images_a_second,
    latency_conditions,
    training_cost,
    training_macs,
    use_cost,
)
from cnnreport.tables.data import data_loading
from cnnreport.tables.differences import (
    comparison_markdown,
    difference_parts,
    difference_summary,
)
from cnnreport.tables.examples import likeliest, likeliest_class, steps, window_sum
from cnnreport.tables.folders import class_counts, file_notes, left_out, reasons
from cnnreport.tables.markdown import Table, markdown_table
from cnnreport.tables.misses import missed_alone, missed_finding, missed_images
from cnnreport.tables.original import (
    conditions,
    datasets_in_original,
    in_original,
    original_accuracy,
    original_classes,
    original_epochs,
    original_training,
    repeats,
    reproduced,
    reproduction_finding,
)
from cnnreport.tables.pairs import class_differences, doubt_beside, pairs, side_by_side
from cnnreport.tables.places import machines, training_days
from cnnreport.tables.plausibility import (
    expected,
    findings,
    image_set_limits,
    published,
    resolution,
    standing_out,
    standing_out_anywhere,
)
from cnnreport.tables.ranking import (
    comparisons,
    leaderboard,
    narrow_leaderboard,
    overall_accuracy,
    short_leaderboard,
)
from cnnreport.tables.recipes import (
    OF_THE_NETWORK,
    hyper_parameters,
    optimiser_text,
    rate_text,
    settings,
    settings_of,
    unequal_settings,
)
from cnnreport.tables.results import SHOWN_APART, seeds_table, test_results, training_output
from cnnreport.tables.words import (
    INTERVAL,
    NONE,
    Names,
    by_one_seed,
    drawn,
    interval_text,
    shape_text,
    with_doubt,
    with_order_in_doubt,
)

__all__ = [
    "BINS",
    "INTERVAL",
    "NONE",
    "OF_THE_NETWORK",
    "PASSES",
    "SHOWN_APART",
    "TIMES_APART",
    "Names",
    "Table",
    "by_one_seed",
    "calibrations",
    "cell_classes",
    "cell_training_cost",
    "cell_use_cost",
    "claims",
    "class_accuracy",
    "class_counts",
    "class_differences",
    "comparison_markdown",
    "comparisons",
    "conditions",
    "confidence_finding",
    "confusions",
    "data_loading",
    "datasets_in_original",
    "difference_parts",
    "difference_summary",
    "doubt_beside",
    "drawn",
    "energy_methods",
    "expected",
    "extreme_classes",
    "file_notes",
    "findings",
    "has_blocks",
    "hyper_parameters",
    "image_set_limits",
    "images_a_second",
    "in_original",
    "interval_text",
    "latency_conditions",
    "layer_table",
    "leaderboard",
    "left_out",
    "likeliest",
    "likeliest_class",
    "machines",
    "markdown_table",
    "missed_alone",
    "missed_finding",
    "missed_images",
    "narrow_leaderboard",
    "networks",
    "optimiser_text",
    "original_accuracy",
    "original_classes",
    "original_epochs",
    "original_training",
    "overall_accuracy",
    "pairs",
    "published",
    "rate_text",
    "reasons",
    "reliability_bins",
    "repeats",
    "reproduced",
    "reproduction_finding",
    "resolution",
    "seeds_table",
    "settings",
    "settings_of",
    "shape_text",
    "short_leaderboard",
    "side_by_side",
    "standing_out",
    "standing_out_anywhere",
    "steps",
    "test_results",
    "top_classes",
    "totals",
    "training_cost",
    "training_days",
    "training_macs",
    "training_output",
    "unequal_settings",
    "use_cost",
    "window_sum",
    "with_doubt",
    "with_order_in_doubt",
    "worse_than_blind",
]
