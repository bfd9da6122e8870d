"""Write a page for every lint rule, and the index: `python docs/rules/generate.py`."""

from __future__ import annotations

from pathlib import Path

from tetrad.lint.pages import all_pages


def main() -> None:
    folder = Path(__file__).parent
    pages = all_pages()
    for stale in folder.glob("*.md"):
        if stale.name not in pages:
            stale.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
