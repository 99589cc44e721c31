"""``p2pctl place``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.options import Wake
from p2pctl.cli.session import Session

if TYPE_CHECKING:
    from p2pctl.model.address import Address
    from p2pctl.model.snapshot import PartName, Snapshot
    from p2pctl.resolver.placement import Policy
    from p2pctl.resolver.placement_wants import Want
    from p2pctl.resolver.rules import RuleSet

app = single()

_PARTS: tuple[PartName, ...] = ("pci", "nvme", "block", "rdma", "pools", "nvmet", "kernel")


@command(app, "place")
def place_namespaces(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", metavar="DEVICE", help="Place this disk only; may be repeated."),
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option(
            "--port",
            metavar="DEVICE",
            help="Export the named disks by this RDMA device, or interface; may be repeated. Without it: as "
            "the target does.",
        ),
    ] = None,
    prefer: Annotated[
        list[str] | None,
        typer.Option("--prefer", metavar="POOL", help="Take this pool wherever it is allowed; may be repeated."),
    ] = None,
    avoid: Annotated[
        list[str] | None,
        typer.Option("--avoid", metavar="POOL", help="Take this pool only where nothing else is allowed."),
    ] = None,
    spread: Annotated[
        bool, typer.Option("--spread", help="Take farther pools too, where that relieves the most loaded link.")
    ] = False,
    rules: Annotated[
        str | None, typer.Option("--rules", metavar="NAME", help="Go by these rules, not by those of the kernel.")
    ] = None,
    document: Annotated[
        bool, typer.Option("--document", help="Print the piece of a document that apply takes (YAML, or -o json).")
    ] = False,
    wake: Wake = False,
) -> None:
    """Propose a P2P memory provider for each namespace of the NVMe target.

        $ p2pctl place
        $ p2pctl place --avoid nvme0
        $ p2pctl place --namespace nvme1n1 --port mlx5_0
        $ p2pctl place --document > providers.yaml

    The kernel takes the closest provider, and one of several at random. This proposes the closest too, but spreads
    the load over links and pools: AT MOST is what the links leave a namespace while all are busy, BY CHANCE what the
    kernel's choice would leave it on average. A provider is allowed for the drive and for every RDMA device that may
    serve a port of the namespace.
    """
    from p2pctl.render.placement import placement_report  # noqa: PLC0415
    from p2pctl.resolver.placement import place  # noqa: PLC0415
    from p2pctl.resolver.resolver import Resolver  # noqa: PLC0415
    from p2pctl.resolver.selection import select  # noqa: PLC0415
    from p2pctl.resolver.selectors import names_by_address  # noqa: PLC0415  --help reads nothing
    from p2pctl.resolver.topology import Topology  # noqa: PLC0415

    session = Session.of(ctx)
    if document:
        session.only("table", "plain", "yaml", "json")
    snapshot = session.snapshot(_PARTS, wake=wake)
    selection = select(snapshot.source.kernel, name=rules)
    wants = _wants(snapshot, selection.rules, namespace or [], port or [])
    policy = _policy(snapshot, prefer or [], avoid or [], spread=spread)
    pools = snapshot.pools.pools.values() if snapshot.pools else ()
    plan = place(Resolver(Topology.of(snapshot), selection.rules), wants, pools, policy)
    if not document:
        session.show(placement_report(snapshot, plan, selection, names_by_address(snapshot), order=policy.order))
        return
    from p2pctl.cli import output  # noqa: PLC0415
    from p2pctl.render.placement import document_lines, placement_document, shortfalls  # noqa: PLC0415

    output.write_lines(document_lines(placement_document(plan), as_json=session.format == "json"))
    for note in shortfalls(plan):
        session.narrator.note(note)


def _wants(snapshot: Snapshot, rules: RuleSet, namespaces: list[str], ports: list[str]) -> tuple[Want, ...]:
    """What is to be placed. Raises UsageError, NotFoundError."""
    from p2pctl.errors import P2pctlError, UsageError  # noqa: PLC0415
    from p2pctl.resolver.placement_wants import is_disk, named_want, target_wants  # noqa: PLC0415
    from p2pctl.resolver.ports import named_port  # noqa: PLC0415
    from p2pctl.resolver.selectors import find_device  # noqa: PLC0415

    every = target_wants(snapshot, rules)
    if not namespaces:
        if ports:
            raise UsageError("--port needs --namespace", hint="name the disks to place: --namespace nvme0n1")
        return every

    def function(text: str) -> Address | None:
        try:
            return find_device(snapshot, text)
        except P2pctlError:
            # One of them may be known without a PCI function: what that means is for the plan to say.
            name = text.rpartition("/")[2]
            rdma = snapshot.rdma
            if is_disk(snapshot, text) or (rdma is not None and (name in rdma.devices or name in rdma.interfaces)):
                return None
            raise

    found = tuple(named_port(text.rpartition("/")[2], function(text), snapshot.rdma, rules) for text in ports)
    return tuple(named_want(snapshot, text, function(text), found, every) for text in dict.fromkeys(namespaces))


def _policy(snapshot: Snapshot, prefer: list[str], avoid: list[str], *, spread: bool) -> Policy:
    """The policy. Raises UsageError, NotFoundError."""
    from p2pctl.errors import NotFoundError, UsageError  # noqa: PLC0415
    from p2pctl.resolver.placement import Policy  # noqa: PLC0415
    from p2pctl.resolver.selectors import find_device  # noqa: PLC0415

    def pools(texts: list[str]) -> frozenset[Address]:
        found = frozenset(find_device(snapshot, text) for text in texts)
        for address in sorted(found):
            if snapshot.pools is None or address not in snapshot.pools.pools:
                raise NotFoundError(f"{address} has no P2P memory", hint="p2pctl pool list shows which devices have")
        return found

    preferred, avoided = pools(prefer), pools(avoid)
    both = sorted(preferred & avoided)
    if both:
        raise UsageError(f"{both[0]} is to be preferred and avoided", hint="leave one of the options out")
    return Policy(preferred, avoided, "spread" if spread else "closest")
