"""A stand-in for Pulumi's Kubernetes provider, for machines that have only the engine.

It applies objects as that provider does: server-side, as `pulumi-kubernetes`. It waits for nothing,
and reads of an object only the fields that the program gave.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml
from pulumi.provider.experimental import provider, server
from pulumi.provider.experimental.property_value import PropertyValue

VERSION = "4.34.0"
_CLUSTER_WIDE = {
    "Namespace", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
}  # fmt: skip


class StandIn(provider.Provider):
    def __init__(self) -> None:
        self._api: _Api | None = None

    async def configure(self, request: provider.ConfigureRequest) -> provider.ConfigureResponse:
        self._api = _Api(str(plain(request.args["context"])))
        return provider.ConfigureResponse(supports_preview=True, accept_outputs=True)

    async def check(self, request: provider.CheckRequest) -> provider.CheckResponse:
        return provider.CheckResponse(inputs=request.new_inputs)

    async def diff(self, request: provider.DiffRequest) -> provider.DiffResponse:
        old, new = plain(request.old_state), plain(request.new_inputs)
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        return provider.DiffResponse(changes=bool(changed), diffs=changed)

    async def create(self, request: provider.CreateRequest) -> provider.CreateResponse:
        if not request.preview:
            await self._ask("PATCH", plain(request.properties))
        return provider.CreateResponse(request.name, request.properties)

    async def update(self, request: provider.UpdateRequest) -> provider.UpdateResponse:
        if not request.preview:
            await self._ask("PATCH", plain(request.news))
        return provider.UpdateResponse(request.news)

    async def delete(self, request: provider.DeleteRequest) -> None:
        await self._ask("DELETE", plain(request.properties))

    async def read(self, request: provider.ReadRequest) -> provider.ReadResponse:
        given = plain(request.inputs)
        live = await self._ask("GET", given)
        if live is None:
            return provider.ReadResponse()
        found = PropertyValue.unmarshal_map(_struct(among(live, given)))
        return provider.ReadResponse(request.resource_id, found, request.inputs)

    async def _ask(self, method: str, obj: Any) -> Any:
        assert self._api is not None
        return await asyncio.to_thread(self._api.ask, method, obj)


class _Api:
    """The API server of a context of the kubeconfig."""

    def __init__(self, context: str) -> None:
        config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
        chosen = _named(config["contexts"], context)["context"]
        self._server = _named(config["clusters"], chosen["cluster"])["cluster"]["server"]
        self._token = _named(config["users"], chosen["user"])["user"]["token"]
        self._tls = ssl._create_unverified_context()

    def ask(self, method: str, obj: Any) -> Any:
        url = f"{self._server}{path_of(obj)}"
        data = None
        if method == "PATCH":
            url += "?fieldManager=pulumi-kubernetes&force=true"
            data = json.dumps(obj).encode()
        request = urllib.request.Request(url, data, method=method)
        request.add_header("Authorization", f"Bearer {self._token}")
        request.add_header("Content-Type", "application/apply-patch+yaml")
        try:
            with urllib.request.urlopen(request, context=self._tls, timeout=60) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            if error.code == 404 and method != "PATCH":
                return None
            message = json.loads(error.read())["message"]
            raise RuntimeError(f"{obj['kind']} {obj['metadata']['name']}: {message}") from None


def path_of(obj: Any) -> str:
    version, kind, metadata = obj["apiVersion"], obj["kind"], obj["metadata"]
    group = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    where = "" if kind in _CLUSTER_WIDE else f"/namespaces/{metadata['namespace']}"
    return f"{group}{where}/{plural.lower()}/{metadata['name']}"


def among(live: Any, given: Any) -> Any:
    """Of the live object the fields that are given; lists whole, unless they are as long."""
    if isinstance(given, dict) and isinstance(live, dict):
        return {key: among(live[key], given[key]) for key in given if key in live}
    if isinstance(given, list) and isinstance(live, list) and len(live) == len(given):
        return [among(*pair) for pair in zip(live, given, strict=True)]
    return live


def plain(value: Any) -> Any:
    """A property as JSON; whole numbers come as fractions."""
    if isinstance(value, PropertyValue):
        return plain(value.value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return value
    if hasattr(value, "items"):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value]


def _struct(value: Any) -> Any:
    from google.protobuf.json_format import ParseDict
    from google.protobuf.struct_pb2 import Struct

    return ParseDict(value, Struct())


def end_with_the_engine() -> None:
    """The engine starts providers in groups of their own: where it is killed, nobody ends them."""
    engine = os.getppid()
    while os.getppid() == engine:
        time.sleep(0.2)
    os._exit(0)


def _named(entries: Any, name: str) -> Any:
    return next(entry for entry in entries if entry["name"] == name)


if __name__ == "__main__":
    threading.Thread(target=end_with_the_engine, daemon=True).start()
    server.main(sys.argv[1:], VERSION, StandIn())
