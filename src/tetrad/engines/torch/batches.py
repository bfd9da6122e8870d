"""The loop that answers: read prompts, write many answers at once, refill rows as answers end.

It runs in one thread and knows nothing of event loops. An answer does not depend on the answers
beside it, but for the last bits of a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tetrad.engines.torch.attention import OwnTokens, Prefix, Shared
from tetrad.engines.torch.choice import label_shares
from tetrad.engines.torch.decoding import Job, Row
from tetrad.engines.torch.prefixes import PrefixStore
from tetrad.engines.torch.token_text import Text
from tetrad.engines.torch.transformer import Network
from tetrad.errors import TetradError
from tetrad.results.exchange import Choice, Completion, Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchLimits:
    """How much is read and written at once."""

    rows: int = 128
    read_tokens: int = 2048  # of one pass over prompts, padding included
    kept_bytes: int = 1 << 30  # of what answers in progress keep of their own


class Answering:
    """A loaded model with all that answering needs."""

    def __init__(self, network: Network, text: Text, limits: BatchLimits) -> None:
        self._network = network
        self._text = text
        self._limits = limits
        self._prefixes = PrefixStore(network)
        self._kept_tokens = limits.kept_bytes // network.shape.bytes_per_token

    @torch.inference_mode()
    def run(self, waiting: list[Job], arrivals: Callable[[], list[Job]]) -> None:
        """Answer all that waits and all that arrives meanwhile."""
        rows: list[Row] = []
        own = self._network.room(rows=0, columns=0)
        while waiting or rows:
            waiting = [job for job in waiting if not job.is_given_up]
            jobs, prefix, read = self._next(waiting, rows)
            # whoever came first has the prefix read, and it spares the others that
            spared = [_length(prefix) - (0 if place else read) for place in range(len(jobs))]
            if jobs and jobs[0].is_choice:
                self._choose(jobs, prefix, spared)
            elif jobs:
                begun = [
                    Row.begin(job, prefix, spared=count, text=self._text)
                    for job, count in zip(jobs, spared, strict=True)
                ]
                self._begin(begun, prefix, rows, own)
            elif rows:
                self._step(rows, own)
            taken = set(jobs)
            waiting = [job for job in waiting if job not in taken]
            waiting += arrivals()

    def _next(
        self, waiting: Sequence[Job], rows: Sequence[Row]
    ) -> tuple[Sequence[Job], Prefix | None, int]:
        """The jobs to begin now, their prefix, and how many of its tokens had to be read.

        They are those for which the oldest can be read together with others; none, if nothing waits
        or all rows are taken.
        """
        if not waiting:
            return (), None, 0
        oldest = waiting[0]
        free = self._limits.rows - len(rows)
        if not oldest.is_choice and not free:
            return (), None, 0
        alike = [job for job in waiting if job.is_choice == oldest.is_choice]
        length, members = self._prefixes.plan([job.tokens for job in alike])
        jobs = [alike[index] for index in members]
        # those of like length first: they are read together, padded to the longest
        jobs.sort(key=lambda job: abs(len(job.tokens) - len(oldest.tokens)))
        count = self._readable(jobs, length)
        if not oldest.is_choice:
            count = min(count, free, self._keepable(jobs, rows, length))
        if not count:
            return (), None, 0
        return jobs[:count], *self._prefixes.get(oldest.tokens[:length])

    def _readable(self, jobs: Sequence[Job], before: int) -> int:
        """How many of the jobs one pass may read; at least one."""
        longest = 0
        for count, job in enumerate(jobs):
            longest = max(longest, len(job.tokens) - before)
            if count and longest * (count + 1) > self._limits.read_tokens:
                return count
        return len(jobs)

    def _keepable(self, jobs: Sequence[Job], rows: Sequence[Row], before: int) -> int:
        """How many of the jobs there is memory for, beside the rows; at least one in all."""
        longest = max((_room(row.job, _length(row.prefix)) for row in rows), default=0)
        for count, job in enumerate(jobs):
            longest = max(longest, _room(job, before))
            if count + len(rows) and longest * (len(rows) + count + 1) > self._kept_tokens:
                return count
        return len(jobs)

    def _begin(
        self, begun: list[Row], prefix: Prefix | None, rows: list[Row], own: OwnTokens
    ) -> None:
        """Read prompts, write the first token of each answer, and add the rows to the others."""
        before = _length(prefix)
        fresh, logits = self._network.read([row.job.tokens[before:] for row in begun], prefix)
        self._write(begun, fresh, logits)
        own.absorb(fresh)
        rows += begun

    def _step(self, rows: list[Row], own: OwnTokens) -> None:
        """Write one more token to every row."""
        last = torch.tensor([row.written[-1] for row in rows], device=self._network.device)
        self._write(rows, own, self._network.step(own, last, _shared(rows)))

    def _write(self, rows: list[Row], own: OwnTokens, logits: Tensor) -> None:
        """Choose each row's next token; deliver and drop the rows that end."""
        for place, row in enumerate(rows):
            row.restrict(logits[place])
        tokens: list[int] = torch.argmax(logits, dim=-1).tolist()
        # from the end: a dropped row's place is taken by the last, which was looked at already
        for place in reversed(range(len(rows))):
            row = rows[place]
            token = tokens[place] if row.draw is None else row.draw.token(logits[place])
            if self._has_ended(row, token):
                own.remove(place)
                rows[place] = rows[-1]
                rows.pop()

    def _has_ended(self, row: Row, token: int) -> bool:
        try:
            completion = row.take(token, end_tokens=self._network.end_tokens, text=self._text)
        except TetradError as error:  # one answer's grammar is no other answer's trouble
            row.job.inquiry.fail(error)
            return True
        if completion is not None:
            row.job.inquiry.answer(completion)
        return completion is not None or row.job.is_given_up

    def _choose(self, jobs: Sequence[Job], prefix: Prefix | None, spared: Sequence[int]) -> None:
        """Answer requests for one of some labels, by what the labels' tokens are likely to be."""
        before = _length(prefix)
        own, logits = self._network.read([job.tokens[before:] for job in jobs], prefix)
        trees = [job.labels for job in jobs if job.labels is not None]
        width = max(own.lengths) + 1
        rows = max(1, min(self._limits.rows, self._kept_tokens // width))
        shares = label_shares(self._network, trees, own, logits, prefix, rows=rows)
        for job, share, cached in zip(jobs, shares, spared, strict=True):
            job.inquiry.answer(self._chosen(job, share, cached))

    def _chosen(self, job: Job, shares: dict[int, float], cached: int) -> Completion:
        assert isinstance(job.request.constraint, Choice)  # noqa: S101  # jobs are parted by kind
        labels = job.request.constraint.labels
        known = [max(shares.get(number, 0.0), 0.0) for number in range(len(labels))]
        total = sum(known)
        likelihoods = [one / total if total else 1 / len(known) for one in known]
        best = labels[likelihoods.index(max(likelihoods))]  # of equals the first
        return Completion(
            text=best,
            usage=Usage(
                input_tokens=len(job.tokens),
                output_tokens=len(self._text.tokens(best)),
                cached_input_tokens=cached,
            ),
            likelihoods=dict(zip(labels, likelihoods, strict=True)),
        )


def _shared(rows: Sequence[Row]) -> Shared:
    """Which rows follow which prefix."""
    groups: dict[int, tuple[Prefix, list[int]]] = {}
    for place, row in enumerate(rows):
        if row.prefix is not None:
            groups.setdefault(id(row.prefix), (row.prefix, []))[1].append(place)
    return tuple(groups.values())


def _room(job: Job, before: int) -> int:
    return len(job.tokens) - before + job.limit


def _length(prefix: Prefix | None) -> int:
    return 0 if prefix is None else len(prefix)
