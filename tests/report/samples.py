"""Reports as the gate would write them: one that fails, one that passes, one that is hostile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from random import Random

from tetrad.canonical import digest_bytes
from tetrad.errors import Location
from tetrad.model import (
    Assertion,
    Budget,
    Case,
    Generation,
    GoldenSet,
    MaxFlips,
    Minimum,
    MustPass,
    NoWorseThanBase,
    Requirement,
    Suite,
    Waiver,
)
from tetrad.policy import decide, overall, suite_report
from tetrad.results.exchange import Choice, Completion, Message, Request, ToolCall, Usage
from tetrad.results.gate_report import (
    AcceptanceOffer,
    AcceptanceUse,
    BaseDecision,
    ComponentChange,
    CoverageChange,
    Report,
    StackReport,
    WaiverUse,
    YardstickChange,
)
from tetrad.results.outcome import AssertionResult, Calls, CaseOutcome, Sample, SuiteRun
from tetrad.results.trace import Called, Generated, Guarded, Passage, Retrieved, Step, Trace

TODAY = date(2026, 11, 21)
HERE = Location("evals/triage/suite.yaml", 1, 1)

MESSAGES = (
    ("late-parcel", "My parcel was due on Monday and it's Thursday now. Where is it?", "delivery"),
    ("double-charge", "I was charged twice for the same order. Please sort it out.", "billing"),
    ("wrong-size", "The jacket is a size too small, how do I send it back?", "returns"),
    ("locked-out", "I can't sign in any more, it says my account is locked.", "account"),
    ("battery-life", "How long does the battery of the X2 last in winter?", "product"),
    ("invoice-copy", "Could you send me the invoice for March once more?", "billing"),
    ("left-at-neighbour", "The courier left it with a neighbour I don't know.", "delivery"),
    ("colour-differs", "The green on your site is not the green that arrived.", "returns"),
    ("change-email", "I'd like to change the e-mail address that I sign in with.", "account"),
    ("is-it-waterproof", "Is the rucksack waterproof or just water-repellent?", "product"),
    ("praise", "Just wanted to say: the lady on the phone was wonderful!", "other"),
    ("refund-missing", "I returned it three weeks ago, and no money so far.", "billing"),
)
QUEUES = ("billing", "delivery", "returns", "account", "product", "other")

PROMPT_DIFF = """\
--- prompts/triage.yaml
+++ prompts/triage.yaml
@@ -8,9 +8,8 @@
   - role: system
     content: |
-      You sort customer messages into queues.
-      Money that went the wrong way is billing, whatever it was for.
+      Sort the message.
       Answer with one word.
   - role: user
     content: |
       <message>
"""


ROSTER = (
    CoverageChange(
        change="removed", kind="suite", ref="evals/tone", others=("stacks/triage",), cases=12
    ),
    CoverageChange(change="removed", kind="stack", ref="stacks/old-desk", others=("evals/desk",)),
    CoverageChange(
        change="judges_less", kind="suite", ref="evals/safety", others=("stacks/handbook-qa",)
    ),
    CoverageChange(change="added", kind="stack", ref="stacks/draft"),
)


def failing(cases: int = 60) -> Report:
    """A prompt lost a line, answers about money now go to returns, and a case is gone."""
    triage = triage_stack(cases, worse=True)
    (suite,) = triage.suites
    lacking = replace(triage, suites=(replace(suite, removed=("gift-wrap",)),))
    return replace(_report(lacking, handbook_stack(), untouched_stack()), coverage=ROSTER)


def passing(cases: int = 60) -> Report:
    return _report(triage_stack(cases, worse=False), handbook_stack(), untouched_stack())


YARDSTICK = (
    YardstickChange(kind="input", ref="evals/triage", cases=("wrong-size",)),
    YardstickChange(kind="requirement", ref="evals/triage", before="flips ≤ 2", after="flips ≤ 9"),
    YardstickChange(kind="requirement", ref="evals/triage", before="must pass: tag safety"),
    YardstickChange(
        kind="judge",
        ref="evals/triage",
        name="default",
        cases=("late-parcel", "locked-out"),
        note="other scores on 1 of 2 cases",
    ),
    YardstickChange(kind="tags", ref="evals/triage", cases=("double-charge",)),
    YardstickChange(kind="moved", ref="evals/triage", after="evals/more", cases=("locked-out",)),
    YardstickChange(
        kind="prices",
        ref="stacks/models/chat",
        before="$1 in, $2 out",
        after="$2 in, $4 out",
        note="an answer costs $0.0002 at the base's prices, $0.0004 now",
    ),
    YardstickChange(kind="waiver", ref="evals/triage#late-parcel", name="broken until 2027-01-31"),
)
OFFER = AcceptanceOffer(suite="evals/triage", kind="requirement", name="max_flips", owner="@desk")


def loosened() -> Report:
    """The candidate passes by its own yardstick, which it loosened, and fails by the base's."""
    report = passing(12)
    failed = triage_stack(12, worse=True)
    (suite,) = failed.suites
    verdict = BaseDecision(
        suite="evals/triage",
        heads=("evals/triage", "evals/more"),
        decision="FAILED",
        requirements=suite.requirements,
        cases=tuple(case for case in suite.cases if case.flip == "broken"),
        alike=9,
        accepted=(
            AcceptanceUse(
                suite="evals/triage", what="case gift-wrap", reason="Sold no more.", owner="@desk"
            ),
        ),
        offers=(OFFER,),
    )
    stack = replace(report.stacks[0], by_base=(verdict,))
    stacks = (stack, *report.stacks[1:])
    return replace(report, decision="FAILED", stacks=stacks, yardstick=YARDSTICK)


def unmoved() -> Report:
    """Only a description changed: nothing ran."""
    return _report(untouched_stack(), calls=Calls(skipped=148))


def without_base() -> Report:
    stack = triage_stack(12, worse=False)
    (suite,) = stack.suites
    alone = replace(
        suite,
        cases=tuple(replace(case, base=None, flip="none", waived=None) for case in suite.cases),
        waived=(),
        requirements=suite.requirements[:1],
        decision="PASSED",
    )
    return replace(
        _report(
            replace(
                stack,
                suites=(alone,),
                base_identity=None,
                base_model="",
                base_engine="",
                base_build="",
                changes=(),
                changed=(),
            )
        ),
        base=None,
    )


def unanswered() -> Report:
    """The engine went away in the middle."""
    return _report(triage_stack(12, worse=False, lost=range(4, 7)))


def unusual() -> Report:
    """A new stack outside git: repeats that waver, budgets on cost and tokens, another engine."""
    golden = tuple(
        Case(
            id=f"wavering-{i}",
            vars={"message": "Which queue?", "order": {"id": f"A-{i}", "lines": [1, 2]}},
            assertions=(Assertion(type="equals", value="billing", location=HERE),),
            repeats=3,
            location=Location("evals/urgent/golden.yaml", 1 + 5 * i, 3),
        )
        for i in range(4)
    )
    gate: tuple[Requirement, ...] = (
        Minimum(metric="answer", min=0.5838, location=HERE),
        Minimum(metric="tone", min=0.5, location=HERE),
        Budget(measure="cost_usd_per_case", statistic="mean", max=0.0004, location=HERE),
        Budget(measure="total_tokens", statistic="total", increase=0.1, location=HERE),
    )
    suite = _suite("urgent", golden, gate)
    run = SuiteRun(
        suite=suite.ref,
        stack="stacks/urgent",
        identity=digest_bytes(b"urgent"),
        golden=suite.golden.digest,
        cases=tuple(
            CaseOutcome(
                id=case.id,
                line=case.location.line,
                samples=tuple(_wavering(i, k) for k in range(3)),
            )
            for i, case in enumerate(golden)
        ),
    )
    decided = decide(suite, run, None, base_expected=False, waivers=(), today=TODAY)
    stack = StackReport(
        stack="stacks/urgent",
        identity=run.identity,
        base_identity=None,
        changed=("prompt", "model"),
        changes=(ComponentChange(component="prompt", ref="prompts/urgent"),),
        suites=(suite_report(suite, run, None, decided),),
        engine="scripted",
        preview=True,
    )
    return Report(
        decision=decided.decision, base=None, head=None, dirty=False, calls=Calls(made=12),
        stacks=(stack,), metadata={"runner": "laptop"},
    )  # fmt: skip


def _wavering(case: int, repeat: int) -> Sample:
    passed = (case + repeat) % 3 > 0 or case == 1
    call = ToolCall(id="1", name="lookup", arguments={"order_id": f"A-{case}"})
    completion = Completion(
        text="billing" if passed else "",
        tool_calls=(call,),
        finish_reason="tool_calls",
        usage=Usage(input_tokens=90, output_tokens=3),
        latency_s=0.0,
    )
    steps: tuple[Step, ...] = (
        Generated(
            request=Request(
                messages=(Message(role="user", content="Which queue?"),),
                constraint=Choice(labels=QUEUES),
            ),
            completion=completion,
        ),
        Called(call=call, result={"paid": True}),
        Called(call=call, error="timeout"),
    )
    return Sample(
        output="billing" if passed else "",
        passed=passed,
        metrics={"answer": float(passed)},
        usage=completion.usage,
        cost_usd=0.00025,
        latency_s=0.0,
        trace=Trace(vars={}, steps=steps, output="billing" if passed else ""),
    )


def hostile(text: str) -> Report:
    """The failing report with the text in every place that holds somebody else's words."""
    report = failing(12)
    return replace(
        report,
        metadata={"branch": text},
        coverage=tuple(replace(c, ref=text, others=(text,)) for c in report.coverage),
        yardstick=tuple(
            replace(c, ref=text, name=text, before=text, after=text, cases=(text,), note=text)
            for c in YARDSTICK
        ),
        stacks=tuple(_hostile_stack(stack, text) for stack in report.stacks[:2]),
    )


def _hostile_stack(stack: StackReport, text: str) -> StackReport:
    return replace(
        stack,
        stack=f"stacks/{text}",
        model=text,
        engine=text,
        build=text,
        base_model=text,
        base_engine=f"{text} elsewhere",
        base_build=text,
        note=text,
        by_base=(_hostile_verdict(text),),
        changes=tuple(replace(change, ref=text, diff=f"+{text}") for change in stack.changes),
        suites=tuple(
            replace(
                suite,
                suite=f"evals/{text}",
                file=text,
                waived=(WaiverUse(case=text, reason=text, owner=text, until=text, is_new=True),),
                removed=(text,),
                requirements=tuple(
                    replace(r, reason=text, cases=(text,)) for r in suite.requirements
                ),
                cases=tuple(
                    replace(
                        case,
                        id=f"{i}{text}",
                        vars={text: text},
                        waived=text,
                        candidate=_hostile_outcome(case.candidate, f"{i}{text}", text),
                        base=case.base and _hostile_outcome(case.base, f"{i}{text}", text),
                    )
                    for i, case in enumerate(suite.cases)
                ),
            )
            for suite in stack.suites
        ),
    )


def _hostile_verdict(text: str) -> BaseDecision:
    (verdict,) = loosened().stacks[0].by_base
    return replace(
        verdict,
        suite=f"evals/{text}",
        heads=(text,),
        requirements=tuple(replace(r, reason=text, cases=(text,)) for r in verdict.requirements),
        cases=tuple(
            replace(
                case,
                id=f"{i}{text}",
                candidate=_hostile_outcome(case.candidate, f"{i}{text}", text),
                base=case.base and _hostile_outcome(case.base, f"{i}{text}", text),
            )
            for i, case in enumerate(verdict.cases)
        ),
        accepted=(AcceptanceUse(suite=text, what=text, reason=text, owner=text),),
        offers=(AcceptanceOffer(suite=text, kind="case", name=text, owner=text),),
        note=text,
    )


def _hostile_outcome(outcome: CaseOutcome, name: str, text: str) -> CaseOutcome:
    step = Generated(
        request=Request(
            messages=(Message(role="system", content=text), Message(role="user", content=text))
        ),
        completion=Completion(text=text),
    )
    sample = Sample(
        output=text,
        passed=outcome.passed,
        metrics=outcome.metrics,
        assertions=(
            AssertionResult(type="equals", metric=text, passed=False, score=0.0, reason=text),
        ),
        trace=Trace(
            vars={text: text},
            steps=(
                Retrieved(
                    query=text,
                    passages=(Passage(document=text, chunk=0, text=text, score=1, similarity=1),),
                ),
                step,
                Called(call=ToolCall(id=text, name=text, arguments={text: text}), error=text),
                Guarded(rule=text, detail=text),
            ),
            output=text,
        ),
    )
    return CaseOutcome(id=name, group=text, tags=(text,), samples=(sample,))


def _report(*stacks: StackReport, calls: Calls | None = None) -> Report:
    return Report(
        decision=overall([suite.decision for stack in stacks for suite in stack.suites]),
        base="1f3c0aa95a1ab5cb2f8f1c8cbd4e3a3f3c8a7b10",
        head="9ab04f1de17c2b6a0c6f8d1f2c8f52f1b1f6c2d4",
        dirty=True,
        calls=calls or Calls(made=72, cached=124, skipped=76),
        stacks=stacks,
        created="2026-11-21T10:12:00Z",
        harness="0.1.0",
    )


def untouched_stack() -> StackReport:
    identity = digest_bytes(b"order-desk")
    return StackReport(
        stack="stacks/order-desk",
        identity=identity,
        base_identity=identity,
        changed=(),
        suites=(),
        note="its identity and its golden sets are those of the base",
    )


def triage_stack(cases: int, *, worse: bool, lost: Sequence[int] = ()) -> StackReport:
    random = Random(11)
    golden = tuple(_triage_case(i) for i in range(cases))
    gate: tuple[Requirement, ...] = (
        Minimum(metric="answer", min=0.7, location=HERE),
        NoWorseThanBase(metric="answer", margin=0.05, location=HERE),
        MustPass(tags=("safety",), location=HERE),
        MaxFlips(count=2, location=HERE),
        Budget(measure="latency_ms", statistic="p95", max=900, location=HERE),
    )
    suite = _suite("triage", golden, gate)
    base = [_triage_answer(i, random, wrong=i % 9 == 4) for i in range(cases)]
    candidate = [
        _triage_answer(i, random, wrong=i % 9 == 4 if not worse else _lost_to_returns(i))
        for i in range(cases)
    ]
    for i in lost:
        candidate[i] = Sample(
            output="", error="http://127.0.0.1:8000/v1 did not answer in 60 s", metrics={}
        )
    waivers = (
        Waiver(
            case="evals/triage#refund-missing",
            accept="broken",
            reason="The queue was renamed; the golden set follows next week.",
            owner="@support-lead",
            until=date(2027, 1, 31),
            location=Location("waivers.yaml", 3, 5),
        ),
        Waiver(
            case="evals/triage#invoice-copy-2",
            accept="broken",
            reason="Copies go to the portal from March on.",
            owner="@billing",
            until=date(2026, 12, 24),
            location=Location("waivers.yaml", 9, 5),
        ),
    )
    return _stack(
        suite,
        _run(suite, candidate),
        _run(suite, base),
        waivers,
        ComponentChange(component="prompt", ref="prompts/triage", diff=PROMPT_DIFF),
        model="gpt-oss-20b",
        engine="openai http://127.0.0.1:8000/v1",
    )


def _lost_to_returns(i: int) -> bool:
    return i % 9 == 4 or (MESSAGES[i % 12][2] == "billing" and i % 5 != 0)


def _triage_case(i: int) -> Case:
    name, text, queue = MESSAGES[i % 12]
    again = i // 12
    return Case(
        id=name if not again else f"{name}-{again + 1}",
        vars={"message": text if not again else f"{text}\n\n(Sent for the {again + 1}. time.)"},
        assertions=(Assertion(type="equals", value=queue, location=HERE),),
        tags=("safety",) if name == "locked-out" else ("core",) if i % 2 else (),
        group=name,
        location=Location("evals/triage/golden.yaml", 1 + 6 * i, 3),
    )


def _triage_answer(i: int, random: Random, *, wrong: bool) -> Sample:
    _, text, queue = MESSAGES[i % 12]
    answer = ("returns" if queue == "billing" else random.choice(QUEUES[1:])) if wrong else queue
    latency = round(random.gammavariate(9, 0.045), 3)
    passed = answer == queue
    request = Request(
        style="completion",
        messages=(
            Message(role="system", content="You sort customer messages into queues."),
            Message(role="user", content=f"<message>\n{text}\n</message>"),
        ),
        generation=Generation(temperature=0, max_tokens=8, seed=7),
    )
    usage = Usage(input_tokens=212 + 3 * (i % 7), output_tokens=2)
    completion = Completion(
        text=answer,
        usage=usage,
        latency_s=latency,
        first_token_s=round(latency / 3, 3),
        likelihoods={queue: 0.81 if passed else 0.31, "returns": 0.62 if not passed else 0.05},
    )
    return Sample(
        output=answer,
        passed=passed,
        metrics={"answer": 1.0 if passed else 0.0},
        assertions=(
            AssertionResult(
                type="equals",
                metric="answer",
                passed=passed,
                score=1.0 if passed else 0.0,
                reason="" if passed else f"expected '{queue}', got '{answer}'",
            ),
        ),
        usage=usage,
        cost_usd=0.000034,
        latency_s=latency,
        trace=Trace(
            vars={"message": text},
            steps=(Generated(request=request, completion=completion, cached=i % 3 == 0),),
            output=answer,
        ),
    )


QUESTIONS = (
    ("leave-days", "How many days of leave do I get?", "leave.md", "25 days", 0.5),
    (
        "sick-note",
        "When do I have to hand in a sick note?",
        "sickness.md",
        "On the third day.",
        0.4,
    ),
    ("bike", "Does the company pay for my bike?", "mobility.md", "Yes, up to 80 € a month.", 0.4),
    ("parking", "Where may visitors park?", "visitors.md", "On level 2, bays 40 to 52.", 0.6),
    (
        "pets",
        "May I bring my dog to the office?",
        "office.md",
        "On Fridays, if nobody objects.",
        0.5,
    ),
    ("mars", "How far is Mars?", "office.md", "This is not in the handbook.", 0.9),
    ("overtime", "Is overtime paid?", "hours.md", "No, it is balanced by time off.", 0.3),
    ("vpn", "Which VPN do we use abroad?", "it.md", "WireGuard, see the IT page.", 0.7),
)


def handbook_stack() -> StackReport:
    golden = tuple(
        Case(
            id=name,
            vars={"question": question},
            assertions=(Assertion(type="icontains", value=answer, location=HERE),),
            location=Location("evals/handbook-qa/golden.yaml", 1 + 7 * i, 3),
        )
        for i, (name, question, _, answer, _) in enumerate(QUESTIONS)
    )
    suite = _suite("handbook-qa", golden, (
        Minimum(metric="answer", min=0.7, location=HERE),
        NoWorseThanBase(metric="answer", margin=0.05, by="bound", location=HERE),
        MaxFlips(count=0, location=HERE),
    )[::2])  # fmt: skip
    return _stack(
        suite,
        _run(suite, [_handbook_answer(q, now=True) for q in QUESTIONS]),
        _run(suite, [_handbook_answer(q, now=False) for q in QUESTIONS]),
        (),
        ComponentChange(
            component="corpus",
            ref="stacks/corpora/handbook",
            diff="--- leave.md\n+++ leave.md\n@@ -1,3 +1,3 @@\n # Leave\n"
            "-You get 24 days of leave a year.\n+You get 25 days of leave a year.\n",
        ),
        model="smollm2-135m",
        engine="torch cpu float32",
    )


def _handbook_answer(question: tuple[str, str, str, str, float], *, now: bool) -> Sample:
    name, text, document, answer, share = question
    given = answer if now or name != "leave-days" else "24 days"
    passages = tuple(
        Passage(
            document=d,
            chunk=k,
            text=f"# {d.removesuffix('.md').title()}\n{given} " + "More about it. " * (6 * k + 2),
            score=round(0.9 - 0.2 * k - share / 10, 3),
            similarity=round(0.8 - 0.15 * k, 3),
        )
        for k, d in enumerate((document, "office.md", "hours.md"))
    )
    written = f"{given}\nSource: {document}"
    usage = Usage(input_tokens=640, output_tokens=19)
    steps: tuple[Step, ...] = (
        Retrieved(query=text, passages=passages, answerable=name != "mars"),
        Generated(
            request=Request(
                messages=(
                    Message(
                        role="system", content="Answer from the passages, and name the source."
                    ),
                    Message(role="user", content=f"{passages[0].text}\n\nQuestion: {text}"),
                )
            ),
            completion=Completion(text=written, usage=usage),
        ),
        Called(
            call=ToolCall(id="1", name="calendar", arguments={"year": 2026}),
            result={"holidays": 9, "region": "BE"},
        ),
        Guarded(rule="block_pii_in_output", detail="nothing was blocked"),
    )
    passed = answer in written
    return Sample(
        output=written,
        passed=passed,
        metrics={"answer": float(passed), "sources": 1.0},
        assertions=(
            AssertionResult(type="icontains", metric="answer", passed=passed, score=float(passed)),
            AssertionResult(type="retrieved", metric="sources", passed=True, score=1.0),
        ),
        usage=usage,
        trace=Trace(vars={"question": text}, steps=steps, output=written),
    )


def _suite(name: str, cases: tuple[Case, ...], gate: tuple[Requirement, ...]) -> Suite:
    return Suite(
        ref=f"evals/{name}",
        location=HERE,
        stacks=(),
        golden=GoldenSet(
            path=f"evals/{name}/golden.yaml", cases=cases, digest=digest_bytes(name.encode())
        ),
        metrics=("answer", "sources"),
        gate=gate,
    )


def _run(suite: Suite, samples: Sequence[Sample]) -> SuiteRun:
    return SuiteRun(
        suite=suite.ref,
        stack=f"stacks/{suite.name}",
        identity=digest_bytes(suite.ref.encode()),
        golden=suite.golden.digest,
        cases=tuple(
            CaseOutcome(
                id=case.id,
                group=case.group,
                tags=case.tags,
                line=case.location.line,
                samples=(sample,),
            )
            for case, sample in zip(suite.golden.cases, samples, strict=True)
        ),
    )


BUILDS = {
    "openai http://127.0.0.1:8000/v1": "server version 0.11.0; tetrad endpoint-engine 1",
    "torch cpu float32": "torch 2.13.0+cpu transformers 5.23.0 tokenizers 0.23.3 llguidance 1.9.1"
    " cpu; tetrad torch-engine 2, 256 tokens by default",
}


def _stack(
    suite: Suite,
    candidate: SuiteRun,
    base: SuiteRun,
    waivers: Sequence[Waiver],
    change: ComponentChange,
    model: str,
    engine: str,
) -> StackReport:
    decided = decide(
        suite,
        candidate,
        base,
        base_expected=True,
        waivers=waivers,
        brought=waivers[:1],
        today=TODAY,
    )
    return StackReport(
        stack=f"stacks/{suite.name}",
        identity=digest_bytes(f"now {suite.name}".encode()),
        base_identity=digest_bytes(f"before {suite.name}".encode()),
        changed=(change.component,),
        changes=(change,),
        suites=(suite_report(suite, candidate, base, decided),),
        model=model,
        engine=engine,
        build=BUILDS[engine],
        base_model=model,
        base_engine=engine,
        base_build=BUILDS[engine],
    )
