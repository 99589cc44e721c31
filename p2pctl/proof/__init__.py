"""Transfers through P2P memory: what is compared, what a prediction and a kernel's answer come to, and how fast."""
