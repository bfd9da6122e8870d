"""Assertion types by name: a family is a file, a type is a line of this table.

Names and meanings are promptfoo's where it has them; `retrieved` and `tool-called` are ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from tetrad.evals.assertions.code import PYTHON
from tetrad.evals.assertions.jsons import CONTAINS_JSON, IS_JSON
from tetrad.evals.assertions.judged import CONTEXT_FAITHFULNESS, LLM_RUBRIC
from tetrad.evals.assertions.limits import COST, LATENCY
from tetrad.evals.assertions.overlap import BLEU, LEVENSHTEIN, ROUGE_N
from tetrad.evals.assertions.similarity import SIMILAR
from tetrad.evals.assertions.steps import RETRIEVED, TOOL_CALLED
from tetrad.evals.assertions.texts import (
    CONTAINS,
    CONTAINS_ALL,
    CONTAINS_ANY,
    EQUALS,
    ICONTAINS,
    ICONTAINS_ALL,
    ICONTAINS_ANY,
    REGEX,
    STARTS_WITH,
)
from tetrad.evals.assertions.verdict import AssertionType

__all__ = ["TYPES"]

TYPES: Mapping[str, AssertionType] = {
    "equals": EQUALS,
    "contains": CONTAINS,
    "icontains": ICONTAINS,
    "contains-all": CONTAINS_ALL,
    "contains-any": CONTAINS_ANY,
    "icontains-all": ICONTAINS_ALL,
    "icontains-any": ICONTAINS_ANY,
    "starts-with": STARTS_WITH,
    "regex": REGEX,
    "is-json": IS_JSON,
    "contains-json": CONTAINS_JSON,
    "similar": SIMILAR,
    "rouge-n": ROUGE_N,
    "bleu": BLEU,
    "levenshtein": LEVENSHTEIN,
    "latency": LATENCY,
    "cost": COST,
    "python": PYTHON,
    "retrieved": RETRIEVED,
    "tool-called": TOOL_CALLED,
    "llm-rubric": LLM_RUBRIC,
    "context-faithfulness": CONTEXT_FAITHFULNESS,
}
