"""LeNet-5, the network that read the digits on bank cheques.

Source: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-Based Learning Applied to Document
Recognition", Proceedings of the IEEE 86(11), 1998, section II.B and figure 2.

Two convolutions, each followed by a pooling layer, find strokes and then parts of shapes; three
dense layers turn them into classes. An image of 32x32 pixels shrinks to 28, 14, 10 and 5.

What differs from the paper:

- It takes images of any number of channels; the paper's are grey.
- ReLU replaces the scaled hyperbolic tangent.
- Pooling is a plain average; in the paper it has a trainable factor and bias and a sigmoid.
- Each filter of the second convolution sees all six maps; in the paper most see some (table I).
- The layer of 120 units is dense; in the paper it is a 5x5 convolution, which is the same thing
  for an image of 32x32 pixels.
- The output is a softmax instead of radial basis functions.
- Kernels start from He's normal distribution (He et al., "Delving Deep into Rectifiers", ICCV
  2015, section 2.2), which suits ReLU.
"""

import keras
from keras import layers

from cnnreport.models.blocks import image_input, softmax

SMALLEST_SIDE = 16
"""Pixels; below it the second pooling layer has no 2x2 window left."""

INITIALISER = "he_normal"


def build(input_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Build LeNet for images (height, width, channels); it returns class probabilities."""
    image = image_input("lenet", input_shape, classes, SMALLEST_SIDE)
    x = _conv(image, 6, "conv1")
    x = layers.AveragePooling2D(2, name="pool1")(x)
    x = _conv(x, 16, "conv2")
    x = layers.AveragePooling2D(2, name="pool2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = _dense(x, 120, "dense1")
    x = _dense(x, 84, "dense2")
    return keras.Model(image, softmax(x, classes, kernel_initializer=INITIALISER), name="lenet")


def _conv(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    return layers.Conv2D(filters, 5, activation="relu", kernel_initializer=INITIALISER, name=name)(
        x
    )


def _dense(x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
    return layers.Dense(units, activation="relu", kernel_initializer=INITIALISER, name=name)(x)
