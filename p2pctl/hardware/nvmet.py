"""Reads the NVMe target's configuration from configfs. Secrets are opened only for who asks for them.

What is torn down while it is read is left out; it is no error.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import TypeVar

from p2pctl.hardware.reading import RELEASE, SENSE, Reader, natural
from p2pctl.hardware.system import kernel_option
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Fact, Missing
from p2pctl.model.nvmet import (
    ROOT,
    SECRET_ATTRIBUTES,
    WRITE_ONLY_ATTRIBUTES,
    AnaGroup,
    Attributes,
    Host,
    KeyFile,
    Nvmet,
    Port,
    Referral,
    Subsystem,
    TargetNamespace,
    kernel_number,
)

T = TypeVar("T")
_is_secret = SECRET_ATTRIBUTES.__contains__

_GROUPS = frozenset(
    {"allowed_hosts", "namespaces", "passthru", "subsystems", "referrals", "ana_groups", "hosts", "ports"}
)
_GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ENOTDIR})


def read_nvmet(reader: Reader, now: float, *, secrets: bool = False) -> Nvmet:
    """The whole target; ``present`` is False where the module or configfs is missing.

    ``secrets`` fetches DH-CHAP keys, too: for who changes the target, or exports it whole.
    """
    return TargetReader(reader, secrets=secrets).read(now)


def look_for_keys(reader: Reader, nvmet: Nvmet) -> Nvmet:
    """The target, with whether each host's keys are set: of such a file no more than the first byte is asked for.

    All keys begin with the same letter. For who was asked about them: other readers leave the files alone.
    """

    def filled(path: str) -> Fact[bool]:
        try:
            return reader.files.read(path, 1) not in {b"", b"\n", b"\0"}
        except OSError:
            return UNREADABLE

    hosts = {
        nqn: host._replace(
            keys={name: key._replace(filled=filled(f"{ROOT}/hosts/{nqn}/{name}")) for name, key in host.keys.items()}
        )
        for nqn, host in nvmet.hosts.items()
    }
    return nvmet._replace(hosts=hosts)


class TargetReader:
    """One reading, of all or of an object."""

    def __init__(self, reader: Reader, *, secrets: bool) -> None:
        self._reader = reader
        self._withheld = WRITE_ONLY_ATTRIBUTES if secrets else WRITE_ONLY_ATTRIBUTES | SECRET_ATTRIBUTES

    def read(self, now: float) -> Nvmet:
        """All of it."""
        root = self._reader.listing(ROOT, "nvmet")
        if isinstance(root, Missing):
            return self._without(now, root)
        return Nvmet(
            now,
            present=True,
            loaded=True,
            subsystems=self._objects(f"{ROOT}/subsystems", self.subsystem),
            ports=self._objects(f"{ROOT}/ports", self.port),
            hosts=self._objects(f"{ROOT}/hosts", self.host),
            attributes=self.attributes(ROOT) or {},
            gaps=tuple(self._reader.gaps),
        )

    def _without(self, now: float, root: Missing) -> Nvmet:
        reader = self._reader
        loaded = reader.listing("/sys/module/nvmet", "nvmet")
        built: Fact[bool] = NOT_READ
        if loaded is ABSENT:
            # Of the configuration of the kernel, whether it can be read is a gap of the part that is about the kernel.
            other = Reader(reader.files)
            option = kernel_option(other, other.text(RELEASE, "kernel release"), "NVME_TARGET")
            built = option[0] if option else NOT_READ
        return Nvmet(
            now,
            False if root is ABSENT else root,
            loaded if loaded is UNREADABLE else loaded is not ABSENT,
            gaps=tuple(reader.gaps),
            built=built,
        )

    def _children(self, path: str) -> list[str]:
        return sorted(self._reader.names(path, "nvmet"), key=natural)

    def _objects(self, path: str, read: Callable[[str, str], T | None]) -> dict[str, T]:
        """The objects in a directory by name."""
        found = ((name, read(f"{path}/{name}", name)) for name in self._children(path))
        return {name: each for name, each in found if each is not None}

    def _numbered(self, path: str) -> Iterator[tuple[int, list[str]]]:
        """Directories by the number that the kernel takes their name for, the plainest name first."""
        names: dict[int, list[str]] = {}
        for name in self._children(path):
            number = kernel_number(name)
            if number is None:
                self._reader.gap("nvmet", name, f"{path}/{name}", "a directory named by a number")
            else:
                names.setdefault(number, []).append(name)
        for number in sorted(names):
            yield number, sorted(names[number], key=lambda name: (name != str(number), len(name), name))

    def attributes(self, path: str) -> Attributes | None:
        """Every attribute that this kernel lists, known to p2pctl or not; None for an object that is gone."""
        names = self._reader.listing(path, "nvmet")
        if isinstance(names, Missing):
            return None if names is ABSENT else {}
        values: dict[str, Fact[str]] = {}
        for name in names:
            if name in _GROUPS:
                continue
            if name in self._withheld:
                values[name] = NOT_READ
                continue
            try:
                data = self._reader.files.read(f"{path}/{name}")
            except IsADirectoryError:
                continue  # a group that a newer kernel has
            except OSError as error:
                if error.errno not in _GONE:
                    values[name] = self._reader.missing(error, f"{path}/{name}", "nvmet attribute", name)
                continue
            values[name] = data.decode("utf-8", "surrogateescape").removesuffix("\n")
        return values

    def _links(self, path: str, kind: str) -> dict[str, str]:
        """Link name to the name of what it points to, which must be an object in the directory ``kind``."""
        links: dict[str, str] = {}
        for name in self._children(path):
            place = f"{path}/{name}"
            try:
                *_, group, target = ("", *self._reader.files.readlink(place).split("/"))
            except OSError as error:
                self._reader.missing(error, place, "nvmet link", name)
                continue
            if group == kind and target:
                links[name] = target
            else:
                self._reader.gap("nvmet link", name, place, SENSE)
        return links

    def host(self, path: str, nqn: str) -> Host | None:
        """A host; None for one that is gone."""
        attributes = self.attributes(path)
        if attributes is None:
            return None
        return Host(nqn, attributes, {name: self._key(f"{path}/{name}") for name in attributes if _is_secret(name)})

    def _key(self, path: str) -> KeyFile:
        """Who may read a key; the file itself is not opened."""
        try:
            return KeyFile(self._reader.files.stat(path).mode)
        except OSError:
            return KeyFile(UNREADABLE)

    def subsystem(self, path: str, nqn: str) -> Subsystem | None:
        """A subsystem with all that is in it; None for one that is gone."""
        attributes = self.attributes(path)
        if attributes is None:
            return None
        return Subsystem(
            nqn=nqn,
            attributes=attributes,
            namespaces=dict(self._namespaces(f"{path}/namespaces")),
            host_links=self._links(f"{path}/allowed_hosts", "hosts"),
            passthru=self.attributes(f"{path}/passthru") or {},
        )

    def _namespaces(self, path: str) -> Iterator[tuple[int, TargetNamespace]]:
        for nsid, (name, *others) in self._numbered(path):
            for other in others:  # the kernel refuses a second directory for a namespace
                self._reader.gap("nvmet", other, f"{path}/{other}", f"a number of its own: {name} is the same one")
            attributes = self.attributes(f"{path}/{name}")
            if attributes is not None:
                yield nsid, TargetNamespace(nsid, attributes, name if name != str(nsid) else "")

    def port(self, path: str, name: str) -> Port | None:
        """A port with all that is in it; None for one that is gone."""
        attributes = self.attributes(path)
        if attributes is None:
            return None
        return Port(
            name=name,
            attributes=attributes,
            links=self._links(f"{path}/subsystems", "subsystems"),
            ana_groups=dict(self._ana_groups(f"{path}/ana_groups")),
            referrals=self._objects(f"{path}/referrals", self._referral),
        )

    def _ana_groups(self, path: str) -> Iterator[tuple[int, AnaGroup]]:
        for number, (name, *others) in self._numbered(path):
            attributes = self.attributes(f"{path}/{name}")
            if attributes is not None:
                yield number, AnaGroup(number, attributes, name if name != str(number) else "", tuple(others))

    def _referral(self, path: str, name: str) -> Referral | None:
        attributes = self.attributes(path)
        return None if attributes is None else Referral(name, attributes)
