"""``--redact``: a capture without serial numbers, host names, addresses, user names and command names."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import posixpath
import re
from collections.abc import Callable

from p2pctl.hardware.capture.build import Tree
from p2pctl.hardware.capture.manifest import Manifest
from p2pctl.hardware.capture.pseudonyms import Pseudonyms
from p2pctl.hardware.capture.redact_log import redact_log
from p2pctl.hardware.capture.untar import Member
from p2pctl.kernel import LogRead, Process
from p2pctl.model.facts import Gap

_NVMET = "/sys/kernel/config/nvmet/"
_HOSTNAME = "/proc/sys/kernel/hostname"
_DSN = 0x0003  # Device Serial Number extended capability (PCI Express Base Specification 6.0, section 7.9.3)
_EXTENDED = 0x100

_SERIALS = frozenset({"serial", "attr_serial"})
_NQNS = frozenset({"subsysnqn", "discovery_nqn", "hostnqn"})
_FREE = frozenset(
    {
        "address", "node_guid", "parent", "model", "attr_model", "backing_file", "name",
        "device_uuid", "device_nguid", "boot_id", "bufinfo", "device_path",
        "mapping_path", "dev_search_path", "fib_trie",
    }
)  # fmt: skip
_USER_NAMED = re.compile(
    r"hosts/[^/]+|subsystems/[^/]+|subsystems/[^/]+/allowed_hosts/[^/]+"
    r"|ports/[^/]+/subsystems/[^/]+|ports/[^/]+/referrals/[^/]+"
)
_DEBUGFS = "/sys/kernel/debug/nvmet/"
_SESSION = re.compile(r"(/sys/.*/rtrs-(?:client|server)/|/sys/.*/rnbd-server/ctl/devices/[^/]+/sessions/)([^/]+)(.*)")
_RTRS_ADDRESS = re.compile(r"\b(ip|gid):([^@,/\s]+)")
_SOCKETS = frozenset({"/proc/1/net/tcp", "/proc/1/net/tcp6"})
_SOCKET_ADDRESS = re.compile(r"\b([0-9A-F]{8}|[0-9A-F]{32})(?=:[0-9A-F]{4} )")
_INTERFACE_ADDRESS = re.compile(r"(?m)^([0-9a-f]{32})( .* )(\S+)$")
_GID = re.compile(r"/(?:gids|gid_attrs/ndevs)/[0-9]+$")
_BY_LINK = re.compile(r"(/dev/disk/by-(?:id|uuid|label|partuuid|partlabel)/)([^/\n]+)")
_OPTION = re.compile(r"(?:[^\s\"]|\"[^\"]*(?:\"|$))+")
_KEPT_OPTION = re.compile(
    r"iommu(?:\..*)?|(?:intel|amd)_iommu|pcie?(?:_.*)?|nvme(?:_core|t|t_.*)?\..*|vfio.*|console|panic|loglevel|lockdown"
    r"|mem|memmap|(?:default_)?huge.*|numa.*|isolcpus|nohz.*|maxcpus|nr_cpus|mitigations|swiotlb|lsm|security"
)
_PUBLIC = re.compile(r"|0\.0\.0\.0|127(?:\.[0-9]{1,3}){3}|::1?|[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_BUILDER = re.compile(r"\([^()\s]+@[^()\s]+\)")
_UNIQUE = re.compile(r"(?m)^(unique_id )([0-9]+)$")
_UNIX_NAME = re.compile(r"(?m)^Name:\t(.*)$")


def redact(tree: Tree, manifest: Manifest, key: bytes) -> tuple[Tree, Manifest]:
    """Tree and manifest with pseudonyms, consistent throughout; PCI addresses and device models stay.

    ``key`` is at most 64 bytes; it is in neither, and without it no pseudonym tells what stood there.
    """
    redactor = _Redactor(key)
    redactor.learn(tree, manifest)
    return redactor.tree(tree), redactor.manifest(manifest)


class _Redactor:
    def __init__(self, key: bytes) -> None:
        to = self._to = Pseudonyms(key)
        self._by_name: dict[str, Callable[[str], str]] = {
            **dict.fromkeys(_SERIALS, to.serial),
            **dict.fromkeys(_NQNS, lambda text: to.nqn(text.strip())),
            **dict.fromkeys(("addr_traddr", "host_traddr"), self._transport_address),
            **dict.fromkeys(("src_addr", "dst_addr"), self._rtrs_addresses),
            "session": to.name,
            "addr_trsvcid": lambda text: text if text.isdecimal() or not text else to.name(text),
            "uuid": self._mapper_uuid,
            "properties": lambda text: _UNIQUE.sub(lambda match: match[1] + to.number(match[2]), text),
            "if_inet6": lambda text: _INTERFACE_ADDRESS.sub(self._interface_address, text),
        }

    def learn(self, tree: Tree, manifest: Manifest) -> None:
        """Finds the serial numbers and host names, which turn up in other files too."""
        serials = set()
        hosts = {manifest.host or ""}
        for path, member in tree.members.items():
            if posixpath.basename(path) in _SERIALS:
                serials.add(_decode(member.data).strip())
            elif path == _HOSTNAME:
                hosts.add(_decode(member.data).strip())
        hosts |= {host.partition(".")[0] for host in hosts}
        self._to.know(serials=serials, hosts=hosts)

    def tree(self, tree: Tree) -> Tree:
        members = (self._member(member) for member in tree.members.values())
        return Tree(
            members={member.path: member for member in members},
            errors={self.path(path): number for path, number in tree.errors.items()},
            holes={self.path(path): holes for path, holes in tree.holes.items()},
            withheld=[self.path(path) for path in tree.withheld],
            holders=tree.holders,
        )

    def manifest(self, manifest: Manifest) -> Manifest:
        return dataclasses.replace(
            manifest,
            redacted=True,
            host=None if manifest.host is None else self._to.host(manifest.host),
            boot_id=None if manifest.boot_id is None else self._to.text(manifest.boot_id),
            gaps=tuple(self._gap(gap) for gap in manifest.gaps),
            processes={
                pid: Process(pid, self._to.user(who.user), self._to.command(who.command))
                for pid, who in manifest.processes.items()
            },
            log=redact_log(manifest.log, self._to) if isinstance(manifest.log, LogRead) else manifest.log,
        )

    def path(self, path: str) -> str:
        """A path in which people's own names have pseudonyms: nvmet objects, and interfaces named by their address."""
        if path.startswith(_NVMET):
            parts = path.removeprefix(_NVMET).split("/")
            for count in range(1, len(parts) + 1):
                if _USER_NAMED.fullmatch("/".join(parts[:count])):
                    parts[count - 1] = self._to.nqn(parts[count - 1])
            return _NVMET + "/".join(parts)
        if path.startswith(_DEBUGFS):
            nqn, slash, rest = path.removeprefix(_DEBUGFS).partition("/")
            return _DEBUGFS + self._to.nqn(nqn) + slash + rest
        session = _SESSION.fullmatch(path)
        if session is not None:
            return session[1] + self._to.name(session[2]) + self._rtrs_addresses(session[3])
        if path.startswith("/sys/"):
            return "/".join(map(self._to.interface, path.split("/")))
        return self._to.text(path)

    def _member(self, member: Member) -> Member:
        path = self.path(member.path)
        if member.kind == "link":
            return dataclasses.replace(member, path=path, target=self._target(member))
        if member.kind == "file":
            return dataclasses.replace(member, path=path, data=self._data(member.path, member.data))
        return dataclasses.replace(member, path=path)

    def _target(self, member: Member) -> str:
        """The link's target with the pseudonyms of the place that it leads to."""
        up = [part for part in member.target.split("/") if part == ".."]
        down = [part for part in member.target.split("/") if part not in {"", ".", ".."}]
        there = posixpath.normpath(posixpath.join(posixpath.dirname(member.path), member.target))
        renamed = self.path(there).split("/")
        return "/".join(up + renamed[len(renamed) - len(down) :]) or "."

    def _data(self, path: str, data: bytes) -> bytes:
        name = posixpath.basename(path)
        if name == "config":
            return self._config(data)
        text = _decode(data)
        body = text.rstrip("\n")
        return (self._text(path, name, body) + text[len(body) :]).encode("utf-8", "surrogateescape")

    def _text(self, path: str, name: str, text: str) -> str:
        special = {
            "/proc/cmdline": self._command_line,
            "/proc/version": lambda text: self._to.text(_BUILDER.sub("(redacted)", text)),
            _HOSTNAME: self._to.host,
        }.get(path)
        if special is not None:
            return special(text)
        if path in _SOCKETS:
            return _SOCKET_ADDRESS.sub(self._socket_address, text)
        change = self._by_name.get(name)
        if change is not None:
            return change(text)
        if name in {"comm", "status"}:
            return self._process(name, text)
        if name in _FREE or _GID.search(path):
            text = _BY_LINK.sub(lambda match: match[1] + self._to.name(match[2]), text)
            return self._to.text(text)
        return text

    def _command_line(self, text: str) -> str:
        return _OPTION.sub(self._option, text)

    def _option(self, match: re.Match[str]) -> str:
        option = match[0]
        key, equals, _ = option.partition("=")
        kept = not equals or _KEPT_OPTION.fullmatch(key)
        return self._to.text(option) if kept else f"{self._to.text(key)}=redacted"

    def _transport_address(self, text: str) -> str:
        """Whatever the transport; what is no address of any known form is somebody's name for one."""
        new = self._to.text(text)
        return new if new != text or _PUBLIC.fullmatch(text) else self._to.name(text)

    def _rtrs_addresses(self, text: str) -> str:
        return _RTRS_ADDRESS.sub(lambda match: f"{match[1]}:{self._to.text(match[2])}", text)

    def _socket_address(self, match: re.Match[str]) -> str:
        """An address in the words of a little-endian processor, as /proc/net/tcp has them."""
        raw = ipaddress.ip_address(_swapped(bytes.fromhex(match[1])))
        return _swapped(ipaddress.ip_address(self._to.text(str(raw))).packed).hex().upper()

    def _interface_address(self, match: re.Match[str]) -> str:
        address = self._to.ipv6(ipaddress.IPv6Address(bytes.fromhex(match[1])))
        return address.packed.hex() + match[2] + self._to.interface(match[3])

    def _mapper_uuid(self, text: str) -> str:
        kind, dash, rest = text.partition("-")
        return f"{kind}-{self._to.name(rest)}" if dash else self._to.name(text)

    def _process(self, name: str, text: str) -> str:
        if name == "comm":
            return self._to.command(text)
        return _UNIX_NAME.sub(lambda match: f"Name:\t{self._to.command(match[1])}", text)

    def _gap(self, gap: Gap) -> Gap:
        return gap._replace(
            address=None if gap.address is None else self._to.text(gap.address),
            path=None if gap.path is None else self.path(gap.path),
        )

    def _config(self, data: bytes) -> bytes:
        """Configuration space without the device's serial number, which for network cards is the MAC address."""
        changed = bytearray(data)
        offset = _EXTENDED
        for _ in range((4096 - _EXTENDED) // 8):
            header = int.from_bytes(data[offset : offset + 4], "little")
            number = data[offset + 4 : offset + 12]
            if header & 0xFFFF == _DSN and len(number) == 8:
                changed[offset + 4 : offset + 12] = self._to.eui64(number[::-1])[::-1]
            offset = header >> 20
            if offset < _EXTENDED:
                break
        return bytes(changed)


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _swapped(raw: bytes) -> bytes:
    return b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))


def fresh_key() -> bytes:
    """A key for one capture, to be forgotten with it."""
    return os.urandom(32)
