"""Settings: `[tool.tetrad]` of pyproject.toml, or tetrad.toml where there is none."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from tetrad.errors import Issue, Location
from tetrad.model import Settings
from tetrad.schemas.nearest import did_you_mean
from tetrad.text import lines_of
from tetrad.trees import FileTree

_PER_FILE = "per-file-ignores"


def load_settings(files: FileTree) -> tuple[Settings, tuple[Issue, ...]]:
    """The repository's settings, and what is wrong with them."""
    for name in ("pyproject.toml", "tetrad.toml"):
        if files.is_link(name):
            # what it leads to may be a secret, and errors quote what they are about
            return Settings(), (_link(name),)
        if not files.has(name):
            continue
        try:
            text = files.read(name).decode()
            document = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            return Settings(), (_no_toml(name, str(error)),)
        found = document.get("tool", {}).get("tetrad") if name == "pyproject.toml" else document
        if found is not None:
            return _build(found, _Places(name, text))
    return Settings(), ()


def _link(name: str) -> Issue:
    message = "this is a symbolic link, and settings are read from no link"
    hint = "replace it by a file, or remove it"
    return Issue(location=Location(name), code="SCH100", message=message, hint=hint, blocks="judge")


def _no_toml(name: str, said: str) -> Issue:
    place = re.search(r" \(at line (\d+), column (\d+)\)", said)
    location = Location(name, int(place[1]), int(place[2])) if place else Location(name)
    message = f"invalid TOML: {said.replace(place[0], '') if place else said}"
    return Issue(location=location, code="SCH100", message=message, hint="see https://toml.io")


class _Places:
    """Where a key of a TOML file stands, found by its text."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._lines = lines_of(text)

    def of(self, key: str) -> Location:
        for number, line in enumerate(self._lines, 1):
            found = re.match(rf"\s*(?:\[[\w.]*?)?\"?({re.escape(key)})(?!\w)", line)
            if found:
                return Location(self._name, number, found.start(1) + 1)
        return Location(self._name)


def _build(raw: Mapping[str, Any], places: _Places) -> tuple[Settings, tuple[Issue, ...]]:
    issues = list(_unknown(raw, ("lint",), "", places))
    lint = raw.get("lint", {})
    if not isinstance(lint, dict):
        issues.append(_wrong(places, "lint", "a table: [tool.tetrad.lint]"))
        lint = {}
    issues += _unknown(lint, ("select", "ignore", _PER_FILE), "lint.", places)
    for key in ("select", "ignore"):
        if not _are_codes(lint.get(key, [])):
            issues.append(_wrong(places, key, 'a list of codes: ["SCH", "TPL203"]'))
    per_file = lint.get(_PER_FILE, {})
    if not isinstance(per_file, dict):
        issues.append(_wrong(places, _PER_FILE, 'a table of globs: {"prompts/old/*" = ["INJ"]}'))
        per_file = {}
    for glob, codes in per_file.items():
        if not _are_codes(codes):
            issues.append(_wrong(places, glob, 'a list of codes: ["SCH", "TPL203"]'))
    if issues:
        return Settings(), tuple(issues)
    return (
        Settings(
            lint_select=tuple(lint.get("select", ())),
            lint_ignore=tuple(lint.get("ignore", ())),
            lint_per_file_ignores={glob: tuple(codes) for glob, codes in per_file.items()},
        ),
        (),
    )


def _are_codes(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(code, str) for code in value)


def _unknown(
    raw: Mapping[str, Any], known: tuple[str, ...], prefix: str, places: _Places
) -> list[Issue]:
    return [
        Issue(
            location=places.of(key),
            message=f"{prefix}{key} is not a known setting",
            hint=did_you_mean(key, known, f"settings are {', '.join(known)}"),
            path=f"$.{prefix}{key}",
        )
        for key in raw
        if key not in known
    ]


def _wrong(places: _Places, key: str, wanted: str) -> Issue:
    return Issue(location=places.of(key), message=f"{key} must be {wanted}", path=f"$.{key}")
