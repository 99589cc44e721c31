"""What a Snapshot means: conclusions and findings, without I/O."""
