"""The lock: a generated file beside a stack that records its digests and its identity.

Every change of a stack changes the identity's line, so two changes to one stack conflict when they
are merged: their composition was never evaluated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tetrad.canonical import Digest, digest_of
from tetrad.errors import Issue, Location, SpecError
from tetrad.identity.behaviour import component_digest
from tetrad.identity.compose import RUNTIME, identity_of, settings_of
from tetrad.identity.notation import read_identity, written_identity
from tetrad.model import Stack, Suite
from tetrad.yamldoc.parse import parse

_MARK = "# Written by `tetrad lock`"
_HEAD = f"""\
{_MARK}; commit it. A merge conflict in this file is right: the composition of
# the two changes was never evaluated. Take either side, run `tetrad lock`, and evaluate again.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """What a stack was when the lock was written; parts by reference."""

    stack: str
    identity: Digest
    runtime: int = RUNTIME
    prompt: Mapping[str, Digest]
    model: Mapping[str, Digest]
    corpus: Mapping[str, Digest] = field(default_factory=dict)
    tools: Mapping[str, Digest] = field(default_factory=dict)
    settings: Digest
    goldens: Mapping[str, Digest] = field(default_factory=dict)  # by suite


def path_of(stack: Stack) -> str:
    """The lock's path, from the repository's root."""
    return f"{stack.ref}.lock"


def lock_of(stack: Stack, suites: Iterable[Suite]) -> Lock:
    """The lock that a stack has now; of the suites, those that name it are recorded."""
    corpus = stack.retrieval.corpus if stack.retrieval else None
    naming = (suite for suite in suites if any(s.ref == stack.ref for s in suite.stacks))
    return Lock(
        stack=stack.ref,
        identity=identity_of(stack),
        prompt={stack.prompt.ref: component_digest(stack.prompt)},
        model={stack.model.ref: component_digest(stack.model)},
        corpus={corpus.ref: component_digest(corpus)} if corpus else {},
        tools={tool.ref: component_digest(tool) for tool in stack.tools},
        settings=digest_of(settings_of(stack)),
        goldens=dict(sorted((suite.ref, suite.golden.digest) for suite in naming)),
    )


def dump_lock(lock: Lock) -> str:
    """The lock's text: the same for the same lock, one digest a line."""
    lines = [
        "kind: lock",
        "version: 1",
        f"stack: {lock.stack}",
        f"identity: {written_identity(lock.identity)}",
        f"runtime: {lock.runtime}",
    ]
    for name in _SECTIONS:
        section: Mapping[str, Digest] = getattr(lock, name)
        lines.append(f"{name}:" if section else f"{name}: {{}}")
        lines += [f"  {ref}: {digest}" for ref, digest in section.items()]
    lines.append(f"settings: {lock.settings}")
    return _HEAD + "\n".join(lines) + "\n"


def load_lock(text: str, origin: str) -> Lock:
    """Read a lock; SpecError where it is none, for instance with conflict marks in it."""
    raw = parse(text.encode(), origin).value
    try:
        return _lock(raw)
    except (KeyError, TypeError, ValueError, AttributeError):
        message, hint = "not a lock file written by `tetrad lock`", "run `tetrad lock`"
        issue = Issue(location=Location(origin), code="COR952", message=message, hint=hint)
        raise SpecError([issue]) from None


def is_lock(data: bytes) -> bool:
    """Whether `tetrad lock` wrote a file, be it damaged or of another version."""
    return data.startswith(_MARK.encode())


_SECTIONS = ("prompt", "model", "corpus", "tools", "goldens")


def _lock(raw: Mapping[str, Any]) -> Lock:
    if (raw["kind"], raw["version"]) != ("lock", 1):
        raise ValueError
    sections = {
        name: {ref: Digest.parse(written) for ref, written in raw[name].items()}
        for name in _SECTIONS
    }
    return Lock(
        stack=str(raw["stack"]),
        identity=read_identity(raw["identity"]),
        runtime=int(raw["runtime"]),
        settings=Digest.parse(raw["settings"]),
        **sections,
    )
