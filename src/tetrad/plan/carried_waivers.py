"""Waivers follow the cases that they name: to another suite, or to another id. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tetrad.model import Acceptance, Repository, Waiver
from tetrad.plan.partners import Partner, Partners


@dataclass(frozen=True, kw_only=True, slots=True)
class Waived:
    """The waivers of the change and those that it brings, under each name that their cases have.

    The same count by both yardsticks: whoever accepts a broken case accepts it. `acceptances` are
    the change's own: no others count.
    """

    waivers: tuple[Waiver, ...]
    brought: frozenset[Waiver]
    acceptances: tuple[Acceptance, ...]


def waived(head: Repository, base: Repository | None, partners: Partners | None) -> Waived:
    if base is None or partners is None:
        return Waived(waivers=head.waivers, brought=frozenset(), acceptances=head.acceptances)
    waivers = (
        *head.waivers,
        *_followed(head.waivers, partners.of_base, head),
        *_followed(head.waivers, partners.of_head, base),
    )
    there_already = {*base.waivers, *_followed(base.waivers, partners.of_base, head)}
    return Waived(
        waivers=tuple(dict.fromkeys(waivers)),
        brought=frozenset(waivers) - there_already,
        acceptances=tuple(line for line in head.acceptances if line not in base.acceptances),
    )


def _followed(
    waivers: Sequence[Waiver], partners: Mapping[str, Mapping[str, Partner]], tree: Repository
) -> tuple[Waiver, ...]:
    """The waivers of cases that a tree has under other names only, as it names those."""
    found = []
    for waiver in waivers:
        ref, _, case = (waiver.case or "").partition("#")
        partner = partners.get(ref, {}).get(case)
        if partner is not None and not _has(tree, ref, case):
            found.append(replace(waiver, case=f"{partner.suite}#{partner.case.id}"))
    return tuple(found)


def _has(tree: Repository, ref: str, case: str) -> bool:
    suite = tree.suites.get(ref)
    return suite is not None and any(known.id == case for known in suite.golden.cases)
