"""What each stage imports must be among its deps in dvc.yaml, and imports go one way.

Without the first, a change of code would leave an old result standing; the second keeps Keras out
of the half that writes the report.
"""

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cnnreport.networks import NETWORKS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
PIPELINE = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = tuple(PIPELINE["stages"])

LAYERS = (
    ("errors", "evidence", "git", "objects", "signals"),
    (
        "params",
        "predicates",
        "formats",
        "navigation",
        "lineage",
        "mirrors",
        "energy",
        "augmentation",
        "kernels",
        "networks",
        "prose",
        "scheduling",
        "inserts",
    ),
    ("records", "latency", "pipeline", "superclasses", "board", "merging"),
    ("prepared", "models", "machine", "seals", "internship", "tabledata", "balance", "file_notes"),
    ("examples", "picture_texts", "storage", "splits"),
    ("cifar", "checkpoints", "recipes", "study", "formulas", "folders"),
    (
        "datasets",
        "weights",
        "bands",
        "bibliography",
        "original",
        "claims",
        "alike",
        "batchnorm",
        "statistics",
        "predictor",
    ),
    (
        "calibration",
        "numberlint",
        "plausibility",
        "reproduction",
        "quantities",
        "misses",
    ),
    ("judgements", "underneath", "topology"),
    ("differences",),
    ("training", "cluster", "figures", "tables", "checks"),
    ("charts", "pictures"),
    (
        "activations",
        "answering",
        "evaluation",
        "planning",
        "verdicts",
        "new_study",
        "progress",
        "passports",
        "choosing",
    ),
    ("pages", "freezing", "pdf"),
    ("revisions", "repro", "readme"),
    ("verification",),
    ("stages", "cli"),
    ("__main__",),
)
KERAS_HALF = {
    "activations",
    "answering",
    "augmentation",
    "evaluation",
    "kernels",
    "models",
    "predictor",
    "progress",
    "recipes",
    "training",
    "weights",
}


def module_path(name: str) -> Path | None:
    """The file of a dotted module name of ours, or None when it is somebody else's."""
    stem = SOURCE / name.replace(".", "/")
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if path.is_file():
            return path
    return None


def imported_files(path: Path) -> set[Path]:
    """Our files that a file imports anywhere in it, packages on the way included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {found for name in names if (found := module_path(name))}


def closure(path: Path) -> set[Path]:
    """A file and everything of ours that importing it runs."""
    seen: set[Path] = set()
    waiting = {path}
    while waiting:
        current = waiting.pop()
        seen.add(current)
        waiting |= imported_files(current) - seen
    return seen


def declared(stage: str, model: str) -> set[Path]:
    """The files that a stage's deps name, folders expanded."""
    files: set[Path] = set()
    body = PIPELINE["stages"][stage]
    for dep in body.get("do", body)["deps"]:  # `do` stands below a `foreach`
        path = ROOT / dep.replace("${item.model}", model)
        files |= set(path.rglob("*.py")) if path.is_dir() else {path}
    return files


MODELS = SOURCE / "cnnreport/models"


def network_file(model: str) -> Path:
    return MODELS / f"{model}.py"


def needed(stage: str, model: str) -> set[Path]:
    """The files whose code a stage runs, for a network where it works on one."""
    files = closure(SOURCE / f"cnnreport/stages/{stage}.py") | {SOURCE / "stage.py"}
    files.add(SOURCE / "cnnreport/stages/__init__.py")
    if MODELS / "__init__.py" in files:
        # Found by its name: no import tells of it.
        files |= closure(network_file(model))
    # The package's own __init__ holds a version and nothing else.
    return files - {SOURCE / "cnnreport/__init__.py"}


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("stage", STAGES)
def test_deps_cover_the_imports(stage: str, model: str) -> None:
    missing = needed(stage, model) - declared(stage, model)
    assert not missing, f"dvc.yaml: deps of {stage} lack {sorted(str(p) for p in missing)}"


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("stage", ["train", "evaluate", "activations"])
def test_a_network_depends_on_its_own_file_and_on_no_list_of_networks(
    stage: str, model: str
) -> None:
    assert network_file(model) in needed(stage, model)
    for files in (declared(stage, model), needed(stage, model)):
        others = {network_file(other) for other in NETWORKS if other != model}
        assert not files & (others | {SOURCE / "cnnreport/networks.py"})


@pytest.mark.parametrize("stage", ["prepare", "train"])
def test_nothing_of_the_report_retrains_a_network(stage: str) -> None:
    package = SOURCE / "cnnreport"
    files = {path for path in declared(stage, "lenet") if package in path.parents}
    report = {"pages", "figures", "tables", "verdicts", "statistics", "study", "cli", "formats"}
    report |= {"planning", "choosing", "batchnorm", "charts", "passports"}
    assert files
    assert not {module_of(path) for path in files} & report


def test_the_package_runs_nothing_when_imported() -> None:
    tree = ast.parse((SOURCE / "cnnreport/__init__.py").read_text(encoding="utf-8"))
    assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


def module_of(path: Path) -> str:
    """The module or package of ours that a file belongs to."""
    return path.relative_to(SOURCE / "cnnreport").parts[0].removesuffix(".py")


def layer_of(path: Path) -> int | None:
    part = module_of(path)
    return next((number for number, names in enumerate(LAYERS) if part in names), None)


OURS = sorted((SOURCE / "cnnreport").rglob("*.py"))


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_go_one_way(path: Path) -> None:
    if path == SOURCE / "cnnreport/__init__.py":
        return
    own = layer_of(path)
    assert own is not None, f"{path.name} stands in no layer of this test"
    for other in imported_files(path) - {SOURCE / "cnnreport/__init__.py"}:
        below = layer_of(other)
        same_package = other.relative_to(SOURCE).parts[:2] == path.relative_to(SOURCE).parts[:2]
        assert same_package or (below is not None and below < own), f"{path} imports {other}"


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_only_the_keras_half_imports_keras(path: Path) -> None:
    part = path.relative_to(SOURCE / "cnnreport").parts[0].removesuffix(".py")
    if part in KERAS_HALF:
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    assert not {name.split(".")[0] for name in names} & {"keras", "tensorflow"}
    inner = {name.split(".")[1] for name in names if name.startswith("cnnreport.")}
    assert not inner & KERAS_HALF, "imports the Keras half when it is loaded"
