"""Reads the pools of peer-to-peer memory."""

from __future__ import annotations

from collections.abc import Mapping

from p2pctl.hardware.legacy import read_legacy
from p2pctl.hardware.pci import DEVICES, FunctionReader, list_functions
from p2pctl.hardware.reading import Reader
from p2pctl.kernel import Files
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.nvme import Nvme
from p2pctl.model.pci import Function
from p2pctl.model.pools import Pool, Pools

_NVME_CLASS = 0x0108


def read_pools(reader: Reader, now: float, functions: FunctionReader, nvme: Nvme) -> Pools:
    """Every ``p2pmem`` directory, and the pools of the proposal of 2017.

    A pool that is taken away meanwhile is left out.
    ``nvme`` must be older than this reading: the driver registers the memory before its controller turns ``live``,
    so that a CMB without a pool is one that was not registered only where the controller was live before.
    """
    pools: dict[Address, Pool] = {}
    for address in list_functions(reader):
        directory = f"{DEVICES}/{address}/p2pmem"
        size = reader.number(f"{directory}/size", "pool size", address)
        if size is ABSENT:
            continue
        function = functions.read(address, named=False)
        if function is None:
            continue
        if isinstance(function.class_code, Missing) or function.class_code >> 8 != _NVME_CLASS:
            # Drives say themselves what they are; for others the database of names is worth loading.
            function = functions.read(address) or function
        pools[address] = Pool(
            function=function,
            size=size,
            available=reader.number(f"{directory}/available", "pool level", address),
            published=reader.flag(f"{directory}/published", "pool published", address),
            mappable=_exists(reader.files, f"{directory}/allocate"),
        )
    pools = read_legacy(reader, functions, pools)
    return Pools(now, pools, _unregistered(reader, functions, nvme, pools), tuple(reader.gaps))


def _unregistered(
    reader: Reader, functions: FunctionReader, nvme: Nvme, pools: Mapping[Address, Pool]
) -> dict[Address, Function]:
    found: dict[Address, Function] = {}
    for controller in nvme.controllers.values():
        address = controller.address
        if isinstance(address, Missing) or isinstance(controller.cmb, Missing) or address in pools:
            continue
        if controller.state != "live":
            reader.gap("pool", address, f"{DEVICES}/{address}/p2pmem", f"controller {controller.name} to be live")
            continue
        # A driver that was unbound meanwhile has taken its pool with it; its controller is no longer live either.
        state = reader.text(f"/sys/class/nvme/{controller.name}/state", "controller state", controller.name)
        function = functions.read(address, named=False) if state == "live" else None
        if function is not None:
            found[address] = function
    return found


def _exists(files: Files, path: str) -> Fact[bool]:
    try:
        files.stat(path)
    except OSError as error:
        return False if isinstance(error, FileNotFoundError) else UNREADABLE
    return True
