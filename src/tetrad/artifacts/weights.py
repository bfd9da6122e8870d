"""What a model's file may be: weights are safetensors or GGUF, and nothing that can run code.

The name is checked before anything is fetched, the header each time a file is handed out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from tetrad.errors import ArtifactError, Location, UsageError

# Formats that are, or may hold, pickled objects; and code.
_UNSAFE = frozenset({
    ".bin", ".ckpt", ".dill", ".h5", ".joblib", ".keras", ".npy", ".npz", ".pickle", ".pkl",
    ".pt", ".pth", ".py", ".pyc", ".so", ".t7", ".tar", ".zip",
})  # fmt: skip
# What tells how to read weights: tokenizers, chat templates, configurations.
_BESIDE = frozenset({
    "added_tokens.json", "chat_template.jinja", "chat_template.json", "config.json",
    "generation_config.json", "merges.txt", "model.safetensors.index.json",
    "special_tokens_map.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json",
    "vocab.json", "vocab.txt",
})  # fmt: skip
_PART = re.compile(r"-\d{5}-of-\d{5}(?=\.)")
_HEADER_LIMIT = 100_000_000  # of safetensors' own reader


def is_unsafe(name: str) -> bool:
    return PurePosixPath(name.lower()).suffix in _UNSAFE


def choose(published: Iterable[str], origin: str) -> tuple[str, ...]:
    """The files that a model needs of all that are published: its weights and what lies beside them.

    UsageError where there are none, or several whole sets of weights.
    """
    names = sorted(published)
    weights = _weights(names, origin)
    folder = PurePosixPath(weights[0]).parent
    beside = [
        name
        for name in names
        if PurePosixPath(name).name in _BESIDE
        and PurePosixPath(name).parent in {folder, folder / "1_Pooling"}
    ]
    return (*weights, *beside)


def _weights(names: Sequence[str], origin: str) -> list[str]:
    """One file, or the parts of one model (`model-00001-of-00005.safetensors`)."""
    for suffix in (".safetensors", ".gguf"):
        found = [name for name in names if name.lower().endswith(suffix)]
        sets: dict[str, list[str]] = {}
        for name in found:
            sets.setdefault(_PART.sub("", name), []).append(name)
        named = [parts for whole, parts in sets.items() if PurePosixPath(whole).stem == "model"]
        chosen = named or list(sets.values())
        if len(chosen) > 1:
            raise UsageError(
                f"{origin} holds several models: {', '.join(found)}"
                "\n  help: name one in `files:`, with an empty digest"
            )
        if chosen:
            return chosen[0]
    raise UsageError(
        f"{origin} has neither safetensors nor GGUF\n  help: look for another publication of this model"
    )


def refuse_unsafe_name(name: str, location: Location) -> None:
    """ArtifactError for a name that leaves its source, or that of a format which can run code."""
    parts = name.split("/")
    if any(part in {"", ".", ".."} for part in parts) or "\\" in name:
        raise ArtifactError(f"{location}: {name!r} in `files` is not a plain relative path")
    if is_unsafe(name):
        raise ArtifactError(
            f"{location}: {name} in `files` may run code when it is loaded"
            "\n  help: weights are safetensors or GGUF; most models are published as such, too"
        )


def check_header(name: str, path: Path) -> None:
    """ArtifactError where a file is not what its ending says."""
    suffix = PurePosixPath(name.lower()).suffix
    if suffix not in {".gguf", ".safetensors"}:
        return
    with path.open("rb") as stream:
        head = stream.read(9)
    genuine = head.startswith(b"GGUF") if suffix == ".gguf" else _is_safetensors(head)
    if not genuine:
        raise ArtifactError(f"{name} does not have the header of a {suffix} file")


def _is_safetensors(head: bytes) -> bool:
    """Eight bytes of little-endian header length, then a JSON object."""
    return 0 < int.from_bytes(head[:8], "little") <= _HEADER_LIMIT and head[8:9] == b"{"
