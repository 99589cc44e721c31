"""``p2pctl explain``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.options import Wake
from p2pctl.cli.rules import Rules
from p2pctl.cli.session import Session
from p2pctl.errors import ExitCode

app = single()

_EXITS = {"allowed": ExitCode.OK, "denied": ExitCode.ANSWER_NO, "unknown": ExitCode.ANSWER_UNKNOWN}
"""With --exit-code, by the verdict for all clients together."""


@command(app, "explain")
def explain(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    provider: Annotated[
        str, typer.Argument(metavar="PROVIDER", show_default=False, help="The device whose memory is used.")
    ],
    clients: Annotated[
        list[str], typer.Argument(metavar="CLIENT...", show_default=False, help="The devices that shall use it.")
    ],
    rules: Rules = None,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            "--assume",
            metavar="EDIT",
            show_default=False,
            help="What if: cmdline=OPTIONS, acs:PORT=VALUE, kernel=RELEASE, iommu=off or move:DEVICE=SLOT; repeatable.",
        ),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 8 if the answer is no, with 9 if it cannot be told.")
    ] = False,
    wake: Wake = False,
) -> None:
    """Explain whether devices may use P2P memory of another: why, and what to do about it.

        $ p2pctl explain nvme0 mlx5_0
        $ p2pctl explain 0000:03:00.0 nvme1 mlx5_0
        $ p2pctl explain nvme0 mlx5_0 --assume iommu=off
        $ p2pctl explain nvme0 mlx5_0 --exit-code -q > /dev/null

    With several clients, all of them have to be allowed: that is what the kernel asks for a shared buffer. What is
    assumed changes nothing on the host.
    """
    from p2pctl.render.explain import explain_page  # noqa: PLC0415  --help reads nothing
    from p2pctl.render.explain_case import Question  # noqa: PLC0415
    from p2pctl.render.verdicts import PARTS, choose, find_client, find_provider  # noqa: PLC0415
    from p2pctl.resolver.assume import assume as apply  # noqa: PLC0415

    session = Session.of(ctx)
    host = session.snapshot(PARTS, wake=wake)
    # A device is called what it is called before it is moved.
    lender = find_provider(host, session.followed(provider))
    users = tuple(dict.fromkeys(find_client(host, session.followed(client)) for client in clients))
    assumed = apply(host, assume) if assume else None
    snapshot = assumed.snapshot if assumed else host
    question = Question(lender, users, choose(snapshot, rules), assumed.sentences if assumed else ())
    answer = explain_page(snapshot, question)
    session.show(answer.page)
    if exit_code and (code := _EXITS[answer.verdict]):
        raise typer.Exit(code)
