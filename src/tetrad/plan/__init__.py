"""What a change touches: stacks whose identity moves, by which part, and the cases that will run."""

from tetrad.plan.build import plan_stacks, suites_of, unmoved_plan
from tetrad.plan.changes import Files
from tetrad.plan.model import Amount, BasePlan, CaseChange, Estimate, Plan, StackPlan, SuitePlan
from tetrad.plan.partners import Partners, partners_of
from tetrad.plan.posing import Posed, posed, with_cases
from tetrad.plan.render import RENDERERS
from tetrad.plan.roster import roster_changes
from tetrad.plan.suites import Estimator, Tree, no_estimate
from tetrad.plan.waivers import Waived, waived
from tetrad.plan.yardstick import priced_as, yardstick_changes

__all__ = [
    "RENDERERS",
    "Amount",
    "BasePlan",
    "CaseChange",
    "Estimate",
    "Estimator",
    "Files",
    "Partners",
    "Plan",
    "Posed",
    "StackPlan",
    "SuitePlan",
    "Tree",
    "Waived",
    "no_estimate",
    "partners_of",
    "plan_stacks",
    "posed",
    "priced_as",
    "roster_changes",
    "suites_of",
    "unmoved_plan",
    "waived",
    "with_cases",
    "yardstick_changes",
]
