"""Hash the objects in DVC's local cache again; DVC itself never looks at them once more.

Here they are evidence, and held against the seals too; `cnnreport.storage` looks after the copies.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path

from cnnreport.errors import ResultsError
from cnnreport.objects import content_md5, is_folder, members, object_name
from cnnreport.scheduling import TRAINING
from cnnreport.seals import UNREADABLE, md5, sha256
from cnnreport.verification.findings import HELD, Check, Finding, holds, sum_up, unverified, wrong
from cnnreport.verification.locks import HEAVY, Lock, expected_stages, seal_of
from cnnreport.verification.subject import Subject

PICTURES = "docs/pictures"
WEIGHTS = "weights.npz"

Hash = Callable[[Path], str]


def cache_folder(root: Path) -> Path:
    """Ask DVC where its cache is.

    Raises:
        ResultsError: there is no DVC project.

    """
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    done = subprocess.run(  # noqa: S603 - fixed arguments
        command, cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ResultsError(f"{root}: DVC does not say where its cache is; is this a checkout?")
    return root / done.stdout.strip()


def remembering() -> Hash:
    """Return a way to hash files that reads each one once, for studies that share objects."""
    return lru_cache(maxsize=None)(md5)


def cache_findings(subject: Subject, lock: Lock, cache: Path, hashed: Hash) -> Iterator[Finding]:
    """Yield what came of each output that only DVC keeps."""
    for name in expected_stages(subject, lock):
        for path, locked in lock[name].outs.items() if name in lock else ():
            if path.startswith(HEAVY) or path == PICTURES:
                checks = object_checks(cache, locked.md5, path, hashed)
                sealed = sealed_checks(subject, name, cache, locked.md5, path)
                yield sum_up(subject.name, f"cache {path}", chain(checks, sealed))


def object_checks(cache: Path, digest: str, output: str, hashed: Hash) -> Iterator[Check]:
    """Check the object of an output and, of a folder, the object of each file in it."""
    own = _object_check(cache, digest, output, hashed)
    yield own
    if is_folder(digest) and own is HELD:
        for name, content in _members(cache, digest).items():
            yield _object_check(cache, content, f"{output}/{name}", hashed)


def sealed_checks(
    subject: Subject, stage: str, cache: Path, digest: str, output: str
) -> Iterator[Check]:
    """Hold the cached weights of a training against the seal, since anyone can edit the lock."""
    seal, _ = seal_of(subject, stage)
    seed = stage.rpartition("-")[2]
    if seal is None or not stage.startswith(TRAINING) or not (cache / object_name(digest)).exists():
        return
    content = _members(cache, digest).get(WEIGHTS)
    found = sha256(cache / object_name(content)) if content else None
    if found != UNREADABLE:
        text = f"DVC's cache holds for it other weights than the seal of {stage} names"
        yield holds(found == seal.weights.get(seed), f"{output}/{WEIGHTS}: {text}")


def _members(cache: Path, digest: str) -> dict[str, str]:
    return members((cache / object_name(digest)).read_text(encoding="utf-8"))


def _object_check(cache: Path, digest: str, output: str, hashed: Hash) -> Check:
    name = object_name(digest)
    found = hashed(cache / name)
    if found == UNREADABLE:
        return unverified(f"{output}: {name} is not in DVC's cache; `dvc pull` may bring it")
    text = f"{output}: {name} in DVC's cache has the MD5 {found}; see `cnnreport storage`"
    return HELD if found == content_md5(digest) else wrong(text)
