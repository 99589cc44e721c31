"""GRUB's settings (/etc/default/grub): the options that matter to P2P, and no others, for others may hold secrets."""

from __future__ import annotations

import re
import shlex

GRUB_FILE = "/etc/default/grub"

_ASSIGNED = re.compile(r"\s*(?:export\s+)?(GRUB_CMDLINE_LINUX(?:_DEFAULT)?)=(.*)", re.DOTALL)
_MATTERS = re.compile(r"(?:pci|iommu|intel_iommu|amd_iommu|swiotlb|nvme(?:_core)?\.[\w-]+)=")
_QUOTING = str.maketrans("", "", "\"'\\")
_LONGEST = 4096
"""Characters of a line: no kernel takes more."""

_Lines = list[tuple[int, str, list[str]]]


def grub_options(data: bytes) -> list[tuple[int, str]] | None:
    """Line and option, as meant: without the quotes of shell and GRUB. None where a line makes no sense.

    The file is a piece of a shell program. Of several assignments the last one counts, and those that it refers to.
    """
    lines = _lines(data)
    if lines is None:
        return None
    kept: dict[str, list[tuple[int, str]]] = {}
    for number, variable, words in lines:
        before = kept.get(variable, []) if _refers(words, variable) else []
        kept[variable] = before + [(number, word) for word in words if _MATTERS.match(word)]
    return sorted(one for options in kept.values() for one in options)


def trim_grub(data: bytes) -> bytes:
    """The file with all else taken out of it; the lines keep their numbers."""
    lines = _lines(data)
    if lines is None:
        return b"GRUB_CMDLINE_LINUX='\n"  # which makes no sense either
    texts: dict[int, str] = {}
    for number, variable, words in lines:
        refers = [f"${variable}"] if _refers(words, variable) else []
        kept = " ".join(refers + [word for word in words if _MATTERS.match(word)])
        texts[number] = f"{variable}='{kept}'"
    last = max(texts, default=0)
    text = "".join(f"{texts.get(number, '')}\n" for number in range(1, last + 1))
    return text.encode("utf-8", "surrogateescape")


def _refers(words: list[str], variable: str) -> bool:
    return f"${variable}" in words or f"${{{variable}}}" in words


def _lines(data: bytes) -> _Lines | None:
    """The assignments: line, variable, words."""
    found: _Lines = []
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        match = _ASSIGNED.fullmatch(line)
        if match is None:
            continue
        if len(line) > _LONGEST:
            return None
        try:
            value = " ".join(shlex.split(match[2], comments=True))
        except ValueError:  # a quote that is not closed, at least not on this line
            return None
        found.append((number, match[1], value.translate(_QUOTING).split()))
    return found
