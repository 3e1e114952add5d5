"""The pieces that several networks share: the checked input and small functions from x to x.

Every layer gets a name here or from the caller, so that a network's names are the same however
many networks were built before it. The batch normalisation in some of these blocks is that of
Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
Covariate Shift", ICML 2015, section 3.
"""

from typing import Any

import keras
from keras import layers

from cnnreport.errors import ModelError

MAIN = "main"
"""The layer that gives the probabilities of the classes."""

AUXILIARY_WEIGHT = 0.3
"""What an auxiliary head of GoogLeNet counts: Szegedy et al. 2015, section 5."""


def image_input(
    network: str, input_shape: tuple[int, int, int], classes: int, smallest_side: int
) -> keras.KerasTensor:
    """Check what a network is asked for and return its input, named "image".

    Args:
        network: name of the network, for the errors.
        input_shape: height and width in pixels and number of channels of one image.
        classes: number of classes to tell apart, at least 2.
        smallest_side: least height and least width, in pixels, that the network can take.

    Raises:
        ModelError: the shape is not three positive whole numbers, the image is too small, or
            there are fewer than two classes.

    """
    if not _is_image_shape(input_shape):
        raise ModelError(
            f"{network}: wanted an input shape (height, width, channels) of three whole numbers "
            f"of at least 1, came {input_shape!r}"
        )
    if not _is_whole(classes) or classes < 2:
        raise ModelError(
            f"{network}: wanted a whole number of at least 2 classes, came {classes!r}"
        )
    height, width, _ = input_shape
    if min(height, width) < smallest_side:
        raise ModelError(
            f"{network}: the smallest image it can take is {smallest_side}x{smallest_side} pixels, "
            f"came {height}x{width}; enlarge the images"
        )
    return keras.Input(tuple(input_shape), name="image")


def conv_relu(x: keras.KerasTensor, filters: int, size: int, name: str) -> keras.KerasTensor:
    """Convolve with zero padding, so that height and width stay the same, then ReLU."""
    return layers.Conv2D(filters, size, padding="same", activation="relu", name=name)(x)


def conv_bn(
    x: keras.KerasTensor, filters: int, size: int, name: str, **options: Any
) -> keras.KerasTensor:
    """Convolve, then normalise over the batch; `options` go to the convolution."""
    x = layers.Conv2D(filters, size, name=name, **options)(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)


def conv_bn_relu(
    x: keras.KerasTensor, filters: int, size: int, name: str, **options: Any
) -> keras.KerasTensor:
    """Convolve, normalise, then ReLU: the order of Ioffe and Szegedy (section 3.2)."""
    x = conv_bn(x, filters, size, name, **options)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def conv_relu_bn(
    x: keras.KerasTensor, filters: int, size: int, name: str, **options: Any
) -> keras.KerasTensor:
    """Convolve, ReLU, then normalise: the order of the study's AlexNet and VGGNet-16."""
    return conv_bn(x, filters, size, name, activation="relu", **options)


def dense_relu_dropout(
    x: keras.KerasTensor, units: int, rate: float, name: str
) -> keras.KerasTensor:
    """Connect every input to every unit, then ReLU, then drop units at `rate` in training."""
    x = layers.Dense(units, activation="relu", name=name)(x)
    return layers.Dropout(rate, name=f"{name}_dropout")(x)


def softmax(
    x: keras.KerasTensor, classes: int, name: str = MAIN, **options: Any
) -> keras.KerasTensor:
    """Close a network: one probability for each class; `options` go to the dense layer.

    It stays in single precision where the rest of a network does not: half precision rounds
    probabilities near one to one.
    """
    return layers.Dense(classes, activation="softmax", name=name, dtype="float32", **options)(x)


def _is_image_shape(shape: object) -> bool:
    return (
        isinstance(shape, tuple | list)
        and len(shape) == 3
        and all(_is_whole(length) and length >= 1 for length in shape)
    )


def _is_whole(value: object) -> bool:
    # True and False are whole numbers to Python, but nobody means them as a size.
    return isinstance(value, int) and not isinstance(value, bool)
