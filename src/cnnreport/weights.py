"""Store a network's weights and fill them in again, all of them or none.

A plain NumPy archive: the same weights are the same bytes, no code can hide in it, and unlike
Keras' own loader it never leaves a layer at its random start because a name did not match.
"""

import zipfile
from pathlib import Path

import keras
import numpy as np

from cnnreport.errors import ResultsError


def save_weights(network: keras.Model, path: Path) -> None:
    """Write every weight under its path in the network, e.g. ``conv1/kernel``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {weight.path: keras.ops.convert_to_numpy(weight) for weight in network.weights}
    np.savez(path, allow_pickle=False, **arrays)


def fill_weights(network: keras.Model, path: Path) -> None:
    """Set every weight of `network` from a file of `save_weights`.

    Raises:
        ResultsError: the file is missing, damaged or of another network; `network` is unchanged.

    """
    stored = _read(path)
    wanted = {weight.path: tuple(weight.shape) for weight in network.weights}
    found = {name: array.shape for name, array in stored.items()}
    if wanted != found:
        differing = sorted(set(wanted.items()) ^ set(found.items()))[0][0]
        raise ResultsError(f"{path}: holds the weights of another network ('{differing}' differs)")
    network.set_weights([stored[weight.path] for weight in network.weights])


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ResultsError(f"{path}: cannot be read as weights ({error}); train again") from error
