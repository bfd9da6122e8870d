"""The HTTP service in front of an environment's stacks, which answers by its pointer.

It answers through the same runtime as the evaluations, from snapshots alone, and imports nothing of
what judges (extra `gateway`).
"""
