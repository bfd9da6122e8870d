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


def test_a_link_that_leads_nowhere_is_not_its_own_correction(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/loop.yaml").symlink_to("loop.yaml")

    with pytest.raises(SpecError) as caught:
        load_repository(tmp_path)

    assert str(caught.value) == (
        "prompts/loop.yaml:1:1: error[SCH107]: prompts/loop.yaml is a symbolic link that leads to"
        " no file\n"
        "  help: correct what it points to, or remove it"
    )
