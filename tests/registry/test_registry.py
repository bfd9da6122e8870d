from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tetrad.canonical import Digest, digest_bytes, digest_of
from tetrad.errors import RegistryError
from tetrad.registry import Registry, RunRecord, registry_path
from tetrad.registry.codec import dump_completion, dump_outcome, load_completion, load_outcome
from tetrad.registry.schema import APPLICATION_ID, MIGRATIONS
from tetrad.results.exchange import Completion, ToolCall, Usage
from tetrad.results.outcome import AssertionResult, Calls, CaseOutcome, Sample

MODEL = digest_of("a model")
OTHER = digest_of("another model")
BUILD = "engine 1"
TWELVE = Usage(input_tokens=12, output_tokens=3)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Registry.open(tmp_path / "registry.db", clock=lambda: 1_800_000_000) as opened:
        yield opened


def question(number: int) -> Digest:
    return digest_of({"question": number})


def answer(text: str) -> Completion:
    return Completion(text=text, usage=Usage(input_tokens=12, output_tokens=3), latency_s=0.25)


def outcome(name: str, *, passed: bool = True) -> CaseOutcome:
    check = AssertionResult(
        type="not-contains", metric="answer", passed=passed, score=float(passed), reason="why"
    )
    sample = Sample(
        output="yes", passed=passed, metrics={"answer": 1.0}, assertions=(check,), cost_usd=0.25
    )
    return CaseOutcome(id=name, group="g", tags=("a", "b"), line=7, samples=(sample, sample))


def record(golden: str = "golden") -> RunRecord:
    return RunRecord(
        suite="evals/a",
        stack="stacks/a",
        identity=digest_of("identity"),
        golden=digest_of(golden),
        engine="scripted",
    )


# -- answers


def test_a_kept_answer_is_found_before_and_after_it_is_committed(registry: Registry) -> None:
    registry.keep(MODEL, BUILD, question(1), answer("yes"))
    before = registry.answer(MODEL, BUILD, question(1))
    registry.commit()

    assert before is not None
    assert before == registry.answer(MODEL, BUILD, question(1))
    assert (before.text, before.latency_s, before.cached) == ("yes", 0.25, True)


def test_an_answer_belongs_to_one_model_one_build_and_one_request(registry: Registry) -> None:
    registry.keep(MODEL, BUILD, question(1), answer("yes"))
    registry.commit()

    assert registry.answer(OTHER, BUILD, question(1)) is None
    assert registry.answer(MODEL, "engine 2", question(1)) is None
    assert registry.answer(MODEL, BUILD, question(2)) is None


def test_builds_keep_an_answer_each_and_the_latest_is_named(registry: Registry) -> None:
    for build in ("engine 2", "engine 1"):
        registry.keep(MODEL, build, question(1), answer(build))
        registry.commit()
    registry.keep(MODEL, "engine 3", question(2), answer("another question"))
    registry.commit()

    kept = [registry.answer(MODEL, build, question(1)) for build in ("engine 1", "engine 2")]
    assert [one and one.text for one in kept] == ["engine 1", "engine 2"]
    assert registry.build_of(MODEL, question(1)) == "engine 1"
    assert registry.build_of(MODEL, question(3)) is None
    assert registry.build_of(OTHER, question(1)) is None


def test_a_build_whose_name_was_damaged_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    for damaged in ("'engine 2'", "7", "x'00ff'"):
        with Registry.open(path) as registry:
            registry.keep(MODEL, BUILD, question(1), answer("yes"))
            registry.commit()
            assert registry.build_of(MODEL, question(1)) == BUILD
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"UPDATE builds SET build = {damaged}")
            connection.commit()

        with Registry.open(path) as registry:
            assert registry.build_of(MODEL, question(1)) is None


def test_the_first_of_two_answers_to_one_question_stays(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    with Registry.open(path) as first, Registry.open(path) as second:
        first.keep(MODEL, BUILD, question(1), answer("first"))
        first.commit()
        second.keep(MODEL, BUILD, question(1), answer("second"))
    with Registry.open(path) as again:
        kept = again.answer(MODEL, BUILD, question(1))

    assert kept is not None
    assert kept.text == "first"


def test_an_answer_that_was_not_committed_dies_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    script = f"""
import os, signal
from pathlib import Path
from tetrad.canonical import digest_of
from tetrad.registry import Registry
from tetrad.results.exchange import Completion
registry = Registry.open(Path({str(path)!r}))
registry.keep(digest_of("a model"), "engine 1", digest_of({{"question": 1}}), Completion(text="kept"))
registry.commit()
registry.keep(digest_of("a model"), "engine 1", digest_of({{"question": 2}}), Completion(text="lost"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)

    with Registry.open(path) as registry:
        assert registry.kept(MODEL, BUILD, [question(1), question(2)]) == {question(1)}


def test_full_groups_commit_themselves(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    with Registry.open(path) as writer, Registry.open(path) as reader:
        for number in range(300):
            writer.keep(MODEL, BUILD, question(number), answer("yes"))

        assert len(reader.kept(MODEL, BUILD, map(question, range(300)))) == 256


def test_many_keys_are_looked_up_at_once(registry: Registry) -> None:
    for number in range(0, 25_000, 1000):
        registry.keep(MODEL, BUILD, question(number), answer("yes"))

    wanted = [question(number) for number in range(25_000)]

    assert len(registry.kept(MODEL, BUILD, wanted)) == 25


def test_every_flipped_bit_of_an_answer_makes_it_absent(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    with Registry.open(path) as registry:
        registry.keep(MODEL, BUILD, question(1), answer("yes"))
    (data,) = sqlite3.connect(path).execute("SELECT completion FROM answers").fetchone()
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        store(path, bytes(flipped))
        with Registry.open(path) as registry:
            assert registry.answer(MODEL, BUILD, question(1)) is None
            assert registry.corrupt == 1
            registry.keep(MODEL, BUILD, question(1), answer("yes"))

    with Registry.open(path) as registry:
        assert registry.answer(MODEL, BUILD, question(1)) is not None


def store(path: Path, completion: bytes) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE answers SET completion = ?", (completion,))
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "shape",
    [
        b"[]",
        b'"yes"',
        b"not JSON",
        b'{"usage":[1,2,0]}',
        b'{"text":"yes","usage":7}',
        b'{"text":"yes","usage":{"input_tokens":"1"}}',
        b'{"text":"yes","usage":{"input_tokens":-1}}',
        b'{"text":"yes","latency_s":-0.5}',
        b'{"text":"yes","likelihoods":{"a":NaN}}',
        b'{"text":"yes","attached":[]}',
        b'{"text":"yes","usage":[1,2]}',
        b'{"text":"yes","usage":[-1,2,0]}',
        b'{"text":null,"usage":[1,2,0]}',
        b'{"text":"yes","usage":[1,2,0],"finish":"error"}',
        b'{"text":"yes","usage":[1,2,0],"tool_calls":[["id","name",{}]]}',
        b'{"text":"yes","usage":[1,2,0],"tool_calls":[{"id":"1","name":"f","arguments":"{}"}]}',
        b'{"text":"yes","usage":[1,2,0],"likelihoods":{"a":"0.5"}}',
    ],
)
def test_an_answer_in_a_shape_that_is_not_read_is_replaced_by_the_next(
    tmp_path: Path, shape: bytes
) -> None:
    path = tmp_path / "registry.db"
    with Registry.open(path) as registry:
        registry.keep(MODEL, BUILD, question(1), answer("old"))
    entry = b"".join((MODEL.value, digest_bytes(BUILD.encode()).value, question(1).value, shape))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "UPDATE answers SET completion = ?, digest = ?", (shape, digest_bytes(entry).value)
        )
        connection.commit()

    with Registry.open(path) as registry:
        assert registry.kept(MODEL, BUILD, [question(1)]) == frozenset()
        assert registry.answer(MODEL, BUILD, question(1)) is None
        registry.keep(MODEL, BUILD, question(1), answer("new"))
    with Registry.open(path) as registry:
        kept = registry.answer(MODEL, BUILD, question(1))

    assert kept is not None
    assert kept.text == "new"


def test_a_forgotten_answer_makes_room_for_the_next(registry: Registry) -> None:
    for commits in (False, True):
        registry.keep(MODEL, BUILD, question(1), answer("old"))
        if commits:
            registry.commit()
        registry.forget(MODEL, BUILD, question(1))
        assert registry.answer(MODEL, BUILD, question(1)) is None

    registry.keep(MODEL, BUILD, question(1), answer("new"))
    registry.commit()
    kept = registry.answer(MODEL, BUILD, question(1))

    assert kept is not None
    assert kept.text == "new"


@pytest.mark.parametrize(
    ("column", "moved", "model", "build", "asked"),
    [
        ("request", question(2), MODEL, BUILD, question(2)),
        ("model", OTHER, OTHER, BUILD, question(1)),
        ("build", digest_bytes(b"engine 2"), MODEL, "engine 2", question(1)),
    ],
    ids=["request", "model", "build"],
)
def test_an_answer_that_was_moved_is_absent(
    tmp_path: Path, column: str, moved: Digest, model: Digest, build: str, asked: Digest
) -> None:
    path = tmp_path / "registry.db"
    with Registry.open(path) as registry:
        registry.keep(MODEL, BUILD, question(1), answer("yes"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE answers SET {column} = ?", (moved.value,))
        connection.commit()

    with Registry.open(path) as registry:
        assert registry.kept(model, build, [asked]) == frozenset()
        assert registry.answer(model, build, asked) is None
        assert registry.corrupt == 2


def test_answers_of_a_registry_that_knew_no_builds_are_not_served(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    data = dump_completion(answer("old"))
    entry = digest_bytes(b"".join((MODEL.value, question(1).value, data)))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(MIGRATIONS[0])
        connection.execute(
            "INSERT INTO answers VALUES (?, ?, ?, ?, 1)",
            (MODEL.value, question(1).value, data, entry.value),
        )
        connection.execute(
            "INSERT INTO runs (suite, stack, identity, golden, engine, started, finished, made)"
            " VALUES ('evals/a', 'stacks/a', x'00', x'00', 'scripted', 1, 3, 1)"
        )
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()

    with Registry.open(path) as registry:
        assert registry.build_of(MODEL, question(1)) is None
        assert registry.answer(MODEL, BUILD, question(1)) is None
        assert registry.answer(MODEL, "", question(1)) is None
        assert registry.seconds_a_call("stacks/a", "scripted") == 2.0
        registry.keep(MODEL, BUILD, question(1), answer("new"))
        registry.commit()
        kept = registry.answer(MODEL, BUILD, question(1))

    assert kept is not None
    assert kept.text == "new"


# -- runs


def test_a_runs_results_come_back_in_order(registry: Registry) -> None:
    (run,) = registry.start_runs([record()])
    registry.keep_results(run, [(1, outcome("b", passed=False)), (0, outcome("a"))])

    assert registry.results(run) == (outcome("a"), outcome("b", passed=False))


def test_a_newer_finished_run_of_a_subject_replaces_the_results_of_the_older(
    registry: Registry,
) -> None:
    runs = []
    for _ in range(2):
        (run,) = registry.start_runs([record()])
        registry.keep_results(run, [(0, outcome("a"))])
        registry.finish_run(run, record(), Calls(made=1), replaces=True)
        runs.append(run)
    (elsewhere,) = registry.start_runs([record("another golden set")])
    registry.keep_results(elsewhere, [(0, outcome("a"))])
    registry.finish_run(elsewhere, record("another golden set"), Calls(cached=1), replaces=True)

    assert [len(registry.results(run)) for run in (*runs, elsewhere)] == [0, 1, 1]


def test_the_pace_of_a_stack_is_that_of_its_latest_executions(tmp_path: Path) -> None:
    now = [100.0]
    with Registry.open(tmp_path / "registry.db", clock=lambda: now[0]) as registry:
        before = registry.seconds_a_call("stacks/a", "scripted")
        together = registry.start_runs([record(), record("another golden set")])
        now[0] += 6.0
        for run in together:
            registry.finish_run(run, record(), Calls(made=10, cached=5), replaces=True)
        (cached,) = registry.start_runs([record()])
        now[0] += 100.0
        registry.finish_run(cached, record(), Calls(cached=20), replaces=True)

        assert before is None
        assert registry.seconds_a_call("stacks/a", "scripted") == 0.3
        assert registry.seconds_a_call("stacks/b", "scripted") is None
        assert registry.seconds_a_call("stacks/a", "script") is None


def test_the_time_that_stacks_ran_together_is_shared_by_their_calls(tmp_path: Path) -> None:
    now = [100.0]
    records = [record(), replace(record(), stack="stacks/b"), replace(record(), stack="stacks/c")]
    with Registry.open(tmp_path / "registry.db", clock=lambda: now[0]) as registry:
        runs = registry.start_runs(records)
        now[0] += 100.0
        for run, told, made in zip(runs, records, (10, 30, 0), strict=True):
            registry.finish_run(run, told, Calls(made=made), replaces=True)

        assert registry.seconds_a_call("stacks/a", "scripted") == 2.5
        assert registry.seconds_a_call("stacks/b", "scripted") == 2.5
        assert registry.seconds_a_call("stacks/c", "scripted") is None


def test_one_slow_execution_does_not_slow_the_pace(tmp_path: Path) -> None:
    now = [100.0]
    with Registry.open(tmp_path / "registry.db", clock=lambda: now[0]) as registry:
        for seconds, made in ((20.0, 10), (500.0, 10), (10.0, 10), (30.0, 1)):
            (run,) = registry.start_runs([record()])
            now[0] += seconds
            registry.finish_run(run, record(), Calls(made=made), replaces=True)

        assert registry.seconds_a_call("stacks/a", "scripted") == 2.0


def test_a_clock_that_was_set_back_tells_no_pace(tmp_path: Path) -> None:
    now = [1000.0]
    with Registry.open(tmp_path / "registry.db", clock=lambda: now[0]) as registry:
        for seconds in (20.0, -500.0, -500.0):
            (run,) = registry.start_runs([record()])
            now[0] += seconds
            registry.finish_run(run, record(), Calls(made=10), replaces=True)

        assert registry.seconds_a_call("stacks/a", "scripted") == 2.0


# -- the file


def test_the_registry_lies_in_the_repository_unless_the_environment_names_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TETRAD_REGISTRY", raising=False)
    assert registry_path(tmp_path) == tmp_path / ".tetrad" / "registry.db"

    monkeypatch.setenv("TETRAD_REGISTRY", "/elsewhere/kept.db")
    assert registry_path(tmp_path) == Path("/elsewhere/kept.db")


def test_the_folder_is_made_and_git_does_not_see_it(tmp_path: Path) -> None:
    Registry.open(tmp_path / ".tetrad" / "registry.db").close()

    assert (tmp_path / ".tetrad" / ".gitignore").read_text() == "*\n"


def test_a_file_that_is_no_database_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_text("not a database at all, and long enough to be told from an empty file" * 50)

    with pytest.raises(RegistryError, match=r"registry\.db: file is not a database\n  help: .*mv "):
        Registry.open(path)


def test_damage_that_sqlite_cannot_even_quote_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    Registry.open(path).close()
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE runs", b"CREATE \xffABLE runs"))

    with pytest.raises(
        RegistryError, match=r"registry\.db: .*\n  help: the file is damaged; .*mv "
    ):
        Registry.open(path)


@pytest.mark.parametrize("version", [0, len(MIGRATIONS)])
def test_another_programs_database_is_left_alone(tmp_path: Path, version: int) -> None:
    path = tmp_path / "registry.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()

    with pytest.raises(RegistryError, match="a database of another program"):
        Registry.open(path)

    assert path.read_bytes() == before


def test_a_newer_registry_asks_for_a_newer_tetrad(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    Registry.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()

    with pytest.raises(RegistryError, match="upgrade tetrad"):
        Registry.open(path)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(RegistryError, match="cannot be made: Not a directory"):
        Registry.open(tmp_path / "file" / "deeper" / "registry.db")


def test_a_path_that_is_a_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="unable to open database file\n  help: make the file"):
        Registry.open(tmp_path)


def test_two_processes_keep_answers_at_once(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    script = """
import sys
from pathlib import Path
from tetrad.canonical import digest_of
from tetrad.registry import Registry
from tetrad.results.exchange import Completion
with Registry.open(Path(sys.argv[1])) as registry:
    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        registry.keep(digest_of("a model"), "engine 1", digest_of({"question": number}), Completion(text="yes"))
        if number % 7 == 0:
            registry.commit()
"""
    ranges = [(0, 600), (400, 1000), (900, 1500)]
    started = [
        subprocess.Popen([sys.executable, "-c", script, str(path), str(low), str(high)])
        for low, high in ranges
    ]
    codes = [process.wait(timeout=60) for process in started]

    with Registry.open(path) as registry:
        assert codes == [0, 0, 0]
        assert len(registry.kept(MODEL, BUILD, map(question, range(1500)))) == 1500


# -- the written form

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
completions = st.builds(
    Completion,
    text=st.text(st.characters(exclude_categories=[])),
    tool_calls=st.lists(
        st.builds(
            ToolCall,
            id=st.text(),
            name=st.text(),
            arguments=st.dictionaries(st.text(), json_values),
            attached=st.none() | st.dictionaries(st.text(), json_values),
        ),
        max_size=2,
    ).map(tuple),
    finish_reason=st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
    usage=st.builds(
        Usage,
        input_tokens=st.none() | st.integers(0, 2**53 - 1),
        output_tokens=st.none() | st.integers(0, 2**53 - 1),
        cached_input_tokens=st.integers(0, 2**53 - 1),
    ),
    latency_s=st.none() | st.floats(0, 1e6),
    first_token_s=st.none() | st.floats(0, 1e6),
    likelihoods=st.none() | st.dictionaries(st.text(), st.floats(0, 1)),
    system_fingerprint=st.none() | st.text(),
    cached=st.just(value=True),
)


@settings(deadline=None)
@given(completions)
def test_an_answer_survives_its_written_form(completion: Completion) -> None:
    assert completion == load_completion(dump_completion(completion))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b'{"text":"yes","usage":[12,3,0]}', Completion(text="yes", usage=TWELVE, cached=True)),
        (
            (
                b'{"text":"","tool_calls":[{"id":"1","name":"f","arguments":{"a":[NaN,"\\ud800"]}}],'
                b'"finish":"tool_calls","usage":[12,3,0],"latency_s":1.0,"likelihoods":{"a":1.0}}'
            ),
            Completion(
                text="",
                tool_calls=(ToolCall(id="1", name="f", arguments={"a": [nan, "\ud800"]}),),
                finish_reason="tool_calls",
                usage=TWELVE,
                latency_s=1.0,
                likelihoods={"a": 1.0},
                cached=True,
            ),
        ),
        (
            b'{"text":"\xed\xa0\x80","usage":[null,null,0],"attached":{"n":1'
            + b"0" * 400
            + b'},"finish":"length","system_fingerprint":"fp"}',
            Completion(
                text="\ud800",
                attached={"n": 10**400},
                finish_reason="length",
                usage=Usage(input_tokens=None, output_tokens=None),
                system_fingerprint="fp",
                cached=True,
            ),
        ),
    ],
)
def test_answers_that_earlier_versions_wrote_are_read(written: bytes, expected: Completion) -> None:
    assert repr(load_completion(written)) == repr(expected)


def test_what_is_so_of_one_call_only_is_not_written() -> None:
    written = dump_completion(replace(answer("yes"), requests=3, cached=True))

    assert (
        written == b'{"text":"yes","usage":{"input_tokens":12,"output_tokens":3},"latency_s":0.25}'
    )


def test_an_outcome_survives_its_written_form() -> None:
    broken = Sample(output="", error="the judge did not answer", metrics={}, latency_s=1.5)
    written = CaseOutcome(id="a", samples=(*outcome("a").samples, broken))

    assert written == load_outcome(dump_outcome(written))


def test_processes_that_make_one_new_file_wait_for_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tetrad.registry import Registry\n"
        "for n in range(20): Registry.open(Path(sys.argv[1], str(n), 'registry.db')).close()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]

    processes = [subprocess.Popen(command) for _ in range(3)]

    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
