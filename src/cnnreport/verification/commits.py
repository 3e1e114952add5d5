"""Hold what a seal says of its checkout against git: the files were those of the commit it names.

Nothing is said where git cannot know: without git, outside of a repository of the project's own,
or of an older commit in a shallow clone.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cnnreport import git
from cnnreport.records import Seal
from cnnreport.seals import PARAMS_FILE, changes
from cnnreport.study import md5_of
from cnnreport.verification.findings import (
    HELD,
    Check,
    Finding,
    holds,
    sum_up,
    unverified,
    wrong,
)
from cnnreport.verification.subject import Subject, title_of

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

Blobs = Mapping[str, bytes]
"""The contents of what git has, by its name: a commit alone or, with a colon, a file in it."""


@dataclass(frozen=True)
class Repository:
    """The git repository whose top is the project's folder; a shallow one lacks older commits."""

    folder: Path
    shallow: bool

    def read(self, names: Iterable[str]) -> Blobs:
        """Return the contents of all names that git knows, in one go."""
        asked = [name for name in dict.fromkeys(names) if "\n" not in name]
        answer = git.output(
            self.folder, "cat-file", "--batch", given="\n".join([*asked, ""]).encode()
        )
        return dict(_answers(asked, answer or b""))


def repository(folder: Path) -> Repository | None:
    """Return the repository of a project, None where it has none of its own."""
    answer = git.output(folder, "rev-parse", "--is-shallow-repository", "--show-prefix")
    if answer is None:
        return None
    shallow, _, prefix = answer.decode().partition("\n")
    return None if prefix.strip() else Repository(folder, shallow == "true")


def _answers(asked: Iterable[str], answer: bytes) -> Iterator[tuple[str, bytes]]:
    """Take the answer of `git cat-file --batch` apart: a header, then as many bytes as it says."""
    at = 0
    for name in asked:
        header, _, _ = answer[at:].partition(b"\n")
        at += len(header) + 1
        _, _, size = header.rpartition(b" ")
        if size.isdigit():
            yield name, answer[at : at + int(size)]
            at += int(size) + 1


def commit_findings(subject: Subject, git: Repository | None) -> Iterator[Finding]:
    """Yield what came of the commit that each run's seal names."""
    if git is None:
        return
    runs = [
        (f"{title_of(cell)} commit s{run.seed}", place, seal)
        for cell in subject.study.cells.values()
        for run in cell.runs
        for place in [subject.result(cell, f"training/s{run.seed}.json")]
        for seal in run.training.seals[-1:]
        if seal.commit
    ]
    blobs = git.read(name for _, _, seal in runs for name in _names(seal))
    for title, place, seal in runs:
        if seal.commit in blobs or not git.shallow:
            yield sum_up(subject.name, title, commit_checks(place, seal, blobs))


def _names(seal: Seal) -> list[str]:
    """Return what git is asked for to check a seal."""
    if not COMMIT.fullmatch(seal.commit):
        return []
    files = [PARAMS_FILE, *seal.start.code]
    return [seal.commit, *(f"{seal.commit}:{file}" for file in files)]


def commit_checks(place: str, seal: Seal, blobs: Blobs) -> Iterator[Check]:
    """Check code and parameters at the start against the commit, but for what is said to differ."""
    commit = seal.commit[:12]
    if seal.commit not in blobs:
        text = f"git has no commit '{commit}', which the seal names; a rebase or a squash drops it"
        yield unverified(f"{place}: {text}")
        return
    # git writes a file that was moved as OLD -> NEW.
    edited = {name for line in seal.changed for name in line.split(" -> ")}
    for file, digest in seal.start.code.items():
        if file not in edited:
            held = _md5(blobs.get(f"{seal.commit}:{file}"))
            text = f"{file} is not that of the commit {commit}, which the seal names"
            yield holds(held == digest, f"{place}: {text}")
    if PARAMS_FILE not in edited:
        committed = _parameters(blobs.get(f"{seal.commit}:{PARAMS_FILE}", b""), seal)
        found = changes(committed, seal.start.parameters)
        text = f"against the commit {commit}, which the seal names"
        yield from (wrong(f"{place}: {PARAMS_FILE}: {change}, {text}") for change in found)
        yield from [] if found else [HELD]


def _md5(content: bytes | None) -> str:
    return "" if content is None else md5_of(content)


def _parameters(text: bytes, seal: Seal) -> dict[str, Any]:
    """Return what a committed params.yaml holds of the keys that a seal names."""
    try:
        raw = YAML(typ="safe").load(text.decode())
    except (ValueError, YAMLError):
        raw = None
    return {key: _at(raw, key) for key in seal.start.parameters}


def _at(raw: Any, key: str) -> Any:
    for part in key.split("."):
        raw = raw.get(part) if isinstance(raw, dict) else None
    return raw
