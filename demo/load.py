"""Steady questions to a gateway, each answer checked against the identity that it says it is of."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import httpx2

_TIMEOUT_S = 60


@dataclass(slots=True)
class Tally:
    """What a load saw."""

    requests: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    by_identity: Counter[str] = field(default_factory=Counter)
    mislabelled: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


class Load:
    """Some threads that ask one stack for as long as the block lasts.

    `expected` is what each identity answers to each message, as its evaluation found: an answer that
    another identity would have given is mislabelled.
    """

    def __init__(
        self,
        url: str,
        *,
        variable: str,
        messages: Sequence[str],
        expected: Mapping[str, Mapping[str, str]],
        threads: int = 2,
    ) -> None:
        self.tally = Tally()
        self._url = url
        self._variable = variable
        self._messages = messages
        self._expected = expected
        self._ends = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def await_identity(self, identity: str, timeout_s: float = 60) -> None:
        """Wait until an identity has answered."""
        end = time.monotonic() + timeout_s
        while not self.tally.by_identity[identity] and time.monotonic() < end:
            time.sleep(0.05)

    def _ask(self, number: int) -> None:
        with httpx2.Client(timeout=_TIMEOUT_S) as client:
            asked = number
            while not self._ends.is_set():
                message = self._messages[asked % len(self._messages)]
                began = time.monotonic()
                try:
                    response = client.post(self._url, json={"variables": {self._variable: message}})
                except httpx2.HTTPError as error:
                    self._count(type(error).__name__)
                else:
                    self._check(message, response, time.monotonic() - began)
                asked += 1

    def _count(self, failure: str) -> None:
        with self._lock:
            self.tally.requests += 1
            self.tally.failures[failure] += 1

    def _check(self, message: str, response: httpx2.Response, took_s: float) -> None:
        if response.status_code != 200:
            self._count(f"status {response.status_code}")
            return
        identity = response.headers["x-tetrad-identity"]
        answer = response.json()["answer"]
        with self._lock:
            self.tally.requests += 1
            self.tally.by_identity[identity] += 1
            self.tally.slowest_s = max(self.tally.slowest_s, took_s)
            if self._expected.get(identity, {}).get(message) != answer:
                self.tally.mislabelled.append(f"{identity}: {message!r} -> {answer!r}")
