"""The Kubernetes API: objects of an environment's namespace, and what is cluster-wide.

What it takes to connect is imported when a cluster is asked, and not before.
"""

from tetrad.cluster_api.objects import ClusterApi, Collection, Object

__all__ = ["ClusterApi", "Collection", "Object"]
