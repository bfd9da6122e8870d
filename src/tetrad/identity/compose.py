"""The composed identity: one readable JSON document, and the digest of its canonical bytes."""

from __future__ import annotations

from collections.abc import Mapping

from tetrad.canonical import Digest, Json, digest_of
from tetrad.identity.behaviour import component_digest, generation_behaviour
from tetrad.model import Guardrails, Retrieval, Stack

RUNTIME = 2  # raised whenever our rendering, chunking or retrieval would answer otherwise


def identity_document(stack: Stack) -> Mapping[str, Json]:
    """Component digests and the stack's own behavioural settings."""
    return {
        "kind": "identity",
        "version": 1,
        "runtime": RUNTIME,
        "prompt": str(component_digest(stack.prompt)),
        "model": str(component_digest(stack.model)),
        "corpus": str(component_digest(stack.retrieval.corpus)) if stack.retrieval else None,
        "tools": [str(component_digest(tool)) for tool in stack.tools],
        "settings": settings_of(stack),
    }


def identity_of(stack: Stack) -> Digest:
    """SHA-256 over the canonical bytes of the identity document."""
    return digest_of(identity_document(stack))


def settings_of(stack: Stack) -> Mapping[str, Json]:
    """The stack's own behavioural settings; what its prompt says is the prompt's."""
    return {
        "retrieval": _retrieval(stack.retrieval),
        "tool_loop": {"max_steps": stack.max_steps},
        "guardrails": _guardrails(stack.guardrails),
        "generation": generation_behaviour(stack.overrides),
    }


def _guardrails(guardrails: Guardrails) -> Mapping[str, Json]:
    """The two oldest always, the others where they are given, so that they moved no identity."""
    given: Mapping[str, Json] = {
        "personal_data": _given(
            input=guardrails.personal_data.input, output=guardrails.personal_data.output
        ),
        "secrets": _given(input=guardrails.secrets.input, output=guardrails.secrets.output),
        "injection": _given(
            variables=guardrails.injection.variables, passages=guardrails.injection.passages
        ),
        "canary": guardrails.canary,
        "repair_output": guardrails.repair_output or None,
        "max_calls_per_tool": guardrails.max_calls_per_tool,
    }
    return {
        "max_input_chars": guardrails.max_input_chars,
        "block_pii_in_output": guardrails.block_pii_in_output,
        **{key: value for key, value in given.items() if value is not None},
    }


def _given(**values: str | None) -> Mapping[str, Json] | None:
    return {key: value for key, value in values.items() if value is not None} or None


def _retrieval(retrieval: Retrieval | None) -> Mapping[str, Json] | None:
    if retrieval is None:
        return None
    otherwise = retrieval.answerable
    answerable: Json = (
        {"min_similarity": otherwise.min_similarity, "otherwise": otherwise.otherwise}
        if otherwise
        else None
    )
    return {
        "query": retrieval.query,
        "top_k": retrieval.top_k,
        "into": retrieval.into,
        "answerable": answerable,
    }
