"""Suites: stacks, the golden set, judges and the gate's requirements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from tetrad.assertions.checks import (
    issues_as_written,
    issues_on_stack,
    issues_without_judges,
)
from tetrad.errors import Issue
from tetrad.golden import GoldenFile
from tetrad.loading.build_gate import build_gate
from tetrad.loading.case_tools import issues_of_names
from tetrad.loading.case_values import issues_of_values
from tetrad.loading.context import Context, NotBuilt
from tetrad.loading.fields import Fields
from tetrad.loading.opened_files import opened_files
from tetrad.model import (
    EMBEDDING_JUDGE,
    METRICS,
    Assertion,
    AssertionSet,
    GoldenSet,
    Judge,
    Stack,
    Suite,
)
from tetrad.model.defaults import picked
from tetrad.schemas.nearest import did_you_mean
from tetrad.yamldoc.parse import Path


def build_suite(fields: Fields, context: Context) -> Suite:
    stacks = _stacks(fields, context)
    opens = opened_files(fields, context, ("files",))
    arrays = None if stacks is None else _arrays(stacks)
    loaded = context.golden(fields, ("golden",), arrays, opens)
    metrics = tuple(fields.get("metrics", METRICS))
    judges = _judges(fields, context)
    gate = build_gate(fields, context, metrics, stacks or ())
    if loaded is not None:
        _check_names(loaded.golden, metrics, fields.get("judges", {}), context)
        _check_must_pass(fields, loaded, context)
        _check_judgeable(fields, loaded, stacks or (), context)
        if opens and loaded.is_whole and not loaded.golden.code:
            message = "the golden set has no Python code that opens files"
            context.report(fields.issue(("files",), message, "leave it out", at_key=True))
        if stacks is not None:
            context.report(*issues_of_names(loaded.golden, stacks))
            context.report(*_of_the_sound(loaded, issues_of_values(loaded, stacks)))
    if stacks is None or loaded is None or judges is None:
        raise NotBuilt
    return Suite(
        ref=fields.ref,
        location=fields.location,
        description=fields.text("description"),
        owner=fields.text("owner"),
        stacks=stacks,
        golden=loaded.golden,
        metrics=metrics,
        judges=judges,
        gate=gate,
        **picked(fields.values, "tools"),
    )


def _stacks(fields: Fields, context: Context) -> tuple[Stack, ...] | None:
    written = fields.values["stacks"]
    stacks = [context.stack(fields, ("stacks", number)) for number in range(len(written))]
    built = tuple(stack for stack in stacks if stack is not None)
    return built if len(built) == len(stacks) else None


def _arrays(stacks: Iterable[Stack]) -> frozenset[str]:
    """The variables that take lists, by any of the prompts."""
    variables = (v for stack in stacks for v in stack.prompt.variables.values())
    return frozenset(variable.name for variable in variables if variable.type == "array")


def _judges(fields: Fields, context: Context) -> Mapping[str, Judge] | None:
    judges = {}
    written = fields.get("judges", {})
    for name, raw in written.items():
        find = context.embedder if name == EMBEDDING_JUDGE else context.model
        model = find(fields, ("judges", name, "model"))
        prompt = context.prompt(fields, ("judges", name, "prompt")) if "prompt" in raw else None
        if model is not None and ("prompt" not in raw or prompt is not None):
            judges[name] = Judge(name=name, model=model, prompt=prompt)
    return judges if len(judges) == len(written) else None


def check_golden(fields: Fields, context: Context, path: Path) -> None:
    """What can be said of a golden set without its suite and its stacks."""
    loaded = context.golden(fields, path, None)
    if loaded is not None:
        context.report(*_ill_assertions(loaded))


def _ill_assertions(loaded: GoldenFile) -> Iterator[Issue]:
    return _of_the_sound(loaded, issues_as_written(loaded.golden))


def _of_the_sound(loaded: GoldenFile, issues: Iterable[Issue]) -> Iterator[Issue]:
    """The issues, but for those of a value that is not yet what it will be."""
    wrong = {issue.location for issue in loaded.issues}
    return (issue for issue in issues if issue.location not in wrong)


def _check_names(
    golden: GoldenSet, metrics: tuple[str, ...], judges: Collection[str], context: Context
) -> None:
    """Metrics and judges that cases name are the suite's."""
    for case in golden.cases:
        for item in _flat(case.assertions):
            if item.metric is not None and item.metric not in metrics:
                hint = did_you_mean(item.metric, metrics, "add it to the suite's metrics:")
                message = f"the suite has no metric {item.metric!r}"
                context.report_at(item.location, message, hint)
            if isinstance(item, Assertion) and item.judge is not None and item.judge not in judges:
                hint = did_you_mean(item.judge, judges, "add it to the suite's judges:")
                context.report_at(item.location, f"the suite has no judge {item.judge!r}", hint)


def _check_judgeable(
    fields: Fields, loaded: GoldenFile, stacks: Sequence[Stack], context: Context
) -> None:
    """Every assertion can be evaluated, on each of the suite's stacks."""
    golden, judges = loaded.golden, fields.get("judges", {})
    context.report(*_ill_assertions(loaded))
    context.report(*issues_without_judges(golden, judges, fields.document.origin))
    for stack in stacks:
        context.report(*issues_on_stack(golden, stack, judges))


def _check_must_pass(fields: Fields, loaded: GoldenFile, context: Context) -> None:
    """A case that must pass is one of the golden set."""
    if not loaded.is_whole:
        return
    ids = dict.fromkeys([*(case.id for case in loaded.golden.cases), *loaded.ill_ids])
    for number, clause in enumerate(fields.get("gate", ())):
        named = clause.get("must_pass", {}).get("case", ())
        for name in [named] if isinstance(named, str) else named:
            if name not in ids:
                path = ("gate", number, "must_pass", "case")
                hint = did_you_mean(name, ids, f"name a case of {loaded.golden.path}")
                context.report(fields.issue(path, f"there is no case {name!r}", hint))


def _flat(items: Iterable[Assertion | AssertionSet]) -> Iterator[Assertion | AssertionSet]:
    for item in items:
        yield item
        if isinstance(item, AssertionSet):
            yield from item.assertions
