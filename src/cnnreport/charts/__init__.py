"""Make interactive charts of the figures for which hovering helps, as Vega-Lite by Altair.

A chart is a function of the study and has the name of the figure that it is another form of; the
same study gives the same text. Class names and titles are in its data, never in an expression.
"""

from collections.abc import Iterator, Mapping

from cnnreport.charts.classes import class_heatmap
from cnnreport.charts.confusions import confusion
from cnnreport.charts.cost import cost_charts
from cnnreport.charts.curves import learning_curve, learning_curves
from cnnreport.charts.reliability import reliability_diagrams
from cnnreport.charts.spec import Chart
from cnnreport.figures.looks import looks_of
from cnnreport.study import Study
from cnnreport.superclasses import superclasses_of


def all_charts(study: Study, titles: Mapping[str, str]) -> Iterator[Chart]:
    """Yield every chart of a study; `titles` is how networks are written in text."""
    looks = looks_of(study.params.models, titles)
    for dataset in study.params.datasets:
        yield from cost_charts(study, dataset, looks)
        yield learning_curves(study, dataset, looks)
        groups = superclasses_of(study.params, dataset, study.datasets[dataset].class_names)
        yield class_heatmap(study, dataset, looks, groups)
        yield reliability_diagrams(study, dataset, looks)
        for cell in study.cells_of(dataset):
            yield learning_curve(cell, looks)
            yield confusion(cell, groups)
