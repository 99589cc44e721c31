"""``p2pctl bench``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.options import Wake
from p2pctl.cli.session import Session
from p2pctl.errors import UsageError
from p2pctl.units import parse_bytes

app = single()

_MOST_DEPTH = 256


@command(app, "bench")
def bench(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    provider: Annotated[
        str, typer.Argument(metavar="PROVIDER", show_default=False, help="The device whose pool is used.")
    ],
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", show_default=False, help="An NVMe drive, or a disk or file on one.")
    ],
    destination: Annotated[
        str | None,
        typer.Argument(
            metavar="[DESTINATION]",
            show_default=False,
            help="Copy to this disk, partition or file. Without: only read.",
        ),
    ] = None,
    block_size: Annotated[
        str, typer.Option("--block-size", metavar="BYTES,...", help="Bytes of a transfer, one or several.")
    ] = "4K,64K,1M",
    depth: Annotated[
        str, typer.Option("--depth", metavar="N,...", help="Transfers under way at a time, a thread each.")
    ] = "1,4",
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=1, max=1000, help="Runs of each setting.")] = 5,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="SECONDS", min=0.001, max=3600, help="Length of a run.")
    ] = 1.0,
    warm_up: Annotated[
        float, typer.Option("--warm-up", metavar="SECONDS", min=0, max=3600, help="What is not measured.")
    ] = 0.5,
    span: Annotated[
        str, typer.Option("--span", metavar="BYTES", help="How much of the disks the transfers stay within.")
    ] = "16M",
    mixed: Annotated[bool, typer.Option("--mixed", help="Also half P2P, half system memory in one transfer.")] = False,
    fio: Annotated[bool, typer.Option("--fio", help="Have fio measure the same reads.")] = False,
    fio_job: Annotated[
        str | None, typer.Option("--fio-job", metavar="FILE", show_default=False, help="Keep fio's jobs there.")
    ] = None,
    confirm: Annotated[
        str | None,
        typer.Option(
            "--confirm", metavar="NAME", show_default=False, help="The destination's name, instead of typing it."
        ),
    ] = None,
    wake: Wake = False,
) -> None:
    """Measure transfers through P2P memory against the same ones through system memory.

        $ p2pctl bench nvme0 nvme1
        $ p2pctl bench nvme0 nvme1 --block-size 1M --depth 1,8,32 -o json
        $ p2pctl bench nvme0 nvme1 /dev/nvme2n1p4
        $ p2pctl bench nvme0 nvme1 --fio

    Bandwidth, latency and processor time for each block size and depth, from several runs, beside the ceiling of the
    links. It only reads, unless a DESTINATION is named: then it copies to a blank place there, under the same guards as
    verify --write. No more than an eighth of what the pool has available is taken.
    """
    session = Session.of(ctx)
    from p2pctl.cli.benching import bench as measure  # noqa: PLC0415  --help reads nothing
    from p2pctl.cli.measuring import Plan  # noqa: PLC0415

    if confirm is not None and destination is None:
        raise UsageError("--confirm is for a destination", hint="leave it out: nothing is written without one")
    plan = Plan(
        blocks=_sizes(block_size, "--block-size"),
        depths=_depths(depth),
        runs=runs,
        seconds=seconds,
        warm_up=warm_up,
        span=_sizes(span, "--span")[0],
        mixed=mixed,
        confirm=confirm,
        fio=fio or fio_job is not None,
        fio_job=fio_job,
    )
    measure(session, (provider, source, destination), plan, wake=wake)


def _sizes(text: str, option: str) -> tuple[int, ...]:
    """Sizes with commas between. Raises UsageError."""
    found = [parse_bytes(part) for part in text.split(",")]
    if not all(found):
        raise UsageError(f"{option} is no size: {text}", hint="bytes, or such as 64K, 1M; several with commas between")
    return tuple(dict.fromkeys(size for size in found if size))


def _depths(text: str) -> tuple[int, ...]:
    """Numbers with commas between. Raises UsageError."""
    parts = text.split(",")
    if not all(part.isascii() and part.isdecimal() and 0 < int(part[:9]) <= _MOST_DEPTH for part in parts):
        raise UsageError(f"--depth is no number of transfers: {text}", hint=f"1 to {_MOST_DEPTH}, such as 1,8,32")
    return tuple(dict.fromkeys(map(int, parts)))
