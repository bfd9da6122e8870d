"""Tools: manifests with their schemas, and the source that a python tool runs."""

from __future__ import annotations

import posixpath
from typing import Any

from tetrad.canonical import digest_text
from tetrad.loading.build_prompt import check_user_schema
from tetrad.loading.context import Context, NotBuilt
from tetrad.loading.fields import Fields
from tetrad.loading.opened_files import opened_files
from tetrad.model import HttpRun, McpRun, PythonRun, Tool, ToolRun
from tetrad.model.defaults import picked
from tetrad.yamldoc.parse import Path


def build_tool(fields: Fields, context: Context) -> Tool:
    for key in ("input_schema", "output_schema"):
        if key in fields.values:
            check_user_schema(fields, context, (key,), fields.get(key), code="TOL961")
    return Tool(
        ref=fields.ref,
        location=fields.location,
        owner=fields.text("owner"),
        name=fields.text("name"),
        description=fields.text("description"),
        input_schema=fields.values["input_schema"],
        output_schema=fields.get("output_schema"),
        effect=fields.get("effect"),
        run=_run(fields, context, fields.get("run")),
        **picked(fields.values, "version"),
    )


_KEYS = {
    "http": {"http", "method", "headers_env", "timeout_s"},
    "python": {"python", "files", "memory_mb", "timeout_s"},
    "mcp": {"mcp", "tool", "timeout_s"},
}


def _run(fields: Fields, context: Context, raw: dict[str, Any] | None) -> ToolRun | None:
    if raw is None:
        return None
    runner = next(name for name in _KEYS if name in raw)
    for key in raw.keys() - _KEYS[runner]:
        message = f"{key!r} is not valid with {runner}"
        context.report(fields.issue(("run", key), message, "leave it out", at_key=True))
    if runner == "http":
        return HttpRun(url=raw["http"], **picked(raw, "method", "headers_env", "timeout_s"))
    if runner == "mcp":
        tool = raw.get("tool", fields.text("name"))
        return McpRun(server=raw["mcp"], tool=tool, **picked(raw, "timeout_s"))
    file, source = python_at(fields, context, ("run", "python"))
    module, function = raw["python"].split(":")
    beside = _beside(file, module)
    modules = context.modules.imported_by(source, ("", *beside), module.rpartition(".")[0])
    return PythonRun(
        module=module,
        function=function,
        path=file,
        source=digest_text(source),
        late_folders=beside,
        modules=modules,
        opens=opened_files(fields, context, ("run", "files")),
        **picked(raw, "timeout_s", "memory_mb"),
    )


def _beside(file: str, module: str) -> tuple[str, ...]:
    """Where a module finds others but at the root: beside itself, and where its name is looked up.

    What is installed comes before them: `tools/stripe.py` means another one by `import stripe`.
    """
    found_from = file.removesuffix(_file_of(module)).rstrip("/")
    return tuple(dict.fromkeys([posixpath.dirname(file), found_from]))


def _file_of(module: str) -> str:
    return module.replace(".", "/") + ".py"


def python_at(fields: Fields, context: Context, path: Path) -> tuple[str, bytes]:
    """The module is a file beside the tool's or under the root, by its dotted name."""
    module, _ = fields.value(path).split(":")
    relative = _file_of(module)
    folder = posixpath.dirname(fields.document.origin)
    beside = posixpath.join(folder, relative)
    wanted = beside if context.tree.has(beside) else relative
    found = context.data(fields, path, wanted, from_root=True)
    if found is None:
        raise NotBuilt
    return found
