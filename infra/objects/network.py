"""The namespace, and traffic that is denied unless a component allows its own."""

from __future__ import annotations

import tetrad
from objects.kubernetes import (
    HTTP,
    Object,
    Place,
    allowed_traffic,
    from_namespaces,
    from_pods,
    tcp,
)


def namespace_object(place: Place) -> Object:
    metadata = place.metadata(place.namespace, "namespace")
    del metadata["namespace"]
    metadata["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    # Who ends an environment says so to the cluster: a program that forgets it removes nothing.
    metadata["annotations"] = {
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def default_deny(place: Place) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": place.metadata("default-deny", "namespace"),
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }


def model_server_traffic(place: Place, monitoring: tetrad.Monitoring | None) -> Object:
    """Gateways ask, Prometheus counts; a model server itself asks nobody."""
    scrapers = [] if monitoring is None else from_namespaces([monitoring.namespace])
    askers = [*from_pods(["gateway"]), *scrapers]
    return allowed_traffic(place, "model-server", ingress=[{"from": askers, "ports": tcp([HTTP])}])
