"""Fixtures shared by the tests."""

import signal

import numpy as np
import pytest
from browser import chromium, home, site, tab  # noqa: F401 - fixtures
from hypothesis import HealthCheck, settings

from cnnreport.prepared import Split
from cnnreport.records import DatasetRecord

# How long an example takes says how busy the machine is, and nothing about what is tested.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

# What is tested inherits them, and a suite left to run by nohup or in the background ignores both.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def make_split(count: int, seed: int) -> Split:
    """Images whose brightness gives the class away, so that a tiny training can learn them."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    noise = rng.integers(0, 40, (count, 32, 32, 3))
    return Split((noise + 100 * labels[:, None, None, None]).astype(np.uint8), labels)


def make_dataset() -> DatasetRecord:
    """The record that goes with such images."""
    return DatasetRecord(
        name="tiny",
        title="Three shades of grey",
        source="made by the tests",
        class_names=["dark", "grey", "bright"],
        train_images=48,
        validation_images=12,
        test_images=12,
        image_shape=[32, 32, 3],
        validation_fraction=0.2,
        split_seed=0,
        mean=[0.47, 0.47, 0.47],
        deviation=[0.32, 0.32, 0.32],
        digest="0" * 64,
    )


@pytest.fixture(scope="session")
def tiny_dataset() -> DatasetRecord:
    return make_dataset()


@pytest.fixture(scope="session")
def tiny_splits() -> dict[str, Split]:
    return {"train": make_split(48, 1), "validation": make_split(12, 2), "test": make_split(12, 3)}
