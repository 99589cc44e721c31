"""What a check may use inside the guest. Standard library only: Python is slow under emulation."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

PCI = Path("/sys/bus/pci")
NVMET = Path("/sys/kernel/config/nvmet")
HOST_PATIENCE = 90.0
ENTRY = "import sys; from p2pctl.cli import main; sys.exit(main(sys.argv[1:]))"


class Ran(NamedTuple):
    """A command's exit status, standard output and standard error."""

    code: int
    out: str
    err: str


class Drive(NamedTuple):
    """A drive as the topology describes it; `id` is what `host_action` wants."""

    id: str
    serial: str
    cmb_mb: int


class Context:
    """The guest a check runs in: its machine, the host beyond it, and p2pctl."""

    def __init__(self, out: Path) -> None:
        """Reads what the host wrote about this machine into the results directory `out`."""
        machine = json.loads((out / "machine.json").read_text())
        self.out = out
        self.topology: str = machine["topology"]
        self.release: str = machine["release"]
        self.has_p2pdma: bool = machine["has_p2pdma"]
        self.drives = [Drive(**drive) for drive in machine["drives"]]
        self._requests = 0

    def drive(self, identity: str) -> Drive:
        """Returns a drive of the topology by its id. Raises StopIteration for an unknown one."""
        return next(drive for drive in self.drives if drive.id == identity)

    def find(self, identity: str) -> str | None:
        """Returns the PCI address of a drive, or None while no driver shows its serial number."""
        serial = self.drive(identity).serial
        for attribute in sorted(Path("/sys/class/nvme").glob("nvme*/serial")):
            with contextlib.suppress(OSError):
                if attribute.read_bytes().decode(errors="surrogateescape").rstrip(" \n") == serial:
                    return (attribute.parent / "device").resolve().name
        return None

    def bdf(self, identity: str) -> str:
        """Returns the PCI address of a drive. Raises AssertionError when it is not there."""
        found = self.find(identity)
        assert found is not None, f"drive {identity} is not there"
        return found

    def pci(self, identity: str) -> Path:
        """Returns a drive's directory below /sys/bus/pci/devices. Raises as `bdf` does."""
        return PCI / "devices" / self.bdf(identity)

    def host_action(self, action: str, identity: str) -> None:
        """Has the host `plug` or `unplug` a device by its QEMU id, and waits until it has.

        Raises RuntimeError with the host's reason when it could not, TimeoutError without an answer.
        """
        self._requests += 1
        name = self.out / "actions" / f"{self._requests:04}"
        part, reply = name.with_suffix(".asking"), name.with_suffix(".reply")
        part.write_text(json.dumps([action, identity]))
        part.rename(name.with_suffix(".request"))
        if not wait(reply.exists, HOST_PATIENCE):
            raise TimeoutError(f"the host did not answer: {action} {identity}")
        answer = json.loads(reply.read_text())
        if "error" in answer:
            raise RuntimeError(f"{action} {identity}: {answer['error']}")

    def p2pctl(self, *words: str, stdin: str = "") -> Ran:
        """Runs p2pctl in this process, which costs no start of Python; no exception leaves it but its own."""
        main: Callable[[list[str]], int] = importlib.import_module("p2pctl.cli").main

        def run() -> int:
            try:
                return int(main(list(words)) or 0)
            except SystemExit as end:
                if isinstance(end.code, str):
                    print(end.code, file=sys.stderr)
                return end.code if isinstance(end.code, int) else int(end.code is not None)

        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        kept = sys.stdin
        sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run()
        finally:
            sys.stdin = kept
        return Ran(code, _written(out), _written(err))

    def p2pctl_process(
        self, *words: str, stdin: str = "", uid: int = 0, env: Mapping[str, str] | None = None, seconds: float = 100
    ) -> Ran:
        """Runs p2pctl as a process of its own, and of any user. Raises subprocess.TimeoutExpired."""
        ran = subprocess.run(
            [sys.executable, "-c", ENTRY, *words],
            input=stdin, env={**os.environ, **(env or {})}, timeout=seconds,
            user=uid, group=uid, extra_groups=[],
            check=False, capture_output=True, encoding="utf-8", errors="surrogateescape",
        )  # fmt: skip
        return Ran(ran.returncode, ran.stdout, ran.stderr)


def wait(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    """Waits until a condition holds; says whether it did within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return bool(condition())
        time.sleep(0.02)
    return True


def modprobe(*modules: str) -> None:
    """Loads kernel modules. Raises RuntimeError with modprobe's words for one that does not load."""
    for module in modules:
        ran = subprocess.run(["modprobe", module], check=False, capture_output=True, text=True)
        if ran.returncode:
            raise RuntimeError(f"modprobe {module}: {ran.stderr.strip()}")


def as_user(uid: int, function: Callable[[], Any]) -> Any:
    """Runs a function in a child process without privileges and returns what it returned, as JSON.

    Raises AssertionError with the child's traceback when the function raised.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            answer = {"value": function()}
        except BaseException:  # noqa: BLE001 - the parent has to hear of every way it can end
            answer = {"error": traceback.format_exc()}
        with os.fdopen(writer, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    answer = json.loads(text) if text else {"error": "the child died"}
    assert "error" not in answer, f"as uid {uid}: {answer['error']}"
    return answer["value"]


def reset_nvmet() -> None:
    """Takes down whatever the NVMe target has in configfs, without p2pctl's help."""
    for link in [*NVMET.glob("ports/*/subsystems/*"), *NVMET.glob("subsystems/*/allowed_hosts/*")]:
        link.unlink()
    for namespace in NVMET.glob("subsystems/*/namespaces/*"):
        (namespace / "enable").write_text("0")
        namespace.rmdir()
    for kind in ("ports/*/ana_groups/[!1]*", "ports/*/referrals/*", "ports/*", "subsystems/*", "hosts/*"):
        for directory in NVMET.glob(kind):
            directory.rmdir()


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8", errors="surrogateescape")
