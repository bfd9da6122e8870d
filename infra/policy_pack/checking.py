"""The rules over all objects of a stack. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import tetrad
from objects.kubernetes import Object, object_name
from objects.proven import LIST
from policy_pack.rules import RULES, Listed


@dataclass(frozen=True, kw_only=True)
class Violation:
    """What is wrong with an object, by which rule."""

    rule: str
    object: str
    message: str

    def __str__(self) -> str:
        return f"{self.object}: {self.message} ({self.rule})"


class Violated(tetrad.TetradError):
    """Objects that the rules refuse: nothing is applied or written."""

    exit_code = tetrad.ExitCode.REFUSED


def refuse_violations(objects: Sequence[Object]) -> None:
    found = [str(one) for one in violations(objects)]
    if found:
        help_ = "help: repair what makes the object, or the rule in infra/policy_pack/rules.py"
        raise Violated("\n".join([*found, f"  {help_}"]))


def violations(objects: Sequence[Object]) -> Iterator[Violation]:
    listed = listed_in(objects)
    for obj in objects:
        for rule in RULES:
            for message in rule.find(obj, listed):
                yield Violation(rule=rule.name, object=object_name(obj), message=message)


def listed_in(objects: Sequence[Object]) -> Listed:
    """The list of what is proven; without one nothing is."""
    lists = (o for o in objects if o["kind"] == "ConfigMap" and o["metadata"]["name"] == LIST)
    found: Listed = next(lists, {}).get("data", {})
    return found
