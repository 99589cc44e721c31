"""Only what is asked for, and could not be read, leaves open whether something differs."""

from __future__ import annotations

from p2pctl.model.facts import ABSENT, UNREADABLE, Gap
from p2pctl.model.nvmet import ROOT, Host, Nvmet, Subsystem
from p2pctl.target.diff import plan
from p2pctl.target.merge import merge
from p2pctl.target.unknowns import assumed_alike, unknowns
from p2pctl.target.wishes import HostWish, SubsystemWish, Wishes

H, S = "nqn.h", "nqn.s"
KEY, MODEL = f"{ROOT}/hosts/{H}/dhchap_key", f"{ROOT}/subsystems/{S}/attr_model"
LIVE = Nvmet(
    0.0,
    present=True,
    loaded=True,
    hosts={H: Host(H, {"dhchap_key": UNREADABLE, "dhchap_hash": "hmac(sha256)"})},
    subsystems={S: Subsystem(S, {"attr_model": UNREADABLE, "attr_serial": "A", "attr_gone": ABSENT})},
    gaps=(Gap("nvmet attribute", "dhchap_key", KEY, 13, "root"), Gap("nvmet attribute", "attr_model", MODEL, 5, "")),
)


def unknown(wishes: Wishes, live: Nvmet = LIVE) -> tuple[str, ...]:
    return unknowns(live, merge(live, wishes).wanted, wishes)


def test_what_nobody_asks_for_may_stay_unknown() -> None:
    assert unknown(Wishes(subsystems={S: SubsystemWish(attributes={"attr_serial": "B"})})) == ()
    assert unknown(Wishes(hosts={H: HostWish(absent=True)})) == ()


def test_what_is_asked_for_may_not_nor_a_key_that_is_to_be_there() -> None:
    assert unknown(Wishes(subsystems={S: SubsystemWish(attributes={"attr_model": "M"})})) == (MODEL,)
    assert unknown(Wishes(hosts={H: HostWish(withheld=("dhchap_key",))})) == (KEY,)


def test_a_directory_that_could_not_be_read_may_hold_anything() -> None:
    path = f"{ROOT}/subsystems/{S}/namespaces"
    assert unknown(Wishes(), LIVE._replace(gaps=(Gap("nvmet", None, path, 13, "root"),))) == (path,)


def test_what_differs_for_certain_is_told_from_what_may() -> None:
    """Assumed to be as it is wanted, an unknown attribute is no difference; a known one still is."""
    perhaps = Wishes(subsystems={S: SubsystemWish(attributes={"attr_model": "M"})})
    surely = Wishes(subsystems={S: SubsystemWish(attributes={"attr_model": "M", "attr_serial": "B"})})
    for wishes, files in ((perhaps, []), (surely, ["attr_serial"])):
        wanted = merge(LIVE, wishes).wanted
        assumed = assumed_alike(LIVE, wanted, unknown(wishes))
        assert [step.name for step in plan(assumed, wanted).steps] == files
