"""``p2pctl verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.options import Wake, WithExitCode
from p2pctl.cli.session import Session
from p2pctl.errors import UsageError
from p2pctl.units import parse_bytes

app = single()


@command(app, "verify", instead="--all")
def verify(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    provider: Annotated[
        str | None, typer.Argument(metavar="PROVIDER", show_default=False, help="The device whose pool is used.")
    ] = None,
    client: Annotated[
        str | None,
        typer.Argument(
            metavar="CLIENT", show_default=False, help="An NVMe drive, or a disk, partition or file on one."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("-a", "--all", help="Try every pool with every NVMe drive.")] = False,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Also put P2P memory and ordinary memory into one transfer.")
    ] = False,
    even_denied: Annotated[
        bool,
        typer.Option(
            "--even-denied",
            help="With --mixed: also, for a denied pair, the order that the kernel lets through unchecked. "
            "DMA that it would refuse can hang or crash a host.",
        ),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write, too, to the disk, partition or file that CLIENT names.")
    ] = False,
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", metavar="NAME", show_default=False, help="The disk's name, instead of typing it."),
    ] = None,
    size: Annotated[str, typer.Option("--size", metavar="BYTES", help="How much to transfer at most.")] = "1M",
    report: Annotated[
        str | None,
        typer.Option(
            "--report", metavar="FILE", show_default=False, help="Record this host there if anything disagrees."
        ),
    ] = None,
    exit_code: WithExitCode = False,
    wake: Wake = False,
) -> None:
    """Prove with real transfers that P2P memory works between a pool and an NVMe drive.

        $ p2pctl verify nvme0 nvme1
        $ p2pctl verify --all --exit-code
        $ p2pctl verify nvme0 nvme1 --mixed
        $ p2pctl verify nvme0 /dev/nvme1n1p3 --write

    It maps a small piece of the pool, at most an eighth of what is available, reads from the drive into it past the
    page cache, and compares every byte with what ordinary reads before and after give. The kernel logs a line ("invalid
    error") for each transfer that it refuses.

    Nothing is written without --write. That writes to a blank place away from the ends of the disk, refuses what
    anybody is seen to use, asks for the name, and puts back what was there. If it is killed in between, or the power
    fails, /var/lib/p2pctl/overwritten.json tells what was there, and p2pctl recover puts it back. Blocks that a hole or
    a thin volume is given for it stay allocated.

    Not seen are users of a disk on other hosts, in the kernel beside the NVMe target, RNBD and LIO, and behind memory
    maps without an open file. Who begins to use a disk while it runs can lose what they write to that place; whoever
    opens a file waits, and the run ends.

    The kernel looks only at the first page of a transfer: --mixed leaves out the order that it would let through
    unchecked where the pair is not known to be allowed, unless --even-denied asks for it.

    With --exit-code: 8 for a pair whose data did not arrive; with --all, for any that did not do what was predicted.
    """
    session = Session.of(ctx)
    wanted = parse_bytes(size)
    if wanted is None or wanted <= 0:
        raise UsageError(f"--size is no size: {size}", hint="bytes, or such as 64K, 1M")
    if everything == (provider is not None) or (provider is None) != (client is None):
        raise UsageError("name a provider and a client, or --all", hint="p2pctl verify PROVIDER CLIENT")
    if write and everything:
        raise UsageError("--write takes one disk by its name, never all", hint="p2pctl verify PROVIDER DISK --write")
    if even_denied and not mixed:
        raise UsageError("--even-denied is for --mixed", hint="leave it out: only mixed transfers go unchecked")
    if confirm is not None and not write:
        raise UsageError("--confirm is for --write", hint="leave it out: nothing is written without --write")
    from p2pctl.cli import verifying  # noqa: PLC0415  --help reads nothing

    verifying.check_report(report)
    wish = verifying.Wish(wanted, mixed, write, confirm, even_denied)
    if provider is None or client is None:
        host, proofs = verifying.verify_all(session, wish, wake=wake)
    else:
        host, proofs = verifying.verify_pair(session, provider, client, wish, wake=wake)
    verifying.shown(host, proofs, walk=everything)
    verifying.save_report(session, proofs, report)
    if exit_code and (code := verifying.exit_code(proofs, walk=everything)):
        raise typer.Exit(code)
