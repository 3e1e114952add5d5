"""GoogLeNet (Inception v1), which looks at every map through filters of several sizes at once.

Source: C. Szegedy, W. Liu, Y. Jia and others, "Going Deeper with Convolutions", CVPR 2015,
sections 4 and 5, table 1 and figures 2(b) and 3.

Nine inception modules, named 3a to 5b as in table 1. A module sends its input through 1x1, 3x3 and
5x5 filters and a pooling layer side by side and stacks the results; 1x1 convolutions before the
large filters keep them affordable. Two auxiliary heads classify from the middle of the network, so
that gradients reach the early layers.

What differs from the paper:

- The first convolution has 32 filters of 3x3 instead of 64 of 7x7, and three rows of zeros are put
  around the image before it.
- Pooling windows between modules are 2x2 with stride 1 and take away one pixel; the paper's halve
  the maps. A 32x32 image is still 12x12 pixels large in modules 3, 11x11 in modules 4 and 10x10 in
  modules 5.
- Two 3x3 convolutions of 192 filters stand where the paper has a 1x1 one of 64 and a 3x3 one of
  192; batch normalisation replaces response normalisation around them.
- Module 4c has 24 instead of 64 filters of 5x5, module 4e reduces to 120 instead of 160 maps
  before its 3x3 filters.
- The last average pooling (7x7, stride 1) leaves 4x4 pixels instead of one, and a dense layer of
  1000 units with ReLU stands before the softmax; it alone holds seven tenths of the parameters.
- The auxiliary heads have 256 units and dropout 0.4 instead of 1024 units and dropout 0.7.
- The output is the sum main + 0.3 aux1 + 0.3 aux2, so its values add up to 1.6 and the auxiliary
  heads vote at test time. In the paper their losses count with weight 0.3 in training and they
  are left out at test time; for that, build a model on the outputs of the layers "main", "aux1" and
  "aux2" of this one.
"""

import keras
from keras import layers

from cnnreport.models.blocks import (
    AUXILIARY_WEIGHT,
    conv_bn_relu,
    conv_relu,
    dense_relu_dropout,
    image_input,
    softmax,
)

SMALLEST_SIDE = 25
"""Pixels; below it the average pooling at the end has no 7x7 window left."""


def build(input_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Build GoogLeNet for images (height, width, channels); it returns the sum of three heads."""
    image = image_input("googlenet", input_shape, classes, SMALLEST_SIDE)
    x = _stem(image)
    x = _inception(x, "inception3a", 64, (96, 128), (16, 32), 32)
    x = _inception(x, "inception3b", 128, (128, 192), (32, 96), 64)
    x = layers.MaxPooling2D(2, strides=1, name="pool3")(x)
    x = _inception(x, "inception4a", 192, (96, 208), (16, 48), 64)
    aux1 = _auxiliary_head(x, classes, "aux1")
    x = _inception(x, "inception4b", 160, (112, 224), (24, 64), 64)
    x = _inception(x, "inception4c", 128, (128, 256), (24, 24), 64)
    x = _inception(x, "inception4d", 112, (144, 288), (32, 64), 64)
    aux2 = _auxiliary_head(x, classes, "aux2")
    x = _inception(x, "inception4e", 256, (120, 320), (32, 128), 128)
    x = layers.MaxPooling2D(2, strides=1, name="pool4")(x)
    x = _inception(x, "inception5a", 256, (160, 320), (32, 128), 128)
    x = _inception(x, "inception5b", 384, (192, 384), (48, 128), 128)
    main = _main_head(x, classes)
    return keras.Model(image, _weighted_sum(main, aux1, aux2), name="googlenet")


def _stem(x: keras.KerasTensor) -> keras.KerasTensor:
    """Find edges and corners before the first module."""
    x = layers.ZeroPadding2D(3, name="pad")(x)
    x = conv_bn_relu(x, 32, 3, "conv1", strides=2)
    x = layers.MaxPooling2D(2, strides=1, name="pool1")(x)
    x = conv_bn_relu(x, 192, 3, "conv2")
    x = conv_bn_relu(x, 192, 3, "conv3")
    return layers.MaxPooling2D(2, strides=1, name="pool2")(x)


def _inception(
    x: keras.KerasTensor,
    name: str,
    ones: int,
    threes: tuple[int, int],
    fives: tuple[int, int],
    pooled: int,
) -> keras.KerasTensor:
    """Stack four views of x; a pair counts the 1x1 filters before and the large filters after."""
    reduced3 = conv_relu(x, threes[0], 1, f"{name}_3x3_reduce")
    reduced5 = conv_relu(x, fives[0], 1, f"{name}_5x5_reduce")
    pool = layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    views = [
        conv_relu(x, ones, 1, f"{name}_1x1"),
        conv_relu(reduced3, threes[1], 3, f"{name}_3x3"),
        conv_relu(reduced5, fives[1], 5, f"{name}_5x5"),
        conv_relu(pool, pooled, 1, f"{name}_pool_reduce"),
    ]
    return layers.Concatenate(name=name)(views)


def _auxiliary_head(x: keras.KerasTensor, classes: int, name: str) -> keras.KerasTensor:
    x = layers.AveragePooling2D(5, strides=3, name=f"{name}_pool")(x)
    x = conv_relu(x, 128, 1, f"{name}_conv")
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = dense_relu_dropout(x, 256, 0.4, f"{name}_dense")
    return softmax(x, classes, name)


def _main_head(x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    x = layers.AveragePooling2D(7, strides=1, name="pool5")(x)
    x = layers.Dropout(0.4, name="dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(1000, activation="relu", name="dense")(x)
    return softmax(x, classes)


def _weighted_sum(
    main: keras.KerasTensor, aux1: keras.KerasTensor, aux2: keras.KerasTensor
) -> keras.KerasTensor:
    weighted1 = layers.Rescaling(AUXILIARY_WEIGHT, name="aux1_weighted", dtype="float32")(aux1)
    weighted2 = layers.Rescaling(AUXILIARY_WEIGHT, name="aux2_weighted", dtype="float32")(aux2)
    return layers.Add(name="weighted_sum", dtype="float32")([main, weighted1, weighted2])
