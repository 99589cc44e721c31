"""Finds Debian kernels and unpacks them into the harness's cache; nothing is installed."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import textwrap
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tests.vm import cache, packages
from tests.vm.apt import Archive
from tests.vm.cache import UnavailableError

P2PDMA_FROM = (6, 16)
"""The first series that Debian builds with CONFIG_PCI_P2PDMA."""
NO_P2PDMA_TO = (6, 12)
"""The last series that Debian built without it."""

STALE_SECONDS = 24 * 3600
"""After so long the mirror is asked again whether a series has a newer kernel."""
PAUSE_SECONDS = 3600
"""How long a mirror that did not answer is left alone."""
UNUSED_SECONDS = 7 * 24 * 3600
"""After so long a kernel that was superseded is deleted: no run that began with it is still under way."""

_NAME = re.compile(r"linux-(?:image|modules)-(\d+\.\d+\.\d+(?:-\d+)?(?:\+deb[\d.]+)?)-amd64")

Series = tuple[int, int]


@dataclass(frozen=True)
class Kernel:
    """An unpacked kernel. `note` says what is not as asked: it stands in for a series, or may not be the newest."""

    series: str
    release: str
    image: Path
    modules_dir: Path
    note: str

    @property
    def has_p2pdma(self) -> bool:
        """Whether Debian builds this kernel with PCI peer-to-peer DMA."""
        return series_of(self.release) >= P2PDMA_FROM


def series_of(release: str) -> Series:
    """Returns (6, 18) for "6.18.15+deb13". Raises ValueError for what is no release."""
    matched = re.match(r"(\d+)\.(\d+)", release)
    if not matched:
        raise ValueError(f"not a kernel series: {release!r}")
    return int(matched[1]), int(matched[2])


def parts(release: str, names: Collection[str]) -> list[str]:
    """Returns the packages that make up a release, or nothing when some are not on offer.

    Newer kernels are split into image, modules and base; the archive keeps the signed image of an
    old one longer than its modules, so a split kernel may be listed and yet be incomplete.
    """
    modules, base = f"linux-modules-{release}-amd64", f"linux-base-{release}-amd64"
    signed, unsigned = f"linux-binary-{release}-amd64", f"linux-binary-unsigned-{release}-amd64"
    if modules in names:
        binary = [name for name in (signed, unsigned) if name in names][:1]
        return [modules, *binary, *([base] if base in names else [])] if binary else []
    image = f"linux-image-{release}-amd64"
    return [image] if image in names and signed not in names else []


def choose(series: str, names: Collection[str]) -> tuple[str, str]:
    """Returns the newest complete release of a series and a note.

    When the series is gone, the numerically nearest series of the same meaning (with or without
    P2PDMA) stands in, and the note says so. Raises UnavailableError when there is none.
    """
    wanted = series_of(series)
    releases = {matched[1] for name in names if (matched := _NAME.fullmatch(name))}
    usable = [release for release in releases if parts(release, names)]
    found = {series_of(release) for release in usable if _same_meaning(wanted, series_of(release))}
    if not found:
        raise UnavailableError(f"the archive has neither kernel {series} nor one that can stand in for it")
    nearest = min(found, key=lambda other: (abs(_line(other) - _line(wanted)), -_line(other)))
    newest = max((release for release in usable if series_of(release) == nearest), key=_natural)
    note = "" if nearest == wanted else f"series {series} is gone from the archive; {newest} stands in for it"
    return newest, note


def fetch(series: str, refresh: bool = False) -> Kernel:
    """Returns the newest kernel of the series: the cached one, or a newer one that the machine's Debian mirror has.

    The mirror is asked when there is no kernel in the cache, when it was last asked more than a day ago, and with
    `refresh`. When it cannot be asked a cached kernel serves, and its note says so. Raises UnavailableError when there
    is no kernel to be had, ValueError for a series that is not a number.
    """
    if platform.machine() != "x86_64":
        raise UnavailableError(f"the machines booted here are x86_64, this host is {platform.machine()}")
    series_of(series)
    store = cache.root() / "kernels"
    with cache.lock("kernels"):
        kept = None if refresh else _remembered(store, series)
        if kept is None:
            try:
                kernel = _obtain(Archive(), store, series, refresh)
            except UnavailableError as error:
                # The mirror may have moved on since its lists were read, or just have stumbled.
                print(f"{error}; trying once more", flush=True)
                kernel = _obtain(Archive(), store, series, refresh=True)
        else:
            kernel = _renewed(store, series, kept)
        os.utime(_home(kernel, store))
        _tidy(store)
    print(f"kernel {series}: {kernel.release}{f' ({kernel.note})' if kernel.note else ''}", flush=True)
    return kernel


def as_dict(kernel: Kernel) -> dict[str, str]:
    """Returns the kernel as plain strings, for a report."""
    return {key: str(value) for key, value in asdict(kernel).items()}


def _same_meaning(wanted: Series, other: Series) -> bool:
    if wanted >= P2PDMA_FROM:
        return other >= P2PDMA_FROM
    if wanted <= NO_P2PDMA_TO:
        return other <= NO_P2PDMA_TO
    return other == wanted


def _line(series: Series) -> int:
    # Every major version since 3.x has had about 20 minor ones, which makes 6.19 and 7.0 neighbours.
    return series[0] * 20 + series[1]


def _natural(release: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", release)]


@dataclass(frozen=True)
class _Memory:
    """What is cached for a series: a directory, when it was known to be the newest, and a try that failed since."""

    home: str
    note: str
    asked: float
    tried: float = 0
    trouble: str = ""


def _obtain(archive: Archive, store: Path, series: str, refresh: bool, *, news: bool = False) -> Kernel:
    """Asks for the newest kernel and unpacks it. With `news`, raises UnavailableError unless the mirror answered."""
    names = archive.names(refresh)
    if news and not archive.heard:
        raise UnavailableError("it does not answer")
    release, note = choose(series, names)
    home = store / release
    if not home.exists():
        _unpack(archive, parts(release, names), home)
    kernel = _describe(series, home, note)
    _remember(store, series, _Memory(release, note, time.time()))
    return kernel


def _renewed(store: Path, series: str, memory: _Memory) -> Kernel:
    """Returns the kernel that is remembered, or the newest one when it is time to ask; best effort."""
    now = time.time()
    # A time in the future is one from before the clock was set: it vouches for nothing.
    if not 0 <= now - memory.asked < STALE_SECONDS:
        if not 0 <= now - memory.tried < PAUSE_SECONDS:
            try:
                return _obtain(Archive(), store, series, refresh=False, news=True)
            except (UnavailableError, OSError, subprocess.SubprocessError) as error:
                memory = replace(memory, tried=now, trouble=textwrap.shorten(str(error), 160))
                _remember(store, series, memory)
        last = time.strftime("%Y-%m-%d", time.gmtime(memory.asked))
        stale = f"the newest as of {last}; the mirror could not be asked since: {memory.trouble}"
        memory = replace(memory, note="; ".join(filter(None, (memory.note, stale))))
    return _describe(series, store / memory.home, memory.note)


def _remember(store: Path, series: str, memory: _Memory) -> None:
    (store / f"{series}.json").write_text(json.dumps(asdict(memory)))


def _remembered(store: Path, series: str) -> _Memory | None:
    """What is cached for a series; None when nothing usable is."""
    file = store / f"{series}.json"
    try:
        memory = _Memory(**{"asked": file.stat().st_mtime, **json.loads(file.read_text())})
        _describe(series, store / memory.home, memory.note)
    except (OSError, ValueError, TypeError, UnavailableError):
        return None
    return memory


def _home(kernel: Kernel, store: Path) -> Path:
    return store / kernel.image.relative_to(store).parts[0]


def _tidy(store: Path) -> None:
    """Deletes kernels that no series uses any more, unless a run may still do."""
    used = {memory.home for file in store.glob("*.json") if (memory := _remembered(store, file.stem))}
    for home in store.iterdir():
        if home.is_dir() and home.name not in used and time.time() - home.stat().st_mtime > UNUSED_SECONDS:
            print(f"deleting kernel {home.name}, unused for a week", flush=True)
            shutil.rmtree(home)


def _describe(series: str, home: Path, note: str) -> Kernel:
    for modules in sorted(home.glob("usr/lib/modules/*")):
        for image in (*home.glob("boot/vmlinuz-*"), *modules.glob("vmlinuz*")):
            if (modules / "modules.dep").exists():
                return Kernel(series, modules.name, image, modules, note)
    raise UnavailableError(f"the kernel under {home} has no image or no modules; remove it and prepare again")


def _unpack(archive: Archive, wanted: list[str], home: Path) -> None:
    part, debs = (home.with_name(home.name + suffix) for suffix in (".part", ".debs"))
    for directory in (part, debs):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
    print(f"downloading {' '.join(wanted)}", flush=True)
    for package in archive.download(wanted, debs):
        subprocess.run(["dpkg", "-x", package, part], check=True)
    shutil.rmtree(debs)
    # Where depmod looks, and where a package puts its modules, differ between Debian releases.
    if not (part / "usr/lib/modules").exists():
        (part / "usr/lib").mkdir(parents=True, exist_ok=True)
        (part / "usr/lib/modules").symlink_to("../../lib/modules")
    if not (part / "lib").exists():
        (part / "lib").symlink_to("usr/lib")
    for modules in sorted((part / "usr/lib/modules").iterdir()):
        subprocess.run([packages.program("depmod"), "-b", part, modules.name], check=True)
    part.rename(home)
