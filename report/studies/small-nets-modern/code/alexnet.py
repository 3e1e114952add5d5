"""AlexNet, the network that won the ImageNet challenge of 2012, in a form for small images.

Source: A. Krizhevsky, I. Sutskever and G. E. Hinton, "ImageNet Classification with Deep
Convolutional Neural Networks", NIPS 2012, section 3.5 and figure 2.

Five convolutions find ever larger parts of objects; three dense layers, which hold more than four
fifths of the parameters, turn them into classes. A 32x32 image shrinks to 8x8, 4x4, 2x2 and 1x1.

What differs from the paper:

- The first filters are 3x3 instead of 11x11, since the images have about 32 pixels a side and not
  224; the stride of 4 stays.
- Pooling windows are 2x2 and do not overlap; the paper's are 3x3 with stride 2 (section 3.4).
- Batch normalisation after the first two convolutions replaces the response normalisation of
  section 3.3.
- Every filter sees all maps before it; the paper splits some layers over two GPUs (section 3.2).
- Dropout is 0.4 instead of 0.5 (section 4.2).
- Kernels start from Glorot's uniform distribution (Glorot and Bengio, "Understanding the
  Difficulty of Training Deep Feedforward Neural Networks", AISTATS 2010, section 4.2.1).
"""

import keras
from keras import layers

from cnnreport.models.blocks import (
    conv_relu,
    conv_relu_bn,
    dense_relu_dropout,
    image_input,
    softmax,
)

SMALLEST_SIDE = 31
"""Pixels; below it the last pooling layer has no 2x2 window left."""


def build(input_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Build AlexNet for images (height, width, channels); it returns class probabilities."""
    image = image_input("alexnet", input_shape, classes, SMALLEST_SIDE)
    x = conv_relu_bn(image, 96, 3, "conv1", strides=4)
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = conv_relu_bn(x, 256, 5, "conv2", padding="same")
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = conv_relu(x, 384, 3, "conv3")
    x = conv_relu(x, 384, 3, "conv4")
    x = conv_relu(x, 256, 3, "conv5")
    x = layers.MaxPooling2D(2, name="pool5")(x)
    x = layers.Flatten(name="flatten")(x)
    x = dense_relu_dropout(x, 4096, 0.4, "dense6")
    x = dense_relu_dropout(x, 4096, 0.4, "dense7")
    return keras.Model(image, softmax(x, classes), name="alexnet")
