"""Clones of this checkout as it stands, for whatever runs DVC as a user does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from cnnreport import readme

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


def environment(**options: str) -> dict[str, str]:
    """The variables of an activated .venv, without those that would lead elsewhere."""
    activated = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **options}
    for name in ("CNNREPORT_CIFAR_FOLDER", "PYTHONPATH"):
        if name not in options:
            activated.pop(name, None)
    return activated


def run(folder: Path, *command: str, **options: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the environment of an activated .venv."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(**options),
        capture_output=True,
        text=True,
        check=False,
    )


def succeed(folder: Path, *command: str) -> str:
    """Run a command that must end well and return what it printed."""
    done = run(folder, *command)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def commit(folder: Path, message: str) -> None:
    """Commit everything."""
    succeed(folder, "git", "add", "--all")
    succeed(folder, "git", "commit", "--quiet", "--no-verify", "--message", message)


def edit_params(folder: Path, **changes: object) -> None:
    """Change keys of the top level of params.yaml."""
    yaml = YAML()
    raw = yaml.load((folder / "params.yaml").read_text(encoding="utf-8"))
    raw.update(changes)
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(raw, file)


def make_clone(folder: Path) -> None:
    """Clone this checkout, what is not committed yet included, but without any result."""
    succeed(ROOT, "git", "clone", "--quiet", str(ROOT), str(folder))
    listed = succeed(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard")
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    succeed(folder, "git", "config", "user.name", "Test")
    succeed(folder, "git", "config", "user.email", "test@example.org")
    shutil.rmtree(folder / "results", ignore_errors=True)
    # Drawing the frozen studies takes longer than most tests; test_pages.py does it.
    for generated in (folder / "docs/studies", *(folder / "report/studies").glob("*/")):
        shutil.rmtree(generated, ignore_errors=True)
    readme.update(folder, "")  # which showed the figures of the frozen studies
    (folder / "dvc.lock").unlink(missing_ok=True)


def ran(output: str) -> set[str]:
    """The stages that DVC ran, by their names; `check` aside, which runs at every edit."""
    prefix = "Running stage '"
    lines = (line.strip() for line in output.splitlines())
    return {line.split("'")[1] for line in lines if line.startswith(prefix)} - {"check"}
