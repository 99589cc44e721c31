"""Remedies for ports that redirect: on the kernel command line, and until the next boot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from p2pctl.model.address import Address
from p2pctl.model.facts import Missing, known
from p2pctl.model.pci import ACS_REDIRECT, Acs, acs_names
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.boot import boot, command_line_of, kernel_of, release_of, with_acs
from p2pctl.resolver.command_line import (
    CommandLine,
    config_option,
    disable_option,
    read_command_line,
    replaced,
)
from p2pctl.resolver.device_strings import names_device, path_form
from p2pctl.resolver.groups import GroupMerge, group_merges
from p2pctl.resolver.releases import has_config_acs, has_kernel_parameter_bug
from p2pctl.resolver.remedy import Remedy, RemedyCode, again, better
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Verdict

_ALL_CLEAR = "0x00xx"
"""config_acs flags, highest bit first: EC, CR, RR off; UF, TB, SV as firmware set them."""


def redirecting_ports(verdict: Verdict) -> tuple[Address, ...]:
    """The ports that must all stop redirecting before the way is direct, and no others."""
    return tuple(hop.address for hop in verdict.path if hop.counts and hop.redirects)


def acs_remedies(snapshot: Snapshot, verdict: Verdict) -> Iterator[Remedy]:
    """The parameter, its finer form, and the change of the running system."""
    ports = redirecting_ports(verdict)
    if not ports:
        return
    release = release_of(snapshot)
    if not has_kernel_parameter_bug(release):
        yield from _at_boot(snapshot, verdict, ports)
    if known(kernel_of(snapshot).lockdown, "none") == "none":
        yield from _now(snapshot, verdict, ports)


def without_redirection(snapshot: Snapshot, ports: Sequence[Address]) -> Snapshot:
    """The snapshot with RR, CR and EC off in these ports."""

    def clear(address: Address, acs: Acs | Missing) -> Acs | Missing:
        if address not in ports or isinstance(acs, Missing):
            return acs
        return acs._replace(control=acs.control & ~ACS_REDIRECT)

    return with_acs(snapshot, clear)


def disable_line(snapshot: Snapshot, ports: Sequence[Address]) -> tuple[str, str]:
    """The one option that turns redirection off for these ports and all that are off by it now; the whole line."""
    topology = Topology.of(snapshot)
    line = read_command_line(command_line_of(snapshot), release=release_of(snapshot))
    kept = _kept(topology, line.disable_acs_redir, ports)
    devices = (*kept, *(path_form(topology, port) for port in ports))
    return disable_option(devices), replaced(line, devices=devices, flags=line.config_acs)


def grub_line(option: str) -> str:
    """A line for /etc/default/grub after which grub.cfg has quotes around the option.

    Without them GRUB ends the kernel's command line at the first semicolon.
    """
    return f'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX \\"{option}\\""'


def _at_boot(snapshot: Snapshot, verdict: Verdict, ports: tuple[Address, ...]) -> Iterator[Remedy]:
    option, text = disable_line(snapshot, ports)
    yield from _parameter(snapshot, verdict, ports, "disable-acs-redirect", (option, text))
    if has_config_acs(release_of(snapshot)):
        yield from _parameter(snapshot, verdict, ports, "configure-acs", _config_line(snapshot, ports))


def _parameter(
    snapshot: Snapshot, verdict: Verdict, ports: tuple[Address, ...], code: RemedyCode, line: tuple[str, str]
) -> Iterator[Remedy]:
    option, text = line
    after, _ = boot(snapshot, text)
    result = again(after, verdict)
    if not better(verdict, result):
        return
    merges = _merges(snapshot, after)
    yield Remedy(
        code=code,
        text=_how(snapshot, code, ports),
        commands=(option, grub_line(option)),
        risk=_risk(ports, merges, kept=True),
        verify=(*_verify_boot(snapshot, option), *_verify_ports(ports), _ask_again(verdict)),
        result=result,
        ports=ports,
        merges=merges,
    )


def _how(snapshot: Snapshot, code: RemedyCode, ports: tuple[Address, ...]) -> str:
    what = "turns redirection off" if code == "disable-acs-redirect" else "turns redirection off and leaves the rest on"
    text = (
        f"boot with this one option, which {what} in {_list(ports)}; the second line is for the end of "
        "/etc/default/grub, before update-grub or grub2-mkconfig (other boot loaders need no quotes)"
    )
    if isinstance(kernel_of(snapshot).command_line, Missing):
        text += "; what the command line turns off already could not be read and must stay in the list"
    line = read_command_line(command_line_of(snapshot), release=release_of(snapshot))
    if _acs_options(line):
        text += f"; it takes the place of {', '.join(_acs_options(line))}, which must go"
    return text


def _acs_options(line: CommandLine) -> tuple[str, ...]:
    return tuple(
        one for one in line.options if one.startswith("pci=") and ("acs_redir=" in one or "config_acs=" in one)
    )


def _config_line(snapshot: Snapshot, ports: tuple[Address, ...]) -> tuple[str, str]:
    """With the devices of both lists in the one, since config_acs alone decides where a device stands in both."""
    topology = Topology.of(snapshot)
    line = read_command_line(command_line_of(snapshot), release=release_of(snapshot))
    flags = [(_flags(topology.acs(port)), path_form(topology, port)) for port in ports]
    flags += [one for one in line.config_acs if not any(names_device(topology, one[1], port) for port in ports)]
    # The first entry that fits a device decides: what only disable_acs_redir names comes after.
    flags += [(_ALL_CLEAR, device) for device in _kept(topology, line.disable_acs_redir, ports)]
    return config_option(tuple(flags)), replaced(line, devices=(), flags=tuple(flags))


def _flags(acs: Acs | Missing) -> str:
    """Bits that are on stay on: left to the firmware, what the kernel had set for the IOMMU would go."""
    on = 0 if isinstance(acs, Missing) else acs.control
    wanted = ["0" if bit & ACS_REDIRECT else "1" if on & bit else "x" for bit in (0x20, 0x10, 0x08, 0x04, 0x02, 0x01)]
    return "".join(wanted)


def _kept(topology: Topology, devices: Sequence[str], ports: Sequence[Address]) -> tuple[str, ...]:
    return tuple(one for one in devices if not any(names_device(topology, one, port) for port in ports))


def _now(snapshot: Snapshot, verdict: Verdict, ports: tuple[Address, ...]) -> Iterator[Remedy]:
    after = without_redirection(snapshot, ports)
    result = again(after, verdict)
    if not better(verdict, result):
        return
    merges = _merges(snapshot, after)
    yield Remedy(
        code="clear-acs-now",
        text=(
            f"until the next boot: clears RR, CR and EC in {_list(ports)} and leaves the other bits; then give the "
            "pair a fresh decision: bind the provider's driver anew, or create the consumer anew"
        ),
        commands=tuple(f"setpci -s {port} ECAP_ACS+6.w=0:2c" for port in ports),
        risk=_risk(ports, merges, kept=False),
        verify=(*_verify_ports(ports), _ask_again(verdict)),
        result=result,
        ports=ports,
        merges=merges,
    )


def _merges(before: Snapshot, after: Snapshot) -> tuple[GroupMerge, ...]:
    return group_merges(before.pci, after.pci) if before.pci is not None and after.pci is not None else ()


def _risk(ports: Sequence[Address], merges: Sequence[GroupMerge], *, kept: bool) -> str:
    said = [f"what is below {_list(ports)} can then reach its peers past the IOMMU"]
    if merges:
        groups = "; ".join(_merge_text(merge) for merge in merges)
        when = "IOMMU groups become one" if kept else "the next boot with such bits would make IOMMU groups one"
        said.append(f"{when}: {groups}")
        said.append("groups that stay apart are no proof of isolation then: below such ports peers reach each other")
        guests = sorted({guest for merge in merges for guest in merge.guests})
        if guests:
            said.append(f"held by vfio, to be given to one guest together or not at all: {', '.join(map(str, guests))}")
        else:
            said.append("no vfio driver holds any of them")
    if not kept:
        said.append(
            "the groups go on looking separate, so that guests that run lose their isolation unseen; the bits come "
            "back at a reset, a resume, and from 7.0 on when a driver binds to the port; locked-down kernels refuse it"
        )
    return ". ".join(clause[0].upper() + clause[1:] for clause in said)


def _merge_text(merge: GroupMerge) -> str:
    numbers = " and ".join(map(str, merge.numbers))
    return f"{numbers} ({', '.join(map(str, merge.members))})"


def _verify_boot(snapshot: Snapshot, option: str) -> tuple[str, ...]:
    log = "Configured ACS to 0x" if has_config_acs(release_of(snapshot)) is not False else "disabled ACS redirect"
    return (f"cat /proc/cmdline  # has {option}, whole", f"dmesg | grep '{log}'  # a line for each port")


def _verify_ports(ports: Sequence[Address]) -> tuple[str, ...]:
    bits = " ".join(acs_names(ACS_REDIRECT))
    return tuple(f"setpci -s {port} ECAP_ACS+6.w  # {bits} off: no bit of 002c" for port in ports)


def _ask_again(verdict: Verdict) -> str:
    return f"p2pctl explain {verdict.provider} {verdict.client}  # allowed"


def _list(ports: Sequence[Address]) -> str:
    return ", ".join(map(str, ports))
