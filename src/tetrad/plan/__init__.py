"""What a change touches: stacks whose identity moves, by which part, and the cases that will run."""

from tetrad.plan.carried_waivers import Waived, waived
from tetrad.plan.changes import Files
from tetrad.plan.coverage import coverage_changes
from tetrad.plan.formats import RENDERERS
from tetrad.plan.partners import Partners, partners_of
from tetrad.plan.plans import Amount, BasePlan, CaseChange, Estimate, Plan, StackPlan, SuitePlan
from tetrad.plan.posing import Posed, posed, with_cases
from tetrad.plan.stacks import plan_stacks, suites_of, unmoved_plan
from tetrad.plan.suites import Estimator, Side, no_estimate
from tetrad.plan.yardstick import judging_before, priced_as, yardstick_changes

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
    "Side",
    "StackPlan",
    "SuitePlan",
    "Waived",
    "coverage_changes",
    "judging_before",
    "no_estimate",
    "partners_of",
    "plan_stacks",
    "posed",
    "priced_as",
    "suites_of",
    "unmoved_plan",
    "waived",
    "with_cases",
    "yardstick_changes",
]
