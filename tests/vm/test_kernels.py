"""Which kernel a series stands for, and when the mirror is asked; no mirror and no machine is needed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.vm import kernels
from tests.vm.cache import UnavailableError

SPLIT = ("linux-image-7.2.12+deb13-amd64", "linux-modules-7.2.12+deb13-amd64", "linux-binary-7.2.12+deb13-amd64")
UNSIGNED = (
    "linux-modules-7.3.4+deb13-amd64",
    "linux-binary-unsigned-7.3.4+deb13-amd64",
    "linux-base-7.3.4+deb13-amd64",
)
WHOLE = ("linux-image-6.12.94+deb12-amd64", "linux-image-6.12.107+deb13-amd64", "linux-image-6.1.0-50-amd64")
LEFTOVER = ("linux-image-6.19.14+deb13-amd64", "linux-binary-6.19.14+deb13-amd64")
OTHERS = ("linux-image-6.12.107+deb13-rt-amd64", "linux-image-6.12.107+deb13-amd64-dbg", "linux-image-amd64")
NAMES = frozenset((*SPLIT, *UNSIGNED, *WHOLE, *LEFTOVER, *OTHERS))


@pytest.mark.parametrize(
    ("series", "release"), [("7.3", "7.3.4+deb13"), ("6.12", "6.12.107+deb13"), ("6.1", "6.1.0-50")]
)
def test_the_newest_complete_release_of_a_series_is_chosen(series: str, release: str) -> None:
    assert kernels.choose(series, NAMES) == (release, "")


@pytest.mark.parametrize(
    ("series", "release"),
    [("6.18", "7.2.12+deb13"), ("8.0", "7.3.4+deb13"), ("5.10", "6.1.0-50"), ("6.10", "6.12.107+deb13")],
)
def test_the_nearest_series_of_the_same_meaning_stands_in(series: str, release: str) -> None:
    chosen, note = kernels.choose(series, NAMES)
    assert chosen == release
    assert series in note
    assert release in note


def test_no_kernel_without_p2pdma_stands_in_for_one_with_it() -> None:
    with pytest.raises(UnavailableError):
        kernels.choose("6.18", frozenset(WHOLE))
    with pytest.raises(UnavailableError):
        kernels.choose("6.14", NAMES)


def test_a_split_kernel_needs_all_its_parts() -> None:
    assert kernels.parts("7.3.4+deb13", NAMES) == list(UNSIGNED)
    assert kernels.parts("6.19.14+deb13", NAMES) == []
    assert kernels.parts("7.2.12+deb13", NAMES) == [SPLIT[1], SPLIT[2]]


class Mirror:
    """Stands in for the archive: what it offers, whether it answers, how often it was asked."""

    def __init__(self, *releases: str) -> None:
        self.releases = releases
        self.answers = True
        self.asked = 0
        self.heard = False

    def __call__(self) -> Mirror:
        return self

    def names(self, refresh: bool = False) -> frozenset[str]:
        self.asked += 1
        self.heard = self.answers
        if refresh and not self.answers:
            raise UnavailableError("no kernel packages")
        return frozenset(f"linux-image-{release}-amd64" for release in self.releases)


def unpack(_archive: Mirror, wanted: Collection[str], home: Path) -> None:
    modules = home / "usr/lib/modules" / f"{home.name}-amd64"
    modules.mkdir(parents=True)
    (home / "boot").mkdir()
    (home / "boot" / f"vmlinuz-{home.name}").write_text(" ".join(wanted))
    (modules / "modules.dep").touch()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """A mirror with one 7.3 kernel, and an empty cache."""
    made = Mirror("7.3.4+deb13")
    monkeypatch.setenv("P2PCTL_VM_CACHE", str(tmp_path))
    monkeypatch.setattr(kernels, "Archive", made)
    monkeypatch.setattr(kernels, "_unpack", unpack)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    (tmp_path / "kernels").mkdir()
    return made


def age(directory: Path, series: str = "7.3", **seconds: float) -> None:
    """Moves the times that are remembered for a series into the past."""
    file = directory / "kernels" / f"{series}.json"
    memory = json.loads(file.read_text())
    file.write_text(json.dumps({**memory, **{key: memory[key] - value for key, value in seconds.items()}}))


def test_a_remembered_kernel_serves_for_a_day(mirror: Mirror, tmp_path: Path) -> None:
    kernels.fetch("7.3")
    mirror.releases = ("7.3.9+deb13",)
    age(tmp_path, asked=23 * 3600)
    assert kernels.fetch("7.3").release == "7.3.4+deb13-amd64"
    assert mirror.asked == 1


def test_after_a_day_the_newest_kernel_is_another(mirror: Mirror, tmp_path: Path) -> None:
    kernels.fetch("7.3")
    mirror.releases = ("7.3.4+deb13", "7.3.9+deb13")
    age(tmp_path, asked=25 * 3600)
    for _ in range(2):
        kernel = kernels.fetch("7.3")
        assert (kernel.release, kernel.note) == ("7.3.9+deb13-amd64", "")
    assert mirror.asked == 2


def test_the_cache_of_an_older_harness_is_as_old_as_its_file(mirror: Mirror, tmp_path: Path) -> None:
    kernels.fetch("7.3")
    file = tmp_path / "kernels/7.3.json"
    file.write_text(json.dumps({"home": "7.3.4+deb13", "note": ""}))
    kernels.fetch("7.3")
    assert mirror.asked == 1
    os.utime(file, (0, 0))
    kernels.fetch("7.3")
    assert mirror.asked == 2


def test_offline_the_cached_kernel_serves_and_says_so(mirror: Mirror, tmp_path: Path) -> None:
    kernels.fetch("7.3")
    mirror.answers = False
    age(tmp_path, asked=25 * 3600)
    for _ in range(3):
        kernel = kernels.fetch("7.3")
        assert kernel.release == "7.3.4+deb13-amd64"
        assert "could not be asked" in kernel.note
    assert mirror.asked == 2, "a mirror that does not answer is left alone for a while"
    mirror.answers = True
    age(tmp_path, tried=2 * 3600)
    assert kernels.fetch("7.3").note == ""
    assert mirror.asked == 3


def test_a_superseded_kernel_is_deleted_when_no_run_can_still_use_it(mirror: Mirror, tmp_path: Path) -> None:
    old = tmp_path / "kernels/7.3.4+deb13"
    kernels.fetch("7.3")
    kernels.fetch("7.2")
    mirror.releases = ("7.3.9+deb13",)
    kernels.fetch("7.3", refresh=True)
    week = time.time() - 8 * 24 * 3600
    os.utime(old, (week, week))
    kernels.fetch("7.3")
    assert old.exists(), "it still stands in for another series"
    kernels.fetch("7.2", refresh=True)
    assert not old.exists()
    assert (tmp_path / "kernels/7.3.9+deb13").exists()
