"""The Kubernetes API of an environment's namespace.

The library behind it is imported when a cluster is connected to, and not before.
"""

from tetrad.cluster_api.namespace import ClusterApi, Object, Path

__all__ = ["ClusterApi", "Object", "Path"]
