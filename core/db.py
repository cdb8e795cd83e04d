"""The database: declarative base, shared column types and the unit of work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Dialect, Engine, Enum, Identity, MetaData, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, sessionmaker
from sqlalchemy.types import TypeDecorator

from core.clock import Clock, SystemClock

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant: naive values are refused, values read are in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime given to the database")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


BigId = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Region = Annotated[str, mapped_column(String(20), index=True)]
Code = Annotated[str, mapped_column(String(40))]


class Base(DeclarativeBase):
    """Every table of the program."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        StrEnum: Enum(
            StrEnum, native_enum=False, length=40, values_callable=lambda kind: [item.value for item in kind]
        ),
    }


class Database:
    """One PostgreSQL database: its engine, and sessions that carry the clock."""

    def __init__(self, url: str, *, clock: Clock | None = None, pool_size: int = 10) -> None:
        self.clock: Clock = clock or SystemClock()
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            # The connection used last is used next: the fewer are in use, the sooner each has its statements prepared.
            pool_use_lifo=True,
            # What a statement was given may be personal: it is in no error message, and so in no log.
            hide_parameters=True,
            connect_args={"options": "-c timezone=UTC -c lock_timeout=10s -c statement_timeout=30s"},
        )
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    def session(self, **info: Any) -> Session:
        """Open a session that carries the clock; the caller closes it."""
        return self._sessions(info={"clock": self.clock, **info})

    @contextmanager
    def unit_of_work(self, **info: Any) -> Iterator[Session]:
        """Commit once at the end of the block; roll back whatever raised."""
        with self.session(**info) as session, session.begin():
            yield session

    def dispose(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()
