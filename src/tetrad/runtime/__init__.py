"""How a stack answers one request; evals and the gateway both come here, and nothing of them does."""

from tetrad.runtime.answering import Prepared, Runtime, Toolbox, build

__all__ = ["Prepared", "Runtime", "Toolbox", "build"]
