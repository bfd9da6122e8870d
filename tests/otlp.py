"""A real OTLP receiver on this machine: takes spans over HTTP and decodes them with the published protocol."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """What was received; `headers` are those of the last request."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    resource: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def named(self, name: str) -> Span:
        (found,) = (span for span in self.spans if span.name == name)
        return found


@contextmanager
def collector() -> Iterator[Collector]:
    """Run a receiver; it takes what is exported to its `url`."""
    received = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            received.headers = {name.lower(): value for name, value in self.headers.items()}
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                received.resource = attributes(group.resource)
                received.spans += [span for scope in group.scope_spans for span in scope.spans]
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def attributes(carrier: Any) -> dict[str, Any]:
    """The attributes of a span or a resource as plain values."""
    return {pair.key: _plain(pair.value) for pair in carrier.attributes}


def kinds(carrier: Any) -> dict[str, str]:
    """The type of each attribute as it was sent: string, int, double, boolean, string[] …"""
    return {pair.key: _kind(pair.value) for pair in carrier.attributes}


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    return getattr(value, str(kind))


def _kind(value: AnyValue) -> str:
    kind = str(value.WhichOneof("value"))
    if kind == "array_value":
        return f"{_kind(value.array_value.values[0])}[]"
    return {"bool_value": "boolean"}.get(kind, kind.removesuffix("_value"))
