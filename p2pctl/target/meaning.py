"""What the kernel means by an errno, by the operation that failed. Facts: drivers/nvme/target, fs/configfs, p2pdma."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable
from typing import NamedTuple

from p2pctl.model.nvmet import ROOT
from p2pctl.target.plan import Step


class Meaning(NamedTuple):
    """Why an operation failed, and what helps."""

    text: str
    hint: str | None = None


_PERMISSION = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

_ROOT = Meaning("only root may change the target", "run it as root")
_READ_ONLY = Meaning(
    "configfs is mounted or shown read-only here",
    "a unit with ProtectKernelTunables=yes needs ReadWritePaths=/sys/kernel/config",
)

# What a step is about: the path below the root with names replaced, and for an attribute the value's class after "=".
_TABLE: tuple[tuple[str, str, int, Meaning], ...] = (
    ("mkdir", "subsystems/*/namespaces/*", errno.ENOMEM, Meaning(
        "the subsystem has 1,024 namespaces, the kernel's limit, or this number under another spelling",
        "use another subsystem; 01 and 0x1 are the same namespace as 1",
    )),
    ("mkdir", "subsystems/*/namespaces/*", errno.EINVAL, Meaning(
        "the kernel does not take this namespace number", "it is 1..4294967294",
    )),
    ("mkdir", "subsystems/*", errno.EINVAL, Meaning(
        "the name is that of a discovery subsystem", "choose another NQN, or change discovery_nqn",
    )),
    ("mkdir", "ports/*/ana_groups/*", errno.EINVAL, Meaning("an ANA group is 2..127")),
    ("mkdir", "ports/*", errno.EINVAL, Meaning("the kernel does not take this port number", "it is 0..65535")),
    ("mkdir", "*", errno.EEXIST, Meaning(
        "somebody else has made it meanwhile", "run it again: the difference is computed anew",
    )),
    ("mkdir", "*", errno.ENAMETOOLONG, Meaning("the name is longer than 255 bytes")),
    ("mkdir", "*", errno.ENOENT, Meaning(
        "what it belongs to is gone: somebody else changes the target", "run it again when nobody else does",
    )),
    ("rmdir", "subsystems/*", errno.EBUSY, Meaning("a port still exports it", "unlink it from its ports first")),
    ("rmdir", "subsystems/*", errno.ENOTEMPTY, Meaning(
        "it still has namespaces or allowed hosts", "somebody else may have added them: run it again",
    )),
    ("rmdir", "hosts/*", errno.EBUSY, Meaning("a subsystem still allows it", "disallow it there first")),
    ("rmdir", "ports/*", errno.ENOTEMPTY, Meaning(
        "it still has exports, referrals or ANA groups", "somebody else may have added them: run it again",
    )),
    ("rmdir", "*", errno.EPERM, Meaning("the kernel made it and keeps it")),
    ("write", "subsystems/*/namespaces/*/enable", errno.ENOENT, Meaning(
        "the device or file does not exist", "look at device_path; a service with PrivateDevices=yes has its own /dev",
    )),
    ("write", "subsystems/*/namespaces/*/enable", errno.EINVAL, Meaning(
        "device_path is not set, is no block device or file, or may not be used with this p2pmem setting",
        "p2pctl port state says what peer-to-peer memory the namespace may use; p2pmem=off does without",
    )),
    ("write", "subsystems/*/namespaces/*/enable", errno.EISDIR, Meaning("device_path is a directory")),
    ("write", "subsystems/*/namespaces/*/enable", errno.EPERM, Meaning(
        "this process may not open the device", "a service with DevicePolicy=closed needs DeviceAllow for it",
    )),
    ("write", "subsystems/*/namespaces/*/p2pmem", errno.ENODEV, Meaning(
        "there is no such PCI device, or it publishes no peer-to-peer memory", "p2pctl pool list shows who does",
    )),
    ("write", "subsystems/*/namespaces/*/*", errno.EBUSY, Meaning(
        "the namespace is enabled, and this may change only while it is not",
        "somebody else has enabled it meanwhile: run it again",
    )),
    ("write", "subsystems/*/namespaces/*/*", errno.EINVAL, Meaning(
        "the kernel does not take the value, or the namespace is enabled",
    )),
    ("write", "subsystems/*/passthru/enable", errno.EINVAL, Meaning(
        "passthru needs the character device of an NVMe controller that nobody else exports, and no namespace at all",
        "give /dev/nvmeN as its device and delete the namespaces of the subsystem",
    )),
    ("write", "subsystems/*/passthru/enable", errno.ENOENT, Meaning("the controller's device does not exist")),
    ("write", "subsystems/*/passthru/*", errno.EBUSY, Meaning("passthru is enabled: disable it first")),
    ("write", "subsystems/*/attr_allow_any_host", errno.EINVAL, Meaning(
        "single hosts are allowed, and the kernel takes a list or any host, not both", "empty allowed_hosts first",
    )),
    *(("write", f"subsystems/*/{name}", errno.EINVAL, Meaning(
        "the kernel does not take the value, or a host has identified the subsystem: then it is fixed for good",
        "--disruption all makes the subsystem anew",
    )) for name in ("attr_serial", "attr_model", "attr_firmware", "attr_ieee_oui", "attr_version")),
    ("write", "discovery_nqn", errno.EINVAL, Meaning(
        "it is empty, too long, or the beginning of a subsystem's name", "choose another NQN",
    )),
    ("write", "ports/*/referrals/*/*", errno.EACCES, Meaning("the referral is enabled: disable it first")),
    ("write", "ports/*/ana_groups/*/*", errno.EINVAL, Meaning("there is no such ANA state")),
    ("write", "ports/*/addr_tsas", errno.EINVAL, Meaning(
        "the transport has no such security, or the kernel was built without TLS for it",
        "tls1.3 needs CONFIG_NVME_TARGET_TCP_TLS",
    )),
    ("write", "ports/*/addr_treq", errno.EINVAL, Meaning("with tls1.3 it is required or not required")),
    ("write", "ports/*/*", errno.EACCES, Meaning(
        "the port exports subsystems, and this may change only while it exports none",
        "somebody else has linked one meanwhile: run it again",
    )),
    ("write", "hosts/*/dhchap_dhgroup", errno.EINVAL, Meaning(
        "this kernel has no such group", "CONFIG_CRYPTO_FFDHE_RFC7919 has the ffdhe groups",
    )),
    ("write", "*", errno.EINVAL, Meaning("the kernel does not take this value")),
    ("write", "*", errno.ENOENT, Meaning(
        "the object or the attribute is gone: somebody else changes the target", "run it again when nobody else does",
    )),
    ("symlink", "subsystems/*/allowed_hosts/*", errno.EINVAL, Meaning(
        "the subsystem allows any host, and the kernel takes a list or any host, not both",
        "set allow_any_host=0 first",
    )),
    ("symlink", "ports/*/subsystems/*", errno.EADDRNOTAVAIL, Meaning(
        "this host does not have the port's address; or, with rdma, this address and that of another port with the "
        "same service exclude each other",
        "ip address shows the host's addresses, p2pctl port list those of the ports",
    )),
    ("symlink", "ports/*/subsystems/*", errno.EADDRINUSE, Meaning(
        "another port or program listens there", "ss -ltnp shows which; 0.0.0.0 and :: take every address of a port",
    )),
    ("symlink", "ports/*/subsystems/*", errno.ENODEV, Meaning(
        "no RDMA device is behind the port's address", "p2pctl device list shows the RDMA devices",
    )),
    ("symlink", "ports/*/subsystems/*", errno.EACCES, Meaning(
        "a service number below 1024 takes CAP_NET_BIND_SERVICE", "choose a higher one, or run with that capability",
    )),
    ("symlink", "ports/*/subsystems/*", errno.EINVAL, Meaning(
        "the kernel does not take the port's transport, address family, address, service and parameters together, or "
        "the transport's module is missing",
        "what the kernel logged tells which: dmesg",
    )),
    ("symlink", "ports/*/subsystems/*", errno.ENXIO, Meaning("there is no such local Fibre Channel port")),
    ("symlink", "ports/*/subsystems/*", errno.EALREADY, Meaning("another port uses this Fibre Channel port")),
    ("symlink", "*", errno.EEXIST, Meaning(
        "there is such a link already, perhaps under another name", "run it again: the difference is computed anew",
    )),
    ("symlink", "*", errno.ENOENT, Meaning(
        "what the link leads to is gone: somebody else changes the target", "run it again when nobody else does",
    )),
    ("unlink", "*", errno.ENOENT, Meaning("somebody else has removed it meanwhile")),
    ("*", "*", errno.ENOMEM, Meaning("the kernel is out of memory")),
    ("*", "*", errno.ENOSPC, Meaning("the kernel has no room for it")),
    ("*", "*", errno.EIO, Meaning("the device, or the kernel, failed to do it")),
    ("*", "*", errno.ENODEV, Meaning("a device that it needs is gone")),
    ("*", "*", errno.EBUSY, Meaning("something still uses it")),
    ("*", "*", errno.EROFS, _READ_ONLY),
    ("*", "*", errno.EACCES, _ROOT),
    ("*", "*", errno.EPERM, _ROOT),
)  # fmt: skip


# What the kernel logs while it refuses to enable a port, which says more than the errno.
_EXPORT = "ports/*/subsystems/*"
_LOGGED: tuple[tuple[int, str, Meaning], ...] = (
    (errno.EINVAL, r"nvmet: T10-PI is not supported by transport type [0-9]+", Meaning(
        "the port has pi_enable, and its transport has no protection information", "set pi_enable=0, or use rdma",
    )),
    (errno.EINVAL, r"nvmet_\w+: address family 255 not supported", Meaning(
        "the port has no address family", "set adrfam=ipv4 or adrfam=ipv6",
    )),
    (errno.EINVAL, r"nvmet_\w+: address family [0-9]+ not supported", Meaning(
        "the transport does not take the port's address family", "set adrfam=ipv4 or adrfam=ipv6",
    )),
    (errno.EINVAL, r"nvmet_\w+: malformed ip/port passed: .*", Meaning(
        "the port's address and service do not have the form of its address family",
        "tcp and rdma take an IP address and a port number",
    )),
    (errno.EINVAL, r"nvmet: transport type [0-9]+ not supported", Meaning(
        "the module of the port's transport is not loaded, or this kernel has none",
        "apply --load loads the module; with fc and pci nothing else does",
    )),
    (errno.EADDRNOTAVAIL, r"nvmet_tcp: failed to bind port socket .*", Meaning(
        "this host does not have the port's address", "ip address shows its addresses; apply --wait waits for one",
    )),
)  # fmt: skip


def meaning(step: Step, number: int, log: Iterable[str] = ()) -> Meaning | None:
    """What an errno says of a step; None where nothing more is known than the errno itself.

    ``log`` are the lines that the kernel logged meanwhile.
    """
    shape = step.path.removeprefix(f"{ROOT}/")
    if step.operation == "symlink" and _fits(_EXPORT, shape):
        for line in log:
            for code, pattern, found in _LOGGED:
                if code == number and re.fullmatch(pattern, line.rstrip("\n")):
                    return found
    for operation, pattern, code, found in _TABLE:
        if code == number and operation in {"*", step.operation} and _fits(pattern, shape):
            return found
    return None


def is_permission(step: Step, number: int) -> bool:
    """Whether the kernel refuses this user, or everybody, rather than this value."""
    return number in _PERMISSION and meaning(step, number) in {_ROOT, _READ_ONLY}


def _fits(pattern: str, shape: str) -> bool:
    return pattern == "*" or re.fullmatch(re.escape(pattern).replace(r"\*", "[^/]*"), shape, re.DOTALL) is not None
