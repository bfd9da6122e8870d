"""Environments: what they name is there, and what they say of numbers and days fits together."""

from __future__ import annotations

from tetrad.loading.build_waivers import day_at
from tetrad.loading.context import Context
from tetrad.loading.fields import Fields
from tetrad.model import Environment
from tetrad.model.defaults import picked
from tetrad.schemas.nearest import did_you_mean
from tetrad.yamldoc.parse import Path


def build_environment(fields: Fields, context: Context) -> Environment:
    if "kubernetes" in fields.values and fields.get("target") != "kubernetes":
        message = "kubernetes: is given, and the target is local"
        hint = "write target: kubernetes, or leave it out"
        context.report(fields.issue(("kubernetes",), message, hint, at_key=True))
    _check_evidence(fields, context)
    for name, signer in fields.get("signers", {}).items():
        check_key(fields, context, ("signers", name, "ed25519"))
        if "valid" in signer:
            check_days(fields, context, ("signers", name, "valid"))
    for ref, server in fields.get("models", {}).items():
        check_model(fields, context, ("models", ref))
        if "replicas" in server:
            check_replicas(fields, context, ("models", ref, "replicas"))
    return Environment(
        ref=fields.ref,
        location=fields.location,
        document=fields.values,
        **picked(fields.values, "target"),
    )


def _check_evidence(fields: Fields, context: Context) -> None:
    evidence = fields.get("requires", {}).get("evidence", {})
    path: Path = ("requires", "evidence")
    signers = fields.get("signers", {})
    for number, name in enumerate(evidence.get("signers", ())):
        if name not in signers:
            hint = did_you_mean(name, signers, "add its key under signers:")
            message = f"unknown signer {name!r}"
            context.report(fields.issue((*path, "signers", number), message, hint))
    for number in range(len(evidence.get("suites", ()))):
        check_suite(fields, context, (*path, "suites", number))


def check_suite(fields: Fields, context: Context, path: Path) -> None:
    context.names(fields, path, "suite")


def check_model(fields: Fields, context: Context, path: Path) -> None:
    """The model whose server a key stands for."""
    context.names(fields, path, "model", at_key=True)


def check_key(fields: Fields, context: Context, path: Path) -> None:
    """The file of a public key."""
    context.data(fields, path, fields.value(path), from_root=True)


def check_days(fields: Fields, context: Context, path: Path) -> None:
    first, last = (day_at(fields, context, (*path, number)) for number in (0, 1))
    if first is not None and last is not None and last < first:
        message = f"{last} is before {first}"
        context.report(fields.issue(path, message, "write the first day, then the last"))


def check_replicas(fields: Fields, context: Context, path: Path) -> None:
    replicas = fields.value(path)
    if replicas.get("min", 0) > replicas.get("max", replicas.get("min", 0)):
        message = f"min is {replicas['min']}, and max is {replicas['max']}"
        context.report(fields.issue(path, message, "write a max that is at least the min"))
