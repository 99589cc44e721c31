"""A host in one file: what the readers asked of it, recorded (``take``), packed (``pack``) and saved (``save``)."""

MANIFEST_NAME = "p2pctl-capture.json"
"""The first member, which tells what it is. Here, so that to look for it takes nothing else."""
