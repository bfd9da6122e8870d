"""One request on its way to an answer, and the answer while it is written token by token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tetrad.engines.torch.attention import Prefix
from tetrad.engines.torch.inquiry import Inquiry
from tetrad.engines.torch.live_text import LiveText
from tetrad.engines.torch.sampling import Draw
from tetrad.engines.torch.token_text import Text
from tetrad.results.exchange import Completion, Request, Usage

if TYPE_CHECKING:
    from torch import Tensor

    from tetrad.engines.torch.choice import LabelNode
    from tetrad.engines.torch.grammar import Guide


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """A request that waits for its answer: free text, JSON by a guide, or one of a tree's labels."""

    inquiry: Inquiry
    tokens: tuple[int, ...]
    limit: int  # tokens that the answer may have
    guide: Guide | None
    labels: LabelNode | None

    @property
    def request(self) -> Request:
        return self.inquiry.request

    @property
    def is_choice(self) -> bool:
        return self.labels is not None

    @property
    def is_given_up(self) -> bool:
        """Whether whoever asked has gone."""
        return self.inquiry.future.cancelled()


@dataclass(kw_only=True, eq=False)
class Row:
    """An answer that is being written, after the prefix that it shares with others."""

    job: Job
    prefix: Prefix | None
    draw: Draw | None
    spared: int  # tokens of the prompt that were read before
    live: LiveText | None  # of an answer that somebody reads as it is written
    written: list[int] = field(default_factory=list)

    @classmethod
    def begin(cls, job: Job, prefix: Prefix | None, *, spared: int, text: Text) -> Row:
        generation, hear = job.request.generation, job.inquiry.hear
        draw = Draw(job.request) if generation.temperature else None
        live = None if hear is None else LiveText(text.fast, generation.stop, hear)
        return cls(job=job, prefix=prefix, draw=draw, spared=spared, live=live)

    def restrict(self, logits: Tensor) -> None:
        """Rule out, in place, the tokens that would break the output's schema."""
        if self.job.guide is not None:
            allowed = self.job.guide.allowed(logits.shape[-1]).to(logits.device)
            logits.masked_fill_(~allowed, float("-inf"))

    def take(self, token: int, *, end_tokens: frozenset[int], text: Text) -> Completion | None:
        """Write a token; gives the answer if that ends it."""
        self.written.append(token)
        if token in end_tokens:
            return self._completion(text.decode(self.written[:-1]))
        guide = self.job.guide
        if guide is not None:
            guide.take(token)
            if guide.ended:
                return self._completion(text.decode(self.written))
        if stops := self.job.request.generation.stop:
            so_far = text.decode(self.written)
            found = [so_far.index(stop) for stop in stops if stop in so_far]
            if found:
                return self._completion(so_far[: min(found)])
        if len(self.written) >= self.job.limit:
            return self._completion(text.decode(self.written), cut_off=True)
        if self.live is not None:
            self.live.take(token)
        return None

    def _completion(self, text: str, *, cut_off: bool = False) -> Completion:
        return Completion(
            text=text.strip(),
            finish_reason="length" if cut_off else "stop",
            usage=Usage(
                input_tokens=len(self.job.tokens),
                output_tokens=len(self.written),
                cached_input_tokens=self.spared,
            ),
        )
