"""Makes pytest items of guests' checks, boots the guests, and reports on the machines at the end."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from tests.vm.cache import UnavailableError
from tests.vm.suite import Fleet, Guest, GuestCheck, check_names, required

HERE = Path(__file__).parent
BOOTED = pytest.StashKey[list[dict[str, Any]]]()
WORKER_KEY = "p2pctl_vm_booted"


def pytest_configure(config: pytest.Config) -> None:
    """Registers the markers, for runs whose configuration does not know them."""
    config.addinivalue_line("markers", "vm: boots a real kernel in QEMU; deselected unless asked for with -m vm")
    config.stash.setdefault(BOOTED, [])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives a test that takes `guest_check` one item per check of each of its module's GUESTS."""
    if "guest_check" not in metafunc.fixturenames:
        return
    guests: list[Guest] = metafunc.module.GUESTS
    items = [
        pytest.param(
            (guest, check),
            id=f"{guest.label}-{check}",
            marks=[pytest.mark.vm, pytest.mark.xdist_group(guest.group)],
        )
        for guest in guests
        for check in check_names(guest.checks)
    ]
    metafunc.parametrize("guest_check", items, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves these tests out of a run that does not ask for them by their marker."""
    if "vm" in config.option.markexpr:
        return
    asked_not = [item for item in items if item.path.is_relative_to(HERE) and item.get_closest_marker("vm")]
    if asked_not:
        config.hook.pytest_deselected(items=asked_not)
        items[:] = [item for item in items if item not in asked_not]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keeps the checks of one guest on one pytest-xdist worker, so that they share its boot.

    pytest-xdist 3.8 ignores its own `xdist_group` marks under pytest 9.2, hence by the test's id.
    """
    if config.getvalue("dist") not in {"load", "loadgroup", "worksteal"}:
        return None
    scheduling = importlib.import_module("xdist.scheduler").LoadGroupScheduling(config, log)
    scheduling._split_scope = lambda nodeid: nodeid.partition("-check_")[0]
    return scheduling


@pytest.fixture(autouse=True)
def bare_environment() -> None:
    """Leaves the environment as it is, unlike elsewhere: it says where the kernels are and what must not be missing."""


@pytest.fixture(scope="session")
def vm_fleet(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """The guests of this session, each booted once, by the first check that needs it."""
    return Fleet(tmp_path_factory.mktemp, pytestconfig.stash[BOOTED])


@pytest.fixture
def guest_check(request: pytest.FixtureRequest, vm_fleet: Fleet) -> GuestCheck:
    """Tells what one check came to in its guest: passes or fails as it did."""
    guest, check = request.param

    def tell() -> None:
        __tracebackhide__ = True
        absent = ""
        try:
            error = vm_fleet.outcome(guest, check).error
        except UnavailableError as reason:
            absent = f"no virtual machine here: {reason}"
            error = absent
        if absent and not required():
            pytest.skip(absent)
        if error is not None:
            pytest.fail(error, pytrace=False)

    return tell


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Sends what a pytest-xdist worker booted to the process that reports."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[WORKER_KEY] = session.config.stash[BOOTED]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes over what a worker booted; one that crashed has nothing to tell."""
    node.config.stash[BOOTED].extend(getattr(node, "workeroutput", {}).get(WORKER_KEY, []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says which kernels were used, how long each guest took, and which had to be booted again."""
    booted = config.stash[BOOTED]
    if not booted:
        return
    again = sum(one["boots"] - 1 for one in booted)
    terminalreporter.section("virtual machines")
    for one in sorted(booted, key=lambda one: str(one["guest"])):
        repeat = f", booted {one['boots']} times" if one["boots"] > 1 else ""
        kernel, note = one["kernel"]["release"], one["kernel"]["note"]
        terminalreporter.line(
            f"{one['guest']}: {kernel} ({one['accel']}), userspace after {one['boot_seconds']:.1f} s, "
            f"off after {one['seconds']:.1f} s{repeat}{f' [{note}]' if note else ''}"
        )
        summary = Path(one["out"]) / "summary"
        if summary.exists():
            terminalreporter.line(f"    {summary.read_text()}")
    terminalreporter.line(f"{len(booted)} guests, {again} booted again")
