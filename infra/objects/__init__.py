"""Kubernetes objects as plain values, made by pure functions: components and manifests are both
made of them, so that either way the same is applied.
"""
