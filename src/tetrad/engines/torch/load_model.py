"""Models out of files, refused where the files do not make the whole model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from tetrad.errors import EngineUnavailable

# What transformers raises for files that it cannot make a model of, and torch where memory ends.
_UNFIT = (
    ValueError, OSError, RuntimeError, LookupError, TypeError, AttributeError, SafetensorError,
)  # fmt: skip
_SHOWN = 3


def load_model(kind: Any, folder: Path, *, unused: str | None = None, **options: Any) -> Any:
    """A model of one of transformers' classes, from a folder and nowhere else.

    Transformers gives weights that are missing random values, and says so in a warning only: the
    answers would be noise, another at each start. Those that begin with `unused` may be missing.
    """
    try:
        model, told = kind.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # they are told of instead, by name
            output_loading_info=True,
            **options,
        )
    except _UNFIT as error:
        raise EngineUnavailable(f"transformers cannot load the model: {error}") from error
    absent = sorted(told["missing_keys"])
    wrong = sorted(name for name, *_ in told["mismatched_keys"])
    _refuse("lack", [name for name in absent if unused is None or not name.startswith(unused)])
    _refuse("have in another shape than its configuration says", wrong)
    return model


def _refuse(what: str, names: list[str]) -> None:
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise EngineUnavailable(
            f"the model's files {what} the weights {', '.join(names[:_SHOWN])}{more}"
            "\n  help: is every file of the model in `files:`? `tetrad pin FILE` writes them anew"
        )
