"""ResNet-50, whose shortcuts made it possible to train networks of very many layers.

Source: K. He, X. Zhang, S. Ren and J. Sun, "Deep Residual Learning for Image Recognition", CVPR
2016, sections 3.2, 3.3 and 4.1, table 1 (column of 50 layers) and figure 5.

Sixteen blocks in four stages. A block does not compute its output but what has to be added to its
input, so that a block with nothing to add does no harm and gradients reach early layers along the
shortcuts. A bottleneck block narrows the maps with 1x1 filters, works on them with 3x3 filters and
widens them again. Stages count from 2, as in table 1, where the first convolution is stage 1.

What differs from the paper:

- Three rows of zeros are put around the image before the first convolution, which then pads once
  more; a 32x32 image becomes 19x19, and 9x9, 5x5, 3x3 and 2x2 in the stages.
- The pooling layer at the end has a 2x2 window instead of spanning the maps; for images of 31 to
  62 pixels the two are the same.
- Every convolution has a bias, which the batch normalisation after it makes redundant.
- Kernels start from Glorot's uniform distribution instead of He's normal one.
- The shortcuts that change shape are 1x1 convolutions, the paper's option B (section 3.3); it
  designed other, thinner networks for images of 32x32 pixels (section 4.2).
"""

import keras
from keras import layers

from cnnreport.models.blocks import conv_bn, conv_bn_relu, image_input, softmax

SMALLEST_SIDE = 31
"""Pixels; below it the average pooling at the end has no 2x2 window left."""

STAGES = ((2, 3, 64, 1), (3, 4, 128, 2), (4, 6, 256, 2), (5, 3, 512, 2))
"""Number, blocks, filters of the narrow convolutions and stride of each stage."""


def build(input_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Build ResNet-50 for images (height, width, channels); it returns class probabilities."""
    image = image_input("resnet50", input_shape, classes, SMALLEST_SIDE)
    x = layers.ZeroPadding2D(3, name="pad")(image)
    x = conv_bn_relu(x, 64, 7, "conv1", strides=2, padding="same")
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    for number, blocks, filters, stride in STAGES:
        x = _stage(x, blocks, filters, stride, f"stage{number}")
    x = layers.AveragePooling2D(2, name="pool5")(x)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(image, softmax(x, classes), name="resnet50")


def _stage(
    x: keras.KerasTensor, blocks: int, filters: int, stride: int, name: str
) -> keras.KerasTensor:
    """Chain blocks; the first one changes the shape of the maps, so its shortcut must too."""
    shortcut = conv_bn(x, 4 * filters, 1, f"{name}_block1_shortcut", strides=stride)
    x = _bottleneck(x, shortcut, filters, stride, f"{name}_block1")
    for number in range(2, blocks + 1):
        x = _bottleneck(x, x, filters, 1, f"{name}_block{number}")
    return x


def _bottleneck(
    x: keras.KerasTensor, shortcut: keras.KerasTensor, filters: int, stride: int, name: str
) -> keras.KerasTensor:
    """Narrow, work, widen, add the shortcut; only after the sum comes the last ReLU."""
    x = conv_bn_relu(x, filters, 1, f"{name}_conv1", strides=stride)
    x = conv_bn_relu(x, filters, 3, f"{name}_conv2", padding="same")
    x = conv_bn(x, 4 * filters, 1, f"{name}_conv3")
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.Activation("relu", name=f"{name}_relu")(x)
