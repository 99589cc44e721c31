"""``p2pctl metrics --listen``: opens the socket, and serves until a signal ends it."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from p2pctl.errors import BusyError, UsageError, from_os_error
from p2pctl.metrics.server import LOOK, MetricsServer

if TYPE_CHECKING:
    from p2pctl.cli.narrate import Narrator
    from p2pctl.metrics.listening import Place

_HINTS = {
    errno.EADDRNOTAVAIL: "it is no address of this host: ip address shows those that are",
    errno.EACCES: "ports below 1024 need root (CAP_NET_BIND_SERVICE): choose a higher one",
}


class _EndedError(BaseException):
    """A signal says that it is enough. No Exception: nothing on the way may take it for a failure."""


def serve(
    place: Place,
    answer: Callable[[], tuple[bytes, str]],
    told: Callable[[BaseException], None],
    narrator: Narrator,
) -> None:
    """Answers until SIGTERM, which is how a service is stopped and no failure.

    Raises UsageError for a host that nobody knows, BusyError, P2pctlError where it cannot listen, KeyboardInterrupt.
    """

    def end(number: int, frame: object) -> NoReturn:
        del number, frame
        raise _EndedError

    # Before anybody is told that it listens: whoever is may end it at once.
    signal.signal(signal.SIGTERM, end)
    with contextlib.suppress(_EndedError), _open(place, answer, told, narrator) as server:
        server.serve_forever(LOOK)


def _open(
    place: Place,
    answer: Callable[[], tuple[bytes, str]],
    told: Callable[[BaseException], None],
    narrator: Narrator,
) -> MetricsServer:
    """Listens, and says where."""
    try:
        family, _, _, _, address = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(f"no address is called {place.host}", hint="give an address of this host") from error
    shown = f"[{place.host}]" if ":" in place.host else place.host
    try:
        server = MetricsServer(family, address, answer, told)
    except OSError as error:
        doing = f"listen on {shown}:{place.port}"
        if error.errno == errno.EADDRINUSE:
            raise BusyError(f"cannot {doing}: it is taken", hint="choose another port", errno=error.errno) from None
        raise from_os_error(error, doing, hint=_HINTS.get(error.errno or 0, "choose another address")) from None
    narrator.note(f"listening on http://{shown}:{server.server_address[1]}/metrics; SIGTERM or Ctrl-C ends it")
    if not _is_loopback(str(address[0])):
        narrator.note("whoever can reach this address can read it: there is no password and no encryption")
    return server


def _is_loopback(address: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    return False
