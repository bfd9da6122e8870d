"""A real Prometheus takes the metrics and the rules, and every panel of the dashboard shows something."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from telemetry.counted import answer, counted, who

from tetrad.telemetry.metrics import CONTENT_TYPE

FOLDER = Path(__file__).parents[2] / "infra" / "observability"
pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="prometheus is not installed"
)


@contextmanager
def gateway() -> Iterator[str]:
    """Metrics of a gateway that answers something between any two looks at them."""
    metrics = counted()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            metrics.answered(
                who(),
                outcome="answered",
                seconds=0.5,
                trace=answer(),
                first_token_s=0.2,
                cost_usd=0.01,
            )
            self.send_response(200)
            self.send_header("content-type", CONTENT_TYPE)
            self.end_headers()
            self.wfile.write(metrics.exposition())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of its API; it looks at a gateway every second."""
    folder = tmp_path_factory.mktemp("prometheus")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with gateway() as target, (folder / "log").open("wb") as log:
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [{"job_name": "tetrad", "static_configs": [{"targets": [target]}]}],
            "rule_files": [str(FOLDER / "rules.yaml")],
        }
        (folder / "prometheus.yml").write_text(json.dumps(settings))
        process = subprocess.Popen(
            ["prometheus", f"--config.file={folder / 'prometheus.yml'}",
             f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield f"http://{address}/api/v1"
        finally:
            process.terminate()
            process.wait()


def asked(api: str, path: str, **parameters: str) -> Any:
    try:
        return httpx2.get(f"{api}/{path}", params=parameters, timeout=10).json()
    except httpx2.TransportError:
        return {}


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_every_rule_is_evaluated_without_an_error(prometheus: str) -> None:
    def rules() -> list[dict[str, Any]]:
        groups = asked(prometheus, "rules").get("data", {}).get("groups", [])
        return [rule for group in groups for rule in group["rules"]]

    until(lambda: bool(rules()) and all(rule["health"] != "unknown" for rule in rules()))

    assert [(rule["name"], rule["lastError"]) for rule in rules() if rule["health"] != "ok"] == []


def test_every_panel_of_the_dashboard_shows_something(prometheus: str) -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    filled = {"$__rate_interval": "30s", "$environment": ".*", "$stack": ".*", "$identity": ".*"}

    def empty() -> set[str]:
        found = set()
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                expression = target["expr"]
                for name, value in filled.items():
                    expression = expression.replace(name, value)
                answered = asked(prometheus, "query", query=expression)
                if not answered.get("data", {}).get("result"):
                    found.add(panel["title"])
        return found

    until(lambda: empty() == set())
