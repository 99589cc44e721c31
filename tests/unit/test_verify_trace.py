"""Probes on requests for pool memory: what they count, and that they are taken away whatever happens."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from p2pctl.errors import DeniedError, UnsupportedError
from p2pctl.hardware.tracing import trace
from p2pctl.kernel import READ_LIMIT, Stat
from p2pctl.proof.trace import Counts, count, event_of

ROOT = "/sys/kernel/tracing"
LINES = """\
# tracer: nop
#
 kworker-9 [1] .....    21.336044: sgl_p2pctl_99: (nvmet_req_alloc_sgls+0x9a/0x1f0 [nvmet] <- pci_p2pmem_alloc_sgl) \
pool="0000:03:00.0" list=0x0
 kworker-9 [1] .....    21.336099: sgl_p2pctl_99: (nvmet_req_alloc_sgls+0x9a/0x1f0 [nvmet] <- pci_p2pmem_alloc_sgl) \
pool="0000:04:00.0" list=0x0
 kworker-9 [1] .....    21.336100: sgl_p2pctl_99: (nvmet_req_alloc_sgls+0x9a/0x1f0 [nvmet] <- pci_p2pmem_alloc_sgl) \
pool="0000:03:00.0" list=0x0
 kworker-9 [1] .....    21.336144: sgl_p2pctl_99: (f <- pci_p2pmem_alloc_sgl) pool="\x1b[31m" list=0x0
 kworker-9 [1] .....    21.336145: sgl_p2pctl_99: (f <- pci_p2pmem_alloc_sgl) pool="0000:03:00.0" list=0xffff8881
 kworker-9 [1] .....    21.336146: other: (f <- g) pool="0000:03:00.0" list=0x0
"""
PROFILE = (
    "  other                  7        0\n  sgl_p2pctl_99         40        2\n  sgl_p2pctl_4711      999        9\n"
)
STATS = "entries: 4\noverrun: 0\ncommit overrun: 0\nbytes: 200\ndropped events: 0\nread events: 0\n"


def test_requests_and_those_that_found_nothing_are_counted_by_pool() -> None:
    """A name that is no address is counted, and not repeated."""
    found = count(LINES, (event_of("p2pctl_99"), PROFILE), [STATS, STATS], 2.0)
    assert found == Counts(2.0, 40, 2, 4, {"0000:03:00.0": 2, "0000:04:00.0": 1}, complete=True)


def test_what_was_overwritten_is_counted_and_said() -> None:
    found = count(LINES, (event_of("p2pctl_99"), PROFILE), [STATS.replace("\noverrun: 0", "\noverrun: 100")], 2.0)
    assert (found.refused, found.complete) == (104, False)


def test_a_kernel_that_does_not_tell_the_pool_is_counted_all_the_same() -> None:
    found = count(
        "x [000] ..... 1.0: sgl_p2pctl_99: (f <- g) list=0x0\n", (event_of("p2pctl_99"), PROFILE), [STATS], 1.0
    )
    assert (found.refused, found.by_pool) == (1, {})


class Kernel:
    """tracefs, as far as a probe needs it; ``refuse`` says which writes fail."""

    def __init__(self, refuse: Callable[[str, bytes], int | None] = lambda _path, _data: None) -> None:
        self.probes: set[str] = set()
        self.instances: set[str] = set()
        self.enabled: set[str] = set()
        self.filters: list[bytes] = []
        self.processes = {"1", "4711"}
        self.refuse = refuse

    def write(self, path: str, data: bytes) -> None:
        code = self.refuse(path, data)
        if code is not None:
            raise OSError(code, os.strerror(code), path)
        if path == f"{ROOT}/kprobe_events":
            name = data.decode().split()[0].partition(":")[2]
            (self.probes.discard if data.startswith(b"-") else self.probes.add)(name)
        elif path.endswith("/filter"):
            self.filters.append(data)
        elif path.endswith("/enable"):
            if not any(path.startswith(f"{ROOT}/instances/{name}/") for name in self.instances):
                raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
            (self.enabled.add if data == b"1" else self.enabled.discard)(path)

    def mkdir(self, path: str) -> None:
        self.instances.add(path.rpartition("/")[2])

    def rmdir(self, path: str) -> None:
        self.instances.remove(path.rpartition("/")[2])

    def list(self, path: str) -> tuple[str, ...]:
        if path.endswith("/per_cpu"):
            return ("cpu0", "cpu1")
        found = self.instances if path.endswith("/instances") else {name.partition("/")[0] for name in self.probes}
        return tuple(sorted({*found, "kprobes", "p2pctl_x"}))

    def stat(self, path: str) -> Stat:
        if path == f"{ROOT}/kprobe_events" or path.removeprefix("/proc/") in self.processes:
            return Stat("file", 0o640, 0)
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        del limit
        if path.endswith("/trace"):
            assert not self.enabled, "it is read once it stands still"
            return LINES.encode()
        return (PROFILE if path.endswith("kprobe_profile") else STATS).encode()

    @property
    def left(self) -> set[str]:
        return self.probes | self.instances | self.enabled


def counted(kernel: Kernel, stop: Callable[[], bool] = lambda: True) -> Counts:
    return trace(kernel, 99, 60.0, stop)  # type: ignore[arg-type]


def test_a_probe_has_its_own_buffer_and_is_gone_afterwards() -> None:
    kernel = Kernel()
    seen: list[set[str]] = []

    def stop() -> bool:
        seen.append(set(kernel.left))
        return True

    found = counted(kernel, stop)
    assert (found.requests, found.refused) == (40, 4)
    assert seen == [
        {
            f"p2pctl_99/{event_of('p2pctl_99')}",
            "p2pctl_99",
            f"{ROOT}/instances/p2pctl_99/events/p2pctl_99/{event_of('p2pctl_99')}/enable",
        }
    ]
    assert kernel.filters == [b"list == 0"]
    assert kernel.left == set()


def test_it_is_gone_also_where_it_is_interrupted() -> None:
    kernel = Kernel()

    def stop() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        counted(kernel, stop)
    assert kernel.left == set()


@pytest.mark.parametrize("word", ["filter", "enable"])
@pytest.mark.parametrize(("code", "kind"), [(errno.EPERM, DeniedError), (errno.EINVAL, Exception)])
def test_whatever_is_refused_nothing_is_left(word: str, code: int, kind: type[Exception]) -> None:
    kernel = Kernel(lambda path, data: code if path.endswith(f"/{word}") and data != b"0" else None)
    with pytest.raises(kind):
        counted(kernel)
    assert kernel.left == set()


def test_a_kernel_without_type_information_takes_the_plain_probe() -> None:
    kernel = Kernel(lambda _path, data: errno.EINVAL if b"pool=" in data else None)
    assert counted(kernel).requests == 40


def test_a_kernel_without_p2pdma_and_a_locked_one_are_told_apart() -> None:
    with pytest.raises(UnsupportedError, match="P2PDMA"):
        counted(Kernel(lambda _path, data: errno.ENOENT if data.startswith(b"r:") else None))
    with pytest.raises(DeniedError, match="lets nobody trace"):
        counted(Kernel(lambda _path, data: errno.EPERM if data.startswith(b"r:") else None))


def test_what_a_killed_run_left_is_removed_and_what_a_live_one_has_is_not() -> None:
    kernel = Kernel()
    kernel.probes |= {f"p2pctl_4711/{event_of('p2pctl_4711')}", f"p2pctl_666/{event_of('p2pctl_666')}", "kprobes/mine"}
    kernel.instances |= {"p2pctl_4711", "p2pctl_666", "mine"}
    counted(kernel)
    assert kernel.probes == {f"p2pctl_4711/{event_of('p2pctl_4711')}", "kprobes/mine"}
    assert kernel.instances == {"p2pctl_4711", "mine"}


def test_who_may_not_look_at_tracefs_is_told_so() -> None:
    class Closed(Kernel):
        def stat(self, path: str) -> Stat:
            raise PermissionError(errno.EACCES, "Permission denied", path)

    with pytest.raises(DeniedError, match="lets nobody trace"):
        counted(Closed())


def test_without_tracefs_it_is_said_how_to_have_it() -> None:
    class Without(Kernel):
        def stat(self, path: str) -> Stat:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)

    with pytest.raises(UnsupportedError) as caught:
        counted(Without())
    assert caught.value.hint == f"mount -t tracefs none {ROOT}"
