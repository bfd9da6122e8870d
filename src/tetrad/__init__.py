"""Tetrad: a declarative GitOps config-and-test harness for LLM systems."""

__version__ = "0.1.0"
