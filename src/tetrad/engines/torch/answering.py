"""Answers in batches: the loop that reads prompts, decodes many answers at once and refills rows.

Runs in one thread; knows nothing of event loops. A job's answer does not depend on the jobs beside
it, but for the last bits of a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tetrad.engines.torch.attention import OwnTokens, Prefix
from tetrad.engines.torch.choice import Node, label_shares, label_tree
from tetrad.engines.torch.network import Network
from tetrad.engines.torch.prefixes import PrefixStore, common_prefix
from tetrad.engines.torch.sampling import Draw
from tetrad.engines.torch.text import Text
from tetrad.results.exchange import Choice, Completion, JsonOutput, Request, Usage

if TYPE_CHECKING:
    from tetrad.engines.torch.grammar import Grammars, Guide

# An answer's length where nothing is said of it.
DEFAULT_MAX_TOKENS = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """A request on its way to an answer."""

    request: Request
    tokens: tuple[int, ...]
    limit: int  # tokens that the answer may have
    future: Future[Completion]

    @property
    def is_choice(self) -> bool:
        return isinstance(self.request.constraint, Choice)

    def answer(self, completion: Completion) -> None:
        """Deliver, unless whoever asked has gone."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(completion)


@dataclass(kw_only=True, eq=False)
class Row:
    """An answer that is being written."""

    job: Job
    draw: Draw | None
    guide: Guide | None
    written: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much is read and written at once."""

    rows: int = 128
    read_tokens: int = 2048  # of one pass over prompts, padding included
    kept_bytes: int = 1 << 30  # of the rows' own keys and values


class Answering:
    """Everything that answering needs, loaded."""

    def __init__(self, network: Network, text: Text, limits: Limits = Limits()) -> None:
        self.network = network
        self.text = text
        self._limits = limits
        self._prefixes = PrefixStore(network)
        self._grammars: Grammars | None = None
        self._tree: Callable[[tuple[str, ...]], Node] = lru_cache(maxsize=64)(self._label_tree)

    @torch.inference_mode()
    def run(self, waiting: list[Job], arrivals: Callable[[], list[Job]]) -> None:
        """Answer all that waits and all that arrives meanwhile."""
        while waiting:
            waiting = [job for job in waiting if not job.future.cancelled()]
            if not waiting:
                return
            kind = [job for job in waiting if job.is_choice == waiting[0].is_choice]
            common = common_prefix([job.tokens for job in kind])
            members = [kind[index] for index in common.members]
            waiting = [job for job in waiting if job not in members]
            prefix = self._prefixes.get(members[0].tokens[: common.length])
            members.sort(key=lambda job: len(job.tokens))
            if members[0].is_choice:
                self._choose(members, prefix)
            else:
                self._write(members, prefix)
            waiting += arrivals()

    def _choose(self, jobs: Sequence[Job], prefix: Prefix | None) -> None:
        before = _length(prefix)
        while jobs:
            count = self._readable(jobs, before)
            taken, jobs = jobs[:count], jobs[count:]
            own, logits = self.network.read([job.tokens[before:] for job in taken], prefix)
            labels = [_labels(job) for job in taken]
            shares = label_shares(
                self.network, [self._tree(one) for one in labels], own, logits, prefix
            )
            for job, names, share in zip(taken, labels, shares, strict=True):
                job.answer(self._chosen(job, names, share, before))

    def _chosen(
        self, job: Job, labels: Sequence[str], shares: dict[int, float], before: int
    ) -> Completion:
        known = [max(shares.get(number, 0.0), 0.0) for number in range(len(labels))]
        total = sum(known)
        likelihoods = [one / total if total else 1 / len(known) for one in known]
        # of equals the first: max keeps it
        best = labels[max(range(len(labels)), key=lambda number: likelihoods[number])]
        return Completion(
            text=best,
            usage=Usage(
                input_tokens=len(job.tokens),
                output_tokens=len(self.text.tokens(best)),
                cached_input_tokens=before,
            ),
            likelihoods=dict(zip(labels, likelihoods, strict=True)),
        )

    def _write(self, jobs: list[Job], prefix: Prefix | None) -> None:
        own = self.network.room(rows=0, columns=0)
        rows: list[Row] = []
        while jobs or rows:
            count = self._admissible(jobs, rows, prefix)
            if count:
                taken, jobs = jobs[:count], jobs[count:]
                fresh, fresh_rows = self._begin(taken, prefix)
                own.absorb(fresh)
                rows += fresh_rows
                continue
            if rows:
                last = torch.tensor([row.written[-1] for row in rows], device=self.network.device)
                logits = self.network.step(own, last, prefix)
                self._advance(rows, own, logits, prefix)

    def _begin(self, jobs: Sequence[Job], prefix: Prefix | None) -> tuple[OwnTokens, list[Row]]:
        """Read prompts and write the first token of each answer."""
        before = _length(prefix)
        own, logits = self.network.read([job.tokens[before:] for job in jobs], prefix)
        rows = [
            Row(job=job, draw=_draw(job.request), guide=self._guide(job.request)) for job in jobs
        ]
        self._advance(rows, own, logits, prefix)
        return own, rows

    def _advance(
        self, rows: list[Row], own: OwnTokens, logits: Tensor, prefix: Prefix | None
    ) -> None:
        """Write a token to each row, and deliver and drop those that are complete."""
        tokens = self._next_tokens(rows, logits)
        for place in reversed(range(len(rows))):
            row = rows[place]
            completion = self._take(row, tokens[place], prefix)
            if completion is not None:
                row.job.answer(completion)
            if completion is not None or row.job.future.cancelled():
                own.remove(place)
                rows[place] = rows[-1]
                rows.pop()

    def _next_tokens(self, rows: Sequence[Row], logits: Tensor) -> list[int]:
        for place, row in enumerate(rows):
            if row.guide is not None:
                allowed = row.guide.allowed(self.network.vocabulary).to(logits.device)
                logits[place].masked_fill_(~allowed, float("-inf"))
        tokens: list[int] = torch.argmax(logits, dim=-1).tolist()
        for place, row in enumerate(rows):
            if row.draw is not None:
                tokens[place] = row.draw.token(logits[place])
        return tokens

    def _take(self, row: Row, token: int, prefix: Prefix | None) -> Completion | None:
        """Append a token; gives the answer if it ends here."""
        row.written.append(token)
        if token in self.network.end_tokens:
            return self._completion(row, row.written[:-1], prefix, cut=None)
        if row.guide is not None:
            row.guide.take(token)
            if row.guide.ended:
                return self._completion(row, row.written, prefix, cut=None)
        stops = row.job.request.generation.stop
        if stops:
            text = self.text.decode(row.written)
            found = [text.index(stop) for stop in stops if stop in text]
            if found:
                return self._completion(row, row.written, prefix, cut=min(found))
        if len(row.written) >= row.job.limit:
            return self._completion(row, row.written, prefix, cut=None, length=True)
        return None

    def _completion(
        self,
        row: Row,
        tokens: Sequence[int],
        prefix: Prefix | None,
        *,
        cut: int | None,
        length: bool = False,
    ) -> Completion:
        return Completion(
            text=self.text.decode(tokens)[:cut].strip(),
            finish_reason="length" if length else "stop",
            usage=Usage(
                input_tokens=len(row.job.tokens),
                output_tokens=len(row.written),
                cached_input_tokens=_length(prefix),
            ),
        )

    def _admissible(self, jobs: Sequence[Job], rows: Sequence[Row], prefix: Prefix | None) -> int:
        """How many of the waiting jobs are begun now."""
        free = self._limits.rows - len(rows)
        if not jobs or free <= 0:
            return 0
        return min(free, self._readable(jobs, _length(prefix)))

    def _readable(self, jobs: Sequence[Job], before: int) -> int:
        """How many of the jobs, sorted by length, one pass may read."""
        count = 0
        while count < len(jobs):
            width = len(jobs[count].tokens) - before
            if count and width * (count + 1) > self._limits.read_tokens:
                break
            count += 1
        return count

    def _guide(self, request: Request) -> Guide | None:
        if not isinstance(request.constraint, JsonOutput):
            return None
        if self._grammars is None:
            from tetrad.engines.torch.grammar import Grammars

            self._grammars = Grammars(
                self.text.fast,
                vocabulary=self.network.vocabulary,
                end_tokens=self.network.end_tokens,
            )
        return self._grammars.guide(request.constraint.schema)

    def _label_tree(self, labels: tuple[str, ...]) -> Node:
        return label_tree(labels, self.text)


def _length(prefix: Prefix | None) -> int:
    return 0 if prefix is None else len(prefix)


def _labels(job: Job) -> tuple[str, ...]:
    assert isinstance(job.request.constraint, Choice)  # noqa: S101  # jobs were parted by kind
    return job.request.constraint.labels


def _draw(request: Request) -> Draw | None:
    return (
        Draw(request.generation, sample=request.sample) if request.generation.temperature else None
    )
