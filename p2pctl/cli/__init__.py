"""Typer at the edge: parse, call, render, exit code."""
