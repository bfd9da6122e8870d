"""GGUF to safetensors, once: transformers takes half a minute to read what then loads in a second.

A conversion is kept under the digest of the GGUF file and the versions of what converts, with a
manifest of digests that is verified at each load, like a fetched file.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from tetrad.artifacts.progress import Progress, Unwatched
from tetrad.canonical import Digest, Json, canonical_json, digest_file, digest_of
from tetrad.engines.torch.folder import laid_out
from tetrad.engines.torch.quiet import quieten
from tetrad.engines.torch.versions import converter_build
from tetrad.errors import ArtifactError, EngineUnavailable

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

MANIFEST = "manifest.json"


def converted(gguf: Path, digest: Digest, *, cache: Path, progress: Progress | None = None) -> Path:
    """The folder of a GGUF file's conversion, made if it is not there or not whole."""
    target = converted_at(digest, cache=cache)
    if _is_whole(target):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if not _is_whole(target):
                _sweep(target)
                _make(gguf, target, progress)
    except OSError as error:
        raise ArtifactError(
            f"the converted model cannot be kept in {target.parent}: {error}\n"
            "  help: make room or grant access, or name another cache folder by TETRAD_CACHE"
        ) from error
    return target


def converted_tokenizer(digest: Digest, *, cache: Path) -> Path | None:
    """The tokenizer.json of a GGUF file, if that was converted before."""
    target = converted_at(digest, cache=cache)
    written = _manifest(target).get("tokenizer.json")
    path = target / "tokenizer.json"
    return path if written is not None and _matches(path, written) else None


def converted_at(gguf: Digest, *, cache: Path) -> Path:
    """Where the conversion of a GGUF file by what is installed now lies, once it is made."""
    key = digest_of({"converter": converter_build(), "gguf": str(gguf)})
    return cache / "converted" / key.hex


def _manifest(target: Path) -> Mapping[str, str]:
    """The digests of a conversion's files, by name; empty where there is none that is sound."""
    try:
        files: Mapping[str, str] = json.loads((target / MANIFEST).read_bytes())["files"]
        return dict(files)
    except (FileNotFoundError, NotADirectoryError, ValueError, LookupError, TypeError):
        return {}


def _is_whole(target: Path) -> bool:
    files = _manifest(target)
    return bool(files) and all(_matches(target / name, digest) for name, digest in files.items())


def _matches(path: Path, digest: str) -> bool:
    return path.is_file() and str(digest_file(path)) == digest


def _sweep(target: Path) -> None:
    """Remove what converters left that were killed; each holds a whole model."""
    for staged in target.parent.glob(f"{target.name}.*"):
        if staged.is_dir():
            shutil.rmtree(staged, ignore_errors=True)


def _make(gguf: Path, target: Path, progress: Progress | None) -> None:
    """Convert into a folder beside the target, and put it in place by one rename."""
    staged = Path(mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        # the store names files by digest, transformers knows a GGUF by its ending
        with laid_out({"model.gguf": gguf}) as folder:
            _convert(folder / "model.gguf", staged, progress)
    # what the readers say of what they cannot read
    except (ValueError, TypeError, LookupError, ArithmeticError, struct.error) as error:
        raise EngineUnavailable(f"transformers cannot read the GGUF file: {error}") from error
    else:
        shutil.rmtree(target, ignore_errors=True)
        staged.rename(target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _convert(gguf: Path, folder: Path, progress: Progress | None) -> None:
    quieten()
    from safetensors.torch import save_file

    tokenizer = _tokenizer(gguf)
    with _shown(progress):
        model = _model(gguf)
    tokenizer.save_pretrained(folder)
    save_file(_weights(model), folder / "model.safetensors", metadata={"format": "pt"})
    _save_config(model, folder)
    names = sorted(path.name for path in folder.iterdir())
    files: dict[str, Json] = {name: str(digest_file(folder / name)) for name in names}
    _write(folder / MANIFEST, canonical_json({"converter": converter_build(), "files": files}))


@contextmanager
def _shown(progress: Progress | None) -> Iterator[None]:
    """Our progress in the place of the bar that transformers draws whatever it is told."""
    reader: Any = import_module("transformers.modeling_gguf_pytorch_utils")

    def counted(tensors: Sequence[Any], **_: object) -> Iterator[Any]:
        work = (progress or Unwatched()).start(len(tensors), "converting the model, once")
        try:
            for tensor in tensors:
                yield tensor
                work.advance(1)
        finally:
            work.finish()

    drawn = reader.tqdm
    reader.tqdm = counted
    try:
        yield
    finally:
        reader.tqdm = drawn


def _tokenizer(gguf: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(
            gguf.parent, gguf_file=gguf.name, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # of the library of tokenizers, which raises nothing narrower
        raise EngineUnavailable(f"transformers cannot read the GGUF file: {error}") from error
    _split_digits(gguf, tokenizer)
    return tokenizer


def _split_digits(gguf: Path, tokenizer: Any) -> None:
    """Give SmolLM's tokenizer the digit splitting that transformers drops when it reads GGUF.

    Without it two spaces before a number become tokens that the model never saw in training.
    """
    from gguf import GGUFReader
    from tokenizers import pre_tokenizers

    field = GGUFReader(gguf).get_field("tokenizer.ggml.pre")
    if field is not None and field.contents() == "smollm":
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )


def _model(gguf: Path) -> PreTrainedModel:
    import torch
    from transformers import AutoModelForCausalLM

    from tetrad.engines.torch.load_model import load_model

    model: PreTrainedModel = load_model(
        AutoModelForCausalLM, gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    return model


def _weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """The model's tensors, those that are tied to another left out: loading ties them again."""
    kept: dict[int, tuple[str, Tensor]] = {}
    for name, tensor in model.state_dict().items():
        kept.setdefault(tensor.data_ptr(), (name, tensor.contiguous()))
    return dict(kept.values())


def _save_config(model: PreTrainedModel, folder: Path) -> None:
    """The configuration of the plain model, without the trace of where it was read from."""
    config: dict[str, Any] = model.config.to_dict()
    config.pop("quantization_config", None)
    config.pop("_name_or_path", None)
    config["architectures"] = [type(model).__name__]
    _write(folder / "config.json", json.dumps(config, indent=2, sort_keys=True).encode())
    if model.generation_config is not None:
        model.generation_config.save_pretrained(folder)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
