"""The Kubernetes API: objects of an environment's namespace, and what is cluster-wide.

What it takes to connect is imported when a cluster is asked, and not before.
"""

from tetrad.cluster_api.cluster_objects import ClusterApi, Object, ResourceCollection

__all__ = ["ClusterApi", "Object", "ResourceCollection"]
