"""Describe a built network: its layer table, its parameters and its multiply-accumulates."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from cnnreport.errors import ModelError
from cnnreport.records import Architecture, Layer

TIMES = "\N{MULTIPLICATION SIGN}"


def describe(model: keras.Model, output_layer: str | None = None) -> Architecture:
    """Describe a network as a table, with parameter totals and multiply-accumulates.

    The table has a row for each layer, the input included, in reading order: branch by branch,
    each layer after those it reads from. Table and parameters are always those of the whole
    network; `macs` (see `layer_macs`) covers the layers that one forward pass of one image needs.

    Args:
        model: a functional Keras model.
        output_layer: the layer whose output is asked for at test time, such as "main" for a
            GoogLeNet that is tested without its auxiliary heads; None stands for all outputs.

    Raises:
        ModelError: the network has no layer of that name.

    """
    producers = {id(layer.output): layer.name for layer in model.layers}
    rows = {layer.name: _row(layer, producers) for layer in model.layers}
    order = _reading_order(rows, [producers[id(output)] for output in model.outputs])
    needed = order if output_layer is None else _reading_order(rows, [output_layer])
    return Architecture(
        layers=[rows[name] for name in order],
        parameters=model.count_params(),
        trainable_parameters=_count(model.trainable_weights),
        non_trainable_parameters=_count(model.non_trainable_weights),
        macs=sum(layer_macs(model.get_layer(name)) for name in needed),
    )


def layer_macs(layer: keras.Layer) -> int:
    """Count a layer's multiply-accumulates (one product and one sum) for one image.

    Only convolutions (plain, grouped and depthwise) and dense layers count: at each position of
    the output every weight of the kernel is used once. A grouped kernel holds only the weights
    of its own group, so the rule covers it. Products with the zeros of the padding count too, as
    is usual. Biases, normalisation, activations, pooling and sums of maps do not count. He et al.
    2016, table 1, count their FLOPs in the same unit.
    """
    if not isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D | layers.Dense):
        return 0
    positions = layer.output.shape[1:-1]
    return math.prod(positions) * math.prod(layer.kernel.shape)


def _reading_order(rows: dict[str, Layer], outputs: list[str]) -> list[str]:
    """List the layers that `outputs` need, each branch in one piece, sources first."""
    for name in outputs:
        if name not in rows:
            raise ModelError(f"no layer '{name}' to take the output from; known: {', '.join(rows)}")
    order: dict[str, None] = {}
    for name in outputs:
        _append_with_sources(name, rows, order)
    return list(order)


def _append_with_sources(name: str, rows: dict[str, Layer], order: dict[str, None]) -> None:
    if name in order:
        return
    for source in rows[name].inputs:
        _append_with_sources(source, rows, order)
    order[name] = None


def _count(weights: list[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _row(layer: keras.Layer, producers: dict[int, str]) -> Layer:
    kind = type(layer).__name__
    return Layer(
        name=layer.name,
        kind=kind,
        output_shape=list(layer.output.shape[1:]),
        parameters=layer.count_params(),
        activation=_activation(layer),
        settings=SETTINGS[kind](layer) if kind in SETTINGS else "",
        inputs=_inputs(layer, producers),
    )


def _inputs(layer: keras.Layer, producers: dict[int, str]) -> list[str]:
    if isinstance(layer, layers.InputLayer):
        return []
    return [producers[id(tensor)] for tensor in keras.tree.flatten(layer.input)]


def _activation(layer: keras.Layer) -> str:
    function = getattr(layer, "activation", None)
    return "" if function in (None, keras.activations.linear) else function.__name__


def _convolution(layer: keras.Layer) -> str:
    parts = [f"{layer.filters} filters {_window(layer.kernel_size)}"]
    parts += [f"stride {_side(layer.strides)}", layer.padding]
    if layer.groups > 1:
        parts.append(f"{layer.groups} groups")
    return ", ".join(parts + _penalty(layer))


def _pooling(layer: keras.Layer) -> str:
    parts = [f"pool {_window(layer.pool_size)}", f"stride {_side(layer.strides)}"]
    # Pooling without padding is the rule, so only the exception is worth a word.
    return ", ".join(parts + (["same"] if layer.padding == "same" else []))


def _dense(layer: keras.Layer) -> str:
    return ", ".join([f"{layer.units} units", *_penalty(layer)])


def _penalty(layer: keras.Layer) -> list[str]:
    penalty = layer.kernel_regularizer
    return [f"L2 {float(penalty.l2):g}"] if isinstance(penalty, keras.regularizers.L2) else []


def _zero_padding(layer: keras.Layer) -> str:
    return f"{_side([side for axis in layer.padding for side in axis])} on each side"


def _window(lengths: tuple[int, ...]) -> str:
    return TIMES.join(str(length) for length in lengths)


def _side(lengths: Any) -> str:
    """Write equal lengths as one number, others as a window."""
    return str(lengths[0]) if len(set(lengths)) == 1 else _window(tuple(lengths))


SETTINGS: dict[str, Callable[[keras.Layer], str]] = {
    "Conv2D": _convolution,
    "MaxPooling2D": _pooling,
    "AveragePooling2D": _pooling,
    "Dense": _dense,
    "Dropout": lambda layer: f"rate {layer.rate:g}",
    "BatchNormalization": lambda layer: f"momentum {layer.momentum:g}",
    "ZeroPadding2D": _zero_padding,
    "Rescaling": lambda layer: f"factor {layer.scale:g}",
}
"""Kinds of layers whose settings are worth a word, and how the word is made."""
