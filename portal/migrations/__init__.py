"""The database's history; the top layer sees every model."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration for a database address."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    # Percent signs are interpolation in Alembic's configuration.
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database to `revision`, the newest by default."""
    command.upgrade(alembic_config(url), revision)


def newest_revision() -> str | None:
    """Return the revision that this program was written for."""
    return ScriptDirectory.from_config(alembic_config("")).get_current_head()


def revision_of(engine: Engine) -> str | None:
    """Return the revision a database is at, None for an empty one."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
