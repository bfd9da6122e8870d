"""What a change touches: stacks whose identity moves, by which part, and the cases that will run."""

from tetrad.plan.build import Estimator, Tree, no_estimate, plan_stacks, suites_of
from tetrad.plan.changes import Files
from tetrad.plan.model import Amount, CaseChange, Estimate, Plan, StackPlan, SuitePlan
from tetrad.plan.render import RENDERERS
from tetrad.plan.roster import roster_changes

__all__ = [
    "RENDERERS",
    "Amount",
    "CaseChange",
    "Estimate",
    "Estimator",
    "Files",
    "Plan",
    "StackPlan",
    "SuitePlan",
    "Tree",
    "no_estimate",
    "plan_stacks",
    "roster_changes",
    "suites_of",
]
