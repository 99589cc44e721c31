"""What the kernel command line does about ACS and the IOMMU, read as the kernel reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from p2pctl.resolver.releases import has_config_acs, has_kernel_parameter_bug

OptionCode = Literal[
    "acs-list-with-commas",
    "acs-option-repeated",
    "acs-list-malformed",
    "acs-list-truncated",
    "acs-option-too-new",
    "acs-options-overlap",
    "acs-parameter-broken",
    "no-such-option",
    "acs-override",
    "iommu-option-invalid",
]

DISABLE, CONFIG = "disable_acs_redir=", "config_acs="

_HEX = r"(?:0x)?[0-9a-f]+"
_DEVICE = re.compile(
    rf"(?:{_HEX}:)?{_HEX}:{_HEX}\.{_HEX}(?:/{_HEX}\.{_HEX})*|pci:{_HEX}:{_HEX}(?::{_HEX}:{_HEX})?", re.IGNORECASE
)
_FLAGS = re.compile(r"[01xX]{1,7}")
_WORD = re.compile(r'(?:"[^"]*"?|[^\s"])+')

_NO_SUCH = {
    "noacs": "the kernel has no option pci=noacs and never had",
    "acs_disable": "the kernel has no option pci=acs_disable and never had",
}


@dataclass(frozen=True, slots=True)
class OptionFinding:
    """One option that does not do what its writer meant."""

    code: OptionCode
    option: str
    """As it stands on the command line."""
    text: str
    """What it does instead, in one sentence."""
    corrected: str | None
    """The option, or options, to write in its place; empty to leave it out, None where only its writer can tell."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command line as it is in force."""

    text: str
    options: tuple[str, ...]
    """Split at blanks outside double quotes, the quotes removed (lib/cmdline.c: ``next_arg``)."""
    disable_acs_redir: tuple[str, ...]
    """Device strings whose request and completion redirection and egress control are cleared."""
    config_acs: tuple[tuple[str, str], ...]
    """Flags (highest bit first, of ``0``, ``1``, ``x``) and device string."""
    iommu_off: bool
    """Whether an option turns the IOMMU off."""
    iommu_on: bool
    """Whether an option turns it on where the kernel's default is off."""
    passthrough: bool
    """Whether devices of the host are left untranslated (``iommu=pt``)."""
    findings: tuple[OptionFinding, ...]


def read_command_line(text: str, *, release: str | None = None) -> CommandLine:
    """What is in force. ``release`` (``uname -r``): some options came with, or are broken in, some releases."""
    options = _options(text)
    disable, config = _values(options, DISABLE), _values(options, CONFIG)
    devices = _leading_devices(disable[-1]) if disable else ()
    flags = _leading_flags(config[-1]) if config and has_config_acs(release) is not False else ()
    return CommandLine(
        text=text,
        options=options,
        disable_acs_redir=devices,
        config_acs=flags,
        iommu_off=bool({"iommu=off", "intel_iommu=off", "amd_iommu=off"} & set(options)),
        iommu_on=bool({"intel_iommu=on", "iommu=on"} & set(options)),
        passthrough=bool({"iommu=pt", "iommu.passthrough=1", "iommu.passthrough=y"} & {o.lower() for o in options}),
        findings=tuple(_findings(options, devices, flags, release)),
    )


def elements(value: str) -> tuple[str, ...]:
    """The elements of a list of devices, at its semicolons."""
    return tuple(filter(None, value.split(";")))


def quoted(option: str) -> str:
    """As it is written on a command line: with quotes where it has a blank."""
    return f'"{option}"' if re.search(r"\s", option) else option


def replaced(line: CommandLine, *, devices: tuple[str, ...], flags: tuple[tuple[str, str], ...]) -> str:
    """The command line with these lists in place of the ones it holds. Other options stay as they are."""
    kept = [_without_acs(option) for option in line.options]
    new = [disable_option(devices)] if devices else []
    new += [config_option(flags)] if flags else []
    return " ".join(quoted(option) for option in (*kept, *new) if option)


def disable_option(devices: tuple[str, ...]) -> str:
    """The option that turns redirection off for these devices."""
    return f"pci={DISABLE}{';'.join(devices)}"


def config_option(flags: tuple[tuple[str, str], ...]) -> str:
    """The option that sets ACS bits one by one."""
    return f"pci={CONFIG}{';'.join(f'{bits}@{device}' for bits, device in flags)}"


def _without_acs(option: str) -> str:
    if not option.startswith("pci="):
        return option
    pieces = option.removeprefix("pci=").split(",")
    kept = [piece for piece in pieces if not piece.startswith((DISABLE, CONFIG)) and not _DEVICE.match(piece)]
    return f"pci={','.join(kept)}" if kept else ""


def _options(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for match in _WORD.finditer(text):
        word = match[0].replace('"', "")
        if word == "--":  # what follows is for init
            break
        found.append(word)
    return tuple(found)


def _pci_pieces(options: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each option ``pci=``, and the pieces that the kernel cuts it into (drivers/pci/pci.c: ``pci_setup``)."""
    for option in options:
        if option.startswith("pci="):
            for piece in option.removeprefix("pci=").split(","):
                yield option, piece


def _values(options: tuple[str, ...], name: str) -> list[str]:
    return [piece.removeprefix(name) for _, piece in _pci_pieces(options) if piece.startswith(name)]


def _leading_devices(value: str) -> tuple[str, ...]:
    """The kernel stops at the first element that it cannot read."""
    found: list[str] = []
    for element in value.split(";"):
        if not _DEVICE.fullmatch(element):
            break
        found.append(element)
    return tuple(found)


def _leading_flags(value: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for element in value.split(";"):
        flags, at, device = element.partition("@")
        if not at or not _FLAGS.fullmatch(flags) or not _DEVICE.fullmatch(device):
            break
        found.append((flags.lower(), device))
    return tuple(found)


def _findings(
    options: tuple[str, ...], devices: tuple[str, ...], flags: tuple[tuple[str, str], ...], release: str | None
) -> Iterator[OptionFinding]:
    yield from _commas(options)
    for name in (DISABLE, CONFIG):
        yield from _repeats(options, name)
        yield from _malformed(options, name)
    yield from _truncated(options)
    yield from _overlap(devices, flags)
    yield from _releases(options, release)
    yield from _inventions(options)


def _commas(options: tuple[str, ...]) -> Iterator[OptionFinding]:
    for option in options:
        pieces = option.removeprefix("pci=").split(",") if option.startswith("pci=") else []
        for at, piece in enumerate(pieces):
            lost = _lost(pieces[at + 1 :]) if piece.startswith((DISABLE, CONFIG)) else []
            if lost:
                rest = [*pieces[:at], ";".join([piece, *lost]), *pieces[at + 1 + len(lost) :]]
                text = (
                    f"pci= is cut at commas first: {', '.join(lost)} counts as an unknown option, and nothing is done"
                )
                yield OptionFinding("acs-list-with-commas", option, text, f"pci={','.join(rest)}")


def _lost(pieces: list[str]) -> list[str]:
    found: list[str] = []
    for piece in pieces:
        if not all(_DEVICE.fullmatch(one.rpartition("@")[2]) for one in piece.split(";")):
            break
        found.append(piece)
    return found


def _repeats(options: tuple[str, ...], name: str) -> Iterator[OptionFinding]:
    values = _values(options, name)
    if len(values) > 1:
        joined = ";".join(dict.fromkeys(one for value in values for one in elements(value)))
        text = f"{name.rstrip('=')} is given {len(values)} times: only the last one is in force"
        yield OptionFinding("acs-option-repeated", f"pci={name}{values[0]}", text, f"pci={name}{joined}")


def _malformed(options: tuple[str, ...], name: str) -> Iterator[OptionFinding]:
    for value in _values(options, name)[-1:]:
        read = len(_leading_devices(value) if name == DISABLE else _leading_flags(value))
        parts = value.split(";")
        if read < len(parts) and any(parts[read:]):
            what = "a device" if name == DISABLE else "FLAGS@DEVICE"
            good = elements(value) if name == DISABLE else ()
            rest = ";".join(one for one in good if _DEVICE.fullmatch(one))
            text = f"{parts[read] or 'an empty element'} is not {what}: the kernel reads no further"
            corrected = f"pci={name}{rest}" if rest and not parts[read] else None
            yield OptionFinding("acs-list-malformed", f"pci={name}{value}", text, corrected)


def _truncated(options: tuple[str, ...]) -> Iterator[OptionFinding]:
    """A boot loader that ends the line at a semicolon leaves a list of one element, or an empty one, as the last."""
    last = options[-1] if options else ""
    for name in (DISABLE, CONFIG):
        before, found, value = last.partition(name)
        if found and before.startswith("pci=") and ";" not in value and "," not in value:
            text = "the line ends after the first device: GRUB cuts it at a semicolon that is not quoted in grub.cfg"
            yield OptionFinding("acs-list-truncated", last, f"if more devices were meant, {text}", None)


def _overlap(devices: tuple[str, ...], flags: tuple[tuple[str, str], ...]) -> Iterator[OptionFinding]:
    plain = {_normal(device): device for device in devices}
    twice = [device for _, device in flags if _normal(device) in plain]
    if twice:
        left = tuple(device for device in devices if _normal(device) not in {_normal(one) for one in twice})
        corrected = " ".join(([disable_option(left)] if left else []) + [config_option(flags)])
        text = f"{', '.join(twice)} stands in both lists: config_acs alone decides there"
        yield OptionFinding("acs-options-overlap", disable_option(devices), text, corrected)


def _normal(device: str) -> str:
    """One spelling for a device string: no 0x, no leading zeros, the domain written out."""
    text = re.sub(r"(?:0x)?0*([0-9a-f]+)", r"\1", device.lower())
    head = text.partition("/")[0]
    return text if text.startswith("pci:") or head.count(":") == 2 else f"0:{text}"


def _releases(options: tuple[str, ...], release: str | None) -> Iterator[OptionFinding]:
    for value in _values(options, CONFIG)[-1:]:
        if has_config_acs(release) is False:
            text = f"config_acs came with 6.11: {release} ignores it"
            yield OptionFinding("acs-option-too-new", f"pci={CONFIG}{value}", text, None)
    if has_kernel_parameter_bug(release):
        for name in (DISABLE, CONFIG):
            for value in _values(options, name)[-1:]:
                text = (
                    f"kernels from 6.11 to 6.14 misread it, if {release} is no patched one: bits that firmware set "
                    "stay on, others come on"
                )
                yield OptionFinding("acs-parameter-broken", f"pci={name}{value}", text, None)


def _inventions(options: tuple[str, ...]) -> Iterator[OptionFinding]:
    for option, piece in _pci_pieces(options):
        if piece in _NO_SUCH:
            rest = [one for one in option.removeprefix("pci=").split(",") if one not in _NO_SUCH]
            text = f"{_NO_SUCH[piece]}: it does nothing"
            yield OptionFinding("no-such-option", option, text, f"pci={','.join(rest)}" if rest else "")
    for option in options:
        if option.startswith("pcie_acs_override="):
            text = (
                "only kernels with an extra patch know it, and there it makes IOMMU groups look smaller than they are; "
                "it changes no routing"
            )
            yield OptionFinding("acs-override", option, text, "")
        if option in {"amd_iommu=pt", "intel_iommu=pt"}:
            text = f"{option.partition('=')[0]} has no value pt: the IOMMU goes on translating"
            yield OptionFinding("iommu-option-invalid", option, text, "iommu=pt")
