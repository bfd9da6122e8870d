"""How many requests an endpoint is sent, and when: decided from what came of the earlier ones.

Pure: times are given and nothing waits. `tetrad.engines.brake` has this on the event loop.

The number in flight rises by one a round of answers and is halved where the endpoint says that it
has too much to do (additive increase, multiplicative decrease), or where its throughput falls. After
a setback that is the endpoint's and not one request's, nothing is sent for a while and then one
request at a time, until one is answered.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tetrad.artifacts.backoff import Backoff

# The first request goes alone for so long: a wrong key or a dead endpoint shows by then.
GRACE_S = 1.0
_UNPROVEN = 8  # requests in flight, at most, before the first answer
QUOTA_PATIENCE_S = (
    300.0  # without an answer, of an endpoint that says "too many"; quotas are of minutes
)
OUTAGE_PATIENCE_S = 60.0  # without an answer, of an endpoint that gave some before
TIMEOUTS = 2  # tries of a request that may time out: each can be charged and takes its whole length
_FIRST_ROUNDS = 4  # setbacks, each after a longer wait, of an endpoint that never answered
_PASSED_OVER = 20  # a request so often refused while others are answered is too large for its quota
_WARY = 20  # times as slowly does the limit rise past what was too many
_IN_A_ROW = 3  # setbacks with no answer between them that are taken for the endpoint's
_ALIKE = 10  # refusals in one wording, none answered between them: taken for every request's
_WINDOW = 16  # answers, at least, by which a throughput is measured
_FELL = 0.5  # of the best throughput so far
_DECAY = 0.95  # of the pace, with each answer

Verdict: TypeAlias = Literal["again", "give up", "stop"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Setback:
    """A try without an answer, of which another may have one.

    `quota`: the endpoint has enough of us. `overload`: it has too much to do. `may_be_its_own`: the
    request may be what the endpoint fails at.
    """

    kind: Literal["quota", "overload", "failure"]
    reason: str
    retry_after_s: float = 0.0
    may_be_its_own: bool = False
    timed_out: bool = False


@dataclass(eq=False, slots=True)
class Lane:
    """The requests of one model; several can share an endpoint."""

    ceiling: int
    in_flight: int = 0


@dataclass(eq=False, slots=True)
class Ticket:
    """One request on its way, over all its tries."""

    lane: Lane
    once: bool = False  # what reached somebody is not sent again, where people are served
    asked: int = 0  # tries
    sent: int = 0  # those of them that reached somebody
    sent_at: float = 0.0
    not_before: float = 0.0
    _failed_at: float | None = None
    _tries: int = 0  # that count against it
    _passed_over: int = 0  # refusals by a quota that let others through
    _timeouts: int = 0

    def charge(self, setback: Setback, now: float, last_answer: float) -> None:
        """Count a setback against the request, if others were answered meanwhile or may not be meant."""
        others = self._failed_at is None or last_answer > self._failed_at
        if setback.kind == "quota":
            self._passed_over += others
        elif setback.may_be_its_own or others:
            self._tries += 1
        self._timeouts += setback.timed_out
        self._failed_at = now

    def spent(self, attempts: int) -> bool:
        return (
            self._tries >= attempts
            or self._timeouts >= TIMEOUTS
            or self._passed_over >= _PASSED_OVER
        )


class Throttle:
    """The one authority on what an endpoint is sent."""

    def __init__(
        self,
        backoff: Backoff | None = None,
        *,
        grace_s: float = GRACE_S,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.stopped: str | None = None  # why nothing more is sent
        self.rounds = 0  # setbacks of the endpoint, each after the wait for the one before
        self._backoff = backoff or Backoff()
        self._grace_s = grace_s
        self._jitter = jitter
        self._ceiling = 0
        self._limit = 0.0
        self._too_many = float("inf")  # at the last setback
        self._in_flight = 0
        self._begun: float | None = None
        self._proven = False  # it has answered
        self._last_answer = float("-inf")
        self._cut_at = float("-inf")
        self._paused_until = float("-inf")
        self._trouble_since: float | None = None
        self._failing: set[Ticket] = set()
        self._streak = 0
        self._refusal, self._refusals = "", 0
        self._pace = _Pace()
        self._throughput = _Throughput()

    @property
    def limit(self) -> int:
        """How many requests may be in flight while all is well."""
        return max(1, int(self._limit))

    def lane(self, ceiling: int) -> Lane:
        """Room for one model's requests, of which at most `ceiling` are in flight."""
        self._ceiling += ceiling
        self._limit += ceiling
        return Lane(ceiling)

    def wait_s(self, ticket: Ticket, now: float) -> float | None:
        """Seconds until the request may be sent; None where another has to end first."""
        if ticket.lane.in_flight >= ticket.lane.ceiling:
            return None
        at = max(self._paused_until, self._pace.next_at, ticket.not_before)
        if self._in_flight >= self._width():
            return None
        if not self._proven and self._in_flight and self._begun is not None:
            at = max(at, self._begun + self._grace_s)
        return max(0.0, at - now)

    def _width(self) -> int:
        """How many may be in flight now."""
        if self.rounds:
            return 1
        return self.limit if self._proven else min(self.limit, _UNPROVEN)

    def sent(self, ticket: Ticket, now: float) -> None:
        self._begun = now if self._begun is None else self._begun
        self._in_flight += 1
        ticket.lane.in_flight += 1
        ticket.sent_at = now
        self._pace.sent(now)

    def answered(self, ticket: Ticket, now: float) -> None:
        self._proven = True
        self._refusals = 0
        self._last_answer = now
        self._alive(ticket)
        self._limit = min(self._ceiling, self._limit + self._step())
        self._pace.answered()
        if self._throughput.fell(now, in_flight=self._in_flight, limit=self.limit):
            self._limit = max(1.0, self._limit * 0.75)
        self.released(ticket)

    def refused(self, ticket: Ticket, reason: str, *, is_its_own: bool) -> Verdict:
        """The endpoint will not answer this request, however often it is asked; `is_its_own`: for what
        this request is.
        """
        self._alive(ticket)
        self.released(ticket)
        self._refusals = self._refusals + 1 if reason == self._refusal else 1
        self._refusal = reason
        if self._refusals < _ALIKE or (self._proven and is_its_own):
            return "give up"
        self.stopped = f"{self._refusals} requests in a row were refused: {reason}"
        return "stop"

    def released(self, ticket: Ticket) -> None:
        """The request is no longer in flight."""
        self._in_flight -= 1
        ticket.lane.in_flight -= 1

    def set_back(self, ticket: Ticket, setback: Setback, now: float) -> Verdict:
        self.released(ticket)
        self._streak += 1
        self._failing.add(ticket)
        self._trouble_since = now if self._trouble_since is None else self._trouble_since
        ticket.charge(setback, now, self._last_answer)
        self._brake(ticket, setback, now)
        return self._verdict(ticket, setback, now)

    def _step(self) -> float:
        """How far the limit rises with an answer: one a round, and slowly past what was too many."""
        step = 1 / self._limit
        return step / _WARY if self._limit + step >= self._too_many > self._limit else step

    def _alive(self, ticket: Ticket) -> None:
        self._streak = 0
        self._failing.clear()
        self._trouble_since = None
        if ticket.sent_at >= self._cut_at:  # sent after the last setback, so that is over
            self.rounds = 0

    def _brake(self, ticket: Ticket, setback: Setback, now: float) -> None:
        """Slow down: the endpoint, once for all that were in flight together, or the request alone."""
        is_first = ticket.sent_at >= self._cut_at
        is_everyones = setback.kind == "quota" or not self._proven or self._streak >= _IN_A_ROW
        if is_first and (is_everyones or setback.kind == "overload"):
            self._too_many = float(self.limit)
            # A request that times out has taken its whole length, and has few tries.
            self._limit = max(1.0, self._limit / (4 if setback.timed_out else 2))
            self._throughput.restart(now)
            self._cut_at = now
            if setback.kind == "quota":
                self._pace.too_fast(now)
        if not is_everyones:
            ticket.not_before = now + self._pause_s(ticket.asked)
            return
        if is_first:
            self.rounds += 1
        pause = self._pause_s(self.rounds) if is_first and not setback.retry_after_s else 0.0
        self._paused_until = max(self._paused_until, now + (setback.retry_after_s or pause))

    def _pause_s(self, number: int) -> float:
        ceiling = min(self._backoff.ceiling_s, self._backoff.first_s * 2.0 ** min(number - 1, 30))
        return ceiling * (0.5 + self._jitter() / 2)

    def _verdict(self, ticket: Ticket, setback: Setback, now: float) -> Verdict:
        if setback.retry_after_s > self._backoff.patience_s:
            return self._stop(setback)
        if self._is_exhausted(setback, now) or (
            not self._proven and ticket.spent(self._backoff.attempts)
        ):
            if len(self._failing) > 1:
                return self._stop(setback)
            # One request alone may be what the endpoint fails at: the next one tells, and at once.
            self._paused_until = now
            return "give up"
        return "give up" if ticket.spent(self._backoff.attempts) else "again"

    def _is_exhausted(self, setback: Setback, now: float) -> bool:
        """Whether nothing was answered for as long as it is worth asking."""
        since = now if self._trouble_since is None else self._trouble_since
        if setback.kind == "quota":
            return now - since > QUOTA_PATIENCE_S
        if not self._proven:
            return self.rounds >= min(_FIRST_ROUNDS, self._backoff.attempts)
        return now - since > OUTAGE_PATIENCE_S

    def _stop(self, setback: Setback) -> Verdict:
        self.stopped = setback.reason
        return "stop"


class _Pace:
    """Seconds between requests where a quota counts them: what was answered before it was used up
    says how fast is too fast. It is forgotten as answers come.
    """

    def __init__(self) -> None:
        self._interval = 0.0
        self._last_sent = float("-inf")
        self._since: float | None = None
        self._answers = 0

    @property
    def next_at(self) -> float:
        return self._last_sent + self._interval

    def sent(self, now: float) -> None:
        self._since = now if self._since is None else self._since
        self._last_sent = now

    def answered(self) -> None:
        self._answers += 1
        self._interval *= _DECAY

    def too_fast(self, now: float) -> None:
        if self._answers and self._since is not None:
            self._interval = max(self._interval, (now - self._since) / self._answers)
        self._since, self._answers = now, 0


class _Throughput:
    """Answers a second while all places are taken, against the best so far."""

    def __init__(self) -> None:
        self._best = 0.0
        self._since: float | None = None
        self._answers = 0
        self._fewest = 0

    def restart(self, now: float) -> None:
        self._best, self._since, self._answers = 0.0, now, 0

    def fell(self, now: float, *, in_flight: int, limit: int) -> bool:
        """Whether the answers of a whole window came much slower than those of one before."""
        if self._since is None or self._answers == 0:
            self._since = now if self._since is None else self._since
            self._fewest = in_flight
        self._answers += 1
        self._fewest = min(self._fewest, in_flight)
        if self._answers < max(_WINDOW, 2 * limit) or now <= self._since:
            return False
        rate, is_full = self._answers / (now - self._since), self._fewest > limit // 2
        self._since, self._answers = now, 0
        if not is_full:
            return False
        fell = limit > 1 and rate < _FELL * self._best
        self._best = rate if fell else max(rate, _DECAY * self._best)
        return fell
