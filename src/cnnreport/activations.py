"""Follow one image through a trained network: outputs of telling layers, and one value by hand."""

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np

from cnnreport.errors import ResultsError
from cnnreport.examples import MAPS, Example, Floats, Step, Trace, Window, map_of, window_of
from cnnreport.predictor import Predictor
from cnnreport.prepared import Images

LAYERS = 8
"""No network shows more layers than this."""

TELLING: dict[str, tuple[str, ...]] = {
    "lenet": ("conv1", "pool1", "conv2", "pool2", "dense1", "dense2", "main"),
    "alexnet": ("conv1", "pool1", "conv2", "pool2", "conv5", "dense6", "dense7", "main"),
    "vgg16": (
        *(f"block{number}_pool" for number in range(1, 6)),
        *("dense1", "dense2", "main"),
    ),
    "resnet50": (
        *("conv1_relu", "pool1", "stage2_block3_relu", "stage3_block4_relu"),
        *("stage4_block6_relu", "stage5_block3_relu", "pool5", "main"),
    ),
    "googlenet": (
        *("conv1_relu", "conv3_relu", "inception3b", "inception4c"),
        *("inception4e", "inception5b", "dense", "main"),
    ),
}
"""The layers that are shown: of LeNet all, of the others the last one of each block."""

WORKING = (
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
)
"""The layers of an unknown network that are worth a look."""

ADJUSTING = (
    keras.layers.Activation,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.PReLU,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
)
"""What stands behind a layer and belongs to it; a picture shows what comes out in the end."""

TOLERANCE = 1e-3
"""Single precision adds hundreds of products in another order than double precision does."""


def telling_layers(network: keras.Model) -> list[str]:
    """Return the names of the layers to show; of a network of another make some, evenly spread."""
    wanted = TELLING.get(network.name, ())
    if wanted and {layer.name for layer in network.layers}.issuperset(wanted):
        return list(wanted)
    names = [
        _adjusted(layer, network).name for layer in network.layers if isinstance(layer, WORKING)
    ]
    shown = [name for name in names if network.get_layer(name).output.ndim in (2, 4)]
    chosen = np.linspace(0, len(shown) - 1, min(LAYERS, len(shown))).round().astype(int)
    return [shown[index] for index in dict.fromkeys(chosen.tolist())]


def _adjusted(layer: keras.Layer, network: keras.Model) -> keras.Layer:
    """Return the last of the layers that only normalise or bend what a layer puts out."""
    readers = [
        each
        for each in network.layers
        if not isinstance(each, keras.layers.InputLayer)
        and any(tensor is layer.output for tensor in keras.tree.flatten(each.input))
    ]
    if len(readers) == 1 and isinstance(readers[0], ADJUSTING):
        return _adjusted(readers[0], network)
    return layer


def follow(
    network: keras.Model,
    predictor: Predictor,
    image: Images,
    classes: Sequence[str],
    place: tuple[int, int, int],
) -> tuple[Example, Trace]:
    """Return what a network makes of an image (height, width, 3), in numbers and in arrays.

    Args:
        network: the network with its weights in it.
        predictor: the same network as it answers, which scales pixels and joins heads.
        image: the image, uint8.
        classes: the names of the classes.
        place: the image's number among the test images, its label and the seed of the weights.

    Raises:
        ResultsError: a value of a convolution is not what its weights give.

    """
    pixels = image.astype(np.float32) * predictor.scale + predictor.offset
    first = _first_convolution(network)
    names = telling_layers(network)
    outputs = _outputs(network, [*names, *([first.name] if first else [])], pixels)
    entry, kernel, bias = _entry(network, first, pixels) if first else NOTHING
    maps = {name: _first_maps(outputs[name]) for name in names}
    trace = Trace(image, entry, kernel, bias, maps)
    probabilities = predictor.probabilities(image[None])[0]
    example = Example(
        image=place[0],
        label=place[1],
        seed=place[2],
        probabilities=dict(zip(classes, probabilities.tolist(), strict=True)),
        steps=[_step(network.get_layer(name), outputs[name]) for name in names],
        window=_window(first, trace, outputs[first.name]) if first else None,
    )
    return example, trace


NOTHING = (
    np.zeros((0, 0, 0), np.float32),
    np.zeros((0, 0, 0, 0), np.float32),
    np.zeros(0, np.float32),
)
"""Input, weights and bias of no convolution."""


def _first_convolution(network: keras.Model) -> keras.layers.Conv2D | None:
    """Return the first convolution that `examples.convolve` can follow, None if there is none."""
    return next((layer for layer in network.layers if _by_hand(layer)), None)


def _by_hand(layer: keras.Layer) -> bool:
    return (
        isinstance(layer, keras.layers.Conv2D)
        and layer.groups == 1
        and set(layer.dilation_rate) == {1}
        and len(set(layer.strides)) == 1
        and layer.activation in (keras.activations.relu, keras.activations.linear)
    )


def _entry(
    network: keras.Model, layer: keras.layers.Conv2D, pixels: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return what a convolution takes, its weights and its bias, zeros if it has none."""
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    bias = layer.bias if layer.use_bias else np.zeros(layer.filters, np.float32)
    return _input_of(network, layer, pixels), kernel, keras.ops.convert_to_numpy(bias)


def _outputs(network: keras.Model, names: Sequence[str], pixels: Floats) -> dict[str, Floats]:
    """Return the outputs of layers for one scaled image, without the batch axis."""
    wanted = {name: network.get_layer(name).output for name in names}
    found = keras.Model(network.input, wanted)(pixels[None], training=False)
    return {name: keras.ops.convert_to_numpy(found[name])[0].astype(np.float32) for name in names}


def _input_of(network: keras.Model, layer: keras.Layer, pixels: Floats) -> Floats:
    if layer.input is network.input:
        return pixels
    found = keras.Model(network.input, layer.input)(pixels[None], training=False)
    return np.asarray(keras.ops.convert_to_numpy(found)[0], np.float32)


def _first_maps(output: Floats) -> Floats:
    return output[..., :MAPS] if output.ndim == 3 else output


def _step(layer: keras.Layer, output: Floats) -> Step:
    return Step(
        layer=layer.name,
        kind=type(layer).__name__,
        shape=list(output.shape),
        largest=float(output.max()),
        zeros=float((output == 0).mean()),
    )


def _window(layer: keras.layers.Conv2D, trace: Trace, own: Floats) -> Window:
    """Compute the largest output of a convolution by hand and hold it against the network's own.

    The whole map of its filter is compared, so that the picture of it is the network's as well.
    """
    row, column, number = (int(each) for each in np.unravel_index(own.argmax(), own.shape))
    rectified = layer.activation is keras.activations.relu
    filters = trace.kernel.shape[3]
    window = Window(
        layer=layer.name,
        filter=number,
        filters=filters,
        size=list(trace.kernel.shape[:3]),
        stride=int(layer.strides[0]),
        padding=str(layer.padding),
        row=row,
        column=column,
        products=[],
        bias=float(trace.bias[number]),
        total=0.0,
        activation="relu" if rectified else "",
        output=float(own[row, column, number]),
    )
    sums = map_of(trace, window)
    ours = np.maximum(sums, 0) if rectified else sums
    off = float(np.abs(ours - own[..., number]).max())
    if off > TOLERANCE * max(1.0, float(np.abs(own).max())):
        raise ResultsError(
            f"{layer.name}: its weights give another map than the network, off by {off:.2g}"
        )
    products = (window_of(trace, window).astype(float) * trace.kernel[..., number]).sum(axis=(0, 1))
    return replace(window, products=products.tolist(), total=float(sums[row, column]))
