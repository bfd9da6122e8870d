"""Tools: what a model may call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from tetrad.canonical import Digest, Json
from tetrad.errors import Location

if TYPE_CHECKING:
    from tetrad.modules import Module, OpenedFile


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRun:
    """A request to an address."""

    url: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    timeout_s: float = 10.0
    headers_env: Mapping[str, str] = field(default_factory=dict)  # header -> environment variable


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonRun:
    """`module:function`, run in a process of its own; `source` is the digest of the module's text."""

    module: str
    function: str
    path: str  # of the module, from the repository's root
    source: Digest
    # Where it finds modules of the repository, from the root: before and after what is installed.
    folders: tuple[str, ...] = ("",)
    late_folders: tuple[str, ...] = ()
    modules: tuple[Module, ...] = ()  # of the repository, that it imports
    opens: tuple[OpenedFile, ...] = ()  # of the repository, that it declares to open
    timeout_s: float = 10.0
    memory_mb: int = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class McpRun:
    """A tool of an MCP server."""

    server: str
    tool: str
    timeout_s: float = 10.0


ToolRun: TypeAlias = HttpRun | PythonRun | McpRun


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """What a model may call: as the model sees it, and as it is run."""

    ref: str
    location: Location = field(compare=False)
    owner: str = ""
    name: str
    description: str
    input_schema: Mapping[str, Json]
    output_schema: Mapping[str, Json] | None = None
    effect: Literal["read", "write", "destructive"] | None = None
    version: int = 1
    run: ToolRun | None = None
