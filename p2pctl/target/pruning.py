"""What becomes of objects that no wish mentions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from p2pctl.model.nvmet import MAIN_GROUP, Nvmet, Port, Subsystem
from p2pctl.target import paths
from p2pctl.target.overlay import links_of, port_name
from p2pctl.target.wishes import PortWish, Wishes

Prune = Literal["none", "owned", "all"]
"""What happens to objects that no wish mentions: nothing; those go that p2pctl made in this boot; all go."""


class Pruning:
    """Which objects stay."""

    def __init__(self, prune: Prune, owned: frozenset[str], live: Nvmet, wishes: Wishes) -> None:
        """``owned`` are the kernel paths of objects that p2pctl made in this boot."""
        self._prune = prune
        self._owned = owned
        self.exported: Mapping[str, str] = _exported_by_others(live, wishes, owned) if prune == "owned" else {}
        """Subsystems that stay since ports of others export them, each with the reason."""

    def stays(self, path: str) -> bool:
        """Whether an object that no wish mentions stays."""
        return self._prune == "none" or (self._prune == "owned" and path not in self._owned)

    def foreign(self, one: object) -> list[str]:
        """What others have made in an object of ours: it would go with it."""
        if self._prune != "owned":
            return []
        found: dict[str, str] = {}
        if isinstance(one, Subsystem):
            for space in one.namespaces.values():
                found[paths.namespace(one.nqn, space)] = paths.called_namespace(one.nqn, space.nsid)
        elif isinstance(one, Port):
            for name in one.referrals:
                found[paths.referral(one.name, name)] = paths.called_referral(one.name, name)
            for group in one.ana_groups.values():
                if group.number != MAIN_GROUP:
                    found[paths.ana_group(one.name, group)] = paths.called_group(one.name, group.number)
        return [called for path, called in found.items() if path not in self._owned]


def _exported_by_others(live: Nvmet, wishes: Wishes, owned: frozenset[str]) -> Mapping[str, str]:
    """Subsystems that ports of others export and go on exporting, each with the reason for it to stay."""
    wished = {port_name(live, number): wish for number, wish in wishes.ports.items()}
    absent = {number for number, wish in wishes.ports.items() if wish.absent}
    found: dict[str, str] = {}
    for name, port in live.ports.items():
        wish = wished.get(name, PortWish())
        if port.number in absent or paths.port(name) in owned:
            continue
        for nqn in links_of(port.links, wish.subsystems, wish.link, wish.unlink).values():
            found.setdefault(nqn, f"{paths.called_port(port)} exports it, and is not p2pctl's own")
    return found
