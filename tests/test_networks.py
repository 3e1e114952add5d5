"""The list of networks: what is wrong with it is found before anything is run, with one line."""

import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cnnreport.checks import MODELS
from cnnreport.errors import ModelError
from cnnreport.networks import NETWORKS, check_names, check_registry, titled
from cnnreport.original import load_original

ROOT = Path(__file__).parents[1]
GOOD = "def build(input_shape, classes):\n    return None\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of networks with a good one."""
    (tmp_path / "mynet.py").write_text(GOOD, encoding="utf-8")
    return tmp_path


def refused(folder: Path, networks: dict[str, str] | None = None) -> str:
    with pytest.raises(ModelError) as error:
        check_registry(folder, networks or {"mynet": "My net"})
    message = str(error.value)
    assert "\n" not in message
    return message


def refused_file(folder: Path, text: str) -> str:
    (folder / "mynet.py").write_text(text, encoding="utf-8")
    return refused(folder)


def test_the_networks_that_are_registered_can_be_used() -> None:
    check_registry(MODELS)
    check_names(YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))["models"])


def test_titles_are_those_of_the_original_study_where_it_has_them() -> None:
    original = load_original(ROOT / "report/original_study.yaml").titles
    assert {name: NETWORKS[name] for name in original} == original
    shown = titled(["lenet", "googlenet", "gone"], {"lenet": "Printed"})
    assert shown == {"lenet": "Printed", "googlenet": "GoogLeNet", "gone": "gone"}


def test_an_unknown_name_is_told_with_the_known_and_the_nearest() -> None:
    with pytest.raises(ModelError) as error:
        check_names(["lenet", "googelnet"])
    message = str(error.value)
    assert "models: 'googelnet' is not registered in src/cnnreport/networks.py" in message
    assert "did you mean 'googlenet'?" in message
    assert all(name in message for name in NETWORKS)
    with pytest.raises(ModelError) as error:
        check_names(["transformer"])
    assert "did you mean" not in str(error.value)
    assert "docs/how-to/add-a-network.md" in str(error.value)
    assert (ROOT / "docs/how-to/add-a-network.md").is_file()


@pytest.mark.parametrize("name", ["my_net", "my-net", "MyNet", "5net", "", "blo cks", "../lenet"])
def test_a_name_is_one_of_a_module(folder: Path, name: str) -> None:
    assert f"came '{name}'" in refused(folder, {name: "My net"})


@pytest.mark.parametrize("title", ["", "  ", "two\nlines", "tab\there"])
def test_a_title_is_one_line(folder: Path, title: str) -> None:
    assert "'mynet' wants a title of one line" in refused(folder, {"mynet": title})


def test_two_networks_of_one_title_are_refused(folder: Path) -> None:
    (folder / "other.py").write_text(GOOD, encoding="utf-8")
    message = refused(folder, {"mynet": "Net", "other": "Net"})
    assert "'mynet' and 'other' are both called 'Net'" in message


def test_a_file_that_is_missing_is_told_with_the_nearest(folder: Path) -> None:
    message = refused(folder, {"mynett": "My net"})
    assert message.startswith("src/cnnreport/models/mynett.py: is missing")
    assert message.endswith("did you mean 'mynet'?")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def build(:\n", "mynet.py:1: cannot be read as Python"),
        ("x = 1\ndef biuld(a, b): ...\n", "came none; did you mean 'biuld'?"),
        ("", "wanted a function build(input_shape, classes), came none ("),
        ("class Net:\n    def build(self, a): ...\n", "came none"),
        (
            "\ndef build(shape): ...\n",
            ":2: wanted build(input_shape, classes), came build(shape)",
        ),
        ("def build(a, b, c): ...\n", "came build(a, b, c)"),
        ("def build(a, b, *, c): ...\n", "came build(a, b, c)"),
        ("def build(): ...\n", "came build()"),
    ],
)
def test_a_file_without_its_function_is_refused(folder: Path, text: str, message: str) -> None:
    assert message in refused_file(folder, text)


@pytest.mark.parametrize(
    "text",
    [
        "def build(a, b, c=1): ...\n",
        "def build(*args): ...\n",
        "def build(a, *rest): ...\n",
        "def build(a, b, *, c=1): ...\n",
    ],
)
def test_other_ways_to_take_two_arguments_are_fine(folder: Path, text: str) -> None:
    (folder / "mynet.py").write_text(text, encoding="utf-8")
    check_registry(folder, {"mynet": "My net"})


@pytest.mark.parametrize(
    ("line", "module"),
    [
        ("from cnnreport.models.vgg16 import build as other", "cnnreport.models.vgg16"),
        ("from cnnreport.models import vgg16", "cnnreport.models.vgg16"),
        ("import cnnreport.models.vgg16", "cnnreport.models.vgg16"),
        ("from . import vgg16", "cnnreport.models.vgg16"),
        ("from .vgg16 import build as other", "cnnreport.models.vgg16"),
        ("from cnnreport import figures", "cnnreport.figures"),
        ("from cnnreport.networks import NETWORKS", "cnnreport.networks"),
    ],
)
def test_code_that_dvc_would_not_watch_is_refused(folder: Path, line: str, module: str) -> None:
    assert f"mynet.py:1: imports {module}, whose changes" in refused_file(folder, f"{line}\n{GOOD}")
    inside = refused_file(folder, f"{GOOD}\n\ndef f():\n    {line}\n")
    assert f"mynet.py:6: imports {module}" in inside


@pytest.mark.parametrize(
    "line",
    [
        "from cnnreport.models.blocks import softmax",
        "from cnnreport.models import blocks",
        "from .blocks import softmax",
        "from cnnreport.errors import ModelError",
        "import keras, numpy as np",
        "from keras import layers",
    ],
)
def test_shared_and_foreign_code_may_be_used(folder: Path, line: str) -> None:
    (folder / "mynet.py").write_text(f"{line}\n{GOOD}", encoding="utf-8")
    check_registry(folder, {"mynet": "My net"})


LOADED = """
from cnnreport.stages import train, evaluate, activations
from cnnreport import activations, evaluation, training, predictor, recipes, weights
from cnnreport.models import build_network, inspection
build_network("lenet", (32, 32, 3), 10)
from cnnreport.checkpoints import loaded_code
print(*[path.stem for path in loaded_code()])
"""


def test_a_process_loads_the_file_of_its_own_network_and_no_list_of_them() -> None:
    """Seals and keys of kept states hash what is loaded."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(done.stdout.split())
    assert {"lenet", "blocks", "recipes", "train"} <= loaded
    assert not loaded & ({*NETWORKS, "networks"} - {"lenet"})
