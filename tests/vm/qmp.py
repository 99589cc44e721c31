"""Talks QMP to a running QEMU: enough of it to plug and unplug devices."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Message = dict[str, Any]


class QmpError(Exception):
    """QEMU refused a command, or went away; the message is QEMU's own."""


class Qmp:
    """One QMP connection. Not for more than one thread."""

    def __init__(self, path: Path, patience: float = 30) -> None:
        """Connects, waiting for QEMU to come up. Raises QmpError when it does not in time."""
        deadline = time.monotonic() + patience
        self._socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise QmpError(f"no QMP connection to QEMU: {error}") from error
                time.sleep(0.05)
        self._buffer = b""
        self._events: list[Message] = []
        self._until(lambda message: "QMP" in message, patience)
        self.command("qmp_capabilities")

    def command(self, name: str, arguments: Mapping[str, Any] | None = None, patience: float = 30) -> Any:
        """Runs a command and returns its answer. Raises QmpError when it fails or takes too long."""
        line = json.dumps({"execute": name, "arguments": dict(arguments or {})})
        try:
            self._socket.sendall(line.encode() + b"\n")
        except OSError as error:
            raise QmpError(f"QEMU went away: {error}") from error
        answer = self._until(lambda message: "return" in message or "error" in message, patience)
        if "error" in answer:
            raise QmpError(str(answer["error"].get("desc", answer["error"])))
        return answer["return"]

    def unplug(self, device: str, patience: float) -> None:
        """Asks the guest to let a device go and waits until it has.

        Raises QmpError when QEMU refuses or the guest does not let go in time.
        """
        self._events.clear()
        self.command("device_del", {"id": device}, patience)

        def gone(message: Message) -> bool:
            return message.get("event") == "DEVICE_DELETED" and message.get("data", {}).get("device") == device

        if not any(gone(event) for event in self._events):
            self._until(gone, patience)

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()

    def _until(self, wanted: Callable[[Message], bool], patience: float) -> Message:
        deadline = time.monotonic() + patience
        while True:
            message = self._next(deadline)
            if wanted(message):
                return message
            self._events.append(message)

    def _next(self, deadline: float) -> Message:
        while b"\n" not in self._buffer:
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                received = self._socket.recv(65536)
            except TimeoutError as error:
                raise QmpError("QEMU or the guest did not answer in time") from error
            except OSError as error:
                raise QmpError(f"QEMU went away: {error}") from error
            if not received:
                raise QmpError("QEMU went away")
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: Message = json.loads(line)
        return message
