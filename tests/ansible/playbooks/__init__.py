"""Playbooks, and what Ansible takes from beside them."""
