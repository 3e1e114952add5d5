"""VGGNet-16, which showed how far depth goes with nothing but 3x3 filters.

Source: K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", ICLR 2015, section 2.1 and table 1, column D.

Thirteen convolutions in five blocks and three dense layers. Two 3x3 filters in a row see 5x5
pixels, three see 7x7, with fewer parameters than one large filter (section 2.3). Each block ends in
a pooling layer that halves height and width: 32x32 pixels become 16, 8, 4, 2 and 1.

What differs from the paper:

- Batch normalisation follows every convolution and both hidden dense layers.
- The images have about 32 pixels a side instead of 224, so the last maps have 1x1 pixel and not
  7x7, and the first dense layer has 49 times fewer weights.
- The factor of the penalty on squared kernel weights is 1e-4; the paper's is 5e-4 (section 3.1).
- Kernels start from He's normal distribution (He et al., "Delving Deep into Rectifiers", ICCV
  2015, section 2.2); the paper draws from a normal distribution of variance 0.01.
"""

from typing import Any

import keras
from keras import layers

from cnnreport.models.blocks import conv_relu_bn, image_input, softmax

SMALLEST_SIDE = 32
"""Pixels; below it the fifth pooling layer has no 2x2 window left."""

BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
"""Number of convolutions of each block and filters of each convolution in it."""


def build(input_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Build VGGNet-16 for images (height, width, channels); it returns class probabilities."""
    image = image_input("vgg16", input_shape, classes, SMALLEST_SIDE)
    x = image
    for number, (convolutions, filters) in enumerate(BLOCKS, start=1):
        x = _block(x, convolutions, filters, f"block{number}")
    x = layers.Flatten(name="flatten")(x)
    x = _dense(x, 4096, "dense1")
    x = _dense(x, 4096, "dense2")
    return keras.Model(image, softmax(x, classes, **_kernel()), name="vgg16")


def _block(x: keras.KerasTensor, convolutions: int, filters: int, name: str) -> keras.KerasTensor:
    for number in range(1, convolutions + 1):
        x = conv_relu_bn(x, filters, 3, f"{name}_conv{number}", padding="same", **_kernel())
    return layers.MaxPooling2D(2, name=f"{name}_pool")(x)


def _dense(x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
    x = layers.Dense(units, activation="relu", name=name, **_kernel())(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.Dropout(0.5, name=f"{name}_dropout")(x)


def _kernel() -> dict[str, Any]:
    """Return how every kernel starts and what its size costs."""
    return {
        "kernel_initializer": "he_normal",
        "kernel_regularizer": keras.regularizers.L2(1e-4),
    }
