"""The thin hardware layer: the only code that opens a kernel file, socket or process."""
