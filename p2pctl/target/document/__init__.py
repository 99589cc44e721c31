"""The document that says what the target is to be: read with the place of every word, and checked before use."""

from __future__ import annotations

from p2pctl.target.document.load import load
from p2pctl.target.document.problems import DocumentError, Problem

__all__ = ["DocumentError", "Problem", "load"]
