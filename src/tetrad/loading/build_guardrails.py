"""The guardrails of a stack, held against what they guard."""

from __future__ import annotations

from typing import Any

from tetrad.loading.context import Context
from tetrad.loading.fields import Fields
from tetrad.model import BothWays, Guardrails, InjectionGuard, Prompt
from tetrad.model.defaults import picked

_LETTERS = 8  # of a canary, and digits: answers are compared by them


def build_guardrails(fields: Fields, context: Context, prompt: Prompt) -> Guardrails:
    raw: dict[str, Any] = fields.get("guardrails") or {}
    guardrails = Guardrails(
        personal_data=BothWays(**raw.get("personal_data", {})),
        secrets=BothWays(**raw.get("secrets", {})),
        injection=InjectionGuard(**raw.get("injection", {})),
        **picked(
            raw,
            "max_input_chars",
            "block_pii_in_output",
            "canary",
            "repair_output",
            "max_calls_per_tool",
        ),
    )
    if guardrails.canary is not None:
        _check_canary(guardrails.canary, fields, context, prompt)
    if guardrails.repair_output:
        _check_repair(fields, context, prompt)
    if guardrails.injection.passages is not None and "corpus" not in fields.values:
        message = "the stack retrieves no passages"
        path = ("guardrails", "injection", "passages")
        context.report(fields.issue(path, message, "remove the key", at_key=True))
    return guardrails


def _check_canary(canary: str, fields: Fields, context: Context, prompt: Prompt) -> None:
    letters = sum(map(str.isalnum, canary))
    if letters < _LETTERS:
        message = f"{canary!r} has {letters} letters and digits, required ≥ {_LETTERS}"
        hint = "choose a word that no answer contains by chance"
        context.report(fields.issue(("guardrails", "canary"), message, hint))
        return
    system = (m.content for m in prompt.messages if m.role in {"system", "developer"})
    if any(canary in content for content in system):
        return
    message = f"no system message of {prompt.ref} contains {canary!r}"
    hint = "write it there, for example in a comment to the model that is not for users"
    context.report(fields.issue(("guardrails", "canary"), message, hint))


def _check_repair(fields: Fields, context: Context, prompt: Prompt) -> None:
    message = ""
    if prompt.style == "completion":
        message = f"{prompt.ref} has `style: completion`, in which nobody can be asked again"
    elif not prompt.output.enum and prompt.output.format != "json":
        message = f"{prompt.ref} has no output contract that an answer could break"
    if message:
        path = ("guardrails", "repair_output")
        context.report(fields.issue(path, message, "remove the key", at_key=True))
