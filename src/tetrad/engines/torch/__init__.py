"""The in-process engine and embedder: a pinned model on torch, CPU or CUDA by what is there.

Importing this package imports neither torch nor transformers, and building an engine loads
nothing: weights are read when the first answer is asked for, so a run whose answers are all kept
starts in no time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.artifacts.progress import Progress
from tetrad.engines.torch.waiting import spin_briefly

if TYPE_CHECKING:
    from tetrad.engines.interfaces import ComputingEngine, Embedder
    from tetrad.model import Model

__all__ = ["build_torch_embedder", "build_torch_engine"]


def build_torch_engine(
    model: Model, files: Mapping[str, Path], *, cache: Path, progress: Progress | None = None
) -> ComputingEngine:
    """An engine over a model's verified files, by the names that the model's file gives them."""
    from tetrad.engines.torch.in_process import InProcessEngine

    spin_briefly()
    return InProcessEngine(model, files, cache=cache, progress=progress)


def build_torch_embedder(
    model: Model, files: Mapping[str, Path], *, progress: Progress | None = None
) -> Embedder:
    """An embedder over a model's verified files; nothing of an embedder is converted or kept."""
    from tetrad.engines.torch.embedder import TorchEmbedder

    spin_briefly()
    return TorchEmbedder(model, files, progress)
