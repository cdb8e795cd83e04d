"""Alembic's environment: every model, short lock waits, one transaction per migration."""

from __future__ import annotations

from alembic import context
from sqlalchemy import NullPool, create_engine, text

import core.audit
import core.idempotency
import core.outbox  # noqa: F401
import delivery.carrier_models
import delivery.complaints.claim_models
import delivery.complaints.draft_models
import delivery.complaints.exchange_models
import delivery.complaints.incident_models
import delivery.complaints.models
import delivery.complaints.recall_models
import delivery.complaints.signal_models
import delivery.count_models
import delivery.goods_models
import delivery.news_models
import delivery.warehouse_models
import delivery.wave_models  # noqa: F401
import orders.models
import orders.reminder_models
import orders.renewal_models
import orders.service_points
import orders.source.models  # noqa: F401
from core.db import Base


def run() -> None:
    """Bring the database at the configured address to the wanted revision."""
    url = context.config.get_main_option("sqlalchemy.url")
    assert url, "no database address was given"
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        # A migration that has to wait for a busy table gives up instead of making everybody queue behind it.
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.execute(text("SET statement_timeout = '10min'"))
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


run()
