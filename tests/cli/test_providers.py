"""``p2pctl providers``: what the kernel would choose."""

from __future__ import annotations

import json

from tests.cli.conftest import Run


def test_the_closest_published_pools_are_chosen(run: Run) -> None:
    """Among equals any; private pools are out, however close."""
    outcome = run("--demo", "providers", "nvme3", "mlx5_0", "-o", "json")
    document = json.loads(outcome.out)
    chosen = [item["provider"] for item in document["items"] if item["chosen"]]
    assert document["summary"]["chosen"] == chosen
    assert document["summary"]["random"] is True
    assert {item["rank"] for item in document["items"] if item["chosen"]} == {1}
    private = [item for item in document["items"] if item["published"] is False]
    assert private
    assert all(item["rank"] is None and item["outlook"] == "out: not published" for item in private)


def test_several_clients_add_up(run: Run) -> None:
    """The distance is the sum, and each client has its own answer."""
    item = json.loads(run("--demo", "providers", "nvme3", "mlx5_0", "-o", "json").out)["items"][0]
    assert item["client"] is None
    assert item["distance"] == sum(one["distance"] for one in item["clients"])
    one = json.loads(run("--demo", "providers", "mlx5_0", "-o", "json").out)["items"][0]
    assert one["client"] == "0000:1a:00.0"


def test_a_client_without_a_function_has_no_provider(run: Run) -> None:
    """And is told why."""
    outcome = run("--demo", "providers", "md0", "-o", "table")
    assert outcome.code == 0
    assert "would find no provider" in outcome.out
    assert "no PCI function" in outcome.out


def test_a_software_rdma_device(run: Run) -> None:
    """It is left out by the target, by name."""
    assert "rxe0 is refused" in run("--demo", "providers", "rxe0", "-o", "table").out


def test_a_device_that_is_not_there(run: Run) -> None:
    outcome = run("--demo", "providers", "nvme77")
    assert outcome.code == 3
    assert "nvme77" in outcome.err
