"""A Containerfile's steps, played in a folder: what they would write lies below it, at the same paths.

Nothing of a step is repeated here: arguments, files and settings are read from the Containerfile. The base
image is this machine, so a step that installs the image's own packages cannot be played.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template


@dataclass(frozen=True, kw_only=True)
class Step:
    """One instruction; `stage` counts the FROMs."""

    stage: int
    word: str
    rest: str

    @property
    def arguments(self) -> list[str]:
        """The words of the exec form."""
        found = json.loads(self.rest)
        assert all(isinstance(word, str) for word in found)
        return list(found)


def steps_of(file: Path) -> Iterator[Step]:
    stage = -1
    for line in file.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        assert not line.endswith("\\"), "an instruction is a line"
        word, _, rest = line.partition(" ")
        stage += word == "FROM"
        yield Step(stage=stage, word=word, rest=rest.strip())


@dataclass(kw_only=True)
class Image:
    """What the steps of a Containerfile make, in `root`."""

    file: Path
    context: Path
    root: Path
    downloads: Mapping[str, Path] = field(default_factory=dict)  # in place of what ADD fetches
    build_args: Mapping[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    entrypoint: Sequence[str] = ()
    played: list[str] = field(default_factory=list)  # the commands
    args: dict[str, str] = field(default_factory=dict)

    def build(self) -> None:
        last = max(step.stage for step in steps_of(self.file))
        for step in steps_of(self.file):
            if step.word == "ENV":
                pairs = dict(word.split("=", 1) for word in shlex.split(step.rest))
                self.environment = pairs if step.stage == last else {**self.environment, **pairs}
            elif step.word == "RUN":
                self._run(step)
            elif step.word == "ARG":
                name, _, default = step.rest.partition("=")
                self.args[name] = self.build_args.get(name, default)
            elif step.word in {"COPY", "ADD"}:
                self._copy(step)
            elif step.word == "USER" and step.stage == last:
                self.user = step.rest
            elif step.word == "ENTRYPOINT" and step.stage == last:
                self.entrypoint = step.arguments

    def inside(self, path: str) -> str:
        """Where a path of the image lies on this machine."""
        roots = ("/opt/", "/build", "/work", "/usr/local/bin/run")
        return f"{self.root}{path}" if path.startswith(roots) else path

    def command(self, *arguments: str) -> list[str]:
        return [self.inside(self.entrypoint[0]), *self.entrypoint[1:], *arguments]

    def _run(self, step: Step) -> None:
        if not step.rest.startswith("["):
            assert "apt-get" in step.rest, "only what installs packages needs a shell"
            return
        words = [self.inside(word) for word in step.arguments]
        if words[0] == "python3":
            words[0] = sys.executable
        self.played.append(" ".join(step.arguments))
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "TETRAD"))}
        own = {**self.environment, "SOURCE_DATE_EPOCH": "0"}
        if "--require-hashes" in words:
            own["PIP_RETRIES"] = "0"  # an index that cannot be reached is asked for every package
        subprocess.run(words, check=True, env={**inherited, **own})

    def _copy(self, step: Step) -> None:
        *words, to = Template(step.rest).substitute(self.args).split()
        options = {word for word in words if word.startswith("--")}
        (source,) = [word for word in words if word not in options]
        if any(option.startswith("--from") for option in options):
            assert source == to, "what one stage made lies at the same place in the next"
            return
        target = Path(self.inside(to))
        if source in self.downloads:
            assert any(option.startswith("--checksum=sha256:") for option in options)
            found = [self.downloads[source]]
        else:
            found = sorted(self.context.glob(source))
        assert found, f"{source} is not in the context"
        target.parent.mkdir(parents=True, exist_ok=True)
        if to.endswith("/"):
            target.mkdir(exist_ok=True)
        for file in found:
            shutil.copy(file, target)
