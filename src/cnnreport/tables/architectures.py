"""Tables of how the networks are built: layers, parameters and work."""

from cnnreport.evidence import derive
from cnnreport.formats import macs, md, percent, thousands
from cnnreport.quantities import WITH_KERNEL, depth
from cnnreport.records import Architecture
from cnnreport.study import Study
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import Names, shape_text
from cnnreport.topology import steps, trunk


def layer_table(architecture: Architecture) -> Table:
    """Return one row a layer; where the layer reads from is shown where the network branches."""
    before = [[], *([layer.name] for layer in architecture.layers)]
    branches = any(
        layer.inputs != expected
        for layer, expected in zip(architecture.layers, before, strict=False)
    )
    headers = ["Layer", "Kind", "Settings", "Activation", "Output", "Parameters"]
    rows = [
        [
            md(layer.name),
            md(layer.kind),
            md(layer.settings),
            md(layer.activation),
            shape_text(layer.output_shape),
            thousands(layer.parameters),
            *([md(", ".join(layer.inputs))] if branches else []),
        ]
        for layer in architecture.layers
    ]
    return Table([*headers, *(["Reads from"] if branches else [])], rows, "llllrr" + "l" * branches)


def totals(architecture: Architecture) -> Table:
    """Return the parameter totals of a network and its multiply-accumulates for one image."""
    rows = [
        ["Parameters", thousands(architecture.parameters)],
        ["of these trained", thousands(architecture.trainable_parameters)],
        ["of these not trained", thousands(architecture.non_trainable_parameters)],
        ["Multiply-accumulates an image", macs(architecture.macs)],
    ]
    return Table(["Total", "Number"], rows, "lr")


def networks(study: Study, dataset: str, names: Names) -> Table:
    """Return the size of every network as built for an image set, and its accuracy there."""
    rows = [
        [
            names[cell.model],
            thousands(depth(cell.architecture)),
            thousands(_layers_with_weights(cell.architecture)),
            thousands(cell.architecture.parameters),
            thousands(cell.architecture.trainable_parameters),
            thousands(cell.architecture.non_trainable_parameters),
            macs(cell.architecture.macs),
            percent(cell.metrics.accuracy),
        ]
        for cell in study.cells_of(dataset)
    ]
    headers = [
        "Network",
        "Depth",
        "Convolutions and dense layers",
        "Parameters",
        "Trained",
        "Not trained",
        "MACs an image",
        "Test accuracy",
    ]
    return Table(headers, rows, "lrrrrrrr")


def _layers_with_weights(architecture: Architecture) -> int:
    counted = [layer for layer in architecture.layers if layer.kind in WITH_KERNEL]
    how = f"layers of the kinds {' and '.join(WITH_KERNEL)} in the network"
    return derive(len(counted), how, *(layer.parameters for layer in counted))


def has_blocks(architecture: Architecture) -> bool:
    """Say whether a network has blocks of branches, which then have a drawing of their own."""
    return any(step.joined for step in steps(trunk(architecture)))
