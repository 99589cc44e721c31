"""``p2pctl referral``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from p2pctl.cli.change_options import (
    Assignments,
    Cascade,
    ChangeOptions,
    Enable,
    IfExists,
    OrUpdate,
    PortName,
    changing,
)
from p2pctl.cli.framework import command, noun
from p2pctl.cli.session import Session

if TYPE_CHECKING:
    from p2pctl.cli.change import Asked
    from p2pctl.model.nvmet import Nvmet
    from p2pctl.target.wishes import ReferralWish

app = noun("""
Referrals: other addresses that the discovery of a port tells hosts of.

  $ p2pctl referral list
  $ p2pctl referral create 1 peer trtype=tcp traddr=192.0.2.11 --enable
""")

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="The referral's name, exactly.")]


@command(app, "list")
def list_referrals(
    ctx: typer.Context,
    port: Annotated[str | None, typer.Argument(metavar="[PORT]", show_default=False, help="Of this port only.")] = None,
) -> None:
    """List the referrals of all ports, or of one.

    $ p2pctl referral list
    $ p2pctl referral list 1 -o json
    """
    from p2pctl.cli.objects import find_port, target_of  # noqa: PLC0415
    from p2pctl.render.referrals import referral_report  # noqa: PLC0415  --help reads nothing

    session = Session.of(ctx)
    snapshot = session.snapshot({"nvmet"})
    session.show(referral_report(snapshot, None if port is None else find_port(target_of(snapshot), port).name))


@changing(app, "create")
def create_referral(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    port: PortName,
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="Any name that is free.")],
    assignments: Assignments = None,
    enable: Enable = False,
    or_update: OrUpdate = False,
) -> None:
    """Create a referral. Hosts are told of it once it is enabled.

    $ p2pctl referral create 1 peer trtype=rdma traddr=192.0.2.11 --enable
    """
    from p2pctl.cli.change_values import given, with_family  # noqa: PLC0415
    from p2pctl.cli.objects import changeable_port, exists, listed, referral_name  # noqa: PLC0415
    from p2pctl.target.wishes import ReferralWish  # noqa: PLC0415

    wanted = with_family(given("referral", assignments, {"enable": enable}))
    checked = referral_name(name)

    def wish(live: Nvmet) -> ReferralWish:
        found = changeable_port(live, port)[0]
        if checked in found.referrals and not or_update:
            raise exists(f"referral {checked} of port {found.name}")
        return ReferralWish(attributes=wanted.values(listed("referral", live)))

    _change(ctx, "referral create", port, checked, wish)


@changing(app, "set")
def set_referral(ctx: typer.Context, port: PortName, name: Name, assignments: Assignments = None) -> None:
    """Set attributes of a referral. One that is enabled is disabled meanwhile.

    $ p2pctl referral set 1 peer traddr=192.0.2.12
    """
    from p2pctl.cli.change_values import given, something  # noqa: PLC0415
    from p2pctl.cli.objects import changeable_port, find_referral  # noqa: PLC0415
    from p2pctl.target.wishes import ReferralWish  # noqa: PLC0415

    wanted = something(given("referral", assignments))

    def wish(live: Nvmet) -> ReferralWish:
        found = find_referral(changeable_port(live, port)[0], name)
        return ReferralWish(attributes=wanted.values(found.attributes))

    _change(ctx, "referral set", port, name, wish)


@changing(app, "enable")
def enable_referral(ctx: typer.Context, port: PortName, name: Name) -> None:
    """Have discovery tell hosts of a referral.

    $ p2pctl referral enable 1 peer
    """
    _switch(ctx, "referral enable", port, name, "1")


@changing(app, "disable")
def disable_referral(ctx: typer.Context, port: PortName, name: Name) -> None:
    """Have discovery keep quiet about a referral.

    $ p2pctl referral disable 1 peer
    """
    _switch(ctx, "referral disable", port, name, "0")


@changing(app, "delete")
def delete_referral(
    ctx: typer.Context, port: PortName, name: Name, cascade: Cascade = False, if_exists: IfExists = False
) -> None:
    """Delete a referral.

        $ p2pctl referral delete 1 peer

    Nothing hangs on a referral, so that --cascade changes nothing here.
    """
    from p2pctl.cli.objects import changeable_port, find_referral, has_port  # noqa: PLC0415
    from p2pctl.target.wishes import ReferralWish  # noqa: PLC0415

    del cascade

    def wish(live: Nvmet) -> ReferralWish | None:
        if if_exists and (not has_port(live, port) or name not in changeable_port(live, port)[0].referrals):
            return None
        find_referral(changeable_port(live, port)[0], name)
        return ReferralWish(absent=True)

    _change(ctx, "referral delete", port, name, wish)


def _switch(ctx: typer.Context, command_name: str, port: str, name: str, value: str) -> None:
    from p2pctl.cli.objects import changeable_port, find_referral  # noqa: PLC0415
    from p2pctl.target.wishes import ReferralWish  # noqa: PLC0415

    def wish(live: Nvmet) -> ReferralWish:
        find_referral(changeable_port(live, port)[0], name)
        return ReferralWish(attributes={"enable": value})

    _change(ctx, command_name, port, name, wish)


def _change(
    ctx: typer.Context, command_name: str, port: str, name: str, wish: Callable[[Nvmet], ReferralWish | None]
) -> None:
    from p2pctl.cli.change import Asked, change  # noqa: PLC0415
    from p2pctl.cli.objects import changeable_port  # noqa: PLC0415
    from p2pctl.target.wishes import PortWish, Wishes  # noqa: PLC0415

    def ask(live: Nvmet) -> Asked:
        wanted = wish(live)
        if wanted is None:
            return Asked(Wishes())
        number = changeable_port(live, port)[1]
        return Asked(Wishes(ports={number: PortWish(referrals={name: wanted})}))

    change(Session.of(ctx), ChangeOptions.of(ctx), command_name, ask)
