"""Take one training from another branch: its entry in dvc.lock and its files, always together."""

from pathlib import Path

from cnnreport import git
from cnnreport.errors import InputError
from cnnreport.merging.drivers import clone_of
from cnnreport.merging.locks import STAGES, read_lock, read_stages, write_lock
from cnnreport.objects import LOCK_FILE
from cnnreport.scheduling import TRAINING


def take_training(folder: Path, stage: str, revision: str) -> list[str]:
    """Put a training as a revision has it in place of ours; return the files that git brought.

    The weights come with `dvc checkout` or `dvc pull`; params.yaml stays as it is.

    Raises:
        InputError: there is no such revision, or it has no such training.
        ResultsError: dvc.lock cannot be read, here or there.

    """
    top = clone_of(folder)
    if not stage.startswith(TRAINING):
        raise InputError(f"wanted a training as dvc.lock names it, {TRAINING}…, came '{stage}'")
    commit = _git(top, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    if not commit:
        raise InputError(f"wanted a branch, tag or commit, came '{revision}'")
    there = read_stages(_git(top, "show", f"{commit}:{LOCK_FILE}"), f"{LOCK_FILE} of {revision}")
    if stage not in there:
        known = ", ".join(name for name in there if name.startswith(TRAINING))
        raise InputError(f"{revision}: has no {stage}; it has {known or 'no trainings'}")
    path = top / LOCK_FILE
    here = read_lock(path.read_text(encoding="utf-8") if path.is_file() else "", LOCK_FILE)
    names = [out["path"] for out in there[stage]["outs"]]
    tracked = _git(top, "ls-tree", "-r", "--name-only", "-z", commit, "--", *names)
    files = [name for name in tracked.split("\0") if name]
    if files and git.output(top, "checkout", commit, "--", *files) is None:
        raise InputError(f"{revision}: git cannot check out {', '.join(files)}")
    text = write_lock(here, {**here[STAGES], stage: there[stage]})
    path.write_text(text, encoding="utf-8", newline="\n")
    return files


def _git(top: Path, *arguments: str) -> str:
    """Return what git prints; nothing where it fails."""
    return (git.output(top, *arguments) or b"").decode()
