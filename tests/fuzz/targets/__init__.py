"""One module for each kind of bytes."""
