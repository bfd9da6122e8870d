"""Environments: what they name is there, and what they say of numbers and days fits together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from tetrad.canonical import read_json
from tetrad.ed25519 import NotAKey, read_public
from tetrad.loading.build_access import build_access
from tetrad.loading.build_cluster import build_cluster, build_hosting, check_replicas
from tetrad.loading.build_waivers import day_at
from tetrad.loading.context import Context
from tetrad.loading.fields import Fields
from tetrad.model import (
    ApprovalRule,
    Environment,
    EvidenceRule,
    Keyless,
    Signer,
    TrustedKey,
)
from tetrad.model.defaults import picked
from tetrad.model.references import reference_of
from tetrad.model.serving import Retain
from tetrad.schemas.nearest import did_you_mean
from tetrad.yamldoc.parse import Path

_TRUSTED_ROOT = "application/vnd.dev.sigstore.trustedroot"  # up to its version


def build_environment(fields: Fields, context: Context) -> Environment:
    if "kubernetes" in fields.values and fields.get("target") != "kubernetes":
        message = "kubernetes: is given, and the target is local"
        hint = "write target: kubernetes, or leave it out"
        context.report(fields.issue(("kubernetes",), message, hint, at_key=True))
    signers: dict[str, Signer] = {}
    for name in fields.get("signers", {}):
        signer = signer_at(fields, context, ("signers", name))
        if signer is not None:
            _refuse_shared(signer, signers, fields, context)
            signers[name] = signer
    unpinned = set()
    models = {}
    for written, server in fields.get("models", {}).items():
        model = check_model(fields, context, ("models", written))
        if model is not None:
            models[model] = build_hosting(server)
            if server.get("unpinned"):
                unpinned.add(model)
        if "replicas" in server:
            check_replicas(fields, context, ("models", written, "replicas"))
    requires = fields.get("requires", {})
    return Environment(
        ref=fields.ref,
        location=fields.location,
        signers=signers,
        evidence=_evidence(fields, context) if "evidence" in requires else None,
        approvals=_approvals(requires["approvals"]) if "approvals" in requires else None,
        unpinned=frozenset(unpinned),
        access=build_access(fields, context),
        retain=Retain(**fields.get("retain", {})),
        models=models,
        cluster=build_cluster(fields, context),
        document=fields.values,
        **picked(fields.values, "target"),
    )


def _evidence(fields: Fields, context: Context) -> EvidenceRule:
    rule = fields.values["requires"]["evidence"]
    path: Path = ("requires", "evidence")
    signers = fields.get("signers", {})
    for number, name in enumerate(rule["signers"]):
        message, hint = "", ""
        if name not in signers:
            message = f"unknown signer {name!r}"
            hint = did_you_mean(name, signers, "add its key under signers:")
        elif signers[name]["role"] != "evaluator":
            message = f"signer {name!r} has the role {signers[name]['role']}, not evaluator"
            hint = "name a signer whose role is evaluator"
        if message:
            context.report(fields.issue((*path, "signers", number), message, hint))
    count = len(rule.get("suites", ()))
    suites = [check_suite(fields, context, (*path, "suites", number)) for number in range(count)]
    return EvidenceRule(
        signers=tuple(rule["signers"]),
        suites=tuple(suite for suite in suites if suite is not None),
        **picked(rule, "max_age_days"),
    )


def _approvals(rule: Mapping[str, Any]) -> ApprovalRule:
    return ApprovalRule(
        count=rule["count"], teams=tuple(rule.get("from", ())), **picked(rule, "not_author")
    )


def _refuse_shared(
    signer: Signer, others: Mapping[str, Signer], fields: Fields, context: Context
) -> None:
    other = next((other for other in others.values() if other.key == signer.key), None)
    if other is None:
        return
    message = f"the key of {signer.name} is that of {other.name}, too"
    kind, hint = "ed25519", "give each signer a key of its own: `tetrad keys new NAME`"
    if isinstance(signer.key, Keyless):
        message = f"{signer.name} is whom {other.name} is, too"
        kind, hint = "sigstore", "name each identity once"
    context.report(fields.issue(("signers", signer.name, kind), message, hint))


def signer_at(fields: Fields, context: Context, path: Path) -> Signer | None:
    """A signer; None, reported, where its key cannot be read."""
    raw = fields.value(path)
    if {"ed25519", "sigstore"} <= raw.keys():
        message, hint = "sigstore: is given beside a key", "leave one of them out"
        context.report(fields.issue((*path, "sigstore"), message, hint, at_key=True))
    key: TrustedKey | None = None
    if "ed25519" in raw:
        key = check_key(fields, context, (*path, "ed25519"))
    if "sigstore" in raw:
        key = keyless_at(fields, context, (*path, "sigstore"))
    valid = check_days(fields, context, (*path, "valid")) if "valid" in raw else None
    revoked = day_at(fields, context, (*path, "revoked")) if "revoked" in raw else None
    if key is None:
        return None
    return Signer(
        name=str(path[-1]),
        key=key,
        role=raw["role"],
        valid=valid,
        revoked=revoked,
        teams=tuple(raw.get("teams", ())),
        authors=tuple(raw.get("authors", ())),
    )


def keyless_at(fields: Fields, context: Context, path: Path) -> Keyless | None:
    """Whom Sigstore certifies; None, reported, where whose word counts cannot be read."""
    raw = fields.value(path)
    role = fields.value(path[:-1])["role"]
    if role == "deployer":
        hint = "give the deployer a key: `tetrad keys new NAME --role deployer`"
        message = "sigstore: is for evaluators and approvers; deployers sign with keys"
        context.report(fields.issue(path, message, hint, at_key=True))
    if "root" not in raw:
        return Keyless(identity=raw["identity"], issuer=raw["issuer"])
    root = check_root(fields, context, (*path, "root"))
    if root is None:
        return None
    return Keyless(identity=raw["identity"], issuer=raw["issuer"], root=root)


def check_root(fields: Fields, context: Context, path: Path) -> bytes | None:
    """The trusted root of Sigstore in a file; None, reported, where it holds none."""
    read = context.data(fields, path, fields.value(path), from_root=True)
    if read is None:
        return None
    file, root = read
    try:
        is_root = str(read_json(root.decode())["mediaType"]).startswith(_TRUSTED_ROOT)
    except (ValueError, KeyError, TypeError):
        is_root = False
    if not is_root:
        message = f"{file} is no trusted root of Sigstore"
        hint = "write the trusted_root.json of its TUF repository there"
        context.report(fields.issue(path, message, hint))
        return None
    return root


def check_suite(fields: Fields, context: Context, path: Path) -> str | None:
    """The reference of a suite; None, reported, where there is none."""
    file = context.names(fields, path, "suite")
    return None if file is None else reference_of(file)


def check_model(fields: Fields, context: Context, path: Path) -> str | None:
    """The model whose server a key stands for; None, reported, where there is none."""
    file = context.names(fields, path, "model", at_key=True)
    return None if file is None else reference_of(file)


def check_key(fields: Fields, context: Context, path: Path) -> bytes | None:
    """The raw public key of a file; None, reported, where it holds none."""
    read = context.data(fields, path, fields.value(path), from_root=True)
    if read is None:
        return None
    file, pem = read
    try:
        return read_public(pem)
    except NotAKey as error:
        hint = "`tetrad keys new NAME` writes a key pair; only the public half belongs here"
        context.report(fields.issue(path, f"{file} is {error}", hint))
        return None


def check_days(fields: Fields, context: Context, path: Path) -> tuple[date, date] | None:
    first, last = (day_at(fields, context, (*path, number)) for number in (0, 1))
    if first is None or last is None:
        return None
    if last < first:
        message = f"{last} is before {first}"
        context.report(fields.issue(path, message, "write the first day, then the last"))
    return first, last
