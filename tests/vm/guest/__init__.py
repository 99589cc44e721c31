"""What runs inside the virtual machine. Only the standard library and p2pctl are imported here."""
