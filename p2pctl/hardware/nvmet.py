"""Reads the NVMe target's configuration from configfs. Secrets are opened only for who asks for them."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.hardware.reading import Reader, natural
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Fact, Missing
from p2pctl.model.nvmet import (
    ROOT,
    SECRET_ATTRIBUTES,
    WRITE_ONLY_ATTRIBUTES,
    AnaGroup,
    Attributes,
    Host,
    Nvmet,
    Port,
    Referral,
    Subsystem,
    TargetNamespace,
    kernel_number,
)

_GROUPS = frozenset(
    {"allowed_hosts", "namespaces", "passthru", "subsystems", "referrals", "ana_groups", "hosts", "ports"}
)


def read_nvmet(reader: Reader, now: float, *, secrets: bool = False) -> Nvmet:
    """The whole target; ``present`` is False where the module or configfs is missing.

    ``secrets`` fetches DH-CHAP keys, too: for who changes the target, or exports it whole.
    """
    return _Target(reader, secrets=secrets).read(now)


class _Target:
    """One reading."""

    def __init__(self, reader: Reader, *, secrets: bool) -> None:
        self._reader = reader
        self._withheld = WRITE_ONLY_ATTRIBUTES if secrets else WRITE_ONLY_ATTRIBUTES | SECRET_ATTRIBUTES

    def read(self, now: float) -> Nvmet:
        reader = self._reader
        try:
            reader.files.list(ROOT)
        except OSError as error:
            missing = reader.missing(error, ROOT, "nvmet")
            loaded = reader.listing("/sys/module/nvmet", "nvmet")
            return Nvmet(
                now,
                False if missing is ABSENT else missing,
                loaded if loaded is UNREADABLE else loaded is not ABSENT,
                gaps=tuple(reader.gaps),
            )
        return Nvmet(
            now,
            present=True,
            loaded=True,
            subsystems={nqn: self._subsystem(nqn) for nqn in self._children(f"{ROOT}/subsystems")},
            ports={name: self._port(name) for name in self._children(f"{ROOT}/ports")},
            hosts={nqn: Host(nqn, self._attributes(f"{ROOT}/hosts/{nqn}")) for nqn in self._children(f"{ROOT}/hosts")},
            attributes=self._attributes(ROOT),
            gaps=tuple(reader.gaps),
        )

    def _children(self, path: str) -> tuple[str, ...]:
        return tuple(sorted(self._reader.names(path, "nvmet"), key=natural))

    def _numbered(self, path: str) -> Iterator[tuple[int, str]]:
        """Directories by the number that the kernel takes their name for."""
        for name in self._children(path):
            number = kernel_number(name)
            if number is not None:
                yield number, name

    def _attributes(self, path: str) -> Attributes:
        """Every attribute that this kernel lists, known to p2pctl or not."""
        values: dict[str, Fact[str]] = {}
        for name in self._children(path):
            if name in _GROUPS:
                continue
            values[name] = NOT_READ if name in self._withheld else self._attribute(f"{path}/{name}", name)
        return values

    def _attribute(self, path: str, name: str) -> Fact[str]:
        try:
            data = self._reader.files.read(path)
        except IsADirectoryError:
            return ABSENT  # a group that a newer kernel has
        except OSError as error:
            return self._reader.missing(error, path, "nvmet attribute", name)
        return data.decode("utf-8", "surrogateescape").removesuffix("\n")

    def _links(self, path: str) -> dict[str, str]:
        names = {name: self._reader.link_name(f"{path}/{name}", "nvmet link", name) for name in self._children(path)}
        return {name: target for name, target in names.items() if not isinstance(target, Missing)}

    def _subsystem(self, nqn: str) -> Subsystem:
        path = f"{ROOT}/subsystems/{nqn}"
        return Subsystem(
            nqn=nqn,
            attributes=self._attributes(path),
            namespaces={
                nsid: TargetNamespace(
                    nsid, self._attributes(f"{path}/namespaces/{name}"), name if name != str(nsid) else ""
                )
                for nsid, name in self._numbered(f"{path}/namespaces")
            },
            host_links=self._links(f"{path}/allowed_hosts"),
            passthru=self._attributes(f"{path}/passthru"),
        )

    def _port(self, name: str) -> Port:
        path = f"{ROOT}/ports/{name}"
        return Port(
            name=name,
            attributes=self._attributes(path),
            links=self._links(f"{path}/subsystems"),
            ana_groups={
                number: AnaGroup(
                    number, self._attributes(f"{path}/ana_groups/{group}"), group if group != str(number) else ""
                )
                for number, group in self._numbered(f"{path}/ana_groups")
            },
            referrals={
                one: Referral(one, self._attributes(f"{path}/referrals/{one}"))
                for one in self._children(f"{path}/referrals")
            },
        )
