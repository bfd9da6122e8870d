"""What a gate adds to the ledger: identities seen for the first time, runs with their results, and
what was decided.

The documents are JSON by RFC 8785. Results hold scores and no outputs: those are the cache's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from tetrad.canonical import Json, canonical_json, digest_bytes
from tetrad.evals.runner import SelectedCases
from tetrad.identity import identity_document, written_identity
from tetrad.identity.suite_digest import suite_digest
from tetrad.registry import NewEntry
from tetrad.results.codec import Codec
from tetrad.results.gate_report import Report, StackReport
from tetrad.results.outcome import CaseOutcome, SuiteRun
from tetrad.text import encodable

if TYPE_CHECKING:
    from tetrad.registry.ledger import Ledger

_CODEC = Codec()


@dataclass(frozen=True, kw_only=True, slots=True)
class Executed:
    """A selection and its run; `preview` where another engine answered than the stack's own."""

    selection: SelectedCases
    run: SuiteRun
    preview: bool


def record(ledger: Ledger, report: Report, executed: Sequence[Executed]) -> None:
    """Append what a gate did, all or nothing."""
    new = dict.fromkeys(
        [
            *(entry for one in executed for entry in _of_run(ledger, one, report.harness)),
            *(_decision(stack, report) for stack in report.stacks),
        ]
    )
    ledger.extend(list(new))


def _of_run(ledger: Ledger, executed: Executed, harness: str) -> Iterator[NewEntry]:
    run = executed.run
    stack, identity = run.stack, run.identity
    if next(ledger.entries(kind="identity", stack=stack, identity=identity), None) is None:
        document = canonical_json(identity_document(executed.selection.stack))
        yield NewEntry(kind="identity", stack=stack, identity=identity, content=document)
    results = b"".join(_written(_result(case)) + b"\n" for case in run.cases)
    digest = digest_bytes(results)
    if ledger.content(digest) is None:
        yield NewEntry(kind="results", stack=stack, identity=identity, content=results)
    said = {**_run(executed), "results": str(digest), "tetrad": harness}
    yield NewEntry(kind="run", stack=stack, identity=identity, content=_written(said))


def _run(executed: Executed) -> Mapping[str, Json]:
    selection, run = executed.selection, executed.run
    return {
        "kind": "run",
        "version": 1,
        "suite": run.suite,
        "suite_digest": str(suite_digest(selection.suite)),
        "golden": str(run.golden),
        "model": selection.model,
        "engine": selection.engine.name,
        "build": selection.engine.build,
        "preview": executed.preview,
        "cases": {
            "total": len(run.cases),
            "passed": sum(case.passed for case in run.cases),
            "missing": sum(case.missing for case in run.cases),
        },
        "metrics": _means(run.cases),
    }


def _result(case: CaseOutcome) -> Mapping[str, Json]:
    return {
        "id": case.id,
        "passed": case.passed,
        "missing": case.missing,
        "metrics": dict(case.metrics),
    }


def _means(cases: Sequence[CaseOutcome]) -> Mapping[str, float]:
    scores: dict[str, list[float]] = {}
    for case in cases:
        for name, score in case.metrics.items():
            scores.setdefault(name, []).append(score)
    return {name: fmean(values) for name, values in scores.items()}


def _decision(stack: StackReport, report: Report) -> NewEntry:
    """What was decided about a stack, by its suites and by the base's."""
    base = stack.base_identity
    said: Mapping[str, Json] = {
        "kind": "decision",
        "version": 1,
        "head": report.head,
        "base": report.base,
        "dirty": report.dirty,
        "preview": stack.preview,
        "engine": stack.engine,
        "base_identity": None if base is None else written_identity(base),
        "changed": list(stack.changed),
        "suites": [
            {
                "suite": suite.suite,
                "digest": str(suite.digest),
                "decision": suite.decision,
                "requirements": [_CODEC.dump(result) for result in suite.requirements],
                "waived": [_CODEC.dump(waiver) for waiver in suite.waived],
            }
            for suite in stack.suites
        ],
        "by_base": [
            {"suite": by.suite, "decision": by.decision, "binding": by.binding}
            for by in stack.by_base
        ],
        "tetrad": report.harness,
    }
    return NewEntry(
        kind="decision", stack=stack.stack, identity=stack.identity, content=_written(said)
    )


def _written(document: Mapping[str, Json]) -> bytes:
    try:
        return canonical_json(document)
    except ValueError:  # half a surrogate pair, which a case's id or a server's version can hold
        text = encodable(json.dumps(document, ensure_ascii=False, default=dict))
        return canonical_json(json.loads(text))
