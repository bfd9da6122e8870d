"""Assertion types by name: a family is a file, a type is a line of this table.

Names and meanings are promptfoo's where it has them; `retrieved` and `tool-called` are ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from tetrad.assertions.code import PYTHON
from tetrad.assertions.jsons import CONTAINS_JSON, IS_JSON
from tetrad.assertions.judged import CONTEXT_FAITHFULNESS, LLM_RUBRIC
from tetrad.assertions.limits import COST, LATENCY
from tetrad.assertions.overlap import BLEU, LEVENSHTEIN, ROUGE_N
from tetrad.assertions.similarity import SIMILAR
from tetrad.assertions.steps import RETRIEVED, TOOL_CALLED
from tetrad.assertions.texts import (
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
from tetrad.assertions.verdict import AssertionType

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
