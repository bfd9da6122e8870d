"""`pytest evals/`: items, selection, and an exit code that is the gate's decision."""

from __future__ import annotations

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from fakes import OpenAIServer, Reply, nowhere
from pytest_sessions import pytest_of
from trees import Tree, scripted_tree

from tetrad.cli import main

GOLDEN = "evals/feedback/golden.yaml"
ANSWERS = "stacks/models/scripted.answers.yaml"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return scripted_tree(tmp_path / "repository")


def break_case(tree: Tree, starts_with: str) -> None:
    tree.edit(
        ANSWERS,
        f"{{contains: {starts_with}, output: positive}}",
        f"{{contains: {starts_with}, output: wrong}}",
    )


def endpoint_tree(root: Path) -> Tree:
    """`tetrad init` with an endpoint as engine, which LLM_URL names."""
    main(["init", str(root), "--engine", "endpoint", "--endpoint-model", "tiny"])
    return Tree(root)


def test_every_case_is_an_item_and_the_gate_is_the_last(tree: Tree) -> None:
    session = pytest_of(tree, "evals/", "--collect-only", "-q")

    ids = [line for line in session.stdout.splitlines() if "::" in line]
    assert ids[0] == "evals/feedback/golden.yaml::soft-blanket"
    assert ids[-1] == "evals/feedback/golden.yaml::gate"
    assert len(ids) == 11


def test_a_passing_gate_exits_0(tree: Tree) -> None:
    session = pytest_of(tree, "evals/", "-q")

    assert session.returncode == 0, session.stdout
    assert "11 passed" in session.stdout


def test_a_case_that_fails_within_the_policy_is_an_expected_failure(tree: Tree) -> None:
    break_case(tree, "So soft")

    session = pytest_of(tree, "evals/", "-q", "-rx", "--tetrad-base", "main")

    assert session.returncode == 0, session.stdout
    assert "10 passed, 1 xfailed" in session.stdout
    assert "fails within what the suite's policy allows" in session.stdout


def test_strict_makes_every_failing_case_fail(tree: Tree) -> None:
    break_case(tree, "So soft")

    session = pytest_of(tree, "evals/", "-q", "--tetrad-strict")

    assert session.returncode == 1
    assert "1 failed, 10 passed" in session.stdout


def test_a_failed_gate_exits_1_and_shows_both_answers(tree: Tree) -> None:
    break_case(tree, "So soft")
    break_case(tree, "Not bad")

    session = pytest_of(tree, "evals/", "-q", "--tetrad-base", "main")

    assert session.returncode == 1
    assert "3 failed, 8 passed" in session.stdout  # two cases and the gate
    assert "answer: wrong" in session.stdout
    assert "base's answer: positive" in session.stdout
    assert "Traceback" not in session.stdout


def test_a_change_that_brings_its_own_answers_is_not_judged_by_them(tree: Tree) -> None:
    pytest_of(tree, "evals/", "-q")
    tree.git("add", "--force", ".tetrad/answers.db")
    tree.commit()

    session = pytest_of(tree, "evals/", "-q", "--tetrad-base", "main")

    assert session.returncode == 2
    assert ".tetrad/answers.db is committed" in session.stdout


def test_a_case_that_was_broken_on_the_base_is_an_expected_failure(tree: Tree) -> None:
    break_case(tree, "So soft")
    tree.commit()
    tree.edit("prompts/feedback.yaml", "is it positive or negative?", "positive or negative?")

    session = pytest_of(tree, "evals/", "-q", "-rx", "--tetrad-base", "main")

    assert session.returncode == 0, session.stdout
    assert "already broken on the base" in session.stdout


def test_a_part_of_the_cases_skips_the_gate_and_its_failures_fail(tree: Tree) -> None:
    break_case(tree, "So soft")

    session = pytest_of(tree, "evals/", "-q", "-k", "soft or gate")

    assert session.returncode == 1
    assert "1 failed, 1 skipped, 9 deselected" in session.stdout


def test_a_gate_that_is_selected_alone_judges_the_whole_suite(tree: Tree) -> None:
    break_case(tree, "So soft")
    break_case(tree, "Not bad")

    session = pytest_of(tree, f"{GOLDEN}::gate", "-q", "--tetrad-base", "main")
    again = pytest_of(tree, "evals/", "-q", "--lf", "--tetrad-base", "main")

    assert (session.returncode, again.returncode) == (1, 1), session.stdout
    assert "1 failed in" in session.stdout
    assert "FAILED: answer averages 0.80" in again.stdout


def test_a_single_item_can_be_named(tree: Tree) -> None:
    session = pytest_of(tree, "evals/feedback/golden.yaml::irony", "-q")

    assert session.returncode == 0
    assert "1 passed" in session.stdout


def test_last_failed_runs_only_what_failed(tree: Tree) -> None:
    break_case(tree, "So soft")
    pytest_of(tree, "evals/", "-q", "--tetrad-strict")

    session = pytest_of(tree, "evals/", "-q", "--tetrad-strict", "--lf")

    assert "1 failed" in session.stdout
    assert "passed" not in session.stdout.splitlines()[-1]


def test_exitfirst_stops_at_the_first_failure(tree: Tree) -> None:
    break_case(tree, "So soft")
    break_case(tree, "Not bad")

    session = pytest_of(tree, "evals/", "-q", "--tetrad-strict", "-x")

    assert session.returncode == 1
    assert "1 failed in" in session.stdout


def test_junit_names_files_and_cases(tree: Tree, tmp_path: Path) -> None:
    pytest_of(tree, "evals/", "-q", f"--junitxml={tmp_path / 'junit.xml'}")

    cases = ET.parse(tmp_path / "junit.xml").getroot().findall(".//testcase")
    assert [case.get("name") for case in cases][-2:] == ["irony", "gate"]


def test_an_engine_that_cannot_answer_exits_3(tree: Tree) -> None:
    tree.edit(ANSWERS, '- {contains: "", output: negative}\n', "")

    session = pytest_of(tree, "evals/", "-q")

    assert session.returncode == 3, session.stdout
    assert "INCONCLUSIVE" in session.stdout


def test_nothing_moved_against_the_base_skips_with_the_reason(tree: Tree) -> None:
    session = pytest_of(tree, "evals/", "-q", "-rs", "--tetrad-base", "main")

    assert session.returncode == 0
    assert "nothing that it judges moved against main" in session.stdout
    assert "SKIPPED [10] evals/feedback/golden.yaml:1:" in session.stdout


def test_files_that_do_not_load_are_collection_errors_in_plain_words(tree: Tree) -> None:
    tree.edit("stacks/feedback.yaml", "prompt: prompts/feedback", "prompt: prompts/fedback")

    session = pytest_of(tree, "evals/", "-q")

    assert session.returncode == 2
    assert "stacks/feedback.yaml:5:9: error[SCH107]" in session.stdout
    assert "Traceback" not in session.stdout


def test_an_answer_cannot_command_the_runner_of_a_workflow(tree: Tree, tmp_path: Path) -> None:
    answer = '"\\e[31mred\\n::set-output name=x::y ##[error]"'
    (tree.root / ANSWERS).write_text(f'- {{contains: "", output: {answer}}}\n')

    session = pytest_of(tree, "evals/", "-q", f"--junitxml={tmp_path / 'junit.xml'}")

    for log in (session.stdout, (tmp_path / "junit.xml").read_text()):
        assert "set-output" in log
        assert "\n::" not in log
        assert "##[" not in log
        assert "\x1b" not in log


def test_suites_that_share_a_golden_set_have_items_of_their_own(tree: Tree) -> None:
    suite = (tree.root / "evals/feedback/suite.yaml").read_text()
    second = suite.replace("golden: ./golden.yaml", "golden: ../feedback/golden.yaml")
    (tree.root / "evals/second").mkdir()
    (tree.root / "evals/second/suite.yaml").write_text(second)

    session = pytest_of(tree, "evals/", "-q", "--collect-only", "-k", "gate")

    ids = [line for line in session.stdout.splitlines() if "::" in line]
    assert ids == [
        "evals/feedback/golden.yaml::gate[feedback]",
        "evals/feedback/golden.yaml::gate[second]",
    ]


def test_ten_items_are_asked_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = endpoint_tree(tmp_path / "repository")

    # an endpoint is sent eight before its first answer
    with OpenAIServer(Reply(text="positive"), together=8) as server:
        monkeypatch.setenv("LLM_KEY", "")
        monkeypatch.setenv("LLM_URL", server.url)
        session = pytest_of(tree, "evals/", "-q", "-x")

    assert "1 failed, 1 passed" in session.stdout, session.stdout  # torn-box is negative
    assert server.most_in_flight == 8
    assert len(server.asked) == 10


@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
def test_what_becomes_of_an_endpoint_is_said(
    workers: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = endpoint_tree(tmp_path / "repository")
    monkeypatch.setenv("LLM_URL", f"{nowhere()}/v1")
    monkeypatch.setenv("LLM_KEY", "")

    session = pytest_of(tree, "evals/", "-q", *workers)

    (said,) = [line for line in session.stdout.splitlines() if line.startswith("tetrad: http")]
    assert said.endswith("pausing requests until one succeeds")


def test_an_endpoint_that_is_down_exits_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = endpoint_tree(tmp_path / "repository")
    monkeypatch.setenv("LLM_KEY", "")
    monkeypatch.setenv("LLM_URL", f"{nowhere()}/v1")

    session = pytest_of(tree, "evals/", "-q")

    assert session.returncode == 3, session.stdout
    assert "Traceback" not in session.stdout


def test_an_unknown_base_is_refused_in_one_sentence_before_anything_starts(tree: Tree) -> None:
    for workers in ("0", "2"):
        session = pytest_of(tree, "evals/", "-q", "-n", workers, "--tetrad-base", "mian")

        assert session.returncode == 2
        assert session.stderr == (
            "ERROR: --tetrad-base mian: unknown revision 'mian'\n  help: did you mean main?\n"
        )
        assert session.stdout == ""


def test_a_base_outside_of_git_is_refused(tree: Tree) -> None:
    shutil.rmtree(tree.root / ".git")

    session = pytest_of(tree, "evals/feedback/golden.yaml::irony", "--tetrad-base", "main")

    assert session.returncode == 2
    assert "is not in a Git repository" in session.stderr
    assert session.stdout == ""


def test_a_base_that_does_not_load_is_inconclusive_and_told_once(tree: Tree) -> None:
    tree.edit("prompts/feedback.yaml", "messages:", "massages:")
    tree.commit()
    tree.edit("prompts/feedback.yaml", "massages:", "messages:")

    session = pytest_of(tree, "evals/", "-q", "-rs", "--tetrad-base", "main")

    assert session.returncode == 3, session.stdout
    assert "2 failed, 9 skipped" in session.stdout  # the first case, which tells why, and the gate
    assert session.stdout.count("cannot load the base") == 1
    assert "SKIPPED [9] evals/feedback/golden.yaml:1: not run, see" in session.stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_summary_that_pytest_prints_on_ci_has_a_line_for_each_failure(
    tree: Tree, workers: str
) -> None:
    break_case(tree, "So soft")

    session = pytest_of(tree, "evals/", "-q", "--tetrad-strict", "-n", workers, on_ci=True)

    summary = session.stdout.partition("short test summary info")[2].splitlines()[1:]
    assert len(summary) == 2, session.stdout  # the case and the count of outcomes
    assert summary[0].startswith("FAILED evals/feedback/golden.yaml::soft-blanket - ")


def test_a_variable_that_no_case_gives_is_told_once(tree: Tree) -> None:
    prompt = tree.root / "prompts/feedback.yaml"
    prompt.write_text(prompt.read_text().replace("review", "text"))

    session = pytest_of(tree, "evals/", "-q")

    assert session.returncode == 3, session.stdout
    assert session.stdout.count("text: is required and not given") == 1
    assert session.stdout.count("no result, for the same reason as soft-blanket") == 9


def test_a_variable_that_the_base_asked_for_is_told_by_the_gate(tree: Tree) -> None:
    prompt = tree.root / "prompts/feedback.yaml"
    head = prompt.read_text()
    prompt.write_text(head.replace("review", "text"))
    tree.commit()
    prompt.write_text(head)

    session = pytest_of(tree, "evals/", "-q", "--tetrad-base", "main")

    assert session.returncode == 3, session.stdout
    assert "1 failed, 10 passed" in session.stdout
    assert "no result on the base for 10 cases: the request does not fit" in session.stdout


def test_the_gate_judges_by_the_base_s_yardstick_too(tree: Tree) -> None:
    break_case(tree, "So soft")
    break_case(tree, "Not bad")
    tree.edit("evals/feedback/suite.yaml", "max_flips: 1", "max_flips: 9")
    tree.edit("evals/feedback/suite.yaml", "base: 0.1", "base: 0.9")

    session = pytest_of(tree, "evals/", "-q", "--tetrad-base", "main")

    assert session.returncode == 1, session.stdout
    assert "by the base's yardstick, FAILED: 2 cases regressed" in session.stdout
    assert "to accept it, add to waivers.yaml: - {accept: yardstick," in session.stdout


def test_examples_that_a_renamed_variable_breaks_are_told_once(tree: Tree) -> None:
    tree.edit("prompts/feedback.yaml", "  review: {type", "  text: {type")
    tree.edit("prompts/feedback.yaml", "{{ review }}", "{{ text }}")

    session = pytest_of(tree, "evals/", "-q")

    assert session.returncode == 2, session.stdout
    assert "1 error during collection" in session.stdout
    assert session.stdout.count("and 4 more like this one in prompts/feedback.yaml") == 1


def test_other_tests_of_the_session_run_whatever_the_golden_sets_say(tree: Tree) -> None:
    (tree.root / "test_x.py").write_text("def test_x() -> None:\n    assert 1 == 2\n")
    tree.edit(ANSWERS, '- {contains: "", output: negative}\n', "")

    session = pytest_of(tree, "evals/", "test_x.py", "-q", "-W", "error", imported=False)

    assert session.returncode == 1, session.stdout  # a test that fails is told before all else
    assert "assert 1 == 2" in session.stdout


def test_the_summary_says_what_is_wrong_with_an_answer_and_where(tree: Tree) -> None:
    break_case(tree, "So soft")

    session = pytest_of(tree, "evals/", "-q", "-k", "soft")

    summary = session.stdout[session.stdout.index("short test summary") :]
    assert 'golden.yaml::soft-blanket - equals: does not equal "' in summary
    assert "\nevals/feedback/golden.yaml:3\n" in session.stdout


def test_a_golden_set_without_cases_is_no_pass(tree: Tree) -> None:
    (tree.root / "evals/feedback/golden.yaml").write_text("[]\n")

    session = pytest_of(tree, "evals/", "-q")

    assert session.returncode == 3, session.stdout
    assert "INCONCLUSIVE" in session.stdout


def test_the_suite_file_of_another_tool_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text("suite: of another tool\n")
    (tmp_path / "data.yaml").write_text("- 1\n")
    (tmp_path / "test_x.py").write_text("def test_x() -> None: ...\n")

    session = pytest_of(Tree(tmp_path), ".", "-q")

    assert session.returncode == 0, session.stdout
    assert "1 passed" in session.stdout


def test_a_session_without_golden_sets_loads_only_the_plugin(tmp_path: Path) -> None:
    told = "print(sorted(m for m in sys.modules if m.startswith('tetrad')))"
    (tmp_path / "test_x.py").write_text(f"import sys\ndef test_x() -> None:\n    {told}\n")
    (tmp_path / "data.yaml").write_text("- 1\n")

    session = pytest_of(Tree(tmp_path), ".", "-q", "-s", imported=False)

    assert "['tetrad', 'tetrad.pytest_plugin', 'tetrad.pytest_plugin.run_notes']" in session.stdout


def test_a_session_leaves_the_tree_clean(tree: Tree) -> None:
    (tree.root / ".gitignore").unlink()
    tree.commit()

    pytest_of(tree, "evals/", "-q", "-p", "no:cacheprovider")

    assert tree.git("status", "--porcelain") == ""


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    heavy = "{'httpx2', 'torch', 'numpy', 'scipy', 'jsonschema_rs', 'sqlite3', 'jinja2', 'rich'}"
    code = f"import sys, tetrad.pytest_plugin; print(sorted({heavy} & set(sys.modules)))"

    seen = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout

    assert seen.strip() == "[]"


def test_a_bug_of_ours_exits_4_and_keeps_its_traceback(tree: Tree) -> None:
    (tree.root / "conftest.py").write_text(
        "import pytest\n\n"
        "@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_runtest_call(item):\n"
        "    raise KeyError('oops')\n"
    )

    ended = pytest_of(tree, "evals/", "-x")

    assert ended.returncode == 4, ended.stdout
    assert "KeyError: 'oops'" in ended.stdout
