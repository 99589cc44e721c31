"""The Ansible collection, built and installed as a user would have it, against the demo host."""
