"""What could not be read although a finding may hang on it: without it, nothing found does not mean nothing there."""

from __future__ import annotations

from p2pctl.findings.kernel import kernel_has_p2pdma
from p2pctl.findings.scene import Scene
from p2pctl.model.address import Address
from p2pctl.model.connections import DEBUGFS
from p2pctl.model.facts import Gap, Missing
from p2pctl.model.nvmet import ROOT
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.device_strings import names_device
from p2pctl.resolver.selectors import LISTS
from p2pctl.target.port_state import evidence_needed

_CONFIG = "configuration space"
_POOLS = frozenset({"pci functions", "pools", "pool"})
_LEVELS = _POOLS | {"pool size", "pool level"}
_BUFFERS = _POOLS | {"nvme controllers", "cmb"}
_PAIRS = LISTS | _BUFFERS | {"driver", "pool published"}
"""Whose gap may hide somebody who lends memory or uses it."""
_BRIDGES = _PAIRS | {"kernel release", "cpu"}
_TARGET = frozenset({"nvmet", "nvmet link", "nvmet attribute"})
_STATES_FROM = _BRIDGES | {_CONFIG, "pool size"}
"""What states of ports are told from, where a namespace asks for P2P memory by a port that may use it."""
_LINE = frozenset({"kernel command line"})
_GRUB = _LINE | {"boot loader settings"}
_RELEASED = _LINE | {"kernel release"}
_GPUS = frozenset({"pci functions", "driver"})
_RDMA = _TARGET | {"rdma devices", "rdma device", "interfaces", "gids", "gid"}

_HIDES: dict[str, frozenset[str]] = {
    "kernel-without-p2pdma": frozenset({"kernel configuration"}),
    "user-io-fails": _POOLS | {"kernel release"},
    "kernel-locked-down": frozenset({"lockdown"}),
    "acs-redirect": _BRIDGES | {_CONFIG},
    "acs-detour": _BRIDGES | {_CONFIG},
    "configuration-space-unread": frozenset({"pci functions"}),
    "host-bridge-not-listed": _BRIDGES,
    "host-bridge-same-required": _BRIDGES,
    "host-bridge-no-representative": _BRIDGES,
    "iommu-closes-host-bridge": _BRIDGES | {"iommus"},
    "link-below-best": _PAIRS | {"link"},
    "payload-mismatch": _PAIRS | {_CONFIG},
    "bar-not-assigned": _GPUS | {"bars", _CONFIG},
    "bar-small": _GPUS | {"bars", "device memory"},
    "bar-below-best": _GPUS | {"bars", _CONFIG},
    "iommu-translates-gpus": _GPUS | {"iommu groups", "iommu group", "iommu group type"},
    "acs-list-with-commas": _LINE,
    "acs-option-repeated": _LINE,
    "acs-list-malformed": _LINE,
    "acs-list-truncated": _GRUB,
    "grub-option-not-in-force": _GRUB,
    "acs-option-too-new": _RELEASED,
    "acs-options-overlap": _LINE,
    "acs-parameter-broken": _RELEASED,
    "no-such-option": _LINE,
    "acs-override": _LINE,
    "iommu-option-invalid": _LINE,
    "iommu-off-not-needed": _RELEASED,
    "swiotlb-forced": _LINE,
    "acs-option-no-device": _LINE | {"pci functions"},
    "acs-option-not-in-force": _LINE | {"pci functions"},
    "no-pool": _BUFFERS,
    "cmb-not-registered": _BUFFERS,
    "cmb-used-by-queues": _BUFFERS | _LEVELS | {"queues", "nvme parameters"},
    "cmb-not-published": _BUFFERS | {"pool published"},
    "pool-exhausted": _LEVELS,
    "multipath-head": frozenset({"nvme controllers", "namespaces", "block devices"}),
    "legacy-pool-device": _POOLS | {"pool character device"},
    "target-not-loaded": _TARGET,
    "nvmetcli-service": frozenset({"systemd unit"}),
    "configfs-not-mounted": _TARGET,
    "legacy-port-switch": _TARGET,
    "p2p-falls-back": _TARGET,
    "p2p-not-eligible": _TARGET,
    "p2p-possibly-exhausted": _TARGET | _LEVELS,
    "p2p-pool-vanished": _TARGET | _POOLS,
    "p2p-inline-writes": _TARGET,
    "p2p-transport-cannot": _TARGET,
    "port-listens-everywhere": _RDMA,
    "port-virtual-dma": _RDMA,
    "dhchap-key-readable": _TARGET | {"keys of hosts"},
    "any-host-skips-dhchap": _TARGET | {"keys of hosts"},
    "host-still-connected": _TARGET | {"connected hosts"},
    "tls-optional": _TARGET,
    "rnbd-exports-everything": frozenset({"rnbd", "rnbd search path"}),
    "rnbd-without-p2p": frozenset({"rnbd", "rnbd export"}),
    "change-interrupted": frozenset(),
    "disk-overwritten": frozenset(),
    "change-unconfirmed": frozenset(),
}
"""For each code the facts without which its absence proves nothing."""

_OF_STATES = frozenset({"p2p-falls-back", "p2p-not-eligible", "p2p-possibly-exhausted"})
_OF_PORTS_NAMED = frozenset({"acs-option-no-device", "acs-option-not-in-force"})

ASIDE = frozenset({"dhchap-key-readable", "any-host-skips-dhchap", "host-still-connected"})
"""Codes of no matter to P2P that hang on what a capture never holds, or many kernels never show. A host can be in
order all the same."""

HARMLESS = frozenset(
    {
        "kernel-locked-down", "acs-detour", "configuration-space-unread", "bar-below-best", "acs-options-overlap",
        "iommu-off-not-needed", "no-pool", "cmb-not-published", "multipath-head", "legacy-pool-device",
        "target-not-loaded", "legacy-port-switch", "p2p-inline-writes", "rnbd-without-p2p",
    }
)  # fmt: skip
"""Codes that are information wherever they are found."""


class Undecided:
    """What is not known of one host, by the codes that it may hide."""

    def __init__(self, scene: Scene) -> None:
        snapshot = scene.snapshot
        on_the_way = {str(node) for node in scene.fabric.nodes} if scene.fabric else set()
        unbuilt = isinstance(kernel_has_p2pdma(snapshot)[0], Missing)
        self._asks = bool(evidence_needed(snapshot))
        every = (*_keys(snapshot), *_hosts(snapshot), *snapshot.gaps)
        self._every = tuple(gap for gap in dict.fromkeys(every) if unbuilt or gap.fact != "kernel configuration")
        self._named = tuple(gap for gap in self._every if gap.fact == _CONFIG and _on_the_line(scene, gap))
        self._gaps = tuple(gap for gap in self._every if gap.fact != _CONFIG or gap.address in on_the_way)

    def about(self, code: str) -> tuple[Gap, ...]:
        """The gaps that may hide a finding with this code."""
        hiding = _HIDES[code]
        if code in _OF_STATES and self._asks:
            hiding |= _STATES_FROM
        found = tuple(gap for gap in self._gaps if gap.fact in hiding)
        return (*found, *self._named) if code in _OF_PORTS_NAMED else found

    def of_all(self) -> tuple[Gap, ...]:
        """Those that may hide a warning or an error that is about P2P, each once."""
        hidden = {gap for code in _HIDES if code not in ASIDE | HARMLESS for gap in self.about(code)}
        return tuple(gap for gap in self._every if gap in hidden)


def _on_the_line(scene: Scene, gap: Gap) -> bool:
    """Whether a gap is about a function that the kernel's command line names."""
    address = None if gap.address is None else Address.from_sysfs(gap.address)
    if scene.line is None or scene.resolver is None or address is None:
        return False
    devices = (*scene.line.disable_acs_redir, *(device for _, device in scene.line.config_acs))
    return any(names_device(scene.resolver.topology, device, address) for device in devices)


def _keys(snapshot: Snapshot) -> tuple[Gap, ...]:
    hosts = snapshot.nvmet.hosts if snapshot.nvmet else {}
    unknown = [nqn for nqn, host in hosts.items() if any(isinstance(key.filled, Missing) for key in host.keys.values())]
    needs = "a look at the host itself, as root"
    return tuple(Gap("keys of hosts", nqn, f"{ROOT}/hosts/{nqn}", None, needs) for nqn in unknown)


def _hosts(snapshot: Snapshot) -> tuple[Gap, ...]:
    """Who is connected, where a subsystem is closed to some hosts and the kernel does not show it."""
    nvmet, connections = snapshot.nvmet, snapshot.connections
    every = nvmet.subsystems.values() if nvmet else ()
    closed = any(one.attributes.get("attr_allow_any_host") == "0" for one in every)
    if not closed or (connections is not None and connections.debugfs is True):
        return ()
    needs = "the target's debugfs (root, and CONFIG_NVME_TARGET_DEBUGFS)"
    return (Gap("connected hosts", None, DEBUGFS, None, needs),)
