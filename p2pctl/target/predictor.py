"""Predictions for the namespaces that one port exports."""

from __future__ import annotations

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.nvmet import Port, Subsystem, TargetNamespace
from p2pctl.resolver.ports import PortDevices
from p2pctl.resolver.verdict import Reason
from p2pctl.target.eligibility import Eligibility, judge_namespace, setting
from p2pctl.target.judge import Judge
from p2pctl.target.prediction import Prediction, by_devices

_SWITCHES = ("p2pmem", "allow_p2pmem")
"""Port attributes of kernels with the proposals of 2018 and 2017: there the port decides, not the namespace."""
_LOOKED_AT = ("p2pmem", "device_path", "buffered_io", "enable")
"""The attributes of a namespace that decide."""


def port_switch(port: Port) -> Fact[str] | None:
    """The port's own switch for P2P memory, on a kernel with a proposal of old; None on others."""
    return next((port.attributes[name] for name in _SWITCHES if name in port.attributes), None)


def namespace_eligibility(judge: Judge, port: Port | None, namespace: TargetNamespace) -> Eligibility:
    """What the kernel answers to the namespace, with the port's switch in place of its own where there is one."""
    switch = port_switch(port) if port is not None else None
    if switch is None:
        return judge_namespace(judge, namespace.attributes)
    text = switch if isinstance(switch, Missing) else {"auto": "1", "none": "0"}.get(switch, switch)
    return judge_namespace(judge, {**namespace.attributes, "p2pmem": text})


class Predictor:
    """Predicts for what one port exports. Namespaces that are set alike fare alike: they are thought about once."""

    def __init__(self, judge: Judge, port: Port, devices: PortDevices) -> None:
        self._judge = judge
        self._port = port
        self._devices = devices
        self._switch = port_switch(port)
        self._of: tuple[Subsystem, Reason | None, tuple[Address, ...]] | None = None
        """What holds for all namespaces of the subsystem that was asked about last."""
        self._known: dict[object, Prediction] = {}

    def __call__(self, subsystem: Subsystem, namespace: TargetNamespace) -> Prediction:
        """The prediction for one namespace of a subsystem."""
        if self._of is None or self._of[0] is not subsystem:
            drives = () if self._switch is None else _all_drives(self._judge, self._port, subsystem)
            self._of = (subsystem, _offload(subsystem, self._port), drives)
        _, offload, drives = self._of
        # Nothing else of a namespace is looked at: this is all that is handed on.
        seen = tuple(namespace.attributes.get(name) for name in _LOOKED_AT)
        key = (seen, offload, drives)
        found = self._known.get(key)
        if found is None:
            told = {name: text for name, text in zip(_LOOKED_AT, seen, strict=True) if text is not None}
            found = self._predict(TargetNamespace(namespace.nsid, told), offload, drives)
            self._known[key] = found
        return found

    def _predict(self, namespace: TargetNamespace, offload: Reason | None, together: tuple[Address, ...]) -> Prediction:
        """The prediction; ``together`` are the drives that share memory where the port decides."""
        switch, devices = self._switch, self._devices
        wanted = setting(namespace.attributes.get("p2pmem", ABSENT) if switch is None else _text(switch))
        able = namespace_eligibility(self._judge, self._port, namespace)
        if able.word == "off":
            return Prediction("off", wanted, reasons=able.reasons)
        if devices.transport != "rdma" and not isinstance(devices.transport, Missing) and devices.transport:
            return Prediction("transport-cannot", wanted, reasons=devices.reasons)
        enabled = namespace.attributes.get("enable") == "1"
        taken = enabled and switch is None and (able.drive is not None or able.refused_by == "p2pmem")
        if able.word == "not-eligible" and not taken:
            return Prediction("not-eligible", wanted, reasons=able.reasons)
        if offload is not None:
            return Prediction("unknown", wanted, reasons=(offload,))
        if able.word == "unknown" and not enabled:
            return Prediction("unknown", wanted, reasons=able.reasons, warnings=devices.warnings)
        drives: tuple[Address, ...] = (able.drive,) if able.drive is not None else ()
        return by_devices(self._judge, devices, wanted, able, drives if switch is None else together)


def _text(switch: Fact[str]) -> Fact[str]:
    return switch if isinstance(switch, Missing) else {"auto": "1", "none": "0"}.get(switch, switch)


def _all_drives(judge: Judge, port: Port, subsystem: Subsystem) -> tuple[Address, ...]:
    """The proposals asked for memory that all namespaces of a controller may use."""
    able = [namespace_eligibility(judge, port, one) for one in subsystem.namespaces.values()]
    return tuple(sorted({one.drive for one in able if one.drive is not None}))


def _offload(subsystem: Subsystem, port: Port) -> Reason | None:
    """Whether the card itself serves the namespace, with attributes that vendors add."""
    for attributes in (subsystem.attributes, port.attributes):
        for name, value in attributes.items():
            if name in {"attr_offload", "param_offload"} and setting(value) == "auto":
                text = (
                    f"target offload is on ({name}): the network card serves it by itself, and its driver decides "
                    "where the data goes"
                )
                return Reason("target-offload", text)
    return None
