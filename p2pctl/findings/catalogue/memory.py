"""Pools, memory buffers of drives, and drives that cannot use them."""

from __future__ import annotations

from p2pctl.findings.catalogue.entry import Entry

MEMORY = (
    Entry(
        "no-pool",
        "No device offers P2P memory",
        "No function of this host has a p2pmem directory, and no drive has a memory buffer that should be one.",
        "The NVMe target has nothing to use. Drivers of GPUs and others may still lend memory among themselves.",
        "The directories /sys/bus/pci/devices/*/p2pmem, and CMBSZ of every drive.",
        "Use a drive with a Controller Memory Buffer that takes data (RDS and WDS), or an accelerator whose driver "
        "offers its memory. Most consumer drives have none.",
        "drivers/pci/p2pdma.c (pci_p2pdma_add_resource)",
    ),
    Entry(
        "cmb-not-registered",
        "Memory buffer of a drive that is no pool",
        "A drive has a Controller Memory Buffer, and the kernel did not register it as P2P memory.",
        "Nobody can use it for P2P.",
        "cmbsz of the controller without a p2pmem directory. It is a warning where the buffer takes data both ways "
        "(RDS and WDS), as the driver asks for; the cause is worked out from the registers, the BAR and the kernel's "
        "configuration.",
        "As the cause says: start and size must be multiples of 2 MiB, the BAR needs an address, the kernel "
        "CONFIG_PCI_P2PDMA. Some drives set the size of the buffer by a vendor's tool.",
        "drivers/nvme/host/pci.c (nvme_map_cmb)",
    ),
    Entry(
        "cmb-used-by-queues",
        "Memory buffer taken by submission queues",
        "The NVMe driver puts a drive's submission queues into its memory buffer where they fit.",
        "That much is missing for data. It is a warning from half of the buffer on.",
        "The number and depth of the queues (queue_count, sqsize) against p2pmem/size and available.",
        "Boot with nvme.use_cmb_sqes=0.",
        "drivers/nvme/host/pci.c (nvme_alloc_sq_cmds, use_cmb_sqes)",
    ),
    Entry(
        "cmb-not-published",
        "Memory buffer that is not published",
        "The buffer does not support data in both directions, which the driver asks for before it offers it to others.",
        "The NVMe target neither finds it nor takes it by name; programs may map it.",
        "p2pmem/published is 0, and CMBSZ lacks RDS or WDS.",
        "Newer firmware of the drive, or another drive.",
        "drivers/nvme/host/pci.c (nvme_map_cmb, pci_p2pmem_publish)",
    ),
    Entry(
        "pool-exhausted",
        "Pool with nothing left",
        "All of a pool's memory is in use.",
        "What asks for more gets system memory without a word: P2P stops carrying new I/O.",
        "p2pmem/available is 0.",
        "p2pctl pool show DEVICE --holders says who holds it; p2pctl place spreads namespaces over pools.",
        "drivers/nvme/target/core.c (nvmet_req_alloc_sgls)",
    ),
    Entry(
        "multipath-head",
        "Multipath heads cannot be exported with P2P memory",
        "A namespace of a drive in a subsystem of several controllers is one block device above all paths, and has no "
        "PCI device above it.",
        "The NVMe target refuses to enable it with p2pmem set.",
        "The drive's paths (nvmeXcYnZ) stand below a head; drives of other hosts are not counted.",
        "Boot with nvme_core.multipath=N, unless two ports of the drive are in use for failover.",
        "drivers/nvme/target/core.c (nvmet_p2pmem_ns_enable), drivers/nvme/host/multipath.c",
    ),
    Entry(
        "legacy-pool-device",
        "Pool with a device of the class p2pmem",
        "The kernel or a driver has the interface of a proposal of 2017.",
        "Programs may use it by that device; nothing of a released kernel does.",
        "/sys/class/p2pmem.",
        "Nothing needs to be done.",
        "proposal on linux-pci, 2017",
    ),
)
