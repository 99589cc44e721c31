"""What fuzzing found, each as what had to be said instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from p2pctl.cli.dashboard_state import Keyboard, load_keys
from p2pctl.cli.failures import error_item
from p2pctl.errors import P2pctlError, UsageError
from p2pctl.model.nvmet import Host, Nvmet
from p2pctl.target.codec import dump_nvmet, dump_plan
from p2pctl.target.journal import Journal
from p2pctl.target.plan import Plan

KEY = "DHHC-1:00:canaryAAAA:"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda data: data.replace(b"taken", b"tak\xffn"), "invalid start byte at byte 5"),
        (lambda data: data[:-2], "at byte "),
        (lambda data: data.replace(b'"taken"', b'"%s"' % KEY.encode()), "KeyError"),
        (lambda data: data.replace(b'"not-read"', b'"%s"' % KEY.encode()), "ValueError"),
    ],
)
def test_a_damaged_record_is_refused_without_its_keys(
    tmp_path: Path, damage: Callable[[bytes], bytes], told: str
) -> None:
    """The reason had the whole record in it, and what a rollback needs are keys, too."""
    whole = dump_nvmet(Nvmet(0.0, present=True, loaded=True, hosts={"nqn.a": Host("nqn.a", {"dhchap_key": KEY})}))
    data = damage(whole)
    assert data != whole
    assert KEY.encode() in data
    place = tmp_path / "txn" / "one"
    place.mkdir(parents=True)
    for name, contents in {"plan": dump_plan(Plan(())), "before": data, "wanted": whole}.items():
        (place / f"{name}.json").write_bytes(contents)
    with pytest.raises(P2pctlError, match=told) as caught:
        Journal(str(tmp_path), "boot").contents("one")
    assert KEY not in repr(error_item(caught.value))
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "text",
    [
        b"app.pause: [p, f5\r\r\r\r1]\n",
        b"app.pause: " + b"x" * 100_000,
        b"'app.%s': p\n" % (b"x" * 100_000),
        b'"app\\n.pause": p\n',
        b"app.pause: *%s\n" % (b"x" * 100_000),
    ],
)
def test_what_is_wrong_with_the_keys_is_one_short_line(tmp_path: Path, text: bytes) -> None:
    """The message repeated a key or a name as it stood there, whatever its length and number of lines."""
    file = tmp_path / "keys.yaml"
    file.write_bytes(text)
    keyboard = Keyboard(lambda: frozenset({"app.pause"}), frozenset, lambda _key: False)
    with pytest.raises(UsageError) as caught:
        load_keys(file, keyboard)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < len(str(file)) + 120
