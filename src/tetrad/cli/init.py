"""`tetrad init`: lay down a small working system in a repository."""

from __future__ import annotations

import argparse
import re
import shlex
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path
from string import Template
from textwrap import indent

from tetrad import __version__
from tetrad.cli import lock
from tetrad.cli.infra_scaffold import environment_values, lay_down_program
from tetrad.cli.output import write_file, write_out
from tetrad.errors import ExitCode, UsageError
from tetrad.loading.repositories import load_repository
from tetrad.model import ENVIRONMENTS, Repository
from tetrad.places import below_checkout

SCHEMAS = f"https://raw.githubusercontent.com/tetrad-dev/tetrad/v{__version__}/src/tetrad/schemas"
SMOLLM2 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
# What each engine creates of stacks/models/, and the extra of the package that it needs.
MODELS = {
    "embedded": (("smollm2-135m.yaml",), "tetrad[torch]"),
    "endpoint": (("endpoint.yaml",), "tetrad"),
    "scripted": (("scripted.yaml", "scripted.answers.yaml"), "tetrad"),
}
STACK = "stacks/feedback.yaml"
# Only for who deploys: `--deploy` adds them.
DEPLOYING = {
    *(f".github/workflows/{name}.yml" for name in ("deploy", "drift", "refresh", "rollback")),
    *(f"{ENVIRONMENTS}/{name}.yaml" for name in ("production", "staging")),
}
_EXAMPLE = ("evals/", "prompts/", "stacks/")
_SERVING = """\
serving:
  environments: [staging, production]
  budget: {usd_per_day: 20}
  fallback: previous
"""
# Nothing in Kubernetes is served by a model that may change without a commit.
_SERVING_ENDPOINT = "# Once the model's source is vendor:// or hf://, serve it:\n" + indent(
    _SERVING, "# "
)
# Git would apply it to our own tree if it lay there under its own name.
RENAMED = {"gitignore": ".gitignore"}

_KIND_STACK = re.compile(r"^kind: *stack\b", re.MULTILINE)

_START = {
    "embedded": "the embedded model is fetched once (93 MB)",
    "endpoint": "export LLM_URL=http://…/v1 and LLM_KEY=… (empty where there is no key)",
    "scripted": "answers come from stacks/models/scripted.answers.yaml until you name a model",
}
_NEXT = """
next: {start}
  pre-commit install               lint before every commit
  tetrad gate                      evaluate, decide, write the report
"""
_TRY = """\
  tetrad try feedback review="…"   see how one answer comes about
"""
_DEPLOY = f"""
to deploy: set kubernetes.context and the digest of the gateway's image in
{ENVIRONMENTS}/staging.yaml, commit, and run `tetrad deploy staging --preview`
"""
_UNSERVED = """
no stack serves staging yet: give one `serving: {environments: [staging, production]}`
"""

_NAME = """
the endpoint is asked for a model named "default": write the name that it knows into
stacks/models/endpoint.yaml, and run `tetrad lock`
"""
# GitHub and pre-commit look nowhere else.
_MOVE = """
{below} is a folder of a larger Git repository: move its .github/ and .pre-commit-config.yaml
to the top, or merge them into the files that are there
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="the folder to set up (default: the current folder)",
    )
    parser.add_argument(
        "--engine",
        choices=list(MODELS),
        help="what answers: the embedded model, an OpenAI-compatible endpoint, or a script "
        "(default: embedded where the extra `torch` is installed, else scripted)",
    )
    parser.add_argument(
        "--endpoint-model",
        metavar="NAME",
        help="the model's name at the endpoint (default: a name to replace in its file)",
    )
    parser.add_argument(
        "--deploy",
        action="store_true",
        help="add what deploys to Kubernetes: the infrastructure program in infra/, the environments"
        " staging and production, and GitHub workflows that deploy, roll back, check for drift and"
        " refresh pins",
    )


def run(args: argparse.Namespace) -> ExitCode:
    engine = args.engine or ("embedded" if find_spec("torch") else "scripted")
    if args.endpoint_model and engine != "endpoint":
        raise UsageError("--endpoint-model goes with --engine endpoint")
    models, _ = MODELS[engine]
    root = args.folder.resolve()
    below = below_checkout(root).removesuffix("/")
    has_others = _has_other_stacks(root)
    is_used = not has_others and _is_used(root, models[0].removesuffix(".yaml"))
    is_unnamed = (
        engine == "endpoint"
        and not args.endpoint_model
        and not (root / "stacks" / "models" / "endpoint.yaml").exists()
    )
    values = _values(args, engine, below) | environment_values(engine if is_used else None)
    write_out(f"in {root}:\n")
    for source, name in _scaffold(models if is_used else ()):
        if (name in DEPLOYING and not args.deploy) or (has_others and name.startswith(_EXAMPLE)):
            continue
        _lay_down(root, name, Template(source.read_text()).safe_substitute(values))
    for line in lay_down_program(root) if args.deploy else ():
        write_out(f"  {line}\n")
    repository = load_repository(root)
    for name, _, content in lock.stale_locks(repository):
        _lay_down(root, name, content.decode())
    _say_next(engine, is_used=is_used, has_others=has_others)
    if is_used and is_unnamed:
        write_out(_NAME)
    if args.deploy:
        _say_how_to_deploy(repository)
    if below:
        write_out(_MOVE.format(below=below))
    return ExitCode.PASSED


def _say_next(engine: str, *, is_used: bool, has_others: bool) -> None:
    start, try_it = _START[engine], _TRY
    if has_others:
        write_out("  the example is left out: stacks/ has stacks of its own\n")
        start, try_it = "the stacks are those that are there", ""
    elif not is_used:
        model = MODELS[engine][0][0]
        write_out(f"  stacks/models/{model} is left out: {STACK} names another model\n")
        start = f"the model is the one that {STACK} names"
    write_out(_NEXT.format(start=start) + try_it)


def _say_how_to_deploy(repository: Repository) -> None:
    if not any("staging" in stack.environments for stack in repository.stacks.values()):
        write_out(_UNSERVED)
    clusters = (one.cluster for one in repository.environments.values() if one.name == "staging")
    if any(cluster is not None and cluster.unset for cluster in clusters):
        write_out(_DEPLOY)


def _values(args: argparse.Namespace, engine: str, below: str) -> dict[str, str]:
    models, requirement = MODELS[engine]
    return {
        "SCHEMAS": SCHEMAS,
        "SMOLLM2": SMOLLM2,
        "MODEL": models[0].removesuffix(".yaml"),
        "ENDPOINT_MODEL": args.endpoint_model or "default",
        # few chat models at an endpoint can be asked for plain completions
        "STYLE": "chat" if engine == "endpoint" else "completion",
        "REQUIREMENT": requirement,
        "VERSION": __version__,
        "DEPLOY_INSTALL": f"pip install 'tetrad[infra,metrics,postgres]=={__version__}'",
        "AT": f" -C {shlex.quote(below)}" if below else "",
        "BELOW": f"{below}/" if below else "",
        "SERVING": _serving(engine) if args.deploy else "",
    }


def _serving(engine: str) -> str:
    return _SERVING_ENDPOINT if engine == "endpoint" else _SERVING


def _has_other_stacks(root: Path) -> bool:
    """Whether there are stacks, and the example's is not: it was never there, or somebody removed it."""
    if (root / STACK).exists():
        return False
    texts = (file.read_text(errors="replace") for file in root.glob("stacks/**/*.y*ml"))
    return any(_KIND_STACK.search(text) for text in texts)


def _is_used(root: Path, model: str) -> bool:
    """Whether a model of ours would have a stack: one that was there may name another."""
    stack = root / STACK
    return not stack.exists() or f"models/{model}" in stack.read_text(errors="replace")


def _lay_down(root: Path, name: str, text: str) -> None:
    """Write a file where there is none, and say so."""
    if (root / name).exists():
        write_out(f"  {name} exists, left unchanged\n")
        return
    write_file(root / name, text)
    write_out(f"  {name}\n")


def _scaffold(models: tuple[str, ...]) -> list[tuple[Traversable, str]]:
    """The files to lay down, with their paths from the repository's root."""
    found: list[tuple[Traversable, str]] = []

    def walk(folder: Traversable, prefix: str) -> None:
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            name = f"{prefix}{RENAMED.get(entry.name, entry.name)}"
            if entry.is_dir():
                walk(entry, f"{name}/")
            elif name.startswith("infra/") and name not in DEPLOYING:
                continue  # the program's, which is told by one line
            elif prefix != "stacks/models/" or entry.name in models:
                found.append((entry, name))

    walk(files("tetrad.cli") / "scaffold", "")
    return found
