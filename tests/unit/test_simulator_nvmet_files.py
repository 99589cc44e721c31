"""The simulated target's files behave as those of configfs do: what comparison with running kernels has taught."""

from __future__ import annotations

import errno

import pytest

from p2pctl.simulator.nvmet.environment import Environment
from p2pctl.simulator.nvmet.kernel import NvmetKernel
from p2pctl.simulator.tree import MemoryFiles

ROOT = "/sys/kernel/config/nvmet"
SUB, PORT = f"{ROOT}/subsystems/s", f"{ROOT}/ports/1"
NS = f"{SUB}/namespaces/1"


@pytest.fixture
def files() -> MemoryFiles:
    made = MemoryFiles(NvmetKernel(Environment()).root())
    for path in (SUB, NS, PORT):
        made.mkdir(path)
    return made


def number(call: object, *arguments: object) -> int | None:
    assert callable(call)
    with pytest.raises(OSError, match=r".") as caught:
        call(*arguments)
    return caught.value.errno


def test_an_open_file_keeps_what_its_first_read_gave(files: MemoryFiles) -> None:
    with files.open(f"{SUB}/attr_model") as handle:
        files.write(f"{SUB}/attr_model", b"first")
        assert handle.pread(0, 100) == b"first\n"
        files.write(f"{SUB}/attr_model", b"second")
        assert handle.pread(0, 100) == b"first\n"
        assert handle.pread(2, 2) == b"rs"
    assert files.read(f"{SUB}/attr_model") == b"second\n"


@pytest.mark.parametrize("attribute", [f"{NS}/enable", f"{SUB}/attr_serial", f"{SUB}/passthru/enable"])
def test_a_file_of_what_has_been_removed_is_gone_for_who_has_it_open(files: MemoryFiles, attribute: str) -> None:
    with files.open(attribute) as handle:
        files.rmdir(NS)
        files.rmdir(SUB)
        assert number(handle.pread, 0, 100) == errno.ENOENT


def test_what_was_read_before_it_was_removed_stays_readable(files: MemoryFiles) -> None:
    with files.open(f"{NS}/enable") as handle:
        assert handle.pread(0, 100) == b"0\n"
        files.rmdir(NS)
        assert handle.pread(0, 100) == b"0\n"


def test_a_new_object_of_the_same_name_is_another(files: MemoryFiles) -> None:
    with files.open(f"{NS}/enable") as handle:
        files.rmdir(NS)
        files.mkdir(NS)
        assert number(handle.pread, 0, 100) == errno.ENOENT
    assert files.read(f"{NS}/enable") == b"0\n"


def test_only_permissions_are_shown_of_a_mode(files: MemoryFiles) -> None:
    for path in (SUB, f"{SUB}/attr_model"):
        files.chmod(path, 0o4751)
        assert files.stat(path).mode == 0o751


def test_what_is_only_written_cannot_be_read_whatever_its_mode_says(files: MemoryFiles) -> None:
    files.chmod(f"{NS}/revalidate_size", 0o666)
    assert files.stat(f"{NS}/revalidate_size").mode == 0o666
    assert number(files.open, f"{NS}/revalidate_size") == errno.EACCES
    files.chmod(f"{NS}/enable", 0o222)
    assert number(files.read, f"{NS}/enable") == errno.EACCES
    files.chmod(f"{NS}/enable", 0o444)
    assert number(files.write, f"{NS}/enable", b"0") == errno.EACCES


@pytest.mark.parametrize(
    ("end", "made", "removed", "unlinked"),
    [
        ("/..", errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR),
        ("/.", errno.EEXIST, errno.EINVAL, errno.EISDIR),
        ("x/..", errno.ENOENT, errno.ENOENT, errno.ENOENT),
        (f"x/{'n' * 256}", errno.ENOENT, errno.ENOENT, errno.ENOENT),
        (f"/{'n' * 256}", errno.ENAMETOOLONG, errno.ENAMETOOLONG, errno.ENAMETOOLONG),
    ],
)
def test_a_directory_is_looked_up_before_the_name_in_it(
    files: MemoryFiles, end: str, made: int, removed: int, unlinked: int
) -> None:
    path = f"{ROOT}/subsystems{end}"
    assert number(files.mkdir, path) == made
    assert number(files.symlink, SUB, path) == made
    assert number(files.rmdir, path) == removed
    assert number(files.unlink, path) == unlinked


def opened(files: MemoryFiles, family: str, address: str, port: str = PORT, transport: str = "tcp") -> None:
    for attribute, value in (("trtype", transport), ("adrfam", family), ("traddr", address), ("trsvcid", "4420")):
        files.write(f"{port}/addr_{attribute}", value.encode())
    files.symlink(SUB, f"{port}/subsystems/s")


@pytest.mark.parametrize(("family", "address"), [("ipv6", "::ffff:127.0.0.1"), ("ipv4", "255.255.255.255")])
def test_tcp_listens_at_a_mapped_address_and_at_the_broadcast_one_and_rdma_at_neither(
    files: MemoryFiles, family: str, address: str
) -> None:
    opened(files, family, address)
    files.unlink(f"{PORT}/subsystems/s")
    assert number(opened, files, family, address, PORT, "rdma") == errno.EADDRNOTAVAIL


def test_tcp_does_not_listen_at_an_address_and_at_the_one_mapped_to_it(files: MemoryFiles) -> None:
    files.mkdir(f"{ROOT}/ports/2")
    opened(files, "ipv6", "::ffff:127.0.0.1")
    for family, address in (("ipv4", "127.0.0.1"), ("ipv4", "0.0.0.0"), ("ipv6", "::")):  # noqa: S104
        assert number(opened, files, family, address, f"{ROOT}/ports/2") == errno.EADDRINUSE
    opened(files, "ipv6", "::1", f"{ROOT}/ports/2")
