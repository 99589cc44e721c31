"""A small HTTP server for one page and one exposition, in which nothing grows with who asks.

The library's own server starts a thread for each connection, however many there are, waits for a silent client for
ever, and would read the host in each of them.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

MOST = 56
"""Connections that are served at the same time, a thread each; more are told to come back. The unit allows 64 tasks."""
DEADLINE = 15.0
"""Seconds after which a connection is cut, whatever it is doing: a client may send a byte now and then for ever."""
LARGEST = 16 << 10
"""Bytes of a request, headers included."""
LOOK = 1.0
"""Seconds between two looks for connections to cut."""

_TEXT = "text/plain; charset=utf-8"
_BUSY = b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_PAGE = b"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>p2pctl</title></head>
<body><h1>p2pctl</h1><p>P2P memory of this host for Prometheus: <a href="/metrics">metrics</a></p></body></html>
"""


class MetricsServer(socketserver.ThreadingMixIn, HTTPServer):
    """Listens on ``address``, as getaddrinfo(3) gives it. ``answer`` gives an exposition with its content type.

    ``told`` is called with an error that is no fault of a client's. Raises OSError where it cannot listen.
    """

    daemon_threads = True
    request_queue_size = MOST

    def __init__(
        self,
        family: socket.AddressFamily,
        address: tuple[Any, ...],
        answer: Callable[[], tuple[bytes, str]],
        told: Callable[[BaseException], None],
    ) -> None:
        self.address_family = family
        self.answer = answer
        self._told = told
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, float] = {}
        super().__init__(cast("tuple[str, int]", address), _Handler)

    def server_bind(self) -> None:
        """Without the look-up of a name for the address, which may take minutes."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for the connection, if there may be one more."""
        with self._lock:
            free = len(self._connections) < MOST
            if free:
                self._connections[request] = time.monotonic() + DEADLINE
        if free:
            super().process_request(request, client_address)
            return
        with contextlib.suppress(OSError):
            request.settimeout(0)
            request.send(_BUSY)
        self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """The end of a connection, whichever way it came about."""
        with self._lock:
            self._connections.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Cuts the connections whose time is over; their threads end with an error that nobody is told of."""
        now = time.monotonic()
        with self._lock:
            late = [one for one, until in self._connections.items() if until < now]
        for one in late:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is."""
        del request, client_address
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, (OSError, http.client.HTTPException)):
            self._told(error)


class _Handler(BaseHTTPRequestHandler):
    """One request; the connection ends with it."""

    server: MetricsServer
    timeout = DEADLINE
    error_content_type = _TEXT
    error_message_format = "%(code)d %(message)s\n"

    def setup(self) -> None:
        super().setup()
        self.rfile = cast("io.BufferedReader", _Bounded(self.rfile))

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except http.client.LineTooLong:
            # Raised for the first line: for those that follow the library answers itself.
            self.requestline = self.request_version = self.command = ""
            self.send_error(431)

    def version_string(self) -> str:
        """No word of the interpreter's version."""
        return "p2pctl"

    def do_GET(self) -> None:
        self._serve(body=True)

    def do_HEAD(self) -> None:
        self._serve(body=False)

    def _serve(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            data, kind = self.server.answer()
        elif path == "/":
            data, kind = _PAGE, "text/html; charset=utf-8"
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: who scrapes knows it, and what strangers ask for belongs in no log of root's."""


class _Bounded:
    """The lines of a request, up to `LARGEST` bytes of them."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._left = LARGEST

    def readline(self, size: int = -1) -> bytes:
        """The next line. Raises LineTooLong once there have been too many bytes."""
        del size
        line = self._stream.readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise http.client.LineTooLong("request")
        return line

    def close(self) -> None:
        """As the stream's own."""
        self._stream.close()
