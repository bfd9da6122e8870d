"""Golden sets: cases from YAML, JSON Lines, CSV and promptfoo's test files."""

from tetrad.golden.load import GoldenFile, load_golden

__all__ = ["GoldenFile", "load_golden"]
