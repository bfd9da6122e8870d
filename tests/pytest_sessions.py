"""pytest sessions of their own, as a user starts them; this suite's own settings stay out."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from trees import Tree

# Of libraries that this suite needs; to load them takes a third of a session of a few cases.
_OTHER_PLUGINS = (
    *("anyio", "hypothesispytest", "langsmith_plugin", "proofbundle", "pytest_cov", "randomly"),
    "schemathesis",
)
_ENDS_S = 300

# To import what runs golden sets takes longer than to run ten cases: one process imports it, and
# sessions are forked from that one.
_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["pytest", "tetrad.pytest_plugin.run"])


def pytest_of(
    tree: Tree, *options: str, on_ci: bool = False, imported: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a session in a process of its own, which has imported nothing yet unless `imported`.

    On a narrow terminal: pytest's summary tells again of what fits on its line.
    """
    ours = {"CI", "BUILD_NUMBER", "PYTEST_ADDOPTS"}
    environment = {key: os.environ[key] for key in os.environ if key not in ours}
    environment |= {"COLUMNS": "80"} | ({"CI": "true"} if on_ci else {})
    without = [part for name in _OTHER_PLUGINS for part in ("-p", f"no:{name}")]
    arguments = [*without, "-c", os.devnull, "--rootdir", ".", *options]
    if not imported:
        return subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=tree.root, check=False, capture_output=True, text=True, timeout=_ENDS_S,
            env=environment,
        )  # fmt: skip
    # Of tetrad itself, which has no asserts.
    arguments += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    with TemporaryDirectory() as folder:
        written = Path(folder, "stdout"), Path(folder, "stderr")
        session = _FORKED.Process(target=_run, args=(arguments, tree.root, environment, *written))
        session.start()
        session.join(_ENDS_S)
        if session.exitcode is None:
            session.kill()
            raise subprocess.TimeoutExpired(arguments, _ENDS_S)
        out, err = (file.read_text() for file in written)
    return subprocess.CompletedProcess(arguments, session.exitcode, out, err)


def _run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], out: Path, err: Path
) -> None:
    """What `python -m pytest` does, once it is started."""
    for file, descriptor in ((out, 1), (err, 2)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.argv = ["pytest", *arguments]
    sys.exit(pytest.console_main())
