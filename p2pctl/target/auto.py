"""Parameters of a port that the kernel decides on when the port is enabled.

It writes its choice where the wish for one stood, and the choice stays after the port is disabled
(nvmet_enable_port, drivers/nvme/target/core.c). Whoever takes the choice for a wish freezes it: another transport, or
another kernel, would have chosen otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_MDTS = "0"
_CHOICES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "tcp": {"param_inline_data_size": "16384", "param_max_queue_size": "1024", "param_mdts": _MDTS},
        # A page, which has 4 KiB nearly everywhere.
        "rdma": {"param_inline_data_size": "4096", "param_max_queue_size": "128", "param_mdts": _MDTS},
    }
)
_OTHERS: Mapping[str, str] = MappingProxyType(
    {"param_inline_data_size": "0", "param_max_queue_size": "1024", "param_mdts": _MDTS}
)


def is_choice(transport: str, file: str, value: str) -> bool:
    """Whether the kernel chooses this value for a port of this transport that leaves the choice to it."""
    return bool(transport) and _CHOICES.get(transport, _OTHERS).get(file) == value
