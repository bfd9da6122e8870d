"""Where requests become jobs: tokens, limits, grammars and label trees, each checked on its own.

A request that cannot be answered is refused here, before it joins others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from tetrad.artifacts.progress import Progress
from tetrad.engines.torch.batches import Answering, BatchLimits
from tetrad.engines.torch.choice import LabelNode, label_tree
from tetrad.engines.torch.convert import converted
from tetrad.engines.torch.decoding import Job
from tetrad.engines.torch.folder import gguf_of, hugging_face_files, laid_out
from tetrad.engines.torch.grammar import Grammars, Guide
from tetrad.engines.torch.inquiry import Inquiry
from tetrad.engines.torch.token_text import Text, load_text
from tetrad.engines.torch.transformer import Network, load_network
from tetrad.engines.torch.versions import DEFAULT_MAX_TOKENS
from tetrad.errors import EngineUnavailable, TetradError
from tetrad.model import Model
from tetrad.results.exchange import Choice, JsonOutput, Request


class Batcher:
    """Takes requests in and has them answered."""

    def __init__(
        self, network: Network, text: Text, *, window: int | None, limits: BatchLimits
    ) -> None:
        self._text = text
        self._window = min(window or network.positions, network.positions)
        self._answering = Answering(network, text, limits)
        self._tree = lru_cache(maxsize=64)(self._label_tree)
        self._grammars = Grammars(
            text.fast, vocabulary=network.vocabulary, end_tokens=network.end_tokens
        )

    def serve(self, asked: Sequence[Inquiry], arrivals: Callable[[], Sequence[Inquiry]]) -> None:
        """Answer all of them and all that arrives meanwhile."""
        self._answering.run(self._jobs(asked), lambda: self._jobs(arrivals()))

    def _jobs(self, asked: Sequence[Inquiry]) -> list[Job]:
        jobs = []
        for one in asked:
            try:
                jobs.append(self._job(one))
            except TetradError as error:
                one.fail(error)
        return jobs

    def _job(self, asked: Inquiry) -> Job:
        request = asked.request
        tokens = self._text.prompt(request)
        if not tokens:
            raise EngineUnavailable("the prompt is empty; there is nothing to continue")
        over = len(tokens) + 1 - self._window
        if over > 0:
            raise EngineUnavailable(
                f"the prompt has {len(tokens)} tokens, {over} more than fit into the model's "
                f"context window of {self._window} with an answer of one token"
            )
        limit = request.generation.max_tokens or DEFAULT_MAX_TOKENS
        return Job(
            inquiry=asked,
            tokens=tokens,
            limit=min(limit, self._window - len(tokens)),
            guide=self._guide(request),
            labels=self._labels(request),
        )

    def _guide(self, request: Request) -> Guide | None:
        if not isinstance(request.constraint, JsonOutput):
            return None
        return self._grammars.guide(request.constraint.schema)

    def _labels(self, request: Request) -> LabelNode | None:
        if not isinstance(request.constraint, Choice):
            return None
        return self._tree(request.constraint.labels)

    def _label_tree(self, labels: tuple[str, ...]) -> LabelNode:
        return label_tree(labels, self._text)


def load_desk(
    model: Model,
    files: Mapping[str, Path],
    *,
    dtype: str,
    cache: Path,
    progress: Progress | None,
) -> Batcher:
    """Load a model from a GGUF file, converted if it was not yet, or from a Hugging Face folder."""
    gguf = gguf_of(files)
    if gguf is not None:
        digest = model.files[gguf]
        folder = converted(files[gguf], digest, cache=cache, progress=progress)
        network, text = load_network(folder, dtype=dtype), load_text(folder)
    else:
        with laid_out(hugging_face_files(files)) as folder:
            network, text = load_network(folder, dtype=dtype), load_text(folder)
    return Batcher(network, text, window=model.context_window, limits=BatchLimits())
