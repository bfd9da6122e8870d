"""The rights that an administrator gives, as the repository has them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

import tetrad
from access import given_access

EXAMPLE = Path(__file__).parents[2] / "infra/examples/deployer.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "infra/access"
    made.mkdir(parents=True)
    return made


def test_without_a_folder_nothing_is_given(tmp_path: Path) -> None:
    assert given_access(tmp_path, "llm") == {}


def test_what_the_example_gives_in_the_namespace_is_read(folder: Path, tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, folder)

    (binding,) = given_access(tmp_path, "llm").items()

    assert binding[0] == "RoleBinding/tetrad-deployer"
    assert binding[1]["subjects"][0]["name"] == "deployer@example.com"
    assert given_access(tmp_path, "other") == {}


@pytest.mark.parametrize(
    "text", ["a: [", "- a\n", "kind: Role\n", "{apiVersion: v1, kind: Role, metadata: a}"]
)
def test_a_file_that_has_no_objects_is_named(text: str, folder: Path, tmp_path: Path) -> None:
    (folder / "people.yaml").write_text(text)

    with pytest.raises(tetrad.UsageError, match=r"infra/access/people\.yaml "):
        given_access(tmp_path, "llm")


def test_other_kinds_are_not_taken_for_merged(folder: Path, tmp_path: Path) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "llm"}}
    (folder / "people.yaml").write_text(f"---\n{yaml.safe_dump(pod)}---\n")

    assert given_access(tmp_path, "llm") == {}
