"""The types of assertions: a file a type or family, and here a line a type.

Names and meanings are promptfoo's where it has them; `retrieved` and `tool-called` are ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from tetrad.assertions.assertion_type import PureAssertion, Service, ServiceAssertion
from tetrad.assertions.types.bleu import BLEU
from tetrad.assertions.types.contains import (
    CONTAINS,
    CONTAINS_ALL,
    CONTAINS_ANY,
    ICONTAINS,
    ICONTAINS_ALL,
    ICONTAINS_ANY,
)
from tetrad.assertions.types.context_faithfulness import CONTEXT_FAITHFULNESS
from tetrad.assertions.types.equals import EQUALS
from tetrad.assertions.types.json_answer import CONTAINS_JSON, IS_JSON
from tetrad.assertions.types.levenshtein import LEVENSHTEIN
from tetrad.assertions.types.limits import COST, LATENCY
from tetrad.assertions.types.llm_rubric import LLM_RUBRIC
from tetrad.assertions.types.python_code import PYTHON
from tetrad.assertions.types.regex import REGEX
from tetrad.assertions.types.retrieved import RETRIEVED
from tetrad.assertions.types.rouge_n import ROUGE_N
from tetrad.assertions.types.similar import SIMILAR
from tetrad.assertions.types.starts_with import STARTS_WITH
from tetrad.assertions.types.tool_called import TOOL_CALLED
from tetrad.canonical import Json

_TYPES: tuple[PureAssertion | ServiceAssertion, ...] = (
    EQUALS,
    CONTAINS,
    ICONTAINS,
    CONTAINS_ALL,
    CONTAINS_ANY,
    ICONTAINS_ALL,
    ICONTAINS_ANY,
    STARTS_WITH,
    REGEX,
    IS_JSON,
    CONTAINS_JSON,
    SIMILAR,
    ROUGE_N,
    BLEU,
    LEVENSHTEIN,
    LATENCY,
    COST,
    PYTHON,
    RETRIEVED,
    TOOL_CALLED,
    LLM_RUBRIC,
    CONTEXT_FAITHFULNESS,
)

TYPES: Mapping[str, PureAssertion | ServiceAssertion] = {type_.name: type_ for type_ in _TYPES}


def _asking(service: Service) -> frozenset[str]:  # pragma: no mutate block
    asking = (type_ for type_ in _TYPES if isinstance(type_, ServiceAssertion))
    return frozenset(type_.name for type_ in asking if type_.service == service)


# What judges are asked, by the types that ask them.
QUESTIONS: Mapping[str, Mapping[str, Json]] = {
    type_.name: type_.question
    for type_ in _TYPES
    if isinstance(type_, ServiceAssertion) and type_.question is not None
}

# The names of the types that ask a judge of the suite, an embedder, and code of the golden set.
JUDGED = _asking("judge")
EMBEDDED = _asking("embedder")
CODED = _asking("code")
