"""Why a report is not signed."""

from __future__ import annotations

from tetrad.errors import ExitCode, TetradError


class Disagreement(TetradError):
    """The report does not say what the commit and the recorded answers give."""

    exit_code = ExitCode.REFUSED
