"""What runs a golden set's code inside its process; it knows only the standard library.

As in promptfoo, a text of one line is an expression and one of several lines a function's body,
both with `output` and `context`; `file://path.py:name` is a function of a file.
"""

from __future__ import annotations

import os
import sys
import textwrap
from typing import Any

_PREFIX = "file://"


def run(code: str, function: str, arguments: list[Any], root: str) -> Any:
    """Call the code's function with the arguments, in the repository's root."""
    os.chdir(root)
    sys.path.insert(0, root)
    return _callable(code, function)(*arguments)


def _callable(code: str, function: str) -> Any:
    names: dict[str, Any] = {"__name__": "golden_code"}
    if code.startswith(_PREFIX):
        path, _, named = code.removeprefix(_PREFIX).partition(":")
        names["__file__"] = path
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123 -- pathlib costs 10 ms
            source = stream.read()
        sys.path.insert(0, os.path.dirname(os.path.abspath(path)))  # noqa: PTH100, PTH120 -- as above
        exec(compile(source, path, "exec"), names)  # noqa: S102 -- this is the golden set's code
        return names[named or function]
    exec(compile(_definition(code.strip("\n")), "<assertion>", "exec"), names)  # noqa: S102 -- as above
    return names["main"]


def _definition(code: str) -> str:
    body = code if "\n" in code else f"return {code.strip()}"
    preamble = "import json, math, re\n\ndef main(output, context=None):\n"
    return preamble + textwrap.indent(textwrap.dedent(body), "    ")
