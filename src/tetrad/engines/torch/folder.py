"""Which of a model's files transformers is given, and a folder that holds just those.

The store names files by their digests, and transformers finds them by name; so they are laid out
as links for the moment of loading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from tetrad.errors import EngineUnavailable

_WEIGHTS = ".safetensors"


def gguf_of(files: Iterable[str]) -> str | None:
    """The name of the GGUF file among them; None where the model comes as safetensors."""
    found = [name for name in files if name.endswith(".gguf")]
    if len(found) > 1:
        raise EngineUnavailable(
            "the model names more than one GGUF file; the torch engine reads exactly one"
        )
    return found[0] if found else None


def hugging_face_files(files: Mapping[str, Path]) -> dict[str, Path]:
    """The files that lie beside config.json, by bare name."""
    home = _home(files)
    found = {
        PurePosixPath(name).name: path
        for name, path in files.items()
        if PurePosixPath(name).parent == home
    }
    missing = [name for name in ("config.json", "tokenizer.json") if name not in found]
    if not any(name.endswith(_WEIGHTS) for name in found):
        missing.append("*.safetensors")
    if missing:
        raise EngineUnavailable(
            f"the model's files lack {', '.join(missing)}; the torch engine reads one GGUF file, "
            "or config.json, tokenizer.json and safetensors of one folder"
        )
    return found


def pooling_of(files: Mapping[str, Path]) -> Path | None:
    """The pooling settings of a sentence-transformers folder."""
    wanted = str(_home(files) / "1_Pooling" / "config.json")
    return files.get(wanted)


@contextmanager
def laid_out(files: Mapping[str, Path]) -> Iterator[Path]:
    """A folder of links to the files under their names, gone at the end."""
    with TemporaryDirectory(prefix="tetrad-model-") as folder:
        for name, path in files.items():
            (Path(folder) / name).symlink_to(path.resolve())
        yield Path(folder)


def tokenizer_of(files: Iterable[str]) -> str | None:
    """The name of the tokenizer.json that belongs to the model, if there is one."""
    names = list(files)
    name = str(_home(names) / "tokenizer.json")
    return name if name in names else None


def _home(files: Iterable[str]) -> PurePosixPath:
    """The folder of the topmost config.json; a model may carry further ones below it."""
    parents = [
        PurePosixPath(name).parent for name in files if PurePosixPath(name).name == "config.json"
    ]
    return min(
        parents, key=lambda parent: (len(parent.parts), str(parent)), default=PurePosixPath()
    )
