"""Data over RDMA through P2P memory, or not: p2pctl says beforehand which, and afterwards what it was.

Topology `rdma-switch`: n1, n2 and the network card behind one switch, n3 at a root port of its own. The namespace is on
n2.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.vm.guest import rdma_cards, rdma_data, rdma_target
from tests.vm.guest.api import NVMET, Context, modprobe, reset_nvmet, wait
from tests.vm.guest.kernel_files import DEVICES, ask
from tests.vm.guest.oracle import acs_registers, read_acs

SECONDS = 300
REDIRECTING = 0x1D
"""Source validation, request and completion redirect, upstream forwarding: what the kernel sets under an IOMMU."""
PATIENCE = 20.0
DENIED = "cannot be used for peer-to-peer DMA as the client and provider"
SPARE = 96 << 10
"""What is left of a pool that is nearly full: less than one request may take, more than `rdma_data.TRANSFER`."""

State = Mapping[str, Any]
"""An item of `port state -o json`."""


class Case(NamedTuple):
    """A set-up: the target, its card, and where things are."""

    context: Context
    target: rdma_target.Target
    card: rdma_cards.Card
    near: str
    """n1: behind the switch."""
    drive: str
    """n2: the namespace's."""
    far: str
    """n3: elsewhere."""
    log: rdma_data.Log

    def state(self, port: int | None = None) -> State:
        """What p2pctl says of the namespace by the card's port, or by another."""
        number = self.card.port if port is None else port
        (item,) = ask(self.context, "port", "state", str(number))["items"]
        found: State = item
        return found

    def said(self, state: State) -> list[str]:
        """The lines of the kernel that p2pctl is sure of."""
        return [one["text"] for one in state["evidence"] if one["kind"] == "log" and one["sure"]]


def after_each(_context: Context) -> None:
    """Leaves no target, and no redirect."""
    reset_nvmet()
    for address in acs_registers():
        _acs(address, 0)


@contextmanager
def _case(context: Context, p2pmem: str, *, inline: int = 0) -> Iterator[Case]:
    """The namespace with this setting, enabled unless the kernel refuses, by one port on the card."""
    (card,) = rdma_cards.bring_up(context)
    near, drive, far = (context.bdf(identity) for identity in ("n1", "n2", "n3"))
    log = rdma_data.Log()
    with rdma_target.target([card], [drive], inline=inline) as target:
        target.set(1, p2pmem)
        target.link([card])
        yield Case(context, target, card, near, drive, far, log)


def _acs(address: str, value: int) -> None:
    with (DEVICES / address / "config").open("r+b", buffering=0) as config:
        config.seek(acs_registers()[address])
        config.write(value.to_bytes(2, "little"))
    assert read_acs(acs_registers())[address] == value


def _port_above(address: str) -> str:
    return (DEVICES / address).resolve().parent.name


def _through_p2p(case: Case, provider: str, *, explicit: bool) -> None:
    """The whole way: predicted, connected, moved, confirmed."""
    assert case.target.enable(1) == 0
    before = case.state()
    assert (before["state"], before["providers"], before["map_type"]) == ("predicted", [provider], "bus-address")
    assert [one["code"] for one in before["warnings"]] == ["no-host"]
    assert before["since"] is None
    case.log.lines()
    with rdma_data.allocations() as allocated, rdma_target.connected(case.card, 1) as disks:
        line = f"nvmet: using p2pmem on {provider} for nsid 1"
        assert case.log.lines().count(line) == 1
        rdma_data.transfer(disks[1], rdma_target.disk(case.drive), "there and back")
        served, refused = allocated()
        assert served >= 2, "both transfers went through P2P memory"
        assert refused == 0
        first = rdma_data.level(provider)
        with rdma_data.load(disks[1]):
            assert wait(lambda: rdma_data.level(provider) < first, PATIENCE), "the pool moves"
        assert wait(lambda: rdma_data.level(provider) == first), "and is as before"
        after = case.state()
    assert (after["state"], after["predicted"], after["providers"]) == ("confirmed", "predicted", [provider])
    assert case.said(after) == [line]
    assert after["since"] is not None
    assert after["p2pmem"] == (provider if explicit else "auto")


def _through_system_memory(case: Case) -> State:
    """Predicted, connected, moved without any pool, and said so afterwards. Returns the last state."""
    assert case.target.enable(1) == 0
    before = case.state()
    assert (before["state"], before["providers"]) == ("falls-back", [])
    assert before["reasons"]
    case.log.lines()
    with rdma_data.allocations() as allocated, rdma_target.connected(case.card, 1) as disks:
        first = {provider: rdma_data.level(provider) for provider in (case.near, case.drive, case.far)}
        with rdma_data.load(disks[1]):
            rdma_data.transfer(disks[1], rdma_target.disk(case.drive), "there and back")
            assert rdma_data.lowest(list(first), 1.0) == first, "no pool moves"
        assert allocated() == (0, 0)
        after = case.state()
    assert (after["state"], after["predicted"]) == ("falls-back", "falls-back")
    return after


def check_the_driver_is_one_of_a_card_with_dma(context: Context) -> None:
    """Its device belongs to the card's function, and p2pctl takes it for a client of P2P memory."""
    (card,) = rdma_cards.bring_up(context)
    (host,) = ask(context, "status")["items"]
    (device,) = host["rdma"]
    assert (device["name"], device["address"], device["virtual_dma"]) == (card.device, card.address, False)


def check_the_closest_memory_is_used(context: Context) -> None:
    """With `1` the drive's own: I/O goes through it, and the data is right both ways."""
    with _case(context, "1") as case:
        _through_p2p(case, case.drive, explicit=False)


def check_memory_that_is_named_is_used(context: Context) -> None:
    """With the address of the drive beside it."""
    with _case(context, context.bdf("n1")) as case:
        _through_p2p(case, case.near, explicit=True)


def check_memory_elsewhere_is_refused(context: Context) -> None:
    """With the address of a drive at another root port the namespace cannot be enabled, as foretold."""
    with _case(context, context.bdf("n3")) as case:
        before = case.state()
        assert (before["state"], before["providers"], before["enabled"]) == ("not-eligible", [], False)
        assert "provider-denied" in {one["code"] for one in before["reasons"]}
        assert case.target.enable(1) == errno.EINVAL
        (line,) = [line for line in case.log.lines() if "cannot be used" in line]
        assert line.startswith(f"nvme {case.drive}: ")
        assert f"provider ({case.far}) do not share an upstream bridge or whitelisted host bridge" in line


def check_a_redirect_above_the_card_lets_it_fall_back(context: Context) -> None:
    """With `1` and ACS set on the card's port the kernel finds no memory for both, and says so once."""
    with _case(context, "1") as case:
        _acs(_port_above(case.card.address), REDIRECTING)
        after = _through_system_memory(case)
        disk = rdma_target.disk(case.drive)
        line = f"nvmet: no peer-to-peer memory is available that's supported by {case.card.device} and {disk}"
        assert case.log.lines().count(line) == 1
        assert case.said(after) == [line]


def check_a_redirect_above_the_card_lets_named_memory_fall_back(context: Context) -> None:
    """With an address the kernel says three lines against the card, the remedy among them."""
    with _case(context, context.bdf("n1")) as case:
        above = _port_above(case.card.address)
        _acs(above, REDIRECTING)
        after = _through_system_memory(case)
        start = f"e1000e {case.card.address}: "
        told = [line.removeprefix(start) for line in case.log.lines() if line.startswith(start)]
        assert told == [
            f"ACS redirect is set between the client and provider ({case.near})",
            f"to disable ACS redirect for this path, add the kernel parameter: pci=disable_acs_redir={above}",
            f"{DENIED} ({case.near}) do not share an upstream bridge or whitelisted host bridge",
        ]
        assert case.said(after) == [start + told[-1]]


def check_a_drive_can_use_its_own_memory_whatever_is_above(context: Context) -> None:
    """With ACS set on the drive's port too the namespace can still be enabled, and falls back at the connect."""
    with _case(context, "1") as case:
        for address in (case.card.address, case.drive):
            _acs(_port_above(address), REDIRECTING)
        after = _through_system_memory(case)
        (line,) = case.said(after)
        assert "no peer-to-peer memory is available that's supported by" in line


def check_without_p2pmem_nothing_is_said(context: Context) -> None:
    """With `0` the state is off before and after, and no pool is asked."""
    with _case(context, "0") as case:
        assert case.target.enable(1) == 0
        assert case.state()["state"] == "off"
        with rdma_data.allocations() as allocated, rdma_target.connected(case.card, 1) as disks:
            rdma_data.transfer(disks[1], rdma_target.disk(case.drive), "off")
            assert allocated() == (0, 0)
            assert case.state()["state"] == "off"


def check_a_full_pool_shows_as_possibly_exhausted(context: Context) -> None:
    """Another holder leaves too little: requests go through system memory unsaid; p2pctl says that they may."""
    with _case(context, "1") as case:
        assert case.target.enable(1) == 0
        with rdma_data.allocations() as allocated, rdma_target.connected(case.card, 1) as disks:
            assert case.state()["state"] == "confirmed"
            with rdma_data.held(case.drive, 0):
                assert rdma_data.level(case.drive) == 0
                allocated()
                rdma_data.transfer(disks[1], rdma_target.disk(case.drive), "no room")
                served, refused = allocated()
                assert (served, refused >= 2) == (0, True), (served, refused)
                full = case.state()
            assert (full["state"], full["predicted"], full["providers"]) == (
                "possibly-exhausted", "predicted", [case.drive],
            )  # fmt: skip
            assert "pool-low" in {one["code"] for one in full["reasons"]}
            assert {"log", "level"} <= {one["kind"] for one in full["evidence"]}
            assert wait(lambda: rdma_data.level(case.drive) > rdma_data.LARGEST)
            assert case.state()["state"] == "confirmed", "there is room again"


def check_a_pool_that_is_too_small_serves_some_and_refuses_some(context: Context) -> None:
    """With room for little more than one transfer, and four readers: some requests find none, as foretold."""
    with _case(context, "1") as case:
        assert case.target.enable(1) == 0
        with (
            rdma_data.allocations() as allocated,
            rdma_target.connected(case.card, 1) as disks,
            rdma_data.held(case.drive, SPARE),
        ):
            assert rdma_data.TRANSFER <= rdma_data.level(case.drive) < 2 * rdma_data.TRANSFER
            assert case.state()["state"] == "possibly-exhausted"
            served = refused = 0
            with rdma_data.load(disks[1], processes=4):
                for _ in range(round(PATIENCE)):
                    wait(lambda: False, 1)
                    more = allocated()
                    served, refused = served + more.served, refused + more.refused
                    if served and refused:
                        break
            assert served, "some fit"
            assert refused, "some did not"
            rdma_data.transfer(disks[1], rdma_target.disk(case.drive), "little room")


def check_small_writes_in_capsules_are_pointed_out(context: Context) -> None:
    """Of a port with room for inline data p2pctl warns, and indeed a small write asks no pool; with none it does."""
    seen = {}
    for inline in (4096, 0):
        with _case(context, "1", inline=inline) as case:
            assert case.target.enable(1) == 0
            warned = {one["code"] for one in case.state()["warnings"]}
            with rdma_data.allocations() as allocated, rdma_target.connected(case.card, 1) as disks:
                allocated()
                rdma_data.put(str(disks[1]), b"\x5a" * 4096, 0)
                seen[inline] = (allocated().served, bool([code for code in warned if "inline" in code]))
                assert rdma_data.get(rdma_target.disk(case.drive), 0, 4096) == b"\x5a" * 4096
    assert seen == {4096: (0, True), 0: (1, False)}


def check_a_namespace_enabled_under_a_host_is_confirmed(context: Context) -> None:
    """The kernel's line comes when the namespace is enabled, and no controller is announced after it."""
    with _case(context, "1") as case, rdma_target.connected(case.card, 0):
        case.log.lines()
        assert case.target.enable(1) == 0
        line = f"nvmet: using p2pmem on {case.drive} for nsid 1"
        assert line in case.log.lines()
        state = case.state()
        assert (state["state"], state["providers"], case.said(state)) == ("confirmed", [case.drive], [line])


def check_what_was_confirmed_goes_stale(context: Context) -> None:
    """The kernel does not look again under a host; p2pctl shows what it said, and what it would say now."""
    with _case(context, "1") as case:
        above = _port_above(case.card.address)
        assert case.target.enable(1) == 0
        with rdma_data.allocations() as allocated, rdma_target.connected(case.card, 1) as disks:
            _acs(above, REDIRECTING)
            rdma_data.transfer(disks[1], rdma_target.disk(case.drive), "still")
            assert allocated().served >= 2
            state = case.state()
            assert (state["state"], state["predicted"], state["stale"]) == ("confirmed", "falls-back", True)
        with rdma_target.connected(case.card, 1):
            now = case.state()
            assert now["state"] == "falls-back", "the newest host is served from system memory"
        case.target.unlink()
        case.target.link([case.card])
        anew = case.state()
        assert (anew["state"], case.said(anew)) == ("falls-back", []), "with the port all that was said is past"
        _acs(above, 0)
        assert case.state()["state"] == "predicted"


def check_a_line_is_not_taken_for_another_subsystems(context: Context) -> None:
    """The kernel names none: of two whose first namespaces use one pool, the connected one alone is confirmed."""
    provider, other = context.bdf("n2"), f"{rdma_target.NQN}2"
    with _case(context, provider) as case, rdma_target.target([case.card], [case.near], nqn=other) as beside:
        beside.set(1, provider)
        beside.link([case.card])
        assert (case.target.enable(1), beside.enable(1)) == (0, 0)
        assert _states(case) == {case.target.nqn: "predicted", other: "predicted"}
        with rdma_target.connected(case.card, 1, nqn=other):
            assert _states(case) == {case.target.nqn: "predicted", other: "confirmed"}
            with rdma_target.connected(case.card, 1):
                assert _states(case) == {case.target.nqn: "confirmed", other: "confirmed"}


def _states(case: Case) -> dict[str, str]:
    """The state by subsystem."""
    return {item["subsystem"]: item["state"] for item in ask(case.context, "port", "state")["items"]}


def check_tcp_never_uses_it(context: Context) -> None:
    """The same subsystem by a TCP port: it cannot, before and after; and the RDMA port's prediction stands."""
    with _case(context, "1") as case:
        modprobe("nvmet-tcp", "nvme-tcp")
        assert case.target.enable(1) == 0
        port = NVMET / "ports/77"
        port.mkdir()
        for name, value in (
            ("addr_trtype", "tcp"), ("addr_adrfam", "ipv4"), ("addr_traddr", "127.0.0.1"), ("addr_trsvcid", "4421"),
        ):  # fmt: skip
            rdma_target.write(port / name, value)
        (port / "subsystems" / case.target.nqn).symlink_to(case.target.subsystem)
        assert case.state(77)["state"] == "transport-cannot"
        words = "transport=tcp,traddr=127.0.0.1,trsvcid=4421"
        with rdma_data.allocations() as allocated, rdma_target.connected(case.card, 1, words=words) as disks:
            rdma_data.transfer(disks[1], rdma_target.disk(case.drive), "tcp")
            assert allocated() == (0, 0)
            assert case.state(77)["state"] == "transport-cannot"
            assert case.state()["state"] == "predicted"


def check_the_distributions_software_device_falls_back(context: Context) -> None:
    """Without a DMA device no card's memory is asked: the kernel says nothing, and p2pctl says so beforehand."""
    rdma_cards.take_down()
    modprobe("rdma_rxe", "nvme-rdma", "nvmet-rdma")
    try:
        cards = rdma_cards.make_devices()
        with rdma_target.target(cards, [context.bdf("n2")], inline=0) as target:
            target.set(1, "1")
            assert target.enable(1) == 0
            target.link(cards)
            (before,) = ask(context, "port", "state")["items"]
            with rdma_data.allocations() as allocated, rdma_target.connected(cards[0], 1) as disks:
                rdma_data.transfer(disks[1], rdma_target.disk(context.bdf("n2")), "software")
                assert allocated() == (0, 0)
                (after,) = ask(context, "port", "state")["items"]
    finally:
        rdma_cards.take_down()
    assert (before["state"], after["state"]) == ("falls-back", "falls-back")
    assert any("virtual" in one["code"] or "software" in one["text"] for one in before["reasons"]), before["reasons"]
