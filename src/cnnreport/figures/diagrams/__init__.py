"""Draw the diagrams of the theory chapters, and how each network of a study is built.

They are drawings like all other figures: names, captions and alt texts with computed numbers only.
"""

from collections.abc import Iterator, Mapping

from cnnreport.figures.diagrams import blocks, networks, training, units, volumes, windows
from cnnreport.figures.drawing import Drawing
from cnnreport.figures.looks import Look, looks_of
from cnnreport.study import Study


def study_diagrams(study: Study, titles: Mapping[str, str]) -> Iterator[Drawing]:
    """Yield the diagrams of a study's networks, for the live study those of chapter 4 too.

    `titles` are how networks are written in text.
    """
    looks = looks_of(study.params.models, titles)
    yield from network_diagrams(study, looks)
    if not study.name:
        yield from diagrams(study, looks)


def diagrams(study: Study, looks: Mapping[str, Look]) -> Iterator[Drawing]:
    """Yield the diagrams of chapter 4, which the live study alone has."""
    yield units.neuron()
    yield units.activations()
    yield training.gradient_descent()
    yield training.learning_rates(study.cells_of(study.params.datasets[0]), looks)
    yield training.split(list(study.datasets.values()))
    yield volumes.volumes()
    yield windows.convolution()
    yield windows.stride_and_padding()
    yield windows.pooling()
    yield windows.receptive_fields()
    yield blocks.inception_module()
    yield blocks.residual_blocks()


def network_diagrams(study: Study, looks: Mapping[str, Look]) -> Iterator[Drawing]:
    """Yield how each network is built for the first image set, and its blocks if it branches."""
    dataset = study.params.datasets[0]
    title = study.datasets[dataset].title
    for cell in study.cells_of(dataset):
        yield networks.architecture(cell, looks[cell.model], title)
        branching = networks.blocks(cell, looks[cell.model], title)
        if branching:
            yield branching
