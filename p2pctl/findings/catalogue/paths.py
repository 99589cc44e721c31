"""Kernel, ACS, host bridges, links and BARs: what lies between two devices."""

from __future__ import annotations

from p2pctl.findings.catalogue.entry import Entry

PATHS = (
    Entry(
        "kernel-without-p2pdma",
        "Kernel built without P2PDMA",
        "CONFIG_PCI_P2PDMA is not set in the configuration of the running kernel.",
        "No driver can offer device memory to others, no p2pmem directory appears, and the NVMe target has no p2pmem "
        "attribute.",
        "The build configuration in /boot/config-RELEASE or /proc/config.gz, else a symbol in /proc/kallsyms. A pool "
        "that is there proves the opposite.",
        "Run a kernel that has it. Debian's have from 6.16 on, and have not in 5.10, 6.1 and 6.12; Ubuntu's from 6.2 "
        "on, and not in 5.4 and 5.15.",
        "drivers/pci/Kconfig; the configurations that the distributions ship",
    ),
    Entry(
        "user-io-fails",
        "I/O of programs into P2P memory fails on this kernel",
        "On Linux 6.16 O_DIRECT I/O into memory mapped from p2pmem/allocate ends with EIO where the way is direct.",
        "Verdicts and the NVMe target are right there; programs that map the memory get errors.",
        "The release of the running kernel. It was measured on 6.16.12; 6.18 and later are fine, 6.17 was not tried.",
        "Run 6.17 or later.",
        "measured in virtual machines with Linux 6.16.12, 6.18.15, 7.2.13 and 7.3.4",
    ),
    Entry(
        "kernel-locked-down",
        "Kernel is locked down",
        "Lockdown, which Secure Boot usually switches on, refuses writes to configuration space from user space.",
        "ACS bits cannot be cleared with setpci on the running system; the kernel command line still works.",
        "The word in brackets in /sys/kernel/security/lockdown.",
        "Use the kernel command line, or boot without Secure Boot if policy allows that.",
        "drivers/pci/pci-sysfs.c (LOCKDOWN_PCI_ACCESS)",
    ),
    Entry(
        "acs-redirect",
        "ACS redirection refuses P2P",
        "A port has request redirect (RR), completion redirect (CR) or egress control (EC) on: what its devices send "
        "each other is sent up to the host bridge first.",
        "The kernel lets such traffic pass a host bridge only where the processor or its list of host bridges vouches "
        "for it. Here it does not, so that the pairs are refused.",
        "The ACS Control register of every bridge and device on the way of a pair, as the kernel walks it. Ports on no "
        "pair's way are not counted, nor are bits that redirect nothing, such as source validation (SV).",
        "Boot with pci=disable_acs_redir= for these ports and no others, or move the devices below one switch whose "
        "ports redirect nothing.",
        "drivers/pci/p2pdma.c (pci_bridge_has_acs_redir, calc_map_type_and_dist)",
    ),
    Entry(
        "acs-detour",
        "ACS redirection sends P2P through the host bridge",
        "Redirection is on in ports between devices that could reach each other directly.",
        "P2P works, since this kernel lets it pass the host bridge, but takes the longer way: less bandwidth, more "
        "delay, and load on the processor's links.",
        "As for acs-redirect; the pairs are allowed all the same.",
        "Leave it on where guests must be isolated from each other. Otherwise boot with pci=disable_acs_redir=.",
        "drivers/pci/p2pdma.c (calc_map_type_and_dist)",
    ),
    Entry(
        "configuration-space-unread",
        "Configuration space could not be read",
        "The ACS registers of some functions are not known.",
        "Whether P2P is allowed below such ports cannot be told: a verdict is unknown, and never off or on by guess.",
        "Users other than root get the first 64 bytes of /sys/bus/pci/devices/*/config.",
        "Run p2pctl as root, or look at a capture that root took.",
        "drivers/pci/pci-sysfs.c (pci_read_config: CAP_SYS_ADMIN)",
    ),
    Entry(
        "host-bridge-not-listed",
        "Host bridge is not on the kernel's list",
        "Two devices have no bridge in common, and the kernel does not know that the host bridge above them forwards "
        "between its ports.",
        "P2P between its root ports, and to other host bridges, is refused. Below one switch it works all the same.",
        "The first device of the root bus stands for its host bridge; its ids are compared with the list of the "
        "running release. The kernel's own log line about this appears only in some cases, so that its absence proves "
        "nothing.",
        "Put both devices below one PCIe switch, or run a release that lists the bridge. Never override the list: a "
        "host bridge that does not forward loses data without a word.",
        "drivers/pci/p2pdma.c (pci_p2pdma_whitelist, __host_bridge_whitelist)",
    ),
    Entry(
        "host-bridge-same-required",
        "Host bridge forwards only within itself",
        "The kernel lists this host bridge for pairs below it alone: older Xeons.",
        "Devices on two root buses, often of two sockets, cannot do P2P.",
        "The entry of the list that fits has the flag REQ_SAME_HOST_BRIDGE, and the pair is on different root buses.",
        "Put both devices on slots of one root bus: pciDDDD:BB in their sysfs paths must be the same.",
        "drivers/pci/p2pdma.c (REQ_SAME_HOST_BRIDGE)",
    ),
    Entry(
        "host-bridge-no-representative",
        "Host bridge has nothing the kernel could know it by",
        "The first device on the root bus is neither at 00.0 nor, since 5.19, a root port.",
        "The kernel cannot look the bridge up in its list and refuses all that would cross it.",
        "The lowest function on the root bus, its place and its port type.",
        "Put both devices below one PCIe switch. Before 5.19, a newer kernel may know the bridge by its root port.",
        "drivers/pci/p2pdma.c (pci_host_bridge_dev)",
    ),
    Entry(
        "iommu-closes-host-bridge",
        "IOMMU keeps P2P from passing host bridges",
        "Linux 5.2 and 5.3 let P2P pass a listed host bridge only while there is no IOMMU.",
        "Pairs without a common switch are refused.",
        "The release, and the units in /sys/class/iommu.",
        "Run 5.4 or later, where the IOMMU no longer matters.",
        "drivers/pci/p2pdma.c of 5.2 (root_complex_whitelist)",
    ),
    Entry(
        "link-below-best",
        "Link runs below its best",
        "A PCIe link is slower or narrower than both of its ends could do.",
        "All P2P of the device goes through that link.",
        "current_link_speed and current_link_width against the maxima of the device and of the port above it. Only "
        "links of devices that matter for P2P, and of bridges above them, are looked at; a warning where the data "
        "of a pair takes the link.",
        "Look at the slot's lanes, bifurcation in the BIOS, the riser and the bridge above. GPUs slow down while idle: "
        "look again under load.",
        "/sys/bus/pci/devices/*/current_link_*, max_link_*",
    ),
    Entry(
        "payload-mismatch",
        "Payload sizes on the way of a pair do not fit together",
        "A device may send larger packets than a port or a device on the way of its peers takes.",
        "A larger packet is a malformed one to the receiver: AER errors, a port that goes down, a device that stops.",
        "MaxPayload in Device Control of the members of each tree, sender against receiver, for pairs that could do "
        "P2P.",
        "Boot with pci=pcie_bus_safe or pci=pcie_bus_peer2peer; look for AER lines in the kernel log.",
        "PCI Express Base Specification 6.0, section 2.2.2; Documentation/admin-guide/kernel-parameters.txt",
    ),
    Entry(
        "bar-not-assigned",
        "BAR without an address",
        "A device has a memory window that firmware and kernel found no room for.",
        "Nobody can reach the memory behind it, and its driver may refuse to start.",
        "The Resizable BAR capability names a BAR that the resource file does not have.",
        "Enable Above 4G Decoding in the BIOS; boot with pci=realloc.",
        "/sys/bus/pci/devices/*/resource; PCI Express Base Specification 6.0, section 7.8.6",
    ),
    Entry(
        "bar-small",
        "BAR shows a part of the device's memory",
        "A GPU's window is smaller than its memory.",
        "Drivers such as amdgpu refuse P2P with such a GPU; others lend what lies in the window only.",
        "mem_info_vis_vram_total against mem_info_vram_total, where the driver tells; else a window of 256 MiB or "
        "less.",
        "Enable Above 4G Decoding and Resizable BAR in the BIOS, and newer firmware of card and board.",
        "drivers/gpu/drm/amd/amdgpu (amdgpu_device_is_peer_accessible)",
    ),
    Entry(
        "bar-below-best",
        "BAR could be larger",
        "A device that could lend memory supports a larger window than it has.",
        "Perhaps nothing: a window that shows all of the memory need not be larger.",
        "The sizes that the Resizable BAR capability offers, against the one in force.",
        "Enable Resizable BAR in the BIOS, or write resourceN_resize while no driver is bound.",
        "PCI Express Base Specification 6.0, section 7.8.6",
    ),
    Entry(
        "iommu-translates-gpus",
        "IOMMU translates between GPUs",
        "Several GPUs are in IOMMU groups that translate, and their drivers are known to hand peers physical "
        "addresses.",
        "Copies between them may hang, fault (IO_PAGE_FAULT) or come back as zeros. The kernel's own P2P users map "
        "addresses properly and need nothing.",
        "The type of the group of each GPU (DMA, DMA-FQ), and its driver.",
        "Boot with iommu=pt.",
        "reports about RCCL, ROCm and GPU drivers; Documentation/admin-guide/kernel-parameters.txt",
    ),
)
