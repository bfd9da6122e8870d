"""The values that files become: one frozen type a concept, references resolved, defaults filled in.

Nothing here reads a file; `tetrad.loading` does. What of a value is behavioural is decided in
`tetrad.identity`. Mappings keep the order of the file.
"""

from tetrad.model.cases import Assertion, AssertionSet, Case, GoldenSet, RecordedCall, assertions_of
from tetrad.model.corpus import MOST_EMBEDDED_TOKENS, Chunking, Corpus, Documents, Index
from tetrad.model.environment import Environment
from tetrad.model.model import (
    Adapter,
    EngineSpec,
    Model,
    OpenAIEngine,
    Prices,
    ScriptedAnswer,
    ScriptedEngine,
    Source,
    TorchEngine,
    VllmEngine,
)
from tetrad.model.prompt import (
    ChatInput,
    Example,
    Generation,
    History,
    NearestExamples,
    Output,
    Prompt,
    PromptMessage,
    Role,
    Variable,
)
from tetrad.model.repository import Repository, Settings
from tetrad.model.stack import PASSAGES, Answerable, Guardrails, Retrieval, Stack
from tetrad.model.suite import (
    DEFAULT_JUDGE,
    EMBEDDING_JUDGE,
    METRICS,
    STATISTICS,
    Budget,
    By,
    Judge,
    MaxFlips,
    Minimum,
    MustPass,
    NoWorseThanBase,
    Requirement,
    Suite,
)
from tetrad.model.tool import HttpRun, McpRun, PythonRun, Tool, ToolRun
from tetrad.model.waivers import Acceptance, Waiver

__all__ = [
    "DEFAULT_JUDGE",
    "EMBEDDING_JUDGE",
    "METRICS",
    "MOST_EMBEDDED_TOKENS",
    "PASSAGES",
    "STATISTICS",
    "Acceptance",
    "Adapter",
    "Answerable",
    "Assertion",
    "AssertionSet",
    "Budget",
    "By",
    "Case",
    "ChatInput",
    "Chunking",
    "Corpus",
    "Documents",
    "EngineSpec",
    "Environment",
    "Example",
    "Generation",
    "GoldenSet",
    "Guardrails",
    "History",
    "HttpRun",
    "Index",
    "Judge",
    "MaxFlips",
    "McpRun",
    "Minimum",
    "Model",
    "MustPass",
    "NearestExamples",
    "NoWorseThanBase",
    "OpenAIEngine",
    "Output",
    "Prices",
    "Prompt",
    "PromptMessage",
    "PythonRun",
    "RecordedCall",
    "Repository",
    "Requirement",
    "Retrieval",
    "Role",
    "ScriptedAnswer",
    "ScriptedEngine",
    "Settings",
    "Source",
    "Stack",
    "Suite",
    "Tool",
    "ToolRun",
    "TorchEngine",
    "Variable",
    "VllmEngine",
    "Waiver",
    "assertions_of",
]
