from __future__ import annotations

import asyncio
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch
from fakes import Watcher
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tetrad.canonical import Json
from tetrad.engines.interfaces import Engine
from tetrad.engines.torch import build_torch_engine
from tetrad.errors import EngineUnavailable
from tetrad.model import Generation, Model
from tetrad.results.exchange import Choice, Completion, JsonOutput, Message, Request

Ask: TypeAlias = Callable[..., list[Any]]  # completions, or the exceptions in their place
Generate: TypeAlias = Callable[[str], str]
SHARED = "the order is late and a parcel went to another town, so billing sends refunds. " * 3
SCHEMA: Mapping[str, Json] = {
    "type": "object",
    "properties": {"queue": {"enum": ["billing", "late"]}, "n": {"type": "integer", "maximum": 9}},
    "required": ["queue", "n"],
    "additionalProperties": False,
}


def asked(text: str, **changes: object) -> Request:
    """A continuation of twelve tokens, greedy."""
    request = Request(
        style="completion",
        messages=(Message(role="user", content=text),),
        generation=Generation(temperature=0, max_tokens=12),
    )
    return replace(request, **changes)  # type: ignore[arg-type]


@pytest.fixture
def ask(model: Model, files: Mapping[str, Path], tmp_path: Path) -> Ask:
    """Ask an engine all at once; exceptions are answers here."""

    def ask(*requests: Request) -> list[Any]:
        async def everything() -> list[Completion | BaseException]:
            engine = build_torch_engine(model, files, cache=tmp_path)
            try:
                return await asyncio.gather(
                    *(engine.complete(one) for one in requests), return_exceptions=True
                )
            finally:
                await engine.aclose()

        return asyncio.run(everything())

    return ask


@pytest.fixture(scope="module")
def oracle(tiny: Path) -> Generate:
    """What transformers' own generate writes."""
    network: Any = AutoModelForCausalLM.from_pretrained(tiny)
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny)

    def generate(text: str) -> str:
        ids = torch.tensor([tokenizer.encode(text)])
        out = network.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False
        )
        written: str = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
        return written.strip()

    return generate


def prompts(count: int, *, shared: str = SHARED) -> list[str]:
    pick = random.Random(5)
    words = [
        "order",
        "late",
        "parcel",
        "town",
        "billing",
        "refunds",
        "12",
        "another",
        "went",
        "sends",
    ]
    return [shared + " ".join(pick.choices(words, k=pick.randint(1, 14))) for _ in range(count)]


@pytest.mark.parametrize("shared", [SHARED, "", "the order"], ids=["shared", "unshared", "little"])
def test_greedy_answers_are_those_of_generate(ask: Ask, oracle: Generate, shared: str) -> None:
    texts = prompts(40, shared=shared)

    answers = ask(*(asked(text) for text in texts))

    assert [oracle(text) for text in texts] == [answer.text for answer in answers]


@settings(max_examples=15, deadline=None)
@given(texts=st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=6))
def test_greedy_answers_to_any_texts_are_those_of_generate(
    model: Model,
    files: Mapping[str, Path],
    oracle: Generate,
    texts: Sequence[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    engine = build_torch_engine(model, files, cache=tmp_path_factory.mktemp("cache"))

    async def everything() -> list[Completion]:
        try:
            return await asyncio.gather(*(engine.complete(asked(text)) for text in texts))
        finally:
            await engine.aclose()

    answers = asyncio.run(everything())

    assert [oracle(text) for text in texts] == [answer.text for answer in answers]


@pytest.mark.parametrize("size", [1, 4, 32])
def test_answers_do_not_depend_on_how_many_are_asked_at_once(ask: Ask, size: int) -> None:
    requests = [asked(text) for text in prompts(32)]
    alone = [answer.text for request in requests for answer in ask(request)]

    together = [
        answer.text
        for start in range(0, 32, size)
        for answer in ask(*requests[start : start + size])
    ]

    assert alone == together


def test_the_tokens_that_prompts_share_count_as_cached_for_all_but_the_first(ask: Ask) -> None:
    first, *others = ask(*(asked(text) for text in prompts(8)))

    assert first.usage.cached_input_tokens == 0
    assert all(
        0 < answer.usage.cached_input_tokens < answer.usage.input_tokens for answer in others
    )


def test_an_answer_ends_before_a_stop_text(ask: Ask, oracle: Generate) -> None:
    whole = oracle("the order")
    stop = whole[4:6]

    (answer,) = ask(asked("the order", generation=Generation(max_tokens=12, stop=(stop,))))

    assert (whole[: whole.index(stop)].strip(), "stop") == (answer.text, answer.finish_reason)


def test_an_answer_that_reaches_its_length_says_so(ask: Ask) -> None:
    (answer,) = ask(asked("the order", generation=Generation(max_tokens=3)))

    assert (answer.finish_reason, answer.usage.output_tokens) == ("length", 3)


def test_sampled_answers_repeat_by_seed_and_sample_whatever_their_company(ask: Ask) -> None:
    warm = Generation(temperature=1.5, top_p=0.95, max_tokens=12, seed=3)
    request = asked("the parcel", generation=warm)
    others = [asked(text, generation=replace(warm, seed=9)) for text in prompts(5)]
    (alone,) = ask(request)

    together, again, *_ = ask(request, replace(request, sample=1), *others)

    assert alone.text == together.text
    assert alone.text != again.text


def test_top_p_of_almost_nothing_is_greedy(ask: Ask, oracle: Generate) -> None:
    narrow = Generation(temperature=1.0, top_p=1e-9, max_tokens=12)

    (answer,) = ask(asked("the parcel", generation=narrow))

    assert oracle("the parcel") == answer.text


def test_json_answers_are_of_their_schema(ask: Ask) -> None:
    constrained = [
        asked(text, constraint=JsonOutput(schema=SCHEMA), generation=Generation(max_tokens=80))
        for text in prompts(6)
    ]

    answers = [json.loads(answer.text) for answer in ask(*constrained)]

    assert all(answer["queue"] in {"billing", "late"} and answer["n"] <= 9 for answer in answers)


def test_json_that_does_not_fit_is_cut_off_and_says_so(ask: Ask) -> None:
    (answer,) = ask(
        asked("a", constraint=JsonOutput(schema=SCHEMA), generation=Generation(max_tokens=2))
    )

    assert answer.finish_reason == "length"


def test_a_schema_that_cannot_be_followed_fails_its_own_request_alone(ask: Ask) -> None:
    broken = asked("a", constraint=JsonOutput(schema={"type": "no such type"}))

    failed, answered = ask(broken, asked("the order"))

    assert isinstance(failed, EngineUnavailable)
    assert isinstance(answered, Completion)


def test_a_prompt_beyond_the_window_is_refused_with_the_number_of_tokens_over(ask: Ask) -> None:
    failed, answered = ask(asked("!" * 300), asked("the order"))

    assert "the prompt has 300 tokens, 45 more than fit" in str(failed)
    assert isinstance(answered, Completion)


def test_an_answer_ends_where_the_window_does(ask: Ask) -> None:
    (answer,) = ask(asked("!" * 250, generation=Generation(max_tokens=100)))

    assert 250 + answer.usage.output_tokens <= 256


def test_an_empty_prompt_is_refused(ask: Ask) -> None:
    (failed,) = ask(asked(""))

    assert "the prompt is empty" in str(failed)


def test_completion_joins_messages_by_blank_lines(ask: Ask) -> None:
    parts = asked("the order", messages=tuple(Message(role="user", content=c) for c in "ab"))

    joined, plain = ask(parts, asked("a\n\nb"))

    assert joined == plain


def test_chat_applies_the_models_template(ask: Ask) -> None:
    chat = asked("late?", style="chat")

    templated, plain = ask(chat, asked("[system]be kind[user]late?[assistant]"))

    assert templated.text == plain.text


def test_a_developer_message_is_the_system_message_of_a_template_that_has_no_other(
    ask: Ask,
) -> None:
    chat = asked("", style="chat", messages=(Message(role="developer", content="x"),))

    templated, plain = ask(chat, asked("[system]x[assistant]"))

    assert templated.text == plain.text


def test_loading_the_model_is_shown(
    model: Model, files: Mapping[str, Path], tmp_path: Path
) -> None:
    watcher = Watcher()

    async def one() -> Completion:
        engine = build_torch_engine(model, files, cache=tmp_path, progress=watcher)
        try:
            return await engine.complete(asked("the order"))
        finally:
            await engine.aclose()

    asyncio.run(one())

    assert watcher.work == [("loading the model", None, 0)]


def test_a_request_that_is_cancelled_leaves_the_others_alone(
    model: Model, files: Mapping[str, Path], tmp_path: Path, oracle: Generate
) -> None:
    async def everything() -> Completion:
        engine = build_torch_engine(model, files, cache=tmp_path)
        long = asked("a parcel", generation=Generation(max_tokens=200))
        doomed = asyncio.create_task(engine.complete(long))
        kept = asyncio.create_task(engine.complete(asked("the order")))
        await asyncio.sleep(0)
        doomed.cancel()
        try:
            return await kept
        finally:
            await engine.aclose()

    assert oracle("the order") == asyncio.run(everything()).text


def test_closing_refuses_what_has_no_answer_yet(
    model: Model, files: Mapping[str, Path], tmp_path: Path
) -> None:
    async def everything() -> tuple[BaseException, BaseException]:
        engine = build_torch_engine(model, files, cache=tmp_path)
        waiting = asyncio.create_task(engine.complete(asked("the order")))
        await asyncio.sleep(0)
        await engine.aclose()
        late = asyncio.create_task(engine.complete(asked("the order")))
        first, second = await asyncio.gather(waiting, late, return_exceptions=True)
        assert isinstance(first, BaseException)
        assert isinstance(second, BaseException)
        return first, second

    before, after = asyncio.run(everything())

    assert "closed before it responded" in str(before)
    assert "is closed" in str(after)


def test_requests_asked_while_others_are_answered_are_answered_too(
    model: Model, files: Mapping[str, Path], tmp_path: Path, oracle: Generate
) -> None:
    texts = prompts(12)

    async def later(engine: Engine, number: int) -> Completion:
        await asyncio.sleep(number * 0.05)
        return await engine.complete(asked(texts[number]))

    async def everything() -> list[Completion]:
        engine = build_torch_engine(model, files, cache=tmp_path)
        try:
            return await asyncio.gather(*(later(engine, number) for number in range(12)))
        finally:
            await engine.aclose()

    answers = asyncio.run(everything())

    assert [oracle(text) for text in texts] == [answer.text for answer in answers]


def test_files_that_make_no_model_are_named(
    model: Model, files: Mapping[str, Path], tmp_path: Path
) -> None:
    lacking = {name: path for name, path in files.items() if "config.json" not in name}

    with pytest.raises(EngineUnavailable, match=r"lack config\.json"):
        _answer(model, lacking, tmp_path)


def _without_a_weight(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.down_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _with_a_weight_cut(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] = weights["model.norm.weight"][:5].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _cut_in_half(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _without_a_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_without_a_weight, "lack the weights model.layers.1.mlp.down_proj.weight\n"),
        (_with_a_weight_cut, "in another shape than its configuration says the weights model.norm"),
        (_cut_in_half, "transformers cannot load the model"),
        (_without_a_tokenizer, "transformers cannot load the tokenizer"),
    ],
)
def test_files_that_are_not_the_whole_model_are_refused(
    model: Model, tiny: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    damage(folder)
    files = {f"model/{path.name}": path for path in folder.iterdir()}

    with pytest.raises(EngineUnavailable, match=re.escape(said)):
        _answer(model, files, tmp_path)


def _answer(model: Model, files: Mapping[str, Path], cache: Path) -> None:
    async def answer() -> None:
        engine = build_torch_engine(model, files, cache=cache)
        try:
            await engine.complete(asked("the order"))
        finally:
            await engine.aclose()

    asyncio.run(answer())


@pytest.mark.parametrize(
    "template", ["{{ 1 // 0 }}", "{{ 'a'.index('b') }}", "{{ range(1000000) | list | length }}"]
)
def test_a_chat_template_that_fails_fails_its_own_request_alone(
    model: Model, tiny: Path, tmp_path: Path, template: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    (folder / "chat_template.jinja").write_text(template)
    files = {f"model/{path.name}": path for path in folder.iterdir()}
    engine = build_torch_engine(model, files, cache=tmp_path)

    async def both() -> tuple[Completion | BaseException, Completion | BaseException]:
        try:
            return await asyncio.gather(
                engine.complete(asked("the order", style="chat")),
                engine.complete(asked("the order")),
                return_exceptions=True,
            )
        finally:
            await engine.aclose()

    refused, answered = asyncio.run(both())

    assert isinstance(refused, EngineUnavailable)
    assert "chat template refuses the messages" in str(refused)
    assert isinstance(answered, Completion)


def test_choosing_among_labels_says_how_likely_each_is(ask: Ask) -> None:
    labels = ("late", "billing", "refunds")

    answers = ask(*(asked(text, constraint=Choice(labels=labels)) for text in prompts(5)))

    for answer in answers:
        assert pytest.approx(1.0) == sum(answer.likelihoods.values())
        assert answer.text == max(labels, key=lambda label: answer.likelihoods[label])


def test_answering_is_silent(ask: Ask, capfd: pytest.CaptureFixture[str]) -> None:
    ask(asked("the order"))

    assert capfd.readouterr() == ("", "")


def test_building_an_engine_imports_no_torch(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tetrad.engines.torch import build_torch_engine\n"
        "from tetrad.errors import Location\n"
        "from tetrad.model import Model, Source, TorchEngine\n"
        "model = Model(ref='m', location=Location('m'), engine=TorchEngine(),\n"
        "              source=Source(uri='file://m', scheme='file'))\n"
        "build_torch_engine(model, {}, cache=Path('.'))\n"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False)

    assert done.returncode == 0


@pytest.mark.parametrize("driver", ["nvidiactl", "dxg", "kfd"])
def test_torch_is_asked_for_the_device_where_there_is_a_driver(tmp_path: Path, driver: str) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tetrad.engines.torch.versions import device_name\n"
        "without, with_driver = map(Path, sys.argv[1:])\n"
        "assert (device_name(without), 'torch' in sys.modules) == ('cpu', False)\n"
        "name = device_name(with_driver)\n"
        "import torch\n"
        "assert name == ('cuda' if torch.cuda.is_available() else 'cpu')\n"
    )
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / driver).touch()

    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(tmp_path / "dev")], check=True
    )
