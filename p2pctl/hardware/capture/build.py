"""What of a record goes into a capture: a tree of members, and what the manifest says about it."""

from __future__ import annotations

import dataclasses
import errno
import posixpath
import re
from dataclasses import dataclass, field

from p2pctl.hardware.capture import allow
from p2pctl.hardware.capture.manifest import MAX_FILE, Manifest, Ranges
from p2pctl.hardware.capture.record import Record
from p2pctl.hardware.capture.trim import mapped, sockets, trim
from p2pctl.hardware.capture.untar import Member
from p2pctl.kernel import Files, Stat

_PROCESS = re.compile(r"/proc/([0-9]+)(?:/|$)")
_NETWORK = re.compile(r"/proc/1(?:/net(?:/.*)?)?")
"""The first process's network is everybody's."""
_SOCKETS = frozenset({"/proc/1/net/tcp", "/proc/1/net/tcp6"})
_PORT_NUMBER = re.compile(r"/sys/kernel/config/nvmet/ports/[^/]+/addr_trsvcid")
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ESRCH})


@dataclass(slots=True)
class Tree:
    """The members of a capture by path, and the parts of its manifest that speak of them."""

    members: dict[str, Member] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    holes: dict[str, Ranges] = field(default_factory=dict)
    withheld: list[str] = field(default_factory=list)
    holders: frozenset[int] = frozenset()
    """Processes that map peer-to-peer memory."""

    def describe(self, manifest: Manifest) -> Manifest:
        """The manifest with what it has to say of this tree."""
        return dataclasses.replace(
            manifest, errors=self.errors, holes=self.holes, withheld=tuple(sorted(self.withheld))
        )


def build(record: Record, files: Files) -> Tree:
    """The tree of what was recorded and may be kept.

    ``files`` are those that were recorded: names that a listing showed and nobody looked at are looked at now.
    """
    builder = _Builder(record, files)
    builder.add_files()
    builder.add_met()
    builder.add_listings()
    builder.add_errors()
    builder.settle()
    return builder.tree


def contained(path: str, target: str) -> str:
    """The target of a link at ``path``, relative and without more ``..`` than there are directories above it.

    The kernel makes no other links in sysfs; an unpacked capture must not have one that leads out of it.
    """
    above = path.split("/")[1:-1]
    level = len(above)
    for part in target.split("/"):
        level += -1 if part == ".." else part not in {"", "."}
        if level < 0 or target.startswith("/"):
            leads_to = posixpath.normpath("/" + posixpath.join("/".join(above), target)).lstrip("/")
            return "/".join([".."] * len(above) + ([leads_to] if leads_to else [])) or "."
    return target


class _Builder:
    def __init__(self, record: Record, files: Files) -> None:
        self._record = record
        self._files = files
        self._holding = _holders(record)
        self._closed = _closed(record)
        self._ports = _ports(record)
        self._unread: list[str] = []
        self.tree = Tree(holders=self._holding)

    def add_files(self) -> None:
        """Adds what was read, and a name with nothing behind it for what is withheld."""
        for place, pieces in self._record.files.items():
            if not self._concerns(place):
                continue
            whole, holes = pieces.contents()
            data = trim(place, whole)
            if place in _SOCKETS:
                data = sockets(data, self._ports)
            if not allow.contents(place) or allow.holds_secret(data) or len(data) > MAX_FILE:
                self._withhold(place, "file")
                continue
            self._add(Member(place, "file", self._mode(place), data))
            if holes and data is whole:
                self.tree.holes[place] = holes

    def add_met(self) -> None:
        """Adds the links and directories on the way to files, and what somebody asked for the kind of."""
        for place, found in self._record.stats.items():
            if place in self.tree.members or place == "/" or not self._concerns(place):
                continue
            if allow.structure(place):
                self._add_stat(place, found, self._record.links.get(place, ""))
            elif found.kind == "link":
                self.tree.withheld.append(place)

    def add_listings(self) -> None:
        """Adds the directories that were listed, and those of their names that may be kept."""
        for place, names in self._record.directories.items():
            if not self._concerns(place):
                continue
            if not allow.structure(place) and not _PROCESS.match(place):
                self._withhold(place, "directory")
                continue
            if place != "/":
                self._add(Member(place, "directory", self._mode(place, 0o755)))
            for name in names:
                child = f"{place.rstrip('/')}/{name}"
                if child not in self.tree.members and (allow.name(child) or self._process(child)):
                    self._look(child)

    def add_errors(self) -> None:
        """Adds what could not be read, unless the reason is that there is nothing."""
        for place, number in self._record.errors.items():
            member = self.tree.members.get(place)
            if place in self._record.files or place in self._record.directories:
                continue
            if not self._concerns(place, failed=True):
                continue
            if member is None and (number in _GONE or not (allow.structure(place) or allow.contents(place))):
                continue
            self.tree.errors[place] = number

    def settle(self) -> None:
        """Marks what nobody read, and drops what a change during the capture left without a place."""
        members = self.tree.members
        for place in self._unread:
            if place not in self._record.files and not place.endswith("/p2pmem/allocate"):
                self.tree.errors.setdefault(place, errno.ENODATA)
        stray = [place for place in members if any(_in_the_way(members, above) for above in _above(place))]
        for place in stray:
            del members[place]
        # What makes a directory a sysroot, even that of a host of which nothing could be read.
        members.setdefault("/sys", Member("/sys", "directory", 0o755))
        parents = {place.rpartition("/")[0] for place in members}
        self.tree.members = {
            place: member
            for place, member in sorted(members.items())
            if member.kind != "directory" or place not in parents
        }

    def _concerns(self, place: str, *, failed: bool = False) -> bool:
        """Whether a path is of no process, or of one that holds memory or (``failed``) hides whether it does."""
        match = _PROCESS.match(place)
        if match is None or _NETWORK.fullmatch(place):
            return True
        return int(match[1]) in self._holding or (failed and place.endswith("/maps") and int(match[1]) in self._closed)

    def _process(self, child: str) -> bool:
        match = _PROCESS.fullmatch(child)
        return match is not None and int(match[1]) in self._holding | self._closed

    def _withhold(self, place: str, kind: str) -> None:
        self.tree.withheld.append(place)
        self._add(Member(place, "directory" if kind == "directory" else "file", 0o600 if kind == "file" else 0o700))

    def _look(self, place: str) -> None:
        found = self._record.stats.get(place)
        target = self._record.links.get(place, "")
        try:
            found = found or self._files.stat(place)
            if found.kind == "link" and not target:
                target = self._files.readlink(place)
        except OSError:
            return
        self._add_stat(place, found, target)

    def _add_stat(self, place: str, found: Stat, target: str) -> None:
        if found.kind == "directory":
            self._add(Member(place, "directory", found.mode | 0o700))
        elif found.kind == "link":
            self._add(Member(place, "link", 0o777, target=contained(place, target)))
        else:
            self._unread.append(place)
            self._add(Member(place, "file", found.mode | 0o600))

    def _add(self, member: Member) -> None:
        self.tree.members.setdefault(member.path, member)

    def _mode(self, place: str, default: int = 0o644) -> int:
        """Permissions, with those without which an unpacked capture could not be read or removed."""
        found = self._record.stats.get(place)
        return (found.mode if found else default) | (default & 0o700)


def _holders(record: Record) -> frozenset[int]:
    return frozenset(
        int(match[1])
        for place, pieces in record.files.items()
        if place.endswith("/maps") and (match := _PROCESS.match(place)) and mapped(pieces.contents()[0])
    )


def _ports(record: Record) -> frozenset[int]:
    """TCP ports of the target."""
    texts = (pieces.contents()[0].strip() for place, pieces in record.files.items() if _PORT_NUMBER.fullmatch(place))
    return frozenset(int(text) for text in texts if text.isdigit() and len(text) < 6)


def _closed(record: Record) -> frozenset[int]:
    """Processes that could not be looked into."""
    return frozenset(
        int(match[1])
        for place, number in record.errors.items()
        if place.endswith("/maps") and number not in _GONE and (match := _PROCESS.match(place))
    )


def _above(place: str) -> list[str]:
    parts = place.split("/")
    return ["/".join(parts[:count]) for count in range(2, len(parts))]


def _in_the_way(members: dict[str, Member], above: str) -> bool:
    member = members.get(above)
    return member is not None and member.kind != "directory"
