"""What a network made of one test image, layer by layer.

The numbers (`Example`) are tracked by git beside the other results and hold no pixel. The arrays
(`Trace`), from which pictures are drawn, hold the image itself and are left to DVC.
"""

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pydantic import ConfigDict

from cnnreport.errors import ResultsError

Floats = NDArray[np.floating[Any]]

EXAMPLE = "example.json"
"""The file of the numbers in the folder of a cell's results."""

MAPS = 16
"""So many feature maps of a layer are kept."""

EXAMPLE_CLASS = 0
"""The image followed through the networks is the first test image of this class."""

LAYER = "layer:"
"""Stands before the names of layers among the arrays of a file."""


class _Checked:
    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True)
class Step(_Checked):
    """The output of one layer: `shape` without the batch axis, the share of zeros in it."""

    layer: str
    kind: str
    shape: list[int]
    largest: float
    zeros: float


@dataclass(frozen=True)
class Window(_Checked):
    """One output of the first convolution, computed by hand.

    `row` and `column` are those of the output, counted from 0. `products` are the sums of input
    times weight in each channel; with `bias` they add up to `total`, which the activation turns
    into `output`, the network's own value.
    """

    layer: str
    filter: int
    filters: int
    size: list[int]
    stride: int
    padding: str
    row: int
    column: int
    products: list[float]
    bias: float
    total: float
    activation: str
    output: float


@dataclass(frozen=True)
class Example(_Checked):
    """What the network of one seed made of test image `image`, whose class is `label`.

    `steps` are the layers whose outputs are kept, in order. `window` is None for a network without
    a convolution that can be computed by hand.
    """

    image: int
    label: int
    seed: int
    probabilities: dict[str, float]
    steps: list[Step]
    window: Window | None

    @property
    def by_hand(self) -> Window:
        """The window, of a network that has one."""
        if self.window is None:
            raise LookupError("no convolution of this network was computed by hand")
        return self.window


@dataclass(frozen=True, eq=False)
class Trace:
    """The arrays behind an `Example`.

    `image` is uint8 of shape (height, width, 3). `entry` is what the convolution of the window
    takes, shape (h, w, channels), scaled as the recipe says; `kernel` its weights, (kh, kw,
    channels, filters), and `bias`, (filters,); all three are empty where there is no window.
    `outputs` are those of the layers by name, (h, w, up to `MAPS`) or (units,).
    """

    image: NDArray[np.uint8]
    entry: Floats
    kernel: Floats
    bias: Floats
    outputs: dict[str, Floats]


def example_image(labels: NDArray[np.int64]) -> int:
    """Return the number of the image to follow, the same for every network.

    The rule looks at nothing but the class, so that no network is shown at its best.
    """
    return int(np.argmax(labels == EXAMPLE_CLASS))


def padded(entry: Floats, size: tuple[int, int], stride: int, padding: str) -> Floats:
    """Return the input of a convolution with the zeros that ``same`` puts around it.

    An odd row or column of zeros goes to the bottom and to the right, as in TensorFlow.
    """
    if padding == "valid":
        return entry
    around = []
    for side, length in zip(entry.shape[:2], size, strict=True):
        total = max((-(-side // stride) - 1) * stride + length - side, 0)
        around.append((total // 2, total - total // 2))
    return np.pad(entry, [*around, (0, 0)])


def window_of(trace: Trace, window: Window) -> Floats:
    """Return the part of the input, shape (kh, kw, channels), that one output is made from."""
    height, width, _ = window.size
    around = padded(trace.entry, (height, width), window.stride, window.padding)
    top, left = window.row * window.stride, window.column * window.stride
    return around[top : top + height, left : left + width]


def convolve(
    entry: Floats, kernel: Floats, bias: float, stride: int, padding: str
) -> NDArray[np.float64]:
    """Slide one filter (kh, kw, channels) over an input (h, w, channels) and return its sums.

    What is called a convolution is a cross-correlation: the filter is not mirrored.
    """
    around = padded(entry, (kernel.shape[0], kernel.shape[1]), stride, padding)
    windows = sliding_window_view(around, kernel.shape, axis=(0, 1, 2))[::stride, ::stride, 0]
    sums: NDArray[np.float64] = np.einsum(
        "hwijc,ijc->hw", windows.astype(np.float64), kernel.astype(np.float64)
    )
    return sums + float(bias)


def map_of(trace: Trace, window: Window) -> NDArray[np.float64]:
    """Return all sums of a window's filter, before the activation."""
    kernel, bias = trace.kernel[..., window.filter], float(trace.bias[window.filter])
    return convolve(trace.entry, kernel, bias, window.stride, window.padding)


def save_trace(trace: Trace, path: Path) -> None:
    """Write the arrays; the same arrays are the same bytes, since NumPy stores no time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own: dict[str, Any] = {
        each.name: getattr(trace, each.name) for each in fields(trace) if each.name != "outputs"
    }
    outputs = {f"{LAYER}{name}": array for name, array in trace.outputs.items()}
    np.savez_compressed(path, allow_pickle=False, **own, **outputs)


def load_trace(path: Path) -> Trace:
    """Read the arrays that `save_trace` wrote.

    Raises:
        ResultsError: the file is missing, damaged or holds something else.

    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            stored = dict(archive)
        outputs = {
            name.removeprefix(LAYER): stored.pop(name) for name in [*stored] if LAYER in name
        }
        return Trace(**stored, outputs=outputs)
    except FileNotFoundError as error:
        raise ResultsError(f"{path}: is missing; `dvc repro activations` makes it") from error
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise ResultsError(
            f"{path}: cannot be read as activations ({reason}); make it again with "
            "`dvc repro -f activations`"
        ) from error
