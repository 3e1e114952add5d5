"""Ask DVC what has changed since the last run; with `cnnreport.storage` all that imports DVC.

What DVC's command line tells is not enough: ``dvc repro --dry`` stops at the first output that is
not there, and ``dvc status`` knows no ``-S``. Nothing of the project is written: with changes of
parameters DVC reads a params.yaml that exists in memory alone.
"""

import io
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from dvc.exceptions import DvcException
from dvc.fs import LocalFileSystem
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import load_yaml, modify_yaml

from cnnreport.errors import InputError, ParamsError
from cnnreport.objects import LOCK_FILE

PARAMS_FILE = "params.yaml"
LONGEST_VALUE = 40
"""A parameter's value that takes more characters is cut off."""

ALWAYS = "runs every time"
"""The reason of a stage that DVC is told to run each time, which looks for itself what changed."""

_IN_WORDS = {"modified": "changed", "deleted": "is missing", "new": "is new"}
"""DVC's words for the state of a file, and ours."""

_ALWAYS_CHANGED = "always changed"
"""DVC's words for a stage that is to run each time."""


@dataclass(frozen=True)
class Reason:
    """Why a stage is no longer up to date, in words.

    `makers` are the stages that write the file which it is about. `of_output` says that the file
    is an output of the stage itself, so the same inputs bring it back as it was.
    """

    text: str
    makers: frozenset[str] = frozenset()
    of_output: bool = False


@dataclass(frozen=True)
class StageState:
    """One stage as it stands: those that it reads from directly, and what has changed."""

    name: str
    upstream: tuple[str, ...]
    reasons: tuple[Reason, ...]


class Pipeline:
    """The pipeline of the project in the working directory; a context manager.

    `stages` are in the order in which DVC would run them.

    What DVC would log of it is of no use here and goes nowhere.

    Raises:
        InputError: there is no project here, a target is unknown, DVC is at work or refuses the
            pipeline.

    """

    stages: list[StageState]

    def __init__(self, targets: Sequence[str] = (), params_text: str | None = None) -> None:
        """Read the pipeline up to the `targets`, as if params.yaml held `params_text`."""
        folder = project_folder()
        logging.getLogger("dvc").setLevel(logging.ERROR)
        with in_one_line("DVC cannot read the pipeline"):
            self._repo = Repo(str(folder), fs=_view(folder, params_text))
            wanted = [stage for name in targets for stage in self._repo.stage.collect(name)]
            graph = get_active_graph(self._repo.index.graph)
            self._found = {each.addressing: each for each in plan_repro(graph, wanted or None)}
            with self._repo.lock:
                changes = {name: each.status() for name, each in self._found.items()}
            self.stages = [
                StageState(
                    name,
                    tuple(sorted(each.addressing for each in graph.successors(stage))),
                    tuple(self._reasons(name, changes[name].get(name, []))),
                )
                for name, stage in self._found.items()
            ]

    def __enter__(self) -> "Pipeline":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close DVC's database of hashes."""
        self._repo.close()

    def restorable(self, state: StageState) -> bool:
        """Return whether DVC would bring the outputs back from its cache and run nothing.

        To be asked once of a stage, when its inputs are there as the run would find them.
        """
        stage = self._found[state.name]
        try:
            if not all(reason.of_output for reason in state.reasons):
                # As a run does: what the inputs are now counts, and the old outputs no longer do.
                stage.save_deps()
                for out in stage.outs:
                    out.hash_info = type(out.hash_info)()
            self._repo.stage_cache.restore(stage, dry=True)
        except (DvcException, OSError):
            return False
        return True

    def _reasons(self, name: str, changes: Sequence[Any]) -> Iterator[Reason]:
        stage = self._found[name]
        if not any(out.hash_info for out in stage.outs):
            yield Reason("was never run")
            return
        # A list of words and of mappings with one key each, as `dvc status --json` prints it.
        words = {change for change in changes if isinstance(change, str)}
        found = dict(
            pair for change in changes if not isinstance(change, str) for pair in change.items()
        )
        inputs = found.get("changed deps", {})
        if PARAMS_FILE in inputs:
            yield from _changed_params(stage.params)
        if words - {_ALWAYS_CHANGED}:
            yield Reason("its command changed")
        if _ALWAYS_CHANGED in words:
            yield Reason(ALWAYS)
        for path in sorted(inputs.keys() - {PARAMS_FILE}):
            yield Reason(f"{path} {_IN_WORDS.get(inputs[path], inputs[path])}", self._makers(path))
        for path, how in found.get("changed outs", {}).items():
            yield Reason(f"{path} {_of_output(path, how)}", of_output=True)

    def _makers(self, path: str) -> frozenset[str]:
        """Return the stages that write a file, a part of that folder or the folder around it."""
        return frozenset(
            name
            for name, stage in self._found.items()
            if any(_overlap(Path(path), Path(str(out))) for out in stage.outs)
        )


def project_folder() -> Path:
    """Return the working directory, which must be the top of a DVC project.

    Raises:
        InputError: it is none.

    """
    folder = Path.cwd()
    if not (folder / ".dvc").is_dir():
        raise InputError(f"{folder}: no DVC project; run this in the folder that holds dvc.yaml")
    return folder


def lock_order() -> list[str]:
    """Return the names of the stages in dvc.lock as they stand there; none without the file."""
    lock = project_folder() / LOCK_FILE
    with in_one_line("DVC cannot read its lock"):
        return list((load_yaml(lock).get("stages") or {}) if lock.is_file() else {})


def order_lock(names: Sequence[str]) -> None:
    """Put the stages in dvc.lock into the order of `names`; others follow as they stand.

    DVC adds a stage that it has not known where the file ends, so the order of new ones would tell
    which of several ended first.
    """
    folder = project_folder()
    lock = folder / LOCK_FILE
    # As under `dvc --wait-for-lock`.
    waiting = Repo(str(folder), _wait_for_lock=True)
    with in_one_line("DVC cannot read its lock"), waiting as repo, repo.lock:
        stages = list(load_yaml(lock).get("stages") or {}) if lock.is_file() else []
        wanted = [name for name in names if name in stages]
        wanted += [name for name in stages if name not in names]
        if wanted == stages:
            return
        with modify_yaml(str(lock)) as content:
            for name in wanted:
                content["stages"].move_to_end(name)


def override(text: str, changes: Sequence[str]) -> str:
    """Return the text of params.yaml after changes ``NAME=VALUE``, as ``dvc exp run -S`` does it.

    Raises:
        ParamsError: a name is not there or a value cannot be read.

    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / PARAMS_FILE
        path.write_text(text, encoding="utf-8")
        for change in changes:
            try:
                apply_overrides(path, [change.removeprefix(f"{PARAMS_FILE}:")])
            except DvcException as error:
                raise ParamsError(f"-S {change}: {_refusal(error)}") from error
        return path.read_text(encoding="utf-8")


def differences(key: str, before: Any, now: Any) -> Iterator[str]:
    """Yield a line for each value that is another one, ``epochs: empty → 100``."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for inner in dict.fromkeys([*before, *now]):
            yield from differences(f"{key}.{inner}", before.get(inner), now.get(inner))
    elif before != now:
        yield f"{key}: {_shown(before)} → {_shown(now)}"


def _refusal(error: DvcException) -> str:
    """Say what Hydra, which reads the changes for DVC, found wrong."""
    lines = str(error.__cause__ or error).splitlines()
    if lines[0].startswith("Could not override"):
        return f"{PARAMS_FILE} has no parameter of that name"
    return f"wanted NAME=VALUE with a value as in YAML ({lines[min(1, len(lines) - 1)]})"


def _changed_params(read: Iterable[Any]) -> Iterator[Reason]:
    """Yield what changed in the parameters that a stage reads.

    Where another profile or recipe was chosen, its content is new too and goes without saying.
    """
    for each in read:
        before, now = each.hash_info.value or {}, each.read_params()
        lines = [
            line
            for key, value in now.items()
            if key in before
            for line in differences(key, before[key], value)
        ]
        added = [f"{key}: is a new parameter" for key in now if key not in before]
        yield from map(Reason, lines or added)


def _of_output(path: str, how: str) -> str:
    """Say what became of an output; DVC's "not in cache" tells nothing of the file itself."""
    if how == "not in cache":
        return "is not in DVC's cache" if Path(path).exists() else "is missing"
    return _IN_WORDS.get(how, how)


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    text = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _view(folder: Path, params_text: str | None) -> LocalFileSystem:
    """Return the file system for DVC to read, with another params.yaml if one is given."""
    view = LocalFileSystem()
    if params_text is not None:
        plain, params = view.open, folder / PARAMS_FILE

        def open_changed(path: Any, *args: Any, **options: Any) -> Any:
            if Path(path).absolute() == params:
                return io.StringIO(params_text)
            return plain(path, *args, **options)

        view.open = open_changed
    return view


@contextmanager
def in_one_line(what: str) -> Iterator[None]:
    """Turn an error of DVC's into one line, which begins with what failed.

    Raises:
        InputError: DVC is at work in this folder already, or does not do what it was asked for.

    """
    try:
        yield
    except LockError as error:
        raise InputError("DVC is at work in this folder; ask again when it has ended") from error
    except DvcException as error:
        line = " ".join(str(error).split())
        raise InputError(f"{what}: {line}") from error
