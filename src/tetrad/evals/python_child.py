"""What runs a golden set's code inside its process; it knows only the standard library.

As in promptfoo, a text of one line is an expression and one of several lines a function's body,
both with `output` and `context`; of a file it is one of its functions.
"""

from __future__ import annotations

import textwrap
from typing import Any


def run(code: str, file: str, function: str, arguments: list[Any]) -> Any:
    """Call the code's function with the arguments; `file` is where the code stands, if in one."""
    return _callable(code, file, function)(*arguments)


def _callable(code: str, file: str, function: str) -> Any:
    names: dict[str, Any] = {"__name__": "golden_code"}
    if file:
        names["__file__"] = file
        exec(compile(code, file, "exec"), names)  # noqa: S102 -- this is the golden set's code
        return names[function]
    exec(compile(_definition(code.strip("\n")), "<assertion>", "exec"), names)  # noqa: S102 -- as above
    return names["main"]


def _definition(code: str) -> str:
    body = code if "\n" in code else f"return {code.strip()}"
    preamble = "import json, math, re\n\ndef main(output, context=None):\n"
    return preamble + textwrap.indent(textwrap.dedent(body), "    ")
