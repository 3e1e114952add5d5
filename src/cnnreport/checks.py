"""Check every file that a person edits, before anything is run on it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from cnnreport.bands import load_plausibility
from cnnreport.bibliography import load_bibliography
from cnnreport.claims import load_claims
from cnnreport.errors import CnnReportError, ModelError, ParamsError
from cnnreport.internship import load_internship
from cnnreport.networks import REGISTRY, check_names, check_registry
from cnnreport.numberlint import load_constants
from cnnreport.original import load_original
from cnnreport.params import declared_values, load_params

MODELS = Path(__file__).with_name("models")
"""The networks' files of the checkout whose code this is."""


def check_files(params: Path, report: Path) -> Iterator[tuple[Path, CnnReportError | None]]:
    """Yield each file with its first mistake, or with None when it can be read."""
    readers: dict[Path, Callable[[Path], object]] = {
        Path(REGISTRY): lambda _: check_registry(MODELS),
        params: _read_params,
        report / "internship.yaml": load_internship,
        report / "bibliography.bib": load_bibliography,
        report / "original_study.yaml": load_original,
        report / "claims.yaml": load_claims,
        report / "plausibility.yaml": load_plausibility,
        report / "constants.yaml": load_constants,
    }
    for path, read in readers.items():
        yield path, _mistake(path, read)


def _read_params(path: Path) -> None:
    """Read params.yaml; a name that is not registered is told first, since it has no recipe."""
    models = declared_values(path, ["models"])["models"]
    if isinstance(models, list):
        try:
            check_names(name for name in models if isinstance(name, str))
        except ModelError as error:
            raise ParamsError(f"{path}: {error}") from error
    load_params(path)


def _mistake(path: Path, read: Callable[[Path], object]) -> CnnReportError | None:
    try:
        read(path)
    except CnnReportError as error:
        return error
    return None
