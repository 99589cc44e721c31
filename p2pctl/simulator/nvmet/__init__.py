"""The kernel's NVMe target in memory, with the kernel's own rules (drivers/nvme/target, fs/configfs).

`kernel.NvmetKernel` is the whole of it; `environment.Environment` says what the machine around it has. What is written
to it and made in it goes through `p2pctl.simulator.tree.MemoryFiles`::

    kernel = NvmetKernel(Environment(release="7.3.4", devices={"/dev/nvme0n1": Opened("block")}))
    files = MemoryFiles(kernel.root())           # /sys/kernel/config/nvmet and what else the kernel shows
    files.mkdir("/sys/kernel/config/nvmet/subsystems/nqn.2026-11.org.example:a")
    kernel.log.since()                           # what it said meanwhile

"""
