"""May a pair of devices do P2P under a kernel's own rules, and why: pure, from a Snapshot alone."""
