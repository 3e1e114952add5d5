"""Tables of one image on its way through a network: one value by hand, the layers, the answer."""

from cnnreport.errors import InputError
from cnnreport.evidence import cite
from cnnreport.examples import Example
from cnnreport.formats import NBSP, decimal, md, percent, thousands
from cnnreport.study import Cell
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import shape_text

CHANNELS = ("red", "green", "blue")
KINDS = {
    "Activation": "activation",
    "AveragePooling2D": "average pooling",
    "Concatenate": "branches joined",
    "Conv2D": "convolution",
    "Dense": "dense",
    "MaxPooling2D": "maximum pooling",
}
"""How Keras' classes of layers are written."""


def window_sum(cell: Cell) -> Table:
    """Return how one value of the first convolution is added up, and what the network has there."""
    window = _example(cell).by_hand
    channels = len(window.products)
    names = CHANNELS if channels == len(CHANNELS) else tuple(map(str, range(1, channels + 1)))
    after = ", after ReLU" if window.activation else ""
    rows = [
        *(
            [f"pixels times weights, channel {name}", decimal(part, 3)]
            for name, part in zip(names, window.products, strict=True)
        ),
        ["bias of the filter", decimal(window.bias, 3)],
        ["sum", decimal(window.total, 3)],
        [f"the network's own value{after}", decimal(window.output, 3)],
    ]
    return Table(["Part", "Value"], rows, "lr")


def steps(cell: Cell) -> Table:
    """Return the layers that are shown: kind, output, parameters and how much of it is zero."""
    parameters = {layer.name: layer.parameters for layer in cell.architecture.layers}
    rows = [
        [
            f"`{step.layer}`",
            md(KINDS.get(step.kind, step.kind)),
            shape_text(step.shape),
            thousands(parameters[step.layer]) if step.layer in parameters else "",
            decimal(step.largest, 2),
            percent(step.zeros, 0),
        ]
        for step in _example(cell).steps
    ]
    headers = ["Layer", "Kind", "Output", "Parameters", "Largest value", "Zeros"]
    return Table(headers, rows, "llrrrr")


def likeliest(cell: Cell, n: int = 5) -> Table:
    """Return the n classes with the highest probability."""
    order = sorted(_example(cell).probabilities.items(), key=lambda item: -item[1])[:n]
    rows = [[md(name), _share(share)] for name, share in order]
    return Table(["Class", "Probability"], rows, "lr")


def _share(probability: float) -> str:
    """Write a probability as a percentage; one that rounds to nothing is said to be smaller."""
    if 0 < probability < SMALLEST:
        return cite(probability, f"< {100 * SMALLEST:.2f}{NBSP}%")
    return percent(probability, 2)


SMALLEST = 0.0001
"""Below this a probability is only said to be smaller."""


def likeliest_class(cell: Cell) -> str:
    """Return the class that the network names."""
    probabilities = _example(cell).probabilities
    return max(probabilities, key=lambda name: probabilities[name])


def _example(cell: Cell) -> Example:
    """Return what the network made of one image.

    Raises:
        InputError: no image was followed through it.

    """
    if cell.example is None:
        raise InputError(f"{cell.dataset}/{cell.model}: no image was followed through it")
    return cell.example
