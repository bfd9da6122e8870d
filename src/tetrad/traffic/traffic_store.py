"""Where live answers and feedback are kept: in the registry's database, beside the ledger.

Unlike the ledger's entries these are not chained, so that they can be erased without a trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection, Row, Table, delete, select

from tetrad.canonical import Digest
from tetrad.database import Closing
from tetrad.identity import read_identity, written_identity
from tetrad.registry import Place
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.entry import read_time, written_time
from tetrad.registry.inserting import insert_into
from tetrad.registry.upgrade import open_newest
from tetrad.traffic.kept_traffic import Feedback, KeptAnswer, read_answer, written_answer
from tetrad.traffic.tables import ANSWERS, FEEDBACK

_PAGE = 200  # answers read at once


class Traffic(Closing):
    """Kept answers and feedback, in the registry's SQLite file or on its PostgreSQL server."""

    def __init__(self, database: LedgerDatabase) -> None:
        self._database = database

    @classmethod
    def open(cls, place: Place) -> Self:
        """Open the registry's database, made where there is none, at its newest version."""
        return cls(open_newest(place))

    def close(self) -> None:
        self._database.close()

    @property
    def name(self) -> str:
        """The file or the server, without its password."""
        return self._database.name

    def keep(self, answers: Sequence[KeptAnswer], feedback: Sequence[Feedback] = ()) -> None:
        """Keep all or none. An answer that is kept already stays, and joins the sample if it is now."""
        with self._database.changing() as connection:
            if answers:
                _keep_answers(connection, answers)
            if feedback:
                connection.execute(FEEDBACK.insert(), [_feedback_row(one) for one in feedback])

    def answers(
        self,
        *,
        environment: str | None = None,
        stack: str | None = None,
        identity: Digest | None = None,
        since: datetime | None = None,
        traces: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        sampled: bool = False,
    ) -> Iterator[KeptAnswer]:
        """The kept answers, oldest first; those of the sample alone if `sampled`."""
        query = select(ANSWERS).order_by(ANSWERS.c.at, ANSWERS.c.id)
        query = query.where(*_conditions(ANSWERS, environment, stack, identity, since))
        if sampled:
            query = query.where(ANSWERS.c.sampled)
        if traces is not None:
            query = query.where(ANSWERS.c.trace.in_(traces))
        if ids is not None:
            query = query.where(ANSWERS.c.id.in_(ids))
        last: tuple[str, str] | None = None
        while True:
            page = query.limit(_PAGE)
            if last is not None:
                at, id_ = last
                page = page.where(
                    (ANSWERS.c.at > at) | ((ANSWERS.c.at == at) & (ANSWERS.c.id > id_))
                )
            with self._database.reading() as connection:
                rows = connection.execute(page).all()
            yield from map(_answer_of, rows)
            if len(rows) < _PAGE:
                return
            last = (rows[-1].at, rows[-1].id)

    def feedback(
        self,
        *,
        environment: str | None = None,
        stack: str | None = None,
        since: datetime | None = None,
    ) -> tuple[Feedback, ...]:
        """The feedback, oldest first."""
        query = select(FEEDBACK).order_by(FEEDBACK.c.at, FEEDBACK.c.id)
        query = query.where(*_conditions(FEEDBACK, environment, stack, None, since))
        with self._database.reading() as connection:
            return tuple(map(_feedback_of, connection.execute(query).all()))

    def erase(
        self, *, traces: Sequence[str] | None = None, before: datetime | None = None
    ) -> tuple[int, int]:
        """Erase answers and feedback of the traces, or of the time before; how many of each."""
        with self._database.changing() as connection:
            counts = []
            for table in (ANSWERS, FEEDBACK):
                statement = delete(table)
                if traces is not None:
                    statement = statement.where(table.c.trace.in_(traces))
                if before is not None:
                    statement = statement.where(table.c.at < written_time(before))
                counts.append(connection.execute(statement).rowcount)
        self._database.forget_erased()
        return counts[0], counts[1]


def _conditions(
    table: Table,
    environment: str | None,
    stack: str | None,
    identity: Digest | None,
    since: datetime | None,
) -> Iterator[Any]:
    if environment is not None:
        yield table.c.environment == environment
    if stack is not None:
        yield table.c.stack == stack
    if identity is not None:
        yield table.c.identity == written_identity(identity)
    if since is not None:
        yield table.c.at >= written_time(since)


def _keep_answers(connection: Connection, answers: Sequence[KeptAnswer]) -> None:
    keep = insert_into(connection, ANSWERS)
    keep = keep.on_conflict_do_update(
        index_elements=[ANSWERS.c.id],
        set_={"sampled": ANSWERS.c.sampled | keep.excluded.sampled},
    )
    connection.execute(keep, [_answer_row(one) for one in answers])


def _answer_row(kept: KeptAnswer) -> dict[str, object]:
    return {
        "id": kept.id,
        "trace": kept.trace,
        "at": written_time(kept.at),
        "environment": kept.environment,
        "stack": kept.stack,
        "identity": written_identity(kept.identity),
        "tenant": kept.tenant,
        "sampled": kept.sampled,
        "answer": written_answer(kept.answer),
    }


def _answer_of(row: Row[Any]) -> KeptAnswer:
    return KeptAnswer(
        id=row.id,
        trace=row.trace,
        at=read_time(row.at),
        environment=row.environment,
        stack=row.stack,
        identity=read_identity(row.identity),
        tenant=row.tenant,
        sampled=bool(row.sampled),
        answer=read_answer(row.answer),
    )


def _feedback_row(said: Feedback) -> dict[str, object]:
    return {
        "id": said.id,
        "at": written_time(said.at),
        "answer": said.answer,
        "trace": said.trace,
        "environment": said.environment,
        "stack": said.stack,
        "identity": written_identity(said.identity),
        "rating": said.rating,
        "comment": said.comment,
        "correction": said.correction,
        "tenant": said.tenant,
    }


def _feedback_of(row: Row[Any]) -> Feedback:
    return Feedback(
        id=row.id,
        at=read_time(row.at),
        answer=row.answer,
        trace=row.trace,
        environment=row.environment,
        stack=row.stack,
        identity=read_identity(row.identity),
        rating=row.rating,
        comment=row.comment,
        correction=row.correction,
        tenant=row.tenant,
    )
