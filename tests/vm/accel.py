"""Finds out whether KVM works here. A /dev/kvm that opens says little: only a booted guest does."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from tests.vm import cache, packages
from tests.vm.kernels import Kernel
from tests.vm.topology import PLAIN_CPU

PROBE_SECONDS = 60
REMEMBERED = 50
PROBE_PASSED = "p2pctl-vm: probe passed"


def accelerator(kernel: Kernel, ramdisk: Path, cpu: str = PLAIN_CPU) -> str:
    """Returns "kvm" when a probe guest with that CPU booted under it, else "tcg".

    The answer is kept until the host boots again or QEMU changes. `P2PCTL_VM_ACCEL` overrides it.
    Raises UnavailableError without QEMU.
    """
    named = os.environ.get("P2PCTL_VM_ACCEL")
    if named:
        return named
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    key = cache.digest(boot_id, _version(), kernel.release.encode(), ramdisk.name.encode(), cpu.encode())
    with cache.lock("accel"):
        answer = cache.root() / "accel.json"
        try:
            known: dict[str, str] = json.loads(answer.read_text())
        except (OSError, ValueError):
            known = {}
        if key not in known:
            known[key] = "kvm" if _probe(kernel, ramdisk, cpu) else "tcg"
            print(f"KVM {'works' if known[key] == 'kvm' else 'does not work'} here with {cpu}", flush=True)
            answer.write_text(json.dumps(dict(list(known.items())[-REMEMBERED:])))
        return known[key]


def _version() -> bytes:
    return subprocess.run([packages.program("qemu-system-x86_64"), "--version"], check=True, capture_output=True).stdout


def _probe(kernel: Kernel, ramdisk: Path, cpu: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="p2pctl-vm-") as scratch:
        console = Path(scratch) / "console"
        command = [
            *(packages.program("qemu-system-x86_64"), "-M", "q35", "-accel", "kvm", "-cpu", cpu, "-m", "512M"),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", f"file:{console}"),
            *("-kernel", str(kernel.image), "-initrd", str(ramdisk)),
            *("-append", "console=ttyS0 panic=-1 p2pctl-vm.probe"),
        ]
        try:
            subprocess.run(command, check=False, capture_output=True, timeout=PROBE_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return console.exists() and PROBE_PASSED in console.read_text(errors="replace")
