"""Seal a run: hash what it works from when it starts and again when it ends.

DVC hashes the inputs of a stage after its command, so whoever edits a file while a training runs
gets a lock that names the new file for the old result. The seal tells, and its hashes are of the
kinds that dvc.lock holds, so that both can be held against each other: MD5 for files, the values
themselves for parameters.
"""

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from cnnreport.params import declared_values
from cnnreport.records import Inputs, Seal, TrainingRecord

UNREADABLE = "cannot be read"
"""Stands for what was deleted or broken while a stage ran; no hash looks like it."""

PARAMS_FILE = "params.yaml"
TELLING = ("src", PARAMS_FILE, "dvc.yaml", "requirements.lock", "requirements-cuda.lock")
"""Where a change that is not committed matters to a result."""


def training_keys(recipe: str, profile: str, model: str) -> tuple[str, ...]:
    """Return the keys of params.yaml that a training depends on, as dvc.yaml declares them."""
    return (
        *("epochs", "precision", "threads", "gpus", "recipe", "profile"),
        f"profiles.{profile}.{model}",
        f"recipes.{recipe}.{model}",
    )


def evaluation_keys(recipe: str, model: str) -> tuple[str, ...]:
    """Return the keys of params.yaml that an evaluation depends on, as dvc.yaml declares them."""
    return ("seeds", "threads", "gpus", "recipe", f"recipes.{recipe}.{model}")


@dataclass(frozen=True)
class Witness:
    """Hashes the inputs of a stage; made when it starts, before its code is loaded in full.

    `source` is the folder src of the checkout that runs, `prepared` that of the image set.
    """

    params: Path
    keys: Sequence[str]
    prepared: Path
    source: Path
    start: Inputs
    commit: str
    changed: list[str]

    @classmethod
    def of(cls, params: Path, keys: Sequence[str], prepared: Path) -> "Witness":
        """Hash all that is there now."""
        source = Path(__file__).resolve().parents[1]
        start = _inputs(params, keys, prepared, source, sorted(source.rglob("*.py")))
        return cls(params, keys, prepared, source, start, *checkout(source.parent))

    def hashes(self, code: Iterable[Path]) -> dict[str, str]:
        """Return the hashes that source files had at the start, by name."""
        names = [_name(path, self.source) for path in code]
        return {name: self.start.code.get(name, UNREADABLE) for name in names}

    def seal(self, code: Iterable[Path], weights: Mapping[str, str]) -> Seal:
        """Hash everything again and set both side by side.

        Args:
            code: the source files that the stage has loaded; only these count.
            weights: the SHA-256 of the weights that it wrote or read, by seed.

        """
        used = sorted({*code, self.source / "stage.py"})
        return Seal(
            start=replace(self.start, code=self.hashes(used)),
            end=_inputs(self.params, self.keys, self.prepared, self.source, used),
            weights=dict(weights),
            commit=self.commit,
            changed=self.changed,
        )


def _inputs(
    params: Path, keys: Sequence[str], prepared: Path, source: Path, code: Iterable[Path]
) -> Inputs:
    return Inputs(
        parameters=declared_values(params, keys),
        data={path.name: md5(path) for path in sorted(prepared.iterdir())},
        code={_name(path, source): md5(path) for path in code},
        packages=installed_packages(),
    )


def _name(path: Path, source: Path) -> str:
    """Return the path of a source file as dvc.yaml writes it."""
    return f"src/{path.resolve().relative_to(source).as_posix()}"


def moved(seal: Seal) -> list[str]:
    """Say in words what was no longer at the end what it was at the start; empty for a good seal.

    A parameter comes with both values, a file with its name.
    """
    start, end = seal.start, seal.end
    parameters = [
        f"{PARAMS_FILE}: {change}" for change in changes(start.parameters, end.parameters)
    ]
    files = [
        f"{name} changed"
        for before, after in ((start.code, end.code), (start.data, end.data))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name) or before.get(name) == UNREADABLE
    ]
    packages = ["the installed packages changed"] if start.packages != end.packages else []
    return [*parameters, *files, *packages]


def edits(training: TrainingRecord) -> list[str]:
    """Say in words what changed while a run was trained; empty for a sealed or unsealed one."""
    return [change for seal in training.seals for change in moved(seal)]


def changes(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the values that differ between two mappings, innermost keys first named in full."""
    found: list[str] = []
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key), after.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += changes(old, new, f"{prefix}{key}.")
        elif old != new:
            found.append(f"{prefix}{key} from {_value(old)} to {_value(new)}")
    return found


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def md5(path: Path) -> str:
    """Return the MD5 of a file as DVC records it; `UNREADABLE` for one that is gone."""
    return _digest(path, "md5")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file; `UNREADABLE` for one that is gone."""
    return _digest(path, "sha256")


def _digest(path: Path, kind: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(
                file, lambda: hashlib.new(kind, usedforsecurity=False)
            ).hexdigest()
    except OSError:
        return UNREADABLE


def folder_md5(files: Mapping[str, str]) -> str:
    """Return what DVC records for a folder, from the MD5 of each file by its path in the folder."""
    listed = [{"md5": digest, "relpath": name} for name, digest in sorted(files.items())]
    text = json.dumps(listed, sort_keys=True)
    return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}.dir"


def installed_packages() -> str:
    """Return the SHA-256 over names and versions of all that is installed."""
    lines = sorted({f"{each.name}=={each.version}" for each in distributions()})
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def checkout(folder: Path) -> tuple[str, list[str]]:
    """Return the commit that a checkout stands on and which of its `TELLING` files differ from it.

    ``("", [])`` where there is no git or no repository.
    """
    commit = _git(folder, "rev-parse", "HEAD").strip()
    status = _git(folder, "status", "--porcelain", "--untracked-files=all", "--", *TELLING)
    return commit, [line[3:] for line in status.splitlines()] if commit else []


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", *arguments],  # noqa: S607 - whichever git the user has
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""
