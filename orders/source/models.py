"""Tables of a source elsewhere: when a person's prescriptions were read from it, and orders whose answer is awaited."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ARRAY, ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class SourceReading(Base):
    """When the latest answer about a person that was taken was asked for.

    Only an answer that was asked for after `settled_at`, when something of the source's was last written here, is certain to know of that.
    `is_in_part` when something in it could not be read.
    """

    __tablename__ = "source_reading"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, autoincrement=False)
    asked_at: Mapped[datetime]
    settled_at: Mapped[datetime]
    is_in_part: Mapped[bool] = mapped_column(default=False, server_default=false())


class AwaitedOrder(Base):
    """An order that was sent to the source and not answered yet; gone once it is known to be registered, or known not to be.

    One per person: two of them could not be told apart in the source's history. `known_item_ids` is every order item that the source
    had of the person before, by which a new one is known. `is_told` when the same form was sent again, and was told that it is awaited.
    """

    __tablename__ = "awaited_order"

    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), unique=True)
    sent_at: Mapped[datetime]
    known_item_ids: Mapped[list[str]] = mapped_column(ARRAY(String(80)))
    is_told: Mapped[bool] = mapped_column(default=False, server_default=false())
