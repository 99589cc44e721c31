"""A target that is followed by its events is the target that a full look finds."""

from __future__ import annotations

import contextlib
import random

import pytest

from p2pctl.hardware.nvmet import read_nvmet
from p2pctl.hardware.nvmet_follow import MOST, directories, read_changed
from p2pctl.hardware.reading import Reader
from p2pctl.kernel import Files
from p2pctl.model.nvmet import ROOT, Nvmet
from p2pctl.simulator.door import DemoDoor
from p2pctl.simulator.nodes import refused
from tests.trees import tree

NAMES = ("nqn.one", "nqn.two", "nqn.10", "nqn.9")


def _whole(files: Files) -> Nvmet:
    return read_nvmet(Reader(files), 1.0)


def _step(files: Files, chance: random.Random) -> None:
    """One change that somebody may try; many of them fail, as they would."""
    nqn, host, port, number = chance.choice(NAMES), chance.choice(NAMES), chance.choice("123"), chance.randint(1, 12)
    subsystem, space = f"{ROOT}/subsystems/{nqn}", f"{ROOT}/subsystems/{nqn}/namespaces/{number}"
    changes = (
        lambda: files.mkdir(subsystem),
        lambda: files.mkdir(f"{ROOT}/hosts/{host}"),
        lambda: files.mkdir(f"{ROOT}/ports/{port}"),
        lambda: files.mkdir(space),
        lambda: files.mkdir(f"{ROOT}/subsystems/{nqn}/namespaces/0{number:o}"),
        lambda: files.mkdir(f"{ROOT}/ports/{port}/ana_groups/{number}"),
        lambda: files.mkdir(f"{ROOT}/ports/{port}/referrals/{host}"),
        lambda: files.symlink(f"{ROOT}/hosts/{host}", f"{subsystem}/allowed_hosts/{host}"),
        lambda: files.symlink(subsystem, f"{ROOT}/ports/{port}/subsystems/{nqn}"),
        lambda: files.write(f"{space}/device_path", b"/dev/null"),
        lambda: files.write(f"{space}/ana_grpid", str(number).encode()),
        lambda: files.write(f"{space}/enable", chance.choice((b"0", b"1"))),
        lambda: files.write(f"{subsystem}/attr_allow_any_host", chance.choice((b"0", b"1"))),
        lambda: files.write(f"{ROOT}/ports/{port}/addr_traddr", b"192.0.2.10"),
        lambda: files.unlink(f"{subsystem}/allowed_hosts/{host}"),
        lambda: files.unlink(f"{ROOT}/ports/{port}/subsystems/{nqn}"),
        lambda: files.rmdir(f"{ROOT}/ports/{port}/ana_groups/{number}"),
        lambda: files.rmdir(f"{ROOT}/ports/{port}/referrals/{host}"),
        lambda: files.rmdir(chance.choice((space, subsystem, f"{ROOT}/ports/{port}", f"{ROOT}/hosts/{host}"))),
    )
    with contextlib.suppress(OSError):
        chance.choice(changes)()


def _ordered(target: Nvmet) -> str:
    """All of it with the order of everything; the time apart."""
    return repr(target._replace(taken=0.0))


@pytest.mark.parametrize("seed", range(6))
def test_what_was_followed_is_what_is_there(seed: int) -> None:
    """After each burst of changes: the directories that are watched tell enough, and what is read again is enough."""
    chance = random.Random(seed)  # noqa: S311  the same changes at every run
    door = DemoDoor(lambda: 0.0)
    news = door.events()
    news.watch(tuple(directories(door.files)))
    followed = _whole(door.files)
    parts = 0
    for _ in range(120):
        for _ in range(chance.choice((1, 1, 2, 8))):
            _step(door.files, chance)
        paths = [one.path for one in news.wait(0)]
        news.watch(tuple(directories(door.files)))
        again = read_changed(Reader(door.files), followed, paths, 2.0)
        parts += again is not None and bool(paths)
        followed = again or _whole(door.files)
        assert _ordered(followed) == _ordered(_whole(door.files)), paths
    assert parts > 40, "few of them were followed in parts"


def test_only_what_was_touched_is_read() -> None:
    """A namespace by itself: nothing else is so much as opened, and all else is the same object."""
    door = DemoDoor(lambda: 0.0)
    before = _whole(door.files)
    nqn, subsystem = next((nqn, one) for nqn, one in before.subsystems.items() if len(one.namespaces) > 1)
    first, second, *_ = subsystem.namespaces
    path = f"{ROOT}/subsystems/{nqn}/namespaces/{first}"

    class Watched:
        """Files that tell what was asked of them."""

        asked: list[str] = []  # noqa: RUF012

        def __getattr__(self, name: str) -> object:
            def ask(path: str) -> object:
                self.asked.append(path)
                return getattr(door.files, name)(path)

            return ask

    watched = Watched()
    after = read_changed(Reader(watched), before, [f"{path}/p2pmem", f"{path}/enable"], 5.0)  # type: ignore[arg-type]
    assert after == before._replace(taken=5.0)
    assert watched.asked
    assert all(one == path or one.startswith(f"{path}/") for one in watched.asked)
    assert after is not None
    assert after.subsystems[nqn].namespaces[second] is subsystem.namespaces[second]
    assert after.ports is before.ports


@pytest.mark.parametrize(
    "paths",
    [
        [f"{ROOT}/discovery_nqn"],
        [ROOT],
        ["/sys/kernel/config/other"],
        [f"{ROOT}/subsystems"],
        [f"{ROOT}/new/thing"],
        [f"{ROOT}/subsystems/nqn.nobody/namespaces/1"],
        [f"{ROOT}/subsystems/nqn.nobody/namespaces/none"],
        [f"{ROOT}/hosts/{number}" for number in range(MOST + 1)],
    ],
)
def test_what_is_not_understood_is_read_whole(paths: list[str]) -> None:
    """The root's own attributes, kinds that nobody knows, and too much at once."""
    door = DemoDoor(lambda: 0.0)
    assert read_changed(Reader(door.files), _whole(door.files), paths, 2.0) is None


def test_a_target_that_was_not_there_is_read_whole() -> None:
    nothing = _whole(tree({}))
    assert nothing.present is False
    assert read_changed(Reader(DemoDoor().files), nothing, [f"{ROOT}/hosts/a"], 2.0) is None


def test_gaps_of_what_is_read_again_are_replaced() -> None:
    """One that is filled is gone, one that is new is there, and those of other objects stay."""
    closed, host = refused(13), f"{ROOT}/hosts"
    before = _whole(tree({f"{host}/a/x": closed, f"{host}/ab/x": closed, f"{host}/c/x": b"1\n"}))
    files = tree({f"{host}/a/x": b"1\n", f"{host}/ab/x": closed, f"{host}/c/x": closed})
    after = read_changed(Reader(files), before, [f"{host}/a/x", f"{host}/c/x"], 2.0)
    assert after is not None
    assert [gap.path for gap in before.gaps] == [f"{host}/a/x", f"{host}/ab/x"]
    assert [gap.path for gap in after.gaps] == [f"{host}/ab/x", f"{host}/c/x"]
    assert after.hosts["a"].attributes == {"x": "1"}
