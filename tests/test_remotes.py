"""Weights on the way to a remote and back: a folder, and S3 by moto's server on loopback.

Clients and servers die in mid-push, objects go bad on either side. `dvc` and `cnnreport` are run
as a user runs them; tests/test_storage.py has the cases that need no server.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from clones import ROOT, commit, edit_params, make_clone, ran, run, succeed
from interruption import Command
from stored import (
    FOLDER_STAGE,
    MEMBER,
    OUTPUT,
    FolderRemote,
    cached,
    copy_of,
    damaged,
    make_stored,
    member_of,
    overwrite,
)

from cnnreport.objects import object_name

if TYPE_CHECKING:
    from s3_server import S3Server

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

MISSING = [name for name in ("moto", "dvc_s3", "flask_cors") if find_spec(name) is None]
needs_s3 = pytest.mark.skipif(
    bool(MISSING),
    reason=f"{', '.join(MISSING)} not installed; make test LOCK=requirements-cluster.lock",
)
KINDS = ["folder", pytest.param("s3", marks=needs_s3)]

BUCKET, PREFIX = "weights", "cnnreport"
DEADLINE_SECONDS = 120.0


@dataclass
class S3Remote:
    """A bucket as a remote, with a look past DVC and the network."""

    server: "S3Server"
    bucket: str

    def use(self, folder: Path) -> None:
        """Make it the default remote of a project, as the how-to says."""
        url = f"s3://{self.bucket}/{PREFIX}"
        succeed(folder, "dvc", "remote", "add", "--local", "--default", "kept", url)
        for key, value in (("endpointurl", self.server.url), ("verify", "true")):
            succeed(folder, "dvc", "remote", "modify", "--local", "kept", key, value)

    def read(self, digest: str) -> bytes | None:
        """Return an object, None where it is not there."""
        found = self.server.backend.head_object(self.bucket, f"{PREFIX}/{object_name(digest)}")
        return found.value if found else None

    def write(self, digest: str, content: bytes) -> None:
        """Put something in the place of an object."""
        self.server.backend.put_object(self.bucket, f"{PREFIX}/{object_name(digest)}", content)


Remote = FolderRemote | S3Remote


@pytest.fixture(scope="module")
def server() -> Iterator["S3Server"]:
    """The server, and the variables that its clients need."""
    from s3_server import HOST, S3Server  # noqa: PLC0415 - not installed everywhere

    running = S3Server()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "any")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_CONFIG_FILE", "nowhere")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "nowhere")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        patch.setenv("NO_PROXY", HOST)
        yield running
    running.go_down()


@pytest.fixture
def s3(server: "S3Server") -> S3Remote:
    """An empty bucket on a server that is up."""
    bucket = f"{BUCKET}-{len(server.backend.buckets)}"
    server.backend.create_bucket(bucket, "us-east-1")
    return S3Remote(server, bucket)


@pytest.fixture
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Remote:
    """An empty remote of a kind."""
    if request.param == "folder":
        return FolderRemote(tmp_path / "kept")
    bucket: S3Remote = request.getfixturevalue("s3")
    return bucket


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("remotes") / "project"
    make_stored(folder)
    return folder


@pytest.fixture
def project(untouched: Path, tmp_path: Path) -> Path:
    """A small project, cache included, for a test to change."""
    return copy_of(untouched, tmp_path / "project")


def fresh(project: Path, remote: Remote) -> Path:
    """Clone a project: what git has and nothing of DVC's."""
    folder = project.with_name(f"fresh{len(list(project.parent.glob('fresh*')))}")
    succeed(project, "git", "clone", "--quiet", str(project), str(folder))
    remote.use(folder)
    return folder


def storage(folder: Path, *options: str) -> tuple[int, str]:
    """Run `cnnreport storage` of this checkout; return its status and what it said."""
    done = run(folder, "cnnreport", "storage", *options, PYTHONPATH=str(ROOT / "src"))
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def comes_back(folder: Path, *targets: str) -> None:
    """Pull into a clone; nothing is left to do there, and git sees nothing."""
    succeed(folder, "dvc", "pull", "--with-deps", *targets)
    assert ran(succeed(folder, "dvc", "repro", *targets)) == set()
    assert succeed(folder, "git", "status", "--porcelain") == ""


@needs_s3
def test_a_study_is_pushed_wiped_and_pulled(tmp_path: Path, s3: S3Remote) -> None:
    clone, last = tmp_path / "clone", "evaluate@lenet-digits"
    make_clone(clone)
    edit_params(clone, models=["lenet"], datasets=["digits"], seeds=[0], epochs=1)
    assert "train@lenet-digits-0" in ran(succeed(clone, "dvc", "repro", last))
    commit(clone, "one epoch")
    s3.use(clone)
    succeed(clone, "dvc", "push")
    weights = (clone / "runs/digits/lenet/s0/weights.npz").read_bytes()
    for lost in (".dvc/cache", "data", "runs"):
        shutil.rmtree(clone / lost)
    comes_back(clone, last)

    other = fresh(clone, s3)
    comes_back(other, last)
    assert (other / "runs/digits/lenet/s0/weights.npz").read_bytes() == weights
    status, said = storage(other)
    assert status == 0, said
    assert said.endswith("in the local cache and remote kept: all good\n")


@needs_s3
def test_a_client_killed_in_mid_push_goes_on(project: Path, s3: S3Remote) -> None:
    s3.use(project)
    s3.server.stall_after(2)
    push = Command(project, "dvc", "push")
    try:
        assert s3.server.stalled.wait(DEADLINE_SECONDS), push.output
        push.process.kill()
        push.end()
    finally:
        s3.server.let_through()
    status, said = storage(project)
    assert status == 1
    assert "missing in remote kept" in said
    assert "files pushed" in succeed(project, "dvc", "push")
    comes_back(fresh(project, s3))


@needs_s3
def test_half_an_object_of_a_server_that_went_down_is_found_and_replaced(
    project: Path, s3: S3Remote
) -> None:
    s3.use(project)
    s3.server.fall_after(2)
    assert run(project, "dvc", "push").returncode != 0
    assert s3.server.fallen.is_set()
    status, said = storage(project)
    assert status == 2
    assert len(said.splitlines()) == 1
    assert said.startswith("error: remote kept cannot be used: ")

    s3.server.go_up()
    succeed(project, "dvc", "push")  # brings the rest and leaves the half one alone
    other = fresh(project, s3)
    assert run(other, "dvc", "pull").returncode != 0
    status, said = storage(project)
    assert status == 1
    assert "corrupted in remote kept" in said
    assert storage(project, "--heal")[0] == 0
    comes_back(other)


@pytest.mark.parametrize("remote", KINDS, indirect=True)
def test_an_object_that_went_bad_on_the_remote(project: Path, remote: Remote) -> None:
    remote.use(project)
    succeed(project, "dvc", "push")
    digest = member_of(project)
    good = remote.read(digest)
    assert good
    remote.write(digest, damaged(good))

    assert "up to date" in succeed(project, "dvc", "push")  # DVC sees nothing
    other = fresh(project, remote)
    pulled = run(other, "dvc", "pull")
    assert pulled.returncode != 0
    assert f"Checkout failed for following targets:\n{OUTPUT}" in pulled.stderr
    assert not (other / OUTPUT).exists()

    line = f"{MEMBER} ({FOLDER_STAGE}): corrupted in remote kept, {object_name(digest)}"
    status, said = storage(project)
    assert status == 1
    assert f"{line}\n" in said
    status, said = storage(project, "--heal")
    assert status == 0
    assert f"{line}: removed, copied from the local cache\n" in said
    assert remote.read(digest) == good
    comes_back(other)


@pytest.mark.parametrize("remote", KINDS, indirect=True)
def test_an_object_that_went_bad_in_the_cache(project: Path, remote: Remote) -> None:
    remote.use(project)
    succeed(project, "dvc", "push")
    path = cached(project, member_of(project))
    good = path.read_bytes()
    overwrite(path, damaged(good))
    shutil.rmtree(project / OUTPUT)
    succeed(project, "dvc", "checkout")
    assert (project / MEMBER).read_bytes() == damaged(good)
    assert "up to date" in succeed(project, "dvc", "status")  # DVC sees nothing

    name = f"{MEMBER} ({FOLDER_STAGE})"
    status, said = storage(project)
    assert status == 1
    assert f"{name}: corrupted in the local cache, {object_name(member_of(project))}\n" in said
    assert f"{name}: corrupted in the workspace\n" in said
    status, said = storage(project, "--heal")
    assert status == 0
    assert ": removed, copied from remote kept\n" in said
    assert path.read_bytes() == (project / MEMBER).read_bytes() == good
    comes_back(project)
