"""Changing what an environment serves: deployments, rollouts, promotions and rollbacks.

Each is one change of the environment's pointer, or a few; gateways follow them by themselves.
"""
