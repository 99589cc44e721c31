"""An NVMe target as configfs shows it, with the kernel's attributes and their defaults, and no rules yet.

Who writes here changes plain files and directories: what the kernel would refuse or answer otherwise comes with a
kind of directory and attribute that knows its rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from p2pctl.simulator import identity
from p2pctl.simulator.nodes import Attribute, Directory, Link, Node, OpenDirectory, relative

ROOT = "/sys/kernel/config/nvmet"

_NOTHING: Mapping[str, str] = MappingProxyType({})

DISCOVERY_NQN = "nqn.2014-08.org.nvmexpress.discovery"


class TargetNamespace(NamedTuple):
    """A namespace; ``attributes`` says what differs from the default."""

    device: str
    attributes: Mapping[str, str] = _NOTHING


class Subsystem(NamedTuple):
    """A subsystem."""

    nqn: str
    namespaces: Mapping[int, TargetNamespace]
    hosts: tuple[str, ...] = ()
    attributes: Mapping[str, str] = _NOTHING


class Port(NamedTuple):
    """A port."""

    number: int
    attributes: Mapping[str, str]
    subsystems: tuple[str, ...] = ()
    groups: Mapping[int, str] = MappingProxyType({})
    """ANA state by group; group 1 is always there."""


_HOST = {"dhchap_ctrl_key": "", "dhchap_dhgroup": "null", "dhchap_hash": "hmac(sha256)", "dhchap_key": ""}

_SUBSYSTEM = {
    "attr_allow_any_host": "0", "attr_cntlid_max": "65519", "attr_cntlid_min": "1", "attr_ieee_oui": "0x000000",
    "attr_model": "Linux", "attr_pi_enable": "0", "attr_qid_max": "128", "attr_subsys_vendor_id": "0x0",
    "attr_vendor_id": "0x0", "attr_version": "2.1",
}  # fmt: skip

_PASSTHRU = {"admin_timeout": "0", "clear_ids": "0", "device_path": "(null)", "enable": "0", "io_timeout": "0"}

_NAMESPACE = {
    "ana_grpid": "1", "buffered_io": "0", "device_nguid": "00000000-0000-0000-0000-000000000000", "enable": "0",
    "p2pmem": "0", "resv_enable": "0",
}  # fmt: skip

_PORT = {
    "addr_adrfam": "", "addr_traddr": "", "addr_treq": "not specified", "addr_trsvcid": "", "addr_trtype": "",
    "addr_tsas": "", "param_inline_data_size": "-1", "param_max_queue_size": "-1", "param_mdts": "-1",
    "param_pi_enable": "0",
}  # fmt: skip


def _attributes(values: Mapping[str, str]) -> dict[str, Node]:
    return {name: Attribute(f"{value}\n".encode(), 0o644) for name, value in values.items()}


def _links(here: str, targets: Mapping[str, str]) -> OpenDirectory:
    return OpenDirectory({name: Link(relative(target, here)) for name, target in targets.items()})


def directory(
    release: str, hosts: tuple[str, ...], subsystems: tuple[Subsystem, ...], ports: tuple[Port, ...]
) -> Directory:
    """The ``nvmet`` directory of configfs on a kernel of this release."""
    return OpenDirectory(
        {
            **_attributes({"discovery_nqn": DISCOVERY_NQN}),
            "hosts": OpenDirectory({nqn: OpenDirectory(_attributes(_HOST)) for nqn in hosts}),
            "ports": OpenDirectory({str(port.number): _port(port) for port in ports}),
            "subsystems": OpenDirectory({one.nqn: _subsystem(one, release) for one in subsystems}),
        }
    )


def _subsystem(subsystem: Subsystem, release: str) -> OpenDirectory:
    own = {"attr_firmware": release[:8], "attr_serial": identity.digits(f"subsystem {subsystem.nqn}", 20)}
    here = f"{ROOT}/subsystems/{subsystem.nqn}/allowed_hosts"
    return OpenDirectory(
        {
            **_attributes(_SUBSYSTEM | own | dict(subsystem.attributes)),
            "allowed_hosts": _links(here, {nqn: f"{ROOT}/hosts/{nqn}" for nqn in subsystem.hosts}),
            "namespaces": OpenDirectory(
                {str(nsid): _namespace(subsystem.nqn, nsid, one) for nsid, one in subsystem.namespaces.items()}
            ),
            "passthru": OpenDirectory(_attributes(_PASSTHRU)),
        }
    )


def _namespace(nqn: str, nsid: int, namespace: TargetNamespace) -> OpenDirectory:
    own = {"device_path": namespace.device, "device_uuid": identity.uuid(f"namespace {nqn} {nsid}")}
    return OpenDirectory(
        {
            **_attributes(_NAMESPACE | own | dict(namespace.attributes)),
            "revalidate_size": Attribute(b"", 0o200),
        }
    )


def _port(port: Port) -> OpenDirectory:
    here = f"{ROOT}/ports/{port.number}/subsystems"
    groups = {1: "optimized", **port.groups}
    return OpenDirectory(
        {
            **_attributes(_PORT | dict(port.attributes)),
            "ana_groups": OpenDirectory(
                {str(number): OpenDirectory(_attributes({"ana_state": state})) for number, state in groups.items()}
            ),
            "referrals": OpenDirectory(),
            "subsystems": _links(here, {nqn: f"{ROOT}/subsystems/{nqn}" for nqn in port.subsystems}),
        }
    )
