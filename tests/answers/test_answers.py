"""Kept answers: found again by any process, of one build each, and never a damaged one."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tetrad.answers import Answers, answers_files, answers_path
from tetrad.canonical import Digest, digest_bytes, digest_of
from tetrad.errors import DatabaseError
from tetrad.results.exchange import Completion, Usage

MODEL = digest_of("a model")
OTHER = digest_of("another model")
BUILD = "engine 1"


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    with Answers.open(tmp_path / "answers.db") as opened:
        yield opened


def question(number: int) -> Digest:
    return digest_of({"question": number})


def answer(text: str) -> Completion:
    return Completion(text=text, usage=Usage(input_tokens=12, output_tokens=3), latency_s=0.25)


def test_a_kept_answer_is_found_before_and_after_it_is_committed(answers: Answers) -> None:
    answers.keep(MODEL, BUILD, question(1), answer("yes"))
    before = answers.answer(MODEL, BUILD, question(1))
    answers.commit()

    assert before is not None
    assert before == answers.answer(MODEL, BUILD, question(1))
    assert (before.text, before.latency_s, before.cached) == ("yes", 0.25, True)


def test_an_answer_belongs_to_one_model_one_build_and_one_request(answers: Answers) -> None:
    answers.keep(MODEL, BUILD, question(1), answer("yes"))
    answers.commit()

    assert answers.answer(OTHER, BUILD, question(1)) is None
    assert answers.answer(MODEL, "engine 2", question(1)) is None
    assert answers.answer(MODEL, BUILD, question(2)) is None


def test_builds_keep_an_answer_each_and_the_latest_is_named(answers: Answers) -> None:
    for build in ("engine 2", "engine 1"):
        answers.keep(MODEL, build, question(1), answer(build))
        answers.commit()
    answers.keep(MODEL, "engine 3", question(2), answer("another question"))
    answers.commit()

    kept = [answers.answer(MODEL, build, question(1)) for build in ("engine 1", "engine 2")]
    assert [one and one.text for one in kept] == ["engine 1", "engine 2"]
    assert answers.build_of(MODEL, question(1)) == "engine 1"
    assert answers.build_of(MODEL, question(3)) is None
    assert answers.build_of(OTHER, question(1)) is None


def test_a_build_whose_name_was_damaged_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    for damaged in ("'engine 2'", "7", "x'00ff'"):
        with Answers.open(path) as answers:
            answers.keep(MODEL, BUILD, question(1), answer("yes"))
            answers.commit()
            assert answers.build_of(MODEL, question(1)) == BUILD
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"UPDATE builds SET build = {damaged}")
            connection.commit()

        with Answers.open(path) as answers:
            assert answers.build_of(MODEL, question(1)) is None


def test_the_first_of_two_answers_to_one_question_stays(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    with Answers.open(path) as first, Answers.open(path) as second:
        first.keep(MODEL, BUILD, question(1), answer("first"))
        first.commit()
        second.keep(MODEL, BUILD, question(1), answer("second"))
    with Answers.open(path) as again:
        kept = again.answer(MODEL, BUILD, question(1))

    assert kept is not None
    assert kept.text == "first"


def test_an_answer_that_was_not_committed_dies_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    script = f"""
import os, signal
from pathlib import Path
from tetrad.canonical import digest_of
from tetrad.answers import Answers
from tetrad.results.exchange import Completion
answers = Answers.open(Path({str(path)!r}))
answers.keep(digest_of("a model"), "engine 1", digest_of({{"question": 1}}), Completion(text="kept"))
answers.commit()
answers.keep(digest_of("a model"), "engine 1", digest_of({{"question": 2}}), Completion(text="lost"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)

    with Answers.open(path) as answers:
        assert answers.kept(MODEL, BUILD, [question(1), question(2)]) == {question(1)}


def test_full_groups_commit_themselves(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    with Answers.open(path) as writer, Answers.open(path) as reader:
        for number in range(300):
            writer.keep(MODEL, BUILD, question(number), answer("yes"))

        assert len(reader.kept(MODEL, BUILD, map(question, range(300)))) == 256


def test_many_keys_are_looked_up_at_once(answers: Answers) -> None:
    for number in range(0, 25_000, 1000):
        answers.keep(MODEL, BUILD, question(number), answer("yes"))

    wanted = [question(number) for number in range(25_000)]

    assert len(answers.kept(MODEL, BUILD, wanted)) == 25


@pytest.mark.campaign
def test_every_flipped_bit_of_an_answer_makes_it_absent(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    with Answers.open(path) as answers:
        answers.keep(MODEL, BUILD, question(1), answer("yes"))
    (data,) = sqlite3.connect(path).execute("SELECT completion FROM answers").fetchone()
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        store(path, bytes(flipped))
        with Answers.open(path) as answers:
            assert answers.answer(MODEL, BUILD, question(1)) is None
            assert answers.corrupt == 1
            answers.keep(MODEL, BUILD, question(1), answer("yes"))

    with Answers.open(path) as answers:
        assert answers.answer(MODEL, BUILD, question(1)) is not None


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
    path = tmp_path / "answers.db"
    with Answers.open(path) as answers:
        answers.keep(MODEL, BUILD, question(1), answer("old"))
    entry = b"".join((MODEL.value, digest_bytes(BUILD.encode()).value, question(1).value, shape))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "UPDATE answers SET completion = ?, digest = ?", (shape, digest_bytes(entry).value)
        )
        connection.commit()

    with Answers.open(path) as answers:
        assert answers.kept(MODEL, BUILD, [question(1)]) == frozenset()
        assert answers.answer(MODEL, BUILD, question(1)) is None
        answers.keep(MODEL, BUILD, question(1), answer("new"))
    with Answers.open(path) as answers:
        kept = answers.answer(MODEL, BUILD, question(1))

    assert kept is not None
    assert kept.text == "new"


def test_a_forgotten_answer_makes_room_for_the_next(answers: Answers) -> None:
    for commits in (False, True):
        answers.keep(MODEL, BUILD, question(1), answer("old"))
        if commits:
            answers.commit()
        answers.forget(MODEL, BUILD, question(1))
        assert answers.answer(MODEL, BUILD, question(1)) is None

    answers.keep(MODEL, BUILD, question(1), answer("new"))
    answers.commit()
    kept = answers.answer(MODEL, BUILD, question(1))

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
    path = tmp_path / "answers.db"
    with Answers.open(path) as answers:
        answers.keep(MODEL, BUILD, question(1), answer("yes"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE answers SET {column} = ?", (moved.value,))
        connection.commit()

    with Answers.open(path) as answers:
        assert answers.kept(model, build, [asked]) == frozenset()
        assert answers.answer(model, build, asked) is None
        assert answers.corrupt == 2


def test_two_processes_keep_answers_at_once(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    script = """
import sys
from pathlib import Path
from tetrad.canonical import digest_of
from tetrad.answers import Answers
from tetrad.results.exchange import Completion
with Answers.open(Path(sys.argv[1])) as answers:
    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        answers.keep(digest_of("a model"), "engine 1", digest_of({"question": number}), Completion(text="yes"))
        if number % 7 == 0:
            answers.commit()
"""
    ranges = [(0, 600), (400, 1000), (900, 1500)]
    started = [
        subprocess.Popen([sys.executable, "-c", script, str(path), str(low), str(high)])
        for low, high in ranges
    ]
    codes = [process.wait(timeout=60) for process in started]

    with Answers.open(path) as answers:
        assert codes == [0, 0, 0]
        assert len(answers.kept(MODEL, BUILD, map(question, range(1500)))) == 1500


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("", ".tetrad/answers.db"),
        ("/elsewhere/other.db", "/elsewhere/other-answers.db"),
        ("kept", "kept-answers"),
    ],
)
def test_answers_lie_in_the_repository_or_beside_the_registry_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, expected: str
) -> None:
    monkeypatch.setenv("TETRAD_REGISTRY", named)

    assert answers_path(tmp_path) == (Path(expected) if named else tmp_path / expected)


def test_the_files_of_the_answers_are_those_that_lie_there(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    with Answers.open(path) as answers:
        answers.keep(MODEL, BUILD, question(1), answer("yes"))
        answers.commit()

        assert set(tmp_path.iterdir()) <= {*answers_files(path), tmp_path / ".gitignore"}


def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    path.write_text("not a database at all, and long enough to be told from an empty file" * 50)

    with pytest.raises(
        DatabaseError, match=r"mv .*answers\.db\.broken\), its questions are asked again"
    ):
        Answers.open(path)


def test_a_question_is_claimed_by_one_process(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    script = f"""
from pathlib import Path
from tetrad.answers import Answers
with Answers.open(Path({str(path)!r})) as answers:
    print(answers.claim(b"question"), answers.claim(b"another"))
"""

    def theirs() -> str:
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    with Answers.open(path) as answers:
        assert answers.claim(b"question")
        assert theirs() == "False True"
        answers.release(b"question")
        assert theirs() == "True True"
