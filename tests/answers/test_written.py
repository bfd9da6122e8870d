"""The written form of an answer."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tetrad.answers.written import dump_completion, load_completion
from tetrad.results.exchange import Completion, ToolCall, Usage

TWELVE = Usage(input_tokens=12, output_tokens=3)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
completions = st.builds(
    Completion,
    text=st.text(st.characters(exclude_categories=[])),
    tool_calls=st.lists(
        st.builds(
            ToolCall,
            id=st.text(),
            name=st.text(),
            arguments=st.dictionaries(st.text(), json_values),
            attached=st.none() | st.dictionaries(st.text(), json_values),
        ),
        max_size=2,
    ).map(tuple),
    finish_reason=st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
    usage=st.builds(
        Usage,
        input_tokens=st.none() | st.integers(0, 2**53 - 1),
        output_tokens=st.none() | st.integers(0, 2**53 - 1),
        cached_input_tokens=st.integers(0, 2**53 - 1),
    ),
    latency_s=st.none() | st.floats(0, 1e6),
    first_token_s=st.none() | st.floats(0, 1e6),
    likelihoods=st.none() | st.dictionaries(st.text(), st.floats(0, 1)),
    system_fingerprint=st.none() | st.text(),
    cached=st.just(value=True),
)


@settings(deadline=None)
@given(completions)
def test_an_answer_survives_its_written_form(completion: Completion) -> None:
    assert completion == load_completion(dump_completion(completion))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b'{"text":"yes","usage":[12,3,0]}', Completion(text="yes", usage=TWELVE, cached=True)),
        (
            (
                b'{"text":"","tool_calls":[{"id":"1","name":"f","arguments":{"a":[NaN,"\\ud800"]}}],'
                b'"finish":"tool_calls","usage":[12,3,0],"latency_s":1.0,"likelihoods":{"a":1.0}}'
            ),
            Completion(
                text="",
                tool_calls=(ToolCall(id="1", name="f", arguments={"a": [nan, "\ud800"]}),),
                finish_reason="tool_calls",
                usage=TWELVE,
                latency_s=1.0,
                likelihoods={"a": 1.0},
                cached=True,
            ),
        ),
        (
            b'{"text":"\xed\xa0\x80","usage":[null,null,0],"attached":{"n":1'
            + b"0" * 400
            + b'},"finish":"length","system_fingerprint":"fp"}',
            Completion(
                text="\ud800",
                attached={"n": 10**400},
                finish_reason="length",
                usage=Usage(input_tokens=None, output_tokens=None),
                system_fingerprint="fp",
                cached=True,
            ),
        ),
    ],
)
def test_answers_that_earlier_versions_wrote_are_read(written: bytes, expected: Completion) -> None:
    assert repr(load_completion(written)) == repr(expected)


def test_what_is_so_of_one_call_only_is_not_written() -> None:
    kept = Completion(text="yes", usage=TWELVE, latency_s=0.25)

    written = dump_completion(replace(kept, requests=3, cached=True))

    assert (
        written == b'{"text":"yes","usage":{"input_tokens":12,"output_tokens":3},"latency_s":0.25}'
    )
