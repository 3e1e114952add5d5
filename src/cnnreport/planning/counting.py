"""Count the work and the parameters of networks for sizes of images that were never trained on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context

from cnnreport.formats import thousands
from cnnreport.machine import use
from cnnreport.planning.past import PastRun
from cnnreport.planning.work import Shape, Training

Work = tuple[str, Shape]
"""What decides the multiply-accumulates an image: the network, and the image set's shape."""

BYTES_A_PARAMETER = 12
"""Of memory that a training takes at the least: in float32 the parameter, its gradient and one
average of the optimiser, without what the layers put out."""

BYTES_IN_GB = 10**9


@dataclass(frozen=True)
class Count:
    """What a network is made of: multiply-accumulates an image, and all its parameters."""

    macs: int
    parameters: int


def known_macs(past: Iterable[PastRun]) -> dict[Work, int]:
    """Return the multiply-accumulates an image that were recorded."""
    return {(run.model, run.shape): run.macs for run in past if run.macs and run.shape}


def uncounted(coming: Iterable[Training], past: Sequence[PastRun]) -> list[Work]:
    """Return whose multiply-accumulates `estimate` needs and no past run has."""
    wanted = {(each.model, each.shape) for each in coming} if past else set()
    return sorted(wanted - {(run.model, run.shape) for run in past}, key=str)


def count(wanted: Sequence[Work]) -> dict[Work, Count]:
    """Build networks to count what they are made of; what cannot be built is left out.

    In a process of its own, since TensorFlow may take the memory of all GPUs, which the trainings
    that are planned here will need. Nothing is started where nothing is wanted.
    """
    if not wanted:
        return {}
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_count, wanted).result()


def _count(wanted: Sequence[Work]) -> dict[Work, Count]:
    use(None, 0)
    import keras

    from cnnreport.models import build_network  # noqa: PLC0415
    from cnnreport.models.inspection import describe  # noqa: PLC0415

    found: dict[Work, Count] = {}
    for model, shape in wanted:
        # The weights are not made: GoogLeNet's would take 11 GB for images of 128x128 pixels.
        # What is wrong with somebody's network is for `cnnreport check` to say.
        with suppress(Exception), keras.StatelessScope(initialize_variables=False):
            network = build_network(model, (shape.side, shape.side, 3), shape.classes)
            described = describe(network)
            found[model, shape] = Count(described.macs, described.parameters)
    return found


def too_large(counted: Mapping[Work, Count], memory: int) -> Iterator[str]:
    """Yield a note for each network that cannot be trained in so many bytes of memory."""
    for (model, shape), each in counted.items():
        needed = BYTES_A_PARAMETER * each.parameters
        if needed > memory:
            yield (
                f"{model} for images of {shape.side}x{shape.side} pixels has "
                f"{thousands(each.parameters)} parameters: its training takes more than "
                f"{needed / BYTES_IN_GB:.0f} GB of memory, this machine has "
                f"{memory / BYTES_IN_GB:.0f} GB; make the images smaller or leave it out"
            )
