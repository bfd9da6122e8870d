"""Models and wheels as tests need them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tetrad.canonical import digest_bytes
from tetrad.errors import Location
from tetrad.model import Model, Source, TorchEngine

GGUF = b"GGUF" + bytes(range(256)) * 2000
TOKENIZER = b'{"version": "1.0"}'
SAFETENSORS = (2).to_bytes(8, "little") + b"{}"


def model_of(uri: str, files: Mapping[str, bytes], *, scheme: str | None = None) -> Model:
    """A model that pins these contents."""
    kind: Any = scheme or uri.partition("://")[0]
    return Model(
        ref="stacks/models/small",
        location=Location("stacks/models/small.yaml"),
        source=Source(uri=uri, scheme=kind),
        files={name: digest_bytes(data) for name, data in files.items()},
        engine=TorchEngine(),
    )


def write_wheel(folder: Path, files: Mapping[str, bytes], version: str = "1.0") -> Path:
    """A wheel `tiny-model` that pip takes."""
    wheel = folder / f"tiny_model-{version}-py3-none-any.whl"
    about = f"tiny_model-{version}.dist-info"
    texts = {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: tiny-model\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        for name, text in texts.items():
            archive.writestr(name, text)
    return wheel
