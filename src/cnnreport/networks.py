"""The networks by name: how each is written, and whether its file can be used. No Keras here.

Trainings, tests and activations do not read this list. They find the code of a network by its name
(`cnnreport.models.build_network`), so that a line added here makes none of them run again.
"""

import ast
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cnnreport.errors import ModelError

NETWORKS: dict[str, str] = {
    "lenet": "LeNet",
    "alexnet": "AlexNet",
    "vgg16": "VGGNet-16",
    "resnet50": "ResNet-50",
    "googlenet": "GoogLeNet",
}
"""A network's name, which is that of its file in models/ and in params.yaml, and its title."""

REGISTRY = "src/cnnreport/networks.py"
MODELS = "src/cnnreport/models"
"""How errors name this file and the folder of the networks."""

HOW_TO = "docs/how-to/add-a-network.md"

NAME = re.compile(r"[a-z][a-z0-9]*")
SHARED = ("cnnreport.errors", "cnnreport.models.blocks")
"""What a network's file may import of this package: all of it is among the deps in dvc.yaml."""


def titled(models: Iterable[str], printed: Mapping[str, str]) -> dict[str, str]:
    """Return how each network is written: as in the original study, as registered, by its name.

    Args:
        models: names of networks; a frozen study may have some that are registered no longer.
        printed: the titles in the original study, by name.

    """
    return {model: printed.get(model) or NETWORKS.get(model, model) for model in models}


def check_names(models: Iterable[str]) -> None:
    """Raise an error for the first name of params.yaml that is not registered.

    Raises:
        ModelError: one line with the name, the registered ones and the nearest of them.

    """
    for model in models:
        if model not in NETWORKS:
            close = difflib.get_close_matches(model, NETWORKS, n=1)
            meant = f"did you mean '{close[0]}'? If not, " if close else ""
            raise ModelError(
                f"models: '{model}' is not registered in {REGISTRY}, which knows "
                f"{', '.join(NETWORKS)}; {meant}add its line there ({HOW_TO})"
            )


def check_registry(folder: Path, networks: Mapping[str, str] = NETWORKS) -> None:
    """Raise an error for the first registered network that cannot be used; imports none.

    Args:
        folder: where the networks' files are.
        networks: titles by name.

    Raises:
        ModelError: one line: a name or title that cannot be used, a file that is missing, cannot
            be read, has no ``build(input_shape, classes)`` or imports what DVC would not watch.

    """
    titles: dict[str, str] = {}
    for name, title in networks.items():
        if not NAME.fullmatch(name):
            raise ModelError(
                f"{REGISTRY}: wanted a name of small letters and digits, a letter first, "
                f"came '{name}'"
            )
        if not title.strip() or not title.isprintable():
            raise ModelError(f"{REGISTRY}: '{name}' wants a title of one line, came {title!r}")
        if title in titles:
            raise ModelError(
                f"{REGISTRY}: '{titles[title]}' and '{name}' are both called '{title}'; "
                "figures could not tell them apart"
            )
        titles[title] = name
        _check_file(folder / f"{name}.py", name, folder)


def _check_file(path: Path, name: str, folder: Path) -> None:
    shown = f"{MODELS}/{name}.py"
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        there = sorted(file.stem for file in folder.glob("*.py"))
        close = difflib.get_close_matches(name, there, n=1)
        meant = f"; did you mean '{close[0]}'?" if close else ""
        raise ModelError(
            f"{shown}: is missing, though {REGISTRY} names '{name}'; write it ({HOW_TO}) or take "
            f"the line out{meant}"
        ) from error
    except (OSError, ValueError, SyntaxError) as error:
        at = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise ModelError(f"{shown}{at}: cannot be read as Python ({reason})") from error
    _check_build(tree, shown)
    for module, line in _imports(tree):
        if module.partition(".")[0] == "cnnreport" and module not in SHARED:
            raise ModelError(
                f"{shown}:{line}: imports {module}, whose changes would not train this network "
                f"again; a network's file may use {' and '.join(SHARED)}, so copy what it needs"
            )


def _check_build(tree: ast.Module, shown: str) -> None:
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    build = next((function for function in functions if function.name == "build"), None)
    if build is None:
        close = difflib.get_close_matches("build", [each.name for each in functions], n=1)
        meant = f"; did you mean '{close[0]}'?" if close else ""
        raise ModelError(
            f"{shown}: wanted a function build(input_shape, classes), came none{meant} ({HOW_TO})"
        )
    arguments = build.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    needed = [
        argument.arg
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    takes_two = required <= 2 <= len(positional) or (arguments.vararg and required <= 2)
    if needed or not takes_two:
        came = ", ".join([*(each.arg for each in positional), *needed])
        raise ModelError(
            f"{shown}:{build.lineno}: wanted build(input_shape, classes), came build({came})"
        )


def _imports(tree: ast.Module) -> Sequence[tuple[str, int]]:
    """Return the modules that a file imports anywhere in it, with the lines."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = f"cnnreport.models.{base}".rstrip(".")
            if base in ("cnnreport", "cnnreport.models"):
                found += [(f"{base}.{alias.name}", node.lineno) for alias in node.names]
            else:
                found.append((base, node.lineno))
    return found
