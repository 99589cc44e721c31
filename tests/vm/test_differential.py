"""The differential test finds differences: proven without a virtual machine, on simulators that differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from p2pctl.simulator.nvmet.environment import Environment
from p2pctl.simulator.nvmet.kernel import NvmetKernel
from tests.vm import test_p2pctl
from tests.vm.guest import checks_differential, nvmet_values, nvmet_world
from tests.vm.guest.nvmet_compare import Comparison, search
from tests.vm.guest.nvmet_sequences import Operation, Operations, connected, sequences
from tests.vm.guest.nvmet_sides import ROOT, Runner, SimulatedSide

ADDRESSES = {"n1": "0000:43:00.0", "n2": "0000:44:00.0", "n3": "0000:83:00.0", "n4": "0000:84:00.0"}
POOLS = frozenset({"n1", "n3"})
WORLD = nvmet_world.world(ADDRESSES, POOLS)
EXAMPLES = 40
LEAST_OPERATIONS = 5000
Wrong = Callable[[SimulatedSide], None]


def simulated(wrong: Wrong | None = None, release: str = "7.3.4") -> Runner:
    side = SimulatedSide(NvmetKernel(nvmet_world.environment(ADDRESSES, POOLS, release)))
    if wrong:
        wrong(side)
    return Runner(side)


def accepts_too_much(side: SimulatedSide) -> None:
    """A port number that the kernel would refuse."""
    plain = side.mkdir
    side.mkdir = lambda path: None if path.endswith("/ports/65536") else plain(path)


def forgets_a_value(side: SimulatedSide) -> None:
    """A boolean that is taken and lost."""
    plain = side.write
    side.write = lambda path, data: None if path.endswith("/resv_enable") else plain(path, data)


def removes_what_is_in_use(side: SimulatedSide) -> None:
    """A link that is forgotten when the host it leads to is to be removed."""
    plain = side.rmdir

    def rmdir(path: str) -> None:
        if path == f"{ROOT}/hosts/h":
            for nqn in nvmet_values.SUBSYSTEMS:
                for link in ("h", "other name"):
                    try:
                        side.unlink(f"{ROOT}/subsystems/{nqn}/allowed_hosts/{link}")
                    except OSError:
                        continue
        plain(path)

    side.rmdir = rmdir


@pytest.mark.parametrize(
    ("wrong", "longest"), [(accepts_too_much, 1), (forgets_a_value, 3), (removes_what_is_in_use, 4)]
)
def test_a_wrong_rule_is_found_and_told_in_the_fewest_operations(wrong: Wrong, longest: int) -> None:
    found = search(
        Comparison(simulated(), lambda: simulated(wrong)), sequences(WORLD), number=1, examples=10 * EXAMPLES
    )
    assert found is not None
    assert len(found.operations) <= longest, found.report()
    assert found.kernel != found.simulator


def test_what_one_kernel_has_and_another_has_not_is_found() -> None:
    found = search(
        Comparison(simulated(), lambda: simulated(release="6.18.15")), sequences(WORLD), number=1, examples=EXAMPLES
    )
    assert found is not None
    assert "param_mdts" in found.report()


def test_enough_operations_are_compared_on_two_kernels() -> None:
    """Each guest fails when it compares fewer."""
    guests = [guest for guest in test_p2pctl.GUESTS if "checks_differential" in guest.checks.split()]
    assert {guest.series for guest in guests} == {"7.3", "6.18"}
    assert checks_differential.LEAST_OPERATIONS >= LEAST_OPERATIONS


def test_a_number_makes_the_same_sequences_every_time_and_another_number_others() -> None:
    def made(number: int) -> list[Operations]:
        seen: list[Operations] = []

        class Seen(Comparison):
            def difference(self, operations: Operations) -> None:
                seen.append(operations)

        search(Seen(simulated(), simulated), sequences(WORLD), number=number, examples=10)
        return seen

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_sequences_reach_every_attribute_and_every_kind_of_operation_and_mostly_succeed() -> None:
    written: Counter[str] = Counter()
    kinds: Counter[str] = Counter()

    class Seen(Comparison):
        def difference(self, operations: Operations) -> None:
            for operation in operations:
                kinds[operation.kind] += 1
                if operation.kind == "write" and self.kernel.run(operation) == "ok":
                    written[operation.path.rpartition("/")[2]] += 1
                elif operation.kind != "write":
                    self.kernel.run(operation)
            for operation in self.kernel.cleanup():
                self.kernel.run(operation)

    every = {
        *nvmet_values.HOST, *nvmet_values.SUBSYSTEM, *nvmet_values.NAMESPACE, *nvmet_values.PASSTHRU,
        *nvmet_values.PORT, *nvmet_values.REFERRAL, "ana_state", "discovery_nqn",
    }  # fmt: skip
    # What is generated hangs on the modules that are loaded, too, so that one search may miss a rare one.
    for number in range(1, 6):
        search(Seen(simulated(), simulated), sequences(WORLD), number=number, examples=4 * EXAMPLES)
        if every <= written.keys():
            break
    assert every <= written.keys()
    assert kinds.keys() >= {
        "mkdir", "rmdir", "write", "read", "symlink", "unlink", "readlink", "list", "stat", "chmod", "late write",
        "held read", "second read",
    }  # fmt: skip


def test_the_kernel_is_left_as_it_was_found() -> None:
    comparison = Comparison(simulated(), simulated)
    before = comparison.kernel.tree()
    search(comparison, sequences(WORLD), number=3, examples=EXAMPLES)
    assert comparison.kernel.tree() == before


def test_a_lock_that_is_forgotten_is_found_with_a_connected_host() -> None:
    def forgets(side: SimulatedSide) -> None:
        side.connect = lambda *_: None  # type: ignore[method-assign]

    found = search(Comparison(simulated(), lambda: simulated(forgets)), connected(WORLD), number=1, examples=EXAMPLES)
    assert found is not None
    assert "connect ports/1" in found.report()


def test_what_the_kernel_makes_up_is_told_apart_whatever_path_it_was_made_by() -> None:
    runners = [Runner(SimulatedSide(NvmetKernel(Environment(seed=seed)))) for seed in ("one", "other")]
    operations = [
        Operation("mkdir", "subsystems/a"),
        Operation("mkdir", "ports/1"),
        Operation("write", "ports/1/addr_trtype", b"loop"),
        Operation("symlink", "ports/1/subsystems/a", b"subsystems/a"),
        Operation("mkdir", "ports/1/subsystems/a/namespaces/1"),
        Operation("read", "ports/1/subsystems/a/attr_serial"),
        Operation("read", "subsystems/a/namespaces/1/device_uuid"),
    ]
    results = [[runner.run(operation) for operation in operations] for runner in runners]
    assert results[0] == results[1] == ["ok"] * 5 + ["ok (made up)"] * 2
    assert runners[0].tree() == runners[1].tree()
    for runner in runners:
        runner.run(Operation("write", "subsystems/a/attr_serial", b"0123456789abcdef0123"))
        assert runner.run(Operation("read", "subsystems/a/attr_serial")) == r"ok b'0123456789abcdef0123\n'"
        gone = Operation("rmdir", "subsystems/a/namespaces/1")
        uuid = Operation("second read", "subsystems/a/namespaces/1/device_uuid", inner=(gone,))
        assert runner.run(uuid) == "ok then ok (made up)"
