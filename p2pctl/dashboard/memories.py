"""Which P2P memory a namespace may have: what there is, what the rules say of each by each port, the best first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from p2pctl.dashboard.changing import OFF, Choice, Option, Subject, alone_with
from p2pctl.dashboard.picture import Picture
from p2pctl.model.address import Address
from p2pctl.model.nvmet import Nvmet
from p2pctl.target.eligibility import Eligibility, judge_namespace
from p2pctl.target.judge import Judge
from p2pctl.target.observation import Export
from p2pctl.target.port_state import predictions

_RANKS = {"eligible": 0, "off": 0, "unknown": 2, "not-eligible": 3}
_IDLE = 1
"""Of what the kernel takes, and no port would use."""
_FAR = 1 << 30
"""Of what has no distance: after all that have one."""
_GRAVEST_FIRST = ("falls-back", "not-eligible", "possibly-exhausted", "unknown", "transport-cannot", "predicted")


def judged(picture: Picture, about: Subject, choice: Choice) -> Choice:
    """The choice with a verdict in the last column; automatic and none first, then pools: used, idle, unknown, denied.

    Takes as long as a judge of the host takes to make.
    """
    nvmet = picture.snapshot.nvmet
    subsystem = nvmet.subsystems.get(about.nqn or "") if nvmet else None
    namespace = subsystem.namespaces.get(about.nsid or 0) if subsystem else None
    if namespace is None or nvmet is None:
        return choice
    judge = Judge(picture.snapshot, None, picture.links)
    found: list[tuple[tuple[bool, int, int], Option]] = []
    for option in choice.options:
        answer = judge_namespace(judge, {**namespace.attributes, "p2pmem": option.value})
        exports = _exports(judge, nvmet, about, option.value) if answer.word == "eligible" else ()
        address = Address.from_sysfs(option.value)
        distance = _distance(judge, answer, address)
        idle = bool(exports) and all(one.prediction.state != "predicted" for one in exports)
        rank = (address is not None, _IDLE if idle else _RANKS[answer.word], _FAR if distance is None else distance)
        # What is no pool keeps its place.
        order = rank if address is not None else (False, 0, 0)
        verdict = "; ".join(filter(None, (_verdict(option, answer, distance), ", ".join(_by_port(exports)))))
        found.append((order, option._replace(cells=(*option.cells[:-1], verdict))))
    return choice._replace(options=tuple(option for _, option in sorted(found, key=lambda one: one[0])))


def _exports(judge: Judge, nvmet: Nvmet, about: Subject, value: str) -> tuple[Export, ...]:
    """What each port would do with it."""
    wanted = alone_with(nvmet, about, value)
    return predictions(judge, wanted) if wanted else ()


def _by_port(exports: Iterable[Export]) -> Iterator[str]:
    """``port 3: falls back``, ``ports 1+2: tcp cannot``; the gravest first."""
    alike: dict[tuple[int, str], list[str]] = {}
    for one in exports:
        state = one.prediction.state
        rank = _GRAVEST_FIRST.index(state) if state in _GRAVEST_FIRST else len(_GRAVEST_FIRST)
        alike.setdefault((rank, _would(one)), []).append(one.port.name)
    for (_, would), ports in sorted(alike.items(), key=lambda pair: pair[0]):
        yield f"port{'s' if len(ports) > 1 else ''} {'+'.join(ports)}: {would}"


def _would(export: Export) -> str:
    state = export.prediction.state
    if state == "transport-cannot":
        transport = export.devices.transport
        return f"{transport if isinstance(transport, str) else 'its transport'} cannot"
    return {"falls-back": "falls back", "predicted": "P2P predicted"}.get(state, state)


def _distance(judge: Judge, answer: Eligibility, pool: Address | None) -> int | None:
    if answer.word != "eligible" or answer.drive is None or pool is None:
        return None
    return judge.joint(pool, (answer.drive,)).distance


def _verdict(option: Option, answer: Eligibility, distance: int | None) -> str:
    """In words; of what is denied the reason, not the errno that it would be answered with."""
    if option.value == OFF:
        return ""
    if answer.word == "eligible":
        if distance is not None:
            return f"allowed, distance {distance}"
        return f"allowed: {answer.providers[0]}" if answer.providers else "allowed"
    # The first of several only says that the rules deny it.
    reasons = answer.reasons[1:] if answer.reasons[0].code == "provider-denied" else ()
    reason = (reasons or answer.reasons)[0].text
    return f"{'unknown' if answer.word == 'unknown' else 'denied'}: {reason}"
