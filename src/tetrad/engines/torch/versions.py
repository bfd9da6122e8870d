"""What computes in this process, as text: a part of the key of kept answers and vectors.

Versions are read from the packages' metadata: a run whose answers are all kept imports none of them.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tetrad.model import Model

# Raised whenever this code would give other answers, or other vectors, to the same inputs.
ENGINE = 2
EMBEDDER = 1
# Raised whenever a conversion of a GGUF file would give other numbers or other tokens than before.
CONVERTER = 1
# An answer's length where nothing is said of it.
DEFAULT_MAX_TOKENS = 256

# What the drivers of NVIDIA, of Windows' own GPU under WSL, and of AMD put there.
_DRIVERS = ("nvidiactl", "dxg", "kfd")


def engine_build(model: Model) -> str:
    """What answers for a model; of one that comes as GGUF also what converts it."""
    packages = ["torch", "transformers", "tokenizers", "llguidance"]
    ours = f"torch-engine {ENGINE}, {DEFAULT_MAX_TOKENS} tokens by default"
    if any(name.endswith(".gguf") for name in model.files):
        packages.append("gguf")
        ours += f", converter {CONVERTER}"
    return f"{_versions(*packages)} {device_name()}; tetrad {ours}"


def embedder_build() -> str:
    return (
        f"{_versions('torch', 'transformers', 'tokenizers')} {device_name()};"
        f" tetrad torch-embedder {EMBEDDER}"
    )


def converter_build() -> str:
    """What turns a GGUF file into safetensors and a tokenizer."""
    return f"{_versions('transformers', 'tokenizers', 'gguf')}; tetrad converter {CONVERTER}"


@cache
def device_name(devices: Path = Path("/dev")) -> str:
    """`cuda` or `cpu`, found without importing torch where it could use no device."""
    if _version("torch").endswith("+cpu"):
        return "cpu"
    if not any((devices / driver).exists() for driver in _DRIVERS):
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _versions(*packages: str) -> str:
    return " ".join(f"{package} {_version(package)}" for package in packages)


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
