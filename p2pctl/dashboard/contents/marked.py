"""Two devices that somebody marked: what explains them, and the way between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from p2pctl.dashboard.contents.pair import Explanation, Pair, case_of_pair, said, title_of, trail
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.remembered import Remembered
from p2pctl.errors import NotFoundError
from p2pctl.model.address import Address

HINT = "Mark two devices with x: it is explained whether and why they may do P2P. Enter: all about a device."


def device_of(picture: Picture, key: str) -> Address | None:
    """The device that a line of the tree is about; None for a bridge, which neither lends nor uses memory."""
    address = Address.parse(key)
    device = picture.verdicts.names.devices.get(address) if address else None
    return None if device is None or device.function.is_bridge else address


class Marked:
    """The pairs that two devices are: two where either has memory to lend, none until there are two devices."""

    def __init__(self) -> None:
        self.pairs: tuple[Pair, ...] = ()
        self.explanation = Explanation()
        self._kept = Remembered()

    def choose(self, pairs: Sequence[Pair]) -> bool:
        """Makes these the pairs; whether they are others."""
        changed = self.pairs != tuple(pairs)
        self.pairs = tuple(pairs)
        self.explanation = Explanation(*self.pairs)
        return changed

    def way(self, picture: Picture, dot: str) -> Mapping[str, str]:
        """What each node of the tree is to them, as `trail` gives it; nothing once one of them is gone."""
        return self._kept.of("way", (picture.verdicts, self.pairs), lambda: self._trail(picture, dot))

    def _trail(self, picture: Picture, dot: str) -> Mapping[str, str]:
        if not self.pairs:
            return {}
        try:
            return trail(case_of_pair(picture, self.pairs[0]).verdict, dot)
        except NotFoundError:
            return {}

    def title(self, picture: Picture) -> str:
        """Who lends, and who uses."""
        return title_of(picture.verdicts.names, self.pairs[0])

    def told(self, picture: Picture, chosen: Sequence[str], remark: str = "") -> str:
        """The verdict about the marked pair, or how to get one; before that ``remark``."""
        if self.pairs:
            return self._verdict(picture)
        return f"{remark}{f'{chosen[0]} is marked: x on another device explains the two.' if chosen else HINT}"

    def _verdict(self, picture: Picture) -> str:
        try:
            sentences = [said(picture, pair) for pair in self.pairs]
        except NotFoundError:
            return "One of the marked devices is gone."
        return f"{sentences[0]}{' And the other way round: w.' if len(sentences) > 1 else ' w: why.'}"
