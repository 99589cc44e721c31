"""What the checks of p2pctl on a real kernel's NVMe target share: documents, files to export, what p2pctl reports."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.vm.guest import nvme_host
from tests.vm.guest.api import Context, reset_nvmet
from tests.vm.guest.nvmet_sides import KernelSide, Runner

PLACE = Path("/run/target")
STATE = Path("/run/p2pctl")
SIZE = 4 << 20
HOST = "nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349"
OTHER = "nqn.2014-08.org.nvmexpress:uuid:91fdba0d-f87b-4c25-b80f-db7be1418b9e"
DISKS, FILES = "nqn.2026-11.org.example:disks", "nqn.2026-11.org.example:files"
TCP = {"trtype": "tcp", "adrfam": "ipv4", "trsvcid": "4420"}
KEY = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:"
FAILED, USAGE, MISSING, UNSUPPORTED, BUSY, ANSWER_NO, RECOVER = 1, 2, 3, 5, 6, 8, 10

Json = dict[str, Any]


def clear() -> None:
    """Nothing is connected, configured or remembered when the next check begins."""
    nvme_host.disconnect_all()
    reset_nvmet()
    shutil.rmtree(STATE, ignore_errors=True)
    shutil.rmtree(PLACE, ignore_errors=True)


def file(name: str, text: str = "") -> str:
    """A file to export, with a text at its beginning."""
    PLACE.mkdir(exist_ok=True)
    path = PLACE / name
    with path.open("wb") as handle:
        handle.write(text.encode())
        handle.truncate(SIZE)
    return str(path)


def disk(context: Context, identity: str) -> str:
    """The disk of one of the guest's drives."""
    (controller,) = (context.pci(identity) / "nvme").iterdir()
    return f"/dev/{controller.name}n1"


def document(content: Mapping[str, Any], name: str = "document.json") -> str:
    """A document that p2pctl reads."""
    PLACE.mkdir(exist_ok=True)
    path = PLACE / name
    path.write_text(json.dumps({"version": 1, **content}))
    return str(path)


def tree() -> dict[str, str]:
    """All of the target, as the kernel shows it."""
    return Runner(KernelSide()).tree()


def run(context: Context, *words: str, code: int = 0) -> Json:
    """What a changing command reports, or the error that it ends with; its exit status has to be `code`."""
    ran = context.p2pctl(*words, "-o", "json")
    assert ran.code == code, ran
    told = json.loads(ran.out or ran.err)
    item: Json = told["items"][0] if "items" in told else told
    return item


def summary(context: Context, text: str) -> None:
    """Adds to what the host tells of this guest in the end."""
    with (context.out / "summary").open("a") as handle:
        handle.write(f"{text}; ")


def space(device: str, **more: Any) -> Json:
    """A namespace that is enabled."""
    return {"device": device, "enable": True, **more}


def exported(context: Context) -> Json:
    """A subsystem over TCP for one host, and one over loop for any."""
    return {
        "hosts": {HOST: {}},
        "subsystems": {
            DISKS: {"allowed_hosts": [HOST], "serial": "DISKS", "namespaces": {"1": space(disk(context, "n2"))}},
            FILES: {"allow_any_host": True, "namespaces": {"1": space(file("one", "first"))}},
        },
        "ports": {
            "1": {**TCP, "traddr": "127.0.0.1", "subsystems": [DISKS]},
            "2": {"trtype": "loop", "subsystems": [FILES]},
        },
    }  # fmt: skip
