"""Alert rules and the dashboard: sound, tested, documented, and of metrics that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from telemetry.counted import counted, read

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra" / "observability"
RULES = yaml.safe_load((FOLDER / "rules.yaml").read_text())
TESTS = yaml.safe_load((FOLDER / "rules.test.yaml").read_text())
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
EVERY = [rule for group in RULES["groups"] for rule in group["rules"]]
ALERTS = [rule["alert"] for rule in EVERY if "alert" in rule]
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)"
)


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def drawn() -> list[str]:
    """Every expression of the dashboard."""
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    return asked + [one["expr"] for one in DASHBOARD["annotations"]["list"]]


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )


@needs_promtool
def test_promtool_accepts_the_rules_and_their_tests_pass() -> None:
    assert promtool("check", "rules", "rules.yaml").returncode == 0
    tested = promtool("test", "rules", "rules.test.yaml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


@needs_promtool
def test_promtool_accepts_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    plain = [expression.replace("$__rate_interval", "1m") for expression in drawn()]
    rules = [{"record": f"panel:{n}", "expr": each} for n, each in enumerate(plain)]
    file = tmp_path / "dashboard.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    checked = promtool("check", "rules", str(file))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_has_a_test_that_is_quiet_first_and_fires_then() -> None:
    assert [test["name"] for test in TESTS["tests"]] == ALERTS
    for test in TESTS["tests"]:
        quiet, fires = test["alert_rule_test"]
        assert quiet["alertname"] == fires["alertname"] == test["name"]
        assert not quiet["exp_alerts"]
        assert fires["exp_alerts"]


def test_every_alert_says_what_to_do() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text()

    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == ALERTS
    assert page.count("\n**Means:** ") == page.count("\n**Do:** ") == len(ALERTS)
    for rule in EVERY:
        if "alert" in rule:
            link = rule["annotations"]["runbook_url"]
            assert link.endswith(f"/docs/alerts.md#{rule['alert'].lower()}")
            assert rule["labels"]["severity"] in {"critical", "warning"}


def exported() -> set[str]:
    return {sample.name for family in read(counted()).values() for sample in family.samples}


def recorded() -> set[str]:
    return {rule["record"] for rule in EVERY if "record" in rule}


@pytest.mark.parametrize("expression", [*(rule["expr"] for rule in EVERY), *drawn()])
def test_every_metric_that_is_asked_for_exists(expression: str) -> None:
    named = set(re.findall(r"\b(?:tetrad|gen_ai|process)[a-z0-9_]*(?::[a-z0-9_:]+)?\b", expression))
    labels = {"gen_ai_request_model", "gen_ai_token_type"}

    assert named - labels
    assert named - labels <= exported() | recorded()


def test_every_metric_of_ours_is_drawn_or_alerted_about() -> None:
    asked = " ".join([*(rule["expr"] for rule in EVERY), *drawn()])
    ours = {name for name in exported() if name.startswith(("tetrad_", "gen_ai_"))}
    skipped = ("_bucket", "_count", "_sum")
    families = {re.sub("|".join(f"{end}$" for end in skipped), "", name) for name in ours}

    assert {name for name in families if name not in asked} == set()


def test_the_page_lists_every_metric() -> None:
    page = (ROOT / "docs" / "observability.md").read_text()
    table = page[page.index("| metric |") : page.index("The three labels")]
    listed = set(re.findall(r"`((?:tetrad|gen_ai)_\w+)`", table)) - {"gen_ai_token_type"}

    families = read(counted()).values()
    ours = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in families
        if family.name.startswith(("tetrad_", "gen_ai_"))
    }
    assert listed == ours


def test_panels_have_places_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_every_variable_that_is_used_is_declared() -> None:
    declared = {one["name"] for one in DASHBOARD["templating"]["list"]} | {"__rate_interval"}

    assert set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD["panels"]))) <= declared


def test_grafana_reads_all_of_the_dashboard() -> None:
    """By the types that Grafana publishes: what they do not know would be lost."""
    register_default_plugins()
    read_back = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARD)))

    # Prometheus's own of an annotation, which no type of Grafana's core has.
    assert list(lost(DASHBOARD, read_back)) == ["/annotations/list/0/titleFormat"]


def lost(written: Any, read_back: Any, at: str = "") -> Iterator[str]:
    """Where something written is missing or another."""
    if isinstance(written, dict | list) and isinstance(read_back, type(written)):
        for key, value in written.items() if isinstance(written, dict) else enumerate(written):
            try:
                yield from lost(value, read_back[key], f"{at}/{key}")
            except (KeyError, IndexError):
                yield f"{at}/{key}"
    elif written != read_back:
        yield at


def test_grafana_would_not_read_a_misspelt_key() -> None:
    wrong = json.loads(json.dumps(DASHBOARD))
    wrong["panels"][1]["fieldConfg"] = wrong["panels"][1].pop("fieldConfig")
    register_default_plugins()
    read_back = json.loads(JSONEncoder().encode(Dashboard.from_json(wrong)))

    assert "/panels/1/fieldConfg" in list(lost(wrong, read_back))
