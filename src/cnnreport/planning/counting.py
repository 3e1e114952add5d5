"""Count what networks are made of, for sizes of images that were never trained on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context

from cnnreport.formats import thousands
from cnnreport.machine import use
from cnnreport.params import Recipe
from cnnreport.planning.past import PastRun
from cnnreport.planning.work import NetworkShape, Training

BYTES_IN_GB = 10**9
FLOAT_BYTES = 4
"""Parameters, gradients and the optimiser's averages are float32, whatever the precision."""


@dataclass(frozen=True)
class NetworkSize:
    """What a network is made of: multiply-accumulates an image, and all its parameters."""

    macs: int
    parameters: int


def known_macs(past: Iterable[PastRun]) -> dict[NetworkShape, int]:
    """Return the multiply-accumulates an image that were recorded."""
    return {(run.model, run.shape): run.macs for run in past if run.macs and run.shape}


def uncounted(coming: Iterable[Training], past: Sequence[PastRun]) -> list[NetworkShape]:
    """Return the networks that no past run has for images and classes like these."""
    wanted = {(each.model, each.shape) for each in coming}
    return sorted(wanted - {(run.model, run.shape) for run in past}, key=str)


def sizes_of(wanted: Sequence[NetworkShape]) -> dict[NetworkShape, NetworkSize]:
    """Build networks to count what they are made of; what cannot be built is left out.

    In a process of its own, since TensorFlow may take the memory of all GPUs, which the trainings
    that are planned here will need. Nothing is started where nothing is wanted.
    """
    if not wanted:
        return {}
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_count, wanted).result()


def _count(wanted: Sequence[NetworkShape]) -> dict[NetworkShape, NetworkSize]:
    use(None, 0)
    import keras

    from cnnreport.models import build_network  # noqa: PLC0415
    from cnnreport.models.inspection import describe  # noqa: PLC0415

    found: dict[NetworkShape, NetworkSize] = {}
    for model, shape in wanted:
        # The weights are not made: GoogLeNet's would take 11 GB for images of 128x128 pixels.
        # What is wrong with somebody's network is for `cnnreport check` to say.
        with suppress(Exception), keras.StatelessScope(initialize_variables=False):
            described = describe(build_network(model, (shape.side, shape.side, 3), shape.classes))
            found[model, shape] = NetworkSize(described.macs, described.parameters)
    return found


def bytes_of_state(size: NetworkSize, recipe: Recipe) -> int:
    """Return the bytes of a training's parameters, gradients and averages of the optimiser.

    Adam keeps two averages, SGD one or, without momentum, none. What the layers put out comes on
    top.
    """
    averages = 2 if recipe.optimizer == "adam" else int(recipe.momentum > 0)
    return FLOAT_BYTES * (2 + averages) * size.parameters


def too_large(
    sizes: Mapping[NetworkShape, NetworkSize], recipes: Mapping[str, Recipe], memory: int
) -> Iterator[str]:
    """Yield a note for each network whose training needs more than so many bytes of memory."""
    for (model, shape), size in sizes.items():
        needed = bytes_of_state(size, recipes[model])
        if needed > memory:
            yield (
                f"{model} for images of {shape.side}x{shape.side} pixels has "
                f"{thousands(size.parameters)} parameters: a training needs "
                f"{needed / BYTES_IN_GB:.1f} GB of memory for them alone, this machine has "
                f"{memory / BYTES_IN_GB:.1f} GB; make the images smaller or leave it out"
            )
