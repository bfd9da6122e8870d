"""Objects as files: the same bytes for the same objects."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

import tetrad
from desired import Desired
from objects.everything import objects_by_name
from objects.kubernetes import Object

HEAD = "# Rendered by `tetrad render`. Change the repository, not this file.\n"


def manifests(desired: Desired) -> dict[str, str]:
    """Texts by file name; the names are in the order in which the objects are applied."""
    objects = objects_by_name(desired).values()
    texts = {f"{_rank(obj):02}-{_slug(obj)}.yaml": HEAD + written(obj) for obj in objects}
    return dict(sorted(texts.items()))


def written(obj: Object) -> str:
    text: str = yaml.dump(obj, Dumper=_Dumper, sort_keys=True, width=1_000_000, allow_unicode=True)
    return text


def write_manifests(desired: Desired, folder: Path) -> int:
    """Write the files, and remove those that an earlier call wrote and that are no longer wanted.

    Nothing that another program wrote is touched.
    """
    files = manifests(desired)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for there in sorted(folder.glob("*.yaml")):
            if there.name not in files and there.read_text("utf-8").startswith(HEAD):
                there.unlink()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise tetrad.UsageError(f"{error.filename}: {error.strerror}") from error
    return len(files)


# What others need comes first.
_RANKS = (
    ("Namespace",),
    ("ConfigMap", "tetrad-proven"),
    ("ValidatingAdmissionPolicy",),
    ("ValidatingAdmissionPolicyBinding",),
    ("NetworkPolicy",),
    ("ServiceAccount",),
    ("Role",),
    ("RoleBinding",),
    ("ConfigMap",),
)


def _rank(obj: Object) -> int:
    kind, name = obj["kind"], obj["metadata"]["name"]
    ranks = [_RANKS.index(key) for key in ((kind, name), (kind,)) if key in _RANKS]
    return ranks[0] if ranks else len(_RANKS)


def _slug(obj: Object) -> str:
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", obj["kind"]).lower()
    return f"{kind}-{obj['metadata']['name']}"


class _Dumper(yaml.CSafeDumper):
    """Texts of several lines as blocks, and no aliases."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - as the base class has it
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
