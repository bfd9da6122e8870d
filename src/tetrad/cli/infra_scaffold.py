"""What `tetrad init --deploy` lays down in infra/: the infrastructure program, and what environments say."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from tetrad.cli.output import write_file
from tetrad.model.cluster import UNSET_CONTEXT, UNSET_DIGEST

FOLDER = "infra"
_CACHE = "__pycache__"  # of an installed wheel, whose files pip compiles
# Of Tetrad's own repository: its environments and keys, and images that its releases bring.
_NOT_LAID_DOWN = {"environments", "images", "keys"}

# ruff would go by it in our own tree if it lay there under its own name.
_RENAMED = {"ruff": "ruff.toml"}

_SCRIPTED = """\
models:
  stacks/models/scripted: {unpinned: true} # a script has no weights
"""
_ENDPOINT = """\
models:
  stacks/models/endpoint:
    secrets: {LLM_URL: llm/url, LLM_KEY: llm/key} # SECRET/KEY of the namespace
"""
# torch and the model's weights are in the gateway's process
_TORCH = "\n      resources: {cpu: 2, memory: 4Gi}"


def environment_values(engine: str | None) -> dict[str, str]:
    """What fills in the environments; without an engine, the stack's model is none of ours."""
    in_process = engine == "embedded"
    production = {"endpoint": _ENDPOINT}
    staging = {"scripted": _SCRIPTED, **production}
    return {
        "UNSET_CONTEXT": UNSET_CONTEXT,
        "UNSET_DIGEST": UNSET_DIGEST,
        "GATEWAY_IMAGE": "gateway-torch" if in_process else "gateway",
        "GATEWAY_RESOURCES": _TORCH if in_process else "",
        "STAGING_MODELS": staging.get(engine or "", ""),
        "PRODUCTION_MODELS": production.get(engine or "", ""),
    }


def lay_down_program(root: Path) -> Iterator[str]:
    """Write each file of the program that is not there yet; lines that say so."""
    written, same = 0, 0
    for source, name in program_files():
        file, text = root / FOLDER / name, source.read_text("utf-8")
        if not file.exists():
            write_file(file, text)
            written += 1
        elif file.read_bytes() == text.encode():
            same += 1
        else:
            yield f"{FOLDER}/{name} differs from this release's, left unchanged"
    if written:
        files_ = "1 file" if written == 1 else f"{written} files"
        yield f"{FOLDER}/ ({files_} of the infrastructure program)"
    elif same:
        yield f"{FOLDER}/ exists, left unchanged"


def program_files() -> Iterator[tuple[Traversable, str]]:
    """The files of the program, with their paths in infra/."""
    laid_down = files("tetrad.cli") / "scaffold" / FOLDER
    yield from _walk(laid_down, "")
    if not (laid_down / "__main__.py").is_file():  # a checkout, which has it at its top
        yield from _walk(Path(__file__).parents[3] / FOLDER, "")


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[Traversable, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith(".") or entry.name == _CACHE:
            continue
        if not prefix and entry.name in _NOT_LAID_DOWN:
            continue
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield entry, f"{prefix}{_RENAMED.get(entry.name, entry.name)}"
