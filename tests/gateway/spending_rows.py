"""A registry of spending in memory, with a clock that is set."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from tetrad.gateway.limiting.purse import HOLDS_S, Claim, Holding, granted

DAY_S = 86_400
FIRST = date(2026, 1, 31)


@dataclass
class Row:
    spent: int = 0
    held: int = 0
    until: float = 0.0


@dataclass
class Registry:
    """The rows of all gateways, as the database keeps them."""

    now: float = 0.0
    rows: dict[tuple[date, int], Row] = field(default_factory=dict)

    @property
    def day(self) -> date:
        return FIRST + timedelta(days=int(self.now // DAY_S))

    def row(self, day: date, gateway: int) -> Row:
        return self.rows.setdefault((day, gateway), Row())

    def exchange(self, gateway: int, claim: Claim) -> Holding:
        for day, spent in claim.spent.items():
            row = self.row(day, gateway)
            row.spent = max(row.spent, spent)
        others = [r for (day, who), r in self.rows.items() if day == self.day and who != gateway]
        spent = sum(r.spent for r in others)
        held = sum(r.held for r in others if r.until > self.now)
        mine = self.row(self.day, gateway)
        mine.held = granted(claim, mine.spent, spent + held)
        mine.until = self.now + HOLDS_S
        return Holding(
            day=self.day,
            day_left_s=DAY_S - self.now % DAY_S,
            held=mine.held,
            spent_by_others=spent,
            held_by_others=held,
        )
