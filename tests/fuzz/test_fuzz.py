"""The corpus of every target again, and mutations of it: the same ones at each run."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.fuzz import engine
from tests.fuzz.engine import TARGETS, check_of, corpus
from tests.fuzz.mutating import Mutator

MUTATIONS = {"capture": 60, "sysfs": 12, "document": 60, "nvmetcli": 60, "journal": 150}
"""Of those that are slow: a host is read and shown, a change planned. The others have more."""

INPUTS = [(target, name) for target in TARGETS for name in corpus(target)]


def test_every_target_has_inputs() -> None:
    assert {target for target, _ in INPUTS} == set(TARGETS)


@pytest.mark.parametrize(("target", "name"), INPUTS, ids=str)
def test_an_input_of_the_corpus_is_dealt_with(target: str, name: str) -> None:
    check_of(target)(corpus(target)[name])


@pytest.mark.parametrize("target", TARGETS)
def test_mutations_are_dealt_with(target: str) -> None:
    mutator = Mutator([*corpus(target).values()], seed=1)
    check = check_of(target)
    for _ in range(MUTATIONS.get(target, 400)):
        data = mutator.draw()
        try:
            check(data)
        except Exception as error:
            error.add_note(f"the input: {data!r}")
            raise


def test_an_input_that_fails_is_kept_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With nothing but mutations: what no corpus has is found, and lies beside what was there."""

    def check(data: bytes) -> None:
        if b"\xff" in data:
            raise KeyError

    (tmp_path / "manifest").mkdir()
    (tmp_path / "manifest/start").write_bytes(b"start")
    monkeypatch.setattr(engine, "folder", lambda target: tmp_path / target)
    monkeypatch.setattr(engine, "check_of", lambda _target: check)
    engine.fuzz("manifest", 30, 1, tmp_path, blind=True)
    told = capsys.readouterr().err
    assert "KeyError" in told
    assert f"{engine.EXECUTIONS} " in told
    (found,) = (tmp_path / "manifest").glob("found-*")
    with pytest.raises(KeyError):
        check(found.read_bytes())


def test_an_input_that_hangs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_data: bytes) -> None:
        while True:
            pass

    (tmp_path / "manifest").mkdir()
    monkeypatch.setattr(engine, "folder", lambda target: tmp_path / target)
    monkeypatch.setattr(signal, "alarm", lambda seconds: signal.setitimer(signal.ITIMER_REAL, 0.05 if seconds else 0))
    path = engine.tried("manifest", check, b"endless")
    assert path is not None
    assert path.read_bytes() == b"endless"
