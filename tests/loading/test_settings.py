"""Settings of a repository."""

from __future__ import annotations

from pathlib import Path

from tetrad.loading.settings import load_settings
from tetrad.model import Settings
from tetrad.trees import WorkingTree


def settings_of(tmp_path: Path, **files: str) -> tuple[Settings, list[str]]:
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text)
    settings, issues = load_settings(WorkingTree(tmp_path))
    return settings, [str(issue) for issue in issues]


def test_a_repository_without_settings_has_the_defaults(tmp_path: Path) -> None:
    assert (Settings(), []) == settings_of(tmp_path, pyproject='[project]\nname = "a"\n')


def test_settings_stand_in_pyproject(tmp_path: Path) -> None:
    text = '[tool.tetrad.lint]\nignore = ["STY"]\n'

    settings, issues = settings_of(tmp_path, pyproject=text, tetrad='[lint]\nignore = ["PIN"]\n')

    assert (Settings(lint_ignore=("STY",)), []) == (settings, issues)


def test_settings_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    text = '[lint]\nselect = ["STY"]\n'

    settings, _ = settings_of(tmp_path, pyproject="[tool.other]\n", tetrad=text)

    assert settings.lint_select == ("STY",)


def test_what_is_no_setting_is_refused_with_its_place(tmp_path: Path) -> None:
    _, issues = settings_of(tmp_path, tetrad="lint = 4\n[other]\n")

    assert sorted(issues) == [
        "tetrad.toml:1:1: error[SCH104]: $.lint: lint must be a table: [tool.tetrad.lint]",
        (
            "tetrad.toml:2:2: error[SCH104]: $.other: other is not a known setting\n"
            "  help: settings are lint"
        ),
    ]


def test_settings_are_read_from_no_link(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("token = hush")
    (tmp_path / "system").mkdir()
    (tmp_path / "system" / "pyproject.toml").symlink_to("../secret")

    settings, issues = settings_of(tmp_path / "system")

    assert settings == Settings()
    told = "pyproject.toml:1:1: error[SCH100]: this is a symbolic link, and settings are read from no link"
    assert issues == [f"{told}\n  help: replace it by a file, or remove it"]
