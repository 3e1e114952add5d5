"""Fixtures that show the built site in Debian's Chromium, as a reader would see it.

The site stands in a folder of its server, as on a static host that serves other things, too. Where
there is no Chromium the tests are skipped. ``conftest.py`` offers these fixtures to every test.
"""

import functools
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "mkdocs.yml"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PREFIX = "some/where"
"""The folder of the server that the site stands in."""

DESKTOP, PHONE = (1280, 900), (390, 844)
Scheme = Literal["light", "dark"]


def build_site(config: Path, site: Path, *, strict: bool = True) -> None:
    """Build a site with MkDocs into a folder; what it says otherwise is the reason of a failure."""
    options = ["--config-file", str(config), "--site-dir", str(site)]
    options += ["--strict"] if strict else []
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", *options],
        cwd=config.parent,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name above
        """Say nothing: pytest shows what a test needs."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine and give its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Tab:
    """A page of the browser and what it was heard to complain of and to ask for.

    `home` is the address of the site's top, with its slash.
    """

    page: "Page"
    home: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.where}: {error}"))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _hear(self, message: "ConsoleMessage") -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.where}: {message.text} ({message.location['url']})")

    @property
    def where(self) -> str:
        """The page below the top of the site."""
        return self.page.url.removeprefix(self.home) or "Home"

    def open(self, path: str) -> "Page":
        """Go to a page of the site by its path below the top, and return it."""
        self.page.goto(f"{self.home}{path}")
        return self.page

    def look(self, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light") -> None:
        """Choose the size of the window in pixels and the colour scheme."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.emulate_media(color_scheme=scheme)

    def elsewhere(self) -> list[str]:
        """Return what was asked of another host, or of this one outside the site."""
        here = (self.home, "data:", "blob:")
        return [address for address in self.requests if not address.startswith(here)]


@pytest.fixture(scope="session")
def chromium() -> "Iterator[Browser]":
    """A running Chromium; tests that ask for it are skipped where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no Chromium here: none of {', '.join(NAMES)} is on the path")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - other tests need it not

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(chromium: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site of this checkout, built once; its server's folder is above it."""
    folder = tmp_path_factory.mktemp("served") / PREFIX
    build_site(CONFIG, folder)
    return folder


@pytest.fixture(scope="session")
def home(site: Path) -> Iterator[str]:
    """The address of the site of this checkout."""
    with served(site.parents[PREFIX.count("/")]) as address:
        yield f"{address}{PREFIX}/"


@pytest.fixture
def tab(chromium: "Browser", home: str) -> Iterator[Tab]:
    """An empty page for the site of this checkout; it must not complain nor look elsewhere."""
    page = chromium.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
    opened = Tab(page, home)
    yield opened
    page.close()
    assert not opened.complaints, opened.complaints
    assert not opened.elsewhere(), opened.elsewhere()
