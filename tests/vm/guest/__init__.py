"""What runs inside the virtual machine: the standard library and p2pctl, and for its screen the tests' terminal."""
