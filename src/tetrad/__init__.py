"""Tetrad: a declarative GitOps config-and-test harness for LLM systems."""
