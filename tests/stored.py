"""A small DVC project of a folder and a file, and ways to damage what DVC keeps of it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from clones import commit, succeed

from cnnreport.objects import members, object_name
from cnnreport.verification.locks import load_lock

FOLDER_STAGE, FILE_STAGE = "networks", "note"
OUTPUT, NOTE = "networks", "note.txt"
MEMBER = f"{OUTPUT}/b.bin"

PIPELINE = """\
stages:
  networks:
    cmd: python make.py
    deps: [make.py]
    outs: [networks]
  note:
    cmd: python make_note.py
    deps: [make_note.py]
    outs: [note.txt]
"""
MAKE = """\
from pathlib import Path

folder = Path("networks")
folder.mkdir(exist_ok=True)
for name in "abcdef":
    (folder / f"{name}.bin").write_bytes(name.encode() * 5000)
"""
MAKE_NOTE = """\
from pathlib import Path

Path("note.txt").write_text("A note.")
"""


def make_stored(folder: Path) -> None:
    """Make the project in a folder, run and committed, without a remote."""
    folder.mkdir()
    succeed(folder, "git", "init", "--quiet", "--initial-branch", "main")
    succeed(folder, "git", "config", "user.name", "Test")
    succeed(folder, "git", "config", "user.email", "test@example.org")
    succeed(folder, "dvc", "init", "--quiet")
    for name, text in (
        ("dvc.yaml", PIPELINE),
        ("make.py", MAKE),
        ("make_note.py", MAKE_NOTE),
        (".gitignore", f"/{OUTPUT}\n/{NOTE}\n"),
        (".dvc/config", "[core]\n    analytics = false\n    check_update = false\n"),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    succeed(folder, "dvc", "repro", "--quiet")
    commit(folder, "a small project")


@dataclass
class FolderRemote:
    """A folder as a remote."""

    path: Path

    def use(self, folder: Path) -> None:
        """Make it the default remote of a project, outside of git."""
        text = f"[core]\n    remote = kept\n['remote \"kept\"']\n    url = {self.path}\n"
        (folder / ".dvc/config.local").write_text(f"{text}    verify = true\n", encoding="utf-8")

    def read(self, digest: str) -> bytes | None:
        """Return an object, None where it is not there."""
        path = self.path / object_name(digest)
        return path.read_bytes() if path.exists() else None

    def write(self, digest: str, content: bytes) -> None:
        """Put something in the place of an object."""
        overwrite(self.path / object_name(digest), content)


def overwrite(path: Path, content: bytes) -> None:
    """Damage a file as a failing disk does: DVC's write protection stays."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)


def damaged(content: bytes) -> bytes:
    """Return other bytes of the same length."""
    return content[:-1] + b"?"


def cached(project: Path, digest: str) -> Path:
    """Return where DVC's local cache has an object."""
    return project / ".dvc/cache" / object_name(digest)


def list_of(project: Path) -> str:
    """Return the name of the object that lists the folder's files."""
    return load_lock(project / "dvc.lock")[FOLDER_STAGE].outs[OUTPUT].md5


def member_of(project: Path) -> str:
    """Return the name of the object of one of the folder's files."""
    listed = cached(project, list_of(project)).read_text(encoding="utf-8")
    return members(listed)[Path(MEMBER).name]


def copy_of(project: Path, folder: Path) -> Path:
    """Copy a project with its cache."""
    return Path(shutil.copytree(project, folder, symlinks=True))
