"""Networks that train in milliseconds, with the parts whose training takes care to get right."""

import keras  # noqa: TID253 - these are Keras' networks
from keras import layers  # noqa: TID253

from cnnreport.models.blocks import AUXILIARY_WEIGHT, softmax


def normalised(name: str, shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return one with a penalty on weights, a shortcut, and normalisation of maps and of rows."""
    image = keras.Input(shape, name="image")
    x = layers.Conv2D(4, 3, strides=4, kernel_regularizer=keras.regularizers.L2(0.5))(image)
    x = layers.BatchNormalization()(x)
    y = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x))
    x = layers.Flatten()(layers.Add()([x, y]))
    x = layers.BatchNormalization()(
        layers.Dense(6, kernel_regularizer=keras.regularizers.L2(0.5))(x)
    )
    return keras.Model(image, softmax(x, classes), name=name)


def with_dropout(name: str, shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return one with two generators of random numbers, and normalisation."""
    image = keras.Input(shape, name="image")
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, strides=4)(image))
    x = layers.Dropout(0.4)(layers.Flatten()(x))
    x = layers.Dropout(0.4)(layers.Dense(16, "relu")(x))
    return keras.Model(image, softmax(x, classes), name=name)


def with_heads(name: str, shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return one with GoogLeNet's three heads and their weighted sum."""
    image = keras.Input(shape, name="image")
    x = layers.Flatten()(layers.Conv2D(4, 3, strides=4)(image))
    heads = [softmax(layers.Dense(5)(x), classes, head) for head in ("main", "aux1", "aux2")]
    weighted = [layers.Rescaling(AUXILIARY_WEIGHT)(head) for head in heads[1:]]
    return keras.Model(image, layers.Add()([heads[0], *weighted]), name=name)
