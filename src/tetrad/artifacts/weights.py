"""What a model's file may be: weights are safetensors or GGUF, and nothing that can run code.

The name is checked before anything is fetched, the header each time a file is handed out.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from tetrad.errors import ArtifactError, Location

# Formats that are, or may hold, pickled objects; and code.
_UNSAFE = frozenset({
    ".bin", ".ckpt", ".dill", ".h5", ".joblib", ".keras", ".npy", ".npz", ".pickle", ".pkl",
    ".pt", ".pth", ".py", ".pyc", ".so", ".t7", ".tar", ".zip",
})  # fmt: skip
_HEADER_LIMIT = 100_000_000  # of safetensors' own reader


def is_unsafe(name: str) -> bool:
    return PurePosixPath(name.lower()).suffix in _UNSAFE


def refuse_unsafe_name(name: str, location: Location) -> None:
    """ArtifactError for a name that leaves its source, or that of a format which can run code."""
    parts = name.split("/")
    if any(part in {"", ".", ".."} for part in parts) or "\\" in name:
        raise ArtifactError(f"{location}: {name!r} in `files` is no plain relative path")
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
        raise ArtifactError(f"{name} has not the header of a {suffix} file")


def _is_safetensors(head: bytes) -> bool:
    """Eight bytes of little-endian header length, then a JSON object."""
    return 0 < int.from_bytes(head[:8], "little") <= _HEADER_LIMIT and head[8:9] == b"{"
