"""Clients that others wrote: OpenAI's SDK and LangChain, with nothing but another address."""

from __future__ import annotations

import openai
import pytest
from gateways import Followed, Served, alone
from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam
from pydantic import SecretStr

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello over there"}]
ANSWER = "one: hello over there"


@pytest.fixture
def base_url(address: str, served: Served, followed: Followed) -> str:
    followed.move(echo=alone(served.take("one")))
    followed.wait_for(1)
    return f"{address}/v1"


@pytest.fixture
def client(base_url: str) -> OpenAI:
    return OpenAI(base_url=base_url, api_key="none", max_retries=0)


def test_the_sdk_gets_an_answer_with_its_identity(client: OpenAI, served: Served) -> None:
    raw = client.chat.completions.with_raw_response.create(model="echo", messages=HELLO)
    completion = raw.parse()

    assert completion.choices[0].message.content == ANSWER
    assert completion.usage is not None
    assert completion.usage.total_tokens == 10
    assert raw.headers["x-tetrad-identity"] == completion.system_fingerprint == served.names["one"]


def test_the_sdk_streams(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="echo", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    pieces = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]

    assert "".join(pieces) == ANSWER
    assert len([piece for piece in pieces if piece]) > 1
    assert chunks[-1].usage is not None


def test_the_sdk_lists_the_stacks(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["echo"]
    assert client.models.retrieve("echo").owned_by == "tetrad"


def test_the_sdk_raises_what_it_raises_for_openai(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="temperature") as refused:
        client.chat.completions.create(model="echo", messages=HELLO, temperature=1)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="parrot", messages=HELLO)

    assert refused.value.param == "temperature"


def test_langchain_gets_answers_whole_and_streamed(base_url: str) -> None:
    model = ChatOpenAI(model="echo", base_url=base_url, api_key=SecretStr("none"))
    turns = [HumanMessage("good morning"), AIMessage("one: good morning"), HumanMessage("hello")]

    whole = model.invoke(turns)
    streamed = [chunk.content for chunk in model.stream(turns)]

    assert whole.content == "one: hello"
    assert "".join(map(str, streamed)) == "one: hello"
    assert whole.response_metadata["token_usage"]["total_tokens"] == 10
