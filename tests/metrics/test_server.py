"""The server, by real sockets: whoever connects, and however many, it goes on and does not grow."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from p2pctl.errors import UsageError
from p2pctl.metrics import server as server_module
from p2pctl.metrics.exposition import CONTENT_TYPE
from p2pctl.metrics.keeper import Keeper
from p2pctl.metrics.listening import Place, parse
from p2pctl.metrics.server import LARGEST, MOST, MetricsServer

PATIENCE = 30.0
BODY = b"p2pctl_test 1\n"


class Reply(NamedTuple):
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes


class Serving:
    """A server in a thread of its own."""

    def __init__(self, answer: Callable[[], tuple[bytes, str]], family: socket.AddressFamily, host: str) -> None:
        self.told: list[BaseException] = []
        self.server = MetricsServer(family, (host, 0), answer, self.told.append)
        self.address = self.server.server_address
        self.family = family
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def connect(self) -> socket.socket:
        one = socket.socket(self.family, socket.SOCK_STREAM)
        one.settimeout(PATIENCE)
        one.connect(self.address)
        return one

    def send(self, data: bytes) -> Reply:
        """The reply to bytes."""
        with self.connect() as one:
            one.sendall(data)
            return receive(one)

    def get(self, path: str = "/metrics", method: str = "GET") -> Reply:
        return self.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def end(self) -> None:
        self.server.shutdown()
        self._thread.join(PATIENCE)
        self.server.server_close()


def receive(one: socket.socket) -> Reply:
    """All of a reply."""
    data = b""
    while more := one.recv(1 << 16):
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return Reply(int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body)


Start = Callable[..., Serving]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Serving] = []

    def begin(
        answer: Callable[[], tuple[bytes, str]] = lambda: (BODY, CONTENT_TYPE),
        family: socket.AddressFamily = socket.AF_INET,
        host: str = "127.0.0.1",
    ) -> Serving:
        running.append(Serving(answer, family, host))
        return running[-1]

    yield begin
    for one in running:
        one.end()
        assert one.told == []


def test_metrics_have_the_type_that_prometheus_asks_for(start: Start) -> None:
    found = start().get()
    assert (found.status, found.body) == (200, BODY)
    assert found.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert found.headers["Content-Length"] == str(len(BODY))
    assert found.headers["Server"] == "p2pctl"


def test_there_is_a_page_that_leads_to_them_and_nothing_else(start: Start) -> None:
    serving = start()
    assert b'href="/metrics"' in serving.get("/").body
    assert serving.get("/metrics?debug=1").body == BODY
    assert serving.get("/favicon.ico").status == 404
    assert serving.get("/../etc/passwd").status == 404
    head = serving.get(method="HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(BODY)))
    assert serving.get(method="POST").status == 501


def test_ipv6(start: Start) -> None:
    assert start(family=socket.AF_INET6, host="::1").get().body == BODY


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /" + b"a" * LARGEST + b" HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nX: " + b"a" * LARGEST + b"\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * (LARGEST // 5) + b"\r\n",
    ],
    ids=["line", "header", "headers"],
)
def test_a_request_that_is_too_long_is_refused(start: Start, request_line: bytes) -> None:
    serving = start()
    with serving.connect() as one:
        one.sendall(request_line[: LARGEST + 1])  # what is sent beyond would reset the connection
        assert receive(one).status == 431
    assert serving.get().status == 200


@pytest.mark.parametrize(
    "data", [b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\r\n", b"GET\r\n\r\n", b"\xff" * 40 + b"\n"]
)
def test_what_is_no_request_does_no_harm(start: Start, data: bytes) -> None:
    serving = start()
    with serving.connect() as one:
        one.sendall(data)
        one.shutdown(socket.SHUT_WR)
        one.recv(1 << 16)
    assert serving.get().status == 200


def test_a_client_that_says_nothing_or_little_is_cut(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it spreads its bytes over time: what counts is when it connected."""
    monkeypatch.setattr(server_module, "DEADLINE", 0.3)
    serving = start()
    with serving.connect() as silent, serving.connect() as slow:
        end = time.monotonic() + PATIENCE
        with contextlib.suppress(ConnectionError):  # reset or broken pipe, as it happens
            while time.monotonic() < end:
                slow.sendall(b"G")
                time.sleep(0.01)
        assert time.monotonic() < end
        assert silent.recv(1) == b""
    assert serving.get().status == 200


def test_there_are_never_more_connections_than_so_many(start: Start) -> None:
    """The others are told to come back; once there is room they are served."""
    serving = start()
    held = [serving.connect() for _ in range(MOST)]
    for one in held:  # each has its thread by now, as the order of connections is the order of accepting them
        one.sendall(b"GET /metrics HTTP/1.1\r\n")
    with serving.connect() as more:
        assert receive(more).status == 503
    threads = sum(one.name.startswith("Thread-") for one in threading.enumerate())
    assert threads <= MOST + 1
    for one in held:
        one.sendall(b"\r\n")
        assert receive(one).status == 200
        one.close()
    assert serving.get().status == 200


def test_fifty_scrapers_at_once_are_all_answered_with_one_read(start: Start) -> None:
    reads = []
    gate = threading.Event()

    def read() -> bytes:
        reads.append(1)
        assert gate.wait(PATIENCE)
        return BODY

    keeper = Keeper(read, lambda _: None, patience=PATIENCE)
    serving = start(lambda: (keeper.standing().body, CONTENT_TYPE))
    with ThreadPoolExecutor(50) as pool:
        replies = [pool.submit(serving.get) for _ in range(50)]
        while not reads:
            time.sleep(0.001)
        gate.set()
        assert {(one.result().status, one.result().body) for one in replies} == {(200, BODY)}
    assert len(reads) == 1


@pytest.mark.parametrize("count", [300, pytest.param(3000, marks=pytest.mark.full)])
def test_scrapes_leave_nothing_behind(start: Start, count: int) -> None:
    """No descriptor, no thread, no object more than before."""
    serving = start()

    def standing() -> tuple[int, int, int]:
        _settle(serving)
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), len(gc.get_objects())

    for _ in range(20):
        serving.get()
    before = standing()
    for number in range(count):
        serving.get("/metrics" if number % 10 else "/nothing")
    after = standing()
    assert after[:2] == before[:2]
    assert after[2] - before[2] < 100


def _settle(serving: Serving) -> None:
    """A thread ends a moment after the client has its answer."""
    end = time.monotonic() + PATIENCE
    while serving.server._connections or any("process_request" in one.name for one in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.001)


def test_an_error_that_is_no_client_s_is_told(start: Start) -> None:
    broken = ValueError("broken")

    def fails() -> tuple[bytes, str]:
        raise broken

    serving = start(fails)
    with serving.connect() as one:
        one.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert one.recv(10) == b""
    _settle(serving)
    assert serving.told == [broken]
    serving.told.clear()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("9190", Place("127.0.0.1", 9190)),
        ("0", Place("127.0.0.1", 0)),
        ("0.0.0.0:9190", Place("0.0.0.0", 9190)),  # noqa: S104  it is only read
        ("[::1]:9190", Place("::1", 9190)),
        ("host.example:80", Place("host.example", 80)),
    ],
)
def test_where_to_listen(text: str, place: Place) -> None:
    assert parse(text) == place


@pytest.mark.parametrize(
    "text", ["", ":9190", "[]:9190", "65536", "-1", "::1:9190", "host", "host:", "a:b:1", "٩", "1\n"]
)
def test_what_is_no_place_to_listen_is_refused(text: str) -> None:
    """An empty host above all: elsewhere it means every address, and here nobody is to be surprised by that."""
    with pytest.raises(UsageError) as raised:
        parse(text)
    assert raised.value.hint
