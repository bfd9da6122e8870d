"""Who may ask, how much, and what answers where the model server does not.

What decides are state machines that are given the time; only `places`, `money` and `limiter` wait.
"""
