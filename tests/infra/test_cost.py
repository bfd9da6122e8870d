"""`tetrad cost`: what model servers cost per month at the environment's prices."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clusters import EVERY, FULL, SMALL, clustered, point_at
from programs import with_program

import tetrad
from tetrad.cli import main
from tetrad.gateway.limiting.purse import Claim
from tetrad.gateway.limiting.spending import Spending


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return with_program(tmp_path / "repository")


def cost(root: Path, capfd: pytest.CaptureFixture[str]) -> Any:
    capfd.readouterr()
    assert main(["-C", str(root), "cost", "production", "--format", "json"]) == 0
    return json.loads(capfd.readouterr().out)


def test_a_server_costs_its_gpus_by_the_hour(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clustered(root, FULL, EVERY)

    found = cost(root, capfd)

    by_model = {one["model"]: one for one in found["servers"]}
    assert by_model["stacks/models/large"]["usd_per_month"] == {"min": 5840.0, "max": 11680.0}
    assert by_model["stacks/models/slice"]["unpriced"] == ["nvidia.com/mig-1g.10gb"]
    assert found["usd_per_month"] == {"min": 5840.0, "max": 11680.0}


def test_memory_has_a_price_by_the_gib(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    environment = copy.deepcopy(FULL)
    environment["kubernetes"]["usd_per_hour"] = {"memory": 0.01, "cpu": 0.1}
    clustered(root, environment)

    (server,) = cost(root, capfd)["servers"]

    hourly = 64 * 0.01 + 7.5 * 0.1
    assert server["usd_per_month"]["min"] == pytest.approx(2 * hourly * 730)  # servers, hours


def test_a_server_that_is_kept_for_a_rollback_is_named(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clustered(root, SMALL)
    point_at(root)
    model = root / "stacks/models/large.yaml"
    model.write_text(model.read_text().replace("bfloat16", "float16"))

    assert sorted(one["kept"] for one in cost(root, capfd)["servers"]) == [False, True]


def test_a_model_without_evidence_has_a_cost_too(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["-C", str(root), "keys", "new", "ci", "--private", str(tmp_path / "ci.pem")]) == 0
    environment = copy.deepcopy(FULL)
    environment["signers"] = {"ci": {"ed25519": "infra/keys/ci.pub", "role": "evaluator"}}
    environment["requires"] = {"evidence": {"signers": ["ci"]}}
    clustered(root, environment)

    assert cost(root, capfd)["usd_per_month"]["min"] == 5840.0


def test_the_table_has_a_total_and_names_what_has_no_price(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clustered(root, FULL, EVERY)

    assert main(["-C", str(root), "cost", "production"]) == tetrad.ExitCode.PASSED

    lines = capfd.readouterr().out.splitlines()
    assert any(line.split()[:1] == ["total"] and "5,840.00" in line for line in lines)
    assert "  no price for nvidia.com/mig-1g.10gb" in lines
    assert any("2 to 4" in line for line in lines)


def test_an_environment_on_this_machine_has_no_servers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environments = tmp_path / "infra/environments"
    environments.mkdir(parents=True)
    (environments / "production.yaml").write_text("kind: environment\n")

    assert cost(tmp_path, capfd) == {
        "environment": "production",
        "servers": [],
        "usd_per_month": {"min": 0, "max": 0},
        "traffic": {"days": 30, "usd": {}},
    }


def test_what_traffic_cost_stands_beside_it(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clustered(root, FULL)
    point_at(root)
    today = datetime.now(UTC).date()
    spent = {today: 1_500_000_000, today - timedelta(days=31): 9_000_000_000}
    told = Claim(account="environment", limit=None, spent=spent, need=0, want=0)
    with Spending(root / ".tetrad/registry.db", "production", "a") as spending:
        spending.exchange([told])

    assert cost(root, capfd)["traffic"] == {"days": 30, "usd": {"environment": 1.5}}
