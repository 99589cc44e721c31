"""Real-kernel tests: QEMU machines with PCI peer-to-peer memory, driven from pytest.

    python -m tests.vm.prepare                                 # packages, kernels, ramdisks; once
    python -m pytest -m vm tests/vm -n 2 --dist loadgroup      # the tests
    python -m tests.vm.run 7.3 switch-acs SCRIPT               # one script in one machine, by hand

`suite.py` says how to add checks, `topologies.py` what machines there are, `guest/api.py` what a
check may use. A guest that runs `checks_systemd` boots the host's own systemd (`systemd.py`).

The environment may set P2PCTL_VM_CACHE (kernels and ramdisks), P2PCTL_VM_MIRROR (a Debian archive,
where apt is not Debian's), P2PCTL_VM_ACCEL (kvm or tcg), P2PCTL_REQUIRE_VM=1 (a host that cannot
boot a machine fails the tests instead of skipping them; so does CI).
"""
