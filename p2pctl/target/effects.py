"""Whether a change has the effect that its attributes promise: the kernel's success is not always one."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator

from p2pctl.model.facts import Missing
from p2pctl.model.network import Network
from p2pctl.model.nvmet import ROOT, Nvmet, Port, TargetNamespace
from p2pctl.target import paths
from p2pctl.target.outcome import Effect
from p2pctl.target.plan import Step

_CHOICES = frozenset({"0", "1"})
"""Values of ``p2pmem`` that name no provider."""


def effects(
    steps: Iterable[Step],
    after: Nvmet,
    network: Callable[[], Network] | None,
    pools: Callable[[], frozenset[str] | None] | None,
) -> tuple[Effect, ...]:
    """What is not as it should be with the ports and namespaces that the steps are about.

    ``network`` and ``pools`` (addresses of published pools) are asked only where something hangs on them.
    """
    ports, namespaces = _concerned(steps)
    found: list[Effect] = []
    live = [port for name, port in after.ports.items() if name in ports and port.links]
    tcp = [port for port in live if _text(port, "addr_trtype") == "tcp"]
    if tcp and network is not None:
        now = network()
        found.extend(effect for port in tcp for effect in _listens(port, now))
    providers: list[tuple[str, str]] = []
    for nqn, subsystem in after.subsystems.items():
        for nsid, namespace in subsystem.namespaces.items():
            provider = namespace.attributes.get("p2pmem")
            if paths.namespace(nqn, namespace) in namespaces and isinstance(provider, str) and _on(namespace):
                providers.append((paths.called_namespace(nqn, nsid), provider))
    named = [(subject, provider) for subject, provider in providers if provider not in _CHOICES]
    if named and pools is not None:
        found.extend(_published(named, pools()))
    return tuple(found)


def _concerned(steps: Iterable[Step]) -> tuple[set[str], set[str]]:
    """Names of ports, and directories of namespaces."""
    ports: set[str] = set()
    namespaces: set[str] = set()
    for step in steps:
        match step.path[len(ROOT) + 1 :].split("/"):
            case ["ports", name, *_]:
                ports.add(name)
            case ["subsystems", nqn, "namespaces", name, *_]:
                namespaces.add(f"{paths.subsystem(nqn)}/namespaces/{name}")
    return ports, namespaces


def _text(port: Port, name: str) -> str:
    value = port.attributes.get(name)
    return value if isinstance(value, str) else ""


def _on(namespace: TargetNamespace) -> bool:
    return namespace.attributes.get("enable") == "1"


def _listens(port: Port, network: Network) -> Iterator[Effect]:
    address, service = _text(port, "addr_traddr"), _text(port, "addr_trsvcid")
    subject = paths.called_port(port)
    if isinstance(network.listening, Missing):
        yield Effect(subject, "warning", f"whether {subject} listens cannot be told: the TCP sockets cannot be read")
        return
    try:
        wanted, number = ipaddress.ip_address(address.partition("%")[0]), int(service)
    except ValueError:
        return  # the kernel has taken what is no literal address: there is nothing to compare with
    if not any(one.port == number and ipaddress.ip_address(one.address) == wanted for one in network.listening):
        yield Effect(
            subject,
            "failure",
            f"{subject} does not listen on {address} port {service} in the host's network, although the kernel says so",
        )


def _published(named: list[tuple[str, str]], pools: frozenset[str] | None) -> Iterator[Effect]:
    for subject, provider in named:
        if pools is None:
            yield Effect(subject, "warning", f"whether {provider}, provider of {subject}, has a pool cannot be told")
        elif provider not in pools:
            text = f"{provider}, provider of {subject}, publishes no pool: its I/O will use system memory"
            yield Effect(subject, "warning", text)
