"""Augmentation against NumPy's padding and cropping of the same draws."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnreport.augmentation import augment


def numbered(count: int, height: int, width: int) -> np.ndarray:
    """Images whose every pixel tells the image, the row and the column that it came from."""
    image, row, column = np.indices((count, height, width))
    return np.stack([image, row, column], axis=-1).astype(np.uint8)


def changed(
    images: np.ndarray, seed: tuple[int, int] = (0, 0), *, flip: bool = False, shift: int = 0
) -> np.ndarray:
    return augment(tf.constant(images), tf.constant(seed), flip=flip, shift=shift).numpy()


def explanations(before: np.ndarray, after: np.ndarray, shift: int) -> list[tuple[int, int, bool]]:
    """Return the moves, and whether mirrored, that make one image of another.

    A move is where the crop out of a reflected border begins, counted from the image's corner.
    """
    height, width, _ = before.shape
    padded = np.pad(before, ((shift, shift), (shift, shift), (0, 0)), mode="reflect")
    return [
        (down, right, mirrored)
        for down in range(-shift, shift + 1)
        for right in range(-shift, shift + 1)
        for mirrored, wanted in ((False, after), (True, after[:, ::-1]))
        if np.array_equal(padded[shift + down :, shift + right :][:height, :width], wanted)
    ]


def test_nothing_to_do_gives_back_the_tensor_itself() -> None:
    images = tf.constant(numbered(3, 4, 4))
    assert augment(images, tf.constant((0, 0)), flip=False, shift=0) is images


@settings(max_examples=15, deadline=None)
@given(
    seed=st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)),
    height=st.integers(6, 12),
    width=st.integers(6, 12),
    shift=st.integers(0, 5),
    flip=st.booleans(),
)
def test_every_image_is_a_reflected_move_of_itself(
    seed: tuple[int, int], height: int, width: int, shift: int, flip: bool
) -> None:
    images = numbered(4, height, width)
    after = changed(images, seed, flip=flip, shift=shift)
    assert after.shape == images.shape
    for one, two in zip(images, after, strict=True):
        assert [mirrored for *_, mirrored in explanations(one, two, shift) if flip or not mirrored]


@pytest.mark.parametrize("shift", [1, 4])
def test_all_moves_are_about_equally_likely(shift: int) -> None:
    count = 4000
    images = np.repeat(numbered(1, 12, 12), count, axis=0)
    after = changed(images, (7, 7), shift=shift)
    kinds, numbers = np.unique(after.reshape(count, -1), axis=0, return_counts=True)
    moves = [explanations(images[0], kind.reshape(12, 12, 3), shift) for kind in kinds]
    places = 2 * shift + 1
    assert {(down, right) for ((down, right, _),) in moves} == {
        (down, right) for down in range(-shift, shift + 1) for right in range(-shift, shift + 1)
    }
    expected = count / places**2
    # Five standard deviations of a binomial count.
    assert np.abs(numbers - expected).max() < 5 * np.sqrt(expected)


@pytest.mark.parametrize("shift", [0, 4])
def test_about_half_are_mirrored_whatever_their_move(shift: int) -> None:
    count = 400
    images = numbered(count, 12, 12)
    images[..., 0] = 0
    after = changed(images, (1, 2), flip=True, shift=shift)
    found = [explanations(one, two, shift) for one, two in zip(images, after, strict=True)]
    mirrored = np.array([one[0][2] for one in found])
    lower = np.array([one[0][0] > 0 for one in found])
    assert abs(mirrored.mean() - 0.5) < 0.1
    if shift:
        assert abs(mirrored[lower].mean() - mirrored[~lower].mean()) < 0.25


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_type_stays(dtype: type) -> None:
    after = changed(numbered(2, 8, 8).astype(dtype), flip=True, shift=2)
    assert after.dtype == dtype


def test_the_seed_decides() -> None:
    images = numbered(16, 8, 8)
    options = {"flip": True, "shift": 3}
    first = changed(images, (3, 5), **options)
    np.testing.assert_array_equal(first, changed(images, (3, 5), **options))
    for other in [(3, 6), (4, 5), (5, 3)]:
        assert not np.array_equal(first, changed(images, other, **options))


def test_images_are_moved_independently_of_each_other() -> None:
    after = changed(np.repeat(numbered(1, 12, 12), 50, axis=0), shift=4)
    assert len(np.unique(after.reshape(50, -1), axis=0)) > 30
