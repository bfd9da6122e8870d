"""The policy pack: `pulumi up --policy-pack policy_pack` in infra/, or published for a whole organisation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# The engine starts the pack in its own folder; the modules of the program lie above it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)

from objects.kubernetes import object_name
from policy_pack.checking import violations
from policy_pack.rules import RULES


def _validation(name: str) -> Any:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = [one for one in args.resources if one.resource_type.startswith("kubernetes:")]
        by_name = {object_name(one.props): one for one in resources}
        for found in violations([one.props for one in by_name.values()]):
            if found.rule == name:
                report(str(found), by_name[found.object].urn)

    return validate


PolicyPack(
    name="tetrad",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        StackValidationPolicy(
            name=rule.name, description=rule.says, validate=_validation(rule.name)
        )
        for rule in RULES
    ],
)
