"""`/docs`: the OpenAPI document as one page, without scripts and without the network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2.5rem }
h2 code { font-size: 1rem } td, th { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0 }
pre { padding: .8rem; overflow-x: auto; background: color-mix(in srgb, currentColor 8%, transparent) }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
.method { font-weight: 600 } small { opacity: .75 }
"""


def docs_page(document: Mapping[str, Any], address: str) -> str:
    """The page; examples ask the gateway at `address`."""
    info = document["info"]
    body = "".join(
        _operation(path, method, operation, address)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in {"get", "post"}
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
        f"<p>{_prose(info['description'])}</p>"
        '<p><a href="/openapi.json">openapi.json</a> has all of this for programs.</p>'
        f"{body}</body></html>"
    )


def _operation(path: str, method: str, operation: Mapping[str, Any], address: str) -> str:
    shown = f'<span class="method">{method.upper()}</span> {escape(path)}'
    rows = "".join(_rows(operation.get("responses", {})))
    return (
        f"<h2><code>{shown}</code></h2><p>{_prose(operation.get('summary', ''))}</p>"
        f"{_request(path, operation, address)}<table>{rows}</table>"
    )


def _request(path: str, operation: Mapping[str, Any], address: str) -> str:
    """What is sent, as a table and as a command."""
    if "requestBody" not in operation:
        return ""
    media = operation["requestBody"]["content"]["application/json"]
    fields = "".join(_fields(media["schema"]))
    written = json.dumps(media["example"], ensure_ascii=False, indent=2)
    quoted = written.replace("'", "'\\''")
    command = f"curl {address}{path} \\\n  -H 'Content-Type: application/json' \\\n  -d '{quoted}'"
    return f"<table>{fields}</table><pre>{escape(command)}</pre>"


def _fields(schema: Mapping[str, Any], inside: str = "") -> Iterator[str]:
    for one in schema.get("anyOf", ()):
        yield from _fields(one, inside)
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        rules = [
            "required" if name in required else "optional",
            _kind(field),
            f"at most {field['maxLength']:,} characters" if "maxLength" in field else "",
        ]
        told = ", ".join(rule for rule in rules if rule)
        yield (
            f"<tr><td><code>{escape(inside + name)}</code></td><td>{escape(told)}</td>"
            f"<td>{_prose(field.get('description', ''))}</td></tr>"
        )
        if field.get("type") == "object":
            yield from _fields(field, f"{inside}{name}.")


def _kind(field: Mapping[str, Any]) -> str:
    if "const" in field:
        return json.dumps(field["const"], ensure_ascii=False)
    if "enum" in field:
        return " or ".join(json.dumps(one, ensure_ascii=False) for one in field["enum"])
    kind = field.get("type", "")
    return kind if isinstance(kind, str) else " or ".join(kind)


def _rows(responses: Mapping[str, Any]) -> Iterator[str]:
    for status, response in responses.items():
        yield f"<tr><td>{escape(status)}</td><td>{_prose(response['description'])}</td></tr>"


def _prose(text: str) -> str:
    """Text with `code` in it."""
    parts = escape(text).split("`")
    return "".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(parts))
