"""What kernel releases can do about ACS on their command line."""

from __future__ import annotations

import re

from p2pctl.resolver.selection import parse_release

_PATCH = re.compile(r"\d+\.\d+(?:\.(\d+))?")

_FIXED_IN = {(6, 11): 1 << 16, (6, 12): 23, (6, 13): 11, (6, 14): 2}
"""The first patch level of each series that reads the parameters right; 6.11 ended before (commit 9cf8a952d57b)."""


def has_config_acs(release: str | None) -> bool | None:
    """Whether it knows ``pci=config_acs=``, which came with 6.11; None where the release is not known."""
    parsed = None if release is None else parse_release(release)
    return None if parsed is None else parsed.version >= (6, 11)


def has_kernel_parameter_bug(release: str | None) -> bool:
    """Whether it misreads ``disable_acs_redir`` and ``config_acs``, as far as its number tells.

    Distributions count patch levels their own way, so that one of theirs may have the fix all the same.
    """
    parsed = None if release is None else parse_release(release)
    fixed = None if parsed is None else _FIXED_IN.get(parsed.version)
    if release is None or fixed is None:
        return False
    match = _PATCH.match(release)
    return int((match[1] if match else None) or 0) < fixed


def drops_other_bits(release: str | None) -> bool:
    """Whether ``disable_acs_redir`` leaves the other ACS bits to the firmware, as from 6.11 on.

    Earlier ones kept what the kernel itself had set for the IOMMU.
    """
    return has_config_acs(release) is not False
