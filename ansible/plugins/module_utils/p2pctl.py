# Copyright (c) the p2pctl authors
# MIT License (see LICENSE)
"""Runs the p2pctl binary for the modules of this collection: it is never imported, and need not share their Python."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, NamedTuple, Sequence

from ansible.module_utils.basic import AnsibleModule

Json = Dict[str, Any]

OLDEST = (0, 1)
"""The first version whose commands these modules know."""

KEYS = ("dhchap_key", "dhchap_ctrl_key")
"""What of a host is secret."""

BINARY: Json = {
    "executable": {"type": "path", "default": "p2pctl"},
    "demo": {"type": "bool", "default": False},
    "capture": {"type": "path"},
    "sysroot": {"type": "path"},
}
CHANGING: Json = {
    "disruption": {"type": "str", "choices": ["none", "namespace", "port", "all"]},
    "load": {"type": "bool", "default": False},
    "lock_timeout": {"type": "float", "default": 30.0},
}

_ONE_SOURCE = ("demo", "capture", "sysroot")
"""Where facts come from: one of them, or the host itself."""
_PLACES = ["/usr/local/bin", "/opt/p2pctl/bin"]
"""Where it may be installed and root's path does not lead."""
_VERSION = re.compile(r"^p2pctl (\d+)\.(\d+)\S*$")
_KEY = re.compile(r"DHHC-1:[^\s\"'\\,}]+")
"""A key in a text."""
_SHOWN = 300
"""Characters of an answer that a message quotes."""


class FailureError(Exception):
    """p2pctl, or what was run in its name, did not do what was asked.

    ``error`` tells of it in the form of p2pctl's own errors; ``facts`` are what else the module's result says.
    """

    def __init__(self, message: str, hint: str | None = None, error: Json | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.error: Json = {"message": message, "hint": hint, **(error or {})}
        self.facts = facts

    @property
    def text(self) -> str:
        """The message, and what to do about it."""
        return f"{self} ({self.error['hint']})" if self.error["hint"] else str(self)


class Module(AnsibleModule):  # type: ignore[misc]  # nothing of Ansible's is annotated
    """A module that keeps DH-CHAP keys out of the log and its results, wherever in its parameters they stand.

    Both before parameters are judged, since a judgement quotes them, and afterwards, when texts have become documents.
    """

    def _load_params(self) -> None:
        super()._load_params()
        self.no_log_values.update(keys_in(self.params))

    def _log_invocation(self) -> None:
        self.no_log_values.update(keys_in(self.params))
        super()._log_invocation()


class Answer(NamedTuple):
    """What a run of p2pctl said."""

    document: Json | None
    error: Json | None
    """Of a run that failed; there may be a document about it as well."""
    said: list[str]
    """Lines on stderr."""

    @property
    def items(self) -> list[Json]:
        """The items of the document."""
        return list(self.document["items"]) if self.document else []

    @property
    def item(self) -> Json:
        """The one item of a document about a change; empty without it."""
        return self.items[0] if self.items else {}


class P2pctl:
    """The binary on the managed host, found and of a version that is known."""

    def __init__(self, module: Any) -> None:
        """Raises FailureError where there is none, or another program by that name."""
        self._module = module
        self._path = self._found(module.params["executable"])
        self._source = list(_source(module.params))
        self.version = self._asked_version()

    def ask(self, kind: str, words: Sequence[str], stdin: str | None = None, operands: Sequence[str] = ()) -> Answer:
        """The answer to a command, in JSON; ``kind`` is what its schema has to name.

        ``operands`` may begin with a dash and are no options all the same. Raises FailureError for what is no answer of
        p2pctl's.
        """
        rc, out, err = self._run([*self._source, *words, "-o", "json", *(["--", *operands] if operands else [])], stdin)
        error, said = _errors(err)
        document = self._document(kind, rc, out, err) if out.strip() else None
        if document is None and error is None:
            raise FailureError(f"{self._ended(rc)} and said nothing that can be read: {_quoted(err)}", rc=rc)
        if rc and error is None:
            error = {"code": rc, "message": self._ended(rc)}
        return Answer(document, error if rc else None, said)

    def text(self, words: Sequence[str]) -> Any:
        """What a command prints that has a syntax of its own, from JSON. Raises FailureError where it fails."""
        rc, out, err = self._run([*self._source, *words, "-o", "json"], None)
        if rc:
            raise failure(_errors(err)[0] or {"code": rc, "message": f"{self._ended(rc)}: {_quoted(err)}"})
        return self._loaded(rc, out, err)

    def _document(self, kind: str, rc: int, out: str, err: str) -> Json:
        document = self._loaded(rc, out, err)
        schema = document.get("schema") if isinstance(document, dict) else None
        if (
            not isinstance(document, dict)
            or schema != f"p2pctl.{kind}/1"
            or not isinstance(document.get("items"), list)
        ):
            raise FailureError(
                f"p2pctl {self.version} answers in a form that this collection does not know: {_quoted(str(schema))}, "
                f"not p2pctl.{kind}/1",
                hint="bring the collection and p2pctl to the same version",
                rc=rc,
            )
        return document

    def _loaded(self, rc: int, out: str, err: str) -> Any:
        try:
            return readable(json.loads(out))
        except ValueError:
            told = _quoted(out or err)
            raise FailureError(f"{self._ended(rc)}, and its answer is no JSON: {told}", rc=rc) from None

    def _ended(self, rc: int) -> str:
        return f"{self._path} ended with status {rc}"

    def _asked_version(self) -> str:
        rc, out, err = self._run(["--version"], None)
        found = _VERSION.match(out.strip())
        if rc or not found:
            raise FailureError(
                f"{self._path} is not p2pctl: asked for its version, it ended with status {rc} and said "
                f"{_quoted(out or err)}",
                hint="name the right program with the option executable",
                rc=rc,
            )
        version = out.split()[1]
        if (int(found.group(1)), int(found.group(2))) < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise FailureError(
                f"p2pctl {version} is older than this collection, which needs {oldest}", hint="update p2pctl"
            )
        return version

    def _run(self, words: Sequence[str], stdin: str | None) -> tuple[int, str, str]:
        """Status, stdout and stderr of a run."""
        # What whoever logs in here prefers is not for programs.
        environment = {name: value for name, value in os.environ.items() if name != "P2PCTL_OUTPUT"}
        # Ansible's run_command raises for the pipe where p2pctl refuses before it has read a long document: what p2pctl
        # said would be lost.
        try:
            ran = subprocess.run(
                [self._path, *words], input=(stdin or "").encode(), capture_output=True, check=False, env=environment
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise FailureError(f"{self._path} cannot be run: {reason}", error={"errno": error.errno}) from None
        out, err = (text.decode("utf-8", "surrogateescape") for text in (ran.stdout, ran.stderr))
        return ran.returncode, out, err

    def _found(self, name: str) -> str:
        path: str | None
        if os.sep in name:
            path = name if Path(name).is_file() and os.access(name, os.X_OK) else None
        else:
            path = self._module.get_bin_path(name, opt_dirs=_PLACES)
        if path is None:
            raise FailureError(
                f"p2pctl is not on this host: there is no program {name}",
                hint="install it, as the role p2pctl.p2pctl.target does, or name it with the option executable",
            )
        return path


def _source(params: Json) -> Iterator[str]:
    if params["demo"]:
        yield "--demo"
    for name in ("capture", "sysroot"):
        if params[name] is not None:
            yield f"--{name}"
            yield params[name]


def _errors(err: str) -> tuple[Json | None, list[str]]:
    """The error document among the lines of stderr, or None, and what else was said there."""
    found: Json | None = None
    said = []
    for line in err.splitlines():
        told = _error(line)
        if told is not None:
            found = told
        elif line.strip():
            said.append(readable(line.strip()))
    return found, said


def _error(line: str) -> Json | None:
    try:
        told = json.loads(line) if line.startswith("{") else None
    except ValueError:
        return None
    known = isinstance(told, dict) and told.get("schema") == "p2pctl.error/1" and "message" in told
    return readable(told) if known else None


def failure(error: Json, **facts: Any) -> FailureError:
    """The exception that tells of an error document."""
    told = {key: value for key, value in error.items() if key != "schema"}
    return FailureError(error["message"], error.get("hint"), error=told, rc=error.get("code"), **facts)


def readable(value: Any) -> Any:
    r"""The same in UTF-8, which is all that Ansible passes on: a byte that is none is spelled out as in ``\xff``."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") if _odd(value) else value
    if isinstance(value, dict):
        return {readable(key): readable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [readable(one) for one in value]
    return value


def _odd(text: str) -> bool:
    return any("\udc80" <= letter <= "\udcff" for letter in text)


def _quoted(text: str) -> str:
    text = readable(text.strip())
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...") if text else "nothing"


def keys_in(value: Any) -> Iterator[str]:
    """The keys that stand somewhere in a document, as text."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name in KEYS and isinstance(one, str) and one:
                yield one
            else:
                yield from keys_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from keys_in(one)
    elif isinstance(value, str):
        yield from _KEY.findall(value)


def run(spec: Json, act: Callable[[Any, P2pctl], Json], exclusive: Sequence[tuple[str, ...]] = (), **more: Any) -> None:
    """Runs a module: ``act`` gets it and the binary, and returns its result or raises FailureError."""
    module = Module({**BINARY, **spec}, mutually_exclusive=[_ONE_SOURCE, *exclusive], **more)
    try:
        result = act(module, P2pctl(module))
    except FailureError as error:
        told = {key: value for key, value in error.facts.items() if value is not None}
        module.fail_json(msg=error.text, error=error.error, **told)
    module.exit_json(**result)
