"""The three-way merge of what dvc.lock holds: each stage's entry is taken whole or not at all.

An entry says that a command made these outputs from those inputs. A mix of two entries would say
what never happened; either one stays true after a merge, and DVC sees by the inputs whether the
stage has to run again.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cnnreport.errors import ResultsError
from cnnreport.scheduling import TRAINING

STAGES = "stages"

Entry = Mapping[str, Any]
"""What the lock holds of one stage: its command, inputs, parameters and outputs."""


@dataclass(frozen=True)
class Merged:
    """The entries after a merge, and the names of those where both sides had changed.

    Of a stage that both changed differently, ours is kept: `again` names those that cost little
    to run again, `conflicts` the trainings.
    """

    stages: Mapping[str, Entry]
    again: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def merge_stages(
    base: Mapping[str, Entry], ours: Mapping[str, Entry], theirs: Mapping[str, Entry]
) -> Merged:
    """Merge the entries of two locks by their common ancestor, in our order and then in theirs."""
    stages: dict[str, Entry] = {}
    differing = []
    for name in dict.fromkeys([*ours, *theirs]):
        before, our, their = base.get(name), ours.get(name), theirs.get(name)
        if our == before:
            kept = their
        elif their in (before, our):
            kept = our
        else:
            kept = our or their  # removed by one side: kept, as an entry too many does no harm
            if our and their and not _same_training(name, before or {}, our, their):
                differing.append(name)
        if kept:
            stages[name] = kept
    dear = tuple(name for name in differing if name.startswith(TRAINING))
    return Merged(stages, tuple(name for name in differing if name not in dear), dear)


def _same_training(name: str, before: Entry, ours: Entry, theirs: Entry) -> bool:
    """Say whether both sides trained from the same inputs, so that ours serves for both.

    Their outputs differ by the times at least. git merges those outputs that it tracks: it takes
    theirs where we have not changed a file, which then is not the one that our entry names.
    """
    inputs = [{key: entry[key] for key in entry if key != "outs"} for entry in (ours, theirs)]
    old, our, their = (_outputs(entry) for entry in (before, ours, theirs))
    mixed = any(old.get(path) == our[path] != their.get(path) for path in our)
    return name.startswith(TRAINING) and inputs[0] == inputs[1] and not mixed


def _outputs(entry: Entry) -> dict[str, str]:
    return {out["path"]: out.get("md5", "") for out in entry.get("outs", [])}


def read_lock(text: str, source: str) -> dict[str, Any]:
    """Read a lock so that it can be written as it was; an empty text is one without stages.

    Raises:
        ResultsError: it is no lock; `source` names it.

    """
    try:
        lock = YAML().load(text) if text.strip() else {STAGES: {}}
        entries = lock[STAGES].values()
        if not all(isinstance(out, Mapping) for entry in entries for out in entry.get("outs", [])):
            raise TypeError("an output is no mapping")
    except (YAMLError, TypeError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise ResultsError(f"{source}: is no lock of DVC's ({reason}); see `git diff`") from error
    return dict(lock)


def read_stages(text: str, source: str) -> dict[str, Entry]:
    """Read the entries of a lock; see `read_lock`."""
    return dict(read_lock(text, source)[STAGES])


def write_lock(lock: Mapping[str, Any], stages: Mapping[str, Entry]) -> str:
    """Return the text of a lock with other entries, as DVC writes it."""
    stream = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump({**lock, STAGES: dict(stages)}, stream)
    return stream.getvalue()
