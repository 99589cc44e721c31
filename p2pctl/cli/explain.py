"""``p2pctl explain``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.options import Wake, WithExitCode
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
    ask_kernel: Annotated[
        bool,
        typer.Option(
            "--ask-kernel", help="Ask the running kernel, too: through a target subsystem that no port leads to."
        ),
    ] = False,
    trace: Annotated[
        float | None,
        typer.Option(
            "--trace",
            metavar="SECONDS",
            min=0.1,
            max=86400,
            show_default=False,
            help="Count the requests for pool memory that silently fall back, with a probe in the running kernel.",
        ),
    ] = None,
    exit_code: WithExitCode = False,
    wake: Wake = False,
) -> None:
    """Explain whether devices may use P2P memory of another: why, and what to do about it.

        $ p2pctl explain nvme0 mlx5_0
        $ p2pctl explain 0000:03:00.0 nvme1 mlx5_0
        $ p2pctl explain nvme0 mlx5_0 --assume iommu=off
        $ p2pctl explain nvme0 nvme1 --ask-kernel
        $ p2pctl explain nvme0 mlx5_0 --exit-code -q > /dev/null

    With several clients, all of them have to be allowed: that is what the kernel asks for a shared buffer. What is
    assumed changes nothing on the host. --ask-kernel exports nothing, and takes its subsystem away again; --trace takes
    its probe away again.
    """
    from p2pctl.render.explain import explain_page  # noqa: PLC0415  --help reads nothing
    from p2pctl.render.explain_case import Question  # noqa: PLC0415
    from p2pctl.render.verdicts import PARTS, choose, find_client, find_provider  # noqa: PLC0415
    from p2pctl.resolver.assume import assume as apply  # noqa: PLC0415

    session = Session.of(ctx)
    if ask_kernel:
        from p2pctl.cli.asking import asked_kernel, check_askable  # noqa: PLC0415  a prediction needs none of it

        check_askable(session, assumed=bool(assume))
    if trace is not None:
        from p2pctl.cli.asking import check_traceable, traced_requests  # noqa: PLC0415

        check_traceable(session)
    host = session.snapshot(PARTS, wake=wake)
    # A device is called what it is called before it is moved.
    lender = find_provider(host, session.followed(provider))
    users = tuple(dict.fromkeys(find_client(host, session.followed(client)) for client in clients))
    assumed = apply(host, assume) if assume else None
    snapshot = assumed.snapshot if assumed else host
    asked = asked_kernel(session, host, lender, users) if ask_kernel else {}
    traced = traced_requests(session, trace) if trace is not None else None
    question = Question(lender, users, choose(snapshot, rules), assumed.sentences if assumed else (), asked, traced)
    answer = explain_page(snapshot, question)
    session.show(answer.page)
    denied = any(one.comparable and one.answer and one.answer.answer == "denied" for one in asked.values())
    if exit_code and (code := ExitCode.ANSWER_NO if denied else _EXITS[answer.verdict]):
        raise typer.Exit(code)
