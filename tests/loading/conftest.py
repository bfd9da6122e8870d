"""The examples hold golden sets, which our own plugin would collect."""

collect_ignore = ["valid", "invalid"]
