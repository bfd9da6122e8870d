"""Python tools in a process of their own."""

from __future__ import annotations

import asyncio
import os
import py_compile
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tetrad.canonical import digest_file
from tetrad.errors import Location, ToolFailed, UsageError
from tetrad.loading.files import Tree as FileTree
from tetrad.model import McpRun, PythonRun, Tool
from tetrad.modules import Modules
from tetrad.results.exchange import ToolCall
from tetrad.results.trace import Called
from tetrad.tools import LiveRun, LiveToolbox
from tetrad.trees import WorkingTree

UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH


def a_tool(root: Path, body: str, **limits: Any) -> Tool:
    path = root / "desk.py"
    path.write_text(body)
    return Tool(
        ref="stacks/tools/desk",
        location=Location("stacks/tools/desk.yaml"),
        name="desk",
        description="Answers for tests.",
        input_schema={"type": "object"},
        effect="read",
        run=PythonRun(
            module="desk", function="answer", path="desk.py", source=digest_file(path), **limits
        ),
    )


def ask(root: Path, tool: Tool, **arguments: Any) -> Called:
    call = ToolCall(id="1", name=tool.name, arguments=arguments)
    return asyncio.run(LiveToolbox([tool], root, LiveRun()).call(call))


def test_a_function_gets_its_arguments_by_name_and_answers_json(tmp_path: Path) -> None:
    tool = a_tool(tmp_path, "def answer(a, b):\n    return {'sum': a + b, 'text': 'ü'}\n")

    assert ask(tmp_path, tool, a=1, b=2).result == {"sum": 3, "text": "ü"}


def importing(root: Path, body: str, **files: str) -> Tool:
    """A tool with modules beside it, loaded as a repository's file would be."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_init_", "__init__")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(text)
    tool = a_tool(root, body)
    assert isinstance(tool.run, PythonRun)
    found = Modules(FileTree(WorkingTree(root))).imported_by(body.encode(), ["", "lib"])
    return replace(tool, run=replace(tool.run, late_folders=("lib",), modules=found))


def test_prints_do_not_corrupt_the_answer(tmp_path: Path) -> None:
    tool = a_tool(
        tmp_path,
        "import os, sys\n"
        "print('loading')\n"
        "def answer():\n"
        '    print(\'{"kind": "result", "value": 13}\')\n'
        "    sys.stdout.flush()\n"
        "    os.write(1, b'noise')\n"
        "    return 42\n",
    )

    assert ask(tmp_path, tool).result == 42


def test_the_repository_is_the_working_folder_and_on_the_path(tmp_path: Path) -> None:
    body = "import os, prices\ndef answer():\n    return [os.getcwd(), prices.EURO]\n"
    tool = importing(tmp_path, body, prices="EURO = 3\n")

    assert ask(tmp_path, tool).result == [str(tmp_path.resolve()), 3]


def test_nothing_of_the_environment_reaches_the_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_KEY", "secret")
    tool = a_tool(tmp_path, "import os\ndef answer():\n    return sorted(os.environ)\n")

    result = ask(tmp_path, tool).result

    assert isinstance(result, list)
    assert set(result) <= {"PATH", "LANG", "PYTHONUTF8", "LC_CTYPE"}


def test_what_the_tool_raises_goes_back_to_the_model(tmp_path: Path) -> None:
    tool = a_tool(tmp_path, "def answer(order_id):\n    raise LookupError('no ' + order_id)\n")

    assert ask(tmp_path, tool, order_id="A-1").error == "LookupError: no A-1"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def other(): pass\n", "cannot be loaded: AttributeError"),
        ("def answer(:\n", "cannot be loaded: SyntaxError"),
        ("def answer():\n    return {1, 2}\n", "answered something that is not JSON"),
        ("def answer():\n    return float('nan')\n", "answered something that is not JSON"),
        ("def answer():\n    return 'x' * 2_000_000\n", "answered more than 1000000 bytes"),
        ("import os\ndef answer():\n    os._exit(3)\n", "died: exit code 3"),
        ("import os\ndef answer():\n    os.kill(os.getpid(), 11)\n", "died: signal 11"),
    ],
)
def test_a_broken_tool_is_a_failure_and_no_answer(tmp_path: Path, body: str, message: str) -> None:
    tool = a_tool(tmp_path, body)

    with pytest.raises(ToolFailed, match=f"tool 'desk'.*{message}"):
        ask(tmp_path, tool)


def test_memory_is_limited(tmp_path: Path) -> None:
    tool = a_tool(tmp_path, "def answer():\n    return len('x' * 10**9)\n", memory_mb=128)

    with pytest.raises(ToolFailed, match="needs more than 128 MB"):
        ask(tmp_path, tool)


# Whether a tool comes to what it is told within its time depends on what else the machine does.
PATIENCE = (1.0, 4.0, 16.0, 64.0)


def test_time_is_limited(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    tool = a_tool(
        root,
        "import os, pathlib, time\n"
        "def answer():\n"
        "    pathlib.Path('../pid').write_text(str(os.getpid()))\n"
        "    time.sleep(600)\n",
    )

    for timeout_s in PATIENCE:
        assert isinstance(tool.run, PythonRun)
        limited = replace(tool, run=replace(tool.run, timeout_s=timeout_s))
        with pytest.raises(ToolFailed, match=f"took longer than {timeout_s:g} s"):
            ask(root, limited)
        if started(tmp_path):
            break

    assert has_ended(int((tmp_path / "pid").read_text()))


KILLED = """
import asyncio, sys
from pathlib import Path
from tetrad.canonical import digest_file
from tetrad.errors import ToolFailed
from tetrad.model import PythonRun
from tetrad.tools.python import run_python

root, timeout_s = Path(sys.argv[1]), float(sys.argv[2])
source = digest_file(root / "desk.py")
run = PythonRun(
    module="desk", function="answer", path="desk.py", source=source, timeout_s=timeout_s
)
try:
    asyncio.run(run_python("desk", run, {}, root=root))
except ToolFailed:
    sys.exit("the tool never came to kill me")
"""


def test_a_tool_whose_caller_was_killed_ends_when_its_time_is_over(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    a_tool(
        root,
        "import os, pathlib, signal, time\n"
        "def answer():\n"
        "    pathlib.Path('../pid').write_text(str(os.getpid()))\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n"
        "    time.sleep(600)\n",
    )

    for timeout_s in PATIENCE:
        command = [sys.executable, "-c", KILLED, str(root), str(timeout_s)]
        caller = subprocess.run(command, check=False)
        if started(tmp_path):
            break

    assert caller.returncode == -signal.SIGKILL
    assert has_ended(int((tmp_path / "pid").read_text()))


def started(folder: Path) -> bool:
    """Whether the tool wrote its process down."""
    return (folder / "pid").exists() and bool((folder / "pid").read_text())


def test_what_has_left_the_group_of_a_tool_is_not_waited_for(tmp_path: Path) -> None:
    """As a compiled extension may, whose processes Python does not see."""
    root = tmp_path / "repository"
    root.mkdir()
    tool = a_tool(
        root,
        "import ctypes, os, sys, time\n"
        "def answer():\n"
        "    print('last words', file=sys.stderr, flush=True)\n"
        "    ctypes.CDLL(None).daemon(1, 1)\n"  # goes on in a process of its own, and ends this one
        "    os.closerange(3, 100)\n"
        "    open('../pid', 'w').write(str(os.getpid()))\n"
        "    time.sleep(60)\n",
    )

    with pytest.raises(ToolFailed, match="died: exit code 0, last words"):
        ask(root, tool)

    while not started(tmp_path):
        time.sleep(0.01)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)  # nobody waited for its end


def test_a_result_nested_as_deep_as_json_goes_is_an_answer_or_a_failure(tmp_path: Path) -> None:
    tool = a_tool(
        tmp_path,
        "def answer(depth):\n"
        "    value = []\n"
        "    for _ in range(depth):\n"
        "        value = [value]\n"
        "    return value\n",
    )

    for depth in range(100, 1_000, 30):
        try:
            ask(tmp_path, tool, depth=depth)
        except ToolFailed as error:
            assert "nested too deeply" in str(error)  # noqa: PT017 - below some depth it answers


def test_a_module_that_changed_since_it_was_read_does_not_run(tmp_path: Path) -> None:
    tool = a_tool(tmp_path, "def answer():\n    return 1\n")
    (tmp_path / "desk.py").write_text("def answer():\n    return 2\n")

    with pytest.raises(ToolFailed, match=r"desk\.py changed while it was in use"):
        ask(tmp_path, tool)


def test_a_module_that_is_gone_is_a_failure(tmp_path: Path) -> None:
    tool = a_tool(tmp_path, "def answer():\n    return 1\n")
    (tmp_path / "desk.py").unlink()

    with pytest.raises(ToolFailed, match=r"desk\.py cannot be read: No such file"):
        ask(tmp_path, tool)


def test_a_module_that_is_not_utf_8_is_a_failure(tmp_path: Path) -> None:
    tool = a_tool(tmp_path, "def answer():\n    return 1\n")
    (tmp_path / "desk.py").write_bytes(b"# caf\xe9\n")
    latin = PythonRun(
        module="desk",
        function="answer",
        path="desk.py",
        source=digest_file(tmp_path / "desk.py"),
    )

    with pytest.raises(ToolFailed, match=r"desk\.py is not UTF-8"):
        ask(tmp_path, replace(tool, run=latin))


def test_mcp_is_not_there_yet(tmp_path: Path) -> None:
    tool = replace(a_tool(tmp_path, ""), run=McpRun(server="desk", tool="answer"))

    with pytest.raises(UsageError, match="MCP, which is not supported yet"):
        ask(tmp_path, tool)


def has_ended(pid: int) -> bool:
    """Whether a process is gone or only waits to be reaped, soon."""
    for _ in range(10_000):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False
