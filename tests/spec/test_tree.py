"""Finding a repository's files."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tetrad.errors import SpecError
from tetrad.spec.load import load_repository


def test_a_folder_that_cannot_be_listed_is_no_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "evals" / "feedback"
    closed.mkdir(parents=True)
    scandir = os.scandir

    def refusing(path: Any) -> Any:  # root may read every folder, so its mode would not do
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)

    with pytest.raises(SpecError) as caught:
        load_repository(tmp_path)

    assert str(caught.value) == (
        "evals/feedback:1:1: error[SCH100]: this folder cannot be read: Permission denied"
    )
