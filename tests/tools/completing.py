"""A small host on disk whose names a shell can complete, and lines typed into real shells."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.dashboard.terminal import Terminal

POOL, RAW = "nqn.2026-11.org.example:pool0", "nqn.2026-11.org.example:raw"
ALLOWED, OTHER = "nqn.2014-08.org.nvmexpress:uuid:0f01", "nqn.2014-08.org.nvmexpress:uuid:91fd"
SPACED, EXPANDED, ESCAPED, BROKEN = "hostile name", "hostile$(touch ran)`touch ran`;'\"", "evil\x1b[31m", "evil\nnqn"

_DIRECTORIES = (
    "bus/pci/devices/0000:02:00.0",
    "bus/pci/devices/0000:03:00.0/p2pmem",
    "bus/pci/devices/0000:04:00.0/p2pmem",
    "bus/pci/devices/0001:05:00.0",
    "class/nvme/nvme0/device/p2pmem",
    "class/infiniband/mlx5_0",
    "class/net/lo",
    "class/net/ens5/device",
    *(f"kernel/config/nvmet/subsystems/{nqn}" for nqn in (RAW, SPACED, EXPANDED, ESCAPED, BROKEN)),
    *(f"kernel/config/nvmet/subsystems/{POOL}/namespaces/{nsid}" for nsid in (1, 22)),
    f"kernel/config/nvmet/subsystems/{SPACED}/namespaces/5",
    f"kernel/config/nvmet/subsystems/{POOL}/allowed_hosts/{ALLOWED}",
    f"kernel/config/nvmet/hosts/{ALLOWED}",
    f"kernel/config/nvmet/hosts/{OTHER}",
    f"kernel/config/nvmet/ports/1/subsystems/{RAW}",
    "kernel/config/nvmet/ports/1/referrals/peer",
    "kernel/config/nvmet/ports/1/ana_groups/3",
    "kernel/config/nvmet/ports/42",
    f"kernel/debug/nvmet/{POOL}/ctrl7",
    "../run/p2pctl/txn/20261102T090000Z-77ea08",
)


def make_host(directory: Path) -> Path:
    """A sysroot ``directory/host`` beside a document, in ``directory``."""
    for name in _DIRECTORIES:
        (directory / "host/sys" / name).mkdir(parents=True)
    (directory / "target.yaml").touch()
    return directory


SUBSYSTEMS = {POOL, RAW, SPACED, EXPANDED}
"""Those that are offered: names with control characters are not."""

ONE = [
    ("p2pctl topo", "", "topology"),
    ("p2pctl pool s", "", "show"),
    ("p2pctl pool list --ho", "", "--holders"),
    ("p2pctl -o json pool list --ho", "", "--holders"),
    ("p2pctl pool list -o y", "", "yaml"),
    ("p2pctl pool list --output=y", "--output=", "yaml"),
    ("p2pctl --color n", "", "never"),
    ("p2pctl port link --disruption no", "", "none"),
    ("p2pctl apply --prune=o", "--prune=", "owned"),
    ("p2pctl apply tar", "", "target.yaml"),
    ("p2pctl diff --prune all tar", "", "target.yaml"),
    ("p2pctl --capture tar", "", "target.yaml"),
    ("p2pctl --capture=tar", "--capture=", "target.yaml"),
    ("p2pctl rules show linux-7.3", "", "linux-7.3"),
    ("p2pctl explain a b --rules v5", "", "v5-2018"),
    ("p2pctl explain a b --assume iommu=of", "", "iommu=off"),
    ("p2pctl port ana 1 3 optim", "", "optimized"),
    ("p2pctl port set 1 trt", "", "trtype="),
    ("p2pctl port set 1 trtype=r", "trtype=", "rdma"),
    ("p2pctl completion z", "", "zsh"),
    ("p2pctl --sysroot host pool show 0000:03", "", "0000:03:00.0"),
    ("p2pctl --sysroot host pool show 04", "", "04:00.0"),
    ("p2pctl --sysroot host pool show n", "", "nvme0"),
    ("p2pctl --sysroot host explain 0000:03:00.0 ml", "", "mlx5_0"),
    ("p2pctl --sysroot host explain 0000:03:00.0 mlx5_0 e", "", "ens5"),
    ("p2pctl --sysroot host device show 0001:", "", "0001:05:00.0"),
    ("p2pctl --sysroot host place --prefer 0000:04", "", "0000:04:00.0"),
    (f"p2pctl --sysroot host subsystem show {POOL[:-3]}", "", POOL),
    (f"p2pctl subsystem show --sysroot host {POOL[:-3]}", "", POOL),
    (f"p2pctl subsystem show --sysroot=host {POOL[:-3]}", "", POOL),
    (f"p2pctl --sysroot ~/host subsystem show {POOL[:-3]}", "", POOL),
    (f"p2pctl --sysroot host connection list --subsystem={RAW[:-1]}", "--subsystem=", RAW),
    (f"p2pctl --sysroot host connection drop {POOL} ", "", "7"),
    (f"p2pctl --sysroot host namespace show {POOL} 2", "", "22"),
    (f"p2pctl --sysroot host namespace set {POOL} 22 p2pmem=0000:03", "p2pmem=", "0000:03:00.0"),
    (f"p2pctl --sysroot host namespace create {POOL} device=tar", "device=", "target.yaml"),
    (f"p2pctl --sysroot host namespace create {POOL} --p2pmem 0000:04", "", "0000:04:00.0"),
    ("p2pctl --sysroot host namespace show hostile\\ name ", "", "5"),
    ("p2pctl --sysroot host port show 4", "", "42"),
    ("p2pctl --sysroot host confirm ", "", "20261102T090000Z-77ea08"),
    ("p2pctl doctor acs-redir", "", "acs-redirect"),
    ("p2pctl doctor --for n", "", "nvmet"),
    ("p2pctl --sysroot host port unlink 1 ", "", RAW),
    (f"p2pctl --sysroot host port link 1 {POOL[:-1]}", "", POOL),
    ("p2pctl --sysroot host referral enable 1 ", "", "peer"),
    ("p2pctl --sysroot host port ana 1 ", "", "3"),
    (f"p2pctl --sysroot host host show {OTHER[:-2]}", "", OTHER),
    (f"p2pctl --sysroot host subsystem disallow {POOL} ", "", ALLOWED),
]
"""What is typed; what of its last word stays, and what one TAB makes of the rest."""

SEVERAL = [
    ("p2pctl po", {"pool", "port"}),
    ("p2pctl pool ", {"list", "show", "watch"}),
    ("p2pctl pool list --output ", {"table", "plain", "json", "jsonl", "yaml", "csv"}),
    ("p2pctl --sysroot host port delete ", {"1", "42"}),
    ("p2pctl --sysroot host pool show ", {"nvme0", "0000:03:00.0", "0000:04:00.0"}),
    ("p2pctl --sysroot host explain 00", {"0000:02:00.0", "0000:03:00.0", "0000:04:00.0", "0001:05:00.0"}),
    (f"p2pctl --sysroot host namespace delete {POOL} ", {"1", "22"}),
    ("p2pctl --sysroot host host delete nqn", {ALLOWED, OTHER}),
    ("p2pctl --sysroot host subsystem delete nqn", {POOL, RAW}),
]
"""What is typed, and all that it can become."""

NONE = [
    "p2pctl --sysroot host subsystem show evil",
    "p2pctl --sysroot host --demo port show 4",
    "p2pctl --sysroot host --capture host.tar.gz port show 4",
    "p2pctl --sysroot host subsystem create nqn",
    "p2pctl --sysroot host namespace show ../subsystems 2",
    "p2pctl no-such-command ",
]
"""What stays as it is typed."""


def whole(typed: str, kept: str, word: str) -> str:
    """The line that a TAB makes of ``typed``."""
    return f"{typed.rpartition(' ')[0]} {kept}{word}"


class Completed(NamedTuple):
    """What one TAB did."""

    line: str
    """The line as it stands after it."""
    shown: str
    """What the terminal got meanwhile: the line, and lists of candidates."""

    @property
    def offered(self) -> set[str]:
        """The words of the list; those that zsh explains without the explanation."""
        lines = [line for line in self.shown.splitlines() if "p2pctl " not in line]
        return {word for line in lines for word in re.split(r"\s{2,}", line.partition(" -- ")[0].strip()) if word}


class Shell:
    """An interactive shell that completes p2pctl."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._asked = 0

    def tab(self, typed: str) -> Completed:
        """Types on an empty line, presses TAB once, and has the line written out and emptied."""
        self._asked += 1
        end = f"{self._asked}@@"
        self._terminal.until(lambda: self._terminal.raw, "a shell that reads")
        begun = len(self._terminal.output)
        self._terminal.type(f"{typed}\t{DUMP}")
        self._terminal.until(lambda: end.encode() in self._terminal.output[begun:], f"the line after {typed!r}")
        output = self._terminal.output[begun:].decode()
        shown, _, line = output.partition(end)[0].rpartition(f"@@{self._asked}=")
        return Completed(line, shown)

    @property
    def output(self) -> bytes:
        """All that the terminal ever got."""
        return self._terminal.output


DUMP = "\x14"
"""The key (ctrl-t) by which a shell writes out its line, between ``@@N=`` and ``N@@`` with N from 1, and empties it."""


@contextmanager
def shell(argv: list[str], setup: str, directory: Path) -> Iterator[Shell]:
    """A shell in ``directory``, set up by lines that it runs first."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(directory), "TERM": "dumb", "LC_ALL": "C.UTF-8", "PS1": "$ "}
    with Terminal(argv, (200, 60), environment) as terminal:
        for line in f"cd {shlex.quote(str(directory))}\n{setup}".splitlines():
            terminal.type(f"{line}\n")
        terminal.type("echo rea''dy\n")
        terminal.until(lambda: b"ready\r\n" in terminal.output, "the shell's prompt")
        yield Shell(terminal)
