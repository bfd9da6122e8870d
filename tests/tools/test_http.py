"""Tools behind HTTP, against a real server on this machine."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest

from tetrad.canonical import Json
from tetrad.errors import Location, ToolFailed
from tetrad.model import HttpRun, Tool
from tetrad.results.exchange import ToolCall
from tetrad.results.trace import Called
from tetrad.tools import LiveRun, LiveToolbox

# Status, body and headers of an answer, by path.
FIXED: Mapping[str, tuple[int, bytes, Mapping[str, str]]] = {
    "/missing": (404, b"no such order\n", {}),
    "/moved": (302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
    "/down": (503, b"key=secret", {}),
    "/text": (200, b"sent", {}),
    "/nan": (200, b'{"left": NaN}', {}),
    "/deep": (200, b"[" * 100_000, {}),
    "/deepish": (200, b'{"a":' * 900 + b"1" + b"}" * 900, {}),
    "/none": (204, b"", {}),
    "/large": (200, b'"' + b"x" * 2_000_000 + b'"', {}),
    "/packed": (
        200,
        gzip.compress(gzip.compress(b" " * 5_000_000)),
        {"Content-Encoding": "gzip, gzip"},
    ),
}


class Orders(BaseHTTPRequestHandler):
    """Answers by path; everything else echoes what it was asked."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path in FIXED:
            self.reply(*FIXED[path])
        elif path == "/drip":
            self.drip()
        elif path == "/cookie":
            said = {"cookie": self.headers.get("Cookie"), "from": self.client_address[1]}
            self.reply(200, json.dumps(said).encode(), {"Set-Cookie": "session=1"})
        else:
            self.echo(parse_qs(urlsplit(self.path).query))

    def do_POST(self) -> None:
        self.echo(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def echo(self, asked: Any) -> None:
        body = {"method": self.command, "asked": asked, "token": self.headers.get("X-Token")}
        self.reply(200, json.dumps(body).encode())

    def drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(100):
            try:
                self.wfile.write(b" ")
            except OSError:
                return
            time.sleep(0.1)

    def reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    service = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
    thread = threading.Thread(target=service.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{service.server_port}"
    service.shutdown()
    service.server_close()
    thread.join()


OBJECT_OR_NULL: Mapping[str, Json] = {"type": ["object", "null"]}


def ask(
    url: str,
    arguments: Mapping[str, Any],
    *,
    method: Literal["GET", "POST"] = "GET",
    effect: Literal["read", "write", "destructive"] | None = "read",
    allowed: Collection[str] = ("read",),
    output_schema: Mapping[str, Json] = OBJECT_OR_NULL,
    environment: Mapping[str, str] | None = None,
    **run: Any,
) -> Called:
    tool = Tool(
        ref="stacks/tools/order-status",
        location=Location("stacks/tools/order-status.yaml"),
        name="order_status",
        description="Look up an order.",
        input_schema={"type": "object"},
        output_schema=output_schema,
        effect=effect,
        run=HttpRun(url=url, method=method, **run),
    )
    call = ToolCall(id="1", name="order_status", arguments=arguments)

    async def called() -> Called:
        async with aclosing(LiveRun()) as shared:
            given = environment or {}
            toolbox = LiveToolbox([tool], Path(), shared, environment=given, effects=allowed)
            return await toolbox.call(call)

    return asyncio.run(called())


def test_get_sends_arguments_in_the_query_beside_what_the_address_has(server: str) -> None:
    called = ask(f"{server}/status?shop=1", {"order_id": "A-1 2&x", "all": True, "n": 2})

    assert called.result == {
        "method": "GET",
        "asked": {"shop": ["1"], "order_id": ["A-1 2&x"], "all": ["true"], "n": ["2"]},
        "token": None,
    }


def test_no_argument_takes_the_place_of_what_the_address_asks_for(server: str) -> None:
    called = ask(f"{server}/status?shop=1&key=k", {"order_id": "A-1", "shop": "2"})

    assert called.error == "order_status takes no shop: its address has that"


def test_post_sends_arguments_as_json(server: str) -> None:
    called = ask(f"{server}/returns", {"items": [1, {"a": None}]}, method="POST")

    assert called.result == {"method": "POST", "asked": {"items": [1, {"a": None}]}, "token": None}


def test_headers_come_from_the_environment(server: str) -> None:
    called = ask(
        f"{server}/", {}, headers_env={"X-Token": "SHOP_TOKEN"}, environment={"SHOP_TOKEN": "t-1"}
    )

    assert isinstance(called.result, dict)
    assert called.result["token"] == "t-1"


def test_a_missing_header_is_named_by_its_variable(server: str) -> None:
    with pytest.raises(ToolFailed, match="needs SHOP_TOKEN in the environment"):
        ask(f"{server}/", {}, headers_env={"X-Token": "SHOP_TOKEN"})


def test_what_the_service_says_of_the_request_goes_back_to_the_model(server: str) -> None:
    assert ask(f"{server}/missing", {}).error == "order_status answered 404: no such order"


def test_an_empty_answer_is_null(server: str) -> None:
    called = ask(f"{server}/none", {})

    assert (called.result, called.error) == (None, None)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/moved", "answered 302, a redirect, which is not followed"),
        ("/down", "answered 503, an error"),
        ("/text", "answered something that is not JSON"),
        ("/nan", "answered something that is not JSON"),
        ("/deep", "answered JSON nested too deeply"),
        ("/large", "answered more than 1000000 bytes"),
        ("/packed", "sent a compressed response, which was not requested"),
    ],
)
def test_a_failing_service_is_a_failure_and_no_answer(server: str, path: str, message: str) -> None:
    with pytest.raises(ToolFailed) as caught:
        ask(
            f"{server}{path}",
            {},
            headers_env={"X-Token": "SHOP_TOKEN"},
            environment={"SHOP_TOKEN": "t-secret"},
        )

    assert str(caught.value) == f"tool 'order_status': {server.removeprefix('http://')} {message}"


def test_a_service_that_sends_a_little_now_and_then_runs_out_of_its_time(server: str) -> None:
    with pytest.raises(ToolFailed, match=r"did not answer in 0\.5 s"):
        ask(f"{server}/drip", {}, timeout_s=0.5)


def test_a_result_nested_too_deeply_breaks_the_contract(server: str) -> None:
    with pytest.raises(ToolFailed, match="broke its contract: not JSON: nested too deeply"):
        ask(f"{server}/deepish", {})


def test_a_service_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(ToolFailed, match=r"127\.0\.0\.1:1 cannot be reached \(ConnectError\)"):
        ask("http://127.0.0.1:1/", {})


@pytest.mark.parametrize(
    "url",
    ["http://[::1/", "http://127.0.0.1:99999/", "http:///status", "http://127.0.0.1/\nstatus"],
)
def test_what_is_no_address_is_a_failure(url: str) -> None:
    with pytest.raises(ToolFailed, match="its address is not an http or https URL"):
        ask(url, {})


def test_an_address_that_cannot_be_asked_is_a_failure() -> None:
    with pytest.raises(ToolFailed, match="its address cannot be reached: Invalid IPv4 address"):
        ask("http://256.256.256.256/", {})


def test_a_query_too_long_for_an_address_is_a_failure(server: str) -> None:
    with pytest.raises(ToolFailed, match="its address cannot be reached: "):
        ask(f"{server}/status", {"note": "x" * 100_000})


@pytest.mark.parametrize("value", ["clé", "a\nb"])
def test_a_value_that_no_header_takes_is_named_by_its_variable(server: str, value: str) -> None:
    with pytest.raises(ToolFailed, match="SHOP_TOKEN holds characters that no header takes"):
        ask(
            f"{server}/",
            {},
            headers_env={"X-Token": "SHOP_TOKEN"},
            environment={"SHOP_TOKEN": value},
        )


@pytest.mark.parametrize("effect", ["write", "destructive", None])
def test_a_tool_that_may_change_something_is_not_called_unless_allowed(
    server: str, effect: Literal["write", "destructive"] | None
) -> None:
    called = ask(f"{server}/returns", {}, method="POST", effect=effect)

    assert called.error is not None
    assert called.error.startswith("order_status was not called: its effect is ")


def test_a_tool_whose_effect_is_allowed_is_called(server: str) -> None:
    called = ask(
        f"{server}/returns", {"n": 1}, method="POST", effect="write", allowed=("read", "write")
    )

    assert called.result == {"method": "POST", "asked": {"n": 1}, "token": None}


def test_a_result_that_breaks_the_contract_is_a_failure(server: str) -> None:
    with pytest.raises(ToolFailed, match='broke its contract: \\$: "state" is a required property'):
        ask(f"{server}/", {}, output_schema={"type": "object", "required": ["state"]})


def test_calls_of_one_run_share_neither_cookies_nor_connections(server: str) -> None:
    tool = Tool(
        ref="stacks/tools/visit",
        location=Location("stacks/tools/visit.yaml"),
        name="visit",
        description="Say who comes.",
        input_schema={"type": "object"},
        effect="read",
        run=HttpRun(url=f"{server}/cookie", method="GET"),
    )

    async def visits() -> list[Any]:
        async with aclosing(LiveRun()) as shared:
            call = ToolCall(id="1", name="visit", arguments={})
            return [(await LiveToolbox([tool], Path(), shared).call(call)).result for _ in range(3)]

    came = asyncio.run(visits())

    assert [visit["cookie"] for visit in came] == [None] * 3
    assert len({visit["from"] for visit in came}) == 3
