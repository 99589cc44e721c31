"""What a command works with: a door to the facts, and a way out for what it found."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection
from functools import cached_property
from typing import TYPE_CHECKING

import typer

from p2pctl.cli import output
from p2pctl.cli.doors import open_door
from p2pctl.cli.framework import GLOBALS
from p2pctl.cli.narrate import Narrator
from p2pctl.cli.options import Globals, output_variable
from p2pctl.cli.terminal import is_terminal, look
from p2pctl.errors import UsageError
from p2pctl.render.formats import Format, Result, lines
from p2pctl.render.report import Report

if TYPE_CHECKING:
    from p2pctl.kernel import Door
    from p2pctl.model.address import Address
    from p2pctl.model.snapshot import PartName, Snapshot


class Session:
    """One run of one command."""

    def __init__(self, options: Globals) -> None:
        self.options = options
        self.narrator = Narrator(options.level, options.color or "auto")

    @classmethod
    def of(cls, ctx: typer.Context) -> Session:
        """The session of a command that was called with these global options. Raises UsageError."""
        session = cls(ctx.meta[GLOBALS])
        # A format that does not exist is told before the host is read.
        session.narrator.detail(f"output: {session.format}")
        return session

    @cached_property
    def door(self) -> Door:
        """The source of facts, opened when the first one is wanted."""
        return open_door(self.options)

    @cached_property
    def format(self) -> Format:
        """The output format. Raises UsageError for an unknown one in the environment."""
        chosen = self.options.output or output_variable()
        return chosen or ("table" if is_terminal(sys.stdout) else "plain")

    def only(self, *formats: Format) -> Format:
        """The output format. Raises UsageError where it is none of these, the only ones that a command has."""
        if self.format not in formats:
            raise UsageError(f"this command has no {self.format} output", hint=f"use -o {', '.join(formats)}")
        return self.format

    def snapshot(self, parts: Collection[PartName], *, wake: bool = False) -> Snapshot:
        """Reads parts of the host; ``wake`` may wake sleeping devices."""
        from p2pctl.hardware.snapshot import take  # noqa: PLC0415  --help and --version read nothing

        self.narrator.detail(f"reading {', '.join(sorted(parts))}")
        return take(self.door, parts, wake=wake)

    def extended(self, snapshot: Snapshot, parts: Collection[PartName], *, wake: bool = False) -> Snapshot:
        """The snapshot with parts that it does not have yet."""
        from p2pctl.hardware.snapshot import extend  # noqa: PLC0415

        if parts:
            self.narrator.detail(f"reading {', '.join(sorted(parts))}, too")
        return extend(self.door, snapshot, parts, wake=wake)

    def device(self, parts: Collection[PartName], name: str, *, wake: bool = False) -> tuple[Snapshot, Address]:
        """Reads parts and finds the function that ``name`` means; a path is followed where it leads on this source.

        Raises UsageError, NotFoundError, DeniedError.
        """
        from p2pctl.resolver.selectors import find_device  # noqa: PLC0415

        snapshot = self.snapshot(parts, wake=wake)
        return snapshot, find_device(snapshot, self.followed(name))

    def followed(self, name: str) -> str:
        """A path with its links followed, as they lead on this source; any other name as it is."""
        if name.startswith("/"):
            with contextlib.suppress(OSError):
                return self.door.files.realpath(name)
        return name

    def device_links(self, snapshot: Snapshot) -> dict[str, str]:
        """Where those device paths of the target's namespaces lead that are no kernel name: /dev/disk/by-id/..."""
        disks = snapshot.block.devices if snapshot.block else {}
        subsystems = snapshot.nvmet.subsystems.values() if snapshot.nvmet else ()
        paths = {one.attributes.get("device_path") for each in subsystems for one in each.namespaces.values()}
        links = (path for path in paths if isinstance(path, str) and path.startswith("/dev/"))
        return {path: self.followed(path) for path in links if path.rpartition("/")[2] not in disks}

    def show(self, result: Result) -> None:
        """Writes a result to stdout in the format asked for. What a plain list has no place for goes to stderr."""
        form = self.format
        # A reader who has had enough, such as head, has no say in the exit code.
        with contextlib.suppress(output.ReaderGoneError):
            output.write_lines(lines(result, form, look(sys.stdout, self.options.color or "auto")))
        if form in {"plain", "csv"} and isinstance(result, Report):
            self._aside(result)

    def _aside(self, report: Report) -> None:
        from p2pctl.render.notes import asides, emptiness  # noqa: PLC0415  only lists for people have remarks

        if not report.items:
            self.narrator.note(emptiness(report))
        for note in asides(report):
            self.narrator.note(note)
