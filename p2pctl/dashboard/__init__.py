"""The live screen: sees Snapshots and a Source, never the hardware layer."""
