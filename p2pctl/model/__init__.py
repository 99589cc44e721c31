"""What a host is made of: frozen values, no I/O."""
