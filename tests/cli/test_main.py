"""The table of commands, the error boundary, and where the repository is looked for."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from trees import Tree

from tetrad.cli import COMMANDS, build_parser, main
from tetrad.errors import ExitCode


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])

    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert all(f"\n    {name} " in out for name in COMMANDS)
    assert "3 inconclusive" in out


@pytest.mark.parametrize("asked", [(), *((name,) for name in COMMANDS)])
def test_help_fits_a_terminal_of_eighty_columns(
    asked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([*asked, "--help"])

    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])

    assert stopped.value.code == 0
    assert f"usage: tetrad {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "tetrad: missing: COMMAND\n  help: `tetrad --help` lists them\n"),
        ("glate", "tetrad: unknown command 'glate'\n  help: did you mean gate?\n"),
        (
            "gate --bsae=x",
            "tetrad gate: unknown option '--bsae'\n  help: did you mean --base?\n",
        ),
        ("gate --form json", "unknown option '--form'\n  help: did you mean --format?\n"),
        ("gate --format htm", "--format: invalid choice 'htm'\n  help: did you mean html?\n"),
        ("plan --format pdf", "--format: invalid choice 'pdf'\n  help: choose from text, json\n"),
        ("gate --base", "tetrad gate: --base: expected one argument\n  help: `tetrad gate --help`"),
        ("schema prompt model", "tetrad schema: unexpected argument 'model'\n  help: "),
        ("try triage --engine foo", "--engine: 'foo' is neither torch nor openai:MODEL\n"),
    ],
)
def test_wrong_arguments_are_misuse_and_the_nearest_right_one_is_named(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == ExitCode.MISUSE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "stacks"),
    [
        ("rollback production", []),
        ("rollback production a b", ["a", "b"]),
        ("rollback production --reason late a b", ["a", "b"]),
        ("rollback --reason late production a", ["a"]),
        ("rollback --reason late production", []),
        ("deploy production --no-wait a", ["a"]),
    ],
)
def test_stacks_stand_before_or_behind_options(arguments: str, stacks: list[str]) -> None:
    words = arguments.split()

    parsed = build_parser(words).parse_args(words)

    assert (parsed.environment, parsed.stacks) == ("production", stacks)


def test_outside_of_a_repository_a_command_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    code = main(["gate"])

    assert code == ExitCode.MISUSE
    assert "help: run `tetrad init`" in capsys.readouterr().err


def test_a_command_finds_the_repository_from_a_folder_inside(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tree.root / "evals" / "feedback")

    assert main(["gate"]) == ExitCode.PASSED
    assert "PASSED" in capsys.readouterr().out


def test_a_file_that_does_not_load_is_told_with_its_place(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("stacks/feedback.yaml", "prompt: prompts/feedback", "prompt: prompts/fedback")

    code = tree.tetrad("gate")

    assert code == ExitCode.MISUSE
    assert capsys.readouterr().err.startswith("stacks/feedback.yaml:5:9: error[SCH107]")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_among_the_files_is_told_and_not_waited_for(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tree.root / "prompts/pipe.yaml")

    assert tree.tetrad("lint") == ExitCode.REFUSED

    assert "prompts/pipe.yaml" in capsys.readouterr().out


HOSTILE = "\x1b]0;title\x07\x1b[31mred\u202e\n::error::pwned ##[stop-commands]now"


@pytest.mark.parametrize(
    "command",
    ["gate", "plan", "show other", "eval", "try other", "pull", "lock", "lint"]
    + [f"lint --format {form}" for form in ("json", "sarif")],
)
def test_the_name_of_a_file_is_nothing_that_a_terminal_or_a_ci_log_obeys(
    command: str, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree.root / f"prompts/{HOSTILE}.yaml").write_text('kind: prompt\n"\\e[1m##[x]": 1\n')

    assert tree.tetrad(*command.split()) in {ExitCode.REFUSED, ExitCode.MISUSE}

    out, err = capsys.readouterr()
    assert not {"\x1b", "\x07", "\u202e"} & set(out + err)
    assert not any(line.lstrip().startswith("::") for line in (out + err).splitlines())
    assert "##[" not in out + err


def test_what_lock_tells_of_a_file_is_inert(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    stack = tree.root / "stacks/feedback.yaml"
    name = HOSTILE.replace("\n", " ")  # a line break is refused
    (tree.root / f"stacks/{name}.yaml").write_text(stack.read_text())

    assert tree.tetrad("lock", "--check") == ExitCode.REFUSED

    out, err = capsys.readouterr()
    assert "red" in out
    assert not {"\x1b", "\x07", "\u202e"} & set(out + err)
    assert not any(line.startswith("::") for line in (out + err).splitlines())


def test_a_file_name_that_is_not_utf_8_can_be_told_in_every_format(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    place = os.fsencode(tree.root / "prompts") + b"/\xff.yaml"
    Path(os.fsdecode(place)).write_text("kind: prompt\n")

    for form in ("text", "json", "sarif", "github"):
        assert tree.tetrad("lint", "--format", form) == ExitCode.REFUSED

    assert '"uri": "prompts/%FF.yaml"' in capsys.readouterr().out


def test_a_bug_becomes_a_report_and_its_own_exit_code(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tetrad.cli.gate.run", lambda _args: 1 / 0)

    code = tree.tetrad("gate")

    assert code == ExitCode.BUG
    said = capsys.readouterr().err
    assert said.startswith("this is a bug in tetrad: ZeroDivisionError")
    report = Path(said.split("the traceback is in ")[1].split("\n")[0])
    assert "ZeroDivisionError" in report.read_text()
    report.unlink()


def test_an_interruption_is_told_from_the_first_moment(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tetrad.cli.gate.add_arguments", interrupted)

    code = tree.tetrad("gate")

    assert code == 130
    assert capsys.readouterr().err.startswith("interrupted; ")


def test_only_the_command_that_is_asked_for_loads_its_arguments() -> None:
    parser = build_parser(["lock"])

    assert parser.parse_args(["lock", "--check"]).check


def a_failing_gate(tree: Tree) -> list[str]:
    """The command line, for a process of its own, of a gate that fails."""
    answers = tree.root / "stacks/models/scripted.answers.yaml"
    answers.write_text('- {contains: "", output: negative}\n')
    return [sys.executable, "-m", "tetrad", "--root", str(tree.root), "gate"]


def test_a_reader_who_goes_away_changes_no_exit_code(tree: Tree) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        a_failing_gate(tree), check=False, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)

    assert done.returncode == ExitCode.REFUSED
    assert done.stderr.startswith("report: ")


@pytest.mark.parametrize(
    "command",
    [
        "plan",
        "show feedback",
        "explain",
        "schema suite",
        "try feedback review=hello",
        "eval",
        "lint",
    ],
)
def test_no_command_complains_of_a_reader_who_went_away(tree: Tree, command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    whole = [sys.executable, "-m", "tetrad", "--root", str(tree.root), *command.split()]

    done = subprocess.run(whole, check=False, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)

    assert done.returncode == ExitCode.PASSED, done.stderr
    assert "Broken" not in done.stderr


def test_a_file_is_written_whole_or_not_at_all(tree: Tree) -> None:
    """A disk that is full half-way: a limit on the size of files is one without root's help."""
    lock = tree.root / "stacks/feedback.lock"
    tree.edit("prompts/feedback.yaml", "{{ ", "{{  ")
    before = lock.read_bytes()
    command = f"ulimit -f 0; trap '' XFSZ; {sys.executable} -m tetrad --root {tree.root} lock"

    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True)

    assert done.returncode == ExitCode.MISUSE, done.stderr
    assert done.stderr == f"{lock}: File too large\n"
    assert lock.read_bytes() == before
    assert list(lock.parent.glob(".tetrad-*")) == []


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_changes_no_exit_code(tree: Tree, closed: int) -> None:
    command = shlex.join(a_failing_gate(tree))

    done = subprocess.run(["sh", "-c", f"{command} {closed}>&-"], check=False, capture_output=True)

    assert done.returncode == ExitCode.REFUSED
    assert b"Traceback" not in done.stderr


def test_a_reader_of_both_streams_who_goes_away_changes_no_exit_code(tree: Tree) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(a_failing_gate(tree), check=False, stdout=writer, stderr=writer)
    os.close(writer)

    assert done.returncode == ExitCode.REFUSED


def test_what_is_printed_into_a_pipe_is_utf_8_in_every_locale(tree: Tree) -> None:
    done = subprocess.run(
        a_failing_gate(tree),
        check=False,
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )

    assert done.returncode == ExitCode.REFUSED, done.stderr
    assert "\N{MINUS SIGN}" in done.stdout.decode("utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_output_that_finds_no_room_is_told(tree: Tree) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            a_failing_gate(tree), check=False, stdout=full, stderr=subprocess.PIPE, text=True
        )

    assert done.returncode == ExitCode.MISUSE
    assert done.stderr == "standard output cannot be written: No space left on device\n"


def test_a_report_that_cannot_be_written_is_told(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("gate")
    capsys.readouterr()

    code = tree.tetrad("report", "--output", str(tmp_path))

    assert code == ExitCode.MISUSE
    assert capsys.readouterr().err == f"{tmp_path} cannot be written: Is a directory\n"


def test_a_registry_elsewhere_leaves_the_tree_clean(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree.root / ".gitignore").unlink()
    tree.commit()
    monkeypatch.setenv("TETRAD_REGISTRY", str(tmp_path / "registry.db"))

    tree.tetrad("gate")

    assert tree.git("status", "--porcelain") == ""


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_what_the_machine_refuses_is_no_bug_of_ours(
    tree: Tree, number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_args: object) -> None:
        raise OSError(number, os.strerror(number), "stacks/feedback.lock")

    monkeypatch.setattr("tetrad.cli.lock.run", refused)

    code = tree.tetrad("lock")

    assert code == ExitCode.MISUSE
    assert capsys.readouterr().err == f"stacks/feedback.lock: {os.strerror(number)}\n"


# `python -m tetrad`, also where a shell runs these tests in the background, which ignores SIGINT.
INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from tetrad.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_130_and_keeps_what_it_has(
    how: signal.Signals, tmp_path: Path
) -> None:
    main(["init", str(tmp_path), "--engine", "endpoint"])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {
            **os.environ,
            "LLM_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/v1",
            "LLM_KEY": "",
        }
        command = [sys.executable, "-c", INTERRUPTIBLE, "--root", str(tmp_path), "gate"]
        with subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, text=True
        ) as process:
            connection, _ = silent.accept()
            with connection:  # an answer is awaited from here on
                process.send_signal(how)
                _, said = process.communicate()

    assert process.returncode == 130
    assert said.endswith(
        "interrupted; received answers are cached, and the next run continues from there\n"
    )


@pytest.mark.parametrize("path", ["taken", "taken/below", "stacks-is-a-file"])
def test_init_needs_a_folder(path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").touch()
    (tmp_path / "stacks-is-a-file").mkdir()
    (tmp_path / "stacks-is-a-file/stacks").touch()

    code = main(["init", str(tmp_path / path), "--engine", "scripted"])

    assert code == ExitCode.MISUSE
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_gets_colours_unless_it_or_its_user_wants_none(
    environment: dict[str, str], coloured: bool, tmp_path: Path
) -> None:
    main(["init", str(tmp_path), "--engine", "scripted"])
    (tmp_path / "stacks/feedback.lock").unlink()
    outside, terminal = os.openpty()
    kept = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "TERM"}}

    subprocess.run(
        [sys.executable, "-m", "tetrad", "-C", str(tmp_path), "lint"],
        env={**kept, "TERM": "xterm", **environment},
        stdout=terminal,
        check=False,
    )

    os.close(terminal)
    shown = os.read(outside, 4096)
    os.close(outside)
    assert b"feedback.lock" in shown
    assert (b"\x1b[" in shown) is coloured
