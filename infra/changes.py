"""`tetrad plan` runs this: what a merge changes in Kubernetes, as JSON. No cluster is asked.

Each side is told by its own program, so that a change of the program shows as well; a base without
one is told by this.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tetrad
from fields import field_changes
from gathered import unverified
from outline import outline
from scripts import ended

_THIS = "infra/changes.py"
_OUTLINE = "--outline"


def outlines(root: Path) -> dict[str, Any]:
    """The outline of every environment in Kubernetes, or what keeps it from having one."""
    repository = tetrad.load_repository(root)
    found: dict[str, Any] = {}
    for environment in repository.environments.values():
        if environment.target == "kubernetes":
            try:
                found[environment.name] = outline(
                    unverified(root, repository, environment, kept=False)
                )
            except tetrad.TetradError as error:
                found[environment.name] = {"problem": str(error)}
    return found


def changes(base: Mapping[str, Any], head: Mapping[str, Any]) -> list[dict[str, Any]]:
    """By environment: the objects that would come, change and go, and what model servers cost."""
    found = []
    for name in sorted({*base, *head}):
        before, after = base.get(name, {}), head.get(name, {})
        found.append(
            {
                "environment": name,
                "problem": after.get("problem", ""),
                "objects": []
                if "problem" in after
                else list(_object_changes(before.get("objects", {}), after.get("objects", {}))),
                "usd_per_month": {"base": _usd(before), "head": _usd(after)},
                "unpriced": sorted({u for s in after.get("servers", ()) for u in s["unpriced"]}),
            }
        )
    return found


def _object_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Any]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if old is None or new is None:
            yield {"object": name, "change": "create" if old is None else "delete"}
            continue
        yield {
            "object": name,
            "change": "update",
            "restarts": _pods(old) != _pods(new),
            "fields": [
                {"path": one.path, "before": one.before, "after": one.after}
                for one in field_changes(old, new)
            ],
        }


def _pods(obj: Mapping[str, Any]) -> object:
    """What of a workload makes its pods start anew."""
    return obj.get("spec", {}).get("template") if obj["kind"] != "Job" else None


def _usd(side: Mapping[str, Any]) -> dict[str, float]:
    servers = side.get("servers", ())
    return {key: sum(one["usd_per_month"][key] for one in servers) for key in ("min", "max")}


def _base_outlines(folder: str) -> dict[str, Any]:
    own = Path(folder) / _THIS
    program = own if own.is_file() else Path(__file__)
    told = subprocess.run(
        [sys.executable, str(program), _OUTLINE, folder], stdout=subprocess.PIPE, check=False
    )
    if told.returncode != 0:
        raise tetrad.UsageError(f"{_THIS} of the base ended with {told.returncode}")
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def main(first: str, second: str = "") -> None:
    """`--outline ROOT`, or ROOT and the folder of the base, none for a first commit."""
    if first == _OUTLINE:
        told: object = outlines(Path(second))
    else:
        told = changes(_base_outlines(second) if second else {}, outlines(Path(first)))
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    sys.exit(ended(main))
