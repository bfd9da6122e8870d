"""Which files are other tools' prompts, by their names."""

from __future__ import annotations

from pathlib import PurePath


def is_of_other_tool(path: PurePath) -> bool:
    """Whether a file's ending says that it is Prompty or Dotprompt."""
    return path.suffix in {".prompty", ".prompt"}
