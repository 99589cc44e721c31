"""The RDMA driver for the guests, as far as it needs neither a compiler nor a virtual machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vm import kernels, rdma_driver
from tests.vm.apt import Archive
from tests.vm.cache import UnavailableError
from tests.vm.kernels import Kernel
from tests.vm.suite import Fleet, Guest

TROUBLE = "there is no package linux-headers on offer"


def kernel(release: str) -> Kernel:
    return Kernel("7.3", release, Path("image"), Path("modules"), "")


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The releases that a driver was built for, with a compiler that always works and an empty cache."""
    releases: list[str] = []

    def build(kernel: Kernel, _archive: object, scratch: Path) -> Path:
        releases.append(kernel.release)
        module = scratch / rdma_driver.MODULE
        module.write_text(f"{kernel.release} by {rdma_driver.RECIPE}")
        return module

    monkeypatch.setenv("P2PCTL_VM_CACHE", str(tmp_path))
    monkeypatch.setenv("P2PCTL_VM_MIRROR", "http://mirror.example")
    monkeypatch.setattr(rdma_driver, "_build", build)
    return releases


def test_a_driver_is_built_once_for_a_kernel_and_a_recipe(built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    one = rdma_driver.build(kernel("7.3.4"))
    assert rdma_driver.build(kernel("7.3.4")) == one
    assert one.read_text() == f"7.3.4 by {rdma_driver.RECIPE}"
    assert rdma_driver.build(kernel("7.3.9")) != one
    monkeypatch.setattr(rdma_driver, "RECIPE", "another")
    assert rdma_driver.build(kernel("7.3.4")).read_text() == "7.3.4 by another"
    assert built == ["7.3.4", "7.3.9", "7.3.4"]


def test_what_is_cached_needs_no_archive(built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    one = rdma_driver.build(kernel("7.3.4"))
    monkeypatch.delattr(rdma_driver, "Archive")
    assert rdma_driver.build(kernel("7.3.4")) == one
    assert built == ["7.3.4"]


@pytest.mark.parametrize("changed", sorted(rdma_driver.EXPECTED))
def test_a_source_that_the_shim_does_not_fit_is_refused(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that compiles and does not do what it is for would make every check fail for a reason hard to find."""

    class Source(Archive):
        def __init__(self) -> None:
            pass

        def download(self, packages: object, into: Path) -> list[Path]:
            assert packages == ["linux-source-7.3=7.3.4-1"]
            return [into / "source.deb"]

    def unpack(command: list[str | Path], _trouble: str) -> None:
        assert command[-2:] == [tmp_path / "source/source.deb", tmp_path / "root"]
        for file, text in rdma_driver.EXPECTED.items():
            (tmp_path / "root/rxe" / file).write_text("something else" if file == changed else f"x = {text}...")

    (tmp_path / "root/rxe").mkdir(parents=True)
    monkeypatch.setattr("tests.vm.packages.program", lambda name: name)
    monkeypatch.setattr(rdma_driver, "_run", unpack)
    with pytest.raises(UnavailableError, match=f"is another: .* in {changed}"):
        rdma_driver._source(kernel("7.3.4+deb13-amd64"), Source(), "7.3.4-1", tmp_path / "root")


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no driver: no such luck"):
        rdma_driver._run(["sh", "-c", "echo no such luck >&2; exit 3"], "no driver")
    with pytest.raises(UnavailableError, match="is missing"):
        rdma_driver._run([tmp_path / "compiler"], "no driver")


def test_without_a_driver_its_guest_is_not_booted_and_no_check_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is raised is what a run that requires machines fails with, and any other skips."""

    def build(_kernel: Kernel) -> Path:
        raise UnavailableError(TROUBLE)

    monkeypatch.setattr(kernels, "fetch", lambda _series: kernel("7.3.4"))
    monkeypatch.setattr(rdma_driver, "build", build)
    monkeypatch.setattr("tests.vm.machine.boot", lambda *_: pytest.fail("it was booted"))
    fleet = Fleet(lambda _name: tmp_path)
    for _ in range(2):
        with pytest.raises(UnavailableError, match=TROUBLE):
            fleet.outcome(Guest("7.3", "rdma-switch", "checks_rdma"), "check_the_closest_memory_is_used")
    assert fleet.booted == []
