"""Found by Ansible beside the playbooks."""
