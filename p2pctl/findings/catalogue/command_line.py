"""Options of the kernel's command line."""

from __future__ import annotations

from p2pctl.findings.catalogue.entry import Entry

_FOUND = (
    "The line in /proc/cmdline, read as the kernel reads it. It is a warning only where a port redirects on the way of "
    "a pair; else it is information."
)
_SETUP = "drivers/pci/pci.c (pci_setup, pci_dev_str_match)"

COMMAND_LINE = (
    Entry(
        "acs-list-with-commas",
        "Commas in a list of devices",
        "The devices of disable_acs_redir= or config_acs= are separated by commas.",
        "pci= is cut at commas first: only the first device counts, the others are unknown options.",
        _FOUND,
        "Separate the devices with semicolons, and quote them for GRUB.",
        _SETUP,
    ),
    Entry(
        "acs-option-repeated",
        "ACS option given more than once",
        "disable_acs_redir= or config_acs= stands on the line several times.",
        "Only the last one is in force; the ports of the others redirect as before.",
        _FOUND,
        "Write one option with all devices in it, separated by semicolons.",
        _SETUP,
    ),
    Entry(
        "acs-list-malformed",
        "List of devices that cannot be read to its end",
        "An element of the list is no device, or has no FLAGS@.",
        "The kernel stops there: what comes after it is not done.",
        _FOUND,
        "Write each device as DOMAIN:BUS:DEV.FN, as a path from the root bus, or as pci:VENDOR:DEVICE.",
        _SETUP,
    ),
    Entry(
        "acs-list-truncated",
        "List of devices that GRUB cut off",
        "The command line ends after the first device of the list, and GRUB's settings have more.",
        "The other devices redirect as before, and every option behind them is lost: to GRUB a semicolon ends a "
        "statement.",
        "The end of /proc/cmdline against /etc/default/grub. A list of one device is none; an empty one is.",
        "Quote the option in grub.cfg: p2pctl explain prints the line for /etc/default/grub.",
        "grub.cfg syntax; reports of users",
    ),
    Entry(
        "grub-option-not-in-force",
        "Option of GRUB's settings that is not in force",
        "/etc/default/grub asks for an option that the running kernel was not given.",
        "The host behaves as if the option were not there.",
        "GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT against /proc/cmdline, where GRUB has booted the kernel; "
        "only pci=, iommu=, intel_iommu=, amd_iommu=, swiotlb=, nvme. and nvme_core. are looked at.",
        "Run update-grub (grub2-mkconfig on others) and boot; look for a later file in /etc/default/grub.d.",
        "GNU GRUB Manual 2.06, Simple configuration handling",
    ),
    Entry(
        "acs-option-too-new",
        "Option that this kernel does not have yet",
        "config_acs= came with Linux 6.11.",
        "The option does nothing.",
        _FOUND,
        "Use disable_acs_redir=, which is there since 4.19.",
        "drivers/pci/pci.c of 6.11 (commit 47c8846a49ba)",
    ),
    Entry(
        "acs-options-overlap",
        "Device in both ACS options",
        "A device is named in disable_acs_redir= and in config_acs=.",
        "config_acs= is applied last and starts from the firmware's value: it alone decides there.",
        "The lists in /proc/cmdline.",
        "Name each device in one of them.",
        "drivers/pci/pci.c (pci_enable_acs)",
    ),
    Entry(
        "acs-parameter-broken",
        "Kernel that misreads ACS options",
        "Linux 6.11 to 6.14, before 6.12.23, 6.13.11 and 6.14.2, reads disable_acs_redir= and config_acs= wrongly.",
        "Redirect bits that firmware had set stay on, and other bits come on.",
        "The option in /proc/cmdline and the release; a distribution may have mended its own kernel. What the "
        "registers say is told by acs-option-not-in-force.",
        "Run 6.15 or a mended release, or clear the bits with setpci until the next boot.",
        "drivers/pci/pci.c (commit 9cf8a952d57b)",
    ),
    Entry(
        "no-such-option",
        "Option that the kernel never had",
        "pci=noacs and pci=acs_disable are recommended in many guides.",
        "They do nothing: redirection is as it was.",
        _FOUND,
        "Leave it out, and use pci=disable_acs_redir= where ports redirect.",
        _SETUP,
    ),
    Entry(
        "acs-override",
        "pcie_acs_override does not help P2P",
        "The option belongs to a patch that no released kernel has.",
        "It makes IOMMU groups look smaller than they are, and changes no routing: P2P is as it was, isolation is "
        "less.",
        _FOUND,
        "Leave it out.",
        "Documentation/admin-guide/kernel-parameters.txt, which does not have it",
    ),
    Entry(
        "iommu-option-invalid",
        "IOMMU option without effect",
        "amd_iommu=pt and intel_iommu=pt are no options; the right one is iommu=pt.",
        "The IOMMU goes on translating, which matters to GPUs whose drivers hand each other physical addresses.",
        "The option in /proc/cmdline. It is a warning only where such GPUs are behind a translating IOMMU.",
        "Write iommu=pt.",
        "drivers/iommu/amd/init.c, drivers/iommu/intel/iommu.c",
    ),
    Entry(
        "iommu-off-not-needed",
        "IOMMU switched off, perhaps for P2P",
        "iommu=off, intel_iommu=off or amd_iommu=off is on the command line.",
        "Nothing is gained: since Linux 5.4 P2P works with the IOMMU, translating or not. Isolation is lost.",
        "The option in /proc/cmdline, on 5.4 or later.",
        "Leave it out. What the IOMMU's ACS settings would do to a pair is told by p2pctl explain --assume iommu=on.",
        "drivers/pci/p2pdma.c since 5.4",
    ),
    Entry(
        "swiotlb-forced",
        "Bounce buffers are forced",
        "swiotlb=force has the kernel copy all DMA through buffers of its own.",
        "P2P memory cannot be mapped then: the I/O of devices that were given some fails.",
        "The option in /proc/cmdline. It is a warning only where a device lends memory.",
        "Leave it out. Confidential guests need bounce buffers and can do no P2P.",
        "kernel/dma/direct.h (dma_direct_map_phys), kernel/dma/swiotlb.c",
    ),
    Entry(
        "acs-option-no-device",
        "ACS option for a device that is not there",
        "A device of the list is no function with ACS of this host: bus numbers move when cards are added.",
        "The option does nothing for it.",
        "Every function with an ACS capability, against the list in /proc/cmdline; only where all could be read.",
        "Write the path from the root bus down, which survives renumbering: p2pctl explain proposes it.",
        _SETUP,
    ),
    Entry(
        "acs-option-not-in-force",
        "ACS option that is not in force",
        "A port that pci=disable_acs_redir= or pci=config_acs= names redirects all the same.",
        "P2P below it is as if the option were not there.",
        "The ACS Control register of the port, against /proc/cmdline.",
        "Run a kernel that reads the option right; look for a reset of the port, or a script that sets ACS again.",
        "drivers/pci/pci.c (disable_acs_redir, pci_enable_acs)",
    ),
)
