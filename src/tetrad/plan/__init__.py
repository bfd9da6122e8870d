"""What a change touches: stacks whose identity moves, by which part, and the cases that will run."""

from tetrad.plan.build import Estimator, Tree, no_estimate, plan_stacks, suites_of
from tetrad.plan.changes import Files
from tetrad.plan.estimate import Estimates
from tetrad.plan.model import CaseChange, Estimate, Plan, StackPlan, SuitePlan
from tetrad.plan.render import RENDERERS

__all__ = [
    "RENDERERS",
    "CaseChange",
    "Estimate",
    "Estimates",
    "Estimator",
    "Files",
    "Plan",
    "StackPlan",
    "SuitePlan",
    "Tree",
    "no_estimate",
    "plan_stacks",
    "suites_of",
]
