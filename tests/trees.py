"""Small repositories to play with: what `tetrad init` creates, in a Git repository."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tetrad.cli import main


@dataclass(frozen=True)
class Tree:
    """A repository on disk whose files a test edits."""

    root: Path

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the one place where `old` stands."""
        text = (self.root / path).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        (self.root / path).write_text(text.replace(old, new))

    def write(self, path: str, text: str) -> None:
        """Write a file, in a folder that may not be there yet."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def append(self, path: str, text: str) -> None:
        (self.root / path).write_text((self.root / path).read_text() + text)

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(self.root), *arguments], check=True, capture_output=True, text=True
        ).stdout

    def commit(self, message: str = "x") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def restore(self) -> None:
        """Take every uncommitted edit back."""
        self.git("checkout", "--quiet", ".")

    def tetrad(self, *arguments: str) -> int:
        """Run a command on this repository, in this process."""
        return main(["--root", str(self.root), *arguments])


def scripted_tree(root: Path) -> Tree:
    """`tetrad init` with the scripted engine, committed on the branch main."""
    return initial_tree(root, "--engine", "scripted")


def initial_tree(root: Path, *options: str) -> Tree:
    """What `tetrad init` with these options creates, committed on the branch main."""
    main(["init", str(root), *options])
    tree = Tree(root)
    tree.git("init", "--quiet", "--initial-branch", "main")
    tree.commit()
    return tree


def add_clock(tree: Tree) -> None:
    """Give the scripted stack a python tool, without committing it."""
    (tree.root / "stacks/tools").mkdir()
    (tree.root / "stacks/tools/clock.py").write_text("def now():\n    return {'hour': 12}\n")
    (tree.root / "stacks/tools/clock.yaml").write_text(
        "kind: tool\nname: now\ndescription: Tell what time it is.\n"
        "input_schema: {type: object, additionalProperties: false}\neffect: read\n"
        'run: {python: "stacks.tools.clock:now"}\nversion: 1\n'
    )
    tree.append("stacks/feedback.yaml", "tools: [stacks/tools/clock]\n")
