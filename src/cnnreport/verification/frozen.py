"""Hold a frozen study against its manifest: every file is there, as it was, and no other."""

from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cnnreport.errors import ResultsError
from cnnreport.freezing import MANIFEST, TRACKED, load_manifest, pictures_of
from cnnreport.seals import UNREADABLE, folder_md5, md5, sha256
from cnnreport.verification.findings import HELD, Check, Finding, holds, sum_up, wrong
from cnnreport.verification.subject import FROZEN, folder_of


def manifest_finding(root: Path, name: str) -> Finding:
    """Return what came of the files of a frozen study."""
    return sum_up(name, "manifest", _checks(root / FROZEN / name, folder_of(name)))


def _checks(folder: Path, shown: str) -> Iterator[Check]:
    if not (folder / MANIFEST).is_file():
        reason = "is missing, so nothing says what was frozen; bring it back or remove the folder"
        yield wrong(f"{shown}{MANIFEST}: {reason}")
        return
    try:
        manifest = load_manifest(folder)
    except ResultsError as error:
        yield wrong(str(error))
        return
    if manifest.name != folder.name:
        yield wrong(f"{shown}{MANIFEST}: is that of '{manifest.name}', not of '{folder.name}'")
    for name, digest in manifest.files.items():
        yield _file_check(f"{shown}{name}", digest, sha256(folder / name))
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST and name not in manifest.files:
            yield wrong(f"{shown}{name}: is not in {MANIFEST}; nobody froze it")
    if pictures_of(folder).is_dir():
        yield _pictures_check(folder, shown)


def _file_check(shown: str, wanted: str, found: str) -> Check:
    if found == UNREADABLE:
        return wrong(f"{shown}: is in {MANIFEST} but {found}")
    text = f"{shown}: has the SHA-256 {found[:12]}…, {MANIFEST} holds {wanted[:12]}…"
    return HELD if found == wanted else wrong(text)


def _pictures_check(folder: Path, shown: str) -> Check:
    """Check the pictures, where they are, against what DVC was told of them."""
    pictures = pictures_of(folder)
    where = f"{pictures.parent.name}/{pictures.name}"
    try:
        text = (folder / TRACKED).read_text(encoding="utf-8")
        wanted = YAML(typ="safe").load(text)["outs"][0]["md5"]
    except (OSError, YAMLError, LookupError, TypeError):
        return wrong(f"{where}: no {shown}{TRACKED} says what they were; nobody froze them")
    found = folder_md5(
        {
            path.relative_to(pictures).as_posix(): md5(path)
            for path in pictures.rglob("*")
            if path.is_file()
        }
    )
    text = f"{where}: are not those that {shown}{TRACKED} names; `dvc checkout`"
    return holds(found == wanted, text)


def frozen_folders(root: Path) -> list[str]:
    """Return the names of all folders of frozen studies, those without a manifest included."""
    folders = (path for path in (root / FROZEN).glob("[!.]*") if path.is_dir())
    return sorted(path.name for path in folders)
