"""Draw what shows pixels of an image set: sheets of its images, and one image inside the networks.

A picture is a function of the study and of the arrays given with it. Nothing here reads or writes a
file, and the pictures are not for git: images of others are not ours to publish.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cnnreport.examples import Trace
from cnnreport.figures.drawing import Drawing
from cnnreport.figures.looks import looks_of
from cnnreport.pictures.sheets import alone_sheet, missed_sheet, pair_sheet, samples
from cnnreport.pictures.traces import activations, convolution
from cnnreport.prepared import Split
from cnnreport.study import Study

SIMPLEST = "lenet"
"""The network whose first convolution is shown at work, where it is among those compared."""


@dataclass(frozen=True, eq=False)
class Images:
    """The images of a set: for training, for testing, and what each network made of one."""

    train: Split
    test: Split
    traces: Mapping[str, Trace]


def all_pictures(
    study: Study, images: Mapping[str, Images], titles: Mapping[str, str]
) -> Iterator[Drawing]:
    """Yield every picture of a study, given the images of each set by its name."""
    for dataset in study.params.datasets:
        for drawing in _of_dataset(study, dataset, images[dataset], titles):
            if drawing:
                yield drawing


def _of_dataset(
    study: Study, dataset: str, images: Images, titles: Mapping[str, str]
) -> Iterator[Drawing | None]:
    record, looks = study.datasets[dataset], looks_of(study.params.models, titles)
    yield samples(study, dataset, images.train)
    yield missed_sheet(study, dataset, images.test)
    yield pair_sheet(study, dataset, images.test)
    models = study.params.models
    first = SIMPLEST if SIMPLEST in models else models[0]
    for cell in study.cells_of(dataset):
        look, trace = looks[cell.model], images.traces.get(cell.model)
        yield alone_sheet(study, cell, look.title, images.test)
        if trace and cell.example:
            yield activations(cell, look, trace, record)
            if cell.model == first and cell.example.window:
                yield convolution(cell, look, trace, record)
