"""A stack's card in Markdown: what it is, what it is for, where it ends, and how it scored.

What strangers wrote stands in it as in the comment on a pull request, where nothing of it is active.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tetrad.identity import component_digest, identity_of, written_identity
from tetrad.identity.suite_digest import suite_digest
from tetrad.inventory.bill_of_materials import Materials
from tetrad.inventory.model_section import model_section
from tetrad.inventory.past_decisions import PastDecision, PastSuiteDecision, latest_by_suite
from tetrad.model import (
    Generation,
    Guardrails,
    HttpRun,
    McpRun,
    Model,
    Prompt,
    PythonRun,
    Retrieval,
    Stack,
    Suite,
    Tool,
)
from tetrad.model.serving import Fallback, FixedAnswer, OtherStack
from tetrad.plan.requirements import told
from tetrad.report import figures
from tetrad.report.inert_markdown import code, fenced, prose
from tetrad.report.words import DECISIONS
from tetrad.text import pluralize

_MESSAGE = 6_000  # characters of one message that are shown
_EFFECTS = {
    "read": "reads",
    "write": "writes",
    "destructive": "destroys or cannot be undone",
    None: "not stated",
}


def render_card(materials: Materials, decisions: Iterable[PastDecision]) -> str:
    """The card, with the scores of what gates decided about this identity."""
    stack = materials.stack
    parts = [
        *_head(stack),
        "## Model",
        *model_section(stack.model, "answers"),
        *_other_models(stack),
        "## Prompt",
        *_prompt(stack.prompt),
        *_corpus(stack.retrieval, materials.documents),
        *_tools(stack.tools),
        "## Guardrails",
        _bullets(_guardrails(stack)),
        "## Evaluation",
        *_evaluation(materials, decisions),
    ]
    return "\n\n".join(parts) + "\n"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are Markdown already."""
    named = list(heads)
    lines = [named, ["---"] * len(named), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _head(stack: Stack) -> Iterator[str]:
    yield f"# {code(stack.name)}"
    if stack.description:
        yield prose(stack.description)
    rows = [
        ("stack", code(stack.ref)),
        ("identity", code(written_identity(identity_of(stack)))),
        ("owner", code(stack.owner) if stack.owner else "not stated"),
        ("serves in", _codes(stack.environments) if stack.environments else "nowhere"),
    ]
    if stack.serving.fallback is not None:
        rows.append(("if it fails", _fallback(stack.serving.fallback)))
    yield _table(("", ""), rows)


def _fallback(fallback: Fallback) -> str:
    match fallback:
        case FixedAnswer(answer=answer):
            return f"answers {code(answer)}"
        case OtherStack(ref=ref):
            return f"the stack {code(ref)} answers"
    return "the identity before it answers"


def _other_models(stack: Stack) -> Iterator[str]:
    embedders: dict[str, tuple[Model, list[str]]] = {}
    if stack.retrieval is not None:
        model = stack.retrieval.corpus.embedding
        embedders.setdefault(model.ref, (model, []))[1].append("the corpus")
    if stack.prompt.select is not None:
        model = stack.prompt.select.embedding
        embedders.setdefault(model.ref, (model, []))[1].append("the examples")
    for model, what in embedders.values():
        yield from model_section(model, f"embeds {' and '.join(what)}")


def _prompt(prompt: Prompt) -> Iterator[str]:
    if prompt.description:
        yield prose(prompt.description)
    yield _bullets(
        (
            f"{code(prompt.ref)}, {prompt.style}, digest {code(str(component_digest(prompt)))}",
            *_examples(prompt),
            *_output(prompt),
        )
    )
    if prompt.variables:
        rows = [
            (
                code(v.name),
                v.type,
                v.trust,
                f"{v.max_chars:,} characters" if v.max_chars else "",
                prose(v.description) if v.description else "",
            )
            for v in prompt.variables.values()
        ]
        yield _table(("variable", "type", "trust", "at most", ""), rows)
    for message in prompt.messages:
        yield f"{message.role.capitalize()}:\n\n{fenced(message.content, _MESSAGE)}"


def _examples(prompt: Prompt) -> Iterator[str]:
    if prompt.examples:
        chosen = f", of which the {prompt.select.count} nearest are shown" if prompt.select else ""
        yield f"{pluralize(len(prompt.examples), 'example')}{chosen}"


def _output(prompt: Prompt) -> Iterator[str]:
    output = prompt.output
    if output.enum:
        yield f"the answer is one of {_codes(output.enum)}"
    elif output.format == "json":
        yield "the answer is JSON" + (" that keeps to a schema" if output.schema else "")


def _corpus(retrieval: Retrieval | None, documents: int) -> Iterator[str]:
    if retrieval is None:
        return
    corpus, index = retrieval.corpus, retrieval.corpus.index
    yield "## Corpus"
    if corpus.description:
        yield prose(corpus.description)
    passages = f"{retrieval.top_k} passages nearest to {code(retrieval.query)}"
    mixed = f"store {index.store}, dense {index.dense:g}, BM25 {index.bm25:g}"
    size, overlap = corpus.chunking.size, corpus.chunking.overlap
    lines = [
        f"{code(corpus.ref)}, {pluralize(documents, 'document')}, digest {code(str(corpus.digest))}",
        f"the {passages} are put into {code(retrieval.into)}",
        f"chunks of {size} tokens that overlap by {overlap}; {mixed}",
    ]
    if retrieval.answerable is not None:
        floor, otherwise = retrieval.answerable.min_similarity, retrieval.answerable.otherwise
        lines.append(f"below a similarity of {floor:g} it answers {code(otherwise)}")
    yield _bullets(lines)


def _tools(tools: Iterable[Tool]) -> Iterator[str]:
    rows = [
        (
            code(tool.name),
            _EFFECTS[tool.effect],
            _run(tool),
            str(tool.version),
            prose(tool.description),
        )
        for tool in tools
    ]
    if rows:
        yield "## Tools"
        yield _table(("tool", "effect", "runs", "version", ""), rows)


def _run(tool: Tool) -> str:
    match tool.run:
        case PythonRun():
            return "in a process of its own"
        case HttpRun(url=url):
            return f"at {code(url)}"
        case McpRun(server=server):
            return f"on the MCP server {code(server)}"
    return "only as recorded"


def _guardrails(stack: Stack) -> Iterator[str]:
    limit = stack.guardrails.max_input_chars
    yield f"input over {limit:,} characters is refused" if limit else "input of any length is taken"
    guardrails = stack.guardrails
    blocked = guardrails.block_pii_in_output or guardrails.personal_data.output == "block"
    if guardrails.personal_data.output != "redact" or blocked:
        yield f"answers with personal data are {'withheld' if blocked else 'not withheld'}"
    yield from _searches(guardrails)
    if guardrails.canary is not None:
        yield "answers that repeat the system message's canary are withheld"
    if guardrails.repair_output:
        yield "an answer that breaks the output contract is asked for once more"
    if (most := guardrails.max_calls_per_tool) is not None:
        yield f"one tool may be called {pluralize(most, 'time')} for a request"
    if stack.tools:
        yield f"at most {pluralize(stack.max_steps, 'round')} of tool calls"
    yield from _generation(stack.generation)


def _searches(guardrails: Guardrails) -> Iterator[str]:
    """What is looked for in texts, and what becomes of it."""
    both = {"personal data": guardrails.personal_data, "credentials": guardrails.secrets}
    for what, treatment in both.items():
        if treatment.input is not None:
            fate = "refused" if treatment.input == "block" else "stripped of them"
            yield f"requests with {what} are {fate}"
        if treatment.output == "redact":
            yield f"{what} in answers are replaced by their kinds"
        elif treatment.output == "block" and what != "personal data":
            yield f"answers with {what} are withheld"
    injection = guardrails.injection
    if injection.variables is not None:
        fate = "refused" if injection.variables == "block" else "reported"
        yield f"requests that look like injections are {fate}"
    if injection.passages is not None:
        fate = "left out" if injection.passages == "drop" else "reported"
        yield f"passages that look like injections are {fate}"


def _generation(generation: Generation) -> Iterator[str]:
    said = {
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "max_tokens": generation.max_tokens,
        "seed": generation.seed,
    }
    given = [f"{name} {value:g}" for name, value in said.items() if value is not None]
    yield f"sampling: {', '.join(given)}" if given else "sampling: as the engine does it"


def _evaluation(materials: Materials, decisions: Iterable[PastDecision]) -> Iterator[str]:
    found = latest_by_suite(decisions)
    if not materials.suites:
        yield "No suite judges this stack."
    for suite in materials.suites:
        yield f"### {code(suite.ref)}"
        if suite.description:
            yield prose(suite.description)
        cases = pluralize(len(suite.golden.cases), "case")
        yield f"{cases}, golden set {code(str(suite.golden.digest))}."
        scored = found.get((suite.ref, suite_digest(suite)))
        yield from _scores(*scored) if scored else _unscored(suite)


def _unscored(suite: Suite) -> Iterator[str]:
    yield "Not evaluated: no gate has decided about this identity by this suite."
    yield _bullets(f"required: {prose(told(requirement))}" for requirement in suite.gate)


def _scores(decided: PastDecision, suite: PastSuiteDecision) -> Iterator[str]:
    at = f" at {code(decided.head[:12])}" if decided.head else ""
    dirty = " with uncommitted changes" if decided.dirty else ""
    when = f" on {code(decided.at)}" if decided.at else ""
    yield f"**{DECISIONS[suite.decision]}**{at}{dirty}{when}."
    if decided.preview:
        engine = prose(decided.engine) if decided.engine else "another engine"
        yield f"A preview, never evidence: {engine} answered."
    yield _table(
        ("requirement", "value", "required", "95 % interval", "n", ""),
        (
            (
                prose(figures.requirement(found)),
                figures.value(found),
                figures.asked(found),
                figures.interval(found),
                f"{found.n:,}" if found.n else "",
                DECISIONS[found.decision],
            )
            for found in suite.requirements
        ),
    )


def _codes(names: Iterable[object]) -> str:
    return ", ".join(code(str(name)) for name in names)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
