"""Requests as token ids, and token ids as text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tetrad.engines.torch.quiet import quieten
from tetrad.errors import EngineUnavailable
from tetrad.results.exchange import Message, Request, ToolDefinition


class Text:
    """A model's tokenizer and chat template."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.fast = tokenizer.backend_tokenizer
        control = sorted(
            (str(t) for t in tokenizer.added_tokens_decoder.values() if t.special), key=len
        )
        self._control = re.compile("|".join(re.escape(t) for t in reversed(control)) or r"(?!)")

    def prompt(self, request: Request) -> tuple[int, ...]:
        """The tokens that the model is given."""
        if request.style == "completion":
            text = "\n\n".join(self._inert(message.content) for message in request.messages)
            return tuple(self.fast.encode(text, add_special_tokens=True).ids)
        return tuple(self.fast.encode(self._chat(request), add_special_tokens=False).ids)

    def tokens(self, text: str) -> tuple[int, ...]:
        """The tokens of a text that continues another."""
        return tuple(self.fast.encode(text, add_special_tokens=False).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        text: str = self.fast.decode(list(tokens), skip_special_tokens=True)
        return text

    def _inert(self, content: str) -> str:
        """The text of a message without control tokens: only the chat template may end a turn.

        Whoever writes `<|im_end|>` into a document or a question writes those characters; a blank
        inside keeps the tokenizer from reading them as the token.
        """
        return self._control.sub(lambda match: f"{match[0][0]} {match[0][1:]}", content)

    def _chat(self, request: Request) -> str:
        from jinja2 import TemplateError

        template = self._tokenizer.chat_template
        if template is None:
            raise EngineUnavailable(
                "the model has no chat template\n  help: set `style: completion` in the prompt"
            )
        takes_tools = request.tools and "tools" in str(template)
        try:
            text: str = self._tokenizer.apply_chat_template(
                [
                    _message(replace(m, content=self._inert(m.content)), str(template))
                    for m in request.messages
                ],
                tools=[_tool(tool) for tool in request.tools] if takes_tools else None,
                add_generation_prompt=True,
                tokenize=False,
            )
        # Templates refuse orders of roles or absent text, and can go wrong as any program can.
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise EngineUnavailable(
                f"the model's chat template refuses the messages: {error}"
            ) from error
        return text


def load_text(folder: Path) -> Text:
    """The tokenizer of a Hugging Face folder."""
    quieten()
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # of the library of tokenizers, which raises nothing narrower
        raise EngineUnavailable(f"transformers cannot load the tokenizer: {error}") from error
    return Text(tokenizer)


def _message(message: Message, template: str) -> dict[str, Any]:
    role = message.role
    if role == "developer" and "developer" not in template:
        role = "system"
    out: dict[str, Any] = {"role": role, "content": message.content}
    if message.tool_calls:
        out["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _plain(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        out["tool_call_id"] = message.tool_call_id
    return out


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": _plain(tool.input_schema),
    }
    return {"type": "function", "function": function}


def _plain(value: Mapping[str, Any]) -> Any:
    """The dicts and lists that templates print as JSON."""
    from tetrad.canonical import canonical_json

    return json.loads(canonical_json(value))
