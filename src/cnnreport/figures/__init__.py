"""Draw the figures of the report, each with a caption that states its finding and an alt text.

A figure is a function of the study and of nothing else: captions hold computed values only, the
same study gives the same bytes, and nothing here reads or writes a file.
"""

from collections.abc import Iterator, Mapping

from cnnreport.figures.classes import class_bars, class_heatmap
from cnnreport.figures.confusions import Groups, confusion, superclass_confusion
from cnnreport.figures.cost import COSTS, accuracy_against
from cnnreport.figures.curves import learning_curve, learning_curves, validation_curves
from cnnreport.figures.drawing import Drawing
from cnnreport.figures.looks import Look, looks_of
from cnnreport.figures.mistakes import confused_pairs
from cnnreport.figures.original import original_comparison
from cnnreport.figures.pairs import pairwise_matrix
from cnnreport.figures.ranking import leaderboard
from cnnreport.figures.reliability import reliability_diagrams
from cnnreport.networks import titled
from cnnreport.original import Original
from cnnreport.study import Study
from cnnreport.superclasses import superclasses_of


def all_drawings(study: Study, original: Original) -> Iterator[Drawing]:
    """Yield every figure of a study, set beside the original study where that has its cells."""
    looks = looks_of(study.params.models, titled(study.params.models, original.titles))
    for dataset in study.params.datasets:
        groups = superclasses_of(study.params, dataset, study.datasets[dataset].class_names)
        found = (
            leaderboard(study, dataset, looks),
            *(accuracy_against(study, dataset, looks, kind) for kind in COSTS),
            learning_curves(study, dataset, looks),
            validation_curves(study, dataset, looks),
            pairwise_matrix(study, dataset, looks),
            class_heatmap(study, dataset, looks, groups),
            confused_pairs(study, dataset, looks),
            reliability_diagrams(study, dataset, looks),
            original_comparison(study, dataset, looks, original),
            *_of_cells(study, dataset, looks, groups),
        )
        yield from (drawing for drawing in found if drawing)


def _of_cells(
    study: Study, dataset: str, looks: Mapping[str, Look], groups: Groups
) -> Iterator[Drawing | None]:
    for cell in study.cells_of(dataset):
        yield learning_curve(cell, looks[cell.model])
        yield confusion(cell, looks[cell.model], groups)
        yield superclass_confusion(cell, looks[cell.model], groups)
        yield class_bars(cell, looks[cell.model])
