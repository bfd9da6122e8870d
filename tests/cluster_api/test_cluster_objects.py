"""The API server's answers, played by a server on this machine: what a watch and a write make of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fakes import serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tetrad.cluster_api import ClusterApi, ResourceCollection
from tetrad.errors import ClusterConflict, ClusterError

pytest.importorskip("urllib3", reason="needs the extra infra")

CONFIG_MAPS = ResourceCollection(api="api/v1", resource="configmaps")
GONE: Any = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}


def config_map(version: int) -> dict[str, Any]:
    return {"metadata": {"name": "pointer", "resourceVersion": str(version)}}


def event(kind: str, version: int) -> dict[str, Any]:
    return {"type": kind, "object": config_map(version)}


class ApiServer:
    """Lists one object at a version each time, and answers the watches in their order."""

    def __init__(self, versions: Sequence[int], watches: Sequence[object]) -> None:
        self.versions = list(versions)
        self.watches = list(watches)
        self.watched: list[str] = []  # the versions that watches began at

    async def configmaps(self, request: Request) -> Response:
        assert request.query_params["fieldSelector"] == "metadata.name=pointer"
        if "watch" not in request.query_params:
            version = self.versions.pop(0)
            listed = {"resourceVersion": str(version)}
            return JSONResponse({"metadata": listed, "items": [config_map(version)]})
        self.watched.append(request.query_params["resourceVersion"])
        answer: Any = self.watches.pop(0)
        if isinstance(answer, int):
            return JSONResponse({"kind": "Status", "message": "no"}, answer)
        return StreamingResponse(json.dumps(one).encode() + b"\n" for one in answer)

    async def refuse(self, request: Request) -> Response:
        code = int(request.path_params["name"])
        return JSONResponse({"kind": "Status", "message": f"refused with {code}"}, code)

    @property
    def app(self) -> Starlette:
        base = "/api/v1/namespaces/llm/configmaps"
        routes = [
            Route(base, self.configmaps),
            Route(f"{base}/{{name}}", self.refuse, methods=["GET", "PATCH", "DELETE"]),
        ]
        return Starlette(routes=routes)


@contextmanager
def connected(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ClusterApi]:
    with serving(server.app) as url:
        document = {
            "kind": "Config",
            "clusters": [{"name": "a", "cluster": {"server": url}}],
            "users": [{"name": "a", "user": {"token": "secret"}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        }
        (tmp_path / "config").write_text(json.dumps(document))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        with ClusterApi("a", "llm") as api:
            yield api


@pytest.mark.parametrize(
    ("watches", "seen", "watched"),
    [
        ([[event("MODIFIED", 2), GONE], [event("MODIFIED", 8)]], [1, 2, 7, 8], ["1", "7"]),
        ([410, [event("MODIFIED", 8)]], [1, 7, 8], ["1", "7"]),
        ([[event("BOOKMARK", 5)], [event("MODIFIED", 6)]], [1, 6], ["1", "5"]),
        ([[event("MODIFIED", 2)], [], [event("MODIFIED", 3)]], [1, 2, 3], ["1", "2", "2"]),
        ([[event("DELETED", 2), event("ADDED", 3)]], [1, None, 3], ["1"]),
    ],
    ids=["gone", "gone-at-once", "bookmark", "ended-by-the-server", "deleted"],
)
def test_a_watch_goes_on_from_what_it_knows(
    watches: list[object],
    seen: list[int | None],
    watched: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = ApiServer([1, 7], watches)
    with connected(server, tmp_path, monkeypatch) as api:
        following = api.follow(CONFIG_MAPS, "pointer")
        found = [next(following) for _ in seen]

    assert [obj and int(obj["metadata"]["resourceVersion"]) for obj in found] == seen
    assert server.watched == watched


def test_a_watch_that_is_refused_ends_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(ApiServer([1], [403]), tmp_path, monkeypatch) as api:
        following = api.follow(CONFIG_MAPS, "pointer")
        next(following)
        with pytest.raises(ClusterError, match="namespace llm of the cluster a"):
            next(following)


@pytest.mark.parametrize(
    ("code", "kind"), [(409, ClusterConflict), (403, ClusterError), (500, ClusterError)]
)
def test_a_refusal_is_told_with_the_server_s_reason(
    code: int, kind: type[ClusterError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(ApiServer([], []), tmp_path, monkeypatch) as api:
        obj = {"metadata": {"name": str(code)}}
        with pytest.raises(kind, match=f"refused with {code}"):
            api.apply(CONFIG_MAPS, obj, manager="tetrad")
        with pytest.raises(ClusterError):
            api.get(CONFIG_MAPS, str(code))


def test_what_is_not_there_is_none_and_need_not_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(ApiServer([], []), tmp_path, monkeypatch) as api:
        assert api.get(CONFIG_MAPS, "404") is None
        api.delete(CONFIG_MAPS, "404")


def test_a_server_that_is_not_there_is_an_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(ApiServer([1], []), tmp_path, monkeypatch) as api:
        config = json.loads((tmp_path / "config").read_text())
        config["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:9"
        (tmp_path / "config").write_text(json.dumps(config))
        with pytest.raises(ClusterError, match="the API server does not answer"):
            next(api.follow(CONFIG_MAPS, "pointer"))
