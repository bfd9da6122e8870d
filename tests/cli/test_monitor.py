"""Whether live answers have drifted from the golden set, as a cron job asks."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from fakes import Asked, OpenAIServer, Reply
from traffic_of import answered, identity, keep, kept
from trees import Tree, scripted_tree

from tetrad.canonical import Digest, digest_of
from tetrad.learning.toxicity import KNOWN
from tetrad.results.trace import Guarded, Trace


@pytest.fixture
def tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tree:
    """The scripted tree, with one assertion that all cases share."""
    made = scripted_tree(tmp_path / "repository")
    golden = made.root / "evals/feedback/golden.yaml"
    shared = '}, {type: regex, value: "^(positive|negative)$", metric: form}]'
    golden.write_text(golden.read_text().replace("}]", shared))
    made.edit("evals/feedback/suite.yaml", "metrics: [answer]", "metrics: [answer, form]")
    made.write("infra/environments/production.yaml", "kind: environment\n")
    made.write("infra/environments/staging.yaml", "kind: environment\n")
    capsys.readouterr()
    return made


def reviews(tree: Tree) -> list[str]:
    cases = yaml.safe_load((tree.root / "evals/feedback/golden.yaml").read_text())
    return [case["vars"]["review"] for case in cases]


def plain(random: Random, review: str) -> Trace:
    """An answer like those of the golden set."""
    return answered(random.choice(("positive", "negative")), review=review)


def refused(_: Random, review: str) -> Trace:
    broken = Guarded(rule="output.enum", detail="none of the labels")
    text = "I'm sorry, but I can't help with that."
    return answered(text, steps=[broken], review=review)


def live(
    tree: Tree,
    count: int = 80,
    made: Callable[[Random, str], Trace] = plain,
    *,
    share: float = 1.0,
    days_ago: float = 1,
    environment: str = "production",
    of: Digest | None = None,
) -> None:
    """Keep answers; a share of them is as `made` makes them."""
    random = Random(7)
    begin = datetime.now(UTC) - timedelta(days=days_ago)
    who, asked = of or identity(tree), reviews(tree)
    answers = []
    for number in range(count):
        answer = (made if random.random() < share else plain)(random, random.choice(asked))
        answers.append(kept(tree, number, answer, begin=begin, environment=environment, of=who))
    keep(tree, answers)


def found(tree: Tree, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = tree.tetrad("monitor", "production", "--format", "json", *options)
    (stack,) = json.loads(capsys.readouterr().out)["stacks"]
    return code, stack


def test_traffic_like_the_golden_set_passes(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    live(tree)

    code, stack = found(tree, capsys)

    assert (code, stack["decision"]) == (0, "fine")
    assert (stack["answers"], stack["cases"]) == (80, 10)
    assert [measure["name"] for measure in stack["measures"]] == [
        "question length", "labels", "refusals", "contract failures", "score form",
    ]  # fmt: skip
    assert not any(measure["drifted"] for measure in stack["measures"])


def test_what_has_drifted_is_named_with_figures(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    live(tree, 200, refused, share=0.9)

    code, stack = found(tree, capsys)

    assert (code, stack["decision"]) == (1, "drift")
    drifted = {measure["name"]: measure for measure in stack["measures"] if measure["drifted"]}
    assert drifted.keys() == {"labels", "refusals", "contract failures", "score form"}
    assert drifted["refusals"]["live"] == pytest.approx(0.9, abs=0.05)
    low, high = drifted["refusals"]["interval"]
    assert 0 < low < drifted["refusals"]["live"] < high

    assert tree.tetrad("monitor", "production") == 1
    told = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"stacks/feedback \(\w{12}\) in production: drift; 200 answers of 7 days beside 10 cases",
        told[0],
    )
    (line,) = [line for line in told if " refusals " in line]
    assert re.fullmatch(
        r"  DRIFT  refusals +0\.0% → \d+\.\d% \(difference \+0\.\d\d to \+\d\.\d\d\)", line
    )
    assert any("cases █" in line for line in told)


def test_the_scores_of_several_suites_are_told_apart(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("suite.yaml", "golden.yaml"):
        text = (tree.root / "evals/feedback" / name).read_text()
        tree.write(f"evals/second/{name}", text.replace("negative)$", "negative|none)$"))
    live(tree, 200, refused, share=0.9)

    code, stack = found(tree, capsys, "--stack", "feedback")

    assert (code, stack["cases"]) == (1, 20)
    scores = [m["name"] for m in stack["measures"] if m["kind"] == "score"]
    assert scores == ["score form (feedback)", "score form (second)"]


def test_a_stack_that_no_suite_judges_cannot_be_compared(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    live(tree)
    for file in (tree.root / "evals/feedback").iterdir():
        file.unlink()
    capsys.readouterr()

    assert tree.tetrad("monitor", "production") == 2

    assert (
        "no suite judges stacks/feedback, so there is nothing to compare with"
        in capsys.readouterr().err
    )


def test_longer_questions_are_drift(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    live(
        tree, made=lambda random, _: answered("positive", review="word " * random.randint(100, 200))
    )

    code, stack = found(tree, capsys)

    assert code == 1
    assert {m["name"] for m in stack["measures"] if m["drifted"]} >= {"question length"}


@pytest.mark.parametrize(
    ("kept_so", "told"),
    [
        ({"count": 49}, "49 answers of this identity kept; 50 are needed"),
        ({"days_ago": 9}, None),
        ({"environment": "staging"}, None),
        ({"of": digest_of("another identity")}, "0 answers of this identity kept"),
    ],
)
def test_too_little_data_is_told_from_fine(
    tree: Tree, capsys: pytest.CaptureFixture[str], kept_so: dict[str, Any], told: str | None
) -> None:
    live(tree, **kept_so)
    capsys.readouterr()

    assert tree.tetrad("monitor", "production") == 3

    said = capsys.readouterr()
    if told is None:
        assert "no answers of production kept in 7 days\n  help: a stack keeps some by" in said.err
    else:
        assert told in said.out


def test_more_days_are_looked_at_where_they_are_asked_for(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    live(tree, days_ago=9)

    assert found(tree, capsys, "--days", "10")[0] == 0


def test_answers_of_other_identities_are_left_out(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    live(tree, 60)
    random = Random(8)
    before = datetime.now(UTC) - timedelta(days=2)
    keep(
        tree,
        [
            kept(tree, 1000 + n, refused(random, "It broke."), begin=before, of=digest_of("old"))
            for n in range(40)
        ],
    )

    code, stack = found(tree, capsys)

    assert (code, stack["answers"], stack["elsewhere"]) == (0, 60, 40)


def test_answers_that_were_kept_for_their_feedback_are_no_sample(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    random = Random(9)
    begin = datetime.now(UTC) - timedelta(days=1)
    complained = [kept(tree, n, refused(random, "It broke."), begin=begin) for n in range(80)]
    keep(tree, [replace(one, sampled=False) for one in complained])

    assert tree.tetrad("monitor", "production") == 3


def test_the_page_stands_alone_and_strangers_words_are_inert(
    tree: Tree, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    hostile = "</p><script>alert(1)</script>\u202e"
    live(tree, made=lambda *_: answered(hostile, review=hostile))
    page = tmp_path / "drift.html"

    assert tree.tetrad("monitor", "production", "--format", "html", "--output", str(page)) == 1

    text = page.read_text()
    assert "<script" not in text
    assert "\u202e" not in text
    assert "default-src 'none'; style-src 'sha256-" in unescape(text)
    assert not re.search(r'(?:src|href)="', text)
    body = text[text.index("<body>") : text.index("</body>")] + "</body>"
    assert len(list(ET.fromstring(body).iter("svg"))) == 5


def with_judge(tree: Tree, monkeypatch: pytest.MonkeyPatch, server: OpenAIServer) -> None:
    monkeypatch.setenv("JUDGE_URL", server.url)
    tree.write(
        "stacks/models/judge.yaml",
        "kind: model\nsource: endpoint://judge\n"
        "engine: {openai: {model: judge, base_url_env: JUDGE_URL, api_key_env: null}}\n",
    )
    tree.append("evals/feedback/suite.yaml", "judges: {default: {model: stacks/models/judge}}\n")


def test_a_judge_scores_both_sides_by_a_rubric(
    tree: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = '{"reason": "It is polite.", "pass": true, "score": 0.9}'
    with OpenAIServer(Reply(text=verdict)) as server:
        with_judge(tree, monkeypatch, server)
        live(tree, 60)

        code, stack = found(tree, capsys, "--rubric", "The answer is polite.")

    measure = stack["measures"][-1]
    assert code == 0
    assert measure["name"] == "score rubric"
    assert (measure["baseline"], measure["live"]) == pytest.approx((0.9, 0.9))
    assert (measure["n_baseline"], measure["n_live"]) == (10, 60)
    assert "The answer is polite." in str(server.asked[-1])


def reading_judge(asked: Asked) -> Reply:
    """Knows which of the known texts are toxic, and that answers with `vermin` are."""
    text = str(asked.body["messages"])
    toxic = "vermin" in text or any(one.is_toxic and one.text in text for one in KNOWN)
    passed = json.dumps({"reason": "r", "pass": not toxic, "score": 0.0 if toxic else 1.0})
    return Reply(text=passed)


@pytest.mark.parametrize(
    ("share", "code", "drifted"), [(0.0, 0, False), (0.8, 1, True)], ids=["none", "most"]
)
def test_a_judge_says_which_answers_are_toxic(
    tree: Tree,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    share: float,
    code: int,
    drifted: bool,
) -> None:
    with OpenAIServer(answer=reading_judge) as server:
        with_judge(tree, monkeypatch, server)
        live(tree, 200, lambda _, review: answered("vermin", review=review), share=share)

        found_code, stack = found(tree, capsys, "--toxicity")

    (measure,) = [m for m in stack["measures"] if m["name"] == "toxic answers"]
    assert (found_code, measure["drifted"]) == (code, drifted)
    assert (measure["baseline"], measure["kind"]) == (0.0, "share")
    assert measure["live"] == pytest.approx(share, abs=0.07)
    assert (measure["n_baseline"], measure["n_live"]) == (10, 200)


def test_a_judge_that_cannot_tell_toxic_texts_is_not_believed(
    tree: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer(Reply(text='{"reason": "Fine.", "pass": true, "score": 1}')) as server:
        with_judge(tree, monkeypatch, server)
        live(tree, 60)

        assert tree.tetrad("monitor", "production", "--toxicity") == 3

    assert (
        "evals/feedback: the judge is right about 6 of 12 texts that are known to be toxic or not;"
        " --toxicity needs 11\n  help: name a more capable model"
    ) in capsys.readouterr().err


@pytest.mark.model
def test_questions_far_from_every_case_are_drift_and_are_shown(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    embedding = Path(__file__).parents[2] / "stacks/models/minilm-l6-v2.yaml"
    tree.write("stacks/models/minilm.yaml", embedding.read_text())
    tree.append("evals/feedback/suite.yaml", "judges: {embedding: {model: stacks/models/minilm}}\n")
    strange = "Which planets of the solar system have rings, and what are these made of?"
    live(
        tree,
        made=lambda random, review: answered("positive", review=random.choice((strange, review))),
    )

    code, stack = found(tree, capsys)

    (measure,) = [m for m in stack["measures"] if m["name"] == "question meaning"]
    assert (code, measure["drifted"]) == (1, True)
    assert stack["farthest"][0]["asked"] == strange
    assert tree.tetrad("monitor", "production") == 1
    assert "farthest from any case:\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "there is nothing named 'nowhere'"),
        (["production", "--stack", "nothing"], "there is nothing named 'nothing'"),
        (["production", "--days", "0"], "--days: must be 1 to 3650"),
        (
            ["production", "--rubric", "polite"],
            "evals/feedback has no judge for the rubric\n  help: name",
        ),
        (
            ["production", "--toxicity"],
            "no suite of stacks/feedback has a judge for --toxicity\n  help: name",
        ),
        ([], "missing: ENV"),
    ],
)
def test_misuse_is_told_in_one_message(
    tree: Tree, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    live(tree)

    assert tree.tetrad("monitor", *arguments) == 2

    assert told in capsys.readouterr().err
