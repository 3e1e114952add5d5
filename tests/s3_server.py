"""An S3-compatible server on loopback, by moto, that can stall or go down in mid-push."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from socket import SHUT_RDWR
from threading import Event, Lock, Thread
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import S3Backend, s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

HOST = "127.0.0.1"
DEADLINE_SECONDS = 120.0

Environ = dict[str, Any]


class Handler(WSGIRequestHandler):
    """Answers without a line for each request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Stay silent."""


class S3Server:
    """The server; what it holds outlives `go_down`, as the disk of a real one would.

    `stalled` is set while an upload waits at the gate, `fallen` once the server has gone down.
    """

    def __init__(self) -> None:
        """Listen on a free port."""
        self.stalled, self.released, self.fallen = Event(), Event(), Event()
        self._application = DomainDispatcherApplication(create_backend_app)
        self._uploads_left: int | None = None
        self._at_the_gate: Callable[[Environ], None] = self._wait
        self._lock, self._switch = Lock(), Lock()
        self._server: BaseWSGIServer | None = None
        self._port = 0
        self.go_up()

    @property
    def url(self) -> str:
        """Where it listens, the same each time it is up."""
        return f"http://{HOST}:{self._port}"

    @property
    def backend(self) -> S3Backend:
        """What it holds, for a look past the network."""
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def go_up(self) -> None:
        """Listen, after it went down again on the same port."""
        self.go_down()
        with self._switch:
            self._uploads_left = None
            self._server = make_server(
                HOST, self._port, self._answer, threaded=True, request_handler=Handler
            )
            self._port = self._server.server_port
            self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
            self._thread.start()
            self.fallen.clear()

    def go_down(self) -> None:
        """Listen no longer; what is open is cut at its next request."""
        with self._switch:
            self.fallen.set()
            self.released.set()
            if self._server is not None:
                self._server.shutdown()
                self._thread.join(DEADLINE_SECONDS)
                self._server.server_close()
                self._server = None

    def stall_after(self, uploads: int) -> None:
        """Let so many uploads through and keep the others waiting until `released` is set."""
        self.stalled.clear()
        self.released.clear()
        self._at_the_gate, self._uploads_left = self._wait, uploads

    def fall_after(self, uploads: int) -> None:
        """Let so many uploads through, keep half of the next one and go down."""
        self._at_the_gate, self._uploads_left = self._fall, uploads

    def let_through(self) -> None:
        """Serve uploads as ever."""
        self._uploads_left = None
        self.released.set()

    def _answer(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if self.fallen.is_set():
            return self._cut(environ)
        if environ["REQUEST_METHOD"] == "PUT" and environ["PATH_INFO"].count("/") > 1:
            with self._lock:
                at_the_gate = self._uploads_left == 0
                if self._uploads_left:
                    self._uploads_left -= 1
            if at_the_gate:
                self._at_the_gate(environ)
                return self._cut(environ)
        return self._application(environ, start_response)

    def _wait(self, _: Environ) -> None:
        self.stalled.set()
        self.released.wait(DEADLINE_SECONDS)

    def _fall(self, environ: Environ) -> None:
        with self._lock:
            if self.fallen.is_set():
                return
            self.fallen.set()
        _, bucket, name = environ["PATH_INFO"].split("/", 2)
        half = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]) // 2)
        self.backend.put_object(bucket, name, half)
        Thread(target=self.go_down, daemon=True).start()  # not in a thread that it waits for

    @staticmethod
    def _cut(environ: Environ) -> Iterable[bytes]:
        with suppress(OSError):
            environ["werkzeug.socket"].shutdown(SHUT_RDWR)
        raise ConnectionError("the server is gone")
