"""Prometheus exposition: sees Snapshots and what is concluded from them, never the hardware."""
