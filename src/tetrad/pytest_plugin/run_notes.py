"""What a run has to say while it goes on: that an endpoint is slowed down or given up, say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tetrad.artifacts.progress import Work

# Where a worker of pytest-xdist, which has no terminal, leaves its notes for the process that has.
_OUTPUT = "tetrad_notes"


class Notes:
    """A `Progress` whose notes stand on pytest's terminal, those of workers at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._of_workers: list[str] = []

    def start(self, total: int | None, label: str) -> Work:  # noqa: ARG002  # it is a Progress
        from tetrad.artifacts.progress import UNSEEN

        return UNSEEN

    def note(self, text: str) -> None:
        from tetrad.text import for_log, one_line

        line = f"tetrad: {for_log(one_line(text))}"
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput.setdefault(_OUTPUT, []).append(line)
            return
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        if reporter is None or capture is None:
            return
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(line)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Called by pytest-xdist where a worker has ended; one that died left nothing."""
        self._of_workers += getattr(node, "workeroutput", {}).get(_OUTPUT, ())

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self._of_workers:
            terminalreporter.write_line(line)
