"""Objects of a cluster: read, applied, patched, deleted and watched, each call within a time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, urlencode

from tetrad.database import Closing
from tetrad.errors import ClusterConflict, ClusterError

if TYPE_CHECKING:
    from tetrad.cluster_api.connecting import Connection

Object: TypeAlias = dict[str, Any]

_ANSWER_S = 10.0
_WATCH_S = 60  # after which the server ends a watch, and another one goes on from there
_GONE = 410
_PAGE = 500  # objects an answer, of a collection that may have thousands
_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_JSON_PATCH = "application/json-patch+json"


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceCollection:
    """The objects of a kind, as the API names them."""

    api: str  # api/v1, or apis/GROUP/VERSION
    resource: str
    is_namespaced: bool = True


class ClusterApi(Closing):
    """The API server, asked about one namespace and what is cluster-wide.

    Any number of threads use it at once.

    ClusterError is an outage, or a refusal with the server's reason.
    """

    def __init__(self, context: str, namespace: str) -> None:
        self.name = f"namespace {namespace} of the cluster {context}"
        self._context = context
        self._namespace = namespace
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._streams: set[Any] = set()
        self._closed = False
        self._date: tuple[datetime, float] | None = None  # of the server, and ours at that moment
        self._collections: dict[tuple[str, str], ResourceCollection] = {}  # by api and kind

    def close(self) -> None:
        """End every watch, and let go of the connections."""
        with self._lock:
            self._closed = True
            streams, connection = tuple(self._streams), self._connection
        for stream in streams:
            with suppress(ValueError, RuntimeError, OSError):  # it ended by itself meanwhile
                stream.shutdown()
        if connection is not None:
            connection.close()

    def now(self) -> datetime:
        """The time by the server's clock."""
        if self._date is None:
            self._ask("GET", "/version")
        assert self._date is not None  # noqa: S101 - each answer brings it
        told, at = self._date
        return told + timedelta(seconds=time.monotonic() - at)

    def collection(self, api_version: str, kind: str) -> ResourceCollection | None:
        """The objects of a kind; None where the cluster does not know it."""
        api = f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"
        if (api, kind) not in self._collections:
            status, answer = self._ask("GET", f"/{api}")
            known = [] if status == 404 else _accepted(self.name, status, answer)["resources"]
            self._collections |= {
                (api, one["kind"]): ResourceCollection(
                    api=api, resource=one["name"], is_namespaced=one["namespaced"]
                )
                for one in known
                if "/" not in one["name"]  # a subresource, which has the kind of its own body
            }
        return self._collections.get((api, kind))

    def get(self, collection: ResourceCollection, name: str) -> Object | None:
        """An object; None where there is none."""
        status, answer = self._ask("GET", self._url(collection, name))
        return None if status == 404 else _accepted(self.name, status, answer)

    def listed(
        self,
        collection: ResourceCollection,
        *,
        labels: str = "",
        fields: str = "",
        everywhere: bool = False,
    ) -> tuple[list[Object], str]:
        """The objects that are selected, and the version of the collection; of every namespace where
        `everywhere` says so.
        """
        query = {"labelSelector": labels, "fieldSelector": fields, "limit": str(_PAGE)}
        items: list[Object] = []
        while True:
            url = self._url(collection, query=query, everywhere=everywhere)
            found = _accepted(self.name, *self._ask("GET", url))
            items += found["items"]
            query["continue"] = found["metadata"].get("continue", "")
            if not query["continue"]:
                return items, found["metadata"]["resourceVersion"]

    def apply(self, collection: ResourceCollection, obj: Object, *, manager: str) -> Object:
        """Apply an object server-side, whoever else set its fields before; ClusterConflict where it
        has another resourceVersion than it names.
        """
        query = {"fieldManager": manager, "force": "true"}
        url = self._url(collection, obj["metadata"]["name"], query=query)
        return _accepted(self.name, *self._ask("PATCH", url, obj))

    def patch(
        self, collection: ResourceCollection, name: str, steps: Sequence[Object], *, manager: str
    ) -> Object:
        """Change an object by the steps of a JSON patch; ClusterConflict where it has another
        resourceVersion than they write.
        """
        url = self._url(collection, name, query={"fieldManager": manager})
        return _accepted(self.name, *self._ask("PATCH", url, list(steps), media=_JSON_PATCH))

    def delete(self, collection: ResourceCollection, name: str) -> None:
        """Delete an object; it need not be there."""
        status, answer = self._ask("DELETE", self._url(collection, name))
        if status != 404:
            _accepted(self.name, status, answer)

    def follow(self, collection: ResourceCollection, name: str) -> Iterator[Object | None]:
        """An object as it is, and whenever it changes; None while there is none.

        Blocks meanwhile, and ends when this is closed; a ClusterError ends it, too.
        """
        try:
            while not self._closed:
                yield from self._followed(collection, f"metadata.name={name}")
        except ClusterError:
            if not self._closed:
                raise

    def _followed(self, collection: ResourceCollection, fields: str) -> Iterator[Object | None]:
        """The same until the server no longer knows what happened meanwhile."""
        items, version = self.listed(collection, fields=fields)
        yield items[0] if items else None
        while not self._closed:
            for event in self._events(collection, fields, version):
                kind, obj = event["type"], event["object"]
                if kind == "ERROR":
                    if obj.get("code") == _GONE:
                        return
                    raise ClusterError(f"{self.name}: {obj.get('message', 'the watch failed')}")
                version = obj["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    yield None if kind == "DELETED" else obj

    # -- HTTP

    def _url(
        self,
        collection: ResourceCollection,
        name: str = "",
        query: Mapping[str, str] | None = None,
        *,
        everywhere: bool = False,
    ) -> str:
        is_within = collection.is_namespaced and not everywhere
        where = f"/namespaces/{quote(self._namespace)}" if is_within else ""
        url = f"/{collection.api}{where}/{collection.resource}"
        url += f"/{quote(name)}" if name else ""
        said = {key: value for key, value in (query or {}).items() if value}
        return f"{url}?{urlencode(said)}" if said else url

    def _ask(
        self, method: str, url: str, body: object = None, *, media: str = _APPLY
    ) -> tuple[int, Any]:
        with self._answer(method, url, body, media=media, read_s=_ANSWER_S) as response:
            data = response.read()
        try:
            return response.status, json.loads(data)
        except ValueError:
            return response.status, {"message": data[:200].decode(errors="replace").strip()}

    def _events(self, collection: ResourceCollection, fields: str, version: str) -> Iterator[Any]:
        """What a watch tells, until the server ends it or this is closed."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "fieldSelector": fields,
            "resourceVersion": version,
            "timeoutSeconds": str(_WATCH_S),
        }
        url = self._url(collection, query=query)
        with self._answer("GET", url, read_s=_WATCH_S + _ANSWER_S) as response:
            if response.status == _GONE:
                yield {"type": "ERROR", "object": {"code": _GONE}}
                return
            if response.status != 200:
                _accepted(self.name, response.status, {"message": response.read().decode()[:200]})
            with self._held(response):
                for line in _lines(response):
                    yield json.loads(line)

    @contextmanager
    def _held(self, response: Any) -> Iterator[None]:
        """`close` ends the response meanwhile."""
        with self._lock:
            self._streams.add(response)
        try:
            if not self._closed:
                yield
        finally:
            with self._lock:
                self._streams.discard(response)

    @contextmanager
    def _answer(
        self, method: str, url: str, body: object = None, *, media: str = _APPLY, read_s: float
    ) -> Iterator[Any]:
        from tetrad.cluster_api.connecting import unanswered

        connection = self._connected()
        headers = {"Accept": "application/json", "User-Agent": "tetrad"}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), media
        try:
            response = connection.request(method, url, body=data, headers=headers, read_s=read_s)
            self._note_date(response.headers.get("Date"))
            try:
                yield response
            finally:
                response.close()
        except unanswered() as error:
            raise ClusterError(f"{self.name}: {_told(error)}") from error

    def _connected(self) -> Connection:
        from tetrad.cluster_api.connecting import Connection

        with self._lock:
            if self._connection is None:
                self._connection = Connection(self._context)
            return self._connection

    def _note_date(self, written: str | None) -> None:
        with suppress(TypeError, ValueError):
            told = parsedate_to_datetime(written or "").astimezone(UTC)
            self._date = told, time.monotonic()


def _lines(response: Any) -> Iterator[bytes]:
    held = b""
    for part in response.stream(None, decode_content=True):
        *lines, held = (held + part).split(b"\n")
        yield from lines


def _accepted(name: str, status: int, answer: Object) -> Object:
    if 200 <= status < 300:
        return answer
    message = answer.get("message") or f"HTTP {status}"
    if status == 409:
        raise ClusterConflict(f"{name}: {message}")
    help_line = ""
    if status in {401, 403}:
        help_line = "\n  help: `kubectl auth can-i --list` says what this account may do"
    raise ClusterError(f"{name}: {message}{help_line}")


def _told(error: Exception) -> str:
    """The innermost reason, which names the host and the cause."""
    reason = getattr(error, "reason", None)
    said = str(reason or error).strip() or type(error).__name__
    return f"the API server does not answer: {said.splitlines()[0]}"
