"""How long a batch takes: what is timed, how often, and that the right thing is computed."""

from collections.abc import Iterator

import keras
import numpy as np
import pytest
import tensorflow as tf
from make_study import make_study

from cnnreport import latency
from cnnreport.latency import BATCHES, FEWEST_REPEATS, MOST_REPEATS, latency_ms, repeated_seconds
from cnnreport.tables import latency_conditions

SCALE, OFFSET = np.array([0.5, 1, 2], np.float32), np.array([0, 1, -1], np.float32)


class Spy(keras.layers.Layer):
    """Remember what comes in at each run of the graph, and answer with its mean."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[np.ndarray] = []
        self.traced = 0

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        self.traced += 1

        def remember(array: np.ndarray) -> np.ndarray:
            self.seen.append(array)
            return array.mean(axis=(1, 2))

        out = tf.numpy_function(remember, [inputs], tf.float32)
        out.set_shape((inputs.shape[0], 3))
        return out


def spied() -> tuple[keras.Model, Spy]:
    spy = Spy()
    image = keras.Input((4, 4, 3))
    return keras.Sequential([image, spy]), spy


@pytest.mark.parametrize("batch", BATCHES)
def test_batches_hold_scaled_pixels_and_are_traced_once(batch: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), np.uint8)
    network, spy = spied()
    traced = spy.traced
    assert latency_ms(network, images, SCALE, OFFSET, batch) > 0
    assert spy.traced == traced + 1
    assert FEWEST_REPEATS + 1 <= len(spy.seen) <= MOST_REPEATS + 1
    # Fewer images than a batch holds are taken again.
    expected = images[np.arange(batch) % 10] * SCALE + OFFSET
    assert all(np.array_equal(array, expected.astype(np.float32)) for array in spy.seen)


def ticking(seconds: float) -> Iterator[float]:
    """The readings of a clock around works that each take `seconds`."""
    now = 0.0
    while True:
        yield now
        now += seconds
        yield now


@pytest.mark.parametrize(
    ("seconds", "repeats"),
    [(60.0, FEWEST_REPEATS), (0.1, 20), (0.0001, MOST_REPEATS)],
)
def test_repeats_are_bounded_by_number_and_time(seconds: float, repeats: int) -> None:
    clock, calls = ticking(seconds), []
    times = repeated_seconds(lambda: calls.append(1), lambda: next(clock))
    assert len(times) == pytest.approx(repeats, abs=1)
    assert times == pytest.approx([seconds] * len(times))
    assert len(calls) == len(times) + 1, "the first is not counted"


def test_the_median_leaves_a_straggler_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "repeated_seconds", lambda _: [0.002, 0.001, 9.0])
    network, _ = spied()
    images = np.zeros((1, 4, 4, 3), np.uint8)
    assert latency_ms(network, images, SCALE, OFFSET, 1) == pytest.approx(2.0)


def test_the_conditions_name_what_bounds_the_repeats_and_the_threads() -> None:
    params = make_study().params
    one, all_cores = (
        latency_conditions(params.model_copy(update={"threads": threads})) for threads in (1, None)
    )
    assert f"{FEWEST_REPEATS} to {MOST_REPEATS} repeats" in one
    assert "with one thread where a processor" in one
    assert "with as many threads as the machine has cores" in all_cores
