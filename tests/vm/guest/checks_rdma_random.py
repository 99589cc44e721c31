"""Port states over RDMA: what p2pctl says before a host connects is what the kernel does when it does.

Every round has other ACS controls and other `p2pmem` settings; each drive is one namespace, so that no line of the
log can be about two of them.
"""

from __future__ import annotations

import errno
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tests.vm.guest import rdma_cards, rdma_data, rdma_target
from tests.vm.guest.api import Context
from tests.vm.guest.kernel_files import ask, pools
from tests.vm.guest.oracle import acs_registers, read_acs, scatter_acs

SECONDS = 600
ROUNDS = 14
LEAST_COMBINATIONS = 100
"""Different ones, in one guest."""
LEAST_OF_A_KIND = 5
"""Of each outcome that this machine can have, so that none of them is there by accident."""
RULE_FAMILY = 0x17
"""From this family on the kernel lets every pair of an AMD machine meet in its host bridges."""
BOTH_PORTS = 4
"""In every round of this number both cards' ports export the namespaces: a line may then be about either."""
SHOWN = 6

_USING = re.compile(r"nvmet: using p2pmem on (\S+) for nsid (\d+)")
_NONE = re.compile(r"nvmet: no peer-to-peer memory is available that's supported by (\S+) and (\S+)")
_DENIED = re.compile(r"\S+ (\S+): cannot be used for peer-to-peer DMA as the client and provider \((\S+)\) .*")

State = Mapping[str, Any]
"""An item of `port state -o json`."""


class Happened(NamedTuple):
    """What the kernel did with a namespace, in p2pctl's words; the provider in use; the line that says so."""

    word: str
    provider: str | None = None
    line: str | None = None


def check_port_states_are_what_the_kernel_does(context: Context) -> None:
    """Predictions, then data, then confirmations, in every round; the first has the ACS controls as they are."""
    cards = rdma_cards.bring_up(context)
    registers = acs_registers()
    drives = sorted(context.bdf(drive.id) for drive in context.drives)
    report = _Report(context)
    with rdma_target.target(cards, drives) as target, rdma_data.allocations() as allocated:
        for number in range(ROUNDS):
            rng = Random(f"{context.topology}-{number}")  # noqa: S311 - it has to be the same every time
            if number:
                scatter_acs(f"{context.topology}-rdma-{number}", registers)
            settings = _settings(rng, drives)
            both = number % BOTH_PORTS == BOTH_PORTS - 1
            _Round(target, cards[number % len(cards)], settings, report, number).run(allocated, both=both)
            report.combinations.update(
                (tuple(read_acs(registers).values()), number % 2, *one) for one in settings.items()
            )
    rdma_cards.take_down()
    report.end()


def _settings(rng: Random, drives: Sequence[str]) -> dict[str, str]:
    """What `p2pmem` is to be for each drive."""
    providers = sorted(pools())
    return {drive: rng.choice(["1", "1", "1", rng.choice(providers), rng.choice(providers), "0"]) for drive in drives}


def _all_meet() -> bool:
    """Whether the processor's host bridges are good for every pair, so that nothing is ever refused."""
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    told = {name.strip(): value.strip() for name, _, value in lines}
    return told["vendor_id"] == "AuthenticAMD" and int(told["cpu family"]) >= RULE_FAMILY


class _Report:
    """What was compared, and what differed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._started = time.monotonic()
        self.asking = 0.0
        self.combinations: set[tuple[object, ...]] = set()
        self.counts: Counter[str] = Counter()
        self.different: list[str] = []

    def ask(self) -> dict[tuple[int, int], State]:
        """The states that p2pctl tells, by port and namespace."""
        before = time.monotonic()
        items = ask(self._context, "port", "state")["items"]
        self.asking += time.monotonic() - before
        return {(int(item["port"]), item["nsid"]): item for item in items}

    def differ(self, *what: object) -> None:
        self.different.append(f"{self._context.topology}: {', '.join(map(str, what))}")

    def end(self) -> None:
        """Writes the summary. Raises AssertionError when anything differed, or too little was seen."""
        kinds = ", ".join(f"{count} {word}" for word, count in sorted(self.counts.items()))
        with (self._context.out / "summary").open("a") as summary:
            summary.write(
                f"\n    {len(self.combinations)} combinations of ACS, card and p2pmem over RDMA, "
                f"{len(self.different)} different ({kinds}); "
                f"{time.monotonic() - self._started:.1f} s, {self.asking:.1f} s of them p2pctl's"
            )
        assert not self.different, "\n".join([f"{len(self.different)} differ", *self.different[:SHOWN]])
        assert len(self.combinations) >= LEAST_COMBINATIONS
        refusals = 0 if _all_meet() else LEAST_OF_A_KIND
        for word, least in (("confirmed", LEAST_OF_A_KIND), ("falls-back", refusals), ("not-eligible", refusals)):
            assert self.counts[word] >= least, self.counts


class _Round:
    """One host's connection by one card, with the settings of one round."""

    def __init__(
        self,
        target: rdma_target.Target,
        card: rdma_cards.Card,
        settings: Mapping[str, str],
        report: _Report,
        number: int,
    ) -> None:
        self._target, self._card, self._settings, self._report = target, card, settings, report
        self._number = number

    def run(self, allocated: Any, *, both: bool) -> None:
        target = self._target
        target.unlink()
        refused = {}
        for drive, nsid in target.nsids.items():
            target.set(nsid, self._settings[drive])
            refused[nsid] = target.enable(nsid)
        for card in target.cards:
            if both or card == self._card:
                target.link([card])
        before = self._report.ask()
        log = rdma_data.Log()
        enabled = [nsid for nsid, error in refused.items() if not error]
        with rdma_target.connected(self._card, len(enabled)) as disks:
            happened = self._heard(log.lines(), refused)
            for nsid, disk in disks.items():
                allocated()
                rdma_data.transfer(disk, rdma_target.disk(self._drive(nsid)), f"{self._number}-{nsid}")
                served, short = allocated()
                if (served > 0, short) != (happened[nsid].word == "confirmed", 0):
                    self._differ(nsid, f"{served} requests had P2P memory, {short} found none", happened[nsid])
            after = self._report.ask()
        for nsid, its in happened.items():
            self._report.counts[its.word] += 1
            self._compare_before(nsid, before[self._card.port, nsid], its)
            self._compare_after(nsid, after[self._card.port, nsid], its, both=both)
        for (port, nsid), state in after.items():
            if port != self._card.port and state["state"] == "confirmed":
                self._differ(nsid, f"nobody is connected to port {port}", state)

    def _drive(self, nsid: int) -> str:
        return next(drive for drive, its in self._target.nsids.items() if its == nsid)

    def _heard(self, lines: Iterable[str], refused: Mapping[int, int]) -> dict[int, Happened]:
        """What the kernel said of each namespace."""
        said = list(lines)
        using = {int(m[2]): Happened("confirmed", m[1], m[0]) for line in said if (m := _USING.fullmatch(line))}
        none = {m[2]: m[0] for line in said if (m := _NONE.fullmatch(line)) and m[1] == self._card.device}
        denied = {m[2]: m[0] for line in said if (m := _DENIED.fullmatch(line)) and m[1] == self._card.address}
        happened = {}
        for drive, nsid in self._target.nsids.items():
            wanted = self._settings[drive]
            if refused[nsid]:
                assert refused[nsid] == errno.EINVAL, (drive, wanted, errno.errorcode[refused[nsid]])
                happened[nsid] = Happened("not-eligible")
            elif wanted == "0":
                happened[nsid] = Happened("off")
            elif nsid in using:
                happened[nsid] = using[nsid]
            else:
                line = none[rdma_target.disk(drive)] if wanted == "1" else denied[wanted]
                happened[nsid] = Happened("falls-back", None, line)
        return happened

    def _compare_before(self, nsid: int, state: State, its: Happened) -> None:
        expected = "predicted" if its.word == "confirmed" else its.word
        named = its.provider is None or its.provider in state["providers"]
        if state["state"] != expected or state["predicted"] != expected or not named:
            self._differ(nsid, f"the kernel: {its}", f"before: {state}")

    def _compare_after(self, nsid: int, state: State, its: Happened, *, both: bool) -> None:
        lines = [one["text"] for one in state["evidence"] if one["kind"] == "log" and one["sure"]]
        if both and state["state"] == "predicted":
            # The other port's host might have been meant: then no word is said for sure.
            right = its.word == "confirmed" and not lines
        elif its.line is None:
            right = state["state"] == its.word and not lines
        else:
            fits = its.line in lines and state["since"] is not None
            right = state["state"] == its.word and (fits or both)
            if its.provider is not None:
                right = right and state["providers"] == [its.provider]
        if not right:
            self._differ(nsid, f"the kernel: {its}", f"after: {state}")

    def _differ(self, nsid: int, *what: object) -> None:
        drive = self._drive(nsid)
        self._report.differ(f"round {self._number}", self._card, f"nsid {nsid}", drive, self._settings[drive], *what)
