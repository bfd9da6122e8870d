"""Embeddings, judges and code: what assertions ask for that is not arithmetic."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evals.cases import HERE, PROMPT
from fakes import ScriptedAnswers, WordEmbedder
from numpy.typing import NDArray

from tetrad.answers import Answers
from tetrad.assertions.answered import Answered, PythonRaised
from tetrad.assertions.score import Score
from tetrad.assertions.types.llm_rubric import LLM_RUBRIC
from tetrad.canonical import Json, digest_of
from tetrad.errors import EngineUnavailable, JudgeFailed
from tetrad.evals import Recorded
from tetrad.evals.judges import ReadyJudge
from tetrad.evals.python_process import PythonCode, code_places
from tetrad.evals.services import SuiteServices
from tetrad.evals.similarities import Embeddings
from tetrad.loading.files import Tree
from tetrad.model import Assertion, Prompt, PromptMessage
from tetrad.modules import Modules
from tetrad.promptfoo.code import CodeFiles
from tetrad.results.exchange import JsonOutput
from tetrad.trees import WorkingTree

# -- embeddings


class CountingEmbedder(WordEmbedder):
    calls: list[list[str]]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls.append(list(texts))
        return super().embed(texts)


def embedder() -> CountingEmbedder:
    made = CountingEmbedder()
    made.calls = []
    return made


def test_similarities_are_cosines_with_each_text() -> None:
    same, other = asyncio.run(
        Embeddings(embedder()).similarities("cats and dogs", ("cats and dogs", "quantum physics"))
    )

    assert same == pytest.approx(1.0)
    assert other < 0.9


def test_a_text_is_as_similar_to_itself_as_can_be() -> None:
    texts = ("The parcel is sent on Monday.", "yes", "Größe", "")

    found = [asyncio.run(Embeddings(embedder()).similarities(t, (t,))) for t in texts]

    assert found == [(1.0,)] * len(texts)


def test_a_long_text_is_as_similar_as_the_part_of_it_that_is_least_so() -> None:
    same, other = "terms of sending a parcel " * 30, "quantum physics " * 10
    embeddings = Embeddings(WordEmbedder(window=len(same)))

    whole, ends, begins, alone = asyncio.run(
        embeddings.similarities(
            f"{same}{other}", (f"{same}{other}", f"{same}x", f"y {other}", same)
        )
    )

    assert whole == 1.0
    assert max(ends, begins, alone) < 0.9


def test_texts_that_wait_together_are_embedded_together_and_each_once() -> None:
    counting = embedder()
    embeddings = Embeddings(counting)

    async def many() -> None:
        asked = [embeddings.similarities(f"answer {n}", ("the reference",)) for n in range(20)]
        await asyncio.gather(*asked)

    asyncio.run(many())

    assert [len(call) for call in counting.calls] == [21]


def test_an_embedder_that_fails_tells_everybody_who_waits() -> None:
    class Broken(WordEmbedder):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            raise EngineUnavailable("out of memory")

    embeddings = Embeddings(Broken())

    async def many() -> list[Any]:
        asked = [embeddings.similarities(f"answer {n}", ("the reference",)) for n in range(3)]
        return await asyncio.gather(*asked, return_exceptions=True)

    assert [str(said) for said in asyncio.run(many())] == ["out of memory"] * 3


def test_an_embedder_that_fails_leaves_nothing_for_the_loop_to_complain_of() -> None:
    class Broken(WordEmbedder):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            raise EngineUnavailable("out of memory")

    complaints: list[Any] = []

    async def one() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
        with pytest.raises(EngineUnavailable):
            await Embeddings(Broken()).similarities("answer", ("one", "another"))

    asyncio.run(one())
    gc.collect()

    assert complaints == []


def test_half_a_surrogate_pair_can_be_compared() -> None:
    asyncio.run(Embeddings(embedder()).similarities("half \ud83d", ("half",)))


# -- judges


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    with Answers.open(tmp_path / "answers.db") as opened:
        yield opened


QUESTION = {"task": "Decide.", "rubric": "is polite", "output": "Hi", "text": "<output-1>Hi"}
SCHEMA: Json = {"type": "object"}


def read(said: Mapping[str, Json]) -> Score:
    if not isinstance(said.get("pass"), bool):
        raise JudgeFailed("no `pass`")
    return Score(bool(said["pass"]), 1.0, str(said.get("reason", "")))


def ready(engine: ScriptedAnswers, answers: Answers, prompt: Prompt | None = None) -> ReadyJudge:
    recorded = Recorded(engine, answers, digest_of("a judge"))
    return ReadyJudge(name="default", engine=recorded, prompt=prompt)


def ask(judge: ReadyJudge) -> Score:
    assert isinstance(SCHEMA, dict)
    return asyncio.run(judge.ask(QUESTION, SCHEMA, read))


YES = '{"pass": true, "score": 1}'


@pytest.mark.parametrize(
    "answer",
    [
        YES,
        f"```json\n{YES}\n```",
        f"Here is my verdict: {YES} Thank you.",
        f"<think>The rubric wants {{state}}. It is there.</think>\n{YES}",
        f'{{"state": "sent"}} is what it wants; {{"pass": false}} would be harsh. {YES}',
        f"{YES} {{ and so on",
    ],
)
def test_a_judge_answers_an_object_whatever_it_adds_to_it(answer: str, answers: Answers) -> None:
    engine = ScriptedAnswers({"": answer})

    assert ask(ready(engine, answers)).passed
    (request,) = engine.asked
    assert [m.content for m in request.messages] == ["Decide.", "<output-1>Hi"]
    assert request.constraint == JsonOutput(schema={"type": "object"})
    assert request.generation.temperature == 0


NOTHING = [
    "yes",
    "[true]",
    '{"pass": ',
    "",
    "{" * 100_000,
    '{"pass": true, "score": NaN}',
    '{"pass": true, "score": Infinity}',
]


@pytest.mark.parametrize("answer", NOTHING)
def test_a_judge_that_answers_no_object_decides_nothing(answer: str, answers: Answers) -> None:
    with pytest.raises(JudgeFailed, match="judge 'default' answered no JSON object"):
        ask(ready(ScriptedAnswers({"": answer}), answers))


@pytest.mark.parametrize("garbage", [*NOTHING, "{}", '{"pass": "maybe"}'])
def test_a_judge_that_answers_garbage_is_asked_again_and_the_garbage_is_not_kept(
    garbage: str, answers: Answers
) -> None:
    engine = ScriptedAnswers({"": garbage})
    with pytest.raises(JudgeFailed):
        ask(ready(engine, answers))
    assert len(engine.asked) == 3

    engine.answers = {"": YES}
    assert ask(ready(engine, answers)).passed
    assert len(engine.asked) == 4
    assert ask(ready(ScriptedAnswers({}), answers)).passed  # that one is kept


def by_rubric(judge: ReadyJudge, root: Path) -> Score:
    rubric = Assertion(type="llm-rubric", value="is polite", location=HERE)
    services = SuiteServices(
        python=PythonCode(WorkingTree(root), code_places()), judges={"default": judge}
    )
    answered = Answered(text="Hi", vars={})

    async def one() -> Score:
        return await LLM_RUBRIC.grade("is polite", rubric, answered, services)

    return asyncio.run(one())


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ('{"pass": false, "score": 1}', "contradicts itself"),
        ('{"pass": true, "score": 0}', "contradicts itself"),
        ('{"pass": false, "score": 7}', "not a number from 0 to 1"),
    ],
)
def test_a_verdict_that_is_none_is_asked_for_again_and_not_replaced_by_what_was_said_before(
    verdict: str, told: str, answers: Answers, tmp_path: Path
) -> None:
    engine = ScriptedAnswers({"": f"It could be {YES}, but no: {verdict}"})
    judge = ready(engine, answers)

    with pytest.raises(JudgeFailed, match=told):
        by_rubric(judge, tmp_path)
    assert len(engine.asked) == 3

    engine.answers = {"": YES}
    assert by_rubric(judge, tmp_path).passed


def test_a_judges_prompt_takes_rubric_and_output(answers: Answers) -> None:
    content = "Grade {{ output }} by {{ rubric }}."
    prompt = replace(
        PROMPT,
        style="completion",
        messages=(PromptMessage(role="user", content=content, location=HERE),),
    )
    engine = ScriptedAnswers({"": YES})

    ask(ready(engine, answers, prompt))

    (request,) = engine.asked
    assert request.style == "completion"
    assert request.messages[0].content == "Grade Hi by is polite."


def test_a_judges_prompt_that_asks_for_more_is_named(answers: Answers) -> None:
    message = PromptMessage(role="user", content="{{ passages }}", location=HERE)
    prompt = replace(PROMPT, messages=(message,))

    with pytest.raises(JudgeFailed, match="the prompt of judge 'default' does not render"):
        ask(ready(ScriptedAnswers(), answers, prompt))


# -- code


def run(root: Path, code: str, *arguments: Json, function: str = "get_assert") -> Json:
    files = CodeFiles(Modules(Tree(WorkingTree(root))))
    if code.startswith("file://"):
        file = code.removeprefix("file://").partition(":")[0]
        files.digest_of_file(file, (root / file).read_bytes())
    else:
        files.digest_of_text(code)
    return asyncio.run(
        PythonCode(WorkingTree(root), code_places(), code=files.files).run(
            code, function, *arguments
        )
    )


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("output[5:10] == 'Hello'", False),
        ("math.log10(len(output)) * 10", pytest.approx(11.139, abs=0.01)),
        ("context['vars']['example'] in output", True),
        ("# a comment\nif output:\n    return {'pass': True, 'score': 0.5}\nreturn False\n",
         {"pass": True, "score": 0.5}),
        ("  return len(output)\n  ", 13),
    ],
)  # fmt: skip
def test_code_is_an_expression_or_a_functions_body(tmp_path: Path, code: str, result: Json) -> None:
    assert run(tmp_path, code, "Example: text", {"vars": {"example": "text"}}) == result


@pytest.mark.parametrize(
    ("reference", "result"),
    [("file://checks/a.py", "get_assert 3"), ("file://checks/a.py:other", "other 3")],
)
def test_code_of_a_file_is_its_function_and_may_import_its_neighbours(
    tmp_path: Path, reference: str, result: str
) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "neighbour.py").write_text("def size(text): return len(text)\n")
    (tmp_path / "checks" / "a.py").write_text(
        "from neighbour import size\n"
        "def get_assert(output, context): return f'get_assert {size(output)}'\n"
        "def other(output, context): return f'other {size(output)}'\n"
    )

    assert run(tmp_path, reference, "abc", {}) == result


def test_code_between_the_lines_of_a_golden_set_may_import_from_the_root(tmp_path: Path) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "sizes.py").write_text("def size(text): return len(text)\n")

    assert run(tmp_path, "from checks.sizes import size\nreturn size(output)\n", "abc", {}) == 3


def test_code_that_no_digest_covers_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text("def get_assert(output, context): return True\n")

    with pytest.raises(JudgeFailed, match=r"check\.py is named by a variable, so no digest"):
        asyncio.run(
            PythonCode(WorkingTree(tmp_path), code_places()).run(
                "file://check.py", "get_assert", "", {}
            )
        )


def test_a_module_that_is_read_in_place_of_imported_decides_nothing(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("def ok(output): return True\n")
    code = "names = {}\nexec(open('rules.py').read(), names)\nreturn names['ok'](output)\n"

    with pytest.raises(JudgeFailed, match=r"reads rules\.py, which its digest does not cover"):
        run(tmp_path, code, "yes", {})


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            "open('words.txt').read() == output",
            r"reads words\.txt, which its digest does not cover",
        ),
        ("file://check.py", r"reads words\.txt, which .*\n.*add it to `files:` in the suite"),
        ("import subprocess\nreturn subprocess.run('true')\n", "starts 'true', which"),
        ("open('words.txt', 'w').close()", r"writes words\.txt, and an evaluation"),
    ],
)
def test_what_no_digest_covers_decides_nothing(tmp_path: Path, code: str, why: str) -> None:
    (tmp_path / "words.txt").write_text("yes")
    (tmp_path / "check.py").write_text(
        "def get_assert(output, context): return open('words.txt').read() == output\n"
    )

    with pytest.raises(JudgeFailed, match=why):
        run(tmp_path, code, "yes", {})


def test_an_import_that_no_statement_names_decides_nothing(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("def ok(output): return True\n")
    code = "import importlib\nreturn importlib.import_module('rules').ok(output)\n"

    with pytest.raises(JudgeFailed, match=r"imports rules\.py, which its digest does not cover"):
        run(tmp_path, code, "", {})


def test_what_one_piece_of_code_imports_is_not_open_to_another(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("def ok(output): return True\n")
    files = CodeFiles(Modules(Tree(WorkingTree(tmp_path))))
    files.digest_of_text("import rules\nreturn rules.ok(output)\n")
    python = PythonCode(WorkingTree(tmp_path), code_places(), code=files.files)

    with pytest.raises(JudgeFailed, match=r"imports rules\.py"):
        asyncio.run(python.run("__import__('rules').ok(output)", "get_assert", "", {}))


def test_code_that_raises_says_so(tmp_path: Path) -> None:
    with pytest.raises(PythonRaised, match="ZeroDivisionError"):
        run(tmp_path, "1 / 0", "", {})


def test_code_that_does_not_compile_says_so(tmp_path: Path) -> None:
    with pytest.raises(PythonRaised, match="SyntaxError"):
        run(tmp_path, "this is no code", "", {})


def test_code_that_dies_decides_nothing(tmp_path: Path) -> None:
    with pytest.raises(JudgeFailed, match="code of the golden set died: exit code 7"):
        run(tmp_path, "__import__('os')._exit(7)", "", {})


def test_code_sees_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")

    names = run(tmp_path, "sorted(__import__('os').environ)", "", {})

    assert "OPENAI_API_KEY" not in json.dumps(names)


def test_code_does_not_run_where_it_is_not_allowed(tmp_path: Path) -> None:
    with pytest.raises(JudgeFailed, match="does not run in this job"):
        asyncio.run(
            PythonCode(WorkingTree(tmp_path), code_places(), allowed=False).run(
                "True", "get_assert", "", {}
            )
        )
