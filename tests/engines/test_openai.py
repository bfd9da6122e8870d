"""The engine for endpoints, against a real server of the protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from fakes import Asked, OpenAIServer, Reply, nowhere

from tetrad.artifacts.backoff import Backoff
from tetrad.canonical import Json
from tetrad.engines.brake import Brake
from tetrad.engines.endpoint import Address, Endpoint
from tetrad.errors import EngineRefused, EngineUnavailable
from tetrad.model import Generation, Prices
from tetrad.results.exchange import (
    UNREADABLE_ARGUMENTS,
    Choice,
    Completion,
    JsonOutput,
    Message,
    Request,
    ToolCall,
    ToolDefinition,
    Usage,
)

KEY = "sk-secret-of-ours"
HELLO = Request(messages=(Message(role="user", content="Hello"),))
PLAIN = replace(HELLO, style="completion")
QUICK = Backoff(attempts=4, first_s=0.001, ceiling_s=0.002)


def brake() -> Brake:
    """One that waits for the first answer however long it takes: a test counts requests, not time."""
    return Brake(QUICK, grace_s=3600)


def ask(server: OpenAIServer, request: Request = HELLO, **address: Any) -> Completion:
    return asyncio.run(ask_all(server, [request], **address))[0]


async def ask_all(
    server: OpenAIServer, requests: Sequence[Request], **address: Any
) -> list[Completion]:
    given = {"base_url": server.url, "api_key": KEY, "model": "small", **address}
    engine = Endpoint(Address(**given), brake=brake())
    try:
        return await asyncio.gather(*(engine.complete(request) for request in requests))
    finally:
        await engine.aclose()


def body_sent(request: Request, **address: Any) -> dict[str, Any]:
    with OpenAIServer() as server:
        ask(server, request, **address)
        return dict(server.asked[-1].body)


def failure(*replies: Reply, request: Request = HELLO, **address: Any) -> str:
    with OpenAIServer(*replies) as server, pytest.raises(EngineUnavailable) as caught:
        ask(server, request, **address)
    return str(caught.value)


def refusal(*replies: Reply, request: Request = HELLO, **address: Any) -> str:
    with OpenAIServer(*replies) as server, pytest.raises(EngineRefused) as caught:
        ask(server, request, **address)
    return str(caught.value)


# -- what is sent


def test_a_chat_request_carries_its_messages_and_sampling() -> None:
    generation = Generation(temperature=0, max_tokens=8, top_p=0.9, seed=7, stop=("\n",))
    request = Request(
        messages=(Message(role="system", content="Be brief."), Message(role="user", content="Hé")),
        generation=generation,
    )

    assert body_sent(request) == {
        "model": "small",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hé"},
        ],
        "temperature": 0,
        "max_tokens": 8,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["\n"],
    }


def test_sampled_requests_draw_numbers_of_their_own() -> None:
    """A server draws by the seed alone, so the prompt's would make repeats copies."""
    sampled = Request(
        messages=(Message(role="user", content="Hello"),),
        generation=Generation(temperature=0.7, seed=7),
    )
    another = replace(sampled, generation=Generation(temperature=0.7, seed=8))
    asked = (sampled, replace(sampled, sample=1), replace(sampled, sample=2), another)

    seeds = [body_sent(request)["seed"] for request in asked]

    assert len(set(seeds)) == 4
    assert all(0 <= seed < 2**53 for seed in seeds)
    assert body_sent(sampled)["seed"] == seeds[0]
    unseeded = replace(sampled, generation=Generation(temperature=0.7))
    assert "seed" not in body_sent(unseeded)


def test_what_the_prompt_leaves_open_is_left_to_the_endpoint() -> None:
    assert {"model", "messages"} == body_sent(HELLO).keys()


def test_the_key_is_sent_and_no_header_without_one() -> None:
    with OpenAIServer() as server:
        ask(server)
        ask(server, api_key=None)

    assert [f"Bearer {KEY}", None] == [a.headers.get("authorization") for a in server.asked]


def test_a_completion_request_joins_its_messages_and_goes_to_the_plain_endpoint() -> None:
    request = replace(PLAIN, messages=(*PLAIN.messages, Message(role="user", content="World")))
    with OpenAIServer(Reply(text=" there")) as server:
        completion = ask(server, request)

    assert (
        server.asked[0].path,
        server.asked[0].body["prompt"],
        completion.text,
    ) == ("/completions", "Hello\n\nWorld", " there")


def test_tools_and_the_conversation_with_them_are_sent() -> None:
    call = ToolCall(id="call_9", name="order_status", arguments={"order_id": "A-1234"})
    request = Request(
        messages=(
            Message(role="user", content="Where is A-1234?"),
            Message(role="assistant", content="", tool_calls=(call,)),
            Message(role="tool", content='{"state": "sent"}', tool_call_id="call_9"),
        ),
        tools=(
            ToolDefinition(
                name="order_status", description="Look it up.", input_schema={"type": "object"}
            ),
        ),
    )
    body = body_sent(request)

    assert body["tools"][0] == {
        "type": "function",
        "function": {
            "name": "order_status",
            "description": "Look it up.",
            "parameters": {"type": "object"},
        },
    }
    assert body["messages"][1]["tool_calls"][0]["function"] == {
        "name": "order_status",
        "arguments": '{"order_id": "A-1234"}',
    }
    assert body["messages"][2]["tool_call_id"] == "call_9"


CLOSED: dict[str, Json] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
OPEN: dict[str, Json] = {"type": "object", "properties": {"city": {"type": "string"}}}


def with_city(**schema: Json) -> dict[str, Json]:
    return {**CLOSED, "properties": {"city": schema}}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        (OPEN, False),
        (with_city(type="array", items={"type": "string"}), True),
        (with_city(type="array", items={"type": "string"}, uniqueItems=True), False),
        (with_city(type="string", minLength=1), False),
        (with_city(type="string", pattern="^a"), False),
        (with_city(oneOf=[{"type": "string"}]), False),
        (with_city(anyOf=[{"type": "string"}, {"type": "null"}]), True),
        (with_city(anyOf=[OPEN, {"type": "null"}]), False),
        (with_city(type=["object", "null"], properties={}), False),
        (with_city(**{"$ref": "#/$defs/city"}) | {"$defs": {"city": {"type": "string"}}}, True),
        (with_city(**{"$ref": "#/$defs/city"}) | {"$defs": {"city": OPEN}}, False),
        (with_city(), False),
        # A property may be called as a keyword is.
        ({**CLOSED, "properties": {"oneOf": {"type": "string"}}, "required": ["oneOf"]}, True),
    ],
)
def test_a_json_output_goes_as_schema_and_strict_where_openai_would_take_it(
    schema: dict[str, Json], strict: bool
) -> None:
    request = replace(HELLO, constraint=JsonOutput(schema=schema))

    assert {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": strict},
    } == body_sent(request)["response_format"]


LABELS = replace(
    HELLO,
    constraint=Choice(labels=("yes", "no")),
    generation=Generation(max_tokens=4, stop=("\n",)),
)


def test_labels_go_to_vllm_as_a_choice() -> None:
    body = body_sent(LABELS, constrains=True)

    assert body["structured_outputs"] == {"choice": ["yes", "no"]}
    assert (body["max_tokens"], body["stop"]) == (4, ["\n"])


def test_labels_are_asked_for_as_the_one_property_of_an_object_elsewhere() -> None:
    body = body_sent(LABELS)

    form = body["response_format"]["json_schema"]
    assert form["strict"]
    assert form["schema"] == {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    assert (body["max_tokens"], "stop" in body) == (20, False)  # room for the object


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"answer": "yes"}', "yes"),
        ('```json\n{"answer": "yes"}\n```\n', "yes"),
        ('```\n{"answer": "yes"}```', "yes"),
        ("```\nyes\n```", "```\nyes\n```"),
        (' {\n  "answer" : "y\\u0065s" }\n', "yes"),
        ("yes", "yes"),
        ('{"answer": "yes", "why": 1}', '{"answer": "yes", "why": 1}'),
        ('{"answer": 7}', "7"),
        ('{"answer": "ye', '{"answer": "ye'),
    ],
)
def test_a_label_is_taken_out_of_its_object_and_whatever_else_stays(
    written: str, read: str
) -> None:
    with OpenAIServer(Reply(text=written)) as server:
        assert ask(server, LABELS).text == read


def test_a_schema_whose_root_is_a_list_is_asked_for_within_an_object() -> None:
    schema: dict[str, Json] = {
        "type": "array",
        "items": {"$ref": "#/$defs/tag"},
        "$defs": {"tag": {"type": "string"}},
    }
    request = replace(HELLO, constraint=JsonOutput(schema=schema))
    with OpenAIServer(Reply(text='{"answer": ["a",  1.0]}')) as server:
        assert ask(server, request).text == '["a",  1.0]'

    sent = server.asked[0].body["response_format"]["json_schema"]["schema"]
    assert sent["properties"]["answer"]["items"] == {"$ref": "#/properties/answer/$defs/tag"}
    assert body_sent(request, constrains=True)["response_format"]["json_schema"]["schema"] == schema


def test_a_plain_completion_of_labels_ends_at_the_line() -> None:
    labels = replace(LABELS, style="completion", generation=Generation())

    assert body_sent(labels)["stop"] == ["\n"]
    assert body_sent(replace(labels, generation=Generation(stop=("#",))))["stop"] == ["#"]


@pytest.mark.parametrize("request_", [LABELS, replace(HELLO, constraint=JsonOutput(schema={}))])
def test_a_server_that_refuses_schemas_is_asked_without_one_from_then_on(request_: Request) -> None:
    def answer(asked: Asked) -> Reply:
        if "response_format" in asked.body:
            return Reply(status=400, error={"message": "This response_format is unavailable now"})
        return Reply(text="yes")

    with OpenAIServer(answer=answer) as server:
        answers = asyncio.run(ask_all(server, [request_] * 3, concurrency=1))

    assert [completion.text for completion in answers] == ["yes"] * 3
    assert ["response_format" in a.body for a in server.asked] == [True, False, False, False]


def test_max_tokens_is_called_by_its_newer_name_after_the_one_refusal_that_says_so() -> None:
    def answer(asked: Asked) -> Reply:
        if "max_tokens" in asked.body:
            message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return Reply(status=400, error={"message": message, "code": "unsupported_parameter"})
        return Reply(text="ok")

    request = replace(HELLO, generation=Generation(max_tokens=8))
    with OpenAIServer(answer=answer) as server:
        answers = asyncio.run(ask_all(server, [request] * 3, concurrency=1))

    assert [completion.text for completion in answers] == ["ok"] * 3
    assert ["max_completion_tokens" in a.body for a in server.asked] == [False, True, True, True]


# -- what is read


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_text_usage_and_times_are_read(stream: bool) -> None:
    usage = {
        "prompt_tokens": 20,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 16},
    }
    with OpenAIServer(Reply(text="It is sent.", usage=usage, delay_s=0.02)) as server:
        completion = ask(server, stream=stream)

    assert completion.text == "It is sent."
    assert Usage(input_tokens=20, output_tokens=4, cached_input_tokens=16) == completion.usage
    assert completion.latency_s is not None
    assert 0.02 <= completion.latency_s < 5
    assert stream == (completion.first_token_s is not None)


def test_a_server_that_answers_whole_though_asked_to_stream_is_understood() -> None:
    body = b'{"choices": [{"message": {"role": "assistant", "content": "whole"}}]}'
    with OpenAIServer(Reply(body=body, headers={"Content-Type": "application/json"})) as server:
        completion = ask(server, stream=True)

    assert (completion.text, completion.first_token_s) == ("whole", None)


def test_the_first_token_of_a_stream_comes_before_its_end() -> None:
    with OpenAIServer(Reply(text="word " * 2000)) as server:
        completion = ask(server, stream=True)

    assert completion.first_token_s is not None
    assert completion.latency_s is not None
    assert completion.first_token_s < completion.latency_s


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_plain_completions_are_read(stream: bool) -> None:
    with OpenAIServer(Reply(text="billing it is", finish_reason="length")) as server:
        completion = ask(server, PLAIN, stream=stream)

    assert (completion.text, completion.finish_reason) == ("billing it is", "length")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_tool_calls_are_read(stream: bool) -> None:
    calls = (
        {"id": "a", "name": "order_status", "arguments": {"order_id": "A-1234"}},
        {"id": "b", "name": "cancel", "arguments": {}},
    )
    with OpenAIServer(Reply(tool_calls=calls)) as server:
        completion = ask(server, stream=stream)

    assert (
        ToolCall(id="a", name="order_status", arguments={"order_id": "A-1234"}),
        ToolCall(id="b", name="cancel", arguments={}),
    ) == completion.tool_calls
    assert completion.finish_reason == "tool_calls"


@pytest.mark.parametrize("written", ["{not json", "[1]", '{"a": NaN}', '{"a": 1e999}', "[" * 99999])
def test_arguments_that_are_no_json_object_reach_the_tools_schema_as_such(written: str) -> None:
    with OpenAIServer(Reply(tool_calls=({"name": "x", "arguments": written},))) as server:
        completion = ask(server)

    assert {UNREADABLE_ARGUMENTS: written} == completion.tool_calls[0].arguments


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"total_tokens": 120},
        {"prompt_tokens": -5, "completion_tokens": -7},
        {"prompt_tokens": float("nan"), "completion_tokens": float("inf")},
        {"prompt_tokens": "100", "completion_tokens": "3"},
        {"prompt_tokens": True, "completion_tokens": 1.5},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 10**400, "completion_tokens": 10**400},
        {"input_tokens": 100, "output_tokens": 3},
    ],
)
def test_tokens_that_nobody_counted_are_not_known(usage: dict[str, Any] | None) -> None:
    with OpenAIServer(Reply(text="déjà", usage=usage)) as server:
        completion = ask(server)

    assert Usage(input_tokens=None, output_tokens=None) == completion.usage


COUNTED = {"prompt_tokens": 30, "completion_tokens": 10}


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (COUNTED, Usage(input_tokens=30, output_tokens=10)),
        (
            {"prompt_tokens": 30.0, "completion_tokens": 10.0},
            Usage(input_tokens=30, output_tokens=10),
        ),
        # Cached tokens counted beside the prompt's
        (
            {**COUNTED, "prompt_tokens_details": {"cached_tokens": 900}},
            Usage(input_tokens=930, output_tokens=10, cached_input_tokens=900),
        ),
        # Thinking among the completion's tokens, beside them, and in the total alone
        (
            {**COUNTED, "total_tokens": 40, "completion_tokens_details": {"reasoning_tokens": 8}},
            Usage(input_tokens=30, output_tokens=10),
        ),
        (
            {**COUNTED, "completion_tokens_details": {"reasoning_tokens": 200}},
            Usage(input_tokens=30, output_tokens=210),
        ),
        (
            {
                **COUNTED,
                "total_tokens": 240,
                "completion_tokens_details": {"reasoning_tokens": 200},
            },
            Usage(input_tokens=30, output_tokens=210),
        ),
        ({**COUNTED, "total_tokens": 340}, Usage(input_tokens=30, output_tokens=310)),
        ({**COUNTED, "total_tokens": 3}, Usage(input_tokens=30, output_tokens=10)),
        ({"prompt_tokens": 30}, Usage(input_tokens=30, output_tokens=None)),
        # Left out in every way that servers do
        (
            {**COUNTED, "total_tokens": None, "prompt_tokens_details": None},
            Usage(input_tokens=30, output_tokens=10),
        ),
        (
            {
                **COUNTED,
                "total_tokens": 0,
                "prompt_tokens_details": {"cached_tokens": None},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
            Usage(input_tokens=30, output_tokens=10),
        ),
    ],
)
def test_tokens_are_counted_however_the_server_splits_them(
    usage: dict[str, Any], counted: Usage
) -> None:
    with OpenAIServer(Reply(text="ok", usage=usage)) as server:
        assert ask(server).usage == counted


NO_COUNTS = ["500", "", -400, True, 1.5, float("nan"), 10**400, [5], {}]


@pytest.mark.parametrize("said", NO_COUNTS, ids=repr)
def test_a_detail_that_is_no_count_leaves_what_it_would_change_not_known(said: Any) -> None:
    without_input = Usage(input_tokens=None, output_tokens=10)
    without_output = Usage(input_tokens=30, output_tokens=None)
    for detail, counted in (
        ({"prompt_tokens_details": {"cached_tokens": said}}, without_input),
        ({"completion_tokens_details": {"reasoning_tokens": said}}, without_output),
        ({"total_tokens": said}, without_output),
    ):
        with OpenAIServer(Reply(text="ok", usage={**COUNTED, **detail})) as server:
            usage = ask(server).usage

        assert usage == counted
        assert usage.cost_usd(Prices(input=1, output=1)) is None


@pytest.mark.parametrize("details", ["prompt_tokens_details", "completion_tokens_details"])
def test_details_in_another_form_leave_what_they_would_change_not_known(details: str) -> None:
    with OpenAIServer(Reply(text="ok", usage={**COUNTED, details: "x"})) as server:
        assert ask(server).usage.total_tokens is None


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    body = {"choices": [{"message": {"content": "a\ud800b"}, "finish_reason": "stop"}]}
    with OpenAIServer(Reply(body=json.dumps(body).encode())) as server:
        completion = ask(server)

    assert completion.text == "a\ufffdb"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_the_text_parts_of_a_content_in_parts_are_the_answer(stream: bool) -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    parts = [thinking, {"type": "text", "text": "y"}, {"type": "text", "text": "es"}]
    kind = "delta" if stream else "message"
    body = json.dumps({"choices": [{kind: {"content": parts}, "finish_reason": "stop"}]})
    reply = f"data: {body}\n\n" if stream else body
    with OpenAIServer(Reply(body=reply.encode())) as server:
        assert ask(server, stream=stream).text == "yes"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_arguments_may_come_as_an_object(stream: bool) -> None:
    call = {"index": 0, "function": {"name": "look", "arguments": {"order_id": "A-1"}}}
    kind = "delta" if stream else "message"
    body = json.dumps({"choices": [{kind: {"tool_calls": [call]}, "finish_reason": "tool_calls"}]})
    reply = f"data: {body}\n\n" if stream else body
    with OpenAIServer(Reply(body=reply.encode())) as server:
        assert ask(server, stream=stream).tool_calls[0].arguments == {"order_id": "A-1"}


ATTACHED: list[dict[str, Any]] = [
    {"content": None},
    {"content": ""},
    {"content": None, "reasoning_content": "Look it up."},
    {"content": "I look.", "reasoning_details": [{"type": "reasoning.text", "signature": "c2ln"}]},
    {"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "I look."}]},
]
SIGNED: list[dict[str, Any]] = [
    {},
    {"extra_content": {"google": {"thought_signature": "c2ln"}}},
    {"provider_specific_fields": {"thought_signature": "c2ln"}},
]


@pytest.mark.parametrize("message", ATTACHED)
@pytest.mark.parametrize("signed", SIGNED)
def test_a_turn_with_calls_goes_back_as_the_server_wrote_it(
    message: dict[str, Any], signed: dict[str, Any]
) -> None:
    call = {
        "id": "a",
        "type": "function",
        "function": {"name": "look", "arguments": "{}"},
        **signed,
    }
    turn = {"role": "assistant", "tool_calls": [call], **message}
    body = json.dumps({"choices": [{"message": turn, "finish_reason": "tool_calls"}]})
    with OpenAIServer(Reply(body=body.encode()), Reply(text="sent")) as server:
        first = ask(server)
        said = Message(
            role="assistant",
            content=first.text,
            tool_calls=first.tool_calls,
            attached=first.attached,
        )
        result = Message(role="tool", content="{}", tool_call_id="a")
        ask(server, replace(HELLO, messages=(*HELLO.messages, said, result)))

    assert server.asked[1].body["messages"][1] == turn


def test_a_signature_in_a_stream_is_kept() -> None:
    function = {"name": "look", "arguments": "{}", "thought_signature": "c2ln"}
    deltas = [
        {"reasoning_content": "Look "},
        {"reasoning_content": "it up."},
        {"tool_calls": [{"index": 0, "id": "a", "function": function}]},
    ]
    events = [f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n" for delta in deltas]
    with OpenAIServer(Reply(body="".join([*events, "data: [DONE]\n\n"]).encode())) as server:
        completion = ask(server, stream=True)

    assert completion.attached == {"reasoning_content": "Look it up."}
    assert completion.tool_calls[0].attached == {"function": {"thought_signature": "c2ln"}}


def test_a_refusal_is_the_answer() -> None:
    body = {"choices": [{"message": {"content": None, "refusal": "I can't."}}]}
    with OpenAIServer(Reply(body=json.dumps(body).encode())) as server:
        assert ask(server).text == "I can't."


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("length", "length"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("eos_token", "stop"),
    ],
)
def test_the_reason_for_an_end_is_read_in_the_words_of_several_vendors(
    written: str, read: str
) -> None:
    with OpenAIServer(Reply(text="ok", finish_reason=written)) as server:
        assert ask(server).finish_reason == read


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "The prompt triggered a policy.", "code": "content_filter"}),
        (400, {"message": "The prompt triggered a policy.", "type": "content_filter"}),
        (400, {"message": "Invalid prompt: it was flagged", "code": "invalid_prompt"}),
        (403, {"message": "The model requires moderation and your input was flagged"}),
    ],
)
def test_a_prompt_that_the_providers_filter_refuses_is_an_empty_filtered_answer(
    status: int, error: dict[str, Any]
) -> None:
    with OpenAIServer(Reply(status=status, error=error)) as server:
        completion = ask(server)

    assert (completion.text, completion.finish_reason) == ("", "content_filter")
    assert completion.usage.total_tokens is None


# -- retries


@pytest.mark.parametrize("finish", ["error", "abort", "insufficient_system_resource", "timeout"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_answer_that_failed_on_the_server_is_asked_for_again(finish: str, stream: bool) -> None:
    with OpenAIServer(Reply(text="half", finish_reason=finish), Reply(text="whole")) as server:
        assert ask(server, stream=stream).text == "whole"

    said = failure(Reply(text="", finish_reason=finish))
    assert f"finish_reason {finish!r} (tried 4 times)" in said


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_nothing_for_a_reason_that_nobody_knows_is_no_answer(stream: bool) -> None:
    with OpenAIServer(Reply(text="", finish_reason="OTHER"), Reply(text="whole")) as server:
        assert ask(server, stream=stream).text == "whole"
    with OpenAIServer(Reply(text="", finish_reason="stop")) as server:
        assert ask(server, stream=stream).text == ""
    with OpenAIServer(Reply(text="some", finish_reason="OTHER")) as server:
        assert ask(server, stream=stream).text == "some"


@pytest.mark.parametrize(
    "status", [408, 409, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529]
)
def test_a_busy_endpoint_is_asked_again(status: int) -> None:
    with OpenAIServer(Reply(status=status), Reply(status=status), Reply(text="ok")) as server:
        completion = ask(server)

    assert (completion.text, len(server.asked)) == ("ok", 3)


@pytest.mark.parametrize("form", ["seconds", "a fraction", "a date"])
def test_a_wait_that_the_server_asks_for_holds_for_every_request(form: str) -> None:
    """Whoever is not asked to wait waits, too: of twenty requests one is sent twice."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    wait = {"seconds": "1", "a fraction": "0.7", "a date": date}[form]
    first = Reply(status=429, headers={"Retry-After": wait})
    with OpenAIServer(first, Reply(text="ok")) as server:
        answers = asyncio.run(ask_all(server, [HELLO] * 20, concurrency=20))

    assert [completion.text for completion in answers] == ["ok"] * 20
    assert len(server.asked) == 21
    assert sum(completion.requests for completion in answers) == 21


# -- what holds for every request


REFUSALS = [
    (Reply(status=401, error={"message": "Incorrect key"}), "check the key in LLM_KEY"),
    (Reply(status=403, error={"message": "Forbidden"}), "check the key in LLM_KEY"),
    (Reply(status=400, error={"message": "API key not valid."}), "check the key in LLM_KEY"),
    (Reply(status=402, error={"message": "Insufficient Balance"}), "check the account's balance"),
    (
        Reply(status=429, error={"message": "You exceeded it", "code": "insufficient_quota"}),
        "check the account's balance",
    ),
    (
        Reply(status=404, error={"message": "The model `small` does not exist"}),
        "check the model's name, and the address in LLM_URL",
    ),
    (
        Reply(status=400, error={"message": "Invalid model name passed in model=small"}),
        "check the model's name, and the address in LLM_URL",
    ),
]


@pytest.mark.parametrize(("reply", "hint"), REFUSALS)
def test_a_refusal_that_holds_for_every_request_ends_them_all(reply: Reply, hint: str) -> None:
    names = {"url_variable": "LLM_URL", "key_variable": "LLM_KEY"}
    with OpenAIServer(reply) as server, pytest.raises(EngineRefused) as caught:
        asyncio.run(ask_all(server, [HELLO] * 200, concurrency=32, **names))

    assert len(server.asked) == 1
    assert f"small at {server.url}: {reply.status} " in str(caught.value)
    assert hint in str(caught.value)


async def outcomes(
    server: OpenAIServer, requests: Sequence[Request], *, concurrency: int = 32
) -> list[Completion | BaseException]:
    address = Address(base_url=server.url, api_key=None, model="small", concurrency=concurrency)
    engine = Endpoint(address, brake=brake())
    try:
        asked = (engine.complete(request) for request in requests)
        return await asyncio.gather(*asked, return_exceptions=True)
    finally:
        await engine.aclose()


@pytest.mark.parametrize("status", [403, 404])
def test_after_an_answer_such_a_refusal_is_of_one_request(status: int) -> None:
    with OpenAIServer(Reply(text="ok"), Reply(status=status), Reply(text="ok")) as server:
        found = asyncio.run(outcomes(server, [HELLO] * 3, concurrency=1))

    assert [type(one) for one in found] == [Completion, EngineUnavailable, Completion]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_endpoint_that_never_answers_is_asked_a_few_times_however_many_ask(status: int) -> None:
    with OpenAIServer(Reply(status=status)) as server:
        failed = asyncio.run(outcomes(server, [HELLO] * 500))

    assert len(server.asked) <= 6
    assert all(isinstance(one, EngineUnavailable) for one in failed)
    assert "gave up after several attempts: " in str(failed[-1])


def test_an_endpoint_that_refuses_every_request_alike_is_given_up() -> None:
    with OpenAIServer(Reply(status=400, error={"message": "no temperature"})) as server:
        failed = asyncio.run(outcomes(server, [HELLO] * 50))

    assert len(server.asked) == 10
    assert str(failed[-1]) == (
        f"small at {server.url}: gave up after several attempts: 10 requests in a row were refused:"
        " 400 Bad Request: no temperature"
    )


@pytest.mark.parametrize("status", [403, 404, 501])
def test_an_endpoint_that_answers_no_more_is_given_up(status: int) -> None:
    replies = [*[Reply(text="ok")] * 3, Reply(status=status, error={"message": "no longer"})]
    with OpenAIServer(*replies) as server:
        found = asyncio.run(outcomes(server, [HELLO] * 60, concurrency=1))

    assert sum(isinstance(one, Completion) for one in found) == 3
    assert len(server.asked) == 3 + 10


def test_one_request_that_an_endpoint_fails_at_takes_no_other_with_it() -> None:
    def answer(asked: Asked) -> Reply:
        is_bad = asked.body["messages"][0]["content"] == "0"
        return Reply(status=500) if is_bad else Reply(text="ok")

    requests = [replace(HELLO, messages=(Message(role="user", content=str(n)),)) for n in range(20)]

    with OpenAIServer(answer=answer) as server:
        bad, *good = asyncio.run(outcomes(server, requests, concurrency=1))

    assert isinstance(bad, EngineUnavailable)
    assert all(isinstance(one, Completion) for one in good)


def test_a_request_that_is_too_large_for_a_quota_is_not_waited_for() -> None:
    error = {"message": "Request too large for small: Limit 10000, Requested 20000"}
    with OpenAIServer(Reply(text="ok"), Reply(status=429, error=error)) as server:
        found = asyncio.run(outcomes(server, [HELLO] * 2, concurrency=1))

    assert isinstance(found[1], EngineUnavailable)
    assert len(server.asked) == 2


def test_a_server_in_front_of_vllm_is_recognised_and_holds_to_labels() -> None:
    with OpenAIServer(Reply(text="yes"), models=[{"id": "small", "owned_by": "vllm"}]) as server:
        ask(server, LABELS)
        body = server.asked[0].body

    assert body["structured_outputs"] == {"choice": ["yes", "no"]}
    assert "response_format" not in body


def test_vllm_is_bound_to_a_schema_in_plain_completions_too() -> None:
    plain = replace(PLAIN, constraint=JsonOutput(schema=CLOSED))
    with OpenAIServer(Reply(text="{}"), models=[{"id": "small", "owned_by": "vllm"}]) as server:
        ask(server, plain)

    assert server.asked[0].body["response_format"]["json_schema"]["schema"] == CLOSED
    assert "response_format" not in body_sent(plain)


def test_what_a_server_is_is_asked_once_and_only_for_labels() -> None:
    with OpenAIServer(models=[{"id": "small", "owned_by": "someone"}]) as server:
        asyncio.run(ask_all(server, [HELLO] * 3))
        assert server.models_asked == 0
        asyncio.run(ask_all(server, [LABELS] * 3, concurrency=1))
        assert server.models_asked == 1


def test_a_wait_of_hours_is_not_waited() -> None:
    said = failure(Reply(status=429, headers={"Retry-After": "7200"}, error={"message": "quota"}))

    assert said.endswith("429 Too Many Requests: quota (tried once)")


def test_retries_end() -> None:
    with OpenAIServer(Reply(status=503)) as server, pytest.raises(EngineUnavailable):
        ask(server)

    assert len(server.asked) == 4


@pytest.mark.parametrize("status", [400, 413, 422, 501])
def test_other_refusals_are_final_and_say_why(status: int) -> None:
    reply = Reply(status=status, error={"message": "It is\nso."})
    with OpenAIServer(reply) as server, pytest.raises(EngineUnavailable, match="It is") as caught:
        ask(server)

    assert len(server.asked) == 1
    assert f": {status} " in str(caught.value)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_broken_answer_is_asked_for_again(stream: bool) -> None:
    replies = (Reply(text="a b c d", cut_after=2), Reply(text="a b c d"))
    with OpenAIServer(*replies) as server:
        completion = ask(server, stream=stream)

    assert (completion.text, len(server.asked)) == ("a b c d", 2)


def test_a_stream_that_ends_before_its_answer_is_asked_for_again() -> None:
    half = b'data: {"choices": [{"delta": {"content": "hal"}}]}\n\n'
    with OpenAIServer(Reply(body=half), Reply(text="whole")) as server:
        assert ask(server, stream=True).text == "whole"


def test_a_stream_that_stays_open_after_its_answer_is_not_waited_for() -> None:
    events = b'data: {"choices": [{"delta": {"content": "whole"}}]}\n\ndata: [DONE]\n\n'
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    ended = asyncio.Event()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + f"{len(events):x}\r\n".encode() + events + b"\r\n")
        await ended.wait()
        writer.close()

    async def asked() -> Completion:
        server = await asyncio.start_server(respond, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        address = Address(
            base_url=f"http://127.0.0.1:{port}/v1", api_key=None, model="m", stream=True
        )
        engine = Endpoint(address)
        async with server:
            completion = await engine.complete(HELLO)
            ended.set()
            await engine.aclose()
        return completion

    assert asyncio.run(asked()).text == "whole"


def test_an_error_inside_a_stream_is_asked_again_and_then_told() -> None:
    said = failure(Reply(body=b'data: {"error": {"message": "out of memory"}}\n\n'), stream=True)

    assert "the server broke off: out of memory (tried 4 times)" in said


def test_an_error_in_the_place_of_an_answer_is_asked_again_and_then_told() -> None:
    said = failure(Reply(body=b'{"error": {"message": "the model is overloaded"}}'))

    assert "answered with an error: the model is overloaded (tried 4 times)" in said


def test_an_endpoint_that_does_not_answer_is_given_up_after_two_timeouts() -> None:
    for timeout_s in (1, 4, 16):  # long enough to connect, whatever else the machine does
        with (
            OpenAIServer(Reply(delay_s=3 * timeout_s)) as server,
            pytest.raises(EngineUnavailable) as caught,
        ):
            ask(server, timeout_s=timeout_s)
        if len(server.asked) == 2:
            break

    assert len(server.asked) == 2
    assert f"no answer in {timeout_s} s" in str(caught.value)


def test_an_endpoint_that_is_not_there_is_named() -> None:
    gone = nowhere()
    with pytest.raises(EngineUnavailable) as caught:
        ask(OpenAIServer(), base_url=gone)

    assert f"small at {gone}: the connection failed" in str(caught.value)


def test_the_path_goes_before_the_query_of_an_address_and_the_query_is_not_shown() -> None:
    with OpenAIServer() as server:
        ask(server, base_url=f"{server.url}?api-version=2024-10-21")
    assert server.asked[0].path == "/chat/completions"
    assert server.asked[0].query == "api-version=2024-10-21"

    said = failure(Reply(status=400), base_url="http://127.0.0.1:1/v1?key=secret")
    assert "secret" not in said


def test_an_address_that_cannot_be_asked_is_named() -> None:
    with pytest.raises(EngineUnavailable, match=r"small at http://256\.1\.1\.1/v1: Invalid IPv4"):
        ask(OpenAIServer(), base_url="http://256.1.1.1/v1")


# -- what must not happen


def test_a_key_that_the_server_repeats_is_not_repeated_by_us() -> None:
    said = refusal(Reply(status=401, error={"message": f"Incorrect API key provided: {KEY}"}))

    assert KEY not in said
    assert "Incorrect API key provided: ***" in said


def test_a_password_in_the_address_is_not_shown() -> None:
    with OpenAIServer(Reply(status=400)) as server, pytest.raises(EngineUnavailable) as caught:
        ask(server, base_url=server.url.replace("http://", "http://me:hunter2@"))

    assert "hunter2" not in str(caught.value)


NOT_ANSWERS = [
    (b"<html>login</html>", "the answer is not JSON but begins '<html>login</html>'"),
    (b"[]", "the answer is not an object"),
    (b"{}", "the answer has no choices"),
    (b'{"choices": []}', "the answer has no choices"),
    (b'{"choices": [7]}', "choices[0] is not an object"),
    (b'{"choices": [{}]}', "choices[0].message is missing"),
    (b'{"choices": [{"message": {"content": 7}}]}', "the message's content is not a string"),
    (b'{"choices": [{"message": {"tool_calls": {}}}]}', "tool_calls is not a list"),
    (b'{"choices": [{"message": {"tool_calls": [{}]}}]}', "a tool call has no name"),
    (b"[" * 200_000, "the answer is not JSON"),
    (b"\xff\xfe", "the answer is not JSON"),
]


@pytest.mark.parametrize(("body", "reason"), NOT_ANSWERS, ids=[r for _, r in NOT_ANSWERS])
def test_what_is_no_answer_is_explained(body: bytes, reason: str) -> None:
    assert reason in failure(Reply(body=body))


@pytest.mark.parametrize("choice", ["{}", '{"text": null}', '{"message": {"content": "hi"}}'])
def test_a_plain_completion_without_a_text_is_no_empty_answer(choice: str) -> None:
    reply = Reply(body=f'{{"choices": [{choice}]}}'.encode())

    with OpenAIServer(reply) as server, pytest.raises(EngineUnavailable, match="text is missing"):
        ask(server, PLAIN)


def test_an_endless_answer_is_refused() -> None:
    assert "larger than 16 MB" in failure(Reply(body=b" " * 17_000_000))


def test_a_compressed_answer_is_refused() -> None:
    assert "compressed" in failure(Reply(body=b"x", headers={"Content-Encoding": "gzip"}))


def test_never_more_requests_in_flight_than_the_model_says() -> None:
    with OpenAIServer(Reply(text="ok", delay_s=0.01)) as server:
        asyncio.run(ask_all(server, [HELLO] * 20, concurrency=4))

    assert server.most_in_flight == 4


def test_the_engine_says_what_it_is() -> None:
    engine = Endpoint(
        Address(base_url="http://a:b@host/v1", api_key=None, model="m", concurrency=9)
    )

    assert (
        engine.name,
        engine.concurrency,
        engine.native_tools,
    ) == ("openai http://host/v1", 9, True)
    asyncio.run(engine.aclose())


@pytest.mark.parametrize("stream", [False, True])
def test_a_vendors_fingerprint_comes_with_the_answer(stream: bool) -> None:
    whole = {
        "choices": [{"message": {"content": "hi"}, "delta": {"content": "hi"}}],
        "system_fingerprint": "fp_1",
    }
    body = json.dumps(whole).encode()
    if stream:
        body = b"data: " + body + b"\n\ndata: [DONE]\n\n"

    with OpenAIServer(Reply(body=body)) as server:
        assert ask(server, stream=stream).system_fingerprint == "fp_1"
