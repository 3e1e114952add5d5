"""Networks by the names of their files, untrained and not yet compiled.

The file of a network is found by its name and no other network's is loaded: what the others are, or
how many, decides nothing here (`cnnreport.networks` lists them).
"""

import importlib
from types import ModuleType

import keras
from keras import layers

from cnnreport.errors import ModelError
from cnnreport.models.blocks import MAIN

WITH_KERNEL = (layers.Conv2D, layers.Dense)
"""Layers whose multiply-accumulates are counted."""

WITHOUT_WORK = (
    layers.BatchNormalization,
    layers.LayerNormalization,
    layers.GroupNormalization,
    layers.PReLU,
)
"""Layers with weights whose work is not counted, as is usual."""


def build_network(name: str, input_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Build a network by name with freshly initialised weights.

    Args:
        name: that of a file beside this one with a function ``build(input_shape, classes)``.
        input_shape: height and width in pixels and number of channels of one image.
        classes: number of classes, at least 2.

    Returns:
        A functional model from images (n, height, width, channels) to class scores (n, classes).

    Raises:
        ModelError: there is no such file or function, the network cannot take this input shape or
            number of classes, or it is none that the report can describe.

    """
    build = getattr(module_of(name), "build", None)
    if build is None:
        raise ModelError(
            f"{name}: wanted a function build(input_shape, classes) in models/{name}.py, came none"
        )
    network = build(input_shape, classes)
    if isinstance(network, keras.Sequential) and network.built:
        network = keras.Model(network.inputs, network.outputs, name=name)
    _check(network, name, input_shape, classes)
    return network


def module_of(name: str) -> ModuleType:
    """Load the file of a network, and no other network's, and return it as a module.

    Raises:
        ModelError: there is none of that name.

    """
    module = f"{__name__}.{name}"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ModelError(
            f"unknown network '{name}': there is no src/cnnreport/models/{name}.py; "
            "`cnnreport check` names those that are registered"
        ) from error


def _check(network: object, name: str, input_shape: tuple[int, int, int], classes: int) -> None:
    """Raise an error for what could be trained but not be described, or would end in nonsense."""
    if not (isinstance(network, keras.Model) and network.built and hasattr(network, "inputs")):
        raise ModelError(
            f"{name}: wanted a built keras.Model from build(), came {type(network).__name__}"
        )
    came = [tuple(tensor.shape) for tensor in (*network.inputs, *network.outputs)]
    wanted = [(None, *input_shape), (None, classes)]
    if came != wanted:
        raise ModelError(
            f"{name}: wanted one input and one output of shapes {wanted[0]} and {wanted[1]}, came "
            f"{' and '.join(map(str, came))}"
        )
    last = next((layer for layer in network.layers if layer.name == MAIN), None)
    if getattr(last, "activation", None) is not keras.activations.softmax:
        raise ModelError(
            f"{name}: wanted its answer from a layer '{MAIN}' with softmax; end it with "
            "`softmax(x, classes)` of cnnreport.models.blocks"
        )
    for layer in network.layers:
        _check_layer(layer, name)


def _check_layer(layer: keras.Layer, name: str) -> None:
    where = f"{name}: layer '{layer.name}'"
    if isinstance(layer, keras.Model):
        raise ModelError(f"{where} is a network in itself; call its layers one by one instead")
    if layer.trainable_weights and not isinstance(layer, WITH_KERNEL + WITHOUT_WORK):
        raise ModelError(
            f"{where} is a {type(layer).__name__}, whose multiply-accumulates the report cannot "
            "count; it can those of Conv2D (groups included) and Dense"
        )
    # Keras has no public name for the places of a layer; its own `layer.output` gives the first.
    if len(layer._inbound_nodes) > 1:
        raise ModelError(
            f"{where} is used more than once, and the report has one row and one place for a layer"
        )
