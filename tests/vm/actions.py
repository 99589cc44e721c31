"""Does on the host what a guest asks for: plugging and unplugging devices of its own machine.

The guest leaves `actions/N.request` in the results directory and waits for `actions/N.reply`.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path

from tests.vm.qmp import Qmp, QmpError
from tests.vm.topology import Topology

UNPLUG_PATIENCE = 60.0


class Actions(threading.Thread):
    """Serves one machine's requests until stopped."""

    def __init__(self, topology: Topology, out: Path, socket: Path) -> None:
        """Prepares the directory for requests; `start` begins to serve."""
        super().__init__(name="host-actions", daemon=True)
        self._topology = topology
        self._socket = socket
        self._directory = out / "actions"
        self._directory.mkdir(exist_ok=True)
        for leftover in self._directory.iterdir():
            leftover.unlink()
        self._over = threading.Event()
        self._qmp: Qmp | None = None

    def run(self) -> None:
        """Answers requests in turn; a request that fails is answered with the reason."""
        while not self._over.wait(0.05):
            for request in sorted(self._directory.glob("*.request")):
                answer = self._answer(request.read_bytes())
                request.unlink()
                part = request.with_suffix(".part")
                part.write_text(json.dumps(answer))
                part.rename(request.with_suffix(".reply"))
        if self._qmp is not None:
            self._qmp.close()

    def stop(self) -> None:
        """Ends the thread; a request under way fails as soon as QEMU is gone."""
        self._over.set()
        self.join(UNPLUG_PATIENCE)

    def _answer(self, request: bytes) -> dict[str, str]:
        try:
            action, device = json.loads(request)
            self._do(action, device)
        except (QmpError, KeyError, TypeError, ValueError) as error:
            return {"error": f"{type(error).__name__}: {error}"}
        return {}

    def _do(self, action: str, device: str) -> None:
        known = self._topology.device(device)
        if self._qmp is None:
            self._qmp = Qmp(self._socket)
        if action == "unplug":
            self._qmp.unplug(device, UNPLUG_PATIENCE)
        elif action == "plug":
            self._qmp.command("device_add", known)
        else:
            raise ValueError(f"no host action {action!r}; there are plug and unplug")
