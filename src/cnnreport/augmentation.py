"""Change training images at random in ways that keep their class."""

import tensorflow as tf


def augment(images: tf.Tensor, seed: tf.Tensor, *, flip: bool, shift: int) -> tf.Tensor:
    """Mirror half of the images and move each by up to `shift` pixels in each direction.

    What moves in at an edge is the image's own reflection there. Pixels are only picked, never
    blended, so the values and the type stay. The same seed gives the same result on every machine.

    Args:
        images: any type, shape (n, height, width, channels).
        seed: two int32 numbers; each step of a training must use its own.
        flip: whether an image is mirrored left to right, each with probability one half.
        shift: largest move in pixels, less than height and width.

    """
    if not (flip or shift):
        return images
    shape = tf.shape(images)
    draws = tf.random.stateless_uniform((shape[0], 3), seed)
    moves = tf.cast(tf.floor(draws[:, :2] * (2 * shift + 1)), tf.int32) - shift
    rows = _sources(shape[1], moves[:, :1])
    columns = _sources(shape[2], moves[:, 1:])
    if flip:
        columns = tf.where(draws[:, 2:] < 0.5, columns, columns[:, ::-1])
    return tf.gather(tf.gather(images, rows, batch_dims=1), columns, axis=2, batch_dims=1)


def _sources(length: tf.Tensor, moves: tf.Tensor) -> tf.Tensor:
    """Return for moves (n, 1) the row or column (n, length) that each place is taken from."""
    places = tf.abs(tf.range(length) + moves)
    last = length - 1
    return last - tf.abs(last - places)
