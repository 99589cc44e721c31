"""What must not be in a capture is not, under any name and in no member."""

from __future__ import annotations

import gzip
import ipaddress
import json
import re
import tarfile
from collections.abc import Mapping
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.hardware.capture import allow
from p2pctl.hardware.capture.pseudonyms import Pseudonyms
from p2pctl.hardware.capture.take import Taken, take
from p2pctl.hardware.capture.trim import trim
from p2pctl.kernel import Door, Process
from p2pctl.model.facts import Gap
from p2pctl.model.nvmet import Nvmet
from p2pctl.model.snapshot import Snapshot, Source
from p2pctl.simulator.nodes import Contents, File, Link
from tests.trees import TreeDoor, tree

Entries = Mapping[str, Contents | Link | File | None]

FUNCTION = "/sys/devices/pci0000:00/0000:00:03.0"
NVME = f"{FUNCTION}/nvme/nvme0"
NVMET = "/sys/kernel/config/nvmet"
HOST = f"{NVMET}/hosts/nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349"
SUBSYSTEM = f"{NVMET}/subsystems/nqn.2026-11.com.customer-canary:pool0"
KEY = b"DHHC-1:00:canarycanarycanary:"
DRIVE = b"\x03\x00\x01\x14"  # a device serial number capability, version 1, the next one at 0x140


def read_all(door: Door, paths: Mapping[str, object]) -> Snapshot:
    """Reads every path, whatever it is."""
    for path in paths:
        try:
            kind = door.files.stat(path).kind
            if kind == "link":
                door.files.readlink(path)
                door.files.realpath(path)
            elif kind == "directory":
                door.files.list(path)
            else:
                door.files.read(path)
        except OSError:
            continue
    door.processes.who(11)
    gap = Gap("acs", "enx0011223344aa", f"{SUBSYSTEM}/attr_serial", 13, "root")
    nvmet = Nvmet(0.0, True, True, gaps=(gap,))
    source = Source("live", "db1.customer-canary.com", "6.18.0", "5f0c2a8e-9d64-4a51-8d0b-6b7f3c1e2d94")
    return Snapshot(source, 0.0, nvmet=nvmet)


def captured(entries: Entries, *, redacted: bool = False, key: bytes = b"k") -> Taken:
    door = TreeDoor(tree(entries), {11: Process(11, "canaryuser", "canaryprogram")})
    return take(door, lambda recording: read_all(recording, entries), root=True, redacted=redacted, key=key)


def bytes_of(taken: Taken) -> bytes:
    """Names, targets, contents and the manifest."""
    return gzip.decompress(taken.data)


def members(taken: Taken) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=BytesIO(taken.data)) as archive:
        return {member.name: member for member in archive}


def contents(taken: Taken, path: str) -> str:
    with tarfile.open(fileobj=BytesIO(taken.data)) as archive:
        file = archive.extractfile(path.strip("/"))
        assert file is not None
        return file.read().decode("utf-8", "surrogateescape")


SECRETS: Entries = {
    f"{HOST}/dhchap_key": KEY,
    f"{HOST}/dhchap_ctrl_key": KEY,
    f"{HOST}/dhchap_hash": b"hmac(sha384)\n",
    f"{HOST}/dhchap_dhgroup": b"ffdhe4096\n",
    f"{NVME}/dhchap_secret": KEY,
    f"{NVME}/dhchap_ctrl_secret": KEY,
    f"{NVME}/tls_key": b"canary",
    f"{NVME}/tls_configured_key": b"canary",
    f"{SUBSYSTEM}/attr_psk": b"canary",
    f"{SUBSYSTEM}/attr_unknown": b"canary",
    f"{SUBSYSTEM}/attr_model": b"NVMeTLSkey-1:01:canary:",
    f"{NVMET}/ports/1/addr_password": b"canary",
    f"{NVMET}/ports/1/addr_traddr": KEY,
    "/proc/keys": b"canary",
    "/etc/shadow": b"canary",
    "/etc/p2pctl/keys/db1": b"canary",
    "/proc/self/environ": b"canary",
    "/proc/11/environ": b"canary",
    "/proc/11/cmdline": b"canary",
    "/sys/firmware/efi/efivars/canary": b"x",
    "/proc/cmdline": b'rd.luks.key=canary nvme.psk="a canary b" inst.ks=http://u:canary@h/ password=canary x="y\n',
    "/proc/cpuinfo": b"processor\t: 0\nserial\t\t: canary\nmodel name\t: CPU\n\n",
    "/proc/kallsyms": b"ffffffffcanary00 T x\nffffffff81234567 T pci_p2pdma_add_resource\nffffffff8 t y\n",
    "/boot/config-6.18.0": b"CONFIG_PCI_P2PDMA=y\nCONFIG_CANARY=canary\n# CONFIG_ZONE_DEVICE is not set\n",
    "/proc/config.gz": gzip.compress(b"CONFIG_CANARY=canary\nCONFIG_NVME_TARGET_TCP=m\n"),
}


def test_secrets_are_left_out() -> None:
    """Keys by name and by form, whatever is on no list, and the parts of files that nobody needs."""
    taken = captured(SECRETS)
    text = bytes_of(taken)
    assert b"canary" not in text.replace(b"com.customer-canary", b"").replace(b"customer-canary.com", b"").replace(
        b"efivars/canary", b""
    )
    for secret in (f"{HOST}/dhchap_key", f"{SUBSYSTEM}/attr_unknown", f"{NVMET}/ports/1/addr_traddr", "/etc/shadow"):
        assert secret in taken.manifest.withheld
    assert contents(taken, f"{HOST}/dhchap_hash") == "hmac(sha384)\n", "how keys are used is no key"
    assert contents(taken, f"{HOST}/dhchap_dhgroup") == "ffdhe4096\n"
    assert contents(taken, "/proc/cmdline") == (
        'rd.luks.key=withheld nvme.psk=withheld inst.ks=http://u:withheld@h/ password=withheld x="y\n'
    )
    assert contents(taken, "/proc/kallsyms") == "0" * 16 + " T pci_p2pdma_add_resource\n"
    assert contents(taken, "/boot/config-6.18.0") == "CONFIG_PCI_P2PDMA=y\n# CONFIG_ZONE_DEVICE is not set\n"
    with tarfile.open(fileobj=BytesIO(taken.data)) as archive:
        packed = archive.extractfile("proc/config.gz")
        assert packed is not None
        assert gzip.decompress(packed.read()) == b"CONFIG_NVME_TARGET_TCP=m\n"


def test_a_name_that_was_only_listed_has_no_contents() -> None:
    """A listing of a host object shows that there is a key, and not the key."""
    door = TreeDoor(tree(SECRETS))

    def read(recording: Door) -> Snapshot:
        recording.files.list(HOST)
        return read_all(recording, {})

    found = members(take(door, read, root=True))
    assert found[f"{HOST}/dhchap_key".strip("/")].size == 0


@pytest.mark.parametrize(
    "path",
    [
        f"{FUNCTION}/vendor",
        "/sys/devices/pci0000:00/10000:e0:03.0/p2pmem/available",
        "/sys/devices/virtual/nvme-fabrics/ctl/nvme12/subsysnqn",
        "/sys/devices/virtual/block/dm-0/dm/uuid",
        "/sys/devices/virtual/infiniband/rxe0/ports/1/gid_attrs/types/3",
        "/sys/devices/virtual/kfd/kfd/topology/nodes/1/p2p_links/0/properties",
        "/proc/1/maps",
        "/boot/config-6.1",
        f"{SUBSYSTEM}/namespaces/1/p2pmem",
    ],
)
def test_the_list_knows_places(path: str) -> None:
    """An attribute counts where the kernel has it, and nowhere else."""
    assert allow.contents(path)
    assert allow.name(path)
    assert not allow.contents(path + "/more")
    assert not allow.contents(path.rpartition("/")[0] + "/more")
    assert not allow.contents("/tmp" + path)


@pytest.mark.parametrize("name", ["dhchap_key", "tls_configured_key", "PSK", "my_secret", "passwd", "x_private_key"])
def test_a_secret_name_wins(name: str) -> None:
    """Over every list."""
    assert allow.secret(f"{SUBSYSTEM}/{name}")
    assert not allow.contents(f"/boot/config-{name}") or not allow.secret(f"/boot/config-{name}")


@given(st.binary(max_size=300))
def test_trimming_takes_anything(data: bytes) -> None:
    """And twice is once: what is recorded is trimmed again when it is packed."""
    for path in (
        "/proc/cmdline",
        "/proc/cpuinfo",
        "/proc/config.gz",
        "/proc/1/maps",
        "/proc/1/status",
        "/proc/kallsyms",
    ):
        once = trim(path, data)
        assert trim(path, once) == once


SERIAL = "S5J0NCANARY001"
PRIVATE: Entries = {
    "/proc/sys/kernel/hostname": b"db1.customer-canary.com\n",
    "/proc/sys/kernel/random/boot_id": b"5f0c2a8e-9d64-4a51-8d0b-6b7f3c1e2d94\n",
    "/proc/version": b"Linux version 6.18.0 (canary@builder.customer-canary.com) (gcc 12.2.0) #1 SMP\n",
    "/proc/cmdline": b'root=UUID=1c2d3e4f-0000-4a51 iommu=pt ip="192.0.2.10 of canary" console=ttyS0 quiet db1\n',
    f"{NVME}/serial": f"{SERIAL}  \n".encode(),
    f"{NVME}/subsysnqn": f"nqn.2014.08.org.nvmexpress:8086144d{SERIAL} model\n".encode(),
    f"{NVME}/model": b"Example drive\n",
    f"{NVME}/address": b"traddr=192.0.2.10,trsvcid=4420,host_traddr=[2001:db8::10]\n",
    f"{FUNCTION}/nvme/nvme1/address": b"0000:00:03.0\n",
    f"{FUNCTION}/config": bytes(0x100) + DRIVE + bytes.fromhex("3344aafffe221100") + bytes(0x34) + bytes(16),
    f"{FUNCTION}/resource": b"0x0000000012345678 0x00000000123456ff 0x000000000014220c\n",
    f"{FUNCTION}/uevent": b"PCI_ID=8086:0953\nPCI_SLOT_NAME=0000:00:03.0\n",
    f"{HOST}": None,
    f"{SUBSYSTEM}/attr_serial": SERIAL.encode(),
    f"{SUBSYSTEM}/attr_model": f"of db1, {SERIAL}".encode(),
    f"{SUBSYSTEM}/allowed_hosts/{HOST.rpartition('/')[2]}": Link(f"../../../../nvmet/hosts/{HOST.rpartition('/')[2]}"),
    f"{SUBSYSTEM}/namespaces/1/device_path": f"/dev/disk/by-id/nvme-Example_{SERIAL}\n".encode(),
    f"{SUBSYSTEM}/namespaces/1/device_uuid": b"4f1f6f2e-5a7c-4f0e-9a55-6d3f0f8f3d11\n",
    f"{SUBSYSTEM}/namespaces/1/device_nguid": b"00112233445566778899aabbccddeeff\n",
    f"{SUBSYSTEM}/namespaces/1/p2pmem": b"0000:03:00.0\n",
    f"{NVMET}/ports/1/addr_traddr": b"192.0.2.10\n",
    f"{NVMET}/ports/2/addr_traddr": b"fe80::211:22ff:fe33:44aa%enx0011223344aa\n",
    f"{NVMET}/ports/3/addr_traddr": b"nn-0x1000001122334455:pn-0x2000001122334455\n",
    f"{NVMET}/ports/4/addr_traddr": b"canary-loop\n",
    f"{NVMET}/ports/5/addr_traddr": b"0.0.0.0\n",
    f"{NVMET}/ports/1/subsystems/a canary": Link(f"../../../../nvmet/subsystems/{SUBSYSTEM.rpartition('/')[2]}"),
    f"{NVMET}/ports/1/referrals/canary-peer/addr_traddr": b"192.0.2.11\n",
    "/sys/class/net/enx0011223344aa": Link("../../devices/virtual/net/enx0011223344aa"),
    "/sys/devices/virtual/net/enx0011223344aa/operstate": b"up\n",
    "/sys/devices/virtual/infiniband/rxe0/node_guid": b"0211:22ff:fe33:44aa\n",
    "/sys/devices/virtual/infiniband/rxe0/ports/1/gids/0": b"fe80:0000:0000:0000:0211:22ff:fe33:44aa\n",
    "/sys/devices/virtual/infiniband/rxe0/ports/1/gids/1": b"0000:0000:0000:0000:0000:ffff:c000:020a\n",
    "/sys/devices/virtual/infiniband/rxe0/ports/1/gids/2": b"0000:0000:0000:0000:0000:0000:0000:0000\n",
    "/sys/devices/virtual/infiniband/rxe0/ports/1/gids/3": b"2001:0db8:0000:0000:0000:0000:0000:0010\n",
    "/sys/devices/virtual/infiniband/rxe0/ports/1/gid_attrs/ndevs/0": b"enx0011223344aa\n",
    "/sys/devices/virtual/block/dm-0/dm/name": b"36001405aabbccddeeff00112233445566\n",
    "/sys/devices/virtual/block/dm-0/dm/uuid": b"mpath-36001405aabbccddeeff00112233445566\n",
    "/sys/devices/virtual/kfd/kfd/topology/nodes/1/properties": b"location_id 768\nunique_id 1234567890123456789\n",
    "/proc/11/maps": b"1-2 rw-s 0 00:1 5 " + FUNCTION.encode() + b"/p2pmem/allocate\n",
    "/proc/11/status": b"Name:\tcanaryprogram\nPPid:\t1\nUid:\t1000\t1000\t1000\t1000\n",
    "/proc/11/comm": b"canaryprogram\n",
}
IDENTITIES = re.compile(
    rb"canary|S5J0N|db1|192\.0\.2|c000:020a|2001:0?db8|0011223344aa|1122.?ff.?fe33|3344aafffe221100|5f0c2a8e|1c2d3e4f"
    rb"|4f1f6f2e|00112233445566778899|36001405|1234567890123456789|[12]000001122334455|0f01fb42",
    re.IGNORECASE,
)


def test_redaction_leaves_no_identity() -> None:
    """Not in a name, a target, a value, the manifest, nor as bytes in configuration space."""
    text = bytes_of(captured(PRIVATE, redacted=True))
    assert not IDENTITIES.search(text), IDENTITIES.search(text)
    assert bytes.fromhex("3344aafffe221100") not in text
    assert IDENTITIES.search(bytes_of(captured(PRIVATE))), "without it, they are there"


def test_redaction_keeps_what_explains() -> None:
    """PCI addresses, models, identifiers, sizes, and the options that decide about DMA."""
    taken = captured(PRIVATE, redacted=True)
    assert contents(taken, f"{NVME}/model") == "Example drive\n"
    assert contents(taken, f"{FUNCTION}/resource") == PRIVATE[f"{FUNCTION}/resource"].decode()  # type: ignore[union-attr]
    assert contents(taken, f"{FUNCTION}/nvme/nvme1/address") == "0000:00:03.0\n"
    assert contents(taken, f"{NVMET}/ports/5/addr_traddr") == "0.0.0.0\n"
    assert "PCI_SLOT_NAME=0000:00:03.0" in contents(taken, f"{FUNCTION}/uevent")
    options = contents(taken, "/proc/cmdline").removesuffix("\n").split(" ")
    assert options[:-1] == ["root=redacted", "iommu=pt", "ip=redacted", "console=ttyS0", "quiet"]
    assert options[-1].startswith("host-")
    assert contents(taken, "/proc/version") == "Linux version 6.18.0 (redacted) (gcc 12.2.0) #1 SMP\n"
    zero = contents(taken, "/sys/devices/virtual/infiniband/rxe0/ports/1/gids/2")
    assert zero.strip("0:\n") == ""
    assert taken.manifest.redacted
    who = taken.manifest.processes[11]
    assert who.user.startswith("user-")
    assert f"Name:\t{who.command}\n" in contents(taken, "/proc/11/status")


def test_redaction_keeps_relations() -> None:
    """What belonged together belongs together under the new names."""
    taken = captured(PRIVATE, redacted=True)
    rdma = "/sys/devices/virtual/infiniband/rxe0"
    traddr = contents(
        taken, next(f"/{name}" for name in members(taken) if name.endswith("ports/1/addr_traddr"))
    ).strip()
    mapped = ipaddress.IPv6Address(contents(taken, f"{rdma}/ports/1/gids/1").strip()).ipv4_mapped
    assert str(mapped) == traddr
    assert f"traddr={traddr},trsvcid=4420" in contents(taken, f"{NVME}/address")
    guid = contents(taken, f"{rdma}/node_guid").strip()
    assert contents(taken, f"{rdma}/ports/1/gids/0").strip() == f"fe80:0000:0000:0000:{guid}"
    interface = contents(taken, f"{rdma}/ports/1/gid_attrs/ndevs/0").strip()
    assert f"sys/class/net/{interface}" in members(taken)
    assert members(taken)[f"sys/class/net/{interface}"].linkname == f"../../devices/virtual/net/{interface}"
    mac = bytes.fromhex(interface.removeprefix("enx"))
    eui = bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
    assert eui.hex(":", 2) == guid, "a GUID made of a MAC address is made of its pseudonym"
    scoped = contents(taken, f"{NVMET}/ports/2/addr_traddr").strip()
    assert ipaddress.IPv6Address(scoped.partition("%")[0]).packed[8:] == eui
    links = {name: member.linkname for name, member in members(taken).items() if member.issym()}
    for name, target in links.items():
        if "/subsystems/" in name or "/allowed_hosts/" in name:
            place = target.rpartition("nvmet/")[2]
            assert any(other.startswith(f"sys/kernel/config/nvmet/{place}") for other in members(taken)), name
    gap = taken.manifest.gaps[0]
    assert gap.address == interface
    assert gap.path is not None
    assert gap.path.strip("/") in members(taken)


def test_pseudonyms_depend_on_the_key() -> None:
    """The same key gives the same file, another one another; without one, each capture has its own."""
    assert captured(PRIVATE, redacted=True).data == captured(PRIVATE, redacted=True).data
    assert captured(PRIVATE, redacted=True, key=b"other").data != captured(PRIVATE, redacted=True).data
    assert captured(PRIVATE, redacted=True, key=b"").data != captured(PRIVATE, redacted=True, key=b"").data


TO = Pseudonyms(b"key")


@given(st.ip_addresses())
def test_addresses_stay_addresses(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Of the same family, in text of any form, and never the same one unless it is special."""
    new = ipaddress.ip_address(TO.text(str(address)))
    assert new.version == address.version
    plain = getattr(address, "ipv4_mapped", None) or address
    assert (new == address) == (plain.is_loopback or plain.is_unspecified) or address.is_link_local
    if isinstance(address, ipaddress.IPv6Address):
        assert ipaddress.ip_address(TO.text(address.exploded)) == new
        assert len(TO.text(address.exploded)) == 39


@given(st.text(max_size=60))
def test_any_text_can_be_redacted(text: str) -> None:
    """Names of people's choice are anything."""
    for change in (TO.text, TO.serial, TO.host, TO.user, TO.command, TO.name, TO.nqn, TO.interface):
        assert change(text) == change(text)


@pytest.mark.parametrize(
    "text",
    [
        "0000:03:00.0",
        "nvme0n1",
        "DMA-FQ",
        "0x0000000012345678"[:12],
        "enp3s0f0",
        "6.18.0-1",
        "",
        "a:b",
        "::",
        "127.0.0.1",
    ],
)
def test_what_is_no_identity_stays(text: str) -> None:
    """PCI addresses look a little like others."""
    assert TO.text(text) == text
    assert TO.interface(text) == text


def test_the_manifest_is_plain_json() -> None:
    """Readable by anybody, and the gaps come first."""
    taken = captured(PRIVATE)
    with tarfile.open(fileobj=BytesIO(taken.data)) as archive:
        first = archive.next()
        assert first is not None
        file = archive.extractfile(first)
        assert file is not None
        document = json.load(file)
    assert first.name == "p2pctl-capture.json"
    assert document["schema"] == "p2pctl.capture/1"
    assert document["gaps"][0]["fact"] == "acs"
    assert document["root"] is True
