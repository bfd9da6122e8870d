"""A change with everything that a report can say, gated once; and what its commit says."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from evidenced import ENVIRONMENT, answering, environment_text, evidenced_tree, right_answer
from fakes import Asked, OpenAIServer, Reply
from trees import Tree

from tetrad import git
from tetrad.attestation import Attested, ReportedCommit, SignedReport, Signing, attest
from tetrad.errors import ExitCode
from tetrad.evidence.statements import Commit
from tetrad.loading import files
from tetrad.loading.repositories import load_base, read_tree, sound

GOLDEN = "evals/feedback/golden.yaml"
SUITE = "evals/feedback/suite.yaml"
JUDGED = '{"reason": "It is polite.", "pass": true, "score": 0.9}'
CASES = """\
- id: soft-blanket
  vars: {review: "So soft!"}
  assert: [{type: equals, value: positive}]
  tags: [core]
  group: goods
- id: torn-box
  vars: {review: "The box was torn open."}
  repeats: 2
  assert:
    - {type: equals, value: negative, weight: 2}
    - {type: starts-with, value: neg, metric: style}
    - type: assert-set
      assert: [{type: contains, value: negative}, {type: not-contains, value: positive}]
- id: polite
  vars: {review: "It never came."}
  assert:
    - {type: llm-rubric, value: It is polite., metric: style}
    - {type: equals, value: negative}
- id: irony
  vars: {review: "Wonderful, the second kettle that leaks."}
  assert: [{type: equals, value: negative}]
"""
GONE = """\
- id: gone
  vars: {review: "Nobody asks this any more."}
  assert: [{type: equals, value: positive}]
"""
NEW = """\
- id: new
  vars: {review: "It smells."}
  assert: [{type: equals, value: negative}]
"""
OTHER = """\
- id: other
  vars: {review: "It is too small."}
  assert: [{type: equals, value: negative}]
"""
GATE = """\
metrics: [answer, style]
judges: {default: {model: stacks/models/judge}}
gate:
  - {metric: answer, min: 0.5}
  - {metric: answer, no_worse_than_base: 0.5}
  - {must_pass: {tag: core}}
  - {max_flips: 1}
  - {cost_usd_per_case: {max: 1}}
  - {latency_ms: {max: 60000}}
  - {total_tokens: {max: 100000}}
"""
WAIVER = (
    "waivers: [{case: evals/feedback#irony, accept: broken, reason: Known., "
    'owner: "@lead", until: 2099-01-01}]\n'
)


def _answer(asked: Asked) -> Reply:
    """Right, but for irony that is asked about in fewer words."""
    text = json.dumps(asked.body["messages"])
    if "kettle that leaks" in text and "is it positive" not in text:
        return Reply(text="positive")
    return right_answer(asked)


@dataclass(frozen=True, kw_only=True)
class Gated:
    """A report's text, and what signs it if it is right."""

    text: str
    attest: Callable[[bytes], tuple[Attested, ...]]


def _tree(folder: Path) -> Tree:
    tree = evidenced_tree(folder)
    tree.git("reset", "--quiet", "--hard", "HEAD~1")
    suite = (tree.root / SUITE).read_text()
    tree.write(SUITE, suite[: suite.index("metrics:")] + GATE)
    tree.write(GOLDEN, CASES)
    tree.write("evals/other/golden.yaml", OTHER + GONE)
    tree.write(
        "evals/other/suite.yaml",
        "kind: suite\nowner: '@a'\nstacks: [stacks/feedback]\ngolden: ./golden.yaml\n"
        "gate: [{metric: answer, min: 0.5}]\n",
    )
    tree.append("stacks/models/endpoint.yaml", "prices: {input: 0.1, output: 0.4}\n")
    tree.write(
        "stacks/models/judge.yaml",
        "kind: model\nsource: endpoint://judge\n"
        "engine: {openai: {model: judge, base_url_env: JUDGE_URL, api_key_env: null}}\n",
    )
    tree.edit("waivers.yaml", "waivers: []\n", WAIVER)
    models = {f"stacks/models/{name}": {"unpinned": True} for name in ("endpoint", "judge")}
    tree.write(ENVIRONMENT, environment_text(models=models))
    tree.tetrad("lock")
    tree.commit("Judge more")
    tree.edit("prompts/feedback.yaml", "is it positive or negative?", "positive or negative?")
    tree.write(GOLDEN, CASES.replace("value: neg,", "value: negative,") + NEW)
    tree.write("evals/other/golden.yaml", OTHER)
    tree.tetrad("lock")
    tree.commit("Say it in fewer words")
    return tree


def gate(folder: Path, opened: ExitStack) -> Gated:
    """Gate the change in a folder of its own."""
    tree = _tree(folder)
    judge = OpenAIServer(Reply(text=JUDGED))
    with pytest.MonkeyPatch.context() as patch, answering(patch, _answer), judge:
        patch.setenv("JUDGE_URL", judge.url)
        assert tree.tetrad("gate", "--base", "HEAD~1") == ExitCode.PASSED
    change = _change(tree.root, opened)
    signing = Signing(
        sealing=lambda payload: payload, now=datetime.now(UTC) + timedelta(hours=1), earlier={}
    )

    def attest_it(data: bytes) -> tuple[Attested, ...]:
        return attest([SignedReport.read(data, origin="report.json")], change, signing)

    return Gated(text=(tree.root / ".tetrad/report.json").read_text(), attest=attest_it)


def _change(root: Path, opened: ExitStack) -> ReportedCommit:
    def read(commit: str, name: str) -> files.Tree:
        made = git.CommitTree(root, commit, root.parent / name)
        return files.Tree(opened.enter_context(closing(made)))

    head = git.head(root)
    base = git.merge_base(root, "HEAD~1")
    assert base is not None
    return ReportedCommit(
        head=sound(read_tree(read(head, "head"))),
        commit=Commit(head=head, tree=git.tree_of(root, head), base=base),
        base=load_base(read(base, "base")),
    )
