"""What `cnnreport storage` says of a small project with a folder as its remote, and mends."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clones import ran, succeed
from stored import (
    FILE_STAGE,
    FOLDER_STAGE,
    MEMBER,
    NOTE,
    OUTPUT,
    FolderRemote,
    cached,
    copy_of,
    damaged,
    list_of,
    make_stored,
    member_of,
    overwrite,
)
from typer.testing import CliRunner

from cnnreport import storage
from cnnreport.cli import app
from cnnreport.errors import InputError
from cnnreport.objects import object_name
from cnnreport.seals import UNREADABLE
from cnnreport.storage import check, lines

OBJECTS = 8
"""Six files, the list of their folder and a note."""


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was run and pushed."""
    folder = tmp_path_factory.mktemp("storage") / "project"
    make_stored(folder)
    FolderRemote(folder.parent / "kept").use(folder)
    succeed(folder, "dvc", "push")
    return folder


@pytest.fixture
def project(untouched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project and of its remote, for a test to change; it works there."""
    folder = copy_of(untouched, tmp_path / "project")
    FolderRemote(Path(shutil.copytree(untouched.parent / "kept", tmp_path / "kept"))).use(folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def remote(project: Path) -> FolderRemote:
    return FolderRemote(project.parent / "kept")


def said(*, heal: bool = False) -> list[str]:
    return list(lines(check(heal=heal), heal=heal))


def spoil_cache(project: Path, digest: str) -> None:
    path = cached(project, digest)
    overwrite(path, damaged(path.read_bytes()))


def spoil_remote(remote: FolderRemote, digest: str) -> None:
    content = remote.read(digest)
    assert content
    remote.write(digest, damaged(content))


def test_all_good(project: Path) -> None:
    assert check().good
    assert said() == [f"{OBJECTS} objects in the local cache and remote kept: all good"]


def test_the_list_of_a_folder_is_read_and_mended_like_a_file(
    project: Path, remote: FolderRemote
) -> None:
    digest = list_of(project)
    good = cached(project, digest).read_bytes()
    for spoil, place, source in (
        (lambda: spoil_cache(project, digest), "the local cache", "remote kept"),
        (lambda: spoil_remote(remote, digest), "remote kept", "the local cache"),
    ):
        spoil()
        name = f"the list of {OUTPUT} ({FOLDER_STAGE})"
        line = f"{name}: corrupted in {place}, {object_name(digest)}"
        assert line in said()
        assert f"{line}: removed, copied from {source}" in said(heal=True)
        assert cached(project, digest).read_bytes() == remote.read(digest) == good
        assert check().good


def test_a_missing_file_is_pushed_although_dvc_push_sees_its_folder_there(
    project: Path, remote: FolderRemote
) -> None:
    digest = member_of(project)
    (remote.path / object_name(digest)).unlink()
    assert "up to date" in succeed(project, "dvc", "push")
    line = f"{MEMBER} ({FOLDER_STAGE}): missing in remote kept, {object_name(digest)}"
    assert line in said()
    assert f"{line}: copied from the local cache" in said(heal=True)
    assert remote.read(digest) == (project / MEMBER).read_bytes()


def test_a_place_without_anything_has_one_line(project: Path, remote: FolderRemote) -> None:
    shutil.rmtree(project / ".dvc/cache")
    assert said()[0] == "nothing is in the local cache; `dvc pull` brings it there"
    succeed(project, "dvc", "pull")
    shutil.rmtree(remote.path)
    assert said() == [
        "nothing is in remote kept; `dvc push` brings it there",
        f"{OBJECTS} objects in the local cache and remote kept: {OBJECTS} wrong",
        "`cnnreport storage --heal` mends what is whole in another place",
    ]
    assert len(said(heal=True)) == OBJECTS + 1
    assert check().good


def test_what_is_bad_in_both_places_comes_from_the_workspace(
    project: Path, remote: FolderRemote
) -> None:
    digest = member_of(project)
    spoil_cache(project, digest)
    spoil_remote(remote, digest)
    report = check(heal=True)
    assert [fault.outcome for fault in report.faults] == [
        "removed, copied from the workspace",
        "removed, copied from the local cache",
    ]
    assert report.good
    assert check().good


def test_what_is_good_nowhere_is_removed_and_the_stage_makes_it_again(
    project: Path, remote: FolderRemote
) -> None:
    digest = member_of(project)
    spoil_cache(project, digest)
    spoil_remote(remote, digest)
    shutil.rmtree(project / OUTPUT)
    succeed(project, "dvc", "checkout")
    again = f"`dvc repro -f -s {FOLDER_STAGE}` makes it again"
    report = check(heal=True)
    assert [fault.outcome for fault in report.faults] == [
        f"removed, no place has it whole; {again}",
        f"removed, no place has it whole; {again}",
        again,
    ]
    assert not report.good
    assert remote.read(digest) is None
    assert not cached(project, digest).exists()
    assert FOLDER_STAGE in ran(succeed(project, "dvc", "repro", "-f", "-s", FOLDER_STAGE))
    assert check(heal=True).good
    assert check().good


def test_files_of_a_folder_whose_list_is_lost_are_not_taken_for_good(
    project: Path, remote: FolderRemote
) -> None:
    spoil_cache(project, list_of(project))
    spoil_remote(remote, list_of(project))
    report = check()
    assert report.unknown == (f"{OUTPUT} ({FOLDER_STAGE})",)
    assert not report.good
    assert not check(heal=True).good
    succeed(project, "dvc", "repro", "-f", "-s", FOLDER_STAGE)
    succeed(project, "dvc", "push")
    assert check().good


def test_an_edit_in_the_workspace_is_no_fault(project: Path) -> None:
    (project / MEMBER).chmod(0o644)
    (project / MEMBER).write_bytes(b"edited")
    assert check(heal=True).good
    assert (project / MEMBER).read_bytes() == b"edited"


def test_equal_files_are_one_object(project: Path, remote: FolderRemote) -> None:
    copy = project / "copy.bin"
    shutil.copy(project / MEMBER, copy)
    succeed(project, "dvc", "add", "--quiet", copy.name)
    digest = member_of(project)
    spoil_remote(remote, digest)
    report = check(heal=True)
    assert (report.objects, len(report.faults)) == (OBJECTS, 1)
    assert "and 1 equal file: corrupted in remote kept" in str(report.faults[0])
    assert check().good


def test_any_equal_file_of_the_workspace_heals(project: Path, remote: FolderRemote) -> None:
    copy = project / "copy.bin"
    shutil.copy(project / MEMBER, copy)
    succeed(project, "dvc", "add", "--quiet", copy.name)
    digest = member_of(project)
    spoil_remote(remote, digest)
    spoil_cache(project, digest)
    for name, other in ((MEMBER, copy.name), (copy.name, MEMBER)):
        kept = (project / other).read_bytes()
        (project / name).unlink()
        report = check(heal=True)
        assert all(each.healed for each in report.faults if each.place != "the workspace")
        (project / name).write_bytes(kept)
        spoil_remote(remote, digest)
        spoil_cache(project, digest)


def deny(monkeypatch: pytest.MonkeyPatch, digest: str, number: int, *, once: bool = False) -> None:
    """Let no place read an object, or only at the second try.

    A changed mode would not stop a test that runs as root.
    """
    read, denied = storage.file_md5, set[str]()

    def failing(path: str, file_system: Any) -> str:
        if path.endswith(digest[2:]) and not (once and path in denied):
            denied.add(path)
            raise OSError(number, os.strerror(number))
        return str(read(path, file_system))

    monkeypatch.setattr(storage, "file_md5", failing)


UNREAD = [errno.EIO, errno.EACCES, errno.EPERM]


@pytest.mark.parametrize("number", UNREAD)
def test_an_object_that_cannot_be_read_is_told_and_never_removed(
    project: Path, remote: FolderRemote, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """There may be no other copy of it, and a permission comes back."""
    digest = member_of(project)
    good = cached(project, digest).read_bytes()
    shutil.rmtree(project / OUTPUT)
    with monkeypatch.context() as patch:
        deny(patch, digest, number)
        told = [
            f"{MEMBER} ({FOLDER_STAGE}): unreadable in {place}, {object_name(digest)}: nobody "
            "knows whether it is good, so it stays; see to its permissions or the disk, or move "
            "it away, and check again"
            for place in ("the local cache", "remote kept")
        ]
        assert said()[:2] == told
        assert said(heal=True)[:2] == told
        assert not check().good
    assert cached(project, digest).read_bytes() == remote.read(digest) == good


def test_what_can_be_read_at_the_second_try_is_taken_for_what_it_is(
    project: Path, remote: FolderRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = member_of(project)
    spoil_remote(remote, digest)
    deny(monkeypatch, digest, errno.EACCES, once=True)
    faults = check(heal=True).faults
    assert [(fault.state, fault.outcome) for fault in faults] == [
        ("unreadable", "good by now"),
        ("corrupted", "removed, copied from the local cache"),
    ]
    assert check().good


def test_nothing_is_to_be_made_again_while_a_copy_may_be_whole(
    project: Path, remote: FolderRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = member_of(project)
    spoil_remote(remote, digest)
    shutil.rmtree(project / OUTPUT)
    path, read = str(cached(project, digest)), storage.file_md5

    def failing(name: str, file_system: Any) -> str:
        if name == path:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return str(read(name, file_system))

    monkeypatch.setattr(storage, "file_md5", failing)
    _, there = check(heal=True).faults
    assert there.outcome == (
        "removed, no place that can be read has it whole; the local cache may, so see to that first"
    )


def test_a_file_of_the_workspace_that_cannot_be_read_stays(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = storage.md5
    monkeypatch.setattr(
        storage, "md5", lambda path: UNREADABLE if str(path) == MEMBER else real(path)
    )
    content = (project / MEMBER).read_bytes()
    assert said(heal=True)[0] == (
        f"{MEMBER} ({FOLDER_STAGE}): unreadable in the workspace: nobody knows whether it is "
        "good, so it stays; see to its permissions or the disk, or move it away, and check again"
    )
    assert (project / MEMBER).read_bytes() == content


def test_what_no_stage_makes_has_another_way_out(project: Path, remote: FolderRemote) -> None:
    (project / "given.bin").write_bytes(b"given")
    succeed(project, "dvc", "add", "--quiet", "given.bin")
    (item,) = {fault.item for fault in check().faults}
    assert item.path == "given.bin"
    spoil_cache(project, item.digest)
    (project / "given.bin").unlink()
    outcomes = {fault.outcome.split("; ")[-1] for fault in check(heal=True).faults}
    assert outcomes == {"only the cache of another clone, or another remote, can bring it"}


def test_what_was_never_run_is_said_and_no_fault(project: Path) -> None:
    (project / "dvc.lock").unlink()
    assert said() == [
        f"{OUTPUT} ({FOLDER_STAGE}): was never run, so nothing is looked for",
        f"{NOTE} ({FILE_STAGE}): was never run, so nothing is looked for",
        "0 objects in the local cache and remote kept: all good",
    ]


def test_the_exit_status_tells(project: Path, remote: FolderRemote) -> None:
    spoil_remote(remote, member_of(project))
    for options, status in (([], 1), (["--heal"], 0), ([], 0)):
        assert CliRunner().invoke(app, ["storage", *options]).exit_code == status


def no_dvc(project: Path) -> None:
    shutil.rmtree(project / ".dvc")


def no_remote(project: Path) -> None:
    (project / ".dvc/config.local").unlink()


def another_kind(project: Path) -> None:
    text = "[core]\n    remote = far\n['remote \"far\"']\n    url = oss://bucket/folder\n"
    (project / ".dvc/config.local").write_text(text, encoding="utf-8")


def unreadable(project: Path) -> None:
    place = project.parent / "kept"
    shutil.rmtree(place)
    place.write_text("no folder")


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (no_dvc, [], "no DVC project"),
        (no_remote, [], "no remote is set; `dvc remote add --default NAME URL`"),
        (str, ["--remote", "nowhere"], "no remote is called 'nowhere'; known: kept"),
        (another_kind, [], 'another package for oss:// addresses; `pip install "dvc[oss]"`'),
        (unreadable, [], "remote kept cannot be used: "),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(
    project: Path, spoil: Callable[[Path], object], options: list[str], message: str
) -> None:
    spoil(project)
    done = CliRunner().invoke(app, ["storage", *options])
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)
    assert "\n" not in str(done.exception)


def test_dvc_at_work_is_one_line(project: Path) -> None:
    from dvc.repo import Repo  # noqa: PLC0415 - slow to load

    with Repo(str(project)).lock, pytest.raises(InputError, match="DVC is at work"):
        check()
