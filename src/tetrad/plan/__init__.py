"""What a change touches: stacks whose identity moves, by which part, and the cases that will run."""

from tetrad.plan.build import Tree, plan_stacks, suites_of
from tetrad.plan.changes import Files
from tetrad.plan.model import CaseChange, Estimate, Plan, StackPlan, SuitePlan
from tetrad.plan.render import RENDERERS

__all__ = [
    "RENDERERS",
    "CaseChange",
    "Estimate",
    "Files",
    "Plan",
    "StackPlan",
    "SuitePlan",
    "Tree",
    "plan_stacks",
    "suites_of",
]
