"""A model's fingerprint: the digest of its answers to fixed probes.

A vendor can change a model behind one name. Its answers to the same questions at temperature 0 say so,
as far as anything does that is seen from outside.
"""

from __future__ import annotations

from collections.abc import Sequence

from tetrad.canonical import Digest, digest_of
from tetrad.engines.interfaces import Engine
from tetrad.model import Generation, Probe
from tetrad.results.exchange import Message, Request


async def fingerprint(engine: Engine, probes: Sequence[Probe]) -> Digest:
    """The digest of an engine's answers to the probes, white space around them left out."""
    return digest_of([await _answer(engine, probe) for probe in probes])


async def _answer(engine: Engine, probe: Probe) -> str:
    generation = Generation(temperature=0, max_tokens=probe.max_tokens)
    message = Message(role="user", content=probe.prompt)
    completion = await engine.complete(Request(messages=(message,), generation=generation))
    return completion.text.strip()
