"""The list of what is proven, and the policies by which the API server refuses what is not on it.

The list is an object that the policies take as their parameter. Labels, annotations and digests of an
object have to agree with each other and with it, whoever applies the object.
"""

from __future__ import annotations

from desired import Desired
from objects.gateway import NAME as GATEWAY
from objects.kubernetes import COMPONENT as LABEL
from objects.kubernetes import Object, Place

COMPONENT = "admission"
LIST = "tetrad-proven"
_WORKLOADS = ("deployments", "statefulsets", "daemonsets", "replicasets")

_SPEC = """\
object.kind == 'Pod' ? object.spec :
object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template.spec :
object.spec.template.spec"""
_IMAGES = """\
variables.spec.containers.map(c, c.image)
+ (has(variables.spec.initContainers) ? variables.spec.initContainers.map(c, c.image) : [])
+ (has(variables.spec.volumes)
   ? variables.spec.volumes.filter(v, has(v.image)).map(v, v.image.reference) : [])
+ (has(variables.spec.ephemeralContainers)
   ? variables.spec.ephemeralContainers.map(c, c.image) : [])"""
# What only takes a finalizer off, or another's mark on, is let through: an object that has left the
# list must still be able to end.
_CHANGES = """\
oldObject == null || object.spec != oldObject.spec
|| object.metadata.?labels.orValue({}) != oldObject.metadata.?labels.orValue({})"""
_POD_METADATA = """\
object.kind == 'Pod' ? object.metadata :
object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template.metadata :
object.spec.template.metadata"""
_COMPONENT = f"""\
has(object.metadata.labels) && '{LABEL}' in object.metadata.labels
? object.metadata.labels['{LABEL}'] : ''"""
_MODEL = """\
variables.component != 'model-server' || (
  has(variables.pod.labels) && has(variables.pod.annotations)
  && 'tetrad.dev/model' in variables.pod.labels
  && 'tetrad.dev/model' in variables.pod.annotations
  && variables.pod.annotations['tetrad.dev/model'].matches('^sha256:[0-9a-f]{64}$')
  && variables.pod.annotations['tetrad.dev/model'].substring(7, 19)
     == variables.pod.labels['tetrad.dev/model']
  && object.metadata.labels['tetrad.dev/model'] == variables.pod.labels['tetrad.dev/model']
  && 'model.' + variables.pod.annotations['tetrad.dev/model'].substring(7) in params.data
  && variables.spec.containers.all(c,
     c.image == params.data['model.' + variables.pod.annotations['tetrad.dev/model'].substring(7)]))"""
_MODEL_NAME = """\
variables.component != 'model-server' || object.kind != 'Deployment'
|| object.metadata.name == 'model-' + object.metadata.labels['tetrad.dev/model']"""
_SNAPSHOT = """\
has(object.metadata.annotations) && has(object.immutable) && object.immutable
&& 'tetrad.dev/identity' in object.metadata.annotations
&& 'tetrad.dev/snapshot' in object.metadata.annotations
&& 'tetrad.dev/identity' in object.metadata.labels
&& object.metadata.annotations['tetrad.dev/identity'].matches('^tetrad:[0-9a-f]{64}$')
&& object.metadata.annotations['tetrad.dev/snapshot'].matches('^sha256:[0-9a-f]{64}$')
&& object.metadata.annotations['tetrad.dev/identity'].substring(7, 19)
   == object.metadata.labels['tetrad.dev/identity']
&& object.metadata.name.endsWith(
   '-' + object.metadata.annotations['tetrad.dev/snapshot'].substring(7, 19))
&& 'snapshot.' + object.metadata.annotations['tetrad.dev/snapshot'].substring(7) in params.data
&& params.data['snapshot.' + object.metadata.annotations['tetrad.dev/snapshot'].substring(7)]
   == object.metadata.annotations['tetrad.dev/identity']"""


def admission_policies(desired: Desired, place: Place) -> list[Object]:
    found = [
        *_policy("workloads", _workloads(), place, takes_list=True),
        *_policy("snapshots", _snapshots(), place, takes_list=True),
        *_policy("leases", _of_gateways(place), place, takes_list=False),
    ]
    if desired.cluster.deployer is not None:
        found += _policy("list", _only_by(desired.cluster.deployer), place, takes_list=False)
    return found


def proven_list(desired: Desired, place: Place) -> Object:
    models = {f"model.{m.digest.removeprefix('sha256:')}": m.image for m in desired.models}
    snapshots = {
        f"snapshot.{s.digest.removeprefix('sha256:')}": s.identity for s in desired.snapshots
    }
    images = "".join(f"{image}\n" for image in desired.images)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": place.metadata(LIST, COMPONENT),
        "data": {"images": images, **models, **snapshots},
    }


def _workloads() -> Object:
    return {
        "matchConstraints": {
            "resourceRules": [
                _rule("apps", _WORKLOADS),
                _rule("batch", ("jobs", "cronjobs")),
                _rule("", ("pods", "pods/ephemeralcontainers")),
            ]
        },
        "matchConditions": [{"name": "changes", "expression": _CHANGES}],
        "variables": [
            {"name": "spec", "expression": _SPEC},
            {"name": "pod", "expression": _POD_METADATA},
            {"name": "component", "expression": _COMPONENT},
            {"name": "images", "expression": _IMAGES},
        ],
        "validations": [
            {
                "expression": "variables.images.all(i, i in params.data['images'].split('\\n'))",
                "message": f"an image of it is not on the list {LIST}",
            },
            {
                "expression": _MODEL,
                "message": "its label, its annotation and its image are not those of a model on the"
                f" list {LIST}",
            },
            {"expression": _MODEL_NAME, "message": "its name is not that of its model"},
        ],
    }


def _snapshots() -> Object:
    return {
        "matchConstraints": {"resourceRules": [_rule("", ("configmaps",))]},
        "matchConditions": [
            {
                "name": "snapshots",
                "expression": "has(object.metadata.labels)"
                f" && '{LABEL}' in object.metadata.labels"
                f" && object.metadata.labels['{LABEL}'] == 'snapshot'",
            }
        ],
        "validations": [
            {
                "expression": _SNAPSHOT,
                "message": "its name, label and annotations are not those of a snapshot on the"
                f" list {LIST}",
            }
        ],
    }


def _of_gateways(place: Place) -> Object:
    """What a Role cannot say: which names a gateway may give. Others hold Leases there as well, such as
    whoever applies.
    """
    rule = _rule("coordination.k8s.io", ("leases",))
    rule["operations"] = ["CREATE", "UPDATE", "DELETE"]
    account = f"system:serviceaccount:{place.namespace}:{GATEWAY}"
    return {
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [
            {
                "name": "gateways",
                "expression": f"request.userInfo.username == {_quoted(account)}",
            }
        ],
        "validations": [
            {
                "expression": f"request.name.startsWith('{GATEWAY}-')",
                "message": "a gateway writes no Lease but those of gateways",
            }
        ],
    }


def _only_by(deployer: str) -> Object:
    rule = _rule("", ("configmaps",))
    rule["operations"] = ["CREATE", "UPDATE", "DELETE"]
    rule["resourceNames"] = [LIST]
    return {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [
            {
                "expression": f"request.userInfo.username == {_quoted(deployer)}",
                "message": f"only {deployer} may write it",
            }
        ],
    }


def _policy(name: str, spec: Object, place: Place, *, takes_list: bool) -> list[Object]:
    """A policy and its binding to the namespace; both belong to the cluster."""
    metadata = place.metadata(f"tetrad-{place.namespace}-{name}", COMPONENT)
    del metadata["namespace"]
    binding: Object = {
        "policyName": metadata["name"],
        "validationActions": ["Deny"],
        "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place.namespace}}
        },
    }
    parameter: Object = {}
    if takes_list:
        parameter = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
        binding["paramRef"] = {
            "name": LIST,
            "namespace": place.namespace,
            "parameterNotFoundAction": "Deny",
        }
    group = "admissionregistration.k8s.io/v1"
    return [
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": metadata,
            "spec": {"failurePolicy": "Fail", **parameter, **spec},
        },
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": metadata,
            "spec": binding,
        },
    ]


def _rule(group: str, resources: tuple[str, ...]) -> Object:
    return {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": list(resources),
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
