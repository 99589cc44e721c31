"""``p2pctl metrics``, as a command and as a program that serves."""

from __future__ import annotations

import errno
import os
import re
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from p2pctl import saving
from p2pctl.cli import metrics_reading
from tests.cli.conftest import Run
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden" / "metrics.prom"
pytestmark = pytest.mark.usefixtures("standing_clock")

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def no_time_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_reading, "clock", lambda: 0.0)


def test_the_exposition_of_the_demo_host_is_as_it_was(run: Run) -> None:
    """Names of metrics and labels are a contract with boards and alerts."""
    outcome = run("--demo", "metrics")
    assert (outcome.code, outcome.err) == (0, "")
    compare(GOLDEN, outcome.out)


def test_it_is_the_same_from_a_capture_but_for_what_is_not_recorded(run: Run, tmp_path: Path) -> None:
    """A support case tells the same numbers as the host that it came from."""
    file = str(tmp_path / "host.tar.gz")
    assert run("--demo", "capture", file).code == 0
    live = run("--demo", "metrics").out.splitlines()
    recorded = run("--capture", file, "metrics").out.splitlines()
    differing = {line.partition("{")[0] for line in set(live) ^ set(recorded)}
    assert differing == {"p2pctl_source_info"}


def test_a_text_file_appears_whole_and_everybody_may_read_it(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "p2pctl.prom"
    file.write_text("old")
    file.chmod(0o600)
    before = os.umask(0o077)
    try:
        assert run("--demo", "metrics", "--textfile", str(file)) == (0, "", "")
    finally:
        os.umask(before)
    assert file.read_text() == run("--demo", "metrics").out
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["p2pctl.prom"]


def test_a_file_that_node_exporter_would_not_read_is_said_to_be_one(run: Run, tmp_path: Path) -> None:
    outcome = run("--demo", "metrics", "--textfile", str(tmp_path / "p2pctl.txt"))
    assert outcome.code == 0
    assert ".prom" in outcome.err


def test_no_link_is_followed_to_another_file(run: Run, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    link = tmp_path / "p2pctl.prom"
    link.symlink_to(victim)
    outcome = run("--demo", "metrics", "--textfile", str(link))
    assert outcome.code == 2
    assert "no regular file" in outcome.err
    assert victim.read_text() == "precious"
    assert link.is_symlink()


def test_a_full_disk_leaves_the_old_file(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is there is of use until there is better; half a file is not."""
    file = tmp_path / "p2pctl.prom"
    file.write_text("old")

    def full(_descriptor: int, data: memoryview) -> None:
        os.write(_descriptor, data[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(saving, "_write_all", full)
    outcome = run("--demo", "metrics", "--textfile", str(file))
    assert outcome.code == 1
    assert "no space left on device" in outcome.err
    assert "make room" in outcome.err
    assert file.read_text() == "old"
    assert not list(tmp_path.glob(".p2pctl-*"))


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--textfile", "x.prom", "--listen", "1"], "exclude each other"),
        (["--textfile", ""], "--textfile is empty"),
        (["--listen", ":9190"], "names no host"),
        (["--listen", "nowhere"], "takes [HOST:]PORT"),
        (["--listen", "no.such.host.invalid:1"], "no address is called"),
        (["-o", "json"], "no json output"),
    ],
)
def test_wrong_usage(run: Run, argv: list[str], message: str) -> None:
    outcome = run("--demo", "metrics", *argv)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


def test_a_part_that_breaks_leaves_the_others(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that fails as none should is one part less, told on stderr and by a metric; it is no zero."""

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("p2pctl.hardware.nvmet.read_nvmet", broken)
    outcome = run("--demo", "metrics")
    assert outcome.code == 0
    assert "nvmet could not be read" in outcome.err
    assert 'p2pctl_scrape_success{part="nvmet"} 0.0' in outcome.out
    assert 'p2pctl_scrape_success{part="pools"} 1.0' in outcome.out
    assert "p2pctl_target" not in outcome.out
    assert "p2pctl_pool_size_bytes" in outcome.out


def test_what_is_wrong_all_the_time_is_said_once() -> None:
    """Until it is over and comes back."""
    said: list[str] = []
    once = metrics_reading.Once(said.append)
    for looked in (["a"], ["a", "a", "b"], ["a"], [], ["a"]):
        once.begin()
        for text in looked:
            once(text)
    assert said == ["a", "b", "a"]


def _address(served: subprocess.Popen[str]) -> str:
    assert served.stderr is not None
    said = served.stderr.readline()
    found = re.search(r"http://\S+/metrics", said)
    assert found, said
    return found.group()


def _get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=60) as reply:  # noqa: S310  the address that it has told
        text: str = reply.read().decode()
        return text


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_serves_until_a_signal_ends_it(program: Start, number: int, code: int) -> None:
    """SIGTERM is how a service is stopped: no failure, and nothing is said about it."""
    with program("--demo", "metrics", "--listen", "0") as served:
        address = _address(served)
        assert address.startswith("http://127.0.0.1:")
        text = _get(address)
        assert "p2pctl_read_stale 0.0" in text
        assert "process_open_fds" in text
        assert 'p2pctl_pools{state="published"}' in text
        served.send_signal(number)
        out, err = served.communicate(timeout=60)
    assert (served.returncode, out, err) == (code, "", "")


def test_an_address_that_others_reach_is_pointed_out(program: Start) -> None:
    with program("--demo", "metrics", "--listen", "0.0.0.0:0") as served:
        _address(served)
        assert served.stderr is not None
        assert "no password" in served.stderr.readline()
        served.terminate()


def test_a_port_that_is_taken_is_said_to_be(program: Start, run: Run) -> None:
    with program("--demo", "metrics", "--listen", "0") as served:
        port = _address(served).split(":")[2].partition("/")[0]
        outcome = run("--demo", "metrics", "--listen", port)
        served.terminate()
    assert outcome.code == 6
    assert "it is taken" in outcome.err


HANGING = """
import sys, threading
from pathlib import Path
from p2pctl.cli import main, metrics_reading
from p2pctl.metrics import keeper
keeper.REST = keeper.SHARE = 0
keeper.Keeper.__init__.__kwdefaults__["patience"] = 0.1
look = metrics_reading.look
def hanging(session, *, wake):
    if Path(sys.argv[1]).exists():
        threading.Event().wait()
    return look(session, wake=wake)
metrics_reading.look = hanging
sys.exit(main(["--demo", "metrics", "--listen", "0"]))
"""


def test_while_a_read_hangs_it_goes_on_answering_and_can_be_ended(tmp_path: Path) -> None:
    """As a device does to whoever reads its files when it no longer answers."""
    gate = tmp_path / "gate"
    served = subprocess.Popen(
        [sys.executable, "-c", HANGING, str(gate)],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with served:
        address = _address(served)
        while "p2pctl_pools" not in (good := _get(address)):
            pass
        gate.touch()
        while "p2pctl_read_stale 1.0" not in (stale := _get(address)):
            pass
        assert [line for line in stale.splitlines() if line.startswith("p2pctl_pool_size")] == [
            line for line in good.splitlines() if line.startswith("p2pctl_pool_size")
        ]
        served.terminate()
        assert served.wait(60) == 0
